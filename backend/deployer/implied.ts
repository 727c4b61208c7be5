/** An action that the recording cannot show: AWS checks it with another request, or a later change of ours needs it. */
export interface ImpliedAction {
  readonly actions: readonly string[];
  /** Recorded actions that make it necessary: with one of them in a policy, it is in too. */
  readonly with: readonly string[];
  readonly why: string;
  /** AWS's documentation. */
  readonly source: string;
  /** Narrows it further than names and tags do. */
  readonly conditions?: Readonly<Record<string, readonly string[]>>;
  /** Only on these types of resources. @default all types that AWS knows for the action */
  readonly types?: readonly string[];
}

const reference = (service: string) =>
  `https://docs.aws.amazon.com/service-authorization/latest/reference/list_${service}.html`;

/** AWS asks for the right to tag with a request that makes something with tags. */
const tagging = (create: readonly string[], tag: readonly string[], source: string): ImpliedAction => ({
  actions: tag,
  with: create,
  why: "What is made has tags from the start; later other ones",
  source,
});

/** Services that make a role of their own in the account, by what has them make it. */
const serviceLinkedRoles: Readonly<Record<string, readonly string[]>> = {
  "autoscaling.amazonaws.com": ["autoscaling:CreateAutoScalingGroup"],
  "ecs.amazonaws.com": ["ecs:CreateCluster"],
  "ecs.application-autoscaling.amazonaws.com": ["application-autoscaling:RegisterScalableTarget"],
  "elasticfilesystem.amazonaws.com": ["elasticfilesystem:CreateFileSystem"],
  "elasticloadbalancing.amazonaws.com": ["elasticloadbalancing:CreateLoadBalancer"],
  "events.amazonaws.com": ["cloudwatch:PutMetricAlarm"],
  "kafka.amazonaws.com": ["kafka:CreateClusterV2"],
  "rds.amazonaws.com": ["rds:CreateDBInstance", "rds:CreateDBCluster"],
  "wafv2.amazonaws.com": ["wafv2:PutLoggingConfiguration"],
};

/** Of these a key of the account's own encrypts what they keep. */
const encrypting = ["dynamodb", "ec2", "elasticfilesystem", "rds", "s3", "secretsmanager", "ssm"];
const usersOfKeys = [
  "dynamodb:CreateTable",
  "ec2:RunInstances",
  "elasticfilesystem:CreateFileSystem",
  "rds:CreateDBInstance",
  "rds:CreateDBCluster",
  "s3:PutEncryptionConfiguration",
  "secretsmanager:CreateSecret",
  "ssm:PutParameter",
];

