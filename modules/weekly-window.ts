/** Part of a week, in minutes from Sunday 00:00 UTC. The end may be in the next week. */
interface Span {
  readonly from: number;
  readonly to: number;
}

const DAY = 24 * 60;
const WEEK = 7 * DAY;
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/** RDS allows no shorter window. */
const MIN_LENGTH = 30;

/**
 * What is wrong with two windows of RDS, if anything: the daily one for backups, such as `02:00-03:00`, and the weekly
 * one for maintenance, such as `sun:04:00-sun:05:00`. Both are UTC, have 30 minutes at least, and do not meet.
 */
export function windowProblem(backup: string, maintenance: string): string | undefined {
  const daily = parse(backup, /^()(\d\d):(\d\d)-()(\d\d):(\d\d)$/);
  if (!daily) return `the backup window "${backup}" is not like "02:00-03:00"`;
  const weekly = parse(maintenance, /^([a-z]{3}):(\d\d):(\d\d)-([a-z]{3}):(\d\d):(\d\d)$/);
  if (!weekly) return `the maintenance window "${maintenance}" is not like "sun:04:00-sun:05:00"`;
  const spans = { backup: until(daily, DAY), maintenance: until(weekly, WEEK) };
  for (const [name, { from, to }] of Object.entries(spans))
    if (to - from < MIN_LENGTH) return `the ${name} window has ${to - from} minutes; RDS wants ${MIN_LENGTH}`;
  for (let start = spans.backup.from - DAY; start < 2 * WEEK; start += DAY) {
    const end = start + spans.backup.to - spans.backup.from;
    if (start < spans.maintenance.to && spans.maintenance.from < end)
      return `the backup window ${backup} and the maintenance window ${maintenance} overlap`;
  }
  return undefined;
}

function parse(window: string, pattern: RegExp): Span | undefined {
  const [, fromDay, fromHour, fromMinute, toDay, toHour, toMinute] = pattern.exec(window) ?? [];
  const from = minuteOf(fromDay, fromHour, fromMinute);
  const to = minuteOf(toDay, toHour, toMinute);
  return from === undefined || to === undefined ? undefined : { from, to };
}

function minuteOf(day = "?", hour = "?", minute = "?"): number | undefined {
  const number = day === "" ? 0 : days.indexOf(day);
  const [hours, minutes] = [Number(hour), Number(minute)];
  return number < 0 || !(hours < 24) || !(minutes < 60) ? undefined : number * DAY + hours * 60 + minutes;
}

/** The end moved behind the start where the window goes over midnight or the week's end. */
const until = ({ from, to }: Span, period: number): Span => ({ from, to: to < from ? to + period : to });
