import type { Command } from "commander";
import { execa } from "execa";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";
import { progress, result } from "../output";

/** How many tests of a step ended how. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of jest's `--json` report that is counted here. */
export interface JestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  /** Files that failed before their first test. */
  readonly numRuntimeErrorTestSuites: number;
}

const ONE_FAILED: Tally = { passed: 0, failed: 1, skipped: 0 };

/** What jest counted. A run that failed without a failed test, or left no report, counts as one failed test. */
export function tallyOf(report: JestReport | undefined): Tally {
  if (!report) return ONE_FAILED;
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  return {
    passed: report.numPassedTests,
    failed: report.success ? failed : Math.max(failed, 1),
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** They wait for the provider more than they compute. */
const WORKERS = "4";

/** The last line of a test run: `12 passed, 0 failed`, and `, 3 skipped` where any were. */
export function summary(tallies: readonly Tally[]): string {
  const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
  return `${sum("passed")} passed, ${sum("failed")} failed${sum("skipped") ? `, ${sum("skipped")} skipped` : ""}`;
}

interface Selection {
  readonly unit?: true;
  readonly e2e?: true;
  readonly scan?: true;
}

/** The chosen steps, or all. The security scan is one of the end-to-end tests. */
function steps(selection: Selection): readonly (() => Promise<Tally>)[] {
  const all = !selection.unit && !selection.e2e && !selection.scan;
  const e2e = all || selection.e2e;
  return [
    ...(all ? [() => script("lint"), () => script("typecheck")] : []),
    ...(all || selection.unit ? [() => jest("unit tests", ["--selectProjects", "unit"])] : []),
    ...(e2e ? [() => jest("end-to-end tests", ["--selectProjects", "e2e", "--maxWorkers", WORKERS])] : []),
    ...(selection.scan && !e2e
      ? [() => jest("security scan", ["--selectProjects", "e2e", "--testPathPatterns", "checkov"])]
      : []),
  ];
}

/** Runs a tool of this project; all that it prints goes to stderr, as stdout has the summary alone. */
async function run(title: string, command: string, args: readonly string[]): Promise<boolean> {
  progress(`${title}: ${command} ${args.join(" ")}`);
  const stdio = ["ignore", process.stderr, process.stderr] as const;
  const { failed } = await execa(command, args, {
    cwd: projectRoot,
    preferLocal: true,
    reject: false,
    stdio,
  });
  return !failed;
}

async function script(name: string): Promise<Tally> {
  return (await run(name, "npm", ["run", "--silent", name]))
    ? { passed: 1, failed: 0, skipped: 0 }
    : ONE_FAILED;
}

async function jest(title: string, args: readonly string[]): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), "landfall-test-"));
  try {
    const file = join(folder, "report.json");
    await run(title, "jest", [...args, "--json", "--outputFile", file]);
    return tallyOf(readReport(file));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readReport(file: string): JestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as JestReport;
  } catch {
    return undefined; // jest could not start; it has printed why
  }
}

/** Adds `test`. It exits with 1 when any test failed. */
export function register(program: Command): void {
  program
    .command("test")
    .description("run lint, type check, unit tests, end-to-end tests on the emulator and the security scan")
    .option("--unit", "only the unit tests")
    .option("--e2e", "only the end-to-end tests, security scan included")
    .option("--scan", "only the security scan")
    .action(async (selection: Selection) => {
      const tallies: Tally[] = [];
      for (const step of steps(selection)) tallies.push(await step());
      result(summary(tallies));
      if (tallies.some(({ failed }) => failed > 0)) process.exitCode = 1;
    });
}
