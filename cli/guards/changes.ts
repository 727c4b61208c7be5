import type { PlanDocument, ResourceChange } from "../plan-document";
import { expressionsIn, type Expressions } from "../review/configured";
import { isMarked } from "../review/differences";

/** Attributes of a resource, before or after. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A managed resource that a plan changes, with its attributes by name; none where it is not there. */
export interface Changed {
  readonly address: string;
  readonly type: string;
  readonly resource: ResourceChange;
  readonly before: Attributes;
  /** Without what is known only after the apply. */
  readonly after: Attributes;
  /** What the configuration says of its attributes; undefined where the plan does not tell. */
  readonly expressions?: Expressions;
  /** Whether it is there before, and there after. */
  readonly existed: boolean;
  readonly stays: boolean;
  readonly replaced: boolean;
  /** Whether it is destroyed and not made again. What only leaves the state is not. */
  readonly destroyed: boolean;
}

const attributes = (value: unknown): Attributes =>
  typeof value === "object" && value !== null ? (value as Attributes) : {};

function changedOf(resource: ResourceChange, expressions?: Expressions): Changed {
  const { address, type, change } = resource;
  const has = (action: string) => change.actions.includes(action);
  return {
    address,
    type,
    resource,
    before: attributes(change.before),
    after: attributes(change.after),
    expressions,
    existed: Boolean(change.before),
    stays: !has("delete") || has("create"),
    replaced: has("delete") && has("create"),
    destroyed: has("delete") && !has("create"),
  };
}

/** All managed resources of a plan, also those that stay as they are. */
export function resourcesOf(document: PlanDocument): Changed[] {
  const expressionsOf = expressionsIn(document);
  return (document.resource_changes ?? [])
    .filter(({ mode }) => mode === "managed")
    .map((resource) => changedOf(resource, expressionsOf(resource.address)));
}

/** Managed resources to which something is done. What goes to another owner ends at the one, and begins at the other. */
export const changesOf = (document: PlanDocument): Changed[] =>
  resourcesOf(document)
    .filter(({ resource }) => {
      const { actions } = resource.change;
      return !actions.includes("no-op") && !actions.includes("forget");
    })
    .flatMap((changed) =>
      getsOwner(changed)
        ? [
            { ...changed, after: {}, stays: false, destroyed: true },
            { ...changed, before: {}, existed: false },
          ]
        : [changed],
    );

/** Attributes that tell whose a resource is, for what gives or keeps rights; by type. */
const owners: Readonly<Record<string, readonly string[]>> = {
  aws_ec2_managed_prefix_list_entry: ["prefix_list_id"],
  aws_ecr_repository_policy: ["repository"],
  aws_efs_file_system_policy: ["file_system_id"],
  aws_iam_group_policy: ["group"],
  aws_iam_group_policy_attachment: ["group"],
  aws_iam_policy_attachment: ["roles", "users", "groups"],
  aws_iam_role_policy: ["role"],
  aws_iam_role_policy_attachment: ["role"],
  aws_iam_user_policy: ["user"],
  aws_iam_user_policy_attachment: ["user"],
  aws_kms_key_policy: ["key_id"],
  aws_lambda_layer_version_permission: ["layer_name"],
  aws_lambda_permission: ["function_name"],
  aws_msk_cluster_policy: ["cluster_arn"],
  aws_s3_bucket_acl: ["bucket"],
  aws_s3_bucket_logging: ["bucket"],
  aws_s3_bucket_policy: ["bucket"],
  aws_s3_bucket_public_access_block: ["bucket"],
  aws_s3_bucket_server_side_encryption_configuration: ["bucket"],
  aws_s3_bucket_versioning: ["bucket"],
  aws_secretsmanager_secret_policy: ["secret_arn"],
  aws_security_group_rule: ["security_group_id"],
  aws_sns_topic_policy: ["arn"],
  aws_sqs_queue_policy: ["queue_url"],
  aws_vpc_security_group_ingress_rule: ["security_group_id"],
};

/** Whether a resource that was there becomes, or may become, one of an owner that did not have it. */
const getsOwner = (changed: Changed): boolean =>
  changed.existed &&
  changed.stays &&
  (owners[changed.type] ?? []).some((name) => {
    const had = texts(changed.before[name]);
    return isPartlyUnknown(changed, name) || texts(changed.after[name]).some((owner) => !had.includes(owner));
  });

/** Whether an attribute as a whole is known only after the apply. */
export const isUnknown = ({ resource }: Changed, name: string): boolean => {
  const unknown = resource.change.after_unknown;
  return unknown === true || attributes(unknown)[name] === true;
};

/**
 * What an attribute will be, as far as a plan tells: its value, or what the configuration says where some of that is
 * known only after the apply. Then references stand in it as `${...}`.
 */
export const foreseen = (changed: Changed, name: string): unknown =>
  isPartlyUnknown(changed, name) ? configuredIn(changed, name) : changed.after[name];

/** Whether the provider works an attribute out itself, after the apply. */
export const isWorkedOut = (changed: Changed, name: string): boolean =>
  isPartlyUnknown(changed, name) && configuredIn(changed, name) === undefined;

const configuredIn = ({ expressions }: Changed, name: string): unknown =>
  expressions ? expressions[name] && configured(expressions[name]) : illegible;

/** Whether some of an attribute is known only after the apply. */
export const isPartlyUnknown = ({ resource }: Changed, name: string): boolean =>
  isMarked(attributes(resource.change.after_unknown)[name]);

/** A reference to what is not told. */
const illegible = "${}";

/** Quotes in a reference would end the text that it stands in, such as that of JSON. `$${` is a `${` that is none. */
const plainReferences = (value: string): string =>
  value
    .replace(/\$\{[^{}]*\}/g, (reference) => reference.replace(/["\\]/g, "'"))
    .replace(/([$%])\1\{/g, "$1{");

function configured(expression: unknown): unknown {
  if (Array.isArray(expression)) return expression.map(configured);
  const parts = attributes(expression);
  const { constant_value: value, references } = parts;
  if (typeof value === "string") return plainReferences(value);
  if (value !== undefined) return value;
  if (references !== undefined) return `\${${texts(references).slice(0, 1).join("")}}`;
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, configured(part)]));
}

/** Whether an attribute, or some of it, must not be shown. */
export const isSensitive = ({ resource: { change } }: Changed, name: string): boolean =>
  [change.before_sensitive, change.after_sensitive].some(
    (marks) => marks === true || isMarked(attributes(marks)[name]),
  );

/** Whether an attribute of a resource that was there becomes, or may become, another. */
export const differs = (changed: Changed, name: string): boolean =>
  changed.existed &&
  changed.stays &&
  (isUnknown(changed, name) ||
    JSON.stringify(changed.before[name] ?? null) !== JSON.stringify(changed.after[name] ?? null));

export const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
export const texts = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === "string");
/** Blocks of a list attribute. */
export const blocks = (value: unknown): Attributes[] => (Array.isArray(value) ? value.map(attributes) : []);

/** Accounts that the plan may change, as its provider is configured. */
export function accountsOf({ configuration }: PlanDocument): readonly string[] {
  const { allowed_account_ids: allowed } = configuration.provider_config.aws.expressions as {
    readonly allowed_account_ids?: { readonly constant_value?: readonly string[] };
  };
  return allowed?.constant_value ?? [];
}
