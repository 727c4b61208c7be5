import { InvalidArgumentError, type Command } from "commander";
import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import type { LockHolder } from "../../backend/lock-holder";
import {
  factsOf,
  historyOf,
  planRestore,
  restore,
  type HistoryEntry,
  type Restoration,
} from "../../backend/state-history";
import {
  AccessDenied,
  StateBroken,
  countManaged,
  StateStore,
  type State,
  type StoredState,
} from "../../backend/state-store";
import { UsageError } from "../../environments/errors";
import { nearest } from "../../environments/nearest";
import { environmentNames } from "../../environments/read";
import { projectRoot } from "../../environments/root";
import { describeHolder, formatAge, lockedError } from "../lock-report";
import { columns, confirm, progress, result, resultJson } from "../output";
import { openWorkspace } from "../workspace";

/** Versions that `history` tells without `--limit`. */
const DEFAULT_LIMIT = 20;
/** Addresses that are named in a line of text; JSON has all. */
const MOST_NAMED = 3;

/** Names of stacks that are no environments. */
const own = ["shared", "state", "access"];
const environments = (): readonly string[] => environmentNames(join(projectRoot, "environments"));

interface Listed {
  readonly name: string;
  readonly modified: string;
  /** In bytes. */
  readonly size: number;
  readonly serial?: number;
  readonly resources?: number;
  /** Whether there is no file of that environment any more. */
  readonly orphaned: boolean;
  readonly lock?: LockHolder;
  /** Whether there is no right to read it, so that no more is known. */
  readonly denied?: true;
  /** Whether it is no state that can be read. */
  readonly broken?: true;
}

/**
 * What the state bucket of `shared` holds.
 * @param pattern of the stacks' names, with `*` for any letters; states of others are not read. @default all
 */
async function list(environment: NodeJS.ProcessEnv, pattern = "*"): Promise<Listed[]> {
  if (!/^[\w*-]+$/.test(pattern))
    throw new UsageError(`"${pattern}" is no name of a stack, nor a pattern of such.`, {
      mend: "Use letters, digits, - and _, and * for any of them: ./landfall state list 'pr-*'",
    });
  const { stack, target, store } = await openWorkspace("shared", { environment });
  const known = [...own, ...environments()];
  const wanted = new RegExp(`^${pattern.replaceAll("*", ".*")}$`);
  const listed: Listed[] = [];
  for (const stored of await store.states()) {
    const { name } = stored;
    if (!wanted.test(name)) continue;
    const one = new StateStore({ ...stack.state, key: `${name}/terraform.tfstate` }, target.emulator);
    listed.push({ ...(await readListed(one, stored)), orphaned: !known.includes(name) });
  }
  return listed;
}

/** Who may not read a state still sees that it is there. */
async function readListed(
  store: StateStore,
  { name, modified, size }: StoredState,
): Promise<Omit<Listed, "orphaned">> {
  const found = { name, modified: modified.toISOString(), size };
  try {
    const state = (await store.read()) as (State & { readonly serial?: number }) | undefined;
    const lock = await store.lockHolder();
    return { ...found, serial: state?.serial, resources: state && countManaged(state), lock };
  } catch (error) {
    if (error instanceof AccessDenied) return { ...found, denied: true };
    if (error instanceof StateBroken) return { ...found, broken: true };
    throw error;
  }
}

/**
 * The store of a stack. An environment without a file is looked for in the bucket of `shared`.
 * @throws {UsageError} where it is neither
 */
async function storeOf(name: string, environment: NodeJS.ProcessEnv): Promise<StateStore> {
  if ([...own, ...environments()].includes(name)) return (await openWorkspace(name, { environment })).store;
  const { stack, target, store } = await openWorkspace("shared", { environment });
  const orphan = new StateStore({ ...stack.state, key: `${name}/terraform.tfstate` }, target.emulator);
  if (/^[\w-]+$/.test(name) && (await orphan.versions()).length > 0) return orphan;
  const names = [...environments(), ...own, ...(await store.stacks())];
  const near = nearest(name, names);
  throw new UsageError(
    `There is no environment "${name}", and no state of one.${near ? ` Did you mean ${near}?` : ""}`,
    { mend: "See what there is: ./landfall state list" },
  );
}

