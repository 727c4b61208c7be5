import { DataAwsSsmParametersByPath } from "@cdktf/provider-aws/lib/data-aws-ssm-parameters-by-path";
import { SsmParameter } from "@cdktf/provider-aws/lib/ssm-parameter";
import { Construct } from "constructs";
import type { GeneratedSecret } from "./generated-secret";
import { resourceName } from "./naming";

export interface DeliveryProps {
  /** Path in Parameter Store that has the receipt and nothing else. */
  readonly path: string;
  readonly secret: GeneratedSecret;
}

/**
 * The number beside a write-only argument that takes a secret, for a resource that is updated in place. Where such an
 * update fails, Terraform has the new number in its state all the same and would never send the secret again
 * (https://github.com/hashicorp/terraform-plugin-sdk/issues/476). So what has arrived is noted in Parameter Store, and
 * without a receipt for the stored version the number is a new one in every plan. Neither it nor the receipt is secret.
 */
export class Delivery extends Construct {
  /** For the version argument, as a Terraform expression. */
  readonly number: string;
  private readonly receipt: string;
  private readonly secret: GeneratedSecret;

  constructor(scope: Construct, id: string, { path, secret }: DeliveryProps) {
    super(scope, id);
    this.receipt = resourceName("parameter", `${path}/received`);
    this.secret = secret;
    // One alone must be there; of these none may be
    const receipts = new DataAwsSsmParametersByPath(this, "receipts", { path, withDecryption: false });
    const sent = `[for receipt in nonsensitive(${receipts.fqn}.values) : split(" ", receipt)[0] if endswith(receipt, ${secret.versionId})]`;
    const fresh = 'formatdate("YYYYMMDDhhmmss", timestamp())'; // known at apply, so that a plan does not change by itself
    this.number = `\${tonumber(concat(${sent}, [${fresh}])[0])}`;
  }

  /** Notes that the secret has arrived. @param number the version argument, read from the resource that has it */
  confirm(number: string): void {
    new SsmParameter(this, "receipt", {
      name: this.receipt,
      type: "String",
      description: "Version of a secret that has arrived where it is used",
      insecureValue: `${number} ${this.secret.versionId}`, // as it is no secret
    });
  }
}
