import picocolors from "picocolors";
import { createInterface } from "node:readline/promises";
import { LandfallError, UsageError } from "../environments/errors";

type Output = typeof process.stdout | typeof process.stderr;

/** Whether that stream takes colours: a terminal, and `NO_COLOR` unset or empty. */
export const takesColors = (stream: Output): boolean => stream.isTTY && !process.env.NO_COLOR;

/** Colours for that stream; plain text where it takes none. */
export const colors = (stream: Output): ReturnType<typeof picocolors.createColors> =>
  picocolors.createColors(takesColors(stream));

const withNewline = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`);

let liveLines: { clear(): void } | undefined;

/** Names the live lines at the end of stderr: they are cleared before anything is told, and draw themselves anew. */
export function setLiveLines(lines: { clear(): void } | undefined): void {
  liveLines = lines;
}

/** Tells what goes on: stderr. */
export function progress(text: string): void {
  liveLines?.clear();
  process.stderr.write(withNewline(text));
}

/** What the command was called for: stdout. */
export function result(text: string): void {
  process.stdout.write(withNewline(text));
}

/** Rows of cells as text, with columns of equal width; the last one is as long as it is. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The result for other programs: stdout. */
export function resultJson(value: unknown): void {
  result(JSON.stringify(value, null, 2));
}

/**
 * Asks a question and returns the answer, trimmed.
 * @throws {UsageError} where nobody can answer; `flag` is what to give instead
 */
export async function ask(question: string, { flag }: { readonly flag: string }): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UsageError(`There is no terminal to ask on: ${question}`, {
      mend: `Give ${flag} to answer in advance.`,
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const stop = new AbortController();
  const interrupted = () => stop.abort();
  terminal.on("SIGINT", interrupted).on("close", interrupted); // Ctrl-C, Ctrl-D
  try {
    return (await terminal.question(`${question} `, { signal: stop.signal })).trim();
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    throw new LandfallError("Interrupted; nothing was changed.", { exitCode: 130 });
  } finally {
    terminal.off("close", interrupted).close();
  }
}

/**
 * Goes on where the user says yes.
 * @throws {LandfallError} where not; {@link UsageError} where nobody can answer
 */
export async function confirm(question: string, { yes }: { readonly yes?: boolean }): Promise<void> {
  if (yes) return;
  const answer = await ask(`${question} [y/N]`, { flag: "--yes" });
  if (!/^y(es)?$/i.test(answer)) throw new LandfallError("Not confirmed; nothing was changed.");
}

/**
 * Goes on where the user types the name; `given` is what `--confirm` says.
 * @throws {LandfallError} where it is another; {@link UsageError} where nobody can answer
 */
export async function confirmByName(
  question: string,
  name: string,
  { given }: { readonly given?: string },
): Promise<void> {
  const answer = given ?? (await ask(`${question} Type ${name} to go on:`, { flag: `--confirm ${name}` }));
  if (answer !== name) throw new LandfallError(`That is not ${name}; nothing was changed.`);
}
