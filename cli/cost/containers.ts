import { charge, type Charge, type Context, type Finding, type Gap, type Pricer } from "./charge";
import { hoursPerMonth } from "./compute";
import { publicAddress } from "./network";
import { runsPerMonth } from "./schedule";
import { block, blocks, refersTo, type Attributes, type Resource } from "./template";

/** Storage of a task that is free, in GB. */
const FREE_STORAGE = 20;

/** `aws_ecs_service` on Fargate: its desired tasks, or those it scales to, for as long as they run each day. */
export const ecsService: Pricer = (resource, context) => {
  const { usage } = context;
  const { count, remark } = taskCount(resource, context);
  const { task_definition: definition } = resource.attributes;
  if (count === undefined) return [{ notEstimated: "a service whose number of tasks only Terraform knows" }];
  const metrics = usage.of("custom_metrics", resource);
  return [
    ...(remark === undefined ? [] : [{ remark }]),
    ...tasks(
      { owner: resource, launch: resource.attributes, definition, count },
      hoursPerMonth(resource, context),
      context,
    ),
    ...(metrics > 0 ? [charge("cloudwatch_metric", "custom metrics of the service", metrics)] : []),
  ];
};

/** Tasks of a service on average; no count where only Terraform knows it. */
function taskCount(
  service: Resource,
  context: Context,
): { readonly count: number | undefined; readonly remark?: string } {
  const { template, usage } = context;
  const scaling = scalingOf(service, context);
  if (!scaling) return { count: template.number(service.attributes.desired_count ?? 0) };
  const least = template.number(scaling.attributes.min_capacity);
  const most = template.number(scaling.attributes.max_capacity);
  if (least === undefined || most === undefined) return { count: undefined };
  const count = Math.min(Math.max(least, usage.of("scaled_tasks", service)), most);
  return { count, remark: `scales from ${least} to ${most} tasks: ${count} on average are counted` };
}

/** What Application Auto Scaling knows a service by: its name, behind that of its cluster. */
const scalingOf = (service: Resource, { template }: Context): Resource | undefined => {
  const name = template.text(service.attributes.name);
  return template
    .ofType("aws_appautoscaling_target")
    .filter(({ attributes }) => attributes.scalable_dimension === "ecs:service:DesiredCount")
    .find(
      ({ attributes: { resource_id: id } }) =>
        refersTo(id, service) || (name !== undefined && String(id).endsWith(`/${name}`)),
    );
};

/** `aws_scheduler_schedule`: its invocations, and the Fargate tasks that they start. */
export const schedulerSchedule: Pricer = (resource, context) => {
  const { schedule_expression: expression, state, target } = resource.attributes;
  if (state === "DISABLED") return [{ remark: "is disabled: no runs are counted" }];
  const runs = runsOf(expression, context);
  if (runs === undefined) return [{ notEstimated: `schedule ${String(expression)}` }];
  const parameters = block(block(target).ecs_parameters);
  return [
    charge("scheduler_invocation", "invocations", runs),
    ...scheduledTasks(resource, parameters, runs, context),
  ];
};

/** `aws_cloudwatch_event_target`: the Fargate tasks that a rule with a schedule starts; the rule itself is free. */
export const eventTarget: Pricer = (resource, context) => {
  const parameters = block(resource.attributes.ecs_target);
  if (Object.keys(parameters).length === 0) return [];
  const rule = context.template.referred("aws_cloudwatch_event_rule", resource.attributes.rule);
  const expression = rule?.attributes.schedule_expression;
  const runs = runsOf(expression, context);
  return runs === undefined
    ? [{ notEstimated: `tasks started by ${String(expression ?? "events")}` }]
    : scheduledTasks(resource, parameters, runs, context);
};

function runsOf(expression: unknown, { template }: Context): number | undefined {
  const text = template.text(expression);
  return text === undefined ? undefined : runsPerMonth(text);
}

function scheduledTasks(
  owner: Resource,
  parameters: Attributes,
  runs: number,
  context: Context,
): readonly Finding[] {
  if (parameters.task_definition_arn === undefined) return [];
  const count = context.template.number(parameters.task_count ?? 1) ?? 1;
  const hours = runs * context.usage.of("hours_per_run", owner);
  return tasks(
    { owner, launch: parameters, definition: parameters.task_definition_arn, count },
    hours,
    context,
  );
}

/** Tasks that are started together. */
interface Tasks {
  readonly owner: Resource;
  /** Where launch type, capacity providers and network stand. */
  readonly launch: Attributes;
  /** Expression that names the task definition. */
  readonly definition: unknown;
  readonly count: number;
}

/** What tasks cost that run so many hours each month. */
function tasks(
  { owner, launch, definition, count }: Tasks,
  hours: number,
  context: Context,
): readonly Finding[] {
  const { template, usage } = context;
  const size = sizeOf(template.referred("aws_ecs_task_definition", definition), context);
  if ("notEstimated" in size) return [size];
  const capacity = capacityOf(launch, count, context);
  if ("notEstimated" in capacity) return [capacity];
  const discount = capacity.spot > 0 ? usage.of("spot_discount", owner) : 0;
  const network = block(launch.network_configuration);
  return [
    ...fargate(size, capacity.onDemand * hours, 0, capacity.note),
    ...fargate(size, capacity.spot * hours, discount),
    ...(template.flag(network.assign_public_ip) && count > 0 ? [publicAddress(count * hours)] : []),
  ];
}

interface Size {
  readonly arm: boolean;
  readonly cpus: number;
  /** GB of memory. */
  readonly memory: number;
  /** GB beyond the free ones. */
  readonly storage: number;
}

