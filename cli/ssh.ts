import { execa } from "execa";
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { LandfallError } from "../environments/errors";
import { projectRoot } from "../environments/root";
import { sshKeyProblem } from "../environments/ssh-key";
import type { SshAddress } from "../environments/types";

/** How SSH reaches one host. */
export interface SshTarget extends SshAddress {
  /** Name under which its host keys are kept: not its address, which outlives it. */
  readonly alias: string;
  /** File with the pinned host keys. */
  readonly knownHosts: string;
  /** Goes through AWS Session Manager instead of port 22. */
  readonly sessionManager?: { readonly instanceId: string; readonly region: string };
}

/** In seconds. A dead connection is noticed after four unanswered questions. */
const CONNECT_LIMIT = 15;
const ALIVE_INTERVAL = 15;
const ALIVE_COUNT = 4;

/**
 * Arguments of OpenSSH's client for a host, without the command. The user's own config, agent and ProxyJump hold;
 * whose key is trusted is ours alone.
 *
 * @param environment `LANDFALL_SSH_CONFIG` names a config to use in place of the user's, as `ssh -F` does
 * @param interactive whether ssh may ask, as for a key's passphrase. @default false
 */
export function sshArguments(
  target: SshTarget,
  environment: NodeJS.ProcessEnv,
  { interactive = false }: { readonly interactive?: boolean } = {},
): string[] {
  const options: Readonly<Record<string, string | number>> = {
    BatchMode: interactive ? "no" : "yes",
    ConnectTimeout: CONNECT_LIMIT,
    ServerAliveInterval: ALIVE_INTERVAL,
    ServerAliveCountMax: ALIVE_COUNT,
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: `"${target.knownHosts}"`,
    GlobalKnownHostsFile: "/dev/null",
    HostKeyAlias: target.alias,
    CheckHostIP: "no",
    UpdateHostKeys: "no",
    ControlPath: "none", // a master connection of the user's has checked its host key by other rules
    ...(target.sessionManager && { ProxyCommand: sessionManagerCommand(target.sessionManager) }),
  };
  return [
    ...(environment.LANDFALL_SSH_CONFIG ? ["-F", environment.LANDFALL_SSH_CONFIG] : []),
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ...(target.user === undefined ? [] : ["-l", target.user]),
    ...(target.port === undefined ? [] : ["-p", String(target.port)]),
    "--",
    target.host,
  ];
}

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-getting-started-enable-ssh-connections.html */
const sessionManagerCommand = ({
  instanceId,
  region,
}: {
  readonly instanceId: string;
  readonly region: string;
}): string =>
  `aws ssm start-session --region ${region} --target ${instanceId} --document-name AWS-StartSSHSession --parameters portNumber=%p`;

export interface SshRun {
  /** Of the remote command; 255 is the connection's own failure. */
  readonly exitCode: number | null;
  /** What the connection and the remote command said besides stdout. */
  readonly stderr: string;
}

/**
 * Runs a command on a host with `input` as its stdin. Nothing but the command is in arguments.
 * @param signal ends the connection
 */
export async function runOverSsh(
  target: SshTarget,
  {
    command,
    input,
    onLine,
    signal,
    environment,
  }: {
    readonly command: string;
    readonly input: string;
    /** Takes each line of the remote stdout. */
    readonly onLine: (line: string) => void;
    readonly signal?: AbortSignal;
    readonly environment: NodeJS.ProcessEnv;
  },
): Promise<SshRun> {
  // A process group of its own: a terminal's Ctrl-C is ours to hand on
  const child = spawn("ssh", ["-T", ...sshArguments(target, environment), command], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    env: environment,
  });
  const stop = () => child.kill("SIGTERM");
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {}); // the exit code tells
  child.stdin.end(input);
  const lines = createInterface({ input: child.stdout }).on("line", onLine);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) =>
      child
        .on("error", (error: NodeJS.ErrnoException) =>
          reject(
            error.code === "ENOENT"
              ? new LandfallError("ssh is not on PATH.", { mend: "Install OpenSSH's client." })
              : error,
          ),
        )
        .on("close", resolve),
    );
    return { exitCode, stderr };
  } finally {
    lines.close();
    signal?.removeEventListener("abort", stop);
  }
}

export type SshFailure = "host key" | "login" | "connection";

/** Why a connection failed, from what ssh said. */
export function sshFailure(stderr: string, alias: string): SshFailure {
  // A jump host's key is the user's own affair, and told in ssh's words
  if (/Host key verification failed/i.test(stderr) && stderr.includes(alias)) return "host key";
  return /Permission denied|Too many authentication failures/i.test(stderr) ? "login" : "connection";
}

