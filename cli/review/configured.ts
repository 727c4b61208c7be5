import type { TerraformJson } from "../cost/template";
import type { PathStep, PlanDocument } from "../plan-document";

/**
 * What the configuration says of a resource's attributes, by name: of each `constant_value`, its text with the references
 * in it, or a list of such for blocks.
 */
export type Expressions = Readonly<Record<string, unknown>>;

/** The parts of a plan's configuration that tell which attributes are given. */
interface Configured {
  readonly configuration?: {
    readonly root_module?: {
      readonly resources?: readonly { readonly address?: string; readonly expressions?: Expressions }[];
      readonly outputs?: Readonly<Record<string, { readonly expression?: unknown } | undefined>>;
    };
  };
}

/** Reads what the configuration says of a resource; undefined where the plan does not tell. */
export function expressionsIn(document: PlanDocument): (address: string) => Expressions | undefined {
  const found = known.get(document) ?? readExpressions(document);
  known.set(document, found);
  return (address) => found.get(withoutKey(address));
}

/** Reads what the configuration says of an output; undefined where the plan does not tell. */
export function outputsIn(document: PlanDocument): (name: string) => unknown {
  const { root_module: root } = (document as Configured).configuration ?? {};
  return (name) => root?.outputs?.[name]?.expression;
}

/** `type.name["key"]` is `type.name`, as the configuration knows it. A key may hold any sign. */
const withoutKey = (address: string): string => address.replace(/\[[^]*$/, "");

/** Rules, review and fingerprint ask for the same. */
const known = new WeakMap<PlanDocument, ReadonlyMap<string, Expressions>>();

function readExpressions(document: PlanDocument): ReadonlyMap<string, Expressions> {
  const { root_module: root } = (document as Configured).configuration ?? {};
  return new Map(root?.resources?.map(({ address = "", expressions = {} }) => [address, expressions]));
}

/** Whether the configuration gives an attribute of a resource; undefined where the plan does not tell. */
export type IsConfigured = (address: string, path: readonly PathStep[]) => boolean | undefined;

/** Reads it from a plan. What the provider works out itself is not configured. */
export function configuredIn(document: PlanDocument): IsConfigured {
  const expressionsOf = expressionsIn(document);
  return (address, [name]) => {
    const expressions = expressionsOf(address);
    return expressions && Object.hasOwn(expressions, String(name));
  };
}

/**
 * Whether the configuration gives what is at a path within a resource's blocks; of blocks that are many, whether one does.
 * True where it gives a value of which the path is a part, and where the plan does not tell.
 */
export function givenIn(document: PlanDocument): (address: string, path: readonly PathStep[]) => boolean {
  const expressionsOf = expressionsIn(document);
  return (address, path) => {
    const expressions = expressionsOf(address);
    return expressions === undefined || isGivenBy(expressions, path);
  };
}

function isGivenBy(said: unknown, path: readonly PathStep[]): boolean {
  const [step, ...rest] = path;
  if (step === undefined || typeof said !== "object" || said === null) return true;
  if (Array.isArray(said)) return said.some((block) => isGivenBy(block, rest));
  if (["constant_value", "references"].some((key) => Object.hasOwn(said, key))) return true;
  if (Object.keys(said).length === 0) return true; // it says nothing of what is in it
  return Object.hasOwn(said, step) && isGivenBy((said as Expressions)[step], rest);
}

/** Whether the configuration leaves an attribute of a resource to others. */
export type IsIgnored = (address: string, path: readonly PathStep[]) => boolean;

/** Reads `ignore_changes` from a stack's `cdk.tf.json`; a plan does not tell it. */
export function ignoredIn({ resource = {} }: TerraformJson): IsIgnored {
  return (address, path) => {
    const [type = "", name = ""] = withoutKey(address).split(".");
    const { lifecycle } = (resource[type]?.[name] ?? {}) as { readonly lifecycle?: Lifecycle };
    const ignored = [lifecycle?.ignore_changes ?? []].flat();
    const steps = path.map(String);
    return ignored.some((one) => one === "all" || stepsOf(one).every((step, index) => step === steps[index]));
  };
}

interface Lifecycle {
  readonly ignore_changes?: string | readonly string[];
}

/** `tags["x"]` and `tags.x` are the same. */
const stepsOf = (reference: string): string[] => reference.split(/[.[\]"]+/).filter(Boolean);
