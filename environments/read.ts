import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { accessInputs, environmentInputs, sharedInputs, systemInputs, type SystemName } from "./catalogue";
import { parseEnvFile } from "./env-file";
import { isSecret, nameInFile, type Input, type InputGroup } from "./input";
import { nearest } from "./nearest";
import type { Problem } from "./problem";
import type { Reading, Setting, Settings, Source } from "./settings";
import { environmentName } from "./types";

export interface ReadOptions {
  /** Folder with the files. */
  readonly folder: string;
  /** Settings in it win over the files. */
  readonly processEnvironment: NodeJS.ProcessEnv;
  /** Whether a missing secret is a problem, or of which systems it is. */
  readonly requireSecrets: boolean | readonly SystemName[];
}

/** Names of the environments in a folder: each file `<name>.env` is one, however badly named. */
export function environmentNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => /^[^.].*\.env$/.test(file) && !/(^|\.)(shared|secrets)\.env$/.test(file))
    .map((file) => basename(file, ".env"))
    .sort();
}

/** Reads `<name>.env`, `<name>.secrets.env` and the process environment. */
export function readEnvironment(name: string, options: ReadOptions): Reading {
  const reader = new Reader(name, { ...environmentInputs, ...allSystemInputs }, options);
  const named = environmentName.schema.safeParse(name);
  if (!named.success) {
    reader.problem(undefined, {
      what: "does not name an environment",
      mend: `Name the file after ${environmentName.expects}`,
    });
  }
  const systems = reader.validate("systems", environmentInputs.systems)?.value as
    readonly SystemName[] | undefined;
  reader.read({
    ...environmentInputs,
    ...Object.assign({}, ...(systems ?? []).map((system) => systemInputs[system])),
  });
  const deptype = reader.validate("deptype", environmentInputs.deptype);
  if (deptype && named.success && deptype.value !== name) {
    reader.problem(deptype.source, {
      name: "TF_VAR_deptype",
      what: `is "${deptype.text}", but the file is for ${name}`,
      mend: `Write TF_VAR_deptype="${name}", or rename the file.`,
    });
  }
  return reader.reading();
}

/** Reads `<base>.env`, `<base>.secrets.env` and the process environment; `base` is `shared` or `<name>.shared`. */
export function readShared(base: string, options: ReadOptions): Reading {
  const inputs = { ...sharedInputs, ...accessInputs };
  const reader = new Reader(base, inputs, options);
  reader.read(inputs);
  return reader.reading();
}

const allSystemInputs: InputGroup = Object.assign({}, ...Object.values(systemInputs));

interface Given {
  readonly text: string;
  readonly source: Source;
}

class Reader {
  private readonly file: string;
  private readonly given = new Map<string, Given>();
  private readonly settings = new Map<string, Setting>();
  private readonly problems: Problem[] = [];
  private readonly warnings: Problem[] = [];
  /** Inputs whose line was reported: they are not missing besides. */
  private readonly reported = new Set<string>();
  private readonly unusable = new Set<string>();
  private unreadable = false;
  private readonly validated = new Map<string, Setting | undefined>();

  constructor(
    private readonly name: string,
    private readonly known: InputGroup,
    private readonly options: ReadOptions,
  ) {
    this.file = this.label(`${name}.env`);
    this.readFile(`${name}.env`);
    this.readFile(`${name}.secrets.env`, { optional: true });
    for (const [input, declared] of Object.entries(known)) {
      const text = options.processEnvironment[nameInFile(input, declared)];
      if (text !== undefined) this.given.set(input, { text, source: { from: "process environment" } });
    }
  }

  /** Checks every value that was given, and that the group's required inputs are there. */
  read(group: InputGroup): void {
    for (const [name, input] of Object.entries(this.known)) {
      const setting = this.validate(name, input);
      if (this.reported.has(name)) this.unusable.add(name);
      if (!Object.hasOwn(group, name)) continue;
      if (setting) this.settings.set(name, setting);
      else if (this.isMissing(name, input)) {
        const written = nameInFile(name, input);
        const where = isSecret(input) ? this.label(`${this.name}.secrets.env`) : this.file;
        const example = input.example ? ` Example: ${written}="${input.example}"` : "";
        this.problem(undefined, {
          name: written,
          what: "is missing",
          mend: `Add it to ${where}: ${input.type.expects}${example}`,
        });
        this.unusable.add(name);
      }
    }
  }

