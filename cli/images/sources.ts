import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LandfallError } from "../../environments/errors";
import { progress } from "../output";
import { runWell } from "./command";
import { buildCommand, stepIn, type Builder } from "./builder";
import type { Run } from "./run";
import { findRevision, type Revision } from "./source";
import { dockerfileOf, platformOf, textOf, type Wanted, type WantedImage } from "./wanted";

export interface SourcesOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Folder for copies of repositories. @default `.landfall/sources` of the project */
  readonly sources?: string;
}

/** The sources of an environment's systems: which commit each is at, and folders to build from. A system may have none. */
export class Sources {
  private readonly contexts = new Map<string, Promise<string>>();
  private readonly folders: string[] = [];

  private constructor(
    private readonly wanted: Wanted,
    private readonly revisions: ReadonlyMap<string, Revision>,
    private readonly problems: ReadonlyMap<string, LandfallError>,
    private readonly options: SourcesOptions,
    private readonly run: Run,
  ) {}

  /**
   * Looks up all sources of images that are built. A system's that is not named, is not there, or has changes that are not
   * committed is an error of its images alone.
   * @param allowDirty whether what is not committed may be built; `warn` does and says so
   * @throws {LandfallError} where that is so with all images
   */
  static async find(
    wanted: Wanted,
    options: SourcesOptions,
    run: Run,
    allowDirty: boolean | "warn",
  ): Promise<Sources> {
    const revisions = new Map<string, Revision>();
    const problems = new Map<string, LandfallError>();
    const sources = new Sources(wanted, revisions, problems, options, run);
    const built = wanted.images.filter(({ upstream }) => upstream === undefined);
    try {
      for (const image of built) {
        const { system, inputs } = image;
        if (revisions.has(system) || problems.has(system)) continue;
        const location = textOf(wanted.settings, inputs.source);
        try {
          if (location === undefined) throw noSource(wanted, image, built);
          const ref = textOf(wanted.settings, inputs.gitRef) ?? "HEAD";
          const settings = { system, inputs, location, ref };
          const revision = await findRevision(settings, { ...options, stop: run.stop });
          revisions.set(system, revision);
          judge(revision, location, allowDirty);
        } catch (error) {
          run.stop.throwIfAborted();
          if (!(error instanceof LandfallError)) throw error;
          problems.set(system, error);
        }
      }
      if (built.length === wanted.images.length && built.every(({ system }) => problems.has(system)))
        throw all([...problems.values()]);
      return sources;
    } catch (error) {
      sources.remove();
      throw error;
    }
  }

  /**
   * Tag of an image: the commit's, and what it is built for where that is not x86.
   * @throws {LandfallError} where its system's source does not do
   */
  tagOf(image: WantedImage): string {
    return this.revisionOf(image).tag + platformOf(this.wanted, image).suffix;
  }

  /**
   * Builds an image.
   * @param name its name with its tag
   * @throws {LandfallError} where it has no Dockerfile, or the builder fails
   */
  async build(builder: Builder, image: WantedImage, name: string): Promise<void> {
    const { stop, display } = this.run;
    const dockerfile = dockerfileOf(this.wanted, image);
    const context = await this.contextOf(image);
    const file = join(context, dockerfile);
    if (!existsSync(file)) {
      const location = textOf(this.wanted.settings, image.inputs.source) ?? "";
      throw new LandfallError(`There is no ${dockerfile} in ${location}, at ${this.revisionOf(image).tag}.`, {
        mend: `Commit it, or name another in ${image.inputs.dockerfiles}.`,
      });
    }
    const { platform } = platformOf(this.wanted, image);
    const { time } = this.revisionOf(image);
    display.step(image.name, "building");
    await runWell(buildCommand(builder, { platform, time, file, context, image: name }), {
      environment: this.options.environment,
      stop,
      onLine: (line) => {
        const step = stepIn(line);
        if (step !== undefined) display.step(image.name, `building, ${step}`);
      },
    });
  }

  /** Takes away all folders. */
  remove(): void {
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true });
    for (const revision of this.revisions.values()) revision.remove();
  }

  private revisionOf(image: WantedImage): Revision {
    const { system, inputs } = image;
    if (textOf(this.wanted.settings, inputs.source) === undefined)
      throw noSource(this.wanted, image, [image]);
    const problem = this.problems.get(system);
    if (problem) throw problem;
    const revision = this.revisions.get(system);
    if (!revision) throw new Error(`no revision of ${system}`);
    return revision;
  }

  /** One folder for all images of a system, made when the first wants it. */
  private contextOf(image: WantedImage): Promise<string> {
    const known = this.contexts.get(image.system);
    if (known) return known;
    const folder = mkdtempSync(join(tmpdir(), "landfall-source-"));
    this.folders.push(folder);
    const made = this.revisionOf(image)
      .checkOut(folder)
      .then(() => folder);
    this.contexts.set(image.system, made);
    return made;
  }
}

/** @param images of which those of the same system are named */
function noSource(
  { settings, environment }: Wanted,
  { system, inputs }: WantedImage,
  images: readonly WantedImage[],
): LandfallError {
  const names = images.filter((image) => image.system === system).map(({ name }) => name);
  const which = names.length === 1 ? "this image" : "these images";
  return new LandfallError(
    `${settings.file} has no ${inputs.source}, so ${which} cannot be built: ${names.join(", ")}.`,
    {
      mend: `Say where the source is, as ${inputs.source}="../${system}" or a git repository's URL; or take the images of another environment: ./landfall images push ${environment} --from NAME`,
    },
  );
}

/** All that is wrong in one. */
function all(problems: readonly LandfallError[]): LandfallError {
  const lines = (texts: readonly (string | undefined)[]) => texts.filter(Boolean).join("\n");
  const mend = lines(problems.map((problem) => problem.mend));
  return new LandfallError(lines(problems.map(({ message }) => message)), { mend });
}

function judge({ dirty, tag }: Revision, location: string, allowDirty: boolean | "warn"): void {
  if (!dirty) return;
  if (allowDirty === false)
    throw new LandfallError(
      `${location} has changes that are not committed, so its images were not pushed.`,
      {
        mend: "Commit them, so that the image's tag says what is in it; --allow-dirty pushes them as they are.",
      },
    );
  progress(`Warning: ${location} has changes that are not committed; the images are tagged ${tag}.`);
}
