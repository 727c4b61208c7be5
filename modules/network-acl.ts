import { NetworkAcl as AwsNetworkAcl } from "@cdktf/provider-aws/lib/network-acl";
import { NetworkAclAssociation } from "@cdktf/provider-aws/lib/network-acl-association";
import { NetworkAclRule } from "@cdktf/provider-aws/lib/network-acl-rule";
import type { Vpc } from "@cdktf/provider-aws/lib/vpc";
import { Construct } from "constructs";
import { createHash } from "node:crypto";
import { networkId } from "./naming";
import type { PortRange } from "./port-range";

export interface NetworkAclProps extends OpenTo {
  readonly name: string;
  readonly vpc: Vpc;
  /** Subnets under the list, by a name that never changes. */
  readonly subnetIds: Readonly<Record<string, string>>;
}

export interface OpenTo {
  /** TCP ports that the world may reach, besides those from 1024 up; below that, and apart from each other. */
  readonly publicPorts: readonly PortRange[];
  /** Networks that may reach every port, SSH included. */
  readonly adminCidrs: readonly string[];
}

/** Rules that AWS allows in one direction, and the most that it allows when asked. https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html */
export const DEFAULT_RULES = 20;
export const MAX_RULES = 40;

interface Rule {
  /** Name within the list. */
  readonly id: string;
  readonly number: number;
  readonly protocol: "all" | "tcp" | "udp" | "icmp" | "icmpv6";
  readonly ports?: PortRange;
  /** A network, or one of the VPC's own. */
  readonly from: string | { readonly vpc: "cidrBlock" | "ipv6CidrBlock" };
}

/** Answers come back to these ports: NAT gateways and load balancers take all from 1024 up. */
const ephemeral: PortRange = { from: 1024, to: 65535 };
const world = [
  ["ipv4", "0.0.0.0/0", 0],
  ["ipv6", "::/0", 1],
] as const;

/** What is let in. A rule keeps its number whatever else comes and goes: AWS replaces a rule to renumber it. */
export function inboundRules({ publicPorts, adminCidrs }: OpenTo): readonly Rule[] {
  return [
    { id: "vpc_ipv4", number: 100, protocol: "all", from: { vpc: "cidrBlock" } },
    { id: "vpc_ipv6", number: 101, protocol: "all", from: { vpc: "ipv6CidrBlock" } },
    ...world.flatMap(([version, from, offset]): Rule[] => [
      { id: `tcp_answers_${version}`, number: 200 + offset, protocol: "tcp", ports: ephemeral, from },
      { id: `udp_answers_${version}`, number: 210 + offset, protocol: "udp", ports: ephemeral, from },
      { id: `icmp_${version}`, number: 220 + offset, protocol: offset ? "icmpv6" : "icmp", from },
      ...publicPorts.map((ports): Rule => {
        const number = 1000 + 2 * ports.from + offset; // up to 3047
        return { id: `tcp_${ports.from}_${version}`, number, protocol: "tcp", ports, from };
      }),
    ]),
    ...adminNumbers(adminCidrs).map(([from, number]): Rule => {
      return { id: `admin_${networkId(from)}`, number, protocol: "all", from };
    }),
  ];
}

/** A number from 10,000 to 29,999 out of the network itself; where two meet, which is rare, the later takes the next. */
function adminNumbers(cidrs: readonly string[]): [cidr: string, number: number][] {
  const taken = new Set<number>();
  return [...cidrs].sort().map((cidr) => {
    let number = 10_000 + (createHash("sha256").update(cidr).digest().readUInt32BE() % 20_000);
    while (taken.has(number)) number++;
    taken.add(number);
    return [cidr, number];
  });
}

/**
 * The basic allow rules. A network ACL is stateless, so high ports stay open for answers and security groups do the
 * closing; what it adds is that no group can open a low port (SSH, SMB, RPC) to the world by mistake.
 */
export class NetworkAcl extends Construct {
  constructor(scope: Construct, id: string, props: NetworkAclProps) {
    super(scope, id);
    const networkAclId = new AwsNetworkAcl(this, "this", { vpcId: props.vpc.id, tags: { Name: props.name } })
      .id;
    for (const [name, subnetId] of Object.entries(props.subnetIds)) {
      new NetworkAclAssociation(this, name, { networkAclId, subnetId });
    }
    const allow = { networkAclId, ruleAction: "allow" };
    for (const { id, number, protocol, ports, from } of inboundRules(props)) {
      const cidr = typeof from === "string" ? from : props.vpc[from.vpc];
      const isIpv6 = typeof from === "string" ? from.includes(":") : from.vpc === "ipv6CidrBlock";
      new NetworkAclRule(this, `in_${id}`, {
        ...allow,
        egress: false,
        ruleNumber: number,
        protocol: { all: "-1", tcp: "tcp", udp: "udp", icmp: "icmp", icmpv6: "58" }[protocol],
        fromPort: ports?.from,
        toPort: ports?.to,
        ...(protocol.startsWith("icmp") ? { icmpType: -1, icmpCode: -1 } : {}),
        ...(isIpv6 ? { ipv6CidrBlock: cidr } : { cidrBlock: cidr }),
      });
    }
    for (const [version, cidr, offset] of world) {
      new NetworkAclRule(this, `out_all_${version}`, {
        ...allow,
        egress: true,
        ruleNumber: 100 + offset,
        protocol: "-1",
        ...(offset ? { ipv6CidrBlock: cidr } : { cidrBlock: cidr }),
      });
    }
  }
}
