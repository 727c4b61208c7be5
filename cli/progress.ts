import { createLogUpdate } from "log-update";
import { setLiveLines } from "./output";
import type { Counts, Listener, TerraformEvent } from "./terraform";

interface Running {
  readonly doing: string;
  /** Milliseconds, by the clock given. */
  readonly since: number;
  /** Seconds of the last line about it. */
  told: number;
}

/** Where a line goes; a terminal gets live lines below. */
export type ProgressStream = Pick<NodeJS.WriteStream, "write" | "isTTY">;

const words: Readonly<Record<string, readonly [doing: string, done: string]>> = {
  create: ["creating", "created"],
  update: ["changing", "changed"],
  delete: ["destroying", "destroyed"],
};
/** Seconds between two lines about the same resource, where lines stay. */
const TICK = 30;

/** Shows what the binary is doing, from its events: live lines in a terminal, a line for each start and end elsewhere. */
export class ProgressDisplay {
  private readonly running = new Map<string, Running>();
  private readonly live?: ReturnType<typeof createLogUpdate>;
  private readonly timer?: NodeJS.Timeout;
  private done = 0;
  private refreshed = 0;

  /** @param total how many resources will be changed, where that is known */
  constructor(
    private readonly total?: number,
    private readonly stream: ProgressStream = process.stderr,
    private readonly now: () => number = Date.now,
  ) {
    if (!stream.isTTY) return;
    this.live = createLogUpdate(stream as NodeJS.WriteStream);
    this.timer = setInterval(() => this.draw(), 1000);
  }

  readonly handle: Listener = ({ type, hook }: TerraformEvent): void => {
    if (type === "refresh_complete") this.refreshed += 1;
    const [doing, done] = words[hook?.action ?? ""] ?? [];
    if (hook && doing && done)
      this.step(type, hook.resource.addr, { doing, done, seconds: hook.elapsed_seconds ?? 0 });
    this.draw();
  };

  /** Takes the live lines away until the next event or second. */
  clear(): void {
    this.live?.clear();
  }

  /** Takes the live lines away for good. */
  end(): void {
    clearInterval(this.timer);
    this.clear();
    this.live?.done();
    if (this.refreshed > 0) this.write(`refreshed ${this.refreshed}`);
  }

  private step(
    type: string,
    address: string,
    { doing, done, seconds }: { doing: string; done: string; seconds: number },
  ): void {
    const known = this.running.get(address);
    if (type === "apply_start") {
      this.running.set(address, { doing, since: this.now(), told: 0 });
      if (!this.live) this.write(`${doing} ${address}`);
    } else if (type === "apply_progress" && known && seconds - known.told >= TICK) {
      known.told = seconds;
      if (!this.live) this.write(`still ${doing} ${address} (${seconds} s)`);
    } else if (type === "apply_complete") {
      this.running.delete(address);
      this.done += 1;
      this.write(`${done} ${address} (${seconds} s, ${this.count()})`);
    } else if (type === "apply_errored") {
      this.running.delete(address);
      this.write(`failed ${doing} ${address} (${seconds} s)`);
    }
  }

  private count(): string {
    return this.total === undefined ? `${this.done} done` : `${this.done} of ${this.total}`;
  }

  private write(line: string): void {
    this.clear();
    this.stream.write(`${line}\n`);
  }

  private draw(): void {
    if (!this.live) return;
    const lines = [...this.running].map(
      ([address, { doing, since }]) => `  ${doing} ${address} ${Math.round((this.now() - since) / 1000)} s`,
    );
    if (this.refreshed > 0) lines.push(`  refreshed ${this.refreshed}`);
    if (this.running.size > 0) lines.push(`  ${this.count()}`);
    this.live(lines.join("\n"));
  }
}

/** Shows the progress of `work`. */
export async function withProgress<T>(
  total: number | undefined,
  work: (listener: Listener) => Promise<T>,
): Promise<T> {
  const display = new ProgressDisplay(total);
  setLiveLines(display);
  try {
    return await work(display.handle);
  } finally {
    setLiveLines(undefined);
    display.end();
  }
}

export const totalOf = ({ add, change, remove }: Counts): number => add + change + remove;
