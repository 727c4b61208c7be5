import type { PlanDocument } from "../plan-document";
import {
  accountsOf,
  blocks,
  changesOf,
  differs,
  foreseen,
  isPartlyUnknown,
  isSensitive,
  isUnknown,
  isWorkedOut,
  resourcesOf,
  text,
  texts,
} from "./changes";
import { fewOf } from "../review/text";
import { isPublicGrant } from "./buckets";
import type { Changed } from "./changes";
import { grantsOf, strangerIn, strangersOf, widenedBy, type Grant } from "./policy-document";
import type { Finding } from "./rules";

/** Attributes that hold a policy document, by type. Those of buckets are in buckets.ts too. */
const documents: Readonly<Record<string, string>> = {
  aws_ecr_repository_policy: "policy",
  aws_efs_file_system_policy: "policy",
  aws_iam_group_policy: "policy",
  aws_iam_policy: "policy",
  aws_iam_role: "assume_role_policy",
  aws_iam_role_policy: "policy",
  aws_iam_user_policy: "policy",
  aws_kms_key: "policy",
  aws_kms_key_policy: "policy",
  aws_msk_cluster_policy: "policy",
  aws_s3_bucket: "policy",
  aws_s3_bucket_policy: "policy",
  aws_secretsmanager_secret: "policy",
  aws_secretsmanager_secret_policy: "policy",
  aws_sns_topic: "policy",
  aws_sns_topic_policy: "policy",
  aws_sqs_queue: "policy",
  aws_sqs_queue_policy: "policy",
};
/** Policies of an identity that is there already widen it when they are made. */
const identityOf = (type: string): string | undefined =>
  /^aws_iam_(role|user|group)_policy(_attachment)?$/.exec(type)?.[1];
/** AWS's own policies that let an identity give itself all others. */
const masterPolicies = /:policy\/(AdministratorAccess|IAMFullAccess|PowerUserAccess)$/;

/** Services that give away data, or all other rights, where all of them is allowed on everything. */
const masterServices = [
  "cloudformation",
  "dynamodb",
  "ec2",
  "iam",
  "kms",
  "lambda",
  "organizations",
  "rds",
  "s3",
  "secretsmanager",
  "ssm",
  "sso",
  "sts",
];

/** What roles, users, keys and queues may do, or let others do, that they could not before. */
export const iamWidened = (document: PlanDocument): Finding[] =>
  changesOf(document)
    .filter(({ stays }) => stays)
    .flatMap((changed) => [
      ...widenedDocument(document, changed),
      ...widenedAttachment(document, changed),
      ...changedBoundary(changed),
    ]);

/** What gives an identity everything, or lets in whoever is not of our accounts. */
export const iamOpened = (document: PlanDocument): Finding[] => {
  const accounts = accountsOf(document);
  return changesOf(document).flatMap((changed) => [
    ...(changed.stays && !isOnlyBoundary(document, changed) ? openedDocument(accounts, changed) : []),
    ...(changed.stays ? masterAttachment(changed) : []),
    ...removedBoundary(changed),
  ]);
};

const sentence = (grants: readonly Grant[]): string => {
  const allowed = grants.filter(({ effect }) => effect === "Allow").map(grantInWords);
  const undenied = grants.filter(({ effect }) => effect === "Deny").map(grantInWords);
  return [
    ...(allowed.length > 0 ? [`It would newly allow ${fewOf([...new Set(allowed)])}.`] : []),
    ...(undenied.length > 0 ? [`It would no longer deny ${fewOf([...new Set(undenied)])}.`] : []),
  ].join(" ");
};

const inWords = (value: string): string =>
  value.startsWith("!") ? `all but ${value.slice(1).replaceAll("|", ", ")}` : value;

const grantInWords = ({ action, resource, principal }: Grant): string =>
  [inWords(action), resource && `on ${inWords(resource)}`, principal && `to ${inWords(principal)}`]
    .filter(Boolean)
    .join(" ");

/** Attributes in which a resource is given policy documents. */
const documentNames = (changed: Changed): string[] =>
  [documents[changed.type] ?? [], changed.type === "aws_iam_role" ? "inline_policy" : []]
    .flat()
    .filter((name) => !isWorkedOut(changed, name));

/** What each policy document of a resource says, those in its blocks too; undefined for one that cannot be read. */
const grantsIn = (changed: Changed, valueOf: (name: string) => unknown): (Grant[] | undefined)[] =>
  documentNames(changed)
    .map(valueOf)
    .flatMap((value) => (Array.isArray(value) ? blocks(value).map(({ policy }) => policy) : [value]))
    .concat(/^aws_lambda_(layer_version_)?permission$/.test(changed.type) ? permissionOf(valueOf) : [])
    .map(grantsOf);

