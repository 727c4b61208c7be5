import { buildGraph } from "../diagram/build";
import { byText, type Edge, type Graph, type Node, type NodeKind } from "../diagram/graph";
import type { NamedStack } from "../diagram/inventory";
import { lanesOf } from "../diagram/lanes";
import type { Look } from "../diagram/looks";
import type { Mark, Marking } from "../diagram/marks";
import { boxesOf } from "../diagram/place";
import { svgOf } from "../diagram/svg";
import { viewOf } from "../diagram/view";
import { counted, idOf, linkTo } from "./html/text";
import { actionWords } from "./html/words";
import { reviewedActions, type Review, type ReviewedAction, type ReviewedChange } from "./model";

/** The diagram of what a plan changes. */
export interface ReviewPicture {
  /** An element `<svg>`. It goes into the page as it is. */
  readonly svg: string;
  /** Actions that it has marks for. */
  readonly actions: readonly ReviewedAction[];
  /** Sentences on what it leaves out. */
  readonly notes: readonly string[];
}

/**
 * Draws what a plan changes, with a colour and a sign for each action. Systems in which nothing changes are left out, and
 * so is what belongs to another stack. What is destroyed and no longer in the configuration is put in.
 * @param stacks the stack that is planned, and the `shared` that it reads outputs of, where it does
 * @param environment process environment: its `TF_VAR_…` win over the defaults of variables
 * @returns undefined where nothing changes that a diagram has
 */
export async function reviewPicture(
  stacks: readonly NamedStack[],
  { changes }: Pick<Review, "changes">,
  environment: NodeJS.ProcessEnv = {},
): Promise<ReviewPicture | undefined> {
  const whole = withGone(ownOf(buildGraph(stacks, environment)), changes);
  const marking = new ChangeMarking(changes);
  const graph = changingPart(whole, marking);
  if (graph.nodes.length === 0) return undefined;
  const svg = await svgOf(graph, marking);
  const actions = reviewedActions.filter((action) => marking.used.has(action));
  return { svg, actions, notes: notesOf(whole, graph, changes) };
}

