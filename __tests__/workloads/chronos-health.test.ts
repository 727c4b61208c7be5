import { execa } from "execa";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";

let root: string;
let servers: Server[];
beforeEach(() => {
  servers = [];
  root = mkdtempSync(join(tmpdir(), "landfall-health-"));
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "etc/landfall"), { recursive: true });
  writeFileSync(join(root, "bin/aws"), `#!/bin/sh\nprintf '%s\\n' "$@" >"$ROOT/aws.calls"\n`, {
    mode: 0o755,
  });
});
afterEach(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(root, { recursive: true, force: true });
});

async function serve(): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { connection: "close" }).end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return String((server.address() as AddressInfo).port);
}
async function deadPort(): Promise<string> {
  const port = await serve();
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return port;
}

const run = (verb: string) =>
  execa(join(projectRoot, "workloads/chronos/health.sh"), [verb], {
    extendEnv: false,
    env: { PATH: `${join(root, "bin")}:${process.env.PATH}`, ROOT: root },
    reject: false,
    all: true,
  });

describe("the health of a dashboard that may speak TLS alone", () => {
  /** What it checks, and what it publishes: values by the metric's further dimension. */
  async function health(ports: { PORT: string; TLS_PORT: string }) {
    const settings = {
      AWS_REGION: "eu-west-1",
      ENVIRONMENT: "prod",
      HOST: "dashboard",
      ROLE: "dashboard",
      ...ports,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(root, "etc/landfall/host.env"), lines.join(""));
    const checked = await run("check");
    expect((await run("publish")).exitCode).toBe(0);
    const put = JSON.parse(readFileSync(join(root, "aws.calls"), "utf8").split("\n").at(-2) ?? "") as {
      MetricName: string;
      Value: number;
      Dimensions: { Name: string; Value: string }[];
    }[];
    expect(put.map(({ MetricName }) => MetricName)).toEqual(["Healthy", "Healthy"]);
    const [own, tls] = put.map(({ Value, Dimensions }) => [
      Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
      Value,
    ]);
    const host = { Environment: "prod", Host: "dashboard" };
    expect([own?.[0], tls?.[0]]).toEqual([host, { ...host, Port: ports.TLS_PORT }]);
    return { exitCode: checked.exitCode, said: checked.all, values: [own?.[1], tls?.[1]] };
  }

  it("is told for each port, and is good where one of them serves", async () => {
    const [serving, dead] = [await serve(), await deadPort()];
    const good = { exitCode: 0, said: "dashboard: healthy" };
    expect(await health({ PORT: serving, TLS_PORT: serving })).toEqual({ ...good, values: [1, 1] });
    expect(await health({ PORT: dead, TLS_PORT: serving })).toEqual({ ...good, values: [0, 1] });
    expect(await health({ PORT: serving, TLS_PORT: dead })).toEqual({ ...good, values: [1, 0] });
  });

  it("is bad where none does, and both are named", async () => {
    const [one, other] = [await deadPort(), await deadPort()];
    const { exitCode, said, values } = await health({ PORT: one, TLS_PORT: other });
    expect([exitCode, values]).toEqual([1, [0, 0]]);
    expect(said).toMatch(new RegExp(`^dashboard: not healthy: .*:${one};.*:${other};`));
  });
});
