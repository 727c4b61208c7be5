import { MskServerlessCluster } from "@cdktf/provider-aws/lib/msk-serverless-cluster";
import { TerraformOutput } from "cdktf";
import { Construct } from "constructs";
import { atomicCalendarInputs, imageInput } from "../../environments/catalogue/atomic-calendar";
import type { AtomicCalendarValues } from "../../environments/derived";
import type { References } from "../../environments/input";
import { stageDefaults } from "../../environments/stage-class";
import { declareInputs } from "../../environments/variables";
import { CompositeAlarm } from "../../modules/alarm";
import { arnsIn } from "../../modules/arn";
import { Bucket } from "../../modules/bucket";
import { Budget } from "../../modules/budget";
import { capacityStrategy, type Capacity } from "../../modules/capacity";
import { ConnectionString } from "../../modules/connection-string";
import type { ContainerProps, SecretReference, Sidecar } from "../../modules/container";
import { ContainerService, type TaskNetwork } from "../../modules/container-service";
import { Database } from "../../modules/database";
import { EcsCluster } from "../../modules/ecs-cluster";
import { EventLog } from "../../modules/event-log";
import { FileSystem } from "../../modules/file-system";
import { GeneratedSecret } from "../../modules/generated-secret";
import { LoadBalancer, type Target } from "../../modules/load-balancer";
import { port } from "../../modules/port-range";
import { OperatorSecret } from "../../modules/secret";
import { anywhere, SecurityGroup } from "../../modules/security-group";
import { ServiceNamespace } from "../../modules/service-namespace";
import type { PolicyStatement } from "../../modules/service-role";
import { SpotFallback } from "../../modules/spot-fallback";
import { TaskDefinition } from "../../modules/task-definition";
import { repositoryOf } from "../images";
import type { WorkloadProps } from "../workload";
import { makeAlarms, type WatchedTarget } from "./alarms";
import { makeDashboard } from "./dashboard";
import {
  secretOwners,
  serviceNames,
  services,
  START_SECONDS,
  type SecretName,
  type Service,
  type ServiceName,
} from "./services";

const LOG_DAYS = 30;
/** Versions of data that was replaced or deleted are kept so long. */
const NONCURRENT_DAYS = 30;
const DATABASE = "atomicdb";
const VOLUME = "files";
/** Who the containers run as. */
const OWNER = { uid: "1000", gid: "1000" };
const BUDGET_THRESHOLDS = [80, 100]; // percent
const DEFAULT_SIZE = [256, 512] as const; // CPU units, MiB
/** Bytes of an HS256 key that RFC 7518, section 3.2, asks for are 32. */
const JWT_KEY = 64;
/** Port of MSK's brokers with IAM: https://docs.aws.amazon.com/msk/latest/developerguide/port-info.html */
const BROKERS = 9098;
/** With TLS: by certificate, by user and password, by IAM. The same page says so. */
const OTHERS_BROKERS = [9094, 9096, BROKERS];

/** A secret, and what changes with its value where Terraform writes that. */
interface AnySecret {
  readonly name: string;
  readonly arn: string;
  readonly versionId?: string;
}

