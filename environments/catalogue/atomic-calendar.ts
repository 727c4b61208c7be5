import { serviceNames, type ServiceName } from "../../workloads/atomic-calendar/services";
import type { InputGroup } from "../input";
import * as type from "../types";

const image = (what: string) =>
  ({
    use: "structural",
    type: type.imageDigest,
    optional: true,
    description: `Image of ${what}, by its digest: \`./landfall images push stage\` writes it. Without one it does not run.`,
  }) as const;

type Underscored<T extends string> = T extends `${infer A}-${infer B}` ? `${A}_${Underscored<B>}` : T;
type ImageInput = `atomic_calendar_${Underscored<ServiceName>}_image`;

/** Input that holds the digest of a service's image. */
export const imageInput = (service: ServiceName) =>
  `atomic_calendar_${service.replaceAll("-", "_")}_image` as ImageInput;

const images = Object.fromEntries(
  serviceNames.map((name) => [imageInput(name), image(`the service ${name}`)]),
) as Readonly<Record<ImageInput, ReturnType<typeof image>>>;

const upstream = (what: string, example: string) =>
  ({
    use: "application",
    type: type.upstreamImage,
    default: example,
    description: `Image of ${what} that \`./landfall images push stage\` copies to our repository.`,
  }) as const;

/** Images that nobody here builds. */
const foreign: readonly ServiceName[] = ["hasura", "supertokens"];

