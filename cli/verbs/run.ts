import { InvalidArgumentError, type Command } from "commander";
import { userInfo } from "node:os";
import { LandfallError, UsageError } from "../../environments/errors";
import type { AwsCli } from "../aws";
import {
  askAgain,
  awsCommand,
  findContainer,
  InterruptedError,
  openContainers,
  Wait,
  type ContainerOptions,
  type DeployedContainer,
  type DeployedContainers,
} from "../containers";
import { progress, result, resultJson } from "../output";

/** After the task has stopped: so many questions without an answer mean that its log is complete. */
const QUIET = 3;
const TIME_IS_UP = 124;
/** Questions about a task that ECS does not know yet. */
const UNKNOWN_LIMIT = 30;

export interface RunOptions extends ContainerOptions {
  /** Whether to run on Fargate instead of what the settings say, as where Spot has no room. @default false */
  readonly onDemand?: boolean;
  /** Whether to follow the log to the end. @default true */
  readonly follow?: boolean;
  /** Minutes after which the task is stopped. @default never */
  readonly timeout?: number;
  /** Takes each line of the container's log. @default stdout */
  readonly onLine?: (line: string) => void;
}

/** What became of a task. */
export interface TaskRun {
  /** Short id. */
  readonly task: string;
  readonly arn: string;
  readonly cluster: string;
  /** Family and revision. */
  readonly taskDefinition?: string;
  readonly logGroup: string;
  readonly logStream: string;
  /** As ECS says it; the last that is known. */
  readonly status: string;
  /** Of the container; none where it never started, or was not waited for. */
  readonly exitCode?: number;
  readonly stopCode?: string;
  /** What ECS says about the end. */
  readonly reason?: string;
  /** Whether it was stopped at the end of `timeout`. */
  readonly timedOut?: boolean;
  /** Whether its own time limit ended it. */
  readonly timeWasUp?: boolean;
}

interface Task {
  readonly taskArn: string;
  readonly taskDefinitionArn?: string;
  readonly lastStatus: string;
  readonly stopCode?: string;
  readonly stoppedReason?: string;
  readonly containers?: readonly {
    readonly name: string;
    readonly exitCode?: number;
    readonly reason?: string;
  }[];
}

/**
 * Runs a task by hand, and follows it to its end.
 * @throws {LandfallError} where it cannot be started; exit code 130 where the user stops following: the task goes on
 */
export async function runTask(name: string, wanted: string, options: RunOptions): Promise<TaskRun> {
  const deployed = await openContainers(name, options);
  const container = findContainer(deployed, wanted);
  if (container.kind === "service") {
    throw new UsageError(`${container.name} is a service, which runs all the time, and no task.`, {
      mend: `To start it anew: ./landfall restart ${name} ${wanted}`,
    });
  }
  const wait = new Wait(deployed.poll);
  try {
    const task = await start(deployed, container, options, wait);
    return await new Follower(deployed, container, task, options, wait).toTheEnd();
  } finally {
    wait.end();
  }
}

/** Who started a task, as ECS takes it. */
const startedBy = (): string =>
  `landfall-${userInfo().username}`.replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, 36);

/** Arguments of the AWS CLI that start a task of the container. */
export function runArguments(container: DeployedContainer, { onDemand = false } = {}): string[] {
  const capacity = onDemand ? [{ provider: "FARGATE", weight: 1, base: 0 }] : container.capacity;
  return [
    ...["ecs", "run-task", "--cluster", container.cluster, "--task-definition", container.family],
    "--capacity-provider-strategy",
    ...capacity.map(
      ({ provider, weight, base }) => `capacityProvider=${provider},weight=${weight},base=${base}`,
    ),
    "--network-configuration",
    `awsvpcConfiguration={subnets=[${container.subnets.join(",")}],securityGroups=[${container.securityGroups.join(",")}],assignPublicIp=${container.publicIp ? "ENABLED" : "DISABLED"}}`,
    ...["--propagate-tags", "TASK_DEFINITION", "--started-by", startedBy()],
    ...(container.exec ? ["--enable-execute-command"] : []),
  ];
}

