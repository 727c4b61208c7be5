import table from "./prices.json";

/** One list price in US dollars. */
export interface Price {
  readonly price: number;
  /** What one of costs that much. */
  readonly unit: string;
  /** AWS's page with this price. */
  readonly source: string;
  /** How the price is known, and of what day. */
  readonly checked: string;
}

/** Prices of many kinds of one thing, such as instance types. */
export interface PriceTable {
  readonly unit: string;
  readonly source: string;
  readonly checked: string;
  readonly prices: Readonly<Record<string, number>>;
}

export type PriceName = keyof typeof table.prices;
export type TableName = keyof typeof table.tables;

/** Region that the prices are of. */
export const priceRegion: string = table.region;

/** Day on which the table was put together, as YYYY-MM-DD. */
export const priceDate: string = table.date;

/** All single prices, by name. */
export const prices: Readonly<Record<PriceName, Price>> = table.prices;

/** All tables of prices, by name. */
export const priceTables: Readonly<Record<TableName, PriceTable>> = table.tables;

/** Price of one kind in a table, in US dollars; undefined where the table does not have it. */
export function priceIn(name: TableName, kind: string): number | undefined {
  const { prices: kinds } = priceTables[name];
  return Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
}