/** What makes a thing, and what changes it in place: the recording changes a few inputs of many. */
const laterChanges: readonly (readonly [make: string, change: readonly string[]])[] = [
  [
    "autoscaling:CreateAutoScalingGroup",
    ["autoscaling:StartInstanceRefresh", "autoscaling:UpdateAutoScalingGroup"],
  ],
  ["cloudwatch:PutMetricAlarm", ["cloudwatch:DeleteAlarms"]],
  ["dynamodb:CreateTable", ["dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable"]],
  ["ec2:CreateLaunchTemplate", ["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"]],
  ["ec2:CreateNetworkAclEntry", ["ec2:DeleteNetworkAclEntry", "ec2:ReplaceNetworkAclEntry"]],
  ["ec2:CreateRoute", ["ec2:DeleteRoute", "ec2:ReplaceRoute"]],
  ["ec2:AuthorizeSecurityGroupIngress", ["ec2:ModifySecurityGroupRules"]],
  [
    "ec2:RunInstances",
    [
      "ec2:ModifyInstanceAttribute",
      "ec2:ModifyInstanceMetadataOptions",
      "ec2:ModifyVolume",
      "ec2:MonitorInstances",
      "ec2:StartInstances",
      "ec2:StopInstances",
      "ec2:UnmonitorInstances",
    ],
  ],
  ["ec2:CreateVpcEndpoint", ["ec2:ModifyVpcEndpoint"]],
  [
    "ecr:CreateRepository",
    ["ecr:DeleteLifecyclePolicy", "ecr:PutImageScanningConfiguration", "ecr:PutImageTagMutability"],
  ],
  [
    "ecs:CreateCluster",
    ["ecs:PutClusterCapacityProviders", "ecs:UpdateCluster", "ecs:UpdateClusterSettings"],
  ],
  ["ecs:CreateService", ["ecs:UpdateService"]],
  [
    "elasticfilesystem:CreateFileSystem",
    ["elasticfilesystem:ModifyMountTargetSecurityGroups", "elasticfilesystem:UpdateFileSystem"],
  ],
  [
    "elasticloadbalancing:CreateLoadBalancer",
    [
      "elasticloadbalancing:ModifyListener",
      "elasticloadbalancing:ModifyLoadBalancerAttributes",
      "elasticloadbalancing:ModifyRule",
      "elasticloadbalancing:ModifyTargetGroup",
      "elasticloadbalancing:ModifyTargetGroupAttributes",
      "elasticloadbalancing:SetRulePriorities",
      "elasticloadbalancing:SetSecurityGroups",
      "elasticloadbalancing:SetSubnets",
    ],
  ],
  [
    "iam:CreateRole",
    [
      "iam:PutRolePermissionsBoundary",
      "iam:UpdateAssumeRolePolicy",
      "iam:UpdateRole",
      "iam:UpdateRoleDescription",
    ],
  ],
  [
    "kms:CreateKey",
    ["kms:CancelKeyDeletion", "kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:UpdateKeyDescription"],
  ],
  ["kms:CreateAlias", ["kms:UpdateAlias"]],
  ["logs:CreateLogGroup", ["logs:DeleteRetentionPolicy", "logs:PutRetentionPolicy"]],
  ["rds:CreateDBCluster", ["rds:ModifyDBCluster", "rds:ModifyDBClusterParameterGroup"]],
  ["rds:CreateDBInstance", ["rds:ModifyDBInstance", "rds:ModifyDBParameterGroup", "rds:RebootDBInstance"]],
  ["rds:CreateDBSubnetGroup", ["rds:ModifyDBSubnetGroup"]],
  ["scheduler:CreateSchedule", ["scheduler:UpdateSchedule"]],
  ["secretsmanager:CreateSecret", ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret"]],
  ["servicediscovery:CreateService", ["servicediscovery:UpdateService"]],
  ["ssm:CreateDocument", ["ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion"]],
  ["wafv2:CreateWebACL", ["wafv2:UpdateWebACL"]],
];

/** By region, as conditions name services of one. */
export const implied = (region: string): readonly ImpliedAction[] => [
  ...Object.entries(serviceLinkedRoles).map(([service, create]) => ({
    actions: ["iam:CreateServiceLinkedRole"],
    with: create,
    why: "The first of its kind in an account makes the service's role",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html",
    conditions: { "iam:AWSServiceName": [service] },
  })),
  {
    actions: [
      "kms:Decrypt",
      "kms:DescribeKey",
      "kms:Encrypt",
      "kms:GenerateDataKey",
      "kms:GenerateDataKeyWithoutPlaintext",
      "kms:ReEncryptFrom",
      "kms:ReEncryptTo",
    ],
    with: usersOfKeys,
    why: "A service uses the environment's key on behalf of who writes, and by that service alone",
    source:
      "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service",
    conditions: { "kms:ViaService": encrypting.map((service) => `${service}.${region}.amazonaws.com`) },
  },
  {
    actions: ["kms:CreateGrant"],
    with: usersOfKeys,
    why: "A service that keeps data for longer grants itself the use of the environment's key",
    source:
      "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource",
    conditions: { "kms:GrantIsForAWSResource": ["true"] },
  },
  {
    actions: ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
    with: ["elasticfilesystem:CreateMountTarget"],
    why: "EFS makes a mount target's interface on behalf of who asks",
    source: "https://docs.aws.amazon.com/efs/latest/ug/API_CreateMountTarget.html",
  },
  {
    actions: ["ec2:DeleteNetworkInterface"],
    with: ["elasticfilesystem:DeleteMountTarget"],
    why: "EFS deletes a mount target's interface on behalf of who asks",
    source: "https://docs.aws.amazon.com/efs/latest/ug/API_DeleteMountTarget.html",
  },
  {
    actions: ["ec2:RunInstances"],
    with: ["autoscaling:CreateAutoScalingGroup"],
    why: "Who gives a group a launch template must be allowed to do what is in it",
    source:
      "https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html",
  },
  {
    actions: [
      "ec2:CreateVpcEndpoint",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcs",
      "ec2:DescribeVpcAttribute",
    ],
    with: ["kafka:CreateClusterV2"],
    why: "MSK Serverless makes its endpoints on behalf of who asks",
    source: "https://docs.aws.amazon.com/msk/latest/developerguide/serverless-getting-started.html",
  },
  {
    actions: ["ec2:DeleteVpcEndpoints"],
    with: ["kafka:DeleteCluster"],
    why: "MSK Serverless deletes its endpoints on behalf of who asks",
    source: reference("amazonmanagedstreamingforapachekafka"),
  },
  {
    actions: [
      "route53:AssociateVPCWithHostedZone",
      "route53:CreateHostedZone",
      "route53:GetHostedZone",
      "route53:ListHostedZonesByName",
      "ec2:DescribeRegions",
      "ec2:DescribeVpcs",
    ],
    with: ["servicediscovery:CreatePrivateDnsNamespace"],
    why: "Cloud Map makes the namespace's zone on behalf of who asks",
    source: "https://docs.aws.amazon.com/cloud-map/latest/dg/security_iam_id-based-policy-examples.html",
  },
  {
    actions: ["route53:DeleteHostedZone"],
    with: ["servicediscovery:DeleteNamespace"],
    why: "Cloud Map deletes the namespace's zone on behalf of who asks",
    source: "https://docs.aws.amazon.com/cloud-map/latest/dg/security_iam_id-based-policy-examples.html",
  },
  {
    actions: ["elasticloadbalancing:SetWebAcl"],
    with: ["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"],
    why: "WAF tells the load balancer on behalf of who asks",
    source: "https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html",
  },
  {
    actions: [
      "logs:CreateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:DescribeLogGroups",
      "logs:DescribeResourcePolicies",
      "logs:PutResourcePolicy",
    ],
    with: ["wafv2:PutLoggingConfiguration"],
    why: "WAF sets its log up on behalf of who asks",
    source: "https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html",
  },
  {
    actions: ["logs:AssociateKmsKey", "logs:DisassociateKmsKey"],
    with: ["logs:CreateLogGroup"],
    why: "Log groups get the key of an environment that becomes prod, and lose it",
    source: reference("amazoncloudwatchlogs"),
  },
  {
    actions: ["secretsmanager:RestoreSecret"],
    with: ["secretsmanager:DeleteSecret"],
    why: "A generated secret of prod stays for 30 days, and the next of its name takes its place",
    source: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_restore-secret.html",
  },
  {
    actions: ["ec2:AssociateAddress", "ec2:DisassociateAddress"],
    with: ["ec2:AssociateAddress"],
    why: "A host that is replaced hands its address on",
    source: reference("amazonec2"),
  },
  {
    actions: ["ec2:CreateTags"],
    with: ["ec2:RunInstances"],
    why: "What is made has tags from the start",
    source: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html",
  },
  ...laterChanges.map(([make, change]): ImpliedAction => ({
    actions: change,
    with: [make],
    why: "Another input, or a later version of Landfall, changes it in place",
    source:
      "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
  })),
  tagging(
    ["acm:RequestCertificate"],
    ["acm:AddTagsToCertificate", "acm:RemoveTagsFromCertificate"],
    reference("awscertificatemanager"),
  ),
  tagging(
    ["application-autoscaling:RegisterScalableTarget"],
    ["application-autoscaling:TagResource", "application-autoscaling:UntagResource"],
    reference("applicationautoscaling"),
  ),
  tagging(
    ["autoscaling:CreateAutoScalingGroup"],
    ["autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags"],
    reference("amazonec2autoscaling"),
  ),
  tagging(
    ["budgets:ModifyBudget"],
    ["budgets:TagResource", "budgets:UntagResource"],
    reference("awsbudgetservice"),
  ),
  tagging(
    ["cloudwatch:PutMetricAlarm", "cloudwatch:PutCompositeAlarm"],
    ["cloudwatch:TagResource", "cloudwatch:UntagResource"],
    reference("amazoncloudwatch"),
  ),
  tagging(
    ["dynamodb:CreateTable"],
    ["dynamodb:TagResource", "dynamodb:UntagResource"],
    reference("amazondynamodb"),
  ),
  tagging(
    ["ecr:CreateRepository"],
    ["ecr:TagResource", "ecr:UntagResource"],
    reference("amazonelasticcontainerregistry"),
  ),
  tagging(
    ["ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:CreateService"],
    ["ecs:TagResource", "ecs:UntagResource"],
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html",
  ),
  tagging(
    ["elasticfilesystem:CreateFileSystem"],
    ["elasticfilesystem:TagResource", "elasticfilesystem:UntagResource"],
    "https://docs.aws.amazon.com/efs/latest/ug/using-tags-efs.html",
  ),
  tagging(
    ["elasticloadbalancing:CreateLoadBalancer"],
    ["elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"],
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/tagging-resources-during-creation.html",
  ),
  tagging(["events:PutRule"], ["events:TagResource", "events:UntagResource"], reference("amazoneventbridge")),
  tagging(
    ["iam:CreateInstanceProfile"],
    ["iam:TagInstanceProfile", "iam:UntagInstanceProfile"],
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html",
  ),
  tagging(
    ["iam:CreateRole"],
    ["iam:TagRole", "iam:UntagRole"],
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html",
  ),
  tagging(
    ["kafka:CreateClusterV2"],
    ["kafka:TagResource", "kafka:UntagResource"],
    reference("amazonmanagedstreamingforapachekafka"),
  ),
  tagging(
    ["kms:CreateKey"],
    ["kms:TagResource", "kms:UntagResource"],
    "https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html",
  ),
  tagging(
    ["logs:CreateLogGroup"],
    ["logs:TagResource", "logs:UntagResource"],
    reference("amazoncloudwatchlogs"),
  ),
  tagging(
    ["rds:CreateDBSubnetGroup"],
    ["rds:AddTagsToResource", "rds:RemoveTagsFromResource"],
    reference("amazonrds"),
  ),
  tagging(["s3:CreateBucket"], ["s3:PutBucketTagging"], reference("amazons3")),
  tagging(
    ["secretsmanager:CreateSecret"],
    ["secretsmanager:TagResource", "secretsmanager:UntagResource"],
    reference("awssecretsmanager"),
  ),
  tagging(
    ["servicediscovery:CreatePrivateDnsNamespace"],
    ["servicediscovery:TagResource", "servicediscovery:UntagResource"],
    reference("awscloudmap"),
  ),
  tagging(["sns:CreateTopic"], ["sns:TagResource", "sns:UntagResource"], reference("amazonsns")),
  tagging(["sqs:CreateQueue"], ["sqs:TagQueue", "sqs:UntagQueue"], reference("amazonsqs")),
  tagging(
    ["ssm:PutParameter", "ssm:CreateDocument"],
    ["ssm:AddTagsToResource", "ssm:RemoveTagsFromResource"],
    reference("awssystemsmanager"),
  ),
  tagging(["wafv2:CreateWebACL"], ["wafv2:TagResource", "wafv2:UntagResource"], reference("awswafv2")),
];

/** Actions that were recorded and that no deployer gets, with why. */
export const forAdministrators: Readonly<Record<string, string>> = Object.fromEntries(
  [
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:TagPolicy",
    "iam:UntagPolicy",
  ].map((action) => [
    action,
    "Policies are the bound of all roles and the deployers' own rights: who may change one may do anything. An administrator applies `shared` where one changes.",
  ]),
);

/** Reads that the plan role does not get, with why. */
export const notForPlans: Readonly<Record<string, string>> = {
  "kms:Decrypt": "It would read what the environment's key encrypts.",
  "s3:GetObject": "Only the state, which has a statement of its own.",
  "s3:GetObjectVersion": "Only the state, which has a statement of its own.",
  "secretsmanager:GetSecretValue": "It reads secrets; a review-only plan reads none.",
  "secretsmanager:GetRandomPassword": "Only an apply makes a password.",
};

/**
 * What recordings have not shown, by who needs it: MSK's clusters never become active in the emulator, snapshots are
 * prod's alone at its end, and the emulator does not end a network whose endpoints had their route tables taken.
 */
export const unrecorded: Readonly<Record<string, readonly string[]>> = {
  "atomic-calendar": [
    "kafka:CreateClusterV2",
    "kafka:DeleteCluster",
    "kafka:DescribeClusterV2",
    "kafka:GetBootstrapBrokers",
    "kafka:ListTagsForResource",
    "rds:CreateDBClusterSnapshot",
    "rds:CreateDBSnapshot",
    "secretsmanager:UpdateSecretVersionStage",
  ],
  shared: ["ec2:DeleteRouteTable", "ec2:DeleteVpc"],
};
