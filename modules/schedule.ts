/** Minutes of a rate's units. */
const rateUnits = { minute: 1, hour: 60, day: 1440 } as const;

/** A field of a cron expression. */
interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
  /** What else the field may hold, for people. */
  readonly special?: string;
  /** An expression that works, to learn the field from. */
  readonly example: string;
}

/** Calendar month, as far as days in it are counted. */
export interface Month {
  /** Number of its days. */
  readonly length: number;
  /** Weekday of its first day; 0 is Sunday. */
  readonly firstWeekday: number;
}

/** A schedule by a cron expression, in UTC. */
export interface Cron {
  readonly kind: "cron";
  /** Minutes of a day at which it runs, in order. */
  readonly minutesOfDay: readonly number[];
  /** Months, from 1 to 12, in order. */
  readonly months: readonly number[];
  /** Years, in order. */
  readonly years: readonly number[];
  /** Days of a month, from 1, in order. */
  readonly daysOf: (month: Month) => readonly number[];
}

/** A schedule by a rate. */
export interface Rate {
  readonly kind: "rate";
  /** Time between two runs, in minutes. */
  readonly minutes: number;
}

export interface ScheduleProblem {
  readonly kind: "problem";
  /** What is wrong, as the end of a sentence that begins with the expression. */
  readonly what: string;
}

const MINUTES_PER_DAY = 1440;
const MS_PER_DAY = 86_400_000;
const DAILY = "cron(0 3 * * ? *)";
const LAST_DAYS = "cron(0 3 L * ? *)";

/** The last year that a cron expression can name: nothing runs later. */
const LAST_YEAR = 2199;

const monthNames = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const weekdayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based */
const minuteField: Field = { name: "minutes", least: 0, most: 59, example: "cron(0/15 * * * ? *)" };
const hourField: Field = { name: "hours", least: 0, most: 23, example: "cron(0 8-17 * * ? *)" };
const dayField: Field = {
  name: "day of month",
  least: 1,
  most: 31,
  special: "L, LW or 15W",
  example: "cron(0 3 1 * ? *)",
};
const monthField: Field = {
  name: "month",
  least: 1,
  most: 12,
  names: monthNames,
  example: "cron(0 3 1 JAN,JUL ? *)",
};
const weekdayField: Field = {
  name: "day of week",
  least: 1,
  most: 7,
  names: weekdayNames,
  special: "L, 6L or 2#1",
  example: "cron(0 3 ? * MON-FRI *)",
};
const yearField: Field = { name: "year", least: 1970, most: LAST_YEAR, example: DAILY };

/** Thrown and caught in this file alone. */
class Refused extends Error {}

function refuse(what: string, example: string): never {
  throw new Refused(`${what}. ${works(example)}`);
}

const works = (example: string): string => `This works: ${example}`;

/**
 * A schedule expression of EventBridge, parsed.
 * @param expression `rate(6 hours)` or `cron(0 3 * * ? *)`
 * @returns the problem where EventBridge would not take it. That a schedule never runs is none here: see `scheduleProblem`
 */
export function parseSchedule(expression: string): Cron | Rate | ScheduleProblem {
  try {
    const [, kind, body = ""] = /^(cron|rate)\((.*)\)$/.exec(expression) ?? [];
    if (kind === "rate") return parseRate(body);
    if (kind === "cron") return parseCron(body.split(" "));
    return refuse("is neither cron(…) nor rate(…)", `${DAILY}, or rate(6 hours)`);
  } catch (error) {
    if (error instanceof Refused) return { kind: "problem", what: error.message };
    throw error;
  }
}

function parseRate(body: string): Rate {
  const [, digits = "", unit, plural] = /^(\d+) (minute|hour|day)(s?)$/.exec(body) ?? [];
  if (unit === undefined) refuse("is not a number of minutes, hours or days", "rate(6 hours)");
  const amount = Number(digits);
  if (amount < 1) refuse("has a rate of less than 1", "rate(6 hours)");
  // EventBridge takes "1 hour" and "2 hours", and neither the other way round
  if ((amount === 1) !== (plural === "")) {
    refuse("has the wrong end of its unit", `rate(${amount} ${unit}${plural ? "" : "s"})`);
  }
  return { kind: "rate", minutes: amount * rateUnits[unit as keyof typeof rateUnits] };
}

function parseCron(parts: readonly string[]): Cron {
  if (parts.length !== 6) refuse(`has ${parts.length} fields, and cron has 6`, DAILY);
  const [minute = "", hour = "", day = "", month = "", weekday = "", year = ""] = parts;
  const minutes = valuesOf(minute, minuteField);
  const hours = valuesOf(hour, hourField);
  const months = valuesOf(month, monthField);
  const years = valuesOf(year, yearField);
  const byDay = day === "?" ? undefined : daysByNumber(day);
  const byWeekday = weekday === "?" ? undefined : daysByWeekday(weekday);
  const daysOf = byDay ?? byWeekday;
  if (daysOf === undefined || (byDay !== undefined && byWeekday !== undefined)) {
    refuse("must have ? for the day of month or for the day of week, and not for both", DAILY);
  }
  const minutesOfDay = hours.flatMap((each) => minutes.map((minute) => each * 60 + minute));
  return { kind: "cron", minutesOfDay, months, years, daysOf };
}

