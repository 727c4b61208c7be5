/**
 * What Docker Compose makes of an env file: the rules of compose-go's dotenv package (v2.4.9), of which it holds those
 * for what can stand in a file of ours: quotes, the backslash before them, escapes and `$` in double quotes.
 */
export function composeEnv(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  let rest = text;
  while (rest.trim() !== "") {
    const [head = "", name = ""] = /^\s*(?:export\s+)?([A-Za-z0-9_.]+)=/.exec(rest) ?? [];
    if (name === "") throw new Error(`no name at ${rest}`);
    rest = rest.slice(head.length);
    const quote = rest[0];
    if (quote !== '"' && quote !== "'") {
      const [line = ""] = rest.split("\n");
      rest = rest.slice(line.length + 1);
      values[name] = interpolated((line.split(" #")[0] ?? "").trimEnd(), values);
      continue;
    }
    let value = "";
    let escaped = false;
    let at = 1;
    for (; at < rest.length; at += 1) {
      const char = rest[at] ?? "";
      if (char === quote) {
        if (!escaped) break;
        escaped = false;
        value += char;
      } else if (!escaped && char === "\\") escaped = true;
      else {
        value += escaped ? `\\${char}` : char;
        escaped = false;
      }
    }
    if (at === rest.length) throw new Error(`the value of ${name} has no end`);
    rest = rest.slice(at + 1);
    values[name] =
      quote === "'" ? value : interpolated(value.replace(/\\([abcfnrtv$"\\])/g, unescaped), values);
  }
  return values;
}
const unescaped = (_: string, char: string): string =>
  ({ $: "$$", n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b", f: "\f", v: "\v", c: "" })[char] ?? char;
const interpolated = (value: string, values: Record<string, string>): string =>
  value.replace(/\$(?:(\$)|\{(\w+)\}|(\w+))/g, (_, dollar?: string, braced?: string, plain?: string) =>
    dollar ? "$" : (values[braced ?? plain ?? ""] ?? ""),
  );