async function start(
  deployed: DeployedContainers,
  container: DeployedContainer,
  { onDemand }: RunOptions,
  wait: Wait,
): Promise<Task> {
  const args = runArguments(container, { onDemand });
  const mend = capacityMend(deployed, container, onDemand);
  const answer = await wait.for(deployed.aws.json(args)).catch((error: Error) => {
    if (error instanceof InterruptedError) throw perhapsStarted(deployed, container);
    if (/capacity/i.test(error.message)) throw new LandfallError(error.message, { mend });
    throw error;
  });
  const { tasks = [], failures = [] } = answer as {
    tasks?: readonly Task[];
    failures?: readonly { readonly arn?: string; readonly reason?: string; readonly detail?: string }[];
  };
  if (tasks[0]) return tasks[0];
  const why = failures.map(({ arn, reason, detail }) => [reason, detail, arn].filter(Boolean).join(": "));
  throw new LandfallError(
    `ECS did not start ${container.name}: ${why.join("; ") || "it gave no task and no reason"}`,
    { mend: /capacity/i.test(why.join()) ? mend : "See what ECS says, and run it again." },
  );
}

const capacityMend = (
  { environment }: DeployedContainers,
  { name }: DeployedContainer,
  onDemand = false,
): string =>
  onDemand
    ? "AWS has no room on Fargate in these subnets at the moment: run it again later."
    : `Spot has no room at the moment: ./landfall run ${environment} ${name} --on-demand`;

const perhapsStarted = (deployed: DeployedContainers, { cluster, name, family }: DeployedContainer) => {
  const list = ["ecs", "list-tasks", "--cluster", cluster, "--family", family];
  return new LandfallError(`Interrupted while ${name} was being started: it may run.`, {
    mend: `See: ${awsCommand(list, deployed)}`,
    exitCode: 130,
  });
};

/** Watches one task and its log. */
class Follower {
  private readonly log: LogStream;
  private readonly id: string;
  private task: Task;
  private timedOut = false;

  constructor(
    private readonly deployed: DeployedContainers,
    private readonly container: DeployedContainer,
    task: Task,
    private readonly options: RunOptions,
    private readonly wait: Wait,
  ) {
    this.task = task;
    this.id = task.taskArn.split("/").at(-1) ?? task.taskArn;
    const { log_group: group, log_stream_prefix: prefix, container: name } = container;
    this.log = new LogStream(deployed.aws, wait, group, `${prefix}/${name}/${this.id}`);
  }

  async toTheEnd(): Promise<TaskRun> {
    progress(`${this.id}: started`);
    if (this.deployed.emulated)
      progress("The sandbox's containers are emulated, and nothing runs in them: not followed.");
    if (this.options.follow === false || this.deployed.emulated) {
      progress(
        `Its log: ${this.command("logs", "tail", this.log.group, "--log-stream-names", this.log.stream, "--follow")}`,
      );
      progress(`To stop it: ${this.stopCommand}`);
      return this.result();
    }
    try {
      await this.untilStopped();
      await this.restOfLog();
      return this.result();
    } catch (error) {
      if (this.task.lastStatus !== "STOPPED") progress(`${this.id} goes on. To stop it: ${this.stopCommand}`);
      throw error;
    }
  }

  private async untilStopped(): Promise<void> {
    const { timeout } = this.options;
    const deadline = timeout === undefined ? Infinity : Date.now() + timeout * 60_000;
    progress(this.command(...this.describe));
    progress(this.command(...this.log.question));
    for (let told = ""; ; await this.wait.pause()) {
      await this.look();
      if (this.task.lastStatus !== told) progress(`${this.id}: ${(told = this.task.lastStatus)}`);
      await this.readLog();
      if (this.task.lastStatus === "STOPPED") return;
      if (Date.now() >= deadline && !this.timedOut) await this.stop();
    }
  }

