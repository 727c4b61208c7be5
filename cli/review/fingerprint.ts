import { createHash } from "node:crypto";
import type { Change, PathStep, PlanDocument, ResourceChange } from "../plan-document";
import { expressionsIn, outputsIn, type Expressions } from "./configured";
import { canonical, differencesOf, isHidden, isMarked, type End } from "./differences";
import { mapTexts, templateValue, written } from "./template-text";
import { maskedEnd, referencesOf, valuesIn, type ValueOf } from "./references";

/**
 * Digest of what a plan would do: addresses, actions, and each attribute with both ends. Not of drift, of the time, of who
 * planned or of the order. So the plan of a reviewer's role and that of the role that applies have the same while code and
 * world are the same, and another where one of them has moved.
 *
 * Of what is known after the apply only goes in what the configuration says, with the references in it, and the values of
 * variables and data sources among these, as far as the plan knows them.
 *
 * What it does not see: which value a secret has (it goes in as "sensitive", so another value is the same: see
 * secrets.ts), what a resource that is destroyed was like (its id goes in), and what else such references stand for: locals,
 * other resources, and what is read only during the apply.
 */
export function fingerprintOf(document: PlanDocument): string {
  const { resource_changes: changes = [], output_changes: outputs = {} } = document;
  const expressionsOf = expressionsIn(document);
  const valueOf = valuesIn(document);
  const said = outputsIn(document);
  const resources = changes
    .filter(doesSomething)
    .map((resource) => resourceText(resource, valueOf, expressionsOf(resource.address)))
    .sort();
  const named = Object.entries(outputs)
    .filter(([, { actions }]) => !isNoOp(actions))
    .map(([name, change]) =>
      JSON.stringify([
        `output ${name}`,
        changeText(change, [name]),
        ...configuredTexts(asAttribute(name, change), valueOf, { [name]: said(name) }),
      ]),
    )
    .sort();
  return createHash("sha256")
    .update(JSON.stringify([...resources, ...named]))
    .digest("hex");
}

const isNoOp = (actions: readonly string[]): boolean => actions.every((action) => action === "no-op");

/** A data source that is read only then does nothing to the world itself; what is made of it may. */
const doesSomething = ({ change, previous_address: previous }: ResourceChange): boolean =>
  !isNoOp(change.actions) || change.importing !== undefined || previous !== undefined;

function resourceText(
  resource: ResourceChange & { readonly deposed?: string },
  valueOf: ValueOf,
  expressions: Expressions = {},
): string {
  const { address, previous_address: previous = "", deposed = "", change } = resource;
  const { before, importing } = change;
  return JSON.stringify([
    address,
    previous,
    deposed,
    importing?.id ?? "",
    before?.id ?? "",
    changeText(change),
    ...(deposed === "" ? configuredTexts(change, valueOf, expressions) : []),
  ]);
}

/** An output's change, as it would be in a resource's. */
const asAttribute = (name: string, change: Change): Change => ({
  actions: change.actions,
  before: {},
  after: {},
  after_unknown: { [name]: change.after_unknown },
  before_sensitive: { [name]: change.before_sensitive },
  after_sensitive: { [name]: change.after_sensitive },
});

/** What is configured of attributes in which something is known after the apply only. */
function configuredTexts(change: Change, valueOf: ValueOf, expressions: Expressions): string[] {
  const { actions, after_unknown: unknown } = change;
  if (!actions.some((action) => ["create", "read", "update"].includes(action))) return [];
  const marks = (unknown ?? {}) as Readonly<Record<string, unknown>>;
  const names = Object.keys(expressions)
    .filter((name) => isMarked(marks[name]))
    .sort();
  const references = new Set(names.flatMap((name) => referencesOf(expressions[name])));
  return [
    ...names.map(
      (name) => `${name}: ${canonical(maskedExpression(expressions[name], [name], isHidden(change, name)))}`,
    ),
    ...[...references].sort().flatMap((reference) => {
      const value = valueOf(reference);
      return value.kind === "value" ? [`${reference} ${endText(value)}`] : [];
    }),
  ];
}

/** The same expression, with its constants as they may be shown. @param hidden whether they may not be at all */
function maskedExpression(expression: unknown, path: readonly PathStep[], hidden: boolean): unknown {
  if (Array.isArray(expression))
    return expression.map((one, index) => maskedExpression(one, [...path, index], hidden));
  if (typeof expression !== "object" || expression === null) return expression;
  const constant = (value: unknown): string =>
    hidden ? "sensitive" : endText(maskedEnd(mapTexts(templateValue(value), written), path));
  return Object.fromEntries(
    Object.entries(expression).map(([key, value]) => [
      key,
      key === "constant_value" ? constant(value) : maskedExpression(value, [...path, key], hidden),
    ]),
  );
}

function changeText(change: Change, place: readonly PathStep[] = []): string {
  const { actions, replace_paths: paths = [] } = change;
  const isGone = !actions.some((action) => ["create", "read", "update", "no-op"].includes(action));
  const ends = isGone
    ? []
    : differencesOf(change, place).map(({ path, before, after }) => [path, ...endTexts(before, after)]);
  return JSON.stringify([
    actions,
    paths.map((path) => JSON.stringify(path)).sort(),
    ends.map((end) => JSON.stringify(end)).sort(),
  ]);
}

/** What something unknown was before is not compared: some of it changes by itself all the time. */
const endTexts = (before: End, after: End): string[] =>
  after.kind === "unknown" ? ["", after.kind] : [before, after].map(endText);

const endText = (end: End): string => (end.kind === "value" ? `= ${canonical(end.value)}` : end.kind);
