import { DbInstance } from "@cdktf/provider-aws/lib/db-instance";
import { DbParameterGroup } from "@cdktf/provider-aws/lib/db-parameter-group";
import { DbSubnetGroup } from "@cdktf/provider-aws/lib/db-subnet-group";
import { RdsCluster } from "@cdktf/provider-aws/lib/rds-cluster";
import { RdsClusterInstance } from "@cdktf/provider-aws/lib/rds-cluster-instance";
import { RdsClusterParameterGroup } from "@cdktf/provider-aws/lib/rds-cluster-parameter-group";
import { DataResource, type ITerraformDependable, type TerraformResourceLifecycle } from "cdktf";
import { Construct } from "constructs";
import { arnsIn, type Place } from "./arn";
import type { LoginTarget } from "./connection-string";
import { Delivery } from "./delivery";
import { GeneratedSecret } from "./generated-secret";
import { LogGroups } from "./log-groups";
import { port } from "./port-range";
import { SecurityGroup } from "./security-group";
import { ServiceRole } from "./service-role";
import { windowProblem } from "./weekly-window";

export type DatabaseEngine = "postgres" | "aurora";

export interface DatabaseProps extends Place {
  /** Its identifier, and first part of the names around it: at most 60 lower-case letters, digits and single hyphens. */
  readonly name: string;
  readonly vpcId: string;
  /** Private subnets in two zones at least. */
  readonly subnetIds: readonly string[];
  /** An instance of RDS for PostgreSQL, or a cluster of Aurora Serverless v2. @default "postgres" */
  readonly engine?: DatabaseEngine;
  /** Major version, or major and minor. With the major alone, AWS chooses the minor. @default "16" */
  readonly engineVersion?: string;
  /** Whether another major version of `engineVersion` may upgrade it, which cannot be undone. @default false */
  readonly allowMajorUpgrade?: boolean;
  readonly databaseName: string;
  /** Name of the administrator. @default "postgres" */
  readonly username?: string;
  /** Name of the secret with the administrator's name and password. */
  readonly secretName: string;
  /** Number whose change makes a new password; may be a Terraform expression. */
  readonly rotation: string | number;
  /** Of an instance; a cluster has `capacity`. @default "db.t3.small" */
  readonly instanceClass?: string;
  /** Storage of an instance in GiB, which grows by itself to `max`. A cluster's has no size. @default 20 to 100 */
  readonly storage?: { readonly initial: number; readonly max: number };
  /** What each instance of a cluster scales between, in Aurora capacity units of about 2 GiB. @default 0.5 to 4 */
  readonly capacity?: { readonly min: number; readonly max: number };
  /** Whether a second one stands by in another zone; that of a cluster also serves reads. @default true */
  readonly multiAz?: boolean;
  /** Days for which any second can be restored, 1 to 35. @default 14 */
  readonly backupRetentionDays?: number;
  /** Daily, UTC. @default "02:00-03:00" */
  readonly backupWindow?: string;
  /** Weekly, UTC: when AWS restarts it for upgrades. @default "sun:04:00-sun:05:00" */
  readonly maintenanceWindow?: string;
  /** Whether changes that restart it are made at once and not in the maintenance window. @default false */
  readonly applyImmediately?: boolean;
  /** Whether AWS and Terraform refuse to destroy it, and its logs outlive it. */
  readonly protect: boolean;
  /** Whether its data outlives it: by a last snapshot and its automated backups. @default `protect` */
  readonly lastSnapshot?: boolean;
  /** Whether its secret can be had back for 30 days. @default as `lastSnapshot` */
  readonly recoverableSecret?: boolean;
  /** Key for its data, logs and secret. @default AWS's own */
  readonly keyArn?: string;
  readonly logRetentionDays: number;
  /** Statements that take longer are logged, in milliseconds. @default 1000 */
  readonly slowStatementMs?: number;
  /** Seconds between values of enhanced monitoring: 0 (none), 1, 5, 10, 15, 30 or 60. @default 0 */
  readonly monitoringSeconds?: number;
  /**
   * Whether Performance Insights keep 7 days, which is free. PostgreSQL has no class that lacks them, other than MySQL:
   * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DatabaseInsights.Engines.html
   *
   * @default true
   */
  readonly performanceInsights?: boolean;
  /** Whether IAM can give access instead of a password. @default false */
  readonly iamAuthentication?: boolean;
}

/** TCP port. */
export const POSTGRES = 5432;

