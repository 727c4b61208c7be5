import { SecurityGroup as AwsSecurityGroup } from "@cdktf/provider-aws/lib/security-group";
import { VpcSecurityGroupEgressRule } from "@cdktf/provider-aws/lib/vpc-security-group-egress-rule";
import { VpcSecurityGroupIngressRule } from "@cdktf/provider-aws/lib/vpc-security-group-ingress-rule";
import { Construct } from "constructs";
import { networkId, resourceName } from "./naming";
import type { PortRange } from "./port-range";

/** Traffic that a security group lets through; nothing else passes. */
export interface Traffic {
  /** What it is, in one word: it names the rules and describes them. */
  readonly purpose: string;
  /** @default "tcp"; "all" is every protocol and port */
  readonly protocol?: "tcp" | "udp" | "all";
  readonly ports?: readonly PortRange[];
  /** IPv4 and IPv6 networks at the other end. */
  readonly cidrs?: readonly string[];
  /** IPv4 networks at the other end that are known only when they exist, by a name of ours. */
  readonly networks?: Readonly<Record<string, string>>;
  /** Single IPv4 addresses at the other end that are known only when they exist, by a name of ours. */
  readonly addresses?: Readonly<Record<string, string>>;
  /** Security groups at the other end, by a name of ours. */
  readonly groups?: Readonly<Record<string, string>>;
}

export interface SecurityGroupProps {
  readonly name: string;
  readonly description: string;
  readonly vpcId: string;
  /** @default none */
  readonly ingress?: readonly Traffic[];
  /** @default none */
  readonly egress?: readonly Traffic[];
}

export const anywhere: readonly string[] = Object.freeze(["0.0.0.0/0", "::/0"]);

/** A security group with one resource for each rule, so that one rule comes and goes without touching another. */
export class SecurityGroup extends Construct {
  readonly resource: AwsSecurityGroup;

  constructor(scope: Construct, id: string, props: SecurityGroupProps) {
    super(scope, id);
    this.resource = new AwsSecurityGroup(this, "this", {
      name: resourceName("security group", props.name),
      description: props.description,
      vpcId: props.vpcId,
      tags: { Name: props.name },
    });
    for (const traffic of props.ingress ?? []) this.allowFrom(traffic);
    for (const traffic of props.egress ?? []) this.allowTo(traffic);
  }

  get id(): string {
    return this.resource.id;
  }

  allowFrom(traffic: Traffic): void {
    for (const [id, rule] of rulesOf(traffic, this.id))
      new VpcSecurityGroupIngressRule(this, `from_${id}`, rule);
  }

  allowTo(traffic: Traffic): void {
    for (const [id, rule] of rulesOf(traffic, this.id))
      new VpcSecurityGroupEgressRule(this, `to_${id}`, rule);
  }
}

interface Rule {
  readonly securityGroupId: string;
  readonly description: string;
  readonly ipProtocol: string;
  readonly fromPort?: number;
  readonly toPort?: number;
  readonly cidrIpv4?: string;
  readonly cidrIpv6?: string;
  readonly referencedSecurityGroupId?: string;
}

function rulesOf(traffic: Traffic, securityGroupId: string): [id: string, rule: Rule][] {
  const peers: Record<string, Partial<Rule>> = {};
  for (const cidr of traffic.cidrs ?? [])
    peers[networkId(cidr)] = cidr.includes(":") ? { cidrIpv6: cidr } : { cidrIpv4: cidr };
  for (const [name, cidrIpv4] of Object.entries(traffic.networks ?? {}))
    peers[`network_${name}`] = { cidrIpv4 };
  for (const [name, address] of Object.entries(traffic.addresses ?? {}))
    peers[`host_${name}`] = { cidrIpv4: `${address}/32` }; // no network is called so
  for (const [name, id] of Object.entries(traffic.groups ?? {}))
    peers[`group_${name}`] = { referencedSecurityGroupId: id };

  const { protocol = "tcp", purpose } = traffic;
  const spans: Record<string, Partial<Rule>> = {};
  if (protocol === "all") spans[purpose] = { ipProtocol: "-1" };
  else
    for (const { from, to } of traffic.ports ?? []) {
      spans[`${purpose}_${from === to ? from : `${from}-${to}`}`] = {
        ipProtocol: protocol,
        fromPort: from,
        toPort: to,
      };
    }
  return Object.entries(spans).flatMap(([span, ports]) =>
    Object.entries(peers).map(([name, peer]): [string, Rule] => [
      `${span}_${name}`,
      { securityGroupId, description: purpose, ipProtocol: protocol, ...ports, ...peer },
    ]),
  );
}
