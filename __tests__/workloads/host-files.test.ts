import { execaSync } from "execa";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { projectRoot } from "../../environments/root";

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
