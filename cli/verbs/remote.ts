import { InvalidArgumentError, type Command } from "commander";
import { spawn } from "node:child_process";
import { LandfallError, UsageError } from "../../environments/errors";
import { loadSettings } from "../../environments/load";
import { nearest } from "../../environments/nearest";
import { valuesOf, type EnvironmentValues } from "../../environments/derived";
import { isEnvironmentStack } from "../../environments/stack-names";
import { checkoutName, serviceOf } from "../../workloads/chronos/application";
import { systemImages } from "../../workloads/images";
import { AwsCli, typed } from "../aws";
import {
  findContainer,
  openContainers,
  type DeployedContainer,
  type DeployedContainers,
} from "../containers";
import { execMend, runningTasks } from "../exec";
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

/** Outputs about a system whose hosts are reached through AWS alone. */
interface ManagedHost {
  readonly instance: string;
  /** Where it may be a group. */
  readonly group?: string;
  readonly logs: string;
  /** Last part of the name of the log group that is meant where none is named. */
  readonly main: string;
}
const managedHosts: Readonly<Record<string, ManagedHost>> = {
  "x-scheduler": { instance: "x_scheduler_instance_id", logs: "x_scheduler_log_groups", main: "x-scheduler" },
  "macro-ai": {
    instance: "macro_ai_instance_id",
    group: "macro_ai_auto_scaling_group",
    logs: "macro_ai_log_groups",
    main: "combined",
  },
};

/** The AWS CLI for an environment, and its outputs that are text. */
async function deployedTexts(
  name: string,
): Promise<{ aws: AwsCli; output(wanted: string): string | undefined }> {
  const { stack, store, target } = await openWorkspace(name, { environment: process.env });
  const outputs = (await store.read())?.outputs ?? {};
  return {
    aws: new AwsCli(target.environment, stack.region),
    output: (wanted) => {
      const value = outputs[wanted]?.value;
      return typeof value === "string" ? value : undefined;
    },
  };
}

const notDeployed = (name: string, host: string): LandfallError =>
  new LandfallError(`${name} has no ${host} that is deployed.`, { mend: `./landfall apply ${name}` });

/** The shell of a host by Session Manager; of a group's hosts, the first that serves. @returns its exit code */
async function shellOn(name: string, host: string, managed: ManagedHost): Promise<number> {
  const { aws, output } = await deployedTexts(name);
  const group = managed.group && output(managed.group);
  const instance = group ? await firstInService(aws, group) : output(managed.instance);
  if (instance === undefined) throw notDeployed(name, host);
  return aws.onTerminal(["ssm", "start-session", "--target", instance]);
}

/** @throws {LandfallError} where no instance of the group serves */
async function firstInService(aws: AwsCli, group: string): Promise<string> {
  const answer = await aws.json([
    ...["autoscaling", "describe-auto-scaling-groups", "--auto-scaling-group-names", group],
    ...["--query", "AutoScalingGroups[].Instances[]"],
  ]);
  const instances = answer as readonly { InstanceId: string; LifecycleState: string }[];
  const serving = instances.find(({ LifecycleState }) => LifecycleState === "InService");
  if (serving) return serving.InstanceId;
  const states = instances.map(({ InstanceId, LifecycleState }) => `${InstanceId} is ${LifecycleState}`);
  throw new LandfallError(`No host of ${group} serves.${states.length > 0 ? ` ${states.join(", ")}.` : ""}`, {
    mend: "A shell on one that does not: aws ssm start-session --target <its id>",
  });
}

/** @throws {UsageError} where an option was given that says nothing for what is meant, rather than to ignore it */
function refuse(verb: Command, options: readonly string[], what: string, mend?: string): void {
  const [given] = options.filter((option) => verb.getOptionValueSource(option) === "cli");
  if (given !== undefined) throw new UsageError(`--${given} says nothing for ${what}.`, mend ? { mend } : {});
}

/** Containers of an environment, and the one that is meant. */
interface Containers {
  readonly deployed: DeployedContainers;
  /** None where a host of Chronos may be meant. */
  readonly container?: DeployedContainer;
}

/** @returns undefined where the environment carries no system with containers, or is not deployed and Chronos's may be */
async function containersOf(name: string, wanted: string): Promise<Containers | undefined> {
  const systems = systemsOf(name);
  if (!systems.some((system) => Object.hasOwn(systemImages, system))) return undefined;
  const deployed = await openContainers(name, { environment: process.env }).catch((error: unknown) => {
    if (systems.includes("chronos")) return undefined; // its machines need no deployment
    throw error;
  });
  if (!deployed) return undefined;
  const isMeant = deployed.containers.some(
    (container) => container.name === wanted || `${container.system}/${container.name}` === wanted,
  );
  if (!isMeant && systems.includes("chronos")) return { deployed };
  return { deployed, container: findContainer(deployed, wanted) };
}

/** As {@link reach}; where there is no such host, containers are named too. */
async function reachHost(
  name: string,
  { host, ssm, containers }: { host: string; ssm?: true; containers?: Containers },
): ReturnType<typeof reach> {
  const options = { environment: process.env, host, sessionManager: ssm };
  return reach(name, options).catch((error: unknown) => {
    if (!(error instanceof UsageError) || !containers) throw error;
    const names = containers.deployed.containers.map((one) => one.name);
    const near = nearest(host, names);
    throw new UsageError(error.message, {
      mend: [error.mend, `Containers: ${names.join(", ")}.`, near && `Did you mean ${near}?`]
        .filter(Boolean)
        .join(" "),
    });
  });
}

