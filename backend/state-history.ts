import { isDeepStrictEqual } from "node:util";
import { LandfallError, UsageError } from "../environments/errors";
import { nearest } from "../environments/nearest";
import type { LockHolder } from "./lock-holder";
import { VersionGone, type StateStore, type StoredVersion } from "./state-store";

/** Letters of a version's id that are enough to mean it. */
const ENOUGH_LETTERS = 6;
/** Versions that are read at the same time. */
const AT_ONCE = 8;

/** What a state holds, without its values. */
export interface StateFacts {
  /** Terraform's, which grows with each change. */
  readonly serial: number;
  /** Terraform's name for all states that came one out of the other. */
  readonly lineage: string;
  /** Ids in AWS of managed resources, by address; undefined where it is not known, or is a secret. */
  readonly resources: ReadonlyMap<string, string | undefined>;
}

/** One version, and what came and went with it. */
export interface HistoryEntry extends StoredVersion {
  /** Undefined for a deletion, and where the version cannot be read as a state. */
  readonly facts?: StateFacts;
  /** Addresses that the version before did not have. */
  readonly added: readonly string[];
  /** Addresses that only the version before had. */
  readonly removed: readonly string[];
}

interface RawState {
  readonly version?: unknown;
  readonly serial?: unknown;
  readonly lineage?: unknown;
  readonly resources?: readonly RawResource[];
}
interface RawResource {
  readonly module?: string;
  readonly mode: string;
  readonly type: string;
  readonly name: string;
  readonly instances?: readonly RawInstance[];
}
interface RawInstance {
  readonly index_key?: string | number;
  readonly deposed?: string;
  readonly attributes?: { readonly id?: unknown } | null;
  readonly sensitive_attributes?: readonly unknown[];
}

/**
 * Reads what a state holds.
 * @throws {LandfallError} where the text is no state of version 4, such as an encrypted one
 */
export function factsOf(text: string): StateFacts {
  const { serial, lineage, resources = [] } = parse(text);
  if (typeof serial !== "number" || typeof lineage !== "string")
    throw new LandfallError("This is no state that can be read here: it has no serial and no lineage.");
  return { serial, lineage, resources: new Map(resources.flatMap(instancesOf)) };
}

function parse(text: string): RawState {
  try {
    const state = JSON.parse(text) as RawState | null;
    if (state?.version === 4) return state;
  } catch {
    // told below
  }
  throw new LandfallError("This is no state that can be read here: it is not JSON of version 4.");
}

function instancesOf({
  module,
  mode,
  type,
  name,
  instances = [],
}: RawResource): [string, string | undefined][] {
  if (mode !== "managed") return [];
  const base = `${module ? `${module}.` : ""}${type}.${name}`;
  return instances
    .filter(({ deposed }) => deposed === undefined)
    .map((instance) => {
      const key = instance.index_key === undefined ? "" : `[${JSON.stringify(instance.index_key)}]`;
      const { id } = instance.attributes ?? {};
      const secret = JSON.stringify(instance.sensitive_attributes ?? []).includes('"id"');
      return [`${base}${key}`, typeof id === "string" && !secret ? id : undefined];
    });
}

/**
 * What the stack's state was, newest first.
 * @param limit how many versions at the most
 */
export async function historyOf(
  store: Pick<StateStore, "versions" | "readVersion">,
  limit: number,
): Promise<HistoryEntry[]> {
  const versions = (await store.versions()).slice(0, limit + 1); // one more to compare the oldest with
  const facts = await inTurns(versions, (version) => readFacts(store, version));
  return versions.slice(0, limit).map((version, index) => {
    const own = facts[index];
    const has = own?.resources ?? new Map<string, undefined>();
    const had = facts[index + 1]?.resources ?? new Map<string, undefined>();
    const isKnown = version.deleted || own !== undefined;
    return {
      ...version,
      facts: own,
      added: isKnown ? without(has, had) : [],
      removed: isKnown ? without(had, has) : [],
    };
  });
}

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE)
    done.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(work))));
  return done;
}

/** A version that is broken, or gone since, does not hide the others. */
async function readFacts(
  store: Pick<StateStore, "readVersion">,
  { id, deleted }: StoredVersion,
): Promise<StateFacts | undefined> {
  if (deleted) return undefined;
  const text = await store.readVersion(id).catch(absentWhereGone);
  return text === undefined ? undefined : factsIn(text);
}

/** Other failures are of all versions, such as a right that is missing. */
function absentWhereGone(error: unknown): undefined {
  if (!(error instanceof VersionGone)) throw error;
}

/** As {@link factsOf}, undefined where it is no state. */
function factsIn(text: string): StateFacts | undefined {
  try {
    return factsOf(text);
  } catch {
    return undefined;
  }
}

const without = (some: ReadonlyMap<string, unknown>, others: ReadonlyMap<string, unknown>): string[] =>
  [...some.keys()].filter((address) => !others.has(address)).sort();

/** What going back to a version would do. */
export interface Restoration {
  readonly version: StoredVersion;
  /** The newest version, a deletion perhaps, over which it is written. */
  readonly over: StoredVersion;
  /** What is written. */
  readonly text: string;
  readonly serial: number;
  /** Addresses that the state would no longer know. In AWS they stay. */
  readonly forgotten: readonly string[];
  /** Addresses that the state would know again, whether or not AWS still has them. */
  readonly broughtBack: readonly string[];
  /** Addresses that would stand for another thing in AWS, with both ids. */
  readonly changed: readonly { readonly address: string; readonly now: string; readonly then: string }[];
  /** Whether the state is that already, but for its serial; only its checksum is written then. */
  readonly same: boolean;
  /** Whether the newest version is no state that can be read, and so counts as empty. */
  readonly unreadable: boolean;
  /** Where the version is of another lineage than the newest that can be read: both. */
  readonly lineages?: { readonly now: string; readonly then: string };
}

