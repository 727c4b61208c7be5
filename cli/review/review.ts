import type { TerraformJson } from "../cost/template";
import type { Change, PathStep, PlanDocument, ResourceChange } from "../plan-document";
import { configuredIn, givenIn, type IsConfigured } from "./configured";
import { differencesOf, isNoName, wholeDifference, type Difference } from "./differences";
import { driftOf, isEmptyEnd } from "./drift";
import { fingerprintOf } from "./fingerprint";
import { foreseeIn, outputOriginsIn, type Foresee } from "./foreseen";
import {
  reviewedActions,
  type AttributeChange,
  type CostChange,
  type DocumentChange,
  type OutputChange,
  type Review,
  type ReviewedAction,
  type ReviewedChange,
  type Risk,
  type Shown,
  type ShownEnds,
} from "./model";
import { documentOf, shown, shownEnds, wordsFor } from "./shown";
import { systemFinder } from "./system";

/** What others have found out about the same plan. */
export interface Findings {
  /** What the rules of cli/guards found. */
  readonly risks: readonly Risk[];
  /** @default not told */
  readonly cost?: CostChange;
  /** The stack's parsed `cdk.tf.json`, for what a plan does not tell of it. @default not known */
  readonly json?: TerraformJson;
}

/** Reads what a plan would do. @param stack its name */
export function reviewOf(stack: string, document: PlanDocument, { risks, cost, json }: Findings): Review {
  const systemOf = systemFinder(document);
  const reader = {
    isConfigured: configuredIn(document),
    isGiven: givenIn(document),
    foresee: foreseeIn(document),
  };
  const changes = (document.resource_changes ?? [])
    .flatMap((resource) => reviewed(resource, systemOf(resource), reader))
    .sort(inOrder);
  const drift = driftOf(document, json)
    .map(({ resource, differences }) => ({
      ...namedAs(resource, systemOf(resource)),
      action: resource.change.actions.includes("delete") ? ("delete" as const) : ("update" as const),
      attributes: differences.filter(isNoName).map((difference) => attribute(difference, [])),
      ...withDocuments(documentsOf(differences)),
    }))
    .sort(inOrder);
  return {
    version: 1,
    stack,
    fingerprint: fingerprintOf(document),
    ...incompleteness(document),
    counts: countsOf(changes),
    changes,
    outputs: outputsOf(document),
    drift,
    risks: [...risks].sort((a, b) => Number(b.refused) - Number(a.refused)),
    ...(cost === undefined ? {} : { cost }),
  };
}

/** Whether applying a plan does nothing, not even to outputs. */
export const isNothing = ({
  resource_changes: changes = [],
  output_changes: outputs = {},
}: PlanDocument): boolean =>
  changes.every((resource) => [undefined, "read"].includes(actionOf(resource))) &&
  Object.values(outputs).every(({ actions }) => actions.every((action) => action === "no-op"));

function incompleteness({ errored, complete }: PlanDocument): Pick<Review, "incomplete"> {
  if (errored) return { incomplete: "Planning failed: this is only what was planned until then." };
  if (complete === false)
    return { incomplete: "Terraform put some of the work off: after the apply, plan again." };
  return {};
}

const countsOf = (changes: readonly ReviewedChange[]): Review["counts"] =>
  Object.fromEntries(
    reviewedActions.map((wanted) => [wanted, changes.filter(({ action }) => action === wanted).length]),
  ) as Record<ReviewedAction, number>;

/** By system, then in the order of {@link reviewedActions}, then by address. */
function inOrder(a: ReviewedChange, b: ReviewedChange): number {
  const rank = ({ action }: ReviewedChange) => reviewedActions.indexOf(action);
  return compared(a.system, b.system) || rank(a) - rank(b) || compared(a.address, b.address);
}

const compared = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What is read from the rest of a plan about a resource. */
interface Reader {
  readonly isConfigured: IsConfigured;
  readonly isGiven: (address: string, path: readonly PathStep[]) => boolean;
  readonly foresee: Foresee;
}

/** Empty for what stays as it is. */
function reviewed(
  resource: ResourceChange & { readonly deposed?: string },
  system: string,
  reader: Reader,
): readonly ReviewedChange[] {
  const { change, previous_address: previousAddress, deposed } = resource;
  const action = actionOf(resource);
  if (action === undefined) return [];
  const reason = deposed === undefined ? reasonOf(resource) : "left over by a replacement that failed";
  return [
    {
      ...namedAs(resource, system),
      action,
      ...(reason === undefined ? {} : { reason }),
      ...(previousAddress === undefined ? {} : { previousAddress }),
      ...(change.importing?.id === undefined ? {} : { importId: change.importing.id }),
      ...attributesOf(resource, action, reader),
    },
  ];
}

const namedAs = ({ address, type }: ResourceChange, system: string) => ({ address, type, system });

function actionOf({ change, previous_address: previous, mode }: ResourceChange): ReviewedAction | undefined {
  const has = (action: string) => change.actions.includes(action);
  if (mode === "data") return has("read") ? "read" : undefined;
  if (has("create")) return has("delete") || has("forget") ? "replace" : "create";
  if (has("delete")) return "delete";
  if (has("forget")) return "forget";
  if (has("update")) return "update";
  if (change.importing !== undefined) return "import";
  return previous === undefined ? undefined : "move";
}