/** Systems that an environment carries; none where its settings do not say. */
function systemsOf(name: string): readonly string[] {
  if (!isEnvironmentStack(name)) return [];
  const [found] = loadSettings({ only: [name], processEnvironment: process.env }).environments;
  return found ? valuesOf<EnvironmentValues>(found.settings).systems : [];
}

/** Opens a shell, or runs a command, in a container by ECS Exec. @returns the session's exit code */
async function shellIn(
  deployed: DeployedContainers,
  container: DeployedContainer,
  command: readonly string[],
): Promise<number> {
  const { aws, emulated } = deployed;
  if (emulated) {
    progress("skipped: the sandbox's containers are emulated, and nothing runs in them");
    return 0;
  }
  const { cluster, kind, name } = container;
  const tasks = await runningTasks(deployed, container);
  if (tasks.length === 0)
    throw new LandfallError(`No task of ${name} runs.`, {
      mend:
        kind === "task"
          ? `Start one: ./landfall run ${deployed.environment} ${name} --no-follow`
          : `See why: ./landfall logs ${deployed.environment} ${name}`,
    });
  const task = tasks.find(({ enableExecuteCommand }) => enableExecuteCommand);
  if (!task)
    throw new LandfallError(`ECS Exec is off for the tasks of ${name}.`, {
      mend: execMend(deployed, container.system),
    });
  return aws.onTerminal([
    ...["ecs", "execute-command", "--cluster", cluster, "--task", task.taskArn],
    ...["--container", container.container, "--interactive"],
    ...["--command", command.length > 0 ? typed(command) : "/bin/sh"],
  ]);
}

/** As `aws logs tail` takes it. */
const since = (text: string): string => {
  if (!/^\d{1,6}[smhdw]$/.test(text) && Number.isNaN(Date.parse(text)))
    throw new InvalidArgumentError("Write how long ago, such as 10m, 2h or 1d, or a time in ISO 8601.");
  return text;
};

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
  readonly since: string;
  readonly containers?: true;
  readonly group?: string;
}

/** Adds `ssh` and `logs`. Their exit code is the remote command's. */
export function register(program: Command): void {
  program
    .command("ssh")
    .description("log in to a host or a container, or run a command on one of Chronos or in a container")
    .argument("<env>", "environment")
    .argument("<host>", "dashboard, an edge host's name, x-scheduler, macro-ai, or a container's name")
    .argument("[command...]", "what to run there, after --")
    .option("--ssm", "go through AWS Session Manager, also where SSH is open")
    .action(async (name: string, host: string, command: string[], { ssm }: SshFlags, verb: Command) => {
      const managed = Object.hasOwn(managedHosts, host) ? managedHosts[host] : undefined;
      if (managed) {
        if (command.length > 0)
          throw new UsageError("Commands after -- are for hosts of Chronos and containers.");
        process.exitCode = await shellOn(name, host, managed);
        return;
      }
      const containers = await containersOf(name, host);
      if (containers?.container) {
        refuse(verb, ["ssm"], "containers");
        process.exitCode = await shellIn(containers.deployed, containers.container, command);
        return;
      }
      const { target } = await reachHost(name, { host, ssm, containers });
      process.exitCode = await runHere([
        ...sshArguments(target, process.env, { interactive: true }),
        ...command,
      ]);
    });
  program
    .command("logs")
    .description("show the log of a host's application, or of a container")
    .argument("<env>", "environment")
    .argument("<host>", "dashboard, an edge host's name, x-scheduler, macro-ai, or a container's name")
    .option("-f, --follow", "go on as it grows")
    .option("-n, --lines <number>", "hosts of Chronos: how many lines to begin with", lines, "200")
    .option("--since <time>", "all others: where to begin, as 10m, 2h or an ISO time", since, "1h")
    .option("--group <name>", "x-scheduler and macro-ai: another of its log groups, such as host")
    .option("--containers", "what the dashboard's containers say")
    .option("--ssm", "go through AWS Session Manager, also where SSH is open")
    .action(async (name: string, host: string, flags: LogFlags, verb: Command) => {
      const managed = Object.hasOwn(managedHosts, host) ? managedHosts[host] : undefined;
      if (managed) {
        refuse(verb, ["lines", "containers", "ssm"], host, "Where to begin is --since 10m.");
        const { aws, output } = await deployedTexts(name);
        const prefix = output(managed.logs);
        if (prefix === undefined) throw notDeployed(name, host);
        process.exitCode = await aws.onTerminal([
          ...["logs", "tail", `${prefix}/${flags.group ?? managed.main}`, "--since", flags.since],
          ...(flags.follow ? ["--follow"] : []),
        ]);
        return;
      }
      const containers = await containersOf(name, host);
      if (containers?.container) {
        refuse(verb, ["lines", "group", "containers", "ssm"], "containers", "Where to begin is --since 10m.");
        const { deployed, container } = containers;
        process.exitCode = await deployed.aws.onTerminal([
          ...["logs", "tail", container.log_group, "--since", flags.since],
          ...(flags.follow ? ["--follow"] : []),
        ]);
        return;
      }
      refuse(verb, ["since", "group"], "hosts of Chronos", "Where to begin is -n 500.");
      const { target, host: found } = await reachHost(name, { host, ssm: flags.ssm, containers });
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
