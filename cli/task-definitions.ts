import {
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  ECSClient,
  paginateListTaskDefinitions,
} from "@aws-sdk/client-ecs";
import type { State, StateStore } from "../backend/state-store";
import { progress } from "./output";
import type { Workspace } from "./workspace";

/** Revisions that one request deletes: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html */
const BATCH = 10;

/** Families of the task definitions that a state has. */
export function familiesOf(state: State | undefined): ReadonlySet<string> {
  const definitions = (state?.resources ?? []).filter(
    ({ mode, type }) => mode === "managed" && type === "aws_ecs_task_definition",
  );
  const instances = definitions.flatMap(({ instances = [] }) => instances) as readonly {
    readonly attributes?: { readonly family?: string };
  }[];
  return new Set(instances.flatMap(({ attributes }) => attributes?.family ?? []));
}

/**
 * Does work that may take task definitions from a stack, and then has ECS forget these. Terraform leaves all revisions
 * where they are, as ECS can go back to none that is deregistered. What cannot be removed costs nothing: it is told, and
 * is no error.
 */
export async function retiringTaskDefinitions<T>(
  { stack, store, target }: Pick<Workspace, "stack" | "store" | "target">,
  work: () => Promise<T>,
): Promise<T> {
  const before = familiesOf(await store.read());
  if (before.size === 0) return work();
  try {
    return await work();
  } finally {
    await retireLost(
      before,
      store,
      new ECSClient({ region: stack.region, ...target.emulator }),
      stack.region,
    );
  }
}

async function retireLost(
  before: ReadonlySet<string>,
  store: Pick<StateStore, "read">,
  ecs: ECSClient,
  region: string,
): Promise<void> {
  try {
    const kept = familiesOf(await store.read());
    for (const family of before) if (!kept.has(family)) await retire(ecs, family);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    progress(`Not all task definitions that are needed no more were removed; they cost nothing. ${why}`);
    progress(`To see what is left: aws ecs list-task-definitions --status ACTIVE --region ${region}`);
  } finally {
    ecs.destroy();
  }
}

async function retire(ecs: ECSClient, family: string): Promise<void> {
  const arns: string[] = [];
  for await (const page of paginateListTaskDefinitions(
    { client: ecs },
    { familyPrefix: family, status: "ACTIVE" },
  ))
    arns.push(...(page.taskDefinitionArns ?? []));
  const own = arns.filter((arn) => arn.replace(/^.*\/|:\d+$/g, "") === family); // the prefix has others too
  for (const taskDefinition of own) await ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
  for (let at = 0; at < own.length; at += BATCH)
    await ecs.send(new DeleteTaskDefinitionsCommand({ taskDefinitions: own.slice(at, at + BATCH) }));
  if (own.length > 0) progress(`removed ${own.length} revisions of the task definition ${family}`);
}
