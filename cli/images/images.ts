import { join } from "node:path";
import { setAssignment } from "../../environments/edit";
import { LandfallError, UsageError } from "../../environments/errors";
import { projectRoot } from "../../environments/root";
import { underLock } from "../lock";
import { progress } from "../output";
import { openWorkspace } from "../workspace";
import { findBuilder, pushCommand, type Builder, type BuilderName } from "./builder";
import { runWell } from "./command";
import { makeCredentialStore, type CredentialStore } from "./credentials";
import { parseRepository, registryOf, type Registry, type Repository } from "./registry";
import { forEachImage, withRun, type ImagesResult, type Run } from "./run";
import { Sources, type SourcesOptions } from "./sources";
import { pullUpstream, upstreamOf } from "./upstream";
import {
  platformOf,
  textOf,
  wantedImages,
  writtenName,
  type Wanted,
  type WantedImage,
  type WantedOptions,
} from "./wanted";

export interface BuildOptions extends WantedOptions, SourcesOptions {
  /** @default the first on PATH that works */
  readonly builder?: BuilderName;
}

export interface RegistryOptions extends WantedOptions {
  /** Takes the place of the registry's host. @default the one that `shared` says */
  readonly registry?: string;
}

export interface PushOptions extends BuildOptions, RegistryOptions {
  /** Whether a folder's changes that are not committed may be pushed. @default false */
  readonly allowDirty?: boolean;
}

/**
 * Builds the images of an environment's systems, and leaves them with the builder. Those of others are skipped. No AWS is
 * called.
 * @throws {LandfallError} where the settings or the source do not do, or there is no builder
 */
export function buildImages(name: string, options: BuildOptions): Promise<ImagesResult> {
  const wanted = wantedImages(name, options);
  return withRun(name, async (run) => {
    const sources = await Sources.find(wanted, options, run, "warn");
    try {
      const builder = wanted.images.some(isBuilt)
        ? await findBuilder({ ...options, stop: run.stop }, options.builder)
        : undefined;
      return await forEachImage(wanted.images, run, async (image, outcome) => {
        outcome.image = upstreamOf(wanted, image)?.text;
        if (!builder || !isBuilt(image)) return "skipped";
        outcome.image = `${image.repositoryName}:${sources.tagOf(image)}`;
        await sources.build(builder, image, outcome.image);
        return "built";
      });
    } finally {
      sources.remove();
    }
  });
}

/**
 * Brings the images of an environment's systems to the registry, where it does not have them, and pins their digests in
 * the environment's file: ours are built, those of others copied. An image that fails keeps its old digest.
 * @throws {LandfallError} where nothing could be begun: the settings or the source do not do, `shared` has no
 * repositories, or there is no builder. Then nothing was changed.
 */
export function pushImages(name: string, options: PushOptions): Promise<ImagesResult> {
  const wanted = wantedImages(name, options);
  return withRun(name, async (run) => {
    const sources = await Sources.find(wanted, options, run, options.allowDirty ?? false);
    const credentials = makeCredentialStore(options.environment);
    try {
      const places = await placesOf(wanted, options, run);
      const tagOf = (image: WantedImage) => {
        const upstream = upstreamOf(wanted, image);
        return upstream ? upstream.tag + platformOf(wanted, image).suffix : sources.tagOf(image);
      };
      const present = await ask(wanted, places, run, tagOf);
      const missing = wanted.images.filter((image) => isMissing(present.get(image)));
      const builder = await readyBuilder(missing, places, options, run, credentials);
      return await forEachImage(wanted.images, run, async (image, outcome) => {
        const place = placeOf(places, image);
        const tag = tagOf(image);
        outcome.image = `${place.repository.host}/${place.repository.name}:${tag}`;
        const upstream = upstreamOf(wanted, image);
        const found = present.get(image);
        if (found instanceof Error) throw found;
        if (found === undefined && builder) {
          if (upstream)
            await pullUpstream(builder, { ...options, wanted, image, upstream, name: outcome.image, run });
          else await sources.build(builder, image, outcome.image);
          await push(builder, outcome.image, { image, wanted, place, tag, credentials, options, run });
        }
        outcome.digest = found ?? (await pushedDigest(place, tag));
        outcome.pinned = await pin(wanted, { image, place, digest: outcome.digest }, options, run);
        if (found !== undefined) return "present";
        return upstream ? "copied" : "pushed";
      });
    } finally {
      credentials.remove();
      sources.remove();
    }
  });
}

/**
 * Pins the digests that another environment has pinned, after a look whether the registry has them. Builds nothing.
 * @throws {LandfallError} where the settings of one do not do, or `shared` has no repositories
 */
