import { CloudwatchEventRule } from "@cdktf/provider-aws/lib/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { CloudwatchLogResourcePolicy } from "@cdktf/provider-aws/lib/cloudwatch-log-resource-policy";
import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { Construct } from "constructs";
import { arnsIn, type Place } from "./arn";
import { resourceName } from "./naming";
import { policyDocument } from "./service-role";

export interface EventLogProps {
  readonly name: string;
  readonly retentionDays: number;
  readonly keyArn?: string;
}

/**
 * A log group of events. Rules that write to it count them besides, in their own metric. CloudWatch Logs must let
 * EventBridge in: {@link EventLogPolicy}.
 */
export class EventLog extends Construct {
  private readonly logs: CloudwatchLogGroup;

  constructor(scope: Construct, id: string, props: EventLogProps) {
    super(scope, id);
    const name = resourceName("log group", `/aws/events/${props.name}`); // EventBridge writes to such names alone
    this.logs = new CloudwatchLogGroup(this, "this", {
      name,
      retentionInDays: props.retentionDays,
      kmsKeyId: props.keyArn,
    });
  }

  /** Notes events of a pattern. @returns the rule's name, which its metrics have as a dimension */
  note(id: string, props: { readonly name: string; readonly description: string; readonly pattern: object }) {
    const rule = new CloudwatchEventRule(this, id, {
      name: resourceName("event rule", props.name),
      description: props.description,
      eventPattern: JSON.stringify(props.pattern),
    });
    new CloudwatchEventTarget(this, `${id}_log`, {
      rule: rule.name,
      arn: this.logs.arn,
    });
    return rule.name;
  }
}

export interface EventAlarmProps {
  readonly name: string;
  readonly description: string;
  /** Name of the rule that counts the events, of {@link EventLog.note}. */
  readonly ruleName: string;
  readonly topicArn: string;
  /** @default as soon as there is one event */
  readonly when?: {
    readonly comparisonOperator: string;
    readonly threshold: number;
    /** Seconds. */
    readonly period: number;
    readonly evaluationPeriods: number;
    readonly treatMissingData: string;
  };
}

const atOnce = {
  comparisonOperator: "GreaterThanOrEqualToThreshold",
  threshold: 1,
  period: 300,
  evaluationPeriods: 1,
  treatMissingData: "notBreaching", // a rule that nothing matched tells nothing
};

/** An alarm for how often a rule matched. */
export class EventAlarm extends CloudwatchMetricAlarm {
  constructor(scope: Construct, id: string, props: EventAlarmProps) {
    super(scope, id, {
      alarmName: resourceName("alarm", props.name),
      alarmDescription: props.description,
      namespace: "AWS/Events",
      metricName: "TriggeredRules",
      dimensions: { RuleName: props.ruleName },
      statistic: "Sum",
      ...(props.when ?? atOnce),
      alarmActions: [props.topicArn],
      okActions: [props.topicArn],
    });
  }
}

/** Lets rules of the account write to all its log groups of events in the region, of which there can be ten policies. */
export class EventLogPolicy extends Construct {
  constructor(scope: Construct, id: string, props: Place & { readonly name: string }) {
    super(scope, id);
    const common = {
      Effect: "Allow",
      Principal: { Service: ["events.amazonaws.com", "delivery.logs.amazonaws.com"] },
      Resource: arnsIn(props, "logs", "log-group:/aws/events/*:*"),
    };
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-cloudwatchlogs-permissions
    new CloudwatchLogResourcePolicy(this, "this", {
      policyName: props.name,
      policyDocument: policyDocument([
        { Sid: "Streams", ...common, Action: ["logs:CreateLogStream"] }, // EventBridge names no rule here
        {
          Sid: "Events",
          ...common,
          Action: ["logs:PutLogEvents"],
          Condition: { ArnLike: { "aws:SourceArn": arnsIn(props, "events", "rule/*") } },
        },
      ]),
    });
  }
}
