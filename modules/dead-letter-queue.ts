import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue";
import { SqsQueuePolicy } from "@cdktf/provider-aws/lib/sqs-queue-policy";
import { Construct } from "constructs";
import { resourceName } from "./naming";
import { policyDocument } from "./service-role";

export interface DeadLetterQueueProps {
  readonly name: string;
  /** Topic that is told of the first message. */
  readonly alarmTopicArn: string;
  /** What a message means, for the alarm. */
  readonly meaning: string;
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
