import { InvalidArgumentError, type Command } from "commander";
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import {
  accessInputs,
  environmentInputs,
  sharedInputs,
  systemInputs,
  type SystemName,
} from "../../environments/catalogue";
import { isSecret, type Input, type InputGroup } from "../../environments/input";
import { loadSettings } from "../../environments/load";
import { nearest } from "../../environments/nearest";
import { readEnvironment } from "../../environments/read";
import { formatReport } from "../../environments/report";
import { projectRoot } from "../../environments/root";
import {
  environmentFile,
  environmentSecretsFile,
  sharedFile,
  type Values,
} from "../../environments/template";
import { environmentName } from "../../environments/types";
import { LandfallError, UsageError } from "../../environments/errors";
import { ask, colors, progress, result } from "../output";

/** Asks the person at the terminal. */
export interface Prompt {
  ask(question: string): Promise<string>;
  /** The answer is not shown. */
  askHidden(question: string): Promise<string>;
}

export interface InitOptions {
  /** Folder with the environment files. @default `environments` of the project */
  readonly folder?: string;
  /** Values by input name, as flags gave them. */
  readonly given: Values;
  /** @default nobody can be asked: what is missing is an error */
  readonly prompt?: Prompt;
  /** Whether secrets get random values instead of being asked for. @default false */
  readonly generateSecrets?: boolean;
  readonly processEnvironment: NodeJS.ProcessEnv;
}

/** 256 bits, as the keys of HMAC-SHA256 tokens should have (RFC 7518, section 3.2). */
const SECRET_BYTES = 32;

const folderOf = (options: Pick<InitOptions, "folder">): string =>
  options.folder ?? join(projectRoot, "environments");

/**
 * Writes `shared.env`.
 * @returns the file
 * @throws {LandfallError} where it is there already
 * @throws {UsageError} where a value is missing or wrong; then nothing is written
 */
export async function initShared(options: InitOptions): Promise<string> {
  const file = join(folderOf(options), "shared.env");
  if (existsSync(file)) throw alreadyThere(file);
  const given = { ...prefixOfProfile(options), ...options.given };
  writeNew(file, sharedFile(await collect({ ...sharedInputs, ...accessInputs }, given, options.prompt)));
  return file;
}

/** The name prefix out of `AWS_PROFILE`, where none is given and it does for one. */
function prefixOfProfile({ given, processEnvironment, prompt }: InitOptions): Values {
  const { AWS_PROFILE: profile } = processEnvironment;
  if (!profile || given.name_prefix !== undefined) return {};
  const problem = problemOf(sharedInputs.name_prefix, profile);
  if (problem === undefined) return { name_prefix: profile };
  const message = `AWS_PROFILE cannot be the name prefix: ${problem}`;
  if (!prompt) throw new UsageError(message, { mend: "Give one: ./landfall init --name-prefix PREFIX" });
  progress(message);
  return {};
}

/**
 * Writes `<name>.env`, and `<name>.secrets.env` where secrets can be asked for or made up. For an environment whose
 * settings are committed it writes the secrets alone.
 * @returns the files
 * @throws {LandfallError} where there is nothing left to write, or `shared.env` is missing
 * @throws {UsageError} where a value is missing or wrong; then nothing is written
 */
