import { coversText } from "../../modules/wildcards";
import { isWorld } from "./open-to-world";

/** One action that a policy document allows or denies on one resource, to one principal. */
export interface Grant {
  readonly effect: "Allow" | "Deny";
  /** With a leading `!` where it is all but this. */
  readonly action: string;
  readonly resource: string;
  /** Such as `AWS:arn:aws:iam::111122223333:root`, `*`; empty in a policy of an identity. */
  readonly principal: string;
  /** As JSON; empty where there is none. */
  readonly condition: string;
}

type Statement = Readonly<Record<string, unknown>>;

/** Texts, and numbers as such: an account may be written as one. */
const list = (value: unknown): string[] =>
  [value]
    .flat()
    .filter((one) => ["string", "number"].includes(typeof one))
    .map(String);

/**
 * What a policy document says, one by one; nothing for no document.
 * @returns undefined where it cannot be read
 */
export function grantsOf(document: unknown): Grant[] | undefined {
  if (document === undefined || document === null || document === "") return [];
  if (typeof document !== "string") return undefined;
  try {
    const { Statement: statements } = JSON.parse(document) as { Statement?: Statement | Statement[] };
    return [statements ?? []].flat().flatMap(grantsOfStatement);
  } catch {
    return undefined;
  }
}

function grantsOfStatement(statement: Statement): Grant[] {
  const { Effect, Condition } = statement;
  const all = (name: string, otherwise: string): string[] => {
    const named = list(statement[name]);
    const not = list(statement[`Not${name}`]);
    if (not.length > 0) return [`!${[...not].sort().join("|")}`];
    return named.length > 0 ? named : [otherwise];
  };
  const condition = Condition === undefined ? "" : JSON.stringify(Condition);
  const effect = Effect === "Deny" ? "Deny" : "Allow";
  return principalsOf(statement).flatMap((principal) =>
    all("Action", "*").flatMap((action) =>
      all("Resource", "").map((resource) => ({ effect, action, resource, principal, condition })),
    ),
  );
}

function principalsOf({ Principal, NotPrincipal }: Statement): string[] {
  if (NotPrincipal !== undefined) return [`!${JSON.stringify(NotPrincipal)}`];
  if (Principal === undefined) return [""];
  if (typeof Principal === "string") return [Principal];
  return Object.entries(Principal as Record<string, unknown>).flatMap(([kind, who]) =>
    list(who).map((one) => (kind === "AWS" && one === "*" ? "*" : `${kind}:${one}`)),
  );
}

/** Whether one grant says all that another says. */
function covers(wide: Grant, narrow: Grant): boolean {
  return (
    wide.effect === narrow.effect &&
    coversSome(wide.action.toLowerCase(), narrow.action.toLowerCase()) &&
    coversSome(wide.resource, narrow.resource) &&
    (wide.principal === narrow.principal || wide.principal === "*") &&
    (wide.condition === "" || wide.condition === narrow.condition)
  );
}

/** All but something covers no more than that it is the same. */
const coversSome = (pattern: string, text: string): boolean =>
  pattern.startsWith("!") || text.startsWith("!") ? pattern === text : coversText(pattern, text);

/** What is allowed after and was not before, and what is no longer denied. */
export const widenedBy = (before: readonly Grant[], after: readonly Grant[]): Grant[] => [
  ...after
    .filter(({ effect }) => effect === "Allow")
    .filter((one) => !before.some((had) => covers(had, one))),
  ...before.filter(({ effect }) => effect === "Deny").filter((one) => !after.some((has) => covers(has, one))),
];

/** Keys of conditions that tell apart who asks. A principal's tags do not: anybody may give his own role any. */
const aboutWho =
  /^(aws:(SourceArn|SourceAccount|SourceOrgID|SourceVpc|SourceVpce|SourceIp|PrincipalArn|PrincipalAccount|PrincipalOrgID|PrincipalOrgPaths|userid)|.+:(sub|CallerAccount)|sts:ExternalId)$/i;
/** Those that hold only for a value that is named; not the negated ones, nor those that hold where there is none. */
const narrowing = /^(ForAnyValue:)?(String(Equals|EqualsIgnoreCase|Like)|Arn(Equals|Like)|IpAddress)$/i;

/**
 * Which strangers a grant's condition leaves, of all who may ask.
 * @param accounts those that are ours
 * @returns `anybody`, or an account that it names; undefined where it leaves none
 */
export function strangersOf({ condition }: Grant, accounts: readonly string[]): string | undefined {
  const operators = JSON.parse(condition || "null") as Record<string, object | null> | null;
  const narrowed = Object.entries(operators ?? {})
    .filter(([operator]) => narrowing.test(operator))
    .flatMap(([, keys]) => Object.entries(keys ?? {}))
    .map(([key, values]) => ({ key, values: list(values) }))
    .filter(({ key, values }) => aboutWho.test(key) && values.length > 0 && values.every(isSome));
  const strangers = narrowed.map(({ key, values }) =>
    namesAccount.test(key) ? strangerIn(values, accounts) : undefined,
  );
  // all conditions must hold: one that leaves ours alone is enough
  return strangers.length === 0 ? "anybody" : strangers.includes(undefined) ? undefined : strangers[0];
}

const namesAccount = /(account|arn)$/i;

/** The first account of some principals, ARNs or numbers of accounts that is not ours. */
export const strangerIn = (values: readonly string[], accounts: readonly string[]): string | undefined =>
  values
    .map((value) => /^(?:arn(?::[^:]*){3}:)?(\d{12})(?::|$)/.exec(value)?.[1])
    .find((account) => account !== undefined && !accounts.includes(account));

/** Whether a value of a condition stands for some, and not for anybody. */
function isSome(value: string): boolean {
  if (isWorld(value)) return false;
  const wild = value.search(/[*?]/);
  if (wild < 0) return true;
  const [arn, , , , account = "", ...resource] = value.split(":");
  if (arn === "arn")
    return account === "" ? /^[^*?]/.test(resource.join(":")) : !/[*?]/.test(account) && resource.length > 0;
  const owner = value.slice(0, wild).replace(/^(repo|system:serviceaccount):/, "");
  return /.[:/]/.test(owner); // a whole name is given, such as that of a repository's owner
}