/** What props leave out. */
export const databaseDefaults = Object.freeze({
  engine: "postgres",
  engineVersion: "16",
  allowMajorUpgrade: false,
  username: "postgres",
  instanceClass: "db.t3.small",
  storage: Object.freeze({ initial: 20, max: 100 }),
  capacity: Object.freeze({ min: 0.5, max: 4 }),
  multiAz: true,
  backupRetentionDays: 14,
  backupWindow: "02:00-03:00",
  maintenanceWindow: "sun:04:00-sun:05:00",
  applyImmediately: false,
  slowStatementMs: 1000,
  monitoringSeconds: 0,
  performanceInsights: true,
  iamAuthentication: false,
} satisfies Partial<DatabaseProps>);

type ResolvedProps = DatabaseProps & Required<Pick<DatabaseProps, keyof typeof databaseDefaults>>;

/** RDS deletes these logs never; ours are made first, with a retention. */
const exportedLogs: Readonly<Record<DatabaseEngine, readonly string[]>> = {
  postgres: ["postgresql", "upgrade"],
  aurora: ["postgresql"],
};
const CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1";
const INSIGHTS_DAYS = 7;

/**
 * A PostgreSQL database: encrypted, private, TLS only, reached by the groups that {@link allowFrom} names and by nobody
 * else. Its password is made and kept by Secrets Manager.
 *
 * @throws Error where AWS would refuse a prop
 */
export class Database extends Construct implements LoginTarget {
  readonly engine: DatabaseEngine;
  readonly identifier: string;
  readonly arn: string;
  /** Part of the ARN that lets a role log in by IAM: `rds-db:<region>:<account>:dbuser:<resourceId>/<user>`. */
  readonly resourceId: string;
  readonly endpoint: string;
  readonly port = POSTGRES;
  readonly databaseName: string;
  readonly username: string;
  readonly secret: GeneratedSecret;
  readonly group: SecurityGroup;
  readonly ready: readonly ITerraformDependable[];
  /** Of its CloudWatch metrics. */
  readonly dimensions: Readonly<Record<string, string>>;
  private readonly delivery: Delivery;
  private readonly props: ResolvedProps;
  private readonly monitoringRole?: ServiceRole;

  constructor(scope: Construct, id: string, props: DatabaseProps) {
    super(scope, id);
    this.props = resolve(props);
    const { name } = this.props;
    const problem = problemOf(this.props);
    if (problem) throw new Error(`database ${name}: ${problem}`);
    if (this.props.monitoringSeconds > 0) this.monitoringRole = this.makeMonitoringRole();
    this.engine = this.props.engine;
    this.identifier = name;
    this.databaseName = props.databaseName;
    this.username = this.props.username;
    this.secret = new GeneratedSecret(this, "secret", {
      name: props.secretName,
      description: `Administrator of the database ${name}`,
      keyArn: props.keyArn,
      recoverable: props.recoverableSecret ?? this.leavesData,
      rotation: props.rotation,
      json: {
        fields: { engine: "postgres", dbname: props.databaseName, username: this.username },
        valueField: "password",
      },
    });
    this.delivery = new Delivery(this, "delivery", { path: `/${name}/database`, secret: this.secret });
    this.group = new SecurityGroup(this, "group", {
      name: `${name}-database`,
      description: `Database ${name}`,
      vpcId: props.vpcId,
    });
    const made = this.engine === "aurora" ? this.cluster() : this.instance();
    this.arn = made.arn;
    this.resourceId = made.resourceId;
    this.endpoint = made.endpoint;
    this.ready = made.ready;
    // Of a cluster alone they would be means of its writer and of a reader that idles
    // https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
    this.dimensions =
      this.engine === "aurora"
        ? { DBClusterIdentifier: name, Role: "WRITER" }
        : { DBInstanceIdentifier: name };
  }

  /** Lets a group's members connect; the name tells their rule from others'. */
  allowFrom(name: string, group: SecurityGroup): void {
    const traffic = { purpose: "postgres", ports: [port(POSTGRES)] };
    this.group.allowFrom({ ...traffic, groups: { [name]: group.id } });
    group.allowTo({ ...traffic, groups: { [this.node.id]: this.group.id } });
  }

  private instance() {
    const { props } = this;
    const parameters = new DbParameterGroup(this, "parameters", {
      ...this.parameterGroup(`postgres${majorOf(props)}`),
      lifecycle: { createBeforeDestroy: true }, // a new major version has a new family
    });
    const instance = new DbInstance(this, "this", {
      ...this.common(),
      identifier: props.name,
      engine: "postgres",
      dbName: props.databaseName,
      username: props.username,
      instanceClass: props.instanceClass,
      allocatedStorage: props.storage.initial,
      maxAllocatedStorage: props.storage.max,
      storageType: "gp3",
      multiAz: props.multiAz,
      parameterGroupName: parameters.name,
      publiclyAccessible: false,
      caCertIdentifier: CERTIFICATE_AUTHORITY,
      autoMinorVersionUpgrade: isMajor(props),
      backupWindow: props.backupWindow,
      maintenanceWindow: props.maintenanceWindow,
      ...this.monitoring(),
    });
    instance.addOverride("password_wo", this.secret.value);
    instance.addOverride("password_wo_version", this.delivery.number);
    this.delivery.confirm(instance.getStringAttribute("password_wo_version"));
    return {
      arn: instance.arn,
      resourceId: instance.resourceId,
      endpoint: instance.address,
      ready: [instance],
    };
  }

