import type { SystemName } from "../../environments/catalogue";
import { iamPath } from "../../modules/naming";

/**
 * What `./landfall` does in AWS without Terraform, and the recording cannot show: in the emulator hosts and tasks are only
 * entries.
 */
export interface Operation {
  readonly actions: readonly string[];
  /** Systems whose environments need it. */
  readonly systems: readonly SystemName[];
  /** Last parts of ARNs, as patterns, by service. @default all, where IAM knows no resource */
  readonly resources?: (names: {
    readonly prefix: string;
    readonly env: string;
  }) => Readonly<Record<string, readonly string[]>>;
  /** Whether those of the environment are told by their tags, as AWS gives them ids for names. */
  readonly byTags?: true;
  /** Whether the resources are AWS's own. */
  readonly ofAws?: true;
  /** Values of condition keys. */
  readonly conditions?: (names: {
    readonly env: string;
    readonly region: string;
  }) => Readonly<Record<string, readonly string[]>>;
  /** Whether who applies does it too: what comes after Terraform. @default only who operates */
  readonly afterApply?: true;
  /** Which command needs it. */
  readonly why: string;
}

const hosts: readonly SystemName[] = ["chronos", "macro-ai", "x-scheduler"];
const containers: readonly SystemName[] = ["atomic-calendar", "viewer-atlas"];
const instances: Operation["resources"] = () => ({ ec2: ["instance/*"] });
const document =
  (name: string): Operation["resources"] =>
  () => ({ ssm: [`document/${name}`] });
const parameters: Operation["resources"] = ({ env }) => ({ ssm: [`parameter/landfall/${env}/macro-ai/*`] });

