import { prices, type PriceName } from "./prices";
import type { Resource, Template } from "./template";
import type { Usage } from "./usage";

/** Something that a resource is charged for. */
export interface Charge {
  /** What is counted. */
  readonly what: string;
  /** How much of it in a month of 730 hours. */
  readonly quantity: number;
  /** What one of costs {@link unitPrice}. */
  readonly unit: string;
  /** US dollars. */
  readonly unitPrice: number;
  /** What had to be assumed to say so, besides usage. */
  readonly note?: string;
}

/** Something that a resource may be charged for, and that cannot be estimated. */
export interface Gap {
  readonly notEstimated: string;
}

/** Something to say about a resource, which by itself costs nothing. */
export interface Remark {
  readonly remark: string;
}

export type Finding = Charge | Gap | Remark;

/** What an estimate of one resource can look at. */
export interface Context {
  readonly template: Template;
  readonly usage: Usage;
}

/** Says what a resource is charged for. Empty where it costs nothing. */
export type Pricer = (resource: Resource, context: Context) => readonly Finding[];

/** A charge at a price of the table. */
export const charge = (name: PriceName, what: string, quantity: number, note?: string): Charge => ({
  what,
  quantity,
  unit: prices[name].unit,
  unitPrice: prices[name].price,
  ...(note === undefined ? {} : { note }),
});

/** The same charges, that many times. */
export const times = (count: number, findings: readonly Finding[]): readonly Finding[] =>
  findings.map((finding) =>
    "what" in finding ? { ...finding, quantity: finding.quantity * count } : finding,
  );
