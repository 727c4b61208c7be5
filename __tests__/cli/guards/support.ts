import { risksOf } from "../../../cli/guards/risks";
import type { PlanDocument, ResourceChange } from "../../../cli/plan-document";

export type Made = ResourceChange;

/** A change of `<type>.<name>` as a plan's JSON has it; its actions are what the two ends say. */
export function change(
  type: string,
  before: object | null,
  after: object | null,
  options: {
    /** @default one */
    readonly name?: string;
    readonly actions?: readonly string[];
    readonly unknown?: object;
    readonly sensitive?: object;
  } = {},
): ResourceChange {
  const { name = "one", unknown = {}, sensitive = {} } = options;
  const told = before ? (after ? ["update"] : ["delete"]) : ["create"];
  return {
    address: `${type}.${name}`,
    mode: "managed",
    type,
    name,
    change: {
      actions: options.actions ?? told,
      before: before as Record<string, unknown> | null,
      after,
      after_unknown: unknown,
      before_sensitive: {},
      after_sensitive: sensitive,
    },
  };
}

/**
 * A plan in account 111122223333.
 * @param configured what the configuration says of attributes, by address
 */
export const document = (
  changes: readonly ResourceChange[],
  configured: Readonly<Record<string, object>> = {},
): PlanDocument => {
  const resources = Object.entries(configured).map(([address, expressions]) => ({ address, expressions }));
  return {
    resource_changes: changes,
    configuration: {
      provider_config: {
        aws: { expressions: { allowed_account_ids: { constant_value: ["111122223333"] } } },
      },
      root_module: { resources },
    } as PlanDocument["configuration"],
  };
};

export const policy = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

/** What is found in a plan of production: `rule: what`, with `!` behind the rule where it is refused. */
export const risksIn = (
  changes: readonly ResourceChange[],
  configured?: Readonly<Record<string, object>>,
): string[] =>
  risksOf({ name: "prod", stageClass: "prod", deletionProtection: true }, document(changes, configured)).map(
    ({ rule, refused, what }) => `${rule}${refused ? "!" : ""}: ${what}`,
  );