export async function initEnvironment(name: string, options: InitOptions): Promise<readonly string[]> {
  const folder = folderOf(options);
  if (!environmentName.schema.safeParse(name).success) {
    throw new UsageError(`"${name}" does not name an environment. Name it with ${environmentName.expects}`);
  }
  const file = join(folder, `${name}.env`);
  const secretsFile = join(folder, `${name}.secrets.env`);
  const isThere = existsSync(file);
  if (existsSync(secretsFile)) throw alreadyThere(secretsFile);
  if (isThere && (Object.keys(options.given).length > 0 || !canFillSecrets(options)))
    throw alreadyThere(file);
  if (!["shared.env", `${name}.shared.env`].some((shared) => existsSync(join(folder, shared)))) {
    throw new LandfallError("Every environment stands on environments/shared.env, which is not there.", {
      mend: "Run ./landfall init first.",
    });
  }

  const values = isThere ? undefined : await collectEnvironment(name, options);
  const systems = values ? listed(values.systems ?? "") : carriedBy(name, options);
  const secrets = await fillSecrets(systems, options);
  if (values) writeNew(file, environmentFile(values, systems));
  if (secrets) writeNew(secretsFile, environmentSecretsFile(secrets, systems), 0o600);
  return [...(values ? [file] : []), ...(secrets ? [secretsFile] : [])];
}

/** Values for `<name>.env`; the systems come first, as they decide what else is needed. */
async function collectEnvironment(name: string, { given, prompt }: InitOptions): Promise<Values> {
  const systems =
    given.systems ?? (prompt && (await answerFor("systems", environmentInputs.systems, prompt)));
  const carried = systems === undefined ? Object.keys(systemInputs) : listed(systems);
  const inputs = { ...environmentInputs, ...inputsOf(carried) };
  return collect(inputs, { ...given, ...(systems !== undefined && { systems }), deptype: name }, prompt);
}

/** What was given, and an answer for each required input that was not. All that is wrong is told at once. */
async function collect(inputs: InputGroup, given: Values, prompt: Prompt | undefined): Promise<Values> {
  const missing = Object.entries(inputs).filter(
    ([name, input]) => isRequired(input) && given[name] === undefined,
  );
  const wrong = [
    ...Object.entries(given).flatMap(([name, text]) => whatIsWrong(inputs, name, text)),
    ...(prompt
      ? []
      : missing.map(([name, input]) => `${name} is missing. Add --set ${name}=…: ${input.type.expects}`)),
  ];
  if (wrong.length > 0) throw new UsageError(wrong.join("\n"));
  const values = { ...given };
  if (prompt) for (const [name, input] of missing) values[name] = await answerFor(name, input, prompt);
  return values;
}

function whatIsWrong(inputs: InputGroup, name: string, text: string): string[] {
  const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  if (!input) {
    const near = nearest(name, Object.keys(inputs));
    return [`${name} is no input here${near ? `; did you mean ${near}?` : "."}`];
  }
  if (isSecret(input)) {
    return [
      `${name} is a secret, and arguments can be seen by others. Leave it out: you are asked, or use --generate-secrets.`,
    ];
  }
  const problem = problemOf(input, text);
  return problem ? [`${name}: ${problem}`] : [];
}

/** Asks until the answer does. */
async function answerFor(name: string, input: Input, prompt: Prompt): Promise<string> {
  const example = input.example ? ` (such as ${input.example})` : "";
  for (;;) {
    const text = await prompt.ask(`${input.description}\n${name}${example}:`);
    const problem = problemOf(input, text);
    if (!problem) return text;
    progress(problem);
  }
}

const isRequired = (input: Input): boolean =>
  input.default === undefined && !input.optional && !isSecret(input);

function problemOf({ type }: Input, text: string): string | undefined {
  if (/[\r\0]/.test(text))
    return "holds a carriage return or a NUL byte, which a settings file cannot. Leave it out.";
  const { success, error } = type.schema.safeParse(text);
  return success
    ? undefined
    : `${error.issues.map(({ message }) => message).join("; ")}. Write ${type.expects}`;
}

/** Systems of an environment that is there. */
function carriedBy(name: string, options: InitOptions): readonly string[] {
  const reading = readEnvironment(name, {
    folder: folderOf(options),
    processEnvironment: options.processEnvironment,
    requireSecrets: false,
  });
  const systems = reading.settings?.settings.get("systems");
  if (!systems)
    throw new LandfallError(`${reading.file} has problems.`, { mend: `./landfall check ${name}` });
  return listed(systems.text);
}

