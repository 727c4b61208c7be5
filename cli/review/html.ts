import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";
import { changeHtml } from "./html/change";
import { counted, markup, Markup, idOf, linkTo, type Filling } from "./html/text";
import { changeOf } from "./html/value";
import { actionWords } from "./html/words";
import type { ReviewPicture } from "./picture";
import {
  reviewedActions,
  type CostChange,
  type Review,
  type ReviewedAction,
  type ReviewedChange,
} from "./model";

/**
 * A review as one page that needs nothing besides itself. Texts are escaped, and no other script than the page's own is
 * allowed to run.
 * @param picture left out where none is given
 * @returns the whole file, in UTF-8 a few hundred bytes for each attribute
 */
export function renderHtml(review: Review, picture?: ReviewPicture): string {
  const [style, script] = ["review.css", "review.js"].map(asset) as [Markup, Markup];
  const page = new Page(review);
  const policy = [
    "default-src 'none'",
    `style-src ${digest(style)}`,
    `script-src ${digest(script)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
  return `${
    markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${page.title}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
${review.changes.length > 0 && markup`<a class="skip" href="#changes">Skip to the changes</a>`}
${page.header()}
<main${review.changes.length > MANY && markup` class="many"`}>
${page.risks()}${picture && pictureHtml(picture)}${page.changes()}${page.outputs()}${page.drift()}${page.cost()}
</main>
${page.footer()}
<script>${script}</script>
</body>
</html>`.text
  }\n`;
}

/** A file beside this one. It is read as it stands, as its digest is of all of it. */
const asset = (name: string): Markup =>
  new Markup(readFileSync(join(projectRoot, "cli/review/html", name), "utf8"));

const digest = ({ text }: Markup): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const pictureHtml = ({
  svg,
  actions,
  notes,
}: ReviewPicture): Markup => markup`<section aria-labelledby="picture">
<h2 id="picture">Picture</h2>
<ul class="legend">
${actions.map(
  (
    action,
  ) => markup`<li class="${action}"><b aria-hidden="true">${actionWords[action].sign}</b> ${actionWords[action].done}</li>
`,
)}<li class="same">unchanged</li>
</ul>
<div class="picture" role="group" tabindex="0" aria-labelledby="picture">${new Markup(svg)}</div>
${notes.length > 0 && markup`<p class="quiet">${notes.join(" ")}</p>`}</section>
`;

/** Changes that may be unfolded from the start, besides those that take something away. */
const FEW = 8;

/** Changes that a browser is slow to lay out all at once. */
const MANY = 200;

/** Actions that somebody must look at. */
const isGrave = (action: ReviewedAction): boolean => action === "replace" || action === "delete";

/** The parts of the page. */
class Page {
  /** Ids of the changes, in their order; the first of an address has that address. */
  private readonly ids: readonly string[];
  private readonly anchors: ReadonlyMap<string, string>;

  constructor(private readonly review: Review) {
    const { changes } = review;
    const seen = new Map<string, number>();
    this.ids = changes.map(({ address }) => {
      const id = idOf(address);
      const count = (seen.get(id) ?? 0) + 1;
      seen.set(id, count);
      return count === 1 ? id : `${id}.again-${count}`;
    });
    this.anchors = new Map(changes.map(({ address }) => [address, idOf(address)]));
  }

  get title(): string {
    const counts = this.countsInOrder().map(([action, count]) => `${count} ${actionWords[action].done}`);
    return `Plan of ${this.review.stack}: ${counts.join(", ") || "no resource changes"}`;
  }

  header(): Markup {
    const { stack, cost, fingerprint, incomplete, risks } = this.review;
    const refused = risks.filter((risk) => risk.refused).length;
    return markup`<header>
<p class="eyebrow">Plan review</p>
<h1>${stack}</h1>
${incomplete !== undefined && markup`<p class="verdict refused">Not complete. ${incomplete}</p>`}
${refused > 0 && markup`<p class="verdict refused"><a href="#risks">Apply refuses this plan for ${counted(refused, "risk")}</a></p>`}
<ul class="counts">
${this.countsInOrder().map(
  ([
    action,
    count,
  ]) => markup`<li class="${action}"><b aria-hidden="true">${actionWords[action].sign}</b> <strong>${count.toLocaleString("en-US")}</strong> ${actionWords[action].done}</li>
`,
)}</ul>
${this.isNothing() && markup`<p class="verdict">${this.verdict()}</p>`}
<dl class="facts">
${
  cost &&
  markup`<div><dt>Cost</dt><dd>${costText(cost)}</dd></div>
`
}<div><dt>Fingerprint</dt><dd><code>${fingerprint}</code></dd></div>
</dl>
</header>`;
  }

  risks(): Filling {
    const { risks } = this.review;
    if (risks.length === 0) return undefined;
    const inOrder = [...risks.filter(({ refused }) => refused), ...risks.filter(({ refused }) => !refused)];
    return markup`<section aria-labelledby="risks">
<h2 id="risks">Risks <small>${counted(risks.length, "risk")}</small></h2>
<ul class="risks">
${inOrder.map(
  ({
    refused,
    what,
    address,
    rule,
  }) => markup`<li class="${refused ? "refused" : "told"}"><strong>${refused ? "refused" : "look at it"}</strong><p>${what}</p><p>${this.link(address)} <small>rule ${rule}</small></p></li>
`,
)}</ul>
</section>
`;
  }

  changes(): Filling {
    const { changes } = this.review;
    if (changes.length === 0) return undefined;
    const systems = [...new Set(changes.map(({ system }) => system))];
    return markup`<section aria-labelledby="changes">
<h2 id="changes" tabindex="-1">Changes <small>${counted(changes.length, "resource")}</small></h2>
${this.tools(systems)}
${systems.map((system) => this.system(system))}</section>
`;
  }

  outputs(): Filling {
    const { outputs } = this.review;
    if (outputs.length === 0) return undefined;
    return markup`<section aria-labelledby="outputs">
<h2 id="outputs">Outputs <small>${counted(outputs.length, "output")}</small></h2>
<dl class="outputs">
${outputs.map(
  (
    output,
  ) => markup`<div class="${output.action}"><dt><b aria-hidden="true">${actionWords[output.action].sign}</b>\u00a0${output.name} <small>${output.action === "delete" ? "removed" : actionWords[output.action].done}</small></dt><dd>${changeOf(output)}</dd></div>
`,
)}</dl>
</section>
`;
  }

  drift(): Filling {
    const { drift } = this.review;
    if (drift.length === 0) return undefined;
    return markup`<section aria-labelledby="drift">
<h2 id="drift">Drift <small>${counted(drift.length, "resource")}</small></h2>
<p class="quiet">Changed outside of this project since the last apply. This is what was found, not what the plan does.</p>
${drift.map((change, index) => changeHtml(change, { id: `drift.${index + 1}`, open: false, risks: [] }))}</section>
`;
  }

  cost(): Filling {
    const { cost } = this.review;
    if (!cost || cost.lines.length + cost.notEstimated.length === 0) return undefined;
    return markup`<section aria-labelledby="cost">
<h2 id="cost">Cost <small>${signed(cost.after - cost.before)} a month</small></h2>
<p class="quiet">US dollars a month at list prices.</p>
${this.costLines(cost)}${
      cost.notEstimated.length > 0 &&
      markup`<details class="more"><summary>${counted(cost.notEstimated.length, "change")} not estimated</summary><ul>${cost.notEstimated.map((address) => markup`<li>${this.link(address)}</li>`)}</ul></details>
`
    }</section>
`;
  }

  footer(): Markup {
    const keys = markup`<p class="keys" hidden><kbd>/</kbd> searches, <kbd>Esc</kbd> shows all again, <kbd>Enter</kbd> unfolds.</p>`;
    return markup`<footer>
<p>Plans with the same fingerprint do the same. Sensitive values are never part of this page.</p>
${keys}
</footer>`;
  }

  private tools(systems: readonly string[]): Markup {
    const button = (kind: string, value: string, label: Filling, count: number) =>
      markup`<button type="button" aria-pressed="false" data-${kind}="${value}">${label} <small>${count}</small></button>`;
    const inSystem = (system: string) => this.review.changes.filter((one) => one.system === system).length;
    const actions = reviewedActions.flatMap((action) => {
      const count = this.review.changes.filter((one) => one.action === action).length;
      const { sign, done } = actionWords[action];
      const label = markup`<b class="${action}" aria-hidden="true">${sign}</b> ${done}`;
      return count > 0 ? button("action", action, label, count) : [];
    });
    return markup`<div class="tools" role="search" hidden>
<p class="find"><label for="search">Search</label><input id="search" type="search" autocomplete="off" spellcheck="false" aria-keyshortcuts="/" placeholder="address, type, attribute, value"><kbd aria-hidden="true">/</kbd></p>
${actions.length > 1 && markup`<div class="facets" role="group" aria-label="Only these actions">${actions}</div>`}
${systems.length > 1 && markup`<div class="facets" role="group" aria-label="Only these systems">${systems.map((system) => button("system", system, system, inSystem(system)))}</div>`}
<p class="state"><output id="found" for="search" aria-live="polite"></output><button type="button" id="unfold">Unfold all</button><button type="button" id="clear" disabled>Show all</button></p>
</div>`;
  }

  private system(system: string): Markup {
    const { changes, risks } = this.review;
    const mine = changes.map((change, index) => ({ change, id: this.ids[index] ?? "" }));
    const here = mine.filter(({ change }) => change.system === system);
    const open = ({ action }: ReviewedChange) =>
      isGrave(action) || (action === "update" && changes.length <= FEW);
    return markup`<section class="system">
<h3>${system} <small>${counted(here.length, "resource")}</small></h3>
${here.map(({ change, id }) =>
  changeHtml(change, {
    id,
    open: open(change),
    risks: risks.filter(({ address }) => address === change.address),
  }),
)}</section>
`;
  }

  private costLines({ lines }: CostChange): Filling {
    if (lines.length === 0) return undefined;
    return markup`<div class="scroll"><table>
<thead><tr><th scope="col">Resource</th><th scope="col">System</th><th scope="col">A month</th></tr></thead>
<tbody>
${lines.map(
  ({
    address,
    system,
    monthly,
  }) => markup`<tr><td>${this.link(address)}</td><td>${system}</td><td>${signed(monthly)}</td></tr>
`,
)}</tbody></table></div>
`;
  }

  /** An address, with a link where the page has the resource. */
  private link(address: string): Markup {
    const id = this.anchors.get(address);
    return id === undefined
      ? markup`<code>${address}</code>`
      : markup`<a href="${linkTo(id)}"><code>${address}</code></a>`;
  }

  private countsInOrder(): readonly (readonly [ReviewedAction, number])[] {
    return reviewedActions
      .map((action) => [action, this.review.counts[action]] as const)
      .filter(([, count]) => count > 0);
  }

  private isNothing(): boolean {
    return this.review.changes.length === 0;
  }

  /** What to say where no resource changes. */
  private verdict(): string {
    const { incomplete, outputs } = this.review;
    if (incomplete !== undefined && outputs.length === 0) return "No changes are planned.";
    if (outputs.length === 0) return "Nothing to do: what is deployed is what the configuration says.";
    return `No resource changes, only ${counted(outputs.length, "output")}.`;
  }
}

const costText = ({ before, after }: CostChange): Markup =>
  before === after
    ? markup`${money(after)} a month, as before`
    : markup`${money(before)} → ${money(after)} a month, <strong>${signed(after - before)}</strong>`;

const dollars = (amount: number): string =>
  amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const money = (amount: number): string => `${amount < 0 ? "−" : ""}$${dollars(Math.abs(amount))}`;

const signed = (amount: number): string => `${amount < 0 ? "−" : "+"}$${dollars(Math.abs(amount))}`;
