import { execa } from "execa";
import type { Command } from "commander";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { LandfallError, UsageError } from "../../environments/errors";
import {
  awsCommand,
  findContainer,
  findSecret,
  openContainers,
  type ContainerOptions,
  type DeployedContainer,
  type DeployedContainers,
  type DeployedSecret,
} from "../containers";
import { columns, progress, result, resultJson } from "../output";
import { inParallel } from "../parallel";
import { redact } from "./configure";
import { restartService, tellRestart, type Restart } from "./restart";

/** Bytes that Secrets Manager takes. */
const LIMIT = 65_536;
/** AWS CLIs at once. */
const PARALLEL = 4;

export interface SetSecretOptions extends ContainerOptions {
  /** Where the value comes from; asked for only where it can be written. */
  readonly value: () => Promise<string>;
  /** Whether services that use it are restarted. @default true */
  readonly restart?: boolean;
}

export interface SetSecret {
  /** Its name in Secrets Manager. */
  readonly secret: string;
  /** Id of the version that holds the value now. */
  readonly version?: string;
  readonly restarts: readonly Restart[];
  /** Tasks that take the value at their next run. */
  readonly tasks: readonly string[];
}

/**
 * Writes a secret's value to Secrets Manager and restarts the services that use it.
 * @throws {LandfallError} where Terraform owns it, the value cannot be one, or AWS refuses it
 */
export async function setSecret(name: string, wanted: string, options: SetSecretOptions): Promise<SetSecret> {
  const deployed = await openContainers(name, options);
  const secret = findSecret(deployed, wanted);
  if (secret.owner === "terraform") {
    const version = `${secret.system.replaceAll("-", "_")}_secrets_version`;
    throw new LandfallError(`Terraform writes ${secret.secretName}, and would write over it.`, {
      mend: `Change it in environments/${name}.secrets.env, raise ${version}, and: ./landfall apply ${name}`,
    });
  }
  const users = secret.usedBy.map((user) => findContainer(deployed, `${secret.system}/${user}`));
  await refuseHistory(deployed);
  const value = checkValue(await options.value());
  const version = await put(deployed, secret, value);
  progress(`${secret.secretName} has a new value${version ? `, version ${version}` : ""}`);
  const services = users.filter(({ kind }) => kind === "service");
  const restarts: Restart[] = [];
  for (const service of options.restart === false ? [] : services)
    restarts.push(await restartAfter(deployed, service));
  const tasks = users.filter(({ kind }) => kind === "task").map((task) => task.name);
  return { secret: secret.secretName, version, restarts, tasks };
}

async function restartAfter(deployed: DeployedContainers, service: DeployedContainer): Promise<Restart> {
  progress(`${service.name} uses it and is restarted`);
  return restartService(deployed, service).catch((error: unknown) => {
    progress(`The value is written; ${service.name} may still have the one before.`);
    throw error;
  });
}

/** @throws {LandfallError} where the AWS CLI's own history, a file, would hold the value */
export async function refuseHistory({ awsEnvironment }: DeployedContainers): Promise<void> {
  const { stdout = "", code } = await execa("aws", ["configure", "get", "cli_history"], {
    env: awsEnvironment,
    extendEnv: false,
    reject: false,
    stdin: "ignore",
  });
  if (code === "ENOENT")
    throw new LandfallError("The AWS CLI is not on PATH.", { mend: "https://aws.amazon.com/cli/" });
  if (stdout.trim() === "enabled")
    throw new LandfallError(
      "Your AWS CLI keeps a history of all it sends and gets, with values of secrets.",
      {
        mend: "Turn it off for this: aws configure set cli_history disabled",
      },
    );
}

/**
 * A value as it is stored: without one newline at its end.
 * @throws {UsageError} where it is empty, too long, or would not arrive as it is
 */
export function checkValue(given: string): string {
  const value = given.replace(/\r?\n$/, "");
  const nothing = "Nothing was changed.";
  if (value === "") throw new UsageError("The value is empty.", { mend: nothing });
  if (Buffer.byteLength(value) > LIMIT) throw tooLong();
  if (value.includes("\0"))
    throw new UsageError("The value has a NUL, which no environment variable can hold.", { mend: nothing });
  if (value.includes("\r"))
    throw new UsageError("The value has carriage returns, which the AWS CLI would change.", {
      mend: `Take them out: tr -d '\\r'. ${nothing}`,
    });
  return value;
}

const tooLong = (): UsageError =>
  new UsageError(`The value has more than ${LIMIT} bytes, which is all that Secrets Manager takes.`, {
    mend: "Nothing was changed.",
  });

/** Hands the value over by stdin, so that no process list and no history has it. @returns the version's id */
async function put(
  deployed: DeployedContainers,
  { arn, secretName }: DeployedSecret,
  value: string,
): Promise<string | undefined> {
  const args = ["secretsmanager", "put-secret-value", "--secret-id", arn];
  const input = ["--secret-string", "file:///dev/stdin"];
  progress(`${awsCommand([...args, ...input], deployed)}   # the value comes by stdin`);
  const all = [...args, ...input, "--region", deployed.region, "--output", "json"];
  // Node's own "pipe" is a socket, which /dev/stdin does not open
  const child = spawn("sh", ["-c", 'cat | exec aws "$@"', "sh", ...all], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...deployed.awsEnvironment,
      AWS_CLI_FILE_ENCODING: "UTF-8", // version 2
      PYTHONUTF8: "1", // version 1; else by the locale
    },
  });
  child.stdin.on("error", () => {}); // the exit code tells
  child.stdin.end(value);
  const [stdout, stderr, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve)),
  ]);
  if (exitCode === 0) return (JSON.parse(stdout || "{}") as { VersionId?: string }).VersionId;
  throw new LandfallError(
    `aws secretsmanager put-secret-value failed for ${secretName}.\n${redact(stderr.trim(), [value])}`,
  );
}

