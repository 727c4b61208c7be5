import ipaddr from "ipaddr.js";

export type Tier = "public" | "private";

/** One subnet of the plan. */
export interface PlannedSubnet {
  readonly tier: Tier;
  /** Availability zone, such as `us-east-1a`. */
  readonly zone: string;
  readonly ipv4Cidr: string;
  /** Number of the subnet's /64 in the VPC's IPv6 /56. */
  readonly ipv6Number: number;
}

export interface AddressPlanProps {
  readonly vpcCidr: string;
  readonly zones: readonly string[];
  readonly privateSubnets: boolean;
  /** IPv4 ranges that replace computed ones, by zone. */
  readonly publicSubnetCidrs?: ReadonlyMap<string, string>;
  readonly privateSubnetCidrs?: ReadonlyMap<string, string>;
  /** Networks that the VPC must not overlap. */
  readonly reservedCidrs?: readonly string[];
}

/** The VPC is cut in sixteen: eight blocks for public subnets and eight for private ones, by the zone's letter. */
const NEW_BITS = 4;
const BLOCKS_PER_TIER = 8;

/**
 * Subnets of a VPC. A subnet's range depends on its tier and its zone's letter alone, so another zone or tier never
 * moves one that is there.
 */
export function planSubnets(props: AddressPlanProps): readonly PlannedSubnet[] {
  const tiers: readonly Tier[] = props.privateSubnets ? ["public", "private"] : ["public"];
  return tiers.flatMap((tier) =>
    props.zones.map((zone) => {
      const block = zoneNumber(zone) + (tier === "private" ? BLOCKS_PER_TIER : 0);
      const given = (tier === "public" ? props.publicSubnetCidrs : props.privateSubnetCidrs)?.get(zone);
      return { tier, zone, ipv4Cidr: given ?? nthSubnet(props.vpcCidr, block), ipv6Number: block };
    }),
  );
}

/** What is wrong with an address plan, in sentences; empty where all is well. */
export function addressPlanProblems(props: AddressPlanProps): readonly string[] {
  const subnets = planSubnets(props).map(({ tier, zone, ipv4Cidr }) => ({
    label: `${tier} subnet of ${zone} (${ipv4Cidr})`,
    cidr: ipv4Cidr,
  }));
  const outside = subnets
    .filter(({ cidr }) => !contains(props.vpcCidr, cidr))
    .map(({ label }) => `the ${label} is not inside the VPC's ${props.vpcCidr}`);
  const overlapping = subnets.flatMap((subnet, index) =>
    subnets
      .slice(index + 1)
      .filter((other) => overlap(subnet.cidr, other.cidr))
      .map((other) => `the ${subnet.label} overlaps the ${other.label}`),
  );
  const reserved = (props.reservedCidrs ?? [])
    .filter((cidr) => overlap(props.vpcCidr, cidr))
    .map((cidr) => `the VPC's ${props.vpcCidr} overlaps the reserved ${cidr}`);
  return [...outside, ...overlapping, ...reserved];
}

/** Whether all of `inner` lies in `outer`; networks of different IP versions never do. */
export function contains(outer: string, inner: string): boolean {
  const [network, bits] = ipaddr.parseCIDR(outer);
  const [address, innerBits] = ipaddr.parseCIDR(inner);
  return network.kind() === address.kind() && innerBits >= bits && address.match(network, bits);
}

const overlap = (one: string, other: string): boolean => contains(one, other) || contains(other, one);

/** 0 for zone a, 1 for zone b, … 7 for zone h; no region has more than six. */
const zoneNumber = (zone: string): number => zone.charCodeAt(zone.length - 1) - "a".charCodeAt(0);

function nthSubnet(vpcCidr: string, number: number): string {
  const [network, bits] = ipaddr.IPv4.parseCIDR(vpcCidr);
  const base = network.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0);
  const address = base + number * 2 ** (32 - bits - NEW_BITS);
  const bytes = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
  return `${bytes.join(".")}/${bits + NEW_BITS}`;
}
