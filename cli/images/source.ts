import {
  chmodSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { projectRoot } from "../../environments/root";
import { LandfallError } from "../../environments/errors";
import type { ImageSource } from "../../workloads/images";
import { underLock } from "../lock";
import { progress } from "../output";
import { run, runWell, type RunOptions } from "./command";

/** Where a system's images are built from, as the settings say. */
export interface SourceSettings {
  readonly system: string;
  /** Names of the inputs, for messages. */
  readonly inputs: Pick<ImageSource, "source" | "gitRef">;
  /** A folder, relative to the project's, or a git repository's URL. */
  readonly location: string;
  /** Branch, tag or commit of a repository; a folder is taken as it is. */
  readonly ref: string;
}

/** A state of the source that images can be built from. */
export interface Revision {
  /** 40 hexadecimal digits. */
  readonly commit: string;
  /** Whether there is more, or other, than the commit has. */
  readonly dirty: boolean;
  /** What images are tagged with: 12 digits of the commit, and of the content where that is another. */
  readonly tag: string;
  /** When the commit was made, in seconds. */
  readonly time: number;
  /**
   * Writes the files into an empty folder: those that git has or would take, so that nothing gets into an image by
   * chance; their times are the commit's.
   */
  checkOut(folder: string): Promise<void>;
  /** Takes away what was made for it. */
  remove(): void;
}

export interface SourceOptions extends Pick<RunOptions, "environment" | "stop"> {
  /** Folder for copies of repositories. @default `.landfall/sources` of the project */
  readonly sources?: string;
}

/**
 * Looks up what would be built; a repository is fetched first.
 * @throws {LandfallError} where there is no such folder, repository or ref
 */
export async function findRevision(settings: SourceSettings, options: SourceOptions): Promise<Revision> {
  const git = new Git(options);
  const snapshot = isRepository(settings.location)
    ? await ofRepository(settings, options, git)
    : await ofFolder(settings, git);
  const { at, commit, tree, scratch } = snapshot;
  const dirty = scratch !== undefined;
  const remove = () => {
    if (scratch !== undefined) removeAll(scratch);
  };
  try {
    await refuseSubmodules(settings, snapshot, git);
    const time = Number(await git.ask(at, "show", "-s", "--format=%ct", commit));
    const tag = commit.slice(0, 12) + (dirty ? `-dirty-${tree.slice(0, 8)}` : "");
    return { commit, dirty, tag, time, remove, checkOut: (folder) => checkOut(snapshot, folder, time, git) };
  } catch (error) {
    remove();
    throw error;
  }
}

/** As the input's type tells them apart. */
const isRepository = (location: string): boolean =>
  location.includes("://") || /^[\w.-]+@[\w.-]+:/.test(location);

/** Where the files are. */
interface Snapshot {
  readonly at: Place;
  readonly commit: string;
  readonly tree: string;
  /** Folder with what is not in the repository; only where that is something. */
  readonly scratch?: string;
}

/** A git directory, and variables that it is used with. */
interface Place {
  readonly gitDirectory: string;
  readonly variables?: Readonly<Record<string, string>>;
}

class Git {
  private readonly environment: NodeJS.ProcessEnv;

  constructor(private readonly options: SourceOptions) {
    const kept = Object.entries(options.environment).filter(
      ([name]) => !["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"].includes(name), // a hook's
    );
    // Nobody could answer: progress is shown where git would ask
    this.environment = { ...Object.fromEntries(kept), GIT_TERMINAL_PROMPT: "0" };
  }

  private at = ({ gitDirectory, variables }: Place, args: readonly string[]) => ({
    program: "git",
    args: ["--git-dir", gitDirectory, ...args],
    variables,
  });
  private get running(): RunOptions {
    return { environment: this.environment, stop: this.options.stop };
  }

  /** Its answer. @throws {LandfallError} where it fails */
  async ask(place: Place, ...args: readonly string[]): Promise<string> {
    return (await runWell(this.at(place, args), this.running, { tell: false })).trim();
  }

  /** Its answer; undefined where it fails. */
  async tryIn(folder: string, ...args: readonly string[]): Promise<string | undefined> {
    const { exitCode, stdout } = await run({ program: "git", args }, { ...this.running, cwd: folder });
    this.options.stop.throwIfAborted();
    return exitCode === 0 ? stdout.trim() : undefined;
  }

  async tryAt(place: Place, ...args: readonly string[]): Promise<string | undefined> {
    const { exitCode, stdout } = await run(this.at(place, args), this.running);
    this.options.stop.throwIfAborted();
    return exitCode === 0 ? stdout.trim() : undefined;
  }

  /** Does something, which is told as it could be typed. */
  async do(
    args: readonly string[],
    { cwd, variables }: { cwd?: string; variables?: Place["variables"] } = {},
  ) {
    await runWell({ program: "git", args, variables }, { ...this.running, cwd });
  }
}

async function ofFolder({ inputs, location }: SourceSettings, git: Git): Promise<Snapshot> {
  const folder = resolve(projectRoot, location);
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new LandfallError(`${inputs.source} is "${location}", and there is no such folder: ${folder}`, {
      mend: "It is relative to the project's folder. A git repository's URL does too.",
    });
  const gitDirectory = await git.tryIn(folder, "rev-parse", "--absolute-git-dir");
  const commit = await git.tryIn(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}");
  if (gitDirectory === undefined || commit === undefined)
    throw new LandfallError(
      `${inputs.source} is "${location}", and that is no git repository with a commit: ${folder}`,
      { mend: "Images are tagged with the commit that they are built from. Commit first." },
    );
  // Where it is a part of its repository, that part is built from
  const prefix = (await git.tryIn(folder, "rev-parse", "--show-prefix")) ?? "";
  const treeIn = (tree: string) =>
    prefix === "" ? `${tree}^{tree}` : `${tree}:${prefix.replace(/\/$/, "")}`;
  const changes = await git.tryIn(folder, "status", "--porcelain", "--", ".");
  const at = { gitDirectory };
  if (changes === "") {
    const tree = await git.ask(at, "rev-parse", "--verify", treeIn(commit));
    return { at, commit, tree };
  }
  const scratch = mkdtempSync(join(tmpdir(), "landfall-git-"));
  try {
    const changed = await placeForChanges(gitDirectory, folder, scratch, git);
    const whole = await writeTree(changed, folder, commit, git);
    const tree = await git.ask(changed, "rev-parse", "--verify", treeIn(whole));
    return { at: changed, commit, tree, scratch };
  } catch (error) {
    removeAll(scratch);
    throw error;
  }
}

const removeAll = (folder: string) => rmSync(folder, { recursive: true, force: true });

/** Takes new objects and the index, so that the user's repository stays as it is. */
async function placeForChanges(
  gitDirectory: string,
  folder: string,
  scratch: string,
  git: Git,
): Promise<Place> {
  const objects = (await git.tryIn(folder, "rev-parse", "--git-path", "objects")) ?? "objects";
  mkdirSync(join(scratch, "objects"));
  return {
    gitDirectory,
    variables: {
      GIT_INDEX_FILE: join(scratch, "index"),
      GIT_OBJECT_DIRECTORY: join(scratch, "objects"),
      GIT_ALTERNATE_OBJECT_DIRECTORIES: resolve(folder, objects),
    },
  };
}

/** All that the folder holds and git does not ignore, on top of the commit. @returns the tree's id */
async function writeTree(place: Place, folder: string, commit: string, git: Git): Promise<string> {
  const top = (await git.tryIn(folder, "rev-parse", "--show-toplevel")) ?? folder;
  await git.ask(place, "read-tree", commit);
  await git.ask(place, "--work-tree", top, "-C", folder, "add", "--all", "--", ".");
  return git.ask(place, "write-tree");
}

async function checkOut({ at, tree }: Snapshot, folder: string, time: number, git: Git): Promise<void> {
  const index = mkdtempSync(join(tmpdir(), "landfall-index-"));
  try {
    const variables = { ...at.variables, GIT_INDEX_FILE: join(index, "index") };
    const common = ["--git-dir", at.gitDirectory];
    await git.do([...common, "read-tree", tree], { variables });
    await git.do([...common, "--work-tree", folder, "checkout-index", "--all"], { cwd: folder, variables });
  } finally {
    removeAll(index);
  }
  evenOut(folder, time);
}

/** Modes as git has them, whatever this user's umask is, and times of the commit: the same commit is the same image. */
function evenOut(folder: string, time: number): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) evenOut(path, time);
    if (entry.isFile()) chmodSync(path, lstatSync(path).mode & 0o100 ? 0o755 : 0o644);
    lutimesSync(path, time, time);
  }
  chmodSync(folder, 0o755);
  lutimesSync(folder, time, time);
}

