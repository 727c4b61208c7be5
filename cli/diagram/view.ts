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

/** Nodes that may have lines to one data store. Where more read or write it, each tells so itself. */
const CROWD = 3;

/**
 * What to show of a graph. Ports to the Internet are told in the node, as nearly every node has such an edge; so is what
 * many read or write. Pulling images is not shown.
 */
export function viewOf(graph: Graph): View {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const isOut = ({ kind, to }: Edge) => kind === "network" && to === internet;
  const isPull = ({ kind, to }: Edge) => kind === "access" && nodes.get(to)?.kind === "repositories";
  const pairs = new Map<string, Edge[]>();
  for (const edge of graph.edges.filter((one) => !isOut(one) && !isPull(one))) {
    const key = JSON.stringify([edge.from, edge.to]);
    pairs.set(key, [...(pairs.get(key) ?? []), edge]);
  }
  const lines = [...pairs.values()].map(lineOf);
  const crowds = new Map<string, number>();
  for (const { kind, to } of lines) if (kind === "access") crowds.set(to, (crowds.get(to) ?? 0) + 1);
  const isTold = ({ kind, to, ports }: DrawnLine) =>
    kind === "access" && !ports && (crowds.get(to) ?? 0) > CROWD;
  const tellingsOf = ({ id }: Node) => [
    ...lines
      .filter((line) => line.from === id && isTold(line))
      .map((line) => telling(line, nodes.get(line.to))),
    ...graph.edges.filter((edge) => isOut(edge) && edge.from === id).map(({ label }) => `out: ${label}`),
  ];
  return {
    labels: new Map(graph.nodes.map((node) => [node.id, labelOf(node, tellingsOf(node))])),
    lines: lines.filter((line) => !isTold(line)),
  };
}

const labelOf = ({ kind, title, details }: Node, tellings: readonly string[]): Label => ({
  title,
  caption: captions[kind],
  lines: (lists.includes(kind) ? asTheyAre : packed)([...details, ...tellings]),
});

/** Such as `read data lake`, or `read 1 of 3 secrets`. */
const telling = ({ label }: Line, to: Node | undefined): string =>
  / of \d+$/.test(label) ? `${label.replace(/\d+$/, "")}${to?.title}` : `${label} ${to?.title}`;

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

interface DrawnLine extends Line {
  /** Whether it stands for network traffic too. */
  readonly ports: boolean;
}

function lineOf(edges: readonly Edge[]): DrawnLine {
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
    ports: edges.some(({ kind }) => kind === "network"),
    addresses: [...new Set(edges.flatMap(({ addresses }) => addresses))],
  };
}