/** Without instance keys: a diagram has a resource once, however many there are of it. */
const bare = (address: string): string => address.replace(/\[.*$/s, "");

const isGone = ({ action }: ReviewedChange): boolean => action === "delete" || action === "forget";

type Drawable = Pick<Node, "addresses"> & Partial<Pick<Node, "parts">>;

const addressesOf = ({ addresses, parts = [] }: Drawable): readonly string[] => [...addresses, ...parts];

/** What is of the drawn stack alone. */
function ownOf(graph: Graph): Graph {
  const isOther = ({ addresses }: Node) =>
    addresses.length > 0 && addresses.every((address) => address.includes(":"));
  return keeping(
    graph,
    graph.nodes.filter((node) => !isOther(node)),
  );
}

/** A graph of these nodes, without what leads elsewhere, and without what is outside and leads nowhere. */
function keeping(graph: Graph, nodes: readonly Node[]): Graph {
  const ids = new Set(nodes.map(({ id }) => id));
  const edges = graph.edges.filter(({ from, to }) => ids.has(from) && ids.has(to));
  const linked = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const kept = nodes.filter(({ id, box }) => box !== undefined || linked.has(id));
  const inside = new Set(kept.flatMap(({ box }) => (box === undefined ? [] : [box, box.split("/")[0]])));
  return { ...graph, nodes: kept, edges, boxes: graph.boxes.filter(({ id }) => inside.has(id)) };
}

/** The parts of a graph in which something changes. */
function changingPart(graph: Graph, marking: Marking): Graph {
  const lanes = lanesOf(graph, viewOf(graph).lines).filter(({ nodes, lines }) =>
    [...nodes, ...lines].some((one) => marking.of(one) !== undefined),
  );
  const ids = new Set(lanes.flatMap(({ nodes }) => nodes.map(({ id }) => id)));
  return keeping(
    graph,
    graph.nodes.filter(({ id }) => ids.has(id)),
  );
}

/** What the types of a diagram's nodes are drawn as that are no longer in the configuration. */
const kinds: Readonly<Record<string, NodeKind>> = {
  aws_autoscaling_group: "group",
  aws_db_instance: "database",
  aws_dynamodb_table: "table",
  aws_ecr_repository: "repositories",
  aws_ecs_service: "service",
  aws_efs_file_system: "file-system",
  aws_instance: "host",
  aws_lb: "load-balancer",
  aws_nat_gateway: "nat",
  aws_rds_cluster: "database",
  aws_s3_bucket: "bucket",
  aws_scheduler_schedule: "schedule",
  aws_secretsmanager_secret: "secrets",
  aws_sns_topic: "topic",
  aws_sqs_queue: "queue",
  aws_ssm_parameter: "parameters",
};

/** With what goes. */
function withGone(graph: Graph, changes: readonly ReviewedChange[]): Graph {
  const known = new Set([...graph.nodes, ...graph.edges].flatMap(addressesOf));
  const found = new Map(
    changes
      .filter((change) => isGone(change) && !known.has(bare(change.address)))
      .flatMap((change) => goneNode(change, graph.name) ?? [])
      .map((node) => [node.id, node]),
  );
  const nodes = [...graph.nodes, ...found.values()].sort((a, b) => byText(a.id, b.id));
  const boxes = new Map(graph.boxes.map((box) => [box.id, box]));
  const more = boxesOf(
    [...found.values()].flatMap(({ box }) => box ?? []),
    graph.name,
    undefined,
  );
  for (const box of more) if (!boxes.has(box.id)) boxes.set(box.id, box);
  return { ...graph, nodes, boxes: [...boxes.values()] };
}

function goneNode({ address, type, system }: ReviewedChange, stack: string): Node | undefined {
  const kind = kinds[type];
  if (!kind) return undefined;
  const id = bare(address);
  const name = id.slice(id.indexOf(".") + 1);
  const short = name.startsWith(`${system}_`) ? name.slice(system.length + 1) : name;
  const outer = stack === "shared" ? "shared" : system === "landfall" ? "environment" : `system:${system}`;
  return {
    id,
    kind,
    title: short.replaceAll("_", " "),
    details: [],
    addresses: [id],
    parts: [],
    box: outer.replaceAll("/", "-"),
  };
}

/** Colours on white; a page may give others by the classes. */
const actionLooks: Readonly<Record<ReviewedAction, Look>> = {
  replace: { fill: "#faeefb", line: "#8a1f93" },
  delete: { fill: "#fdeef0", line: "#b3182c" },
  forget: { fill: "#faeefb", line: "#8a1f93" },
  update: { fill: "#fdf3dd", line: "#855300" },
  create: { fill: "#e8f6ec", line: "#14692f" },
  import: { fill: "#e8f1fb", line: "#0b57a4" },
  move: { fill: "#e8f1fb", line: "#0b57a4" },
  read: { fill: "#e8f1fb", line: "#0b57a4" },
};

/** Marks what changes. */
class ChangeMarking implements Marking {
  private readonly changes: ReadonlyMap<string, ReviewedChange>;
  readonly used = new Set<ReviewedAction>();

  constructor(changes: readonly ReviewedChange[]) {
    const byGravity = [...changes].sort(
      (a, b) => reviewedActions.indexOf(b.action) - reviewedActions.indexOf(a.action),
    );
    this.changes = new Map(byGravity.map((change) => [bare(change.address), change])); // the gravest is set last
  }

  of({ addresses, parts = [] }: Drawable): Mark | undefined {
    const own = this.found(addresses);
    const [first] = own.length > 0 ? own : this.found(parts);
    if (!first) return undefined;
    const action = this.actionOf(own, addresses.length);
    this.used.add(action);
    const { sign, done } = actionWords[action];
    return {
      name: action,
      word: done,
      sign,
      look: actionLooks[action],
      outline: action === "delete" || action === "forget" ? "dashed" : "solid",
      note: noteOf(own, addresses.length, done),
      href: linkTo(idOf(first.address)),
    };
  }

  /** One action where all do the same; else something of it changes. */
  private actionOf(own: readonly ReviewedChange[], of: number): ReviewedAction {
    const [first] = own;
    if (!first) return "update"; // a part of it
    const isGrave = first.action === "replace" || first.action === "delete";
    return isGrave || own.filter(({ action }) => action === first.action).length === of
      ? first.action
      : "update";
  }

  /** Changes of these, gravest first. */
  private found(addresses: readonly string[]): readonly ReviewedChange[] {
    return addresses
      .flatMap((address) => this.changes.get(address) ?? [])
      .sort((a, b) => reviewedActions.indexOf(a.action) - reviewedActions.indexOf(b.action));
  }
}

/** Of a node that stands for several: how many. */
function noteOf(own: readonly ReviewedChange[], of: number, done: string): string | undefined {
  const [first] = own;
  if (!first) return `a part is ${done}`;
  const same = own.filter(({ action }) => action === first.action).length;
  return same < of ? `${same} of ${of} ${actionWords[first.action].done}` : undefined;
}

function notesOf(whole: Graph, drawn: Graph, changes: readonly ReviewedChange[]): readonly string[] {
  const kept = new Set(drawn.boxes.map(({ id }) => id));
  const left = whole.boxes.filter(({ id, kind }) => kind === "system" && !kept.has(id));
  const things: readonly (Node | Edge)[] = [...drawn.nodes, ...drawn.edges];
  const shown = new Set(things.flatMap(addressesOf));
  const missing = changes.filter(({ address }) => !shown.has(bare(address))).length;
  return [
    ...(left.length > 0
      ? [`Nothing changes in ${left.map(({ title }) => title).join(", ")}, not drawn here.`]
      : []),
    ...(missing > 0
      ? [`${counted(missing, "changed resource is", "changed resources are")} in the list only.`]
      : []),
  ];
}
