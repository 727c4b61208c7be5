import { LandfallError } from "../../environments/errors";
import type { AwsCli } from "../aws";

/** A release as the parameter names it. */
export interface Release {
  readonly version: string;
  readonly environment: string;
  readonly url: string;
  readonly sha256: string;
}
/** The parameter's JSON: the current release, and those that were current before, the latest first. */
export interface Pointer extends Release {
  readonly previous?: readonly Release[];
}

/** Releases that the parameter remembers at most, and what it holds, in bytes. */
const REMEMBERED = 8;
const PARAMETER_BYTES = 4096;

/** What a pointer held at a time: a {@link Pointer} as JSON, or `none` before the first release. */
export interface PointerState {
  readonly value: string;
  /** Counts the parameter's changes. */
  readonly version: number;
  readonly since?: string;
}

/** What the value names; undefined before the first release. */
export const releaseOf = ({ value }: Pick<PointerState, "value">): Pointer | undefined =>
  value === "none" ? undefined : (JSON.parse(value) as Pointer);

const isSame = (one: Release, other: Release) => one.version === other.version && one.sha256 === other.sha256;

/** What was current until now, and before: each once, and not the next one. */
export function remembered(state: PointerState, next: Release): readonly Release[] {
  const current = releaseOf(state);
  if (current === undefined) return [];
  const { previous = [], ...release } = current;
  const all = [release, ...previous]
    .filter((each, index, all) => !isSame(each, next) && all.findIndex((one) => isSame(one, each)) === index)
    .slice(0, REMEMBERED);
  const bytes = () => Buffer.byteLength(JSON.stringify({ ...next, previous: all }));
  while (all.length > 0 && bytes() > PARAMETER_BYTES) all.pop();
  return all;
}

/** Somebody else has written the pointer meanwhile. */
export class PointerChanged extends LandfallError {}

/** The parameter that names an environment's current release. */
export class ReleasePointer {
  constructor(
    private readonly aws: AwsCli,
    readonly name: string,
  ) {}

  async read(): Promise<PointerState> {
    const answer = await this.aws.json(["ssm", "get-parameter", "--name", this.name], { quiet: true });
    const { Parameter } = answer as {
      Parameter: { Value: string; Version: number; LastModifiedDate?: string | number };
    };
    const { Value, Version, LastModifiedDate: date } = Parameter;
    return { value: Value, version: Version, since: date === undefined ? undefined : String(date) };
  }

  /**
   * Writes, unless it has changed since.
   * @throws {PointerChanged} where it has, with who did it and when
   */
  async write(value: string, { since: state }: { readonly since: PointerState }): Promise<void> {
    const now = await this.read();
    if (now.version !== state.version) throw await this.changed(now);
    await this.aws.json(this.command(value));
  }

  /** @throws {PointerChanged} where it does not hold what was written */
  async requireUnchanged(written: string): Promise<void> {
    const now = await this.read();
    if (now.value !== written) throw await this.changed(now);
  }

  /**
   * Takes back what was written; where that never came to pass, nothing is to do.
   * @throws {PointerChanged} where somebody else has written meanwhile
   */
  async restore(before: PointerState, written: string): Promise<void> {
    const now = await this.read();
    if (now.version === before.version) return;
    if (now.value !== written) throw await this.changed(now);
    await this.aws.json(this.command(before.value));
  }

  /** Arguments of the AWS CLI that write a value. */
  command(value: string): readonly string[] {
    const put = ["ssm", "put-parameter", "--name", this.name, "--type", "String", "--overwrite"];
    return [...put, "--value", value];
  }

  private async changed(now: PointerState): Promise<PointerChanged> {
    const names = releaseOf(now)?.version ?? "no release";
    const who = await this.writerOf(now.version);
    const by = [who && `by ${who}`, now.since && `at ${now.since}`].filter(Boolean).join(" ");
    return new PointerChanged(`${this.name} was changed meanwhile${by && ` ${by}`}: it names ${names}.`, {
      mend: "Wait until that release has ended, then run this again.",
    });
  }

  private async writerOf(version: number): Promise<string | undefined> {
    try {
      const ask = ["ssm", "get-parameter-history", "--name", this.name];
      const { Parameters } = (await this.aws.json(ask, { quiet: true })) as {
        Parameters: { Version: number; LastModifiedUser?: string }[];
      };
      return Parameters.find(({ Version }) => Version === version)?.LastModifiedUser;
    } catch {
      return undefined; // not everybody may ask
    }
  }
}