/** https://developer.hashicorp.com/terraform/internals/json-format#plan-representation, action_reason */
const reasons: Readonly<Record<string, string>> = {
  replace_because_tainted: "it was not made whole",
  replace_because_cannot_update: "it cannot be changed in place",
  replace_by_request: "-replace asks for it",
  replace_by_triggers: "what it is made from changes",
  delete_because_no_resource_config: "it is no longer in the configuration",
  delete_because_no_module: "its module is no longer in the configuration",
  delete_because_wrong_repetition: "the configuration has it in another number",
  delete_because_count_index: "the configuration has fewer of it",
  delete_because_each_key: "the configuration no longer has its key",
  delete_because_no_move_target: "what it was to move to is not in the configuration",
  read_because_config_unknown: "what to read is known after the apply only",
  read_because_dependency_pending: "what it reads from is about to change",
};

function reasonOf({ action_reason: reason }: ResourceChange): string | undefined {
  if (reason === undefined) return undefined;
  return Object.hasOwn(reasons, reason) ? reasons[reason] : reason.replaceAll("_", " ");
}

/** Without what says nothing to a reader. */
function attributesOf(
  resource: ResourceChange,
  action: ReviewedAction,
  { isConfigured, isGiven, foresee }: Reader,
): Pick<ReviewedChange, "attributes" | "documents"> {
  const { address, change } = resource;
  const paths = change.replace_paths ?? [];
  const differences = differencesOf(change);
  const tags = new Set(
    differences
      .map(({ path }) => path)
      .filter(isOfTags)
      .map(String),
  );
  const wanted = differences
    .filter((difference) => {
      const { path } = difference;
      if (isReason(path, paths)) return true;
      const [name, tag] = path;
      if (name === "tags_all") return action === "update" && !tags.has(`tags,${tag}`);
      const configured = isConfigured(address, path) && (path.length === 1 || isGiven(address, path));
      return isWorthReading(difference, action, configured);
    })
    .filter(isNoName);
  const told = wanted.map((difference) =>
    difference.after.kind === "unknown" ? foresee(resource, difference) : undefined,
  );
  const attributes = wanted.flatMap((difference, index) => {
    const foreseen = told[index]?.attributes;
    if (!foreseen) return [attribute(difference, paths)];
    return foreseen.map((part) => ({ ...part, replaces: isReason(difference.path, paths) }));
  });
  const [last, first] = [true, false].map((wanted) =>
    attributes.filter((one) => saysNothing(one) === wanted),
  );
  const documents = [...documentsOf(wanted), ...told.flatMap((one) => one?.document ?? [])];
  return { attributes: [...(first ?? []), ...(last ?? [])], ...withDocuments(documents) };
}

/** What the provider will work out anew, and nobody has given. */
const saysNothing = ({ after, replaces }: AttributeChange): boolean =>
  after.kind === "unknown" && !after.from && after.configured === undefined && !replaces;

const withDocuments = (documents: readonly DocumentChange[]): Pick<ReviewedChange, "documents"> =>
  documents.length > 0 ? { documents } : {};

/** Texts of JSON in which something differs, each once. */
const documentsOf = (differences: readonly Difference[]): DocumentChange[] =>
  [...new Set(differences.map(({ within }) => within))]
    .map((within) => within && documentOf(within))
    .filter((one) => one !== undefined);

const isOfTags = ([name]: readonly PathStep[]): boolean => name === "tags";

/** Of something new or gone: not what the provider works out itself, or leaves empty. */
function isWorthReading(
  { before, after }: Difference,
  action: ReviewedAction,
  configured: boolean | undefined,
): boolean {
  if (action === "update" || action === "import" || configured === true) return true;
  if (configured === false && after.kind === "unknown") return false;
  return ![before, after].every(isEmptyEnd);
}

const attribute = (
  { path, before, after }: Difference,
  replacePaths: readonly (readonly PathStep[])[],
): AttributeChange => ({
  path,
  ...shownEnds({ path, before, after }),
  replaces: isReason(path, replacePaths),
});

/** Whether one path leads to, or through, the other. Entries of a list have names here and numbers there. */
const isReason = (path: readonly PathStep[], replacePaths: readonly (readonly PathStep[])[]): boolean =>
  replacePaths.some((other) =>
    other
      .slice(0, path.length)
      .every((step, index) => step === path[index] || typeof step !== typeof path[index]),
  );

function outputsOf(document: PlanDocument): OutputChange[] {
  const originsOf = outputOriginsIn(document);
  return Object.entries(document.output_changes ?? {})
    .flatMap(([name, change]) => outputOf(name, change, originsOf))
    .sort((a, b) => compared(a.name, b.name));
}

function outputOf(name: string, change: Change, originsOf: Origins): readonly OutputChange[] {
  const action = (["create", "update", "delete"] as const).find((one) => change.actions.includes(one));
  if (action === undefined) return [];
  const parts = differencesOf(change, [name]);
  if (action === "update" && parts.length > 0 && parts.every(({ path }) => path.length > 1))
    return [{ name, action, ...told(parts, originsOf) }];
  const whole = wholeDifference(change, [name]);
  return whole ? [{ name, action, ...withOrigins(whole, originsOf) }] : [];
}

type Origins = ReturnType<typeof outputOriginsIn>;

function withOrigins(difference: Difference, originsOf: Origins): ShownEnds {
  const ends = shownEnds(difference);
  const from = ends.after.kind === "unknown" ? originsOf(difference.path) : [];
  return from.length > 0 ? { ...ends, after: { kind: "unknown", from } } : ends;
}

/** Of a structure only what differs. */
function told(parts: readonly Difference[], originsOf: Origins): ShownEnds {
  const ends = parts.map((part) => ({ path: part.path.slice(1).join("."), ...withOrigins(part, originsOf) }));
  const text = (end: "before" | "after"): Shown =>
    shown({ kind: "value", value: ends.map((part) => `${part.path}: ${wordsFor(part[end])}`).join(", ") });
  return { before: text("before"), after: text("after") };
}
