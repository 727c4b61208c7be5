import { execa, execaSync } from "execa";
import { createServer, type AddressInfo } from "node:net";
import {
  serviceNames,
  services,
  type SecretName,
  type ServiceName,
} from "../../workloads/atomic-calendar/services";
import { openRules } from "../scan/open-rules";
import { atomicCalendarJson, digest, type Json } from "../support/atomic-calendar";
import { isAllowed } from "../support/iam";
import { resource, resources } from "../support/stacks";

const json = atomicCalendarJson();
const domain = "https://app.example.com";

const task = (name: string, of = json) =>
  resource(of, "aws_ecs_task_definition", `atomic-calendar_${name}_task`);
const containers = (name: string, of = json) => JSON.parse(task(name, of).container_definitions) as Json[];
const container = (name: string, of = json): Json => containers(name, of)[0] ?? {};
const environment = (name: string, of = json): Record<string, string> =>
  Object.fromEntries(
    (container(name, of).environment as Json[]).map(({ name, value }): [string, string] => [name, value]),
  );
const policy = (name: string, role: "task" | "execution", of = json): string =>
  resource(of, "aws_iam_role_policy", `atomic-calendar_${name}_task_${role}_role_policy`).policy;
const service = (name: string, of = json) => resource(of, "aws_ecs_service", `atomic-calendar_${name}`);
const secretArn = (name: string) =>
  name === "DbSecret"
    ? "${aws_secretsmanager_secret.atomic-calendar_database_secret.arn}"
    : `\${aws_secretsmanager_secret.atomic-calendar_secret_${name}.arn}`;
const count = (type: string, of = json) => Object.keys(resources(of, type)).length;
const at = (name: string) => `http://${name}.stage-atomic-calendar.internal`;

/** What each service is, typed by hand. */
const expected: Record<
  ServiceName,
  { port: number; environment: Record<string, string>; secrets: Record<string, SecretName> }
> = {
  app: {
    port: 3000,
    environment: {
      HASURA_GRAPHQL_GRAPHQL_URL: `${at("hasura")}:8080/v1/graphql`,
      SUPERTOKENS_CONNECTION_URI: `${at("supertokens")}:3567/v1/auth`,
      NEXT_PUBLIC_HASURA_GRAPHQL_GRAPHQL_URL: `${domain}/v1/graphql`,
      NEXT_PUBLIC_FUNCTIONS_URL: `${domain}/v1/functions`,
      NEXT_PUBLIC_AUTH_URL: `${domain}/v1/auth`,
      NEXT_PUBLIC_HANDSHAKE_URL: `${domain}/v1/handshake`,
      NEXT_PUBLIC_OAUTH_URL: `${domain}/v1/oauth`,
    },
    secrets: { HASURA_GRAPHQL_ADMIN_SECRET: "HasuraAdminSecret", SUPERTOKENS_API_KEY: "SupertokensApiKey" },
  },
  functions: {
    port: 3010,
    environment: {
      HASURA_GRAPHQL_GRAPHQL_URL: `${at("hasura")}:8080/v1/graphql`,
      SUPERTOKENS_CONNECTION_URI: `${at("supertokens")}:3567/v1/auth`,
      OPTAPLANNER_URL: `${at("optaplanner")}:8081/v1/optaplanner`,
      PYTHON_AGENT_URL: `${at("python-agent")}:8000`,
      PUBLIC_URL: domain,
      S3_BUCKET: "agt-stage-atomic-calendar-data",
    },
    secrets: {
      HASURA_GRAPHQL_ADMIN_SECRET: "HasuraAdminSecret",
      SUPERTOKENS_API_KEY: "SupertokensApiKey",
      NOTION_API_TOKEN: "NotionApiToken",
      NOTION_NOTE_DB_ID: "NotionNotesDbId",
      NOTION_RESEARCH_PROJECTS_DB_ID: "NotionResearchProjectsDbId",
      NOTION_RESEARCH_TASKS_DB_ID: "NotionResearchTasksDbId",
      OPENAI_API_KEY: "OpenAiApiKey",
      DEEPGRAM_API_KEY: "DeepgramApiKey",
    },
  },
  hasura: {
    port: 8080,
    environment: {
      HASURA_GRAPHQL_ENABLE_CONSOLE: "false",
      HASURA_GRAPHQL_ENABLE_TELEMETRY: "false",
      HASURA_GRAPHQL_DEV_MODE: "false",
      HASURA_GRAPHQL_CORS_DOMAIN: domain,
      HASURA_GRAPHQL_ENABLED_APIS: "graphql,metadata",
      ACTION_BASE_URL: `${at("functions")}:3010/v1/functions`,
    },
    secrets: {
      HASURA_GRAPHQL_ADMIN_SECRET: "HasuraAdminSecret",
      HASURA_GRAPHQL_JWT_SECRET: "HasuraJwtSecret",
      HASURA_GRAPHQL_DATABASE_URL: "HasuraDbConnString",
      HASURA_GRAPHQL_METADATA_DATABASE_URL: "HasuraDbConnString",
    },
  },
  supertokens: {
    port: 3567,
    environment: { BASE_PATH: "/v1/auth" },
    secrets: { POSTGRESQL_CONNECTION_URI: "SupertokensDbConnString", API_KEYS: "SupertokensApiKey" },
  },
  handshake: {
    port: 3020,
    environment: { HASURA_GRAPHQL_GRAPHQL_URL: `${at("hasura")}:8080/v1/graphql`, PUBLIC_URL: domain },
    secrets: { HASURA_GRAPHQL_ADMIN_SECRET: "HasuraAdminSecret" },
  },
  oauth: {
    port: 3030,
    environment: { HASURA_GRAPHQL_GRAPHQL_URL: `${at("hasura")}:8080/v1/graphql`, PUBLIC_URL: domain },
    secrets: { HASURA_GRAPHQL_ADMIN_SECRET: "HasuraAdminSecret" },
  },
  optaplanner: {
    port: 8081,
    environment: {
      QUARKUS_HTTP_PORT: "8081",
      QUARKUS_HTTP_ROOT_PATH: "/v1/optaplanner",
      CALLBACK_URL: `${at("functions")}:3010/v1/functions`,
    },
    secrets: { QUARKUS_DATASOURCE_JDBC_URL: "OptaplannerDbConnString" },
  },
  "python-agent": {
    port: 8000,
    environment: {
      HASURA_GRAPHQL_GRAPHQL_URL: `${at("hasura")}:8080/v1/graphql`,
      FUNCTIONS_URL: `${at("functions")}:3010/v1/functions`,
      LANCEDB_URI: "/data/lancedb",
      S3_BUCKET: "agt-stage-atomic-calendar-data",
    },
    secrets: {
      HASURA_GRAPHQL_ADMIN_SECRET: "HasuraAdminSecret",
      NOTION_API_TOKEN: "NotionApiToken",
      NOTION_NOTE_DB_ID: "NotionNotesDbId",
      NOTION_RESEARCH_PROJECTS_DB_ID: "NotionResearchProjectsDbId",
      NOTION_RESEARCH_TASKS_DB_ID: "NotionResearchTasksDbId",
      OPENAI_API_KEY: "OpenAiApiKey",
    },
  },
};
const generated: readonly string[] = ["HasuraJwtSecret", "HasuraAdminSecret", "SupertokensApiKey"];
const strings: readonly string[] = [
  "SupertokensDbConnString",
  "HasuraDbConnString",
  "OptaplannerDbConnString",
];
const operators: readonly string[] = [
  "OpenAiApiKey",
  "NotionApiToken",
  "DeepgramApiKey",
  "NotionNotesDbId",
  "NotionResearchProjectsDbId",
  "NotionResearchTasksDbId",
];

