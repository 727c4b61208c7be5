import { DynamodbTable } from "@cdktf/provider-aws/lib/dynamodb-table";
import { Construct } from "constructs";
import { resourceName } from "./naming";

export interface TableProps {
  readonly name: string;
  /** Name of the partition key, which is a string. */
  readonly key: string;
  /** @default DynamoDB's own key */
  readonly keyArn?: string;
  /** Whether DynamoDB refuses to delete it. */
  readonly deletionProtection: boolean;
}

/** An on-demand table, encrypted, with point-in-time recovery. */
export class Table extends Construct {
  readonly resource: DynamodbTable;

  constructor(scope: Construct, id: string, props: TableProps) {
    super(scope, id);
    this.resource = new DynamodbTable(this, "this", {
      name: resourceName("dynamodb table", props.name),
      hashKey: props.key,
      attribute: [{ name: props.key, type: "S" }],
      billingMode: "PAY_PER_REQUEST",
      pointInTimeRecovery: { enabled: true },
      serverSideEncryption: { enabled: true, kmsKeyArn: props.keyArn },
      deletionProtectionEnabled: props.deletionProtection,
    });
  }
}
