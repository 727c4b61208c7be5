import { CloudwatchCompositeAlarm } from "@cdktf/provider-aws/lib/cloudwatch-composite-alarm";
import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { Construct } from "constructs";
import { resourceName } from "./naming";

/** A metric of CloudWatch, as alarms and dashboards take it. */
export interface Metric {
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** A percentile is written as `p90`. */
  readonly statistic: "Average" | "Maximum" | "Minimum" | "Sum" | `p${number}`;
}

export interface AlarmProps extends Metric {
  readonly name: string;
  /** What is wrong while it is on, as a sentence. */
  readonly description: string;
  /** Seconds of one period. @default 300 */
  readonly period?: number;
  /** Periods in a row. @default 1 */
  readonly periods?: number;
  readonly comparison:
    | "GreaterThanThreshold"
    | "GreaterThanOrEqualToThreshold"
    | "LessThanThreshold"
    | "LessThanOrEqualToThreshold";
  /** In the metric's own unit. */
  readonly threshold: number;
  /** What a period without data counts as. */
  readonly missing: "breaching" | "notBreaching" | "missing" | "ignore";
  /** Topics that are told, when it goes on and when it goes off. @default nobody: another alarm speaks for it */
  readonly topicArns?: readonly string[];
}

/** An alarm on one metric. */
export class Alarm extends Construct {
  readonly name: string;
  readonly resource: CloudwatchMetricAlarm;

  constructor(scope: Construct, id: string, props: AlarmProps) {
    super(scope, id);
    const { statistic, topicArns } = props;
    const isPercentile = statistic.startsWith("p");
    this.name = resourceName("alarm", props.name);
    this.resource = new CloudwatchMetricAlarm(this, "this", {
      alarmName: this.name,
      alarmDescription: props.description,
      namespace: props.namespace,
      metricName: props.metric,
      dimensions: props.dimensions,
      ...(isPercentile ? { extendedStatistic: statistic } : { statistic }),
      period: props.period ?? 300,
      evaluationPeriods: props.periods ?? 1,
      comparisonOperator: props.comparison,
      threshold: props.threshold,
      treatMissingData: props.missing,
      alarmActions: topicArns && [...topicArns],
      okActions: topicArns && [...topicArns],
    });
  }

  get arn(): string {
    return this.resource.arn;
  }
}

export interface CompositeAlarmProps {
  readonly name: string;
  readonly description: string;
  /** It is on while any of them is. */
  readonly alarms: readonly Alarm[];
  readonly topicArns: readonly string[];
}

/** The characters of a rule: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html */
const MAX_RULE = 10_240;

/** One alarm that speaks for many: when much fails at once, one message comes, and says which of them are on. */
export class CompositeAlarm extends Construct {
  readonly name: string;
  readonly resource: CloudwatchCompositeAlarm;

  constructor(scope: Construct, id: string, props: CompositeAlarmProps) {
    super(scope, id);
    this.name = resourceName("alarm", props.name);
    const alarmRule = props.alarms.map(({ name }) => `ALARM("${name}")`).join(" OR ");
    if (alarmRule.length > MAX_RULE)
      throw new Error(`${this.name}: the rule of ${props.alarms.length} alarms is longer than ${MAX_RULE}`);
    this.resource = new CloudwatchCompositeAlarm(this, "this", {
      alarmName: this.name,
      alarmDescription: props.description,
      alarmRule,
      alarmActions: [...props.topicArns],
      okActions: [...props.topicArns],
      dependsOn: props.alarms.map(({ resource }) => resource),
    });
  }

  get arn(): string {
    return this.resource.arn;
  }
}