async function ofRepository(
  { system, location, ref, inputs }: SourceSettings,
  { sources = join(projectRoot, ".landfall", "sources") }: SourceOptions,
  git: Git,
): Promise<Snapshot> {
  const gitDirectory = join(sources, system);
  const at = { gitDirectory };
  await underLock(`${gitDirectory}.lock`, progress, async () => {
    if ((await git.tryAt(at, "config", "remote.origin.url")) !== location)
      await clone(location, gitDirectory, git);
    else {
      const refs = ["heads", "tags"].map((kind) => `+refs/${kind}/*:refs/${kind}/*`);
      await git.do(["--git-dir", gitDirectory, "fetch", "--quiet", "--prune", "--force", "origin", ...refs]);
    }
  });
  for (const name of [`refs/tags/${ref}`, `refs/heads/${ref}`, ref]) {
    const commit = await git.tryAt(
      at,
      "rev-parse",
      "--verify",
      "--quiet",
      "--end-of-options",
      `${name}^{commit}`,
    );
    if (commit === undefined) continue;
    return { at, commit, tree: await git.ask(at, "rev-parse", `${commit}^{tree}`) };
  }
  throw new LandfallError(`${location} has no branch, tag or commit "${ref}".`, {
    mend: `Say which in ${inputs.gitRef}; push it where it is on your machine alone.`,
  });
}

/** In one step: an interrupted one leaves nothing that looks like a repository. */
async function clone(location: string, gitDirectory: string, git: Git): Promise<void> {
  const unfinished = `${gitDirectory}.new`;
  removeAll(unfinished);
  await git.do(["clone", "--quiet", "--bare", "--", location, unfinished]);
  removeAll(gitDirectory);
  renameSync(unfinished, gitDirectory);
}

async function refuseSubmodules({ inputs }: SourceSettings, { at, tree }: Snapshot, git: Git): Promise<void> {
  const entries = await git.ask(at, "ls-tree", "-r", tree);
  const [, path] = /^160000 .*\t(.*)$/m.exec(entries) ?? [];
  if (path === undefined) return;
  throw new LandfallError(`${inputs.source} has a submodule, ${path}, and images are built without those.`, {
    mend: "Have its files in the repository, or let the Dockerfile fetch them.",
  });
}
