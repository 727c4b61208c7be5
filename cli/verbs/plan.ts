import type { Command } from "commander";
import { readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { LandfallError, UsageError } from "../../environments/errors";
import { isOwnArgument } from "../binary";
import { isAlive } from "../lock";
import { progress, result, resultJson, takesColors } from "../output";
import { withProgress } from "../progress";
import { checkReviewOnly, reviewOnlyArguments } from "../review-only";
import type { Plan, Terraform } from "../terraform";
import {
  explainLock,
  openTerraform,
  openWorkspace,
  sharedShortcoming,
  type SharedShortcoming,
  type Workspace,
} from "../workspace";

export interface PlanStackOptions {
  /** Where to save the plan. @default `landfall.tfplan` in the stack's folder */
  readonly out?: string;
  readonly destroy?: boolean;
  /** The user's own arguments for the binary. */
  readonly args?: readonly string[];
}

/** Plans a stack and saves the plan. */
export async function planStack(
  workspace: Workspace,
  terraform: Terraform,
  options: PlanStackOptions = {},
): Promise<Plan> {
  const { out, destroy, args } = options;
  const file = resolve(out ?? join(terraform.directory, "landfall.tfplan"));
  progress(`planning ${workspace.stack.name}`);
  return explainLock(workspace, () =>
    withProgress(undefined, (listener) => terraform.plan({ file, destroy, args, listener })),
  );
}

/**
 * Does `work` with a plan file of this run alone, and removes that: another run's must not take its place while
 * somebody is asked about this one.
 */
export async function withOwnPlanFile<T>(
  { directory }: Pick<Terraform, "directory">,
  work: (file: string) => Promise<T>,
): Promise<T> {
  removePlansOfTheDead(directory);
  const file = join(directory, `landfall-${process.pid}.tfplan`);
  try {
    return await work(file);
  } finally {
    rmSync(file, { force: true });
  }
}

/** A run that is killed leaves its plan. */
function removePlansOfTheDead(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = /^landfall-(\d+)\.tfplan$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(directory, name), { force: true });
  }
}

/**
 * What is wrong with the `shared` that an environment stands on, told on stderr where a plan can do without.
 * @returns what a plan cannot do without
 */
export async function checkShared({ stack, shared }: Workspace): Promise<SharedShortcoming | undefined> {
  if (!stack.shared || !shared) return undefined;
  const wanted = { digest: shared.stack.digest, addresses: stack.shared.addresses };
  return sharedShortcoming(await shared.store.read(), wanted);
}

/** @throws {LandfallError} where a plan would fail for the lack of `shared`; anything less is told on stderr */
export function requireShared(shortcoming: SharedShortcoming | undefined): void {
  const mend = "./landfall apply shared, or --with-shared with apply";
  if (shortcoming?.fatal) throw new LandfallError(shortcoming.what, { mend: `Deploy it: ${mend}` });
  if (shortcoming) progress(`${shortcoming.what} To deploy it: ${mend}`);
}

/** @throws {UsageError} for `state`, which has a command of its own, and for arguments that are no options */
export function checkArguments(name: string, args: readonly string[]): void {
  if (name === "state") {
    throw new UsageError("The stack state holds all state; it is made and changed by ./landfall bootstrap.");
  }
  const own = args.find(isOwnArgument);
  if (own !== undefined) {
    throw new UsageError(`"${own}" is not handed on: it would pass by the questions that are asked here.`, {
      mend: "To end a stack: ./landfall destroy. To save a plan: --out.",
    });
  }
  const stray = args.find((arg) => !arg.startsWith("-"));
  if (stray !== undefined) throw new UsageError(`"${stray}" is one argument too many.`);
}

interface Flags {
  readonly out?: string;
  readonly json?: true;
  readonly detailedExitcode?: true;
  readonly reviewOnly?: true;
}

/** Adds `plan`. */
export function register(program: Command): void {
  program
    .command("plan")
    .description("show what apply would do")
    .argument("<env>", "environment, or shared")
    .argument("[args...]", "arguments for Terraform, after --, such as -- -replace=ADDRESS")
    .option("--out <file>", "where to save the plan")
    .option("--json", "the plan as `terraform show -json` has it")
    .option("--detailed-exitcode", "exit code 2 where there are changes, as with Terraform")
    .option("--review-only", "read no secret, and keep no plan: for a role that may only look")
    .action(async (name: string, args: string[], { out, json, detailedExitcode, reviewOnly }: Flags) => {
      checkArguments(name, args);
      if (reviewOnly) checkReviewOnly(out, args);
      const workspace = await openWorkspace(name, { environment: process.env });
      const terraform = await openTerraform(workspace, { reviewOnly });
      requireShared(await checkShared(workspace));
      const more = reviewOnly ? await reviewOnlyArguments(workspace) : [];
      const work = async (file?: string): Promise<void> => {
        const plan = await planStack(workspace, terraform, { out: file, args: [...args, ...more] });
        if (json) resultJson(await terraform.showJson(plan.file));
        else result(await terraform.show(plan.file, { color: takesColors(process.stdout) }));
        if (detailedExitcode && plan.changes) process.exitCode = 2;
      };
      if (reviewOnly) await withOwnPlanFile(terraform, work);
      else await work(out);
    });
}
