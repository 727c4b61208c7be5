import { AwsCli, typed, type HostRun } from "../aws";
import { progress, result } from "../output";
import { afterSetUp, output, UPDATE_LIMIT, type Deployed } from "./deployed";
import { hostsOf, type Hosts } from "./hosts";
import { Interruption } from "./interrupt";
import { PointerChanged, releaseOf, ReleasePointer, type Pointer, type PointerState } from "./pointer";
import { Waiting } from "./waiting";

const deploy = "/opt/macro-ai/deploy.sh";
/** Waits for a release that is under way on the host, or for its first boot. */
const takeBack = afterSetUp("macro-ai", `LOCK_SECONDS=1200 ${deploy} current`);

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

/** What a host is with a release on its way: it may have it, it has it, it is back, or it is out of service. */
type State = "touched" | "has" | "back" | "gone";

/** One release on its way. */
class Shipment {
  private readonly hosts: Hosts;
  private readonly waiting: Waiting;
  private readonly value: string;
  private readonly states = new Map<string, State>();
  /** Whether the pointer may name it. */
  private moved = false;
  /** Whether all is done. */
  private done = false;
  private stop = new AbortController().signal;

  constructor(
    private readonly deployed: Deployed,
    private readonly pointer: ReleasePointer,
    private readonly before: PointerState,
    private readonly release: Pointer,
  ) {
    this.hosts = hostsOf(deployed);
    this.waiting = new Waiting(deployed.limits);
    this.value = JSON.stringify(release);
  }

  async run(): Promise<boolean> {
    const interruption = new Interruption(
      () => (this.done ? "All is done but for the last words." : "Stopping: what has changed goes back."),
      () => `Not at the end yet. A third time stops at once, and leaves this to you:\n${this.left()}`,
    );
    this.stop = interruption.signal;
    try {
      return await this.shipOrGoBack();
    } finally {
      const left = this.left();
      if (left) progress(`What is left to do:\n${left}`);
      interruption.end();
    }
  }

  private async shipOrGoBack(): Promise<boolean> {
    const { version } = this.release;
    try {
      const failed = await this.ship();
      if (failed === undefined) {
        await this.pointer.requireUnchanged(this.value);
        this.done = true;
        const { length } = this.those("has");
        result(`${version} is the current release on ${length} host${length === 1 ? "" : "s"}`);
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

  private those(...states: readonly State[]): readonly string[] {
    return [...this.states].filter(([, state]) => states.includes(state)).map(([host]) => host);
  }

  /** @returns what failed; undefined where nothing did */
  private async ship(): Promise<string | undefined> {
    for (;;) {
      this.stop.throwIfAborted();
      const listed = await this.hosts.list();
      const next = listed.serving.find((host) => !this.states.has(host));
      if (next !== undefined) {
        const failed = await this.update(next);
        if (failed !== undefined) return failed;
        continue;
      }
      const served = this.those("has").length > 0;
      const over = this.waiting.failure(listed, { moved: this.moved, served });
      if (over !== undefined) return over;
      if (listed.launching.length === 0 && served) return undefined;
      if (listed.launching.length > 0 && !this.moved) {
        await this.move();
        continue;
      }
      await this.deployed.aws.pause(this.stop);
    }
  }

  /** @returns what failed; undefined where the host has it, or is gone */
  private async update(host: string): Promise<string | undefined> {
    progress(`${host}: ${this.release.version}`);
    const { url, version, environment, sha256 } = this.release;
    const options = ["--artifact-url", url, "--version", version];
    const explicit = [...options, "--environment", environment, "--sha256", sha256];
    const verb = this.moved ? "current" : `deploy ${typed(explicit)}`;
    this.states.set(host, "touched");
    const ran = await this.onHost(host, afterSetUp("macro-ai", `${deploy} ${verb}`), this.stop);
    if (ran.gone) {
      progress(`${host} is no longer in service; going on without it`);
      this.states.set(host, "gone");
      return undefined;
    }
    if (!ran.ok) {
      progress(ran.output);
      if (ran.output.includes("another run holds the lock")) this.states.delete(host); // nothing was done there
      return `${host} did not take`;
    }
    this.states.set(host, "has");
    if (!this.moved) await this.move();
    return undefined;
  }

  private async move(): Promise<void> {
    this.stop.throwIfAborted();
    this.moved = true; // even where this fails, nobody knows what came to pass
    await this.pointer.write(this.value, { since: this.before }).catch((error: Error) => {
      if (error instanceof PointerChanged) this.moved = false;
      throw error;
    });
    // Those that began with another release may fail by that
    if (releaseOf(this.before)) this.waiting.pardon((await this.hosts.list()).launching);
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
    if (!moved && this.those("touched", "has").length === 0) return;
    progress(`going back to ${before ? before.version : "no release"}`);
    if (moved) await this.pointBack();
    if (moved && before) await this.findOthers();
    for (const host of this.those("touched", "has")) {
      if (before) await this.takeBack(host);
      else progress(`${host} keeps what it has, as there is no release before`);
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

  /** What was launched while the pointer named the release may have it too. */
  private async findOthers(): Promise<void> {
    try {
      const { serving, launching } = await this.hosts.list();
      for (const host of [...serving, ...launching])
        if (!this.states.has(host)) this.states.set(host, "touched");
    } catch (error) {
      progress(`Nobody knows which other hosts have it: ${(error as Error).message}`);
      progress(`To see them, and ask each for \`deploy.sh status\`: ${this.hosts.command ?? ""}`);
    }
  }

  private async takeBack(host: string): Promise<void> {
    const ran = await this.onHost(host, takeBack);
    if (!ran.ok && !ran.gone) return progress(`${host} did not go back:\n${ran.output}`);
    this.states.set(host, ran.gone ? "gone" : "back");
    progress(
      ran.gone ? `${host} is no longer in service` : `${host} went back: ${ran.output.split("\n").at(-1)}`,
    );
  }

  /** Commands for what has not come to an end, one a line. */
  private left(): string {
    const { aws } = this.deployed;
    if (this.done) return "";
    const back = releaseOf(this.before) ? this.those("touched", "has") : [];
    return [
      ...(this.moved ? [aws.typed(this.pointer.command(this.before.value))] : []),
      ...back.map((host) => aws.typed(AwsCli.hostCommand(host, takeBack, UPDATE_LIMIT))),
    ].join("\n");
  }
}
