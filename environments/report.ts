import type { Problem } from "./problem";

/** The problems as text, a line each with its place, ending in how many there are. Empty where there are none. */
export function formatReport(
  problems: readonly Problem[],
  options: { readonly bold?: (text: string) => string } = {},
): string {
  if (problems.length === 0) return "";
  const bold = options.bold ?? ((text) => text);
  const lines = problems.map(({ file, line, name, what, mend }) => {
    const place = printable(line === undefined ? file : `${file}:${line}`);
    return `${bold(place)}: ${name ? `${printable(name)} ` : ""}${sentence(printable(what))} ${printable(mend)}\n`;
  });
  return `${lines.join("")}${problems.length} problem${problems.length === 1 ? "" : "s"}\n`;
}

const sentence = (text: string): string => (text.endsWith("?") ? text : `${text}.`);

/** Nothing of a file reaches the terminal as a control sequence. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\uFFFD");
