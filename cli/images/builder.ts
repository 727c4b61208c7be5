import { LandfallError } from "../../environments/errors";
import { progress } from "../output";
import { clean, run, type Command, type RunOptions } from "./command";

export const builderNames = ["docker", "podman", "nerdctl", "buildah"] as const;
export type BuilderName = (typeof builderNames)[number];

/** A program that builds and pushes images, and works here. */
export interface Builder {
  readonly name: BuilderName;
  readonly version: string;
  /** Docker alone: whether its builds go through buildx. @default false */
  readonly buildx?: boolean;
}

/** What prints a builder's version where it works: for those with a daemon, if that answers. */
const probes: Readonly<Record<BuilderName, readonly string[]>> = {
  docker: ["version", "--format", "{{.Server.Version}}"],
  podman: ["info", "--format", "{{.Version.Version}}"],
  nerdctl: ["info", "--format", "{{.ServerVersion}}"],
  buildah: ["--version"],
};
const PROBE_LIMIT = 20_000; // milliseconds

export const howToInstall =
  "Install one: Docker (https://docs.docker.com/engine/install/), Podman (https://podman.io/docs/installation), nerdctl, or Buildah, which needs no daemon (Debian and Ubuntu: sudo apt install buildah).";

/** A builder that is on PATH and does not work. */
interface Unfit {
  readonly name: BuilderName;
  readonly why: string;
}

/**
 * The builder of that name; else the first on PATH that works.
 * @throws {LandfallError} where there is none
 */
export async function findBuilder(
  options: Pick<RunOptions, "environment" | "stop">,
  wanted?: BuilderName,
): Promise<Builder> {
  const { builder, unfit } = await lookForBuilder(options, wanted ? [wanted] : builderNames);
  if (builder) {
    for (const { name, why } of unfit) progress(`${name} does not work here (${why}); using ${builder.name}`);
    return builder;
  }
  throw new LandfallError(
    unfit.length > 0
      ? `No image builder works here. ${unfit.map(({ name, why }) => `${name}: ${why}`).join("; ")}. Nothing was changed.`
      : `No image builder is on PATH: ${wanted ?? "neither docker, podman, nerdctl nor buildah"}. Nothing was changed.`,
    {
      mend:
        unfit.length > 0
          ? "Start its daemon or machine, or name another that is installed: --builder NAME"
          : howToInstall,
    },
  );
}

/** The first of these builders that works, and those before it that are on PATH and do not. */
export async function lookForBuilder(
  options: Pick<RunOptions, "environment" | "stop">,
  names: readonly BuilderName[] = builderNames,
): Promise<{ readonly builder?: Builder; readonly unfit: readonly Unfit[] }> {
  const unfit: Unfit[] = [];
  for (const name of names) {
    const found = await probe(name, options);
    if (found && "version" in found) return { builder: found, unfit };
    if (found) unfit.push(found);
  }
  return { unfit };
}

async function probe(
  name: BuilderName,
  { environment, stop }: Pick<RunOptions, "environment" | "stop">,
): Promise<Builder | Unfit | undefined> {
  const options = { environment, stop: AbortSignal.any([stop, AbortSignal.timeout(PROBE_LIMIT)]) };
  const ran = await run({ program: name, args: probes[name] }, options).catch(() => undefined);
  stop.throwIfAborted();
  if (!ran) return undefined; // not on PATH
  if (ran.exitCode !== 0) return { name, why: clean(ran.said).split("\n").at(-1)?.trim() || "it fails" };
  const version = ran.stdout.trim().replace(/^buildah version (\S+).*$/s, "$1");
  if (name !== "docker") return { name, version };
  const buildx = await run({ program: name, args: ["buildx", "version"] }, options);
  return { name, version, buildx: buildx.exitCode === 0 };
}

export interface Build {
  /** Such as `linux/amd64`. */
  readonly platform: string;
  /** When the commit was made, in seconds: the time of all that is in the image, where the builder can do that. */
  readonly time: number;
  /** Path of the Dockerfile. */
  readonly file: string;
  /** Folder that it builds from. */
  readonly context: string;
  /** Name and tag of the image. */
  readonly image: string;
}

