import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";

jest.setTimeout(60_000); // each call is a process of its own

/** A clone in a folder with a blank in its name. Its command prints what it was given; its npm notes each call. */
let temporary: string;
let clone: string;
let bin: string;

beforeEach(() => {
  temporary = realpathSync(mkdtempSync(join(tmpdir(), "landfall wrapper ")));
  clone = join(temporary, "my clone");
  bin = join(temporary, "bin");
  mkdirSync(join(clone, "cli"), { recursive: true });
  mkdirSync(bin);
  copyFileSync(join(projectRoot, "landfall"), join(clone, "landfall"));
  writeFileSync(join(clone, "package-lock.json"), "{}");
  writeFileSync(
    join(clone, "cli", "run.cjs"),
    "console.log(JSON.stringify({ cwd: process.cwd(), argv: process.argv.slice(2) }));",
  );
  stub(
    "npm",
    'echo "$@" >> calls; sleep "${NPM_SECONDS:-0}"; mkdir -p node_modules; echo "npm says hello"; exit "${NPM_EXIT:-0}"',
  );
});
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

function stub(name: string, body: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(bin, name), 0o755);
}
const environment = (extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${bin}:${process.env.PATH}`,
  ...extra,
});
const landfall = (args: string[], { cwd = temporary, env = {}, script = join(clone, "landfall") } = {}) =>
  spawnSync(script, args, { cwd, env: environment(env), encoding: "utf8" });
const npmCalls = (): string[] =>
  existsSync(join(clone, "calls")) ? readFileSync(join(clone, "calls"), "utf8").trim().split("\n") : [];
const locks = (): string[] => readdirSync(join(clone, ".landfall"));

test("runs the command where the caller stands, with the caller's arguments", () => {
  const run = landfall(["plan", "two words", ""]);
  expect(JSON.parse(run.stdout)).toEqual({
    cwd: temporary,
    argv: [join(clone, "cli", "main.ts"), "plan", "two words", ""],
  });
  expect(run.status).toBe(0);
});

test("is found through relative and absolute symlinks", () => {
  symlinkSync(join("..", "my clone", "landfall"), join(bin, "relative"));
  symlinkSync(join(bin, "relative"), join(temporary, "absolute"));
  const run = landfall([], { script: join(temporary, "absolute") });
  expect(JSON.parse(run.stdout).argv).toEqual([join(clone, "cli", "main.ts")]);
});

test("installs once, tells so on stderr only, and again when the lock file changes", () => {
  const first = landfall([]);
  expect(first.stderr).toContain("installing the locked dependencies");
  expect(first.stderr).toContain("npm says hello");
  expect(first.stdout).not.toContain("npm");
  const second = landfall([]);
  expect(second.stderr).toBe("");
  expect(npmCalls()).toEqual(["ci --include=dev --no-audit --no-fund"]);

  writeFileSync(join(clone, "package-lock.json"), '{ "changed": true }');
  landfall([]);
  expect(npmCalls()).toHaveLength(2);
});

test("takes a node_modules that is a symlink to an installed one", () => {
  landfall([]);
  const elsewhere = join(temporary, "elsewhere");
  spawnSync("mv", [join(clone, "node_modules"), elsewhere]);
  symlinkSync(elsewhere, join(clone, "node_modules"));
  expect(landfall([]).status).toBe(0);
  expect(npmCalls()).toHaveLength(1);
});

test("a failed install fails the command, and is done again even when the lock file is as it was before", () => {
  landfall([]);
  writeFileSync(join(clone, "package-lock.json"), '{ "changed": true }');
  const failed = landfall([], { env: { NPM_EXIT: "7" } });
  expect(failed.status).toBe(1);
  expect(failed.stdout).toBe("");
  expect(failed.stderr).toContain("npm ci failed");
  writeFileSync(join(clone, "package-lock.json"), "{}");
  expect(landfall([]).status).toBe(0);
  expect(npmCalls()).toHaveLength(3);
});

test("an interrupted install leaves no lock, and the next call does it again", async () => {
  const interrupted = spawn(join(clone, "landfall"), {
    env: environment({ NPM_SECONDS: "30" }),
    detached: true,
  });
  while (npmCalls().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const ended = new Promise((resolve) => interrupted.on("close", resolve));
  process.kill(-interrupted.pid!, "SIGINT"); // the whole group, as a terminal does
  await ended;
  expect(locks()).toEqual([]);
  const again = landfall([]);
  expect(again.status).toBe(0);
  expect(again.stderr).not.toContain("waiting for");
  expect(npmCalls()).toHaveLength(2);
});

test("calls at the same time wait for one install", async () => {
  const runs = [1, 2, 3].map(
    () =>
      new Promise<number | null>((resolve) =>
        spawn(join(clone, "landfall"), { env: environment({ NPM_SECONDS: "0.5" }) }).on("close", resolve),
      ),
  );
  expect(await Promise.all(runs)).toEqual([0, 0, 0]);
  expect(npmCalls()).toHaveLength(1);
});

test("a lock left by a process that is gone is taken over", () => {
  const gone = spawnSync("true").pid;
  mkdirSync(join(clone, ".landfall"));
  symlinkSync(String(gone), join(clone, ".landfall", "install.lock"));
  expect(landfall([]).status).toBe(0);
  expect(npmCalls()).toHaveLength(1);
});

test.each([
  ["v18.20.4", false],
  ["v20.18.3", false],
  ["v20.19.0", true],
  ["v21.7.3", false],
  ["v22.11.0", false],
  ["v22.12.0", true],
  ["v24.1.0", true],
])("Node.js %s: enough is %s", (version, enough) => {
  stub("node", `[ "$1" = --version ] && echo ${version}`);
  const run = landfall([]);
  expect(run.stderr.includes("Node.js " + version)).toBe(!enough);
  expect(npmCalls()).toHaveLength(enough ? 1 : 0);
  if (!enough) expect(run.status).toBe(1);
});

test("says that Node.js or npm is missing", () => {
  for (const tool of ["bash", "dirname", "cksum", "mkdir", "ln", "rm", "readlink"]) {
    symlinkSync(spawnSync("which", [tool], { encoding: "utf8" }).stdout.trim(), join(bin, tool));
  }
  rmSync(join(bin, "npm"));
  expect(landfall([], { env: { PATH: bin } }).stderr).toMatch(/^landfall: Node.js is missing/);
  symlinkSync(process.execPath, join(bin, "node"));
  const run = landfall([], { env: { PATH: bin } });
  expect(run.stderr).toMatch(/^landfall: npm is missing/);
  expect(run.status).toBe(1);
});
