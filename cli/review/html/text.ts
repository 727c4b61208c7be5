/** Markup that is safe to put into a page as it is. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What a template may be filled with. Text is escaped; nothing comes of `undefined` and `false`. */
export type Filling = Markup | string | number | undefined | false | readonly Filling[];

/** A template of markup: whatever is filled in is escaped, but for markup of another template. */
export const markup = (parts: TemplateStringsArray, ...fillings: readonly Filling[]): Markup =>
  new Markup(parts.map((part, index) => part + filled(fillings[index])).join(""));

function filled(filling: Filling): string {
  if (filling === undefined || filling === false) return "";
  if (filling instanceof Markup) return filling.text;
  if (typeof filling === "object") return filling.map(filled).join("");
  return escaped(String(filling));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for an element or a quoted attribute; see {@link visible}. */
export const escaped = (text: string): string =>
  visible(text).replace(/[&<>"']/g, (character) => entities[character] ?? "");

/** Characters that show nothing, or turn the direction of what follows: a value could be made to look like another. */
const hidden =
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** A text with hidden characters told by their number, such as `\u{202e}`. */
export const visible = (text: string): string =>
  text.replace(hidden, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);

/** An address as an id of the page. It cannot meet one of the page's own, which have no dot. */
export function idOf(address: string): string {
  const id = visible(address).replace(/\s/g, "_");
  return id.includes(".") ? id : `resource.${id}`;
}

/** A link within the page to an {@link idOf}. */
export const linkTo = (id: string): string => `#${encodeURIComponent(id)}`;

/** Such as `1 change` and `2 changes`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
