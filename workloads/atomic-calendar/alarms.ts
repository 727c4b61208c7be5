import type { Construct } from "constructs";
import { Alarm, type AlarmProps, type Metric } from "../../modules/alarm";

/** A target group of the load balancer, and the service behind it. */
export interface WatchedTarget {
  readonly dimensions: Readonly<Record<string, string>>;
  /** Seconds that nine of ten answers may take. */
  readonly latencyLimit: number;
}

/** What the alarms are about. */
export interface Watched {
  /** First part of all names. */
  readonly name: string;
  readonly balancer: Readonly<Record<string, string>>;
  /** By service. */
  readonly targets: Readonly<Record<string, WatchedTarget>>;
  /** Dimensions of services whose CPU is watched, by service. */
  readonly services: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly database: {
    readonly dimensions: Readonly<Record<string, string>>;
    /** Aurora's storage grows by itself, and has no such metric. */
    readonly hasFixedStorage: boolean;
    readonly connections: number;
  };
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

const balancerMetric = (metric: string, statistic: Metric["statistic"]) =>
  ({ namespace: "AWS/ApplicationELB", metric, statistic }) as const;
const databaseMetric = (metric: string, statistic: Metric["statistic"]) =>
  ({ namespace: "AWS/RDS", metric, statistic }) as const;

/** Metrics that alarms and the dashboard have in common. */
export const metrics = {
  balancerErrors: balancerMetric("HTTPCode_ELB_5XX_Count", "Sum"),
  targetErrors: balancerMetric("HTTPCode_Target_5XX_Count", "Sum"),
  unhealthy: balancerMetric("UnHealthyHostCount", "Maximum"),
  latency: balancerMetric("TargetResponseTime", "p90"),
  serviceCpu: { namespace: "AWS/ECS", metric: "CPUUtilization", statistic: "Average" },
  serviceMemory: { namespace: "AWS/ECS", metric: "MemoryUtilization", statistic: "Average" },
  databaseCpu: databaseMetric("CPUUtilization", "Average"),
  freeStorage: databaseMetric("FreeStorageSpace", "Minimum"),
  freeMemory: databaseMetric("FreeableMemory", "Average"),
  connections: databaseMetric("DatabaseConnections", "Average"),
} as const;

/** CloudWatch has no errors, answers or unhealthy targets to count where nobody asks, and that is no fault. */
const quiet = "notBreaching";
/** A service or database that is stopped on purpose says nothing, and its alarm then has no opinion. */
const silent = "missing";

/** All alarms of the document, each by its id. */
export function alarmProps(watched: Watched): Readonly<Record<string, AlarmProps>> {
  const props: Record<string, AlarmProps> = {};
  const add = (id: string, alarm: Omit<AlarmProps, "name">) => {
    props[id] = { ...alarm, name: `${watched.name}-${id}` };
  };
  add("balancer-errors", {
    ...metrics.balancerErrors,
    description: "The load balancer itself answers 5 or more requests in 5 minutes with an error.",
    dimensions: watched.balancer,
    comparison: "GreaterThanOrEqualToThreshold",
    threshold: 5,
    missing: quiet,
  });
  for (const [service, { dimensions, latencyLimit }] of Object.entries(watched.targets)) {
    add(`unhealthy-${service}`, {
      ...metrics.unhealthy,
      description: `A task of ${service} has failed its health checks for 10 minutes.`,
      dimensions,
      periods: 2,
      comparison: "GreaterThanThreshold",
      threshold: 0,
      missing: quiet,
    });
    add(`errors-${service}`, {
      ...metrics.targetErrors,
      description: `${service} answers 3 or more requests in 5 minutes with an error.`,
      dimensions,
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 3,
      missing: quiet,
    });
    add(`latency-${service}`, {
      ...metrics.latency,
      description: `One of ten answers of ${service} takes more than ${latencyLimit} s, for 15 minutes.`,
      dimensions,
      periods: 3,
      comparison: "GreaterThanThreshold",
      threshold: latencyLimit,
      missing: quiet,
    });
  }
  for (const [service, dimensions] of Object.entries(watched.services)) {
    add(`cpu-${service}`, {
      ...metrics.serviceCpu,
      description: `Tasks of ${service} use more than 85 % of their CPU, for 15 minutes.`,
      dimensions,
      periods: 3,
      comparison: "GreaterThanThreshold",
      threshold: 85,
      missing: silent,
    });
  }
  const { dimensions, hasFixedStorage, connections } = watched.database;
  add("database-cpu", {
    ...metrics.databaseCpu,
    description: "The database uses more than 85 % of its CPU, for 15 minutes.",
    dimensions,
    periods: 3,
    comparison: "GreaterThanThreshold",
    threshold: 85,
    missing: silent,
  });
  if (hasFixedStorage)
    add("database-storage", {
      ...metrics.freeStorage,
      description: "The database has less than 10 GiB of free storage.",
      dimensions,
      comparison: "LessThanThreshold",
      threshold: 10 * GIB,
      missing: silent,
    });
  add("database-memory", {
    ...metrics.freeMemory,
    description: "The database has less than 200 MiB of freeable memory, for 10 minutes.",
    dimensions,
    periods: 2,
    comparison: "LessThanThreshold",
    threshold: 200 * MIB,
    missing: silent,
  });
  add("database-connections", {
    ...metrics.connections,
    description: `More than ${connections} connections to the database, for 15 minutes.`,
    dimensions,
    periods: 3,
    comparison: "GreaterThanThreshold",
    threshold: connections,
    missing: silent,
  });
  return props;
}

/** What cannot wait until another alarm is over. */
const urgent = ["database-storage", "database-memory"];

/** The alarms. Most tell nobody by themselves, as one speaks for them all. */
export const makeAlarms = (
  scope: Construct,
  watched: Watched,
  topicArn: string,
): Readonly<Record<string, Alarm>> =>
  Object.fromEntries(
    Object.entries(alarmProps(watched)).map(([id, props]) => [
      id,
      new Alarm(scope, id, { ...props, topicArns: urgent.includes(id) ? [topicArn] : undefined }),
    ]),
  );