/** Atomic Calendar: eight services behind one load balancer, with PostgreSQL, a file system and a bucket. */
export class AtomicCalendar extends Construct {
  private readonly values: AtomicCalendarValues;
  private readonly refs: References<typeof atomicCalendarInputs>;
  private readonly name: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: WorkloadProps,
  ) {
    super(scope, id);
    const { values, refs } = declareInputs(this, atomicCalendarInputs, props.settings);
    this.values = values;
    this.refs = refs;
    this.name = `${props.environment}-atomic-calendar`;
    const { shared, alarmTopicArn } = props;

    const groups = this.groups();
    const balancer = this.balancer();
    const database = this.database();
    const secrets = this.secrets(database);
    const files = this.fileSystem();
    const bucket = new Bucket(this, "data", {
      name: `${props.namePrefix}-${this.name}-data`,
      partition: props.partition,
      noncurrentDays: NONCURRENT_DAYS,
      forceDestroy: !props.deletionProtection,
    });
    const brokers = values.atomic_calendar_msk === "serverless" ? this.brokers() : undefined;
    const namespace = new ServiceNamespace(this, "names", {
      name: `${this.name}.internal`,
      vpcId: shared.vpcId,
    });
    const cluster = new EcsCluster(this, "cluster", {
      name: `${this.name}-cluster`,
      capacity: { spot: false },
      containerInsights: values.atomic_calendar_container_insights,
    });
    const network = (name: ServiceName): TaskNetwork => ({
      subnetIds: shared.privateSubnetIds,
      securityGroupIds: [groups[name].id],
      assignPublicIp: false,
    });

    const targets: Record<string, WatchedTarget> = {};
    const made: MadeService[] = [];
    const spot: { service: ContainerService; capacity: Capacity }[] = [];
    for (const name of serviceNames) {
      const service = services[name];
      const target = service.route && this.route(balancer, name, service);
      if (target && service.route)
        targets[name] = { dimensions: target.dimensions, latencyLimit: service.route.latencyLimit };
      const task = this.task(name, { secrets, files, bucket, namespace, brokers: brokers?.cluster });
      const tasks = this.tasks(name);
      const capacity: Capacity =
        service.spot && values.atomic_calendar_spot
          ? { spot: true, onDemandBase: Math.min(values.atomic_calendar_on_demand_base, tasks.max) }
          : { spot: false };
      const containerService = new ContainerService(this, name, {
        name: task.family,
        cluster,
        task,
        desiredCount: this.digest(name) ? tasks.min : 0,
        capacity,
        network: network(name),
        targetGroupArns: target?.targetGroupArns,
        after: target?.dependsOn,
        healthCheckGraceSeconds: service.startSeconds ?? START_SECONDS,
        discovery: namespace.register(name),
        autoScaling:
          this.digest(name) && tasks.max > tasks.min
            ? {
                ...tasks,
                cpu: values.atomic_calendar_cpu_target,
                memory: values.atomic_calendar_memory_target,
              }
            : undefined,
        exec: values.atomic_calendar_exec,
      });
      if (capacity.spot) spot.push({ service: containerService, capacity });
      made.push({ name, task, service: containerService, capacity });
    }
    this.edges(groups, { balancer, database, files, brokers: brokers?.group });
    if (spot.length > 0)
      new SpotFallback(this, "spot", {
        ...place(props),
        name: `${this.name}-spot`,
        roleName: this.roleName("spot"),
        cluster,
        services: spot,
        tasks: [],
        network: network("app"),
        log: new EventLog(this, "events", {
          name: `${this.name}-events`,
          retentionDays: LOG_DAYS,
          keyArn: props.dataKeyArn,
        }),
        alarmTopicArn,
      });

    const dimensionsOf = (wanted: (service: Service) => boolean | undefined) =>
      Object.fromEntries(
        serviceNames
          .filter((name) => wanted(services[name]))
          .map((name) => [name, { ClusterName: cluster.name, ServiceName: `${this.name}-${name}` }]),
      );
    const watched = {
      name: this.name,
      balancer: balancer.dimensions,
      targets,
      services: dimensionsOf(({ cpuAlarm }) => cpuAlarm),
      database: {
        dimensions: database.dimensions,
        hasFixedStorage: values.atomic_calendar_database === "postgres",
        connections: values.atomic_calendar_database_connections,
      },
    };
    const alarms = makeAlarms(new Construct(this, "alarm"), watched, alarmTopicArn);
    const alarm = new CompositeAlarm(this, "health", {
      name: this.name,
      description: "Atomic Calendar is not well: the alarms that are on say where.",
      alarms: Object.values(alarms),
      topicArns: [alarmTopicArn],
    });
    const dashboard = makeDashboard(this, "dashboard", {
      ...watched,
      region: props.region,
      partition: props.partition,
      dashboardName: `${props.environment}-SystemHealthOverview`,
      shownServices: dimensionsOf(({ onDashboard }) => onDashboard),
      alarmArns: [alarm.arn, ...Object.values(alarms).map(({ arn }) => arn)],
    });
    new Budget(this, "budget", {
      name: `${this.name}-budget`,
      monthly: values.atomic_calendar_monthly_budget,
      thresholds: BUDGET_THRESHOLDS,
      topicArn: alarmTopicArn,
      tag:
        values.atomic_calendar_budget_scope === "system"
          ? { name: "System", value: "atomic-calendar" }
          : undefined,
    });
    this.outputs({ balancer, database, secrets, made, cluster, groups, bucket, dashboardUrl: dashboard.url });
  }

  private roleName(name: string): string {
    return `${this.props.namePrefix}-${this.props.environment}-atomic-${name}`;
  }

  private digest(name: ServiceName): string | undefined {
    return this.values[imageInput(name)];
  }

  private tasks(name: ServiceName): { readonly min: number; readonly max: number } {
    const [min, max] = this.values.atomic_calendar_tasks.get(name) ?? [];
    return min === undefined || max === undefined ? services[name].tasks : { min, max };
  }

  private groups(): Readonly<Record<ServiceName, SecurityGroup>> {
    const scope = new Construct(this, "group");
    const group = (name: ServiceName) =>
      new SecurityGroup(scope, name, {
        name: `${this.name}-${name}`,
        description: `Atomic Calendar: ${name}`,
        vpcId: this.props.shared.vpcId,
        egress: [{ purpose: "web", ports: [port(443)], cidrs: anywhere }],
      });
    return Object.fromEntries(serviceNames.map((name) => [name, group(name)])) as Readonly<
      Record<ServiceName, SecurityGroup>
    >;
  }

  /** Who may reach whom: nothing else passes. */
  private edges(
    groups: Readonly<Record<ServiceName, SecurityGroup>>,
    parts: {
      readonly balancer: LoadBalancer;
      readonly database: Database;
      readonly files: FileSystem;
      readonly brokers?: SecurityGroup;
    },
  ): void {
    const connect = (
      from: SecurityGroup,
      fromName: string,
      to: SecurityGroup,
      toName: string,
      at: number,
    ) => {
      const traffic = { purpose: toName, ports: [port(at)] };
      to.allowFrom({ ...traffic, groups: { [fromName]: from.id } });
      from.allowTo({ ...traffic, groups: { [toName]: to.id } });
    };
    for (const name of serviceNames) {
      const service = services[name];
      if (service.route) connect(parts.balancer.group, "balancer", groups[name], name, service.port);
      for (const called of service.calls)
        connect(groups[name], name, groups[called], called, services[called].port);
      if (service.database) parts.database.allowFrom(name, groups[name]);
      if (service.files) parts.files.allowFrom(name, groups[name]);
      if (service.streams && parts.brokers) connect(groups[name], name, parts.brokers, "brokers", BROKERS);
      if (service.streams && this.values.atomic_calendar_msk === "brokers")
        groups[name].allowTo({
          purpose: "brokers",
          ports: OTHERS_BROKERS.map(port),
          cidrs: this.values.atomic_calendar_broker_cidrs,
        });
    }
  }

  private balancer(): LoadBalancer {
    const { props, values } = this;
    const acl = values.atomic_calendar_web_acl;
    return new LoadBalancer(this, "balancer", {
      name: this.name,
      partition: props.partition,
      region: props.region,
      accountIds: props.accountIds,
      vpcId: props.shared.vpcId,
      subnetIds: props.shared.publicSubnetIds,
      domain: values.atomic_calendar_domain,
      hostedZone: values.atomic_calendar_hosted_zone,
      certificateArn: values.atomic_calendar_certificate_arn,
      certificateIssued: values.atomic_calendar_certificate_issued,
      dualStack: props.dualStack,
      cidrs: values.atomic_calendar_cidrs,
      logBucket: `${props.namePrefix}-${this.name}-alb-logs`,
      deletionProtection: props.deletionProtection,
      defaultPath: "/app",
      waf: acl === "none" ? undefined : acl === "new" ? true : { webAclArn: acl },
      keyArn: props.dataKeyArn,
    });
  }

  private route(balancer: LoadBalancer, name: ServiceName, service: Service): Target {
    if (!service.route) throw new Error(`${name} has no route`);
    const { paths, priority, healthPath, admin } = service.route;
    const target = balancer.route({
      name,
      paths,
      priority,
      target: {
        name: `${this.props.environment}-atomic-${name}`,
        port: service.port,
        healthPath,
        healthyStatus: "200-399", // a page may send users on to log in
        targetType: "ip",
      },
    });
    const cidrs = this.values.atomic_calendar_admin_cidrs;
    if (admin && cidrs.length > 0) balancer.routeTo(target, { ...admin, name: `${name}-admin`, cidrs });
    return target;
  }

  private database(): Database {
    const { props, values, refs } = this;
    const stage = stageDefaults[props.stageClass];
    return new Database(this, "database", {
      ...place(props),
      name: this.name,
      vpcId: props.shared.vpcId,
      subnetIds: props.shared.privateSubnetIds,
      engine: values.atomic_calendar_database,
      engineVersion: values.atomic_calendar_database_version,
      databaseName: DATABASE,
      secretName: `${this.name}/DbSecret`,
      rotation: refs.atomic_calendar_password_version,
      instanceClass: values.atomic_calendar_database_class,
      storage: {
        initial: values.atomic_calendar_database_storage,
        max: values.atomic_calendar_database_max_storage,
      },
      capacity: { min: values.atomic_calendar_aurora_min, max: values.atomic_calendar_aurora_max },
      allowMajorUpgrade: values.atomic_calendar_database_major_upgrade,
      // RDS would wait for its window, and Terraform delete the parameters that are in use till then
      applyImmediately: values.atomic_calendar_database_major_upgrade,
      multiAz: values.atomic_calendar_database_multi_az ?? stage.multiAz,
      backupRetentionDays: stage.backupDays,
      monitoringSeconds: stage.monitoringSeconds,
      protect: props.deletionProtection,
      lastSnapshot: stage.lastSnapshot,
      keyArn: props.dataKeyArn,
      logRetentionDays: LOG_DAYS,
    });
  }

  private fileSystem(): FileSystem {
    const { props } = this;
    return new FileSystem(this, "files", {
      name: this.name,
      vpcId: props.shared.vpcId,
      subnetsByZone: props.shared.privateSubnetsByZone,
      owner: OWNER,
      keyArn: props.dataKeyArn,
      backup: props.deletionProtection,
      preventDestroy: props.deletionProtection,
    });
  }

  private secrets(database: Database): Readonly<Partial<Record<SecretName, AnySecret>>> {
    const { props } = this;
    const scope = new Construct(this, "secret");
    const strings = {
      SupertokensDbConnString: "postgresql",
      HasuraDbConnString: "postgres",
      OptaplannerDbConnString: "jdbc:postgresql",
    } as const;
    const secret = (id: SecretName): AnySecret => {
      const common = {
        name: `${this.name}/${id}`,
        keyArn: props.dataKeyArn,
        recoverable: props.deletionProtection,
      };
      const owner = secretOwners[id];
      if (owner === "operator")
        return new OperatorSecret(scope, id, { ...common, description: "Filled by ./landfall secret set" });
      if (owner === "database")
        return new ConnectionString(scope, id, {
          ...common,
          description: "Made of the database's password",
          database,
          scheme: strings[id as keyof typeof strings],
        });
      return new GeneratedSecret(scope, id, {
        ...common,
        description: "Generated; atomic_calendar_secrets_version makes another",
        length: JWT_KEY,
        rotation: this.refs.atomic_calendar_secrets_version,
        json: id === "HasuraJwtSecret" ? { fields: { type: "HS256" }, valueField: "key" } : undefined,
      });
    };
    const wanted = (Object.keys(secretOwners) as SecretName[]).filter(
      (id) => id !== "MskBootstrapBrokers" || this.values.atomic_calendar_msk === "brokers",
    );
    return Object.fromEntries(wanted.map((id) => [id, secret(id)]));
  }

  /** Secrets of a service, by environment variable. */
  private secretsOf(name: ServiceName): Readonly<Record<string, SecretName>> {
    const { secrets, streams } = services[name];
    const brokers = streams && this.values.atomic_calendar_msk === "brokers";
    return { ...secrets, ...(brokers ? { KAFKA_BROKERS: "MskBootstrapBrokers" } : {}) };
  }

  /** A serverless cluster of Kafka. */
  private brokers(): { readonly cluster: MskServerlessCluster; readonly group: SecurityGroup } {
    const { shared } = this.props;
    const group = new SecurityGroup(this, "brokers_group", {
      name: `${this.name}-brokers`,
      description: "Atomic Calendar: Kafka",
      vpcId: shared.vpcId,
    });
    const cluster = new MskServerlessCluster(this, "brokers", {
      clusterName: this.name,
      vpcConfig: [{ subnetIds: shared.privateSubnetIds, securityGroupIds: [group.id] }],
      clientAuthentication: { sasl: { iam: { enabled: true } } },
      lifecycle: this.props.deletionProtection ? { preventDestroy: true } : undefined,
    });
    return { cluster, group };
  }

  private task(
    name: ServiceName,
    parts: {
      readonly secrets: Readonly<Partial<Record<SecretName, AnySecret>>>;
      readonly files: FileSystem;
      readonly bucket: Bucket;
      readonly namespace: ServiceNamespace;
      readonly brokers?: MskServerlessCluster;
    },
  ): TaskDefinition {
    const { props, values } = this;
    const service = services[name];
    const { secrets, files, bucket } = parts;
    const used = Object.entries(this.secretsOf(name)).map(([variable, id]) => {
      const secret = secrets[id];
      if (!secret) throw new Error(`${name} wants the secret ${id}, which is not made`);
      return { variable, id, secret };
    });
    const repository = repositoryOf("atomic-calendar", name, props);
    const tracing = this.tracing();
    const container: ContainerProps = {
      name,
      image: `${repository.url}@${this.digest(name) ?? "sha256:none"}`,
      port: service.port,
      environment: {
        PORT: String(service.port),
        AWS_REGION: props.region,
        ...service.environment({
          publicUrl: `https://${values.atomic_calendar_domain}`,
          url: (other) => `http://${other}.${parts.namespace.name}:${services[other].port}`,
          region: props.region,
          bucket: bucket.name,
        }),
        ...(service.streams && parts.brokers ? { KAFKA_BROKERS: parts.brokers.bootstrapBrokersSaslIam } : {}),
        ...(tracing ? { AWS_XRAY_DAEMON_ADDRESS: "127.0.0.1:2000" } : {}),
      },
      secrets: Object.fromEntries(
        used.map(({ variable, secret }): [string, SecretReference] => [variable, { arn: secret.arn }]),
      ),
      // A changed secret starts tasks anew
      labels: Object.fromEntries(
        used.flatMap(({ id, secret: { versionId } }) =>
          versionId === undefined ? [] : [[`landfall.secret.${id}`, versionId]],
        ),
      ),
      user: `${OWNER.uid}:${OWNER.gid}`,
      writable: { tmp: "/tmp", ...service.writable },
      writableRoot: !values.atomic_calendar_read_only_root,
      healthCheck: service.healthCommand && {
        command: service.healthCommand,
        startPeriod: service.startSeconds ?? START_SECONDS,
      },
      mounts: service.files === undefined ? undefined : { [VOLUME]: service.files },
    };
    const [cpu, memory] = values.atomic_calendar_sizes.get(name) ?? DEFAULT_SIZE;
    return new TaskDefinition(this, `${name}_task`, {
      ...place(props),
      family: `${this.name}-${name}`,
      roleName: this.roleName(name),
      cpu,
      memory,
      architecture: values.atomic_calendar_architecture,
      container,
      sidecars: tracing ? [tracing.sidecar] : undefined,
      repositoryArns: [...repository.arns, ...(tracing?.repositoryArns ?? [])],
      precondition: repository.exists,
      statements: [
        ...(service.bucket ? this.dataAccess(bucket) : []),
        ...(service.streams && parts.brokers ? streamAccess(props, this.name) : []),
        ...(tracing ? [sendTraces] : []),
      ],
      fileSystems: service.files === undefined ? undefined : { [VOLUME]: files },
      exec: values.atomic_calendar_exec,
      logRetentionDays: LOG_DAYS,
      keepLogs: props.deletionProtection,
      keyArn: props.dataKeyArn,
    });
  }

  private tracing(): { readonly sidecar: Sidecar; readonly repositoryArns: readonly string[] } | undefined {
    const { atomic_calendar_tracing: wanted, atomic_calendar_xray_daemon_image: digest } = this.values;
    if (!wanted || digest === undefined) return undefined;
    const { url, arns } = repositoryOf("atomic-calendar", "xray-daemon", this.props);
    // It asks no other account and keeps nothing: https://docs.aws.amazon.com/xray/latest/devguide/xray-daemon.html
    const sidecar = { name: "xray-daemon", image: `${url}@${digest}`, command: ["--bind=127.0.0.1:2000"] };
    return { sidecar, repositoryArns: arns };
  }

  private dataAccess(bucket: Bucket): PolicyStatement[] {
    const arn = `arn:${this.props.partition}:s3:::${bucket.name}`;
    return [
      {
        Sid: "Data",
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        Resource: `${arn}/*`,
      },
      { Sid: "ListData", Effect: "Allow", Action: ["s3:ListBucket"], Resource: arn },
    ];
  }

  private outputs(parts: {
    readonly balancer: LoadBalancer;
    readonly database: Database;
    readonly secrets: Readonly<Partial<Record<SecretName, AnySecret>>>;
    readonly made: readonly MadeService[];
    readonly cluster: EcsCluster;
    readonly groups: Readonly<Record<ServiceName, SecurityGroup>>;
    readonly bucket: Bucket;
    readonly dashboardUrl: string;
  }): void {
    const output = (id: string, description: string, value: unknown) =>
      new TerraformOutput(this, `output_${id}`, { description, value }).overrideLogicalId(
        `atomic_calendar_${id}`,
      );
    const { balancer, database, made } = parts;
    const used = new Map(made.map(({ name }) => [name, [...new Set(Object.values(this.secretsOf(name)))]]));
    output("url", "Where the application is.", `https://${this.values.atomic_calendar_domain}`);
    output("load_balancer_dns_name", "AlbDnsName: point the domain there.", balancer.dnsName);
    if (balancer.certificateRecords)
      output("certificate_records", "DNS records to make by hand.", balancer.certificateRecords);
    output("database_endpoint", "DbInstanceEndpoint.", `${database.endpoint}:${database.port}`);
    output("database_name", "Database to connect to.", database.databaseName);
    output("database_user", "Its administrator.", database.username);
    output("database_secret_arn", "DbSecretArn.", database.secret.arn);
    output(
      "admin_cidrs",
      "Networks that reach Hasura's metadata API, for ./landfall hasura-metadata.",
      this.values.atomic_calendar_admin_cidrs,
    );
    output("alarm_topic_arn", "AlarmTopicArn.", this.props.alarmTopicArn);
    output("dashboard_url", "SystemHealthDashboardUrl.", parts.dashboardUrl);
    output("bucket", "Data bucket.", parts.bucket.name);
    output("containers", "Services, for ./landfall restart and logs.", {
      cluster: parts.cluster.name,
      subnets: this.props.shared.privateSubnetIds,
      security_groups: Object.values(parts.groups).map(({ id }) => id),
      assign_public_ip: false,
      containers: Object.fromEntries(
        made.map(({ name, task, service, capacity }) => [
          name,
          {
            kind: "service",
            service: service.name,
            family: task.family,
            task_definition: task.arn,
            container: task.container.name,
            log_group: task.logGroup,
            log_stream_prefix: task.container.name,
            capacity: capacityStrategy(capacity).map(({ capacityProvider: provider, weight, base }) => ({
              provider,
              weight,
              base,
            })),
            exec: this.values.atomic_calendar_exec,
            secrets: used.get(name),
          },
        ]),
      ),
    });
    output(
      "secrets",
      "All secrets; those of the operator are to be filled: ./landfall secret set.",
      Object.fromEntries(
        Object.entries(parts.secrets).map(([id, { name, arn }]) => [
          id,
          {
            name,
            arn,
            owner: secretOwners[id as SecretName] === "operator" ? "operator" : "terraform",
            used_by: [...used].filter(([, ids]) => ids.includes(id as SecretName)).map(([name]) => name),
          },
        ]),
      ),
    );
  }
}

