import { summary, tallyOf, type JestReport } from "../../cli/verbs/test";

const report: JestReport = {
  success: true,
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 1,
  numRuntimeErrorTestSuites: 0,
};

test("sums all steps in one line", () => {
  expect(summary([tallyOf(report), tallyOf(report)])).toBe("10 passed, 0 failed, 4 skipped");
});

test("says nothing of skipped tests where there are none", () => {
  expect(summary([{ passed: 1, failed: 0, skipped: 0 }])).toBe("1 passed, 0 failed");
});

test("a file that failed before its first test is a failure", () => {
  expect(tallyOf({ ...report, success: false, numRuntimeErrorTestSuites: 2 }).failed).toBe(2);
});

test("a run that failed for another reason is a failure, and so is one without a report", () => {
  expect(tallyOf({ ...report, success: false }).failed).toBe(1);
  expect(tallyOf(undefined)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});
