import type { PlanDocument, ResourceChange } from "../plan-document";
import { configuredIn, type IsConfigured } from "./configured";
import { differencesOf, type Difference, type End } from "./differences";

/** A resource that is not as the last apply left it, with what somebody changed. */
export interface Drifted {
  readonly resource: ResourceChange;
  readonly differences: readonly Difference[];
}

/**
 * What somebody else changed in AWS. Terraform lists all that reads back in another way, too; that is left out: values that
 * the configuration does not give, such as a time or what other resources add to this one, and nothing that has become
 * empty.
 */
export function driftOf(document: PlanDocument): Drifted[] {
  const isConfigured = configuredIn(document);
  return (document.resource_drift ?? [])
    .filter(({ mode }) => mode === "managed")
    .map((resource) => ({ resource, differences: visibleDifferences(resource, isConfigured) }))
    .filter(({ resource, differences }) => isGone(resource) || differences.length > 0);
}

const isGone = ({ change }: ResourceChange): boolean => change.actions.includes("delete");

function visibleDifferences(resource: ResourceChange, isConfigured: IsConfigured): Difference[] {
  if (isGone(resource)) return [];
  return differencesOf(resource.change).filter(
    ({ path, before, after }) =>
      isConfigured(resource.address, path) !== false && !(isEmptyEnd(before) && isEmptyEnd(after)),
  );
}

/** Whether there is nothing, or what providers read back for nothing. */
export const isEmptyEnd = (end: End): boolean =>
  end.kind === "absent" || (end.kind === "value" && ["", false, 0].includes(end.value as string));
