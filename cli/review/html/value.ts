import type { PathStep } from "../../plan-document";
import type { AttributeChange, Shown } from "../model";
import { foldedDiff, type DiffLine } from "./diff";
import { indentedJson } from "./json";
import { counted, markup, type Markup } from "./text";

/** A path as Terraform writes it, such as `ingress[0].cidr_blocks` or `tags["a b"]`. */
export const pathText = (path: readonly PathStep[]): string => path.map(stepText).join("").replace(/^\./, "");

const stepText = (step: PathStep): string => {
  if (typeof step === "number") return `[${step}]`;
  return /^[\w-]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
};

/** Longer values are folded. */
const most = { lines: 12, characters: 400 };
const START = 100;

/** What a change of one attribute or output looks like: `before → after`, or the lines that differ. */
export function changeOf({ before, after }: Pick<AttributeChange, "before" | "after">): Markup {
  if (before.kind === "absent") return markup`<ins>${shown(after)}</ins>`;
  if (before.kind === "value" && after.kind === "value") {
    const texts = [before.text, after.text].map((text) => indentedJson(text) ?? text) as [string, string];
    if (texts.some((text) => text.includes("\n"))) return diffOf(...texts);
  }
  const gone = markup`<del>${shown(before)}</del>`;
  return after.kind === "absent" ? gone : markup`${gone} <i>→</i> <ins>${shown(after)}</ins>`;
}

function shown(value: Shown): Markup {
  switch (value.kind) {
    case "sensitive":
      return markup`<em>(sensitive)</em>`;
    case "unknown":
      return markup`<em>(known after apply)</em>`;
    case "absent":
      return markup`<em>(not set)</em>`;
    case "value":
      return value.text === "" ? markup`<em>(empty)</em>` : textOf(indentedJson(value.text) ?? value.text);
  }
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

function diffOf(before: string, after: string): Markup {
  const lines = foldedDiff(before.split("\n"), after.split("\n"));
  const shownLines = lines.map((line) => (typeof line === "number" ? gapOf(line) : lineOf(line)));
  return markup`<span class="diff">${shownLines}</span>`;
}

const gapOf = (count: number): Markup => markup`<em>${counted(count, "line")} the same</em>`;

function lineOf({ kind, text }: DiffLine): Markup {
  const line = `${signs[kind]} ${text}`;
  if (kind === "same") return markup`<span>${line}</span>`;
  return kind === "gone" ? markup`<del>${line}</del>` : markup`<ins>${line}</ins>`;
}
