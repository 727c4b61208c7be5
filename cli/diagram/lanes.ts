import { byText, type Box, type Graph, type Node } from "./graph";
import type { Line } from "./view";

/** Part of a graph that nothing leads out of, but to the outside. */
export interface Lane {
  /** Id of its first outer box. */
  readonly name: string;
  readonly boxes: readonly Box[];
  /** With those outside that lines lead to; another lane may have them too. */
  readonly nodes: readonly Node[];
  readonly lines: readonly Line[];
}

/** A graph in parts that can be drawn one below the other: systems by name, what several share last. */
export function lanesOf(graph: Graph, lines: readonly Line[]): readonly Lane[] {
  const outer = new Map(graph.nodes.map(({ id, box }) => [id, box?.split("/")[0]]));
  const groups = new Map(graph.boxes.filter(({ parent }) => parent === undefined).map(({ id }) => [id, id]));
  const join = (a: string, b: string) => {
    const [kept, gone] = [groups.get(a), groups.get(b)];
    if (kept === undefined || gone === undefined) return;
    for (const [id, group] of groups) if (group === gone) groups.set(id, kept);
  };
  for (const { from, to } of lines) join(outer.get(from) ?? "", outer.get(to) ?? "");
  const names = [...new Set(groups.values())].sort(systemsFirst);
  return names.map((name) => laneOf(name, graph, lines, (box) => groups.get(box ?? "") === name, outer));
}

function laneOf(
  name: string,
  { boxes, nodes }: Graph,
  lines: readonly Line[],
  isHere: (box: string | undefined) => boolean,
  outer: ReadonlyMap<string, string | undefined>,
): Lane {
  const here = lines.filter(({ from, to }) => isHere(outer.get(from)) || isHere(outer.get(to)));
  const ends = new Set(here.flatMap(({ from, to }) => [from, to]));
  return {
    name,
    boxes: boxes.filter(({ id }) => isHere(id.split("/")[0])),
    nodes: nodes.filter(({ id }) => isHere(outer.get(id)) || ends.has(id)),
    lines: here,
  };
}

const isSystem = (id: string): boolean => id.startsWith("system:");

const systemsFirst = (a: string, b: string): number =>
  Number(isSystem(b)) - Number(isSystem(a)) || byText(a, b);
