import { createHash } from "node:crypto";
import { LandfallError } from "../../environments/errors";
import { platformCommand, pullCommand, tagCommand, type Builder } from "./builder";
import { runWell } from "./command";
import { isPlainHttp } from "./registry";
import type { Run } from "./run";
import { platformOf, textOf, type Wanted, type WantedImage } from "./wanted";

/** Somebody else's image, which is copied and not built. */
export interface Upstream {
  /** As the input has it: with registry and tag, and perhaps a digest. */
  readonly text: string;
  /** Host of its registry, with its port where that is not HTTPS's own. */
  readonly host: string;
  /** What is pulled: by the digest where there is one, whatever the tag has become. */
  readonly reference: string;
  /** What its copy is tagged with, before the platform's suffix. */
  readonly tag: string;
}

/** Of 128 characters that a tag may have; the rest is what stands around it. */
const TAG_LIMIT = 100;

/**
 * Reads an image's name. The tag tells the upstream's own, and eight digits of all that was written: the same tag of
 * another repository, or with another digest, is another image.
 * @throws {LandfallError} where registry or tag is missing
 */
export function parseUpstream(text: string): Upstream {
  const [, name, host, tag, digest] =
    /^(([^/@]+)\/[^:@]+):([\w][\w.-]*)(?:@(sha256:[0-9a-f]{64}))?$/.exec(text) ?? [];
  if (name === undefined || host === undefined || tag === undefined)
    throw new LandfallError(`"${text}" is no image with registry and tag.`);
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
  return {
    text,
    host,
    reference: digest === undefined ? `${name}:${tag}` : `${name}@${digest}`,
    tag: `upstream-${tag.slice(0, TAG_LIMIT)}-${hash}`,
  };
}

/** Where an image is copied from; undefined for one that is built. @throws {LandfallError} as {@link parseUpstream} */
export function upstreamOf({ settings }: Wanted, { upstream }: WantedImage): Upstream | undefined {
  return upstream === undefined ? undefined : parseUpstream(textOf(settings, upstream) ?? "");
}

/** Tells that an image is not there for a platform: Docker, Podman and Buildah, nerdctl; the last are but warnings. */
const notForPlatform =
  /no matching manifest for|no match for platform|no image found in (manifest list|image index) for|does not (match|provide) the (specified|expected) platform/i;

export interface Copy {
  readonly wanted: Wanted;
  readonly image: WantedImage;
  readonly upstream: Upstream;
  /** Name and tag that it is given. */
  readonly name: string;
  /** Process environment: the user's own logins are there. */
  readonly environment: NodeJS.ProcessEnv;
  readonly run: Pick<Run, "stop" | "display">;
}

/**
 * Pulls an image for the environment's platform and gives it a name of ours. It stays with the builder, to be pushed.
 * @throws {LandfallError} where it cannot be pulled, or is not there for that platform
 */
export async function pullUpstream(builder: Builder, copy: Copy): Promise<void> {
  const { wanted, image, upstream, name, environment, run } = copy;
  const { reference, host } = upstream;
  const { platform } = platformOf(wanted, image);
  const options = { environment, stop: run.stop };
  const lines: string[] = [];
  run.display.step(image.name, `pulling ${upstream.text}`);
  try {
    const command = pullCommand(builder, reference, { platform, plainHttp: isPlainHttp(host) });
    await runWell(command, { ...options, onLine: (line) => lines.push(line) });
  } catch (error) {
    if (run.stop.aborted || !(error instanceof LandfallError)) throw error;
    if (lines.some((line) => notForPlatform.test(line))) throw otherPlatform(copy, platform);
    throw new LandfallError(error.message, {
      mend: `See whether ${host} can be reached and has it; your own login is used there (${builder.name} login ${host}). ${image.upstream} may name another.`,
    });
  }
  if (lines.some((line) => notForPlatform.test(line))) throw otherPlatform(copy, platform);
  await runWell(tagCommand(builder, reference, name), options);
  const ask = platformCommand(builder, name);
  if (ask && (await runWell(ask, options, { tell: false })).trim() !== platform)
    throw otherPlatform(copy, platform);
}

const otherPlatform = ({ image, upstream }: Copy, platform: string): LandfallError =>
  new LandfallError(`${upstream.text} is not there for ${platform}.`, {
    mend: `Name one that is in ${image.upstream}, or change ${image.inputs.architecture}.`,
  });
