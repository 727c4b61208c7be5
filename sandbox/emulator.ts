import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { projectRoot } from "../environments/root";
import { underLock } from "../cli/lock";
import { ensureVenv } from "./venv";

/** The account that the emulator plays. */
export const emulatorAccountId = "123456789012";

export interface EmulatorOptions {
  /** Holds what is known of the last start, the log and the lock. @default `.landfall/sandbox` of the project */
  readonly stateFolder?: string;
  /** File that gets a line of JSON for each request: see recorder.py. @default `LANDFALL_SANDBOX_RECORD`, or none */
  readonly record?: string;
  /** File with policies that requests are held to: see recorder.py. @default `LANDFALL_SANDBOX_POLICY`, or all is allowed */
  readonly policy?: string;
}

/** An emulator that answers. */
export interface Emulator {
  readonly pid: number;
  /** On loopback; never another interface. */
  readonly endpoint: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
}

export type EmulatorStatus = ({ readonly running: true } & Emulator) | { readonly running: false };

/** What the emulator writes once it listens, and leaves behind when it ends. */
const lastStart = z.object({
  pid: z.int().positive(),
  port: z.int().positive(),
  token: z.string().min(1),
  startedAt: z.string(),
});
type LastStart = z.infer<typeof lastStart>;

// All in milliseconds
const START_LIMIT = 60_000; // 3 s here; a loaded machine with a cold disk takes far longer
const STOP_LIMIT = 10_000;
const ANSWER_LIMIT = 5_000; // it may be busy
const POLL = 100;

const sandboxFolder = join(projectRoot, "sandbox"); // not __dirname: the code runs as one script in memory
const files = ({ stateFolder = join(projectRoot, ".landfall", "sandbox") }: EmulatorOptions) => ({
  folder: stateFolder,
  state: join(stateFolder, "emulator.json"),
  log: join(stateFolder, "emulator.log"),
  lock: join(stateFolder, "emulator.lock"),
});

/**
 * Starts the emulator, unless it is running: there is one for each state folder. It goes on when this process ends, and
 * takes the port of the last start where that is free, so that a shell that was pointed at it stays right.
 *
 * @throws where it does not answer in time, with the end of its log
 */
export async function startEmulator(
  options: EmulatorOptions & {
    /** Takes a line for each step. @default none */
    readonly log?: (line: string) => void;
  } = {},
): Promise<Emulator & { readonly alreadyRunning: boolean }> {
  const { log = () => {} } = options;
  const { folder, state, lock } = files(options);
  mkdirSync(folder, { recursive: true });
  return underLock(lock, log, async () => {
    const status = await emulatorStatus(options);
    if (status.running) return { ...status, alreadyRunning: true };
    const python = await ensureVenv({
      name: "moto",
      requirements: join(sandboxFolder, "requirements.txt"),
      log,
    });
    log("starting the emulator");
    const emulator = await launch(python, readLastStart(state)?.port ?? 0, options);
    return { ...emulator, alreadyRunning: false };
  });
}

async function launch(python: string, port: number, options: EmulatorOptions): Promise<Emulator> {
  const { folder, state, log } = files(options);
  const token = randomUUID();
  const output = openSync(log, "a", 0o600);
  const isolated = ["-E", "-s", "-B"]; // no PYTHON* variables, no packages of the user's, no bytecode in the project
  const child = spawn(python, [...isolated, join(sandboxFolder, "server.py"), state, String(port), token], {
    cwd: folder,
    detached: true,
    stdio: ["ignore", output, output],
    env: {
      ...withoutPrefix(process.env, /^(AWS|MOTO)_/),
      ...(options.record !== undefined && { LANDFALL_SANDBOX_RECORD: options.record }),
      ...(options.policy !== undefined && { LANDFALL_SANDBOX_POLICY: options.policy }),
    },
  });
  closeSync(output);
  child.unref();
  let ended: string | undefined;
  child.once("error", ({ message }) => (ended = message));
  child.once("exit", (code, signal) => (ended = `it ended with ${signal ?? `exit code ${code}`}`));

  for (const deadline = Date.now() + START_LIMIT; Date.now() < deadline && !ended; await sleep(POLL)) {
    const started = readLastStart(state);
    if (started?.token === token && (await answers(started))) return emulatorOf(started);
  }
  child.kill("SIGKILL");
  const why = ended ?? `no answer within ${START_LIMIT / 1000} s`;
  throw new Error(`The emulator did not start: ${why}. The end of ${log}:\n${tail(log)}`);
}

/** Whether the emulator is running. A process that only has its old port or process id is not taken for it. */
export async function emulatorStatus(options: EmulatorOptions = {}): Promise<EmulatorStatus> {
  const started = readLastStart(files(options).state);
  return started && (await answers(started)) ? { running: true, ...emulatorOf(started) } : { running: false };
}

/** Stops the emulator; what it held is gone. @returns whether it was running */
export async function stopEmulator(options: EmulatorOptions = {}): Promise<boolean> {
  const started = readLastStart(files(options).state);
  if (!started || !(await answers(started))) return false;
  process.kill(started.pid, "SIGTERM");
  for (const deadline = Date.now() + STOP_LIMIT; Date.now() < deadline; await sleep(POLL)) {
    if (!(await answers(started))) return true;
  }
  process.kill(started.pid, "SIGKILL");
  return true;
}

function readLastStart(file: string): LastStart | undefined {
  try {
    return lastStart.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined; // never started, or not written by the emulator
  }
}

const endpointOf = (port: number): string => `http://127.0.0.1:${port}`;
const emulatorOf = ({ pid, port, startedAt }: LastStart): Emulator => ({
  pid,
  endpoint: endpointOf(port),
  startedAt,
});

async function answers({ port, token }: LastStart): Promise<boolean> {
  try {
    const response = await fetch(`${endpointOf(port)}/_landfall`, {
      signal: AbortSignal.timeout(ANSWER_LIMIT),
    });
    return (await response.text()) === token;
  } catch {
    return false;
  }
}

const tail = (file: string): string => readFileSync(file, "utf8").trimEnd().split("\n").slice(-20).join("\n");

const withoutPrefix = (environment: NodeJS.ProcessEnv, prefix: RegExp): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !prefix.test(name)));

/** The AWS SDKs' own settings for the emulator. */
const settingsFor = (endpoint: string, region: string) => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: "sandbox",
  AWS_SECRET_ACCESS_KEY: "sandbox",
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_MAX_ATTEMPTS: "3", // loopback gets no better by waiting; the Terraform provider keeps to its own 25
});

/** `base` pointed at the emulator; no AWS setting of the user's is left in it. */
export const emulatorEnvironment = (
  endpoint: string,
  base: NodeJS.ProcessEnv,
  region: string,
): NodeJS.ProcessEnv => ({
  ...withoutPrefix(base, /^AWS_/),
  ...settingsFor(endpoint, region),
});

/** The same as text for `eval` in a POSIX shell whose environment is `base`. */
export function sandboxExports(endpoint: string, region: string, base: NodeJS.ProcessEnv): string {
  const settings = settingsFor(endpoint, region);
  const foreign = Object.keys(base).filter((name) => /^AWS_\w+$/.test(name) && !(name in settings));
  return [
    ...foreign.map((name) => `unset ${name}`),
    ...Object.entries(settings).map(([name, value]) => `export ${name}='${value}'`),
  ].join("\n");
}
