import { block, blocks } from "../cost/template";
import type { Box } from "./graph";
import { expressionsIn, type Inventory, type Item } from "./inventory";

/** Part of the network that a resource is in. */
export type Tier = "public" | "private";

/** Where a resource is: its system, and which subnets. */
export class Places {
  private readonly systems: ReadonlySet<string | undefined>;

  constructor(private readonly inventory: Inventory) {
    this.systems = new Set(inventory.items.map((item) => this.tagOf(item)));
  }

  /** System of a resource: by its tag, else by its place in the tree of constructs; undefined for what is everybody's. */
  systemOf(item: Item): string | undefined {
    const tag = this.tagOf(item);
    if (tag !== undefined) return tag;
    const [, place] = pathOf(item);
    return this.systems.has(place) ? place : undefined;
  }

  /** The subnets' tier; undefined where nothing tells it. `subnets` is whatever attribute names them. */
  tierOf(item: Item, subnets: unknown): Tier | undefined {
    const output = /\.outputs\.(public|private)_subnets/.exec(expressionsIn(subnets).join(" "))?.[1];
    if (output !== undefined) return output as Tier;
    const named = this.inventory.named(item, subnets);
    const group = named.find(({ type }) => type === "aws_db_subnet_group");
    if (group) return this.tierOf(group, group.attributes.subnet_ids);
    const subnet = named.find(({ type }) => type === "aws_subnet");
    return subnet && tierOfSubnet(subnet);
  }

  /** The box of a resource, made of its system and its tier. */
  boxOf(item: Item, tier?: Tier): string {
    const system = this.systemOf(item);
    const outer =
      system !== undefined ? `system:${system}` : item.stack === "shared" ? "shared" : "environment";
    return tier === undefined ? outer : `${outer}/${tier}`;
  }

  private tagOf(item: Item): string | undefined {
    const tag = this.inventory.text(item, block(item.attributes.tags).System);
    const listed = blocks(item.attributes.tag).find(({ key }) => key === "System")?.value;
    const found = tag ?? this.inventory.text(item, listed);
    return found === this.inventory.defaultSystem(item) ? undefined : found;
  }
}

/** Public where a subnet says so, or gives its hosts public addresses. */
export function tierOfSubnet({ attributes }: Item): Tier {
  const tag = block(attributes.tags).Tier;
  if (tag === "public" || tag === "private") return tag;
  return attributes.map_public_ip_on_launch === true ? "public" : "private";
}

/** A resource's place in the tree of constructs, without the name that says nothing; its own name where it has none. */
export function pathOf({ attributes, stack, name }: Item): readonly string[] {
  const path = block(block(attributes["//"]).metadata).path;
  return typeof path === "string" ? path.split("/").filter((part) => part !== "this") : [stack, name];
}

/** The boxes of those ids, and those around them. */
export function boxesOf(ids: readonly string[], name: string, network: string | undefined): readonly Box[] {
  const all = ids.flatMap((id) => (id.includes("/") ? [id.slice(0, id.indexOf("/")), id] : [id]));
  return [...new Set(all)].map((id) => boxOf(id, name, network));
}

function boxOf(id: string, name: string, network: string | undefined): Box {
  const [parent = "", tier] = id.split("/");
  if (tier === "public" || tier === "private") return { id, kind: tier, title: `${tier} subnets`, parent };
  if (id === "shared") return { id, kind: "shared", title: network ? `Shared network ${network}` : "Shared" };
  if (id === "environment") return { id, kind: "environment", title: `All of ${name}` };
  return { id, kind: "system", title: systemTitle(id.slice("system:".length)) };
}

const titles: Readonly<Record<string, string>> = {
  "macro-ai": "Macro AI",
  "viewer-atlas": "ViewerAtlas",
  "x-scheduler": "X-Scheduler",
};

/** A system as people call it. */
const systemTitle = (system: string): string =>
  titles[system] ??
  system
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ");
