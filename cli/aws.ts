import { execa } from "execa";
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { LandfallError } from "../environments/errors";
import { progress } from "./output";

/** Arguments as one would type them. */
export const typed = (args: readonly string[]): string =>
  args.map((arg) => (/^[\w./:@%+,=-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`)).join(" ");

const missing = (): LandfallError =>
  new LandfallError("The AWS CLI is not on PATH.", {
    mend: "Install it: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
  });

export interface HostRun {
  readonly ok: boolean;
  /** What the command printed; Systems Manager keeps the first 24,000 characters. */
  readonly output: string;
  /** Whether the host went out of service before the command's end. */
  readonly gone?: boolean;
}

export interface HostRunOptions {
  /** Asked now and then while the command runs; a host that is gone is waited for no longer. @default it stays */
  readonly isGone?: () => Promise<boolean>;
  /** Ends the waiting. */
  readonly stop?: AbortSignal;
  /** Whether `stop` leaves the command on the host as it is, and does not cancel it. @default false */
  readonly goesOn?: boolean;
}

/** In seconds. */
const POLL = 2;
const AGENT_LIMIT = 600; // a new host's agent reports within minutes
const CANCEL_LIMIT = 60;
/** Questions about a command to one whether its host is gone. */
const GONE_EVERY = 10;

/** The user's AWS CLI, with their own settings. Every command is told on stderr as it could be typed. */
export class AwsCli {
  /**
   * @param environment process environment of the CLI
   * @param poll seconds between questions to AWS. @default 2
   */
  constructor(
    private readonly environment: NodeJS.ProcessEnv,
    private readonly region: string,
    private readonly poll: number = POLL,
  ) {}

  /** A command as one would type it. */
  typed(args: readonly string[]): string {
    return `aws ${typed([...args, "--region", this.region])}`;
  }

  /**
   * Runs a command and reads its answer. A terminal's Ctrl-C does not reach it, lest it is left half done.
   * @param quiet whether it is not told. @default false
   * @param interruptible whether Ctrl-C does reach it. @default false
   * @throws {LandfallError} with the CLI's own words where it fails
   */
  async json(args: readonly string[], { quiet = false, interruptible = false } = {}): Promise<unknown> {
    const all = [...args, "--region", this.region, "--output", "json"];
    if (!quiet) progress(this.typed(args));
    const ran = await execa("aws", all, {
      env: this.environment,
      extendEnv: false,
      reject: false,
      detached: !interruptible,
      stdin: "ignore", // whatever it asks, there is no terminal to answer on
    });
    if (ran.code === "ENOENT") throw missing();
    if (ran.failed)
      throw new LandfallError(`aws ${args.slice(0, 2).join(" ")} failed.\n${ran.stderr.trim()}`);
    return ran.stdout.trim() === "" ? {} : (JSON.parse(ran.stdout) as unknown);
  }

  /**
   * Until the next question.
   * @throws the reason of `stop`, as soon as that is aborted
   */
  async pause(stop?: AbortSignal): Promise<void> {
    await sleep(this.poll * 1000, undefined, { signal: stop }).catch(() => {});
    stop?.throwIfAborted();
  }

  /** Runs a command on this terminal. @returns its exit code */
  async onTerminal(args: readonly string[]): Promise<number> {
    const all = [...args, "--region", this.region];
    progress(`aws ${typed(all)}`);
    const child = spawn("aws", all, { stdio: "inherit", env: this.environment });
    const ignore = () => {}; // Ctrl-C is the session's
    process.on("SIGINT", ignore);
    try {
      return await new Promise((resolve, reject) =>
        child.on("error", () => reject(missing())).on("close", (code) => resolve(code ?? 130)),
      );
    } finally {
      process.off("SIGINT", ignore);
    }
  }

  /** Arguments of the AWS CLI that run a command on a host as root. */
  static hostCommand(instanceId: string, command: string, limit: number): readonly string[] {
    const parameters = { commands: [command], executionTimeout: [String(limit)] };
    return [
      ...["ssm", "send-command", "--document-name", "AWS-RunShellScript", "--instance-ids", instanceId],
      ...["--parameters", JSON.stringify(parameters)],
    ];
  }

  /**
   * Runs a command on a host as root, by Systems Manager, and waits for its end.
   * @param limit seconds that it may take
   * @throws {LandfallError} where AWS does not do; the reason of `stop` where that is aborted
   */
  async onHost(
    instanceId: string,
    command: string,
    limit: number,
    { isGone = () => Promise.resolve(false), stop, goesOn = false }: HostRunOptions = {},
  ): Promise<HostRun> {
    const gone: HostRun = { ok: false, output: "the host went out of service", gone: true };
    const id = await this.send(instanceId, AwsCli.hostCommand(instanceId, command, limit), { isGone, stop });
    if (id === undefined) return gone;
    const ask = ["ssm", "get-command-invocation", "--command-id", id, "--instance-id", instanceId];
    const cancel = ["ssm", "cancel-command", "--command-id", id, "--instance-ids", instanceId];
    let deadline = Date.now() + (limit + 60) * 1000;
    let isCancelled = false;
    for (let asked = 1; ; asked += 1) {
      if (goesOn) stop?.throwIfAborted();
      if (stop?.aborted && !isCancelled) {
        isCancelled = true;
        deadline = Date.now() + CANCEL_LIMIT * 1000;
        await this.json(cancel).catch((error: Error) => progress(error.message));
      }
      const answer = await this.json(ask, { quiet: true }).catch((error: Error) => {
        if (error.message.includes("InvocationDoesNotExist")) return { Status: "Pending" }; // not yet
        throw error;
      });
      const { Status, StandardOutputContent, StandardErrorContent } = answer as Record<
        string,
        string | undefined
      >;
      if (!["Pending", "InProgress", "Delayed", "Cancelling"].includes(Status ?? "")) {
        if (Status !== "Success") stop?.throwIfAborted();
        if (Status !== "Success" && (await isGone())) return gone;
        const output = [StandardOutputContent, StandardErrorContent].filter(Boolean).join("\n").trim();
        return { ok: Status === "Success", output: output || `${Status ?? "no status"}` };
      }
      if (Date.now() > deadline) {
        stop?.throwIfAborted();
        return { ok: false, output: `no end after ${limit} s` };
      }
      if (asked % GONE_EVERY === 0 && (await isGone())) return gone;
      await this.pause(isCancelled ? undefined : stop).catch(() => {});
    }
  }

  /** @returns the command's id; a host whose agent has not reported yet is waited for; undefined where it is gone */
  private async send(
    instanceId: string,
    command: readonly string[],
    { isGone, stop }: Required<Pick<HostRunOptions, "isGone">> & HostRunOptions,
  ): Promise<string | undefined> {
    const deadline = Date.now() + AGENT_LIMIT * 1000;
    for (let asked = 1; ; asked += 1) {
      try {
        const sent = await this.json(command, { quiet: asked > 1 });
        return (sent as { Command: { CommandId: string } }).Command.CommandId;
      } catch (error) {
        const isNew = error instanceof Error && error.message.includes("InvalidInstanceId");
        if (!isNew || Date.now() > deadline) throw error;
        if (asked === 1) progress(`${instanceId} is not managed by Systems Manager yet; waiting`);
        if (asked % GONE_EVERY === 0 && (await isGone())) return undefined;
        await this.pause(stop);
      }
    }
  }
}
