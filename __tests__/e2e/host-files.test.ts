import { execaSync } from "execa";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { projectRoot } from "../../environments/root";
import { publicKey, synthesizeStage, temporaryFolder } from "../support/stacks";

jest.setTimeout(60_000); // shellcheck and cloud-init take seconds on a busy machine

const scripts = execaSync(
  "git",
  ["ls-files", "--cached", "--others", "--exclude-standard", "landfall", ".ci/run", "workloads/**/*.sh"],
  {
    cwd: projectRoot,
  },
).stdout.split("\n");
const hasShellcheck = !execaSync("shellcheck", ["--version"], { reject: false }).failed;

(hasShellcheck ? it : it.skip).each(scripts)("shellcheck finds nothing in %s", (script) => {
  const { exitCode, stdout } = execaSync("shellcheck", [script], { cwd: projectRoot, reject: false });
  expect(stdout).toBe("");
  expect(exitCode).toBe(0);
});

it("knows the scripts there are", () => {
  expect(scripts).toEqual(expect.arrayContaining(["landfall", "workloads/chronos/setup-host.sh"]));
});

it("cloud-config is YAML, and lists as lists, before and after it is put together", () => {
  const text = readFileSync(join(projectRoot, "workloads/chronos/cloud-config.yaml"), "utf8");
  expect(text).toMatch(/^#cloud-config\n/);
  const config = parse(text) as Record<string, unknown>;
  expect(config).toMatchObject({ packages: ["docker", "git", "rsync"], ssh_authorized_keys: [] });
});

const hasCloudInit = !execaSync("cloud-init", ["--version"], { reject: false }).failed;

(hasCloudInit ? describe : describe.skip)("the user data of Chronos's hosts (needs cloud-init)", () => {
  const json = synthesizeStage({ TF_VAR_edge_hosts: "edge-1" });
  /** As Terraform resolves it, with or without a further key. */
  const userDataOf = (host: string, key?: string): string =>
    (json.locals[`chronos_user_data_${host}`] as string)
      .replace(/^%\{ if .*%\{ endif \}$/m, key ? `ssh_authorized_keys: ["${key}"]` : "")
      .replace(/([$%])\1\{/g, "$1{");
  function validate(text: string) {
    const file = join(temporaryFolder(), "user-data");
    writeFileSync(file, text);
    return execaSync("cloud-init", ["schema", "--config-file", file], { reject: false, all: true });
  }

  it.each([
    ["dashboard", "no further key", undefined],
    ["dashboard", "a further key", publicKey],
    ["edge-1", "no further key", undefined],
  ])("is valid by cloud-init's own schema: %s, with %s", (host, _, key) => {
    const text = userDataOf(host, key);
    expect(text).not.toMatch(/%\{ if/);
    const { exitCode, all } = validate(text);
    expect([exitCode, all]).toEqual([0, expect.stringContaining("Valid")]);
  });

  it("would not be with a command that is none", () => {
    expect(validate(userDataOf("dashboard").replace("runcmd:", "runcmd: 3\nother:")).exitCode).not.toBe(0);
  });
});
