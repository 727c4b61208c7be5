import { TerraformOutput } from "cdktf";
import { Construct } from "constructs";
import { viewerAtlasInputs } from "../../environments/catalogue";
import type { ViewerAtlasValues } from "../../environments/derived";
import { declareInputs } from "../../environments/variables";
import { arnsIn } from "../../modules/arn";
import { Bucket } from "../../modules/bucket";
import { Budget } from "../../modules/budget";
import { capacityStrategy, type Capacity } from "../../modules/capacity";
import { ContainerService, type TaskNetwork } from "../../modules/container-service";
import { DeadLetterQueue } from "../../modules/dead-letter-queue";
import { EcsCluster } from "../../modules/ecs-cluster";
import { EventLog } from "../../modules/event-log";
import { FileSystem, NFS } from "../../modules/file-system";
import { port } from "../../modules/port-range";
import { longestPeriodHours } from "../../modules/schedule";
import { ScheduledTask } from "../../modules/scheduled-task";
import { OperatorSecret } from "../../modules/secret";
import { anywhere, SecurityGroup } from "../../modules/security-group";
import type { PolicyStatement } from "../../modules/service-role";
import { SpotFallback } from "../../modules/spot-fallback";
import { TaskDefinition, type TaskFileSystem } from "../../modules/task-definition";
import { TaskOutcome } from "../../modules/task-outcome";
import { repositoryOf } from "../images";
import type { WorkloadProps } from "../workload";
import { dataPrefix, viewerAtlasServices, type ServiceDefinition, type ServiceName } from "./services";

const LOG_DAYS = 7;
/** Versions of data that was replaced or deleted are kept so long. */
const NONCURRENT_DAYS = 30;
/** IRC over TLS, by which Twitch's chat is read besides WebSockets on 443: https://dev.twitch.tv/docs/chat/irc */
const TWITCH_IRC = 6697;
const VOLUME = { name: "files", path: "/data" };
/** So late a scheduled run may begin before it counts as missed. */
const LATE_HOURS = 1;
const BUDGET_THRESHOLDS = [80, 100]; // percent

