import { LandfallError } from "../../environments/errors";
import { onStop } from "../interrupt";
import { progress } from "../output";

/** The user's wish to stop, as a signal for work that can end in order. */
export class Interruption {
  private readonly controller = new AbortController();
  /** Aborted with the first wish; its reason is a {@link LandfallError} with exit code 130. */
  readonly signal = this.controller.signal;
  /** Lets signals end this process again. */
  readonly end: () => void;
  private count = 0;

  /** @param stopping told with the first wish. @param still told with the second; the third ends the process */
  constructor(
    private readonly stopping: () => string,
    private readonly still: () => string,
  ) {
    this.end = onStop(() => this.interrupted());
  }

  private interrupted(): void {
    this.count += 1;
    if (this.count === 1) {
      progress(this.stopping());
      this.controller.abort(new LandfallError("Interrupted.", { exitCode: 130 }));
    }
    if (this.count === 2) progress(this.still());
    if (this.count === 3) process.exit(130);
  }
}

/**
 * Runs work that the user's wish to stop ends, while what it waits for goes on where it runs.
 * @param what that is, and how to see it, as a sentence
 * @throws the wish to stop, with exit code 130
 */
export async function goingOn<T>(what: string, wait: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new Interruption(
    () => what,
    () => "Stopping.",
  );
  try {
    return await wait(interruption.signal);
  } finally {
    interruption.end();
  }
}