/** What a permission of Lambda says, as a policy document. */
function permissionOf(valueOf: (name: string) => unknown): string {
  const principal = text(valueOf("principal"));
  const statement = {
    Effect: "Allow",
    Action: valueOf("action"),
    Resource: valueOf("function_name") ?? valueOf("layer_name"),
    Principal: { [principal?.includes(".amazonaws.com") ? "Service" : "AWS"]: principal },
    Condition: {
      StringEquals: {
        "aws:SourceAccount": valueOf("source_account"),
        "aws:SourceArn": valueOf("source_arn"),
        "aws:PrincipalOrgID": valueOf("principal_org_id") ?? valueOf("organization_id"),
      },
    },
  };
  return JSON.stringify({ Statement: statement });
}

function widenedDocument(document: PlanDocument, changed: Changed): Finding[] {
  const { address, before, existed } = changed;
  const names = documentNames(changed);
  const isLater = names.some((name) => isPartlyUnknown(changed, name));
  const had = grantsIn(changed, (name) => before[name]);
  const will = grantsIn(changed, (name) => foreseen(changed, name));
  const later = isLater ? "What its policy will allow is known only after the apply" : "";
  if (isLater && will.includes(undefined)) return [{ address, what: `${later}, and cannot be read.` }];
  if (!existed && !isOfExisting(document, changed)) return [];
  if ([...had, ...will].includes(undefined))
    return names.some((name) => differs(changed, name))
      ? [{ address, what: "Its policy changes, and cannot be read." }]
      : [];
  const widened = (isLater ? widenedByReferences : widenedBy)(legible(had), legible(will));
  const isHidden = widened.length > 0 && names.some((name) => isSensitive(changed, name));
  const more = isHidden ? "Its policy would allow more; it is sensitive and not shown." : sentence(widened);
  const what = [later && `${later}.`, more].filter(Boolean).join(" ");
  return what ? [{ address, what }] : [];
}

const legible = (grants: readonly (Grant[] | undefined)[]): Grant[] => grants.flatMap((one) => one ?? []);

/**
 * What is newly allowed, or no longer denied, where references may stand in what will be: what has none comes first, and
 * a denial with one may be that which was there.
 */
function widenedByReferences(had: readonly Grant[], will: readonly Grant[]): Grant[] {
  const refers = (grant: Grant) => Object.values(grant).join(" ").includes("${");
  const widened = widenedBy(had, will).filter(
    ({ effect, action }) =>
      effect === "Allow" ||
      !will.some((one) => one.effect === "Deny" && one.action === action && refers(one)),
  );
  return [...widened.filter((one) => !refers(one)), ...widened.filter(refers)];
}

/**
 * Whether what a policy is for is there before the plan; a new one is looked at as a whole, when it is reviewed. Where that
 * cannot be told, a policy that was there, for another owner, is taken for one.
 */
function isOfExisting(document: PlanDocument, changed: Changed): boolean {
  const kind = identityOf(changed.type);
  if (!kind || isUnknown(changed, kind)) return Boolean(changed.resource.change.before);
  const name = text(changed.after[kind]);
  const owners = resourcesOf(document).filter(
    ({ type, after }) => type === `aws_iam_${kind}` && after.name === name,
  );
  return name !== undefined && owners.every(({ existed }) => existed);
}

function widenedAttachment(document: PlanDocument, changed: Changed): Finding[] {
  const { address, type, before, after } = changed;
  if (type === "aws_iam_role") {
    const had = texts(before.managed_policy_arns);
    const more = texts(after.managed_policy_arns).filter((arn) => !had.includes(arn));
    return changed.existed && more.length > 0
      ? [{ address, what: `It would newly have ${fewOf(more)}.` }]
      : [];
  }
  const kind = identityOf(type);
  if (!kind || !type.endsWith("_attachment")) return [];
  if (before.policy_arn !== undefined && before.policy_arn === after.policy_arn) return [];
  if (!changed.existed && !isOfExisting(document, changed)) return [];
  const policy = text(after.policy_arn) ?? "a policy that is not there yet";
  return [
    {
      address,
      what: `The ${kind} ${text(after[kind]) ?? "that is not known yet"} would newly have ${policy}.`,
    },
  ];
}

function openedDocument(accounts: readonly string[], changed: Changed): Finding[] {
  const { address, before } = changed;
  const reasonsIn = (valueOf: (name: string) => unknown) =>
    legible(grantsIn(changed, valueOf)).map((grant) => openedBy(accounts, changed, grant));
  const had = new Set(reasonsIn((name) => before[name]));
  const reasons = reasonsIn((name) => foreseen(changed, name)).filter(
    (reason) => reason !== undefined && !had.has(reason),
  );
  return [...new Set(reasons)].map((what) => ({ address, what: what ?? "" }));
}

