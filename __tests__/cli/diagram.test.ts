import { Command } from "commander";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildGraph } from "../../cli/diagram/build";
import type { Graph } from "../../cli/diagram/graph";
import { looks } from "../../cli/diagram/looks";
import { escaped, mermaidOf } from "../../cli/diagram/mermaid";
import { pictureFile, readmePicture } from "../../cli/diagram/picture";
import { svgOf } from "../../cli/diagram/svg";
import type { StackJson } from "../../cli/diagram/inventory";
import { viewOf } from "../../cli/diagram/view";
import { register } from "../../cli/verbs/diagram";
import { projectRoot } from "../../environments/root";
import { synthesized } from "../scan/synthesized";
import { temporaryFolder } from "../support/folders";

const stacks = synthesized();
const prod = buildGraph(["prod", "shared"].map((name) => ({ name, json: stacks.get(name) as StackJson })));

/** Text that is markup to whoever does not escape it. */
const nasty = 'a "b" [c](d) {e} <b>f</b> & &lt; #35; \\n \\N `g` | %% end; ünï → 🙂';
const strange: Graph = {
  name: nasty,
  boxes: [{ id: "system:x", kind: "system", title: nasty }],
  nodes: [
    {
      id: "aws_instance.a",
      kind: "host",
      title: nasty,
      details: [nasty],
      addresses: ["aws_instance.a"],
      parts: [],
      box: "system:x",
    },
    {
      id: "aws_s3_bucket.b",
      kind: "bucket",
      title: "b",
      details: [],
      addresses: ["aws_s3_bucket.b"],
      parts: [],
      box: "system:x",
    },
  ],
  edges: [
    {
      from: "aws_instance.a",
      to: "aws_s3_bucket.b",
      kind: "access",
      label: nasty,
      addresses: ["aws_iam_role_policy.c"],
    },
    { from: "aws_instance.a", to: "aws_instance.a", kind: "network", label: "1", addresses: [] },
  ],
};
const empty: Graph = { name: "none", boxes: [], nodes: [], edges: [] };

