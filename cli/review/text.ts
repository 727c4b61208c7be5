/** What is not seen, or changes how its neighbours are seen: controls, zero width, direction, other spaces, half characters. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

/**
 * The text with what cannot be seen told by a sign: a line break is `␊`, a character that turns the direction `[U+202E]`.
 * So it is one line, and says to the eye what it says to the machine.
 */
export const visible = (text: string): string => (isAscii.test(text) ? text : text.replace(unseen, told));

/** Most texts, and quick to tell. */
const isAscii = /^[ -~]*$/;

function told(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "␡";
  return `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
}

/** Cut to that many characters, saying how many there are. Never in the middle of one. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const characters = [...text];
  return characters.length <= most
    ? text
    : `${characters.slice(0, most).join("")}… (${characters.length} characters)`;
}

/** Some words, shortened to a few and the number of the rest. */
export function fewOf(words: readonly string[], most = 3): string {
  const rest = words.length - most;
  return rest > 0 ? `${words.slice(0, most).join(", ")} and ${rest} more` : words.join(", ");
}

export const bytesOf = (text: string): number => Buffer.byteLength(text, "utf8");
