import type { ChildProcess } from "node:child_process";
import { progress } from "./output";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Calls on each of the user's wishes to stop, which then end nothing by themselves. @returns how to end that */
export function onStop(listener: () => void): () => void {
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}

/**
 * Passes the user's wish to stop on to a child in a process group of its own, where a terminal's Ctrl-C does not come by
 * itself. The first one and the third reach it: Terraform takes one as "stop in order" and the next as "stop at once".
 */
export class Interrupts {
  /** How often the user wanted to stop. */
  count = 0;

  /** Lets signals end this process again. */
  readonly end: () => void;

  constructor(private readonly child: ChildProcess) {
    this.end = onStop(() => this.interrupted());
  }

  private interrupted(): void {
    this.count += 1;
    if (this.count === 1) progress("Stopping after the current step; state will be written and unlocked.");
    if (this.count === 2)
      progress("Still stopping. A third time stops at once: state may be incomplete and stay locked.");
    if (this.count === 1 || this.count === 3) this.child.kill("SIGINT");
  }
}
