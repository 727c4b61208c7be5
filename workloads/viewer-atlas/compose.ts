import type { ViewerAtlasValues } from "../../environments/derived";
import { composeDocument, type ComposeDocument } from "../compose";
import { systemImages } from "../images";
import { viewerAtlasServices, type ServiceName } from "./services";

/** Where data is in the containers, in place of the data lake. */
const DATA = "/data";
const platforms = { X86_64: "linux/amd64", ARM64: "linux/arm64" } as const;

/**
 * ViewerAtlas on a developer's machine: files instead of the data lake, and secrets from `.env`.
 * @param source folder or git URL that images are built from; none: they must be there
 * @param dockerfiles path of each image's Dockerfile in the source
 */
export function viewerAtlasCompose(
  values: ViewerAtlasValues,
  { source, dockerfiles }: { source?: string; dockerfiles: ReadonlyMap<string, string> },
): ComposeDocument {
  const secret = { arn: "of .env" };
  const services = viewerAtlasServices(values, {
    image: localImage,
    storage: { STORAGE_TYPE: "file", DATA_DIR: DATA },
    secrets: { TWITCH_OAUTH_TOKEN: secret, TWITCH_CLIENT_ID: secret },
  });
  const local = Object.entries(services).map(([name, { cpu, memory, container }]) => {
    const dockerfile = dockerfiles.get(name);
    const build =
      source !== undefined && dockerfile !== undefined ? { context: source, dockerfile } : undefined;
    return [name, { cpu, memory, container, always: name === "collector", build }];
  });
  return composeDocument({
    name: "vieweratlas",
    services: Object.fromEntries(local),
    platform: platforms[values.viewer_atlas_architecture],
    data: DATA,
  });
}

function localImage(name: ServiceName): string {
  const image = systemImages["viewer-atlas"].images.find((one) => one.name === name);
  return `${image?.repository ?? name}:local`;
}
