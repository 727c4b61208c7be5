import fc from "fast-check";
import { code, escaped, prose } from "../../cli/review/markdown-text";
import { markerOf, renderMarkdown } from "../../cli/review/markdown";
import type { Review, Risk } from "../../cli/review/model";
import { reviewOf } from "../../cli/review/review";
import { shortened, visible } from "../../cli/review/text";
import type { ResourceChange } from "../../cli/plan-document";
import { anyCharacter } from "../support/any-character";
import {
  created,
  destroyed,
  forgotten,
  planOf,
  read,
  replaced,
  unchanged,
  updated,
  type PlanOptions,
} from "../support/plans";

const risk = (rest: Partial<Risk> = {}): Risk => ({
  rule: "data-lost",
  refused: false,
  address: "aws_db_instance.a",
  what: "The database would be lost.",
  ...rest,
});
const reviewed = (changes: readonly ResourceChange[], options?: PlanOptions, risks: Risk[] = []): Review =>
  reviewOf("stage", planOf(changes, options), { risks });
const comment = (...args: Parameters<typeof reviewed>): string => renderMarkdown(reviewed(...args));

/** Text as a browser shows it. */
const read_ = (html: string): string =>
  html
    .replace(/<[^>]*>/g, "")
    .replace(/&#(\d+);/g, (_, number: string) => String.fromCodePoint(Number(number)));

const ownTags =
  /<\/?code>|<details(?: open)?>|<\/details>|<summary>|<\/summary>|^<pre lang="diff">|<\/pre>$|^<!-- landfall-plan:[\w.-]+ -->$/gm;
/** Lines of a text, which stand in `pre`. */
const oneLine = (lines: string): string => lines.replaceAll("\n", " ");
const tableRow = /^\| .* \|$/;

/**
 * What is wrong with a comment: a tag that is none of ours or not closed, a row with another number of cells than its
 * heading, a sign that Markdown would take for one of its own in a text that is not ours.
 */
function faultsOf(text: string): string[] {
  const faults: string[] = [];
  const rest = text.replace(ownTags, "");
  if (/[<>`\\]/.test(rest)) faults.push(`a sign that is not ours: ${/.*[<>`\\].*/.exec(rest)?.[0]}`);
  for (const tag of ["code", "details", "summary", "pre"]) {
    const count = (pattern: RegExp) => [...text.matchAll(pattern)].length;
    if (count(new RegExp(`<${tag}\\b`, "g")) !== count(new RegExp(`</${tag}>`, "g")))
      faults.push(`${tag} is not closed`);
  }
  if (/[^\P{C}\n]|[\u2028\u2029]/u.test(text)) faults.push("what cannot be seen");
  if (/&(?!#\d{1,7};)/.test(text)) faults.push("an entity that is not whole");
  for (const [, inside = ""] of text.matchAll(/<code>(.*?)<\/code>/gs)) {
    if (/[[\]()*~@#:!|"'{}\n]/.test(inside.replace(/&#\d+;/g, "").replace(/^(?:[^\n]*\n)+$/, oneLine)))
      faults.push(`a bare sign in ${inside}`);
    if (/\bwww\.|https?:/i.test(inside)) faults.push(`a link in ${inside}`);
  }
  const lines = text.split("\n");
  lines.forEach((line, index) => {
    if (!line.startsWith("|")) return;
    if (!tableRow.test(line)) faults.push(`no row: ${line}`);
    const before = lines[index - 1] ?? "";
    if (!before.startsWith("|")) {
      if (before !== "") faults.push(`a table without an empty line before it: ${line}`);
      if (!/^\|( --- \|)+$/.test(lines[index + 1] ?? "")) faults.push(`a table without a heading: ${line}`);
    } else if (line.split("|").length !== before.split("|").length)
      faults.push(`another number of cells: ${line}`);
  });
  if (!text.startsWith("<!-- landfall-plan:")) faults.push("the marker is not first");
  return faults;
}

describe("a text of somebody else's", () => {
  const hostile = fc.oneof(
    fc.string({ unit: anyCharacter, maxLength: 60 }),
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(
          ..."|`<>&@#*_~[](){}!\\:;\"'\n\r\t$^=+-./",
          "<!--",
          "-->",
          "</code>",
          "</details>",
          "<script>",
          "```",
          "](http://x)",
          "@octocat",
          "#1",
          "GH-1",
          ":smile:",
          "www.example.com",
          "https://example.com",
          "a@example.com",
          "\u202e",
          "\u200b",
          "\ufeff",
          "👩‍👩‍👧",
          "é",
          "\u0338",
          "&lt;",
          "&#124;",
          "\\|",
          "\ud800",
          " ",
          "a",
          "1",
        ),
        { maxLength: 30 },
      )
      .map((parts) => parts.join("")),
  );

  it("means itself, in one line, as code and as prose", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(
          faultsOf(`<!-- landfall-plan:x -->\n\n| a |\n| --- |\n| ${code(text)} |\n| ${prose(text)} |\n`),
        ).toEqual([]);
        expect(read_(code(text))).toBe(visible(text));
        expect(read_(prose(text))).toBe(visible(text).split(" ").filter(Boolean).join(" "));
      }),
      { numRuns: 200 },
    );
  });

  it("breaks nothing wherever it stands", () => {
    const name = hostile.map((text) => text || "x");
    fc.assert(
      fc.property(name, hostile, name, (address, value, key) => {
        const tags = { tags: { System: key } };
        const changes = [
          updated(
            `aws_a.${address}`,
            { [key]: "before", ...tags },
            { [key]: value, ...tags },
            { reason: value },
          ),
          replaced(`${address}.a`, { [key]: value }, { [key]: [value, 1] }, { from: value }),
          created("aws_a.b", { [key]: { [key]: value } }, { importing: { id: value } }),
          updated("aws_a.lines", { [key]: `${key}\n${value}` }, { [key]: `${value}\n\n${key}\n</pre>` }),
          updated(
            "aws_a.parts",
            { [key]: [key, "x"], json: JSON.stringify({ a: [key, "x"] }) },
            { [key]: [value, "x"], json: JSON.stringify({ a: [value, "x"] }) },
          ),
          created("aws_a.later", {}, { after_unknown: { [key]: true } }),
        ];
        const outputs = { [key]: { actions: ["update"], before: value, after: { [key]: value } } };
        const said = { constant_value: `${value}\${${key}}`, references: [value, key] };
        const configured = { "aws_a.later": { [key]: said } };
        const found = reviewed(changes, { outputs, drift: changes, configured }, [
          risk({ rule: value, address, what: `${value} ${key}`, refused: true }),
        ]);
        const cost = {
          before: 1,
          after: 2,
          lines: [{ address, system: key, monthly: 1 }],
          notEstimated: [value],
        };
        const text = renderMarkdown({ ...found, stack: key, incomplete: value, cost });
        expect(faultsOf(text)).toEqual([]);
        expect(faultsOf(renderMarkdown({ ...found, cost }, { most: 0 }))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("is made no mention, link or number of an issue outside of code", () => {
    expect(prose("Ask @octocat, see #12, GH-12 and www.example.com.")).toBe(
      "Ask <code>&#64;octocat,</code> see <code>&#35;12,</code> <code>GH-12</code> and <code>www&#46;example.com&#46;</code>",
    );
    expect(prose("There is one (minimum of 0). See (#12).")).toBe(
      "There is one &#40;minimum of 0&#41;&#46; See <code>&#40;&#35;12&#41;&#46;</code>",
    );
  });

  it("keeps names readable", () => {
    expect(escaped("aws_db_instance.chronos_db")).toBe("aws_db_instance.chronos_db");
    expect(escaped("_a_ .b 😀 ü")).toBe("&#95;a&#95; &#46;b 😀 ü");
  });

  it("shows what cannot be seen", () => {
    expect(visible("a\nb\t\u202ec\u200b\u00a0\ud800")).toBe("a␊b␉[U+202E]c[U+200B][U+00A0][U+D800]");
  });

  it("is cut between characters, and says how long it is", () => {
    expect(shortened("😀😀😀", 2)).toBe("😀😀… (3 characters)");
    expect(shortened("😀😀", 2)).toBe("😀😀");
  });
});

describe("the comment", () => {
  it("begins with a mark by which it is found again", () => {
    expect(comment([]).split("\n")[0]).toBe("<!-- landfall-plan:stage -->");
    expect(markerOf("pr-12")).toBe("<!-- landfall-plan:pr-12 -->");
    expect(markerOf("--> <script>")).toBe("<!-- landfall-plan:-script- -->");
  });

  it("says that there is nothing to do", () => {
    const text = comment([unchanged("aws_eip.a", {}, {})]);
    expect(text).toContain("### Plan of <code>stage</code>: no changes\n");
    expect(text).not.toContain("|");
  });

  it("counts in its headline", () => {
    const changes = [
      created("aws_eip.a", {}),
      created("aws_eip.b", {}),
      replaced("aws_eip.c", {}, {}),
      destroyed("aws_eip.d", {}),
      forgotten("aws_eip.e", {}),
      updated("aws_eip.f", { a: 1 }, { a: 2 }),
      unchanged("aws_eip.g", {}, {}, { importing: { id: "x" } }),
      unchanged("aws_eip.h", {}, {}, { from: "aws_eip.i" }),
      read("data.aws_eip.j", {}),
    ];
    const outputs = { a: { actions: ["delete"], before: "1", after: null } };
    expect(comment(changes, { outputs })).toContain(
      ": 1 to replace, 1 to destroy, 1 to forget, 1 to change, 2 to create, 1 to import, 1 to move, 1 to read, 1 output\n",
    );
  });

  it("has risks first, refused ones before others, then cost, systems, outputs, drift and the fingerprint", () => {
    const found = reviewed(
      [created("aws_eip.chronos_a", { a: 1 })],
      {
        outputs: { out: { actions: ["create"], after: "1" } },
        drift: [updated("aws_eip.drifted", { a: 1 }, { a: 2 })],
      },
      [risk({ rule: "open-to-world" }), risk({ refused: true })],
    );
    const text = renderMarkdown({ ...found, cost: { before: 1, after: 3.5, lines: [], notEstimated: [] } });
    const order = [
      "2 risks**; <code>apply</code> refuses this plan for 1 of them",
      "<code>data-lost</code> | **refused**",
      "<code>open-to-world</code> | look",
      "$1.00 → $3.50, +$2.50",
      "<details><summary><code>chronos</code>: 1 to create",
      "<details><summary>Outputs: 1",
      "Changed in AWS by somebody else since the last apply: 1",
      `Fingerprint: <code>${found.fingerprint}</code>`,
    ].map((part) => text.indexOf(part));
    expect(order).not.toContain(-1);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it("opens the systems in which something is replaced or destroyed", () => {
    const text = comment([
      created("aws_eip.chronos_a", {}),
      replaced("aws_db_instance.atomic-calendar_db", {}, {}),
    ]);
    expect(text).toContain("<details open><summary><code>atomic-calendar</code>: 1 to replace</summary>");
    expect(text).toContain("<details><summary><code>chronos</code>: 1 to create</summary>");
  });

  it("shows the replacement of a database, and for what", () => {
    const change = replaced(
      "aws_db_instance.atomic-calendar_database",
      { engine_version: "15", storage: 50 },
      { engine_version: "16", storage: 100 },
      { replace_paths: [["engine_version"]], reason: "replace_because_cannot_update" },
    );
    const text = comment([change]);
    expect(text).toContain(
      "| **replaced** | <code>aws_db_instance.atomic-calendar_database</code> it cannot be changed in place |  |  |  |",
    );
    expect(text).toContain(
      "|  |  | <code>engine_version</code> **replaces** | <code>15</code> | <code>16</code> |",
    );
    expect(text).toContain("|  |  | <code>storage</code> | <code>50</code> | <code>100</code> |");
  });

  it("says where a resource was, what is not known, what is secret and what was not there", () => {
    const text = comment([
      updated(
        "aws_a.new",
        { id: "1", word: "x" },
        { word: "y", more: "z" },
        {
          after_unknown: { id: true },
          after_sensitive: { word: true },
          from: "aws_a.old",
        },
      ),
    ]);
    expect(text).toContain("from <code>aws_a.old</code>");
    expect(text).toContain("<code>id</code> | <code>1</code> | *known after apply* |");
    expect(text).toContain("<code>more</code> | – | <code>z</code> |");
    expect(text).toContain("<code>word</code> | *sensitive* | *sensitive* |");
  });

  it("says that a plan is not complete", () => {
    expect(comment([], { errored: true })).toMatch(
      /: nothing is planned\n\n\*\*Not complete\.\*\* Planning failed/,
    );
  });

  it("says what the cost cannot tell, and that it falls", () => {
    const cost = {
      before: 10,
      after: 4,
      lines: [{ address: "aws_eip.a", system: "s", monthly: -6 }],
      notEstimated: ["aws_x.y"],
    };
    const text = renderMarkdown({ ...reviewed([]), cost });
    expect(text).toContain("$10.00 → $4.00, −$6.00");
    expect(text).toContain("| <code>aws_eip.a</code> | <code>s</code> | −$6.00 |");
    expect(text).toContain("Not estimated: <code>aws_x.y</code>.");
    expect(renderMarkdown({ ...reviewed([]), cost: { ...cost, after: 10, lines: [] } })).toContain(
      "stays at $10.00",
    );
  });
});

describe("a long plan", () => {
  const many = (count: number, make: (name: string, index: number) => ResourceChange): ResourceChange[] =>
    Array.from({ length: count }, (_, index) => make(`aws_thing.chronos_number_${index}`, index));
  const values = (letter: string) =>
    Object.fromEntries([..."abcdefgh"].map((key) => [key, `${letter} | ${key} 😀`.repeat(5)]));
  const change = (name: string, index: number): ResourceChange =>
    [
      () => created(name, values("c")),
      () => updated(name, values("b"), values("a")),
      () => replaced(name, values("b"), values("a")),
      () => destroyed(name, values("b")),
    ][index % 4]!();
  const bytes = (text: string) => Buffer.byteLength(text);

  it("of 1,000 resources is within GitHub's limit in less than a second, and whole", () => {
    const plan = planOf(many(1000, change));
    const started = process.cpuUsage();
    const text = renderMarkdown(reviewOf("stage", plan, { risks: [] }));
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1e6).toBeLessThan(process.env.CI ? 3 : 1.5);
    expect(bytes(text)).toBeLessThan(65_536);
    expect(bytes(text)).toBeGreaterThan(20_000);
    expect(faultsOf(text)).toEqual([]);
    expect(text).toContain("250 to replace, 250 to destroy, 250 to change, 250 to create");
  });

  it("keeps risks and what is replaced or destroyed, and says what it leaves out", () => {
    const risks = [risk({ refused: true })];
    const text = renderMarkdown(
      reviewed(
        [
          ...many(20, (name) => replaced(name, { a: "x" }, { a: "y" })),
          ...many(800, (name) => created(`${name}x`, values("c"))),
        ],
        {},
        risks,
      ),
      {
        most: 20_000,
      },
    );
    expect(bytes(text)).toBeLessThanOrEqual(20_000);
    expect(text).toContain("**refused**");
    expect([...text.matchAll(/\*\*replaced\*\*/g)]).toHaveLength(20);
    expect(text).toContain("| created | <code>aws_thing</code> | 800 |");
    expect(text).toMatch(/Left out here: .*single resources that are .*created.*HTML and JSON/);
    expect(faultsOf(text)).toEqual([]);
  });

  it("leaves out attributes of what is created before those of what is changed, and those before resources", () => {
    const mixed = reviewed([
      ...many(30, (name) => updated(`${name}u`, values("b"), values("a"))),
      ...many(30, (name) => created(`${name}c`, values("c"))),
    ]);
    const whole = renderMarkdown(mixed, { most: Infinity });
    expect(whole).not.toContain("Left out");
    const less = renderMarkdown(mixed, { most: bytes(whole) - 1 });
    expect(less).toContain("Left out here: attributes of what is created. All");
    const least = renderMarkdown(mixed, { most: bytes(less) / 2 });
    expect(least).toMatch(/attributes of what is changed, created/);
    expect(least).toContain("chronos_number_29u");
  });

  it("of nothing but risks and destroyed resources with long names is within the limit, and says how many there are", () => {
    const name = "n".repeat(150);
    const changes = many(500, (address) => destroyed(`${address}_${name}`, {}));
    const risks = changes.map(({ address }) => risk({ address, what: "Lost. ".repeat(80) }));
    const text = comment(
      changes,
      {
        drift: changes,
        outputs: Object.fromEntries(
          changes.map(({ address }) => [address, { actions: ["create"], after: "|".repeat(200) }]),
        ),
      },
      risks,
    );
    expect(bytes(text)).toBeLessThan(65_536);
    expect(faultsOf(text)).toEqual([]);
    expect(text).toContain("500 to destroy");
    expect(text).toContain("**500 risks**");
    expect(text).toMatch(/… and [34]\d\d more risks\./);
    expect(text).toMatch(/… and [34]\d\d more that are replaced or destroyed\./);
  });
});
