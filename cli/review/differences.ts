import type { Change, PathStep } from "../plan-document";
import { holdsSecret, isArn, isPrivateKey, withoutSecrets } from "./secrets";
import { isReference } from "./template-text";
import { isPacked, unpacked } from "./unpacked";

/** One end of a change of one attribute. What is sensitive has no value here. */
export type End =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "sensitive" }
  | { readonly kind: "unknown" }
  | { readonly kind: "absent" };

/** An attribute that differs. */
export interface Difference {
  readonly path: readonly PathStep[];
  readonly before: End;
  readonly after: End;
  /** The text of JSON that it is a part of. */
  readonly within?: Whole;
}

/** A text of JSON that differs, and where it is. */
export interface Whole {
  readonly path: readonly PathStep[];
  readonly before: End;
  readonly after: End;
}

/** A place in the two trees of values, with the marks of the same place. */
interface Place {
  readonly path: readonly PathStep[];
  /** The path, and what entries of lists are called by a name within them; by it secrets are known. */
  readonly names: readonly PathStep[];
  readonly before: unknown;
  readonly after: unknown;
  readonly unknown: unknown;
  readonly beforeMarks: unknown;
  readonly afterMarks: unknown;
}

type Values = Readonly<Record<string, unknown>>;

/**
 * What differs between the two ends of a change, attribute by attribute, also inside of strings that are JSON at both ends.
 * Nothing, an empty list and an empty block are the same.
 * @param path where the change's values are; by it secrets are known
 */
export function differencesOf(change: Change, path: readonly PathStep[] = []): readonly Difference[] {
  if (path.length > 0) return walk({ ...placeOf(change), path, names: path });
  const found = known.get(change) ?? walk({ ...placeOf(change), path, names: path });
  known.set(change, found);
  return found;
}

/** Review and fingerprint ask for the same. */
const known = new WeakMap<Change, readonly Difference[]>();

const placeOf = (change: Change): Omit<Place, "path" | "names"> => ({
  before: change.before,
  after: change.after,
  unknown: change.after_unknown,
  beforeMarks: change.before_sensitive,
  afterMarks: change.after_sensitive,
});

/** The change of a value as a whole, where it differs. @param path by which secrets are known */
export const wholeDifference = (change: Change, path: readonly PathStep[]): Difference | undefined =>
  leaf({ ...placeOf(change), path, names: path })[0];

const isValues = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isNothing = (value: unknown): boolean => value === null || value === undefined;
const isScalar = (value: unknown): boolean => typeof value !== "object" || value === null;

/** Whether a mark stands anywhere in it. */
export const isMarked = (marks: unknown): boolean =>
  marks === true || (typeof marks === "object" && marks !== null && Object.values(marks).some(isMarked));

/** Whether an attribute is marked as sensitive, or has been. */
export const isHidden = (
  { before_sensitive: before, after_sensitive: after }: Change,
  name: PathStep,
): boolean => [before, after].some((marks) => marks === true || isMarked(at(marks, name)));

function walk(place: Place): Difference[] {
  const { before, after, unknown, beforeMarks, afterMarks } = place;
  if (beforeMarks === true || afterMarks === true || unknown === true) return leaf(place);
  const json = { before: parsedJson(before), after: parsedJson(after) };
  if (before !== after && json.before !== undefined && json.after !== undefined) {
    const within = wholeOf(place);
    return walkChildren({ ...place, ...json }, true).map((difference) => ({ ...difference, within }));
  }
  const fits = (is: (value: unknown) => boolean) =>
    [before, after, unknown].some(is) &&
    [before, after].every((value) => is(value) || isNothing(value)) &&
    (is(unknown) || !isMarked(unknown));
  return fits(isValues) || (fits(isList) && !isListOfScalars(place)) ? walkChildren(place) : leaf(place);
}

function walkChildren(place: Place, json = false): Difference[] {
  const { before, after, unknown } = place;
  if ([before, after, unknown].some(isValues) && ![before, after].some(isList))
    return walkValues(place, json);
  if ([before, after].some(isValues)) return leaf(place); // an object here and a list there
  if (json && isListOfScalars(place)) return leaf(place);
  return walkList(place, json);
}

function walkValues(place: Place, json: boolean): Difference[] {
  const keys = new Set(
    [place.before, place.after, place.unknown].flatMap((values) => Object.keys(values ?? {})),
  );
  return [...keys].sort().flatMap((key) => enter(step(place, key, key, key), json));
}

/** Inside of JSON, what is JSON again is text. */
const enter = (place: Place, json: boolean): Difference[] => {
  if (!json) return walk(place);
  const { before, after } = place;
  const nested = [before, after].some((value) => !isScalar(value));
  return nested && [before, after].every((value) => !isScalar(value) || isNothing(value))
    ? walkChildren(place, true)
    : leaf(place);
};

