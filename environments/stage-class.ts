/** What a stage protects and keeps, and what it may cost. */
export type StageClass = "dev" | "staging" | "prod";

interface StageDefaults {
  /** Whether AWS itself refuses to delete hosts and data. */
  readonly deletionProtection: boolean;
  /** Whether data is encrypted with a key of the account's own, which costs, instead of AWS's. */
  readonly ownKey: boolean;
  /** Whether databases have a standby in another zone. */
  readonly multiAz: boolean;
  /** Days for which a database can be restored to any second. */
  readonly backupDays: number;
  /** Whether databases leave a last snapshot and their backups, and generated secrets can be had back for 30 days. */
  readonly lastSnapshot: boolean;
  /** Seconds between values of databases' operating systems, which cost as logs do; 0 for none. */
  readonly monitoringSeconds: number;
  /** Whether `./landfall destroy` wants the environment's name typed. */
  readonly confirmDestroyByName: boolean;
}

/** Everything that differs by stage class; inputs of the same name override it. */
export const stageDefaults: Readonly<Record<StageClass, StageDefaults>> = Object.freeze({
  dev: {
    deletionProtection: false,
    ownKey: false,
    multiAz: false,
    backupDays: 1,
    lastSnapshot: false,
    monitoringSeconds: 0,
    confirmDestroyByName: false,
  },
  staging: {
    deletionProtection: false,
    ownKey: false,
    multiAz: true,
    backupDays: 14,
    lastSnapshot: false,
    monitoringSeconds: 0,
    confirmDestroyByName: false,
  },
  prod: {
    deletionProtection: true,
    ownKey: true,
    multiAz: true,
    backupDays: 14,
    lastSnapshot: true,
    monitoringSeconds: 60,
    confirmDestroyByName: true,
  },
});

/** The class of an environment that does not name one. */
export function defaultStageClass(environment: string): StageClass {
  if (environment === "prod") return "prod";
  return environment === "stage" ? "staging" : "dev";
}
