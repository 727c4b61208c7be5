/** When something was made, in milliseconds of one clock. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** By address: what a resource needs, at least directly. */
export type Needs = ReadonlyMap<string, ReadonlySet<string>>;

export interface CriticalPath {
  /** From the first start to the last end, in milliseconds. */
  readonly wall: number;
  /** Milliseconds of the longest chain: what an apply takes that never waits for anything but what it needs. */
  readonly chain: number;
  /** Addresses of the longest chain, the first to be made first. */
  readonly links: readonly string[];
}

/**
 * How long an apply took, and how long the longest chain of resources in it that need each other.
 *
 * @param spans by address; what is needed and not here took no time, but hands on what it needs itself
 * @throws where nothing was made, or resources need each other in a circle
 */
export function criticalPath(spans: ReadonlyMap<string, Span>, needs: Needs): CriticalPath {
  if (spans.size === 0) throw new Error("nothing was made");
  interface Chain {
    readonly length: number;
    readonly links: readonly string[];
  }
  const known = new Map<string, Chain>();
  // What takes no time is a link too
  const compare = (one: Chain, other: Chain) =>
    one.length - other.length || one.links.length - other.links.length;
  const longest = (chains: readonly Chain[]): Chain =>
    chains.reduce((best, chain) => (compare(chain, best) > 0 ? chain : best), { length: 0, links: [] });
  const chainTo = (address: string, below: readonly string[]): Chain => {
    const done = known.get(address);
    if (done) return done;
    if (below.includes(address)) throw new Error(`${address} needs itself`);
    const before = longest([...(needs.get(address) ?? [])].map((need) => chainTo(need, [...below, address])));
    const span = spans.get(address);
    const chain = span
      ? { length: before.length + span.end - span.start, links: [...before.links, address] }
      : before;
    known.set(address, chain);
    return chain;
  };
  const { length, links } = longest([...spans.keys()].map((address) => chainTo(address, [])));
  const all = [...spans.values()];
  const wall = Math.max(...all.map(({ end }) => end)) - Math.min(...all.map(({ start }) => start));
  return { wall, chain: length, links };
}

/** Reads the progress of an apply as `./landfall` prints it where output is not a terminal. */
export class ApplyClock {
  /** By address; all instances of a resource are one. */
  readonly spans = new Map<string, Span>();
  private readonly started = new Map<string, number>();

  /** @param now milliseconds */
  constructor(private readonly now: () => number = Date.now) {}

  /** Takes a line as soon as it is printed. */
  readonly line = (line: string): void => {
    const [, doing, instance = ""] = /^(creating|created|changing|changed) (\S+)/.exec(line) ?? [];
    if (doing === "creating" || doing === "changing") this.started.set(instance, this.now());
    const start = this.started.get(instance);
    if ((doing !== "created" && doing !== "changed") || start === undefined) return;
    const address = instance.replace(/\[.*$/, "");
    const others = this.spans.get(address)?.start ?? start;
    this.spans.set(address, { start: Math.min(start, others), end: this.now() });
  };
}

/** What resources need, by Terraform's state, which has all that an instance waited for and not only the direct needs. */
export function needsOf(state: string): Needs {
  const { resources } = JSON.parse(state) as {
    readonly resources: readonly {
      readonly mode: string;
      readonly type: string;
      readonly name: string;
      readonly instances: readonly { readonly dependencies?: readonly string[] }[];
    }[];
  };
  return new Map(
    resources
      .filter(({ mode }) => mode === "managed")
      .map(({ type, name, instances }) => [
        `${type}.${name}`,
        new Set(instances.flatMap(({ dependencies = [] }) => dependencies)),
      ]),
  );
}
