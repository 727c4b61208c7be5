import { arnsIn } from "../modules/arn";
import { iamPath } from "../modules/naming";
import type { PolicyStatement } from "../modules/service-role";

export interface DeployerPolicyProps {
  readonly partition: string;
  readonly region: string;
  readonly accountIds: readonly string[];
  readonly namePrefix: string;
  readonly stateBucket: string;
  readonly stateLockTable: string;
  /** Name of the policy that bounds all our roles. */
  readonly boundary: string;
}

/** Services that make a role of their own in the account. */
const serviceLinked = [
  "autoscaling.amazonaws.com",
  "ecs.amazonaws.com",
  "ecs.application-autoscaling.amazonaws.com",
  "elasticfilesystem.amazonaws.com",
  "elasticloadbalancing.amazonaws.com",
  "events.amazonaws.com",
  "kafka.amazonaws.com",
  "rds.amazonaws.com",
  "wafv2.amazonaws.com",
];

/** What Terraform does with a parameter of Parameter Store. */
const keepParameters = [
  "ssm:AddTagsToResource",
  "ssm:DeleteParameter",
  "ssm:GetParameter*",
  "ssm:ListTagsForResource",
  "ssm:PutParameter",
  "ssm:RemoveTagsFromResource",
];

/** Names of systems in containers, after the environment's. */
export const containerSystems = ["vieweratlas", "atomic-calendar"];

/**
 * What a person or a workflow needs to deploy: the state, networks and hosts in one region, and IAM under our prefix.
 * Attach all to the deployer's user or role: one policy would be too long for IAM. They let nobody change them or the boundary of roles: that is for an
 * administrator, who also applies `shared` the first time.
 */
