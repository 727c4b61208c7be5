import type { PathStep, PlanDocument, ResourceChange } from "../plan-document";
import { expressionsIn, outputsIn } from "./configured";
import {
  differencesOf,
  isHidden,
  isMarked,
  isNoName,
  parsedJson,
  wholeDifference,
  type Difference,
  type End,
} from "./differences";
import type { DocumentChange, Shown, ShownEnds } from "./model";
import { at, maskedEnd, parsed, valuesIn, type ValueOf } from "./references";
import { documentOf, shown, shownEnds } from "./shown";
import {
  expressionsOf,
  filled,
  isTemplate,
  mapTexts,
  templateJson,
  templateText,
  templateValue,
  written,
} from "./template-text";

/** What there is to say of an attribute that is known after the apply only. */
export interface Foreseen {
  /** The attribute, or parts of it. */
  readonly attributes: readonly ({ readonly path: readonly PathStep[] } & ShownEnds)[];
  /** All lines, where it is JSON and changes. */
  readonly document?: DocumentChange;
}

/** Tells what the configuration says of an attribute of a resource that is known after the apply only. */
export type Foresee = (resource: ResourceChange, difference: Difference) => Foreseen;

/**
 * Reads from a plan what is to be said of what it does not know: of what it is made, and of JSON which parts change
 * whatever the rest will be.
 */
export function foreseeIn(document: PlanDocument): Foresee {
  const configured = expressionsIn(document);
  const world = worldOf(document);
  return (resource, difference) => {
    const { path, before } = difference;
    const [name = "", ...rest] = path;
    const said = configured(resource.address)?.[name];
    const from = world.unknownOf(referencesAt(said, rest));
    const template = isHidden(resource.change, name) ? undefined : textAt(said, rest);
    const parts =
      template === undefined || path.length > 1 ? undefined : partsOf(world, resource, difference, template);
    if (parts) return parts;
    const text = template === undefined ? undefined : configuredText(world, path, template);
    return { attributes: [{ path, before: shown(before), after: unknownAs(from, text) }] };
  };
}

/** Tells of what an output, or a part of it, is made that is known after the apply only. */
export function outputOriginsIn(document: PlanDocument): (path: readonly PathStep[]) => readonly string[] {
  const saidOf = outputsIn(document);
  return ([name = "", ...rest]) => {
    const said = saidOf(String(name));
    return said === undefined ? [] : worldOf(document).unknownOf(referencesAt(said, rest));
  };
}

type Named = Readonly<Record<PathStep, unknown>>;
const isNamed = (value: unknown): value is Named => typeof value === "object" && value !== null;

/** Something unknown. What refers to one thing alone needs no other word. */
function unknownAs(from: readonly string[], text: string | undefined): Shown {
  const says = text !== undefined && !from.some((one) => text === `\${${one}}`);
  return {
    kind: "unknown",
    ...(from.length > 0 ? { from } : {}),
    ...(says ? { configured: text } : {}),
  };
}

/** What the configuration says, with what is known of it and without secrets. */
function configuredText(world: World, path: readonly PathStep[], template: string): string | undefined {
  const value = mapTexts(templateValue(template), (text) => written(filled(text, world.valueOf)));
  const told = shown(maskedEnd(value, path));
  return told.kind === "value" ? (told.full ?? told.text) : undefined;
}

/** Which parts of a text of JSON change; undefined where one end is none, or nothing can be told. */
function partsOf(
  world: World,
  { change }: ResourceChange,
  { path }: Difference,
  template: string,
): Foreseen | undefined {
  const [name = ""] = path;
  const before = parsedJson((change.before as Named | null)?.[name]);
  const read = before === undefined ? undefined : templateJson(template);
  if (read === undefined) return undefined;
  const after = mapTexts(read, (text) => filled(text, world.valueOf));
  const found = differencesOf({ actions: ["update"], before, after }, path).filter(isNoName);
  if (found.length === 0) return undefined;
  const ends = { before: JSON.stringify(before), after: JSON.stringify(mapTexts(after, written)) };
  const whole = wholeDifference({ actions: ["update"], ...ends }, path);
  const document = whole && documentOf(whole);
  return {
    attributes: found.map((part) => ({ path: part.path, ...endsOf(world, part) })),
    ...(document ? { document } : {}),
  };
}

function endsOf(world: World, part: Difference): ShownEnds {
  const { path, before, after } = part;
  if (after.kind !== "value") return shownEnds(part);
  const value = mapTexts(after.value, written);
  if (typeof after.value === "string" && isTemplate(after.value)) {
    const from = world.unknownOf(expressionsOf(after.value).flatMap(namesIn));
    if (from.length > 0) return { before: shown(before), after: unknownAs(from, String(value)) };
  }
  return shownEnds({ path, before, after: { kind: "value", value } });
}