  private cluster() {
    const { props } = this;
    const parameters = new RdsClusterParameterGroup(this, "parameters", {
      ...this.parameterGroup(`aurora-postgresql${majorOf(props)}`),
      lifecycle: { createBeforeDestroy: true },
    });
    const cluster = new RdsCluster(this, "this", {
      ...this.common(),
      clusterIdentifier: props.name,
      engine: "aurora-postgresql",
      engineMode: "provisioned", // as Serverless v2 has it
      databaseName: props.databaseName,
      masterUsername: props.username,
      serverlessv2ScalingConfiguration: {
        minCapacity: props.capacity.min,
        maxCapacity: props.capacity.max,
      },
      dbClusterParameterGroupName: parameters.name,
      preferredBackupWindow: props.backupWindow,
      preferredMaintenanceWindow: props.maintenanceWindow,
    });
    cluster.addOverride("master_password_wo", this.secret.value);
    cluster.addOverride("master_password_wo_version", this.delivery.number);
    this.delivery.confirm(cluster.getStringAttribute("master_password_wo_version"));
    const monitoring = this.monitoring();
    const instances = Array.from({ length: props.multiAz ? 2 : 1 }, (_, index) => {
      const number = index + 1;
      return new RdsClusterInstance(this, `instance_${number}`, {
        identifier: `${props.name}-${number}`,
        clusterIdentifier: cluster.id,
        engine: "aurora-postgresql",
        instanceClass: "db.serverless",
        dbSubnetGroupName: cluster.dbSubnetGroupName,
        publiclyAccessible: false,
        promotionTier: 1, // these have the writer's capacity, so that either can take over
        caCertIdentifier: CERTIFICATE_AUTHORITY,
        autoMinorVersionUpgrade: isMajor(props),
        applyImmediately: props.applyImmediately,
        copyTagsToSnapshot: true,
        preferredMaintenanceWindow: props.maintenanceWindow,
        ...monitoring,
        dependsOn: [...(this.monitoringRole?.ready ?? [])],
        lifecycle: this.lifecycle,
      });
    });
    return {
      arn: cluster.arn,
      resourceId: cluster.clusterResourceId,
      endpoint: cluster.endpoint,
      ready: [cluster, ...instances],
    };
  }

  /** What instance and cluster have alike. */
  private common() {
    const { props } = this;
    const snapshot = this.leavesData
      ? new DataResource(this, "last_snapshot", {
          // Each of these replaces the database: the next one needs a name of its own
          triggersReplace: { name: props.name, engine: props.engine, key: props.keyArn ?? "" },
        })
      : undefined;
    const logs = new LogGroups(this, "logs", exportedLogs[props.engine], {
      prefix: `/aws/rds/${props.engine === "aurora" ? "cluster" : "instance"}/${props.name}`,
      retentionDays: props.logRetentionDays,
      keyArn: props.keyArn,
      keep: props.protect,
    });
    const subnets = new DbSubnetGroup(this, "subnets", {
      name: props.name,
      description: `Database ${props.name}`,
      subnetIds: [...props.subnetIds],
    });
    return {
      engineVersion: props.engineVersion,
      allowMajorVersionUpgrade: props.allowMajorUpgrade,
      port: POSTGRES,
      dbSubnetGroupName: subnets.name,
      vpcSecurityGroupIds: [this.group.id],
      storageEncrypted: true,
      kmsKeyId: props.keyArn,
      iamDatabaseAuthenticationEnabled: props.iamAuthentication,
      backupRetentionPeriod: props.backupRetentionDays,
      deleteAutomatedBackups: !this.leavesData,
      copyTagsToSnapshot: true,
      applyImmediately: props.applyImmediately,
      deletionProtection: props.protect,
      skipFinalSnapshot: !this.leavesData,
      // A database that was made again and is destroyed again must not meet its former snapshot
      finalSnapshotIdentifier: snapshot ? `${props.name}-last-${snapshot.id}` : undefined,
      enabledCloudwatchLogsExports: [...exportedLogs[props.engine]],
      dependsOn: [...Object.values(logs.groups), ...(this.monitoringRole?.ready ?? [])],
      lifecycle: this.lifecycle,
    };
  }