/**
 * Works out what going back to a version would do; changes nothing.
 * @param wish.otherLineage whether the version may be of another lineage than the newest. @default false
 * @throws {UsageError} for an id that is none, or a deletion's, or that of the current version; {@link LandfallError}
 * where the version is no state, or is of another lineage
 */
export async function planRestore(
  store: Pick<StateStore, "versions" | "readVersion">,
  {
    stack,
    id,
    otherLineage,
  }: { readonly stack: string; readonly id: string; readonly otherLineage?: boolean },
): Promise<Restoration> {
  const versions = await store.versions();
  const version = chosen(versions, { stack, id });
  const over = versions[0] ?? version;
  const text = await store.readVersion(version.id);
  const then = factsOf(text);
  const last = (await newestReadable(store, versions)) ?? { version, text, facts: then };
  const lineages =
    then.lineage === last.facts.lineage ? undefined : { now: last.facts.lineage, then: then.lineage };
  if (lineages && !otherLineage) {
    throw new LandfallError(
      `The version ${version.id} of ${stack} is of another lineage (${lineages.then}) than the newest (${lineages.now}): the stack was made anew since, or its state was overwritten by another's. Nothing was changed.`,
      {
        mend: `See which versions belong together: ./landfall state history ${stack}. Where the newest is the wrong one: ./landfall state restore ${stack} ${version.id} --other-lineage`,
      },
    );
  }
  const unreadable = !over.deleted && last.version !== over;
  const now = over.deleted || unreadable ? new Map<string, string | undefined>() : last.facts.resources;
  const same = last.version === over && isSameButSerial(last.text, text);
  const serial = same ? last.facts.serial : Math.max(then.serial, last.facts.serial) + 1;
  return {
    version,
    over,
    text: same ? last.text : withSerial(text, serial),
    serial,
    forgotten: without(now, then.resources),
    broughtBack: without(then.resources, now),
    changed: [...then.resources].flatMap(([address, id]) => {
      const current = now.get(address);
      return id !== undefined && current !== undefined && id !== current
        ? [{ address, now: current, then: id }]
        : [];
    }),
    same,
    unreadable,
    lineages,
  };
}

interface ReadVersion {
  readonly version: StoredVersion;
  readonly text: string;
  readonly facts: StateFacts;
}

/** The newest version that is a state; the one that is gone back to is one at the latest. */
async function newestReadable(
  store: Pick<StateStore, "readVersion">,
  versions: readonly StoredVersion[],
): Promise<ReadVersion | undefined> {
  for (const version of versions.filter(({ deleted }) => !deleted)) {
    const text = await store.readVersion(version.id).catch(absentWhereGone);
    const facts = text === undefined ? undefined : factsIn(text);
    if (text !== undefined && facts) return { version, text, facts };
  }
  return undefined;
}

function chosen(
  versions: readonly StoredVersion[],
  { stack, id }: { readonly stack: string; readonly id: string },
): StoredVersion {
  const mend = `See them: ./landfall state history ${stack}`;
  if (versions.length === 0)
    throw new UsageError(`The bucket has no state of ${stack}, and never had.`, {
      mend: "./landfall state list",
    });
  const version = versions.find((one) => one.id === id);
  if (!version) {
    const ids = versions.filter(({ deleted }) => !deleted).map((one) => one.id);
    const begun = id.length >= ENOUGH_LETTERS ? ids.filter((one) => one.startsWith(id)) : [];
    const near = begun.length === 1 ? begun[0] : nearest(id, ids);
    throw new UsageError(
      `The state of ${stack} has no version "${id}".${near ? ` Did you mean ${near}?` : ""}`,
      { mend },
    );
  }
  if (version.deleted)
    throw new UsageError(`The version ${id} of ${stack} is its deletion: there is nothing to restore.`, {
      mend,
    });
  if (version.latest)
    throw new UsageError(`The version ${id} of ${stack} is the current one; nothing was changed.`, { mend });
  return version;
}

/** The text with another serial, and each other letter as it is: numbers may be larger than JavaScript's. */
function withSerial(text: string, serial: number): string {
  const changed = text.replace(/^(\s*\{[^{}[\]]*?"serial":\s*)\d+/, `$1${serial}`);
  const [was, is] = [text, changed].map((one) => JSON.parse(one) as RawState);
  if (is?.serial !== serial || !isDeepStrictEqual({ ...was, serial }, is))
    throw new LandfallError("This state is not written as Terraform writes it; its serial was not found.");
  return changed;
}

/** One that a tool has written otherwise than Terraform counts as another. */
function isSameButSerial(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => {
    try {
      return withSerial(text, 0);
    } catch {
      return undefined;
    }
  });
  return first !== undefined && first === second;
}

/**
 * Writes what {@link planRestore} has worked out, under the stack's lock.
 * @returns who has the lock, where it is not free; undefined once it is done
 * @throws {LandfallError} where the state has changed since
 */
export async function restore(
  store: Pick<StateStore, "versions" | "takeLock" | "releaseLock" | "write" | "writeChecksum">,
  { over, text, same }: Pick<Restoration, "over" | "text" | "same">,
  lock: LockHolder,
): Promise<LockHolder | undefined> {
  const holder = await store.takeLock(lock);
  if (holder) return holder;
  try {
    const newest = (await store.versions()).find(({ latest }) => latest);
    if (newest?.id !== over.id)
      throw new LandfallError("The state has changed meanwhile; nothing was restored.", {
        mend: "Look again: ./landfall state history",
      });
    await (same ? store.writeChecksum(text) : store.write(text));
  } finally {
    await store.releaseLock(lock);
  }
  return undefined;
}
