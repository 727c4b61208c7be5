import { progress } from "../output";
import type { Limits } from "./deployed";
import type { Listed } from "./hosts";

/** Waits for a group's new instances, which take the current release by themselves or are given up by the group. */
export class Waiting {
  /** Launched with the release. */
  private readonly awaited = new Set<string>();
  private readonly pardoned = new Set<string>();
  private emptyUntil?: number;
  private launchedUntil?: number;
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
    for (const instance of serving) this.awaited.delete(instance);
    const lost = [...this.awaited].filter((instance) => !launching.includes(instance));
    if (lost.length > 0) return `${lost.join(", ")} ended before it served, and so did not take`;
    if (launching.length === 0) return served ? undefined : this.empty(wanted);
    if (!moved) return undefined;
    for (const instance of launching) if (!this.pardoned.has(instance)) this.awaited.add(instance);
    this.launchedUntil ??= Date.now() + this.limits.launch * 1000;
    if (Date.now() > this.launchedUntil)
      return `${launching.join(", ")} did not come to serve within ${this.limits.launch} s with`;
    this.tell(`waiting for ${launching.join(", ")}, which take it by themselves`);
    return undefined;
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
