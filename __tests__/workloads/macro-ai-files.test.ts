import { execaSync } from "execa";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parse } from "yaml";
import { projectRoot } from "../../environments/root";
import { cloudConfig } from "../../workloads/user-data";

const folder = join(projectRoot, "workloads", "macro-ai");
const read = (file: string): string => readFileSync(join(folder, file), "utf8");
const has = (command: string, ...args: string[]): boolean =>
  !execaSync(command, args, { reject: false }).failed;
const temporary: string[] = [];
const scratch = (): string => {
  const created = mkdtempSync(join(tmpdir(), "landfall-macro-ai-"));
  temporary.push(created);
  return created;
};
afterAll(() => temporary.forEach((created) => rmSync(created, { recursive: true, force: true })));

describe("user data", () => {
  // As Terraform resolves it: $${ for ${, %%{ for %{
  const text = cloudConfig("macro-ai").replace(/([$%])\1\{/g, "$1{");
  const config = parse(text) as {
    write_files: { path: string; permissions: string; content: string }[];
    runcmd: unknown;
  };

  it.each([
    ["/usr/local/sbin/setup-host", "setup-host.sh"],
    ["/opt/macro-ai/deploy.sh", "deploy-app.sh"],
    ["/opt/macro-ai/ecosystem.config.js", "ecosystem.config.js"],
    ["/etc/systemd/system/macro-ai.service", "macro-ai.service"],
    ["/usr/local/sbin/macro-ai-health", "health.sh"],
    ["/etc/systemd/system/macro-ai-health.service", "macro-ai-health.service"],
    ["/etc/systemd/system/macro-ai-health.timer", "macro-ai-health.timer"],
    ["/etc/landfall/amazon-cloudwatch-agent.json", "amazon-cloudwatch-agent.json"],
    ["/etc/logrotate.d/macro-ai", "logrotate.conf"],
    ["/etc/dnf/automatic.conf", "dnf-automatic.conf"],
  ])("puts at %s what is in %s", (path, file) => {
    expect(config.write_files.find((written) => written.path === path)?.content).toBe(read(file));
  });

  it("has a place for the settings, and runs the set-up", () => {
    expect(config.write_files.find(({ path }) => path === "/etc/landfall/host.env")?.content).toBe(
      "#settings\n",
    );
    expect(config.runcmd).toEqual([["/usr/local/sbin/setup-host"]]);
  });

  it("fits when packed, with room for the settings", () => {
    expect(gzipSync(text).length).toBeLessThan(15_750);
  });

  (has("cloud-init", "--version") ? it : it.skip)("is valid by cloud-init's schema", () => {
    const file = join(scratch(), "user-data");
    writeFileSync(file, text.replace("keys: []", 'keys: ["ssh-ed25519 AAAA someone"]'));
    const { exitCode, all } = execaSync("cloud-init", ["schema", "--config-file", file], {
      reject: false,
      all: true,
    });
    expect({ exitCode, all }).toEqual({ exitCode: 0, all: expect.stringContaining("Valid") });
  });
});

describe("deploy.sh", () => {
  it.each([
    ["192.0.2.1 via 10.0.0.1 dev ens5 src 10.0.0.7 uid 0", "10.0.0.7"],
    ["", "127.0.0.1"],
  ])("asks the host's own address, as the load balancer does: %j", (route, address) => {
    const bin = scratch();
    for (const [name, body] of Object.entries({ ip: `echo "${route}"`, curl: "echo 200", systemctl: "" }))
      writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    // Without a scratch root, as there is no address of its own: this verb changes nothing
    const { exitCode, stdout } = execaSync(join(folder, "deploy-app.sh"), ["status"], {
      extendEnv: false,
      env: { PATH: `${bin}:${process.env.PATH}` },
      reject: false,
    });
    expect(stdout).toContain(`healthy: yes (http://${address}:3030/api/health)`);
    expect(exitCode).toBe(0);
  });
});

describe("macro-ai.service", () => {
  const unit = read("macro-ai.service");
  const hasSystemd = has("systemd-analyze", "--version");

  (hasSystemd ? it : it.skip)("is a valid unit (needs systemd-analyze)", () => {
    const file = join(scratch(), "macro-ai.service");
    writeFileSync(file, unit.replace("/usr/local/bin/pm2-runtime", "/bin/true")); // must exist
    const { exitCode, all } = execaSync("systemd-analyze", ["verify", file], { reject: false, all: true });
    expect({ exitCode, all }).toEqual({ exitCode: 0, all: "" });
  });

  (hasSystemd ? it : it.skip)("has an exposure of 4.0 at most (needs systemd-analyze)", () => {
    const file = join(folder, "macro-ai.service");
    const { stdout } = execaSync("systemd-analyze", ["security", "--offline=true", file]);
    const exposure = Number(/exposure level for macro-ai\.service: ([\d.]+)/.exec(stdout)?.[1]);
    expect(exposure).toBeLessThanOrEqual(4);
  });

  it("runs PM2 as its own user, with the host's settings, and stops it by SIGTERM", () => {
    for (const line of [
      "User=macroai",
      "EnvironmentFile=/etc/landfall/host.env",
      "ExecStart=/usr/local/bin/pm2-runtime start /opt/macro-ai/ecosystem.config.js",
      "KillMode=mixed",
    ]) {
      expect(unit.split("\n")).toContain(line);
    }
    expect(unit).toContain("PM2_KILL_SIGNAL=SIGTERM");
  });
});

describe("ecosystem.config.js", () => {
  const app = (release: string) =>
    JSON.parse(
      execaSync(
        process.execPath,
        ["-p", "JSON.stringify(require(process.argv[1]).apps)", join(folder, "ecosystem.config.js")],
        {
          env: { RELEASE: release },
        },
      ).stdout,
    ) as [Record<string, unknown>];
  const release = (manifest?: string): string => {
    const created = scratch();
    if (manifest !== undefined) writeFileSync(join(created, "package.json"), manifest);
    return created;
  };

  it("is one process, that is restarted by memory, with the documented logs", () => {
    const [first, ...others] = app(release("{}"));
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      name: "macro-ai-api",
      instances: 1,
      exec_mode: "fork",
      max_memory_restart: expect.stringMatching(/^\d+M$/),
      out_file: "/var/log/macro-ai/out.log",
      error_file: "/var/log/macro-ai/error.log",
      log_file: "/var/log/macro-ai/combined.log",
    });
  });

  it.each([
    ["package.json's main", '{"main":"dist/server.cjs"}', "dist/server.cjs"],
    ["dist/index.js without one", "{}", "dist/index.js"],
    ["dist/index.js without package.json", undefined, "dist/index.js"],
  ])("starts %s", (_what, manifest, script) => {
    const created = release(manifest);
    expect(app(created)[0].script).toBe(join(created, script));
  });
});

