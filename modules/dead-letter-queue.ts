import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue";
import { SqsQueuePolicy } from "@cdktf/provider-aws/lib/sqs-queue-policy";
import { Construct } from "constructs";
import { resourceName } from "./naming";
import { policyDocument, type PolicyStatement } from "./service-role";

export interface DeadLetterQueueProps {
  readonly name: string;
  /** Topic that is told of the first message. */
  readonly alarmTopicArn: string;
  /** What a message means, for the alarm. */
  readonly meaning: string;
  /** Rules of EventBridge whose targets send here; schedules do so by their role. @default none */
  readonly ruleArns?: readonly string[];
}

/** The longest that SQS keeps a message, in seconds: 14 days. */
const RETENTION = 1_209_600;

/** Where deliveries go that failed for good, with an alarm as soon as there is one. */
export class DeadLetterQueue extends Construct {
  readonly resource: SqsQueue;

  constructor(scope: Construct, id: string, props: DeadLetterQueueProps) {
    super(scope, id);
    this.resource = new SqsQueue(this, "this", {
      name: resourceName("queue", props.name),
      sqsManagedSseEnabled: true,
      messageRetentionSeconds: RETENTION,
    });
    new SqsQueuePolicy(this, "policy", {
      queueUrl: this.resource.url,
      policy: policyDocument([
        {
          Sid: "TlsOnly",
          Effect: "Deny",
          Principal: { AWS: "*" },
          Action: "sqs:*",
          Resource: this.resource.arn,
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
        ...(props.ruleArns ? [fromRules(this.resource.arn, props.ruleArns)] : []),
      ]),
    });
    new CloudwatchMetricAlarm(this, "alarm", {
      alarmName: resourceName("alarm", props.name),
      alarmDescription: props.meaning,
      namespace: "AWS/SQS",
      metricName: "ApproximateNumberOfMessagesVisible",
      dimensions: { QueueName: this.resource.name },
      statistic: "Maximum",
      period: 300, // seconds, as often as SQS tells it
      evaluationPeriods: 1,
      comparisonOperator: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      treatMissingData: "notBreaching", // a queue that was never used tells nothing
      alarmActions: [props.alarmTopicArn],
      okActions: [props.alarmTopicArn],
    });
  }

  get arn(): string {
    return this.resource.arn;
  }
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html#eb-dlq-perms */
const fromRules = (queueArn: string, ruleArns: readonly string[]) => ({
  Sid: "Rules",
  Effect: "Allow",
  Principal: { Service: "events.amazonaws.com" },
  Action: "sqs:SendMessage",
  Resource: queueArn,
  Condition: { ArnEquals: { "aws:SourceArn": ruleArns } },
});

/** What the role of a schedule needs besides, to send there what failed for good. */
export const sendTo = (queue: DeadLetterQueue): PolicyStatement => ({
  Sid: "DeadLetters",
  Effect: "Allow",
  Action: ["sqs:SendMessage"],
  Resource: queue.arn,
});