export function promoteImages(name: string, from: string, options: RegistryOptions): Promise<ImagesResult> {
  if (from === name) throw new UsageError(`${name} has its own digests already.`);
  const wanted = wantedImages(name, options);
  const other = wantedImages(from, options);
  return withRun(name, async (run) => {
    const places = await placesOf(wanted, options, run);
    return forEachImage(wanted.images, run, async (image, outcome) => {
      const digest = digestOf(image, wanted, other);
      const place = placeOf(places, image);
      outcome.image = `${place.repository.host}/${place.repository.name}@${digest}`;
      await requirePresent(place, digest, { image, pinnedBy: from }, run);
      outcome.digest = digest;
      outcome.pinned = await pin(wanted, { image, place, digest }, options, run);
      return "promoted";
    });
  });
}

/**
 * Lets the registry keep the digests that an environment pins already: those that somebody has written by hand. Builds
 * nothing and writes no file.
 * @throws {LandfallError} where the settings do not do, or `shared` has no repositories
 */
export function pinImages(name: string, options: RegistryOptions): Promise<ImagesResult> {
  const wanted = wantedImages(name, options);
  return withRun(name, async (run) => {
    const places = await placesOf(wanted, options, run);
    return forEachImage(wanted.images, run, async (image, outcome) => {
      const digest = pinnedDigest(image, wanted);
      const place = placeOf(places, image);
      outcome.image = `${place.repository.host}/${place.repository.name}@${digest}`;
      await requirePresent(place, digest, { image, pinnedBy: name }, run);
      outcome.digest = digest;
      await keep(place, digest, image, run);
      return "pinned";
    });
  });
}

/** @throws {LandfallError} where the registry does not have a digest that an environment pins */
async function requirePresent(
  { registry, repository }: Place,
  digest: string,
  { image, pinnedBy }: { readonly image: WantedImage; readonly pinnedBy: string },
  { environment, display }: Run,
): Promise<void> {
  display.step(image.name, "asking the registry");
  if ((await registry.digestOf(repository.name, digest)) !== undefined) return;
  throw new LandfallError(`${repository.host}/${repository.name} has no ${digest}, which ${pinnedBy} pins.`, {
    mend: `Push it: ./landfall images push ${environment} ${image.name}`,
  });
}

/** The digest that the other environment pins. @throws {LandfallError} where it has none, or one that would not run */
function digestOf(image: WantedImage, wanted: Wanted, other: Wanted): string {
  const from = other.environment;
  const digest = pinnedDigest(image, other);
  const [own, others] = [wanted, other].map(({ settings }) => textOf(settings, image.inputs.architecture));
  if (own === others) return digest;
  throw new LandfallError(
    `${from} runs ${image.name} on ${others}, and ${wanted.environment} on ${own}: that image would not start.`,
    {
      mend: `Set ${image.inputs.architecture} to the same, or build: ./landfall images push ${wanted.environment}`,
    },
  );
}

/** @throws {LandfallError} where the environment pins none */
function pinnedDigest({ name, input }: WantedImage, { environment, settings }: Wanted): string {
  const digest = textOf(settings, input);
  if (digest) return digest;
  throw new LandfallError(`${settings.file} pins no digest of ${name}.`, {
    mend: `Push it there first: ./landfall images push ${environment} ${name}`,
  });
}

/** Where an image belongs. */
interface Place {
  readonly registry: Registry;
  readonly repository: Repository;
}
type Places = ReadonlyMap<string, Place>;

function placeOf(places: Places, { repository }: WantedImage): Place {
  const place = places.get(repository);
  if (!place) throw new Error(`no place for ${repository}`);
  return place;
}

/** Repositories by name without prefix: with a registry given by the settings alone, else as `shared` has made them. */
async function placesOf(wanted: Wanted, options: RegistryOptions, { stop }: Run): Promise<Places> {
  const { registry: host, environment } = options;
  if (host !== undefined) {
    const registry = registryOf(host, { environment, stop });
    return new Map(
      wanted.images.map(({ repository, repositoryName: name }) => [
        repository,
        { registry, repository: { host, name } },
      ]),
    );
  }
  const { shared, target } = await openWorkspace(wanted.environment, { environment });
  const urls = (await shared?.store.read())?.outputs.image_repositories?.value as
    Readonly<Record<string, string>> | undefined;
  const registries = new Map<string, Registry>();
  return new Map(
    wanted.images.map(({ repository: name, system }) => {
      const url = urls && Object.hasOwn(urls, name) ? urls[name] : undefined;
      if (url === undefined)
        throw new LandfallError(`shared has no image repository ${name}.`, {
          mend: `Add ${system} to TF_VAR_image_repositories of shared, and deploy it: ./landfall apply shared`,
        });
      const repository = parseRepository(url);
      const known = registries.get(repository.host);
      const emulated = target.emulator !== undefined;
      const registry =
        known ?? registryOf(repository.host, { environment: target.environment, stop, emulated });
      registries.set(repository.host, registry);
      return [name, { registry, repository }];
    }),
  );
}

