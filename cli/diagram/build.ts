import { block } from "../cost/template";
import {
  byText,
  internet,
  sortedSet,
  type Edge,
  type EdgeKind,
  type Graph,
  type Node,
  type NodeKind,
} from "./graph";
import { Inventory, type Item, type NamedStack } from "./inventory";
import { passagesOf, type Outside } from "./network";
import { boxesOf, pathOf, Places } from "./place";
import { accessTo, dataTypes, policiesOf } from "./policy";
import { startedBy, subjectsOf, type Subject } from "./subjects";

/**
 * The architecture of a stack.
 * @param stacks the stack to draw, and the `shared` that it reads outputs of, where it does
 * @param environment process environment: its `TF_VAR_…` win over the defaults of variables
 */
export function buildGraph(stacks: readonly NamedStack[], environment: NodeJS.ProcessEnv = {}): Graph {
  const name = stacks[0]?.name ?? "";
  const inventory = new Inventory(stacks, environment);
  const places = new Places(inventory);
  const subjects = subjectsOf(inventory, places);
  const { passages, outsides } = passagesOf(inventory, subjects);
  const links: readonly Link[] = [
    ...passages.map(({ ports, ...rest }) => ({ ...rest, kind: "network" as const, word: ports })),
    ...accessLinks(inventory, subjects),
    ...invocationLinks(inventory, subjects),
    ...routeLinks(inventory),
  ];
  const bundles = bundlesOf(subjects, places, links);
  const parts = partsOf(inventory, subjects);
  const nodes = [
    ...bundles.map(([id, box, members]) => nodeOf(id, box, members, parts)),
    ...outsidesOf(outsides, links),
  ].sort((a, b) => byText(a.id, b.id));
  const [network] = inventory.ofType("aws_vpc");
  return {
    name,
    boxes: boxesOf(
      sortedSet(nodes.flatMap(({ box }) => box ?? [])),
      name,
      network && inventory.text(network, network.attributes.cidr_block),
    ),
    nodes,
    edges: edgesOf(links, nodes),
  };
}

/** One reason for an edge, between resources. */
interface Link {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
  readonly word: string;
  readonly by: readonly Item[];
}

function accessLinks(inventory: Inventory, subjects: readonly Subject[]): readonly Link[] {
  const stores = subjects.filter(({ item }) => dataTypes.includes(item.type));
  const byPolicy = subjects.flatMap(({ item, roles }) => {
    const each = roles.map((role) => policiesOf(inventory, role));
    return stores.flatMap((store) =>
      each.flatMap((policies) => {
        const { read, write, by } = accessTo(inventory, store.item, policies);
        const link = { from: item.id, to: store.item.id, kind: "access", by } as const;
        return [...(read ? [{ ...link, word: "read" }] : []), ...(write ? [{ ...link, word: "write" }] : [])];
      }),
    );
  });
  const byBalancers = inventory
    .ofType("aws_lb")
    .flatMap((item) =>
      inventory
        .namedOf(item, "aws_s3_bucket", block(item.attributes.access_logs).bucket)
        .map(({ id }) => ({ from: item.id, to: id, kind: "access" as const, word: "write", by: [item] })),
    );
  return [...byPolicy, ...byBalancers];
}

const invocationLinks = (inventory: Inventory, subjects: readonly Subject[]): readonly Link[] =>
  subjects
    .filter(({ kind }) => kind === "schedule" || kind === "event-rule")
    .flatMap(({ item }) =>
      startedBy(inventory, item).map(({ target, by }) => ({
        from: item.id,
        to: target.id,
        kind: "invocation" as const,
        word: "",
        by: [by],
      })),
    );

/** How subnets and NAT gateways lead to the Internet. */
function routeLinks(inventory: Inventory): readonly Link[] {
  const subnetsOf = (table: Item | undefined) =>
    inventory
      .ofType("aws_route_table_association")
      .filter((one) => inventory.named(one, one.attributes.route_table_id).some(({ id }) => id === table?.id))
      .flatMap((one) => inventory.namedOf(one, "aws_subnet", one.attributes.subnet_id));
  return inventory.ofType("aws_route").flatMap((item) => {
    const { route_table_id, nat_gateway_id, gateway_id, egress_only_gateway_id } = item.attributes;
    const [table] = inventory.namedOf(item, "aws_route_table", route_table_id);
    const link = { kind: "route", word: "", by: [item] } as const;
    const [nat] = inventory.namedOf(item, "aws_nat_gateway", nat_gateway_id);
    const out = inventory
      .named(item, [gateway_id, egress_only_gateway_id])
      .some(({ type }) => ["aws_internet_gateway", "aws_egress_only_internet_gateway"].includes(type));
    return [
      ...(nat ? [{ ...link, from: nat.id, to: internet }] : []),
      ...subnetsOf(table).flatMap(({ id }) => [
        ...(nat ? [{ ...link, from: id, to: nat.id }] : []),
        ...(out ? [{ ...link, from: id, to: internet }] : []),
      ]),
    ];
  });
}

