/** An image of our own that a system runs, known by its digest. */
export interface SystemImage {
  /** What commands call it. */
  readonly name: string;
  /** Last part of its repository's name, after the name prefix. */
  readonly repository: string;
  /** Input that holds its digest. */
  readonly input: string;
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
} as const satisfies Readonly<
  Record<string, { readonly inputs: ImageSource; readonly images: readonly SystemImage[] }>
>;
