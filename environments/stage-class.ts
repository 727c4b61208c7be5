/** What a stage protects and keeps, and what it may cost. */
export type StageClass = "dev" | "staging" | "prod";

interface StageDefaults {
  /** Whether AWS itself refuses to delete hosts and data. */
  readonly deletionProtection: boolean;
  /** Whether `./landfall destroy` wants the environment's name typed. */
  readonly confirmDestroyByName: boolean;
}

/** Everything that differs by stage class; inputs of the same name override it. */
export const stageDefaults: Readonly<Record<StageClass, StageDefaults>> = Object.freeze({
  dev: { deletionProtection: false, confirmDestroyByName: false },
  staging: { deletionProtection: false, confirmDestroyByName: false },
  prod: { deletionProtection: true, confirmDestroyByName: true },
});

/** The class of an environment that does not name one. */
export function defaultStageClass(environment: string): StageClass {
  if (environment === "prod") return "prod";
  return environment === "stage" ? "staging" : "dev";
}
