import type { SynthesizedStack } from "../../environments/app";
import type { PlanDocument } from "../plan-document";
import type { Risk } from "../review/model";

/** What somebody must look at. */
export const risksOf: (
  stack: Pick<SynthesizedStack, "name" | "deletionProtection">,
  document: PlanDocument,
) => Risk[] = () => [];
