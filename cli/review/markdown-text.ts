import { shortened, visible } from "./text";

/** All but letters and digits of all scripts, pictures, and signs that mean nothing in Markdown, HTML or to GitHub. */
const signs = /[^\p{L}\p{N}\p{Extended_Pictographic} ,;/%?=→…–␀-␡-]/gu;
/** Between letters `_` and `.` mean nothing, unless in `www.`, and names are full of them. */
const harmless = /(?<=[A-Za-z0-9])(?<!www)&#(95|46);(?=[A-Za-z0-9])/gi;

/**
 * Any text as Markdown text in one line that means itself: no link, emphasis, tag, table cell or comment begins or ends in
 * it. All signs become numeric HTML entities, which neither Markdown nor HTML takes for signs.
 */
export const escaped = (text: string): string =>
  visible(text)
    .replace(signs, (sign) => `&#${sign.codePointAt(0)};`)
    .replace(harmless, (_, code: string) => String.fromCodePoint(Number(code)));

/**
 * Any text as inline code. GitHub looks for mentions, issue numbers and names of emoji in what it has rendered, where an
 * entity is the sign again; but not inside of `code`.
 * @param most characters that are shown
 */
export const code = (text: string, most = Infinity): string =>
  `<code>${escaped(shortened(text, most))}</code>`;

/** Words, or numbers, in parentheses too, and the end of a sentence: nothing that GitHub would make something of. */
const plainWord = /^\(?(?:[\p{L}'’-]+|\p{N}+)\)?[.,;:!?]?$/u;

/** A sentence of ours with any names in it: those are code. */
export const prose = (text: string, most = Infinity): string =>
  visible(shortened(text, most))
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => (plainWord.test(word) ? escaped(word) : code(word)))
    .join(" ");

/** A row of a table. The cells must be escaped. */
export const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** A table; empty where it has no rows. */
export const table = (heading: readonly string[], rows: readonly string[]): readonly string[] =>
  rows.length === 0 ? [] : [row(heading), row(heading.map(() => "---")), ...rows];
