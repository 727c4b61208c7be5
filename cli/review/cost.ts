import { estimate, type Estimate } from "../cost/estimate";
import { Template, type Attributes, type TerraformJson } from "../cost/template";
import { Usage } from "../cost/usage";
import type { PlanDocument, ResourceChange } from "../plan-document";
import { canonical } from "./differences";
import type { CostChange } from "./model";

type Resources = Record<string, Record<string, Attributes>>;

/**
 * What a plan changes about what a stack costs. After is what `landfall cost` says of the stack; before is the same
 * configuration without what is created, with what is destroyed, and with the attributes that change as they are now. So
 * only what the plan changes makes a difference, and it is as rough as that estimate: list prices and default usage.
 * @param json the stack's parsed `cdk.tf.json`, from which the plan was made
 * @param environment process environment, as for {@link Template}
 */
export function costChangeOf(
  document: PlanDocument,
  json: TerraformJson,
  environment: NodeJS.ProcessEnv = {},
): CostChange {
  const changes = (document.resource_changes ?? []).filter(isChange);
  const [before, after] = [{ ...json, resource: resourcesBefore(json, changes) }, json].map((template) =>
    estimate(new Template(template, environment), Usage.parse([])),
  ) as [Estimate, Estimate];
  const monthly = (found: Estimate): Map<string, number> => {
    const sums = new Map<string, number>();
    for (const line of found.lines) sums.set(line.address, (sums.get(line.address) ?? 0) + line.monthly);
    return sums;
  };
  const [was, is] = [monthly(before), monthly(after)];
  const systems = new Map([...before.lines, ...after.lines].map(({ address, system }) => [address, system]));
  const lines = [...systems]
    .map(([address, system]) => ({
      address,
      system,
      monthly: (is.get(address) ?? 0) - (was.get(address) ?? 0),
    }))
    .filter((line) => Math.abs(line.monthly) >= 0.005)
    .sort((a, b) => Math.abs(b.monthly) - Math.abs(a.monthly) || (a.address < b.address ? -1 : 1));
  const changed = new Set(changes.map(({ address }) => address));
  const gaps = [...before.notEstimated, ...after.notEstimated].map(({ address }) => address);
  return {
    before: before.total,
    after: after.total,
    lines,
    notEstimated: [...new Set(gaps)].filter((address) => changed.has(address)).sort(),
  };
}

const isChange = ({ mode, change }: ResourceChange): boolean =>
  mode === "managed" && change.actions.some((action) => !["no-op", "read"].includes(action));

function resourcesBefore({ resource = {} }: TerraformJson, changes: readonly ResourceChange[]): Resources {
  const resources: Resources = Object.fromEntries(
    Object.entries(resource).map(([type, named]) => [type, { ...named }]),
  );
  const namesOf = referenceNames(changes);
  for (const { type, address, change } of changes) {
    const name = address.slice(type.length + 1);
    const named = (resources[type] ??= {});
    const now = named[name];
    const { before } = change as { readonly before?: Attributes | null };
    if (!before) delete named[name];
    else
      named[name] =
        now === undefined ? namesOf(before) : { ...now, ...changedFrom(before, change.after, namesOf) };
  }
  return resources;
}

/** The attributes that are not what they become, as they are. */
function changedFrom(
  before: Attributes,
  after: unknown,
  namesOf: (values: Attributes) => Attributes,
): Attributes {
  const then = (after ?? {}) as Attributes;
  const own = Object.entries(before).filter(
    ([key, value]) => Object.hasOwn(then, key) && canonical(value) !== canonical(then[key]),
  );
  return namesOf(Object.fromEntries(own));
}

/** Puts the expression for the id or ARN of what changes: an estimate follows those from one resource to another. */
function referenceNames(changes: readonly ResourceChange[]): (values: Attributes) => Attributes {
  const expressions = new Map(
    changes.flatMap(({ address, change }) => {
      const { id, arn } = (change.before ?? {}) as { readonly id?: unknown; readonly arn?: unknown };
      return [
        [id, `\${${address}.id}`],
        [arn, `\${${address}.arn}`],
      ].filter(([value]) => typeof value === "string" && value !== "") as [string, string][];
    }),
  );
  const replace = (value: unknown): unknown => {
    if (typeof value === "string") return expressions.get(value) ?? value;
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, replace(entry)]));
  };
  return (values) => {
    const given = Object.entries(values).filter(([name]) => name !== "id" && name !== "arn");
    return replace(Object.fromEntries(given)) as Attributes;
  };
}
