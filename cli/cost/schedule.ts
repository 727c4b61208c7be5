import { parseSchedule, type Cron, type Month } from "../../modules/schedule";

/** A month, as all estimates have it: a twelfth of 365 days, in hours. */
export const HOURS_PER_MONTH = 730;

/** A month in days. */
export const DAYS_PER_MONTH = HOURS_PER_MONTH / 24;

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * How often a schedule runs in an average month of 730 hours. Years are 365 days, and as likely to begin on one weekday
 * as on another: what runs on 29 February alone has no run. A year in a cron expression is not looked at.
 * @param expression as EventBridge takes it: `rate(6 hours)`, `cron(0 3 * * ? *)`, or `at(…)`, which runs once
 * @returns undefined where the expression is not understood
 */
export function runsPerMonth(expression: string): number | undefined {
  if (/^at\(.*\)$/.test(expression)) return 1;
  const schedule = parseSchedule(expression);
  if (schedule.kind === "problem") return undefined;
  return schedule.kind === "rate" ? (HOURS_PER_MONTH * 60) / schedule.minutes : cronPerMonth(schedule);
}

function cronPerMonth({ minutesOfDay, months, daysOf }: Cron): number {
  const days = sevenYears()
    .filter(({ number }) => months.includes(number))
    .reduce((sum, month) => sum + daysOf(month).length, 0);
  return (minutesOfDay.length * days) / 7 / 12;
}

/** The months of seven years of 365 days, which begin on seven different weekdays. */
const sevenYears = (): readonly (Month & { readonly number: number })[] =>
  numbersBelow(7).flatMap((newYear) =>
    DAYS_IN_MONTH.map((length, index) => ({
      number: index + 1,
      length,
      firstWeekday: (newYear + daysBefore(index)) % 7,
    })),
  );

const daysBefore = (month: number): number =>
  DAYS_IN_MONTH.slice(0, month).reduce((sum, length) => sum + length, 0);

const numbersBelow = (end: number): readonly number[] => Array.from({ length: end }, (_, index) => index);
