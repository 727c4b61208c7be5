/** A part of a text as the configuration has it: plain text, or an expression without its `${` and `}`. */
export type TemplatePart = { readonly plain: string } | { readonly expression: string };

/** Stand around an expression in a text whose `${` mean themselves. They are no characters of any script. */
const [start, end] = ["\ue000", "\ue001"];
const marked = new RegExp(`${start}([^${end}]*)${end}`, "g");

/** Whether a text has an expression in it, {@link templateJson} or {@link templateText}. */
export const isTemplate = (text: string): boolean => text.includes(start);

/** Whether a text is the name of something else and nothing more. It is no secret, whatever it stands for. */
export const isReference = (text: string): boolean =>
  /^\$\{[A-Za-z_][\w-]*(?:\.[\w-]+|\[(?:"[^"]*"|\d+)\])+\}$/.test(written(text));

/** The text with its expressions as `${...}` again. */
export const written = (text: string): string => text.replace(marked, "${$1}");

/** Expressions of a text. */
export const expressionsOf = (text: string): string[] =>
  [...text.matchAll(marked)].map(([, expression = ""]) => expression);

/** The text with values for those expressions that `valueOf` knows. */
export const filled = (text: string, valueOf: (expression: string) => string | undefined): string =>
  text.replace(marked, (mark, expression: string) => valueOf(expression) ?? mark);

const mark = (expression: string): string =>
  start + expression.replaceAll(start, "").replaceAll(end, "") + end;
const unmarked = (text: string): string => text.replaceAll(start, "").replaceAll(end, "");

/** A text of the configuration with its expressions marked. */
export const templateText = (text: string): string =>
  partsOf(text)
    .map((part) => ("plain" in part ? unmarked(part.plain) : mark(part.expression)))
    .join("");

/** What a text of the configuration is as JSON, with marked expressions in its texts; undefined where it is none. */
export function templateJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  let inText = false;
  const json = partsOf(text).map((part) => {
    if ("plain" in part) {
      for (const [quote] of part.plain.matchAll(/\\.|"/gs)) if (quote === '"') inText = !inText;
      return unmarked(part.plain);
    }
    const quoted = JSON.stringify(mark(part.expression));
    return inText ? quoted.slice(1, -1) : quoted;
  });
  try {
    return JSON.parse(json.join("")) as unknown;
  } catch {
    return undefined;
  }
}

/** A constant of the configuration with its expressions marked, and what is JSON as such. */
export function templateValue(constant: unknown): unknown {
  if (typeof constant === "string") return templateJson(constant) ?? templateText(constant);
  if (Array.isArray(constant)) return constant.map(templateValue);
  if (typeof constant !== "object" || constant === null) return constant;
  return Object.fromEntries(Object.entries(constant).map(([name, part]) => [name, templateValue(part)]));
}

/** A value with each of its texts as told. */
export const mapTexts = (value: unknown, map: (text: string) => string): unknown => {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((entry) => mapTexts(entry, map));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, mapTexts(part, map)]));
};

/** https://developer.hashicorp.com/terraform/language/expressions/strings#string-templates */
function partsOf(text: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let from = 0;
  for (;;) {
    const at = indexOfSign(text, from);
    if (at < 0) return [...parts, { plain: text.slice(from) }];
    parts.push({ plain: text.slice(from, at) });
    if (text[at + 1] === text[at]) {
      parts.push({ plain: text.slice(at + 1, at + 3) }); // `$${` is `${`
      from = at + 3;
      continue;
    }
    const close = closingOf(text, at + 2);
    parts.push({ expression: text.slice(at + 2, close) });
    from = close + 1;
  }
}

function indexOfSign(text: string, from: number): number {
  const at = text.slice(from).search(/\$?\$\{|%?%\{/);
  return at < 0 ? -1 : from + at;
}

/** The brace that ends an expression, past those in it and in its texts. */
function closingOf(text: string, from: number): number {
  let depth = 0;
  let inText = false;
  for (let at = from; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === "\\" && inText) at += 1;
    else if (sign === '"') inText = !inText;
    else if (!inText && sign === "{") depth += 1;
    else if (!inText && sign === "}") {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  return text.length;
}
