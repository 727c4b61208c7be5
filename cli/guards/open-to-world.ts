import ipaddr from "ipaddr.js";
import type { PlanDocument } from "../plan-document";
import { blocks, changesOf, text, texts, type Attributes, type Changed } from "./changes";
import type { Finding } from "./rules";

/** A network this large is as good as the world: its halves, quarters and so on. */
const WORLD_IPV4 = 7; // bits of the prefix
const WORLD_IPV6 = 15;
/** A range of more ports counts as all of them. */
const MANY_PORTS = 1000;

/** What nobody but its owner should reach. */
const sensitivePorts: Readonly<Record<number, string>> = {
  22: "SSH",
  1433: "SQL Server",
  1521: "Oracle",
  2049: "NFS",
  2375: "Docker",
  2376: "Docker",
  3306: "MySQL",
  3389: "Remote Desktop",
  5432: "PostgreSQL",
  5439: "Redshift",
  6379: "Redis",
  9092: "Kafka",
  9094: "Kafka",
  9096: "Kafka",
  9098: "Kafka",
  9200: "OpenSearch",
  11211: "Memcached",
  27017: "MongoDB",
};
/** What the world is served on. */
const webPorts = [80, 443];

interface Opening {
  readonly protocol: string;
  readonly from?: number;
  readonly to?: number;
  /** A network, or a prefix list. */
  readonly source: string;
}

/** Openings to the world for SSH, databases, or so many ports that these are among them. */
export const sensitiveOpenings = (document: PlanDocument): Finding[] =>
  newOpenings(document).flatMap(({ address, opening }) => {
    const what = sensitive(opening);
    return what ? [{ address, what: `${nameOf(opening.source)} could reach ${what}.` }] : [];
  });

/** All other openings to the world, besides web ports; and prefix lists, whose entries a plan does not tell. */
export const otherOpenings = (document: PlanDocument): Finding[] => [
  ...newOpenings(document).flatMap(({ address, opening }) =>
    sensitive(opening) === undefined && !isHarmless(opening)
      ? [{ address, what: `${nameOf(opening.source)} could reach ${portsOf(opening)}.` }]
      : [],
  ),
  ...widenedLists(document),
];

/** Databases and brokers that get an address in the internet. */
export const publicDatabases = (document: PlanDocument): Finding[] =>
  changesOf(document)
    .filter(({ stays, before, after }) => stays && isPublic(after) && !isPublic(before))
    .map(({ address }) => ({ address, what: "It would have an address that the internet can reach." }));

const isPublic = ({ publicly_accessible: flag, connectivity_info: info }: Attributes): boolean =>
  flag === true ||
  blocks(info)
    .flatMap(({ public_access: access }) => blocks(access))
    .some(({ type }) => type !== undefined && type !== "DISABLED");

function newOpenings(document: PlanDocument): { address: string; opening: Opening }[] {
  return changesOf(document)
    .filter(({ stays }) => stays)
    .flatMap((changed) => {
      const before = new Set(openingsOf(changed.type, changed.before).map((one) => JSON.stringify(one)));
      return openingsOf(changed.type, changed.after)
        .filter((one) => !before.has(JSON.stringify(one)))
        .map((opening) => ({ address: changed.address, opening }));
    });
}

/** What a resource of that type opens to the world, or to a prefix list. */
function openingsOf(type: string, values: Attributes): Opening[] {
  if (type === "aws_vpc_security_group_ingress_rule") return openings(values, values.ip_protocol);
  if (type === "aws_security_group_rule")
    return values.type === "ingress" ? openings(values, values.protocol) : [];
  if (["aws_security_group", "aws_default_security_group"].includes(type))
    return blocks(values.ingress).flatMap((block) => openings(block, block.protocol));
  return [];
}

function openings(rule: Attributes, protocol: unknown): Opening[] {
  const networks = [rule.cidr_ipv4, rule.cidr_ipv6, rule.cidr_blocks, rule.ipv6_cidr_blocks].flatMap(texts);
  const lists = [rule.prefix_list_id, rule.prefix_list_ids].flatMap(texts);
  const port = (value: unknown) => (typeof value === "number" ? value : undefined);
  return [...networks.filter(isWorld), ...lists].map((source) => ({
    protocol: text(protocol) ?? "-1",
    from: port(rule.from_port),
    to: port(rule.to_port),
    source,
  }));
}

/** Whether a network is the world, or nearly that. */
export function isWorld(cidr: string): boolean {
  if (!ipaddr.isValidCIDR(cidr)) return false;
  const [address, bits] = ipaddr.parseCIDR(cidr);
  return bits <= (address.kind() === "ipv6" ? WORLD_IPV6 : WORLD_IPV4);
}

const isList = ({ source }: Opening): boolean => source.startsWith("pl-");

/** Which of what must not be reached is reached; undefined where nothing is. */
function sensitive(opening: Opening): string | undefined {
  const { protocol, from, to } = opening;
  if (isList(opening) || isPing(opening)) return undefined;
  if (["-1", "all"].includes(protocol)) return "all ports of all protocols";
  if (from === undefined || to === undefined || from < 0) return `all ${protocol} ports`;
  const hit = Object.entries(sensitivePorts).filter(([port]) => Number(port) >= from && Number(port) <= to);
  if (hit.length === 0 && to - from < MANY_PORTS) return undefined;
  const names = [...new Set(hit.map(([, name]) => name))];
  return names.length > 0 ? `${portsOf(opening)}, with ${names.join(", ")}` : portsOf(opening);
}

const isPing = ({ protocol }: Opening): boolean => ["icmp", "icmpv6", "1", "58"].includes(protocol);

const isHarmless = (opening: Opening): boolean =>
  isPing(opening) ||
  (!isList(opening) && opening.from === opening.to && webPorts.includes(opening.from ?? -1));

const nameOf = (source: string): string =>
  source.startsWith("pl-")
    ? `Everything in the prefix list ${source}, whose entries this plan does not tell,`
    : `The world (${source})`;

function portsOf({ protocol, from, to }: Opening): string {
  if (["-1", "all"].includes(protocol) || from === undefined || from < 0) return "all ports";
  return from === to ? `${protocol} port ${from}` : `${protocol} ports ${from} to ${to}`;
}

function widenedLists(document: PlanDocument): Finding[] {
  const entries = (type: string, values: Attributes): string[] => {
    if (type === "aws_ec2_managed_prefix_list_entry") return texts(values.cidr).filter(isWorld);
    if (type !== "aws_ec2_managed_prefix_list") return [];
    return blocks(values.entry).flatMap(({ cidr }) => texts(cidr).filter(isWorld));
  };
  return changesOf(document)
    .filter(({ stays }) => stays)
    .flatMap(({ address, type, before, after }: Changed) => {
      const had = entries(type, before);
      return entries(type, after)
        .filter((cidr) => !had.includes(cidr))
        .map((cidr) => ({ address, what: `This prefix list would hold the world (${cidr}).` }));
    });
}
