/** Services of Atomic Calendar, as inputs, repositories, log groups and commands call them. */
export const serviceNames = [
  "app",
  "functions",
  "hasura",
  "supertokens",
  "handshake",
  "oauth",
  "optaplanner",
  "python-agent",
] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Secrets by their documented names, and who gives each its value. */
export const secretOwners = {
  HasuraJwtSecret: "generated",
  HasuraAdminSecret: "generated",
  SupertokensApiKey: "generated",
  SupertokensDbConnString: "database",
  HasuraDbConnString: "database",
  OptaplannerDbConnString: "database",
  OpenAiApiKey: "operator",
  NotionApiToken: "operator",
  DeepgramApiKey: "operator",
  NotionNotesDbId: "operator",
  NotionResearchProjectsDbId: "operator",
  NotionResearchTasksDbId: "operator",
  MskBootstrapBrokers: "operator",
} as const satisfies Readonly<Record<string, "generated" | "database" | "operator">>;
export type SecretName = keyof typeof secretOwners;

/** What services are told of the world. */
export interface ServiceContext {
  /** Where users reach the application, such as `https://app.example.com`. */
  readonly publicUrl: string;
  /** Where another service is reached inside the VPC, such as `http://hasura.stage.internal:8080`. */
  url(service: ServiceName): string;
  readonly region: string;
  readonly bucket: string;
}

/** Of a service that does not say: a quarter of a CPU starts slowly, and who is healthy sooner serves sooner. */
export const START_SECONDS = 120;

/** One service. A ninth is a row of {@link services}, its name and, of course, its image. */
export interface Service {
  /** TCP port that it listens on, above 1023: it does not run as root. */
  readonly port: number;
  /** What the load balancer sends to it. @default nothing: only other services reach it */
  readonly route?: Route;
  /** Services that it calls: nobody else's security group lets it in. */
  readonly calls: readonly ServiceName[];
  /** Whether it reaches the database. @default false */
  readonly database?: boolean;
  /** Folders besides /tmp that it may write to, by a name for each; they are empty at the start. @default none */
  readonly writable?: Readonly<Record<string, string>>;
  /** Seconds until its first answer may be late, before failing health checks end it. @default {@link START_SECONDS} */
  readonly startSeconds?: number;
  /**
   * Run in its container, without a shell: exit code 0 where it answers. Without one, others find it by its name as soon
   * as it runs, also where a load balancer waits for its first answer:
   * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html
   *
   * @default none: who calls it has to try again while it starts
   */
  readonly healthCommand?: readonly string[];
  /** Where the file system is mounted. @default not at all */
  readonly files?: string;
  /** Whether it may read and write the data bucket. @default false */
  readonly bucket?: boolean;
  /** Whether it reads and writes streams of Kafka, where there are any. @default false */
  readonly streams?: boolean;
  /** Whether it keeps no state, and so may run on Spot. @default false */
  readonly spot?: boolean;
  /** Tasks, at least and at most, by the average use of CPU and memory; an input changes them. */
  readonly tasks: { readonly min: number; readonly max: number };
  /** Whether the alarm of its CPU is among the documented ones. @default false */
  readonly cpuAlarm?: boolean;
  /** Whether the dashboard shows its CPU and memory. @default false */
  readonly onDashboard?: boolean;
  readonly environment: (context: ServiceContext) => Readonly<Record<string, string>>;
  /** Environment variables whose values are secrets. */
  readonly secrets: Readonly<Record<string, SecretName>>;
}

interface Route {
  /** Path patterns, as a load balancer's rule takes them. */
  readonly paths: readonly string[];
  /** Of its rule: the lowest is tried first, and no two are the same. */
  readonly priority: number;
  readonly healthPath: string;
  /** Seconds that nine of ten answers may take. */
  readonly latencyLimit: number;
  /** Paths that only the networks of `atomic_calendar_admin_cidrs` reach. @default none */
  readonly admin?: { readonly paths: readonly string[]; readonly priority: number };
}

const under = (path: string): readonly string[] => [path, `${path}/*`];

const notion = {
  NOTION_API_TOKEN: "NotionApiToken",
  NOTION_NOTE_DB_ID: "NotionNotesDbId",
  NOTION_RESEARCH_PROJECTS_DB_ID: "NotionResearchProjectsDbId",
  NOTION_RESEARCH_TASKS_DB_ID: "NotionResearchTasksDbId",
} as const;
const hasuraAdmin = { HASURA_GRAPHQL_ADMIN_SECRET: "HasuraAdminSecret" } as const;
const supertokensKey = { SUPERTOKENS_API_KEY: "SupertokensApiKey" } as const;
const graphql = ({ url }: ServiceContext) => ({ HASURA_GRAPHQL_GRAPHQL_URL: `${url("hasura")}/v1/graphql` });
const authentication = ({ url }: ServiceContext) => ({
  SUPERTOKENS_CONNECTION_URI: `${url("supertokens")}/v1/auth`,
});

