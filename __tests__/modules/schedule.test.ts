import { longestPeriodHours, MAX_HOURS, parseSchedule, scheduleProblem } from "../../modules/schedule";

const now = new Date("2026-11-21T20:00:00Z");

describe("a schedule", () => {
  it.each([
    "cron(0 3 * * ? *)",
    "cron(0 3 * * ? 2026)",
    "cron(15 10 ? * 6L 2024-2026)",
    "cron(0/15 8-17 ? * MON-FRI *)",
    "cron(*/20 0-23/6 ? * * *)",
    "cron(0-15/1 8-8 ? * 2,3,4 *)",
    "cron(0 20-23,0-2 * * ? *)",
    "cron(0 0 L * ? *)",
    "cron(0 0 LW * ? *)",
    "cron(0 12 1W JAN,jul ? *)",
    "cron(0 0 ? * L *)",
    "cron(30 4 ? * 2#1 *)",
    "cron(30 4 ? * MON#5 *)",
    "cron(0 0 ? FEB SAT#5 *)", // next in 2048
    "cron(0 3 29 2 ? *)",
    "cron(0 3 ? 12 THU#5 2026)", // the 31st
    "cron(0 3 L 2 ? *)",
    "cron(1 20 21 11 ? 2026)", // a minute from now
    "rate(6 hours)",
    "rate(1 minute)",
    "rate(1 day)",
  ])("%s is taken", (expression) => expect(scheduleProblem(expression, now)).toBeUndefined());

  it.each([
    ["0 3 * * *", "is neither cron(…) nor rate(…)"],
    ["at(2027-01-01T00:00:00)", "is neither cron(…) nor rate(…)"],
    ["cron(0 3 * * *)", "has 5 fields, and cron has 6"],
    ["cron(0 3 * * ?  *)", "has 7 fields, and cron has 6"],
    ["cron(60 3 * * ? *)", 'has "60" for the minutes: "60" is not a number from 0 to 59'],
    ["cron(0 24 * * ? *)", 'has "24" for the hours: "24" is not a number from 0 to 23'],
    ["cron(0 8-24 * * ? *)", '"8-24" is not a number from 0 to 23'],
    ["cron(0 1-2-3 * * ? *)", '"1-2-3" is not a number from 0 to 23'],
    ["cron(0 3, * * ? *)", '"" is not a number from 0 to 23'],
    ["cron(0 ? * * ? *)", '"?" is not a number from 0 to 23'],
    ["cron(0 3 32 * ? *)", '"32" is not a number from 1 to 31'],
    ["cron(0 3 0 * ? *)", '"0" is not a number from 1 to 31'],
    ["cron(0 3 32W * ? *)", '"32W" is not a number from 1 to 31'],
    [
      "cron(0 3 1,L * ? *)",
      '"L" is not a number from 1 to 31, a range, a list of these, or L, LW or 15W alone',
    ],
    ["cron(0 3 W * ? *)", '"W" is not a number from 1 to 31'],
    ["cron(0 3 1 13 ? *)", '"13" is not a number from 1 to 12, a name from JAN to DEC'],
    ["cron(0 3 * FOO ? *)", 'has "FOO" for the month: "FOO" is not a number from 1 to 12'],
    [
      "cron(0 3 ? * 8 *)",
      'has "8" for the day of week: "8" is not a number from 1 to 7, a name from SUN to SAT',
    ],
    ["cron(0 3 ? * 8L *)", '"8L" is not a number from 1 to 7'],
    ["cron(0 3 ? * 0 *)", '"0" is not a number from 1 to 7'],
    ["cron(0 3 * * ? 1969)", '"1969" is not a number from 1970 to 2199'],
    ["cron(0 3 * * ? 2200)", '"2200" is not a number from 1970 to 2199'],
    ["cron(0/0 3 * * ? *)", 'has "0/0" for the minutes: the step after / is no number from 1 to 59'],
    ["cron(0/90 3 * * ? *)", "the step after / is no number from 1 to 59"],
    ["cron(0/5/5 3 * * ? *)", "the step after / is no number from 1 to 59"],
    ["cron(0/ 3 * * ? *)", "the step after / is no number from 1 to 59"],
    ["cron(0 10-5 * * ? *)", 'has "10-5" for the hours: 10-5 ends before it begins. Write 10-23,0-5.'],
    ["cron(0 3 ? * FRI-MON *)", "FRI-MON ends before it begins. Write FRI-SAT,SUN-MON."],
    ["cron(0 3 1 11-2 ? *)", "11-2 ends before it begins. Write 11-DEC,JAN-2."],
    ["cron(0 3 * * ? 2030-2028)", "2030-2028 ends before it begins. Write 2028-2030."],
    ["cron(0 3 ? * 2#6 *)", "# stands between one weekday and a number from 1 to 5"],
    ["cron(0 3 ? * 2#0 *)", "# stands between one weekday and a number from 1 to 5"],
    ["cron(0 3 ? * 3#1,6#3 *)", "# stands between one weekday and a number from 1 to 5"],
    ["cron(0 3 ? * 8#1 *)", "# stands between one weekday and a number from 1 to 5"],
    ["cron(0 3 * * * *)", "must have ? for the day of month or for the day of week, and not for both"],
    ["cron(0 3 ? * ? *)", "must have ? for the day of month or for the day of week, and not for both"],
    ["rate(0 hours)", "has a rate of less than 1"],
    ["rate(1 hours)", "has the wrong end of its unit. This works: rate(1 hour)"],
    ["rate(6 hour)", "has the wrong end of its unit. This works: rate(6 hours)"],
    ["rate(6 weeks)", "is not a number of minutes, hours or days"],
    ["rate(-6 hours)", "is not a number of minutes, hours or days"],
    ["every 6 hours", "is neither cron(…) nor rate(…)"],
    ["", "is neither cron(…) nor rate(…)"],
    // What never runs
    ["cron(0 3 31 2 ? *)", "never runs: its months have no such day. This works: cron(0 3 L * ? *)"],
    ["cron(0 3 30 FEB ? *)", "never runs: its months have no such day"],
    ["cron(0 3 31W 2,4,6 ? *)", "never runs: its months have no such day"],
    ["cron(0 3 31 4,6,9,11 ? *)", "never runs: its months have no such day"],
    ["cron(0 3 29 2 ? 2027)", "never runs: until the end of 2027 no such day is left"],
    ["cron(0 3 29 2 ? 2100)", "no such day is left"],
    ["cron(0 3 ? 12 FRI#5 2026)", "no such day is left"],
    ["cron(0 3 ? 2 MON#5 2027)", "no such day is left"],
    ["cron(0 3 * 1-10 ? 2026)", "never runs: until the end of 2026 no such day is left"],
    ["cron(0 20 21 11 ? 2026)", "no such day is left"], // now
    ["cron(0 3 * * ? 2020)", "never runs: its last year, 2020, is over"],
    ["cron(0 3 * * ? 2018,2020-2025)", "never runs: its last year, 2025, is over"],
  ])("%s is refused, with what works", (expression, problem) => {
    const found = scheduleProblem(expression, now) ?? "";
    expect(found).toContain(problem);
    const [, examples = ""] = found.split("This works: ");
    const working = examples.split(", or ").map((example) => scheduleProblem(example, now));
    expect(working).toContain(undefined);
    expect(working).not.toContainEqual(expect.any(String));
  });

  it("is refused from the minute of its last run on", () => {
    const last = "cron(30 23 31 12 ? 2026)";
    expect(scheduleProblem(last, new Date("2026-12-31T23:29:59Z"))).toBeUndefined();
    expect(scheduleProblem(last, new Date("2026-12-31T23:30:00Z"))).toContain("never runs");
    expect(scheduleProblem(last, new Date("2027-01-01T00:00:00Z"))).toContain("2026, is over");
  });
});

