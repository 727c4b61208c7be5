import type { SynthesizedStack } from "../environments/app";
import { LandfallError } from "../environments/errors";

/** Values as the plan tells them: JSON, with null where there is none. */
export type PlanValue = unknown;

/** A part of an attribute's path: a name, or an index of a list. */
export type PathStep = string | number;

/** https://developer.hashicorp.com/terraform/internals/json-format#change-representation */
export interface Change {
  /** Such as `delete` and `create` for a replacement, `forget` for what only leaves the state. */
  readonly actions: readonly string[];
  readonly before?: PlanValue;
  readonly after?: PlanValue;
  /** Shaped as `after`, with `true` where the value is known after the apply only. */
  readonly after_unknown?: PlanValue;
  /** Shaped as `before`, with `true` where the value is sensitive. */
  readonly before_sensitive?: PlanValue;
  readonly after_sensitive?: PlanValue;
  /** Attributes that cannot be changed in place. */
  readonly replace_paths?: readonly (readonly PathStep[])[];
  /** Where it is taken over from AWS. */
  readonly importing?: { readonly id?: string };
}

/** What happens to one resource. */
export interface ResourceChange {
  readonly address: string;
  /** Where it was moved from. */
  readonly previous_address?: string;
  readonly mode: "managed" | "data";
  readonly type: string;
  readonly name?: string;
  /** Such as `replace_because_tainted`. */
  readonly action_reason?: string;
  readonly change: Change & { readonly before?: { readonly id?: unknown } | null };
}

/** A saved plan as `show -json` tells it, as far as it is used here. */
export interface PlanDocument {
  readonly format_version?: string;
  readonly terraform_version?: string;
  /** False where a further plan is needed for the rest. */
  readonly complete?: boolean;
  readonly errored?: boolean;
  /** ISO 8601. */
  readonly timestamp?: string;
  /** As they were given, not as their types have them. */
  readonly variables?: Readonly<Record<string, { readonly value?: PlanValue }>>;
  readonly resource_changes?: readonly ResourceChange[];
  /** What was found changed in AWS since the last apply. */
  readonly resource_drift?: readonly ResourceChange[];
  readonly output_changes?: Readonly<Record<string, Change>>;
  readonly configuration: {
    readonly provider_config: { readonly aws: { readonly expressions: Readonly<Record<string, unknown>> } };
  };
}

/**
 * A saved plan goes to the backend that it was made for, whichever folder it is applied in.
 * @throws {LandfallError} where it was made for another stack
 */
export function checkPlanIsOf(
  stack: Pick<SynthesizedStack, "name" | "accountIds">,
  document: PlanDocument,
): void {
  const { default_tags: tags, allowed_account_ids: accounts } = document.configuration.provider_config.aws
    .expressions as {
    readonly default_tags?: readonly {
      readonly tags?: { readonly constant_value?: { readonly Environment?: string } };
    }[];
    readonly allowed_account_ids?: { readonly constant_value?: readonly string[] };
  };
  const made = tags?.[0]?.tags?.constant_value?.Environment;
  const accountIds = accounts?.constant_value ?? [];
  if (made === stack.name && accountIds.join() === stack.accountIds.join()) return;
  throw new LandfallError(
    `This plan was made for ${made} in AWS account ${accountIds.join(" or ")}, not for ${stack.name}.`,
    {
      mend: `Make one: ./landfall plan ${stack.name} --out FILE`,
    },
  );
}
