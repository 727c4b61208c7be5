import { Aspects, TerraformOutput } from "cdktf";
import type { Construct } from "constructs";
import { LandfallStack, type LandfallStackProps } from "../backend/landfall-stack";
import { SharedState } from "../backend/shared-outputs";
import type { StateLocation } from "../backend/location";
import { AlarmTopic } from "../modules/alarm-topic";
import { DataKey } from "../modules/data-key";
import { PermissionsBoundary } from "../modules/permissions-boundary";
import { SystemTag } from "../modules/system-tag";
import { AtomicCalendar } from "../workloads/atomic-calendar";
import { Chronos } from "../workloads/chronos";
import { MacroAi } from "../workloads/macro-ai";
import { ViewerAtlas } from "../workloads/viewer-atlas";
import { XScheduler } from "../workloads/x-scheduler";
import type { WorkloadProps } from "../workloads/workload";
import { environmentInputs, type SystemName } from "./catalogue";
import type { Settings } from "./settings";
import { stageDefaults, type StageClass } from "./stage-class";
import { declareInputs, declareReviewOnly } from "./variables";

const workloads: Readonly<
  Record<SystemName, new (scope: Construct, id: string, props: WorkloadProps) => Construct>
> = {
  chronos: Chronos,
  "x-scheduler": XScheduler,
  "macro-ai": MacroAi,
  "viewer-atlas": ViewerAtlas,
  "atomic-calendar": AtomicCalendar,
};

/** Tells, in the state, whether the environment that is deployed keeps its data. */
export const protectionOutput = "deletion_protection";

/**
 * Type and name of data that AWS lets go without a question, and of what belongs to it. `prevent_destroy` goes with the
 * block that it stands in, so these leave the state instead and stay in AWS.
 */
export const keptWithoutConfiguration: readonly (readonly [type: string, name: string])[] = [
  ["aws_efs_file_system", "viewer-atlas_files"],
  ["aws_efs_backup_policy", "viewer-atlas_files_backup"], // to destroy it would end the backups
  ["aws_efs_file_system", "atomic-calendar_files"],
  ["aws_efs_backup_policy", "atomic-calendar_files_backup"],
];

export interface EnvironmentStackProps extends LandfallStackProps {
  readonly settings: Settings;
  readonly stageClass: StageClass;
  /** Whether it must never lose data. */
  readonly deletionProtection: boolean;
  readonly namePrefix: string;
  /** Whether private subnets have a way out over IPv4. */
  readonly nat: boolean;
  readonly dualStack: boolean;
  readonly shared: {
    readonly state: StateLocation;
    readonly accountIds: readonly string[];
    readonly file: string;
  };
}

/** One environment: the systems that its file names. Stage, prod and previews differ by their files alone. */
export class EnvironmentStack extends LandfallStack {
  constructor(
    scope: Construct,
    private readonly props: EnvironmentStackProps,
  ) {
    super(scope, props.environment, props);
    const { values } = declareInputs(this, environmentInputs, props.settings);
    declareReviewOnly(this);
    const shared = new SharedState(this, "shared", props.shared);
    Aspects.of(this).add(new PermissionsBoundary(shared.boundaryPolicy));
    const alarms = new AlarmTopic(this, "alarms", {
      name: `${props.environment}-AlarmTopic`,
      partition: this.partition,
      accountIds: this.accountIds,
      emails: values.alarm_emails,
      takesBudgets: values.systems.some(
        (system) => system === "viewer-atlas" || system === "atomic-calendar",
      ),
    });
    const dataKey = stageDefaults[props.stageClass].ownKey
      ? new DataKey(this, "data", {
          name: `${props.environment}-data`,
          partition: this.partition,
          region: this.region,
          accountIds: this.accountIds,
        })
      : undefined;
    for (const system of values.systems) {
      const workload = new workloads[system](this, system, {
        environment: props.environment,
        namePrefix: props.namePrefix,
        region: this.region,
        partition: this.partition,
        accountIds: this.accountIds,
        stageClass: props.stageClass,
        shared,
        nat: props.nat,
        dualStack: props.dualStack,
        dataKeyArn: dataKey?.arn,
        alarmTopicArn: alarms.arn,
        deletionProtection: props.deletionProtection,
        settings: props.settings,
      });
      Aspects.of(workload).add(new SystemTag(system));
    }
    new TerraformOutput(this, protectionOutput, {
      value: props.deletionProtection,
      description: "Whether hosts and data are kept.",
    });
  }

  /** The JSON, with what becomes of data that the file no longer asks for. */
  override toTerraform(): ReturnType<LandfallStack["toTerraform"]> {
    const json = super.toTerraform();
    if (!this.props.deletionProtection) return json;
    const lost = keptWithoutConfiguration.filter(([type, name]) => !json.resource?.[type]?.[name]);
    const removed = lost.map((address) => ({ from: address.join("."), lifecycle: { destroy: false } }));
    return removed.length > 0 ? { ...json, removed } : json;
  }
}
