import type { Command } from "commander";
import { LandfallError, UsageError } from "../../environments/errors";
import {
  findContainer,
  openContainers,
  Wait,
  type ContainerOptions,
  type DeployedContainer,
  type DeployedContainers,
} from "../containers";
import { progress, result, resultJson } from "../output";
import { NOT_WAITED_FOR, primary, Rollout, type Service } from "../rollout";

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
    return await restarted(deployed, container, wait);
  } finally {
    wait.end();
  }
}

async function restarted(
  deployed: DeployedContainers,
  container: DeployedContainer,
  wait: Wait,
): Promise<Restart> {
  const { name } = container;
  const rollout = new Rollout(deployed, container, wait);
  const { service } = rollout;
  const { desiredCount: desired } = await rollout.look();
  if (desired === 0) return { name, service, status: "stopped", desired };
  const update = ["ecs", "update-service", ...rollout.target("--service"), "--force-new-deployment"];
  const answer = (await wait.for(deployed.aws.json(update))) as { service: Service };
  const common = { name, service, desired, deployment: primary(answer.service)?.id };
  if (deployed.emulated) {
    progress(NOT_WAITED_FOR);
    return { ...common, status: "started" };
  }
  const { done, ...why } = await rollout.end(common.deployment);
  return { ...common, status: done ? "restarted" : "failed", ...why };
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
