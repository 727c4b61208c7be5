import { longestPeriodHours, scheduleProblem } from "../../modules/schedule";

it.each([
  "cron(0 3 * * ? *)",
  "cron(15 10 ? * 6L 2024-2026)",
  "cron(0/15 8-17 ? * MON-FRI *)",
  "cron(0 0 L * ? *)",
  "cron(0 12 1W JAN,JUL ? *)",
  "cron(30 4 ? * 2#1 *)",
  "rate(6 hours)",
  "rate(1 minute)",
  "rate(1 day)",
])("%s is taken", (expression) => expect(scheduleProblem(expression)).toBeUndefined());

it.each([
  ["0 3 * * *", "is neither cron(…) nor rate(…)"],
  ["cron(0 3 * * *)", "has 5 fields, and cron has 6"],
  ["cron(60 3 * * ? *)", 'has "60" for the minutes'],
  ["cron(0 24 * * ? *)", 'has "24" for the hours'],
  ["cron(0 3 * * * *)", "must have ? for the day of month or for the day of week"],
  ["cron(0 3 ? * ? *)", "must have ? for the day of month or for the day of week"],
  ["cron(0 3 * FOO ? *)", 'has "FOO" for the month'],
  ["cron(0 3 ? * 8 *)", 'has "8" for the day of week'],
  ["cron(0/0 3 * * ? *)", 'has "0/0" for the minutes'],
  ["cron(0 3 * * ?  *)", "fields, and cron has 6"],
  ["rate(0 hours)", "has a rate of less than 1"],
  ["rate(1 hours)", "must be rate(1 hour)"],
  ["rate(6 hour)", "must be rate(6 hours)"],
  ["rate(6 weeks)", "is neither cron(…) nor rate(…)"],
  ["every 6 hours", "is neither cron(…) nor rate(…)"],
  ["", "is neither cron(…) nor rate(…)"],
])("%s is refused", (expression, problem) => expect(scheduleProblem(expression)).toContain(problem));

it.each([
  ["rate(6 hours)", 6],
  ["rate(90 minutes)", 2],
  ["rate(2 days)", 48],
  ["cron(0 3 * * ? *)", 24],
  ["cron(0 * * * ? *)", 1],
  ["cron(0 3 ? * MON *)", 168],
  ["cron(0 3 ? * MON-FRI *)", 72],
  ["cron(0 3 ? * 2,5 *)", 96],
  ["cron(0 3 ? * 6L *)", 168],
  ["cron(0 3 ? * SUN,SAT *)", 144],
  ["cron(0 3 1 * ? *)", 744],
  ["cron(0 3 1 JAN ? *)", 8784],
])("two runs of %s are no more than %d hours apart", (expression, hours) => {
  expect(longestPeriodHours(expression)).toBe(hours);
});