/** What stands for all resources, or for all of one service, region, account or type. */
const allResources = [
  /^([*?]|a[*?]|ar[*?]|arn[*?])[*?]*$/, // such as arn*
  /^arn(:[^:]*){0,4}(:[*?]+)+$/, // such as arn:aws:s3:::*
  /^arn(:[^:]*){4}:[*?]+[:/][*?:/]+$/, // such as arn:aws:s3:::*/*
  /^arn(:[^:]*){3}:[^:]+:[\w*?-]+[:/][*?:/]+$/, // such as arn:aws:kms:*:*:key/*; without an account the word is a bucket
];
const allActions = /^([*?]+(:[*?]+)?|!.*)$/;

/** Why a grant is one that must not be given by accident; undefined where it is not. */
function openedBy(accounts: readonly string[], changed: Changed, grant: Grant): string | undefined {
  const { effect, action, resource, principal } = grant;
  if (effect !== "Allow") return undefined;
  if (principal === "") {
    const everywhere = allResources.some((all) => all.test(resource)) || resource.startsWith("!");
    const service = /^([\w*?-]+):[*?]+$/.exec(action)?.[1]?.toLowerCase() ?? "";
    const isMost = allActions.test(action) || masterServices.includes(service) || /[*?]/.test(service);
    if (everywhere && isMost) return `It would allow ${inWords(action)} on ${inWords(resource)}.`;
    return ["iam", "organizations"].includes(service) ? `It would allow ${action}.` : undefined;
  }
  if (isPublicGrant(accounts, changed, grant)) return undefined; // public-bucket has it
  const left = strangersOf(grant, accounts);
  if (principal === "*" || principal.startsWith("!"))
    return left === "anybody"
      ? `It would let anybody do ${inWords(action)}.`
      : left && `It would let in account ${left}.`;
  const [kind, ...rest] = principal.split(":");
  const who = rest.join(":");
  if (kind === "Federated" && left) return `It would let in everybody whom ${who} knows.`;
  if (kind === "CanonicalUser" && !who.startsWith("${")) return `It would let in the canonical user ${who}.`;
  const stranger = kind === "AWS" ? strangerIn([who], accounts) : undefined;
  return stranger && `It would let in account ${stranger}.`;
}

function masterAttachment(changed: Changed): Finding[] {
  const { address, type, before } = changed;
  const attribute = type === "aws_iam_role" ? "managed_policy_arns" : "policy_arn";
  if (!/^aws_iam_(role|((role|user|group)_)?policy_attachment)$/.test(type)) return [];
  const had = texts(before[attribute]);
  return texts(foreseen(changed, attribute))
    .filter((arn) => masterPolicies.test(arn) && !had.includes(arn))
    .map((arn) => ({ address, what: `It would give ${arn}.` }));
}

/** What the configuration says of a resource's attribute. */
interface Expression {
  readonly constant_value?: unknown;
  readonly references?: readonly string[];
}

/** Whether a policy only bounds roles: then it takes away, and gives nothing. */
function isOnlyBoundary(document: PlanDocument, { address, type, after }: Changed): boolean {
  if (type !== "aws_iam_policy") return false;
  const { root_module: root } = document.configuration as {
    readonly root_module?: {
      readonly resources?: readonly { readonly expressions?: Readonly<Record<string, Expression>> }[];
    };
  };
  const name = text(after.name);
  const isIt = ({ constant_value: value, references = [] }: Expression): boolean =>
    references.some((one) => one === address || one.startsWith(`${address}.`)) ||
    (name !== undefined && texts(value).some((arn) => /:policy\//.test(arn) && arn.endsWith(`/${name}`)));
  const isUsedAs = (...attributes: string[]): boolean =>
    (root?.resources ?? []).some(({ expressions = {} }) =>
      attributes.some((attribute) => expressions[attribute] && isIt(expressions[attribute])),
    );
  return isUsedAs("permissions_boundary") && !isUsedAs("policy_arn", "managed_policy_arns");
}

const bounded = ["aws_iam_role", "aws_iam_user"];

function removedBoundary(changed: Changed): Finding[] {
  const { address, type, before, after, stays } = changed;
  const removed =
    bounded.includes(type) &&
    stays &&
    text(before.permissions_boundary) &&
    !isUnknown(changed, "permissions_boundary") &&
    !text(after.permissions_boundary);
  return removed
    ? [{ address, what: `It would lose its boundary ${text(before.permissions_boundary)}.` }]
    : [];
}

function changedBoundary(changed: Changed): Finding[] {
  const { address, type, before, after } = changed;
  if (!bounded.includes(type) || !differs(changed, "permissions_boundary")) return [];
  const now = isUnknown(changed, "permissions_boundary")
    ? "one that is not there yet"
    : text(after.permissions_boundary);
  const had = text(before.permissions_boundary);
  return had && now ? [{ address, what: `Its boundary ${had} becomes ${now}.` }] : [];
}