/** What a field allows, in order. */
function valuesOf(text: string, field: Field): readonly number[] {
  const items = text === "*" ? ["*/1"] : text.split(",");
  const values = items.flatMap((item) => rangeOf(item, text, field));
  return [...new Set(values)].sort((one, other) => one - other);
}

function rangeOf(item: string, text: string, field: Field): readonly number[] {
  const [, span = "", step] = /^([^/]*)(?:\/(.*))?$/.exec(item) ?? [];
  const size = step === undefined ? 1 : integerOf(step, 1, field.most);
  if (size === undefined) refuseField(text, field, `the step after / is no number from 1 to ${field.most}`);
  if (span === "*" && step !== undefined) return numbers(field.least, field.most, size);
  const ends = span.split("-");
  const [from, to] = ends.map((end) => valueOf(end, field));
  if (from === undefined || (ends.length > 1 && to === undefined) || ends.length > 2) {
    refuseField(text, field, `${JSON.stringify(item)} is not ${allowed(field)}`);
  }
  const last = to ?? (step === undefined ? from : field.most);
  if (from > last) refuseField(text, field, `${span} ends before it begins. Write ${upwards(ends, field)}`);
  return numbers(from, last, size);
}

function refuseField(text: string, field: Field, why: string): never {
  refuse(`has ${JSON.stringify(text)} for the ${field.name}: ${why}`, field.example);
}

const allowed = ({ least, most, names, special }: Field): string =>
  [
    `a number from ${least} to ${most}`,
    ...(names ? [`a name from ${names[0]} to ${names.at(-1)}`] : []),
    special ? `a range, a list of these, or ${special} alone` : "a range, or a list of these",
  ].join(", ");

/** A range that goes over the end of its field as two that do not; years have no such end. */
function upwards([from, to]: readonly string[], { least, most, names }: Field): string {
  if (most === LAST_YEAR) return `${to}-${from}`;
  const [first, last] = names ? [names[0], names.at(-1)] : [least, most];
  return `${from}-${last},${first}-${to}`;
}

const numbers = (from: number, to: number, step: number): readonly number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);

function integerOf(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  return value >= least && value <= most ? value : undefined;
}

function valueOf(text: string, { least, most, names }: Field): number | undefined {
  const named = names?.indexOf(text.toUpperCase()) ?? -1;
  return named >= 0 ? named + least : integerOf(text, least, most);
}

type DaysOf = Cron["daysOf"];

/** A function that finds the answer once for each argument. */
function remembered<Argument, Answer>(find: (argument: Argument) => Answer): typeof find {
  const known = new Map<Argument, Answer>();
  return (argument) => {
    const answer = known.get(argument) ?? find(argument);
    known.set(argument, answer);
    return answer;
  };
}

function daysByNumber(text: string): DaysOf {
  if (text === "L") return ({ length }) => [length];
  if (text === "LW") return (month) => [nearestWorkday(month.length, month)];
  const near = integerOf(/^(\d+)W$/.exec(text)?.[1] ?? "", 1, 31);
  // A month without that day is left out: https://github.com/pitchblack408/pyawscron/issues/56
  if (near !== undefined) return (month) => (near > month.length ? [] : [nearestWorkday(near, month)]);
  const days = valuesOf(text, dayField);
  return ({ length }) => days.filter((day) => day <= length);
}

/** Weekday of a day of a month; 0 is Sunday. */
const weekdayOf = (day: number, { firstWeekday }: Month): number => (firstWeekday + day - 1) % 7;

/** The day from Monday to Friday that is nearest to another and in the same month. */
function nearestWorkday(day: number, month: Month): number {
  const weekday = weekdayOf(day, month);
  if (weekday === 6) return day === 1 ? 3 : day - 1;
  if (weekday === 0) return day === month.length ? day - 2 : day + 1;
  return day;
}

