import { execaSync } from "execa";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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

(process.getuid?.() === 0 ? describe : describe.skip)("setup-host.sh in a scratch root (needs root)", () => {
  const settings = {
    AWS_REGION: "us-east-1",
    PARAMETER_STORE_PREFIX: "/stage/macro-ai/",
    PORT: "3030",
    LOG_GROUP_PREFIX: "/landfall/stage/macro-ai",
    LIFECYCLE_HOOK: "stage-launch",
    AUTO_SCALING_GROUP: "stage-macro-ai",
  };
  const packages = "usr/local/lib/node_modules";
  // Each notes its call, and fails where it is told to
  const standIns: Record<string, string> = {
    dnf: 'touch "$ROOT/installed"',
    rpm: 'test -e "$ROOT/installed"',
    alternatives: "",
    aws: "",
    systemctl: '[ "$1" != is-active ] || test -e "$ROOT/agent"',
    "amazon-cloudwatch-agent-ctl": 'touch "$ROOT/agent"',
    curl: "echo token",
    node: `if [ "$1" = --version ]; then echo v20.19.0; else exec "${process.execPath}" "$@"; fi`,
    npm: `for tool; do
  case $tool in
    p*@*) mkdir -p "$ROOT/${packages}/\${tool%@*}" && echo "{\\"version\\":\\"\${tool#*@}\\"}" >"$ROOT/${packages}/\${tool%@*}/package.json" ;;
  esac
done`,
    "deploy.sh": "",
  };

  class Scratch {
    readonly root = scratch();

    constructor(values: Record<string, string> = settings) {
      const write = (path: string, content: string, mode = 0o644) => {
        mkdirSync(dirname(this.path(path)), { recursive: true });
        writeFileSync(this.path(path), content, { mode });
      };
      for (const [name, body] of Object.entries(standIns)) {
        const script = `#!/bin/sh\nset -eu\necho "${name} $*" >>"$ROOT/calls"\n[ "\${FAIL:-}" != ${name} ]\n${body}\n`;
        const at: Record<string, string> = {
          "deploy.sh": "opt/macro-ai",
          "amazon-cloudwatch-agent-ctl": "opt/aws/amazon-cloudwatch-agent/bin",
        };
        write(join(at[name] ?? "bin", name), script, 0o755);
      }
      const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
      write("etc/landfall/host.env", lines.join(""));
      write("etc/os-release", 'ID="amzn"\nVERSION_ID="2023"\n');
      write("var/lib/cloud/data/instance-id", "i-0123456789abcdef0\n");
      mkdirSync(this.path("home/ec2-user"), { recursive: true });
      cpSync(join(folder, "ecosystem.config.js"), this.path("opt/macro-ai/ecosystem.config.js"));
      cpSync(
        join(folder, "amazon-cloudwatch-agent.json"),
        this.path("etc/landfall/amazon-cloudwatch-agent.json"),
      );
    }

    path(path: string): string {
      return join(this.root, path);
    }

    run(extra: Record<string, string> = {}) {
      rmSync(this.path("calls"), { force: true });
      return execaSync(join(folder, "setup-host.sh"), {
        extendEnv: false,
        reject: false,
        env: {
          PATH: `${this.path("bin")}:${process.env.PATH}`,
          ROOT: this.root,
          APP_USER: "nobody",
          ...extra,
        },
      });
    }

    calls(name: string): string[] {
      return readFileSync(this.path("calls"), "utf8")
        .split("\n")
        .filter((line) => line.startsWith(`${name} `));
    }

    log(): string {
      return readFileSync(this.path("var/log/user-data.log"), "utf8");
    }

    marker(name: "complete" | "failed"): string | undefined {
      const file = this.path(`home/ec2-user/.setup_${name}`);
      return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
    }

    /** All files with their content and times, but for the log and what the stand-ins note. */
    files(): string[] {
      return readdirSync(this.root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !/^(calls|user-data\.log)$/.test(entry.name))
        .map((entry) => {
          const file = join(entry.parentPath, entry.name);
          const { mode, uid, gid, mtimeMs } = statSync(file);
          return [
            file,
            mode,
            uid,
            gid,
            mtimeMs,
            createHash("md5").update(readFileSync(file)).digest("hex"),
          ].join(" ");
        })
        .sort();
    }
  }

  const answer = (result: string) =>
    `aws autoscaling complete-lifecycle-action --region us-east-1 --lifecycle-hook-name stage-launch --auto-scaling-group-name stage-macro-ai --lifecycle-action-result ${result} --instance-id i-0123456789abcdef0`;

  describe("run twice", () => {
    const host = new Scratch();
    let callsOf: Record<"first" | "second", (name: string) => string[]>;
    const changes: string[][] = [];
    beforeAll(() => {
      const noted = () => {
        expect(host.run()).toMatchObject({
          exitCode: 0,
          stderr: "",
          stdout: expect.stringMatching(/set-up complete$/),
        });
        changes.push(host.files());
        const lines = readFileSync(host.path("calls"), "utf8").split("\n");
        return (name: string) => lines.filter((line) => line.startsWith(`${name} `));
      };
      callsOf = { first: noted(), second: noted() };
    });

    it("completes, and tells its group", () => {
      const calls = callsOf.first;
      expect(host.marker("complete")).toBe("");
      expect(host.marker("failed")).toBeUndefined();
      expect(calls("aws")).toEqual([answer("CONTINUE")]);
      expect(calls("dnf")[0]).toMatch(
        /^dnf install -y nodejs20 nodejs20-npm .*rsyslog dnf-automatic amazon-cloudwatch-agent/,
      );
      expect(calls("npm")[0]).toMatch(/--ignore-scripts .*pm2@\d+\.\d+\.\d+ pnpm@\d+\.\d+\.\d+$/);
      expect(calls("deploy.sh")).toEqual(["deploy.sh current"]);
    });

    it("changes nothing the second time", () => {
      expect(changes[1]).toEqual(changes[0]);
      for (const name of ["dnf", "npm", "aws", "amazon-cloudwatch-agent-ctl"])
        expect(callsOf.second(name)).toEqual([]);
    });

    it("lays the tree, readable by the app and closed to others", () => {
      const mode = (path: string) => (statSync(host.path(path)).mode & 0o777).toString(8);
      for (const path of [
        "opt/macro-ai",
        "opt/macro-ai/releases",
        "opt/macro-ai/shared",
        "var/log/macro-ai",
      ]) {
        expect({ path, mode: mode(path) }).toEqual({ path, mode: "750" });
      }
      expect(statSync(host.path("opt/macro-ai/releases")).uid).toBe(0);
      expect(statSync(host.path("var/log/macro-ai")).uid).not.toBe(0);
      expect(mode("opt/macro-ai/deploy.sh")).toBe("750");
      expect(mode("opt/macro-ai/ecosystem.config.js")).toBe("640");
      expect(mode("var/log/user-data.log")).toBe("640");
      expect(readFileSync(host.path("opt/macro-ai/.env"), "utf8")).toContain(
        "PARAMETER_STORE_PREFIX=/stage/macro-ai/",
      );
    });

    it.each([
      "prerequisites",
      "packages",
      "node-tools",
      "user",
      "tree",
      "service",
      "logs",
      "cloudwatch",
      "updates",
      "release",
    ])("notes the step %s once a run, with its time", (step) => {
      const line = new RegExp(`^\\d{4}-\\d\\d-\\d\\dT[\\d:]{8}Z setup-host: ${step}: (begins|done)$`, "gm");
      expect(host.log().match(line)).toHaveLength(4);
    });

    it("says each minute how the API is", () => {
      expect(callsOf.first("systemctl")).toContain("systemctl enable --now macro-ai-health.timer");
    });

    it("unlocks the release of Amazon Linux, without which no update ever comes", () => {
      expect(readFileSync(host.path("etc/dnf/vars/releasever"), "utf8")).toBe("latest\n");
      expect(callsOf.first("systemctl")).toContain("systemctl enable --now dnf-automatic.timer");
      expect(callsOf.first("systemctl")).toContain("systemctl enable --now rsyslog.service logrotate.timer");
    });
  });

  it.each([
    ["in a group", settings, [["AutoScalingGroupName"], ["InstanceId"]]],
    ["on a single host", { ...settings, AUTO_SCALING_GROUP: "", LIFECYCLE_HOOK: "" }, [["InstanceId"]]],
  ])("configures the CloudWatch agent %s", (_where, values, dimensions) => {
    const host = new Scratch(values);
    expect(host.run().exitCode).toBe(0);
    const text = readFileSync(host.path("opt/aws/amazon-cloudwatch-agent/etc/landfall.json"), "utf8");
    expect(JSON.parse(text)).toMatchObject({ metrics: { aggregation_dimensions: dimensions } });
    expect(text).toContain('"/landfall/stage/macro-ai/combined"');
    expect(text).not.toContain("@");
    expect(host.marker("complete")).toBe("");
    expect(host.calls("aws")).toHaveLength(values.LIFECYCLE_HOOK ? 1 : 0);
  });

  it.each([
    ["curl", "prerequisites", /metadata service does not answer/],
    ["dnf", "packages", /step packages failed/],
    ["npm", "node-tools", /step node-tools failed/],
    ["systemctl", "service", /step service failed/],
    ["amazon-cloudwatch-agent-ctl", "cloudwatch", /step cloudwatch failed/],
    ["deploy.sh", "release", /step release failed/],
  ])("says where it failed when %s does, and has the instance replaced", (command, step, message) => {
    const host = new Scratch();
    const ran = host.run({ FAIL: command });
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stdout).toMatch(message);
    expect(host.log()).toMatch(message);
    expect(host.marker("failed")).toBe(step);
    expect(host.marker("complete")).toBeUndefined();
    expect(host.calls("aws")).toEqual([answer("ABANDON")]);
    // Once mended, it goes on
    expect(host.run().exitCode).toBe(0);
    expect(host.marker("failed")).toBeUndefined();
    expect(host.marker("complete")).toBe("");
  });

  it("refuses another system", () => {
    const host = new Scratch();
    writeFileSync(host.path("etc/os-release"), "ID=debian\nVERSION_ID=12\n");
    expect(host.run()).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining("this is not Amazon Linux 2023"),
    });
    expect(host.marker("failed")).toBe("prerequisites");
  });
});
