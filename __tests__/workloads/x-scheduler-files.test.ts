import { execaSync } from "execa";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { parse } from "yaml";
import { projectRoot } from "../../environments/root";
import { cloudConfig } from "../../workloads/user-data";

const workload = join(projectRoot, "workloads/x-scheduler");
const files = readdirSync(workload);
const read = (file: string) => readFileSync(join(workload, file), "utf8");
const units = files.filter((file) => /\.(service|timer)$/.test(file));
const services = files.filter((file) => file.endsWith(".service"));
const has = (program: string, ...args: string[]) => !execaSync(program, args, { reject: false }).failed;

interface CloudConfig {
  readonly write_files: readonly {
    readonly path: string;
    readonly permissions: string;
    readonly content: string;
  }[];
  readonly runcmd: readonly (readonly string[])[];
  readonly packages?: unknown;
}
/** The cloud-config as an instance gets it: as Terraform resolves it, with settings. */
const userData = cloudConfig("x-scheduler")
  .replace(/\$\$\{/g, "${")
  .replace(/%%\{/g, "%{")
  .replace("#settings\n", "AWS_REGION=us-east-1\n      GIT_REF=main\n");
const config = parse(userData) as CloudConfig;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "x-scheduler-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("cloud-config", () => {
  it("lays out each file of the workload's folder, as it is", () => {
    const landed = config.write_files.map(({ content }) => content);
    const kept = ["cloud-config.yaml", "index.ts"];
    for (const file of files.filter((file) => !kept.includes(file))) expect(landed).toContain(read(file));
  });

  it("has one line for the settings, and gives each file its mode", () => {
    expect(read("cloud-config.yaml").match(/^ +#settings$/gm)).toHaveLength(1);
    const [settings] = config.write_files;
    expect(settings).toEqual({
      path: "/etc/landfall/host.env",
      permissions: "0644",
      content: "AWS_REGION=us-east-1\nGIT_REF=main\n",
    });
    for (const { path, permissions, content } of config.write_files)
      expect([path, permissions]).toEqual([path, content.startsWith("#!") ? "0755" : "0644"]);
  });

  it("fits into EC2's 16 KB once it is packed, with room for settings and keys", () => {
    expect(gzipSync(userData).length).toBeLessThan(16_384 - 2_048);
  });

  (has("cloud-init", "--version") ? it : it.skip)("is valid by cloud-init's own schema", () => {
    const validate = (text: string) => {
      writeFileSync(join(folder, "user-data"), text);
      return execaSync("cloud-init", ["schema", "--config-file", join(folder, "user-data")], {
        reject: false,
        all: true,
      });
    };
    const { exitCode, all } = validate(userData);
    expect([exitCode, all]).toEqual([0, expect.stringContaining("Valid")]);
    expect(validate(userData.replace("runcmd:", "runcmd: 3\nother:")).exitCode).not.toBe(0);
  });
});

describe("units", () => {
  /** A root with the unit files and something executable for each command that they name. */
  function root(): string {
    for (const unit of units) {
      mkdirSync(join(folder, "etc/systemd/system"), { recursive: true });
      cpSync(join(workload, unit), join(folder, "etc/systemd/system", unit));
      for (const [, program] of read(unit).matchAll(/^Exec\w+=[+-]?(\S+)/gm)) {
        const path = join(folder, program ?? "");
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, "#!/bin/sh\n");
        chmodSync(path, 0o755);
      }
    }
    return folder;
  }
  const analyze = has("systemd-analyze", "--version") ? it : it.skip;

  analyze("systemd-analyze verify finds nothing in them", () => {
    const verify = () =>
      execaSync("systemd-analyze", ["verify", `--root=${root()}`, "--recursive-errors=no", ...units], {
        reject: false,
        all: true,
      });
    const { exitCode, all } = verify();
    expect([exitCode, all]).toEqual([0, ""]);
  });

  analyze.each(services)("systemd-analyze security gives %s at most 4.0", (service) => {
    const { stdout } = execaSync(
      "systemd-analyze",
      ["security", "--offline=true", "--no-pager", join(workload, service)],
      { reject: false },
    );
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
    expect(exposure).toBeLessThanOrEqual(4.0);
  });

  it.each(["x-scheduler.service", "x-scheduler-oauth-web.service"])(
    "%s restarts, with a limit, as its own user",
    (unit) => {
      const text = read(unit);
      for (const line of [
        "User=xscheduler",
        "Restart=on-failure",
        "StartLimitBurst=10",
        "StartLimitIntervalSec=600",
      ])
        expect(text.split("\n")).toContain(line);
    },
  );

  it.each(["x-scheduler.service", "x-scheduler-oauth-web.service"])(
    "%s gets settings and secrets",
    (unit) => {
      const lines = read(unit).split("\n");
      const secrets = lines.indexOf("EnvironmentFile=-/run/x-scheduler/secrets.env");
      // The later file wins
      expect(secrets).toBeGreaterThan(lines.indexOf("EnvironmentFile=/etc/landfall/host.env"));
      expect(lines).toContain("ExecStartPre=+/opt/x-scheduler/bin/write-secrets.py");
    },
  );

  it("name files that the cloud-config lays out", () => {
    const paths = config.write_files.map(({ path }) => path);
    for (const unit of units)
      for (const [path] of read(unit).matchAll(/\/opt\/x-scheduler\/bin\/\S+/g))
        expect(paths).toContain(path);
  });
});

describe("logs", () => {
  interface Agent {
    readonly logs: {
      readonly logs_collected: {
        readonly files: { readonly collect_list: readonly { file_path: string; log_group_name: string }[] };
      };
    };
  }
  const collected = (JSON.parse(read("amazon-cloudwatch-agent.json")) as Agent).logs.logs_collected.files
    .collect_list;

  it("of both services and of the pipeline go to CloudWatch, each to its group", () => {
    expect(collected.map(({ log_group_name, file_path }) => [log_group_name, file_path])).toEqual([
      ["LOG_GROUP_PREFIX/x-scheduler", "/var/log/landfall/x-scheduler.log"],
      ["LOG_GROUP_PREFIX/x-scheduler-oauth-web", "/var/log/landfall/x-scheduler-oauth-web.log"],
      ["LOG_GROUP_PREFIX/pipeline", "/var/log/x-scheduler/pipeline.log"],
      ["LOG_GROUP_PREFIX/host", "/var/log/landfall/update.log"],
      ["LOG_GROUP_PREFIX/host", "/var/log/setup-host.log"],
    ]);
  });

  it("that rsyslog writes are those that the agent reads", () => {
    const written = [...read("rsyslog.conf").matchAll(/file="([^"]+)"/g)].map(([, path]) => path);
    expect(written).toHaveLength(2);
    expect(collected.map(({ file_path }) => file_path)).toEqual(expect.arrayContaining(written));
  });

  (has("logrotate", "--version") ? it : it.skip)("are rotated, and stay where the application writes", () => {
    const user = execaSync("id", ["-un"]).stdout;
    const group = execaSync("id", ["-gn"]).stdout;
    const logs = ["var/log/x-scheduler/pipeline.log", "var/log/landfall/update.log"].map((log) =>
      join(folder, log),
    );
    for (const log of logs) {
      mkdirSync(dirname(log), { recursive: true });
      writeFileSync(log, "line\n");
    }
    const rules = read("logrotate.conf").replaceAll("/var/log", join(folder, "var/log"));
    writeFileSync(join(folder, "rules"), rules.replace("su xscheduler xscheduler", `su ${user} ${group}`), {
      mode: 0o644,
    });
    execaSync("logrotate", ["--force", "--state", join(folder, "state"), join(folder, "rules")]);
    for (const log of logs) {
      expect(readFileSync(log, "utf8")).toBe("");
      expect(readdirSync(dirname(log)).filter((name) => name.endsWith(".gz"))).toHaveLength(1);
    }
  });
});