const listed = (text: string): string[] => text.split(",").map((part) => part.trim());
const inputsOf = (systems: readonly string[]): InputGroup =>
  Object.assign({}, ...systems.map((system) => systemInputs[system as SystemName]));

const canFillSecrets = ({ prompt, generateSecrets }: InitOptions): boolean =>
  Boolean(prompt || generateSecrets);

/** A value for each secret that the systems cannot do without; undefined where there are none, or nobody gives them. */
async function fillSecrets(systems: readonly string[], options: InitOptions): Promise<Values | undefined> {
  const names = Object.entries(inputsOf(systems)).filter(([, input]) => isSecret(input) && !input.optional);
  if (names.length === 0 || !canFillSecrets(options)) return undefined;
  const values: Record<string, string> = {};
  for (const [name, input] of names) {
    const typed = options.generateSecrets
      ? undefined
      : await options.prompt?.askHidden(`${input.description}\n${name} (not shown; empty for a random one):`);
    values[name] = typed || randomBytes(SECRET_BYTES).toString("base64url");
  }
  return values;
}

/** Writes a file that is not there yet. Its mode holds from its first byte. */
function writeNew(path: string, text: string, mode?: number): void {
  try {
    writeFileSync(path, text, { flag: "wx", mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw alreadyThere(path);
    throw error;
  }
}

const alreadyThere = (path: string): LandfallError =>
  new LandfallError(`${relative(process.cwd(), path)} is there already.`, {
    mend: "Edit it; init never overwrites.",
  });

/** The terminal, where there is one on stdin. */
function terminal(): Prompt | undefined {
  return process.stdin.isTTY ? { ask: (question) => ask(question, { flag: "--set" }), askHidden } : undefined;
}

async function askHidden(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(`${question} `); // only now, as the terminal echoes no more
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("close", () =>
        reject(new LandfallError("Interrupted; nothing was changed.", { exitCode: 130 })),
      );
    });
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}

/** Collects `--set name=value`; the name may have its `TF_VAR_`. */
function collectSet(argument: string, previous: Values): Values {
  const [, name, value] = /^(?:TF_VAR_)?(\w+)=([^]*)$/.exec(argument) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("Write name=value.");
  return { ...previous, [name]: value };
}

interface InitFlags {
  readonly namePrefix?: string;
  readonly set: Values;
  readonly generateSecrets?: true;
}

/** Adds `init`. */
export function register(program: Command): void {
  program
    .command("init")
    .description("write environments/shared.env, or the files of one environment, from the template")
    .argument("[env]", "environment")
    .option("--name-prefix <prefix>", "first part of all account-wide names (default: AWS_PROFILE)")
    .option("--set <name=value>", "value of an input; may be repeated", collectSet, {})
    .option("--generate-secrets", "random values for secrets instead of asking")
    .action(async (name: string | undefined, { namePrefix, set, generateSecrets }: InitFlags) => {
      if (name !== undefined && namePrefix !== undefined) {
        throw new UsageError("--name-prefix belongs to shared.env: ./landfall init --name-prefix …");
      }
      const options: InitOptions = {
        given: { ...set, ...(namePrefix !== undefined && { name_prefix: namePrefix }) },
        prompt: terminal(),
        generateSecrets,
        processEnvironment: process.env,
      };
      const files = name === undefined ? [await initShared(options)] : await initEnvironment(name, options);
      for (const file of files) result(relative(process.cwd(), file));
      reportOn(name ?? "shared");
    });
}

/** Reads back what was written: only together with the other files does it show whether all fits. */
function reportOn(name: string): void {
  const { broken, warnings } = loadSettings({ only: [name], processEnvironment: process.env });
  const problems = broken.flatMap((reading) => reading.problems);
  if (problems.length + warnings.length > 0)
    progress(formatReport([...problems, ...warnings], colors(process.stderr)));
  if (problems.length > 0) process.exitCode = 1;
}
