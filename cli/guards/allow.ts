import { UsageError } from "../../environments/errors";
import { nearest } from "../../environments/nearest";
import { quoted } from "./one-line";
import { rules } from "./rules";

/** A risk that the user takes for one run. */
export interface Allowed {
  readonly rule: string;
  /** Of one resource; without it all that the rule finds. */
  readonly address?: string;
}

/**
 * What `--allow` names: `<rule>` or `<rule>:<address>`.
 * @throws {UsageError} where there is no such rule, or it cannot be overridden
 */
export function parseAllowed(values: readonly string[] = []): Allowed[] {
  return values.map((value) => {
    const [, name = "", address] = /^([^:]*)(?::([^]*))?$/.exec(value) ?? [];
    const rule = rules.find((one) => one.name === name);
    const overridable = rules.filter(isOverridable).map((one) => one.name);
    if (!rule) {
      const near = nearest(name, overridable);
      throw new UsageError(`There is no rule "${name}" for --allow.${near ? ` Did you mean ${near}?` : ""}`, {
        mend: `There are: ${overridable.join(", ")}.`,
      });
    }
    if (!isOverridable(rule)) {
      throw new UsageError(`--allow does not take ${name}: there is another way where it is meant.`, {
        mend: 'Add TF_VAR_deletion_protection="false" to the environment\'s file and apply that alone; then again.',
      });
    }
    if (address === "")
      throw new UsageError(`"--allow ${value}" names no address behind the colon.`, {
        mend: `Give the whole rule: --allow ${name}`,
      });
    return address === undefined ? { rule: name } : { rule: name, address };
  });
}

const isOverridable = ({ overridable = true }: { readonly overridable?: boolean }): boolean => overridable;

export const isAllowed = (
  allowed: readonly Allowed[],
  risk: { readonly rule: string; readonly address: string },
): boolean => allowed.some((one) => covers(one, risk));

/** Whether a permission is about a risk. */
export const covers = (
  { rule, address }: Allowed,
  risk: { readonly rule: string; readonly address: string },
): boolean => rule === risk.rule && (address === undefined || address === risk.address);

/** As one types it. */
export const typedAllow = ({ rule, address }: Allowed): string =>
  `--allow ${address === undefined ? rule : quoted(`${rule}:${address}`)}`;
