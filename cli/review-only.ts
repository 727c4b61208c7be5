import type { State } from "../backend/state-store";
import { LandfallError, UsageError } from "../environments/errors";
import { progress } from "./output";
import type { PlanDocument } from "./plan-document";
import type { Workspace } from "./workspace";

/** The Terraform variable that marks a plan as one for reading. Nothing in the configuration depends on it. */
export const reviewOnlyVariable = "review_only";

/** Process environment that marks plans so. */
export const reviewOnlyEnvironment: NodeJS.ProcessEnv = { [`TF_VAR_${reviewOnlyVariable}`]: "true" };

/**
 * Resources of a state, as `type.name`, whose secret values the provider fetches where it refreshes them, though it
 * keeps none. Of a secret's version it needs no more since
 * https://github.com/hashicorp/terraform-provider-aws/pull/44876, which 5.100 does not have.
 */
export function secretsInRefresh(state: State | undefined): string[] {
  return (state?.resources ?? [])
    .filter(({ mode }) => mode === "managed")
    .filter(({ type, instances = [] }) =>
      type === "aws_ssm_parameter"
        ? instances.some((instance) => isSecureString(instance))
        : type === "aws_secretsmanager_secret_version",
    )
    .map(({ type, name }) => `${type}.${name}`);
}

const isSecureString = (instance: unknown): boolean =>
  (instance as { readonly attributes?: { readonly type?: unknown } }).attributes?.type === "SecureString";

/**
 * Arguments with which the binary's plan reads no secret: without a refresh where that would read one, which is told on
 * stderr. Terraform refreshes all or nothing.
 */
export async function reviewOnlyArguments({
  stack,
  store,
}: Pick<Workspace, "stack" | "store">): Promise<string[]> {
  const secrets = secretsInRefresh(await store.read());
  if (secrets.length === 0) return [];
  progress(
    `${stack.name}: what others changed in AWS is not in this plan: to look, Terraform would read ${secrets.length} secrets`,
  );
  return ["-refresh=false"];
}

/** @throws {UsageError} where the plan is to be kept, or its arguments ask for what it leaves out */
export function checkReviewOnly(out: string | undefined, args: readonly string[]): void {
  if (out !== undefined)
    throw new UsageError("A plan with --review-only is only to be read: it goes without --out.", {
      mend: "Plan without --review-only, with a role that applies.",
    });
  const refresh = args.find((arg) => /^["']?--?refresh/.test(arg));
  if (refresh !== undefined)
    throw new UsageError(`--review-only says itself what is refreshed; take out "${refresh}".`);
}

/** @throws {LandfallError} for a saved plan that was made to be read */
export function refuseReviewOnly(stack: string, { variables }: Pick<PlanDocument, "variables">): void {
  if (String(variables?.[reviewOnlyVariable]?.value) !== "true") return;
  throw new LandfallError("This plan was made with --review-only, to be read and not to be applied.", {
    mend: `Make one: ./landfall plan ${stack} --out FILE`,
  });
}
