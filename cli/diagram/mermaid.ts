import type { Box, EdgeKind, Graph, Node, NodeKind } from "./graph";
import { looks } from "./looks";
import { viewOf, type Label } from "./view";

const arrows: Readonly<Record<EdgeKind, string>> = {
  access: "-.->",
  invocation: "==>",
  network: "-->",
  route: "-.->",
};

/** Draws a graph as a Mermaid flowchart, which GitHub shows in Markdown. */
export function mermaidOf(graph: Graph): string {
  const { labels, lines } = viewOf(graph);
  const names = new Map(graph.nodes.map(({ id }, index) => [id, `n${index}`]));
  const boxNames = new Map(graph.boxes.map(({ id }, index) => [id, `b${index}`]));
  const nodesIn = (box: string | undefined, indent: string): string[] =>
    graph.nodes
      .filter((node) => node.box === box)
      .map((node) => `${indent}${names.get(node.id)}${shapeOf(node, labels.get(node.id))}:::${node.kind}`);
  const boxesIn = (parent: string | undefined, indent: string): string[] =>
    graph.boxes
      .filter((box) => box.parent === parent)
      .flatMap((box: Box) => [
        `${indent}subgraph ${boxNames.get(box.id)}[${quoted(box.title)}]`,
        ...nodesIn(box.id, `${indent}  `),
        ...boxesIn(box.id, `${indent}  `),
        `${indent}end`,
      ]);
  const kinds = [...new Set(graph.nodes.map(({ kind }) => kind))].sort();
  return `${[
    "flowchart LR",
    ...nodesIn(undefined, "  "),
    ...boxesIn(undefined, "  "),
    ...lines.map(({ from, to, kind, label }) => {
      const text = label ? `|${quoted(label)}|` : "";
      return `  ${names.get(from)} ${arrows[kind]}${text} ${names.get(to)}`;
    }),
    ...kinds.map(classOf),
  ].join("\n")}\n`;
}

function shapeOf({ kind, title }: Node, label: Label | undefined): string {
  const lines = label ? [label.title, label.caption, ...label.lines].filter(Boolean) : [title];
  const text = `"${lines.map(escaped).join("<br/>")}"`;
  const { shape } = looks[kind];
  if (shape === "cylinder") return `[(${text})]`;
  return shape === "ellipse" ? `([${text}])` : `(${text})`;
}

function classOf(kind: NodeKind): string {
  const { fill, line } = looks[kind];
  return `  classDef ${kind} fill:${fill},stroke:${line},color:#0f172a`;
}

const quoted = (text: string): string => `"${escaped(text)}"`;

/** Text with nothing in it that Mermaid, or the HTML that it makes, reads as other than text. */
export const escaped = (text: string): string =>
  text.replace(/[#"&<>`|\\\p{Cc}]/gu, (character) => `#${character.codePointAt(0)};`);
