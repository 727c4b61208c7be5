import { describeHolder, formatAge, holderIn, lockedError } from "../../cli/lock-report";

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

test.each([
  [
    "Terraform",
    "ConditionalCheckFailedException: The conditional request failed\nLock Info:\n  ID:        5f1c\n  Path:      states/stage/terraform.tfstate\n  Operation: OperationTypeApply\n  Who:       ada@laptop\n  Version:   1.13.4\n  Created:   2026-11-21 08:00:00.123456789 +0000 UTC\n  Info:      \n\n\nTerraform acquires a state lock",
  ],
])("%s's own refusal tells whose lock it met, which may be free by now", (_, detail) => {
  const holder = holderIn(detail);
  expect(holder).toEqual({
    ID: "5f1c",
    Operation: "OperationTypeApply",
    Who: "ada@laptop",
    Created: "2026-11-21T08:00:00.123456789Z",
  });
  if (holder) expect(describeHolder(holder, new Date("2026-11-21T08:05:00Z"))).toContain("(5 min ago)");
});

test.each(["", "AccessDeniedException: you may not", "Lock Info:\n  ID:        5f1c\n"])(
  "%p tells of no holder",
  (detail) => expect(holderIn(detail)).toBeUndefined(),
);
