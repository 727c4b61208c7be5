import type { Graph as Drawing, Subgraph, Viz } from "@viz-js/viz";
import { internet, type Box, type Graph, type Node, type NodeKind } from "./graph";
import { unmarked, type Mark, type Marking } from "./marks";
import { boxLooks, edgeLooks, ink, looks, quiet } from "./looks";
import { lanesOf, type Lane } from "./lanes";
import { viewOf, type Label, type Line, type View } from "./view";
import { attribute, escaped, framed, type Drawn } from "./frame";

const font = { fontname: "Helvetica", fontcolor: ink };
const size = { base: 11, title: 12, detail: 10, caption: 9 };

/**
 * Draws a graph as an SVG of its own. Graphviz is loaded here: it takes a while, and nothing else wants it.
 * @param marking what to pick out, for an SVG within a page. @default kinds have colours, and the SVG explains itself
 */
export async function svgOf(graph: Graph, marking?: Marking): Promise<string> {
  const { instance } = await import("@viz-js/viz");
  const viz = await instance();
  const view = viewOf(graph);
  return framed(
    graph,
    lanesOf(graph, view.lines).map((lane) => drawn(viz, lane, view, marking)),
    marking !== undefined,
  );
}

/** An id for XML and CSS that hangs on the name alone. */
export const idOf = (kind: "node" | "edge" | "box", name: string): string =>
  `${kind}-${name.replace(/[^\w.-]+/g, "_")}`;

/** What a group of the SVG stands for. Graphviz knows it by a short name, which needs no escape. */
interface Meaning {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly addresses: readonly string[];
  /** Of a node. */
  readonly label?: Label;
  /** Class for how it is marked; none where nothing is. */
  readonly mark?: string;
  readonly href?: string;
}

function drawn(viz: Viz, lane: Lane, view: View, marking: Marking | undefined): Drawn {
  const meanings = new Map<string, Meaning>();
  const names = new Map(lane.nodes.map(({ id }, index) => [id, `n${index}`]));
  const suffix = (node: Node) => (node.box === undefined ? `.${lane.name}` : "");
  const nodesIn = (box: string | undefined) =>
    lane.nodes
      .filter((node) => node.box === box)
      .map((node) => {
        const name = names.get(node.id) ?? "";
        const mark = marking?.of(node);
        const label = markedLabel(view.labels.get(node.id), mark);
        const title = [
          ...(mark ? [mark.word] : []),
          ...(node.addresses.length > 0 ? node.addresses : [node.title]),
        ].join("\n");
        const id = idOf("node", node.id + suffix(node));
        const meaning = { id, kind: node.kind, title, addresses: node.addresses, label, href: mark?.href };
        meanings.set(name, { ...meaning, ...marked(marking, mark) });
        const marks = marking ? markedNode(mark) : {};
        return { name, attributes: { id: name, ...nodeLook(node.kind, label), ...marks } };
      });
  const boxesIn = (parent: string | undefined): Subgraph[] =>
    lane.boxes
      .filter((box) => box.parent === parent)
      .map((box) => {
        const name = `b${meanings.size}`;
        meanings.set(name, { id: idOf("box", box.id), kind: box.kind, title: box.title, addresses: [] });
        return {
          name: `cluster_${name}`,
          graphAttributes: { id: name, ...boxLook(box) },
          nodes: nodesIn(box.id),
          subgraphs: boxesIn(box.id),
        };
      });
  const edges = lane.lines.map((line, index) => {
    const name = `e${index}`;
    const [from = "", to = ""] = [names.get(line.from), names.get(line.to)];
    const addresses = line.addresses;
    const id = idOf("edge", `${line.from}--${line.to}`);
    const title = [lineTitle(line, view), ...addresses].join("\n");
    const mark = marking?.of(line);
    meanings.set(name, { id, kind: line.kind, title, addresses, ...marked(marking, mark) });
    const back = line.kind === "route" || line.to === internet; // what is outside stays at the left
    return {
      tail: back ? to : from,
      head: back ? from : to,
      attributes: {
        id: name,
        ...edgeLook(line),
        ...(marking ? markedEdge(line, mark) : {}),
        ...(back ? { dir: "back" } : {}),
      },
    };
  });
  const drawing: Drawing = {
    graphAttributes: { rankdir: "LR", bgcolor: "transparent", nodesep: 0.2, ranksep: 0.9, pad: 0 },
    nodeAttributes: {
      shape: "box",
      style: "rounded,filled",
      margin: "0.2,0.07",
      fontsize: size.title,
      ...font,
    },
    edgeAttributes: { fontsize: size.detail, arrowsize: 0.7, ...font },
    subgraphs: [{ graphAttributes: { rank: "source" }, nodes: nodesIn(undefined) }, ...boxesIn(undefined)],
    edges,
  };
  const { status, output, errors } = viz.renderFormats(drawing, ["svg", "json0"]);
  if (status !== "success")
    throw new Error(`Graphviz did not draw it: ${errors.map(({ message }) => message).join("; ")}`);
  return { ...dressed(output.svg ?? "", meanings), left: leftOf(output.json0 ?? "{}") };
}

const lineTitle = ({ from, to, label }: Line, { labels }: View): string =>
  `${labels.get(from)?.title} → ${labels.get(to)?.title}${label ? `: ${label}` : ""}`;

