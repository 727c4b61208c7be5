import type { Graph } from "./graph";
import { edgeLegend, edgeLooks, ink, legend, looks, quiet, type Look } from "./looks";

/** One part of the picture, in points. */
export interface Drawn {
  readonly content: string;
  readonly width: number;
  readonly height: number;
  /** Where its first box begins. */
  readonly left: number;
}

const MARGIN = 16;
const GAP = 18;
const TITLE = 40;
const ROW = 24;

/** Text of an element. */
export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Text of an attribute. */
export const attribute = (text: string): string => escaped(text).replaceAll('"', "&quot;");

/**
 * The parts one below the other, their boxes in line, below a title and above what the colours mean.
 * @param bare for a page that has a title, and says what the colours mean
 */
export function framed(graph: Graph, parts: readonly Drawn[], bare = false): string {
  const lefts = parts.map(({ left }) => left).filter(Number.isFinite);
  const left = Math.max(0, ...lefts);
  const placed: string[] = [];
  let y = MARGIN + (bare ? 0 : TITLE);
  let right = bare ? 0 : 640;
  for (const part of parts) {
    const x = MARGIN + (Number.isFinite(part.left) ? left - part.left : 0);
    placed.push(`<g transform="translate(${round(x)} ${round(y)})">\n${part.content.trim()}\n</g>`);
    y += part.height + GAP;
    right = Math.max(right, x + part.width);
  }
  const width = Math.ceil(right + MARGIN);
  const below = legendOf(graph, y + ROW / 2, width, bare);
  const height = Math.ceil(below.bottom + MARGIN);
  const title = `Architecture of ${graph.name}`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    `  role="${bare ? "group" : "img"}" aria-label="${attribute(title)}" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...(bare ? [] : [heading(title)]),
    ...placed,
    `<g id="legend" font-size="11" fill="${ink}">`,
    ...below.lines,
    "</g>",
    "</svg>",
  ].join("\n")}\n`;
}

const heading = (title: string): string =>
  `<text x="${MARGIN}" y="${MARGIN + 18}" font-size="20" font-weight="bold" fill="${ink}">${escaped(title)}</text>`;

/** Points that a character takes, more or less. */
const CHARACTER = 5.8;
const SAMPLE = 30;

interface Entry {
  readonly text: string;
  readonly sample: (x: number, y: number) => string;
}

const shapeEntry = ([text, { fill, line }]: readonly [string, Look]): Entry => ({
  text,
  sample: (x, y) =>
    `<rect x="${x}" y="${y - 11}" width="22" height="14" rx="4" fill="${fill}" stroke="${line}"/>`,
});

const lineEntry = ([text, kind]: (typeof edgeLegend)[number], bare: boolean): Entry => {
  const { style } = edgeLooks[kind];
  const color = bare ? quiet : edgeLooks[kind].color;
  const dashes = { dashed: ' stroke-dasharray="5,2"', dotted: ' stroke-dasharray="1,5"' }[style] ?? "";
  const wide = style === "bold" ? ' stroke-width="2"' : "";
  return {
    text,
    sample: (x, y) =>
      `<path d="M${x} ${y - 4}h16" stroke="${color}"${wide}${dashes}/><path d="M${x + 16} ${y - 7}l7 3l-7 3z" fill="${color}"/>`,
  };
};

/** What the colours mean that the graph has; bare, how its lines are told apart. */
function legendOf(
  graph: Graph,
  top: number,
  width: number,
  bare: boolean,
): { readonly lines: readonly string[]; readonly bottom: number } {
  const lines: string[] = [];
  let y = round(top);
  const fills = new Set(graph.nodes.map(({ kind }) => looks[kind].fill));
  const kinds = new Set(graph.edges.map(({ kind }) => kind));
  for (const entries of [
    (bare ? [] : legend).filter(([, { fill }]) => fills.has(fill)).map(shapeEntry),
    edgeLegend.filter(([, kind]) => kinds.has(kind)).map((entry) => lineEntry(entry, bare)),
  ]) {
    let x = MARGIN;
    for (const { text, sample } of entries) {
      const wide = Math.round(SAMPLE + text.length * CHARACTER + GAP);
      if (x > MARGIN && x + wide > width) [x, y] = [MARGIN, y + ROW];
      lines.push(sample(x, y), `<text x="${x + SAMPLE}" y="${y}">${escaped(text)}</text>`);
      x += wide;
    }
    y += ROW;
  }
  const note =
    "“out” tells the TCP ports that security groups let out to the Internet. Pulls of images are not drawn.";
  lines.push(`<text x="${MARGIN}" y="${y}" fill="${quiet}">${note}</text>`);
  return { lines, bottom: y };
}

const round = (value: number): number => Math.round(value * 100) / 100;
