import { SecretsmanagerSecretVersion } from "@cdktf/provider-aws/lib/secretsmanager-secret-version";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { numberOf, writeValue, type GeneratedSecret } from "./generated-secret";
import { OperatorSecret, type SecretProps } from "./secret";

/** A database and how to log in to it. */
export interface LoginTarget {
  /** Host name. */
  readonly endpoint: string;
  /** TCP port. */
  readonly port: number;
  readonly databaseName: string;
  readonly username: string;
  readonly secret: GeneratedSecret;
  /** What has the password of the secret, once it is done. */
  readonly ready: readonly ITerraformDependable[];
}

export interface ConnectionStringProps extends SecretProps {
  readonly database: LoginTarget;
  /** `jdbc:postgresql` has user and password among the parameters, as JDBC wants them. @default "postgres" */
  readonly scheme?: "postgres" | "postgresql" | "jdbc:postgresql";
}

/**
 * A secret that holds the URL of a database with its password, TLS required. It is written after the database has the
 * password, and again whenever password, host or any other part changes.
 */
export class ConnectionString extends Construct {
  readonly name: string;
  readonly arn: string;
  /** Id of the stored string: another one after each change. A task definition that has it starts tasks anew. No secret. */
  readonly versionId: string;

  constructor(scope: Construct, id: string, props: ConnectionStringProps) {
    super(scope, id);
    const { database, scheme = "postgres" } = props;
    const secret = new OperatorSecret(this, "this", props);
    this.name = secret.name;
    this.arn = secret.arn;
    const version = new SecretsmanagerSecretVersion(this, "version", {
      secretId: secret.resource.id,
      dependsOn: [...database.ready],
    });
    const password = `\${urlencode(${database.secret.expression})}`;
    writeValue(version, {
      value: urlOf(scheme, database, database.endpoint, password),
      version: numberOf([
        database.secret.versionId,
        database.endpoint,
        urlOf(scheme, database, "host", "password"),
      ]),
    });
    this.versionId = version.versionId;
  }
}

function urlOf(
  scheme: NonNullable<ConnectionStringProps["scheme"]>,
  { port, databaseName, username }: LoginTarget,
  host: string,
  password: string,
): string {
  const user = encodeURIComponent(username);
  const place = `${host}:${port}/${databaseName}`;
  return scheme === "jdbc:postgresql"
    ? `${scheme}://${place}?user=${user}&password=${password}&sslmode=require`
    : `${scheme}://${user}:${password}@${place}?sslmode=require`;
}