  /** Lines may arrive after the end of their container. */
  private async restOfLog(): Promise<void> {
    for (let quiet = 0; quiet < QUIET; await this.wait.pause())
      quiet = (await this.readLog()) ? 0 : quiet + 1;
  }

  /** @returns whether there was anything new */
  private readLog(): Promise<boolean> {
    return this.log.read(this.options.onLine ?? result);
  }

  private unknown = 0;

  private async look(): Promise<void> {
    const answer = await askAgain(this.wait, () => this.deployed.aws.json(this.describe, { quiet: true }));
    const [task] = (answer as { tasks?: readonly Task[] }).tasks ?? [];
    if (task) this.task = task;
    else if ((this.unknown += 1) > UNKNOWN_LIMIT)
      throw new LandfallError(`ECS does not know ${this.id} any more.`, {
        mend: `See: ${this.command(...this.describe)}`,
      });
  }

  private async stop(): Promise<void> {
    this.timedOut = true;
    progress(`${this.id} has run for ${this.options.timeout} minutes, and is stopped`);
    const reason = `landfall run --timeout ${this.options.timeout}`;
    await this.wait.for(this.deployed.aws.json([...this.stopArguments, "--reason", reason]));
  }

  private get describe(): readonly string[] {
    return ["ecs", "describe-tasks", "--cluster", this.container.cluster, "--tasks", this.id];
  }

  private get stopArguments(): readonly string[] {
    return ["ecs", "stop-task", "--cluster", this.container.cluster, "--task", this.id];
  }

  private get stopCommand(): string {
    return this.command(...this.stopArguments);
  }

  private command(...args: readonly string[]): string {
    return awsCommand(args, this.deployed);
  }

  private result(): TaskRun {
    const { taskArn, taskDefinitionArn, lastStatus, stopCode, stoppedReason, containers = [] } = this.task;
    const own = containers.find(({ name }) => name === this.container.container);
    const reason = [stoppedReason, own?.reason && `${own.name}: ${own.reason}`].filter(Boolean).join("\n");
    return {
      task: this.id,
      arn: taskArn,
      cluster: this.container.cluster,
      taskDefinition: taskDefinitionArn?.split("/").at(-1),
      logGroup: this.log.group,
      logStream: this.log.stream,
      status: lastStatus,
      exitCode: own?.exitCode ?? undefined,
      stopCode,
      reason: reason || undefined,
      timedOut: this.timedOut || undefined,
      timeWasUp: containers.some(timeWasUp) || undefined,
    };
  }
}

/** The container that ends a task when its time is up, and only then with this exit code. */
const timeWasUp = ({ name, exitCode }: { readonly name: string; readonly exitCode?: number }): boolean =>
  name === "time-limit" && exitCode === TIME_IS_UP;

interface LogEvents {
  readonly events?: readonly { readonly message: string }[];
  readonly nextForwardToken?: string;
}

/** The log of one container of one task, read from where it was left. */
class LogStream {
  private token?: string;

  constructor(
    private readonly aws: AwsCli,
    private readonly wait: Wait,
    readonly group: string,
    readonly stream: string,
  ) {}

  /** What asks for it from its beginning. */
  get question(): readonly string[] {
    const { group, stream } = this;
    return [
      ...["logs", "get-log-events", "--log-group-name", group, "--log-stream-name", stream],
      "--start-from-head",
    ];
  }

  /** Takes what is new, in order. @returns whether there was anything */
  async read(onLine: (line: string) => void): Promise<boolean> {
    for (let any = false; ;) {
      const { events = [], nextForwardToken } = await this.next();
      for (const { message } of events) onLine(message);
      any ||= events.length > 0;
      // An answer without events is no end: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
      if (nextForwardToken === undefined || nextForwardToken === this.token) return any;
      this.token = nextForwardToken;
    }
  }

