/**
 * A JSON list or object with a line for each member. Nothing but spaces outside of texts changes, so that numbers and
 * repeated names are shown as they are.
 * @returns undefined where it is none, or one too short to need it
 */
export function indentedJson(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text) || text.length < SHORT || text.includes("\n") || !isJson(text)) return undefined;
  const parts = text.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g) ?? [];
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  return parts
    .map((part, index) => {
      const isEmpty = (at: number) => /^(\[\]|\{\})$/.test(`${parts[at]}${parts[at + 1]}`);
      if (part === "[" || part === "{") {
        depth += 1;
        return isEmpty(index) ? part : part + line();
      }
      if (part === "]" || part === "}") {
        depth -= 1;
        return isEmpty(index - 1) ? part : line() + part;
      }
      if (part === ",") return part + line();
      return part === ":" ? ": " : part;
    })
    .join("");
}

/** Characters of what fits into a line. */
const SHORT = 60;

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