const step = (place: Place, name: PathStep, before?: PathStep, after?: PathStep): Place => ({
  path: [...place.path, name],
  names: [...place.names, ...calledOf(place), name],
  before: at(place.before, before),
  after: at(place.after, after),
  unknown: at(place.unknown, after),
  beforeMarks: at(place.beforeMarks, before),
  afterMarks: at(place.afterMarks, after),
});

/** What both ends say that they are called, such as a variable in a list where that name is there twice. */
const calledOf = ({ path, before, after }: Place): PathStep[] =>
  typeof path.at(-1) === "number" ? [before, after].flatMap(nameOf) : [];

/** The name that an entry of a list has within it. */
function nameOf(value: unknown): string[] {
  const name = isValues(value) ? [value.name, value.Name, value.key, value.Key].find(isText) : undefined;
  return name === undefined ? [] : [name];
}
const isText = (value: unknown): value is string => typeof value === "string";

/** A mark of the whole is one of each part. */
const at = (value: unknown, key: PathStep | undefined): unknown => {
  if (key === undefined || isScalar(value)) return undefined;
  return Object.hasOwn(value as object, key) ? (value as Record<PathStep, unknown>)[key] : undefined;
};

function walkList(place: Place, json: boolean): Difference[] {
  const [before, after] = [place.before, place.after].map((list) => (isList(list) ? list : [])) as [
    readonly unknown[],
    readonly unknown[],
  ];
  const unknown = isList(place.unknown) ? place.unknown : [];
  const ends = pairs(before, padded(after, unknown.length), unknown);
  const found = ends.flatMap(({ name, one, other }) => enter(step(place, name, one, other), json));
  return [...found, ...orderOf(place, before, ends, json)];
}

/** In JSON, lists whose order says nothing. */
const unordered = /^(Statement|container_?definitions|environment|mountPoints|portMappings|secrets)$/i;

/** The order of entries that both ends have, where it is another. A set's entry has another place where it changes. */
function orderOf(
  place: Place,
  before: readonly unknown[],
  ends: readonly Pair[],
  json: boolean,
): Difference[] {
  if (json && unordered.test(String(place.path.at(-1)))) return [];
  const kept = ends.flatMap(({ is, one, other }) =>
    one !== undefined && other !== undefined && (is === "equal" || (json && is)) ? [{ one, other }] : [],
  );
  const told = (by: "one" | "other") =>
    [...kept].sort((a, b) => a[by] - b[by]).map(({ one }) => nameOf(before[one])[0] ?? one);
  return leaf({ ...place, before: told("one"), after: told("other"), unknown: undefined });
}

/** The plan leaves out of `after` what is not known. */
const padded = (list: readonly unknown[], length: number): readonly unknown[] =>
  list.length >= length ? list : [...list, ...Array<undefined>(length - list.length).fill(undefined)];

interface Pair {
  readonly name: PathStep;
  readonly one?: number;
  readonly other?: number;
  /** By what they are known to be the same entry. @default by their place */
  readonly is?: "equal" | "named";
}

/** What in a list's entries says which is which. */
const identities = ["Sid", "sid", "name", "Name", "containerName", "key", "Key", "id"];

/** Which entry of one list has become which of the other: equal ones, then those of one name, then by their order. */
function pairs(before: readonly unknown[], after: readonly unknown[], unknown: readonly unknown[]): Pair[] {
  const restBefore = new Map(before.map((value, index) => [index, canonical(value)]));
  const restAfter: number[] = [];
  const kept: Pair[] = [];
  const byText = new Map<string, number[]>();
  for (const [index, text] of restBefore) byText.set(text, [...(byText.get(text) ?? []), index]);
  for (const [index, value] of after.entries()) {
    const same = isMarked(unknown[index]) ? undefined : byText.get(canonical(value))?.shift();
    if (same === undefined) restAfter.push(index);
    else {
      restBefore.delete(same);
      kept.push({ name: index, one: same, other: index, is: "equal" });
    }
  }
  const identity = identities.find((key) => isIdentity(key, before) && isIdentity(key, after));
  if (identity !== undefined) {
    const nameAt = (list: readonly unknown[], index: number) => String((list[index] as Values)[identity]);
    const left = new Map([...restBefore.keys()].map((index) => [nameAt(before, index), index]));
    const found = restAfter.map((other) => {
      const name = nameAt(after, other);
      const one = left.get(name);
      left.delete(name);
      return { name, one, other, is: "named" as const };
    });
    return [...kept, ...[...left].map(([name, one]) => ({ name, one })), ...found];
  }
  const left = [...restBefore.keys()];
  const found = restAfter.map((other) => ({ name: other, one: left.shift(), other }));
  return [...kept, ...found, ...left.map((one) => ({ name: one, one }))];
}

/** An entry that comes or goes is called by its name in the path already; that name alone says nothing more. */
export const isNoName = (
  { path, before, after }: Difference,
  _: number,
  all: readonly Difference[],
): boolean => {
  const [entry, last] = path.slice(-2);
  const isName = identities.includes(String(last)) && [before, after].some((end) => isValue(end, entry));
  const parent = path.slice(0, -1);
  const isOf = (other: Difference) =>
    other.path.length >= path.length && parent.every((step, index) => step === other.path[index]);
  return !isName || all.filter(isOf).length === 1;
};

