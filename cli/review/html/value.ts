import { folded, readLines, unifiedLines, type DiffLine } from "../diff";
import type { EntryChanges, Shown, ShownEnds } from "../model";
import { fewReferences } from "../shown";
import { fewOf } from "../text";
import { indentedJson } from "./json";
import { counted, markup, type Filling, type Markup } from "./text";

/** Longer values are folded. */
const most = { lines: 12, characters: 400 };
const START = 100;

/** So many lines, or entries of a list, are shown of what differs; the rest is folded. */
const MOST_DIFFERENT = 40;

/** What a change of one attribute or output looks like: `before → after`, or the lines or entries that differ. */
export function changeOf({ before, after, entries, lines }: ShownEnds): Markup {
  if (lines) return diffOf(readLines(lines));
  if (entries) return entriesOf(entries);
  if (before.kind === "absent") return markup`<ins>${shown(after)}</ins>`;
  if (before.kind === "value" && after.kind === "value") {
    const texts = [before, after].map(wholeOf) as [string, string];
    if (texts.some((text) => text.includes("\n")))
      return diffOf(
        readLines(unifiedLines(...(texts.map((text) => text.split("\n")) as [string[], string[]]))),
      );
  }
  const marked = before.kind === "value" && after.kind === "value" && markedEnds(before.text, after.text);
  if (marked) return markup`<del>${marked.gone}</del> <i>→</i> <ins>${marked.fresh}</ins>`;
  const gone = markup`<del>${shown(before)}</del>`;
  return after.kind === "absent" ? gone : markup`${gone} <i>→</i> <ins>${shown(after)}</ins>`;
}

/** Shorter texts are compared at a glance. */
const GLANCE = 24;

/** Both ends of a long word such as an image's, with what differs in it marked; undefined where that is most of it. */
function markedEnds(before: string, after: string): { gone: Markup; fresh: Markup } | undefined {
  if (Math.max(before.length, after.length) > most.characters) return undefined;
  const [one, other] = [[...before], [...after]];
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  if (start + end < Math.max(GLANCE, shorter / 2)) return undefined;
  const part = (text: readonly string[]) =>
    markup`${text.slice(0, start).join("")}<b>${text.slice(start, text.length - end).join("")}</b>${text.slice(text.length - end).join("")}`;
  return { gone: part(one), fresh: part(other) };
}

/** All lines of both ends of a text, folded. */
export const allLines = (lines: readonly string[], what: string): Markup =>
  markup`<details class="long all"><summary>${what} <em>${counted(lines.length, "line")}</em></summary><span class="diff">${readLines(lines).map(lineOf)}</span></details>`;

function shown(value: Shown): Markup {
  switch (value.kind) {
    case "sensitive":
      return markup`<em>(sensitive)</em>`;
    case "unknown":
      return unknownOf(value);
    case "absent":
      return markup`<em>(not set)</em>`;
    case "value":
      return value.text === "" ? markup`<em>(empty)</em>` : textOf(wholeOf(value));
  }
}

/** All of a text, JSON with a line for each member. */
const wholeOf = ({ text, full = text }: Shown & { readonly kind: "value" }): string =>
  indentedJson(full) ?? full;

/** What is not known, with what it is made from. */
function unknownOf({ from = [], configured }: Shown & { readonly kind: "unknown" }): Markup {
  const told = markup`<em>(known after apply${from.length > 0 && `, from ${fewOf(from, fewReferences)}`})</em>`;
  if (configured === undefined) return told;
  return markup`${told} ${textOf(indentedJson(configured) ?? configured)}`;
}

/** Entries that leave a list and come to it, one on each line. */
function entriesOf({ gone, new: fresh, same }: EntryChanges): Markup {
  const lines: DiffLine[] = [
    ...gone.map((text) => ({ kind: "gone", text }) as const),
    ...fresh.map((text) => ({ kind: "new", text }) as const),
  ];
  const told = markup`<em>${counted(same, "entry", "entries")} the same</em>`;
  return limitedTo(lines.map(lineOf), "entries", told);
}

/** The first of many, and the rest folded. */
function limitedTo(parts: readonly Markup[], what: string, last?: Filling): Markup {
  const rest = parts.slice(MOST_DIFFERENT);
  return markup`<span class="diff">${parts.slice(0, MOST_DIFFERENT)}${
    rest.length > 0 &&
    markup`<details class="long"><summary><em>${rest.length.toLocaleString("en-US")} more ${what}</em></summary>${rest}</details>`
  }${last}</span>`;
}

/** A text; where it is long, its start, and the whole of it folded below. */
function textOf(text: string): Markup {
  const lines = text.split("\n").length;
  if (lines <= most.lines && text.length <= most.characters) return markup`${text}`;
  const [first = ""] = text.split("\n");
  const size = lines > 1 ? counted(lines, "line") : counted(text.length, "character");
  return markup`<details class="long"><summary>${[...first].slice(0, START).join("")}… <em>${size}</em></summary>${text}</details>`;
}

const signs = { same: " ", gone: "−", new: "+" };

/** What differs with some lines around, and all of it below where that is more. */
function diffOf(lines: readonly DiffLine[]): Markup {
  const parts = folded(lines);
  const told = limitedTo(
    parts.map((part) => (typeof part === "number" ? gapOf(part) : lineOf(part))),
    "lines",
  );
  if (!parts.some((part) => typeof part === "number")) return told;
  const texts = lines.map(({ kind, text }) => marks[kind] + text);
  return markup`${told}${allLines(texts, "All of it")}`;
}
const marks = { same: " ", gone: "-", new: "+" };

const gapOf = (count: number): Markup => markup`<em>${counted(count, "line")} the same</em>`;

function lineOf({ kind, text }: DiffLine): Markup {
  const line = `${signs[kind]} ${text}`;
  if (kind === "same") return markup`<span>${line}</span>`;
  return kind === "gone" ? markup`<del>${line}</del>` : markup`<ins>${line}</ins>`;
}
