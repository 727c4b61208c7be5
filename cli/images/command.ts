import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { LandfallError } from "../../environments/errors";
import { typed } from "../aws";
import { progress } from "../output";

/** A program to run. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Variables of the process environment that are set for it, and told with it. @default none */
  readonly variables?: Readonly<Record<string, string>>;
}

export interface RunOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Ends the program, and all that it has started. */
  readonly stop: AbortSignal;
  /** Takes each line that it prints. @default none */
  readonly onLine?: (line: string) => void;
  /** What it reads from stdin. @default nothing */
  readonly input?: string;
  /** Folder that it runs in. @default this process's */
  readonly cwd?: string;
  /** Milliseconds between the wish to stop and the end of what does not heed it. @default 5000 */
  readonly grace?: number;
}

export interface Ran {
  /** Undefined where a signal ended it. */
  readonly exitCode?: number;
  readonly stdout: string;
  /** The last lines of its stderr; of its stdout too where `onLine` takes them. */
  readonly said: string;
}

const GRACE = 5_000;
const LINES = 20;

/** The command as one would type it. */
export const asTyped = ({ program, args, variables = {} }: Command): string =>
  [
    ...Object.entries(variables).map(([name, value]) => `${name}=${typed([value])}`),
    program,
    typed(args),
  ].join(" ");

/**
 * Runs a program in a process group of its own, so that a wish to stop reaches all that it has started.
 * @throws {LandfallError} where the program is not there; the signal's reason where it is aborted before the start
 */
export async function run({ program, args, variables }: Command, options: RunOptions): Promise<Ran> {
  const { environment, stop, onLine, input, cwd, grace = GRACE } = options;
  stop.throwIfAborted();
  const child = spawn(program, args, {
    cwd,
    env: { ...environment, ...variables },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const group = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // ended meanwhile
    }
  };
  let deadline: NodeJS.Timeout | undefined;
  const end = () => {
    group("SIGINT");
    deadline = setTimeout(() => group("SIGKILL"), grace);
  };
  stop.addEventListener("abort", end);
  child.stdin.on("error", () => {}); // it may not want to read
  child.stdin.end(input);
  const stdout: string[] = [];
  const said: string[] = [];
  const listen = async (stream: NodeJS.ReadableStream, take: (line: string) => void) => {
    for await (const line of createInterface({ input: stream })) {
      take(line);
      onLine?.(line);
    }
  };
  const say = (line: string) => {
    said.push(line);
    if (said.length > LINES) said.shift();
  };
  try {
    const [, , exitCode] = await Promise.all([
      listen(child.stdout, (line) => (stdout.push(line), onLine && say(line))),
      listen(child.stderr, say),
      new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve)),
    ]);
    return { stdout: stdout.join("\n"), said: said.join("\n"), exitCode: exitCode ?? undefined };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new LandfallError(`${program} is not on PATH.`, { mend: `Install ${program}.` });
  } finally {
    clearTimeout(deadline);
    stop.removeEventListener("abort", end);
  }
}

/**
 * Runs a program that has to succeed.
 * @param tell whether the command is told first, as it could be typed. @default true
 * @returns its stdout
 * @throws {LandfallError} with its last lines where it fails
 */
export async function runWell(
  command: Command,
  options: RunOptions,
  { tell = true }: { readonly tell?: boolean } = {},
): Promise<string> {
  if (tell) progress(asTyped(command));
  const { exitCode, stdout, said } = await run(command, options);
  options.stop.throwIfAborted();
  if (exitCode === 0) return stdout;
  const end = exitCode === undefined ? "was ended by a signal" : `ended with exit code ${exitCode}`;
  const what = [command.program, command.args.find((arg) => !arg.startsWith("-"))].join(" ");
  throw new LandfallError([`${what} ${end}.`, clean(said)].filter(Boolean).join("\n"));
}

/** Without control sequences. */
// eslint-disable-next-line no-control-regex -- that is what is looked for
export const clean = (said: string): string => said.replace(/\x1b\[[0-9;?]*[A-Za-z]|[^\P{Cc}\n\t]/gu, "");
