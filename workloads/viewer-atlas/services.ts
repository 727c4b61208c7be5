import type { ViewerAtlasValues } from "../../environments/derived";
import type { ContainerProps, SecretReference } from "../../modules/container";

/** First part of every key in the data lake: what the application writes, and what rules and roles are about. */
export const dataPrefix = "vieweratlas/";

export type ServiceName = "collector" | "analysis" | "vod";

/** One service: what its task definition and the compose file for local development are made from. */
export interface ServiceDefinition {
  /** Its documented name, after the environment's: of the task family, the service and the log group. */
  readonly fullName: string;
  readonly cpu: number;
  readonly memory: number;
  readonly container: ContainerProps;
}

/** What differs between AWS and a developer's machine. */
export interface ServiceContext {
  image(name: ServiceName): string;
  /** Where data goes: the bucket, or files. */
  readonly storage: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<"TWITCH_OAUTH_TOKEN" | "TWITCH_CLIENT_ID", SecretReference>>;
  /** Volume that outlives containers, and where it is mounted. @default none */
  readonly volume?: { readonly name: string; readonly path: string };
}

/** Seconds that a program gets to end by itself after its own limit. */
const GRACE = 900;
const HOUR = 3600; // seconds

/** The most that Fargate gives, in seconds: what was collected last is to be written. */
const COLLECTOR_STOP = 120;

/** The three services. */
export function viewerAtlasServices(
  values: ViewerAtlasValues,
  context: ServiceContext,
): Readonly<Record<ServiceName, ServiceDefinition>> {
  const common = {
    writable: { tmp: "/tmp" },
    writableRoot: !values.viewer_atlas_read_only_root,
  };
  const volume = context.volume;
  const collecting = {
    ...common,
    secrets: context.secrets,
    mounts: volume ? { [volume.name]: volume.path } : undefined,
  };
  const environment = (limits: Readonly<Record<string, number>>, withVolume = true) => ({
    ...context.storage,
    ...(volume && withVolume ? { DATA_DIR: volume.path } : {}),
    ...Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, String(limit)])),
  });
  return {
    collector: {
      fullName: "vieweratlas-collector",
      cpu: values.viewer_atlas_collector_cpu,
      memory: values.viewer_atlas_collector_memory,
      container: {
        ...collecting,
        name: "collector",
        image: context.image("collector"),
        environment: environment({
          MAX_RUNTIME_HOURS: values.viewer_atlas_max_runtime_hours,
          MAX_COLLECTION_CYCLES: values.viewer_atlas_max_collection_cycles,
        }),
        stopTimeout: COLLECTOR_STOP,
        timeLimit: values.viewer_atlas_max_runtime_hours * HOUR + GRACE,
      },
    },
    analysis: {
      fullName: "vieweratlas-analysis",
      cpu: values.viewer_atlas_analysis_cpu,
      memory: values.viewer_atlas_analysis_memory,
      container: {
        ...common,
        name: "analysis",
        image: context.image("analysis"),
        environment: environment({ MAX_PROCESSING_HOURS: values.viewer_atlas_max_processing_hours }, false),
        timeLimit: values.viewer_atlas_max_processing_hours * HOUR + GRACE,
      },
    },
    vod: {
      fullName: "vieweratlas-vod-collector",
      cpu: values.viewer_atlas_vod_cpu,
      memory: values.viewer_atlas_vod_memory,
      container: {
        ...collecting,
        name: "vod",
        image: context.image("vod"),
        environment: environment({
          MAX_VODS_PER_RUN: values.viewer_atlas_max_vods_per_run,
          MAX_PROCESSING_HOURS: values.viewer_atlas_max_processing_hours,
        }),
        timeLimit: values.viewer_atlas_max_processing_hours * HOUR + GRACE,
      },
    },
  };
}
