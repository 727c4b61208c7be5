import type { Command } from "commander";
import {
  adoptables,
  readLocalState,
  removeLocalState,
  toAdopt,
  useLocalState,
  useRemoteState,
  type Adoptable,
} from "../../backend/bootstrap";
import type { Outputs, StateStore } from "../../backend/state-store";
import { findBinary } from "../binary";
import { LandfallError } from "../../environments/errors";
import { progress, result } from "../output";
import { totalOf, withProgress } from "../progress";
import { Terraform } from "../terraform";
import { explainLock, openWorkspace, type Workspace } from "../workspace";
import { applyPlan } from "./apply";
import { formatOutputs } from "./outputs";
import { withOwnPlanFile } from "./plan";

export interface BootstrapOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Goes on without asking. */
  readonly yes?: boolean;
  /** Whether the plan is shown before it is applied. @default true */
  readonly show?: boolean;
}

/**
 * Makes the state bucket and the lock table, and moves the state of these two into the bucket. Run again it changes
 * nothing; interrupted anywhere, or with its local state lost, it goes on with what is there.
 * @returns the outputs of the stack `state`
 */
export async function bootstrap({ environment, yes, show }: BootstrapOptions): Promise<Outputs> {
  const workspace = await openWorkspace("state", { environment });
  const { stack, target, store } = workspace;
  const { directory } = stack;
  const terraform = new Terraform(await findBinary(target.environment), directory, target.environment);
  if (await store.read()) {
    useRemoteState(directory);
    removeLocalState(directory);
    await terraform.init();
    // A table that is not there yet cannot lock: that is when the lock has just been moved to DynamoDB.
    const lock = !stack.state.lockTable || (await store.hasLockTable());
    await change(workspace, terraform, { yes, show, lock });
  } else {
    const existing = await existingOf(store, adoptables(stack.state));
    const adopt = toAdopt(existing, readLocalState(directory));
    if (adopt.length > 0) progress(`adopting ${adopt.map(({ id }) => id).join(", ")}, which exist already`);
    useLocalState(directory, adopt);
    await terraform.init();
    await change(workspace, terraform, { yes, show, lock: true });
    useRemoteState(directory);
    await moveState(store, terraform);
  }
  return (await store.read())?.outputs ?? {};
}

async function existingOf(store: StateStore, candidates: readonly Adoptable[]): Promise<Adoptable[]> {
  const existing: Adoptable[] = [];
  for (const candidate of candidates) {
    const isBucket = candidate.type === "aws_s3_bucket";
    if (isBucket ? await store.hasBucket(candidate.id) : await store.hasLockTable()) existing.push(candidate);
  }
  return existing;
}

async function change(
  workspace: Workspace,
  terraform: Terraform,
  { yes, show, lock }: Pick<BootstrapOptions, "yes" | "show"> & { readonly lock: boolean },
): Promise<void> {
  const { name } = workspace.stack;
  await withOwnPlanFile(terraform, async (file) => {
    const plan = await explainLock(workspace, () =>
      withProgress(undefined, (listener) => terraform.plan({ file, lock, listener })),
    );
    if (!plan.changes) return progress(`${name}: no changes`);
    requireNothingLost(plan.destroyed);
    const question = "Apply this plan to the state backend?";
    await applyPlan(workspace, terraform, { file, total: totalOf(plan.counts), yes, show, lock, question });
  });
}

/** @throws {LandfallError} where a bucket or the table would go */
export function requireNothingLost(destroyed: readonly string[]): void {
  const lost = destroyed.filter((address) => /^aws_(s3_bucket|dynamodb_table)\./.test(address));
  if (lost.length === 0) return;
  throw new LandfallError(`This would destroy ${lost.join(", ")}, which bootstrap never does.`, {
    mend: `Set the inputs in shared.env back. To leave them in AWS on their own: terraform -chdir=cdktf.out/stacks/state state rm ${lost.join(" ")}`,
  });
}

async function moveState(store: StateStore, terraform: Terraform): Promise<void> {
  progress("moving the state into the bucket");
  await store.forgetChecksum();
  await terraform.init({ migrate: true });
  if (!(await store.read())) {
    throw new LandfallError("The state did not arrive in the bucket; the local one was kept.", {
      mend: "Run ./landfall bootstrap again.",
    });
  }
  removeLocalState(terraform.directory);
}

/** Adds `bootstrap`. */
export function register(program: Command): void {
  program
    .command("bootstrap")
    .description("make the state bucket and the lock table, once for all environments")
    .option("-y, --yes", "do not ask")
    .action(async ({ yes }: { yes?: true }) => {
      result(formatOutputs(await bootstrap({ environment: process.env, yes })));
    });
}
