import { execa } from "execa";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";
import { temporaryFolder } from "../support/folders";

const FINGERPRINT = "0123456789abcdef".repeat(4);
const SECRET = "postgres_password=hunter2-$HOME-%s";

/** Ends as the variables say, and writes down how it was called and what it could see. */
const landfall = `#!/usr/bin/env bash
echo "$*" >>calls
if [ -e environments/stage.secrets.env ]; then stat -c %a environments/stage.secrets.env >mode; fi
echo "$TF_CLI_ARGS_plan|$TF_CLI_ARGS_apply" >>waits
if env | grep -q hunter2; then touch leaked; fi
case "$*" in
  apply*) echo "outputs"; echo "what apply says" >&2; exit "\${APPLY:-0}" ;;
  *--from*--format\\ json) grep -q "the plan" "$4" && echo '{"fingerprint":"${FINGERPRINT}"}' ;;
  *--from*) grep -q "the plan" "$4" && echo "the review ${FINGERPRINT}" ;;
  *--json*) echo "the plan"; echo "\${TOLD:-planning}" >&2; exit "\${PLAN:-0}" ;;
  *) echo "the review ${FINGERPRINT}"; if [ "\${PLAN:-0}" = 1 ]; then exit 1; fi ;;
esac
`;

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  writeFileSync(join(folder, "landfall"), landfall, { mode: 0o755 });
  mkdirSync(join(folder, "environments"));
});

const path = (...names: readonly string[]): string => join(folder, ...names);
const textOf = (...names: readonly string[]): string =>
  existsSync(path(...names)) ? readFileSync(path(...names), "utf8") : "";
const calls = (): string[] => textOf("calls").trim().split("\n");

function reviewed(): void {
  mkdirSync(path("reviewed", "review-stage"), { recursive: true });
  writeFileSync(path("reviewed", "review-stage", "review.json"), "{}");
}
async function run(script: string, args: readonly string[], environment: Record<string, string> = {}) {
  const { exitCode, stdout, stderr } = await execa(join(projectRoot, ".github", "scripts", script), args, {
    cwd: folder,
    reject: false,
    extendEnv: false,
    env: {
      PATH: process.env.PATH,
      GITHUB_STEP_SUMMARY: path("summary"),
      GITHUB_RUN_ID: "4711",
      ...environment,
    },
  });
  return { exitCode, stdout, stderr, summary: textOf("summary") };
}
const apply = (environment?: Record<string, string>) =>
  run("apply.sh", ["stage", "reviewed", "review"], environment);