/** https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html */
export const operations: readonly Operation[] = [
  {
    actions: ["ssm:SendCommand", "ssm:StartSession"],
    systems: hosts,
    resources: instances,
    byTags: true,
    afterApply: true,
    why: "configure, release and ssh, on hosts",
  },
  {
    actions: ["ssm:SendCommand"],
    systems: hosts,
    resources: document("AWS-RunShellScript"),
    ofAws: true,
    afterApply: true,
    why: "configure and release, by this document",
  },
  {
    actions: ["ssm:StartSession"],
    systems: hosts,
    resources: document("AWS-StartSSHSession"),
    ofAws: true,
    afterApply: true,
    why: "configure, where SSH goes through Session Manager",
  },
  {
    actions: ["ssm:CancelCommand", "ssm:GetCommandInvocation"],
    systems: hosts,
    afterApply: true,
    why: "release waits for what it started, and stops it on Ctrl-C",
  },
  {
    actions: ["ec2:GetConsoleOutput"],
    systems: hosts,
    resources: instances,
    byTags: true,
    afterApply: true,
    why: "configure reads a new host's SSH key there",
  },
  {
    actions: ["s3:GetObject", "s3:PutObject"],
    systems: ["macro-ai"],
    resources: ({ prefix, env }) => ({ s3: [`${prefix}-${env}-macro-ai-artifacts/*`] }),
    afterApply: true,
    why: "release uploads the artifact",
  },
  {
    actions: ["ssm:GetParameterHistory"],
    systems: ["macro-ai"],
    resources: parameters,
    afterApply: true,
    why: "a rollback looks for the release before",
  },
  {
    actions: ["autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeInstanceRefreshes"],
    systems: ["macro-ai"],
    afterApply: true,
    why: "release goes by the hosts of a group",
  },
  {
    actions: ["autoscaling:DescribeAutoScalingGroups"],
    systems: ["macro-ai"],
    why: "release and ssh find the hosts of a group",
  },
  {
    actions: ["ssm:GetParameter", "ssm:PutParameter"],
    systems: ["macro-ai"],
    resources: parameters,
    why: "release says which one hosts are to run",
  },
  {
    actions: ["ssm:StartSession"],
    systems: hosts,
    resources: document("SSM-SessionManagerRunShell"), // the account's own settings of sessions
    why: "ssh, where there is no SSH",
  },
  {
    actions: ["ssm:StartSession"],
    systems: ["x-scheduler"],
    resources: document("AWS-StartInteractiveCommand"),
    ofAws: true,
    why: "oauth-setup asks X for access on the host",
  },
  {
    // https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-quickstart.html
    actions: ["ssm:ResumeSession", "ssm:TerminateSession"],
    systems: [...hosts, ...containers],
    resources: () => ({ ssm: ["session/${aws:userid}-*"] }),
    why: "sessions of one's own end",
  },
  {
    actions: ["logs:FilterLogEvents"],
    systems: hosts,
    resources: ({ env }) => ({ logs: [`log-group:/ec2/${env}-*`, `log-group:/ec2/${env}/*`] }),
    why: "logs of hosts",
  },
  {
    actions: ["logs:FilterLogEvents", "logs:GetLogEvents"],
    systems: containers,
    resources: ({ env }) => ({ logs: [`log-group:/ecs/${env}-*`] }),
    why: "logs of containers; run follows those of its task",
  },
  {
    actions: ["ecs:ListTasks"],
    systems: containers,
    conditions: ({ env, region }) => ({ "ecs:cluster": [`arn:*:ecs:${region}:*:cluster/${env}-*`] }),
    why: "ssh, run and db find tasks",
  },
  {
    actions: ["ecs:DescribeTasks", "ecs:ExecuteCommand", "ecs:StopTask"],
    systems: containers,
    resources: ({ env }) => ({ ecs: [`task/${env}-*`] }),
    why: "ssh into containers, run and its Ctrl-C",
  },
  {
    actions: ["ecs:ExecuteCommand"],
    systems: containers,
    resources: ({ env }) => ({ ecs: [`cluster/${env}-*`] }),
    why: "ssh into containers",
  },
  {
    actions: ["ecs:RunTask"],
    systems: containers,
    resources: ({ env }) => ({ ecs: [`task-definition/${env}-*:*`] }),
    why: "run",
  },
  {
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
    actions: ["ecs:TagResource"],
    systems: containers,
    resources: ({ env }) => ({ ecs: [`task/${env}-*`] }),
    conditions: () => ({ "ecs:CreateAction": ["RunTask"] }),
    why: "tasks that run starts have the tags of their definition",
  },
  {
    actions: ["iam:PassRole"],
    systems: containers,
    resources: ({ prefix, env }) => ({ iam: [`role${iamPath}${prefix}-${env}-*`] }),
    conditions: () => ({ "iam:PassedToService": ["ecs-tasks.amazonaws.com"] }),
    why: "run hands the task its roles",
  },
  {
    actions: ["ecs:DescribeServices", "ecs:UpdateService"],
    systems: containers,
    resources: ({ env }) => ({ ecs: [`service/${env}-*`] }),
    why: "restart, and secret set, which restarts who uses it",
  },
  {
    actions: ["secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"],
    systems: containers,
    resources: ({ env }) => ({ secretsmanager: [`secret:${env}-*`] }),
    why: "secret list and secret set",
  },
  {
    actions: ["secretsmanager:GetSecretValue"],
    systems: ["atomic-calendar"],
    resources: ({ env }) => ({
      secretsmanager: ["DbSecret", "HasuraAdminSecret"].map(
        (name) => `secret:${env}-atomic-calendar/${name}-*`,
      ),
    }),
    why: "db connects with the database's password, hasura-metadata with Hasura's",
  },
  {
    actions: ["kms:Decrypt", "kms:GenerateDataKey"],
    systems: containers,
    resources: () => ({ kms: ["key/*"] }),
    byTags: true,
    conditions: ({ region }) => ({ "kms:ViaService": [`secretsmanager.${region}.amazonaws.com`] }),
    why: "secrets, where the environment has a key of its own",
  },
  {
    actions: ["ssm:StartSession"],
    systems: ["atomic-calendar"],
    resources: ({ env }) => ({ ecs: [`task/${env}-atomic-calendar-*`] }),
    why: "db goes through a task",
  },
  {
    actions: ["ssm:StartSession"],
    systems: ["atomic-calendar"],
    resources: document("AWS-StartPortForwardingSessionToRemoteHost"),
    ofAws: true,
    why: "db, by this document",
  },
  {
    actions: ["ecr:GetAuthorizationToken"],
    systems: containers,
    why: "images push logs in",
  },
  {
    actions: [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ],
    systems: containers,
    resources: ({ prefix }) => ({ ecr: [`repository/${prefix}-*`] }),
    why: "images push and images pin",
  },
];
