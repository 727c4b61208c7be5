import { describeHolder, formatAge, lockedError } from "../../cli/lock-report";

const holder = {
  ID: "5f1c",
  Operation: "OperationTypeApply",
  Who: "ada@laptop",
  Created: "2026-11-21T08:00:00.123456789Z",
};

test("a lock is told with who, what, since when and how long ago", () => {
  expect(describeHolder(holder, new Date("2026-11-21T08:03:10Z"))).toBe(
    "held by ada@laptop for apply since 2026-11-21T08:00:00.123456789Z (3 min ago)",
  );
});

test("a lock without an operation or a readable time is told all the same", () => {
  expect(describeHolder({ ...holder, Operation: "", Created: "long ago" })).toBe(
    "held by ada@laptop for unknown since long ago",
  );
});

test("the error names the command that mends it", () => {
  expect(lockedError("stage", holder)).toMatchObject({
    message: expect.stringContaining("The state of stage is locked: held by ada@laptop"),
    mend: expect.stringContaining("./landfall unlock stage"),
    exitCode: 1,
  });
});

test.each([
  [-5000, "0 s"], // their clock is ahead
  [59_000, "59 s"],
  [60_000, "1 min"],
  [3_599_000, "59 min"],
  [3_600_000, "1 h"],
  [47 * 3_600_000, "47 h"],
  [72 * 3_600_000, "3 days"],
])("%d ms is %s", (milliseconds, text) => expect(formatAge(milliseconds)).toBe(text));
