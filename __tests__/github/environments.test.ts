import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentNames } from "../../environments/read";
import { temporaryFolder } from "../support/folders";
import { runScript, type ScriptRun } from "./support/fake-github";

const arn = (name: string): string => `arn:aws:iam::436957243186:role/example-${name}-plan`;

function folderOf(...files: readonly string[]): string {
  const folder = temporaryFolder();
  for (const file of files) writeFileSync(join(folder, file), "");
  return folder;
}
const environments = (folder: string, roles?: unknown): Promise<ScriptRun> =>
  runScript(
    "environments.cjs",
    [folder],
    roles === undefined ? {} : { PLAN_ROLES: typeof roles === "string" ? roles : JSON.stringify(roles) },
  );
const committed = ["shared.env", "stage.env", "prod.env", "sandbox.env", "sandbox.shared.env"];

test("names are those of the files, shared first, and without the sandbox and secrets", async () => {
  const { outputs } = await environments(folderOf(...committed, "stage.secrets.env", "env.template", ".env"));
  expect(JSON.parse(outputs.names!)).toEqual(["shared", "prod", "stage"]);
});

test("names are those that the command knows", async () => {
  const folder = folderOf(...committed, "dev.env", "dev.secrets.env", "eu.env", "eu.shared.env");
  const { outputs } = await environments(folder);
  expect(JSON.parse(outputs.names!)).toEqual([
    "shared",
    ...environmentNames(folder).filter((name) => name !== "sandbox"),
  ]);
});

test("what has a role is planned, and what has none is named", async () => {
  const { outputs, summary } = await environments(folderOf(...committed), {
    stage: arn("stage"),
    shared: arn("shared"),
    gone: arn("gone"),
  });
  expect(JSON.parse(outputs.plan!)).toEqual([
    { name: "shared", role: arn("shared") },
    { name: "stage", role: arn("stage") },
  ]);
  expect(summary).toContain("has no role for it: prod");
  expect(summary).not.toContain("stage");
});

test("a repository that nobody has set up has nothing to plan, and is told so", async () => {
  const { exitCode, outputs, summary } = await environments(
    folderOf("sandbox.env", "sandbox.shared.env"),
    "",
  );
  expect({ exitCode, outputs }).toEqual({ exitCode: 0, outputs: { names: "[]", plan: "[]" } });
  expect(summary).toContain("./landfall init");
});

test.each(["$(id).env", "a b.env", "UPPER.env", '"],"x.env', "a\nb.env", "x".repeat(21) + ".env"])(
  "a file %j stops it",
  async (file) => {
    const { exitCode, told } = await environments(folderOf(file), "");
    expect(exitCode).toBe(1);
    expect(told).toContain("does not name an environment");
  },
);

test.each([
  ["no JSON", "arn:aws:iam::436957243186:role/x"],
  ["no object", "[]"],
  ["no ARN of a role", { stage: "arn:aws:iam::436957243186:user/x" }],
  ["no text", { stage: 1 }],
])("a variable that is %s stops it", async (_, roles) => {
  const { exitCode, told } = await environments(folderOf(...committed), roles);
  expect(exitCode).toBe(1);
  expect(told).toContain("AWS_PLAN_ROLES");
});

describe("check-reviews", () => {
  const counts = { replace: 0, delete: 0, forget: 0, update: 0, create: 0, import: 0, move: 0, read: 0 };
  const review = { version: 1, stack: "stage", fingerprint: "f".repeat(64), counts, outputs: [] };

  function check(found: Readonly<Record<string, unknown>>, ...names: readonly string[]): Promise<ScriptRun> {
    const folder = temporaryFolder();
    for (const [name, text] of Object.entries(found)) {
      mkdirSync(join(folder, `review-${name}`));
      writeFileSync(
        join(folder, `review-${name}`, "review.json"),
        typeof text === "string" ? text : JSON.stringify(text),
      );
      writeFileSync(join(folder, `review-${name}`, "review.md"), `### ${name}: as it was reviewed`);
    }
    return runScript("check-reviews.cjs", [folder], { NAMES: JSON.stringify(names) });
  }

  test("says what is to be applied, and shows the reviews", async () => {
    const { outputs, summary } = await check(
      {
        shared: { ...review, stack: "shared" },
        stage: { ...review, counts: { ...counts, update: 1 } },
        prod: { ...review, stack: "prod", outputs: [{ name: "url" }] },
      },
      "shared",
      "stage",
      "prod",
      "eu",
    );
    expect(outputs).toEqual({ shared: "nothing", stage: "changes", prod: "changes", eu: "missing" });
    expect(summary).toContain("### stage: as it was reviewed");
  });

  test.each([
    ["is of another environment", { ...review, stack: "prod" }],
    ["is of an unknown structure", { ...review, version: 2 }],
    ["has no fingerprint", { ...review, fingerprint: "" }],
    ["is no JSON", "{"],
    ["is empty", "null"],
  ])("refuses a review that %s", async (_, text) => {
    const { exitCode, told } = await check({ stage: text }, "stage");
    expect(exitCode).toBe(1);
    expect(told).toContain("the review of stage");
  });
});
