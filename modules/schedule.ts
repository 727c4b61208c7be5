/** Seconds of a rate's units. */
const units = { minute: 60, hour: 3600, day: 86_400 } as const;

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
  /** Characters that stand for more than a number, besides `*`. */
  readonly special?: RegExp;
}

export const months: readonly string[] = [
  "JAN",
  "FEB",
  "MAR",
  "APR",
  "MAY",
  "JUN",
  "JUL",
  "AUG",
  "SEP",
  "OCT",
  "NOV",
  "DEC",
];
export const weekdays: readonly string[] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based */
const fields: readonly Field[] = [
  { name: "minutes", least: 0, most: 59 },
  { name: "hours", least: 0, most: 23 },
  { name: "day of month", least: 1, most: 31, special: /^(\?|L|LW|([1-9]|[12]\d|3[01])W)$/ },
  { name: "month", least: 1, most: 12, names: months },
  { name: "day of week", least: 1, most: 7, names: weekdays, special: /^(\?|L|[1-7]L|[1-7]#[1-5])$/ },
  { name: "year", least: 1970, most: 2199 },
];

/** What is wrong with a schedule expression of EventBridge Scheduler; undefined where it would take it. */
export function scheduleProblem(expression: string): string | undefined {
  const rate = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(expression);
  if (rate) {
    const [, amount = "", unit, plural] = rate;
    if (Number(amount) < 1) return "has a rate of less than 1";
    // EventBridge takes "1 hour" and "2 hours", and neither the other way round
    if ((Number(amount) === 1) !== (plural === ""))
      return `must be rate(${Number(amount)} ${unit}${plural ? "" : "s"})`;
    return undefined;
  }
  const cron = /^cron\((.*)\)$/.exec(expression)?.[1];
  if (cron === undefined) return "is neither cron(…) nor rate(…)";
  const parts = cron.split(" ");
  if (parts.length !== fields.length) return `has ${parts.length} fields, and cron has ${fields.length}`;
  for (const [index, field] of fields.entries()) {
    const part = parts[index] ?? "";
    if (!isField(part, field)) return `has ${JSON.stringify(part)} for the ${field.name}`;
  }
  if ((parts[2] === "?") === (parts[4] === "?"))
    return "must have ? for the day of month or for the day of week, and not for both";
  return undefined;
}

function isField(part: string, field: Field): boolean {
  if (part === "*" || field.special?.test(part)) return true;
  return part.split(",").every((item) => {
    const [range = "", step, ...more] = item.split("/");
    if (more.length > 0 || (step !== undefined && !/^[1-9]\d{0,3}$/.test(step))) return false;
    if (range === "*") return step !== undefined;
    const ends = range.split("-").map((end) => numberOf(end, field));
    return ends.length <= 2 && ends.every((end) => end >= field.least && end <= field.most);
  });
}

const numberOf = (text: string, { names, least }: Field): number => {
  const named = names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return named + least;
  return /^\d{1,4}$/.test(text) ? Number(text) : NaN;
};

/**
 * The longest in hours that an alarm looks back at hourly data.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
 */
export const MAX_HOURS = 168;

/** Days between two of the days of a week, at the most; a whole week for what is not each week. */
function longestGapInDays(daysOfWeek: string): number {
  const field = { name: "day of week", least: 1, most: 7, names: weekdays };
  const run = daysOfWeek.split(",").flatMap((item) => {
    const [from = NaN, to = from] = item.split("-").map((end) => numberOf(end, field));
    return Array.from({ length: to - from + 1 || 0 }, (_, index) => from + index);
  });
  const sorted = [...new Set(run)].sort((one, other) => one - other);
  if (sorted.length === 0) return 7;
  return Math.max(...sorted.map((day, index) => (sorted[index + 1] ?? (sorted[0] ?? 0) + 7) - day));
}

/**
 * The longest time between two runs, in hours, rounded up: after that one has been missed. Of a cron expression it is
 * found among daily, weekly and rarer ones, on the safe side.
 */
export function longestPeriodHours(expression: string): number {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate) return Math.ceil((Number(rate[1]) * units[rate[2] as keyof typeof units]) / 3600);
  const [, hours = "*", dayOfMonth = "*", month = "*", dayOfWeek = "?", year = "*"] =
    /^cron\((.*)\)$/.exec(expression)?.[1]?.split(" ") ?? [];
  if (month !== "*" || year !== "*") return 366 * 24;
  if (!["*", "?"].includes(dayOfMonth)) return 31 * 24;
  if (!["*", "?"].includes(dayOfWeek)) return longestGapInDays(dayOfWeek) * 24;
  return hours === "*" ? 1 : 24;
}
