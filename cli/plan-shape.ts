type Values = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isValues = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText: Check = (value) => typeof value === "string";
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const valuesOf =
  (check: Check): Check =>
  (value) =>
    isValues(value) && Object.values(value).every(check);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
/** An object with these at least. */
const shape =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isValues(value) && Object.entries(checks).every(([key, check]) => check(value[key]));

const change = {
  actions: listOf(isText),
  replace_paths: optional(listOf(Array.isArray)),
  importing: optional(isValues),
};
/** Nothing, or a resource's attributes. */
const isState: Check = (value) => value === undefined || value === null || isValues(value);

const resourceChange = shape({
  address: isText,
  type: isText,
  mode: (value) => value === "managed" || value === "data",
  action_reason: optional(isText),
  previous_address: optional(isText),
  change: shape({ ...change, before: isState, after: isState }),
});

/** Whatever is configured; of it references are read. */
const isExpression: Check = (value) => {
  if (Array.isArray(value)) return value.every(isExpression);
  if (!isValues(value)) return true;
  return Object.entries(value).every(([key, part]) =>
    key === "references" && Array.isArray(part)
      ? part.every(isText)
      : key === "constant_value" || isExpression(part),
  );
};

const resources = (more: Readonly<Record<string, Check>> = {}): Check =>
  optional(listOf(shape({ address: optional(isText), ...more })));

/** What is read of a plan, as Terraform writes it. Attributes may be anything. */
const parts: Readonly<Record<string, Check>> = {
  configuration: shape({
    provider_config: shape({
      aws: shape({
        expressions: shape({
          allowed_account_ids: optional(shape({ constant_value: optional(listOf(isText)) })),
        }),
      }),
    }),
    root_module: optional(
      shape({
        resources: resources({
          expressions: optional((value) => isValues(value) && isExpression(value)),
        }),
        variables: optional(valuesOf(isValues)),
      }),
    ),
  }),
  resource_changes: optional(listOf(resourceChange)),
  resource_drift: optional(listOf(resourceChange)),
  output_changes: optional(valuesOf(shape(change))),
  variables: optional(valuesOf(isValues)),
  prior_state: optional(
    shape({
      values: optional(
        shape({
          outputs: optional(valuesOf(isValues)),
          root_module: optional(shape({ resources: resources() })),
        }),
      ),
    }),
  ),
};

/** The first part of parsed JSON that is not as in a plan's; undefined where all is. */
export const wrongPart = (value: unknown): string | undefined =>
  isValues(value) ? Object.keys(parts).find((name) => !parts[name]?.(value[name])) : "it";
