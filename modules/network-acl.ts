import { NetworkAcl as AwsNetworkAcl } from "@cdktf/provider-aws/lib/network-acl";
import { NetworkAclAssociation } from "@cdktf/provider-aws/lib/network-acl-association";
import { NetworkAclRule } from "@cdktf/provider-aws/lib/network-acl-rule";
import type { Vpc } from "@cdktf/provider-aws/lib/vpc";
import { Construct } from "constructs";
import { networkId } from "./naming";
import type { PortRange } from "./security-group";

export interface NetworkAclProps {
  readonly name: string;
  readonly vpc: Vpc;
  /** Subnets under the list, by a name that never changes. */
  readonly subnetIds: Readonly<Record<string, string>>;
  /** TCP ports that the world may reach, besides those from 1024 up. */
  readonly publicPorts: readonly PortRange[];
  /** Networks that may reach every port, SSH included. */
  readonly adminCidrs: readonly string[];
}

interface Match {
  readonly protocol: "all" | "tcp" | "udp" | "icmp" | "icmpv6";
  readonly ports?: PortRange;
  readonly cidr: string;
}

/** Answers come back to these ports: NAT gateways and load balancers take all from 1024 up. */
const ephemeral: PortRange = { from: 1024, to: 65535 };

/**
 * The basic allow rules. A network ACL is stateless, so high ports stay open for answers and security groups do the
 * closing; what it adds is that no group can open a low port (SSH, SMB, RPC) to the world by mistake.
 */
export class NetworkAcl extends Construct {
  private readonly aclId: string;

  constructor(scope: Construct, id: string, props: NetworkAclProps) {
    super(scope, id);
    this.aclId = new AwsNetworkAcl(this, "this", { vpcId: props.vpc.id, tags: { Name: props.name } }).id;
    for (const [name, subnetId] of Object.entries(props.subnetIds)) {
      new NetworkAclAssociation(this, name, { networkAclId: this.aclId, subnetId });
    }

    // Numbers: a rule keeps its own whatever else comes and goes; IPv4 even hundreds, IPv6 the next
    this.allow("in", "vpc_ipv4", 100, { protocol: "all", cidr: props.vpc.cidrBlock });
    this.allow("in", "vpc_ipv6", 101, { protocol: "all", cidr: props.vpc.ipv6CidrBlock }, true);
    for (const [version, cidr, offset] of [
      ["ipv4", "0.0.0.0/0", 0],
      ["ipv6", "::/0", 1],
    ] as const) {
      this.allow("in", `tcp_answers_${version}`, 200 + offset, { protocol: "tcp", ports: ephemeral, cidr });
      this.allow("in", `udp_answers_${version}`, 210 + offset, { protocol: "udp", ports: ephemeral, cidr });
      this.allow("in", `icmp_${version}`, 220 + offset, { protocol: offset ? "icmpv6" : "icmp", cidr });
      for (const ports of props.publicPorts) {
        const number = 1000 + 2 * ports.from + offset;
        this.allow("in", `tcp_${ports.from}_${version}`, number, { protocol: "tcp", ports, cidr });
      }
      this.allow("out", `all_${version}`, 100 + offset, { protocol: "all", cidr });
    }
    props.adminCidrs.forEach((cidr, index) => {
      this.allow("in", `admin_${networkId(cidr)}`, 10_000 + index, { protocol: "all", cidr });
    });
  }

  private allow(
    direction: "in" | "out",
    id: string,
    ruleNumber: number,
    match: Match,
    ipv6 = match.cidr.includes(":"),
  ): void {
    const icmp = match.protocol.startsWith("icmp") ? { icmpType: -1, icmpCode: -1 } : {};
    new NetworkAclRule(this, `${direction}_${id}`, {
      networkAclId: this.aclId,
      egress: direction === "out",
      ruleNumber,
      ruleAction: "allow",
      protocol: { all: "-1", tcp: "tcp", udp: "udp", icmp: "icmp", icmpv6: "58" }[match.protocol],
      fromPort: match.ports?.from,
      toPort: match.ports?.to,
      ...icmp,
      ...(ipv6 ? { ipv6CidrBlock: match.cidr } : { cidrBlock: match.cidr }),
    });
  }
}
