import { execa } from "execa";
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";

jest.setTimeout(60_000); // each call is a process of its own

/** A clone whose emulator is a server of the test's, so that nothing is installed and nobody's sandbox is touched. */
const clone = mkdtempSync(join(tmpdir(), "landfall-sandbox-"));
const stateFolder = join(clone, ".landfall", "sandbox");
const secretsFile = join(clone, "environments", "sandbox.secrets.env");
let server: Server | undefined;
let calls: string[];

beforeAll(() => {
  for (const part of ["backend", "cli", "modules", "sandbox", "workloads", "cdktf.json", "package.json"]) {
    cpSync(join(projectRoot, part), join(clone, part), { recursive: true });
  }
  cpSync(join(projectRoot, "environments"), join(clone, "environments"), {
    recursive: true,
    filter: (file) => !file.endsWith(".env") || /sandbox(\.shared)?\.env$/.test(file),
  });
  symlinkSync(join(projectRoot, "node_modules"), join(clone, "node_modules"));
});
afterEach(() => {
  server?.close();
  server = undefined;
  for (const path of [stateFolder, secretsFile, join(clone, "cdktf.out")]) {
    rmSync(path, { recursive: true, force: true });
  }
});
afterAll(() => rmSync(clone, { recursive: true }));

const sandbox = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  execa(
    process.execPath,
    [join(clone, "cli", "run.cjs"), join(clone, "cli", "main.ts"), "sandbox", ...args],
    {
      env: { PATH: process.env.PATH, ...env },
      extendEnv: false,
      reject: false,
    },
  );

function noteStart(port: number, pid = process.pid): void {
  mkdirSync(stateFolder, { recursive: true });
  const startedAt = "2026-01-02T03:04:05+00:00";
  writeFileSync(join(stateFolder, "emulator.json"), JSON.stringify({ pid, port, token: "ours", startedAt }));
}

/** Answers as the emulator with that token does. @returns its endpoint */
async function serve(token: string): Promise<string> {
  calls = [];
  const started = createServer((request, response) => {
    calls.push(request.url ?? "");
    response.end(token);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const { port } = started.address() as AddressInfo;
  noteStart(port);
  return `http://127.0.0.1:${port}`;
}

describe("where the emulator is not running", () => {
  test("env prints nothing to eval, and says what to do", async () => {
    const { exitCode, stdout, stderr } = await sandbox(["env"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain("./landfall sandbox up");
  });

  test("status says so and exits with 1", async () => {
    expect(await sandbox(["status"])).toMatchObject({ exitCode: 1, stdout: "not running" });
    const { exitCode, stdout } = await sandbox(["status", "--json"]);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ running: false });
  });

  test("a foreign process on its port is not taken for it", async () => {
    await serve("somebody else's");
    expect(await sandbox(["env"])).toMatchObject({ exitCode: 1, stdout: "" });
    expect((await sandbox(["down"])).exitCode).toBe(0);
    expect(server?.listening).toBe(true);
  });
});

describe("where the emulator is running", () => {
  test("status tells where", async () => {
    const endpoint = await serve("ours");
    const { exitCode, stdout } = await sandbox(["status"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(endpoint);
    expect(JSON.parse((await sandbox(["status", "--json"])).stdout)).toMatchObject({
      running: true,
      endpoint,
    });
  });

  test("env points a shell at it, and leaves none of the user's AWS settings", async () => {
    const endpoint = await serve("ours");
    const mine = { AWS_PROFILE: "prod", AWS_SESSION_TOKEN: "mine", AWS_ACCESS_KEY_ID: "mine" };
    const { stdout } = await sandbox(["env"], mine);
    expect(stdout).not.toContain("mine");
    const shell = await execa("sh", ["-c", `${stdout}\nenv`], { env: mine });
    const set = Object.fromEntries(shell.stdout.split("\n").map((line) => line.split(/=(.*)/)));
    expect(set).toMatchObject({
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: "us-east-1",
      LANDFALL_SHARED: "sandbox",
    });
    expect(set).not.toHaveProperty("AWS_PROFILE");
    expect(set).not.toHaveProperty("AWS_SESSION_TOKEN");
    expect(set.AWS_ACCESS_KEY_ID).not.toBe("mine");
  });

  test("up refuses where the shell names another AWS account, and calls nobody", async () => {
    await serve("ours");
    const { exitCode, stderr } = await sandbox(["up"], { TF_VAR_allowed_account_ids: "111122223333" });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("111122223333");
    expect(new Set(calls)).toEqual(new Set(["/_landfall"]));
  });

  test("up makes the sandbox's secrets once, for the owner's eyes only", async () => {
    await serve("ours");
    const refused = { TF_VAR_allowed_account_ids: "111122223333" }; // nothing is deployed here
    await sandbox(["up"], refused);
    expect(statSync(secretsFile).mode & 0o777).toBe(0o600);
    const made = readFileSync(secretsFile, "utf8");
    expect(made).toMatch(/^jwt_secret_key="[\w-]{43}"$/m);
    await sandbox(["up"], refused);
    expect(readFileSync(secretsFile, "utf8")).toBe(made);
  });
});

test("up leaves an unfinished bootstrap of another AWS as it is", async () => {
  const file = join(clone, "cdktf.out", "stacks", "state", "bootstrap.tfstate");
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, '{"bucket": "agt-chronos-terraform-state-storage"}');
  const { exitCode, stderr } = await sandbox(["up"]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("./landfall bootstrap");
  expect(existsSync(file)).toBe(true);
  expect(existsSync(stateFolder)).toBe(false);
});

test("down stops the emulator; --purge removes its files", async () => {
  const script = `const s = require("node:http").createServer((_, r) => r.end("ours"));
    s.listen(0, "127.0.0.1", () => console.log(s.address().port));`;
  const emulator = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => emulator.once("exit", (_code, signal) => resolve(signal)));
  const port = await new Promise<number>((resolve) =>
    emulator.stdout.once("data", (line) => resolve(Number(line))),
  );
  noteStart(port, emulator.pid);
  expect((await sandbox(["down", "--purge"])).exitCode).toBe(0);
  expect(await ended).toBe("SIGTERM");
  expect(existsSync(stateFolder)).toBe(false);
});
