import type { PolicyStatement } from "../modules/service-role";

export interface DeployerPolicyProps {
  readonly partition: string;
  readonly region: string;
  readonly accountIds: readonly string[];
  readonly namePrefix: string;
  readonly stateBucket: string;
  readonly stateLockTable: string;
}

/**
 * What a person or a workflow needs to deploy: the state, networks and hosts in one region, and IAM under our prefix.
 * Attach it to the deployer's user or role.
 */
export function deployerPolicy(props: DeployerPolicyProps): PolicyStatement[] {
  const { partition, region, namePrefix } = props;
  const arns = (service: string, resource: string, where = region) =>
    props.accountIds.map((account) => `arn:${partition}:${service}:${where}:${account}:${resource}`);
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
  return [
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
    // EC2's describe actions know no resources
    allow(
      "ReadNetworkAndHosts",
      [
        "ec2:Describe*",
        "ec2:GetEbsEncryptionByDefault",
        "logs:DescribeLogGroups",
        "cloudwatch:DescribeAlarms",
      ],
      "*",
      {
        StringEquals: { "aws:RequestedRegion": region },
      },
    ),
    allow("NetworkAndHosts", ["ec2:*"], arns("ec2", "*")),
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
      "FlowLogGroups",
      [
        "logs:CreateLogGroup",
        "logs:DeleteLogGroup",
        "logs:ListTagsForResource",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
        "logs:UntagResource",
      ],
      arns("logs", `log-group:/vpc/${namePrefix}-*`),
    ),
    allow(
      "RolesAndPolicies",
      [
        "iam:AddRoleToInstanceProfile",
        "iam:AttachRolePolicy",
        "iam:Create*",
        "iam:Delete*",
        "iam:DetachRolePolicy",
        "iam:Get*",
        "iam:List*",
        "iam:Put*",
        "iam:RemoveRoleFromInstanceProfile",
        "iam:Tag*",
        "iam:Untag*",
        "iam:Update*",
      ],
      ["role", "policy", "instance-profile"].flatMap((kind) => arns("iam", `${kind}/${namePrefix}-*`, "")),
    ),
    allow("HandOverRoles", ["iam:PassRole"], arns("iam", `role/${namePrefix}-*`, ""), {
      StringEquals: { "iam:PassedToService": ["ec2.amazonaws.com", "vpc-flow-logs.amazonaws.com"] },
    }),
    allow("ImageRepositories", ["ecr:*"], arns("ecr", `repository/${namePrefix}-*`)),
    allow("RegistryLogin", ["ecr:GetAuthorizationToken"], "*"),
  ];
}
