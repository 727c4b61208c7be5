import type { SystemName } from "../../environments/catalogue";

/** What `./landfall` does in AWS by itself, and the recording cannot show: in the emulator hosts are only entries. */
export interface Operation {
  readonly actions: readonly string[];
  /** Systems whose environments need it. */
  readonly systems: readonly SystemName[];
  /** Last parts of ARNs, as patterns, by service. @default all, where IAM knows no resource */
  readonly resources?: (names: {
    readonly prefix: string;
    readonly env: string;
  }) => Readonly<Record<string, readonly string[]>>;
  /** Whether the resources are hosts: then those of the environment alone, by their tags. */
  readonly hosts?: true;
  /** Whether the resources are AWS's own. */
  readonly ofAws?: true;
  /** Which command needs it. */
  readonly why: string;
}

const hosts: readonly SystemName[] = ["chronos", "macro-ai", "x-scheduler"];

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html */
export const operations: readonly Operation[] = [
  {
    actions: ["ssm:SendCommand", "ssm:StartSession"],
    systems: hosts,
    resources: () => ({ ec2: ["instance/*"] }),
    hosts: true,
    why: "configure and release, on hosts",
  },
  {
    actions: ["ssm:SendCommand"],
    systems: hosts,
    resources: () => ({ ssm: ["document/AWS-RunShellScript"] }),
    ofAws: true,
    why: "configure and release, by this document",
  },
  {
    actions: ["ssm:StartSession"],
    systems: hosts,
    resources: () => ({ ssm: ["document/AWS-StartSSHSession"] }),
    ofAws: true,
    why: "configure, where SSH goes through Session Manager",
  },
  {
    actions: ["ssm:CancelCommand", "ssm:GetCommandInvocation"],
    systems: hosts,
    why: "release waits for what it started, and stops it on Ctrl-C",
  },
  {
    actions: ["ec2:GetConsoleOutput"],
    systems: hosts,
    resources: () => ({ ec2: ["instance/*"] }),
    hosts: true,
    why: "configure reads a new host's SSH key there",
  },
  {
    actions: ["s3:GetObject", "s3:PutObject"],
    systems: ["macro-ai"],
    resources: ({ prefix, env }) => ({ s3: [`${prefix}-${env}-macro-ai-artifacts/*`] }),
    why: "release uploads the artifact",
  },
  {
    actions: ["ssm:GetParameterHistory"],
    systems: ["macro-ai"],
    resources: ({ env }) => ({ ssm: [`parameter/landfall/${env}/macro-ai/*`] }),
    why: "a rollback looks for the release before",
  },
  {
    actions: ["autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeInstanceRefreshes"],
    systems: ["macro-ai"],
    why: "release goes by the hosts of a group",
  },
];