const some = (sign: string, addresses: readonly string[]): string[] => {
  const rest = addresses.length - MOST_NAMED;
  return [
    ...addresses.slice(0, MOST_NAMED).map((address) => `${sign}${address}`),
    ...(rest > 0 ? [`${sign}${rest} more`] : []),
  ];
};

const sizeOf = (bytes: number): string => `${Math.ceil(bytes / 1024)} KiB`;

function listText(listed: readonly Listed[]): string {
  const rows = listed.map(({ name, modified, size, serial, resources, orphaned, lock, denied, broken }) => [
    name,
    modified,
    sizeOf(size),
    String(serial ?? "?"),
    String(resources ?? "?"),
    [
      orphaned ? "no environment file" : "",
      lock ? describeHolder(lock) : "",
      denied ? "no right to read" : "",
      broken ? "is no state: see its history" : "",
    ]
      .filter(Boolean)
      .join("; "),
  ]);
  return columns([["stack", "modified", "size", "serial", "resources", ""], ...rows]);
}

const entryJson = ({ id, modified, size, deleted, latest, facts, added, removed }: HistoryEntry) => ({
  version: id,
  modified: modified.toISOString(),
  size,
  current: latest,
  deleted,
  serial: facts?.serial,
  lineage: facts?.lineage,
  resources: facts?.resources.size,
  added,
  removed,
});

function historyText(entries: readonly HistoryEntry[], now: Date): string {
  const rows = entries.map(({ id, modified, size, deleted, latest, facts, added, removed }) => [
    id,
    modified.toISOString(),
    `${formatAge(now.getTime() - modified.getTime())} ago`,
    deleted ? "-" : sizeOf(size),
    deleted ? "deleted" : String(facts?.serial ?? "?"),
    facts ? String(facts.resources.size) : "-",
    facts?.lineage.slice(0, 8) ?? "-",
    [...(latest ? ["current"] : []), ...some("+", added), ...some("-", removed)].join(" "),
  ]);
  const heading = [
    "version",
    "time",
    "age",
    "size",
    "serial",
    "resources",
    "lineage",
    "against the one before",
  ];
  return columns([heading, ...rows]);
}

function tellRestoration(name: string, { version, over, serial, lineages, ...what }: Restoration): void {
  const { forgotten, broughtBack, changed, unreadable } = what;
  const age = formatAge(Date.now() - version.modified.getTime());
  const lines = [
    `The state of ${name} would go back to ${version.id}, ${age} old, as serial ${serial}.`,
    ...(over.deleted ? ["It is deleted now."] : []),
    ...(unreadable ? ["What it is now cannot be read as a state, and counts as empty."] : []),
    ...(lineages
      ? [
          `WARNING: it is of another lineage (${lineages.then}) than the state was last (${lineages.now}). Either the stack was made anew since, and what it is made of now would be forgotten; or the newest state is not this stack's. Go on only where you know that it is the latter.`,
        ]
      : []),
    ...(forgotten.length > 0
      ? ["Landfall would forget these; in AWS they stay:", ...forgotten.map((address) => `  ${address}`)]
      : []),
    ...(broughtBack.length > 0
      ? [
          "It would know these again; the next plan makes those anew that AWS no longer has:",
          ...broughtBack.map((address) => `  ${address}`),
        ]
      : []),
    ...(changed.length > 0
      ? [
          "These would stand for others in AWS:",
          ...changed.map(({ address, now, then }) => `  ${address}: ${then} instead of ${now}`),
        ]
      : []),
    ...(forgotten.length + broughtBack.length + changed.length === 0
      ? ["It would know the same resources; only what is written about them differs."]
      : []),
  ];
  progress(lines.join("\n"));
}

