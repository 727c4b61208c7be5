import fc from "fast-check";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setAssignment, withAssignment } from "../../environments/edit";
import { formatEnvFile, parseEnvFile } from "../../environments/env-file";
import { LandfallError } from "../../environments/errors";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "landfall-edit-"));
  file = join(folder, "stage.env");
});
afterEach(() => rmSync(folder, { recursive: true }));

const edited = (text: string, value = "new", name = "image"): string | undefined =>
  withAssignment(Buffer.from(text), name, value, "stage.env")?.toString("utf8");

test.each([
  ["in double quotes", 'image="old"\n', 'image="new"\n'],
  ["in single quotes", "image='old'\n", 'image="new"\n'],
  ["bare", "image=old\n", 'image="new"\n'],
  ["empty", "image=\n", 'image="new"\n'],
  ["of several lines", 'image="one\ntwo"\nb=1\n', 'image="new"\nb=1\n'],
  ["with a comment behind it", 'image="old" # of May\n', 'image="new" # of May\n'],
  ["behind export and blanks", '  export image="old"\n', '  export image="new"\n'],
  ["at the end, without a line end", 'a=1\nimage="old"', 'a=1\nimage="new"'],
  ["with lines that end as on Windows", 'a=1\r\nimage="old"\r\nb=2\r\n', 'a=1\r\nimage="new"\r\nb=2\r\n'],
  ["behind a byte order mark", '\uFEFFimage="old"\n', '\uFEFFimage="new"\n'],
  ["below a comment with its name", '# image="x"\nimage="old"\n', '# image="x"\nimage="new"\n'],
  [
    "below a value that holds such a line",
    "a='\nimage=\"x\"\n'\nimage=old\n",
    'a=\'\nimage="x"\n\'\nimage="new"\n',
  ],
  [
    "beside a longer name",
    'my_image="x"\nimage_2="y"\nimage="old"\n',
    'my_image="x"\nimage_2="y"\nimage="new"\n',
  ],
  ["with escapes", 'image="a\\"b"\nc="d"\n', 'image="new"\nc="d"\n'],
])("a value %s is replaced, and nothing else", (_, before, after) => {
  expect(edited(before)).toBe(after);
});

test.each([
  ["to a file", 'a="1"\n# end\n', 'a="1"\n# end\nimage="new"\n'],
  ["to a file whose last line does not end", "a=1", 'a=1\nimage="new"\n'],
  ["to a file whose last line is a comment", "# image", '# image\nimage="new"\n'],
  ["to a file from Windows", "a=1\r\nb=2", 'a=1\r\nb=2\r\nimage="new"\r\n'],
  ["to an empty file", "", 'image="new"\n'],
])("a line is added %s that has none", (_, before, after) => {
  expect(edited(before)).toBe(after);
});

test("nothing is written where the value is there already", () => {
  writeFileSync(file, "image='new' # as it is\n");
  const before = statSync(file);
  expect(setAssignment(file, "image", "new")).toBe(false);
  expect(statSync(file)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
});

test.each([
  ["has the name twice", "image=1\nimage=2\n", /image stands there 2 times/],
  ["has a line that cannot be read", "image=1\nwhat is this\n", /line 2 is no line NAME="value"/],
  ["has a quote that never ends", 'a="1\n', /line 1 has a quote that never ends/],
  ["is no text", Buffer.from([0xff, 0xfe, 0x00]), /not UTF-8/],
])("a file that %s is left as it is", (_, content, message) => {
  writeFileSync(file, content);
  expect(() => setAssignment(file, "image", "new")).toThrow(message);
  expect(() => setAssignment(file, "image", "new")).toThrow(LandfallError);
  expect(readFileSync(file)).toEqual(Buffer.from(content));
  expect(readdirSync(folder)).toEqual(["stage.env"]);
});

test("a secret on a bad line is not told", () => {
  writeFileSync(file, "hunter2 is my password\n");
  expect(() => setAssignment(file, "image", "new")).toThrow(/^(?!.*hunter2)/s);
});

test("mode and link stay, and nothing is left beside the file", () => {
  const target = join(folder, "real.env");
  writeFileSync(target, "image=old\n");
  chmodSync(target, 0o640);
  symlinkSync("real.env", file);
  expect(setAssignment(file, "image", "new")).toBe(true);
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  expect(readFileSync(target, "utf8")).toBe('image="new"\n');
  expect(statSync(target).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder).sort()).toEqual(["real.env", "stage.env"]);
});

test("a file that cannot be replaced stays, and nothing is left beside it", () => {
  const sub = join(folder, "sub");
  mkdirSync(sub);
  expect(() => setAssignment(join(sub, "none.env"), "image", "new")).toThrow(/ENOENT/);
  expect(readdirSync(sub)).toEqual([]);
});

test("whatever the values are, only the one changes", () => {
  const name = fc.constantFrom("a", "b", "c", "image");
  const value = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\0]/.test(text));
  const pairs = fc.uniqueArray(fc.record({ name, value }), { selector: (pair) => pair.name });
  fc.assert(
    fc.property(pairs, value, (before, wanted) => {
      const after = edited(formatEnvFile(before), wanted) ?? formatEnvFile(before);
      const read = parseEnvFile(Buffer.from(after)).assignments;
      const others = (list: readonly { name: string; value: string }[]) =>
        list.filter((each) => each.name !== "image").map((each) => [each.name, each.value]);
      expect(others(read)).toEqual(others(before));
      expect(read.filter((each) => each.name === "image").map((each) => each.value)).toEqual([wanted]);
    }),
  );
});
