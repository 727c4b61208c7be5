import type { Command } from "commander";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { countManaged, type Outputs } from "../../backend/state-store";
import { LandfallError, UsageError } from "../../environments/errors";
import { readReview, requireReviewed } from "../guards/reviewed";
import { enforceGuards, parseAllowed, risksOf, type Allowed } from "../guards/risks";
import { confirm, progress, result, takesColors } from "../output";
import { totalOf, withProgress } from "../progress";
import { awaitMacroAi } from "../release/macro-ai";
import { retiringTaskDefinitions } from "../task-definitions";
import { checkPlanIsOf, type PlanDocument } from "../plan-document";
import { refuseReviewOnly } from "../review-only";
import type { Review } from "../review/model";
import { reviewOf } from "../review/review";
import { TerraformError, type Counts, type Terraform } from "../terraform";
import { awaitServices } from "../rollout";
import { explainLock, openTerraform, openWorkspace, type Workspace } from "../workspace";
import { checkBeforeApply, configureAfterApply } from "./configure";
import { formatOutputs } from "./outputs";
import { updateXScheduler } from "./release";
import { checkArguments, checkShared, planStack, requireShared, withOwnPlanFile } from "./plan";

export interface ApplyOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Goes on without asking. */
  readonly yes?: boolean;
  /** Applies `shared` first where it is missing or behind. */
  readonly withShared?: boolean;
  /** A saved plan, which is applied and nothing else. */
  readonly plan?: string;
  /** A review, as `plan --format json` writes it: applied is only what does the same. */
  readonly reviewed?: string;
  /** Risks that are taken in this run: rules, or `<rule>:<address>`. */
  readonly allow?: readonly string[];
  /** The user's own arguments for the binary's plan. */
  readonly args?: readonly string[];
  /** Whether the plan is shown before it is applied. @default true */
  readonly show?: boolean;
}

/**
 * Plans, asks, applies that plan, and finishes hosts and services. Where that last step fails, it is told and is the process's exit
 * code.
 * @returns the stack's outputs
 */
export async function apply(name: string, options: ApplyOptions): Promise<Outputs> {
  const { yes, args, show } = options;
  const { environment } = options;
  const allowed = parseAllowed(options.allow);
  const reviewed = options.reviewed === undefined ? undefined : readReview(resolve(options.reviewed), name);
  const workspace = await openWorkspace(name, { environment, requireSecrets: true });
  checkBeforeApply(name, { environment });
  const terraform = await openTerraform(workspace);
  const shortcoming = await checkShared(workspace);
  if (shortcoming && options.withShared) {
    progress(shortcoming.what);
    await apply("shared", { environment: workspace.environment, yes, show });
  } else {
    requireShared(shortcoming);
  }
  if (options.plan !== undefined) {
    await applySaved(workspace, terraform, resolve(options.plan), { yes, allowed });
  } else {
    await withOwnPlanFile(terraform, async (file) => {
      const { changes, counts } = await planStack(workspace, terraform, { args, out: file });
      requireSomethingKept(name, counts, countManaged(await workspace.store.read()));
      if (changes) {
        check(workspace, await terraform.showJson(file), { allowed, reviewed });
        await applyPlan(workspace, terraform, { file, total: totalOf(counts), yes, show });
      } else {
        progress(`${name}: no changes${reviewed ? ": what was reviewed is not to do any more" : ""}`);
      }
    });
  }
  const outputs = (await workspace.store.read())?.outputs ?? {};
  const exitCode = await finishApply(name, { environment, outputs });
  if (exitCode !== 0) process.exitCode = exitCode;
  return outputs;
}

/** @throws {LandfallError} where a plan is not what was reviewed, or the guards refuse it */
function check(
  { stack }: Workspace,
  document: PlanDocument,
  { allowed, reviewed }: { readonly allowed: readonly Allowed[]; readonly reviewed?: Review },
): void {
  if (reviewed)
    requireReviewed(reviewed, reviewOf(stack.name, document, { risks: risksOf(stack, document) }));
  enforceGuards(stack, document, { allowed });
}

/**
 * What an apply ends with: hosts are configured, updated and waited for, and services too. What was applied stays so, whatever fails here.
 * @returns exit code: 0 all went well, 1 something failed and was told, 130 the user wanted to stop
 */
export async function finishApply(
  name: string,
  { environment, outputs }: Pick<ApplyOptions, "environment"> & { readonly outputs: Outputs },
): Promise<number> {
  const has = (wanted: string) => outputs[wanted] !== undefined;
  const hasContainers = Object.keys(outputs).some((output) => output.endsWith("_containers"));
  const steps: readonly { work: () => Promise<boolean>; when: boolean; failed: string }[] = [
    {
      work: () => configureAfterApply(name, { environment, outputs }),
      when: true, // it knows itself whether there is something to do
      failed: `Chronos is not configured on all hosts. Mend that, then: ./landfall configure ${name}`,
    },
    {
      work: () => updateXScheduler(name, { environment }),
      when: has("x_scheduler_instance_id"),
      failed: `x-scheduler was not updated. Mend that, then: ./landfall release ${name} x-scheduler`,
    },
    {
      work: () => awaitMacroAi(name, { environment }),
      when: has("macro_ai_release_parameter"),
      failed: `macro-ai's new hosts are not ready. See ./landfall logs ${name} macro-ai --group user-data`,
    },
    {
      work: () => awaitServices(name, { environment }),
      when: hasContainers,
      failed: "Not all services run what was applied; ECS goes back to what ran before, where it can.",
    },
  ];
  let exitCode = 0;
  for (const { work, failed } of steps.filter(({ when }) => when)) {
    try {
      if (await work()) continue;
    } catch (error) {
      tell(error);
      if (error instanceof LandfallError && error.exitCode === 130) return 130;
    }
    progress(failed);
    exitCode = 1;
  }
  return exitCode;
}

