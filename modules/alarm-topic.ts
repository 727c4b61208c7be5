import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key";
import { SnsTopic } from "@cdktf/provider-aws/lib/sns-topic";
import { SnsTopicPolicy } from "@cdktf/provider-aws/lib/sns-topic-policy";
import { SnsTopicSubscription } from "@cdktf/provider-aws/lib/sns-topic-subscription";
import { Construct } from "constructs";
import { arnsIn } from "./arn";
import { resourceName } from "./naming";
import { policyDocument } from "./service-role";

export interface AlarmTopicProps {
  readonly name: string;
  readonly partition: string;
  readonly accountIds: readonly string[];
  /** Each gets a mail that asks to confirm. */
  readonly emails: readonly string[];
  /** Whether AWS Budgets may publish to it too. @default false */
  readonly takesBudgets?: boolean;
}

/** Days in which a deleted key can be had back; the shortest that KMS takes. */
const KEY_DELETION_DAYS = 7;

/** Where alarms go: an encrypted topic that CloudWatch may publish to, and Budgets where asked for, and nobody else. */
export class AlarmTopic extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, props: AlarmTopicProps) {
    super(scope, id);
    const { name, accountIds } = props;
    const everywhere = { ...props, region: "" };
    const fromOurAccount = { StringEquals: { "aws:SourceAccount": accountIds } };
    // https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html
    const fromOurBudgets = {
      ...fromOurAccount,
      ArnLike: { "aws:SourceArn": arnsIn(everywhere, "budgets", "*") },
    };
    const publishers = [
      { Sid: "Alarms", service: "cloudwatch.amazonaws.com", Condition: fromOurAccount },
      ...(props.takesBudgets
        ? [{ Sid: "Budgets", service: "budgets.amazonaws.com", Condition: fromOurBudgets }]
        : []),
    ];
    // The account's own SNS key does not let CloudWatch in
    const key = new KmsKey(this, "key", {
      description: `Alarms of ${name}`,
      enableKeyRotation: true,
      deletionWindowInDays: KEY_DELETION_DAYS,
      policy: policyDocument([
        {
          Sid: "Account",
          Effect: "Allow",
          Principal: { AWS: arnsIn(everywhere, "iam", "root") },
          Action: "kms:*",
          Resource: "*",
        },
        ...publishers.map(({ Sid, service, Condition }) => ({
          Sid,
          Effect: "Allow",
          Principal: { Service: service },
          Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
          Resource: "*",
          Condition,
        })),
      ]),
    });
    new KmsAlias(this, "alias", { name: resourceName("kms alias", `alias/${name}`), targetKeyId: key.keyId });
    const topic = new SnsTopic(this, "this", {
      name: resourceName("sns topic", name),
      kmsMasterKeyId: key.arn,
    });
    this.arn = topic.arn;
    new SnsTopicPolicy(this, "policy", {
      arn: topic.arn,
      policy: policyDocument(
        publishers.map(({ Sid, service, Condition }) => ({
          Sid,
          Effect: "Allow",
          Principal: { Service: service },
          Action: "sns:Publish",
          Resource: topic.arn,
          Condition,
        })),
      ),
    });
    for (const email of props.emails) {
      new SnsTopicSubscription(this, email.replace(/[^A-Za-z0-9]/g, "-"), {
        topicArn: topic.arn,
        protocol: "email",
        endpoint: email,
      });
    }
  }
}
