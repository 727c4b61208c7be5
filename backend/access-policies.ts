import type { SystemName } from "../environments/catalogue";
import { arnsIn } from "../modules/arn";
import type { PolicyStatement } from "../modules/service-role";
import { deployerPolicies } from "./deployer-policy";

/** A policy as IAM takes it. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
}

export interface AccessPoliciesProps {
  readonly partition: string;
  readonly region: string;
  readonly accountIds: readonly string[];
  readonly namePrefix: string;
  /** `shared`, an environment's name, or a pattern of such names: `pr-*`. */
  readonly stack: string;
  readonly stateBucket: string;
  readonly stateLockTable: string;
  /** Name of the policy that bounds roles of hosts and services. */
  readonly boundary: string;
  /** Systems of the environment. */
  readonly systems: readonly SystemName[];
  /** Buckets to which inputs of the environment give names of their own. */
  readonly buckets: readonly string[];
}

/**
 * What the roles of a stack may do, each document short enough for a managed policy. For now an apply has all of the
 * deployer's policies, and a plan what of them reads; `deployerPolicies` of `backend/deployer/policies.ts` takes their
 * place here, and nowhere else.
 */
export function accessPolicies(props: AccessPoliciesProps): {
  readonly plan: readonly PolicyDocument[];
  readonly apply: readonly PolicyDocument[];
} {
  const { foundation, systems, containers, services } = deployerPolicies(props);
  const all = [foundation, systems, containers, services];
  return {
    plan: [locking(props), ...all.map((statements) => statements.flatMap(readingOnly))].map(document),
    apply: all.map(document),
  };
}

const document = (Statement: readonly PolicyStatement[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement,
});

/** The statement without what changes something; none where nothing is left. The lock is {@link locking}'s. */
function readingOnly(statement: PolicyStatement): PolicyStatement[] {
  if (statement.Effect === "Deny") return [];
  const Action = [statement.Action]
    .flat()
    .flatMap((action) =>
      action.endsWith(":*") ? reads(action.slice(0, -2)) : isRead(action) ? [action] : [],
    );
  return Action.length === 0 ? [] : [{ ...statement, Action }];
}

/** What a plan writes: its lock, in the table or beside the state. */
const locking = ({
  stack,
  stateBucket,
  stateLockTable,
  ...place
}: AccessPoliciesProps): PolicyStatement[] => [
  {
    Sid: "LockInTable",
    Effect: "Allow",
    Action: ["dynamodb:DeleteItem", "dynamodb:PutItem"],
    Resource: arnsIn(place, "dynamodb", `table/${stateLockTable}`),
  },
  {
    Sid: "LockInBucket",
    Effect: "Allow",
    Action: ["s3:DeleteObject", "s3:PutObject"],
    Resource: `arn:${place.partition}:s3:::${stateBucket}/${stack}/terraform.tfstate.tflock`,
  },
];

const isRead = (action: string): boolean =>
  /:(Describe|Get|List|View)/.test(action) && action !== "secretsmanager:GetSecretValue";

/** Of a bucket the settings, and not what is in it. */
const reads = (service: string): string[] =>
  service === "s3"
    ? ["s3:GetBucket*", "s3:Get*Configuration", "s3:List*"]
    : [`${service}:Describe*`, `${service}:Get*`, `${service}:List*`];
