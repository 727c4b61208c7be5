import { block, blocks } from "../cost/template";
import type { NodeKind } from "./graph";
import type { Inventory, Item } from "./inventory";
import { pathOf, type Places, type Tier, tierOfSubnet } from "./place";

/** A resource that a diagram has a node for, alone or with others like it. */
export interface Subject {
  readonly item: Item;
  readonly kind: NodeKind;
  readonly title: string;
  readonly details: readonly string[];
  readonly tier?: Tier;
  /** Security groups that it is a member of. */
  readonly groups: readonly Item[];
  /** Roles that it acts with. */
  readonly roles: readonly Item[];
  /** Resources that it is made with. */
  readonly parts: readonly Item[];
}

type Found = Partial<Omit<Subject, "item" | "kind">> & { readonly kind: NodeKind };
type Finder = (item: Item, inventory: Inventory, places: Places) => Found | undefined;

/** Every subject, in order of the configuration. */
export function subjectsOf(inventory: Inventory, places: Places): readonly Subject[] {
  return inventory.items.flatMap((item) => {
    const found = finders[item.type]?.(item, inventory, places);
    if (!found) return [];
    const rest = { title: titleOf(item, places), details: [], groups: [], roles: [], parts: [] };
    return [{ ...rest, ...found, item }];
  });
}

/** A resource's short name: its place below its system. */
export function titleOf(item: Item, places: Places): string {
  const [, ...path] = pathOf(item);
  const below = path[0] === places.systemOf(item) ? path.slice(1) : path;
  const [first, ...others] = below;
  const said = first === "host" && others.length > 0 ? others : below;
  return (said.length > 0 ? said : path).join(" ").replaceAll("_", " ");
}

const host: Finder = (item, inventory, places) => {
  const { instance_type: type, iam_instance_profile: profile, subnet_id: subnet } = item.attributes;
  const groups = [item.attributes.vpc_security_group_ids, item.attributes.security_groups];
  const address = inventory
    .ofType("aws_eip_association", "aws_eip")
    .find((one) =>
      inventory
        .named(one, [one.attributes.instance_id, one.attributes.instance])
        .some(({ id }) => id === item.id),
    );
  return {
    kind: "host",
    details: [inventory.text(item, type), address && "Elastic IP"].filter((text) => text !== undefined),
    tier: places.tierOf(item, subnet),
    groups: inventory.namedOf(item, "aws_security_group", groups),
    ...rolesOfProfile(inventory, item, profile),
  };
};

const autoScalingGroup: Finder = (item, inventory, places) => {
  const { launch_template, mixed_instances_policy, min_size, max_size, vpc_zone_identifier } =
    item.attributes;
  const [template] = inventory.namedOf(item, "aws_launch_template", [
    launch_template,
    mixed_instances_policy,
  ]);
  const { instance_type, network_interfaces, vpc_security_group_ids, iam_instance_profile } =
    template?.attributes ?? {};
  const [least, most] = [min_size, max_size].map((size) => inventory.text(item, size) ?? "?");
  const interfaces = blocks(network_interfaces).map((one) => one.security_groups);
  const from = template ?? item;
  const found = rolesOfProfile(inventory, from, iam_instance_profile);
  return {
    kind: "group",
    details: [inventory.text(from, instance_type), `${least}–${most} hosts`].filter(
      (text) => text !== undefined,
    ),
    tier: places.tierOf(item, vpc_zone_identifier),
    groups: inventory.namedOf(from, "aws_security_group", [vpc_security_group_ids, interfaces]),
    roles: found.roles,
    parts: [...(template ? [template] : []), ...found.parts],
  };
};

function rolesOfProfile(
  inventory: Inventory,
  item: Item,
  value: unknown,
): { readonly roles: readonly Item[]; readonly parts: readonly Item[] } {
  const profiles = inventory.namedOf(item, "aws_iam_instance_profile", value);
  const roles = profiles.flatMap((profile) =>
    inventory.namedOf(profile, "aws_iam_role", profile.attributes.role),
  );
  return { roles, parts: [...profiles, ...roles] };
}

const service: Finder = (item, inventory, places) => {
  const { task_definition, desired_count, network_configuration } = item.attributes;
  const [task] = inventory.namedOf(item, "aws_ecs_task_definition", task_definition);
  const count = inventory.text(item, desired_count);
  return {
    kind: "service",
    details: [
      ...(task ? sizeOf(inventory, task) : []),
      [count && `${count} ×`, isSpot(item.attributes) ? "Fargate Spot" : "Fargate"].filter(Boolean).join(" "),
    ],
    ...networkOf(inventory, places, item, [network_configuration]),
    ...madeWith(inventory, task),
    parts: task ? [task, ...rolesOfTask(inventory, task)] : [],
  };
};