  private isMissing(name: string, input: Input): boolean {
    if (this.unreadable) return false; // that is problem enough
    const required =
      input.default === undefined && !input.optional && (!isSecret(input) || this.requiresSecret(name));
    return required && !this.given.has(name) && !this.reported.has(name);
  }

  private requiresSecret(name: string): boolean {
    const { requireSecrets } = this.options;
    if (typeof requireSecrets === "boolean") return requireSecrets;
    return requireSecrets.some((system) => Object.hasOwn(systemInputs[system], name));
  }

  /** The setting of an input, undefined where it has no value or a wrong one. A wrong one is reported once. */
  validate(name: string, input: Input): Setting | undefined {
    if (!this.validated.has(name)) this.validated.set(name, this.parse(name, input));
    return this.validated.get(name);
  }

  private parse(name: string, input: Input): Setting | undefined {
    const { text, source } = this.given.get(name) ?? {
      text: input.default,
      source: { from: "default" } as const,
    };
    if (text === undefined || (input.optional && text === "")) return undefined;
    const parsed = input.type.schema.safeParse(text);
    if (parsed.success) return { name, input, text, value: parsed.data, source };
    const what = isSecret(input)
      ? "has a value that does not do"
      : parsed.error.issues.map(({ message }) => message).join("; ");
    this.problem(source, { name: nameInFile(name, input), what, mend: `Write ${input.type.expects}` });
    this.unusable.add(name);
    return undefined;
  }

  reading(): Reading {
    const { name, file, unusable } = this;
    const settings: Settings = { name, file, unusable, settings: this.settings };
    return {
      name,
      file,
      settings: this.problems.length === 0 ? settings : undefined,
      readable: this.unreadable ? undefined : settings,
      problems: inOrder(this.problems),
      warnings: this.warnings,
    };
  }

  problem(source: Source | undefined, problem: Omit<Problem, "file" | "line">): void {
    this.problems.push({ ...(source ? placeOf(source, this.file) : { file: this.file }), ...problem });
  }