describe("amazon-cloudwatch-agent.json", () => {
  interface Agent {
    metrics: {
      metrics_collected: Record<string, { service_address?: string }>;
      aggregation_dimensions: string[][];
    };
    logs: { logs_collected: { files: { collect_list: { file_path: string; log_group_name: string }[] } } };
  }
  const agent = JSON.parse(read("amazon-cloudwatch-agent.json")) as Agent;

  it("measures CPU, memory, disk and network, and takes the app's metrics from the host alone", () => {
    const collected = agent.metrics.metrics_collected;
    expect(Object.keys(collected)).toEqual(["cpu", "mem", "disk", "net", "statsd"]);
    expect(collected.statsd?.service_address).toBe("127.0.0.1:8125");
  });

  it("collects the four log files, each into its own group", () => {
    const list = agent.logs.logs_collected.files.collect_list;
    expect(list.map(({ file_path, log_group_name }) => `${file_path} ${log_group_name}`)).toEqual([
      "/var/log/macro-ai/combined.log @LOG_GROUP_PREFIX@/combined",
      "/var/log/macro-ai/error.log @LOG_GROUP_PREFIX@/error",
      "/var/log/messages @LOG_GROUP_PREFIX@/messages",
      "/var/log/user-data.log @LOG_GROUP_PREFIX@/user-data",
    ]);
  });
});

(has("logrotate", "--version") ? it : it.skip)("logrotate understands its file (needs logrotate)", () => {
  const file = join(scratch(), "logrotate.conf");
  writeFileSync(file, read("logrotate.conf").replace("su macroai macroai", "su root root")); // must exist
  chmodSync(file, 0o644);
  const { exitCode, stderr } = execaSync("logrotate", ["--debug", file], { reject: false });
  expect({ exitCode, errors: stderr.split("\n").filter((line) => line.startsWith("error")) }).toEqual({
    exitCode: 0,
    errors: [],
  });
});
