import { imageInput } from "../environments/catalogue/atomic-calendar";
import { arnsIn } from "../modules/arn";
import { serviceNames } from "./atomic-calendar/services";
import type { WorkloadProps } from "./workload";

/** An image that a system runs from a repository of ours, known by its digest. */
export interface SystemImage {
  /** What commands call it. */
  readonly name: string;
  /** Last part of its repository's name, after the name prefix. */
  readonly repository: string;
  /** Input that holds its digest. */
  readonly input: string;
  /** Input that holds somebody else's image, which is copied. @default it is built from the system's source */
  readonly upstream?: string;
}

/** Inputs of a system that say where its images come from. */
export interface ImageSource {
  readonly source: string;
  readonly gitRef: string;
  readonly dockerfiles: string;
  readonly architecture: string;
}

/** Images by system, and the inputs that say where they are built from. */
export const systemImages = {
  "viewer-atlas": {
    inputs: {
      source: "viewer_atlas_source",
      gitRef: "viewer_atlas_git_ref",
      dockerfiles: "viewer_atlas_dockerfiles",
      architecture: "viewer_atlas_architecture",
    },
    images: ["collector", "analysis", "vod"].map((name) => ({
      name,
      repository: `vieweratlas-${name}`,
      input: `viewer_atlas_${name}_image`,
    })),
  },
  "atomic-calendar": {
    inputs: {
      source: "atomic_calendar_source",
      gitRef: "atomic_calendar_git_ref",
      dockerfiles: "atomic_calendar_dockerfiles",
      architecture: "atomic_calendar_architecture",
    },
    images: [
      ...serviceNames.map((name) => ({
        name,
        repository: `atomic-${name}`,
        input: imageInput(name),
        ...(name === "hasura" || name === "supertokens"
          ? { upstream: `atomic_calendar_${name}_upstream` }
          : {}),
      })),
      {
        name: "xray-daemon",
        repository: "atomic-xray-daemon",
        input: "atomic_calendar_xray_daemon_image",
        upstream: "atomic_calendar_xray_daemon_upstream",
      },
    ],
  },
} as const satisfies Readonly<
  Record<string, { readonly inputs: ImageSource; readonly images: readonly SystemImage[] }>
>;

/**
 * The repository of an image: its URL and ARNs, and the condition that `shared` has it.
 * @throws where the system has no such image
 */
export function repositoryOf(
  system: keyof typeof systemImages,
  name: string,
  props: Pick<WorkloadProps, "shared" | "namePrefix" | "partition" | "region" | "accountIds">,
) {
  const images: readonly SystemImage[] = systemImages[system].images;
  const image = images.find((one) => one.name === name);
  if (!image) throw new Error(`workloads/images.ts has no image ${name} of ${system}`);
  const { repository } = image;
  return {
    ...props.shared.imageRepository(repository, system),
    arns: arnsIn(props, "ecr", `repository/${props.namePrefix}-${repository}`),
  };
}
