import { isEnvironmentStack } from "../environments/stack-names";
import { arnsIn } from "../modules/arn";
import { iamPath } from "../modules/naming";
import type { PolicyStatement } from "../modules/service-role";

/** Path of what the access stack makes in IAM: below ours, and outside of what a deployer may write there. */
export const accessPath = `${iamPath}access/`;

/** A statement that may except actions instead of naming them. */
export type BoundaryStatement =
  PolicyStatement | (Omit<PolicyStatement, "Action"> & { readonly NotAction: readonly string[] });

export interface AccessBoundaryProps {
  readonly partition: string;
  readonly region: string;
  readonly accountIds: readonly string[];
  readonly namePrefix: string;
  /** `shared`, an environment's name, or a pattern of such names: `pr-*`. */
  readonly stack: string;
  /** The other stacks, whose state is not for this one's roles to write. */
  readonly others: readonly string[];
  /** Buckets of other environments that have names of their own. */
  readonly bucketsOfOthers: readonly string[];
  readonly stateBucket: string;
  readonly stateLockTable: string;
  /** Name of the policy that bounds roles of hosts and services. */
  readonly workloadBoundary: string;
}

/**
 * Services that Landfall uses. Organizations, accounts, billing, users and keys are not among them; IAM and budgets have
 * statements of their own.
 */
export const deployableServices: readonly string[] = [
  "acm",
  "application-autoscaling",
  "autoscaling",
  "cloudwatch",
  "dynamodb",
  "ec2",
  "ecr",
  "ecs",
  "elasticfilesystem",
  "elasticloadbalancing",
  "events",
  "kafka",
  "kms",
  "logs",
  "rds",
  "route53",
  "s3",
  "scheduler",
  "secretsmanager",
  "servicediscovery",
  "sns",
  "sqs",
  "ssm",
  "wafv2",
];

/** Their requests name us-east-1 whatever they are about. */
const withoutRegion = ["budgets:*", "iam:*", "route53:*", "sts:*"];

/** All that changes something in IAM. */
const iamWrites = ["Add", "Attach", "Create", "Delete", "Detach", "PassRole", "Put", "Remove", "Set"]
  .concat("Tag", "Untag", "Update")
  .map((verb) => `iam:${verb}*`);

const otherEnvironments = (stack: string): PolicyStatement => ({
  Sid: "OtherEnvironments",
  Effect: "Deny",
  Action: "*",
  Resource: "*",
  Condition: {
    StringEquals: { "aws:ResourceTag/Project": "landfall" },
    StringNotLike: { "aws:ResourceTag/Environment": [...new Set([stack, "shared", "state"])] },
  },
});

const oneRegion = (region: string): BoundaryStatement => ({
  Sid: "OneRegion",
  Effect: "Deny",
  NotAction: withoutRegion,
  Resource: "*",
  Condition: { StringNotEquals: { "aws:RequestedRegion": region } },
});

/**
 * The most that a stack's plan role may do, whatever its policies say: whoever can push a branch can take it. It looks at
 * settings, reads the state, and locks it; it reads no secret, no log and no data, and writes nothing but the lock.
 */
