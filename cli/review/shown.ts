import { createHash } from "node:crypto";
import type { PathStep } from "../plan-document";
import { unifiedLines } from "./diff";
import { alike, canonical, parsedJson, type Difference, type End, type Whole } from "./differences";
import type { DocumentChange, EntryChanges, Shown, ShownEnds } from "./model";
import { bytesOf, fewOf, shortened } from "./text";
import { isPacked, unpacked } from "./unpacked";

/** The longest text that a review holds. */
const mostCharacters = 1000;
/** How much of a longer one is shown. */
const head = 300;
/** As many entries of a list are always shown. */
const fewEntries = 8;
/** The longest text that is kept whole. */
const mostWhole = 200_000;

/** Both ends as they may be shown: of long texts and lists what differs, of what nobody can read the size and a digest. */
export function shownEnds({ path, before, after }: Difference): ShownEnds {
  const plain = unpackedEnds(path, before, after);
  if (plain) return shownEnds({ path: [], ...plain });
  if (before.kind !== "value" || after.kind !== "value")
    return { before: shown(before), after: shown(after) };
  if ([before, after].some(isTextOfLines) && [before, after].every(isText))
    return endsOfLines(before.value as string, after.value as string);
  const ends = withoutCommon(before.value, after.value);
  if (ends.before === ends.after) return quoted(before.value, after.value);
  const entries = entriesOf(before.value, after.value);
  return {
    before: valued(ends.before, textOf(before.value)),
    after: valued(ends.after, textOf(after.value)),
    ...(entries ? { entries } : {}),
  };
}

/** All lines of both ends of a text of JSON; undefined where an end may not be shown, or is too long. */
export function documentOf({ path, before, after }: Whole): DocumentChange | undefined {
  const [one, other] = [before, after].map(jsonOf);
  if (one === undefined || other === undefined) return undefined;
  return { path, lines: unifiedLines(jsonLines(one), jsonLines(alike(other, one))) };
}

const jsonOf = (end: End): unknown =>
  end.kind === "value" && String(end.value).length <= mostWhole ? parsedJson(end.value) : undefined;

const jsonLines = (json: unknown): string[] => JSON.stringify(json, null, 2).split("\n");

/** What base64 of both ends holds, where one can read it. */
function unpackedEnds(
  path: readonly PathStep[],
  ...ends: [End, End]
): Pick<Difference, "before" | "after"> | undefined {
  if (!isPacked(path)) return undefined;
  const [before, after] = ends.map((end): End | undefined => {
    if (end.kind !== "value") return end;
    const text = String(end.value); // unpacked already where a secret was in it
    const value = unpacked(text) ?? text;
    return value.includes("\n") && !isBase64(value) ? { kind: "value", value } : undefined;
  });
  const isSame = before?.kind === "value" && after?.kind === "value" && before.value === after.value;
  return before && after && !isSame ? { before, after } : undefined;
}

const bothSensitive: ShownEnds = { before: { kind: "sensitive" }, after: { kind: "sensitive" } };

const isText = (end: End): boolean => end.kind === "value" && typeof end.value === "string";
const isTextOfLines = (end: End): boolean =>
  end.kind === "value" && typeof end.value === "string" && end.value.includes("\n");

function endsOfLines(before: string, after: string): ShownEnds {
  if (before === after) return bothSensitive; // but for what is hidden
  const [one, other] = [before, after].map((text) => text.split("\n")) as [string[], string[]];
  const ends = ofLines(one, other);
  const isShort = Math.max(before.length, after.length) <= mostWhole;
  return {
    before: valued(ends.before),
    after: valued(ends.after),
    ...(isShort ? { lines: unifiedLines(one, other) } : {}),
  };
}

/** One end alone. */
export const shown = (end: End): Shown => {
  if (end.kind !== "value") return { kind: end.kind };
  const text = textOf(end.value);
  return valued(text, text);
};

/** In words, for text of any format. */
export const wordsFor = (end: Shown): string => {
  if (end.kind === "value") return end.text;
  return end.kind === "unknown" && end.from
    ? `(known after apply, from ${fewOf(end.from, fewReferences)})`
    : words[end.kind];
};

