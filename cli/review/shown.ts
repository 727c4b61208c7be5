import { createHash } from "node:crypto";
import { canonical, type Difference, type End } from "./differences";
import type { Shown } from "./model";
import { bytesOf, shortened } from "./text";

/** The longest text that a review holds. */
const mostCharacters = 1000;
/** How much of a longer one is shown. */
const head = 300;
/** As many entries of a list are always shown. */
const fewEntries = 8;

/** Both ends as they may be shown: of long texts and lists what differs, of what nobody can read the size and a digest. */
export function shownEnds({ before, after }: Omit<Difference, "path">): { before: Shown; after: Shown } {
  if (before.kind === "value" && after.kind === "value") {
    const ends = withoutCommon(before.value, after.value);
    if (ends.before === ends.after) return quoted(before.value, after.value);
    return { before: valued(ends.before), after: valued(ends.after) };
  }
  return { before: shown(before), after: shown(after) };
}

/** One end alone. */
export const shown = (end: End): Shown =>
  end.kind === "value" ? valued(textOf(end.value)) : { kind: end.kind };

/** In words, for text of any format. */
export const wordsFor = (end: Shown): string => (end.kind === "value" ? end.text : words[end.kind]);
const words = { sensitive: "(sensitive)", unknown: "(known after apply)", absent: "(none)" } as const;

const valued = (text: string): Shown => ({ kind: "value", text: limited(text) });

/** They look the same and are not, such as `1` and `"1"`. */
const quoted = (before: unknown, after: unknown): { before: Shown; after: Shown } => ({
  before: valued(JSON.stringify(before)),
  after: valued(JSON.stringify(after)),
});

const textOf = (value: unknown): string =>
  typeof value === "string" ? (value === "" ? '""' : value) : JSON.stringify(value);

function withoutCommon(before: unknown, after: unknown): { before: string; after: string } {
  const lists = [before, after].every(Array.isArray);
  if (lists) return ofLists(before as unknown[], after as unknown[]);
  const [one, other] = [textOf(before), textOf(after)];
  return one.includes("\n") && other.includes("\n") ? ofLines(one, other) : { before: one, after: other };
}

/** Of long lists the entries that the other has not. */
function ofLists(before: readonly unknown[], after: readonly unknown[]): { before: string; after: string } {
  const only = (list: readonly unknown[], other: readonly unknown[]): string => {
    const known = new Set(other.map(canonical));
    const own = list.filter((entry) => !known.has(canonical(entry)));
    const all = Math.max(before.length, after.length) <= fewEntries || own.length === list.length;
    return all ? JSON.stringify(list) : `${JSON.stringify(own)} and ${list.length - own.length} more`;
  };
  const ends = { before: only(before, after), after: only(after, before) };
  return ends.before === ends.after ? { before: textOf(before), after: textOf(after) } : ends; // another order
}

/** Of texts of lines those between the first and the last that differ. */
function ofLines(before: string, after: string): { before: string; after: string } {
  const [one, other] = [before.split("\n"), after.split("\n")];
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

const isBase64 = (text: string): boolean => text.length > 200 && /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text);
