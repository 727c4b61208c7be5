import { countedElsewhere, freeTypes, pricers } from "./catalogue";
import type { Charge, Context, Finding } from "./charge";
import type { Template } from "./template";
import { block, blocks, type Resource } from "./template";
import type { AppliedUsage, Usage } from "./usage";

/** One line of an estimate. */
export interface Line extends Charge {
  readonly system: string;
  /** `<type>.<name>` */
  readonly address: string;
  /** US dollars a month. */
  readonly monthly: number;
}

/** What one system costs. */
export interface Subtotal {
  readonly system: string;
  /** US dollars a month. */
  readonly monthly: number;
}

/** Something about a resource. */
export interface Note {
  readonly address: string;
  readonly text: string;
}

/** What a stack costs each month of 730 hours, at list prices, before taxes. */
export interface Estimate {
  readonly lines: readonly Line[];
  readonly subtotals: readonly Subtotal[];
  /** US dollars a month. */
  readonly total: number;
  /** How many resources cost nothing. */
  readonly free: number;
  /** How many resources there are. */
  readonly resources: number;
  /** What may cost something, and is in no line. */
  readonly notEstimated: readonly Note[];
  readonly notes: readonly Note[];
  readonly usage: readonly AppliedUsage[];
}

/**
 * Estimates a stack.
 * @throws {UsageError} for a usage value that nothing in the stack asks for
 */
export function estimate(template: Template, usage: Usage): Estimate {
  const context: Context = { template, usage };
  const found = template.resources.map((resource) => ({ resource, findings: findingsOf(resource, context) }));
  usage.requireAllUsed();
  const systemOf = systemFinder(template);
  const lines = found.flatMap(({ resource, findings }) =>
    findings.filter(isCharge).map((made) => lineOf(made, resource, systemOf(resource))),
  );
  const inOrder = [...lines].sort((a, b) => a.system.localeCompare(b.system, "en"));
  return {
    lines: inOrder,
    subtotals: subtotalsOf(inOrder),
    total: sumOf(lines),
    free: found.filter(({ findings }) => !findings.some((finding) => !("remark" in finding))).length,
    resources: found.length,
    notEstimated: notesOf(found, (finding) => ("notEstimated" in finding ? finding.notEstimated : undefined)),
    notes: notesOf(found, (finding) =>
      "remark" in finding ? finding.remark : "note" in finding ? finding.note : undefined,
    ),
    usage: usage.used,
  };
}

const isCharge = (finding: Finding): finding is Charge => "what" in finding;

function findingsOf(resource: Resource, context: Context): readonly Finding[] {
  const { type, attributes } = resource;
  const counted = countedElsewhere[type];
  if (freeTypes.has(type)) return [];
  if (counted !== undefined) return [{ remark: counted }];
  const pricer = pricers[type];
  if (!pricer) return [{ notEstimated: `resources of type ${type} are unknown here` }];
  const repeated = ["count", "for_each"].some((key) => attributes[key] !== undefined);
  return repeated ? [{ notEstimated: "a resource with count or for_each" }] : pricer(resource, context);
}

const lineOf = (made: Charge, { address }: Resource, system: string): Line => ({
  system,
  address,
  ...made,
  monthly: made.quantity * made.unitPrice,
});

const sumOf = (lines: readonly Line[]): number => lines.reduce((sum, { monthly }) => sum + monthly, 0);

const subtotalsOf = (lines: readonly Line[]): readonly Subtotal[] =>
  [...new Set(lines.map(({ system }) => system))].map((system) => ({
    system,
    monthly: sumOf(lines.filter((line) => line.system === system)),
  }));

const notesOf = (
  found: readonly { readonly resource: Resource; readonly findings: readonly Finding[] }[],
  textOf: (finding: Finding) => string | undefined,
): readonly Note[] =>
  found.flatMap(({ resource: { address }, findings }) =>
    findings
      .map(textOf)
      .filter((text) => text !== undefined)
      .map((text) => ({ address, text })),
  );

/** Finds the system of a resource: by its tag, else by its place in the tree of constructs, else by the stack's tag. */
function systemFinder(template: Template): (resource: Resource) => string {
  const tagged = ({ attributes }: Resource): string | undefined =>
    template.text(block(attributes.tags).System) ??
    template.text(blocks(attributes.tag).find(({ key }) => key === "System")?.value);
  const placeOf = ({ attributes }: Resource): string | undefined =>
    template.text(block(block(attributes["//"]).metadata).path)?.split("/")[1];
  const known = new Set(template.resources.map(tagged));
  const byDefault = template.defaultSystem ?? "other";
  return (resource) => {
    const tag = tagged(resource);
    const place = placeOf(resource);
    const isPlain = tag === undefined || tag === byDefault;
    return (isPlain && known.has(place) ? place : tag) ?? byDefault;
  };
}