/** So many references are named. */
export const fewReferences = 4;

const words = { sensitive: "(sensitive)", unknown: "(known after apply)", absent: "(none)" } as const;

/** @param whole kept where the text is not shown as it is, and somebody could read it. @default not kept */
function valued(text: string, whole = ""): Shown {
  const part = limited(text);
  const isKept = whole !== "" && part !== whole && whole.length <= mostWhole && !isBase64(whole);
  return { kind: "value", text: part, ...(isKept ? { full: whole } : {}) };
}

/** They look the same and are not, such as `1` and `"1"`, or two that differ in what is hidden. */
function quoted(...ends: [unknown, unknown]): ShownEnds {
  const [before, after] = ends.map((end) => JSON.stringify(end)) as [string, string];
  return before === after ? bothSensitive : { before: valued(before), after: valued(after) };
}

/** As one text. */
const textOf = (value: unknown): string =>
  typeof value === "string" ? (value === "" ? '""' : value) : JSON.stringify(value);

function withoutCommon(before: unknown, after: unknown): { before: string; after: string } {
  const lists = [before, after].every(Array.isArray);
  if (lists) return ofLists(before as unknown[], after as unknown[]);
  return { before: textOf(before), after: textOf(after) };
}

/**
 * Undefined where neither is a list, they share nothing, or have the same in another order. In policies one entry is the
 * same as a list of it.
 */
function entriesOf(before: unknown, after: unknown): EntryChanges | undefined {
  if (!Array.isArray(before) && !Array.isArray(after)) return undefined;
  const [one, other] = [before, after].map((end) => (Array.isArray(end) ? (end as unknown[]) : [end])) as [
    unknown[],
    unknown[],
  ];
  const only = (list: readonly unknown[], other: readonly unknown[]): string[] => {
    const known = new Set(other.map(canonical));
    return list.filter((entry) => !known.has(canonical(entry))).map(textOf);
  };
  const [gone, fresh] = [only(one, other), only(other, one)];
  const same = other.length - fresh.length;
  return same > 0 && gone.length + fresh.length > 0 ? { gone, new: fresh, same } : undefined;
}

/** Of long lists the entries that the other has not. */
function ofLists(before: readonly unknown[], after: readonly unknown[]): { before: string; after: string } {
  const only = (list: readonly unknown[], other: readonly unknown[]): string => {
    const known = new Set(other.map(canonical));
    const own = list.filter((entry) => !known.has(canonical(entry)));
    const all = Math.max(before.length, after.length) <= fewEntries || own.length === list.length;
    return all ? textOf(list) : `${textOf(own)} and ${list.length - own.length} more`;
  };
  const ends = { before: only(before, after), after: only(after, before) };
  return ends.before === ends.after ? { before: textOf(before), after: textOf(after) } : ends; // another order
}

/** Of texts of lines those between the first and the last that differ. */
function ofLines(one: readonly string[], other: readonly string[]): { before: string; after: string } {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start++;
  let end = 0;
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  const part = (lines: readonly string[]): string => {
    const changed = lines.slice(start, lines.length - end);
    return changed.length === 0
      ? `(nothing at line ${start + 1})`
      : `line ${start + 1}: ${changed.join("\n")}`;
  };
  return { before: part(one), after: part(other) };
}

/** Nobody reads base64; of other long texts the beginning says what it is. */
function limited(text: string): string {
  if (text.length <= mostCharacters && !isBase64(text)) return text;
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 12);
  const size = `${bytesOf(text)} bytes, sha256 ${digest}…`;
  return isBase64(text)
    ? `(${size})`
    : `${shortened(text, head).replace(/ \(\d+ characters\)$/, "")} (${size})`;
}

/** In lines of one length, as words are not. */
const isBase64 = (text: string): boolean =>
  text.length > 200 &&
  /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text) &&
  text
    .trim()
    .split(/\s+/)
    .every((line, index, lines) => line.length >= 60 || index === lines.length - 1);
