import type { Review } from "./model";
import type { ReviewPicture } from "./picture";

/** The review as one file. */
export const renderHtml: (review: Review, picture?: ReviewPicture) => Promise<string> | string = ({
  stack,
}) => `<!doctype html><title>${stack}</title>`;
