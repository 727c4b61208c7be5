import type { Command } from "commander";
import { execa } from "execa";
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { loadSettings } from "../../environments/load";
import { projectRoot } from "../../environments/root";
import { emulatorStatus } from "../../sandbox/emulator";
import { findBinary } from "../binary";
import { howToInstall, lookForBuilder } from "../images/builder";
import { LandfallError } from "../../environments/errors";
import { result, resultJson } from "../output";

/** One line of the doctor's report. */
export interface Finding {
  readonly subject: string;
  /** Only `missing` fails the command; a `note` may be as you want it. */
  readonly state: "ok" | "note" | "missing";
  readonly found: string;
  /** What to do about it. */
  readonly mend?: string;
}

/** The provider unpacked, the tools' own environments and the output together; 0.7 GiB of it is the provider. */
const DISK_BYTES = 3 * 2 ** 30;
/** A registry that does not answer in this many milliseconds would make `init` fail or take minutes. */
const REGISTRY_TIMEOUT = 3000;

/** Looks at this machine and changes nothing. No cloud is called; of credentials only their place is told. */
export async function examine(environment: NodeJS.ProcessEnv): Promise<readonly Finding[]> {
  const findings = await Promise.all([
    node(),
    npm(environment),
    python(environment),
    git(environment),
    awsCli(environment),
    terraform(environment),
    imageBuilder(environment),
    projectFolder(),
    disk(),
    settingsFiles(environment),
    credentials(environment),
    sandbox(),
  ]);
  return findings.flat();
}

/** First line that a command prints, unless it is not there or fails. */
async function firstLine(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const { failed, stdout } = await execa(command, args, {
    env,
    extendEnv: false,
    reject: false,
    timeout: 10_000,
  });
  return failed ? undefined : stdout.split("\n")[0];
}

function node(): Finding {
  return { subject: "Node.js", state: "ok", found: process.version }; // the wrapper refuses what is too old
}

async function npm(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const version = await firstLine("npm", ["--version"], environment);
  return version
    ? { subject: "npm", state: "ok", found: version }
    : {
        subject: "npm",
        state: "missing",
        found: "not on PATH",
        mend: "It comes with Node.js: https://nodejs.org/en/download",
      };
}

async function python(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const command = environment.LANDFALL_PYTHON ?? "python3";
  const subject = "Python";
  const mend =
    "Install Python 3.10 or later, or set LANDFALL_PYTHON to it: the sandbox and the tests need it.";
  // Debian and Ubuntu have ensurepip, and with it working virtual environments, in a package of its own
  const script =
    "import importlib.util, platform; print(platform.python_version(), bool(importlib.util.find_spec('ensurepip')))";
  const [version, venv] = (await firstLine(command, ["-c", script], environment))?.split(" ") ?? [];
  if (!version) return { subject, state: "missing", found: `${command} does not run`, mend };
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 3 || (major === 3 && minor < 10))
    return { subject, state: "missing", found: `${version} (${command})`, mend };
  if (venv !== "True") {
    const install = "Install it: on Debian and Ubuntu, `sudo apt install python3-venv`.";
    return { subject, state: "missing", found: `${version} without virtual environments`, mend: install };
  }
  return { subject, state: "ok", found: `${version} (${command})` };
}

async function git(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const version = await firstLine("git", ["--version"], environment);
  return version
    ? { subject: "git", state: "ok", found: version.replace("git version ", "") }
    : {
        subject: "git",
        state: "note",
        found: "not on PATH",
        mend: "Install it: without it nothing tells whether git would take up a secret.",
      };
}

async function awsCli(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const subject = "AWS CLI";
  const found = await firstLine("aws", ["--version"], environment);
  if (found) return { subject, state: "ok", found };
  const mend =
    "Install it: without it nothing on the hosts of X-Scheduler and Macro AI is waited for or released.";
  return { subject, state: "note", found: "not on PATH", mend };
}

/** The binary, and where its `init` will get the AWS provider from. Nothing is downloaded. */
async function terraform(environment: NodeJS.ProcessEnv): Promise<readonly Finding[]> {
  const subject = "Terraform or OpenTofu";
  try {
    const { name, product, version } = await findBinary(environment);
    const why = environment.TERRAFORM_BINARY_NAME ? "named by TERRAFORM_BINARY_NAME" : "on PATH";
    return [
      { subject, state: "ok", found: `${product} ${version} (${name}, ${why})` },
      await provider(product === "OpenTofu" ? "registry.opentofu.org" : "registry.terraform.io", environment),
    ];
  } catch (error) {
    if (!(error instanceof LandfallError)) throw error;
    return [{ subject, state: "missing", found: error.message, mend: error.mend }];
  }
}

