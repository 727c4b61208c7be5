/** TCP or UDP ports; both ends belong to the range. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export const port = (number: number): PortRange => ({ from: number, to: number });

/** Whether the inner range lies in the outer one. */
export const covers = (outer: PortRange, inner: PortRange): boolean =>
  outer.from <= inner.from && inner.to <= outer.to;

/** Whether two ranges have a port in common. */
export const meet = (one: PortRange, other: PortRange): boolean =>
  one.from <= other.to && other.from <= one.to;
