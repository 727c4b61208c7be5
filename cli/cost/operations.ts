import { charge, type Charge, type Context, type Finding, type Pricer } from "./charge";
import { DAYS_PER_MONTH } from "./schedule";
import { block, blocks, refersTo, type Attributes, type Resource } from "./template";

/** Months that a log group without a retention is taken to keep its logs. */
const UNLIMITED_RETENTION_DAYS = 365;

/** Budgets with actions that are free. */
const FREE_ACTION_BUDGETS = 2;

/** Alarms that AWS makes for a target tracking policy. */
const TRACKING_ALARMS = 2;

/** `aws_cloudwatch_metric_alarm`: by the metrics that it reads, and the custom metric that it watches. */
export const metricAlarm: Pricer = (resource, context) => {
  const queries = blocks(resource.attributes.metric_query);
  const metrics = queries
    .map(({ metric }) => block(metric))
    .filter((metric) => Object.keys(metric).length > 0);
  const readMetrics = queries.length > 0 ? metrics : [resource.attributes];
  const periods = readMetrics.map(({ period }) => context.template.number(period) ?? 60);
  const count = readMetrics.length * (isAnomalyDetector(queries) ? 3 : 1); // the band has two metrics of its own
  if (count === 0) return [{ notEstimated: "an alarm on a query" }];
  return [
    periods.some((period) => period < 60)
      ? charge("cloudwatch_alarm_high_resolution", "high-resolution alarm", count)
      : charge("cloudwatch_alarm", "alarm", count),
    ...watchedMetric(resource, context),
  ];
};

const isAnomalyDetector = (queries: readonly Attributes[]): boolean =>
  queries.some(({ expression }) => String(expression).includes("ANOMALY_DETECTION_BAND"));

/** A custom metric costs once, with the first alarm on it; those of the agent and of log filters are counted there. */
function watchedMetric(resource: Resource, { template }: Context): readonly Charge[] {
  const metric = customMetric(resource);
  const first = template
    .ofType("aws_cloudwatch_metric_alarm")
    .find((alarm) => customMetric(alarm) === metric);
  const filtered = template.ofType("aws_cloudwatch_log_metric_filter").some(({ attributes }) => {
    const { namespace, name } = block(attributes.metric_transformation);
    return namespace === resource.attributes.namespace && name === resource.attributes.metric_name;
  });
  return metric === undefined || first !== resource || filtered
    ? []
    : [charge("cloudwatch_metric", "custom metric that it watches", 1)];
}

/** What tells one custom metric from another; undefined for metrics of AWS and of the agent. */
function customMetric({ attributes }: Resource): string | undefined {
  const { namespace, metric_name: name, dimensions } = attributes;
  if (typeof namespace !== "string" || namespace.startsWith("AWS/") || namespace === "CWAgent")
    return undefined;
  return JSON.stringify([namespace, name, Object.entries(block(dimensions)).sort()]);
}

/** `aws_cloudwatch_composite_alarm` */
export const compositeAlarm: Pricer = () => [charge("cloudwatch_composite_alarm", "composite alarm", 1)];

/** `aws_cloudwatch_log_metric_filter`: free, but its metric is a custom one. */
export const logMetricFilter: Pricer = () => [charge("cloudwatch_metric", "custom metric of the filter", 1)];

/** Policies of `aws_autoscaling_policy` and `aws_appautoscaling_policy`: free, but AWS makes alarms for target tracking. */
export const scalingPolicy: Pricer = ({ attributes }) =>
  attributes.policy_type === "TargetTrackingScaling"
    ? [charge("cloudwatch_alarm", "alarms that AWS makes for it", TRACKING_ALARMS)]
    : [];

