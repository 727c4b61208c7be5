import type { PathStep } from "../plan-document";

/** A path as Terraform writes it, such as `ingress[0].cidr_blocks` or `tags["a b"]`. A variable is named alone. */
export const pathText = (path: readonly PathStep[]): string =>
  (isOfVariable(path) ? path.slice(0, -1) : path).map(stepText).join("").replace(/^\./, "");

const stepText = (step: PathStep): string => {
  if (typeof step === "number") return `[${step}]`;
  return /^[\w-]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
};

/** `environment.LOG_LEVEL.value` of a container says no more than `environment.LOG_LEVEL`. */
const isOfVariable = (path: readonly PathStep[]): boolean =>
  path.at(-1) === "value" && path.at(-3) === "environment" && typeof path.at(-2) === "string";