export const atomicCalendarInputs = {
  ...images,
  atomic_calendar_xray_daemon_image: image("the X-Ray daemon"),
  atomic_calendar_source: {
    use: "application",
    type: type.sourceLocation,
    optional: true,
    description: "Where our images are built from: a folder, or a git repository.",
    example: "../atomic-calendar",
  },
  atomic_calendar_git_ref: {
    use: "application",
    type: type.gitRef,
    default: "main",
    description: "Branch, tag or commit of `atomic_calendar_source` to build, where that is a repository.",
  },
  atomic_calendar_dockerfiles: {
    use: "application",
    type: type.pathByName,
    default: serviceNames
      .filter((name) => !foreign.includes(name))
      .map((name) => `${name}=deployment/docker/Dockerfile.${name}`)
      .join(),
    description: "Dockerfile of each image, in the source.",
  },
  atomic_calendar_hasura_upstream: upstream("Hasura", "docker.io/hasura/graphql-engine:v2.48.5"),
  atomic_calendar_supertokens_upstream: upstream(
    "SuperTokens",
    "registry.supertokens.io/supertokens/supertokens-postgresql:9.2.3",
  ),
  atomic_calendar_xray_daemon_upstream: upstream(
    "the X-Ray daemon",
    "public.ecr.aws/xray/aws-xray-daemon:3.3.14",
  ),
  atomic_calendar_architecture: {
    use: "structural",
    type: type.oneOf("X86_64", "ARM64"),
    default: "X86_64",
    description: "Processors that the images are built for and run on; ARM64 costs a fifth less.",
  },
  atomic_calendar_domain: {
    use: "structural",
    type: type.domainName,
    description: "Host name of the application.",
    example: "app.example.com",
  },
  atomic_calendar_hosted_zone: {
    use: "structural",
    type: type.domainName,
    optional: true,
    description:
      "Public Route 53 zone of `atomic_calendar_domain`, where its certificate's and its own records are made. Without one the outputs say which records to make by hand.",
    example: "example.com",
  },
  atomic_calendar_certificate_arn: {
    use: "structural",
    type: type.certificateArn,
    optional: true,
    description: "Certificate of the domain, where one is there; a new one is asked for when left out.",
    example: "arn:aws:acm:us-east-1:436957243186:certificate/01234567-89ab-cdef-0123-456789abcdef",
  },
  atomic_calendar_certificate_issued: {
    use: "structural",
    type: type.bool,
    default: "false",
    description:
      "Without a hosted zone: whether the new certificate has been issued, after its records were made by hand. Until then port 80 answers 503.",
  },
  atomic_calendar_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "0.0.0.0/0,::/0",
    description: "Networks that may reach the application.",
  },
  atomic_calendar_admin_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "",
    description:
      "Networks that may reach Hasura's metadata API besides, such as your own address: `./landfall hasura-metadata stage` needs it. Nobody may when left empty.",
    example: "203.0.113.7/32",
  },
  atomic_calendar_web_acl: {
    use: "structural",
    type: type.webAcl,
    default: "none",
    description:
      "Web application firewall of the load balancer, which costs: `new` makes one of AWS's managed rules and a rate limit.",
  },
  atomic_calendar_sizes: {
    use: "structural",
    type: type.sizeByService,
    default: "",
    description: "CPU units and MiB of services that are not to have 256 and 512.",
    example: "app=512:1024,python-agent=1024:2048",
  },
  atomic_calendar_tasks: {
    use: "structural",
    type: type.tasksByService,
    default: "",
    description:
      "Tasks of services, at least and at most, where these are not to be 1 to 4 of app and functions and 1 of each other.",
    example: "app=2:8,optaplanner=0:0",
  },
  atomic_calendar_cpu_target: {
    use: "structural",
    type: type.percentage,
    default: "60",
    description: "Average CPU utilization in percent that services scale for.",
  },
  atomic_calendar_memory_target: {
    use: "structural",
    type: type.percentage,
    default: "70",
    description: "Average memory utilization in percent that services scale for.",
  },
  atomic_calendar_spot: {
    use: "structural",
    type: type.bool,
    default: "true",
    description: "Whether app and functions run on Fargate Spot, and on demand where Spot has no room.",
  },
  atomic_calendar_on_demand_base: {
    use: "structural",
    type: type.count(0, 10),
    default: "1",
    description: "Tasks of app and of functions that are always on demand.",
  },
  atomic_calendar_database: {
    use: "structural",
    type: type.oneOf("postgres", "aurora"),
    default: "postgres",
    description:
      "RDS for PostgreSQL, or Aurora Serverless v2. Going from one to the other makes a new, empty database.",
  },
  atomic_calendar_database_class: {
    use: "structural",
    type: type.databaseClass,
    default: "db.t3.small",
    description: "Instance class of RDS for PostgreSQL.",
  },
  atomic_calendar_database_version: {
    use: "structural",
    type: type.postgresVersion,
    default: "16",
    description: "Version of PostgreSQL.",
  },
  atomic_calendar_database_major_upgrade: {
    use: "structural",
    type: type.bool,
    default: "false",
    description:
      "Whether another major version may upgrade the database, which cannot be undone. Take it back afterwards.",
  },
  atomic_calendar_database_multi_az: {
    use: "structural",
    type: type.bool,
    optional: true,
    description: "Whether a second zone has a standby; by stage class when left out.",
  },
  atomic_calendar_database_storage: {
    use: "structural",
    type: type.count(20, 16_384),
    default: "50",
    description: "Storage of RDS for PostgreSQL in GiB.",
  },
  atomic_calendar_database_max_storage: {
    use: "structural",
    type: type.count(20, 16_384),
    default: "200",
    description: "GiB that the storage may grow to by itself.",
  },
  atomic_calendar_database_connections: {
    use: "structural",
    type: type.count(1, 10_000),
    default: "150",
    description: "Connections of which more raise an alarm; 150 goes with db.t3.small.",
  },
  atomic_calendar_aurora_min: {
    use: "structural",
    type: type.auroraCapacity,
    default: "0.5",
    description: "Fewest Aurora capacity units.",
  },
  atomic_calendar_aurora_max: {
    use: "structural",
    type: type.auroraCapacity,
    default: "4",
    description: "Most Aurora capacity units.",
  },
  atomic_calendar_password_version: {
    use: "terraform",
    type: type.version,
    default: "1",
    description:
      "Raise it for a new database password: the same apply writes the connection strings and restarts the services that use them.",
  },
  atomic_calendar_secrets_version: {
    use: "terraform",
    type: type.version,
    default: "1",
    description:
      "Raise it for new generated secrets of Hasura and SuperTokens: the same apply restarts the services that use them, and users have to log in again.",
  },
  atomic_calendar_msk: {
    use: "structural",
    type: type.oneOf("none", "brokers", "serverless"),
    default: "none",
    description: "Kafka: none, a secret for brokers that are there, or a new serverless cluster of MSK.",
  },
  atomic_calendar_broker_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "",
    description:
      "Networks of brokers that are there (`atomic_calendar_msk` is brokers), which services with streams may reach by TLS: ports 9094, 9096 and 9098.",
    example: "10.20.0.0/16",
  },
  atomic_calendar_tracing: {
    use: "structural",
    type: type.bool,
    default: "true",
    description: "Whether tasks have an X-Ray daemon beside them, once its image is there.",
  },
  atomic_calendar_monthly_budget: {
    use: "structural",
    type: type.dollars,
    default: "250",
    description: "US dollars a month; at 80 % and 100 % of it the alarm topic is told.",
  },
  atomic_calendar_budget_scope: {
    use: "structural",
    type: type.oneOf("account", "system"),
    default: "account",
    description:
      "What the budget counts: the whole account, or what is tagged with System, which must be an active cost allocation tag.",
  },
  atomic_calendar_read_only_root: {
    use: "structural",
    type: type.bool,
    default: "true",
    description: "Whether containers may write to /tmp and the file system alone.",
  },
  atomic_calendar_exec: {
    use: "structural",
    type: type.bool,
    default: "false",
    description:
      "Whether ECS Exec may open a shell in containers; it needs `atomic_calendar_read_only_root` to be false.",
  },
  atomic_calendar_container_insights: {
    use: "structural",
    type: type.bool,
    default: "false",
    description: "Whether the cluster has Container Insights, whose metrics cost.",
  },
} as const satisfies InputGroup;