/** `aws_cloudwatch_log_group`: what comes in, and what is kept of it. */
export const logGroup: Pricer = (resource, { template, usage }) => {
  const ofFlowLogs = template
    .ofType("aws_flow_log")
    .some(({ attributes }) => refersTo(attributes.log_destination, resource));
  const size = usage.of(ofFlowLogs ? "flow_log_gb" : "log_gb", resource);
  const days = template.number(resource.attributes.retention_in_days) ?? 0;
  const months = (days > 0 ? days : UNLIMITED_RETENTION_DAYS) / DAYS_PER_MONTH;
  const note = days > 0 ? undefined : "the log is kept forever: a year of it is counted";
  return [
    charge("cloudwatch_logs_ingest_gb", "log data taken in", size),
    charge(
      "cloudwatch_logs_stored_gb",
      "log data stored",
      size * months * usage.of("log_compression", resource),
      note,
    ),
  ];
};

/** `aws_cloudwatch_dashboard`. Which of an account's are its three free ones, no stack can tell. */
export const dashboard: Pricer = () => [
  charge(
    "cloudwatch_dashboard",
    "dashboard",
    1,
    "is free where it is one of the account's first three with 50 metrics each at most",
  ),
];

/** `aws_kms_key`, with the rotations that are behind it. */
export const kmsKey: Pricer = (resource, { template, usage }) => {
  const rotates = template.flag(resource.attributes.enable_key_rotation);
  const rotations = rotates ? usage.of("kms_rotations", resource) : 0;
  return [
    charge("kms_key", rotations > 0 ? "key and its rotations" : "key", 1 + rotations),
    charge("kms_request", "key requests", usage.of("kms_requests", resource)),
  ];
};

/** `aws_secretsmanager_secret` */
export const secret: Pricer = (resource, { usage }) => [
  charge("secret", "secret", 1),
  charge("secret_request", "secret requests", usage.of("secret_requests", resource)),
];

/** `aws_ssm_parameter`: standard ones are free. */
export const parameter: Pricer = ({ attributes }, { template }) => {
  const tier = template.text(attributes.tier ?? "Standard");
  if (tier === "Standard") return [];
  if (tier === "Advanced") return [charge("ssm_advanced_parameter", "advanced parameter", 1)];
  return [{ notEstimated: `parameter of tier ${tier ?? "unknown"}` }];
};

/** `aws_sns_topic` */
export const topic: Pricer = (resource, { usage }) => [
  charge("sns_request", "messages", usage.of("messages", resource)),
];

/** `aws_sns_topic_subscription`: mail costs; queues and functions are free of delivery charges. */
export const subscription: Pricer = (resource, { template, usage }) => {
  const protocol = template.text(resource.attributes.protocol);
  if (protocol === "email" || protocol === "email-json") {
    return [charge("sns_email", "mails", usage.of("messages", resource))];
  }
  if (["sqs", "lambda", "firehose"].includes(protocol ?? "")) return [];
  return [{ notEstimated: `delivery by ${protocol ?? "unknown"}` }];
};

/** `aws_sqs_queue`: a message is sent, received and deleted. */
export const queue: Pricer = (resource, { template, usage }) => {
  const requests = 3 * usage.of("messages", resource);
  return template.flag(resource.attributes.fifo_queue)
    ? [charge("sqs_fifo_request", "FIFO queue requests", requests)]
    : [charge("sqs_request", "queue requests", requests)];
};

/** `aws_budgets_budget_action`: budgets with actions cost by the day, but for the first two. */
export const budgetAction: Pricer = (resource, { template }): readonly Finding[] => {
  const actions = template.ofType("aws_budgets_budget_action");
  const budgetOf = ({ attributes }: Resource): string => JSON.stringify(attributes.budget_name);
  const budgets = [...new Set(actions.map(budgetOf))];
  const isFirst = actions.find((action) => budgetOf(action) === budgetOf(resource)) === resource;
  return isFirst && budgets.indexOf(budgetOf(resource)) >= FREE_ACTION_BUDGETS
    ? [charge("budget_action_day", "budget with actions", DAYS_PER_MONTH)]
    : [];
};
