/** How tags begin that keep an image from expiring as long as an environment may run it. */
export const pinnedPrefix = "pinned-";

/**
 * The tag that says that an environment has pinned an image.
 *
 * Old tags of this kind are not taken away: nothing tells which of an environment's images was pinned last. ECR keeps the
 * time of an image's push and no time of a tag, a promotion or a way back pins an older image, and the environment's file
 * on this machine may be behind that of somebody else.
 * @param digest with its `sha256:`
 */
export const pinnedTag = (environment: string, digest: string): string =>
  `${pinnedPrefix}${environment}-${digest.replace("sha256:", "").slice(0, 12)}`;
