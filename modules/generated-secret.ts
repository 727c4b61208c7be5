import type { SecretsmanagerSecret } from "@cdktf/provider-aws/lib/secretsmanager-secret";
import { SecretsmanagerSecretVersion } from "@cdktf/provider-aws/lib/secretsmanager-secret-version";
import { TerraformStack, Token, type TerraformResource } from "cdktf";
import { Construct } from "constructs";
import { literal } from "./naming";
import { OperatorSecret, type SecretProps } from "./secret";

export interface GeneratedSecretProps extends SecretProps {
  /** In characters, 8 to 4096. @default 40 */
  readonly length?: number;
  /** Whether punctuation is in it, but for quotes, `/`, `@` and `\`, which databases refuse. @default false */
  readonly punctuation?: boolean;
  /** Number whose change makes a new value; may be a Terraform expression. */
  readonly rotation: string | number;
  /** Stores a JSON object that has the value in a field. @default the value alone */
  readonly json?: {
    readonly fields: Readonly<Record<string, string>>;
    /** Name of the field that holds the value. */
    readonly valueField: string;
  };
}

const MIN_LENGTH = 8;
const MAX_LENGTH = 4096;
/** What RDS refuses in a password, and quotes and backslashes, which are escaped differently everywhere. */
const EXCLUDED = "\"'`/@\\";

/**
 * A secret that Secrets Manager makes and keeps. Terraform hands it on without writing it down: it is in neither plan nor
 * state. Consumers take the stored value and never the fresh one, so that an apply that broke off half-way is completed
 * by the next.
 *
 * @throws Error where the length or a field of the JSON is not possible
 */
export class GeneratedSecret extends Construct {
  readonly resource: SecretsmanagerSecret;
  readonly version: SecretsmanagerSecretVersion;
  readonly name: string;
  /** The stored value, as the inside of a Terraform expression. It is ephemeral: for write-only arguments alone. */
  readonly expression: string;

  constructor(scope: Construct, id: string, props: GeneratedSecretProps) {
    super(scope, id);
    const { length = 40, punctuation = false, json } = props;
    if (!Number.isInteger(length) || length < MIN_LENGTH || length > MAX_LENGTH)
      throw new Error(
        `${props.name}: a generated secret has ${MIN_LENGTH} to ${MAX_LENGTH} characters, not ${length}`,
      );
    if (json && Object.hasOwn(json.fields, json.valueField))
      throw new Error(
        `${props.name}: the field "${json.valueField}" holds the generated value; give it no other`,
      );

    const secret = new OperatorSecret(this, "this", props);
    this.resource = secret.resource;
    this.name = secret.name;
    this.version = new SecretsmanagerSecretVersion(this, "version", { secretId: this.resource.id });
    const fresh = ephemeral(this.version, "aws_secretsmanager_random_password", {
      password_length: atApply(length, 0),
      exclude_punctuation: !punctuation,
      exclude_characters: punctuation ? EXCLUDED : undefined,
      require_each_included_type: true, // databases and people's rules want some of each
    });
    writeValue(this.version, {
      value: `\${${json ? jsonObject(`${fresh}.random_password`, json) : `${fresh}.random_password`}}`,
      version: String(props.rotation),
    });
    // By the version's id: while a new one is on its way there is nothing to read yet, and no old value is taken for it
    const stored = ephemeral(this.version, "aws_secretsmanager_secret_version", {
      secret_id: this.version.secretId,
      version_id: atApply(this.version.versionId, '""'),
    });
    this.expression = json
      ? `jsondecode(${stored}.secret_string)[${quoted(json.valueField)}]`
      : `${stored}.secret_string`;
  }

  get arn(): string {
    return this.resource.arn;
  }

  /** The stored value. It is ephemeral: for write-only arguments alone. */
  get value(): string {
    return `\${${this.expression}}`;
  }

  /** Id of the stored version: another one after each change of the value. It is no secret. */
  get versionId(): string {
    return this.version.versionId;
  }

  /** Number of the stored version, for the version argument beside a write-only one. Another, not a higher, after each change. */
  get versionNumber(): string {
    return numberOf([this.versionId]);
  }
}

/** A number that changes with any of the parts, as a Terraform expression. */
export function numberOf(parts: readonly string[]): string {
  const list = parts.map((part) => (Token.isUnresolved(part) ? part : quoted(part)));
  return `\${parseint(substr(sha256(join(" ", [${list.join(", ")}])), 0, 12), 16)}`;
}

/** Gives a secret's version a value that Terraform does not write down; a change of the number makes a new version. */
export function writeValue(
  version: SecretsmanagerSecretVersion,
  { value, version: number }: { readonly value: string; readonly version: string },
): void {
  version.addOverride("secret_string_wo", value); // not in cdktf's types
  version.addOverride("secret_string_wo_version", number);
}

/** Declares an ephemeral resource, which cdktf has no class for, under the name of a resource beside it. @returns its address */
function ephemeral(beside: TerraformResource, type: string, body: Record<string, unknown>): string {
  const address = `${type}.${beside.friendlyUniqueId}`;
  TerraformStack.of(beside).addOverride(`ephemeral.${address}`, body);
  return `ephemeral.${address}`;
}

/**
 * A value that a plan does not know, as a Terraform expression. An ephemeral resource is opened as soon as all its
 * arguments are known: with this one a plan asks for no secret, and so needs no right to any.
 */
const atApply = (value: string | number, other: string | number): string =>
  `\${timestamp() == "" ? ${other} : ${value}}`;

const quoted = (text: string): string => JSON.stringify(literal(text));

function jsonObject(value: string, json: NonNullable<GeneratedSecretProps["json"]>): string {
  const fields = Object.entries(json.fields).map(([name, text]) => `${quoted(name)} = ${quoted(text)}`);
  return `jsonencode({${[...fields, `${quoted(json.valueField)} = ${value}`].join(", ")}})`;
}