function daysByWeekday(text: string): DaysOf {
  const [, name = "", nth, last] = /^(\w*?)(?:#(.*)|(L))$/.exec(text) ?? [];
  if (last !== undefined && name === "") return onWeekdays([7]);
  const weekday = valueOf(name, weekdayField);
  if (weekday !== undefined && last !== undefined) return (month) => onWeekdays([weekday])(month).slice(-1);
  if (nth === undefined) return onWeekdays(valuesOf(text, weekdayField));
  const place = integerOf(nth, 1, 5);
  if (weekday === undefined || place === undefined) {
    refuseField(text, weekdayField, "# stands between one weekday and a number from 1 to 5");
  }
  return (month) => onWeekdays([weekday])(month).slice(place - 1, place);
}

const onWeekdays =
  (weekdays: readonly number[]): DaysOf =>
  (month) =>
    numbers(1, month.length, 1).filter((day) => weekdays.includes(weekdayOf(day, month) + 1));

/** The days of a year on which a schedule runs. */
interface RunDays {
  /** The day before the year, in days since 1970-01-01. */
  readonly before: number;
  /** From 1 to 366, in order. */
  readonly days: readonly number[];
}

/** The years from one on in which a schedule can run. */
function* runYears(cron: Cron, firstYear: number): Generator<RunDays> {
  // Two centuries have only 14 different years: of 365 or 366 days, from each weekday on
  const daysOfYear = remembered((key: number) => daysOfLikeYear(cron, 365 + Math.floor(key / 7), key % 7));
  for (const year of cron.years.filter((each) => each >= firstYear)) {
    const first = dayNumber(year);
    const leapDays = dayNumber(year + 1) - first - 365;
    const firstWeekday = (first + 4) % 7; // 1970-01-01 was a Thursday
    yield { before: first - 1, days: daysOfYear(leapDays * 7 + firstWeekday) };
  }
}

function daysOfLikeYear({ months, daysOf }: Cron, length: number, firstWeekday: number): readonly number[] {
  const lengths = [31, length - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return months.flatMap((month) => {
    const before = lengths.slice(0, month - 1).reduce((sum, each) => sum + each, 0);
    const days = daysOf({ length: lengths[month - 1] ?? 0, firstWeekday: (firstWeekday + before) % 7 });
    return days.map((day) => before + day);
  });
}

/** The first day of a year, in days since 1970-01-01. */
const dayNumber = (year: number): number => Date.UTC(year, 0, 1) / MS_PER_DAY;

/**
 * What is wrong with a schedule, as the end of a sentence that begins with it, and an example that works; undefined
 * where EventBridge Scheduler would take it and it would run.
 * @param expression `rate(…)` or `cron(…)`, in UTC
 * @param now schedules whose last run is over are refused too
 */
export function scheduleProblem(expression: string, now: Date = new Date()): string | undefined {
  const schedule = parseSchedule(expression);
  if (schedule.kind === "problem") return schedule.what;
  if (schedule.kind === "rate" || runsAfter(schedule, now)) return undefined;
  return `never runs: ${whyNever(schedule, now)}`;
}

function runsAfter(cron: Cron, now: Date): boolean {
  const minute = Math.floor(now.getTime() / 60_000);
  const lastOfDay = cron.minutesOfDay.at(-1) ?? 0;
  for (const { before, days } of runYears(cron, now.getUTCFullYear())) {
    const last = days.at(-1);
    if (last !== undefined && (before + last) * MINUTES_PER_DAY + lastOfDay > minute) return true;
  }
  return false;
}

function whyNever({ years }: Cron, now: Date): string {
  const lastYear = years.at(-1) ?? LAST_YEAR;
  if (lastYear === LAST_YEAR) return `its months have no such day. ${works(LAST_DAYS)}`;
  if (lastYear < now.getUTCFullYear()) return `its last year, ${lastYear}, is over. ${works(DAILY)}`;
  return `until the end of ${lastYear} no such day is left. ${works(DAILY)}`;
}

/**
 * The longest in hours that an alarm looks back at hourly data.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
 */
export const MAX_HOURS = 168;

/**
 * The longest time in hours, rounded up, in which a schedule does not run: after that a run has been missed. All days
 * are counted from the beginning of this year to the end of 2199, the last year that cron can name, with leap years and
 * with the time before the first run and after the last; 1 for what is no schedule.
 * @param now tells this year, in UTC
 */
export function longestPeriodHours(expression: string, now: Date = new Date()): number {
  const schedule = parseSchedule(expression);
  if (schedule.kind === "problem") return 1;
  const minutes = schedule.kind === "rate" ? schedule.minutes : longestGap(schedule, now);
  return Math.ceil(minutes / 60);
}

/** In minutes. */
function longestGap(cron: Cron, now: Date): number {
  const [first = 0, last = 0] = [cron.minutesOfDay[0], cron.minutesOfDay.at(-1)];
  const daysApart = remembered(largestStep);
  let previous = dayNumber(now.getUTCFullYear()) * MINUTES_PER_DAY;
  let longest = largestStep(cron.minutesOfDay);
  for (const { before, days } of runYears(cron, now.getUTCFullYear())) {
    const [firstDay, lastDay] = [days[0], days.at(-1)];
    if (firstDay === undefined || lastDay === undefined) continue;
    const sinceOtherYear = (before + firstDay) * MINUTES_PER_DAY + first - previous;
    const insideYear = daysApart(days) * MINUTES_PER_DAY + first - last;
    longest = Math.max(longest, sinceOtherYear, insideYear);
    previous = (before + lastDay) * MINUTES_PER_DAY + last;
  }
  return Math.max(longest, dayNumber(LAST_YEAR + 1) * MINUTES_PER_DAY - previous);
}

/** From one number to the next in order; 0 where there are less than two. */
function largestStep(inOrder: readonly number[]): number {
  return inOrder.reduce(
    (largest, value, index) => Math.max(largest, value - (inOrder[index - 1] ?? value)),
    0,
  );
}
