import { serviceName, type DeployedContainer, type DeployedContainers } from "./containers";

/** AWS describes so many tasks at once. */
const AT_ONCE = 100;

/** A task, as ECS's API tells it. */
export interface RunningTask {
  readonly taskArn: string;
  /** Whether it was started with ECS Exec. */
  readonly enableExecuteCommand?: boolean;
  readonly containers?: readonly {
    readonly name: string;
    readonly runtimeId?: string;
    readonly managedAgents?: readonly { readonly name?: string; readonly lastStatus?: string }[];
  }[];
}

/** Tasks of a container that run; perhaps none. */
export async function runningTasks(
  { aws }: DeployedContainers,
  container: DeployedContainer,
): Promise<readonly RunningTask[]> {
  const { cluster, kind, family } = container;
  const whose = kind === "service" ? ["--service-name", serviceName(container)] : ["--family", family];
  const list = ["ecs", "list-tasks", "--cluster", cluster, ...whose, "--desired-status", "RUNNING"];
  const { taskArns } = (await aws.json(list)) as { taskArns: readonly string[] };
  if (taskArns.length === 0) return [];
  const describe = ["ecs", "describe-tasks", "--cluster", cluster, "--tasks", ...taskArns.slice(0, AT_ONCE)];
  return ((await aws.json(describe)) as { tasks: readonly RunningTask[] }).tasks;
}

/** How to turn ECS Exec on for a system. */
export function execMend({ environment }: DeployedContainers, system: string): string {
  const prefix = `TF_VAR_${system.replaceAll("-", "_")}`;
  return `Turn it on (${prefix}_exec="true" and ${prefix}_read_only_root="false"), and ./landfall apply ${environment}; tasks that are started then have it.`;
}

/** What Session Manager calls a container of a task; undefined where none of its agents answers. */
export function sessionTarget(
  { cluster, container }: DeployedContainer,
  { taskArn, enableExecuteCommand, containers = [] }: RunningTask,
): string | undefined {
  const own = containers.find(({ name }) => name === container);
  const isManaged = own?.managedAgents?.some(
    ({ name, lastStatus }) => name === "ExecuteCommandAgent" && lastStatus === "RUNNING",
  );
  if (!enableExecuteCommand || own?.runtimeId === undefined || !isManaged) return undefined;
  return `ecs:${cluster}_${taskArn.split("/").at(-1)}_${own.runtimeId}`;
}
