import { AwsCli, typed, type HostRun } from "../aws";
import { progress, result } from "../output";
import { afterSetUp, output, UPDATE_LIMIT, type Deployed } from "./deployed";
import { hostsOf, type Hosts, type Listed } from "./hosts";
import { Interruption } from "./interrupt";
import { PointerChanged, releaseOf, ReleasePointer, type Pointer, type PointerState } from "./pointer";
import { Waiting } from "./waiting";

const deploy = "/opt/macro-ai/deploy.sh";
/** Waits for a release that is under way on the host. */
const takeBack = `LOCK_SECONDS=1200 ${deploy} current`;

/**
 * Brings Macro AI's hosts to a release, and names it the current one as soon as the first has it. Where that fails, or
 * is interrupted, what was current stays so, and hosts that have the new one go back.
 * @param pointerOf what the parameter shall hold, by what it holds
 * @returns whether all hosts have it
 * @throws {LandfallError} where AWS does not do or the user interrupts, after all went back
 */
export async function setRelease(
  deployed: Deployed,
  pointerOf: (before: PointerState) => Pointer | Promise<Pointer>,
): Promise<boolean> {
  const pointer = new ReleasePointer(
    deployed.aws,
    output(deployed, "macro_ai_release_parameter", "macro-ai"),
  );
  const before = await pointer.read();
  return new Shipment(deployed, pointer, before, await pointerOf(before)).run();
}

/** One release on its way. */
class Shipment {
  private readonly hosts: Hosts;
  private readonly value: string;
  /** Hosts that may have the release. */
  private readonly touched = new Set<string>();
  /** Hosts that have taken it. */
  private readonly updated = new Set<string>();
  /** Hosts that serve, with whichever release. */
  private readonly well = new Set<string>();
  private readonly gone = new Set<string>();
  /** Whether the pointer may name it. */
  private moved = false;
  /** Hosts that served when the pointer was moved: others that serve have taken the release by themselves. */
  private earlier: ReadonlySet<string> = new Set();
  /** Whether all is done. */
  private done = false;
  /** Command that has the group replace unhealthy hosts again. */
  private resume?: string;
  private stop = new AbortController().signal;

  constructor(
    private readonly deployed: Deployed,
    private readonly pointer: ReleasePointer,
    private readonly before: PointerState,
    private readonly release: Pointer,
  ) {
    this.hosts = hostsOf(deployed);
    this.value = JSON.stringify(release);
  }

  async run(): Promise<boolean> {
    const interruption = new Interruption(
      () => (this.done ? "All is done but for the last words." : "Stopping: what has changed goes back."),
      () => `Not at the end yet. A third time stops at once, and leaves this to you:\n${this.left()}`,
    );
    this.stop = interruption.signal;
    try {
      const hold = await this.hosts.hold();
      this.resume = hold.command;
      try {
        return await this.shipOrGoBack();
      } finally {
        await hold.end(this.well).then(
          () => (this.resume = undefined),
          (error: Error) => progress(error.message),
        );
        const left = this.left();
        if (left) progress(`What is left to do:\n${left}`);
      }
    } finally {
      interruption.end();
    }
  }

  private async shipOrGoBack(): Promise<boolean> {
    const { version } = this.release;
    try {
      const failed = await this.ship();
      if (failed === undefined) {
        this.done = true;
        const { size } = this.updated;
        result(`${version} is the current release on ${size} host${size === 1 ? "" : "s"}`);
        return true;
      }
      progress(`${failed} ${version}`);
    } catch (error) {
      progress(`${version} was not brought to all hosts: ${(error as Error).message}`);
      await this.goBack();
      throw error;
    }
    await this.goBack();
    return false;
  }

  /** @returns what failed; undefined where nothing did */
  private async ship(): Promise<string | undefined> {
    const waiting = new Waiting(this.deployed.limits);
    for (;;) {
      this.stop.throwIfAborted();
      const listed = await this.hosts.list();
      const next = listed.serving.find((host) => !this.updated.has(host) && !this.gone.has(host));
      if (next !== undefined) {
        const failed = await this.update(next, listed);
        if (failed !== undefined) return failed;
        continue;
      }
      const over = waiting.failure(listed, { moved: this.moved, served: this.updated.size > 0 });
      if (over !== undefined) return over;
      if (listed.launching.length === 0 && this.updated.size > 0) return undefined;
      if (listed.launching.length > 0 && !this.moved) {
        // Those that began with another release may fail by that
        if (releaseOf(this.before)) waiting.pardon(listed.launching);
        await this.move(listed);
        continue;
      }
      await this.deployed.aws.pause(this.stop);
    }
  }

