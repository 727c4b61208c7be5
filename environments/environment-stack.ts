import { Aspects } from "cdktf";
import type { Construct } from "constructs";
import { LandfallStack, type LandfallStackProps } from "../backend/landfall-stack";
import { SharedState } from "../backend/shared-outputs";
import type { StateLocation } from "../backend/location";
import { AlarmTopic } from "../modules/alarm-topic";
import { DataKey } from "../modules/data-key";
import { PermissionsBoundary } from "../modules/permissions-boundary";
import { SystemTag } from "../modules/system-tag";
import { Chronos } from "../workloads/chronos";
import { MacroAi } from "../workloads/macro-ai";
import { ViewerAtlas } from "../workloads/viewer-atlas";
import { XScheduler } from "../workloads/x-scheduler";
import type { WorkloadProps } from "../workloads/workload";
import { environmentInputs, type SystemName } from "./catalogue";
import type { Settings } from "./settings";
import { stageDefaults, type StageClass } from "./stage-class";
import { declareInputs } from "./variables";

const workloads: Readonly<
  Record<SystemName, new (scope: Construct, id: string, props: WorkloadProps) => Construct>
> = {
  chronos: Chronos,
  "x-scheduler": XScheduler,
  "macro-ai": MacroAi,
  "viewer-atlas": ViewerAtlas,
};

export interface EnvironmentStackProps extends LandfallStackProps {
  readonly settings: Settings;
  readonly stageClass: StageClass;
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
  constructor(scope: Construct, props: EnvironmentStackProps) {
    super(scope, props.environment, props);
    const { values } = declareInputs(this, environmentInputs, props.settings);
    const shared = new SharedState(this, "shared", props.shared);
    Aspects.of(this).add(new PermissionsBoundary(shared.boundaryPolicy));
    const alarms = new AlarmTopic(this, "alarms", {
      name: `${props.environment}-alarms`,
      partition: this.partition,
      accountIds: this.accountIds,
      emails: values.alarm_emails,
      takesBudgets: values.systems.includes("viewer-atlas"),
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
        shared,
        nat: props.nat,
        dualStack: props.dualStack,
        dataKeyArn: dataKey?.arn,
        alarmTopicArn: alarms.arn,
        deletionProtection: values.deletion_protection ?? stageDefaults[props.stageClass].deletionProtection,
        settings: props.settings,
      });
      Aspects.of(workload).add(new SystemTag(system));
    }
  }
}
