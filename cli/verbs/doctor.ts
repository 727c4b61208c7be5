import type { Command } from "commander";
import { execa } from "execa";
import { accessSync, constants, existsSync, readdirSync, statfsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { loadSettings } from "../../environments/load";
import { projectRoot } from "../../environments/root";
import { emulatorStatus } from "../../sandbox/emulator";
import { findBinary } from "../binary";
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
    npm(),
    python(environment),
    git(),
    terraform(environment),
    provider(environment),
    projectFolder(),
    disk(),
    settingsFiles(environment),
    credentials(environment),
    sandbox(),
  ]);
  return findings.flat();
}

/** First line that a command prints, unless it is not there or fails. */
async function firstLine(command: string, args: readonly string[]): Promise<string | undefined> {
  const { failed, stdout } = await execa(command, args, { reject: false, timeout: 10_000 });
  return failed ? undefined : stdout.split("\n")[0];
}

function node(): Finding {
  return { subject: "Node.js", state: "ok", found: process.version }; // the wrapper refuses what is too old
}

async function npm(): Promise<Finding> {
  const version = await firstLine("npm", ["--version"]);
  return version
    ? { subject: "npm", state: "ok", found: version }
    : { subject: "npm", state: "missing", found: "not on PATH", mend: "It comes with Node.js: https://nodejs.org/en/download" };
}

async function python(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const command = environment.LANDFALL_PYTHON ?? "python3";
  const subject = "Python";
  const version = await firstLine(command, ["-c", "import platform; print(platform.python_version())"]);
  if (!version) {
    const mend = "Install Python 3.10 or later, or set LANDFALL_PYTHON to it. The sandbox and the tests need it.";
    return { subject, state: "missing", found: `${command} does not run`, mend };
  }
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 3 || (major === 3 && minor < 10)) {
    return { subject, state: "missing", found: version, mend: "Install 3.10 or later, or set LANDFALL_PYTHON to it." };
  }
  if ((await firstLine(command, ["-c", "import ensurepip, venv; print('ok')"])) !== "ok") {
    const mend = "Install it: on Debian and Ubuntu `sudo apt install python3-venv`.";
    return { subject, state: "missing", found: `${version} without its venv module`, mend };
  }
  return { subject, state: "ok", found: `${version} with venv (${command})` };
}

async function git(): Promise<Finding> {
  const version = await firstLine("git", ["--version"]);
  return version
    ? { subject: "git", state: "ok", found: version.replace("git version ", "") }
    : {
        subject: "git",
        state: "note",
        found: "not on PATH",
        mend: "Install it: without it nothing tells whether git would take up a secret.",
      };
}
