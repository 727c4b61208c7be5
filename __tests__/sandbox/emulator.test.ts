import { execFileSync } from "node:child_process";
import { emulatorEnvironment, emulatorStatus, sandboxExports, stopEmulator } from "../../sandbox/emulator";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const endpoint = "http://127.0.0.1:4567";
const users: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  AWS_PROFILE: "company",
  AWS_SESSION_TOKEN: "token-of-mine",
  AWS_SECRET_ACCESS_KEY: "key-of-mine",
  AWS_ENDPOINT_URL_S3: "https://s3.example.com",
  AWS_REGION: "eu-north-1",
};

let stateFolder: string;
beforeEach(() => {
  stateFolder = mkdtempSync(join(tmpdir(), "landfall-emulator-"));
});
afterEach(() => rmSync(stateFolder, { recursive: true }));

const lastStart = (started: object) =>
  writeFileSync(join(stateFolder, "emulator.json"), JSON.stringify(started));

describe("the environment for the emulator", () => {
  test("points the SDKs at it and keeps what is not AWS's", () => {
    expect(emulatorEnvironment(endpoint, users, "eu-west-1")).toMatchObject({
      PATH: process.env.PATH,
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: "eu-west-1",
      AWS_DEFAULT_REGION: "eu-west-1",
      AWS_EC2_METADATA_DISABLED: "true",
    });
  });

  test("holds no AWS setting of the user's", () => {
    const environment = emulatorEnvironment(endpoint, users, "eu-west-1");
    for (const name of ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"])
      expect(environment).not.toHaveProperty(name);
    expect(JSON.stringify(environment)).not.toMatch(/of-mine/);
    expect(users.AWS_PROFILE).toBe("company"); // the caller's object is as it was
  });

  test("comes out the same of a shell that evaluates the exports", () => {
    const script = `eval "$EXPORTS"; unset EXPORTS; env`;
    const shell = execFileSync("sh", ["-c", script], {
      env: { ...users, EXPORTS: sandboxExports(endpoint, "eu-west-1", users) },
      encoding: "utf8",
    });
    const aws = (lines: readonly string[]) => lines.filter((line) => line.startsWith("AWS_")).sort();
    const wanted = Object.entries(emulatorEnvironment(endpoint, users, "eu-west-1")).map(
      ([name, value]) => `${name}=${value}`,
    );
    expect(aws(shell.split("\n"))).toEqual(aws(wanted));
  });
});

describe("what is not our emulator", () => {
  test("never started", async () => {
    expect(await emulatorStatus({ stateFolder })).toEqual({ running: false });
    expect(await stopEmulator({ stateFolder })).toBe(false);
  });

  test("a file that the emulator did not write", async () => {
    lastStart({ pid: "1; rm", port: -1 });
    expect(await emulatorStatus({ stateFolder })).toEqual({ running: false });
  });

  test("another server on its old port, and another process with its old id, which lives on", async () => {
    const foreign = createServer((_, response) => response.end("hello"));
    await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = foreign.address() as AddressInfo;
      lastStart({ pid: process.pid, port, token: "ours", startedAt: "2026-01-01T00:00:00+00:00" });
      expect(await emulatorStatus({ stateFolder })).toEqual({ running: false });
      expect(await stopEmulator({ stateFolder })).toBe(false);
    } finally {
      await new Promise((resolve) => foreign.close(resolve));
    }
  });
});
