import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key";
import { Construct } from "constructs";
import { arnsIn } from "./arn";
import { resourceName } from "./naming";
import { policyDocument, type PolicyStatement } from "./service-role";

export interface DataKeyProps {
  readonly name: string;
  readonly partition: string;
  readonly region: string;
  readonly accountIds: readonly string[];
}

/** Days in which a deleted key can be had back; without it the data is lost. */
const KEY_DELETION_DAYS = 30;

/** A key of the account's own for data at rest: logs, tables and parameters. */
export class DataKey extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, props: DataKeyProps) {
    super(scope, id);
    const { name, region } = props;
    const key = new KmsKey(this, "this", {
      description: `Data of ${name}`,
      enableKeyRotation: true,
      deletionWindowInDays: KEY_DELETION_DAYS,
      policy: policyDocument([
        {
          Sid: "Account",
          Effect: "Allow",
          Principal: { AWS: arnsIn({ ...props, region: "" }, "iam", "root") },
          Action: "kms:*",
          Resource: "*",
        },
        {
          // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
          Sid: "Logs",
          Effect: "Allow",
          Principal: { Service: `logs.${region}.amazonaws.com` },
          Action: ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
          Resource: "*",
          Condition: {
            ArnLike: {
              "kms:EncryptionContext:aws:logs:arn": arnsIn(props, "logs", "log-group:*"),
            },
          },
        },
      ]),
    });
    new KmsAlias(this, "alias", { name: resourceName("kms alias", `alias/${name}`), targetKeyId: key.keyId });
    this.arn = key.arn;
  }
}

/** What a role needs that reads and writes data under the key, through the services alone that hold it. */
export const useKey = (arn: string | undefined, region: string): PolicyStatement[] =>
  arn === undefined
    ? []
    : [
        {
          Sid: "UseKey",
          Effect: "Allow",
          Action: ["kms:Decrypt", "kms:GenerateDataKey"],
          Resource: arn,
          Condition: {
            StringEquals: {
              "kms:ViaService": ["ssm", "dynamodb", "secretsmanager"].map(
                (service) => `${service}.${region}.amazonaws.com`,
              ),
            },
          },
        },
      ];
