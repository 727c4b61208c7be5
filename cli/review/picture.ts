import type { NamedStack } from "../diagram/inventory";
import type { Review } from "./model";

/** The diagram of what a plan changes. */
export interface ReviewPicture {
  readonly svg: string;
}

/** Draws what a plan changes. */
export const reviewPicture: (
  stacks: readonly NamedStack[],
  review: Pick<Review, "changes">,
  environment?: NodeJS.ProcessEnv,
) => Promise<ReviewPicture | undefined> = () => Promise.resolve(undefined);
