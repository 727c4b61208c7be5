import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { policiesOf, register } from "../../cli/verbs/policy";

describe("the policies of a stack", () => {
  let folder: string;
  const of = (name: string) => policiesOf(name, { folder, processEnvironment: {} });
  const text = (name: string, role: "plan" | "apply" | "operate" = "apply") => JSON.stringify(of(name)[role]);
  const write = (name: string, lines: Readonly<Record<string, string>>) =>
    writeFileSync(
      join(folder, name),
      Object.entries(lines)
        .map(([key, value]) => `TF_VAR_${key}="${value}"\n`)
        .join(""),
    );

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "landfall-policy-"));
    write("shared.env", {
      name_prefix: "agt",
      region: "eu-central-1",
      allowed_account_ids: "436957243186",
      image_repositories: "viewer-atlas",
    });
    write("stage.env", {
      deptype: "stage",
      systems: "viewer-atlas",
      viewer_atlas_bucket: "someones-lake",
    });
    write("broken.env", { deptype: "broken", systems: "viewer-atlas", viewer_atlas_collector_count: "many" });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("go by its settings: region, account, prefix, systems and buckets of another name", () => {
    const policies = text("stage");
    expect(policies).toContain("arn:aws:ecs:eu-central-1:436957243186:cluster/stage-*");
    expect(policies).toContain("arn:aws:s3:::agt-stage-*");
    expect(policies).toContain("arn:aws:s3:::someones-lake");
    expect(policies).not.toContain("rds:");
    expect(policies).not.toContain("us-east-1");
  });

  it("are there for names by a pattern, with all systems", () => {
    expect(text("pr-*")).toContain("arn:aws:ecs:eu-central-1:436957243186:cluster/pr-*-*");
    expect(text("pr-*")).toContain("rds:CreateDBInstance");
    expect(text("pr-*")).not.toContain("someones-lake");
  });

  it.each([
    ["an environment that is not there", "stag", 'There is no environment "stag". Did you mean stage?'],
    ["a pattern of everything", "*", '"*" is no pattern of environments'],
    ["settings that have problems", "broken", "viewer_atlas_collector_count"],
  ])("are refused for %s", (_, name, message) => {
    expect(() => of(name)).toThrow(message);
  });

  it("have nothing to operate in shared", () => {
    expect(of("shared").operate).toEqual([]);
    expect(text("stage", "operate")).toContain("ecs:RunTask");
  });
});

it("policy takes no role that is none", () => {
  const program = new Command("landfall").exitOverride().configureOutput({ writeErr: () => {} });
  register(program);
  program.commands.forEach((command) => command.exitOverride().configureOutput({ writeErr: () => {} }));
  expect(() => program.parse(["policy", "stage", "--role", "admin"], { from: "user" })).toThrow(
    "Write plan, or apply, or operate.",
  );
});
