import type { Command } from "commander";
import { StateStore } from "../../backend/state-store";
import { stageDefaults } from "../../environments/stage-class";
import { LandfallError, UsageError } from "../../environments/errors";
import { isEnvironmentStack } from "../../environments/stack-names";
import { guardData } from "../guards/data-lost";
import { confirm, confirmByName, progress, takesColors } from "../output";
import { totalOf, withProgress } from "../progress";
import { retiringTaskDefinitions } from "../task-definitions";
import type { Terraform } from "../terraform";
import { explainLock, openTerraform, openWorkspace, type Workspace } from "../workspace";
import { checkArguments, planStack, withOwnPlanFile } from "./plan";

export interface DestroyOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Goes on without asking, except where the stage class wants the name. */
  readonly yes?: boolean;
  /** The name, for a stage class that wants it typed. */
  readonly confirm?: string;
  readonly args?: readonly string[];
}

/** Plans the end of a stack, asks, and applies that plan. */
export async function destroy(name: string, options: DestroyOptions): Promise<void> {
  if (name === "state") {
    throw new UsageError(
      "The stack state is never destroyed: it holds the state of all others, and their history.",
    );
  }
  const workspace = await openWorkspace(name, { environment: options.environment });
  if (name === "shared") await requireUnused(workspace);
  const terraform = await openTerraform(workspace);
  await withOwnPlanFile(terraform, (file) => destroyByPlan(workspace, terraform, file, options));
}

async function destroyByPlan(
  workspace: Workspace,
  terraform: Terraform,
  file: string,
  options: DestroyOptions,
): Promise<void> {
  const { name } = workspace.stack;
  const plan = await planStack(workspace, terraform, { destroy: true, args: options.args, out: file });
  if (!plan.changes) return progress(`${name}: nothing to destroy`);

  // Terraform destroys also what only its block kept, and what the configuration lets stay in AWS
  if (name !== "shared") guardData(workspace.stack, await terraform.showJson(file));
  progress(await terraform.show(file, { color: takesColors(process.stderr) }));
  const question = `Destroy ${name}?`;
  // `shared` counts as prod, and has to go quickly where nothing stands on it in the sandbox.
  if (stageDefaults[workspace.stack.stageClass].confirmDestroyByName && !workspace.target.emulator) {
    await confirmByName(question, name, { given: options.confirm });
  } else {
    await confirm(question, options);
  }
  await retiringTaskDefinitions(workspace, () =>
    explainLock(workspace, () =>
      withProgress(totalOf(plan.counts), (listener) => terraform.apply(file, { listener })),
    ),
  );
}

/** @throws {LandfallError} where an environment still stands on `shared` */
async function requireUnused({ stack, target, store }: Workspace): Promise<void> {
  const environments = (await store.stacks()).filter(isEnvironmentStack);
  const standing: string[] = [];
  for (const name of environments) {
    const location = { ...stack.state, key: stack.state.key.replace(/^shared\//, `${name}/`) };
    const state = await new StateStore(location, target.emulator).read();
    if (state?.resources.some(({ mode }) => mode === "managed")) standing.push(name);
  }
  if (standing.length === 0) return;
  throw new LandfallError(`These environments stand on shared: ${standing.join(", ")}.`, {
    mend: `Destroy them first: ${standing.map((name) => `./landfall destroy ${name}`).join("; ")}`,
  });
}

interface Flags {
  readonly yes?: true;
  readonly confirm?: string;
}

/** Adds `destroy`. */
export function register(program: Command): void {
  program
    .command("destroy")
    .description("plan the end of a stack, ask, and apply that plan")
    .argument("<env>", "environment, shared or access")
    .argument("[args...]", "arguments for Terraform's plan, after --")
    .option("-y, --yes", "do not ask; an environment of stage class prod wants --confirm")
    .option("--confirm <name>", "the environment's name, instead of typing it")
    .action(async (name: string, args: string[], flags: Flags) => {
      if (name !== "state") checkArguments(name, args);
      await destroy(name, { environment: process.env, args, ...flags });
    });
}
