import { DynamodbTable } from "@cdktf/provider-aws/lib/dynamodb-table";
import { TerraformOutput } from "cdktf";
import type { Construct } from "constructs";
import { sharedInputs } from "../environments/catalogue";
import type { Settings } from "../environments/settings";
import { declareInputs } from "../environments/variables";
import { Bucket } from "../modules/bucket";
import { resourceName } from "../modules/naming";
import { LandfallStack, type LandfallStackProps } from "./landfall-stack";

/** Replaced state is a way back after a mistake, for a quarter. */
const NONCURRENT_DAYS = 90;
/** Access logs answer who read the state; a year, as for the network's flow logs. */
const ACCESS_LOG_DAYS = 365;

/** The bucket that holds all state and the table that locks it; the first thing to exist, by `./landfall bootstrap`. */
export class StateStack extends LandfallStack {
  constructor(scope: Construct, props: LandfallStackProps & { readonly settings: Settings }) {
    super(scope, "state", props);
    declareInputs(this, sharedInputs, props.settings);
    const { bucket: name, lockTable } = props.state;

    const logs = new Bucket(this, "logs", {
      name: `${name}-logs`,
      partition: this.partition,
      encryption: "AES256",
      expirationDays: ACCESS_LOG_DAYS,
      takesAccessLogsOf: { accountIds: this.accountIds, buckets: [name] },
      preventDestroy: true,
    });
    const state = new Bucket(this, "state", {
      name,
      partition: this.partition,
      noncurrentDays: NONCURRENT_DAYS,
      accessLogs: logs,
      preventDestroy: true,
    });
    new TerraformOutput(this, "state_bucket", {
      value: state.name,
      description: "Bucket that holds all state.",
    });

    if (lockTable) {
      const table = new DynamodbTable(this, "locks", {
        name: resourceName("dynamodb table", lockTable),
        hashKey: "LockID",
        attribute: [{ name: "LockID", type: "S" }],
        billingMode: "PAY_PER_REQUEST",
        pointInTimeRecovery: { enabled: true },
        serverSideEncryption: { enabled: true },
        deletionProtectionEnabled: true,
        lifecycle: { preventDestroy: true },
      });
      new TerraformOutput(this, "state_lock_table", {
        value: table.name,
        description: "Table that locks state.",
      });
    }
  }
}
