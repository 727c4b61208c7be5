import type { Change, PlanDocument, ResourceChange } from "../../cli/plan-document";

type Values = Readonly<Record<string, unknown>>;

/** What a change of a resource in a plan may say besides the usual. */
export interface PlanOptions {
  readonly drift?: readonly ResourceChange[];
  readonly outputs?: Readonly<Record<string, Change>>;
  /** Attributes that the configuration gives, by address: their names, or what it says of each. @default the plan does not tell */
  readonly configured?: Readonly<Record<string, readonly string[] | Readonly<Record<string, unknown>>>>;
  readonly errored?: boolean;
  readonly complete?: boolean;
}

/** A plan as `terraform show -json` tells it. */
export const planOf = (
  changes: readonly ResourceChange[],
  { drift, outputs, configured, ...rest }: PlanOptions = {},
): PlanDocument => {
  const resources = Object.entries(configured ?? {}).map(([address, names]) => ({
    address,
    expressions: Array.isArray(names) ? Object.fromEntries(names.map((name: string) => [name, {}])) : names,
  }));
  return {
    format_version: "1.2",
    terraform_version: "1.11.4",
    timestamp: "2026-01-01T00:00:00Z",
    resource_changes: changes,
    resource_drift: drift,
    output_changes: outputs,
    configuration: {
      provider_config: { aws: { expressions: {} } },
      ...(configured ? { root_module: { resources } } : {}),
    } as PlanDocument["configuration"],
    ...rest,
  };
};

const resource = (address: string, change: Change, rest: Partial<ResourceChange> = {}): ResourceChange => {
  const [type = "", name] = address.replace(/^data\./, "").split(".");
  const mode = address.startsWith("data.") ? ("data" as const) : ("managed" as const);
  return { address, mode, type, name, ...rest, change: change as ResourceChange["change"] };
};

/** What a change may have besides its two ends. */
export interface ChangeOptions extends Partial<Change> {
  readonly reason?: string;
  readonly from?: string;
}
const split = ({ reason, from, ...change }: ChangeOptions) => ({
  change,
  rest: {
    ...(reason === undefined ? {} : { action_reason: reason }),
    ...(from === undefined ? {} : { previous_address: from }),
  },
});
const made =
  (actions: readonly string[]) =>
  (address: string, before: Values | null, after: Values | null, options: ChangeOptions = {}) => {
    const { change, rest } = split(options);
    return resource(address, { actions, before, after, after_unknown: {}, ...change }, rest);
  };

export const updated = made(["update"]);
export const replaced = made(["delete", "create"]);
export const unchanged = made(["no-op"]);
export const created = (address: string, after: Values, options?: ChangeOptions): ResourceChange =>
  made(["create"])(address, null, after, options);
export const destroyed = (address: string, before: Values, options?: ChangeOptions): ResourceChange =>
  made(["delete"])(address, before, null, options);
export const forgotten = (address: string, before: Values, options?: ChangeOptions): ResourceChange =>
  made(["forget"])(address, before, null, options);
export const read = (address: string, after: Values, options?: ChangeOptions): ResourceChange =>
  made(["read"])(address, null, after, options);

/** What a block has that is not the provider's. */
const notAttributes = ["//", "lifecycle", "depends_on", "provisioner", "count", "for_each"];

/** What a stack's `cdk.tf.json` would create: expressions are not known before the apply. */
export function creationOf(json: {
  readonly resource?: Readonly<Record<string, Readonly<Record<string, Values>>>>;
}): PlanDocument {
  const blocks = Object.entries(json.resource ?? {}).flatMap(([type, named]) =>
    Object.entries(named).map(([name, attributes]) => ({ address: `${type}.${name}`, attributes })),
  );
  const changes = blocks.map(({ address, attributes }) => {
    const own = Object.fromEntries(
      Object.entries(attributes).filter(([key]) => !notAttributes.includes(key)),
    );
    const unknown = { ...(unknownsIn(own) as Values), id: true, arn: true };
    return created(address, knownIn(own) as Values, { after_unknown: unknown });
  });
  const configured = Object.fromEntries(
    blocks.map(({ address, attributes }) => [address, Object.keys(attributes)]),
  );
  return planOf(changes, { configured });
}

const isExpression = (value: unknown): boolean => typeof value === "string" && value.includes("${");

/** Without expressions; in lists null stands for them. */
function knownIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((entry) => (isExpression(entry) ? null : knownIn(entry)));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => !isExpression(entry))
      .map(([key, entry]) => [key, knownIn(entry)]),
  );
}

function unknownsIn(value: unknown): unknown {
  if (isExpression(value)) return true;
  if (Array.isArray(value)) return value.map(unknownsIn);
  if (typeof value !== "object" || value === null) return false;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, unknownsIn(entry)]));
}
