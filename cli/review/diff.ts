/** A line of one text, of the other, or of both. */
export interface DiffLine {
  readonly kind: "same" | "gone" | "new";
  readonly text: string;
}

/** Lines of context around what differs. */
const CONTEXT = 3;

/** Pairs of lines that are compared at most. Beyond, all of the middle is gone and new. */
const MOST_PAIRS = 400_000;

/** All lines of both texts, each with a `-`, a `+` or a space before it. */
export const unifiedLines = (before: readonly string[], after: readonly string[]): readonly string[] =>
  diff(before, after).map(({ kind, text }) => signs[kind] + text);
const signs = { same: " ", gone: "-", new: "+" } as const;

/** What differs between two texts, with some lines around. A number stands for so many lines that are the same. */
export const foldedDiff = (
  before: readonly string[],
  after: readonly string[],
): readonly (DiffLine | number)[] => folded(diff(before, after));

/** {@link unifiedLines} read back. */
export const readLines = (lines: readonly string[]): readonly DiffLine[] =>
  lines.map((line) => {
    const kind = line.startsWith("-") ? "gone" : line.startsWith("+") ? "new" : "same";
    return { kind, text: line.slice(1) };
  });

/** Lines that differ, with some around. A number stands for so many lines that are the same. */
export function folded(lines: readonly DiffLine[]): readonly (DiffLine | number)[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ kind }) => kind !== "same"),
  );
  const parts: (DiffLine | number)[] = [];
  lines.forEach((line, index) => {
    const last = parts.at(-1);
    if (near[index]) parts.push(line);
    else if (typeof last === "number") parts[parts.length - 1] = last + 1;
    else parts.push(1);
  });
  return parts;
}

function diff(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  const start = sameAtStart(before, after);
  const end = sameAtStart(before.slice(start).reverse(), after.slice(start).reverse());
  const same = (texts: readonly string[]) => texts.map((text) => ({ kind: "same", text }) as const);
  return [
    ...same(before.slice(0, start)),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ];
}

function sameAtStart(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((text, index) => text !== b[index]);
  return at < 0 ? a.length : at;
}

/** By the longest common subsequence. */
function middle(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  const gone = (text: string): DiffLine => ({ kind: "gone", text });
  const fresh = (text: string): DiffLine => ({ kind: "new", text });
  if (before.length * after.length > MOST_PAIRS) return [...before.map(gone), ...after.map(fresh)];
  const lengths = commonLengths(before, after);
  const width = after.length + 1;
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    const [old = "", next = ""] = [before[i], after[j]];
    if (old === next) {
      lines.push({ kind: "same", text: old });
      i += 1;
      j += 1;
    } else if ((lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0)) {
      lines.push(gone(old));
      i += 1;
    } else {
      lines.push(fresh(next));
      j += 1;
    }
  }
  return [...lines, ...before.slice(i).map(gone), ...after.slice(j).map(fresh)];
}

/**
 * How many lines the rest of one has in common with the rest of the other: a row of `after.length + 1` for each line. Within
 * {@link MOST_PAIRS} none has more than 632.
 */
function commonLengths(before: readonly string[], after: readonly string[]): Uint16Array {
  const numbers = new Map<string, number>();
  const numbered = (lines: readonly string[]) =>
    Uint32Array.from(lines, (line) => {
      const number = numbers.get(line) ?? numbers.size;
      numbers.set(line, number);
      return number;
    });
  const [ours, theirs] = [numbered(before), numbered(after)];
  const width = after.length + 1;
  const lengths = new Uint16Array((before.length + 1) * width);
  for (let i = ours.length - 1; i >= 0; i -= 1)
    for (let j = theirs.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      const below = at + width;
      const beside = at + 1;
      if (ours[i] === theirs[j]) lengths[at] = (lengths[below + 1] as number) + 1;
      else
        lengths[at] = lengths[
          (lengths[below] as number) > (lengths[beside] as number) ? below : beside
        ] as number;
    }
  return lengths;
}