/** How to build an image, so that the same commit gives the same bytes as far as the builder can. */
export function buildCommand(
  { name, buildx }: Builder,
  { platform, time, file, context, image }: Build,
): Command {
  const common = ["--platform", platform, "--file", file, "--tag", image];
  const epoch = String(time);
  switch (name) {
    case "docker":
      // A builder in a container would keep the image to itself. Attestations hold the time of the build. Without buildx,
      // cached layers of an image from scratch are taken for any platform
      return {
        program: name,
        args: ["build", ...common, buildx ? "--load" : "--no-cache", context],
        variables: { SOURCE_DATE_EPOCH: epoch, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" },
      };
    case "nerdctl":
      return {
        program: name,
        args: ["build", ...common, "--build-arg", `SOURCE_DATE_EPOCH=${epoch}`, context],
      };
    case "podman":
    case "buildah":
      // Docker's format holds the name of a container; cached layers are as above
      return {
        program: name,
        args: ["build", ...common, "--format", "oci", "--layers=false", "--timestamp", epoch, context],
      };
  }
}

/** Between a builder and a registry. */
export interface Transfer {
  /** Such as `linux/amd64`. */
  readonly platform: string;
  /** Whether the registry is on this machine, without TLS. */
  readonly plainHttp: boolean;
}

/** How to push an image. @param copied whether it was pulled, and other platforms of it may be there. @default false */
export function pushCommand(
  { name, version }: Builder,
  image: string,
  { platform, plainHttp, copied = false }: Transfer & { readonly copied?: boolean },
): Command {
  switch (name) {
    case "docker": {
      // Its daemon takes plain HTTP on loopback by itself. It knows the option from 27 on, where an image may have several
      const several = copied && Number.parseInt(version, 10) >= 27;
      return { program: name, args: ["push", ...(several ? ["--platform", platform] : []), image] };
    }
    case "nerdctl":
      return {
        program: name,
        args: ["push", "--platform", platform, ...(plainHttp ? ["--insecure-registry"] : []), image],
      };
    case "podman":
    case "buildah":
      return { program: name, args: ["push", ...(plainHttp ? ["--tls-verify=false"] : []), image] };
  }
}

/** How to pull somebody else's image for a platform, as it is there now. */
export function pullCommand({ name }: Builder, image: string, { platform, plainHttp }: Transfer): Command {
  const common = ["pull", "--platform", platform];
  switch (name) {
    case "docker":
      return { program: name, args: [...common, image] };
    case "nerdctl":
      return { program: name, args: [...common, ...(plainHttp ? ["--insecure-registry"] : []), image] };
    case "podman":
    case "buildah": {
      const always = name === "buildah" ? ["--policy", "always"] : []; // else one for another platform would do
      return {
        program: name,
        args: [...common, ...always, ...(plainHttp ? ["--tls-verify=false"] : []), image],
      };
    }
  }
}

/** How to give an image another name. */
export const tagCommand = ({ name }: Builder, image: string, other: string): Command => ({
  program: name,
  args: ["tag", image, other],
});

/** What prints an image's platform; undefined for builders that see to it when they pull and push. */
export function platformCommand({ name }: Builder, image: string): Command | undefined {
  switch (name) {
    case "docker":
    case "nerdctl":
      return undefined;
    case "podman":
      return {
        program: name,
        args: ["image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image],
      };
    case "buildah":
      return {
        program: name,
        args: ["inspect", "--type", "image", "--format", "{{.OCIv1.OS}}/{{.OCIv1.Architecture}}", image],
      };
  }
}

/** How to log in; the password comes by stdin. */
export const loginCommand = ({ name }: Builder, user: string, host: string): Command => ({
  program: name,
  args: ["login", "--username", user, "--password-stdin", host],
});

/** What a builder is doing, from a line that it prints: its Dockerfile's steps. Undefined for other lines. */
export function stepIn(line: string): string | undefined {
  const [, step] =
    /^(STEP \d+\/\d+: .*|Step \d+\/\d+ : .*)$/.exec(line) ??
    /^#\d+ (\[[^\]]*\d+\/\d+\] .*)$/.exec(line) ??
    [];
  return step && clean(step).slice(0, 70);
}
