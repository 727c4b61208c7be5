type Values = string | readonly string[];
interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Action: Values;
  readonly Resource?: Values;
  readonly NotResource?: Values;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, Values>>>>;
}
/** A policy as the JSON text of a resource's attribute. */
export type Policy = string;

export interface Request {
  /** Such as `s3:GetObject`. */
  readonly action: string;
  readonly resource: string;
  /** Values of condition keys. */
  readonly context?: Readonly<Record<string, string>>;
}

const list = (values: Values): readonly string[] => [values].flat() as string[];
const matches = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replace(/\*/g, ".*")
      .replace(/\?/g, ".")}$`,
    "s",
  ).test(text);
const anyMatches = (patterns: Values, text: string): boolean =>
  list(patterns).some((pattern) => matches(pattern, text));

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const operators: Readonly<Record<string, (patterns: Values, value: string | undefined) => boolean>> = {
  StringEquals: (values, value) => value !== undefined && list(values).includes(value),
  StringNotEquals: (values, value) => value === undefined || !list(values).includes(value),
  StringLike: (patterns, value) => value !== undefined && anyMatches(patterns, value),
  ArnLike: (patterns, value) => value !== undefined && anyMatches(patterns, value),
  ArnEquals: (patterns, value) => value !== undefined && anyMatches(patterns, value),
  Null: (wanted, value) => list(wanted).includes(String(value === undefined)),
  Bool: (values, value) => value !== undefined && list(values).includes(value),
};

function applies(
  { Action, Resource = "*", NotResource, Condition = {} }: Statement,
  request: Request,
): boolean {
  const { action, resource, context = {} } = request;
  return (
    anyMatches(
      list(Action).map((pattern) => pattern.toLowerCase()),
      action.toLowerCase(),
    ) &&
    (NotResource ? !anyMatches(NotResource, resource) : anyMatches(Resource, resource)) &&
    Object.entries(Condition).every(([operator, keys]) => {
      const test = operators[operator];
      if (!test) throw new Error(`this evaluator does not know the operator ${operator}`);
      return Object.entries(keys).every(([key, values]) => test(values, context[key]));
    })
  );
}

/** Whether identity policies allow a request, as IAM's policy simulator answers for one account: a Deny wins. */
export function isAllowed(policies: readonly Policy[], request: Request): boolean {
  const statements = policies.flatMap((policy) => {
    const { Statement } = JSON.parse(policy) as { Statement: Statement | readonly Statement[] };
    return [Statement].flat() as Statement[];
  });
  const effects = statements.filter((statement) => applies(statement, request)).map(({ Effect }) => Effect);
  return effects.includes("Allow") && !effects.includes("Deny");
}
