import { join } from "node:path";
import { valuesOf, type EnvironmentValues, type SharedValues } from "../../environments/derived";
import { LandfallError, UsageError } from "../../environments/errors";
import { nameInFile } from "../../environments/input";
import { loadSettings } from "../../environments/load";
import { nearest } from "../../environments/nearest";
import { formatReport } from "../../environments/report";
import { projectRoot } from "../../environments/root";
import type { Settings } from "../../environments/settings";
import { isEnvironmentStack } from "../../environments/stack-names";
import { systemImages, type ImageSource, type SystemImage } from "../../workloads/images";
import { requireEnvironment } from "../environment-name";
import { colors } from "../output";

export interface WantedOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** One image by name, or by `system/name`. @default all */
  readonly service?: string;
  /** Folder with the environment files. @default `environments` of the project */
  readonly folder?: string;
}

/** An image that an environment runs. */
export interface WantedImage extends SystemImage {
  readonly system: string;
  readonly inputs: ImageSource;
  /** Name of its repository, with the prefix. */
  readonly repositoryName: string;
}

/** The images that a command is about, and the settings that they stand on. */
export interface Wanted {
  readonly environment: string;
  readonly images: readonly WantedImage[];
  readonly settings: Settings;
  /** Path of the environment's file. */
  readonly file: string;
}

/**
 * The images of the systems that an environment carries.
 * @throws {LandfallError} where the settings do not do; {@link UsageError} where there is no such environment or image
 */
export function wantedImages(name: string, options: WantedOptions): Wanted {
  const { environment, service, folder = join(projectRoot, "environments") } = options;
  if (!isEnvironmentStack(name)) throw new UsageError(`${name} runs no images.`);
  requireEnvironment(name, folder);
  const { environments, broken } = loadSettings({ folder, only: [name], processEnvironment: environment });
  const [found] = environments;
  if (!found) {
    const problems = formatReport(
      broken.flatMap(({ problems }) => problems),
      colors(process.stderr),
    );
    throw new LandfallError(`The settings of ${name} have problems.\n${problems}`);
  }
  const { systems } = valuesOf<EnvironmentValues>(found.settings);
  const { name_prefix: prefix } = valuesOf<SharedValues>(found.shared);
  const all = Object.entries(systemImages)
    .filter(([system]) => (systems as readonly string[]).includes(system))
    .flatMap(([system, { inputs, images }]) =>
      images.map((image) => ({ ...image, system, inputs, repositoryName: `${prefix}-${image.repository}` })),
    );
  if (all.length === 0)
    throw new UsageError(`${name} carries no system with images of its own.`, {
      mend: `It carries ${systems.join(", ")}; images belong to ${Object.keys(systemImages).join(", ")}.`,
    });
  const images = service === undefined ? all : [imageOf(all, service, name)];
  return { environment: name, images, settings: found.settings, file: join(folder, `${name}.env`) };
}

/**
 * The image of that name, or `system/name`, as commands about containers take it.
 * @param environment its name, for messages
 * @throws {UsageError} where there is none, or several systems have one
 */
export function imageOf<T extends Pick<WantedImage, "system" | "name">>(
  images: readonly T[],
  wanted: string,
  environment: string,
): T {
  const qualified = ({ system, name }: T) => `${system}/${name}`;
  const found = images.filter((image) => image.name === wanted || qualified(image) === wanted);
  if (found.length > 1)
    throw new UsageError(`${environment} has several images "${wanted}".`, {
      mend: `Say which: ${found.map(qualified).join(" or ")}.`,
    });
  if (found[0]) return found[0];
  const isUnique = (name: string) => images.filter((image) => image.name === name).length === 1;
  const names = images.map((image) => (isUnique(image.name) ? image.name : qualified(image)));
  const near = nearest(wanted, names);
  throw new UsageError(`${environment} has no image "${wanted}".${near ? ` Did you mean ${near}?` : ""}`, {
    mend: `It has: ${names.join(", ")}.`,
  });
}

/** The text of an input; undefined where it has none. */
export const textOf = ({ settings }: Settings, input: string): string | undefined =>
  settings.get(input)?.text;

/** An input's name as the environment's file writes it. */
export function writtenName({ settings }: Settings, input: string): string {
  const setting = settings.get(input);
  return setting ? nameInFile(input, setting.input) : `TF_VAR_${input}`; // digests are inputs of Terraform
}

/** Dockerfile of an image, in its source. @throws {LandfallError} where the settings name none */
export function dockerfileOf({ settings }: Wanted, { name, inputs }: WantedImage): string {
  const files = settings.settings.get(inputs.dockerfiles)?.value as ReadonlyMap<string, string> | undefined;
  const file = files?.get(name);
  if (file !== undefined) return file;
  throw new LandfallError(`${inputs.dockerfiles} names no Dockerfile for ${name}.`, {
    mend: `Add it: ${inputs.dockerfiles}="${[...(files ?? []), [name, `docker/Dockerfile.${name}`]].map((pair) => pair.join("=")).join()}"`,
  });
}

/** What an image is built for, as builders call it; `suffix` tells its tag from that of the other. */
export function platformOf(
  { settings }: Wanted,
  { inputs }: WantedImage,
): { platform: string; suffix: string } {
  return textOf(settings, inputs.architecture) === "ARM64"
    ? { platform: "linux/arm64", suffix: "-arm64" }
    : { platform: "linux/amd64", suffix: "" };
}
