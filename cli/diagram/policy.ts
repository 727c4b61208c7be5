import { coversText, hasWildcard } from "../../modules/wildcards";
import { block, blocks } from "../cost/template";
import type { Inventory, Item } from "./inventory";

/** What a role may do with data. */
export interface Access {
  readonly read: boolean;
  readonly write: boolean;
}

interface Kind {
  /** Attribute with the name that the ARN has. */
  readonly name: string;
  /** ARN of a resource with that name; `*` stands for any text. */
  readonly arn: (name: string) => string;
  /** ARN of what is in it, which data actions are about. @default its own */
  readonly within?: string;
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** Data stores, and the actions that read from them and write to them. */
const kinds: Readonly<Record<string, Kind>> = {
  aws_s3_bucket: {
    name: "bucket",
    arn: (name) => `arn:*:s3:::${name}`,
    within: "/*",
    read: ["s3:GetObject", "s3:GetObjectVersion"],
    write: ["s3:PutObject", "s3:DeleteObject"],
  },
  aws_dynamodb_table: {
    name: "name",
    arn: (name) => `arn:*:dynamodb:*:*:table/${name}`,
    read: ["GetItem", "BatchGetItem", "Query", "Scan"].map((action) => `dynamodb:${action}`),
    write: ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"].map((action) => `dynamodb:${action}`),
  },
  aws_secretsmanager_secret: {
    name: "name",
    arn: (name) => `arn:*:secretsmanager:*:*:secret:${name}-??????`,
    read: ["secretsmanager:GetSecretValue"],
    write: ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret"],
  },
  aws_ssm_parameter: {
    name: "name",
    arn: (name) => `arn:*:ssm:*:*:parameter${name.startsWith("/") ? "" : "/"}${name}`,
    read: ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
    write: ["ssm:PutParameter"],
  },
  aws_sqs_queue: {
    name: "name",
    arn: (name) => `arn:*:sqs:*:*:${name}`,
    read: ["sqs:ReceiveMessage"],
    write: ["sqs:SendMessage"],
  },
  aws_sns_topic: { name: "name", arn: (name) => `arn:*:sns:*:*:${name}`, read: [], write: ["sns:Publish"] },
  aws_efs_file_system: {
    name: "id",
    arn: (name) => `arn:*:elasticfilesystem:*:*:file-system/${name}`,
    read: ["elasticfilesystem:ClientMount"],
    write: ["elasticfilesystem:ClientWrite"],
  },
  aws_ecr_repository: {
    name: "name",
    arn: (name) => `arn:*:ecr:*:*:repository/${name}`,
    read: ["ecr:BatchGetImage"],
    write: ["ecr:PutImage"],
  },
};

/** Types of resources that have data which policies let roles at. */
export const dataTypes = Object.keys(kinds);

/** One policy of a role. */
export interface Policy {
  readonly item: Item;
  readonly statements: readonly Statement[];
}

interface Statement {
  readonly allows: boolean;
  readonly actions: (action: string) => boolean;
  readonly overlaps: (arn: string) => boolean;
  readonly covers: (arn: string) => boolean;
  readonly conditional: boolean;
}

/** The policies that a role has from this configuration: its own, and those attached to it. AWS's are not known here. */
export function policiesOf(inventory: Inventory, role: Item): readonly Policy[] {
  const isItsOwn = (item: Item) =>
    inventory.namedOf(item, "aws_iam_role", item.attributes.role).some(({ id }) => id === role.id);
  const own = inventory.ofType("aws_iam_role_policy").filter(isItsOwn);
  const attached = inventory
    .ofType("aws_iam_role_policy_attachment")
    .filter(isItsOwn)
    .flatMap((item) => inventory.namedOf(item, "aws_iam_policy", item.attributes.policy_arn));
  return [...own, ...attached].map((item) => ({ item, statements: statementsOf(inventory, item) }));
}

/** What the policies of one role let it do with a data store, and which of them allow it. Conditions are not judged: they may hold. */
export function accessTo(
  inventory: Inventory,
  store: Item,
  policies: readonly Policy[],
): Access & { readonly by: readonly Item[] } {
  const kind = kinds[store.type];
  if (!kind) return { read: false, write: false, by: [] };
  const arn = arnOf(inventory, store) + (kind.within ?? "");
  const allow = ({ statements }: Policy, action: string) =>
    statements.some((one) => one.allows && one.actions(action) && one.overlaps(arn));
  const denied = (action: string) =>
    policies.some(({ statements }) =>
      statements.some((one) => !one.allows && !one.conditional && one.actions(action) && one.covers(arn)),
    );
  const open = (actions: readonly string[]) => actions.filter((action) => !denied(action));
  const [read, write] = [open(kind.read), open(kind.write)];
  const may = (actions: readonly string[]) =>
    policies.some((policy) => actions.some((action) => allow(policy, action)));
  const by = policies.filter((policy) => [...read, ...write].some((action) => allow(policy, action)));
  return { read: may(read), write: may(write), by: by.map(({ item }) => item) };
}

function arnOf(inventory: Inventory, item: Item): string {
  const kind = kinds[item.type];
  const name = kind && nameOf(inventory, item, kind);
  return kind && name !== undefined ? kind.arn(name) : `arn-of:${item.id}`;
}

/** A name that only AWS or Terraform knows is one that nothing else has. */
const nameOf = (inventory: Inventory, item: Item, kind: Kind): string =>
  inventory.text(item, item.attributes[kind.name]) ?? `name-of:${item.id}`;

function statementsOf(inventory: Inventory, item: Item): readonly Statement[] {
  return blocks(block(parsed(item.attributes.policy)).Statement).map((statement) => {
    const actions = texts(statement.Action).map((action) => action.toLowerCase());
    const resources = texts(statement.Resource).flatMap((text) => patternsOf(inventory, item, text));
    const others = texts(statement.NotResource).flatMap((text) => patternsOf(inventory, item, text));
    const isByOthers = statement.NotResource !== undefined;
    return {
      allows: statement.Effect === "Allow",
      actions: (action) => actions.some((one) => coversText(one, action.toLowerCase())),
      overlaps: (arn) =>
        isByOthers ? !others.some((one) => covers(one, arn)) : resources.some((one) => overlap(one, arn)),
      covers: (arn) =>
        isByOthers ? !others.some((one) => overlap(one, arn)) : resources.some((one) => covers(one, arn)),
      conditional: statement.Condition !== undefined,
    };
  });
}

function parsed(policy: unknown): unknown {
  try {
    return typeof policy === "string" ? (JSON.parse(policy) as unknown) : policy;
  } catch {
    return undefined; // an expression such as jsonencode(…)
  }
}

const texts = (value: unknown): readonly string[] =>
  [value].flat().filter((text): text is string => typeof text === "string");

/**
 * A statement's resource as a pattern: with the ARN or name of each resource that it names. Another expression stands
 * for any text; where it comes first nothing tells what it is, and there is no pattern.
 */
function patternsOf(inventory: Inventory, from: Item, text: string): readonly string[] {
  const filled = text.replace(/\$\{([^}]*)\}/g, (expression, inner: string) => {
    const given = inventory.text(from, expression);
    if (given !== undefined) return given;
    const [item] = inventory.named(from, expression);
    const kind = item && kinds[item.type];
    if (!kind) return "${}";
    return inner.endsWith(".arn") ? arnOf(inventory, item) : nameOf(inventory, item, kind);
  });
  return filled.startsWith("${}") ? [] : [filled.replaceAll("${}", "*")];
}