/** The days of a month from Jan 2026, which begins on a Thursday, or another. */
const daysIn = (year: number, month: number, dayOfMonth: string, dayOfWeek = "?"): readonly number[] => {
  const schedule = parseSchedule(`cron(0 3 ${dayOfMonth} * ${dayOfWeek} *)`);
  if (schedule.kind !== "cron") throw new Error("is no cron expression");
  const firstWeekday = new Date(Date.UTC(year, month - 1, 1)).getUTCDay();
  return schedule.daysOf({ length: new Date(Date.UTC(year, month, 0)).getUTCDate(), firstWeekday });
};

it.each([
  // 2026: 1 Aug is a Saturday, 31 May a Sunday
  [2026, 11, "L", [30]],
  [2028, 2, "L", [29]],
  [2026, 5, "LW", [29]],
  [2026, 8, "1W", [3]],
  [2026, 5, "31W", [29]],
  [2026, 5, "16W", [15]],
  [2026, 5, "17W", [18]],
  [2026, 5, "18W", [18]],
  [2026, 6, "31W", []],
  [2026, 2, "28-31", [28]],
  [2026, 5, "1/10", [1, 11, 21, 31]],
])("in %d-%d, %s for the day of month means %j", (year, month, field, days) => {
  expect(daysIn(year, month, field)).toEqual(days);
});