describe("apply.sh", () => {
  test("applies what was reviewed, and nothing else is planned", async () => {
    reviewed();
    const { exitCode, stdout, stderr, summary } = await apply({ UNREVIEWED: "true" });
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: "outputs",
      stderr: "what apply says",
    });
    expect(calls()).toEqual(["apply stage --yes --reviewed reviewed/review-stage/review.json"]);
    expect(summary).toBe("stage is applied.\n");
    expect(existsSync(path("review"))).toBe(false);
  });

  test("waits for others' locks, in all that it plans and applies", async () => {
    reviewed();
    await apply({ APPLY: "1", PLAN: "2", TF_CLI_ARGS_plan: "-parallelism=5" });
    const waits = textOf("waits").trim().split("\n");
    expect(waits.length).toBeGreaterThan(1);
    for (const wait of waits) expect(wait).toMatch(/^-lock-timeout=10m -parallelism=5\|-lock-timeout=10m *$/);
  });

  test("stops where that is refused, with why, the new review and what to do with it", async () => {
    reviewed();
    const { exitCode, summary } = await apply({ APPLY: "1", PLAN: "2" });
    expect(exitCode).toBe(1);
    expect(summary).toContain("### stage: stopped\n\n    what apply says\n");
    expect(summary).toContain("the environment `stage` and the review `4711`");
    expect(summary).toContain(`the review ${FINGERPRINT}`);
    expect(JSON.parse(textOf("review", "review.json"))).toEqual({ fingerprint: FINGERPRINT });
    expect(summary).not.toContain("is applied");
  });

  test("says so where by now there is nothing to apply, and still fails", async () => {
    reviewed();
    const { exitCode, summary } = await apply({ APPLY: "1", PLAN: "0" });
    expect(exitCode).toBe(1);
    expect(summary).toContain("By now there is nothing to apply.");
  });

  test("leaves no half review where it cannot plan", async () => {
    reviewed();
    const { exitCode, summary } = await apply({ APPLY: "1", PLAN: "1" });
    expect(exitCode).toBe(1);
    expect(summary).toContain("cannot be planned now");
    expect(existsSync(path("review"))).toBe(false);
  });

  test("does not apply without a review, and says why there is none", async () => {
    const { exitCode, stderr, summary } = await apply({ PLAN: "2", REASON: "Nobody has reviewed it." });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("stage is not applied without a review. Nobody has reviewed it.");
    expect(summary).toContain("Nobody has reviewed it.");
    expect(calls().filter((call) => call.startsWith("apply"))).toEqual([]);
    expect(textOf("review", "review.md")).toContain(FINGERPRINT);
  });

  test("needs no review for nothing", async () => {
    const { exitCode, summary } = await apply({ PLAN: "0" });
    expect(exitCode).toBe(0);
    expect(summary).toContain("no changes, and no review; nothing is applied");
    expect(calls().filter((call) => call.startsWith("apply"))).toEqual([]);
  });

  test("where it may do without a review, applies the very plan that it shows", async () => {
    const { exitCode, summary } = await apply({ UNREVIEWED: "true" });
    expect(exitCode).toBe(0);
    expect(summary).toContain(`the review ${FINGERPRINT}`);
    const [plan, applied] = calls();
    const file = /--out (\S+)$/.exec(plan ?? "")?.[1];
    expect(file).toBeDefined();
    expect(applied).toBe(`apply stage --yes --plan ${file}`);
    expect(existsSync(file!)).toBe(false);
  });

  test("does not apply a plan that failed", async () => {
    expect((await apply({ UNREVIEWED: "true", PLAN: "1" })).exitCode).toBe(1);
    expect(calls().filter((call) => call.startsWith("apply"))).toEqual([]);
  });

  test("takes the risks that it is told, and no other option", async () => {
    reviewed();
    await apply({ ALLOW: "public-bucket  iam-opened:aws_iam_policy.x" });
    expect(calls()).toEqual([
      "apply stage --yes --reviewed reviewed/review-stage/review.json --allow public-bucket --allow iam-opened:aws_iam_policy.x",
    ]);
    expect((await apply({ ALLOW: "--yes" })).exitCode).toBe(2);
    expect(calls()).toHaveLength(1);
  });

  test("keeps secrets in a file of the owner's, no longer than it runs, and nowhere else", async () => {
    reviewed();
    const { exitCode, stdout, stderr, summary } = await apply({ SETTINGS: SECRET, APPLY: "1", PLAN: "2" });
    expect(exitCode).toBe(1);
    expect(textOf("mode")).toBe("600\n");
    expect(existsSync(path("environments", "stage.secrets.env"))).toBe(false);
    expect(existsSync(path("leaked"))).toBe(false);
    expect(stdout + stderr + summary + textOf("calls")).not.toContain("hunter2");
  });

  test("writes secrets as they are, line by line", async () => {
    reviewed();
    writeFileSync(path("landfall"), "#!/bin/sh\ncp environments/stage.secrets.env kept\n", { mode: 0o755 });
    await apply({ SETTINGS: `${SECRET}\nb="c d"` });
    expect(textOf("kept")).toBe(`${SECRET}\nb="c d"\n`);
  });

  test("does not touch a secrets file that is there", async () => {
    reviewed();
    writeFileSync(path("environments", "stage.secrets.env"), "mine");
    const { exitCode, stderr } = await apply({ SETTINGS: SECRET });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("is there already");
    expect(textOf("environments", "stage.secrets.env")).toBe("mine");
    expect(textOf("calls")).toBe("");
  });
});

describe("plan.sh", () => {
  const plan = (environment?: Record<string, string>) => run("plan.sh", ["stage", "review"], environment);

  test("plans once, with the role that only reads, and writes the review in all formats", async () => {
    const { exitCode, summary } = await plan();
    expect(exitCode).toBe(0);
    const [planned, ...shown] = calls();
    expect(planned).toBe("plan stage --review-only --json");
    expect(shown.map((call) => call.replace(/--from \S+/, "--from PLAN"))).toEqual(
      ["json", "markdown", "html"].map((format) => `plan stage --from PLAN --format ${format}`),
    );
    expect(summary).toBe(`the review ${FINGERPRINT}\n`);
    for (const file of ["review.json", "review.md", "review.html"])
      expect(textOf("review", file)).toContain(FINGERPRINT);
  });

  test("waits for others' locks", async () => {
    await plan();
    expect(textOf("waits")).toMatch(/^-lock-timeout=10m *\|/);
  });

  test("keeps the plan from others, and does not keep it", async () => {
    await plan();
    const [, file = ""] = /--from (\S+)/.exec(textOf("calls")) ?? [];
    expect(file).toMatch(/plan\.json$/);
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(path("review")).sort()).toEqual(["review.html", "review.json", "review.md"]);
  });

  const blind = "what others changed in AWS is not in this plan";

  test("says where the plan could not look for what others changed", async () => {
    await plan();
    expect(existsSync(path("review", "not-looked"))).toBe(false);
    await plan({ TOLD: `stage: ${blind}: to look, Terraform would read 3 secrets` });
    expect(existsSync(path("review", "not-looked"))).toBe(true);
    expect(textOf("review", "review.md")).toContain("Where somebody did, the apply stops.");
  });

  test("knows it by what the command says", () => {
    expect(readFileSync(join(projectRoot, "cli", "review-only.ts"), "utf8")).toContain(blind);
  });

  test("fails where the plan does", async () => {
    expect((await plan({ PLAN: "1" })).exitCode).toBe(1);
  });
});

test.each(["apply.sh", "plan.sh"])("%s says how it is called", async (script) => {
  const { exitCode, stderr } = await run(script, []);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`usage: ${script} ENVIRONMENT`);
});