function tell(error: unknown): void {
  progress(error instanceof Error ? error.message : String(error));
  if (error instanceof LandfallError && error.mend) progress(error.mend);
}

export interface ApplyPlanOptions {
  readonly file: string;
  /** How many resources it changes. */
  readonly total: number;
  readonly yes?: boolean;
  /** @default Apply this plan to <stack>? */
  readonly question?: string;
  /** @default true */
  readonly show?: boolean;
  /** Whether to hold the lock. @default true */
  readonly lock?: boolean;
}

/** Shows a saved plan, asks, and applies it. */
export async function applyPlan(
  workspace: Workspace,
  terraform: Terraform,
  options: ApplyPlanOptions,
): Promise<void> {
  const {
    file,
    total,
    yes,
    show = true,
    lock,
    question = `Apply this plan to ${workspace.stack.name}?`,
  } = options;
  if (show) progress(await terraform.show(file, { color: takesColors(process.stderr) }));
  await confirm(question, { yes });
  await retiringTaskDefinitions(workspace, () =>
    explainLock(workspace, () =>
      explainStale(workspace.stack.name, () =>
        withProgress(total, (listener) => terraform.apply(file, { lock, listener })),
      ),
    ),
  );
}

/** Does `work`; where another run has changed the state since the plan, the error says so. */
async function explainStale<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const stale = ["Saved plan is stale", "Saved plan does not match the given state"];
    if (!(error instanceof TerraformError) || !stale.some((summary) => error.is(summary))) throw error;
    throw new LandfallError(`${name} has changed since this plan was made; nothing was applied.`, {
      mend: `Another run was first. Plan again: ./landfall plan ${name}`,
    });
  }
}

async function applySaved(
  workspace: Workspace,
  terraform: Terraform,
  file: string,
  { yes, allowed }: Pick<ApplyOptions, "yes"> & { readonly allowed: readonly Allowed[] },
): Promise<void> {
  const { name } = workspace.stack;
  if (!existsSync(file))
    throw new UsageError(`There is no plan ${file}.`, {
      mend: `Make it: ./landfall plan ${name} --out FILE`,
    });
  const document = await terraform.showJson(file);
  checkPlanIsOf(workspace.stack, document);
  refuseReviewOnly(name, document);
  const counts = countsOf(document);
  requireSomethingKept(name, counts, countManaged(await workspace.store.read()));
  check(workspace, document, { allowed });
  await applyPlan(workspace, terraform, { file, total: totalOf(counts), yes });
}

/**
 * The end of a stack has questions of its own, which arguments in the shell or a plan made by the binary itself would
 * pass by.
 * @param existing how many resources there are
 * @throws {UsageError} where the plan destroys all of them and makes nothing
 */
export function requireSomethingKept(name: string, { add, change, remove }: Counts, existing: number): void {
  if (add + change > 0 || remove === 0 || remove < existing) return;
  throw new UsageError(`This plan destroys all of ${name}; apply does not do that.`, {
    mend: `Destroy it: ./landfall destroy ${name}`,
  });
}

/** What a plan changes; a resource that is replaced is added and removed. */
function countsOf({ resource_changes: changes = [] }: PlanDocument): Counts {
  const actions = changes.flatMap(({ change }) => change.actions);
  const count = (wanted: string) => actions.filter((action) => action === wanted).length;
  return { add: count("create"), change: count("update"), remove: count("delete") };
}

interface Flags {
  readonly yes?: true;
  readonly withShared?: true;
  readonly plan?: string;
  readonly reviewed?: string;
  readonly allow?: readonly string[];
}

/** @throws {UsageError} where options contradict each other */
function checkFlags({ plan, reviewed, withShared }: Flags, args: readonly string[]): void {
  if (plan !== undefined && (args.length > 0 || withShared)) {
    throw new UsageError(
      "A saved plan is applied as it is: --plan goes with neither --with-shared nor arguments after --.",
    );
  }
  if (plan !== undefined && reviewed !== undefined) {
    throw new UsageError("--reviewed plans anew, and --plan does not: they do not go together.", {
      mend: "Give the review alone. A saved plan is refused by itself where the state has changed since.",
    });
  }
  if (reviewed !== undefined && withShared) {
    throw new UsageError(
      "--reviewed does not go with --with-shared: nobody has reviewed the plan of shared.",
      {
        mend: "Have that reviewed too: ./landfall plan shared --format json > FILE, and apply it first.",
      },
    );
  }
}

/** Adds `apply`, also called `deploy`. */
export function register(program: Command): void {
  program
    .command("apply")
    .alias("deploy")
    .description("plan, ask, apply that plan, and print the outputs")
    .argument("<env>", "environment, shared or access")
    .argument("[args...]", "arguments for Terraform's plan, after --, such as -- -replace=ADDRESS")
    .option("-y, --yes", "do not ask")
    .option("--with-shared", "apply shared first where it is missing or behind")
    .option("--plan <file>", "apply this saved plan and nothing else")
    .option("--reviewed <file>", "apply only what does the same as this review, made by plan --format json")
    .option(
      "--allow <rule>",
      "take a risk that is refused otherwise, for this run: a rule or <rule>:<address>; may be given again",
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .action(async (name: string, args: string[], flags: Flags) => {
      checkArguments(name, args);
      checkFlags(flags, args);
      result(formatOutputs(await apply(name, { environment: process.env, args, ...flags })));
    });
}