async function provider(registry: string, environment: NodeJS.ProcessEnv): Promise<Finding> {
  const subject = "AWS provider";
  const configuration = environment.TF_CLI_CONFIG_FILE;
  if (configuration && existsSync(configuration)) {
    return { subject, state: "ok", found: `installed as ${configuration} says (TF_CLI_CONFIG_FILE)` };
  }
  const cache = environment.TF_PLUGIN_CACHE_DIR ?? join(projectRoot, ".landfall", "plugin-cache");
  if (existsSync(join(cache, registry, "hashicorp", "aws"))) {
    return { subject, state: "ok", found: `in the plugin cache ${cache}` };
  }
  if (configuration) {
    const found = `TF_CLI_CONFIG_FILE names ${configuration}, which is not there`;
    return { subject, state: "note", found, mend: "Correct or unset it." };
  }
  const reached = await fetch(`https://${registry}/.well-known/terraform.json`, {
    signal: AbortSignal.timeout(REGISTRY_TIMEOUT),
  }).then(
    ({ ok }) => ok,
    () => false,
  );
  if (reached) return { subject, state: "ok", found: `${registry} answers` };
  const mend = "Check the network, or name a provider mirror in TF_CLI_CONFIG_FILE.";
  return { subject, state: "note", found: `${registry} does not answer`, mend };
}

/** Images alone need it, so none is no failure. */
async function imageBuilder(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const subject = "Image builder";
  const { builder, unfit } = await lookForBuilder({ environment, stop: new AbortController().signal });
  if (builder) return { subject, state: "ok", found: `${builder.name} ${builder.version}` };
  const needed = "Needed for ./landfall images alone.";
  return unfit.length > 0
    ? {
        subject,
        state: "note",
        found: unfit.map(({ name, why }) => `${name} does not work: ${why}`).join("; "),
        mend: `Start its daemon or machine. ${needed}`,
      }
    : { subject, state: "note", found: "none on PATH", mend: `${howToInstall} ${needed}` };
}

function projectFolder(): Finding {
  const subject = "Project folder";
  try {
    accessSync(projectRoot, constants.W_OK);
    return { subject, state: "ok", found: `${projectRoot} is writable` };
  } catch {
    return {
      subject,
      state: "missing",
      found: `${projectRoot} is not writable for you`,
      mend: "Change its owner or mode.",
    };
  }
}

function disk(): Finding {
  const subject = "Free disk";
  const { bavail, bsize } = statfsSync(projectRoot);
  const found = `${((bavail * bsize) / 2 ** 30).toFixed(1)} GiB`;
  return bavail * bsize >= DISK_BYTES
    ? { subject, state: "ok", found }
    : { subject, state: "note", found, mend: "Free some: provider and tools may need 3 GiB." };
}

function settingsFiles(environment: NodeJS.ProcessEnv): readonly Finding[] {
  const { environments, broken } = loadSettings({ processEnvironment: environment });
  const findings: Finding[] = [
    ...environments.map(({ settings }): Finding => ({
      subject: settings.file,
      state: "ok",
      found: "usable",
    })),
    ...broken.map(({ file, name, problems }): Finding => ({
      subject: file,
      state: "note",
      found: problems.length === 1 ? "1 problem" : `${problems.length} problems`,
      mend: `./landfall check ${name}`,
    })),
  ];
  if (!existsSync(join(projectRoot, "environments", "shared.env"))) {
    findings.push({
      subject: "environments/shared.env",
      state: "note",
      found: "not there",
      mend: "For real AWS: ./landfall init. The sandbox does without.",
    });
  }
  return findings;
}

/** Whether credentials for AWS seem to be there, and which the SDKs would take first. */
function credentials(environment: NodeJS.ProcessEnv): Finding {
  const subject = "AWS credentials";
  if (environment.AWS_ACCESS_KEY_ID) return { subject, state: "ok", found: "AWS_ACCESS_KEY_ID in the shell" };
  if (environment.AWS_PROFILE)
    return { subject, state: "ok", found: `AWS_PROFILE is ${environment.AWS_PROFILE}` };
  const folder = join(environment.HOME ?? homedir(), ".aws");
  const files = [
    environment.AWS_SHARED_CREDENTIALS_FILE ?? join(folder, "credentials"),
    environment.AWS_CONFIG_FILE ?? join(folder, "config"),
  ];
  const file = files.find((path) => existsSync(path));
  return file
    ? { subject, state: "ok", found: file }
    : {
        subject,
        state: "note",
        found: "none found",
        mend: "For real AWS: `aws configure sso`, or set AWS_PROFILE. The sandbox does without.",
      };
}

async function sandbox(): Promise<Finding> {
  const status = await emulatorStatus();
  return {
    subject: "Sandbox",
    state: "ok",
    found: status.running ? `running at ${status.endpoint}` : "not running",
  };
}

/** The findings as aligned lines; a mend stands below its finding. */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  return findings
    .map(({ state, subject, found, mend }) => {
      const line = `${state.padEnd(9)}${subject.padEnd(width + 2)}${found}`;
      return mend ? `${line}\n${" ".repeat(9 + width + 2)}${mend}` : line;
    })
    .join("\n");
}

/** Adds `doctor`. It exits with 1 when something required is missing. */
export function register(program: Command): void {
  program
    .command("doctor")
    .description("say what this machine lacks, and how to mend it")
    .option("--json", "as JSON")
    .action(async ({ json }: { json?: true }) => {
      const findings = await examine(process.env);
      if (json) resultJson(findings);
      else result(formatFindings(findings));
      if (findings.some(({ state }) => state === "missing")) process.exitCode = 1;
    });
}