interface MadeService {
  readonly name: ServiceName;
  readonly task: TaskDefinition;
  readonly service: ContainerService;
  readonly capacity: Capacity;
}

const place = ({ partition, region, accountIds }: WorkloadProps) => ({ partition, region, accountIds });

/** https://docs.aws.amazon.com/xray/latest/devguide/security_iam_id-based-policy-examples.html */
const sendTraces: PolicyStatement = {
  Sid: "Traces",
  Effect: "Allow",
  Action: [
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
  ],
  Resource: "*", // the actions know no resources
};

/** https://docs.aws.amazon.com/msk/latest/developerguide/iam-access-control-use-cases.html */
function streamAccess(props: WorkloadProps, cluster: string): PolicyStatement[] {
  const arns = (kind: string) => arnsIn(props, "kafka", `${kind}/${cluster}/*`);
  return [
    {
      Sid: "Streams",
      Effect: "Allow",
      Action: [
        "kafka-cluster:Connect",
        "kafka-cluster:DescribeCluster",
        "kafka-cluster:WriteDataIdempotently",
      ],
      Resource: arns("cluster"),
    },
    {
      Sid: "Topics",
      Effect: "Allow",
      Action: [
        "kafka-cluster:CreateTopic",
        "kafka-cluster:DescribeTopic",
        "kafka-cluster:ReadData",
        "kafka-cluster:WriteData",
      ],
      Resource: arns("topic"),
    },
    {
      Sid: "Consumers",
      Effect: "Allow",
      Action: ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"],
      Resource: arns("group"),
    },
  ];
}