/** The eight services: all that differs between them. */
export const services: Readonly<Record<ServiceName, Service>> = {
  app: {
    port: 3000,
    route: { paths: under("/app"), priority: 400, healthPath: "/app", latencyLimit: 1 },
    calls: ["hasura", "supertokens"],
    spot: true,
    tasks: { min: 1, max: 4 },
    cpuAlarm: true,
    onDashboard: true,
    environment: (context) => ({
      ...graphql(context),
      ...authentication(context),
      NEXT_PUBLIC_HASURA_GRAPHQL_GRAPHQL_URL: `${context.publicUrl}/v1/graphql`,
      NEXT_PUBLIC_FUNCTIONS_URL: `${context.publicUrl}/v1/functions`,
      NEXT_PUBLIC_AUTH_URL: `${context.publicUrl}/v1/auth`,
      NEXT_PUBLIC_HANDSHAKE_URL: `${context.publicUrl}/v1/handshake`,
      NEXT_PUBLIC_OAUTH_URL: `${context.publicUrl}/v1/oauth`,
    }),
    secrets: { ...hasuraAdmin, ...supertokensKey },
  },
  functions: {
    port: 3010,
    route: {
      paths: under("/v1/functions"),
      priority: 300,
      healthPath: "/v1/functions/healthz",
      latencyLimit: 2,
    },
    calls: ["hasura", "supertokens", "optaplanner", "python-agent"],
    bucket: true,
    streams: true,
    spot: true,
    tasks: { min: 1, max: 4 },
    cpuAlarm: true,
    onDashboard: true,
    environment: (context) => ({
      ...graphql(context),
      ...authentication(context),
      OPTAPLANNER_URL: `${context.url("optaplanner")}/v1/optaplanner`,
      PYTHON_AGENT_URL: context.url("python-agent"),
      PUBLIC_URL: context.publicUrl,
      S3_BUCKET: context.bucket,
    }),
    secrets: {
      ...hasuraAdmin,
      ...supertokensKey,
      ...notion,
      OPENAI_API_KEY: "OpenAiApiKey",
      DEEPGRAM_API_KEY: "DeepgramApiKey",
    },
  },
  hasura: {
    port: 8080,
    startSeconds: 300, // its first start migrates the database
    route: {
      paths: under("/v1/graphql"),
      priority: 200,
      healthPath: "/healthz",
      latencyLimit: 2,
      admin: { paths: ["/v1/metadata"], priority: 210 },
    },
    calls: ["functions"],
    database: true,
    tasks: { min: 1, max: 1 },
    cpuAlarm: true,
    onDashboard: true,
    // https://hasura.io/docs/2.0/deployment/graphql-engine-flags/reference/
    environment: ({ url, publicUrl }) => ({
      HASURA_GRAPHQL_ENABLE_CONSOLE: "false",
      HASURA_GRAPHQL_ENABLE_TELEMETRY: "false",
      HASURA_GRAPHQL_DEV_MODE: "false",
      HASURA_GRAPHQL_CORS_DOMAIN: publicUrl,
      HASURA_GRAPHQL_ENABLED_APIS: "graphql,metadata",
      ACTION_BASE_URL: `${url("functions")}/v1/functions`,
    }),
    secrets: {
      ...hasuraAdmin,
      HASURA_GRAPHQL_JWT_SECRET: "HasuraJwtSecret",
      HASURA_GRAPHQL_DATABASE_URL: "HasuraDbConnString",
      HASURA_GRAPHQL_METADATA_DATABASE_URL: "HasuraDbConnString",
    },
  },
  supertokens: {
    port: 3567,
    startSeconds: 300,
    // Where its entrypoint writes, and runs from: https://github.com/supertokens/supertokens-docker-postgresql
    writable: { temp: "/lib/supertokens/temp" },
    route: { paths: under("/v1/auth"), priority: 100, healthPath: "/v1/auth/hello", latencyLimit: 1 },
    calls: [],
    database: true,
    tasks: { min: 1, max: 1 },
    cpuAlarm: true,
    onDashboard: true,
    environment: () => ({ BASE_PATH: "/v1/auth" }), // a load balancer takes no part of a path away
    secrets: { POSTGRESQL_CONNECTION_URI: "SupertokensDbConnString", API_KEYS: "SupertokensApiKey" },
  },
  handshake: {
    port: 3020,
    route: {
      paths: under("/v1/handshake"),
      priority: 310,
      healthPath: "/v1/handshake/healthz",
      latencyLimit: 2,
    },
    calls: ["hasura"],
    tasks: { min: 1, max: 1 },
    environment: (context) => ({ ...graphql(context), PUBLIC_URL: context.publicUrl }),
    secrets: hasuraAdmin,
  },
  oauth: {
    port: 3030,
    route: { paths: under("/v1/oauth"), priority: 320, healthPath: "/v1/oauth/healthz", latencyLimit: 2 },
    calls: ["hasura"],
    tasks: { min: 1, max: 1 },
    environment: (context) => ({ ...graphql(context), PUBLIC_URL: context.publicUrl }),
    secrets: hasuraAdmin,
  },
  optaplanner: {
    port: 8081,
    startSeconds: 300,
    route: {
      paths: under("/v1/optaplanner"),
      priority: 330,
      healthPath: "/v1/optaplanner/q/health",
      latencyLimit: 2,
    },
    calls: ["functions"],
    database: true,
    tasks: { min: 1, max: 1 },
    onDashboard: true,
    environment: ({ url }) => ({
      QUARKUS_HTTP_PORT: "8081",
      QUARKUS_HTTP_ROOT_PATH: "/v1/optaplanner",
      CALLBACK_URL: `${url("functions")}/v1/functions`,
    }),
    secrets: { QUARKUS_DATASOURCE_JDBC_URL: "OptaplannerDbConnString" },
  },
  "python-agent": {
    port: 8000,
    // That it listens, as nothing says what it answers; and Python is what it runs on
    healthCommand: [
      "python",
      "-c",
      "import socket; socket.create_connection(('127.0.0.1', 8000), timeout=4).close()",
    ],
    calls: ["hasura", "functions"],
    files: "/data/lancedb",
    bucket: true,
    tasks: { min: 1, max: 1 },
    environment: (context) => ({
      ...graphql(context),
      FUNCTIONS_URL: `${context.url("functions")}/v1/functions`,
      LANCEDB_URI: "/data/lancedb",
      S3_BUCKET: context.bucket,
    }),
    secrets: { ...hasuraAdmin, ...notion, OPENAI_API_KEY: "OpenAiApiKey" },
  },
};
