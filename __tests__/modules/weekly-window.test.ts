import { windowProblem } from "../../modules/weekly-window";

describe("windows for backups and maintenance", () => {
  it.each([
    ["02:00-03:00", "sun:04:00-sun:05:00"],
    ["02:00-03:00", "sun:03:00-sun:04:00"],
    ["02:00-03:00", "sun:01:00-sun:02:00"],
    ["23:30-00:30", "sat:22:00-sat:23:00"],
    ["02:00-03:00", "sat:23:30-sun:00:30"],
  ])("%s and %s are right", (backup, maintenance) => {
    expect(windowProblem(backup, maintenance)).toBeUndefined();
  });

  it.each([
    ["02:00-03:00", "sun:02:30-sun:03:30"],
    ["02:00-03:00", "wed:01:00-wed:04:00"],
    ["02:00-05:00", "wed:03:00-wed:04:00"],
    ["23:30-00:30", "mon:00:00-mon:00:45"],
    ["23:30-00:30", "sun:00:00-sun:00:45"],
    ["00:00-00:30", "sat:23:30-sun:00:10"],
    ["23:30-00:30", "sat:23:45-sun:01:00"],
  ])("%s and %s overlap", (backup, maintenance) => {
    expect(windowProblem(backup, maintenance)).toMatch(/overlap/);
  });

  it.each([
    ["2:00-3:00", "sun:04:00-sun:05:00", /backup window "2:00-3:00" is not like/],
    ["24:00-01:00", "sun:04:00-sun:05:00", /backup window .* is not like/],
    ["02:60-03:00", "sun:04:00-sun:05:00", /backup window .* is not like/],
    ["02:00-03:00", "Sun:04:00-Sun:05:00", /maintenance window .* is not like/],
    ["02:00-03:00", "day:04:00-day:05:00", /maintenance window .* is not like/],
    ["02:00-02:29", "sun:04:00-sun:05:00", /backup window has 29 minutes; RDS wants 30/],
    ["02:00-03:00", "sun:04:00-sun:04:20", /maintenance window has 20 minutes/],
  ])("%s and %s are refused", (backup, maintenance, reason) => {
    expect(windowProblem(backup, maintenance)).toMatch(reason);
  });
});