it.each([
  ["L", [7, 14, 21, 28]],
  ["6L", [27]],
  ["SUNL", [29]],
  ["2#1", [2]],
  ["SUN#5", [29]],
  ["SAT#5", []],
  ["SAT,SUN", [1, 7, 8, 14, 15, 21, 22, 28, 29]],
  ["1/3", [1, 4, 7, 8, 11, 14, 15, 18, 21, 22, 25, 28, 29]], // SUN, WED and SAT
])("in November 2026, %s for the day of week means %j", (field, days) => {
  expect(daysIn(2026, 11, "?", field)).toEqual(days);
});

describe("the longest time without a run", () => {
  it.each([
    ["rate(6 hours)", 6],
    ["rate(90 minutes)", 2],
    ["rate(2 days)", 48],
    ["cron(0 3 * * ? *)", 24],
    ["cron(0 * * * ? *)", 1],
    ["cron(0/15 * * * ? *)", 1],
    ["cron(0 3,5 * * ? *)", 22],
    ["cron(0 1,13 * * ? *)", 12],
    ["cron(0 1,5,22 * * ? *)", 17],
    ["cron(0 3 ? * MON *)", 168],
    ["cron(0 3 ? * MON-FRI *)", 72],
    ["cron(0 8-17 ? * MON-FRI *)", 63],
    ["cron(0/15 8-17 ? * MON-FRI *)", 63], // 62 h 15 min
    ["cron(0 3 ? * 2,5 *)", 96],
    ["cron(0 3 ? * SUN,SAT *)", 144],
    ["cron(0 3 ? * 6L *)", 5 * 168],
    ["cron(0 3 ? * MON#5 *)", 17 * 168], // 31 January to 30 May
    ["cron(0 3 1 * ? *)", 31 * 24],
    ["cron(0 3 L * ? *)", 31 * 24],
    ["cron(0 3 31 * ? *)", 61 * 24],
    ["cron(0 3 1/2 * ? *)", 48],
    ["cron(0 3 2/2 * ? *)", 72], // 30th to 2nd of the next
    ["cron(0 3 1W * ? *)", 33 * 24],
    ["cron(0 3 1 JAN ? *)", 366 * 24],
    ["cron(0 3 * * ? 2026-2199)", 24],
  ])("of %s is %d hours", (expression, hours) => {
    expect(longestPeriodHours(expression, now)).toBe(hours);
  });

  it("of 29 February is eight years, as 2100 has none", () => {
    const days = (Date.UTC(2104, 1, 29) - Date.UTC(2096, 1, 29)) / 86_400_000;
    expect(longestPeriodHours("cron(0 3 29 2 ? *)", now)).toBe(days * 24);
  });

  it.each(["cron(0 3 * * ? 2026-2027)", "cron(0 3 1 1 ? 2030)", "cron(0 3 * * ? 2030-2199)"])(
    "of %s has the time before the first run and after the last",
    (expression) => expect(longestPeriodHours(expression, now)).toBeGreaterThan(MAX_HOURS),
  );

  it("leaves out the years that are past", () => {
    expect(longestPeriodHours("cron(0 3 * * ? 2020,2026-2199)", now)).toBe(24);
  });

  it.each(["cron(0 3 * * ? *)", "cron(0/5 8-17 ? * MON-FRI *)", "cron(0 3 1 * ? *)", "rate(6 hours)"])(
    "of %s is found in a few milliseconds",
    (expression) => {
      const once = (): number => {
        const begin = performance.now();
        scheduleProblem(expression, now);
        longestPeriodHours(expression, now);
        return performance.now() - begin;
      };
      expect(Math.min(...Array.from({ length: 20 }, once))).toBeLessThan(5);
    },
  );
});