/** What an expression refers to, at a path below it as far as that leads. Of blocks that are many, all of them. */
function referencesAt(said: unknown, path: readonly PathStep[]): string[] {
  if (Array.isArray(said)) {
    const [, ...rest] = path;
    return said.flatMap((block) => referencesAt(block, rest));
  }
  if (!isNamed(said)) return [];
  const { references } = said;
  if (Array.isArray(references)) {
    const own = expressionsAt(said.constant_value, path);
    return own.length > 0 ? own.flatMap(namesIn) : references.map(String);
  }
  const [step, ...rest] = path;
  if (step !== undefined && Object.hasOwn(said, step)) return referencesAt(said[step], rest);
  return step === undefined ? Object.values(said).flatMap((part) => referencesAt(part, [])) : [];
}

/** Expressions in the texts of a constant, such as that of a tag. */
function expressionsAt(constant: unknown, path: readonly PathStep[]): string[] {
  const found = at(constant, path);
  const texts: string[] = [];
  mapTexts(found, (text) => {
    texts.push(...expressionsOf(templateText(text)));
    return text;
  });
  return texts;
}

/** The text that the configuration has at a path; undefined where it leads to none, or to one of several blocks. */
function textAt(said: unknown, path: readonly PathStep[]): string | undefined {
  const [step, ...rest] = path;
  if (Array.isArray(said)) return said.length === 1 ? textAt(said[0], rest) : undefined;
  if (!isNamed(said)) return undefined;
  if (Object.hasOwn(said, "constant_value")) {
    const text = at(said.constant_value, path);
    return typeof text === "string" && text !== "" ? text : undefined;
  }
  return step !== undefined && Object.hasOwn(said, step) ? textAt(said[step], rest) : undefined;
}

/** `type.name["key"].attribute`, also below `data.` and `var.`, without what is called. */
const name = /(?<![\w.-])(?:data\.)?[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*|\[(?:"[^"]*"|\d+)\])+(?![\w-]*\()/g;

/** What an expression refers to. Texts in it are none. */
const namesIn = (expression: string): string[] =>
  expression.replace(/(?<!\[)"(?:[^"\\]|\\.)*"/g, '""').match(name) ?? [];

/** Names that the configuration itself gives a value. */
const given = new Set(["var", "each", "count", "path", "terraform"]);

const worldOf = (document: PlanDocument): World => {
  const found = worlds.get(document) ?? new World(document);
  worlds.set(document, found);
  return found;
};
const worlds = new WeakMap<PlanDocument, World>();

/** What a plan knows of what is referred to. */
class World {
  private readonly resources: ReadonlyMap<string, ResourceChange>;
  private readonly valueBefore: ValueOf;

  constructor(document: PlanDocument) {
    this.resources = new Map((document.resource_changes ?? []).map((one) => [one.address, one]));
    this.valueBefore = valuesIn(document);
  }

  /** Those of the references that are not known before the apply, or may not be; each once, and only its longest form. */
  unknownOf(references: readonly string[]): string[] {
    const longest = [...new Set(references)].filter(
      (one, _, all) => !all.some((other) => other.startsWith(`${one}.`) || other.startsWith(`${one}[`)),
    );
    return longest.filter((one) => !this.isKnown(one));
  }

  /** The value of an expression that is a reference and nothing else, where the plan has it and it is no secret. */
  readonly valueOf = (expression: string): string | undefined => {
    const [reference] = namesIn(expression);
    if (reference === undefined || reference !== expression.trim()) return undefined;
    const end = this.endOf(reference);
    if (end.kind !== "value" || !["string", "number"].includes(typeof end.value)) return undefined;
    return String(end.value);
  };

  /** A data source that does not change has been read. */
  private isKnown(reference: string): boolean {
    const [root = ""] = reference.split(".");
    if (given.has(root)) return true;
    const { address, path } = parsed(reference);
    const change = this.resources.get(address)?.change;
    if (change === undefined) return root === "data";
    return change.after !== null && !isMarked(at(change.after_unknown, path));
  }

  private endOf(reference: string): End {
    const { address, path } = parsed(reference);
    const change = this.resources.get(address)?.change;
    if (change === undefined) return this.valueBefore(reference);
    if (isMarked(at(change.after_unknown, path))) return { kind: "unknown" };
    return maskedEnd(at(change.after, path), path, at(change.after_sensitive, path));
  }
}
