import { Option, type Command } from "commander";
import { LandfallError } from "../../environments/errors";
import { builderNames, type BuilderName } from "../images/builder";
import { buildImages, pinImages, promoteImages, pushImages } from "../images/images";
import { registryHost } from "../images/registry";
import type { ImageResult, ImagesResult } from "../images/run";
import { progress, result, resultJson } from "../output";

/** A line for each image, and below it why it failed. */
export function formatImages({ images }: ImagesResult): string {
  const width = (key: "name" | "status") => Math.max(0, ...images.map((image) => image[key].length));
  const [names, statuses] = [width("name"), width("status")];
  return images
    .map((image) => {
      const head = [image.name.padEnd(names), image.status.padEnd(statuses), ...whichImage(image)];
      return [head.join("  ").trimEnd(), ...reasonOf(image)].join("\n");
    })
    .join("\n");
}

function whichImage({ image, digest, pinned }: ImageResult): string[] {
  const pin = pinned === undefined ? [] : [pinned ? "pinned" : "pinned already"];
  return [...(image === undefined ? [] : [image]), ...(digest === undefined ? [] : [digest]), ...pin];
}

const reasonOf = ({ reason, mend }: ImageResult): string[] =>
  [reason, mend].flatMap((text) => (text ? text.trimEnd().split("\n") : [])).map((line) => `    ${line}`);

/** Says what became of the images, and what comes next. Exit code 1 where one failed. */
function tell(done: ImagesResult, { json }: { readonly json?: true }): void {
  if (json) resultJson(done);
  else result(formatImages(done));
  const { environment, images, interrupted, ok } = done;
  if (images.some(({ pinned }) => pinned))
    progress(`environments/${environment}.env pins other images now. Next: ./landfall apply ${environment}`);
  if (images.some(({ status }) => status === "skipped"))
    progress(`What is skipped is somebody else's. To copy it: ./landfall images push ${environment}`);
  if (interrupted)
    throw new LandfallError("Interrupted.", { mend: "Run it again to finish.", exitCode: 130 });
  if (!ok) process.exitCode = 1;
}

interface BuildFlags {
  readonly builder?: BuilderName;
  readonly json?: true;
}
interface PushFlags extends BuildFlags {
  readonly registry?: string;
  readonly allowDirty?: true;
  readonly from?: string;
}
type PinFlags = Pick<PushFlags, "registry" | "json">;

/** Registry that takes the place of that of shared. */
const registryOf = ({ registry }: PinFlags): string | undefined =>
  registry === undefined ? undefined : registryHost(registry);

const registryText = "another registry than that of shared: HOST or HOST:PORT";
const builderOption = () =>
  new Option("--builder <name>", "what builds, instead of the first on PATH").choices(builderNames);

/** Adds `images`. It exits with 1 where an image failed. */
export function register(program: Command): void {
  const images = program
    .command("images")
    .description("build or copy the images that an environment runs, push them and pin their digests");
  images
    .command("build")
    .description("build them, and leave them with the builder")
    .argument("<env>", "environment")
    .argument("[service]", "this image alone, as NAME or SYSTEM/NAME")
    .addOption(builderOption())
    .option("--json", "what became of each image, as JSON")
    .action(async (name: string, service: string | undefined, { builder, json }: BuildFlags) => {
      const options = { environment: process.env, service, builder };
      tell(await buildImages(name, options), { json });
    });
  images
    .command("push")
    .description(
      "build or copy what the registry does not have, push it, and pin the digests in the environment's file",
    )
    .argument("<env>", "environment")
    .argument("[service]", "this image alone, as NAME or SYSTEM/NAME")
    .addOption(builderOption())
    .option("--registry <host>", registryText)
    .option("--allow-dirty", "push a folder's changes too that are not committed")
    .addOption(
      new Option("--from <env>", "build nothing: pin what this other environment pins").conflicts([
        "builder",
        "allowDirty",
      ]),
    )
    .option("--json", "what became of each image, as JSON")
    .action(async (name: string, service: string | undefined, flags: PushFlags) => {
      const { builder, allowDirty, from, json } = flags;
      const common = { environment: process.env, service, registry: registryOf(flags) };
      const done =
        from === undefined
          ? await pushImages(name, { ...common, allowDirty, builder })
          : await promoteImages(name, from, common);
      tell(done, { json });
    });
  images
    .command("pin")
    .description(
      "keep the images from expiring whose digests somebody has written into the environment's file",
    )
    .argument("<env>", "environment")
    .argument("[service]", "this image alone, as NAME or SYSTEM/NAME")
    .option("--registry <host>", registryText)
    .option("--json", "what became of each image, as JSON")
    .action(async (name: string, service: string | undefined, flags: PinFlags) => {
      const options = { environment: process.env, service, registry: registryOf(flags) };
      tell(await pinImages(name, options), flags);
    });
}
