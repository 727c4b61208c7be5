import { execa, execaSync } from "execa";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectRoot } from "../../environments/root";

const has = (program: string, option: string) => !execaSync(program, [option], { reject: false }).failed;
const path = (workload: string, file: string) => join(projectRoot, "workloads", workload, file);

let root: string;
let servers: Server[];
beforeEach(() => {
  servers = [];
  root = mkdtempSync(join(tmpdir(), "landfall-health-"));
  // Each argument on a line, as it comes
  program("aws", `printf '%s\\n' "$@" >"$ROOT/aws.calls"\n[ ! -e "$ROOT/aws.fails" ]`);
  program(
    "systemctl",
    `echo "$*" >>"$ROOT/systemctl.calls"\ncat "$ROOT/state"\n[ "$(cat "$ROOT/state")" = active ]`,
  );
});
afterEach(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(root, { recursive: true, force: true });
});

function write(file: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text, { mode });
}
const program = (name: string, body: string) => write(join("bin", name), `#!/bin/sh\n${body}\n`, 0o755);
const read = (file: string) => readFileSync(join(root, file), "utf8");
const writeSettings = (values: Record<string, string>) =>
  write(
    "etc/landfall/host.env",
    Object.entries(values)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );

/** Answers with the status that a path has here, with 404 otherwise. Returns its port. */
async function serve(statuses: Readonly<Record<string, number>>): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(statuses[request.url ?? ""] ?? 404, { connection: "close" }).end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return String((server.address() as AddressInfo).port);
}

/** A port that nobody listens on. */
async function deadPort(): Promise<string> {
  const port = await serve({});
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return port;
}

const run = (workload: string, ...args: string[]) =>
  execa(path(workload, "health.sh"), args, {
    extendEnv: false,
    env: { PATH: `${join(root, "bin")}:${process.env.PATH}`, ROOT: root, http_proxy: "http://127.0.0.1:1" },
    reject: false,
    all: true,
  });

/** What was put, as CloudWatch would show it. */
function put() {
  const [, verb, , region, , namespace, , data = ""] = read("aws.calls").split("\n");
  const [{ MetricName, Value, Dimensions }] = JSON.parse(data) as [
    { MetricName: string; Value: number; Dimensions: { Name: string; Value: string }[] },
  ];
  return {
    verb,
    region,
    metric: `${namespace} ${MetricName}`,
    value: Value,
    dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
  };
}

/** Whether it is healthy, by a check, by what it says, and by what it publishes. */
async function health(workload: string): Promise<boolean> {
  const checked = await run(workload, "check");
  const published = await run(workload, "publish");
  const { value } = put();
  expect(checked.exitCode).toBe(value === 1 ? 0 : 1);
  expect(checked.all).toMatch(value === 1 ? /: healthy$/ : /: not healthy: ./);
  expect([published.exitCode, published.all]).toEqual([0, checked.all]);
  return value === 1;
}

describe("Macro AI's health", () => {
  const settings = (PORT: string) =>
    writeSettings({
      AWS_REGION: "eu-west-1",
      PARAMETER_STORE_PREFIX: "/pr-17/macro-ai/",
      APP_ENV: "stage",
      PORT,
    });

  it.each([
    [200, true],
    [204, false],
    [301, false],
    [404, false],
    [503, false],
  ])("with %s as the health check's answer: %s", async (status, healthy) => {
    settings(await serve({ "/": 200, "/api/health": status }));
    expect(await health("macro-ai")).toBe(healthy);
  });

  it("is bad without an answer, and says where to look", async () => {
    settings(await deadPort());
    expect(await health("macro-ai")).toBe(false);
    expect((await run("macro-ai", "check")).all).toContain("journalctl -u macro-ai");
  });

  it("goes to the metric that the environment's alarm watches", async () => {
    settings(await serve({ "/api/health": 200 }));
    await run("macro-ai", "publish");
    expect(put()).toEqual({
      verb: "put-metric-data",
      region: "eu-west-1",
      metric: "Landfall/MacroAi Healthy",
      value: 1,
      dimensions: { Environment: "pr-17" },
    });
  });
});

