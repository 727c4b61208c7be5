import { existsSync } from "node:fs";
import { join } from "node:path";
import { StateStore, type State } from "../backend/state-store";
import { noAccess } from "../environments/access";
import { synthesize, type SynthesizedStack } from "../environments/app";
import { formatReport } from "../environments/report";
import { projectRoot } from "../environments/root";
import { commonStacks, isEnvironmentStack } from "../environments/stack-names";
import { findBinary } from "./binary";
import { LandfallError } from "../environments/errors";
import { requireEnvironment } from "./environment-name";
import { targetOf, type Target } from "./guard";
import { holderIn, lockedError } from "./lock-report";
import { progress } from "./output";
import { reviewOnlyEnvironment } from "./review-only";
import { Terraform, TerraformError } from "./terraform";

/** A stack that can be worked on: synthesized, and pointed at the AWS it belongs to. */
export interface Workspace {
  readonly stack: SynthesizedStack;
  /** Process environment, in which `shared` is the one that the stack stands on. */
  readonly environment: NodeJS.ProcessEnv;
  readonly target: Target;
  readonly store: StateStore;
  /** For an environment: its `shared`, as it would be deployed now. */
  readonly shared?: { readonly stack: SynthesizedStack; readonly store: StateStore };
}

export interface OpenOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Whether a missing secret is an error: the binary wants all of them to plan. @default false */
  readonly requireSecrets?: boolean;
}

/** A stack that is only looked at: no cloud, and no emulator, is asked. */
export interface Synthesized {
  readonly stack: SynthesizedStack;
  /** Process environment, in which `shared` is the one that the stack stands on. */
  readonly environment: NodeJS.ProcessEnv;
  /** For an environment: its `shared`. */
  readonly shared?: SynthesizedStack;
}

/**
 * Synthesizes a stack, and `shared` with it where it stands on that.
 * @throws {LandfallError} where there is no such stack, or its settings are wrong
 */
export function synthesizeStack(name: string, options: OpenOptions): Synthesized {
  const folder = join(projectRoot, "environments");
  const isEnvironment = isEnvironmentStack(name);
  if (isEnvironment) requireEnvironment(name, folder, commonStacks);
  const environment = isEnvironment
    ? standingOnShared(name, folder, options.environment)
    : options.environment;

  const { stacks, broken, warnings } = synthesize({
    only: isEnvironment ? [name, "shared"] : [name],
    processEnvironment: environment,
    requireSecrets: options.requireSecrets,
  });
  if (warnings.length > 0) progress(`Warnings:\n${formatReport(warnings)}`);
  const stack = stacks.get(name);
  if (!stack && name === "access" && broken.length === 0) throw noAccess();
  if (!stack)
    throw new LandfallError(
      `The settings of ${name} have problems.\n${formatReport(broken.flatMap(({ problems }) => problems))}`,
    );

  if (broken.length > 0)
    // such as the shared that it stands on
    throw new LandfallError(formatReport(broken.flatMap(({ problems }) => problems)));
  return { stack, environment, shared: isEnvironment ? stacks.get("shared") : undefined };
}

/**
 * As {@link synthesizeStack}, and points at the AWS it belongs to.
 * @throws {LandfallError} besides where the guard refuses
 */
export async function openWorkspace(name: string, options: OpenOptions): Promise<Workspace> {
  const { stack, environment, shared } = synthesizeStack(name, options);
  const target = await targetOf(stack, environment);
  return {
    stack,
    environment,
    target,
    store: new StateStore(stack.state, target.emulator),
    shared: shared && { stack: shared, store: new StateStore(shared.state, target.emulator) },
  };
}

/** An environment with shared settings of its own stands on those, whatever the shell says. */
function standingOnShared(name: string, folder: string, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = existsSync(join(folder, `${name}.shared.env`));
  return { ...environment, LANDFALL_SHARED: own ? name : undefined };
}

/**
 * The binary, ready to plan and apply in the stack's folder. Secrets that nobody has given have a stand-in: Terraform
 * writes their values and never compares them, so a plan is the same; `apply` has asked for all of them before.
 * @param options.reviewOnly whether its plans are marked as made to be read, which `apply` refuses; @default false
 * @throws {LandfallError} where its backend is missing
 */
export async function openTerraform(
  { stack, target, store }: Workspace,
  { reviewOnly = false }: { readonly reviewOnly?: boolean } = {},
): Promise<Terraform> {
  if (!(await store.hasBucket())) {
    throw new LandfallError(`The state bucket ${stack.state.bucket} does not exist yet.`, {
      mend: target.emulator ? "Start over: ./landfall sandbox up" : "Make it: ./landfall bootstrap",
    });
  }
  const standIns = (stack.missingSecrets ?? []).map((name) => [`TF_VAR_${name}`, "not given"]);
  const environment = {
    ...target.environment,
    ...Object.fromEntries(standIns),
    ...(reviewOnly && reviewOnlyEnvironment),
  };
  const terraform = new Terraform(await findBinary(environment), stack.directory, environment);
  progress("preparing");
  await terraform.init();
  return terraform;
}

/** Why the environment cannot be deployed on its `shared`, or should not. */
export interface SharedShortcoming {
  readonly what: string;
  /** Whether a plan would fail. */
  readonly fatal: boolean;
}

/** What is wrong with the deployed `shared`, judged by its state and the configuration that it should have. */
export function sharedShortcoming(
  deployed: State | undefined,
  wanted: { readonly digest?: string; readonly addresses: readonly string[] },
): SharedShortcoming | undefined {
  if (!deployed || deployed.resources.length === 0) return { what: "shared is not deployed.", fatal: true };
  const addresses = (deployed.outputs.addresses?.value ?? {}) as Readonly<Record<string, unknown>>;
  const missing = wanted.addresses.filter((name) => !Object.hasOwn(addresses, name));
  if (missing.length > 0) {
    return { what: `The deployed shared has no Elastic IP ${missing.join(", ")}.`, fatal: true };
  }
  if (deployed.outputs.configuration_digest?.value === wanted.digest) return undefined;
  return { what: "The deployed shared is not up to date with its settings.", fatal: false };
}

/** Does `work`; where that meets a lock, the error says whose it is. */
export async function explainLock<T>({ stack, store }: Workspace, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TerraformError) || !error.is("Error acquiring the state lock")) throw error;
    const holder = (await store.lockHolder()) ?? holderIn(error.message);
    throw holder ? lockedError(stack.name, holder) : error;
  }
}