/** Kinds of which a box has one node. */
const together: readonly NodeKind[] = [
  "secrets",
  "parameters",
  "repositories",
  "subnets",
  "nat",
  "endpoints",
];

type Bundle = readonly [id: string, box: string, members: readonly Subject[]];

/** Subjects by the node that they are drawn as: hosts that are alike are one, and so are secrets of a box. */
function bundlesOf(subjects: readonly Subject[], places: Places, links: readonly Link[]): readonly Bundle[] {
  const found = new Map<string, Subject[]>();
  for (const subject of subjects) {
    const key = keyOf(subject, places, links);
    found.set(key, [...(found.get(key) ?? []), subject]);
  }
  return [...found.values()].map((members): Bundle => {
    const [first] = members as [Subject];
    const { item, kind, tier } = first;
    if (kind === "subnets") return [`${places.boxOf(item)}/${tier}-${kind}`, places.boxOf(item), members];
    const box = places.boxOf(item, tier);
    return [together.includes(kind) ? `${box}/${kind}` : item.id, box, members];
  });
}

function keyOf(
  { item, kind, tier, details, groups, roles }: Subject,
  places: Places,
  links: readonly Link[],
): string {
  const box = places.boxOf(item, tier);
  if (together.includes(kind)) return JSON.stringify([box, kind]);
  if (kind !== "host") return item.id;
  const linked = links
    .filter(({ from, to, kind }) => kind === "network" && (from === item.id || to === item.id))
    .map(({ from, to, word }) => [from === item.id ? "" : from, to === item.id ? "" : to, word].join(" "));
  const ids = [groups, roles].map((items) => sortedSet(items.map(({ id }) => id)));
  return JSON.stringify([box, kind, details, ids, sortedSet(linked)]);
}

function nodeOf(
  id: string,
  box: string,
  members: readonly Subject[],
  parts: ReadonlyMap<string, readonly string[]>,
): Node {
  const [first] = members as [Subject];
  const isBundle = together.includes(first.kind) || members.length > 1;
  const titles = members.map(({ title }) => title).sort(byText);
  return {
    id,
    kind: first.kind,
    title: isBundle ? bundleTitle(first, titles) : first.title,
    details: isBundle
      ? [
          ...(members.length > 1 || first.kind !== "nat" ? few(titles, first.kind) : []),
          ...sharedDetails(first),
        ]
      : first.details,
    addresses: sortedSet(members.map(({ item }) => item.id)),
    parts: sortedSet(members.flatMap(({ item }) => parts.get(item.id) ?? [])),
    box,
  };
}

const sharedDetails = ({ kind, details }: Subject): readonly string[] => (kind === "host" ? details : []);

/** Singular and plural of what is drawn together. */
const nouns: Partial<Record<NodeKind, readonly [one: string, many: string]>> = {
  endpoints: ["endpoint", "endpoints"],
  host: ["host", "hosts"],
  nat: ["NAT gateway", "NAT gateways"],
  parameters: ["parameter", "parameters"],
  repositories: ["image repository", "image repositories"],
  secrets: ["secret", "secrets"],
  subnets: ["subnet", "subnets"],
};

function bundleTitle({ kind, tier }: Subject, titles: readonly string[]): string {
  const [one, many] = nouns[kind] ?? [kind, kind];
  const noun = titles.length === 1 ? one : many;
  return `${titles.length} ${kind === "subnets" ? `${tier} ` : ""}${noun}`;
}

const SHOWN = 3;

/** The first few names, one a line. Gateways have names that say nothing. */
function few(names: readonly string[], kind: NodeKind): readonly string[] {
  if (kind === "nat") return [];
  if (names.length <= SHOWN + 1) return names;
  return [...names.slice(0, SHOWN), `and ${names.length - SHOWN} more`];
}

