import { ConnectionString, type ConnectionStringProps } from "../../modules/connection-string";
import { Database, databaseDefaults, type DatabaseProps } from "../../modules/database";
import { SecurityGroup } from "../../modules/security-group";
import { ModuleStack, type Json } from "../support/module-stack";
import { resource, resources } from "../support/stacks";

const least: DatabaseProps = {
  partition: "aws",
  region: "us-east-1",
  accountIds: ["123456789012"],
  name: "stage-atomic",
  vpcId: "vpc-1",
  subnetIds: ["subnet-1", "subnet-2"],
  databaseName: "atomicdb",
  secretName: "stage/database",
  rotation: "${var.rotation}",
  protect: false,
  logRetentionDays: 30,
};

function database(props: Partial<DatabaseProps> = {}) {
  const stack = new ModuleStack();
  const made = new Database(stack, "db", { ...least, ...props });
  const group = new SecurityGroup(stack, "hasura", { name: "hasura", description: "one", vpcId: "vpc-1" });
  return { stack, database: made, group, json: stack.json };
}
const instance = (json: Json) => resource(json, "aws_db_instance", "db");
const cluster = (json: Json) => resource(json, "aws_rds_cluster", "db");
const numberOf = (parts: string) => `\${parseint(substr(sha256(join(" ", [${parts}])), 0, 12), 16)}`;
const passwordId = "aws_secretsmanager_secret_version.db_secret_version.version_id";
const receipts = "data.aws_ssm_parameters_by_path.db_delivery_receipts.values";
const passwordNumber = `\${tonumber(concat([for receipt in nonsensitive(${receipts}) : split(" ", receipt)[0] if endswith(receipt, ${passwordId})], [formatdate("YYYYMMDDhhmmss", timestamp())])[0])}`;
const password =
  'jsondecode(ephemeral.aws_secretsmanager_secret_version.db_secret_version.secret_string)["password"]';