const ownLock = (): LockHolder => ({
  ID: randomUUID(),
  Operation: "OperationTypeRestore",
  Who: `${userInfo().username}@${hostname()}`,
  Created: new Date().toISOString(),
});

interface RestoreOptions {
  readonly yes?: boolean;
  readonly otherLineage?: boolean;
}

/** Goes back to a version. @throws {LandfallError} where the stack is locked, or the version will not do */
async function restoreVersion(
  name: string,
  id: string,
  { environment, yes, otherLineage }: RestoreOptions & { readonly environment: NodeJS.ProcessEnv },
): Promise<void> {
  const store = await storeOf(name, environment);
  const holder = await store.lockHolder();
  if (holder) throw lockedError(name, holder);
  const restoration = await planRestore(store, { stack: name, id, otherLineage });
  if (restoration.same) return alreadyRestored(name, store, restoration);
  tellRestoration(name, restoration);
  // Nobody is kept waiting by the question: the lock is taken after it, and what was told is checked again
  await confirm(`Restore this state of ${name}?`, { yes });
  const later = await uninterrupted(() => restore(store, restoration, ownLock()));
  if (later) throw lockedError(name, later);
  const { serial } = factsOf(restoration.text);
  progress(`${name}: the state is that of ${id}, as serial ${serial}; nothing was changed in AWS`);
  progress(`See what differs from AWS now: ./landfall plan ${name}`);
}

/** Another restore may have ended between the state and its checksum; Terraform takes the one only with the other. */
async function alreadyRestored(name: string, store: StateStore, restoration: Restoration): Promise<void> {
  if (!store.keepsChecksum) return progress(`${name}: that is what the state is already`);
  const holder = await uninterrupted(() => restore(store, restoration, ownLock()));
  if (holder) throw lockedError(name, holder);
  progress(`${name}: that is what the state is already; its checksum is written`);
}

/** Ctrl-C would leave the lock. It is a matter of seconds. */
async function uninterrupted<T>(work: () => Promise<T>): Promise<T> {
  const ignore = () => {};
  process.on("SIGINT", ignore);
  try {
    return await work();
  } finally {
    process.off("SIGINT", ignore);
  }
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It is a number from 1 up.");
  return Number(text);
}

/** Adds `state` with its own verbs. */
export function register(program: Command): void {
  const state = program.command("state").description("see and go back to what the state was");
  state
    .command("list")
    .description("what the state bucket holds")
    .argument("[pattern]", "only stacks of such names, with * for any letters: 'pr-*'")
    .option("--json", "as JSON")
    .action(async (pattern: string | undefined, { json }: { json?: true }) => {
      const listed = await list(process.env, pattern);
      if (json) resultJson(listed);
      else if (listed.length > 0) result(listText(listed));
      else result(`The bucket has no state${pattern === undefined ? "" : ` of ${pattern}`}.`);
    });
  state
    .command("history")
    .description("what a stack's state was, newest first")
    .argument("<env>", "environment, shared or state")
    .option("--json", "as JSON, with all addresses")
    .option("--limit <number>", "how many versions", positive, DEFAULT_LIMIT)
    .action(async (name: string, { json, limit }: { json?: true; limit: number }) => {
      const entries = await historyOf(await storeOf(name, process.env), limit);
      if (json) resultJson(entries.map(entryJson));
      else result(entries.length > 0 ? historyText(entries, new Date()) : `${name} never had a state.`);
    });
  state
    .command("restore")
    .description("make a version of the state the newest one; nothing changes in AWS")
    .argument("<env>", "environment, shared or state")
    .argument("<version>", "its id, as history tells it")
    .option("--other-lineage", "also where the version is of another lineage than the newest")
    .option("-y, --yes", "do not ask")
    .action(async (name: string, id: string, options: RestoreOptions) =>
      restoreVersion(name, id, { environment: process.env, ...options }),
    );
}
