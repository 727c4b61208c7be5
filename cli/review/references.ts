import type { PathStep, PlanDocument } from "../plan-document";
import { wholeDifference, type End } from "./differences";

/** Every reference in an expression, without those that Terraform lists for being a part of another. */
export function referencesOf(expression: unknown): string[] {
  if (Array.isArray(expression)) return expression.flatMap(referencesOf);
  if (typeof expression !== "object" || expression === null) return [];
  return Object.entries(expression).flatMap(([key, value]: [string, unknown]) => {
    if (key !== "references" || !Array.isArray(value)) return referencesOf(value);
    const all = value as string[];
    return all.filter((one) => !all.some((other) => other !== one && isWithin(other, one)));
  });
}

const isWithin = (reference: string, whole: string): boolean =>
  reference.startsWith(whole) && ["", ".", "["].includes(reference.charAt(whole.length));

/** What a reference stands for, as it may be shown: absent where the plan does not know it. */
export type ValueOf = (reference: string) => End;

/** What a plan knows of that which expressions refer to. */
interface Referred {
  readonly configuration?: {
    readonly root_module?: {
      readonly variables?: Readonly<
        Record<string, { readonly default?: unknown; readonly sensitive?: boolean }>
      >;
    };
  };
  readonly prior_state?: {
    readonly values?: {
      readonly root_module?: { readonly resources?: readonly (Source & { readonly address?: string })[] };
    };
  };
}

interface Source {
  readonly mode?: string;
  readonly values?: unknown;
  readonly sensitive_values?: unknown;
}

/** Reads what a plan knows of variables and of data sources that are read before the apply. */
export function valuesIn(document: PlanDocument): ValueOf {
  const { configuration, prior_state: prior } = document as Referred;
  const variables = Object.entries(configuration?.root_module?.variables ?? {}).map(
    ([name, { default: value, sensitive }]): [string, Source] => [
      `var.${name}`,
      { values: document.variables?.[name]?.value ?? value, sensitive_values: sensitive },
    ],
  );
  const read = (prior?.values?.root_module?.resources ?? [])
    .filter(({ mode }) => mode === "data")
    .map((one): [string, Source] => [one.address ?? "", one]);
  const sources = new Map([...variables, ...read]);
  return (reference) => {
    const { address, path } = parsed(reference);
    const { values, sensitive_values: marks } = sources.get(address) ?? {};
    const name = address.startsWith("var.") ? [address.slice("var.".length)] : [];
    return maskedEnd(at(values, path), [...name, ...path], at(marks, path));
  };
}

/** `data.a.b["k"].c[0]` is `c` and `0` of `data.a.b["k"]`; what is within a variable is no part of its address. */
export function parsed(reference: string): { address: string; path: string[] } {
  const pattern = /^(var\.[\w-]+|(?:data\.)?[\w-]+\.[\w-]+(?:\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?)(.*)$/s;
  const [, address = reference, rest = ""] = pattern.exec(reference) ?? [];
  return { address, path: stepsOf(rest) };
}

/** A value as it may be shown. @param path by which secrets are known @param marks where it is sensitive */
export const maskedEnd = (value: unknown, path: readonly PathStep[], marks?: unknown): End =>
  wholeDifference({ actions: [], before: null, after: value, after_sensitive: marks }, path)?.after ?? {
    kind: "absent",
  };

/** `.a["b.c"][0]` is a, b.c and 0. */
const stepsOf = (path: string): string[] =>
  [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");

/** A mark of the whole is one of each part. */
export const at = (values: unknown, steps: readonly PathStep[]): unknown =>
  steps.reduce<unknown>((value, step) => {
    if (value === true) return true;
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    return (value as Readonly<Record<string, unknown>>)[step];
  }, values);
