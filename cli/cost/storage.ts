import { charge, type Finding, type Gap, type Pricer } from "./charge";
import { priceIn } from "./prices";
import { HOURS_PER_MONTH } from "./schedule";
import { block, type Attributes, type Template } from "./template";

/** Days of Performance Insights, now Database Insights, that are free. */
const FREE_INSIGHTS_DAYS = 7;

/** `aws_s3_bucket`: storage in S3 Standard, and requests. */
export const bucket: Pricer = (resource, { usage }) => [
  charge("s3_gb", "S3 Standard storage", usage.of("s3_gb", resource)),
  charge("s3_write", "PUT, COPY, POST and LIST", usage.of("s3_writes", resource)),
  charge("s3_read", "GET and other requests", usage.of("s3_reads", resource)),
];

/** `aws_dynamodb_table`, on demand. */
export const dynamodbTable: Pricer = (resource, { template, usage }) => {
  const { billing_mode: mode, point_in_time_recovery: recovery } = resource.attributes;
  if (template.text(mode) !== "PAY_PER_REQUEST")
    return [{ notEstimated: "a table with provisioned capacity" }];
  const size = usage.of("dynamodb_gb", resource);
  return [
    charge("dynamodb_write_unit", "write request units", usage.of("dynamodb_writes", resource)),
    charge("dynamodb_read_unit", "read request units", usage.of("dynamodb_reads", resource)),
    charge("dynamodb_gb", "table storage", size),
    ...(template.flag(block(recovery).enabled)
      ? [charge("dynamodb_pitr_gb", "point-in-time recovery", size)]
      : []),
  ];
};

/** `aws_efs_file_system`: storage in its standard class. */
export const fileSystem: Pricer = (resource, { usage }) => {
  const oneZone = resource.attributes.availability_zone_name !== undefined;
  const mode = resource.attributes.throughput_mode ?? "bursting";
  return [
    charge(oneZone ? "efs_one_zone_gb" : "efs_gb", "file system storage", usage.of("efs_gb", resource)),
    ...(mode === "bursting" ? [] : [{ notEstimated: `throughput of mode ${String(mode)}` }]),
  ];
};

/** `aws_db_instance` with PostgreSQL: a standby doubles the hours and the storage. */
export const database: Pricer = (resource, { template, usage }) => {
  const {
    engine,
    instance_class: type,
    multi_az: multiZone,
    allocated_storage: allocated,
  } = resource.attributes;
  if (template.text(engine) !== "postgres") return [{ notEstimated: `database engine ${String(engine)}` }];
  const name = template.text(type);
  const unitPrice = name === undefined ? undefined : priceIn("rds_postgres_hour", name);
  const copies = template.flag(multiZone) ? 2 : 1;
  const backup = usage.of("rds_backup_gb", resource);
  return [
    unitPrice === undefined
      ? { notEstimated: `database class ${name ?? String(type)} has no price here` }
      : {
          what: `${name} PostgreSQL${copies > 1 ? ", with a standby" : ""}`,
          quantity: HOURS_PER_MONTH * copies,
          unit: "hour",
          unitPrice,
        },
    databaseStorage(
      template.text(resource.attributes.storage_type ?? "gp2"),
      template.number(allocated),
      copies,
    ),
    ...growth(resource.attributes, template),
    ...fasterStorage(resource.attributes),
    ...(backup > 0 ? [charge("rds_backup_gb", "backups", backup)] : []),
    ...watching(resource.attributes, template),
  ];
};

function growth(
  { allocated_storage: now, max_allocated_storage: most }: Attributes,
  template: Template,
): readonly Finding[] {
  const size = template.number(now);
  const limit = template.number(most);
  return size === undefined || limit === undefined || limit <= size
    ? []
    : [{ remark: `its storage may grow by itself to ${limit} GB: ${size} are counted` }];
}

const fasterStorage = ({ iops, storage_throughput: throughput }: Attributes): readonly Gap[] =>
  iops === undefined && throughput === undefined
    ? []
    : [{ notEstimated: "IOPS or throughput of its storage that are asked for" }];

/** What looks into a database: 7 days of Performance Insights are free, and what its logs cost is their groups'. */
function watching(attributes: Attributes, template: Template): readonly Gap[] {
  const days = template.number(attributes.performance_insights_retention_period) ?? FREE_INSIGHTS_DAYS;
  return [
    ...(template.flag(attributes.performance_insights_enabled) && days > FREE_INSIGHTS_DAYS
      ? [{ notEstimated: `${days} days of Performance Insights, of which ${FREE_INSIGHTS_DAYS} are free` }]
      : []),
    ...(template.text(attributes.database_insights_mode) === "advanced"
      ? [{ notEstimated: "Database Insights in its advanced mode" }]
      : []),
    ...((template.number(attributes.monitoring_interval) ?? 0) > 0
      ? [{ notEstimated: "enhanced monitoring, which writes to a log group of its own" }]
      : []),
  ];
}

function databaseStorage(type: string | undefined, size: number | undefined, copies: number): Finding {
  if (size === undefined) return { notEstimated: "database storage, whose size only Terraform knows" };
  if (type === "gp3") return charge("rds_gp3_gb", "gp3 database storage", size * copies);
  if (type === "gp2") return charge("rds_gp2_gb", "gp2 database storage", size * copies);
  return { notEstimated: `database storage of type ${type ?? "unknown"}` };
}

/** `aws_rds_cluster` of Aurora: storage and requests; capacity is its instances'. */
export const auroraCluster: Pricer = (resource, { template, usage }) => {
  const engine = template.text(resource.attributes.engine);
  if (!engine?.startsWith("aurora"))
    return [{ notEstimated: `database cluster of engine ${engine ?? "unknown"}` }];
  if (resource.attributes.storage_type === "aurora-iopt1") return [{ notEstimated: "I/O-Optimized storage" }];
  return [
    charge("aurora_gb", "Aurora storage", usage.of("aurora_gb", resource)),
    charge("aurora_io", "Aurora requests", usage.of("aurora_requests", resource)),
  ];
};

/** `aws_rds_cluster_instance`: Serverless v2 alone, with at least the least capacity of its cluster. */
export const auroraInstance: Pricer = (resource, { template, usage }) => {
  const { instance_class: type, cluster_identifier: identifier } = resource.attributes;
  if (template.text(type) !== "db.serverless")
    return [{ notEstimated: `Aurora instance class ${String(type)}` }];
  const cluster = template.referred("aws_rds_cluster", identifier);
  const scaling = block(cluster?.attributes.serverlessv2_scaling_configuration);
  const capacity = Math.max(template.number(scaling.min_capacity) ?? 0, usage.of("aurora_units", resource));
  return [
    charge("aurora_acu_hour", "Aurora capacity units", HOURS_PER_MONTH * capacity),
    ...watching(resource.attributes, template),
  ];
};
