import { execaSync } from "execa";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot } from "../../environments/root";
import { temporaryFolder as scratch } from "../support/folders";

jest.setTimeout(60_000); // each run of the script is some hundred processes

const folder = join(projectRoot, "workloads", "macro-ai");

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
