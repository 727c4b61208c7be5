import { createLogUpdate } from "log-update";
import { onStop } from "./interrupt";
import { progress } from "./output";

/** Does `work` on each item, so many at once; results are in the items' order. */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = [...items.entries()];
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}

/** Calls on the first wish to stop. @returns how to end that */
export function onInterrupt(stop: () => void): () => void {
  let stopped = false;
  return onStop(() => {
    if (!stopped) stop();
    stopped = true;
  });
}

/** Shows what is being done to each of several things: live lines in a terminal, a line for each step elsewhere. */
export class StepDisplay {
  private readonly steps = new Map<string, { readonly text: string; readonly since: number }>();
  private readonly live = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined;
  private readonly timer = this.live && setInterval(() => this.draw(), 1000);

  step(name: string, text: string): void {
    if (this.steps.get(name)?.text === text) return;
    this.steps.set(name, { text, since: Date.now() });
    if (this.live) this.draw();
    else progress(`${name}: ${text}`);
  }

  /** Ends a thing's line, and says what became of it. */
  finish(name: string, text: string): void {
    this.steps.delete(name);
    progress(`${name}: ${text}`);
    this.draw();
  }

  /** Takes the live lines away for good. */
  end(): void {
    clearInterval(this.timer);
    this.clear();
    this.live?.done();
  }

  clear(): void {
    this.live?.clear();
  }

  private draw(): void {
    this.live?.(
      [...this.steps]
        .map(([name, { text, since }]) => `  ${name}: ${text} ${Math.round((Date.now() - since) / 1000)} s`)
        .join("\n"),
    );
  }
}