  private parameterGroup(family: string) {
    return {
      name: `${this.props.name}-${family}`,
      family,
      description: `Database ${this.props.name}`,
      parameter: [
        { name: "rds.force_ssl", value: "1" },
        { name: "log_min_duration_statement", value: String(this.props.slowStatementMs) },
      ],
    };
  }

  private monitoring() {
    const { props } = this;
    return {
      performanceInsightsEnabled: props.performanceInsights,
      performanceInsightsRetentionPeriod: props.performanceInsights ? INSIGHTS_DAYS : undefined,
      performanceInsightsKmsKeyId: props.performanceInsights ? props.keyArn : undefined,
      monitoringInterval: props.monitoringSeconds,
      monitoringRoleArn: this.monitoringRole?.arn,
    };
  }

  /** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html */
  private makeMonitoringRole(): ServiceRole {
    const { props } = this;
    return new ServiceRole(this, "monitoring", {
      name: `${props.name}-monitoring`,
      service: "monitoring.rds.amazonaws.com",
      accountIds: props.accountIds,
      statements: [
        {
          Sid: "MakeLogGroup",
          Effect: "Allow",
          Action: ["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
          Resource: arnsIn(props, "logs", "log-group:RDSOSMetrics"),
        },
        {
          Sid: "WriteMetrics",
          Effect: "Allow",
          Action: [
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:GetLogEvents",
            "logs:PutLogEvents",
          ],
          Resource: arnsIn(props, "logs", "log-group:RDSOSMetrics:log-stream:*"),
        },
      ],
    });
  }

  private get leavesData(): boolean {
    return this.props.lastSnapshot ?? this.props.protect;
  }

  private get lifecycle(): TerraformResourceLifecycle | undefined {
    return this.props.protect ? { preventDestroy: true } : undefined;
  }
}

function resolve(props: DatabaseProps): ResolvedProps {
  const given = Object.entries(props).filter(([, value]) => value !== undefined);
  return { ...databaseDefaults, ...(Object.fromEntries(given) as unknown as DatabaseProps) };
}

/** Whether AWS chooses the minor version: one that is named would be gone back to, which RDS refuses. */
const isMajor = ({ engineVersion }: ResolvedProps): boolean => !engineVersion.includes(".");

const majorOf = ({ engineVersion }: ResolvedProps): string => engineVersion.split(".")[0] ?? "";

const monitoringIntervals = [0, 1, 5, 10, 15, 30, 60];

function problemOf(props: ResolvedProps): string | undefined {
  const { storage, capacity, backupRetentionDays } = props;
  if (!/^(?!.*--)[a-z][a-z0-9-]{0,58}[a-z0-9]$/.test(props.name))
    return "the name has 2 to 60 lower-case letters, digits and single hyphens, a letter first and no hyphen last";
  if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(props.databaseName))
    return `the database name "${props.databaseName}" has 1 to 63 letters, digits and underscores, a letter first`;
  if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(props.username) || /^(admin|rdsadmin|pg_.*)$/.test(props.username))
    return `RDS does not take "${props.username}" as the administrator's name`;
  if (!/^\d+(\.\d+)?$/.test(props.engineVersion))
    return `the engine version "${props.engineVersion}" is not like "16" or "16.4"`;
  if (backupRetentionDays < 1 || backupRetentionDays > 35 || !Number.isInteger(backupRetentionDays))
    return `backups are kept for 1 to 35 days, not ${backupRetentionDays}`;
  if (!monitoringIntervals.includes(props.monitoringSeconds))
    return `enhanced monitoring is every ${monitoringIntervals.join(", ")} seconds, not ${props.monitoringSeconds}`;
  if (!Number.isInteger(props.slowStatementMs) || props.slowStatementMs < 0)
    return `a slow statement takes a whole number of milliseconds, not ${props.slowStatementMs}`;
  if (props.engine === "postgres") {
    if (storage.initial < 20) return `gp3 storage has 20 GiB at least, not ${storage.initial}`;
    if (storage.max < storage.initial * 1.1)
      return `storage of ${storage.initial} GiB grows to a tenth more at least, not to ${storage.max}`;
  } else if (
    capacity.min < 0 ||
    capacity.max > 256 ||
    capacity.max < Math.max(1, capacity.min) ||
    [capacity.min, capacity.max].some((units) => !Number.isInteger(units * 2))
  ) {
    return `capacity is in halves from 0 to 256 units, the most being 1 at least; not ${capacity.min} to ${capacity.max}`;
  }
  return windowProblem(props.backupWindow, props.maintenanceWindow);
}
