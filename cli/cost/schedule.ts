import { months as monthNames, weekdays as weekdayNames } from "../../modules/schedule";

/** A month, as all estimates have it: a twelfth of 365 days, in hours. */
export const HOURS_PER_MONTH = 730;

/** A month in days. */
export const DAYS_PER_MONTH = HOURS_PER_MONTH / 24;

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * How often a schedule runs in an average month of 730 hours. Years are 365 days, and as likely to begin on one weekday
 * as on another. A year in a cron expression is not looked at.
 * @param expression as EventBridge takes it: `rate(6 hours)`, `cron(0 3 * * ? *)`, or `at(…)`, which runs once
 * @returns undefined where the expression is not understood
 */
export function runsPerMonth(expression: string): number | undefined {
  const [, kind, body = ""] = /^(rate|cron|at)\((.*)\)$/.exec(expression.trim()) ?? [];
  if (kind === "at") return 1;
  if (kind === "rate") return ratePerMonth(body);
  if (kind === "cron") return cronPerMonth(body.trim().split(/\s+/));
  return undefined;
}

function ratePerMonth(body: string): number | undefined {
  const [, count, unit = ""] = /^\s*(\d+)\s+(minute|hour|day)s?\s*$/.exec(body) ?? [];
  const hours = { minute: 1 / 60, hour: 1, day: 24 }[unit];
  return hours === undefined || Number(count) === 0 ? undefined : HOURS_PER_MONTH / (Number(count) * hours);
}

function cronPerMonth(fields: readonly string[]): number | undefined {
  const [minutes = "", hours = "", days = "", months = "", weekdays = ""] = fields;
  const perHour = valuesOf(minutes, 0, 59)?.size;
  const perDay = valuesOf(hours, 0, 23)?.size;
  const inMonths = valuesOf(months, 1, 12, monthNames);
  const isDay = dayMatcher(days);
  const isWeekday = weekdayMatcher(weekdays);
  if (fields.length !== 6 || !perHour || !perDay || !inMonths || !isDay || !isWeekday) return undefined;
  const matching = daysOfSevenYears().filter(
    (day) => inMonths.has(day.month) && isDay(day) && isWeekday(day),
  ).length;
  return (perHour * perDay * matching) / 7 / 12;
}

interface Day {
  /** 1 to 12 */
  readonly month: number;
  /** 1 to 31 */
  readonly day: number;
  /** 1 is Sunday */
  readonly weekday: number;
  /** Days that the month has. */
  readonly last: number;
}

/** Seven years of 365 days, which begin on seven different weekdays. */
const daysOfSevenYears = (): readonly Day[] =>
  Array.from({ length: 7 }, (_, start) =>
    DAYS_IN_MONTH.flatMap((last, month) =>
      Array.from({ length: last }, (_, day) => ({ month: month + 1, day: day + 1, last })),
    ).map((day, index) => ({ ...day, weekday: ((start + index) % 7) + 1 })),
  ).flat();

function dayMatcher(field: string): ((day: Day) => boolean) | undefined {
  if (field === "L") return ({ day, last }) => day === last;
  if (/^([1-9]|[12]\d|3[01])W$/.test(field)) return ({ day }) => day === 1; // once a month, whichever day it is
  const days = valuesOf(field, 1, 31);
  return days && (({ day }) => days.has(day));
}

function weekdayMatcher(field: string): ((day: Day) => boolean) | undefined {
  const [, name = "", nth, last] = /^(\w+?)(?:#([1-5])|(L))$/.exec(field) ?? [];
  const [wanted] = valuesOf(name, 1, 7, weekdayNames) ?? [];
  if (wanted !== undefined && nth !== undefined) {
    return ({ day, weekday }) => weekday === wanted && Math.ceil(day / 7) === Number(nth);
  }
  if (wanted !== undefined && last !== undefined) {
    return (day) => day.weekday === wanted && day.day > day.last - 7;
  }
  const weekdays = valuesOf(field, 1, 7, weekdayNames);
  return weekdays && (({ weekday }) => weekdays.has(weekday));
}

/** What a field of a cron expression allows; undefined where it is not understood. */
function valuesOf(
  field: string,
  first: number,
  last: number,
  names: readonly string[] = [],
): ReadonlySet<number> | undefined {
  const values = field.split(",").map((part) => rangeOf(part, first, last, names));
  return values.every((range) => range !== undefined) ? new Set(values.flat()) : undefined;
}

function rangeOf(
  part: string,
  first: number,
  last: number,
  names: readonly string[],
): readonly number[] | undefined {
  const [, span = "", step] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
  const every = ["*", "?"].includes(span);
  const [from, to] = every ? [first, last] : span.split("-").map((text) => numberOf(text, first, names));
  const end = to ?? (step === undefined ? from : last);
  if (from === undefined || end === undefined || step === "0" || span.split("-").length > 2) return undefined;
  if (!(from >= first && end <= last && from <= end)) return undefined;
  return Array.from({ length: end - from + 1 }, (_, index) => from + index).filter(
    (value) => (value - from) % Number(step ?? 1) === 0,
  );
}

function numberOf(text: string, first: number, names: readonly string[]): number {
  const index = names.indexOf(text.toUpperCase());
  return index >= 0 ? index + first : /^\d+$/.test(text) ? Number(text) : NaN;
}
