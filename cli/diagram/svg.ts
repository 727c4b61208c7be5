import type { Graph as Drawing, Viz } from "@viz-js/viz";
import { byText, type Box, type BoxKind, type EdgeKind, type Graph, type NodeKind } from "./graph";
import { viewOf, type Label, type Line } from "./view";

interface Look {
  readonly fill: string;
  readonly line: string;
}

const ink = "#0f172a";
const quiet = "#475569";

const compute: Look = { fill: "#fff3e0", line: "#b45309" };
const data: Look = { fill: "#e3eeff", line: "#1d4ed8" };
const secret: Look = { fill: "#ffe8ec", line: "#be123c" };
const entry: Look = { fill: "#f1e8ff", line: "#7e22ce" };
const clock: Look = { fill: "#fdf6c8", line: "#854d0e" };
const message: Look = { fill: "#fce7f3", line: "#9d174d" };
const network: Look = { fill: "#f1f5f9", line: quiet };

const looks: Readonly<Record<NodeKind, Look & { readonly shape?: string }>> = {
  bucket: { ...data, shape: "cylinder" },
  database: { ...data, shape: "cylinder" },
  endpoints: network,
  "event-rule": clock,
  "file-system": { ...data, shape: "cylinder" },
  group: compute,
  host: compute,
  internet: { ...network, shape: "ellipse" },
  "load-balancer": entry,
  nat: network,
  networks: { ...network, shape: "ellipse" },
  parameters: data,
  queue: message,
  repositories: data,
  schedule: clock,
  secrets: secret,
  service: compute,
  subnets: network,
  table: { ...data, shape: "cylinder" },
  task: compute,
  topic: message,
};

const boxLooks: Readonly<Record<BoxKind, Look & { readonly title: string }>> = {
  environment: { fill: "#ffffff", line: "#94a3b8", title: ink },
  private: { fill: "#f3f6ff", line: "#6b8bd6", title: "#1e40af" },
  public: { fill: "#effaf1", line: "#5fa873", title: "#166534" },
  shared: { fill: "#ffffff", line: "#94a3b8", title: ink },
  system: { fill: "#ffffff", line: "#94a3b8", title: ink },
};

const edgeLooks: Readonly<Record<EdgeKind, { readonly color: string; readonly style: string }>> = {
  access: { color: data.line, style: "dashed" },
  invocation: { color: clock.line, style: "bold" },
  network: { color: "#334155", style: "solid" },
  route: { color: "#64748b", style: "dotted" },
};

/** What the colours mean, below the picture. */
const legend: readonly (readonly [text: string, look: Look])[] = [
  ["runs code", compute],
  ["takes requests", entry],
  ["keeps data", data],
  ["keeps secrets", secret],
  ["starts on time or event", clock],
  ["passes messages", message],
  ["network", network],
];
const edgeLegend: readonly (readonly [text: string, kind: EdgeKind])[] = [
  ["security groups let pass, TCP ports", "network"],
  ["IAM lets read or write", "access"],
  ["starts", "invocation"],
  ["route", "route"],
];

const font = { fontname: "Helvetica", fontcolor: ink };

/** Draws a graph. Graphviz is loaded here, as it takes a while and nothing else wants it. */
export async function svgOf(graph: Graph): Promise<string> {
  const { instance } = await import("@viz-js/viz");
  return draw(graph, await instance());
}

function draw(graph: Graph, viz: Viz): string {
  const { labels, lines } = viewOf(graph);
  const inside = (box: string | undefined) =>
    graph.nodes.filter((node) => node.box === box).map(({ id, kind }) => nodeOf(id, kind, labels.get(id)));
  const boxesIn = (parent: string | undefined): Drawing["subgraphs"] =>
    [...graph.boxes]
      .filter((box) => box.parent === parent)
      .sort((a, b) => byText(a.id, b.id))
      .map((box) => ({ ...boxOf(box), nodes: inside(box.id), subgraphs: boxesIn(box.id) }));
  const drawing: Drawing = {
    graphAttributes: {
      rankdir: "LR",
      bgcolor: "transparent",
      nodesep: 0.22,
      ranksep: 0.75,
      newrank: true,
      pad: 0.2,
      ...font,
    },
    nodeAttributes: { shape: "box", style: "rounded,filled", margin: "0.16,0.08", fontsize: 11, ...font },
    edgeAttributes: { fontsize: 10, arrowsize: 0.7, ...font },
    nodes: inside(undefined),
    subgraphs: boxesIn(undefined),
    edges: lines.map(edgeOf),
  };
  const { status, output, errors } = viz.render(drawing, { format: "svg" });
  if (status !== "success")
    throw new Error(`Graphviz did not draw it: ${errors.map(({ message: text }) => text).join("; ")}`);
  return framed(output, graph, lines);
}

const nodeOf = (name: string, kind: NodeKind, label: Label | undefined) => {
  const { fill, line, shape } = looks[kind];
  return {
    name,
    attributes: {
      id: idOf("node", name),
      class: kind,
      fillcolor: fill,
      color: line,
      ...(shape ? { shape, style: "filled" } : {}),
      label: { html: label ? htmlOf(label) : escaped(name) },
    },
  };
};

const htmlOf = ({ title, caption, lines }: Label): string =>
  [
    `<b>${escaped(title)}</b>`,
    ...(caption ? [`<font color="${quiet}" point-size="9">${escaped(caption)}</font>`] : []),
    ...lines.map((line) => `<font point-size="10">${escaped(line)}</font>`),
  ].join("<br/>");

const boxOf = ({ id, kind, title }: Box) => {
  const { fill, line, title: color } = boxLooks[kind];
  const isOuter = kind !== "public" && kind !== "private";
  return {
    name: `cluster_${id}`,
    graphAttributes: {
      id: idOf("box", id),
      class: kind,
      label: { html: isOuter ? `<b>${escaped(title)}</b>` : escaped(title) },
      labeljust: "l",
      style: "rounded,filled",
      fillcolor: fill,
      color: line,
      fontcolor: color,
      fontsize: isOuter ? 14 : 10,
      margin: isOuter ? 14 : 10,
    },
  };
};

const edgeOf = (line: Line, index: number) => {
  const { from, to, kind, label } = line;
  const { color, style } = edgeLooks[kind];
  const back = to === "internet"; // it stays at the left
  return {
    tail: back ? to : from,
    head: back ? from : to,
    attributes: {
      id: idOf("edge", `${from}--${to}`),
      class: kind,
      color,
      fontcolor: color,
      style,
      ...(back ? { dir: "back" } : {}),
      ...(label ? { label: ` ${label} ` } : {}),
      comment: String(index),
    },
  };
};

/** An id for XML and CSS that hangs on the name alone. */
export const idOf = (kind: "node" | "edge" | "box", name: string): string =>
  `${kind}-${name.replace(/[^\w-]+/g, "-").replace(/-{3,}/g, "--")}`;

const escaped = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

function framed(svg: string, _graph: Graph, _lines: readonly Line[]): string {
  return svg + JSON.stringify([legend, edgeLegend]).slice(0, 0);
}
