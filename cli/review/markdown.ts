import { folded, readLines, type DiffLine } from "./diff";
import { code, escaped, prose, row, table } from "./markdown-text";
import type {
  AttributeChange,
  CostChange,
  Review,
  ReviewedAction,
  ReviewedChange,
  Risk,
  Shown,
  ShownEnds,
} from "./model";
import { reviewedActions } from "./model";
import { pathText } from "./path";
import { wordsFor } from "./shown";
import { bytesOf, shortened } from "./text";

export interface MarkdownOptions {
  /** The longest text, in bytes of UTF-8. @default 60000 */
  readonly most?: number;
}

/**
 * GitHub refuses a comment that is longer than 65,536 characters, says its API ("Body is too long (maximum is 65536
 * characters)"); people have measured 262,144 bytes (https://github.com/dead-claudia/github-limits). Bytes are never fewer
 * than characters, so this holds either way, and a workflow can add a line of its own.
 */
const mostBytes = 60_000;

/** By which a workflow finds its comment of an earlier run, to write over it. It is the first line. */
export const markerOf = (stack: string): string => `<!-- landfall-plan:${stack.replace(/[^\w.]+/g, "-")} -->`;

/** How much is left out, in the order in which it is. */
interface Folding {
  /** Changes whose attributes are left out. */
  readonly without: ReadonlySet<ReviewedAction>;
  /** Changes that are only counted. */
  readonly counted: ReadonlySet<ReviewedAction>;
  /** The longest value, in characters. */
  readonly value: number;
  /** How many entries each list has at most. */
  readonly entries: number;
  /** How many lines of a text of lines are shown at most. */
  readonly lines: number;
}

const kept: readonly ReviewedAction[] = ["replace", "delete"];
const others = reviewedActions.filter((action) => !kept.includes(action));
const creates: readonly ReviewedAction[] = ["create", "import", "move", "read"];
const gone: readonly ReviewedAction[] = ["delete", "forget"];

const foldings: readonly Folding[] = [
  fold([], [], 300),
  fold(creates, [], 300),
  fold(creates, [], 120),
  fold([...creates, ...gone], [], 120),
  fold([...creates, ...gone, "update"], [], 120),
  fold(["delete"], others, 120),
  ...[300, 100, 30, 10, 3, 1, 0].map((entries) => fold(["replace", "delete"], others, 80, entries)),
];

function fold(
  without: readonly ReviewedAction[],
  counted: readonly ReviewedAction[],
  value: number,
  entries = Infinity,
): Folding {
  const lines = entries < Infinity ? 0 : value < 300 ? 10 : 40;
  return { without: new Set(without), counted: new Set(counted), value, entries, lines };
}

/**
 * The review as one comment on a pull request. Where it would be too long, what matters least is left out first, and that is
 * said: attributes of what is made, then of what is destroyed and changed, then single resources. Risks, and what is
 * replaced or destroyed, stay longest.
 */
export function renderMarkdown(review: Review, { most = mostBytes }: MarkdownOptions = {}): string {
  let text = "";
  for (const folding of foldings) {
    text = withFolding(review, folding);
    if (bytesOf(text) <= most) break;
  }
  return text;
}

