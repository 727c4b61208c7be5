import { randomUUID } from "node:crypto";
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { formatAssignment, parseEnvFile, type Assignment } from "./env-file";
import { LandfallError } from "./errors";

/**
 * Sets one assignment of a settings file: every other byte, comments and order stay, and the file is replaced in one step
 * with its mode. Where the name is not there, a line is added at the end.
 * @param name as the file writes it, such as `TF_VAR_viewer_atlas_vod_image`
 * @returns whether the file was written: it is not where it says that already
 * @throws {LandfallError} where the file cannot be read, or would not read back as intended; it is left as it is
 */
export function setAssignment(file: string, name: string, value: string): boolean {
  const path = realpathSync(file); // a link stays one
  const before = readFileSync(path);
  const after = withAssignment(before, name, value, file);
  if (after === undefined) return false;
  replace(path, after);
  return true;
}

/**
 * The bytes of a settings file with one assignment set; undefined where it says that already.
 * @param file for messages
 * @throws {LandfallError} as {@link setAssignment}
 */
export function withAssignment(
  before: Buffer,
  name: string,
  value: string,
  file: string,
): Buffer | undefined {
  const assignments = parsed(before, file);
  const existing = assignments.filter((assignment) => assignment.name === name);
  if (existing.length > 1)
    throw refused(file, `${name} stands there ${existing.length} times`, "Remove all but one of them.");
  const [old] = existing;
  if (old?.value === value) return undefined;
  const text = before.toString("utf8");
  const written = formatAssignment(name, value).slice(name.length + 1, -1);
  const after = Buffer.from(old ? replaced(text, old, written) : added(text, `${name}=${written}`));

  const wanted = old
    ? assignments.map((assignment) => (assignment === old ? { name, value } : assignment))
    : [...assignments, { name, value }];
  if (!same(parsed(after, file), wanted))
    throw refused(
      file,
      `${name} could not be set without changing something else`,
      `Write it by hand: ${name}=${written}`,
    );
  return after;
}

function parsed(bytes: Buffer, file: string): readonly Assignment[] {
  const { assignments, misread } = parseEnvFile(bytes);
  const [wrong] = misread;
  if (wrong) throw refused(file, `line ${wrong.line} ${wrong.what}`, wrong.mend);
  return assignments;
}

const refused = (file: string, what: string, mend: string) =>
  new LandfallError(`${file} was left as it is: ${what}.`, { mend });

type Pair = Pick<Assignment, "name" | "value">;
const same = (some: readonly Pair[], others: readonly Pair[]): boolean =>
  some.length === others.length &&
  some.every(({ name, value }, index) => name === others[index]?.name && value === others[index].value);

/** A value as the file has it: what the parser takes for one. */
const valueAt = /"(?:[^"\\]|\\[^])*"|'[^']*'|[^\s"'\\;&|<>()]*/y;

function replaced(text: string, { name, line }: Assignment, written: string): string {
  let start = 0;
  for (let at = 1; at < line; at += 1) start = text.indexOf("\n", start) + 1;
  valueAt.lastIndex = text.indexOf(`${name}=`, start) + name.length + 1;
  const [old = ""] = valueAt.exec(text) ?? [];
  const from = valueAt.lastIndex - old.length;
  return text.slice(0, from) + written + text.slice(from + old.length);
}

function added(text: string, line: string): string {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const gap = text === "" || text.endsWith("\n") ? "" : newline;
  return text + gap + line + newline;
}

/** The name begins with a dot, so that nobody takes it for an environment. */
function replace(path: string, bytes: Buffer): void {
  const { mode, uid, gid } = statSync(path);
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  const descriptor = openSync(temporary, "wx", 0o600);
  try {
    try {
      writeSync(descriptor, bytes);
      fchmodSync(descriptor, mode & 0o7777);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (process.getuid?.() === 0) chownSync(temporary, uid, gid); // with sudo it stays its owner's
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
