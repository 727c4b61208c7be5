import { arnsIn } from "../modules/arn";
import { iamPath } from "../modules/naming";
import type { PolicyStatement } from "../modules/service-role";

/** Names of systems in containers, after the environment's. */
const containerSystems = ["vieweratlas", "atomic-calendar"];

/**
 * The most that roles of hosts and services may do, whatever policies they are given. It grants nothing by itself; it
 * keeps whoever may write our roles' policies from making a role that may do more than the workloads need.
 */
export const workloadBoundary = (props: {
  readonly partition: string;
  readonly region: string;
  readonly accountIds: readonly string[];
}): PolicyStatement[] => [
  {
    Sid: "Logs",
    Effect: "Allow",
    Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLog*", "logs:PutLogEvents"],
    Resource: "*",
  },
  {
    // Of RDS's enhanced monitoring
    Sid: "DatabaseMetrics",
    Effect: "Allow",
    Action: ["logs:GetLogEvents", "logs:PutRetentionPolicy"],
    Resource: arnsIn(props, "logs", "log-group:RDSOSMetrics*"),
  },
  {
    Sid: "Metrics",
    Effect: "Allow",
    Action: ["cloudwatch:PutMetricData", "ec2:DescribeTags", "ec2:DescribeVolumes"],
    Resource: "*",
  },
  {
    Sid: "Data",
    Effect: "Allow",
    Action: [
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
      "s3:DeleteObject",
      "s3:GetObject",
      "s3:GetObjectVersion",
      "s3:ListBucket",
      "s3:PutObject",
    ],
    Resource: "*",
  },
  {
    Sid: "Containers",
    Effect: "Allow",
    Action: [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:GetAuthorizationToken",
      "ecr:GetDownloadUrlForLayer",
      "ecs:TagResource",
      "elasticfilesystem:ClientMount",
      "elasticfilesystem:ClientWrite",
    ],
    Resource: "*",
  },
  {
    Sid: "OwnContainers",
    Effect: "Allow",
    Action: [
      "ecs:DescribeServices",
      "ecs:DescribeTasks",
      "ecs:RunTask",
      "ecs:UpdateService",
      "sqs:SendMessage",
      "ssm:StartAutomationExecution",
    ],
    Resource: [
      ...containerSystems.flatMap((name) => [
        ...arnsIn(props, "ecs", `service/*-${name}-cluster/*`),
        ...arnsIn(props, "ecs", `task/*-${name}-cluster/*`),
        ...arnsIn(props, "ecs", `task-definition/*-${name}-*`),
        ...arnsIn(props, "sqs", `*-${name}-*`),
        ...arnsIn(props, "ssm", `automation-definition/*-${name}-*`),
        ...arnsIn(props, "ssm", `document/*-${name}-*`),
      ]),
      ...arnsIn(props, "ssm", "automation-execution/*"),
    ],
  },
  {
    Sid: "Secrets",
    Effect: "Allow",
    Action: ["secretsmanager:GetSecretValue"],
    Resource: containerSystems.flatMap((name) => arnsIn(props, "secretsmanager", `secret:*-${name}/*`)),
  },
  {
    Sid: "TracesAndStreams",
    Effect: "Allow",
    Action: ["kafka-cluster:*", "xray:GetSampling*", "xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    Resource: "*",
  },
  {
    // To tasks and automations, and no role but ours, which this bounds too
    Sid: "HandOverRoles",
    Effect: "Allow",
    Action: ["iam:PassRole"],
    Resource: arnsIn({ ...props, region: "" }, "iam", `role${iamPath}*`),
    Condition: {
      StringEquals: { "iam:PassedToService": ["ecs-tasks.amazonaws.com", "ssm.amazonaws.com"] },
    },
  },
  {
    Sid: "Keys",
    Effect: "Allow",
    Action: ["kms:Decrypt", "kms:GenerateDataKey"],
    Resource: "*",
    Condition: {
      StringEquals: {
        "kms:ViaService": ["ssm", "dynamodb", "s3", "secretsmanager"].map(
          (service) => `${service}.${props.region}.amazonaws.com`,
        ),
      },
    },
  },
  {
    Sid: "OwnLaunch",
    Effect: "Allow",
    Action: ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"],
    Resource: "*",
  },
  {
    // What AmazonSSMManagedInstanceCore has, but for the account's other parameters
    Sid: "SystemsManager",
    Effect: "Allow",
    Action: [
      "ec2messages:*",
      "ssm:DescribeAssociation",
      "ssm:DescribeDocument",
      "ssm:GetDeployablePatchSnapshotForInstance",
      "ssm:GetDocument",
      "ssm:GetManifest",
      "ssm:ListAssociations",
      "ssm:ListInstanceAssociations",
      "ssm:PutComplianceItems",
      "ssm:PutConfigurePackageResult",
      "ssm:PutInventory",
      "ssm:UpdateAssociationStatus",
      "ssm:UpdateInstanceAssociationStatus",
      "ssm:UpdateInstanceInformation",
      "ssmmessages:*",
    ],
    Resource: "*",
  },
  {
    Sid: "Parameters",
    Effect: "Allow",
    Action: ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
    Resource: props.accountIds.flatMap((account) =>
      [
        "landfall/*",
        ...["x-scheduler", "macro-ai"].flatMap((system) => [`*/${system}`, `*/${system}/*`]),
      ].map((path) => `arn:${props.partition}:ssm:${props.region}:${account}:parameter/${path}`),
    ),
  },
];
