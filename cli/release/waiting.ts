import { progress } from "../output";
import type { Limits } from "./deployed";
import type { Listed } from "./hosts";

/** Waits for a group's new instances, which take the current release by themselves or are given up by the group. */
export class Waiting {
  /** Instances that are being launched, and until when each may be. */
  private readonly launched = new Map<string, number>();
  private readonly pardoned = new Set<string>();
  private emptyUntil?: number;
  private told = "";

  constructor(private readonly limits: Limits) {}

  /** Instances whose end says nothing about the release. */
  pardon(instances: readonly string[]): void {
    for (const instance of instances) this.pardoned.add(instance);
  }

  /**
   * @param moved whether new instances take the release
   * @param served whether any host has it
   * @returns what failed, as words before the version; undefined where it is to go on
   */
  failure(
    { serving, launching, wanted }: Listed,
    { moved, served }: { readonly moved: boolean; readonly served: boolean },
  ): string | undefined {
    const ended = [...this.launched.keys()].filter((instance) => !launching.includes(instance));
    for (const instance of ended) this.launched.delete(instance);
    const lost = ended.filter((instance) => !serving.includes(instance) && !this.pardoned.has(instance));
    if (lost.length > 0) return `${lost.join(", ")} ended before it served, and so did not take`;
    if (launching.length === 0) return served ? undefined : this.empty(wanted);
    this.emptyUntil = undefined;
    if (!moved) return undefined;
    const late = launching.filter((instance) => this.isLate(instance));
    if (late.length > 0)
      return `${late.join(", ")} did not come to serve within ${this.limits.launch} s with`;
    this.tell(`waiting for ${launching.join(", ")}, which take it by themselves`);
    return undefined;
  }

  private isLate(instance: string): boolean {
    const now = Date.now();
    const until = this.launched.get(instance) ?? now + this.limits.launch * 1000;
    this.launched.set(instance, until);
    return now > until;
  }

  private empty(wanted: boolean): string | undefined {
    this.emptyUntil ??= Date.now() + this.limits.empty * 1000;
    if (!wanted || Date.now() > this.emptyUntil) return "there is no host to take";
    this.tell("waiting for the group to launch an instance");
    return undefined;
  }

  private tell(text: string): void {
    if (text !== this.told) progress(text);
    this.told = text;
  }
}