type Answer = string | Error | undefined;
const isMissing = (answer: Answer): boolean => answer === undefined;

/** What the registry has of each image; an error where it cannot be asked. */
async function ask(
  { images }: Wanted,
  places: Places,
  { stop, display }: Run,
  tagOf: (image: WantedImage) => string,
): Promise<ReadonlyMap<WantedImage, Answer>> {
  const answers = await Promise.all(
    images.map(async (image): Promise<[WantedImage, Answer]> => {
      const { registry, repository } = placeOf(places, image);
      display.step(image.name, "asking the registry");
      const question = async () => registry.digestOf(repository.name, tagOf(image));
      return [image, await question().catch((error: Error) => error)];
    }),
  );
  stop.throwIfAborted();
  return new Map(answers);
}

const isBuilt = ({ upstream }: WantedImage): boolean => upstream === undefined;

/** A builder that may push, where something has to be built or copied. */
async function readyBuilder(
  missing: readonly WantedImage[],
  places: Places,
  { environment, builder: wanted }: BuildOptions,
  { stop }: Run,
  { variables }: CredentialStore,
): Promise<Builder | undefined> {
  if (missing.length === 0) return undefined;
  const builder = await findBuilder({ environment, stop }, wanted);
  const registries = new Set(missing.map((image) => placeOf(places, image).registry));
  for (const registry of registries) await registry.logIn(builder, variables);
  return builder;
}

interface Push {
  readonly image: WantedImage;
  readonly wanted: Wanted;
  readonly place: Place;
  readonly tag: string;
  readonly credentials: CredentialStore;
  readonly options: PushOptions;
  readonly run: Run;
}

/** Pushes an image. Where somebody else was first, theirs is as good: it has the same commit's tag. */
async function push(builder: Builder, name: string, given: Push): Promise<void> {
  const { image, wanted, place, tag, credentials, options, run } = given;
  const { registry, repository } = place;
  const { platform } = platformOf(wanted, image);
  run.display.step(image.name, "pushing");
  const environment = { ...options.environment, ...(registry.logsIn && credentials.variables) };
  try {
    const how = { platform, plainHttp: registry.plainHttp, copied: !isBuilt(image) };
    await runWell(pushCommand(builder, name, how), {
      environment,
      stop: run.stop,
    });
  } catch (error) {
    if (run.stop.aborted) throw error;
    const theirs = await registry.digestOf(repository.name, tag).catch(() => undefined);
    if (theirs === undefined) throw error;
    progress(`${image.name}: somebody else has pushed ${tag} meanwhile`);
  }
}

/** @throws {LandfallError} where the registry does not have what was pushed */
async function pushedDigest({ registry, repository }: Place, tag: string): Promise<string> {
  const digest = await registry.digestOf(repository.name, tag);
  if (digest !== undefined) return digest;
  throw new LandfallError(`${repository.host}/${repository.name} has no ${tag}, which was just pushed.`);
}

/**
 * Writes a digest to the environment's file, as soon as the registry keeps that image from expiring.
 * @returns whether it was another one
 */
async function pin(
  { environment: name, file, settings }: Wanted,
  { image, place, digest }: { readonly image: WantedImage; readonly place: Place; readonly digest: string },
  { environment }: WantedOptions,
  run: Run,
): Promise<boolean> {
  await keep(place, digest, image, run);
  const written = writtenName(settings, image.input);
  if (environment[written] !== undefined && environment[written] !== digest)
    progress(`Warning: ${written} is set in your shell, which wins over ${settings.file}.`);
  const lock = join(projectRoot, ".landfall", `${name}.env.lock`);
  return underLock(lock, progress, () => Promise.resolve(setAssignment(file, written, digest)));
}

/** Keeps an image from expiring for the environment of this run. */
function keep(
  { registry, repository }: Place,
  digest: string,
  { name }: WantedImage,
  { environment, display }: Run,
): Promise<void> {
  display.step(name, "pinning");
  return registry.keep(repository.name, digest, environment);
}
