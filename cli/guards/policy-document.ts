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

const list = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === "string");

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
    matches(wide.action, narrow.action, "i") &&
    matches(wide.resource, narrow.resource) &&
    (wide.principal === narrow.principal || wide.principal === "*") &&
    (wide.condition === "" || wide.condition === narrow.condition)
  );
}

/** Whether a text with `*` and `?` for anything stands for another, which may hold such too. */
function matches(pattern: string, text: string, flags = ""): boolean {
  if (pattern === text) return true;
  if (pattern.startsWith("!") || text.startsWith("!")) return false;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^]*")
    .replaceAll("?", "[^*]"); // one letter is less than any number of them
  return new RegExp(`^${source}$`, flags).test(text);
}

/** What is allowed after and was not before, and what is no longer denied. */
export const widenedBy = (before: readonly Grant[], after: readonly Grant[]): Grant[] => [
  ...after
    .filter(({ effect }) => effect === "Allow")
    .filter((one) => !before.some((had) => covers(had, one))),
  ...before.filter(({ effect }) => effect === "Deny").filter((one) => !after.some((has) => covers(has, one))),
];

/** Keys of conditions that tell apart who asks. */
const aboutWho =
  /^(aws:(SourceArn|SourceAccount|SourceOrgID|SourceVpc|SourceVpce|SourceIp|PrincipalArn|PrincipalAccount|PrincipalOrgID|PrincipalOrgPaths|PrincipalTag\/.+|userid)|.+:(sub|CallerAccount)|sts:ExternalId)$/i;
/** Those that hold only for a value that is named; not the negated ones, nor those that hold where there is none. */
const narrowing = /^(ForAnyValue:)?(String(Equals|EqualsIgnoreCase|Like)|Arn(Equals|Like)|IpAddress)$/i;

/** Whether the condition leaves only some who may ask. */
export const isForSome = ({ condition }: Grant): boolean => {
  if (condition === "") return false;
  const operators = JSON.parse(condition) as Record<string, object | null> | null;
  return Object.entries(operators ?? {})
    .filter(([operator]) => narrowing.test(operator))
    .flatMap(([, keys]) => Object.entries(keys ?? {}))
    .some(([key, values]) => aboutWho.test(key) && list(values).length > 0 && list(values).every(isSome));
};

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
