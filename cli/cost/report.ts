import type { Estimate, Line, Note } from "./estimate";
import { priceDate, priceRegion } from "./prices";
import type { AppliedUsage } from "./usage";

/** How an estimate is shown. */
export interface ReportOptions {
  readonly stack: string;
  /** @default as it is */
  readonly bold?: (text: string) => string;
}

/** The estimate as text. */
export function formatEstimate(found: Estimate, { stack, bold = (text) => text }: ReportOptions): string {
  const title = `Monthly estimate of ${stack}: list prices of ${priceRegion} as of ${priceDate}, 730 hours, without taxes and free tiers`;
  return [
    bold(title),
    ...table(found, bold),
    bold(`total ${money(found.total)}`),
    `${found.free} of ${found.resources} resources cost nothing by themselves.`,
    ...section("Not estimated, and not in the total", found.notEstimated.length, notes(found.notEstimated)),
    ...section("Notes", found.notes.length, notes(found.notes)),
    ...section("Usage; change it with --usage name=value", found.usage.length, usageLines(found.usage)),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

const money = (dollars: number): string => `$${dollars.toFixed(2)}`;

/** A price of one, with as many decimals as it has, two at least. */
export const unitMoney = (dollars: number): string =>
  `$${Number(dollars.toPrecision(6))
    .toFixed(12)
    .replace(/(\.\d\d\d*?)0+$/, "$1")}`;

const amount = (quantity: number): string =>
  quantity.toLocaleString("en-US", { maximumFractionDigits: quantity < 1 ? 4 : 2, useGrouping: false });

const heading = ["resource", "what", "quantity", "unit", "unit price", "$ per month"];
const isNumeric = [false, false, true, false, true, true];

const cells = ({ address, what, quantity, unit, unitPrice, monthly }: Line): readonly string[] => [
  address,
  what,
  amount(quantity),
  unit,
  unitMoney(unitPrice),
  monthly.toFixed(2),
];

function table({ lines, subtotals }: Estimate, bold: (text: string) => string): readonly string[] {
  if (lines.length === 0) return [];
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => cells(line)[column]?.length ?? 0)),
  );
  const row = (texts: readonly string[]): string =>
    texts
      .map((text, column) =>
        isNumeric[column] ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [
    row(heading),
    ...subtotals.flatMap(({ system, monthly }) => [
      bold(system),
      ...lines.filter((line) => line.system === system).map((line) => row(cells(line))),
      bold(`subtotal of ${system} ${money(monthly)}`),
    ]),
  ];
}

const section = (title: string, count: number, lines: readonly string[]): readonly string[] =>
  count === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];

const notes = (list: readonly Note[]): readonly string[] =>
  list.map(({ address, text }) => `${address}: ${text}`);

const usageLines = (list: readonly AppliedUsage[]): readonly string[] =>
  list.map(({ name, resource, value, unit, meaning, isDefault }) => {
    const key = resource === undefined ? name : `${name}:${resource}`;
    return `${key}=${value} ${unit} ${meaning}${isDefault ? "" : " (given)"}`;
  });