/** Elements that are not closed in order, ids that are there twice, and characters that XML does not allow in text. */
function faultsOf(svg: string): string[] {
  const open: string[] = [];
  const faults: string[] = [];
  const ids = [...svg.matchAll(/ id="([^"]*)"/g)].map(([, id = ""]) => id);
  for (const [, end, name = "", alone] of svg.matchAll(/<(\/?)([a-z]+)(?:\s+[\w:-]+="[^"<]*")*\s*(\/?)>/gi)) {
    if (end && open.pop() !== name) faults.push(`</${name}> does not close what is open`);
    if (!end && !alone) open.push(name);
  }
  const text = svg.replace(/<(\/?)([a-z]+)(?:\s+[\w:-]+="[^"<]*")*\s*(\/?)>/gi, "");
  return [
    ...faults,
    ...open.map((name) => `<${name}> is not closed`),
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `id ${id} is there twice`),
    ...(/[<>]/.exec(text) ?? []),
    ...[...svg.matchAll(/&(?!(amp|lt|gt|quot|#\d+);)/g)].map(() => "& is not escaped"),
  ];
}

describe("SVG", () => {
  test.each([
    ["all systems", prod],
    ["strange texts", strange],
    ["nothing", empty],
  ])("of %s is well formed", async (_, graph) => {
    const svg = await svgOf(graph);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 \d+ \d+"/);
    expect(faultsOf(svg)).toEqual([]);
  });

  test("has a group of its own for each node, with its addresses as tooltip", async () => {
    const svg = await svgOf(prod);
    for (const { id, kind, addresses } of prod.nodes.filter((node) => node.addresses.length > 0)) {
      const group = `<g id="node-${id.replace(/[:/]/g, "_")}" class="node ${kind}" data-addresses="${addresses.join(" ")}">`;
      expect(svg).toContain(`${group}\n<title>${addresses.join("\n")}</title>`);
    }
    expect(svg).toContain(
      "<title>balancer → group: 3030\naws_vpc_security_group_egress_rule.macro-ai_balancer_group_to_api_3030_group_hosts\n",
    );
  });

  test("shows texts as they are", async () => {
    const svg = await svgOf(strange);
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text = ""]) =>
      text
        .replaceAll("&#45;", "-")
        .replaceAll("&quot;", '"')
        .replaceAll("&gt;", ">")
        .replaceAll("&lt;", "<")
        .replaceAll("&amp;", "&"),
    );
    expect(texts.filter((text) => text.includes(nasty))).toHaveLength(5); // heading, box, node and its detail, edge
    expect(svg).not.toContain("<b>");
  });

  test("is the same for the same graph, and tells of no version or machine", async () => {
    const svg = await svgOf(prod);
    expect(await svgOf(prod)).toBe(svg);
    expect(svg).not.toMatch(/<!--|graphviz|\/tmp\//i);
  });

  test.each(Object.entries(looks))("%s has enough contrast", (_, { fill, line }) => {
    expect(contrast("#0f172a", fill)).toBeGreaterThan(7); // its title
    expect(contrast("#475569", fill)).toBeGreaterThan(4.5); // what it is
    expect(contrast(line, "#ffffff")).toBeGreaterThan(3); // its outline
  });
});

/** As WCAG defines it. */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [a, b].map(luminance).sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}
function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

describe("Mermaid", () => {
  const box = /^ +subgraph b\d+\["[^"]+"\]$/;
  const node = /^ +n\d+(\("[^"]+"\)|\[\("[^"]+"\)\]|\(\["[^"]+"\]\)):::[\w-]+$/;
  const edge = /^ {2}n\d+ (-->|-\.->|==>)(\|"[^"|]+"\|)? n\d+$/;
  const rest = /^( +end|flowchart LR| {2}classDef [\w-]+ fill:#\w{6},stroke:#\w{6},color:#\w{6})$/;

  test.each([
    ["all systems", prod],
    ["strange texts", strange],
    ["nothing", empty],
  ])("of %s is a flowchart, line by line", (_, graph) => {
    const lines = mermaidOf(graph).trimEnd().split("\n");
    const others = lines.filter((line) => ![box, node, edge, rest].some((one) => one.test(line)));
    expect(others).toEqual([]);
    const count = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
    expect(count(node)).toBe(graph.nodes.length);
    expect(count(box)).toBe(graph.boxes.length);
    expect(count(/^ +end$/)).toBe(graph.boxes.length);
  });

  test("has no text that is read as markup", () => {
    expect(escaped('"a" [b] #c; <d> & `e` \\f | g')).toBe(
      "#34;a#34; [b] #35;c; #60;d#62; #38; #96;e#96; #92;f #124; g",
    );
    expect(escaped("a\nb")).toBe("a#10;b");
  });
});

test("what many read is told by each, and has no lines", () => {
  const part = { details: [], addresses: [], parts: [] };
  const readers = (count: number): Graph => {
    const ids = Array.from({ length: count }, (_, index) => `s${index}`);
    return {
      ...empty,
      nodes: [
        ...ids.map((id) => ({ ...part, id, kind: "service" as const, title: id })),
        { ...part, id: "x/secrets", kind: "secrets" as const, title: "5 secrets" },
      ],
      edges: ids.map((from) => ({
        from,
        to: "x/secrets",
        kind: "access" as const,
        label: "read 2 of 5",
        addresses: [],
      })),
    };
  };
  expect(viewOf(readers(3)).lines).toHaveLength(3);
  expect(viewOf(readers(3)).labels.get("s0")?.lines).toEqual([]);
  expect(viewOf(readers(4)).lines).toEqual([]);
  expect(viewOf(readers(4)).labels.get("s0")?.lines).toEqual(["read 2 of 5 secrets"]);
});

test("the README's picture is current; npm run generate mends it", async () => {
  expect(readFileSync(join(projectRoot, pictureFile), "utf8")).toBe(await readmePicture());
  expect(readFileSync(join(projectRoot, "README.md"), "utf8")).toContain(`](${pictureFile})`);
});

describe("landfall diagram", () => {
  const outdir = process.env.CDKTF_OUTDIR;
  const printed: string[] = [];
  beforeEach(() => {
    process.env.CDKTF_OUTDIR = temporaryFolder();
    printed.length = 0;
    for (const stream of [process.stdout, process.stderr])
      jest.spyOn(stream, "write").mockImplementation((text) => {
        if (stream === process.stdout) printed.push(String(text));
        return true;
      });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    if (outdir === undefined) delete process.env.CDKTF_OUTDIR;
    else process.env.CDKTF_OUTDIR = outdir;
  });

  async function run(...args: string[]): Promise<string> {
    const program = new Command("landfall").exitOverride();
    register(program);
    program.commands.forEach((command) => command.exitOverride());
    await program.parseAsync(["diagram", ...args], { from: "user" });
    return printed.join("");
  }

  test("prints an SVG, of an environment with its shared", async () => {
    const svg = await run("sandbox");
    expect(faultsOf(svg)).toEqual([]);
    expect(svg).toContain("aws_instance.chronos_host_dashboard");
    expect(svg).toContain("shared:aws_subnet.network_public_us-east-1a");
  });

  test("prints Mermaid, or the graph", async () => {
    expect(await run("sandbox", "--format", "mermaid")).toMatch(/^flowchart LR\n/);
    printed.length = 0;
    const graph = JSON.parse(await run("sandbox", "--json")) as Graph;
    expect(graph.name).toBe("sandbox");
    expect(graph.nodes.map(({ id }) => id)).toContain("aws_instance.x-scheduler_host");
  });

  test("writes a file", async () => {
    const file = join(temporaryFolder(), "picture.svg");
    expect(await run("sandbox", "--out", file)).toBe("");
    expect(readFileSync(file, "utf8")).toMatch(/^<svg /);
    await expect(run("sandbox", "--out", join(file, "below"))).rejects.toThrow(/cannot be written/);
  });

  test.each([
    ["another format", ["sandbox", "--format", "png"], /Allowed choices are svg, mermaid/],
    ["a picture and the graph", ["sandbox", "--format", "svg", "--json"], /cannot be used with/],
    ["no environment", [], /missing required argument/],
    ["an environment that is not there", ["sandbx"], /Did you mean sandbox/],
  ])("refuses %s", async (_, args, message) => {
    await expect(run(...args)).rejects.toThrow(message);
  });
});
