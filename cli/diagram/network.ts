import ipaddr from "ipaddr.js";
import { blocks, type Attributes } from "../cost/template";
import { internet } from "./graph";
import type { Inventory, Item } from "./inventory";
import type { Subject } from "./subjects";

/** One rule of a security group, with one other end. */
interface Rule {
  readonly item: Item;
  readonly direction: "ingress" | "egress";
  readonly group: Item;
  readonly ports: Ports;
  readonly peer: Peer;
}

type Peer =
  | { readonly kind: "group"; readonly group: Item }
  /** The host with that Elastic IP. */
  | { readonly kind: "host"; readonly host: Item }
  | { readonly kind: "world" }
  /** A network in the VPC, or the VPC itself. */
  | { readonly kind: "inside"; readonly text: string }
  | { readonly kind: "network"; readonly text: string };

interface Ports {
  /** `tcp`, `udp`, `icmp`…; `-1` for all. */
  readonly protocol: string;
  readonly from: number;
  readonly to: number;
  /** Only Terraform knows them. */
  readonly unknown?: true;
}

/** A network or the Internet at one end of rules. */
export interface Outside {
  readonly id: string;
  readonly networks: readonly string[];
}

/** What security groups let pass, from one subject or outside to another. */
export interface Passage {
  /** Address of a subject, or id of an outside. */
  readonly from: string;
  readonly to: string;
  readonly ports: string;
  readonly by: readonly Item[];
}

/** What security groups let pass: at the end where it comes in, and where it leaves, if that has groups too. */
export function passagesOf(
  inventory: Inventory,
  subjects: readonly Subject[],
): { readonly passages: readonly Passage[]; readonly outsides: readonly Outside[] } {
  const rules = inventory.items.flatMap((item) => rulesOf(inventory, item));
  const membersOf = (group: Item) =>
    subjects.filter(({ groups }) => groups.some(({ id }) => id === group.id));
  const outsideOf = outsides(rules);
  const inner = rules
    .filter(({ direction }) => direction === "ingress")
    .flatMap((rule) =>
      membersOf(rule.group).flatMap((target) =>
        sourcesOf(rule, subjects, membersOf).flatMap((source) =>
          leaving(source, target, rule, rules).map((egress) => ({
            from: source.item.id,
            to: target.item.id,
            ports: portsText(shared(rule.ports, egress.ports)),
            by: [rule.item, egress.item],
          })),
        ),
      ),
    );
  const outer = rules.flatMap((rule) => {
    const outside = outsideOf.get(rule);
    if (!outside) return [];
    return membersOf(rule.group).map(({ item }) => ({
      ...(rule.direction === "ingress"
        ? { from: outside.id, to: item.id }
        : { from: item.id, to: outside.id }),
      ports: portsText(rule.ports),
      by: [rule.item],
    }));
  });
  return { passages: [...inner, ...outer], outsides: [...new Set(outsideOf.values())] };
}

/** Subjects that a rule names as its other end. */
function sourcesOf(
  { peer }: Rule,
  subjects: readonly Subject[],
  membersOf: (group: Item) => readonly Subject[],
): readonly Subject[] {
  if (peer.kind === "group") return membersOf(peer.group);
  return peer.kind === "host" ? subjects.filter(({ item }) => item.id === peer.host.id) : [];
}

/** Rules by which the source may send what the other rule lets in. */
const leaving = (source: Subject, target: Subject, into: Rule, rules: readonly Rule[]): readonly Rule[] =>
  rules.filter(
    ({ direction, group, peer, ports }) =>
      direction === "egress" &&
      source.groups.some(({ id }) => id === group.id) &&
      reaches(peer, target) &&
      meet(ports, into.ports),
  );

function reaches(peer: Peer, target: Subject): boolean {
  if (peer.kind === "group") return target.groups.some(({ id }) => id === peer.group.id);
  if (peer.kind === "host") return target.item.id === peer.host.id;
  return peer.kind !== "network";
}

/** For each rule that leads outside: where to. Networks that the same ports are open to are one. */
function outsides(rules: readonly Rule[]): ReadonlyMap<Rule, Outside> {
  const found = new Map<Rule, Outside>();
  const byId = new Map<string, Outside>();
  const alike = new Map<string, Rule[]>();
  for (const rule of rules) {
    const { direction, group, ports, peer } = rule;
    if (peer.kind === "world") found.set(rule, { id: internet, networks: [] });
    if (peer.kind !== "network" && !(peer.kind === "inside" && direction === "ingress")) continue;
    const key = JSON.stringify([direction, group.id, ports]);
    alike.set(key, [...(alike.get(key) ?? []), rule]);
  }
  for (const together of alike.values()) {
    const networks = [...new Set(together.map(({ peer }) => ("text" in peer ? peer.text : "")))].sort();
    const id = `networks:${networks.join(" ")}`;
    const outside = byId.get(id) ?? { id, networks };
    byId.set(id, outside);
    for (const rule of together) found.set(rule, outside);
  }
  return found;
}