/** Resources that belong to one subject alone: what it is made with, and what is below it in the tree of constructs. */
function partsOf(inventory: Inventory, subjects: readonly Subject[]): ReadonlyMap<string, readonly string[]> {
  const places = new Map(subjects.map(({ item }) => [pathOf(item).join("/"), item.id]));
  const owners = new Map<string, Set<string>>(subjects.map(({ item }) => [item.id, new Set([item.id])]));
  const own = (part: string, owner: string) => owners.set(part, (owners.get(part) ?? new Set()).add(owner));
  for (const { item, parts } of subjects) for (const part of parts) own(part.id, item.id);
  for (const item of inventory.ofType("aws_iam_role_policy", "aws_iam_role_policy_attachment")) {
    const [role] = inventory.namedOf(item, "aws_iam_role", item.attributes.role);
    for (const owner of owners.get(role?.id ?? "") ?? []) own(item.id, owner);
  }
  for (const item of inventory.items) {
    const above = owners.has(item.id) ? undefined : nearest(pathOf(item), places);
    if (above !== undefined) own(item.id, above);
  }
  const result = new Map<string, string[]>();
  for (const [part, [owner = "", ...others]] of [...owners].map(([part, set]) => [part, [...set]] as const))
    if (owner !== part && others.length === 0) result.set(owner, [...(result.get(owner) ?? []), part]);
  return result;
}

/** The subject at that place in the tree, or the nearest above. */
function nearest(path: readonly string[], places: ReadonlyMap<string, string>): string | undefined {
  const [found] = path
    .map((_, index) => places.get(path.slice(0, path.length - index).join("/")))
    .filter((id) => id !== undefined);
  return found;
}

/** Nodes for what is outside, where anything leads to it. */
function outsidesOf(outsides: readonly Outside[], links: readonly Link[]): readonly Node[] {
  const none = { details: [], addresses: [], parts: [] };
  const isLinked = links.some(({ from, to }) => from === internet || to === internet);
  return [
    ...(isLinked ? [{ ...none, id: internet, kind: "internet" as const, title: "Internet" }] : []),
    ...outsides
      .filter(({ id }) => id !== internet)
      .filter(({ id }) => links.some(({ from, to }) => from === id || to === id))
      .map(({ id, networks }) => ({
        ...none,
        id,
        kind: "networks" as const,
        title: "Networks",
        details: networks,
      })),
  ];
}

/** Links by the nodes that they are between. */
function edgesOf(links: readonly Link[], nodes: readonly Node[]): readonly Edge[] {
  const nodeOf = new Map(
    nodes.flatMap((node) => [node.id, ...node.addresses].map((id) => [id, node] as const)),
  );
  const found = new Map<string, { from: Node; to: Node; links: Link[] }>();
  for (const link of links) {
    const [from, to] = [nodeOf.get(link.from), nodeOf.get(link.to)];
    if (!from || !to) continue;
    const key = JSON.stringify([from.id, to.id, link.kind]);
    const edge = found.get(key) ?? { from, to, links: [] };
    edge.links.push(link);
    found.set(key, edge);
  }
  return [...found]
    .sort(([a], [b]) => byText(a, b))
    .map(([, { from, to, links: some }]) => ({
      from: from.id,
      to: to.id,
      kind: some[0]?.kind ?? "network",
      label: labelOf(some, to),
      addresses: sortedSet(some.flatMap(({ by }) => by.map(({ id }) => id))),
    }));
}

function labelOf(links: readonly Link[], { addresses }: Node): string {
  const words = [...new Set(links.map(({ word }) => word))].filter(Boolean).sort(byNumber);
  if (links[0]?.kind !== "access") return words.join(", ");
  const reached = new Set(links.map(({ to }) => to)).size;
  const part = reached < addresses.length ? ` ${reached} of ${addresses.length}` : "";
  return words.join(", ") + part;
}

/** Ports by number, then words. */
function byNumber(a: string, b: string): number {
  const [first, second] = [a, b].map((text) => Number.parseInt(text, 10)) as [number, number];
  if (Number.isNaN(first) || Number.isNaN(second))
    return Number.isNaN(first) === Number.isNaN(second) ? byText(a, b) : Number.isNaN(first) ? 1 : -1;
  return first - second || byText(a, b);
}
