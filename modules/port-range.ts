/** TCP or UDP ports; both ends belong to the range. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export const port = (number: number): PortRange => ({ from: number, to: number });

/** Whether two ranges have a port in common. */
export const meet = (one: PortRange, other: PortRange): boolean =>
  one.from <= other.to && other.from <= one.to;

/** The parts of a range that none of the others holds. */
export function uncovered(range: PortRange, others: readonly PortRange[]): PortRange[] {
  const ranges = others.filter((other) => meet(range, other)).sort((one, other) => one.from - other.from);
  const parts: PortRange[] = [];
  let next = range.from;
  for (const { from, to } of ranges) {
    if (from > next) parts.push({ from: next, to: from - 1 });
    next = Math.max(next, to + 1);
  }
  if (next <= range.to) parts.push({ from: next, to: range.to });
  return parts;
}
