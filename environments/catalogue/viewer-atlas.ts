import type { InputGroup } from "../input";
import * as type from "../types";

const size = (cpu: string, memory: string, what: string) =>
  ({
    cpu: {
      use: "structural",
      type: type.fargateCpu,
      default: cpu,
      description: `CPU units of ${what}; 1024 are a vCPU.`,
    },
    memory: {
      use: "structural",
      type: type.fargateMemory,
      default: memory,
      description: `Memory of ${what} in MiB, of those that Fargate has for its CPU.`,
    },
  }) as const;
const image = (what: string) =>
  ({
    use: "structural",
    type: type.imageDigest,
    optional: true,
    description: `Image of ${what}, by its digest: \`./landfall images push stage\` writes it. Without one nothing runs.`,
  }) as const;
const collectorSize = size("256", "512", "the collector");
const analysisSize = size("1024", "2048", "the analysis");
const vodSize = size("512", "1024", "the VOD collector");

export const viewerAtlasInputs = {
  viewer_atlas_collector_image: image("the collector"),
  viewer_atlas_analysis_image: image("the analysis"),
  viewer_atlas_vod_image: image("the VOD collector"),
  viewer_atlas_source: {
    use: "application",
    type: type.sourceLocation,
    optional: true,
    description: "Where the images are built from: a folder, or a git repository.",
    example: "../ViewerAtlas",
  },
  viewer_atlas_git_ref: {
    use: "application",
    type: type.gitRef,
    default: "main",
    description: "Branch, tag or commit of `viewer_atlas_source` to build, where that is a repository.",
  },
  viewer_atlas_dockerfiles: {
    use: "application",
    type: type.pathByName,
    default: ["collector", "analysis", "vod"]
      .map((name) => `${name}=infrastructure/docker/Dockerfile.${name}`)
      .join(),
    description: "Dockerfile of each image, in the source.",
  },
  viewer_atlas_architecture: {
    use: "structural",
    type: type.oneOf("X86_64", "ARM64"),
    default: "X86_64",
    description: "Processors that the images are built for and run on; ARM64 costs a fifth less.",
  },
  viewer_atlas_spot: {
    use: "structural",
    type: type.bool,
    default: "true",
    description: "Whether tasks run on Fargate Spot, and on demand where Spot has no room.",
  },
  viewer_atlas_on_demand_base: {
    use: "structural",
    type: type.count(0, 10),
    default: "0",
    description: "Tasks of the collector that are always on demand.",
  },
  viewer_atlas_collector_count: {
    use: "structural",
    type: type.count(0, 10),
    default: "1",
    description: "Collectors that run; 0 stops it.",
  },
  viewer_atlas_collector_cpu: collectorSize.cpu,
  viewer_atlas_collector_memory: collectorSize.memory,
  viewer_atlas_analysis_cpu: analysisSize.cpu,
  viewer_atlas_analysis_memory: analysisSize.memory,
  viewer_atlas_vod_cpu: vodSize.cpu,
  viewer_atlas_vod_memory: vodSize.memory,
  viewer_atlas_analysis_schedule: {
    use: "structural",
    type: type.schedule,
    default: "cron(0 3 * * ? *)",
    description: "When the analysis runs, in UTC.",
  },
  viewer_atlas_vod_schedule: {
    use: "structural",
    type: type.schedule,
    default: "rate(6 hours)",
    description: "When the VOD collector runs, in UTC.",
  },
  viewer_atlas_max_runtime_hours: {
    use: "structural",
    type: type.count(1, 168),
    default: "24",
    description: "Hours after which a collector ends by itself. Overrides its config.yaml.",
  },
  viewer_atlas_max_collection_cycles: {
    use: "structural",
    type: type.count(1, 1_000_000),
    default: "100",
    description: "Collection cycles after which a collector ends by itself. Overrides its config.yaml.",
  },
  viewer_atlas_max_vods_per_run: {
    use: "structural",
    type: type.count(1, 10_000),
    default: "50",
    description: "VODs that one run of the VOD collector takes. Overrides its config.yaml.",
  },
  viewer_atlas_max_processing_hours: {
    use: "structural",
    type: type.count(1, 168),
    default: "4",
    description:
      "Hours after which a run of the VOD collector or the analysis ends. Overrides its config.yaml.",
  },
  viewer_atlas_bucket: {
    use: "structural",
    type: type.bucketName,
    optional: true,
    description:
      "Data lake bucket, where it must differ from `<name_prefix>-<environment>-vieweratlas-data-lake`.",
  },
  viewer_atlas_file_system: {
    use: "structural",
    type: type.fileSystemId,
    optional: true,
    description:
      "EFS file system for channels.txt and vod_queue.json: one that is there, or `new`. Without it the containers have no volumes of EFS.",
    example: "fs-0123456789abcdef0",
  },
  viewer_atlas_file_system_access_point: {
    use: "structural",
    type: type.accessPointId,
    optional: true,
    description:
      "Access point of a file system that is there, by which alone the containers reach it. Without it they see its root.",
    example: "fsap-0123456789abcdef0",
  },
  viewer_atlas_monthly_budget: {
    use: "structural",
    type: type.dollars,
    default: "50",
    description: "US dollars a month; at 80 % and 100 % of it the alarm topic is told.",
  },
  viewer_atlas_budget_scope: {
    use: "structural",
    type: type.oneOf("account", "system"),
    default: "account",
    description:
      "What the budget counts: the whole account, or what is tagged with System, which must be an active cost allocation tag.",
  },
  viewer_atlas_read_only_root: {
    use: "structural",
    type: type.bool,
    default: "true",
    description:
      "Whether containers may write to /tmp and the file system alone. False for images that write beside their code.",
  },
  viewer_atlas_exec: {
    use: "structural",
    type: type.bool,
    default: "false",
    description:
      "Whether ECS Exec may open a shell in containers; it needs `viewer_atlas_read_only_root` to be false.",
  },
  viewer_atlas_container_insights: {
    use: "structural",
    type: type.bool,
    default: "false",
    description: "Whether the cluster has Container Insights, whose metrics cost.",
  },
} as const satisfies InputGroup;