it("has the eight services of the document and no other", () => {
  expect(Object.keys(resources(json, "aws_ecs_service")).sort()).toEqual(
    Object.keys(expected)
      .map((name) => `atomic-calendar_${name}`)
      .sort(),
  );
  expect(count("aws_ecs_task_definition")).toBe(8);
});

describe.each(serviceNames)("the task of %s", (name) => {
  const fullName = `stage-atomic-calendar-${name}`;
  const repository = "${data.terraform_remote_state.shared.outputs.image_repositories.atomic-";
  const own = digest(String(serviceNames.indexOf(name)));
  const wanted = expected[name];

  it("has its image by digest, from a repository of its own", () => {
    expect(container(name).image).toBe(`${repository}${name}}@${own}`);
    expect(task(name).lifecycle.precondition[0].condition).toContain(`"atomic-${name}"`);
  });

  it("has 256 CPU units and 512 MiB", () => {
    expect(task(name)).toMatchObject({
      family: fullName,
      cpu: "256",
      memory: "512",
      network_mode: "awsvpc",
      requires_compatibilities: ["FARGATE"],
      runtime_platform: { cpu_architecture: "X86_64", operating_system_family: "LINUX" },
    });
  });

  it("listens on its port", () => {
    expect(container(name).portMappings).toEqual([
      { name, containerPort: wanted.port, hostPort: wanted.port, protocol: "tcp" },
    ]);
  });

  it("knows where the others are, and the world by https", () => {
    expect(environment(name)).toEqual({
      PORT: String(wanted.port),
      AWS_REGION: "us-east-1",
      AWS_XRAY_DAEMON_ADDRESS: "127.0.0.1:2000",
      ...wanted.environment,
    });
  });

  it("has its secrets by ARN, and starts anew with those that Terraform writes", () => {
    expect(container(name).secrets).toEqual(
      Object.entries(wanted.secrets).map(([variable, secret]) => ({
        name: variable,
        valueFrom: secretArn(secret),
      })),
    );
    const written = [...new Set(Object.values(wanted.secrets))].filter(
      (secret) => !operators.includes(secret),
    );
    expect(Object.keys((container(name).dockerLabels ?? {}) as object)).toEqual(
      written.map((secret) => `landfall.secret.${secret}`),
    );
    for (const secret of written)
      expect(container(name).dockerLabels[`landfall.secret.${secret}`]).toContain("version_id");
  });

  it("is not root, has no privileges, and writes to /tmp and its mounts alone", () => {
    expect(container(name)).toMatchObject({
      user: "1000:1000",
      privileged: false,
      readonlyRootFilesystem: true,
      essential: true,
    });
    const own: Readonly<Partial<Record<ServiceName, string[]>>> = {
      "python-agent": ["/data/lancedb"],
      supertokens: ["/lib/supertokens/temp"],
    };
    expect(
      (container(name).mountPoints as Json[]).map(({ containerPath }) => containerPath as string),
    ).toEqual(["/tmp", ...(own[name] ?? [])]);
    for (const { privileged, readonlyRootFilesystem } of containers(name))
      expect([privileged, readonlyRootFilesystem]).toEqual([false, true]);
    const root = containers(name).filter(({ user }) => user === "0:0");
    // Fargate gives an empty folder to root: one container gives /tmp to all, and ends
    expect(root.map(({ entryPoint, command }) => [entryPoint, command] as unknown)).toEqual([
      [["chmod", "1777"], name === "supertokens" ? ["/tmp", "/lib/supertokens/temp"] : ["/tmp"]],
    ]);
  });

  it("is asked whether it answers, by the load balancer or by ECS", () => {
    const { load_balancer: balancers } = service(name);
    const { healthCheck } = container(name);
    expect([(balancers as Json[]).length, healthCheck === undefined]).toEqual(
      name === "python-agent" ? [0, false] : [1, true],
    );
    if (!healthCheck) return;
    expect(healthCheck).toMatchObject({ timeout: 5, startPeriod: 120 });
    const [kind, program, flag, code = ""] = healthCheck.command as string[];
    expect([kind, program, flag]).toEqual(["CMD", "python", "-c"]); // no shell
    expect(code).toContain(`('127.0.0.1', ${wanted.port})`);
  });

  it("logs to a group of its own for 30 days", () => {
    expect(resource(json, "aws_cloudwatch_log_group", `atomic-calendar_${name}_task_logs`)).toMatchObject({
      name: `/ecs/${fullName}`,
      retention_in_days: 30,
      skip_destroy: false,
    });
    for (const { logConfiguration } of containers(name))
      expect(logConfiguration).toMatchObject({
        logDriver: "awslogs",
        options: { "awslogs-group": `/ecs/${fullName}`, "awslogs-region": "us-east-1" },
      });
  });

  it("has the X-Ray daemon beside it, which its role lets send traces", () => {
    expect(containers(name).find((one) => one.name === "xray-daemon")).toMatchObject({
      image: `${repository}xray-daemon}@${digest("f")}`,
      command: ["--bind=127.0.0.1:2000"],
      essential: false,
      secrets: [],
      user: "1000:1000",
    });
    for (const action of [
      "xray:PutTraceSegments",
      "xray:PutTelemetryRecords",
      "xray:GetSamplingRules",
      "xray:GetSamplingTargets",
    ])
      expect(isAllowed([policy(name, "task")], { action, resource: "*" })).toBe(true);
  });

  it("has an execution role that fetches its own images, secrets and log, and no other", () => {
    const may = (action: string, resource: string) =>
      isAllowed([policy(name, "execution")], { action, resource });
    for (const secret of [...generated, ...strings, ...operators, "DbSecret"])
      expect([secret, may("secretsmanager:GetSecretValue", secretArn(secret))]).toEqual([
        secret,
        Object.values<string>(wanted.secrets).includes(secret),
      ]);
    for (const other of [...serviceNames, "xray-daemon"]) {
      const arn = `arn:aws:ecr:us-east-1:436957243186:repository/agt-atomic-${other}`;
      expect([other, may("ecr:BatchGetImage", arn)]).toEqual([
        other,
        other === name || other === "xray-daemon",
      ]);
    }
    for (const other of serviceNames) {
      const group = `arn:aws:logs:us-east-1:436957243186:log-group:/ecs/stage-atomic-calendar-${other}:log-stream:x`;
      expect([other, may("logs:PutLogEvents", group)]).toEqual([other, other === name]);
    }
  });

  it("reaches the data bucket only where it keeps data, and the file system only where it has one", () => {
    const may = (action: string, resource: string, context = {}) =>
      isAllowed([policy(name, "task")], { action, resource, context });
    const bucket = "arn:aws:s3:::agt-stage-atomic-calendar-data";
    const hasBucket = name === "functions" || name === "python-agent";
    for (const action of ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
      expect(may(action, `${bucket}/notes/1`)).toBe(hasBucket);
    expect(may("s3:ListBucket", bucket)).toBe(hasBucket);
    for (const [action, resource] of [
      ["s3:DeleteBucket", bucket],
      ["s3:GetObject", "arn:aws:s3:::agt-stage-atomic-calendar-alb-logs/x"],
      ["secretsmanager:GetSecretValue", secretArn("DbSecret")],
      ["elasticfilesystem:ClientMount", "${aws_efs_file_system.atomic-calendar_files.arn}"],
      ["iam:PassRole", "*"],
    ] as const)
      expect(may(action, resource)).toBe(false);
    const byAccessPoint = {
      "elasticfilesystem:AccessPointArn": "${aws_efs_access_point.atomic-calendar_files_access.arn}",
    };
    expect(
      may("elasticfilesystem:ClientWrite", "${aws_efs_file_system.atomic-calendar_files.arn}", byAccessPoint),
    ).toBe(name === "python-agent");
  });

  it("has a volume of the file system only where it is the Python agent", () => {
    const mounted = (task(name).volume as Json[]).filter((volume) => volume.efs_volume_configuration);
    expect(mounted).toEqual(
      name === "python-agent"
        ? [
            {
              name: "files",
              efs_volume_configuration: {
                file_system_id: "${aws_efs_file_system.atomic-calendar_files.id}",
                transit_encryption: "ENABLED",
                authorization_config: {
                  access_point_id: "${aws_efs_access_point.atomic-calendar_files_access.id}",
                  iam: "ENABLED",
                },
              },
            },
          ]
        : [],
    );
  });
});

describe("tasks without tracing", () => {
  it.each([
    ["for want of the daemon's image", { TF_VAR_atomic_calendar_xray_daemon_image: "" }],
    ["by input", { TF_VAR_atomic_calendar_tracing: "false" }],
  ])("%s", (_why, inputs: Record<string, string>) => {
    const without = atomicCalendarJson(inputs);
    for (const name of serviceNames) {
      expect(containers(name, without).map((one) => one.name as string)).toEqual([name, "writable"]);
      expect(environment(name, without)).not.toHaveProperty("AWS_XRAY_DAEMON_ADDRESS");
      expect(policy(name, "execution", without)).not.toContain("xray");
    }
    expect(JSON.stringify(resources(without, "aws_iam_role_policy"))).not.toContain("xray:");
  });
});

const onDemand = [{ base: 0, capacity_provider: "FARGATE", weight: 1 }];

describe("the services", () => {
  it.each(serviceNames)("%s goes back by itself, is private, and is found by its name", (name) => {
    expect(service(name)).toMatchObject({
      name: `stage-atomic-calendar-${name}`,
      desired_count: 1,
      deployment_circuit_breaker: { enable: true, rollback: true },
      deployment_minimum_healthy_percent: 100,
      enable_execute_command: false,
      network_configuration: {
        assign_public_ip: false,
        security_groups: [`\${aws_security_group.atomic-calendar_group_${name}.id}`],
        subnets: "${values(data.terraform_remote_state.shared.outputs.private_subnets)}",
      },
    });
    const id = /\.([^.]+)\.arn/.exec(service(name).service_registries.registry_arn as string)?.[1] ?? "";
    expect(resource(json, "aws_service_discovery_service", id).name).toBe(name);
  });

  it("have a DNS zone of the VPC", () => {
    expect(
      resource(json, "aws_service_discovery_private_dns_namespace", "atomic-calendar_names"),
    ).toMatchObject({
      name: "stage-atomic-calendar.internal",
      vpc: "${data.terraform_remote_state.shared.outputs.vpc_id}",
    });
  });

  it.each(serviceNames)("%s is on Spot only where it keeps no state", (name) => {
    expect(service(name).capacity_provider_strategy).toEqual(
      name === "app" || name === "functions"
        ? [
            { base: 0, capacity_provider: "FARGATE_SPOT", weight: 1 },
            { base: 1, capacity_provider: "FARGATE", weight: 0 },
          ]
        : onDemand,
    );
  });

  it("on Spot go on demand where it has no room, and the alarm topic is told where that fails", () => {
    const [rule] = Object.values(resources(json, "aws_cloudwatch_event_rule")).filter(({ event_pattern }) =>
      (event_pattern as string).includes("SERVICE_TASK_PLACEMENT_FAILURE"),
    );
    expect(rule?.event_pattern).toContain("stage-atomic-calendar-app");
    expect(rule?.event_pattern).toContain("stage-atomic-calendar-functions");
    expect(rule?.event_pattern).not.toContain("stage-atomic-calendar-hasura");
    expect(
      resource(json, "aws_cloudwatch_metric_alarm", "atomic-calendar_spot_failed").alarm_actions,
    ).toEqual(["${aws_sns_topic.alarms.arn}"]);
  });

  it("on Spot have as many tasks on demand as the input says, or are off it altogether", () => {
    const three = atomicCalendarJson({ TF_VAR_atomic_calendar_on_demand_base: "3" });
    expect(service("app", three).capacity_provider_strategy[1]).toMatchObject({
      capacity_provider: "FARGATE",
      base: 3,
    });
    const none = atomicCalendarJson({ TF_VAR_atomic_calendar_spot: "false" });
    for (const name of serviceNames) expect(service(name, none).capacity_provider_strategy).toEqual(onDemand);
    expect(resources(none, "aws_ssm_document")).toEqual({});
    expect(resources(none, "aws_cloudwatch_event_rule")).toEqual({});
  });

  it("app and functions scale from 1 to 4 tasks by CPU and memory, and no other does", () => {
    const targets = resources(json, "aws_appautoscaling_target");
    expect(
      Object.values(targets).map(({ resource_id, min_capacity, max_capacity }) => [
        resource_id as string,
        min_capacity as number,
        max_capacity as number,
      ]),
    ).toEqual([
      ["service/stage-atomic-calendar-cluster/stage-atomic-calendar-app", 1, 4],
      ["service/stage-atomic-calendar-cluster/stage-atomic-calendar-functions", 1, 4],
    ]);
    expect(targetsOf(json)).toEqual({
      "stage-atomic-calendar-app-cpu": ["ECSServiceAverageCPUUtilization", 60],
      "stage-atomic-calendar-app-memory": ["ECSServiceAverageMemoryUtilization", 70],
      "stage-atomic-calendar-functions-cpu": ["ECSServiceAverageCPUUtilization", 60],
      "stage-atomic-calendar-functions-memory": ["ECSServiceAverageMemoryUtilization", 70],
    });
    expect(service("app").lifecycle).toEqual({ ignore_changes: ["desired_count"] });
    expect(service("hasura")).not.toHaveProperty("lifecycle");
  });

  it("scale as inputs say", () => {
    const other = atomicCalendarJson({
      TF_VAR_atomic_calendar_cpu_target: "50",
      TF_VAR_atomic_calendar_memory_target: "80",
      TF_VAR_atomic_calendar_tasks: "app=2:2,hasura=2:6,optaplanner=0:0",
      TF_VAR_atomic_calendar_sizes: "hasura=512:1024,python-agent=1024:4096",
    });
    expect(Object.keys(resources(other, "aws_appautoscaling_target"))).toEqual([
      "atomic-calendar_functions_scaling",
      "atomic-calendar_hasura_scaling",
    ]);
    expect(resource(other, "aws_appautoscaling_target", "atomic-calendar_hasura_scaling")).toMatchObject({
      min_capacity: 2,
      max_capacity: 6,
    });
    expect(targetsOf(other)).toMatchObject({
      "stage-atomic-calendar-hasura-cpu": ["ECSServiceAverageCPUUtilization", 50],
      "stage-atomic-calendar-hasura-memory": ["ECSServiceAverageMemoryUtilization", 80],
    });
    expect(serviceNames.map((name) => service(name, other).desired_count as number)).toEqual([
      2, 1, 2, 1, 1, 1, 0, 1,
    ]);
    expect(task("hasura", other)).toMatchObject({ cpu: "512", memory: "1024" });
    expect(task("python-agent", other)).toMatchObject({ cpu: "1024", memory: "4096" });
    expect(task("app", other)).toMatchObject({ cpu: "256", memory: "512" });
  });

  it("without an image run no task and scale nothing", () => {
    const none = atomicCalendarJson({
      TF_VAR_atomic_calendar_app_image: "",
      TF_VAR_atomic_calendar_hasura_image: "",
    });
    expect(service("app", none).desired_count).toBe(0);
    expect(service("hasura", none).desired_count).toBe(0);
    expect(service("functions", none).desired_count).toBe(1);
    expect(Object.keys(resources(none, "aws_appautoscaling_target"))).toEqual([
      "atomic-calendar_functions_scaling",
    ]);
    expect(service("app", none)).not.toHaveProperty("lifecycle"); // with an image, Terraform starts it
  });

  it("open a shell only where that is asked for", () => {
    const shell = atomicCalendarJson({
      TF_VAR_atomic_calendar_exec: "true",
      TF_VAR_atomic_calendar_read_only_root: "false",
    });
    for (const name of serviceNames) {
      expect(service(name, shell).enable_execute_command).toBe(true);
      expect(container(name, shell).readonlyRootFilesystem).toBe(false);
      expect(
        isAllowed([policy(name, "task", shell)], { action: "ssmmessages:OpenDataChannel", resource: "*" }),
      ).toBe(true);
      expect(
        isAllowed([policy(name, "task")], { action: "ssmmessages:OpenDataChannel", resource: "*" }),
      ).toBe(false);
    }
  });

  it("run on Graviton where the input says so", () => {
    const arm = atomicCalendarJson({ TF_VAR_atomic_calendar_architecture: "ARM64" });
    for (const name of serviceNames) expect(task(name, arm).runtime_platform.cpu_architecture).toBe("ARM64");
  });
});

function targetsOf(of: Json): Record<string, unknown> {
  return Object.fromEntries(
    Object.values(resources(of, "aws_appautoscaling_policy")).map(
      ({ name, target_tracking_scaling_policy_configuration: configuration }) => [
        name as string,
        [
          configuration.predefined_metric_specification.predefined_metric_type,
          configuration.target_value,
        ] as unknown,
      ],
    ),
  );
}

/** Paths of the document, and of the three services that it names no path for, by priority. */
const routes: Partial<Record<ServiceName, [priority: number, path: string, healthPath: string]>> = {
  supertokens: [100, "/v1/auth", "/v1/auth/hello"],
  hasura: [200, "/v1/graphql", "/healthz"],
  functions: [300, "/v1/functions", "/v1/functions/healthz"],
  handshake: [310, "/v1/handshake", "/v1/handshake/healthz"],
  oauth: [320, "/v1/oauth", "/v1/oauth/healthz"],
  optaplanner: [330, "/v1/optaplanner", "/v1/optaplanner/q/health"],
  app: [400, "/app", "/app"],
};

describe("the load balancer", () => {
  const routed = Object.entries(routes);
  it.each(routed)(
    "sends a path to %s, and asks it whether it is well",
    (name, [priority, path, healthPath]) => {
      const id = `atomic-calendar_balancer_routes_${name}`;
      expect(resource(json, "aws_lb_listener_rule", `${id}_rule`)).toMatchObject({
        listener_arn: "${aws_lb_listener.atomic-calendar_balancer_https.arn}",
        priority,
        condition: [{ path_pattern: { values: [path, `${path}/*`] } }],
        action: [{ type: "forward", target_group_arn: `\${aws_lb_target_group.${id}_target.arn}` }],
      });
      expect(resource(json, "aws_lb_target_group", `${id}_target`)).toMatchObject({
        port: expected[name as ServiceName].port,
        target_type: "ip",
        health_check: { path: healthPath },
      });
      expect(service(name).load_balancer).toEqual([
        {
          container_name: name,
          container_port: expected[name as ServiceName].port,
          target_group_arn: `\${aws_lb_target_group.${id}_target.arn}`,
        },
      ]);
    },
  );

  it("sends nothing to the Python agent", () => {
    expect(count("aws_lb_listener_rule")).toBe(7);
    expect(service("python-agent").load_balancer).toEqual([]);
  });

  it("leads from port 80 to 443 for good, and speaks TLS 1.2 or later there", () => {
    expect(resource(json, "aws_lb_listener", "atomic-calendar_balancer_http").default_action).toEqual([
      { type: "redirect", redirect: { port: "443", protocol: "HTTPS", status_code: "HTTP_301" } },
    ]);
    expect(resource(json, "aws_lb_listener", "atomic-calendar_balancer_https")).toMatchObject({
      port: 443,
      protocol: "HTTPS",
      ssl_policy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      default_action: [{ type: "redirect", redirect: { path: "/app", status_code: "HTTP_302" } }],
    });
  });

  it("has a new certificate that Route 53 proves, and alias records of both kinds", () => {
    expect(resource(json, "aws_acm_certificate", "atomic-calendar_balancer_certificate")).toMatchObject({
      domain_name: "app.example.com",
      validation_method: "DNS",
    });
    expect(count("aws_acm_certificate_validation")).toBe(1);
    expect(
      Object.values(resources(json, "aws_route53_record"))
        .filter(({ alias }) => alias)
        .map(({ name, type }) => [name as string, type as string]),
    ).toEqual([
      ["app.example.com", "A"],
      ["app.example.com", "AAAA"],
    ]);
    expect(json.output).not.toHaveProperty("atomic_calendar_certificate_records");
  });

  it("takes a given certificate, and makes none", () => {
    const arn = "arn:aws:acm:us-east-1:436957243186:certificate/01234567-89ab-cdef-0123-456789abcdef";
    const given = atomicCalendarJson({ TF_VAR_atomic_calendar_certificate_arn: arn });
    expect(resource(given, "aws_lb_listener", "atomic-calendar_balancer_https").certificate_arn).toBe(arn);
    expect(resources(given, "aws_acm_certificate")).toEqual({});
    expect(count("aws_route53_record", given)).toBe(2);
  });

  const byHand = { TF_VAR_atomic_calendar_hosted_zone: "" };

  it("without a hosted zone answers 503 and tells which records to make, and no service waits for it", () => {
    const waiting = atomicCalendarJson(byHand);
    expect(resources(waiting, "aws_route53_record")).toEqual({});
    expect(resources(waiting, "aws_acm_certificate_validation")).toEqual({});
    expect(
      resource(waiting, "aws_lb_listener", "atomic-calendar_balancer_http").default_action,
    ).toMatchObject([{ type: "fixed-response", fixed_response: { status_code: "503" } }]);
    expect(count("aws_lb_listener", waiting)).toBe(1);
    expect(waiting.output.atomic_calendar_certificate_records.value).toBeDefined();
    for (const name of serviceNames) expect(service(name, waiting).load_balancer).toEqual([]);
  });

  it("without a hosted zone has HTTPS once the certificate is issued", () => {
    const issued = atomicCalendarJson({ ...byHand, TF_VAR_atomic_calendar_certificate_issued: "true" });
    expect(resources(issued, "aws_lb_listener")).toHaveProperty("atomic-calendar_balancer_https");
    expect(service("app", issued).load_balancer).toHaveLength(1);
  });

  it("logs accesses for its own account, and drops what is no header", () => {
    expect(resource(json, "aws_lb", "atomic-calendar_balancer")).toMatchObject({
      name: "stage-atomic-calendar",
      ip_address_type: "dualstack",
      drop_invalid_header_fields: true,
      enable_deletion_protection: false,
      access_logs: { bucket: "${aws_s3_bucket.atomic-calendar_balancer_logs.id}", enabled: true },
      subnets: "${values(data.terraform_remote_state.shared.outputs.public_subnets)}",
    });
    expect(resource(json, "aws_s3_bucket", "atomic-calendar_balancer_logs").bucket).toBe(
      "agt-stage-atomic-calendar-alb-logs",
    );
  });

  const acl =
    "arn:aws:wafv2:us-east-1:436957243186:regional/webacl/ours/01234567-89ab-cdef-0123-456789abcdef";
  it.each([
    ["none", undefined, 0],
    ["new", "${aws_wafv2_web_acl.atomic-calendar_balancer_waf.arn}", 1],
    [acl, acl, 0],
  ])("has the web ACL %s", (input, arn, made) => {
    const with_ = atomicCalendarJson({ TF_VAR_atomic_calendar_web_acl: input });
    expect(count("aws_wafv2_web_acl", with_)).toBe(made);
    expect(
      Object.values(resources(with_, "aws_wafv2_web_acl_association")).map(
        ({ web_acl_arn }) => web_acl_arn as string,
      ),
    ).toEqual(arn === undefined ? [] : [arn]);
  });
});

describe("the database", () => {
  it("is RDS for PostgreSQL as the document has it", () => {
    expect(resource(json, "aws_db_instance", "atomic-calendar_database")).toMatchObject({
      identifier: "stage-atomic-calendar",
      engine: "postgres",
      engine_version: "16",
      instance_class: "db.t3.small",
      db_name: "atomicdb",
      multi_az: true,
      backup_retention_period: 14,
      storage_encrypted: true,
      publicly_accessible: false,
      allocated_storage: 50,
      max_allocated_storage: 200,
      db_subnet_group_name: "${aws_db_subnet_group.atomic-calendar_database_subnets.name}",
      vpc_security_group_ids: ["${aws_security_group.atomic-calendar_database_group.id}"],
      auto_minor_version_upgrade: true,
      copy_tags_to_snapshot: true,
      performance_insights_enabled: true,
      enabled_cloudwatch_logs_exports: ["postgresql", "upgrade"],
    });
    expect(resource(json, "aws_db_subnet_group", "atomic-calendar_database_subnets").subnet_ids).toBe(
      "${values(data.terraform_remote_state.shared.outputs.private_subnets)}",
    );
  });

  it("takes TLS alone, and logs what is slow", () => {
    expect(resource(json, "aws_db_parameter_group", "atomic-calendar_database_parameters").parameter).toEqual(
      [
        { name: "rds.force_ssl", value: "1" },
        { name: "log_min_duration_statement", value: "1000" },
      ],
    );
  });

  it("logs to groups that last 30 days", () => {
    for (const log of ["postgresql", "upgrade"])
      expect(
        resource(json, "aws_cloudwatch_log_group", `atomic-calendar_database_logs_${log}`),
      ).toMatchObject({
        name: `/aws/rds/instance/stage-atomic-calendar/${log}`,
        retention_in_days: 30,
      });
  });

  it("in prod refuses to be deleted, and leaves a last snapshot", () => {
    const prod = atomicCalendarJson({ TF_VAR_deptype: "prod" });
    const database = resource(prod, "aws_db_instance", "atomic-calendar_database");
    expect(database).toMatchObject({
      deletion_protection: true,
      skip_final_snapshot: false,
      delete_automated_backups: false,
      multi_az: true,
      backup_retention_period: 14,
      lifecycle: { prevent_destroy: true },
    });
    expect(database.kms_key_id).toContain("aws_kms_key.");
  });

  it("is as large, and as doubled, as inputs say", () => {
    const other = atomicCalendarJson({
      TF_VAR_atomic_calendar_database_class: "db.m7g.large",
      TF_VAR_atomic_calendar_database_multi_az: "false",
      TF_VAR_atomic_calendar_database_version: "17.2",
      TF_VAR_atomic_calendar_database_storage: "100",
      TF_VAR_atomic_calendar_database_max_storage: "500",
    });
    expect(resource(other, "aws_db_instance", "atomic-calendar_database")).toMatchObject({
      instance_class: "db.m7g.large",
      multi_az: false,
      engine_version: "17.2",
      allocated_storage: 100,
      max_allocated_storage: 500,
    });
  });

  it("is Aurora Serverless v2 where the input says so, and no instance of RDS", () => {
    const aurora = atomicCalendarJson({
      TF_VAR_atomic_calendar_database: "aurora",
      TF_VAR_atomic_calendar_aurora_min: "1",
      TF_VAR_atomic_calendar_aurora_max: "8.5",
    });
    expect(resources(aurora, "aws_db_instance")).toEqual({});
    expect(resource(aurora, "aws_rds_cluster", "atomic-calendar_database")).toMatchObject({
      engine: "aurora-postgresql",
      database_name: "atomicdb",
      storage_encrypted: true,
      backup_retention_period: 14,
      serverlessv2_scaling_configuration: { min_capacity: 1, max_capacity: 8.5 },
    });
    expect(
      Object.values(resources(aurora, "aws_rds_cluster_instance")).map(
        ({ instance_class }) => instance_class as string,
      ),
    ).toEqual(["db.serverless", "db.serverless"]);
    expect(aurora.output.atomic_calendar_database_endpoint.value).toBe(
      "${aws_rds_cluster.atomic-calendar_database.endpoint}:5432",
    );
  });
});

describe("what is kept", () => {
  it("in the file system is encrypted, behind an access point of the containers' user", () => {
    expect(resource(json, "aws_efs_file_system", "atomic-calendar_files").encrypted).toBe(true);
    expect(resource(json, "aws_efs_access_point", "atomic-calendar_files_access")).toMatchObject({
      posix_user: { uid: 1000, gid: 1000 },
      root_directory: { path: "/data", creation_info: { permissions: "0750" } },
    });
  });

  it("in the bucket is private, encrypted and in versions for 30 days", () => {
    expect(resource(json, "aws_s3_bucket", "atomic-calendar_data").bucket).toBe(
      "agt-stage-atomic-calendar-data",
    );
    expect(
      resource(json, "aws_s3_bucket_public_access_block", "atomic-calendar_data_public_access"),
    ).toMatchObject({
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    });
    expect(
      resource(json, "aws_s3_bucket_server_side_encryption_configuration", "atomic-calendar_data_encryption")
        .rule[0].apply_server_side_encryption_by_default.sse_algorithm,
    ).toBe("aws:kms");
    expect(
      resource(json, "aws_s3_bucket_lifecycle_configuration", "atomic-calendar_data_lifecycle").rule[0]
        .noncurrent_version_expiration[0].noncurrent_days,
    ).toBe(30);
  });
});

describe("secrets", () => {
  const named = Object.values(resources(json, "aws_secretsmanager_secret")).map(({ name }) => name as string);

  it("are those of the document, the database's own, and the keys of Hasura and SuperTokens", () => {
    expect(named.sort()).toEqual(
      [...generated, ...strings, ...operators, "DbSecret"]
        .map((name) => `stage-atomic-calendar/${name}`)
        .sort(),
    );
  });

  it("of the operator have no value in Terraform, and all others are written without being in the state", () => {
    const written = resources(json, "aws_secretsmanager_secret_version");
    expect(Object.keys(written).sort()).toEqual(
      [
        ...[...generated, ...strings].map((name) => `atomic-calendar_secret_${name}_version`),
        "atomic-calendar_database_secret_version",
      ].sort(),
    );
    for (const version of Object.values(written)) {
      expect(version).toHaveProperty("secret_string_wo");
      expect(version).not.toHaveProperty("secret_string");
      expect(version.secret_string_wo).toContain("ephemeral.aws_secretsmanager_");
    }
  });

  it("of Hasura's JWT are JSON with an HS256 key", () => {
    const { secret_string_wo: value } = resource(
      json,
      "aws_secretsmanager_secret_version",
      "atomic-calendar_secret_HasuraJwtSecret_version",
    );
    expect(value).toContain('"type" = "HS256", "key" = ephemeral.aws_secretsmanager_random_password');
  });

  it.each([
    ["SupertokensDbConnString", "postgresql://"],
    ["HasuraDbConnString", "postgres://"],
    ["OptaplannerDbConnString", "jdbc:postgresql://"],
  ])("%s is built of the database's password, with TLS", (name, scheme) => {
    const { secret_string_wo: value } = resource(
      json,
      "aws_secretsmanager_secret_version",
      `atomic-calendar_secret_${name}_version`,
    );
    expect(value).toMatch(new RegExp(`^${scheme}.*urlencode\\(.*password`));
    expect(value).toContain("${aws_db_instance.atomic-calendar_database.address}:5432/atomicdb?");
    expect(value).toContain("sslmode=require");
  });
});

describe("Kafka", () => {
  const brokersVariable = "KAFKA_BROKERS";

  it("is none unless asked for", () => {
    expect(resources(json, "aws_msk_serverless_cluster")).toEqual({});
    expect(/kafka|MskBootstrapBrokers/i.test(JSON.stringify([json.resource, json.output]))).toBe(false);
  });

  it("is a secret that the operator fills, for functions alone", () => {
    const brokers = atomicCalendarJson({ TF_VAR_atomic_calendar_msk: "brokers" });
    expect(resources(brokers, "aws_msk_serverless_cluster")).toEqual({});
    expect(container("functions", brokers).secrets).toContainEqual({
      name: brokersVariable,
      valueFrom: secretArn("MskBootstrapBrokers"),
    });
    expect(resources(brokers, "aws_secretsmanager_secret_version")).not.toHaveProperty(
      "atomic-calendar_secret_MskBootstrapBrokers_version",
    );
    expect(brokers.output.atomic_calendar_secrets.value.MskBootstrapBrokers).toMatchObject({
      owner: "operator",
      used_by: ["functions"],
    });
    for (const name of serviceNames.filter((name) => name !== "functions"))
      expect(JSON.stringify(containers(name, brokers))).not.toContain("KAFKA");
    expect(edges(brokers)).toEqual(edges(json));
  });

  it("that are there are reached by functions alone, by TLS, where their networks are named", () => {
    const brokers = atomicCalendarJson({
      TF_VAR_atomic_calendar_msk: "brokers",
      TF_VAR_atomic_calendar_broker_cidrs: "10.20.0.0/16",
    });
    const rules = resources(brokers, "aws_vpc_security_group_egress_rule");
    const toBrokers = Object.values(rules).filter(({ cidr_ipv4 }) => cidr_ipv4 === "10.20.0.0/16");
    expect(toBrokers.map(({ from_port, to_port }) => [from_port, to_port])).toEqual([
      [9094, 9094],
      [9096, 9096],
      [9098, 9098],
    ]);
    for (const { security_group_id } of toBrokers)
      expect(security_group_id).toBe("${aws_security_group.atomic-calendar_group_functions.id}");
    const without = atomicCalendarJson({ TF_VAR_atomic_calendar_broker_cidrs: "10.20.0.0/16" });
    expect(JSON.stringify(without.resource)).not.toContain("10.20.0.0/16");
  });

  it("is a serverless cluster that functions alone may use", () => {
    const serverless = atomicCalendarJson({ TF_VAR_atomic_calendar_msk: "serverless" });
    const arn = (kind: string, cluster = "stage-atomic-calendar") =>
      `arn:aws:kafka:us-east-1:436957243186:${kind}/${cluster}/01234567-s1/topic`;
    expect(resource(serverless, "aws_msk_serverless_cluster", "atomic-calendar_brokers")).toMatchObject({
      cluster_name: "stage-atomic-calendar",
      client_authentication: { sasl: { iam: { enabled: true } } },
      vpc_config: [{ security_group_ids: ["${aws_security_group.atomic-calendar_brokers_group.id}"] }],
    });
    expect(environment("functions", serverless)[brokersVariable]).toContain("bootstrap_brokers_sasl_iam");
    const may = (name: ServiceName, action: string, resource: string) =>
      isAllowed([policy(name, "task", serverless)], { action: `kafka-cluster:${action}`, resource });
    for (const name of serviceNames) {
      expect(may(name, "Connect", arn("cluster"))).toBe(name === "functions");
      expect(may(name, "WriteData", arn("topic"))).toBe(name === "functions");
      expect(may(name, "AlterGroup", arn("group"))).toBe(name === "functions");
      expect(may(name, "WriteData", arn("topic", "prod-atomic-calendar"))).toBe(false);
    }
    expect(named(serverless)).not.toContain("stage-atomic-calendar/MskBootstrapBrokers");
    expect(edges(serverless)).toContain("functions -> brokers 9098");
    expect(edges(serverless)).toHaveLength(edges(json).length + 1);
  });

  const named = (of: Json) =>
    Object.values(resources(of, "aws_secretsmanager_secret")).map(({ name }) => name as string);
});

it("has a budget whose topic is told at 80 and 100 percent", () => {
  const budget = resource(json, "aws_budgets_budget", "atomic-calendar_budget");
  expect(budget).toMatchObject({
    name: "stage-atomic-calendar-budget",
    limit_amount: "250",
    limit_unit: "USD",
    time_unit: "MONTHLY",
  });
  expect(budget).not.toHaveProperty("cost_filter");
  expect(
    (budget.notification as Json[]).map(({ threshold, subscriber_sns_topic_arns }) => [
      threshold as number,
      subscriber_sns_topic_arns as string[],
    ]),
  ).toEqual([
    [80, ["${aws_sns_topic.alarms.arn}"]],
    [100, ["${aws_sns_topic.alarms.arn}"]],
  ]);
  const own = atomicCalendarJson({
    TF_VAR_atomic_calendar_monthly_budget: "900",
    TF_VAR_atomic_calendar_budget_scope: "system",
  });
  expect(resource(own, "aws_budgets_budget", "atomic-calendar_budget")).toMatchObject({
    limit_amount: "900",
    cost_filter: [{ name: "TagKeyValue", values: ["user:System$atomic-calendar"] }],
  });
});

it("tells the operator by mail, by a topic that Budgets may publish to", () => {
  const mailed = atomicCalendarJson({ TF_VAR_alarm_emails: "ops@example.com" });
  expect(resource(mailed, "aws_sns_topic", "alarms").name).toBe("stage-AlarmTopic");
  expect(Object.values(resources(mailed, "aws_sns_topic_subscription"))).toMatchObject([
    { protocol: "email", endpoint: "ops@example.com", topic_arn: "${aws_sns_topic.alarms.arn}" },
  ]);
  expect(resource(mailed, "aws_sns_topic_policy", "alarms_policy").policy).toContain("budgets.amazonaws.com");
});

describe("outputs", () => {
  const value = (name: string) => json.output[`atomic_calendar_${name}`]?.value as unknown;

  it.each([
    ["url", "https://app.example.com"],
    ["load_balancer_dns_name", "${aws_lb.atomic-calendar_balancer.dns_name}"], // AlbDnsName
    ["database_endpoint", "${aws_db_instance.atomic-calendar_database.address}:5432"], // DbInstanceEndpoint
    ["database_secret_arn", secretArn("DbSecret")], // DbSecretArn
    ["alarm_topic_arn", "${aws_sns_topic.alarms.arn}"], // AlarmTopicArn
    [
      "dashboard_url", // SystemHealthDashboardUrl
      "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards:name=stage-SystemHealthOverview",
    ],
    ["bucket", "agt-stage-atomic-calendar-data"],
  ])("%s", (name, expectedValue) => {
    expect(value(name)).toBe(expectedValue);
  });

  it("say by their documented names what they are", () => {
    const told = Object.values(json.output as Record<string, { description: string }>)
      .map(({ description }) => description)
      .join("\n");
    for (const name of [
      "AlbDnsName",
      "DbInstanceEndpoint",
      "DbSecretArn",
      "AlarmTopicArn",
      "SystemHealthDashboardUrl",
    ])
      expect(told).toContain(name);
  });

  it("have every secret's ARN, its owner, and who uses it", () => {
    const users = (secret: string) =>
      serviceNames.filter((name) => Object.values<string>(expected[name].secrets).includes(secret));
    expect(value("secrets")).toEqual(
      Object.fromEntries(
        [...generated, ...strings, ...operators].map((name) => [
          name,
          {
            name: `stage-atomic-calendar/${name}`,
            arn: secretArn(name),
            owner: operators.includes(name) ? "operator" : "terraform",
            used_by: users(name),
          },
        ]),
      ),
    );
    expect(users("OpenAiApiKey")).toEqual(["functions", "python-agent"]);
  });

  it("have each service as commands need it", () => {
    const { containers: all, ...rest } = value("containers") as Json;
    expect(rest).toEqual({
      cluster: "stage-atomic-calendar-cluster",
      subnets: "${values(data.terraform_remote_state.shared.outputs.private_subnets)}",
      security_groups: serviceNames.map((name) => `\${aws_security_group.atomic-calendar_group_${name}.id}`),
      assign_public_ip: false,
    });
    expect(all).toEqual(
      Object.fromEntries(
        serviceNames.map((name) => [
          name,
          {
            kind: "service",
            service: `stage-atomic-calendar-${name}`,
            family: `stage-atomic-calendar-${name}`,
            task_definition: `\${aws_ecs_task_definition.atomic-calendar_${name}_task.arn}`,
            container: name,
            log_group: `/ecs/stage-atomic-calendar-${name}`,
            log_stream_prefix: name,
            capacity:
              name === "app" || name === "functions"
                ? [
                    { provider: "FARGATE_SPOT", weight: 1, base: 0 },
                    { provider: "FARGATE", weight: 0, base: 1 },
                  ]
                : [{ provider: "FARGATE", weight: 1, base: 0 }],
            exec: false,
            secrets: [...new Set(Object.values(expected[name].secrets))],
          },
        ]),
      ),
    );
  });
});

/** Who may reach whom inside the VPC, `from -> to port`, where both ends let it pass. */
function edges(of: Json): string[] {
  const groupOf = (reference: unknown) =>
    String(reference).replace(
      /^\$\{aws_security_group\.atomic-calendar_(?:group_)?(.+?)(?:_group)?\.id\}$/,
      "$1",
    );
  const rules = (type: string) =>
    Object.values(resources(of, type)).filter((rule) => rule.referenced_security_group_id);
  const text = (from: unknown, to: unknown, rule: Json) => {
    expect([rule.ip_protocol, rule.to_port]).toEqual(["tcp", rule.from_port]);
    return `${groupOf(from)} -> ${groupOf(to)} ${String(rule.from_port)}`;
  };
  const coming = rules("aws_vpc_security_group_ingress_rule").map((rule) =>
    text(rule.referenced_security_group_id, rule.security_group_id, rule),
  );
  const going = rules("aws_vpc_security_group_egress_rule").map((rule) =>
    text(rule.security_group_id, rule.referenced_security_group_id, rule),
  );
  expect(coming.sort()).toEqual(going.sort());
  return coming;
}

describe("security groups", () => {
  it("let pass what the document's picture has, and no more", () => {
    expect(edges(json)).toEqual(
      [
        "balancer -> app 3000",
        "balancer -> functions 3010",
        "balancer -> handshake 3020",
        "balancer -> hasura 8080",
        "balancer -> oauth 3030",
        "balancer -> optaplanner 8081",
        "balancer -> supertokens 3567",
        "app -> hasura 8080",
        "app -> supertokens 3567",
        "functions -> hasura 8080",
        "functions -> optaplanner 8081",
        "functions -> python-agent 8000",
        "functions -> supertokens 3567",
        "handshake -> hasura 8080",
        "hasura -> functions 3010",
        "oauth -> hasura 8080",
        "optaplanner -> functions 3010",
        "python-agent -> functions 3010",
        "python-agent -> hasura 8080",
        "hasura -> database 5432",
        "optaplanner -> database 5432",
        "supertokens -> database 5432",
        "python-agent -> files 2049",
      ].sort(),
    );
  });

  it("let pass what the table of services has, and no more", () => {
    const intended = serviceNames.flatMap((name) => {
      const { route, port, calls, database, files } = services[name];
      return [
        ...(route ? [`balancer -> ${name} ${port}`] : []),
        ...calls.map((called) => `${name} -> ${called} ${services[called].port}`),
        ...(database ? [`${name} -> database 5432`] : []),
        ...(files ? [`${name} -> files 2049`] : []),
      ];
    });
    expect(edges(json)).toEqual(intended.sort());
  });

  it("let a service call each service whose address it is told, and no other", () => {
    for (const name of serviceNames) {
      const told = serviceNames.filter((other) =>
        Object.values(environment(name)).some((value) => value.includes(`${at(other)}:`)),
      );
      expect([name, [...services[name].calls].sort()]).toEqual([name, told.sort()]);
    }
  });

  it("let those reach the database that have a connection string", () => {
    for (const name of serviceNames)
      expect([name, services[name].database ?? false]).toEqual([
        name,
        Object.values<string>(expected[name].secrets).some((secret) => strings.includes(secret)),
      ]);
  });

  it("are open to the world at the load balancer's ports 80 and 443 alone, and out to 443", () => {
    const balancer = "atomic-calendar_balancer_group";
    expect(openRules(json)).toEqual(
      [
        ...["80-80", "443-443"].flatMap((ports) =>
          ["0.0.0.0/0", "::/0"].map((network) => `${balancer} ingress tcp ${ports} ${network}`),
        ),
        ...serviceNames.flatMap((name) =>
          ["0.0.0.0/0", "::/0"].map(
            (network) => `atomic-calendar_group_${name} egress tcp 443-443 ${network}`,
          ),
        ),
      ].sort(),
    );
  });

  it("let in from the networks that the input names, and from nowhere else", () => {
    const narrow = atomicCalendarJson({ TF_VAR_atomic_calendar_cidrs: "203.0.113.0/24" });
    expect(openRules(narrow).filter((rule) => rule.includes("ingress"))).toEqual([]);
    const from = Object.values(resources(narrow, "aws_vpc_security_group_ingress_rule"))
      .filter((rule) => !rule.referenced_security_group_id)
      .map(({ cidr_ipv4, from_port }) => `${String(cidr_ipv4)} ${String(from_port)}`);
    expect(from.sort()).toEqual(["203.0.113.0/24 443", "203.0.113.0/24 80"]);
  });
});

describe("the health command of python-agent", () => {
  const [program = "", ...args] = services["python-agent"].healthCommand ?? [];
  const has = !execaSync("python3", ["--version"], { reject: false }).failed;
  /** As the container runs it, but for the name of Python and the port. */
  const exitCode = async (port: number): Promise<number | undefined> => {
    expect(program).toBe("python");
    const replaced = args.map((arg) => arg.replace("8000", String(port)));
    return (await execa("python3", replaced, { reject: false })).exitCode;
  };

  (has ? it : it.skip)("tells whether somebody listens (needs python3)", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    expect(await exitCode(port)).toBe(0);
    await new Promise((resolve) => server.close(resolve));
    expect(await exitCode(port)).not.toBe(0);
  });
});
