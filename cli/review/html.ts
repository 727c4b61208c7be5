import type { Review } from "./model";

/** The review as one file. */
export function renderHtml(review: Review, _picture?: { readonly svg: string }): Promise<string> | string {
  return `<!doctype html><title>${review.stack}</title>`;
}