const nodeLook = (kind: NodeKind, label: Label | undefined) => {
  const { fill, line, shape } = looks[kind];
  const lines = label ? [label.title, label.caption, ...label.lines].filter(Boolean) : [];
  return {
    fillcolor: fill,
    color: line,
    ...(shape ? { shape, style: "filled" } : {}),
    label: lines.map(plain).join("\\n"),
  };
};

/** Class of what is drawn for a marking. */
const marked = (marking: Marking | undefined, mark: Mark | undefined) =>
  marking ? { mark: (mark ?? unmarked).name } : {};

const markedLabel = (label: Label | undefined, mark: Mark | undefined): Label | undefined => {
  if (!label || !mark) return label;
  const { title, lines } = label;
  return { ...label, title: `${mark.sign} ${title}`, lines: [...lines, ...(mark.note ? [mark.note] : [])] };
};

const markedNode = (mark: Mark | undefined) => {
  const { fill, line } = (mark ?? unmarked).look;
  return {
    fillcolor: fill,
    color: line,
    ...(mark ? { penwidth: 2 } : {}),
    ...(mark?.outline === "dashed" ? { style: "filled,dashed" } : {}),
  };
};

const markedEdge = ({ label }: Line, mark: Mark | undefined): Readonly<Record<string, string | number>> => {
  const { line: color } = (mark ?? unmarked).look;
  if (!mark) return { color, fontcolor: quiet };
  return { color, fontcolor: color, penwidth: 2, label: ` ${plain(`${mark.sign} ${label}`.trim())} ` };
};

const boxLook = ({ kind, title }: Box) => {
  const { fill, line, title: color } = boxLooks[kind];
  const isOuter = kind !== "public" && kind !== "private";
  return {
    label: plain(title),
    labeljust: isOuter ? "l" : "r",
    labelloc: isOuter ? "t" : "b",
    style: "rounded,filled",
    fillcolor: fill,
    color: line,
    margin: isOuter ? 14 : 10,
    ...font,
    fontcolor: color,
    fontsize: isOuter ? 14 : size.detail,
  };
};

const edgeLook = ({ kind, label }: Line) => {
  const { color, style } = edgeLooks[kind];
  return { color, fontcolor: color, style, ...(label ? { label: ` ${plain(label)} ` } : {}) };
};

/** Text that Graphviz reads neither escapes nor entities in. */
const plain = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("&", "&amp;");

/** Where the first box begins, in points. */
function leftOf(json: string): number {
  const { objects = [] } = JSON.parse(json) as { objects?: readonly { name?: string; bb?: string }[] };
  const lefts = objects
    .filter(({ name }) => name?.startsWith("cluster_"))
    .map(({ bb }) => Number(bb?.split(",")[0]));
  return Math.min(...lefts, Number.POSITIVE_INFINITY);
}

/** Graphviz's SVG without its frame, with what its groups stand for. */
function dressed(svg: string, meanings: ReadonlyMap<string, Meaning>): Omit<Drawn, "left"> {
  const [, width, height] = /viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"/.exec(svg) ?? [];
  const content = svg
    .slice(svg.indexOf('<g id="graph0"'), svg.lastIndexOf("</svg>"))
    .replace(/<g id="graph0" class="graph"/, "<g")
    .replace(/<title>%3<\/title>\n/, "")
    .replace(/<!--[^]*?-->\n/g, "")
    .replace(/ font-family="[^"]*"| xml:space="preserve"/g, "")
    .replace(
      /<g id="([nbe]\d+)" class="(\w+)">\n<title>[^<]*<\/title>([^]*?<\/g>)/g,
      (...found: string[]) => {
        const [, name = "", type = "", rest = ""] = found;
        const meaning = meanings.get(name);
        return meaning ? linked(meaning, opening(type, meaning) + styled(rest, meaning)) : "";
      },
    );
  return { content, width: Number(width), height: Number(height) };
}

const linked = ({ href }: Meaning, group: string): string =>
  href === undefined ? group : `<a href="${attribute(href)}">${group}</a>`;

const opening = (type: string, { id, kind, title, addresses, mark }: Meaning): string =>
  [
    `<g id="${attribute(id)}" class="${[type, kind, mark].filter(Boolean).join(" ")}"`,
    addresses.length > 0 ? ` data-addresses="${attribute(addresses.join(" "))}"` : "",
    `>\n<title>${escaped(title)}</title>`,
  ].join("");

/** The lines of a text: a node's title, what it is, and the rest; a box's title. */
function styled(group: string, { kind, label }: Meaning): string {
  if (["system", "environment", "shared"].includes(kind))
    return group.replace("<text ", '<text font-weight="bold" ');
  if (!label) return group;
  let line = 0;
  return group.replace(/ font-size="[\d.]+"([^>]*)>/g, (_, rest: string) => {
    line += 1;
    if (line === 1) return ` font-size="${size.title}" font-weight="bold"${rest}>`;
    return line === 2 && label.caption
      ? ` font-size="${size.caption}"${rest.replace(/fill="[^"]*"/, `fill="${quiet}"`)}>`
      : ` font-size="${size.detail}"${rest}>`;
  });
}