/** Whether some ARN matches both patterns. Wildcards do not reach over the colons of an ARN. */
export const overlap = (a: string, b: string): boolean => everyPart(a, b, overlapText);

/** Whether the pattern matches all of a store that has this ARN, wherever that is. */
export const covers = (pattern: string, arn: string): boolean => everyPart(pattern, arn, coversText);

/** Whether ARNs match in all parts, the resource as told; of a store's ARN, the parts before that are not known. */
function everyPart(a: string, b: string, matches: (a: string, b: string) => boolean): boolean {
  if (a === "*" || !a.startsWith("arn:")) return matches(a, b);
  const [first, second] = [partsOf(a), partsOf(b)];
  return first.every((part, index) =>
    (index === RESOURCE ? matches : overlapText)(part, second[index] ?? ""),
  );
}

/** Place of the resource in an ARN, after `arn`, partition, service, region and account. Its colons are its own. */
const RESOURCE = 5;

function partsOf(arn: string): readonly string[] {
  const parts = arn.split(":");
  const rest = arn.endsWith("*") ? "*" : "";
  return Array.from({ length: RESOURCE + 1 }, (_, index) =>
    index === RESOURCE && parts.length > RESOURCE ? parts.slice(index).join(":") : (parts[index] ?? rest),
  );
}

/** `*` is any text, `?` any character. */
function overlapText(a: string, b: string): boolean {
  if (!hasWildcard(a) && !hasWildcard(b)) return a === b;
  // reached[j]: the pattern a up to here and b up to j can be the same text
  let reached = [...b, ""].map((_, j) => /^\**$/.test(b.slice(0, j)));
  for (const one of a) {
    const next: boolean[] = [one === "*" && reached[0] === true];
    [...b].forEach((other, index) => {
      const j = index + 1;
      const byStar = (one === "*" || other === "*") && (reached[j] === true || next[j - 1] === true);
      const byCharacter = one === other || one === "?" || other === "?";
      next.push(byStar || (byCharacter && reached[j - 1] === true));
    });
    reached = next;
  }
  return reached.at(-1) === true;
}
