import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatEnvFile, parseEnvFile } from "../../environments/env-file";
import { anyCharacter } from "../support/any-character";
import { temporaryFolder } from "../support/folders";

const parse = (text: string) => parseEnvFile(Buffer.from(text));
const valuesOf = (text: string) =>
  Object.fromEntries(parse(text).assignments.map(({ name, value }) => [name, value]));

describe("what is read", () => {
  it.each([
    ["a plain value", "a=b", { a: "b" }],
    ["an empty value", 'a=\nb=""', { a: "", b: "" }],
    ["export and indentation", '  export a="b"', { a: "b" }],
    ["comments", '# one\na=b # two\n\n  # three\nc="d" # four', { a: "b", c: "d" }],
    ["a hash inside a value", 'a=b#c\nd="e # f"', { a: "b#c", d: "e # f" }],
    ["a hash that begins a value", "a=#ffffff", { a: "#ffffff" }],
    ["a comment with a Unicode line separator", "# one\u2028two\na=b # three\u2028four", { a: "b" }],
    ["an equals sign inside a value", "a=b=c", { a: "b=c" }],
    [
      "double quotes with their four escapes",
      ['a="', '\\"', "\\\\", "\\$", "\\`", '\\n"'].join(""),
      { a: '"\\$`\\n' },
    ],
    ["single quotes, literally", String.raw`a='\n "$b"'`, { a: String.raw`\n "$b"` }],
    ["dollar signs and Terraform templates as they are", 'a="$b ${c} %{d}"', { a: "$b ${c} %{d}" }],
    ["several lines", "a=\"b\nc\"\nd='e\nf'", { a: "b\nc", d: "e\nf" }],
    ["a line that goes on", 'a="b\\\nc"', { a: "bc" }],
    ["CRLF", 'a="b"\r\nc=d\r\n', { a: "b", c: "d" }],
    ["a byte order mark", "\uFEFFa=b", { a: "b" }],
    ["a name that objects have already", '__proto__="b"', Object.fromEntries([["__proto__", "b"]])],
  ])("%s", (_, text, values) => {
    expect(parse(text).misread).toEqual([]);
    expect(valuesOf(text)).toEqual(values);
  });

  it("knows the line of each name", () => {
    expect(parse('a="b\nc"\n\n# d\ne=f').assignments.map(({ line }) => line)).toEqual([1, 5]);
  });
});

describe("what cannot be read", () => {
  it.each([
    ["a quote that never ends, at its opening line", 'a=b\nc="d\ne=f', [2], ["a", "e"]],
    ["text after the closing quote", 'a="b"c\nd=e', [1], ["d"]],
    ["a hash right behind the closing quote", 'a="b"#c\nd=e', [1], ["d"]],
    ["what ends a command in a shell", "a=b;c\nd=e&f\ng=h", [1, 2], ["g"]],
    ["blanks round the equals sign", "a = b\nc=d", [1], ["c"]],
    ["a blank after the equals sign", "a= b\nc=d", [1], ["c"]],
    ["blanks in a bare value", "a=b c", [1], []],
    ["no equals sign", "hello\na=b", [1], ["a"]],
    ["a name that begins with a digit", "1a=b", [1], []],
    ["every bad line, not the first alone", 'x y\na=b\n"c"\nd e', [1, 3, 4], ["a"]],
  ])("%s", (_, text, lines, names) => {
    expect(parse(text).misread.map(({ line }) => line)).toEqual(lines);
    expect(parse(text).assignments.map(({ name }) => name)).toEqual(names);
  });

  it.each([
    ["NUL", Buffer.from("a=b\0")],
    ["not UTF-8", Buffer.from([0x61, 0x3d, 0xff, 0xfe])],
    ["huge", Buffer.alloc(1024 * 1024 + 1, "a")],
  ])("a file that is %s, as a whole", (_, bytes) => {
    expect(parseEnvFile(bytes)).toMatchObject({ assignments: [], misread: [{ line: 1 }] });
  });
});

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/);
const value = fc
  .string({ unit: anyCharacter })
  .filter((text) => !/[\r\0]/.test(text) && !/\p{Cs}/u.test(text));

describe("properties", () => {
  it("whatever is written is read back the same", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ name, value })), (assignments) => {
        const { assignments: read, misread } = parse(formatEnvFile(assignments));
        expect(misread).toEqual([]);
        expect(read.map(({ name, value }) => ({ name, value }))).toEqual(assignments);
      }),
    );
  });

  it("a shell that sources the file reads the same", () => {
    const values = fc.sample(value, { numRuns: 100, seed: 7 });
    const file = join(temporaryFolder(), "sourced.env");
    writeFileSync(file, formatEnvFile(values.map((value, index) => ({ name: `v${index}`, value }))));
    const print = values.map((_, index) => `printf '%s\\0' "$v${index}"`).join("; ");
    const { stdout } = spawnSync("bash", ["--norc", "-c", `. "$1"; ${print}`, "bash", file], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" },
    });
    expect(stdout.split("\0").slice(0, -1)).toEqual(values);
  });

  it("a bare value that is accepted is the one that a shell reads", () => {
    const piece = fc.constantFrom(
      "b",
      "#",
      " ",
      "\t",
      '"',
      "'",
      "\\",
      ";",
      "&",
      "|",
      "(",
      ")",
      "<",
      ">",
      "=",
      "é",
    );
    const texts = fc
      .sample(fc.array(piece, { maxLength: 5 }), { numRuns: 600, seed: 7 })
      .map((parts) => `a=${parts.join("")}`)
      .filter((text) => parse(text).misread.length === 0);
    expect(texts.length).toBeGreaterThan(50);
    const script = 'for text; do (set -e; . <(printf "%s\\n" "$text"); printf "%s\\0" "$a"); done';
    const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script, "bash", ...texts], {
      encoding: "utf8",
      cwd: temporaryFolder(), // what a broken reader accepts may write files
      env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" },
    });
    expect(stderr).toBe("");
    expect(stdout.split("\0").slice(0, -1)).toEqual(texts.map((text) => valuesOf(text).a));
  });

  it.each([
    ["blanks", `a=${" ".repeat(60_000)}b`],
    ["hashes", `a=${" #".repeat(500_000)}`],
    ["backslashes", `a="${"\\a".repeat(500_000)}`],
    ["single quotes", "a='\n\"".repeat(200_000)],
  ])("a megabyte of %s takes no more than a moment", (_, text) => {
    const begin = performance.now();
    parse(text);
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  it("no input makes it throw, and every line is read or reported", () => {
    const fragment = fc.constantFrom(
      'a="',
      '"',
      "'",
      "\\",
      "\n",
      "=",
      "#",
      " ",
      "export ",
      "b",
      "$",
      "`",
      "\r\n",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.array(fragment).map((parts) => Buffer.from(parts.join(""))),
        ),
        (bytes) => {
          const { assignments, misread } = parseEnvFile(Buffer.from(bytes));
          for (const { line } of [...assignments, ...misread]) expect(line).toBeGreaterThan(0);
        },
      ),
    );
  });
});
