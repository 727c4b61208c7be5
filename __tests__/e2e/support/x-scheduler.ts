import { execa, execaSync } from "execa";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectRoot } from "../../../environments/root";

export const fixture = join(projectRoot, "__tests__/e2e/fixture/x-scheduler");
/** Where Python itself is: a version manager's own `python3` takes longer to start than what these tests run. */
const pythons = dirname(execaSync("python3", ["-c", "import sys; print(sys.executable)"]).stdout);
export const workload = join(projectRoot, "workloads/x-scheduler");

/** A loopback port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A git repository with a small application in place of X-Scheduler. */
export class AppRepository {
  constructor(readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    cpSync(join(fixture, "app"), folder, { recursive: true });
    mkdirSync(join(folder, "wheels"));
    execaSync("python3", [join(fixture, "make-wheel.py"), join(folder, "wheels/tiny-1.0-py3-none-any.whl")]);
    this.write("requirements.txt", "./wheels/tiny-1.0-py3-none-any.whl\n");
    this.git("init", "--quiet", "--initial-branch=main");
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  git(...args: string[]): string {
    const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    return execaSync("git", [...identity, ...args], { cwd: this.folder }).stdout;
  }

  /** Commits a version, which the web server answers with; one that begins with "crashes" or "answers 500" is broken. */
  commit(version: string): string {
    this.write("VERSION", version);
    this.git("add", "--all");
    this.git("commit", "--quiet", "--message", version);
    return this.git("rev-parse", "HEAD");
  }
}

/** A host's files below a scratch root, with stand-ins for systemctl and aws that really run the units' commands. */
export class ScratchHost {
  readonly root = mkdtempSync(join(tmpdir(), "x-scheduler-"));
  readonly fakes = join(this.root, "fakes");
  readonly repository = new AppRepository(join(this.root, "origin"));

  /** Makes virtual environments without a pip of their own, which takes a fifth of the time; "python3" makes whole ones. */
  python = "python-quick";

  private constructor(readonly port: number) {
    for (const folder of ["fakes", "etc/landfall", "etc/systemd/system", "opt/x-scheduler/bin", "run"])
      mkdirSync(this.path(folder), { recursive: true });
    for (const folder of ["var/lib/x-scheduler", "var/log/x-scheduler"])
      mkdirSync(this.path(folder), { recursive: true });
    for (const file of readdirSync(workload)) {
      if (/\.(service|timer)$/.test(file))
        cpSync(join(workload, file), this.path("etc/systemd/system", file));
      if (/^(?!setup-host).*\.(sh|py)$/.test(file))
        cpSync(join(workload, file), this.path("opt/x-scheduler/bin", file));
    }
    this.program(
      "python-quick",
      '#!/bin/sh\nexec python3 "$1" "$2" --without-pip --system-site-packages "$3"\n',
    );
    this.settings({});
    this.parameters({ x_api_key: "secret-1" });
  }

  static async create(): Promise<ScratchHost> {
    return new ScratchHost(await freePort());
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  settings(changes: Record<string, string>): void {
    const values = {
      AWS_REGION: "us-east-1",
      AWS_S3_BUCKET: "stage-videos",
      DYNAMODB_TABLE: "stage-XSchedulerUserTokens",
      PARAMETER_STORE_PREFIX: "/stage/x-scheduler/",
      REPOSITORY: this.repository.folder,
      GIT_REF: "main",
      OAUTH_PORT: String(this.port),
      CALLBACK_URL: "https://stage.example.com/callback",
      LOG_GROUP_PREFIX: "/stage/x-scheduler",
      ...changes,
    };
    const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(this.path("etc/landfall/host.env"), lines.join(""));
  }

  /** Parameter Store's content below the host's prefix. */
  parameters(values: Record<string, string>): void {
    writeFileSync(join(this.fakes, "parameters.json"), JSON.stringify(values));
  }

  /** Plain parameters by name, such as where the application comes from. */
  source(values: Record<string, string>): void {
    writeFileSync(join(this.fakes, "source.json"), JSON.stringify(values));
  }

  /** Puts a program of the test's own before all others. */
  program(name: string, text: string): void {
    mkdirSync(this.path("programs"), { recursive: true });
    writeFileSync(this.path("programs", name), text);
    chmodSync(this.path("programs", name), 0o755);
  }

  get environment(): Record<string, string> {
    return {
      PATH: `${this.path("programs")}:${join(fixture, "bin")}:${pythons}:${process.env.PATH}`,
      HOME: this.path("home"),
      ROOT: this.root,
      FAKES: this.fakes,
      PYTHON: this.python,
      SERVICE_USER: execaSync("id", ["-un"]).stdout,
      HEALTH_TIMEOUT: "4",
      HEALTH_STEADY: "1",
    };
  }

  start(script: string, args: readonly string[], env: Record<string, string> = {}, input = "") {
    return execa(this.path("opt/x-scheduler/bin", script), args, {
      env: { ...this.environment, ...env },
      extendEnv: false,
      reject: false,
      all: true,
      input,
      detached: true, // a process group of its own, which a test can kill
    });
  }

  update(...args: string[]) {
    return this.start("update.sh", args);
  }

  /** Name of the release that `current` leads to, which must be a whole one. */
  current(): string {
    const target = readlinkSync(this.path("opt/x-scheduler/current"));
    const release = this.path("opt/x-scheduler", target);
    if (!existsSync(join(release, ".release")))
      throw new Error(`current leads to ${target}, which is not complete`);
    execaSync(join(release, ".venv/bin/python"), ["-c", "import tiny"]);
    return target.replace("releases/", "");
  }

  releases(): string[] {
    return readdirSync(this.path("opt/x-scheduler/releases")).sort();
  }

  /** What the web server answers, or undefined where nobody does. */
  async answer(): Promise<Record<string, string | null> | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}/`);
      return (await response.json()) as Record<string, string | null>;
    } catch {
      return undefined;
    }
  }

  async version(): Promise<string | null | undefined> {
    return (await this.answer())?.version;
  }

  calls(program: string): string[] {
    const file = join(this.fakes, `${program}.calls`);
    return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
  }

  async remove(): Promise<void> {
    await execa(
      "python3",
      [join(fixture, "bin/systemctl"), "stop", "x-scheduler.service", "x-scheduler-oauth-web.service"],
      {
        env: this.environment,
        reject: false,
      },
    );
    rmSync(this.root, { recursive: true, force: true });
  }
}
