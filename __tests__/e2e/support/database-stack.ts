import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { Subnet } from "@cdktf/provider-aws/lib/subnet";
import { Vpc } from "@cdktf/provider-aws/lib/vpc";
import { LocalBackend, TerraformStack, TerraformVariable, type App } from "cdktf";
import { ConnectionString } from "../../../modules/connection-string";
import { Database, type DatabaseProps } from "../../../modules/database";
import { GeneratedSecret } from "../../../modules/generated-secret";
import { SecurityGroup } from "../../../modules/security-group";

export const region = "us-east-1";
const schemes = { hasura: "postgres", supertokens: "postgresql", optaplanner: "jdbc:postgresql" } as const;

/** A network, both kinds of database, what logs in to them, and a secret of another form. */
export class DatabaseStack extends TerraformStack {
  constructor(app: App) {
    super(app, "stage");
    new AwsProvider(this, "aws", { region });
    new LocalBackend(this, { path: "terraform.tfstate" });
    this.addOverride("terraform.required_providers.aws.source", "hashicorp/aws");
    const variable = new TerraformVariable(this, "rotation", { type: "number", default: 1 });
    variable.overrideLogicalId("rotation");
    const rotation = "${var.rotation}";

    const vpc = new Vpc(this, "vpc", { cidrBlock: "10.0.0.0/16" });
    const subnetIds = ["a", "b"].map(
      (zone, index) =>
        new Subnet(this, zone, {
          vpcId: vpc.id,
          availabilityZone: `${region}${zone}`,
          cidrBlock: `10.0.${index}.0/24`,
        }).id,
    );
    const group = new SecurityGroup(this, "service", { name: "service", description: "one", vpcId: vpc.id });
    const common: Omit<DatabaseProps, "name" | "secretName"> = {
      partition: "aws",
      region,
      accountIds: ["123456789012"],
      vpcId: vpc.id,
      subnetIds,
      databaseName: "atomicdb",
      rotation,
      protect: false,
      logRetentionDays: 30,
    };
    const instance = new Database(this, "instance", {
      ...common,
      name: "stage-atomic",
      secretName: "stage/database",
      monitoringSeconds: 60,
      iamAuthentication: true,
    });
    instance.allowFrom("service", group);
    const cluster = new Database(this, "cluster", {
      ...common,
      name: "stage-aurora",
      secretName: "stage/aurora",
      engine: "aurora",
      multiAz: false,
    });
    cluster.allowFrom("service", group);

    const secret = { description: "A connection string.", recoverable: false };
    for (const [name, scheme] of Object.entries(schemes))
      new ConnectionString(this, name, { ...secret, name: `stage/${name}-url`, database: instance, scheme });
    new ConnectionString(this, "reports", { ...secret, name: "stage/reports-url", database: cluster });
    const other = new GeneratedSecret(this, "other", {
      ...secret,
      name: "stage/other",
      length: 200,
      punctuation: true,
      rotation,
    });
    new ConnectionString(this, "other_url", {
      ...secret,
      name: "stage/other-url",
      database: {
        endpoint: "db.example.com",
        port: 5432,
        databaseName: "other",
        username: "some one",
        secret: other,
        ready: [],
      },
    });
    new GeneratedSecret(this, "jwt", {
      name: "stage/jwt",
      description: "Key of tokens.",
      recoverable: false,
      length: 64,
      punctuation: true,
      rotation,
      json: { fields: { type: "HS256" }, valueField: "key" },
    });
  }
}