export type ReadStream = NodeJS.ReadableStream & { readonly isTTY?: boolean };

/**
 * A value from a pipe or file, whole.
 * @throws {UsageError} where it is no text, or longer than a secret can be
 */
export async function readValue(input: ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    chunks.push(Buffer.from(chunk as Uint8Array));
    length += chunk.length;
    if (length > LIMIT + 2) throw tooLong(); // a newline at the end is none of it
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new UsageError("The value is no UTF-8 text.", {
      mend: "Encode it, as by base64. Nothing was changed.",
    });
  }
}

/**
 * Asks for a value twice on the terminal, and shows nothing of it.
 * @throws {LandfallError} where the two differ; exit code 130 where the user gives up
 */
export async function askValue(name: string): Promise<string> {
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: mute, terminal: true, historySize: 0 });
  const stop = new AbortController();
  const interrupted = () => stop.abort();
  terminal.on("SIGINT", interrupted).on("close", interrupted); // Ctrl-C, Ctrl-D
  const question = async (words: string) => {
    process.stderr.write(`${words}: `);
    const answer = await terminal.question("", { signal: stop.signal });
    process.stderr.write("\n");
    return answer;
  };
  try {
    const value = await question(`Value of ${name} (not shown)`);
    if ((await question("Once more")) !== value)
      throw new LandfallError("The two are not the same; nothing was changed.");
    return value;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.stderr.write("\n");
    throw new LandfallError("Interrupted; nothing was changed.", { exitCode: 130 });
  } finally {
    terminal.off("close", interrupted).close();
  }
}

/** A secret, without its value. */
export interface ListedSecret extends DeployedSecret {
  /** Whether there is one in Secrets Manager, and a value in it. */
  readonly state: "value" | "no value" | "missing";
}

/** All secrets of an environment's containers, by what Secrets Manager says of them. No value is read. */
export async function listSecrets(name: string, options: ContainerOptions): Promise<ListedSecret[]> {
  const deployed = await openContainers(name, options);
  return inParallel(deployed.secrets, PARALLEL, async (secret) => ({
    ...secret,
    state: await stateOf(deployed, secret),
  }));
}

async function stateOf({ aws }: DeployedContainers, { arn }: DeployedSecret): Promise<ListedSecret["state"]> {
  const answer = await aws
    .json(["secretsmanager", "describe-secret", "--secret-id", arn])
    .catch((error: Error) => {
      if (error.message.includes("ResourceNotFoundException")) return undefined;
      throw error;
    });
  if (answer === undefined) return "missing";
  const { VersionIdsToStages: versions = {}, DeletedDate: deleted } = answer as {
    VersionIdsToStages?: Readonly<Record<string, readonly string[]>> | null;
    DeletedDate?: unknown;
  };
  if (deleted != null) return "missing";
  return Object.values(versions ?? {}).some((stages) => stages.includes("AWSCURRENT")) ? "value" : "no value";
}

/** A line for each secret. */
export function formatSecrets(secrets: readonly ListedSecret[]): string {
  const rows = secrets.map(({ name, secretName, owner, state, usedBy }) => [
    name,
    secretName,
    owner,
    state,
    usedBy.length > 0 ? usedBy.join(", ") : "nobody",
  ]);
  return columns([["NAME", "IN SECRETS MANAGER", "WRITTEN BY", "HAS", "USED BY"], ...rows]);
}

/** Adds `secret set` and `secret list`. */
export function register(program: Command): void {
  const secret = program.command("secret").description("set and list the secrets of containers");
  secret
    .command("set")
    .description("write a secret's value, from stdin or as asked for, and restart the services that use it")
    .argument("<env>", "environment")
    .argument("<name>", "secret, such as twitch_oauth_token")
    .option("--no-restart", "only write it")
    .option("--json", "what was done, as JSON")
    .action(async (name: string, wanted: string, flags: { restart: boolean; json?: true }) => {
      const value = () => (process.stdin.isTTY ? askValue(wanted) : readValue(process.stdin));
      const set = await setSecret(name, wanted, { environment: process.env, value, restart: flags.restart });
      if (flags.json) resultJson(set);
      else result(`${set.secret}: set`);
      if (set.tasks.length > 0)
        progress(`${set.tasks.join(", ")}: ${set.tasks.length === 1 ? "takes" : "take"} it at the next run`);
      for (const restarted of set.restarts) tellRestart(restarted, name);
    });
  secret
    .command("list")
    .description("list an environment's secrets, without their values")
    .argument("<env>", "environment")
    .option("--json", "as JSON")
    .action(async (name: string, { json }: { json?: true }) => {
      const secrets = await listSecrets(name, { environment: process.env });
      if (json) resultJson(secrets);
      else result(secrets.length > 0 ? formatSecrets(secrets) : `${name} has no secrets of containers.`);
    });
}