/** ViewerAtlas: a collector that always runs, an analysis and a VOD collector on schedules, and their data lake. */
export class ViewerAtlas extends Construct {
  private readonly values: ViewerAtlasValues;
  private readonly name: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: WorkloadProps,
  ) {
    super(scope, id);
    const { values } = declareInputs(this, viewerAtlasInputs, props.settings);
    const { environment, shared, region, partition, accountIds, alarmTopicArn } = props;
    this.values = values;
    this.name = `${environment}-vieweratlas`;
    const capacity: Capacity = { spot: values.viewer_atlas_spot };

    const lake = this.dataLake();
    const secrets = this.secrets();
    const cluster = new EcsCluster(this, "cluster", {
      name: `${this.name}-cluster`,
      capacity,
      containerInsights: values.viewer_atlas_container_insights,
    });
    const group = new SecurityGroup(this, "group", {
      name: `${this.name}-ecs-sg`,
      description: "ViewerAtlas tasks: outbound only",
      vpcId: shared.vpcId,
      egress: [{ purpose: "web", ports: [port(443), port(TWITCH_IRC)], cidrs: anywhere }],
    });
    const network: TaskNetwork = {
      subnetIds: shared.publicSubnetIds,
      securityGroupIds: [group.id],
      assignPublicIp: true, // the public subnets have no other way out
    };
    const files = this.fileSystem(group);
    const services = viewerAtlasServices(values, {
      image: (name) => `${this.repository(name).url}@${this.digest(name) ?? "sha256:none"}`,
      storage: {
        STORAGE_TYPE: "s3",
        S3_BUCKET: lake.name,
        S3_PREFIX: dataPrefix,
        AWS_REGION: region,
      },
      secrets: {
        TWITCH_OAUTH_TOKEN: { arn: secrets.twitch_oauth_token.arn },
        TWITCH_CLIENT_ID: { arn: secrets.twitch_client_id.arn },
      },
      volume: files ? VOLUME : undefined,
    });
    const task = (name: ServiceName) => this.task(name, services[name], lake, files);
    const tasks = { collector: task("collector"), analysis: task("analysis"), vod: task("vod") };

    const collectorCapacity = { ...capacity, onDemandBase: values.viewer_atlas_on_demand_base };
    const collector = new ContainerService(this, "collector", {
      name: tasks.collector.family,
      cluster,
      task: tasks.collector,
      desiredCount: this.digest("collector") ? values.viewer_atlas_collector_count : 0,
      capacity: collectorCapacity,
      network,
      // Two would collect the same twice
      minimumHealthyPercent: 0,
      maximumPercent: 100,
      exec: values.viewer_atlas_exec,
    });
    const deadLetters = new DeadLetterQueue(this, "not_started", {
      name: `${this.name}-runs-not-started`,
      alarmTopicArn,
      meaning: `A scheduled run of ${this.name} could not be started.`,
    });
    const log = new EventLog(this, "runs", {
      name: `${this.name}-runs`,
      retentionDays: LOG_DAYS,
      keyArn: props.dataKeyArn,
    });
    new TaskOutcome(this, "collector_outcome", {
      name: tasks.collector.family,
      clusterArn: cluster.arn,
      group: `service:${collector.name}`,
      container: "collector",
      serviceArns: arnsIn(props, "ecs", `service/${cluster.name}/${collector.name}`),
      log,
      alarmTopicArn,
    });
    // Documented names: what they say of the time is the default
    const schedules = {
      analysis: { name: `${this.name}-analysis-daily`, when: values.viewer_atlas_analysis_schedule },
      vod: { name: `${this.name}-vod-6h`, when: values.viewer_atlas_vod_schedule },
    };
    for (const name of ["analysis", "vod"] as const) {
      const enabled = this.digest(name) !== undefined;
      const { family } = tasks[name];
      new ScheduledTask(this, `${name}_schedule`, {
        name: schedules[name].name,
        schedule: schedules[name].when,
        enabled,
        roleName: this.roleName(`${services[name].fullName}-schedule-role`),
        partition,
        region,
        accountIds,
        cluster,
        task: tasks[name],
        capacity,
        network,
        deadLetters,
        exec: values.viewer_atlas_exec,
      });
      new TaskOutcome(this, `${name}_outcome`, {
        name: family,
        clusterArn: cluster.arn,
        group: `family:${family}`,
        container: name,
        log,
        alarmTopicArn,
        startWithinHours: enabled ? longestPeriodHours(schedules[name].when) + LATE_HOURS : undefined,
      });
    }
    if (values.viewer_atlas_spot) {
      new SpotFallback(this, "spot", {
        name: `${this.name}-spot`,
        roleName: this.roleName("vieweratlas-spot"),
        partition,
        region,
        accountIds,
        cluster,
        services: [{ service: collector, capacity: collectorCapacity }],
        tasks: [tasks.analysis, tasks.vod],
        network,
        log,
        alarmTopicArn,
      });
    }
    new Budget(this, "budget", {
      name: `${this.name}-budget`,
      monthly: values.viewer_atlas_monthly_budget,
      thresholds: BUDGET_THRESHOLDS,
      topicArn: alarmTopicArn,
      tag:
        values.viewer_atlas_budget_scope === "system" ? { name: "System", value: "viewer-atlas" } : undefined,
    });
    this.outputs({ cluster, network, tasks, collector, capacity, secrets, schedules, lake });
  }

  private roleName(name: string): string {
    return `${this.props.namePrefix}-${this.props.environment}-${name}`;
  }

  private digest(name: ServiceName): string | undefined {
    return this.values[`viewer_atlas_${name}_image`];
  }

  private repository(name: ServiceName) {
    return repositoryOf("viewer-atlas", name, this.props);
  }

  private dataLake(): Bucket {
    const { props, values } = this;
    return new Bucket(this, "data_lake", {
      name: values.viewer_atlas_bucket ?? `${props.namePrefix}-${this.name}-data-lake`,
      partition: props.partition,
      noncurrentDays: NONCURRENT_DAYS,
      lifecycle: [
        { id: "DeleteOldRawLogs", prefix: `${dataPrefix}raw/snapshots/`, expirationDays: 30 },
        { id: "DeleteOldVODRaw", prefix: `${dataPrefix}raw/vod_chat/`, expirationDays: 7 },
        { id: "ArchiveProcessedData", prefix: `${dataPrefix}curated/`, glacierDays: 90 },
      ],
      forceDestroy: !props.deletionProtection,
    });
  }

  private secrets() {
    const secret = (id: string, name: string, description: string) =>
      new OperatorSecret(this, id, {
        name: `${this.name}/twitch/${name}`,
        description,
        keyArn: this.props.dataKeyArn,
        recoverable: this.props.deletionProtection,
      });
    return {
      twitch_oauth_token: secret("twitch_oauth_token", "oauth_token", "Twitch OAuth token with chat:read"),
      twitch_client_id: secret("twitch_client_id", "client_id", "Client id of the Twitch application"),
    };
  }

  private fileSystem(group: SecurityGroup): TaskFileSystem | undefined {
    const { viewer_atlas_file_system: wanted, viewer_atlas_file_system_access_point: access } = this.values;
    const { props } = this;
    if (wanted === undefined) return undefined;
    if (wanted !== "new") {
      // Its own security group must let ours in
      group.allowTo({ purpose: "nfs", ports: [port(NFS)], networks: { vpc: props.shared.vpcCidrBlock } });
      return {
        id: wanted,
        arns: arnsIn(props, "elasticfilesystem", `file-system/${wanted}`),
        accessPoint: access
          ? { id: access, arn: arnsIn(props, "elasticfilesystem", `access-point/${access}`) }
          : undefined,
      };
    }
    const files = new FileSystem(this, "files", {
      name: this.name,
      vpcId: props.shared.vpcId,
      subnetsByZone: props.shared.publicSubnetsByZone,
      owner: { uid: "1000", gid: "1000" },
      keyArn: props.dataKeyArn,
      backup: props.deletionProtection,
      preventDestroy: props.deletionProtection,
    });
    files.allowFrom("tasks", group);
    return files;
  }

  private task(
    name: ServiceName,
    { fullName, cpu, memory, container }: ServiceDefinition,
    lake: Bucket,
    files: TaskFileSystem | undefined,
  ): TaskDefinition {
    const { props, values } = this;
    const repository = this.repository(name);
    return new TaskDefinition(this, `${name}_task`, {
      family: `${props.environment}-${fullName}`,
      roleName: this.roleName(fullName),
      partition: props.partition,
      region: props.region,
      accountIds: props.accountIds,
      cpu,
      memory,
      architecture: values.viewer_atlas_architecture,
      container,
      repositoryArns: repository.arns,
      precondition: repository.exists,
      statements: dataAccess(name, `arn:${props.partition}:s3:::${lake.name}`),
      fileSystems: files && container.mounts ? { [VOLUME.name]: files } : undefined,
      exec: values.viewer_atlas_exec,
      logRetentionDays: LOG_DAYS,
      keyArn: props.dataKeyArn,
    });
  }

  private outputs(parts: {
    readonly cluster: EcsCluster;
    readonly network: TaskNetwork;
    readonly tasks: Readonly<Record<ServiceName, TaskDefinition>>;
    readonly collector: ContainerService;
    readonly capacity: Capacity;
    readonly secrets: Readonly<Record<string, OperatorSecret>>;
    readonly schedules: Readonly<Record<"analysis" | "vod", { readonly name: string }>>;
    readonly lake: Bucket;
  }): void {
    const output = (id: string, description: string, value: unknown) =>
      new TerraformOutput(this, `output_${id}`, { description, value }).overrideLogicalId(
        `viewer_atlas_${id}`,
      );
    const readers = Object.entries(parts.tasks).filter(([, { container }]) => container.secrets);
    const containers = Object.entries(parts.tasks).map(([name, task]) => [
      name,
      {
        ...(name === "collector"
          ? { kind: "service", service: parts.collector.name }
          : { kind: "task", schedule: parts.schedules[name as "analysis" | "vod"].name }),
        family: task.family,
        task_definition: task.arn,
        container: task.container.name,
        log_group: task.logGroup,
        log_stream_prefix: task.container.name,
        capacity: capacityStrategy(parts.capacity).map(({ capacityProvider: provider, weight, base }) => ({
          provider,
          weight,
          base,
        })),
        exec: this.values.viewer_atlas_exec,
        secrets: task.container.secrets ? Object.keys(parts.secrets) : [],
      },
    ]);
    output("containers", "Services and scheduled tasks, for ./landfall run, restart and logs.", {
      cluster: parts.cluster.name,
      subnets: parts.network.subnetIds,
      security_groups: parts.network.securityGroupIds,
      assign_public_ip: parts.network.assignPublicIp,
      containers: Object.fromEntries(containers),
    });
    output(
      "secrets",
      "Secrets to fill: ./landfall secret set.",
      Object.fromEntries(
        Object.entries(parts.secrets).map(([name, secret]) => [
          name,
          {
            name: secret.name,
            arn: secret.arn,
            owner: "operator",
            used_by: readers.map(([reader]) => reader),
          },
        ]),
      ),
    );
    output("bucket", "Data lake.", parts.lake.name);
  }
}

/** Collectors write what they collect; the analysis reads that, and writes what it makes of it. */
function dataAccess(name: ServiceName, bucket: string): PolicyStatement[] {
  const write = (Sid: string, prefix: string): PolicyStatement => ({
    Sid,
    Effect: "Allow",
    Action: ["s3:PutObject"],
    Resource: `${bucket}/${dataPrefix}${prefix}*`,
  });
  if (name !== "analysis") return [write("WriteRaw", "raw/")];
  return [
    {
      Sid: "ReadRaw",
      Effect: "Allow",
      Action: ["s3:GetObject"],
      Resource: `${bucket}/${dataPrefix}raw/*`,
    },
    {
      Sid: "ListRaw",
      Effect: "Allow",
      Action: ["s3:ListBucket"],
      Resource: bucket,
      Condition: { StringLike: { "s3:prefix": `${dataPrefix}raw/*` } },
    },
    write("WriteCurated", "curated/"),
  ];
}
