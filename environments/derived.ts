import type { StateLocation } from "../backend/location";
import type { AddressPlanProps } from "../modules/address-plan";
import { resourceName } from "../modules/naming";
import type {
  accessInputs,
  atomicCalendarInputs,
  chronosInputs,
  environmentInputs,
  macroAiInputs,
  sharedInputs,
  viewerAtlasInputs,
  xSchedulerInputs,
} from "./catalogue";
import type { StructuralValues } from "./input";
import type { Settings } from "./settings";

export type EnvironmentValues = StructuralValues<typeof environmentInputs>;
export type ChronosValues = StructuralValues<typeof chronosInputs>;
export type XSchedulerValues = StructuralValues<typeof xSchedulerInputs>;
export type MacroAiValues = StructuralValues<typeof macroAiInputs>;
export type ViewerAtlasValues = StructuralValues<typeof viewerAtlasInputs>;
export type AtomicCalendarValues = StructuralValues<typeof atomicCalendarInputs>;
export type AccessValues = StructuralValues<typeof accessInputs>;
export type SharedValues = StructuralValues<typeof sharedInputs>;

/** Names as Chronos has them; inputs override them. */
export const stateBucket = (shared: SharedValues): string =>
  shared.state_bucket ?? resourceName("bucket", shared.name_prefix, "chronos-terraform-state-storage");
export const stateLockTable = (shared: SharedValues): string =>
  shared.state_lock_table ??
  resourceName("dynamodb table", shared.name_prefix, "chronos-terraform-state-locks");

/** Where the state of a stack lives: each has its own key in the one bucket. */
export const stateLocation = (shared: SharedValues, stack: string): StateLocation => ({
  bucket: stateBucket(shared),
  key: `${stack}/terraform.tfstate`,
  region: shared.region,
  lockTable: shared.state_lock === "s3" ? undefined : stateLockTable(shared),
  lockFile: shared.state_lock !== "dynamodb",
});

/** Zones that get subnets: the first two of the region where none are named. */
export const availabilityZones = (shared: SharedValues): readonly string[] =>
  shared.availability_zones ?? ["a", "b"].map((letter) => shared.region + letter);

export const addressPlan = (shared: SharedValues): AddressPlanProps => ({
  vpcCidr: shared.vpc_cidr,
  zones: availabilityZones(shared),
  privateSubnets: shared.private_subnets,
  publicSubnetCidrs: shared.public_subnet_cidrs,
  privateSubnetCidrs: shared.private_subnet_cidrs,
  reservedCidrs: shared.reserved_cidrs,
});

/** A value was asked for that is wrong or missing, which has been reported. */
export class UnusableInput extends Error {}

/**
 * Values of settings that have been validated: each is of its input's type.
 * @throws {UnusableInput} when one is read that is wrong or missing
 */
export function valuesOf<T>({ settings, unusable }: Settings): T {
  const values = Object.fromEntries([...settings].map(([name, { value }]) => [name, value]));
  if (!unusable?.size) return values as T;
  return new Proxy(values, {
    get(target, name) {
      if (unusable.has(String(name))) throw new UnusableInput(String(name));
      return target[String(name)];
    },
  }) as T;
}

/** Names of the Elastic IPs that an environment takes from `shared`. */
export function addressesOf(settings: Settings): readonly string[] {
  const values = valuesOf<EnvironmentValues & ChronosValues & XSchedulerValues>(settings);
  const hosts = values.systems.flatMap((system) => {
    if (system === "chronos") return ["dashboard", ...values.edge_hosts];
    return system === "x-scheduler" && !values.x_scheduler_domain ? ["x-scheduler"] : [];
  });
  return hosts.map((host) => `${settings.name}-${host}`);
}