  /** @returns what failed; undefined where the host has it, or is gone */
  private async update(host: string, listed: Listed): Promise<string | undefined> {
    progress(`${host}: ${this.release.version}`);
    const { url, version, environment, sha256 } = this.release;
    const options = ["--artifact-url", url, "--version", version];
    const explicit = [...options, "--environment", environment, "--sha256", sha256];
    const verb = this.moved ? "current" : `deploy ${typed(explicit)}`;
    this.touched.add(host);
    this.well.delete(host);
    const ran = await this.onHost(host, afterSetUp("macro-ai", `${deploy} ${verb}`), this.stop);
    const refused = ran.ok ? await this.hosts.receives(host, this.stop) : undefined;
    if (ran.gone) {
      progress(`${host} is no longer in service; going on without it`);
      this.touched.delete(host);
      this.gone.add(host);
      return undefined;
    }
    if (!ran.ok || refused !== undefined) {
      progress(refused ?? ran.output);
      if (ran.output.includes("another run holds the lock")) this.touched.delete(host); // nothing was done there
      return `${host} did not take`;
    }
    this.updated.add(host);
    this.well.add(host);
    if (!this.moved) await this.move(listed);
    return undefined;
  }

  private async move({ serving }: Listed): Promise<void> {
    this.stop.throwIfAborted();
    this.earlier = new Set(serving);
    this.moved = true; // even where this fails, nobody knows what came to pass
    await this.pointer.write(this.value, { since: this.before }).catch((error: Error) => {
      if (error instanceof PointerChanged) this.moved = false;
      throw error;
    });
  }

  /** A failure of AWS is the host's; the user's wish to stop is none. */
  private onHost(host: string, command: string, stop?: AbortSignal): Promise<HostRun> {
    const isGone = () => this.hosts.isGone(host);
    return this.deployed.aws
      .onHost(host, command, UPDATE_LIMIT, { isGone, stop })
      .catch((error: Error): HostRun => {
        stop?.throwIfAborted();
        return { ok: false, output: error.message };
      });
  }

  private async goBack(): Promise<void> {
    const before = releaseOf(this.before);
    const { moved } = this;
    if (!moved && this.touched.size === 0) return;
    progress(`going back to ${before ? before.version : "no release"}`);
    if (moved) await this.pointBack();
    if (before) return this.takeAllBack(moved);
    for (const host of this.touched) progress(`${host} keeps what it has, as there is no release before`);
  }

  /** @param moved whether instances that were launched meanwhile may have the release too */
  private async takeAllBack(moved: boolean): Promise<void> {
    const deadline = Date.now() + this.deployed.limits.empty * 1000;
    const asked = new Set<string>();
    for (;;) {
      const nobody: Listed = { serving: [], launching: [], wanted: false };
      const { serving, launching } = moved ? await this.hosts.list().catch(() => nobody) : nobody;
      for (const host of serving) if (!this.earlier.has(host) && !asked.has(host)) this.touched.add(host);
      for (const host of [...this.touched].filter((one) => !asked.has(one))) {
        asked.add(host);
        await this.takeBack(host);
      }
      if (launching.length === 0) return;
      if (Date.now() > deadline) {
        for (const host of launching) this.touched.add(host); // named at the end
        return;
      }
      await this.deployed.aws.pause();
    }
  }

  private async pointBack(): Promise<void> {
    try {
      await this.pointer.restore(this.before, this.value);
      this.moved = false;
    } catch (error) {
      progress(`${this.pointer.name} did not go back: ${(error as Error).message}`);
      if (error instanceof PointerChanged) this.moved = false; // it is theirs now
    }
  }

  private async takeBack(host: string): Promise<void> {
    const ran = await this.onHost(host, takeBack);
    if (ran.ok || ran.gone) this.touched.delete(host);
    if (ran.gone) return progress(`${host} is no longer in service`);
    if (!ran.ok) return progress(`${host} did not go back:\n${ran.output}`);
    this.well.add(host);
    progress(`${host} went back: ${ran.output.split("\n").at(-1)}`);
    const refused = await this.hosts.receives(host).catch((error: Error) => error.message);
    if (refused !== undefined) progress(`${host}: ${refused}`);
  }

  /** Commands for what has not come to an end, one a line. */
  private left(): string {
    const { aws } = this.deployed;
    const back = this.done || !releaseOf(this.before) ? [] : [...this.touched];
    return [
      ...(this.moved && !this.done ? [aws.typed(this.pointer.command(this.before.value))] : []),
      ...back.map((host) => aws.typed(AwsCli.hostCommand(host, takeBack, UPDATE_LIMIT))),
      ...(this.resume === undefined ? [] : [this.resume]),
    ].join("\n");
  }
}
