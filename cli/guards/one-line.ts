import { visible } from "../review/text";

/**
 * Any text of a plan or a review as one line that means itself: nothing in it is a command to a terminal, or to GitHub,
 * which reads its log for lines that begin with `::`, and for `##[` in them.
 */
export const oneLine = (text: string): string =>
  visible(text)
    .replace(/^(\s*):(?=:)/, "$1: ")
    .replaceAll("##[", "# #[");

/** A word of a command, in the quotes of a shell. */
export const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** A word of a command, in quotes where it needs them. */
export const shellWord = (word: string): string => (/^[\w./:-]+$/.test(word) ? word : quoted(word));
