import { charge, times, type Context, type Finding, type Pricer } from "./charge";
import { publicAddress } from "./network";
import { priceIn, priceTables } from "./prices";
import { HOURS_PER_MONTH } from "./schedule";
import { block, blocks, refersTo, type Attributes, type Resource } from "./template";

/** Metrics that detailed monitoring of an instance sends. */
const DETAILED_METRICS = 7;

/** What gp3 volumes have without charge. */
const GP3_FREE = { iops: 3000, throughput: 125 };

/** `aws_instance`, with its root volume, monitoring and address. */
export const instance: Pricer = (resource, context) => {
  const { attributes } = resource;
  const hours = hoursPerMonth(resource, context);
  return [
    instanceHours(attributes.instance_type, hours, context),
    volume(block(attributes.root_block_device), context),
    ...blocks(attributes.ebs_block_device).map((device) => volume(device, context)),
    ...detailedMonitoring(attributes.monitoring, hours, context),
    ...agentMetrics(resource, context),
    ...instanceAddress(resource, hours, context),
  ].flat();
};

/** Hours that a host or a service runs each month. */
export const hoursPerMonth = (resource: Resource, { usage }: Context): number =>
  (HOURS_PER_MONTH * usage.of("hours_per_day", resource)) / 24;

function instanceHours(type: unknown, hours: number, { template }: Context): Finding {
  const name = template.text(type);
  const unitPrice = name === undefined ? undefined : priceIn("ec2_linux_hour", name);
  if (unitPrice === undefined)
    return { notEstimated: `instance type ${name ?? String(type)} has no price here` };
  return { what: `${name} on Linux`, quantity: hours, unit: priceTables.ec2_linux_hour.unit, unitPrice };
}

/** An EBS volume, attached or not, for the whole month. */
function volume(device: Attributes, { template }: Context): readonly Finding[] {
  const given = template.number(device.volume_size);
  const size = given ?? 8;
  const note = given === undefined ? "size of the volume is assumed to be 8 GB" : undefined;
  const type = template.text(device.volume_type ?? "gp2");
  if (type === "gp2") return [charge("ebs_gp2_gb", "gp2 volume", size, note)];
  if (type !== "gp3") return [{ notEstimated: `volume of type ${type ?? String(device.volume_type)}` }];
  const iops = (template.number(device.iops) ?? GP3_FREE.iops) - GP3_FREE.iops;
  const throughput = (template.number(device.throughput) ?? GP3_FREE.throughput) - GP3_FREE.throughput;
  return [
    charge("ebs_gp3_gb", "gp3 volume", size, note),
    ...(iops > 0 ? [charge("ebs_gp3_iops", "IOPS above 3000", iops)] : []),
    ...(throughput > 0 ? [charge("ebs_gp3_throughput", "throughput above 125 MB/s", throughput)] : []),
  ];
}

/** `aws_ebs_volume` */
export const ebsVolume: Pricer = ({ attributes }, context) =>
  volume({ volume_size: attributes.size, volume_type: attributes.type, iops: attributes.iops }, context);

const detailedMonitoring = (on: unknown, hours: number, { template }: Context): readonly Finding[] =>
  template.flag(on)
    ? [charge("cloudwatch_metric", "detailed monitoring", (DETAILED_METRICS * hours) / HOURS_PER_MONTH)]
    : [];

/** Custom metrics of a host or a group of them: the agent's, where an alarm watches one, and those that the user names. */
function agentMetrics(resource: Resource, { template, usage }: Context): readonly Finding[] {
  const watched = template
    .ofType("aws_cloudwatch_metric_alarm")
    .some(({ attributes }) => attributes.namespace === "CWAgent" && isAbout(attributes.dimensions, resource));
  const metrics = usage.of("custom_metrics", resource) + (watched ? usage.of("agent_metrics", resource) : 0);
  return metrics > 0 ? [charge("cloudwatch_metric", "custom metrics of the host", metrics)] : [];
}

const isAbout = (dimensions: unknown, resource: Resource): boolean =>
  refersTo(dimensions, resource) || Object.values(block(dimensions)).includes(resource.attributes.name);

/** An instance's address: its own Elastic IP is counted where that is made. */
function instanceAddress(resource: Resource, hours: number, context: Context): readonly Finding[] {
  const { template } = context;
  const association = template
    .ofType("aws_eip_association")
    .find(({ attributes }) => refersTo(attributes.instance_id, resource));
  if (association) {
    const own = template.referred("aws_eip", association.attributes.allocation_id);
    return own ? [] : [{ remark: "its Elastic IP is counted in the stack shared" }];
  }
  return addressIn(
    resource.attributes.subnet_id,
    resource.attributes.associate_public_ip_address,
    hours,
    context,
  );
}

/** The address that a host gets by itself: as it is told, else as its subnet does it. */
function addressIn(
  subnet: unknown,
  asked: unknown,
  hours: number,
  { template }: Context,
): readonly Finding[] {
  const wanted = template.flag(asked);
  if (wanted !== undefined) return wanted ? [publicAddress(hours)] : [];
  const place = JSON.stringify(subnet) ?? "";
  if (place.includes("private")) return [];
  const note = place.includes("public") ? undefined : "the subnet is assumed to give a public address";
  return [publicAddress(hours, note)];
}

/** `aws_autoscaling_group`: as many instances of its launch template as it wants, or at least keeps. */
export const autoScalingGroup: Pricer = (resource, context) => {
  const { template } = context;
  const { launch_template: used, desired_capacity: desired, min_size: least } = resource.attributes;
  const count = template.number(desired ?? least);
  const launched = template.referred("aws_launch_template", block(used).id);
  if (!launched || count === undefined) {
    return [{ notEstimated: "a group without a launch template of this stack, or without a size" }];
  }
  return times(count, launchedInstance(launched, resource, context));
};

function launchedInstance(launched: Resource, group: Resource, context: Context): readonly Finding[] {
  const { attributes } = launched;
  const hours = hoursPerMonth(group, context);
  const devices = blocks(attributes.block_device_mappings).map(({ ebs }) => block(ebs));
  return [
    instanceHours(attributes.instance_type, hours, context),
    ...(devices.length > 0 ? devices : [{}]).flatMap((device) => volume(device, context)),
    ...detailedMonitoring(block(attributes.monitoring).enabled, hours, context),
    ...agentMetrics(group, context),
    ...addressIn(
      group.attributes.vpc_zone_identifier,
      block(attributes.network_interfaces).associate_public_ip_address,
      hours,
      context,
    ),
  ];
}