describe("a Chronos dashboard's health", () => {
  const settings = (PORT: string) =>
    writeSettings({
      AWS_REGION: "eu-west-1",
      ENVIRONMENT: "prod",
      HOST: "dashboard",
      ROLE: "dashboard",
      PORT,
    });

  it.each([
    [200, true],
    [301, true],
    [401, true],
    [404, true],
    [500, false],
    [502, false],
  ])("with %s as the site's answer: %s", async (status, healthy) => {
    settings(await serve({ "/": status }));
    expect(await health("chronos")).toBe(healthy);
  });

  (has("openssl", "version") ? it : it.skip)(
    "is good where the port speaks TLS alone (needs openssl)",
    async () => {
      settings(await serveTls());
      expect(await health("chronos")).toBe(true);
    },
  );

  it("is bad without an answer, and says where to look", async () => {
    settings(await deadPort());
    expect(await health("chronos")).toBe(false);
    expect((await run("chronos", "check")).all).toContain("journalctl -u chronos");
  });

  it("goes to its own metric, and asks no unit", async () => {
    settings(await serve({ "/": 200 }));
    await run("chronos", "publish");
    expect(put()).toEqual({
      verb: "put-metric-data",
      region: "eu-west-1",
      metric: "Landfall/Chronos Healthy",
      value: 1,
      dimensions: { Environment: "prod", Host: "dashboard" },
    });
    expect(() => read("systemctl.calls")).toThrow("ENOENT");
  });

  /** A server that hangs up on whoever does not speak TLS. */
  async function serveTls(): Promise<string> {
    const { createServer: createTls } = await import("node:https");
    const [key, certificate] = [join(root, "key"), join(root, "certificate")];
    execaSync("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-subj", "/CN=stage.example.com", "-days", "1", "-keyout", key, "-out", certificate],
    ]);
    const server = createTls(
      { key: readFileSync(key), cert: readFileSync(certificate) },
      (_request, response) => {
        response.writeHead(200, { connection: "close" }).end();
      },
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return String((server.address() as AddressInfo).port);
  }
});

describe("a Chronos edge host's health", () => {
  beforeEach(() =>
    writeSettings({ AWS_REGION: "us-east-1", ENVIRONMENT: "stage", HOST: "edge-2", ROLE: "edge" }),
  );

  it.each([
    ["active", true],
    ["activating", false],
    ["failed", false],
    ["inactive", false],
  ])("with its service %s: %s", async (state, healthy) => {
    write("state", `${state}\n`);
    expect(await health("chronos")).toBe(healthy);
    expect(put().dimensions).toEqual({ Environment: "stage", Host: "edge-2" });
    expect(read("systemctl.calls")).toMatch(/^is-active chronos-edge\.service\n/);
  });
});

describe.each([
  ["macro-ai", { AWS_REGION: "us-east-1", PARAMETER_STORE_PREFIX: "/stage/macro-ai/", PORT: "1" }],
  [
    "chronos",
    { AWS_REGION: "us-east-1", ENVIRONMENT: "stage", HOST: "dashboard", ROLE: "dashboard", PORT: "1" },
  ],
])("health.sh of %s", (workload, settings: Record<string, string>) => {
  it.each([[[]], [["other"]], [["check", "publish"]]])("says how it is used, given %j", async (args) => {
    expect(await run(workload, ...args)).toMatchObject({
      exitCode: 2,
      all: "usage: health.sh check|publish",
    });
  });

  it.each(Object.keys(settings))("names the missing setting %s, and puts nothing", async (name) => {
    writeSettings({ ...settings, [name]: "" });
    const { exitCode, all } = await run(workload, "publish");
    expect([exitCode, all]).toEqual([1, expect.stringContaining(`error: no ${name} in ${root}`)]);
    expect(() => read("aws.calls")).toThrow("ENOENT");
  });

  it("fails where the metric is not put", async () => {
    writeSettings(settings);
    write("aws.fails", "");
    expect((await run(workload, "publish")).exitCode).not.toBe(0);
  });
});

it("a Chronos host with a role that there is not is told so", async () => {
  writeSettings({ AWS_REGION: "us-east-1", ENVIRONMENT: "stage", HOST: "x", ROLE: "other" });
  expect(await run("chronos", "publish")).toMatchObject({
    exitCode: 1,
    all: expect.stringMatching(/ROLE is other .*must be dashboard or edge/),
  });
});

describe.each(["macro-ai", "chronos"])("units of %s's health", (workload) => {
  const units = [`${workload}-health.service`, `${workload}-health.timer`] as const;
  const analyze = has("systemd-analyze", "--version") ? it : it.skip;

  analyze("systemd-analyze verify finds nothing in them (needs systemd-analyze)", () => {
    for (const unit of units) {
      mkdirSync(join(root, "etc/systemd/system"), { recursive: true });
      cpSync(path(workload, unit), join(root, "etc/systemd/system", unit));
    }
    write(`usr/local/sbin/${workload}-health`, "#!/bin/sh\n", 0o755);
    const { exitCode, all } = execaSync(
      "systemd-analyze",
      ["verify", `--root=${root}`, "--recursive-errors=no", ...units],
      { reject: false, all: true },
    );
    expect([exitCode, all]).toEqual([0, ""]);
  });

  analyze("have an exposure of 4.0 at most (needs systemd-analyze)", () => {
    const { stdout } = execaSync(
      "systemd-analyze",
      ["security", "--offline=true", "--no-pager", path(workload, units[0])],
      { reject: false },
    );
    expect(Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThanOrEqual(4);
  });

  it("publish each minute, and end before the next", () => {
    const [service, timer] = units.map((unit) => readFileSync(path(workload, unit), "utf8").split("\n"));
    expect(service).toContain(`ExecStart=/usr/local/sbin/${workload}-health publish`);
    expect(timer).toContain("OnCalendar=minutely");
    const limit = service?.find((line) => line.startsWith("TimeoutStartSec="));
    expect(Number(limit?.split("=")[1])).toBeLessThan(60);
  });
});