function rulesOf(inventory: Inventory, item: Item): readonly Rule[] {
  const { type, attributes } = item;
  const from = (
    direction: "ingress" | "egress",
    group: readonly Item[],
    given: Attributes,
  ): readonly Rule[] =>
    group.flatMap((one) =>
      peersOf(inventory, item, one, given).map((peer) => ({
        item,
        direction,
        group: one,
        ports: portsOf(inventory, item, given),
        peer,
      })),
    );
  const named = inventory.namedOf(item, "aws_security_group", attributes.security_group_id);
  if (type === "aws_vpc_security_group_ingress_rule") return from("ingress", named, attributes);
  if (type === "aws_vpc_security_group_egress_rule") return from("egress", named, attributes);
  if (type === "aws_security_group_rule")
    return from(attributes.type === "egress" ? "egress" : "ingress", named, attributes);
  if (type !== "aws_security_group") return [];
  return (["ingress", "egress"] as const).flatMap((direction) =>
    blocks(attributes[direction]).flatMap((given) => from(direction, [item], given)),
  );
}

/** All ways that the provider has to say what the other end is. */
function peersOf(inventory: Inventory, item: Item, group: Item, given: Attributes): readonly Peer[] {
  const groups = [given.referenced_security_group_id, given.source_security_group_id, given.security_groups];
  const known = inventory.namedOf(item, "aws_security_group", groups);
  const networks = [given.cidr_ipv4, given.cidr_ipv6, given.cidr_blocks, given.ipv6_cidr_blocks];
  const lists = [given.prefix_list_id, given.prefix_list_ids];
  const unknown = textsIn(groups).filter(
    (text) => inventory.namedOf(item, "aws_security_group", text).length === 0,
  );
  return [
    ...known.map((one): Peer => ({ kind: "group", group: one })),
    ...(given.self === true ? [{ kind: "group", group } as const] : []),
    ...textsIn(networks).map((text) => networkPeer(inventory, item, text)),
    ...[...textsIn(lists), ...unknown].map((text): Peer => ({ kind: "network", text: told(text) })),
  ];
}

const textsIn = (values: readonly unknown[]): readonly string[] =>
  values.flat().filter((text): text is string => typeof text === "string");

/** An expression as people can read it. */
const told = (text: string): string => text.replace(/\$\{(.*?)\}/g, "$1");

function networkPeer(inventory: Inventory, item: Item, given: string): Peer {
  const text = inventory.text(item, given);
  if (text === undefined) {
    const host = hostAt(inventory, item, given);
    if (host) return { kind: "host", host };
    const isNetwork = inventory
      .named(item, given)
      .some(({ type }) => ["aws_vpc", "aws_subnet"].includes(type));
    return isNetwork || /\.vpc_cidr_block\b/.test(given)
      ? { kind: "inside", text: "the VPC" }
      : { kind: "network", text: told(given) };
  }
  if (!ipaddr.isValidCIDR(text)) return { kind: "network", text };
  const [address, bits] = ipaddr.parseCIDR(text);
  if (bits === 0) return { kind: "world" };
  const isInside = ["private", "uniqueLocal"].includes(address.range());
  return { kind: isInside ? "inside" : "network", text };
}

/** The host whose Elastic IP an expression names. */
function hostAt(inventory: Inventory, item: Item, expression: string): Item | undefined {
  const named = inventory.named(item, expression);
  const isNamed = ({ id }: Item) => named.some((one) => one.id === id);
  const direct = named.find(({ type }) => type === "aws_instance");
  const links = [
    ...inventory.ofType("aws_eip").filter(isNamed),
    ...inventory
      .ofType("aws_eip_association")
      .filter((one) =>
        inventory
          .namedOf(one, "aws_eip", [one.attributes.allocation_id, one.attributes.public_ip])
          .some(isNamed),
      ),
  ];
  const [linked] = links.flatMap((one) =>
    inventory.namedOf(one, "aws_instance", [one.attributes.instance_id, one.attributes.instance]),
  );
  return direct ?? linked;
}

function portsOf(inventory: Inventory, item: Item, given: Attributes): Ports {
  const protocol = inventory.text(item, given.ip_protocol ?? given.protocol) ?? "-1";
  if (given.from_port === undefined || protocol === "-1" || protocol === "all")
    return { protocol: protocol === "all" ? "-1" : protocol, from: 0, to: 65535 };
  const [from, to] = [given.from_port, given.to_port].map((port) => Number(inventory.text(item, port)));
  if (from === undefined || to === undefined || Number.isNaN(from) || Number.isNaN(to))
    return { protocol, from: 0, to: 65535, unknown: true };
  return { protocol, from, to };
}

const meet = (a: Ports, b: Ports): boolean =>
  (a.protocol === b.protocol || a.protocol === "-1" || b.protocol === "-1") &&
  a.from <= b.to &&
  b.from <= a.to;

const shared = (a: Ports, b: Ports): Ports => ({
  protocol: a.protocol === "-1" ? b.protocol : a.protocol,
  from: Math.max(a.from, b.from),
  to: Math.min(a.to, b.to),
  ...(a.unknown && b.unknown ? { unknown: true } : {}),
});

/** As an edge's label has it; TCP is not said. */
function portsText({ protocol, from, to, unknown }: Ports): string {
  if (protocol === "-1") return "all";
  if (protocol.startsWith("icmp")) return protocol;
  const range = unknown
    ? "?"
    : from === 0 && to === 65535
      ? "all"
      : from === to
        ? `${from}`
        : `${from}–${to}`;
  return protocol === "tcp" && range !== "all" ? range : `${protocol} ${range}`;
}