describe("an instance", () => {
  it("has the defaults that its props name", () => {
    const { json } = database();
    expect(instance(json)).toMatchObject({
      identifier: "stage-atomic",
      engine: "postgres",
      engine_version: "16",
      allow_major_version_upgrade: false,
      auto_minor_version_upgrade: true,
      instance_class: "db.t3.small",
      db_name: "atomicdb",
      username: "postgres",
      port: 5432,
      multi_az: true,
      allocated_storage: 20,
      max_allocated_storage: 100,
      storage_type: "gp3",
      storage_encrypted: true,
      publicly_accessible: false,
      backup_retention_period: 14,
      backup_window: "02:00-03:00",
      maintenance_window: "sun:04:00-sun:05:00",
      apply_immediately: false,
      copy_tags_to_snapshot: true,
      ca_cert_identifier: "rds-ca-rsa2048-g1",
      enabled_cloudwatch_logs_exports: ["postgresql", "upgrade"],
      performance_insights_enabled: true,
      performance_insights_retention_period: 7,
      monitoring_interval: 0,
      iam_database_authentication_enabled: false,
      db_subnet_group_name: "${aws_db_subnet_group.db_subnets.name}",
      vpc_security_group_ids: ["${aws_security_group.db_group.id}"],
      parameter_group_name: "${aws_db_parameter_group.db_parameters.name}",
    });
    expect(resource(json, "aws_db_subnet_group", "db_subnets").subnet_ids).toEqual(["subnet-1", "subnet-2"]);
    for (const attribute of ["password", "manage_master_user_password", "kms_key_id", "monitoring_role_arn"])
      expect(instance(json)).not.toHaveProperty(attribute);
    expect(resources(json, "aws_iam_role")).toEqual({});
  });

  it("takes every prop", () => {
    const { json } = database({
      engineVersion: "17.2",
      allowMajorUpgrade: true,
      username: "calendar",
      instanceClass: "db.m7g.large",
      storage: { initial: 50, max: 500 },
      multiAz: false,
      backupRetentionDays: 3,
      backupWindow: "22:00-23:00",
      maintenanceWindow: "mon:04:00-mon:05:00",
      applyImmediately: true,
      keyArn: "arn:key",
      slowStatementMs: 250,
      monitoringSeconds: 60,
      iamAuthentication: true,
    });
    expect(instance(json)).toMatchObject({
      engine_version: "17.2",
      allow_major_version_upgrade: true,
      username: "calendar",
      instance_class: "db.m7g.large",
      allocated_storage: 50,
      max_allocated_storage: 500,
      multi_az: false,
      backup_retention_period: 3,
      backup_window: "22:00-23:00",
      maintenance_window: "mon:04:00-mon:05:00",
      apply_immediately: true,
      kms_key_id: "arn:key",
      performance_insights_kms_key_id: "arn:key",
      monitoring_interval: 60,
      monitoring_role_arn: "${aws_iam_role.db_monitoring.arn}",
      iam_database_authentication_enabled: true,
    });
    expect(resource(json, "aws_db_parameter_group", "db_parameters")).toMatchObject({ family: "postgres17" });
    expect(resource(json, "aws_cloudwatch_log_group", "db_logs_upgrade").kms_key_id).toBe("arn:key");
    expect(resource(json, "aws_secretsmanager_secret", "db_secret").kms_key_id).toBe("arn:key");
    const trust = JSON.parse(String(resource(json, "aws_iam_role", "db_monitoring").assume_role_policy)) as {
      Statement: unknown;
    };
    expect(trust.Statement).toEqual([
      {
        Effect: "Allow",
        Principal: { Service: "monitoring.rds.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: { StringEquals: { "aws:SourceAccount": ["123456789012"] } },
      },
    ]);
  });

  it("needs no key and no days for insights that are off", () => {
    const { json } = database({ performanceInsights: false, keyArn: "arn:key" });
    expect(instance(json).performance_insights_enabled).toBe(false);
    expect(instance(json)).not.toHaveProperty("performance_insights_kms_key_id");
    expect(instance(json)).not.toHaveProperty("performance_insights_retention_period");
  });

  it("keeps the defaults where a prop is undefined", () => {
    expect(instance(database({ multiAz: undefined, engineVersion: undefined }).json)).toMatchObject({
      multi_az: databaseDefaults.multiAz,
      engine_version: databaseDefaults.engineVersion,
    });
  });

  it("takes TLS alone and logs slow statements", () => {
    const group = resource(database().json, "aws_db_parameter_group", "db_parameters");
    expect(group).toMatchObject({
      name: "stage-atomic-postgres16",
      family: "postgres16",
      parameter: [
        { name: "rds.force_ssl", value: "1" },
        { name: "log_min_duration_statement", value: "1000" },
      ],
      lifecycle: { create_before_destroy: true },
    });
  });

  it("logs to groups that are there first, with a retention", () => {
    const { json } = database();
    const groups = resources(json, "aws_cloudwatch_log_group");
    expect(Object.values(groups).map(({ name, retention_in_days }) => [name, retention_in_days])).toEqual([
      ["/aws/rds/instance/stage-atomic/postgresql", 30],
      ["/aws/rds/instance/stage-atomic/upgrade", 30],
    ]);
    expect(instance(json).depends_on).toEqual(
      Object.keys(groups).map((name) => `aws_cloudwatch_log_group.${name}`),
    );
  });

  it("takes the stored password, and again when another is stored", () => {
    expect(instance(database().json)).toMatchObject({
      password_wo: `\${${password}}`,
      password_wo_version: passwordNumber,
    });
    expect(resource(database().json, "aws_secretsmanager_secret_version", "db_secret_version")).toMatchObject(
      {
        secret_string_wo:
          '${jsonencode({"engine" = "postgres", "dbname" = "atomicdb", "username" = "postgres", "password" = ephemeral.aws_secretsmanager_random_password.db_secret_version.random_password})}',
        secret_string_wo_version: "${var.rotation}",
      },
    );
  });

  it("has a receipt of its password once it has it, which is no secret, for a failed change to be made again", () => {
    const { json } = database();
    expect(json.data.aws_ssm_parameters_by_path.db_delivery_receipts).toMatchObject({
      path: "/stage-atomic/database",
      with_decryption: false, // so that a plan asks for no secret
    });
    expect(resource(json, "aws_ssm_parameter", "db_delivery_receipt")).toMatchObject({
      name: "/stage-atomic/database/received",
      type: "String",
      insecure_value: `\${aws_db_instance.db.password_wo_version} \${${passwordId}}`,
    });
    const aurora = database({ engine: "aurora" }).json;
    expect(resource(aurora, "aws_ssm_parameter", "db_delivery_receipt").insecure_value).toBe(
      `\${aws_rds_cluster.db.master_password_wo_version} \${${passwordId}}`,
    );
  });

  it("has the names that alarms, roles and outputs need", () => {
    const { database: db, stack } = database();
    expect(db).toMatchObject({
      engine: "postgres",
      identifier: "stage-atomic",
      port: 5432,
      databaseName: "atomicdb",
      username: "postgres",
      dimensions: { DBInstanceIdentifier: "stage-atomic" },
    });
    expect(stack.resolve([db.endpoint, db.arn, db.resourceId, db.secret.arn])).toEqual([
      "${aws_db_instance.db.address}",
      "${aws_db_instance.db.arn}",
      "${aws_db_instance.db.resource_id}",
      "${aws_secretsmanager_secret.db_secret.arn}",
    ]);
  });
});

describe("a cluster", () => {
  const aurora = (props: Partial<DatabaseProps> = {}) => database({ engine: "aurora", ...props });

  it("is Serverless v2, as private and as encrypted", () => {
    const { json } = aurora();
    expect(cluster(json)).toMatchObject({
      cluster_identifier: "stage-atomic",
      engine: "aurora-postgresql",
      engine_version: "16",
      engine_mode: "provisioned",
      database_name: "atomicdb",
      master_username: "postgres",
      master_password_wo: `\${${password}}`,
      master_password_wo_version: passwordNumber,
      serverlessv2_scaling_configuration: { min_capacity: 0.5, max_capacity: 4 },
      storage_encrypted: true,
      backup_retention_period: 14,
      preferred_backup_window: "02:00-03:00",
      preferred_maintenance_window: "sun:04:00-sun:05:00",
      copy_tags_to_snapshot: true,
      enabled_cloudwatch_logs_exports: ["postgresql"],
      vpc_security_group_ids: ["${aws_security_group.db_group.id}"],
      db_subnet_group_name: "${aws_db_subnet_group.db_subnets.name}",
      db_cluster_parameter_group_name: "${aws_rds_cluster_parameter_group.db_parameters.name}",
      depends_on: ["aws_cloudwatch_log_group.db_logs_postgresql"],
    });
    expect(resource(json, "aws_rds_cluster_parameter_group", "db_parameters")).toMatchObject({
      family: "aurora-postgresql16",
      parameter: [
        { name: "rds.force_ssl", value: "1" },
        { name: "log_min_duration_statement", value: "1000" },
      ],
    });
    expect(resource(json, "aws_cloudwatch_log_group", "db_logs_postgresql").name).toBe(
      "/aws/rds/cluster/stage-atomic/postgresql",
    );
    expect(resources(json, "aws_db_instance")).toEqual({});
  });

  it("has a second instance in another zone, or one", () => {
    const two = resources(aurora().json, "aws_rds_cluster_instance");
    expect(Object.values(two).map(({ identifier }) => String(identifier))).toEqual([
      "stage-atomic-1",
      "stage-atomic-2",
    ]);
    for (const found of Object.values(two))
      expect(found).toMatchObject({
        instance_class: "db.serverless",
        publicly_accessible: false,
        ca_cert_identifier: "rds-ca-rsa2048-g1",
        performance_insights_enabled: true,
        auto_minor_version_upgrade: true,
      });
    const one = resources(aurora({ multiAz: false }).json, "aws_rds_cluster_instance");
    expect(Object.keys(one)).toEqual(["db_instance_1"]);
  });

  it("has one role of enhanced monitoring for both instances", () => {
    const { json } = aurora({ monitoringSeconds: 30 });
    expect(Object.keys(resources(json, "aws_iam_role"))).toEqual(["db_monitoring"]);
    for (const found of Object.values(resources(json, "aws_rds_cluster_instance")))
      expect(found.monitoring_role_arn).toBe("${aws_iam_role.db_monitoring.arn}");
  });

  it("shows itself as an instance does", () => {
    const { database: db, stack } = aurora({ capacity: { min: 0, max: 8 } });
    expect(db.dimensions).toEqual({ DBClusterIdentifier: "stage-atomic", Role: "WRITER" });
    expect(stack.resolve([db.endpoint, db.arn, db.resourceId])).toEqual([
      "${aws_rds_cluster.db.endpoint}",
      "${aws_rds_cluster.db.arn}",
      "${aws_rds_cluster.db.cluster_resource_id}",
    ]);
  });
});

describe.each([
  ["an instance", "postgres", instance],
  ["a cluster", "aurora", cluster],
] as const)("%s", (_, engine, found) => {
  it("that is protected is refused to be destroyed, and leaves a snapshot of its own name and its backups", () => {
    const { json } = database({ engine, protect: true });
    expect(found(json)).toMatchObject({
      deletion_protection: true,
      delete_automated_backups: false,
      skip_final_snapshot: false,
      final_snapshot_identifier: "stage-atomic-last-${terraform_data.db_last_snapshot.id}",
      lifecycle: { prevent_destroy: true },
    });
    expect(resource(json, "terraform_data", "db_last_snapshot").triggers_replace).toEqual({
      name: "stage-atomic",
      engine,
      key: "",
    });
    for (const member of Object.values(resources(json, "aws_rds_cluster_instance")))
      expect(member.lifecycle).toEqual({ prevent_destroy: true });
    expect(resource(json, "aws_secretsmanager_secret", "db_secret").recovery_window_in_days).toBe(30);
    for (const logs of Object.values(resources(json, "aws_cloudwatch_log_group")))
      expect(logs.skip_destroy).toBe(true);
  });

  it("that is not protected goes with all it had", () => {
    const { json } = database({ engine });
    expect(found(json)).toMatchObject({
      deletion_protection: false,
      delete_automated_backups: true,
      skip_final_snapshot: true,
    });
    expect(found(json)).not.toHaveProperty("final_snapshot_identifier");
    expect(found(json)).not.toHaveProperty("lifecycle");
    expect(resources(json, "terraform_data")).toEqual({});
    for (const logs of Object.values(resources(json, "aws_cloudwatch_log_group")))
      expect(logs.skip_destroy).toBe(false);
    expect(resource(json, "aws_secretsmanager_secret", "db_secret").recovery_window_in_days).toBe(0);
  });

  it("lets in the groups that are named, on its port, and nobody before", () => {
    const { database: db, group, stack, json } = database({ engine });
    expect(resources(json, "aws_vpc_security_group_ingress_rule")).toEqual({});
    db.allowFrom("hasura", group);
    const rules = resources(stack.json, "aws_vpc_security_group_ingress_rule");
    expect(rules).toEqual({
      db_group_from_postgres_5432_group_hasura: expect.objectContaining({
        security_group_id: "${aws_security_group.db_group.id}",
        referenced_security_group_id: "${aws_security_group.hasura.id}",
        ip_protocol: "tcp",
        from_port: 5432,
        to_port: 5432,
      }) as unknown,
    });
    expect(JSON.stringify(rules)).not.toMatch(/cidr|0\.0\.0\.0|::\/0/);
    expect(resources(stack.json, "aws_vpc_security_group_egress_rule")).toEqual({
      hasura_to_postgres_5432_group_db: expect.objectContaining({
        security_group_id: "${aws_security_group.hasura.id}",
        referenced_security_group_id: "${aws_security_group.db_group.id}",
        from_port: 5432,
      }) as unknown,
    });
  });
});

describe("what AWS would refuse", () => {
  it.each<[string, Partial<DatabaseProps>, RegExp]>([
    ["a name with capitals", { name: "Stage" }, /the name has/],
    ["a name with two hyphens", { name: "stage--atomic" }, /the name has/],
    ["a name that ends with a hyphen", { name: "stage-" }, /the name has/],
    ["a name that is too long", { name: "s".repeat(61) }, /the name has/],
    ["a database name with a hyphen", { databaseName: "atomic-db" }, /database name "atomic-db"/],
    ["a reserved administrator", { username: "admin" }, /"admin" as the administrator/],
    ["an administrator with a space", { username: "a b" }, /"a b" as the administrator/],
    ["a version that is none", { engineVersion: "16.x" }, /engine version "16.x"/],
    ["no backups", { backupRetentionDays: 0 }, /1 to 35 days, not 0/],
    ["backups for too long", { backupRetentionDays: 36 }, /1 to 35 days, not 36/],
    ["backups for half a day", { backupRetentionDays: 1.5 }, /1 to 35 days/],
    ["monitoring every 7 seconds", { monitoringSeconds: 7 }, /seconds, not 7/],
    ["a negative time", { slowStatementMs: -1 }, /milliseconds, not -1/],
    ["little storage", { storage: { initial: 10, max: 100 } }, /20 GiB at least, not 10/],
    ["storage that does not grow", { storage: { initial: 100, max: 105 } }, /not to 105/],
    ["windows that overlap", { backupWindow: "04:30-05:30" }, /overlap/],
    ["capacity in thirds", { engine: "aurora", capacity: { min: 0.3, max: 4 } }, /not 0.3 to 4/],
    ["less at most than at least", { engine: "aurora", capacity: { min: 4, max: 2 } }, /not 4 to 2/],
    ["half a unit at most", { engine: "aurora", capacity: { min: 0.5, max: 0.5 } }, /not 0.5 to 0.5/],
    ["negative capacity", { engine: "aurora", capacity: { min: -1, max: 4 } }, /not -1 to 4/],
    ["more capacity than there is", { engine: "aurora", capacity: { min: 1, max: 257 } }, /not 1 to 257/],
  ])("%s", (_, props, reason) => {
    expect(() => database(props)).toThrow(reason);
    expect(() => database(props)).toThrow(/^database /);
  });
});

describe("a connection string", () => {
  function string(props: Partial<ConnectionStringProps> = {}, of: Partial<DatabaseProps> = {}): Json {
    const { stack, database: db } = database(of);
    new ConnectionString(stack, "url", {
      name: "stage/hasura-url",
      description: "Of Hasura.",
      recoverable: false,
      database: db,
      ...props,
    });
    return resource(stack.json, "aws_secretsmanager_secret_version", "url_version");
  }
  const host = "${aws_db_instance.db.address}:5432/atomicdb";

  it("has the stored password, escaped, and asks for TLS", () => {
    expect(string()).toMatchObject({
      secret_id: "${aws_secretsmanager_secret.url.id}",
      secret_string_wo: `postgres://postgres:\${urlencode(${password})}@${host}?sslmode=require`,
    });
    expect(string({ scheme: "postgresql" }).secret_string_wo).toMatch(/^postgresql:\/\/postgres:/);
  });

  it("for JDBC has user and password among the parameters", () => {
    expect(string({ scheme: "jdbc:postgresql" }).secret_string_wo).toBe(
      `jdbc:postgresql://${host}?user=postgres&password=\${urlencode(${password})}&sslmode=require`,
    );
  });

  it("is written after the database has the password, and again when any part changes", () => {
    expect(string()).toMatchObject({
      depends_on: ["aws_db_instance.db"],
      secret_string_wo_version: numberOf(
        `${passwordId}, aws_db_instance.db.address, "postgres://postgres:password@host:5432/atomicdb?sslmode=require"`,
      ),
    });
    expect(string({}, { engine: "aurora" }).depends_on).toEqual([
      "aws_rds_cluster.db",
      "aws_rds_cluster_instance.db_instance_1",
      "aws_rds_cluster_instance.db_instance_2",
    ]);
  });

  it("tells who uses it which one it is", () => {
    const { stack, database: db } = database();
    const made = new ConnectionString(stack, "url", {
      name: "stage/hasura-url",
      description: "Of Hasura.",
      recoverable: true,
      database: db,
    });
    expect(made.name).toBe("stage/hasura-url");
    expect(stack.resolve([made.arn, made.versionId])).toEqual([
      "${aws_secretsmanager_secret.url.arn}",
      "${aws_secretsmanager_secret_version.url_version.version_id}",
    ]);
    expect(resource(stack.json, "aws_secretsmanager_secret", "url").recovery_window_in_days).toBe(30);
  });
});
