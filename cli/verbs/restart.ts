import type { Command } from "commander";
import { LandfallError, UsageError } from "../../environments/errors";
import {
  askAgain,
  awsCommand,
  findContainer,
  InterruptedError,
  openContainers,
  serviceName,
  Wait,
  type ContainerOptions,
  type DeployedContainer,
  type DeployedContainers,
} from "../containers";
import { progress, result, resultJson } from "../output";

/** Minutes that a deployment may take; one without capacity would be waited for without end. */
const LIMIT = 30;
/** Of a service's events, the last are shown. */
const EVENTS = 10;

/** What became of a service. */
export interface Restart {
  /** What commands call it. */
  readonly name: string;
  /** Its name in ECS. */
  readonly service: string;
  /** `stopped`: no task is wanted, so there is nothing to restart. `started`: nobody waited for the end. */
  readonly status: "restarted" | "started" | "stopped" | "failed";
  readonly desired: number;
  /** Id of the deployment. */
  readonly deployment?: string;
  /** Why it failed. */
  readonly reason?: string;
  /** What ECS said meanwhile, the oldest first. */
  readonly events?: readonly string[];
}

interface Deployment {
  readonly id: string;
  readonly status: string;
  readonly rolloutState?: string;
  readonly rolloutStateReason?: string;
  readonly desiredCount: number;
  readonly runningCount: number;
  readonly failedTasks?: number;
}
interface Service {
  readonly status?: string;
  readonly desiredCount: number;
  readonly deployments: readonly Deployment[];
  readonly events?: readonly { readonly id: string; readonly message: string }[];
}

/**
 * Has a service start its tasks anew, and waits until they run and the old ones are gone.
 * @throws {LandfallError} where there is no such service; exit code 130 where the user stops waiting
 */
export async function restart(name: string, wanted: string, options: ContainerOptions): Promise<Restart> {
  const deployed = await openContainers(name, options);
  const container = findContainer(deployed, wanted);
  if (container.kind !== "service")
    throw new UsageError(`${container.name} is a task, which runs at its times, and no service.`, {
      mend: `To run it now: ./landfall run ${name} ${wanted}`,
    });
  return restartService(deployed, container);
}

/** As {@link restart}, of a container that is a service. */
export async function restartService(
  deployed: DeployedContainers,
  container: DeployedContainer,
): Promise<Restart> {
  const wait = new Wait(deployed.poll);
  try {
    return await new Restarting(deployed, container, wait).toTheEnd();
  } finally {
    wait.end();
  }
}

class Restarting {
  private readonly service: string;
  /** Events that were there before. */
  private known: ReadonlySet<string> = new Set();

  constructor(
    private readonly deployed: DeployedContainers,
    private readonly container: DeployedContainer,
    private readonly wait: Wait,
  ) {
    this.service = serviceName(container);
  }

  async toTheEnd(): Promise<Restart> {
    const before = await this.look();
    const { service } = this;
    const { name } = this.container;
    if (before.desiredCount === 0) return { name, service, status: "stopped", desired: 0 };
    this.known = new Set(before.events?.map(({ id }) => id));
    const { deployed } = this;
    const answer = await this.wait.for(
      deployed.aws.json(["ecs", "update-service", ...this.target("--service"), "--force-new-deployment"]),
    );
    const { deployments } = (answer as { service: Service }).service;
    const deployment = deployments.find(({ status }) => status === "PRIMARY")?.id;
    const common = { name, service, desired: before.desiredCount, deployment };
    if (deployed.emulated) {
      progress("The sandbox's containers are emulated, and nothing runs in them: not waited for.");
      return { ...common, status: "started" };
    }
    try {
      return { ...common, ...(await this.end(deployment)) };
    } catch (error) {
      const look = awsCommand(["ecs", "describe-services", ...this.target("--services")], deployed);
      if (error instanceof InterruptedError) progress(`The deployment goes on. To see how: ${look}`);
      throw error;
    }
  }

  private async end(id: string | undefined): Promise<Pick<Restart, "status" | "reason" | "events">> {
    const deadline = Date.now() + LIMIT * 60_000;
    for (let told = ""; ; await this.wait.pause()) {
      const service = await this.look({ quiet: true });
      const deployment = service.deployments.find((one) => one.id === id);
      const failed = (reason: string) => ({
        status: "failed" as const,
        reason,
        events: this.newEvents(service),
      });
      if (!deployment) return failed("Another deployment has taken its place.");
      const now = this.line(deployment);
      if (now !== told) progress((told = now));
      const { rolloutState, rolloutStateReason } = deployment;
      if (rolloutState === "COMPLETED") return { status: "restarted" };
      if (rolloutState === "FAILED") return failed(rolloutStateReason ?? "ECS gave no reason.");
      if (Date.now() > deadline) return failed(`It is not done after ${LIMIT} minutes, and goes on.`);
    }
  }

  private line({ runningCount, desiredCount, failedTasks = 0, rolloutState }: Deployment): string {
    const failed = failedTasks > 0 ? `, ${failedTasks} failed` : "";
    const done =
      rolloutState === "IN_PROGRESS" && runningCount >= desiredCount ? ", old tasks are ending" : "";
    return `${this.service}: ${runningCount} of ${desiredCount} new tasks run${failed}${done}`;
  }

  private newEvents({ events = [] }: Service): string[] {
    return events
      .filter(({ id }) => !this.known.has(id))
      .slice(0, EVENTS)
      .map(({ message }) => message)
      .reverse();
  }

  private target(option: "--service" | "--services"): string[] {
    return ["--cluster", this.container.cluster, option, this.service];
  }

  private async look({ quiet = false } = {}): Promise<Service> {
    const args = ["ecs", "describe-services", ...this.target("--services")];
    const answer = await askAgain(this.wait, () => this.deployed.aws.json(args, { quiet }));
    const [service] = (answer as { services?: readonly Service[] }).services ?? [];
    // One that was deleted is shown for a while
    if (service && service.status !== "INACTIVE" && service.status !== "DRAINING") return service;
    throw new LandfallError(`There is no service ${this.service}.`, {
      mend: `./landfall apply ${this.deployed.environment}`,
    });
  }
}

/** What became of a service, for people; stderr gets why it failed. */
export function tellRestart(restarted: Restart, environment: string): void {
  const { name, service, status, desired, reason, events = [] } = restarted;
  if (status === "stopped")
    progress(
      `${service} is to have no tasks (desired count 0): nothing to restart. It has no image, or is set to 0.`,
    );
  if (status === "restarted")
    progress(`${service}: restarted, ${desired} ${desired === 1 ? "task" : "tasks"}`);
  if (status !== "failed") return;
  for (const event of events) progress(`  ${event}`);
  throw new LandfallError(`${service} was not restarted. ${reason}`, {
    mend: `What it says: ./landfall logs ${environment} ${name}`,
  });
}

/** Adds `restart`. */
export function register(program: Command): void {
  program
    .command("restart")
    .description("start a service's tasks anew, with its secrets as they are now")
    .argument("<env>", "environment")
    .argument("<service>", "service, such as collector; system/service where several systems have one")
    .option("--json", "what became of it, as JSON")
    .action(async (name: string, wanted: string, { json }: { json?: true }) => {
      const restarted = await restart(name, wanted, { environment: process.env });
      if (json) resultJson(restarted);
      else if (restarted.status !== "failed") result(`${restarted.service}: ${restarted.status}`);
      tellRestart(restarted, name);
    });
}