  private async next(): Promise<LogEvents> {
    const token = this.token === undefined ? [] : ["--next-token", this.token];
    const ask = () =>
      this.aws.json([...this.question, ...token], { quiet: true }).catch((error: Error) => {
        if (error.message.includes("ResourceNotFoundException")) return {}; // it has said nothing yet
        throw error;
      });
    return (await askAgain(this.wait, ask)) as LogEvents;
  }
}

/** AWS's documents have both. */
const takenBack = ["SpotInterruption", "TerminationNotice"];

/** Why a task ended as it did, and what to do about it, where that is known. */
export function explain(run: TaskRun, environment: string, wanted: string): LandfallError | undefined {
  const { task, exitCode, stopCode, reason = "no reason given", timedOut } = run;
  if (timedOut) return new LandfallError(`${task} did not end in time and was stopped.\n${reason}`);
  if (run.timeWasUp)
    return new LandfallError(`${task} was not done within its time limit, and was stopped.\n${reason}`, {
      exitCode: exitCode || TIME_IS_UP,
    });
  if (stopCode !== undefined && takenBack.includes(stopCode))
    return new LandfallError(`AWS took the Spot capacity of ${task} back.\n${reason}`, {
      mend: `A system with a fallback from Spot runs it once more by itself: ./landfall logs ${environment} ${wanted}. Else: ./landfall run ${environment} ${wanted} --on-demand`,
      exitCode: exitCode || 1,
    });
  if (exitCode !== undefined) return undefined;
  return new LandfallError(`${task} did not start.\n${reason}`, {
    mend: mendOf(reason, environment, wanted),
  });
}

function mendOf(reason: string, environment: string, wanted: string): string {
  if (/capacity/i.test(reason))
    return `Spot has no room at the moment: ./landfall run ${environment} ${wanted} --on-demand`;
  const cause = reason.replace("unable to pull secrets or registry auth", ""); // said of either
  if (/secret|asm\b/i.test(cause))
    return `See whether its secrets have values: ./landfall secret list ${environment}`;
  if (/CannotPull|image|registry|\becr\b/i.test(cause))
    return `See whether its image is there: ./landfall images push ${environment}. A task in a private subnet also needs a way to ECR.`;
  if (/efs|mount|volume/i.test(reason))
    return "See whether the file system is there, and lets the task's security group in on port 2049.";
  return "See docs/containers.md, and the task in the console of ECS, which keeps it for an hour.";
}

const minutes = (text: string): number => {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError("Write a number of minutes.");
  return Number(text);
};

interface Flags {
  readonly onDemand?: true;
  readonly follow: boolean;
  readonly timeout?: number;
  readonly json?: true;
}

/** Adds `run`. Its exit code is the container's. */
export function register(program: Command): void {
  program
    .command("run")
    .description("run a scheduled task by hand, and follow its log to its exit code")
    .argument("<env>", "environment")
    .argument("<task>", "task, such as analysis; system/task where several systems have one")
    .option("--on-demand", "on Fargate, where Spot has no room")
    .option("--no-follow", "only start it")
    .option("--timeout <minutes>", "stop the task where it runs longer", minutes)
    .option("--json", "what became of it, as JSON; its log goes to stderr")
    .action(async (name: string, wanted: string, { onDemand, follow, timeout, json }: Flags) => {
      if (!follow && timeout !== undefined)
        throw new UsageError("--timeout needs somebody who watches, so it does not go with --no-follow.");
      const onLine = json ? progress : result;
      const options = { environment: process.env, onDemand, follow, timeout, onLine };
      const run = await runTask(name, wanted, options);
      if (json) resultJson(run);
      if (run.status !== "STOPPED") {
        if (!json) result(run.arn);
        return;
      }
      const problem = explain(run, name, wanted);
      if (problem) throw problem;
      progress(
        `${run.task}: exit code ${run.exitCode}${run.reason ? `, ${run.reason.replaceAll("\n", ", ")}` : ""}`,
      );
      process.exitCode = run.exitCode;
    });
}
