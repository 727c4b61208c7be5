import type { SharedState } from "../backend/shared-outputs";
import type { Settings } from "../environments/settings";
import type { StageClass } from "../environments/stage-class";

/** What every system is given. */
export interface WorkloadProps {
  /** First part of its resources' names. */
  readonly environment: string;
  /** First part of names that are the account's or the world's: roles, buckets. */
  readonly namePrefix: string;
  readonly region: string;
  readonly partition: string;
  readonly accountIds: readonly string[];
  readonly stageClass: StageClass;
  readonly shared: SharedState;
  /** Whether the network's subnets have IPv6: ours do, of others nobody knows. */
  readonly dualStack: boolean;
  /** Whether private subnets have a way out over IPv4. */
  readonly nat: boolean;
  /** Key for data at rest. @default AWS's own */
  readonly dataKeyArn?: string;
  /** Topic that alarms are told to. */
  readonly alarmTopicArn: string;
  /** Whether AWS refuses to delete hosts and data. */
  readonly deletionProtection: boolean;
  readonly settings: Settings;
}
