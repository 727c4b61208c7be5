/** A line `NAME="value"` of a settings file. */
export interface Assignment {
  readonly name: string;
  readonly value: string;
  /** Line of the name, from 1. */
  readonly line: number;
}

/** A line that cannot be read. Its content is not told: it may be a secret. */
export interface Misread {
  readonly line: number;
  /** The name, where the line has one. */
  readonly name?: string;
  readonly what: string;
  readonly mend: string;
  /** Whether it opens a quote that never ends: what follows may be its value. */
  readonly endless?: true;
}

export interface ParsedFile {
  readonly assignments: readonly Assignment[];
  readonly misread: readonly Misread[];
  /** False where the file as a whole cannot be a settings file, so that nothing is known of its lines. */
  readonly isText: boolean;
}

/** Enough for any key; a larger file is not a settings file. */
const MAX_BYTES = 1024 * 1024;

const start = /[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=/y;
const idleLine = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y;
/** A shell takes `#` for a comment only behind a blank. */
const lineEnd = /(?:[ \t]+#[^\n]*|[ \t]*)(?:\n|$)/y;
const bare = /[^\s"'\\;&|<>()]*/y;
const restOfLine = /[^\n]*/y;

/**
 * Reads a settings file. The rules are the shell's quoting without expansion, so a file may also be sourced:
 * `[export ]NAME=value`, comments with `#`; single quotes take all literally; double quotes know `\"`, `\\`, `\$`,
 * `` \` `` and a backslash before a line's end, and may hold `$` as it is; both span lines. No library was found that
 * keeps line numbers and reports what it cannot read.
 */
export function parseEnvFile(bytes: Buffer): ParsedFile {
  const whole = (what: string, mend: string): ParsedFile => ({
    assignments: [],
    misread: [{ line: 1, what, mend }],
    isText: false,
  });
  if (bytes.length > MAX_BYTES)
    return whole("is larger than 1 MiB", "A settings file is a few lines; is this another file?");
  let decoded: string;
  try {
    decoded = new TextDecoder("utf-8", { fatal: true }).decode(bytes); // drops a byte order mark
  } catch {
    return whole("is not UTF-8 text", "Save it as UTF-8.");
  }
  if (decoded.includes("\0")) return whole("holds a NUL byte", "Save it as text.");
  return new Parser(decoded.replace(/\r\n/g, "\n")).parse();
}

class Parser {
  private position = 0;
  private line = 1;
  private readonly assignments: Assignment[] = [];
  private readonly misread: Misread[] = [];

  constructor(private readonly text: string) {}

  parse(): ParsedFile {
    while (this.position < this.text.length) {
      if (this.take(idleLine)) continue;
      const name = this.take(start)?.[1];
      if (name === undefined) this.misreadLine();
      else this.value(name);
    }
    return { assignments: this.assignments, misread: this.misread, isText: true };
  }

  private value(name: string): void {
    const { line } = this;
    const quote = this.text[this.position];
    const isQuoted = quote === '"' || quote === "'";
    const value = isQuoted ? this.quoted(quote) : this.take(bare)?.[0];
    if (value === undefined) {
      this.misreadLine(
        "has a quote that never ends",
        'Close it, or put the value in double quotes and write \\" where a quote is meant.',
        name,
        this.line,
        true,
      );
    } else if (this.take(lineEnd)) {
      this.assignments.push({ name, value, line });
    } else if (isQuoted) {
      const end = this.line === line ? "" : ` on line ${this.line}`;
      this.misreadLine(
        `has something after its closing quote${end}`,
        "Close the quote at the value's end, or write \\\" inside.",
        name,
        line,
      );
    } else {
      this.misreadLine(
        "has blanks, quotes, backslashes or one of ; & | < > ( ) outside quotes",
        "Put the whole value in double quotes.",
        name,
      );
    }
  }

  /** The text up to the closing quote, with the position behind it; undefined where there is none. */
  private quoted(quote: '"' | "'"): string | undefined {
    const pattern = quote === '"' ? /"((?:[^"\\]|\\[^])*)"/y : /'([^']*)'/y;
    const inner = this.take(pattern)?.[1];
    if (inner === undefined || quote === "'") return inner;
    return inner.replace(/\\([^])/g, (pair: string, next: string) => {
      if (next === "\n") return "";
      return '"\\$`'.includes(next) ? next : pair;
    });
  }

  private misreadLine(
    what = 'is no line NAME="value"',
    mend = "Write a name, = without blanks round it, and a value; a value of several lines needs quotes.",
    name?: string,
    line = this.line,
    endless = false,
  ): void {
    this.misread.push({ line, name, what, mend, ...(endless && { endless }) });
    this.take(restOfLine);
  }

  /** Matches here, moves on and counts lines. */
  private take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (!match) return undefined;
    this.position = pattern.lastIndex;
    for (const character of match[0]) if (character === "\n") this.line += 1;
    return match;
  }
}

/**
 * Writes a settings file that {@link parseEnvFile} and a shell both read back the same.
 * @throws where a name is none, or a value holds a carriage return or NUL: neither can be written
 */
export function formatEnvFile(assignments: readonly Pick<Assignment, "name" | "value">[]): string {
  return assignments.map(({ name, value }) => formatAssignment(name, value)).join("");
}

export function formatAssignment(name: string, value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    throw new Error(`${JSON.stringify(name)} is no name for a setting`);
  if (/[\r\0]/.test(value)) throw new Error(`the value of ${name} holds a carriage return or a NUL byte`);
  return `${name}="${value.replace(/["\\$`]/g, "\\$&")}"\n`;
}