/** Pinned host keys of an environment's hosts, in OpenSSH's own format. */
export const knownHostsFile = (environment: string): string =>
  join(projectRoot, ".landfall", "known_hosts", environment);

/** The keys that are pinned for an alias; none where there is no such file. */
export function pinnedKeys(file: string, alias: string): string[] {
  return linesOf(file)
    .filter((line) => line.split(" ")[0] === alias)
    .map((line) => line.split(" ").slice(1, 3).join(" "));
}

/**
 * Pins keys for an alias in place of those that it has. The file is written whole beside its place and moved there; it
 * is left alone where nothing changes.
 * @param keys lines of `.pub` files
 */
export function pinKeys(file: string, alias: string, keys: readonly string[]): void {
  const wanted = [...new Set(keys.map((key) => key.trim().split(/\s+/).slice(0, 2).join(" ")))];
  if (wanted.join("\n") === pinnedKeys(file, alias).join("\n")) return;
  const others = linesOf(file).filter((line) => line.split(" ")[0] !== alias);
  const text = [...others, ...wanted.map((key) => `${alias} ${key}`), ""].join("\n");
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${process.pid}`;
  const descriptor = openSync(beside, "w", 0o600);
  try {
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
  renameSync(beside, file);
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n").filter(Boolean);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/**
 * Public host keys in a host's console output: the last whole block that cloud-init wrote. Lines may have a prefix.
 * @returns lines of a `.pub` file; none where there is no block yet
 */
export function hostKeysInConsole(output: string): string[] {
  const blocks = [
    ...output.matchAll(/-----BEGIN SSH HOST KEY KEYS-----([^]*?)-----END SSH HOST KEY KEYS-----/g),
  ];
  const last = blocks.at(-1)?.[1] ?? "";
  return last
    .split("\n")
    .flatMap((line) => /((?:ssh|ecdsa|sk)-[\w.@-]+ [A-Za-z0-9+/]+=*)/.exec(line)?.[1] ?? [])
    .filter((key) => sshKeyProblem(key) === undefined);
}

/** In milliseconds; EC2 shows a new host's console after some minutes. */
const CONSOLE_POLL = 10_000;

/**
 * The host keys that an instance wrote to its console at the first boot, read with the AWS CLI, which only those who
 * may look into the account can.
 * @param wait milliseconds to wait for them
 * @throws {LandfallError} where they do not come, or the AWS CLI is missing or refused
 */
export async function hostKeysOfInstance(
  instanceId: string,
  {
    region,
    wait,
    environment,
    signal,
    poll = CONSOLE_POLL,
  }: {
    readonly region: string;
    readonly wait: number;
    readonly environment: NodeJS.ProcessEnv;
    readonly signal?: AbortSignal;
    /** Milliseconds between two looks. @default 10 000 */
    readonly poll?: number;
  },
): Promise<string[]> {
  const deadline = Date.now() + wait;
  for (;;) {
    const keys = hostKeysInConsole(await consoleOutput(instanceId, region, environment));
    if (keys.length > 0) return keys;
    if (Date.now() + poll > deadline)
      throw new LandfallError(`The console of ${instanceId} shows no SSH host keys.`, {
        mend: "A new host shows them after some minutes: run this again. An old one has forgotten them: give them by ssh_host_keys.",
      });
    await sleep(poll, undefined, { signal });
  }
}

async function consoleOutput(
  instanceId: string,
  region: string,
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  const ask = (...more: string[]) =>
    execa(
      "aws",
      [
        ...["ec2", "get-console-output", "--instance-id", instanceId, "--region", region],
        ...["--query", "Output", "--output", "text", ...more],
      ],
      { env: environment, extendEnv: false, reject: false, stdin: "ignore" },
    );
  // What the host says now; only instances on Nitro can, others show what was posted after the boot
  const latest = await ask("--latest");
  if (!latest.failed && hostKeysInConsole(latest.stdout).length > 0) return latest.stdout;
  const posted = await ask();
  if (!posted.failed) return posted.stdout;
  if (posted.code === "ENOENT")
    throw new LandfallError("The AWS CLI is needed to read a new host's SSH keys, and is not on PATH.", {
      mend: "Install it (https://aws.amazon.com/cli/), or give the keys by ssh_host_keys.",
    });
  throw new LandfallError(`The console of ${instanceId} cannot be read: ${posted.stderr.trim()}`, {
    mend: "Mend that, or give the host's keys by ssh_host_keys.",
  });
}
