import type { TerraformJson } from "../cost/template";
import type { PlanDocument, ResourceChange } from "../plan-document";
import { configuredIn, ignoredIn } from "./configured";
import { differencesOf, type Difference, type End } from "./differences";

/** A resource that is not as the last apply left it, with what somebody changed. */
export interface Drifted {
  readonly resource: ResourceChange;
  readonly differences: readonly Difference[];
}

/**
 * What somebody else changed in AWS. Terraform lists all that reads back in another way, too; that is left out: values that
 * the configuration does not give, such as a time or what other resources add to this one, what it leaves to others by
 * `ignore_changes`, and nothing that has become empty.
 * @param json the stack's parsed `cdk.tf.json`, which alone tells `ignore_changes`
 */
export function driftOf(document: PlanDocument, json: TerraformJson = {}): Drifted[] {
  const [isConfigured, isIgnored] = [configuredIn(document), ignoredIn(json)];
  const isTold: IsTold = (address, path) =>
    isConfigured(address, path) !== false && !isIgnored(address, path);
  return (document.resource_drift ?? [])
    .filter(({ mode }) => mode === "managed")
    .map((resource) => ({ resource, differences: visibleDifferences(resource, isTold) }))
    .filter(({ resource, differences }) => isGone(resource) || differences.length > 0);
}

const isGone = ({ change }: ResourceChange): boolean => change.actions.includes("delete");

type IsTold = (address: string, path: Difference["path"]) => boolean;

function visibleDifferences(resource: ResourceChange, isTold: IsTold): Difference[] {
  if (isGone(resource)) return [];
  return differencesOf(resource.change).filter(
    ({ path, before, after }) => isTold(resource.address, path) && !(isEmptyEnd(before) && isEmptyEnd(after)),
  );
}

/** Whether there is nothing, or what providers read back for nothing. */
export const isEmptyEnd = (end: End): boolean =>
  end.kind === "absent" || (end.kind === "value" && ["", false, 0].includes(end.value as string));
