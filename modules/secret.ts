import { SecretsmanagerSecret } from "@cdktf/provider-aws/lib/secretsmanager-secret";
import { Construct } from "constructs";
import { resourceName } from "./naming";

export interface SecretProps {
  readonly name: string;
  readonly description: string;
  /** @default Secrets Manager's own key */
  readonly keyArn?: string;
  /** Whether it can be had back for 30 days after it was destroyed, and its name not used again meanwhile. */
  readonly recoverable: boolean;
}

/** The most that Secrets Manager gives. */
const RECOVERY_DAYS = 30;

/** A secret without a value: an operator fills it by `./landfall secret set`. Its value never is in Terraform. */
export class OperatorSecret extends Construct {
  readonly resource: SecretsmanagerSecret;
  readonly name: string;

  constructor(scope: Construct, id: string, props: SecretProps) {
    super(scope, id);
    this.name = resourceName("secret", props.name);
    this.resource = new SecretsmanagerSecret(this, "this", {
      name: this.name,
      description: props.description,
      kmsKeyId: props.keyArn,
      recoveryWindowInDays: props.recoverable ? RECOVERY_DAYS : 0,
    });
  }

  get arn(): string {
    return this.resource.arn;
  }
}