export function planBoundary(props: AccessBoundaryProps): BoundaryStatement[] {
  const { partition, region, stack, stateBucket } = props;
  const lockTable = arnsIn(props, "dynamodb", `table/${props.stateLockTable}`);
  const state = (path: string) => `arn:${partition}:s3:::${stateBucket}/${path}/terraform.tfstate`;
  const via = (...services: string[]) => services.map((service) => `${service}.${region}.amazonaws.com`);
  return [
    {
      Sid: "Look",
      Effect: "Allow",
      Action: [
        ...deployableServices.flatMap((service) =>
          ["Describe", "Get", "List"].map((verb) => `${service}:${verb}*`),
        ),
        "budgets:List*",
        "budgets:View*",
        "iam:Get*",
        "iam:List*",
        "sts:GetCallerIdentity",
      ],
      Resource: "*",
    },
    {
      Sid: "LockInTable",
      Effect: "Allow",
      Action: ["dynamodb:DeleteItem", "dynamodb:PutItem"],
      Resource: lockTable,
      Condition: {
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": `${stateBucket}/${stack}/terraform.tfstate` },
      },
    },
    {
      Sid: "LockInBucket",
      Effect: "Allow",
      Action: ["s3:DeleteObject", "s3:PutObject"],
      Resource: `${state(stack)}.tflock`,
    },
    {
      // Of what encrypts the state
      Sid: "StateKey",
      Effect: "Allow",
      Action: ["kms:Decrypt", "kms:GenerateDataKey"],
      Resource: "*",
      Condition: { StringEquals: { "kms:ViaService": via("dynamodb", "s3") } },
    },
    {
      Sid: "NoSecrets",
      Effect: "Deny",
      Action: ["ec2:GetConsole*", "ec2:GetPasswordData", "logs:Get*", "secretsmanager:GetSecretValue"],
      Resource: "*",
    },
    {
      // Parameters can be looked at, and those that are secret stay encrypted
      Sid: "NoSecretParameters",
      Effect: "Deny",
      Action: "kms:Decrypt",
      Resource: "*",
      Condition: { StringEquals: { "kms:ViaService": via("secretsmanager", "ssm") } },
    },
    {
      Sid: "NoData",
      Effect: "Deny",
      Action: "s3:GetObject*",
      NotResource: [...new Set([state(stack), `${state(stack)}.tflock`, state("shared")])],
    },
    { Sid: "NoItems", Effect: "Deny", Action: "dynamodb:Get*", NotResource: lockTable },
    oneRegion(region),
    otherEnvironments(stack),
  ];
}

/**
 * The most that a stack's apply role may do, whatever their policies say. It grants nothing by itself.
 *
 * They make no user, key, policy or identity provider, and roles only of the stack's own names and within the workload
 * boundary; they leave alone this stack, the bucket and table of the state, the state of other stacks, what other
 * environments are made of, other regions, and settings of the whole account.
 */
