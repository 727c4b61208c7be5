import type { AttributeChange, ReviewedChange, Risk } from "../model";
import { counted, markup, linkTo, type Filling, type Markup } from "./text";
import { pathText } from "../path";
import { allLines, changeOf } from "./value";
import { actionNotes, actionWords } from "./words";

/** How a change is shown besides what it is. */
export interface ChangeOptions {
  readonly id: string;
  readonly open: boolean;
  readonly risks: readonly Risk[];
}

/** One resource, folded. */
export function changeHtml(change: ReviewedChange, { id, open, risks }: ChangeOptions): Markup {
  const { address, action, system } = change;
  const { sign, done } = actionWords[action];
  return markup`<details class="change ${action}" id="${id}" data-action="${action}" data-system="${system}"${open && " open"}>
<summary><b aria-hidden="true">${sign}</b><code>${address}</code><span>${done}</span>${risks.length > 0 && markup`<strong>risk</strong>`}<small>${hintOf(change)}</small></summary>
<div class="body"><a class="here" href="${linkTo(id)}" aria-label="Link to ${address}">link</a>${risks.map(({ what }) => markup`<p class="warns">${what}</p>`)}${notesOf(change)}${attributesOf(change)}</div>
</details>
`;
}

/** Names that a line has room for. */
const HINTS = 4;

/** What changes, beside the address: what forces a replacement, or what is updated. */
function hintOf({ action, attributes }: ReviewedChange): string {
  const telling = attributes.filter(({ replaces }) => action === "update" || replaces);
  const names = [...new Set(telling.map(({ path }) => String(path[0] ?? "")))];
  const more = names.length > HINTS ? `, ${names.length - HINTS} more` : "";
  return names.slice(0, HINTS).join(", ") + more;
}

function notesOf({ action, reason, previousAddress, importId }: ReviewedChange): Filling {
  return [
    actionNotes[action] !== undefined && markup`<p class="quiet">${actionNotes[action]}</p>`,
    reason !== undefined && markup`<p><span class="quiet">Why:</span> ${reason}</p>`,
    previousAddress !== undefined && markup`<p>Moved from <code>${previousAddress}</code></p>`,
    importId !== undefined && markup`<p>Imported by id <code>${importId}</code></p>`,
  ];
}

/** What is new and not known yet is told by its name in one line. */
const isOnlyUnknown = ({ before, after }: AttributeChange): boolean =>
  before.kind === "absent" && after.kind === "unknown" && !after.from && after.configured === undefined;

function attributesOf({ action, attributes, documents = [] }: ReviewedChange): Markup {
  if (attributes.length === 0) return markup`<p class="quiet">No attribute changes.</p>`;
  const told = attributes.filter((one) => !isOnlyUnknown(one) || one.replaces);
  const unknown = attributes.filter((one) => !told.includes(one)).map(({ path }) => pathText(path));
  return markup`<dl>${[...told.filter(({ replaces }) => replaces), ...told.filter(({ replaces }) => !replaces)].map(rowOf)}${
    unknown.length > 0 &&
    markup`<div><dt>${action === "create" && told.length > 0 && "and "}${counted(unknown.length, "attribute")}</dt><dd><em>(known after apply)</em> ${unknown.join(", ")}</dd></div>`
  }${documents.map(({ path, lines }) => markup`<div><dt>${breakable(pathText(path))}</dt><dd>${allLines(lines, "All of it")}</dd></div>`)}</dl>`;
}

/** A path that a narrow column breaks after a dot rather than in a word. */
const breakable = (path: string): Filling =>
  path.split(/(?<=[.\]])(?=.)/).map((part, index) => [index > 0 && markup`<wbr>`, part]);

const rowOf = (attribute: AttributeChange): Markup =>
  markup`<div><dt>${breakable(pathText(attribute.path))}</dt><dd>${changeOf(attribute)}${attribute.replaces && markup` <strong>forces replacement</strong>`}</dd></div>`;
