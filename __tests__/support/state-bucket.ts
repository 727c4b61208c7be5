import type { LockHolder } from "../../backend/lock-holder";
import { VersionGone, type StoredVersion } from "../../backend/state-store";

export const lineage = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
interface Resource {
  readonly address: string;
  readonly id?: string;
  readonly more?: object;
}
/** A state as Terraform writes it, with some managed resources. */
export function stateText(serial: number, resources: readonly Resource[], own = lineage): string {
  const state = {
    version: 4,
    terraform_version: "1.13.4",
    serial,
    lineage: own,
    outputs: { secret: { value: "hunter2", sensitive: true } },
    resources: resources.map(({ address, id, more }) => {
      const [type, name] = address.split(".");
      return { mode: "managed", type, name, instances: [{ attributes: { id }, ...more }] };
    }),
  };
  return `${JSON.stringify(state, null, 2)}\n`;
}

/** A stack's state in the bucket, in memory: newest first. */
export class StateBucket {
  written: string[] = [];
  /** Of which text the checksum is; undefined where no table keeps one. */
  checksum?: string;
  lock?: LockHolder;
  readonly calls: string[] = [];
  constructor(private readonly texts: [id: string, text: string | undefined][]) {}

  versions(): Promise<StoredVersion[]> {
    return Promise.resolve(
      this.texts.map(([id, text], index) => ({
        id,
        modified: new Date(Date.UTC(2026, 10, 21, 12 - index)),
        size: text?.length ?? 0,
        deleted: text === undefined,
        latest: index === 0,
      })),
    );
  }
  readVersion(id: string): Promise<string> {
    const [, text] = this.texts.find(([one]) => one === id) ?? [];
    return text === undefined ? Promise.reject(new VersionGone("gone")) : Promise.resolve(text);
  }
  lockHolder(): Promise<LockHolder | undefined> {
    return Promise.resolve(this.lock);
  }
  takeLock(lock: LockHolder): Promise<LockHolder | undefined> {
    this.calls.push("lock");
    if (this.lock) return Promise.resolve(this.lock);
    this.lock = lock;
    return Promise.resolve(undefined);
  }
  releaseLock(lock: LockHolder): Promise<void> {
    this.calls.push("unlock");
    if (this.lock?.ID === lock.ID) this.lock = undefined;
    return Promise.resolve();
  }
  write(text: string): Promise<void> {
    this.calls.push("write");
    this.texts.unshift([`new-${this.written.length}`, text]);
    this.written.push(text);
    return Promise.resolve();
  }
  get keepsChecksum(): boolean {
    return this.checksum !== undefined;
  }
  writeChecksum(text: string): Promise<void> {
    this.calls.push("checksum");
    this.checksum = text;
    return Promise.resolve();
  }
  /** The bucket's lifecycle rules, after the versions were listed. */
  lose(id: string): void {
    const read = this.readVersion.bind(this);
    this.readVersion = (one) => (one === id ? Promise.reject(new VersionGone("gone")) : read(one));
  }
  /** Somebody else's apply. */
  change(id: string, text: string): void {
    this.texts.unshift([id, text]);
  }
}