  private readFile(name: string, { optional = false } = {}): void {
    const path = join(this.options.folder, name);
    const file = this.label(name);
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" && optional) return;
      const [what, mend] = unreadable[code ?? ""] ?? ["cannot be read", `The system says ${code}.`];
      this.problems.push({ file, what, mend });
      this.unreadable = true;
      return;
    }
    const { assignments, misread, isText } = parseEnvFile(bytes);
    if (!isText) this.unreadable = true;
    for (const { name } of misread) if (name) this.reported.add(plainName(name));
    const endless = misread.find(({ endless }) => endless)?.line ?? Infinity;
    const shown = (name: string | undefined, line: number) =>
      name !== undefined && showable(name) && line <= endless ? { name } : {};
    this.problems.push(
      ...misread.map(({ name, line, what, mend }) => ({ file, line, ...shown(name, line), what, mend })),
    );
    const lines = new Map<string, number>();
    for (const { name: written, value, line } of assignments) {
      const first = lines.get(written);
      lines.set(written, first ?? line);
      const found = this.identify(written);
      if ("what" in found) {
        this.problems.push({ file, line, ...shown(written, line), ...found });
        this.reported.add(plainName(written));
      } else if (first !== undefined) {
        this.problems.push({
          file,
          line,
          name: written,
          what: `stands there twice, first on line ${first}`,
          mend: "Remove one of them.",
        });
      } else {
        this.given.set(found.name, { text: value, source: { from: "file", file, line } });
      }
    }
    const secret = [...assignments, ...misread].find(({ name }) => name && this.isSecretName(name));
    if (secret) this.guardSecret(path, file, { name: secret.name, line: secret.line });
  }

  /** The input that a name in a file means, or what is wrong with the name. */
  private identify(written: string): { name: string; input: Input } | { what: string; mend: string } {
    const plain = plainName(written);
    const input = Object.hasOwn(this.known, plain) ? this.known[plain] : undefined;
    if (input) {
      const right = nameInFile(plain, input);
      if (right === written) return { name: plain, input };
      return input.use === "application"
        ? {
            what: "is a setting of the application, which Terraform does not see",
            mend: `Write ${right} without TF_VAR_.`,
          }
        : { what: "is a Terraform input", mend: `Write ${right}.` };
    }
    if (written.startsWith("AWS_")) {
      return {
        what: "belongs to your shell, not to a file: it says who you are",
        mend: "Remove it; set it in the shell or in ~/.aws.",
      };
    }
    const names = Object.entries(this.known).map(([name, declared]) => nameInFile(name, declared));
    const near = nearest(written, names);
    return {
      what: "is no input that Landfall knows",
      mend: near ? `Did you mean ${near}?` : "Remove it; environments/env.template lists all inputs.",
    };
  }

  /** Whether a name means a secret, even if its line is wrong. */
  private isSecretName(written: string): boolean {
    const name = plainName(written);
    const input = Object.hasOwn(this.known, name) ? this.known[name] : undefined;
    return input !== undefined && isSecret(input);
  }

  /** A secret must not be in a file that git would take, and should be the owner's alone to read. */
  private guardSecret(path: string, file: string, secret: Pick<Problem, "name" | "line">): void {
    const taken = takenByGit(path);
    if (taken === undefined) {
      // Our .gitignore names the file for secrets; any other would be taken
      const isFileForSecrets = file.endsWith(".secrets.env");
      (isFileForSecrets ? this.warnings : this.problems).push({
        file,
        ...secret,
        what: "is a secret in a file, and git does not say whether it would take that",
        mend: `Find out why and mend it: git check-ignore ${file}`,
      });
    } else if (taken) {
      this.problems.push({
        file,
        ...secret,
        what: "is a secret in a file that git would take",
        mend: `Move it to ${this.label(`${this.name}.secrets.env`)}, which .gitignore names; change it if it was ever committed.`,
      });
    }
    if (statSync(path).mode & 0o077) {
      this.warnings.push({
        file,
        what: "holds secrets and can be read by others",
        mend: `chmod 600 ${file}`,
      });
    }
  }

  /** The file as messages name it: `environments/stage.env`. */
  private label(name: string): string {
    return join(basename(this.options.folder), name);
  }
}

const unreadable: Readonly<Record<string, readonly [what: string, mend: string]>> = {
  ENOENT: ["is not there", "./landfall init writes it."],
  EISDIR: ["is a folder", "A settings file is expected there."],
  EACCES: ["may not be read", "Give yourself the right to read it."],
};

/**
 * Whether a name may be shown. A line of a pasted key can look like `NAME=`, so only names in the manner of ours are.
 */
const showable = (name: string): boolean =>
  name.length <= 48 &&
  /^((TF_VAR_)?[a-z][a-z0-9]{0,15}(_[a-z0-9]{1,16})*|[A-Z]{1,16}(_[A-Z0-9]{1,16})*)$/.test(name);

const plainName = (written: string): string => written.replace(/^TF_VAR_/, "");

/**
 * Whether git takes a file, or would: also one that it tracks although a rule ignores it. Undefined where there is a
 * repository and git fails, or is missing.
 */
function takenByGit(path: string): boolean | undefined {
  const env = { ...process.env }; // eslint-disable-line no-restricted-properties -- git's own, no settings
  for (const name of ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"]) delete env[name]; // a hook's
  const { status } = spawnSync("git", ["check-ignore", "--quiet", "--", basename(path)], {
    cwd: dirname(path),
    stdio: "ignore",
    env,
  });
  if (status === 0 || status === 1) return status === 1;
  return isInRepository(dirname(path)) ? undefined : false;
}

const isInRepository = (folder: string): boolean =>
  existsSync(join(folder, ".git")) || (dirname(folder) !== folder && isInRepository(dirname(folder)));

const placeOf = (source: Source, file: string): Pick<Problem, "file" | "line"> =>
  source.from === "file"
    ? { file: source.file, line: source.line }
    : { file: source.from === "default" ? file : source.from };

/** By file in order of appearance, then by line; what has no line comes last. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  const rank = ({ file, line }: Problem) => files.indexOf(file) * 1e9 + (line ?? 1e8);
  return [...problems].sort((one, other) => rank(one) - rank(other));
}
