import { availableParallelism } from "node:os";
import { LandfallError } from "../../environments/errors";
import { progress, setLiveLines } from "../output";
import { inParallel, onInterrupt, StepDisplay } from "../parallel";
import type { WantedImage } from "./wanted";

export type ImageStatus =
  | "built"
  /** There was nothing to build: it is somebody else's. */
  | "skipped"
  | "pushed"
  /** As pushed, and not built but pulled from where somebody else has it. */
  | "copied"
  | "present"
  | "promoted"
  | "pinned"
  | "failed"
  | "interrupted";

/** What became of one image. */
export interface ImageResult {
  readonly system: string;
  readonly name: string;
  readonly status: ImageStatus;
  /** With its tag, where it has one. */
  readonly image?: string;
  /** As the registry has it. */
  readonly digest?: string;
  /** Whether the environment's file was written. */
  readonly pinned?: boolean;
  /** Why it failed. */
  readonly reason?: string;
  /** What to do about it. */
  readonly mend?: string;
  readonly seconds: number;
}
/** What went well, or what is known of it so far. */
export type Outcome = Pick<ImageResult, "image" | "digest" | "pinned">;

export interface ImagesResult {
  readonly environment: string;
  readonly images: readonly ImageResult[];
  /** Whether none failed and nobody interrupted. */
  readonly ok: boolean;
  readonly interrupted: boolean;
}

/** What the work on images needs. */
export interface Run {
  readonly environment: string;
  readonly stop: AbortSignal;
  readonly display: Pick<StepDisplay, "step" | "finish">;
}

/** Images at once. */
const LIMIT = Math.max(1, Math.min(4, availableParallelism()));

/** Does `work` with a display of its steps; Ctrl-C aborts its signal. */
export async function withRun<T>(environment: string, work: (run: Run) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const display = new StepDisplay();
  setLiveLines(display);
  const release = onInterrupt(() => {
    progress("Stopping. What was pushed and pinned until now stays.");
    stop.abort(new LandfallError("Interrupted.", { mend: "Run it again to finish.", exitCode: 130 }));
  });
  try {
    return await work({ environment, stop: stop.signal, display });
  } finally {
    release();
    setLiveLines(undefined);
    display.end();
  }
}

/**
 * Does the same to all images, some at once. One's failure is in the result and stops no other.
 * @param work notes what it knows in `outcome`, and returns what became of the image
 */
export async function forEachImage(
  images: readonly WantedImage[],
  { environment, stop, display }: Run,
  work: (image: WantedImage, outcome: { -readonly [K in keyof Outcome]: Outcome[K] }) => Promise<ImageStatus>,
): Promise<ImagesResult> {
  const results = await inParallel(images, LIMIT, async (image): Promise<ImageResult> => {
    const started = Date.now();
    const outcome = {};
    const ended = (status: ImageStatus, why: Pick<ImageResult, "reason" | "mend"> = {}): ImageResult => {
      const seconds = Math.round((Date.now() - started) / 1000);
      display.finish(image.name, `${status} (${seconds} s)`);
      return { system: image.system, name: image.name, status, ...outcome, ...why, seconds };
    };
    try {
      stop.throwIfAborted();
      return ended(await work(image, outcome));
    } catch (error) {
      // Whatever it is, it is this image's alone
      if (stop.aborted) return ended("interrupted");
      const { message, mend } = error instanceof LandfallError ? error : new LandfallError(String(error));
      return ended("failed", { reason: message, mend });
    }
  });
  const interrupted = stop.aborted;
  const ok = !interrupted && results.every(({ status }) => status !== "failed");
  return { environment, images: results, ok, interrupted };
}
