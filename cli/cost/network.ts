import { charge, type Charge, type Context, type Finding, type Pricer } from "./charge";
import { HOURS_PER_MONTH } from "./schedule";
import type { Resource } from "./template";

/** Public IPv4 addresses for that many hours each month. AWS charges for all of them, in use or idle. */
export const publicAddress = (hours: number, note?: string): Charge =>
  charge("public_ipv4_hour", "public IPv4 address", hours, note);

/** `aws_eip` */
export const elasticIp: Pricer = () => [publicAddress(HOURS_PER_MONTH)];

/** `aws_nat_gateway`; its address is an Elastic IP of its own. */
export const natGateway: Pricer = (resource, { usage }) => [
  charge("nat_gateway_hour", "NAT gateway", HOURS_PER_MONTH),
  charge("nat_gateway_gb", "data through it", usage.of("nat_gb", resource)),
];

/** `aws_vpc_endpoint`: gateways are free, interfaces cost by the zone. */
export const vpcEndpoint: Pricer = (resource, { template, usage }) => {
  const { vpc_endpoint_type: kind = "Gateway", subnet_ids: subnets } = resource.attributes;
  const type = template.text(kind);
  if (type === "Gateway") return [];
  if (type !== "Interface") return [{ notEstimated: `endpoint of type ${type ?? String(kind)}` }];
  const zones = Array.isArray(subnets) ? subnets.length : usage.of("load_balancer_zones", resource);
  return [
    charge("vpc_endpoint_hour", "interface endpoint", HOURS_PER_MONTH * zones),
    charge("vpc_endpoint_gb", "data through it", usage.of("endpoint_gb", resource)),
  ];
};

/** `aws_lb`: application and network load balancers, with an address in each zone where they are public. */
export const loadBalancer: Pricer = (resource, context) => {
  const type = context.template.text(resource.attributes.load_balancer_type ?? "application");
  const units = () => HOURS_PER_MONTH * context.usage.of("load_balancer_units", resource);
  switch (type) {
    case "application":
      return [
        charge("alb_hour", "application load balancer", HOURS_PER_MONTH),
        charge("alb_lcu_hour", "load balancer capacity units", units()),
        ...addressesOf(resource, context),
      ];
    case "network":
      return [
        charge("nlb_hour", "network load balancer", HOURS_PER_MONTH),
        charge("nlb_lcu_hour", "load balancer capacity units", units()),
        ...addressesOf(resource, context),
      ];
    default:
      return [{ notEstimated: `load balancer of type ${type ?? "unknown"}` }];
  }
};

function addressesOf(resource: Resource, { template, usage }: Context): readonly Finding[] {
  const { internal, ip_address_type: addressType, subnets } = resource.attributes;
  if (template.flag(internal) || addressType === "dualstack-without-public-ipv4") return [];
  const zones = Array.isArray(subnets) ? subnets.length : usage.of("load_balancer_zones", resource);
  return [publicAddress(HOURS_PER_MONTH * zones)];
}

/** `aws_route53_zone` */
export const hostedZone: Pricer = (resource, { usage }) => [
  charge("route53_zone", "hosted zone", 1),
  charge("route53_query", "queries", usage.of("dns_queries", resource)),
];

/**
 * `aws_service_discovery_private_dns_namespace`: a private hosted zone, whose queries cost as others do:
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html
 */
export const privateNamespace: Pricer = hostedZone;
