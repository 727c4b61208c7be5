import { SsmParameter } from "@cdktf/provider-aws/lib/ssm-parameter";
import { Construct } from "constructs";
import { resourceName } from "./naming";

export interface SecretParameterProps {
  readonly name: string;
  /** Reference to an ephemeral variable: its value is in neither plan nor state. */
  readonly value: string;
  /** @default the account's key for parameters */
  readonly keyArn?: string;
  /** Reference to the number whose rise writes the value anew. */
  readonly version: string;
}

/** A SecureString of Parameter Store whose value Terraform writes and never reads. */
export class SecretParameter extends Construct {
  constructor(scope: Construct, id: string, props: SecretParameterProps) {
    super(scope, id);
    const parameter = new SsmParameter(this, "this", {
      name: resourceName("parameter", props.name),
      type: "SecureString",
      keyId: props.keyArn,
    });
    parameter.addOverride("value_wo", props.value);
    parameter.addOverride("value_wo_version", props.version);
  }
}

export interface ParameterProps {
  readonly name: string;
  readonly value: string;
  /** Whether somebody else changes the value once it is there. @default false */
  readonly initialOnly?: boolean;
}

/**
 * A plain parameter that hosts read. The provider marks its value as sensitive in plans; `insecure_value` would show it, but
 * a parameter that is there cannot go from the one to the other: neither is written then.
 */
export class Parameter extends Construct {
  readonly resource: SsmParameter;

  constructor(scope: Construct, id: string, props: ParameterProps) {
    super(scope, id);
    this.resource = new SsmParameter(this, "this", {
      name: resourceName("parameter", props.name),
      type: "String",
      value: props.value,
      lifecycle: props.initialOnly ? { ignoreChanges: ["value"] } : undefined,
    });
  }
}