/** A task definition without a service: something runs it. */
const task: Finder = (item, inventory, places) => {
  const isOf = (one: Item, value: unknown) =>
    inventory.namedOf(one, item.type, value).some(({ id }) => id === item.id);
  if (inventory.ofType("aws_ecs_service").some((one) => isOf(one, one.attributes.task_definition)))
    return undefined;
  const starters = startersOf(inventory).filter(({ by, parameters }) =>
    isOf(by, parameters.task_definition_arn),
  );
  const [first] = starters;
  const networks = starters.map(({ parameters }) => parameters.network_configuration);
  return {
    kind: "task",
    details: [
      ...sizeOf(inventory, item),
      starters.some(({ parameters }) => isSpot(parameters)) ? "Fargate Spot" : "Fargate",
    ],
    ...(first ? networkOf(inventory, places, first.by, networks) : {}),
    ...madeWith(inventory, item),
    parts: rolesOfTask(inventory, item),
  };
};

interface Starter {
  readonly by: Item;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What starts tasks: schedules and event targets, with what they start them with. */
const startersOf = (inventory: Inventory): readonly Starter[] =>
  inventory.ofType("aws_scheduler_schedule", "aws_cloudwatch_event_target").map((by) => ({
    by,
    parameters: block(block(by.attributes.target).ecs_parameters ?? by.attributes.ecs_target),
  }));

const isSpot = ({ capacity_provider_strategy: strategy }: Readonly<Record<string, unknown>>): boolean =>
  blocks(strategy).some(
    ({ capacity_provider, weight }) => capacity_provider === "FARGATE_SPOT" && weight !== 0,
  );

const networkOf = (
  inventory: Inventory,
  places: Places,
  item: Item,
  configurations: readonly unknown[],
): Pick<Subject, "groups" | "tier"> => {
  const networks = configurations.map(block);
  return {
    groups: inventory.namedOf(
      item,
      "aws_security_group",
      networks.map((one) => one.security_groups),
    ),
    tier: places.tierOf(
      item,
      networks.map((one) => one.subnets),
    ),
  };
};

const rolesOfTask = (inventory: Inventory, item: Item): readonly Item[] =>
  inventory.namedOf(item, "aws_iam_role", [
    item.attributes.task_role_arn,
    item.attributes.execution_role_arn,
  ]);

const madeWith = (inventory: Inventory, item: Item | undefined): Pick<Subject, "roles"> => ({
  roles: item ? rolesOfTask(inventory, item) : [],
});

/** `cpu` in 1,024ths of a virtual processor and `memory` in MiB, as ECS has them. */
function sizeOf(inventory: Inventory, { stack, attributes }: Item): readonly string[] {
  const [cpu, memory] = [attributes.cpu, attributes.memory].map((value) =>
    Number(inventory.text({ stack }, value)),
  );
  if (!cpu || !memory) return [];
  return [`${cpu / 1024} vCPU, ${memory < 1024 ? `${memory} MB` : `${memory / 1024} GB`}`];
}

/** A schedule or rule whose target is in the diagram. */
const starter =
  (kind: NodeKind, details: (item: Item, inventory: Inventory) => readonly string[]): Finder =>
  (item, inventory) => {
    const roles = inventory.namedOf(item, "aws_iam_role", block(item.attributes.target).role_arn);
    const starts = startedBy(inventory, item).length > 0;
    return starts ? { kind, details: details(item, inventory), roles, parts: roles } : undefined;
  };

/** Types that a schedule or a rule has an edge to. */
const startable = ["aws_ecs_task_definition", "aws_sqs_queue", "aws_sns_topic"];

/** What a schedule or an event rule starts or sends to, with what says so. */
export function startedBy(
  inventory: Inventory,
  item: Item,
): readonly { readonly target: Item; readonly by: Item }[] {
  const targetsOf = (by: Item, values: unknown) =>
    inventory
      .named(by, values)
      .filter(({ type }) => startable.includes(type))
      .map((target) => ({ target, by }));
  if (item.type === "aws_scheduler_schedule") {
    const target = block(item.attributes.target);
    return targetsOf(item, [target.arn, block(target.ecs_parameters).task_definition_arn]);
  }
  return inventory
    .ofType("aws_cloudwatch_event_target")
    .filter((one) => inventory.named(one, one.attributes.rule).some(({ id }) => id === item.id))
    .flatMap((one) =>
      targetsOf(one, [one.attributes.arn, block(one.attributes.ecs_target).task_definition_arn]),
    );
}

const scheduleDetails = (item: Item, inventory: Inventory): readonly string[] => {
  const { schedule_expression: expression, schedule_expression_timezone: zone } = item.attributes;
  const when = inventory.text(item, expression) ?? "";
  return [when.startsWith("cron") ? `${when} ${inventory.text(item, zone) ?? "UTC"}` : when].filter(Boolean);
};

const loadBalancer: Finder = (item, inventory, places) => {
  const records = inventory
    .ofType("aws_route53_record")
    .filter((one) => inventory.named(one, one.attributes.alias).some(({ id }) => id === item.id));
  const names = records
    .map((one) => inventory.text(one, one.attributes.name))
    .filter((name) => name !== undefined);
  return {
    kind: "load-balancer",
    details: [...new Set(names)],
    tier: places.tierOf(item, [item.attributes.subnets, item.attributes.subnet_mapping]),
    groups: inventory.namedOf(item, "aws_security_group", item.attributes.security_groups),
    parts: records,
  };
};

const database: Finder = (item, inventory, places) => {
  const { engine, engine_version, instance_class, multi_az, vpc_security_group_ids, db_subnet_group_name } =
    item.attributes;
  const instances = inventory
    .ofType("aws_rds_cluster_instance")
    .filter((one) =>
      inventory.named(one, one.attributes.cluster_identifier).some(({ id }) => id === item.id),
    );
  const size = inventory.text(item, instance_class ?? instances[0]?.attributes.instance_class);
  return {
    kind: "database",
    details: [
      [engine, engine_version]
        .map((value) => inventory.text(item, value))
        .filter(Boolean)
        .join(" "),
      [size, multi_az === true && "Multi-AZ", instances.length > 1 && `${instances.length} instances`]
        .filter(Boolean)
        .join(", "),
    ].filter(Boolean),
    tier: places.tierOf(item, db_subnet_group_name),
    groups: inventory.namedOf(item, "aws_security_group", vpc_security_group_ids),
    parts: [...instances, ...inventory.namedOf(item, "aws_db_subnet_group", db_subnet_group_name)],
  };
};

const fileSystem: Finder = (item, inventory, places) => {
  const targets = inventory
    .ofType("aws_efs_mount_target")
    .filter((one) => inventory.named(one, one.attributes.file_system_id).some(({ id }) => id === item.id));
  const [first] = targets;
  return {
    kind: "file-system",
    tier: first && places.tierOf(first, [first.attributes.subnet_id, first.attributes.for_each]),
    groups: targets.flatMap((one) =>
      inventory.namedOf(one, "aws_security_group", one.attributes.security_groups),
    ),
    parts: targets,
  };
};

const topic: Finder = (item, inventory) => {
  const subscriptions = inventory
    .ofType("aws_sns_topic_subscription")
    .filter((one) => inventory.named(one, one.attributes.topic_arn).some(({ id }) => id === item.id));
  const count = subscriptions.length;
  return {
    kind: "topic",
    details: count > 0 ? [`${count} ${count === 1 ? "subscription" : "subscriptions"}`] : [],
    parts: subscriptions,
  };
};

const plain =
  (kind: NodeKind): Finder =>
  () => ({ kind });

const finders: Readonly<Record<string, Finder>> = {
  aws_autoscaling_group: autoScalingGroup,
  aws_cloudwatch_event_rule: starter("event-rule", () => []),
  aws_db_instance: database,
  aws_dynamodb_table: plain("table"),
  aws_ecr_repository: (item, inventory) => ({
    kind: "repositories",
    title: inventory.text(item, item.attributes.name) ?? item.name,
  }),
  aws_ecs_service: service,
  aws_ecs_task_definition: task,
  aws_efs_file_system: fileSystem,
  aws_instance: host,
  aws_lb: loadBalancer,
  aws_nat_gateway: plain("nat"),
  aws_rds_cluster: database,
  aws_s3_bucket: plain("bucket"),
  aws_scheduler_schedule: starter("schedule", scheduleDetails),
  aws_secretsmanager_secret: plain("secrets"),
  aws_sns_topic: topic,
  aws_sqs_queue: plain("queue"),
  aws_ssm_parameter: (item) => ({
    kind: item.attributes.type === "SecureString" ? "secrets" : "parameters",
  }),
  aws_subnet: (item, inventory) => ({
    kind: "subnets",
    tier: tierOfSubnet(item),
    title: [item.attributes.availability_zone, item.attributes.cidr_block]
      .map((value) => inventory.text(item, value))
      .filter(Boolean)
      .join(" "),
  }),
  aws_vpc_endpoint: (item, inventory) => ({
    kind: "endpoints",
    title: inventory.text(item, item.attributes.service_name)?.split(".").at(-1) ?? item.name,
  }),
};
