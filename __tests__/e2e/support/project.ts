import { execa, type Options, type Result } from "execa";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectRoot } from "../../../environments/root";

export type Ran = Result<{ reject: false; all: true }>;

/** A copy of the project as a fresh clone has it, with a home folder of its own; dependencies are those installed here. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "landfall-e2e-"));
  /** All that commands have printed, to look for secrets in. */
  printed = "";

  private constructor(readonly binary: string) {}

  static async create(binary: string): Promise<Project> {
    const project = new Project(binary);
    const { stdout } = await execa("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: projectRoot,
    });
    for (const file of stdout.split("\0").filter(Boolean)) {
      mkdirSync(dirname(join(project.folder, file)), { recursive: true });
      cpSync(join(projectRoot, file), join(project.folder, file));
    }
    symlinkSync(join(projectRoot, "node_modules"), join(project.folder, "node_modules"));
    mkdirSync(project.path("home"));
    await execa("git", ["init", "--quiet"], { cwd: project.folder });
    return project;
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  read(...parts: string[]): string {
    return readFileSync(this.path(...parts), "utf8");
  }

  write(file: string, text: string): void {
    writeFileSync(this.path(file), text, { mode: 0o600 });
  }

  /** Writes a settings file with some lines changed or added. */
  set(file: string, values: Readonly<Record<string, string>>): void {
    const kept = this.read("environments", file)
      .split("\n")
      .filter((line) => !Object.keys(values).some((name) => line.startsWith(`${name}=`)));
    const added = Object.entries(values).map(([name, value]) => `${name}="${value}"`);
    writeFileSync(this.path("environments", file), [...kept, ...added, ""].join("\n"));
  }

  get environment(): Record<string, string | undefined> {
    return {
      PATH: process.env.PATH,
      LANG: process.env.LANG,
      HOME: this.path("home"),
      CHECKPOINT_DISABLE: "1",
      TERRAFORM_BINARY_NAME: this.binary,
      GOGC: process.env.GOGC ?? "400", // a quarter less of Terraform's time on the processor, for 300 MB
      TF_CLI_CONFIG_FILE: process.env.TF_CLI_CONFIG_FILE,
      TF_PLUGIN_CACHE_DIR: process.env.TF_PLUGIN_CACHE_DIR,
      PIP_FIND_LINKS: process.env.PIP_FIND_LINKS,
      PIP_CERT: process.env.PIP_CERT,
      npm_config_cache: this.path("npm"), // npx keeps logs there
      LANDFALL_VENVS: process.env.LANDFALL_VENVS ?? join(projectRoot, ".landfall", "venvs"),
      // cdktf asks the origin registry for checksums even where a mirror is configured, and caches in the home folder
      CDKTF_SKIP_PROVIDER_LOCK: "true",
      CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1",
    };
  }

  /** Runs a command in the project and waits for it. */
  async run(command: string, args: readonly string[], options: Options = {}): Promise<Ran> {
    const ran = await this.start(command, args, options);
    this.printed += `${String(ran.stdout)}\n${String(ran.stderr)}\n`;
    return ran as unknown as Ran;
  }

  start(command: string, args: readonly string[], options: Options = {}) {
    return execa(command, args, {
      cwd: this.folder,
      extendEnv: false,
      reject: false,
      stdin: "ignore",
      ...options,
      env: { ...this.environment, ...options.env },
    });
  }

  landfall(...args: string[]): Promise<Ran> {
    return this.run("./landfall", args);
  }

  /** What `eval "$(./landfall sandbox env)"` sets. */
  async sandboxEnvironment(): Promise<Record<string, string>> {
    const { stdout } = await this.landfall("sandbox", "env");
    return Object.fromEntries(
      [...String(stdout).matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
    );
  }

  async remove(): Promise<void> {
    await this.landfall("sandbox", "down");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Expects an exit code, and shows what was printed where it is another. */
export function expectExit({ exitCode, stdout, stderr }: Ran, expected: number): void {
  if (exitCode !== expected)
    throw new Error(`exit code ${exitCode}, expected ${expected}\n${String(stdout)}\n${String(stderr)}`);
}

/** For a client of the AWS SDK, of whichever service of the emulator. */
export const clientOf = (endpoint: string) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "sandbox", secretAccessKey: "sandbox" },
  forcePathStyle: true, // of S3: the emulator has one name
});

/** Asks the emulator's EC2, whose answer is XML. */
export const ec2 = (endpoint: string, parameters: Record<string, string>): Promise<string> =>
  call(endpoint, "ec2", { body: new URLSearchParams({ Version: "2016-11-15", ...parameters }) });

/** Asks a service of the emulator. @throws where it refuses */
export async function call(
  endpoint: string,
  service: string,
  {
    path = "/",
    body,
    target,
  }: {
    readonly path?: string;
    /** Without one it is a GET. */
    readonly body?: string | URLSearchParams;
    /** Operation of a service that speaks JSON, such as `Budgets.DescribeBudget`. */
    readonly target?: string;
  },
): Promise<string> {
  const response = await fetch(new URL(path, endpoint), {
    method: body === undefined ? "GET" : "POST",
    // The emulator reads region and service from the signature's scope and checks no more
    headers: {
      Authorization: `AWS4-HMAC-SHA256 Credential=sandbox/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=none`,
      ...(target ? { "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1" } : {}),
    },
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${service} answers ${response.status}\n${text}`);
  return text;
}
