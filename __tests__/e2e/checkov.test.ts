import { execa } from "execa";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectRoot } from "../../environments/root";
import { ensureVenv } from "../../sandbox/venv";
import skips from "../scan/skips.json";
import { synthesized } from "../scan/synthesized";

interface Check {
  readonly check_id: string;
  /** `type.name`, or `resource.name` from checks of single resources. */
  readonly resource: string;
  /** From the scanned folder, with a slash before it. */
  readonly file_path: string;
}
interface Report {
  readonly summary: { readonly parsing_errors: number };
  readonly results: { readonly passed_checks: readonly Check[]; readonly failed_checks: readonly Check[] };
}

/** A scanner that reads half a file passes less than this; three quarters of what passed when it was written. */
const leastPassed = { state: 27, shared: 86, access: 60, sandbox: 70, prod: 70 };
const scanFolder = join(projectRoot, "__tests__", "scan");
const stackOf = ({ file_path }: Check): string => dirname(file_path).slice(1);

const stacks = synthesized();
let report: Report;

beforeAll(async () => {
  const python = await ensureVenv({ name: "checkov", requirements: join(scanFolder, "requirements.txt") });
  const folder = mkdtempSync(join(tmpdir(), "landfall-checkov-"));
  try {
    for (const [name, { terraform, ...json }] of stacks) {
      const { required_version, ...rest } = terraform ?? {};
      expect(required_version).toBeDefined();
      mkdirSync(join(folder, name));
      // With required_version, checkov 3.3 cannot parse the file, and ends with exit code 0
      writeFileSync(join(folder, name, "cdk.tf.json"), JSON.stringify({ ...json, terraform: rest }));
    }
    cpSync(join(scanFolder, "known-bad"), join(folder, "known-bad"), { recursive: true });
    const { stdout } = await execa(
      join(dirname(python), "checkov"),
      [
        "--directory",
        ".",
        "--framework",
        "terraform_json",
        "--output",
        "json",
        "--compact",
        "--skip-download",
        "--soft-fail",
      ],
      { cwd: folder, env: { HOME: folder } }, // no configuration file of the user's
    );
    report = JSON.parse(stdout) as Report;
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 600_000); // the first run installs checkov

/** `stack/type.name`, where type and name are those of the JSON. */
function addressOf(check: Check): string {
  const stack = stackOf(check);
  const name = check.resource.slice(check.resource.indexOf(".") + 1);
  const type = Object.entries(stacks.get(stack)?.resource ?? {}).find(([, blocks]) => name in blocks)?.[0];
  return `${stack}/${type ?? check.resource}.${name}`;
}

test("every file was parsed", () => {
  expect(report.summary.parsing_errors).toBe(0);
});

test("the scanner catches what is known to be bad", () => {
  const caught = report.results.failed_checks
    .filter((check) => stackOf(check) === "known-bad")
    .map(({ check_id }) => check_id);
  expect(caught).toEqual(expect.arrayContaining(["CKV_AWS_24", "CKV_AWS_79"]));
});

test.each(Object.entries(leastPassed))("%s passes at least %i checks", (stack, least) => {
  expect(
    report.results.passed_checks.filter((check) => stackOf(check) === stack).length,
  ).toBeGreaterThanOrEqual(least);
});

test("fails no check but those that are skipped for a reason, and each of these", () => {
  const failed = report.results.failed_checks
    .filter((check) => stackOf(check) !== "known-bad")
    .map((check) => `${check.check_id} ${addressOf(check)}`);
  const { passed_checks: passed } = report.results;
  process.stderr.write(
    `checkov: ${passed.length} checks passed, ${failed.length} failed, ${skips.length} skipped for a reason\n`,
  );
  expect(failed.sort()).toEqual(skips.map(({ check, resource }) => `${check} ${resource}`).sort());
});

test("a skip is one check of one resource for a reason", () => {
  for (const { check, resource, reason } of skips) {
    expect(check).toMatch(/^CKV2?_AWS_\d+$/);
    expect(resource).toMatch(/^[a-z]+\/[a-z0-9_]+\.[\w-]+$/);
    expect(reason).toMatch(/^[A-Z].{15,}\.$/);
  }
});