export function accessBoundary(props: AccessBoundaryProps): BoundaryStatement[] {
  const { partition, region, namePrefix, stack, stateBucket } = props;
  const iam = (resource: string) => arnsIn({ ...props, region: "" }, "iam", resource);
  const names = stack === "shared" ? [`${namePrefix}-ec2-host`, `${namePrefix}-shared-*`] : ownNames();
  const roles = names.flatMap((name) => iam(`role${iamPath}${name}`));
  const profiles = names.flatMap((name) => iam(`instance-profile${iamPath}${name}`));
  const bucket = (name: string) => `arn:${partition}:s3:::${name}`;
  const lockTable = arnsIn(props, "dynamodb", `table/${props.stateLockTable}`);

  function ownNames(): string[] {
    const environment = stack.replace(/-\*$/, "");
    return [`${namePrefix}-${environment}-*`, `${environment}-*`];
  }

  return [
    {
      Sid: "Services",
      Effect: "Allow",
      Action: [
        ...deployableServices.map((service) => `${service}:*`),
        "budgets:*Budget",
        "budgets:*Resource",
        "iam:Get*",
        "iam:List*",
        "sts:GetCallerIdentity",
      ],
      Resource: "*",
    },
    {
      Sid: "BoundedRoles",
      Effect: "Allow",
      Action: [
        "iam:AttachRolePolicy",
        "iam:CreateRole",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
      ],
      Resource: roles,
      Condition: {
        StringEquals: { "iam:PermissionsBoundary": iam(`policy${iamPath}${props.workloadBoundary}`) },
      },
    },
    {
      Sid: "Roles",
      Effect: "Allow",
      Action: [
        "iam:*InstanceProfile",
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole*",
      ],
      Resource: [...roles, ...profiles],
    },
    {
      Sid: "HandOverRoles",
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: [...roles, ...iam(`role${iamPath}${namePrefix}-ec2-host`)],
    },
    {
      Sid: "ServiceLinkedRoles",
      Effect: "Allow",
      Action: "iam:CreateServiceLinkedRole",
      Resource: iam("role/aws-service-role/*"),
    },
    oneRegion(region),
    {
      // The statements above allow none of it; so that it stays so
      Sid: "AccessIsKept",
      Effect: "Deny",
      Action: iamWrites,
      Resource: [`role${accessPath}*`, "policy/*", "oidc-provider/*", "saml-provider/*", "user/*"].flatMap(
        iam,
      ),
    },
    {
      Sid: "StateIsKept",
      Effect: "Deny",
      Action: [
        "s3:BypassGovernanceRetention",
        "s3:DeleteBucket*",
        "s3:DeleteObjectVersion*",
        "s3:Put*Acl",
        "s3:Put*Configuration",
        "s3:PutBucket*",
      ],
      Resource: [stateBucket, `${stateBucket}-logs`].flatMap((name) => [bucket(name), bucket(`${name}/*`)]),
    },
    {
      Sid: "StateOfOthers",
      Effect: "Deny",
      Action: ["s3:DeleteObject", "s3:PutObject"],
      Resource: [`${stateBucket}-logs`, ...props.others.map((other) => `${stateBucket}/${other}`)].map(
        (path) => bucket(`${path}/*`),
      ),
    },
    ...bucketsOfOthers(props),
    {
      Sid: "LockTableIsKept",
      Effect: "Deny",
      Action: [
        "dynamodb:*ResourcePolicy",
        "dynamodb:DeleteTable*",
        "dynamodb:TagResource",
        "dynamodb:UntagResource",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateTable*",
        "dynamodb:UpdateTimeToLive",
      ],
      Resource: lockTable,
    },
    {
      Sid: "LocksOfOthers",
      Effect: "Deny",
      Action: ["dynamodb:*WriteItem", "dynamodb:DeleteItem", "dynamodb:PartiQL*", "dynamodb:PutItem"].concat(
        "dynamodb:UpdateItem",
      ),
      Resource: lockTable,
      Condition: {
        "ForAnyValue:StringNotLike": { "dynamodb:LeadingKeys": `${stateBucket}/${stack}/*` },
      },
    },
    otherEnvironments(stack),
    ...(stack === "shared" ? [] : [sharedIsOnlyUsed]),
    {
      // Of the whole account, or such as give away what is in it
      Sid: "AccountSettings",
      Effect: "Deny",
      Action: [
        "ec2:Disable*ByDefault",
        "ec2:Disable*PublicAccess",
        "ec2:ModifyEbsDefaultKmsKeyId",
        "ec2:ModifyImageAttribute",
        "ec2:ModifySnapshotAttribute",
        "rds:ModifyDB*SnapshotAttribute",
        "s3:PutAccountPublicAccessBlock",
        "ssm:ModifyDocumentPermission",
        "ssm:UpdateServiceSetting",
      ],
      Resource: "*",
    },
  ];
}

/**
 * By the names that other environments' buckets have, but for such as would be this one's or the state's as well: tags of a
 * bucket count for nothing unless somebody turns that on for it.
 */
function bucketsOfOthers(props: AccessBoundaryProps): PolicyStatement[] {
  const { partition, namePrefix, stack, others, stateBucket } = props;
  const own = [`${namePrefix}-${stack}-`, stateBucket];
  const names = others
    .filter(isEnvironmentStack)
    .map((name) => `${namePrefix}-${name}-`)
    .filter((start) => !own.some((name) => name.startsWith(start)))
    .map((start) => `${start}*`)
    .concat(props.bucketsOfOthers);
  if (names.length === 0) return [];
  const Resource = names
    .flatMap((name) => (name.endsWith("*") ? [name] : [name, `${name}/*`])) // a star is for slashes, too
    .map((name) => `arn:${partition}:s3:::${name}`);
  return [{ Sid: "BucketsOfOthers", Effect: "Deny", Action: "s3:*", Resource }];
}

/** Environments attach to the network, the addresses and the images of `shared`, and change none of them. */
const sharedIsOnlyUsed: PolicyStatement = {
  Sid: "SharedIsOnlyUsed",
  Effect: "Deny",
  Action: [
    "ec2:CreateRoute",
    "ec2:CreateTags",
    "ec2:Delete*",
    "ec2:Modify*",
    "ec2:Release*",
    "ec2:Replace*",
    "ecr:*Delete*",
    "ecr:PutLifecyclePolicy",
    "ecr:SetRepositoryPolicy",
    "logs:Delete*",
  ],
  Resource: "*",
  Condition: {
    StringEquals: { "aws:ResourceTag/Project": "landfall", "aws:ResourceTag/Environment": "shared" },
  },
};
