import { internet, type Edge, type EdgeKind, type Graph, type Node, type NodeKind } from "./graph";

/** A node as a picture shows it. */
export interface Label {
  readonly title: string;
  /** What kind of thing it is; empty where the title says it. */
  readonly caption: string;
  readonly lines: readonly string[];
}

/** An edge as a picture shows it: all that leads from one node to another in one line. */
export interface Line {
  readonly from: string;
  readonly to: string;
  /** Kind that it is drawn as. */
  readonly kind: EdgeKind;
  readonly label: string;
  readonly addresses: readonly string[];
}

/** What pictures have in common, whatever they are drawn by. */
export interface View {
  readonly labels: ReadonlyMap<string, Label>;
  readonly lines: readonly Line[];
}

const captions: Readonly<Record<NodeKind, string>> = {
  bucket: "S3 bucket",
  database: "database",
  endpoints: "gateway endpoints",
  "event-rule": "event rule",
  "file-system": "EFS file system",
  group: "Auto Scaling group",
  host: "EC2 host",
  internet: "",
  "load-balancer": "load balancer",
  nat: "",
  networks: "",
  parameters: "Parameter Store",
  queue: "SQS queue",
  repositories: "",
  schedule: "schedule",
  secrets: "",
  service: "ECS service",
  subnets: "",
  table: "DynamoDB table",
  task: "ECS task",
  topic: "SNS topic",
};

/** Order in which kinds decide how a line is drawn that stands for several. */
const precedence: readonly EdgeKind[] = ["invocation", "access", "network", "route"];

/**
 * What to show of a graph. Ports to the Internet are told in the node, as nearly every node has such an edge, and pulling
 * images is not shown.
 */
export function viewOf(graph: Graph): View {
  const kinds = new Map(graph.nodes.map(({ id, kind }) => [id, kind]));
  const isOut = ({ kind, to }: Edge) => kind === "network" && to === internet;
  const isPull = ({ kind, to }: Edge) => kind === "access" && kinds.get(to) === "repositories";
  const shown = graph.edges.filter((edge) => !isOut(edge) && !isPull(edge));
  const pairs = new Map<string, Edge[]>();
  for (const edge of shown) {
    const key = JSON.stringify([edge.from, edge.to]);
    pairs.set(key, [...(pairs.get(key) ?? []), edge]);
  }
  return {
    labels: new Map(
      graph.nodes.map((node) => [
        node.id,
        labelOf(
          node,
          graph.edges.find((edge) => isOut(edge) && edge.from === node.id),
        ),
      ]),
    ),
    lines: [...pairs.values()].map(lineOf),
  };
}

const labelOf = ({ kind, title, details }: Node, out: Edge | undefined): Label => ({
  title,
  caption: captions[kind],
  lines: (lists.includes(kind) ? asTheyAre : packed)([...details, ...(out ? [`out: ${out.label}`] : [])]),
});

/** Kinds whose lines are a list. */
const lists: readonly NodeKind[] = ["networks", "repositories", "subnets"];
const asTheyAre = (lines: readonly string[]): readonly string[] => lines;

/** Characters that a line may have if it is made of several. */
const WIDTH = 30;

/** Short lines side by side. */
const packed = (lines: readonly string[]): readonly string[] =>
  lines.reduce<string[]>((all, line) => {
    const joined = `${all.at(-1)} · ${line}`;
    return all.length > 0 && joined.length <= WIDTH ? [...all.slice(0, -1), joined] : [...all, line];
  }, []);

function lineOf(edges: readonly Edge[]): Line {
  const [first] = edges as [Edge];
  const inOrder = precedence.flatMap((kind) => edges.filter((edge) => edge.kind === kind));
  return {
    from: first.from,
    to: first.to,
    kind: inOrder[0]?.kind ?? first.kind,
    label: inOrder
      .map(({ label }) => label)
      .filter(Boolean)
      .reverse()
      .join(" · "),
    addresses: [...new Set(edges.flatMap(({ addresses }) => addresses))],
  };
}