export function deployerPolicies(props: DeployerPolicyProps): {
  readonly foundation: PolicyStatement[];
  readonly systems: PolicyStatement[];
  readonly containers: PolicyStatement[];
  readonly services: PolicyStatement[];
} {
  const { partition, region, namePrefix } = props;
  const arns = (service: string, resource: string, where = region) =>
    arnsIn({ ...props, region: where }, service, resource);
  const ours = (kind: "role" | "policy" | "instance-profile") =>
    arns("iam", `${kind}${iamPath}${namePrefix}-*`, "");
  const allow = (
    Sid: string,
    Action: string[],
    Resource: string | string[],
    Condition?: PolicyStatement["Condition"],
  ): PolicyStatement => ({
    Sid,
    Effect: "Allow",
    Action,
    Resource,
    ...(Condition ? { Condition } : {}),
  });
  const buckets = [props.stateBucket, `${props.stateBucket}-logs`].map(
    (name) => `arn:${partition}:s3:::${name}`,
  );
  const foundation: PolicyStatement[] = [
    allow(
      "StateObjects",
      ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
      `arn:${partition}:s3:::${props.stateBucket}/*`,
    ),
    allow(
      "StateBuckets",
      [
        "s3:CreateBucket",
        "s3:ListBucket",
        "s3:GetBucket*",
        "s3:Get*Configuration",
        "s3:PutBucket*",
        "s3:Put*Configuration",
      ],
      buckets,
    ),
    allow(
      "StateLock",
      [
        "dynamodb:CreateTable",
        "dynamodb:DeleteItem",
        "dynamodb:Describe*",
        "dynamodb:GetItem",
        "dynamodb:ListTagsOfResource",
        "dynamodb:PutItem",
        "dynamodb:TagResource",
        "dynamodb:UntagResource",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateTable",
      ],
      arns("dynamodb", `table/${props.stateLockTable}`),
    ),
    // These actions know no resources
    allow(
      "ReadNetworkAndHosts",
      [
        "ec2:Describe*",
        "ec2:GetEbsEncryptionByDefault",
        "acm:ListCertificates",
        "autoscaling:Describe*",
        "cloudwatch:DescribeAlarms",
        "elasticloadbalancing:Describe*",
        "kms:ListAliases",
        "logs:DescribeLogGroups",
        "logs:DescribeMetricFilters",
        "ssm:DescribeParameters",
        "ssm:GetCommandInvocation",
      ],
      "*",
      {
        StringEquals: { "aws:RequestedRegion": region },
      },
    ),
    allow("NetworkAndHosts", ["ec2:*"], arns("ec2", "*")),
    // By another's instance he would have its role
    {
      Sid: "NotOthersHosts",
      Effect: "Deny",
      Action: [
        "ec2:AssociateIamInstanceProfile",
        "ec2:CreateTags",
        "ec2:DeleteTags",
        "ec2:ModifyInstance*",
        "ec2:RebootInstances",
        "ec2:ReplaceIamInstanceProfileAssociation",
        "ec2:ReplaceRootVolume*",
        "ec2:StartInstances",
        "ec2:StopInstances",
        "ec2:TerminateInstances",
      ],
      Resource: arns("ec2", "instance/*"),
      Condition: {
        StringNotEquals: { "aws:ResourceTag/Project": "landfall", "ec2:CreateAction": "RunInstances" },
      },
    },
    allow("Images", ["ec2:RunInstances"], [`arn:${partition}:ec2:${region}::image/*`]),
    allow(
      "ImageParameters",
      ["ssm:GetParameter", "ssm:GetParameters"],
      [`arn:${partition}:ssm:${region}::parameter/aws/service/*`],
    ),
    allow(
      "Alarms",
      [
        "cloudwatch:DeleteAlarms",
        "cloudwatch:ListTagsForResource",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:TagResource",
        "cloudwatch:UntagResource",
      ],
      arns("cloudwatch", "alarm:*"),
    ),
    allow(
      "LogGroups",
      [
        "logs:AssociateKmsKey", // an environment may get a key of its own later, or lose it
        "logs:CreateLogGroup",
        "logs:DeleteLogGroup",
        "logs:DeleteMetricFilter",
        "logs:DisassociateKmsKey",
        "logs:ListTagsForResource",
        "logs:PutMetricFilter",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
        "logs:UntagResource",
      ],
      ["vpc", "ec2"].flatMap((kind) => arns("logs", `log-group:/${kind}/*`)),
    ),
    allow(
      "ReadIam",
      ["iam:Get*", "iam:List*"],
      [...ours("role"), ...ours("policy"), ...ours("instance-profile")],
    ),
    // All under our own path. A role gets rights only within the boundary, so that nobody raises himself by a role
    allow(
      "BoundedRoles",
      ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"],
      ours("role"),
      { StringEquals: { "iam:PermissionsBoundary": arns("iam", `policy${iamPath}${props.boundary}`, "") } },
    ),
    allow(
      "Roles",
      [
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
      ],
      ours("role"),
    ),
    allow(
      "InstanceProfiles",
      [
        "iam:AddRoleToInstanceProfile",
        "iam:CreateInstanceProfile",
        "iam:DeleteInstanceProfile",
        "iam:RemoveRoleFromInstanceProfile",
        "iam:TagInstanceProfile",
        "iam:UntagInstanceProfile",
      ],
      ours("instance-profile"),
    ),
    // Each is made for the first of its kind: an alarm that acts on an instance, a load balancer, a group
    allow("ServiceLinkedRoles", ["iam:CreateServiceLinkedRole"], arns("iam", "role/aws-service-role/*", ""), {
      StringEquals: { "iam:AWSServiceName": serviceLinked },
    }),
    allow("HandOverRoles", ["iam:PassRole"], ours("role"), {
      StringEquals: { "iam:PassedToService": ["ec2.amazonaws.com", "vpc-flow-logs.amazonaws.com"] },
    }),
    allow("ImageRepositories", ["ecr:*"], arns("ecr", `repository/${namePrefix}-*`)),
    allow("RegistryLogin", ["ecr:GetAuthorizationToken"], "*"),
  ];
  const systems = [
    allow("Buckets", ["s3:*"], [`arn:${partition}:s3:::${namePrefix}-*`]),
    allow(
      "Tables",
      [
        "dynamodb:CreateTable",
        "dynamodb:DeleteTable",
        "dynamodb:Describe*",
        "dynamodb:ListTagsOfResource",
        "dynamodb:TagResource",
        "dynamodb:UntagResource",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateTable",
      ],
      arns("dynamodb", "table/*-XSchedulerUserTokens"),
    ),
    allow("Parameters", keepParameters, [
      ...arns("ssm", "parameter/*/x-scheduler/*"),
      ...arns("ssm", "parameter/landfall/*"),
    ]),
    // IAM knows no resource for these
    allow("Subscriptions", ["sns:GetSubscriptionAttributes", "sns:Unsubscribe"], "*", {
      StringEquals: { "aws:RequestedRegion": region },
    }),
    allow("AlarmTopics", ["sns:*"], [...arns("sns", "*-AlarmTopic"), ...arns("sns", "*-AlarmTopic:*")]),
    // release, rollback, configure, ssh and logs: on our hosts alone
    allow("OperateHosts", ["ssm:SendCommand", "ssm:StartSession"], arns("ec2", "instance/*"), {
      StringEquals: { "ssm:resourceTag/Project": "landfall" },
    }),
    allow(
      "OperateBy",
      ["ssm:SendCommand", "ssm:StartSession"],
      [
        ...["AWS-RunShellScript", "AWS-StartInteractiveCommand", "AWS-StartSSHSession"].map(
          (name) => `arn:${partition}:ssm:${region}::document/${name}`,
        ),
        ...arns("ssm", "document/SSM-SessionManagerRunShell"),
      ],
    ),
    allow("StopCommands", ["ssm:CancelCommand"], "*"), // the action knows no resources
    allow(
      "ReadHostLogs",
      ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartLiveTail"],
      arns("logs", "log-group:/ec2/*"),
    ),
    allow("DnsZones", ["route53:ListHostedZones", "route53:ListHostedZonesByName"], "*"), // of no region
    allow("Keys", ["kms:CreateKey"], "*", { StringEquals: { "aws:RequestTag/Project": "landfall" } }),
    allow("OwnKeys", ["kms:*"], arns("kms", "key/*"), {
      StringEquals: { "aws:ResourceTag/Project": "landfall" },
    }),
    allow(
      "KeyAliases",
      ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
      ["AlarmTopic", "data"].flatMap((name) => arns("kms", `alias/*-${name}`)),
    ),
    allow(
      "LoadBalancers",
      ["elasticloadbalancing:*"],
      ["loadbalancer/app", "listener/app", "listener-rule/app", "targetgroup"].flatMap((kind) => [
        ...arns("elasticloadbalancing", `${kind}/*-macro-ai/*`),
        ...arns("elasticloadbalancing", `${kind}/*-x-scheduler/*`),
      ]),
    ),
    allow(
      "Groups",
      ["autoscaling:*"],
      arns("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*-macro-ai"),
    ),
    allow("Certificates", ["acm:*"], arns("acm", "certificate/*")),
    // IAM knows no resource for it
    allow("AskForCertificates", ["acm:RequestCertificate"], "*", {
      StringEquals: { "aws:RequestTag/Project": "landfall", "aws:RequestedRegion": region },
    }),
    allow(
      "DnsRecords",
      [
        "route53:ChangeResourceRecordSets",
        "route53:GetHostedZone",
        "route53:ListResourceRecordSets",
        "route53:ListTagsForResource",
      ],
      [`arn:${partition}:route53:::hostedzone/*`],
    ),
    allow("DnsChanges", ["route53:GetChange"], [`arn:${partition}:route53:::change/*`]),
  ];
  /** ARNs by the names that systems in containers give what is theirs. */
  const theirs = (service: string, resource: (name: string) => string, where = region) =>
    containerSystems.flatMap((name) => arns(service, resource(name), where));
  const containers = [
    // These actions know no resources, or the provider asks without naming one
    allow(
      "ReadContainers",
      [
        "application-autoscaling:Describe*",
        "ecs:DescribeTaskDefinition",
        "ecs:ListTaskDefinitions",
        "elasticfilesystem:Describe*",
        "events:List*",
        "logs:DescribeResourcePolicies",
        "secretsmanager:ListSecrets",
        "ssm:DescribeDocument*",
        "sqs:ListQueues",
      ],
      "*",
      { StringEquals: { "aws:RequestedRegion": region } },
    ),
    // IAM knows no resource for either
    allow("OldTaskDefinitions", ["ecs:DeregisterTaskDefinition"], "*", {
      StringEquals: { "aws:RequestedRegion": region },
    }),
    allow("TaskDefinitions", ["ecs:RegisterTaskDefinition"], "*", {
      StringEquals: { "aws:RequestTag/Project": "landfall" },
    }),
    allow(
      "Clusters",
      ["ecs:*"],
      [
        ...theirs("ecs", (name) => `cluster/*-${name}-cluster`),
        ...["service", "task", "task-set"].flatMap((kind) =>
          theirs("ecs", (name) => `${kind}/*-${name}-cluster/*`),
        ),
        ...theirs("ecs", (name) => `task-definition/*-${name}-*:*`),
      ],
    ),
    allow(
      "ScaleServices",
      [
        "application-autoscaling:DeleteScalingPolicy",
        "application-autoscaling:DeregisterScalableTarget",
        "application-autoscaling:ListTagsForResource",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:RegisterScalableTarget",
        "application-autoscaling:TagResource",
        "application-autoscaling:UntagResource",
      ],
      arns("application-autoscaling", "scalable-target/*"),
    ),
    allow(
      "Schedules",
      ["scheduler:*"],
      theirs("scheduler", (name) => `schedule/default/*-${name}-*`),
    ),
    allow(
      "EventRules",
      ["events:*"],
      theirs("events", (name) => `rule/*-${name}-*`),
    ),
    allow(
      "Queues",
      ["sqs:*"],
      theirs("sqs", (name) => `*-${name}-*`),
    ),
    allow(
      "Automations",
      [
        "ssm:AddTagsToResource",
        "ssm:CreateDocument",
        "ssm:DeleteDocument",
        "ssm:GetDocument",
        "ssm:ListTagsForResource",
        "ssm:RemoveTagsFromResource",
        "ssm:UpdateDocument*",
      ],
      theirs("ssm", (name) => `document/*-${name}-*`),
    ),
    // He fills secrets and reads none here; who may run a task can have it print those that it is given
    allow(
      "Secrets",
      [
        "secretsmanager:CreateSecret",
        "secretsmanager:DeleteSecret",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetResourcePolicy",
        "secretsmanager:PutSecretValue",
        "secretsmanager:RestoreSecret",
        "secretsmanager:TagResource",
        "secretsmanager:UntagResource",
        "secretsmanager:UpdateSecret",
      ],
      theirs("secretsmanager", (name) => `secret:*-${name}/*`),
    ),
    allow("MakeFileSystems", ["elasticfilesystem:CreateFileSystem"], "*", {
      StringEquals: { "aws:RequestTag/Project": "landfall" },
    }),
    // What is being made has no tags yet
    allow(
      "TagFileSystems",
      ["elasticfilesystem:TagResource"],
      [...arns("elasticfilesystem", "file-system/*"), ...arns("elasticfilesystem", "access-point/*")],
      {
        StringEquals: { "elasticfilesystem:CreateAction": ["CreateFileSystem", "CreateAccessPoint"] },
      },
    ),
    allow(
      "FileSystems",
      ["elasticfilesystem:*"],
      [...arns("elasticfilesystem", "file-system/*"), ...arns("elasticfilesystem", "access-point/*")],
      { StringEquals: { "aws:ResourceTag/Project": "landfall" } },
    ),
    allow(
      "Budgets",
      ["budgets:*"],
      theirs("budgets", (name) => `budget/*-${name}-budget`, ""),
    ),
    allow("LetEventsLog", ["logs:PutResourcePolicy", "logs:DeleteResourcePolicy"], "*", {
      StringEquals: { "aws:RequestedRegion": region },
    }),
    allow(
      "ContainerLogs",
      [
        "logs:AssociateKmsKey",
        "logs:CreateLogGroup",
        "logs:DeleteLogGroup",
        "logs:DescribeLogStreams",
        "logs:DisassociateKmsKey",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "logs:ListTagsForResource",
        "logs:PutRetentionPolicy",
        "logs:StartLiveTail",
        "logs:TagResource",
        "logs:UntagResource",
      ],
      ["ecs", "aws/events"].flatMap((kind) => theirs("logs", (name) => `log-group:/${kind}/*-${name}-*`)),
    ),
    allow("HandOverRolesToContainers", ["iam:PassRole"], ours("role"), {
      StringEquals: {
        "iam:PassedToService": ["ecs-tasks", "events", "scheduler", "ssm"].map(
          (service) => `${service}.amazonaws.com`,
        ),
      },
    }),
  ];
  const services = [
    allow(
      "ReadServices",
      [
        "kafka:Describe*",
        "kafka:GetBootstrapBrokers",
        "kafka:List*",
        "rds:Describe*",
        "servicediscovery:Get*",
        "servicediscovery:List*",
        "wafv2:List*",
      ],
      "*",
      { StringEquals: { "aws:RequestedRegion": region } },
    ),
    allow(
      "Databases",
      ["rds:*"],
      ["cluster", "cluster-pg", "cluster-snapshot", "db", "pg", "snapshot", "subgrp"].flatMap((kind) =>
        arns("rds", `${kind}:*-atomic-calendar*`),
      ),
    ),
    // What a database has that is given none of its own
    allow(
      "DatabaseDefaults",
      ["rds:CreateDB*", "rds:ModifyDB*"],
      [...arns("rds", "og:default*"), ...arns("rds", "pg:default*")],
    ),
    allow("MakePasswords", ["secretsmanager:GetRandomPassword"], "*", {
      StringEquals: { "aws:RequestedRegion": region },
    }),
    // A plan reads what was generated, to hand it on: it keeps none
    allow(
      "ReadGenerated",
      ["secretsmanager:GetSecretValue", "secretsmanager:UpdateSecretVersionStage"],
      ["DbSecret", "Hasura*", "Supertokens*", "OptaplannerDbConnString"].flatMap((name) =>
        arns("secretsmanager", `secret:*-atomic-calendar/${name}-*`),
      ),
    ),
    allow("Receipts", keepParameters, arns("ssm", "parameter/*-atomic-calendar/database*")),
    allow(
      "Balancers",
      ["elasticloadbalancing:*"],
      [
        ...["loadbalancer/app", "listener/app", "listener-rule/app"].flatMap((kind) =>
          arns("elasticloadbalancing", `${kind}/*-atomic-calendar/*`),
        ),
        ...arns("elasticloadbalancing", "targetgroup/*-atomic-*/*"),
      ],
    ),
    allow(
      "Firewall",
      ["wafv2:*"],
      [
        ...arns("wafv2", "regional/webacl/*-atomic-calendar/*"),
        ...arns("elasticloadbalancing", "loadbalancer/app/*-atomic-calendar/*"),
        `arn:${partition}:wafv2:${region}:*:regional/managedruleset/*`,
      ],
    ),
    allow(
      "GivenFirewall",
      ["wafv2:AssociateWebACL", "wafv2:GetWebACL", "wafv2:GetWebACLForResource"],
      arns("wafv2", "regional/webacl/*"),
    ),
    // WAF writes the policy of its log group by itself, on behalf of who turns the log on
    allow(
      "FirewallLogs",
      ["logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:PutResourcePolicy"],
      "*",
      { StringEquals: { "aws:RequestedRegion": region } },
    ),
    allow(
      "ServiceLogs",
      [
        "logs:AssociateKmsKey",
        "logs:CreateLogGroup",
        "logs:DeleteLogGroup",
        "logs:DisassociateKmsKey",
        "logs:ListTagsForResource",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
        "logs:UntagResource",
      ],
      [
        ...arns("logs", "log-group:/aws/rds/*/*-atomic-calendar/*"),
        ...arns("logs", "log-group:aws-waf-logs-*-atomic-calendar*"),
      ],
    ),
    // What is being made has no tags yet, and its zone has none at all
    allow(
      "MakeNames",
      ["servicediscovery:CreatePrivateDnsNamespace", "servicediscovery:CreateService"],
      "*",
      {
        StringEquals: { "aws:RequestTag/Project": "landfall" },
      },
    ),
    allow(
      "Names",
      ["servicediscovery:*"],
      [...arns("servicediscovery", "namespace/*"), ...arns("servicediscovery", "service/*")],
      { StringEquals: { "aws:ResourceTag/Project": "landfall" } },
    ),
    allow(
      "NamesInDns",
      ["route53:AssociateVPCWithHostedZone", "route53:CreateHostedZone", "route53:DeleteHostedZone"],
      "*", // of no region
    ),
    allow(
      "Dashboards",
      ["cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"],
      arns("cloudwatch", "dashboard/*-SystemHealthOverview", ""),
    ),
    allow("CompositeAlarms", ["cloudwatch:PutCompositeAlarm"], arns("cloudwatch", "alarm:*")),
    // IAM knows no resource for these
    allow("TagNames", ["servicediscovery:TagResource", "servicediscovery:UntagResource"], "*", {
      StringEquals: { "aws:RequestedRegion": region },
    }),
    // Tunnels to the database and to Hasura
    allow("TunnelThrough", ["ssm:StartSession"], arns("ecs", "task/*-atomic-calendar-cluster/*")),
    allow(
      "TunnelBy",
      ["ssm:StartSession"],
      ["AWS-StartPortForwardingSession", "AWS-StartPortForwardingSessionToRemoteHost"].map(
        (name) => `arn:${partition}:ssm:${region}::document/${name}`,
      ),
    ),
    allow("Streams", ["kafka:*"], arns("kafka", "cluster/*-atomic-calendar/*")),
    allow("HandOverRolesToDatabases", ["iam:PassRole"], ours("role"), {
      StringEquals: { "iam:PassedToService": "monitoring.rds.amazonaws.com" },
    }),
  ];
  return { foundation, systems, containers, services };
}