function sizeOf(definition: Resource | undefined, { template }: Context): Size | Gap {
  if (!definition) return { notEstimated: "tasks whose definition is not in this stack" };
  const { cpu, memory, runtime_platform: platform, ephemeral_storage: storage } = definition.attributes;
  const units = template.number(cpu);
  const megabytes = template.number(memory);
  if (units === undefined || megabytes === undefined) {
    return { notEstimated: `tasks of ${definition.address}, whose CPU or memory is not a number` };
  }
  const { operating_system_family: system, cpu_architecture: architecture } = block(platform);
  if (String(system).startsWith("WINDOWS")) return { notEstimated: "tasks on Windows" };
  const gigabytes = template.number(block(storage).size_in_gib) ?? FREE_STORAGE;
  return {
    arm: template.text(architecture) === "ARM64",
    cpus: units / 1024,
    memory: megabytes / 1024,
    storage: Math.max(gigabytes - FREE_STORAGE, 0),
  };
}

/** How many of the tasks run on which capacity, on average. */
interface Capacity {
  readonly onDemand: number;
  readonly spot: number;
  readonly note?: string;
}

function capacityOf(launch: Attributes, count: number, context: Context): Capacity | Gap {
  const strategy = blocks(launch.capacity_provider_strategy);
  if (strategy.length > 0) return shares(strategy, count, context);
  const type = context.template.text(launch.launch_type ?? "");
  if (type === "FARGATE") return { onDemand: count, spot: 0 };
  if (type !== "") return { notEstimated: `tasks of launch type ${type ?? "unknown"}` };
  const byDefault = clusterStrategy(launch, context);
  if (byDefault.length > 0) return shares(byDefault, count, context);
  return {
    onDemand: count,
    spot: 0,
    note: "assumed to run on demand: neither it nor its cluster says otherwise",
  };
}

const clusterStrategy = ({ cluster }: Attributes, { template }: Context): readonly Attributes[] => {
  const named = template.referred("aws_ecs_cluster", cluster);
  const providers = template
    .ofType("aws_ecs_cluster_capacity_providers")
    .find(
      ({ attributes }) => named && template.referred("aws_ecs_cluster", attributes.cluster_name) === named,
    );
  return blocks(providers?.attributes.default_capacity_provider_strategy);
};

/** The base goes first, the rest by weight. A share may be a part of a task: an average, not a placement. */
function shares(strategy: readonly Attributes[], count: number, { template }: Context): Capacity | Gap {
  const amounts = strategy.map(({ capacity_provider: provider, base, weight }) => ({
    provider: template.text(provider),
    base: Math.min(template.number(base ?? 0) ?? 0, count),
    weight: template.number(weight ?? 0) ?? 0,
  }));
  const other = amounts.find(({ provider }) => provider !== "FARGATE" && provider !== "FARGATE_SPOT");
  if (other) return { notEstimated: `tasks on capacity provider ${other.provider ?? "unknown"}` };
  const rest = Math.max(count - sum(amounts.map(({ base }) => base)), 0);
  const weights = sum(amounts.map(({ weight }) => weight));
  if (rest > 0 && weights === 0)
    return { notEstimated: "tasks beyond the base of a strategy without weights" };
  const on = (wanted: string): number =>
    sum(
      amounts
        .filter(({ provider }) => provider === wanted)
        .map(({ base, weight }) => base + (rest > 0 ? (rest * weight) / weights : 0)),
    );
  return { onDemand: on("FARGATE"), spot: on("FARGATE_SPOT") };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** @param hours task hours each month; @param discount % */
function fargate(
  { arm, cpus, memory, storage }: Size,
  hours: number,
  discount: number,
  note?: string,
): readonly Charge[] {
  if (hours === 0) return [];
  const kind = `Fargate${discount > 0 ? " Spot" : ""} ${arm ? "ARM" : "x86"}`;
  const reduced = (made: Charge): Charge => ({ ...made, unitPrice: made.unitPrice * (1 - discount / 100) });
  return [
    reduced(
      charge(arm ? "fargate_arm_vcpu_hour" : "fargate_x86_vcpu_hour", `${kind} CPU`, hours * cpus, note),
    ),
    reduced(charge(arm ? "fargate_arm_gb_hour" : "fargate_x86_gb_hour", `${kind} memory`, hours * memory)),
    ...(storage > 0 ? [charge("fargate_storage_gb_hour", "task storage above 20 GB", hours * storage)] : []),
  ];
}

/** `aws_ecs_cluster`: free, but for Container Insights, and for traces that its services send to X-Ray. */
export const ecsCluster: Pricer = (resource, context) => {
  const { usage } = context;
  const insights = blocks(resource.attributes.setting).find(
    ({ name }) => name === "containerInsights",
  )?.value;
  return [
    ...(insights === undefined || insights === "disabled"
      ? []
      : [{ notEstimated: "Container Insights, which is charged as custom metrics of tasks and services" }]),
    ...(isTraced(resource, context)
      ? [
          charge("xray_trace", "traces recorded", usage.of("traces", resource)),
          charge("xray_trace_read", "traces read", usage.of("traces_read", resource)),
        ]
      : []),
  ];
};

/** Whether containers of a cluster's services are told of an X-Ray daemon: one trace goes through many services. */
const isTraced = (cluster: Resource, { template }: Context): boolean =>
  template
    .ofType("aws_ecs_service")
    .filter(({ attributes }) => refersTo(attributes.cluster, cluster))
    .map(({ attributes }) => template.referred("aws_ecs_task_definition", attributes.task_definition))
    .some((definition) =>
      String(definition?.attributes.container_definitions).includes('"AWS_XRAY_DAEMON_ADDRESS"'),
    );

/** `aws_ecr_repository` */
export const imageRepository: Pricer = (resource, { usage }) => [
  charge("ecr_gb", "images", usage.of("image_gb", resource)),
];
