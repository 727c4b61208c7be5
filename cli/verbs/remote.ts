import { InvalidArgumentError, type Command } from "commander";
import { spawn } from "node:child_process";
import { LandfallError, UsageError } from "../../environments/errors";
import { checkoutName, serviceOf } from "../../workloads/chronos/application";
import { AwsCli, typed } from "../aws";
import { progress } from "../output";
import { sshArguments } from "../ssh";
import { openWorkspace } from "../workspace";
import { reach } from "./configure";

/**
 * Runs ssh on this terminal, after the plain command that it stands for.
 * @throws {LandfallError} where ssh is missing
 */
async function runHere(args: readonly string[]): Promise<number> {
  progress(`ssh ${typed(args)}`);
  const child = spawn("ssh", args, { stdio: "inherit" });
  const ignore = () => {}; // Ctrl-C is the remote command's
  process.on("SIGINT", ignore);
  try {
    return await new Promise((resolve, reject) =>
      child
        .on("error", () =>
          reject(new LandfallError("ssh is not on PATH.", { mend: "Install OpenSSH's client." })),
        )
        .on("close", (code) => resolve(code ?? 130)),
    );
  } finally {
    process.off("SIGINT", ignore);
  }
}

/** Outputs with the instance and the log groups of systems that are reached through AWS alone, by host. */
const managedHosts: Readonly<
  Record<string, { readonly instance: string; readonly logs: string; readonly main: string }>
> = {
  "x-scheduler": { instance: "x_scheduler_instance_id", logs: "x_scheduler_log_groups", main: "x-scheduler" },
  "macro-ai": { instance: "macro_ai_instance_id", logs: "macro_ai_log_groups", main: "combined" },
};

/**
 * A command of the AWS CLI on this terminal, for a host that is reached through AWS alone.
 * @returns its exit code
 */
async function throughAws(
  name: string,
  wanted: string,
  args: (value: string) => readonly string[],
): Promise<number> {
  const { stack, store, target } = await openWorkspace(name, { environment: process.env });
  const value = (await store.read())?.outputs[wanted]?.value;
  if (typeof value !== "string") {
    throw new LandfallError(`${name} has no output ${wanted}.`, {
      mend: wanted.endsWith("instance_id")
        ? "A group's hosts: aws ec2 describe-instances; a host that is not there: ./landfall apply."
        : `./landfall apply ${name}`,
    });
  }
  return new AwsCli(target.environment, stack.region).onTerminal(args(value));
}

const lines = (text: string): string => {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("Write a number of lines.");
  return text;
};

interface SshFlags {
  readonly ssm?: true;
}
interface LogFlags extends SshFlags {
  readonly follow?: true;
  readonly lines: string;
  readonly containers?: true;
  readonly group?: string;
}

/** Adds `ssh` and `logs`. Their exit code is the remote command's. */
export function register(program: Command): void {
  program
    .command("ssh")
    .description("log in to a host, or run a command on one of Chronos")
    .argument("<env>", "environment")
    .argument("<host>", "dashboard, an edge host's name, x-scheduler or macro-ai")
    .argument("[command...]", "what to run there, after --")
    .option("--ssm", "go through AWS Session Manager, also where SSH is open")
    .action(async (name: string, host: string, command: string[], { ssm }: SshFlags) => {
      const managed = Object.hasOwn(managedHosts, host) ? managedHosts[host] : undefined;
      if (managed) {
        if (command.length > 0) throw new UsageError("Commands after -- are for hosts of Chronos.");
        process.exitCode = await throughAws(name, managed.instance, (id) => [
          "ssm",
          "start-session",
          "--target",
          id,
        ]);
        return;
      }
      const { target } = await reach(name, { environment: process.env, host, sessionManager: ssm });
      process.exitCode = await runHere([
        ...sshArguments(target, process.env, { interactive: true }),
        ...command,
      ]);
    });
  program
    .command("logs")
    .description("show the log of a host's application")
    .argument("<env>", "environment")
    .argument("<host>", "dashboard, an edge host's name, x-scheduler or macro-ai")
    .option("-f, --follow", "go on as it grows")
    .option("-n, --lines <number>", "how many lines to begin with", lines, "200")
    .option("--group <name>", "x-scheduler and macro-ai: another of its log groups, such as host")
    .option("--containers", "what the dashboard's containers say")
    .option("--ssm", "go through AWS Session Manager, also where SSH is open")
    .action(async (name: string, host: string, flags: LogFlags) => {
      const managed = Object.hasOwn(managedHosts, host) ? managedHosts[host] : undefined;
      if (managed) {
        process.exitCode = await throughAws(name, managed.logs, (prefix) => [
          ...["logs", "tail", `${prefix}/${flags.group ?? managed.main}`, "--since", "1h"],
          ...(flags.follow ? ["--follow"] : []),
        ]);
        return;
      }
      const { target, host: found } = await reach(name, {
        environment: process.env,
        host,
        sessionManager: flags.ssm,
      });
      const follow = flags.follow ? " -f" : "";
      const command = flags.containers
        ? `cd ~/${checkoutName(found.repository)} && sudo docker compose logs --tail ${flags.lines}${follow}`
        : `sudo journalctl --no-pager -u ${serviceOf(found.kind)} -n ${flags.lines}${follow}`;
      // A terminal there, so that Ctrl-C reaches what runs
      const terminal = flags.follow && process.stdin.isTTY ? ["-t"] : [];
      process.exitCode = await runHere([
        ...terminal,
        ...sshArguments(target, process.env, { interactive: true }),
        command,
      ]);
    });
}
