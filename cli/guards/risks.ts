import type { SynthesizedStack } from "../../environments/app";
import type { PlanDocument } from "../plan-document";
import type { Risk } from "../review/model";

/** What somebody must look at. */
export function risksOf(
  _stack: Pick<SynthesizedStack, "name" | "deletionProtection">,
  _document: PlanDocument,
): Risk[] {
  return [];
}