const isValue = (end: End, value: unknown): boolean => end.kind === "value" && end.value === value;

function isIdentity(key: string, list: readonly unknown[]): boolean {
  const names = list.map((entry) => (isValues(entry) ? entry[key] : undefined));
  return names.every((name) => typeof name === "string") && new Set(names).size === names.length;
}

const isListOfScalars = ({ before, after, unknown, beforeMarks, afterMarks }: Place): boolean =>
  [before, after].some(isList) &&
  [before, after].every((list) => isNothing(list) || (isList(list) && list.every(isScalar))) &&
  ![unknown, beforeMarks, afterMarks].some(isMarked);

/** What a text is as JSON, where that is an object or a list. */
export function parsedJson(text: unknown): unknown {
  if (typeof text !== "string" || !/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function leaf(place: Place): Difference[] {
  const { path, names, unknown, before, after, beforeMarks, afterMarks } = place;
  const isUnknown = isMarked(unknown);
  if (!isUnknown && canonical(before) === canonical(after)) return [];
  const secret = isMarked(beforeMarks) || isMarked(afterMarks);
  const end = (value: unknown): End => {
    if (isEmpty(value) || (secret && value === "")) return { kind: "absent" };
    if (secret) return { kind: "sensitive" };
    return endOf(value, names);
  };
  const ends = { before: end(before), after: isUnknown ? ({ kind: "unknown" } as const) : end(after) };
  return ends.before.kind === "absent" && ends.after.kind === "absent" ? [] : [{ path, ...ends }];
}

function endOf(value: unknown, names: readonly PathStep[]): End {
  const told = redacted(value, names);
  return told === sensitive ? { kind: "sensitive" } : { kind: "value", value: told };
}

const wholeOf = ({ path, names, before, after }: Place): Whole => ({
  path,
  before: endOf(before, names),
  after: endOf(after, names),
});

const isEmpty = (value: unknown): boolean =>
  isNothing(value) || (!isScalar(value) && canonical(value) === "");

const sensitive = "(sensitive)";

/** The value without what is taken for a secret by its name or its look; JSON and base64 in it, too. */
function redacted(value: unknown, path: readonly PathStep[]): unknown {
  if (typeof value === "string") return redactedText(value, path);
  if (isList(value))
    return value.map((entry, index) => redacted(entry, [...path, nameOf(entry)[0] ?? index]));
  if (!isValues(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, redacted(value[key], [...path, key])]),
  );
}

function redactedText(text: string, path: readonly PathStep[]): string {
  if (isPrivateKey(text)) return sensitive;
  if (text !== "" && !isArn(text) && !isReference(text) && holdsSecret(path)) return sensitive;
  const json = parsedJson(text);
  if (json !== undefined) return JSON.stringify(redacted(json, path));
  const plain = isPacked(path) ? unpacked(text) : undefined;
  if (plain === undefined) return withoutSecrets(text);
  const told = redactedText(plain, path);
  return told === plain ? text : told;
}

/**
 * A value in the form of another: what is the same in it looks the same, and entries of lists that have names come in the
 * order of the other. For showing both side by side.
 */
export function alike(value: unknown, other: unknown): unknown {
  if (canonical(value) === canonical(other)) return other;
  if (isList(value) && isList(other)) {
    const identity = identities.find((key) => isIdentity(key, value) && isIdentity(key, other));
    if (identity === undefined) return value.map((entry, index) => alike(entry, other[index]));
    const nameAt = (entry: unknown) => (entry as Values)[identity];
    const places = new Map(other.map((entry, index) => [nameAt(entry), index]));
    const placeOf = (entry: unknown) => places.get(nameAt(entry)) ?? other.length;
    return [...value]
      .sort((a, b) => placeOf(a) - placeOf(b))
      .map((entry) => alike(entry, other[places.get(nameAt(entry)) ?? -1]));
  }
  if (!isValues(value) || !isValues(other)) return value;
  const keys = Object.keys(value).filter((key) => Object.hasOwn(other, key) || canonical(value[key]) !== "");
  const missing = Object.keys(other).filter(
    (key) => !Object.hasOwn(value, key) && canonical(other[key]) === "",
  );
  return Object.fromEntries(
    [...keys, ...missing]
      .sort()
      .map((key) => [key, Object.hasOwn(value, key) ? alike(value[key], at(other, key)) : other[key]]),
  );
}

/** The same text for the same value, whatever the order of its keys; the empty text for nothing. */
export function canonical(value: unknown): string {
  if (isList(value)) return value.length === 0 ? "" : `[${value.map(canonical).join()}]`;
  if (!isValues(value)) return isNothing(value) ? "" : JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => [key, canonical(value[key])] as const)
    .filter(([, text]) => text !== "");
  return entries.length === 0
    ? ""
    : `{${entries.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join()}}`;
}
