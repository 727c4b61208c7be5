import ipaddr from "ipaddr.js";
import type { Attributes, TerraformJson } from "./synthesized";

/** Prefixes shorter than these hold networks of strangers, so that 0.0.0.0/0 in two halves is found too. */
const SHORTEST = { ipv4: 8, ipv6: 16 };

/**
 * Security group rules whose other end is the world, one line each: `group direction protocol from-to network`. A
 * scanner does not see all of them (checkov 3.3: protocol -1, and ::/0 on port 22).
 */
export function openRules(json: TerraformJson): string[] {
  const blocks = (type: string) => Object.entries(json.resource?.[type] ?? {});
  const line = (group: string, direction: unknown, rule: Attributes) =>
    networksOf(rule)
      .filter(isWorld)
      .map((network) => `${group} ${String(direction)} ${protocolOf(rule)} ${portsOf(rule)} ${network}`);
  return [
    ...blocks("aws_vpc_security_group_ingress_rule").flatMap(([, rule]) =>
      line(groupOf(rule), "ingress", rule),
    ),
    ...blocks("aws_vpc_security_group_egress_rule").flatMap(([, rule]) =>
      line(groupOf(rule), "egress", rule),
    ),
    ...blocks("aws_security_group_rule").flatMap(([, rule]) => line(groupOf(rule), rule.type, rule)),
    ...["aws_security_group", "aws_default_security_group"].flatMap((type) =>
      blocks(type).flatMap(([name, group]) =>
        ["ingress", "egress"].flatMap((direction) =>
          [group[direction] ?? []].flat().flatMap((rule) => line(name, direction, rule as Attributes)),
        ),
      ),
    ),
  ].sort();
}

const groupOf = ({ security_group_id: id }: Attributes): string =>
  /\.([^.]+)\.id/.exec(String(id))?.[1] ?? String(id);
const protocolOf = ({ ip_protocol, protocol }: Attributes): string => String(ip_protocol ?? protocol);
const portsOf = ({ from_port: from, to_port: to }: Attributes): string =>
  from === undefined ? "all" : `${String(from)}-${String(to)}`;
const networksOf = ({ cidr_ipv4, cidr_ipv6, cidr_blocks, ipv6_cidr_blocks }: Attributes): string[] =>
  [cidr_ipv4, cidr_ipv6, cidr_blocks, ipv6_cidr_blocks]
    .flat()
    .filter((network) => typeof network === "string");

function isWorld(network: string): boolean {
  if (!ipaddr.isValidCIDR(network)) return false; // a reference to one of our own addresses
  const [address, bits] = ipaddr.parseCIDR(network);
  return bits < SHORTEST[address.kind()];
}