function withFolding(review: Review, folding: Folding): string {
  const { stack, incomplete } = review;
  const parts: readonly (readonly string[])[] = [
    [markerOf(stack)],
    [`### Plan of ${code(stack, 100)}: ${headline(review)}`],
    incomplete === undefined ? [] : [`**Not complete.** ${prose(incomplete)}`],
    risksOf(review.risks, folding),
    costOf(review.cost, folding),
    ...systemsOf(review).map((system) => systemOf(system, review, folding)),
    outputsOf(review, folding),
    driftOf(review, folding),
    leftOut(review, folding),
    [`Fingerprint: ${code(review.fingerprint, 100)}`],
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

const words: Readonly<Record<ReviewedAction, string>> = {
  replace: "to replace",
  delete: "to destroy",
  forget: "to forget",
  update: "to change",
  create: "to create",
  import: "to import",
  move: "to move",
  read: "to read",
};

/** What it says above a list of them. */
const actionWords: Readonly<Record<ReviewedAction, string>> = {
  replace: "**replaced**",
  delete: "**destroyed**",
  forget: "forgotten",
  update: "changed",
  create: "created",
  import: "imported",
  move: "moved",
  read: "read",
};

function headline({ counts, outputs, incomplete }: Review): string {
  const told = reviewedActions
    .filter((action) => counts[action] > 0)
    .map((action) => `${counts[action]} ${words[action]}`);
  if (outputs.length > 0) told.push(`${outputs.length} ${outputs.length === 1 ? "output" : "outputs"}`);
  if (told.length > 0) return told.join(", ");
  return incomplete === undefined ? "no changes" : "nothing is planned";
}

function risksOf(risks: readonly Risk[], { entries }: Folding): readonly string[] {
  if (risks.length === 0) return [];
  const refused = risks.filter((risk) => risk.refused).length;
  const rows = risks
    .slice(0, entries)
    .map(({ rule, refused, address, what }) =>
      row([code(rule, 60), refused ? "**refused**" : "look", code(address, 200), prose(what, 500)]),
    );
  return [
    `**${risks.length} ${risks.length === 1 ? "risk" : "risks"}**${refused > 0 ? `; <code>apply</code> refuses this plan for ${refused} of them` : ""}`,
    "",
    ...table(["risk", "", "resource", "what"], rows),
    ...more(risks.length, entries, "risks"),
  ];
}

/** Says that a list goes on. A table must end before it. */
const more = (length: number, entries: number, what: string): readonly string[] =>
  length > entries ? ["", `… and ${length - entries} more ${what}.`] : [];

const money = (dollars: number): string => `$${Math.abs(dollars).toFixed(2)}`;
const signed = (dollars: number): string => `${dollars < 0 ? "−" : "+"}${money(dollars)}`;

const mostCostLines = 10;

function costOf(cost: CostChange | undefined, { entries }: Folding): readonly string[] {
  if (!cost) return [];
  const { before, after, lines, notEstimated } = cost;
  const shownLines = Math.min(entries, mostCostLines);
  const rows = lines
    .slice(0, shownLines)
    .map(({ address, system, monthly }) => row([code(address, 200), code(system, 60), signed(monthly)]));
  const change =
    Math.abs(after - before) < 0.005
      ? `stays at ${money(after)}`
      : `${money(before)} → ${money(after)}, ${signed(after - before)}`;
  return [
    `**Cost a month, estimated**: ${change}`,
    ...(rows.length > 0 ? ["", ...table(["resource", "system", "change"], rows)] : []),
    ...more(lines.length, shownLines, "resources whose cost changes"),
    ...(notEstimated.length > 0
      ? [
          "",
          `Not estimated: ${notEstimated
            .slice(0, shownLines)
            .map((address) => code(address, 200))
            .join(
              ", ",
            )}${notEstimated.length > shownLines ? ` and ${notEstimated.length - shownLines} more` : ""}.`,
        ]
      : []),
  ];
}

const systemsOf = ({ changes }: Review): readonly string[] => [
  ...new Set(changes.map(({ system }) => system)),
];

function systemOf(system: string, review: Review, folding: Folding): readonly string[] {
  const changes = review.changes.filter((change) => change.system === system);
  const listed = changes.filter(({ action }) => !folding.counted.has(action));
  const counted = changes.filter(({ action }) => folding.counted.has(action));
  const summary = reviewedActions
    .map((action) => [changes.filter((change) => change.action === action).length, words[action]] as const)
    .filter(([count]) => count > 0)
    .map(([count, text]) => `${count} ${text}`)
    .join(", ");
  return details(
    `${code(system, 60)}: ${summary}`,
    changes.some(({ action }) => kept.includes(action)),
    [
      ...changesTable(listed.slice(0, folding.entries), folding),
      ...textsOf(listed.slice(0, folding.entries), folding),
      ...more(listed.length, folding.entries, "that are replaced or destroyed"),
      ...(listed.length > 0 && counted.length > 0 ? [""] : []),
      ...typesTable(counted, folding),
    ],
  );
}

/** Markdown inside of HTML begins after an empty line, and ends at one. */
const details = (summary: string, open: boolean, lines: readonly string[]): readonly string[] => [
  `<details${open ? " open" : ""}><summary>${summary}</summary>`,
  "",
  ...lines,
  "",
  "</details>",
];

const changesTable = (changes: readonly ReviewedChange[], folding: Folding): readonly string[] =>
  table(
    ["", "resource", "attribute", "before", "after"],
    changes.flatMap((change) => changeRows(change, folding)),
  );

function changeRows(change: ReviewedChange, folding: Folding): readonly string[] {
  const first = row([
    actionWords[change.action],
    `${code(change.address, 200)}${asides(change)}`,
    "",
    "",
    "",
  ]);
  if (folding.without.has(change.action)) return [first];
  return [
    first,
    ...change.attributes.slice(0, folding.entries).map((attribute) => attributeRow(attribute, folding)),
  ];
}

function asides({ reason, previousAddress, importId, attributes, action }: ReviewedChange): string {
  const told = [
    reason === undefined ? undefined : prose(reason, 200),
    previousAddress === undefined ? undefined : `from ${code(previousAddress, 200)}`,
    importId === undefined ? undefined : `id ${code(importId, 200)}`,
    action === "update" && attributes.length === 0 ? "no attribute that is shown" : undefined,
  ].filter((aside) => aside !== undefined);
  return told.length > 0 ? ` ${told.join("; ")}` : "";
}

const attributeRow = (attribute: AttributeChange, folding: Folding): string => {
  const { path, replaces } = attribute;
  const name = `${code(pathText(path), 200)}${replaces ? " **replaces**" : ""}`;
  return row(["", "", name, ...cells(attribute, folding)]);
};

/** Before and after. */
function cells(
  { before, after, entries, lines }: ShownEnds,
  { value, lines: most }: Folding,
): [string, string] {
  if (lines && most > 0) {
    const differ = readLines(lines);
    const count = (wanted: DiffLine["kind"]) => differ.filter(({ kind }) => kind === wanted).length;
    return [`${counted(count("gone"))}, below`, `${counted(count("new"))}, below`];
  }
  if (entries) {
    const { gone, new: fresh, same } = entries;
    return [
      gone.length > 0 ? `${fewCodes(gone, value)} removed` : "–",
      `${fresh.length > 0 ? `${fewCodes(fresh, value)} added, ` : ""}${same} as before`,
    ];
  }
  return [cell(before, value), cell(after, value)];
}

/** So many entries of a list, or references, are told. */
const mostCodes = 8;

/** As much of a list as a value may have characters. */
function fewCodes(texts: readonly string[], value: number): string {
  const most = Math.max(1, Math.min(mostCodes, Math.floor(value / 40)));
  const rest = texts.length - most;
  const told = texts.slice(0, most).map((text) => code(text, Math.max(40, Math.floor(value / 2))));
  return `${told.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

const cell = (end: Shown, most: number): string => {
  if (end.kind === "absent") return "–";
  if (end.kind === "value") return code(end.text, most);
  return end.kind === "unknown" ? unknownCell(end, most) : `*${wordsFor(end).replace(/[()]/g, "")}*`;
};

/** What it will be where that is short, else what it is made from. */
function unknownCell({ from = [], configured = "" }: Shown & { kind: "unknown" }, most: number): string {
  const told = "*known after apply*";
  if (configured !== "" && configured.length <= Math.min(most, 120)) return `${told}, ${code(configured)}`;
  return from.length > 0 ? `${told}, from ${fewCodes(from, most)}` : told;
}

/** Texts of lines, below the table that they are in: it cannot hold lines. */
function textsOf(changes: readonly ReviewedChange[], folding: Folding): readonly string[] {
  return changes
    .filter(({ action }) => !folding.without.has(action))
    .flatMap(({ address, attributes }) =>
      attributes.flatMap(({ path, lines }) =>
        lines && folding.lines > 0
          ? ["", `${code(address, 200)} ${code(pathText(path), 200)}:`, "", ...preOf(lines, folding)]
          : [],
      ),
    );
}

/** GitHub colours it. HTML, as a text could end a fence. */
function preOf(lines: readonly string[], { lines: most, value }: Folding): readonly string[] {
  const parts = folded(readLines(lines));
  const told = parts
    .slice(0, most)
    .map((part) =>
      typeof part === "number"
        ? `@@ ${counted(part)} the same @@`
        : `${signs[part.kind]}${shortened(part.text, value)}`,
    );
  const rest = parts.slice(most).filter((part) => typeof part !== "number" && part.kind !== "same").length;
  if (rest > 0) told.push(`@@ and ${counted(rest)} more that differ @@`);
  return [`<pre lang="diff"><code>${told.map(escaped).join("\n")}`, "</code></pre>"];
}

const signs = { gone: "-", new: "+", same: " " };
const counted = (lines: number): string => `${lines} ${lines === 1 ? "line" : "lines"}`;

/** How many of each type. */
function typesTable(changes: readonly ReviewedChange[], { entries }: Folding): readonly string[] {
  const counts = new Map<string, { action: ReviewedAction; type: string; count: number }>();
  for (const { action, type } of changes) {
    const key = `${action} ${type}`;
    counts.set(key, { action, type, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  const rows = [...counts.values()].map(({ action, type, count }) =>
    row([actionWords[action], code(type, 100), String(count)]),
  );
  return [...table(["", "type", "how many"], rows.slice(0, entries)), ...more(rows.length, entries, "types")];
}

function outputsOf({ outputs }: Review, folding: Folding): readonly string[] {
  const { entries } = folding;
  if (outputs.length === 0) return [];
  const rows = outputs
    .slice(0, entries)
    .map((output) => row([code(output.name, 100), ...cells(output, { ...folding, lines: 0 })]));
  return details(`Outputs: ${outputs.length}`, false, [
    ...table(["output", "before", "after"], rows),
    ...more(outputs.length, entries, "outputs"),
  ]);
}

function driftOf({ drift }: Review, folding: Folding): readonly string[] {
  if (drift.length === 0) return [];
  const without = new Set(folding.without.has("update") ? reviewedActions : []);
  return details(`Changed in AWS by somebody else since the last apply: ${drift.length}`, false, [
    ...changesTable(drift.slice(0, folding.entries), { ...folding, without }),
    ...textsOf(drift.slice(0, folding.entries), { ...folding, without }),
    ...more(drift.length, folding.entries, "of them"),
  ]);
}

/** Says what is missing, and where it is. */
function leftOut({ changes }: Review, { without, counted, entries }: Folding): readonly string[] {
  const has = (action: ReviewedAction) => changes.some((change) => change.action === action);
  const bare = reviewedActions.filter((action) => without.has(action) && !counted.has(action) && has(action));
  const only = reviewedActions.filter((action) => counted.has(action) && has(action));
  const plainWords = (actions: readonly ReviewedAction[]) =>
    actions.map((action) => actionWords[action].replaceAll("*", "")).join(", ");
  const told = [
    bare.length > 0 ? `attributes of what is ${plainWords(bare)}` : undefined,
    only.length > 0 ? `single resources that are ${plainWords(only)}` : undefined,
    entries < Infinity ? `all but the first ${entries} of each list` : undefined,
  ].filter((what) => what !== undefined);
  if (told.length === 0) return [];
  return [
    `Too long for one comment. Left out here: ${told.join("; ")}. All of it is in the HTML and JSON of this plan.`,
  ];
}
