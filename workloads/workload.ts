import type { SharedState } from "../backend/shared-outputs";
import type { Settings } from "../environments/settings";

/** What every system is given. */
export interface WorkloadProps {
  /** First part of its resources' names. */
  readonly environment: string;
  readonly region: string;
  readonly partition: string;
  readonly shared: SharedState;
  /** Whether AWS refuses to delete hosts and data. */
  readonly deletionProtection: boolean;
  readonly settings: Settings;
}
