import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { Construct } from "constructs";
import { resourceName } from "./naming";

export interface LogGroupsProps {
  /** First part of their names, such as `/ec2/stage-macro-ai`. */
  readonly prefix: string;
  readonly retentionDays: number;
  /** @default CloudWatch Logs' own key */
  readonly keyArn?: string;
  /** Whether they outlive the stack. @default false */
  readonly keep?: boolean;
}

/** Log groups that hosts write to, by the last part of their names. */
export class LogGroups extends Construct {
  readonly groups: Readonly<Record<string, CloudwatchLogGroup>>;

  constructor(scope: Construct, id: string, names: readonly string[], props: LogGroupsProps) {
    super(scope, id);
    this.groups = Object.fromEntries(
      names.map((name) => [
        name,
        new CloudwatchLogGroup(this, name, {
          name: resourceName("log group", `${props.prefix}/${name}`),
          retentionInDays: props.retentionDays,
          kmsKeyId: props.keyArn,
          skipDestroy: props.keep,
        }),
      ]),
    );
  }
}
