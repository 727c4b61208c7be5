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
}

/** In seconds. */
const POLL = 2;
const AGENT_LIMIT = 600; // a new host's agent reports within minutes

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

  /**
   * Runs a command and reads its answer.
   * @throws {LandfallError} with the CLI's own words where it fails
   */
  async json(args: readonly string[], { quiet = false } = {}): Promise<unknown> {
    const all = [...args, "--region", this.region, "--output", "json"];
    if (!quiet) progress(`aws ${typed([...args, "--region", this.region])}`);
    const ran = await execa("aws", all, { env: this.environment, extendEnv: false, reject: false });
    if (ran.code === "ENOENT") throw missing();
    if (ran.failed)
      throw new LandfallError(`aws ${args.slice(0, 2).join(" ")} failed.\n${ran.stderr.trim()}`);
    return ran.stdout.trim() === "" ? {} : (JSON.parse(ran.stdout) as unknown);
  }

  /** Until the next question. */
  pause(): Promise<void> {
    return sleep(this.poll * 1000);
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

  /**
   * Runs a command on a host as root, by Systems Manager, and waits for its end.
   * @param limit seconds that it may take
   */
  async onHost(instanceId: string, command: string, limit: number): Promise<HostRun> {
    const id = await this.send(instanceId, command, limit);
    const ask = ["ssm", "get-command-invocation", "--command-id", id, "--instance-id", instanceId];
    const deadline = Date.now() + (limit + 60) * 1000;
    for (;;) {
      const answer = await this.json(ask, { quiet: true }).catch((error: Error) => {
        if (error.message.includes("InvocationDoesNotExist")) return { Status: "Pending" }; // not yet
        throw error;
      });
      const { Status, StandardOutputContent, StandardErrorContent } = answer as Record<
        string,
        string | undefined
      >;
      if (!["Pending", "InProgress", "Delayed", "Cancelling"].includes(Status ?? "")) {
        const output = [StandardOutputContent, StandardErrorContent].filter(Boolean).join("\n").trim();
        return { ok: Status === "Success", output: output || `${Status ?? "no status"}` };
      }
      if (Date.now() > deadline) return { ok: false, output: `no end after ${limit} s` };
      await sleep(this.poll * 1000);
    }
  }

  /** @returns the command's id; a host whose agent has not reported yet is waited for */
  private async send(instanceId: string, command: string, limit: number): Promise<string> {
    const parameters = { commands: [command], executionTimeout: [String(limit)] };
    const args = [
      "ssm",
      "send-command",
      "--document-name",
      "AWS-RunShellScript",
      "--instance-ids",
      instanceId,
    ];
    const deadline = Date.now() + AGENT_LIMIT * 1000;
    for (let quiet = false; ; quiet = true) {
      try {
        const sent = await this.json([...args, "--parameters", JSON.stringify(parameters)], { quiet });
        return (sent as { Command: { CommandId: string } }).Command.CommandId;
      } catch (error) {
        const isNew = error instanceof Error && error.message.includes("InvalidInstanceId");
        if (!isNew || Date.now() > deadline) throw error;
        if (!quiet) progress(`${instanceId} is not managed by Systems Manager yet; waiting`);
        await sleep(this.poll * 1000);
      }
    }
  }
}
