import { LandfallError } from "../environments/errors";
import {
  askAgain,
  awsCommand,
  InterruptedError,
  openContainers,
  serviceName,
  Wait,
  type ContainerOptions,
  type DeployedContainer,
  type DeployedContainers,
} from "./containers";
import { progress } from "./output";

/** Minutes that a deployment may take; one without capacity would be waited for without end. */
const LIMIT = 30;
/** Of a service's events, the last are shown. */
const EVENTS = 10;

/** One of a service's deployments, as ECS's API tells it. */
export interface Deployment {
  readonly id: string;
  /** The one that the service goes to is `PRIMARY`. */
  readonly status: string;
  /** ARN with the revision. */
  readonly taskDefinition: string;
  readonly rolloutState?: string;
  readonly rolloutStateReason?: string;
  readonly desiredCount: number;
  readonly runningCount: number;
  readonly failedTasks?: number;
}

/** A service, as ECS's API tells it. */
export interface Service {
  readonly status?: string;
  readonly desiredCount: number;
  readonly deployments: readonly Deployment[];
  readonly events?: readonly { readonly id: string; readonly message: string }[];
}

/** How a deployment ended. */
export interface RolloutEnd {
  readonly done: boolean;
  /** Why it is not done. */
  readonly reason?: string;
  /** What ECS said meanwhile, the oldest first. */
  readonly events?: readonly string[];
}

/** The deployment that a service goes to. */
export const primary = ({ deployments }: Service): Deployment | undefined =>
  deployments.find(({ status }) => status === "PRIMARY");

/** Watches a service's deployments. */
export class Rollout {
  readonly service: string;
  /** Events that were there before. */
  private known: ReadonlySet<string> = new Set();

  constructor(
    private readonly deployed: DeployedContainers,
    private readonly container: DeployedContainer,
    private readonly wait: Wait,
  ) {
    this.service = serviceName(container);
  }

  /** The service as it is now. @throws {LandfallError} where there is none */
  async look(): Promise<Service> {
    const service = await this.ask();
    this.known = new Set(service.events?.map(({ id }) => id));
    return service;
  }

  /**
   * Waits until the new tasks run and the old ones are gone.
   * @param id of the deployment
   * @throws with exit code 130 where the user stops waiting; the deployment goes on
   */
  async end(id: string | undefined): Promise<RolloutEnd> {
    try {
      return await this.watch(id);
    } catch (error) {
      const look = awsCommand(["ecs", "describe-services", ...this.target("--services")], this.deployed);
      if (error instanceof InterruptedError) progress(`The deployment goes on. To see how: ${look}`);
      throw error;
    }
  }

  private async watch(id: string | undefined): Promise<RolloutEnd> {
    const deadline = Date.now() + LIMIT * 60_000;
    for (let told = ""; ; await this.wait.pause()) {
      const service = await this.ask({ quiet: true });
      const deployment = service.deployments.find((one) => one.id === id);
      const failed = (reason: string) => ({ done: false, reason, events: this.newEvents(service) });
      if (!deployment) return failed("Another deployment has taken its place.");
      const now = this.line(deployment);
      if (now !== told) progress((told = now));
      const { rolloutState, rolloutStateReason } = deployment;
      if (rolloutState === "COMPLETED") return { done: true };
      if (rolloutState === "FAILED") return failed(rolloutStateReason ?? "ECS gave no reason.");
      if (Date.now() > deadline) return failed(`It is not done after ${LIMIT} minutes, and goes on.`);
    }
  }

  /** Cluster and service, as the AWS CLI's command takes them. */
  target(option: "--service" | "--services"): string[] {
    return ["--cluster", this.container.cluster, option, this.service];
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

  private async ask({ quiet = false } = {}): Promise<Service> {
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

/** Said wherever a sandbox's containers would be waited for. */
export const NOT_WAITED_FOR =
  "The sandbox's containers are emulated, and nothing runs in them: not waited for.";

/**
 * Waits for what an apply has begun: that each service runs the tasks of its task definition as it is now.
 * @returns whether all do; true too in the sandbox, where nothing runs
 * @throws {LandfallError} where AWS does not do or, with exit code 130, the user stops waiting
 */
export async function awaitServices(name: string, options: ContainerOptions): Promise<boolean> {
  const deployed = await openContainers(name, options);
  const services = deployed.containers.filter(({ kind }) => kind === "service");
  if (services.length === 0) return true;
  if (deployed.emulated) {
    progress(NOT_WAITED_FOR);
    return true;
  }
  const wait = new Wait(deployed.poll);
  const failed: DeployedContainer[] = [];
  try {
    // One by one: they go on side by side at AWS
    for (const container of services) {
      if (!(await serves(deployed, container, wait))) failed.push(container);
    }
  } finally {
    wait.end();
  }
  for (const { name: failing } of failed) progress(`What it says: ./landfall logs ${name} ${failing}`);
  return failed.length === 0;
}

async function serves(
  deployed: DeployedContainers,
  container: DeployedContainer,
  wait: Wait,
): Promise<boolean> {
  const rollout = new Rollout(deployed, container, wait);
  const service = await rollout.look();
  if (service.desiredCount === 0) {
    progress(`${rollout.service}: is to have no tasks`);
    return true;
  }
  const deployment = primary(service);
  const {
    done,
    reason,
    events = [],
  } = wentBack(deployment, container) ?? (await rollout.end(deployment?.id));
  if (done) return true;
  for (const event of events) progress(`  ${event}`);
  progress(`${rollout.service} does not run what was applied. ${reason}`);
  return false;
}

/** A circuit breaker may be faster than the end of an apply. */
function wentBack(
  deployment: Deployment | undefined,
  { task_definition: wanted }: DeployedContainer,
): RolloutEnd | undefined {
  if (wanted === undefined || deployment === undefined || deployment.taskDefinition === wanted)
    return undefined;
  const [has, not] = [deployment.taskDefinition, wanted].map((arn) => arn.split("/").at(-1));
  return { done: false, reason: `ECS is on ${has}, and not on ${not}.` };
}
