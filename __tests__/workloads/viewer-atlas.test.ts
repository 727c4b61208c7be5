import { isMatched } from "../support/events";
import { isAllowed } from "../support/iam";
import { resource, resources, sharedEnv, synthesizeFiles } from "../support/stacks";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const emails = { TF_VAR_alarm_emails: "ops@example.com" };
const images = {
  TF_VAR_viewer_atlas_collector_image: digest("1"),
  TF_VAR_viewer_atlas_analysis_image: digest("2"),
  TF_VAR_viewer_atlas_vod_image: digest("3"),
};

function synthesized(inputs: Record<string, string> = {}, shared: Record<string, string> = {}) {
  const name = inputs.TF_VAR_deptype ?? "stage";
  const synthesis = synthesizeFiles(
    {
      "shared.env": { ...sharedEnv, TF_VAR_image_repositories: "viewer-atlas", ...shared },
      [`${name}.env`]: {
        TF_VAR_deptype: name,
        TF_VAR_systems: "viewer-atlas",
        ...emails,
        ...images,
        ...inputs,
      },
    },
    { only: [name] },
  );
  const told = (problems: readonly { name?: string; what: string }[]) =>
    problems.map(({ name, what }) => `${name}: ${what}`);
  return {
    problems: synthesis.broken.flatMap(({ problems }) => told(problems)),
    warnings: told(synthesis.warnings),
    json: () => synthesis.json(name),
  };
}
const json = synthesized().json();
const prefix = "stage-vieweratlas";

type Json = ReturnType<ReturnType<typeof synthesized>["json"]>;
const task = (name: string, of: Json = json) =>
  resource(of, "aws_ecs_task_definition", `viewer-atlas_${name}_task`);
const containers = (name: string, of: Json = json): Json[] =>
  JSON.parse(task(name, of).container_definitions as string) as Json[];
const container = (name: string, of: Json = json): Json => containers(name, of)[0] ?? {};
const environment = (name: string, of: Json = json) =>
  Object.fromEntries(
    (container(name, of).environment as { name: string; value: string }[]).map(({ name, value }) => [
      name,
      value,
    ]),
  );
const policy = (name: string, role: "task" | "execution", of: Json = json): string =>
  resource(of, "aws_iam_role_policy", `viewer-atlas_${name}_task_${role}_role_policy`).policy as string;

describe("the tasks", () => {
  it.each([
    ["collector", "vieweratlas-collector", "256", "512"],
    ["analysis", "vieweratlas-analysis", "1024", "2048"],
    ["vod", "vieweratlas-vod-collector", "512", "1024"],
  ])("%s has its documented name, size, log group and image", (name, fullName, cpu, memory) => {
    expect(task(name)).toMatchObject({
      family: `stage-${fullName}`,
      cpu,
      memory,
      network_mode: "awsvpc",
      requires_compatibilities: ["FARGATE"],
      skip_destroy: true, // or ECS could not go back to it
      runtime_platform: { cpu_architecture: "X86_64", operating_system_family: "LINUX" },
    });
    expect(resource(json, "aws_cloudwatch_log_group", `viewer-atlas_${name}_task_logs`)).toMatchObject({
      name: `/ecs/stage-${fullName}`,
      retention_in_days: 7,
    });
    const repository = `vieweratlas-${name}`;
    expect(container(name)).toMatchObject({
      name,
      essential: true,
      logConfiguration: {
        logDriver: "awslogs",
        options: {
          "awslogs-group": `/ecs/stage-${fullName}`,
          "awslogs-region": "us-east-1",
          "awslogs-stream-prefix": name,
        },
      },
    });
    expect(container(name).image).toBe(
      `\${data.terraform_remote_state.shared.outputs.image_repositories.${repository}}@${
        images[`TF_VAR_viewer_atlas_${name}_image` as keyof typeof images]
      }`,
    );
  });

  it.each(["collector", "analysis", "vod"])("%s is never root, and writes to /tmp alone", (name) => {
    const [main, ...beside] = containers(name);
    expect(main).toMatchObject({
      user: "1000:1000",
      privileged: false,
      readonlyRootFilesystem: true,
      linuxParameters: { initProcessEnabled: true },
      mountPoints: [{ sourceVolume: "tmp", containerPath: "/tmp", readOnly: false }],
      dependsOn: [{ containerName: "writable", condition: "SUCCESS" }],
    });
    expect(task(name).volume).toEqual([{ name: "tmp" }]);
    expect(beside).toMatchObject([
      { name: "writable", essential: false, entryPoint: ["chmod", "1777"], command: ["/tmp"] },
      { name: "time-limit", essential: true, user: "1000:1000" },
    ]);
    for (const one of beside) expect(one).toMatchObject({ readonlyRootFilesystem: true, privileged: false });
  });

  it("may write beside their code only where that is asked for", () => {
    const other = synthesized({ TF_VAR_viewer_atlas_read_only_root: "false" }).json();
    expect(container("collector", other).readonlyRootFilesystem).toBe(false);
  });

  it("take data to the bucket, and their limits from the inputs", () => {
    const storage = {
      STORAGE_TYPE: "s3",
      S3_BUCKET: "agt-stage-vieweratlas-data-lake",
      S3_PREFIX: "vieweratlas/",
      AWS_REGION: "us-east-1",
    };
    expect(environment("collector")).toEqual({
      ...storage,
      MAX_RUNTIME_HOURS: "24",
      MAX_COLLECTION_CYCLES: "100",
    });
    expect(environment("analysis")).toEqual({ ...storage, MAX_PROCESSING_HOURS: "4" });
    expect(environment("vod")).toEqual({ ...storage, MAX_VODS_PER_RUN: "50", MAX_PROCESSING_HOURS: "4" });
    const other = synthesized({
      TF_VAR_viewer_atlas_max_runtime_hours: "8",
      TF_VAR_viewer_atlas_max_vods_per_run: "10",
    }).json();
    expect(environment("collector", other).MAX_RUNTIME_HOURS).toBe("8");
    expect(environment("vod", other).MAX_VODS_PER_RUN).toBe("10");
  });

  it.each([
    ["collector", 24 * 3600 + 900],
    ["analysis", 4 * 3600 + 900],
    ["vod", 4 * 3600 + 900],
  ])("%s is stopped after its own limit and a quarter of an hour: %d s", (name, seconds) => {
    const limit = containers(name).find((one) => one.name === "time-limit");
    expect(limit?.command).toEqual([
      `trap 'exit 0' TERM; sleep ${seconds} & wait $!; echo time is up; exit 124`,
    ]);
  });

  it("give the collector two minutes to write what it has", () => {
    expect(container("collector").stopTimeout).toBe(120);
  });

  it("run on ARM where that is asked for", () => {
    const other = synthesized({ TF_VAR_viewer_atlas_architecture: "ARM64" }).json();
    expect(task("vod", other).runtime_platform.cpu_architecture).toBe("ARM64");
  });

  it("have no secret in their environment, and Twitch's where it is used alone", () => {
    for (const name of ["collector", "vod"]) {
      expect(container(name).secrets).toEqual([
        {
          name: "TWITCH_OAUTH_TOKEN",
          valueFrom: "${aws_secretsmanager_secret.viewer-atlas_twitch_oauth_token.arn}",
        },
        {
          name: "TWITCH_CLIENT_ID",
          valueFrom: "${aws_secretsmanager_secret.viewer-atlas_twitch_client_id.arn}",
        },
      ]);
    }
    expect(container("analysis").secrets).toEqual([]);
    for (const name of ["collector", "analysis", "vod"])
      for (const one of containers(name).slice(1)) expect(one.secrets).toEqual([]);
  });

  it("of another digest are another task definition, and nothing else changes but the input itself", () => {
    const other = synthesized({ TF_VAR_viewer_atlas_analysis_image: digest("4") }).json();
    const differing = (one: Json, two: Json, path: string[] = []): string[] =>
      Object.keys({ ...one, ...two }).flatMap((key) => {
        const [left, right] = [one[key] as unknown, two[key] as unknown];
        if (JSON.stringify(left) === JSON.stringify(right)) return [];
        if (path.length === 2 || typeof left !== "object") return [[...path, key].join(".")];
        return differing(left as Json, right as Json, [...path, key]);
      });
    expect(differing(json, other)).toEqual([
      "resource.aws_ecs_task_definition.viewer-atlas_analysis_task",
      "variable.viewer_atlas_analysis_image.default",
      "variable.viewer_atlas_analysis_image.validation",
    ]);
  });
});

describe("roles", () => {
  const bucket = "arn:aws:s3:::agt-stage-vieweratlas-data-lake";
  const object = (key: string) => `${bucket}/vieweratlas/${key}`;
  const places = ["raw/snapshots/a", "raw/vod_chat/a", "curated/analysis/a", "other/a"];
  const can = (name: string, action: string) =>
    places.filter((place) => isAllowed([policy(name, "task")], { action, resource: object(place) }));
  const raw = places.slice(0, 2);

  it.each([
    ["collector", [], raw],
    ["vod", [], raw],
    ["analysis", raw, ["curated/analysis/a"]],
  ])("of %s reads %j and writes %j, and deletes nothing", (name, reads, writes) => {
    expect(can(name, "s3:GetObject")).toEqual(reads);
    expect(can(name, "s3:PutObject")).toEqual(writes);
    expect(can(name, "s3:DeleteObject")).toEqual([]);
    expect(
      isAllowed([policy(name, "task")], {
        action: "s3:PutObject",
        resource: "arn:aws:s3:::other/vieweratlas/raw/a",
      }),
    ).toBe(false);
    expect(isAllowed([policy(name, "task")], { action: "s3:PutObject", resource: `${bucket}/raw/a` })).toBe(
      false,
    );
  });

  it("list raw data for the analysis alone", () => {
    const lists = (name: string, place: string) =>
      isAllowed([policy(name, "task")], {
        action: "s3:ListBucket",
        resource: bucket,
        context: { "s3:prefix": `vieweratlas/${place}` },
      });
    expect(lists("analysis", "raw/snapshots/")).toBe(true);
    expect(lists("analysis", "curated/")).toBe(false);
    expect(lists("collector", "raw/")).toBe(false);
  });

  it("of the analysis have no way to Twitch's secrets, whichever it takes", () => {
    const names = ["twitch_oauth_token", "twitch_client_id"];
    const reads = (name: string, role: "task" | "execution") =>
      names.filter((secret) =>
        isAllowed([policy(name, role)], {
          action: "secretsmanager:GetSecretValue",
          resource: `\${aws_secretsmanager_secret.viewer-atlas_${secret}.arn}`,
        }),
      );
    expect(reads("collector", "execution")).toEqual(names);
    expect(reads("vod", "execution")).toEqual(names);
    for (const role of ["task", "execution"] as const) {
      expect(reads("analysis", role)).toEqual([]);
      expect(policy("analysis", role)).not.toMatch(/secretsmanager|kms|sts|iam/);
    }
    expect(reads("collector", "task")).toEqual([]); // ECS hands them over; the program asks for none
    expect(JSON.stringify(task("analysis"))).not.toMatch(/secretsmanager|twitch/i);
  });

  it.each(["collector", "analysis", "vod"])("of %s fetch its own image and write its own log", (name) => {
    const execution = [policy(name, "execution")];
    const pulls = (repository: string) =>
      isAllowed(execution, {
        action: "ecr:BatchGetImage",
        resource: `arn:aws:ecr:us-east-1:436957243186:repository/${repository}`,
      });
    expect([pulls(`agt-vieweratlas-${name}`), pulls("agt-other")]).toEqual([true, false]);
    const group = resource(json, "aws_cloudwatch_log_group", `viewer-atlas_${name}_task_logs`).name as string;
    const writes = (group: string) =>
      isAllowed(execution, {
        action: "logs:PutLogEvents",
        resource: `arn:aws:logs:us-east-1:436957243186:log-group:${group}:log-stream:x`,
      });
    expect([writes(group), writes("/ecs/other")]).toEqual([true, false]);
  });

  it("have the documented names, and are taken by ECS for our account alone", () => {
    const roles = resources(json, "aws_iam_role");
    expect(
      Object.entries(roles)
        .filter(([id]) => id.includes("_task_"))
        .map(([, { name }]) => name as string)
        .sort(),
    ).toEqual(
      ["analysis", "collector", "vod-collector"].flatMap((name) => [
        `agt-${prefix}-${name}-execution-role`,
        `agt-${prefix}-${name}-task-role`,
      ]),
    );
    expect(JSON.parse(roles["viewer-atlas_analysis_task_task_role"]?.assume_role_policy as string)).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: "ecs-tasks.amazonaws.com" },
          Action: "sts:AssumeRole",
          Condition: { StringEquals: { "aws:SourceAccount": ["436957243186"] } },
        },
      ],
    });
  });

  it("stay within the boundary", () => {
    const shared = synthesizeFiles({ "shared.env": sharedEnv }, { only: ["shared"] }).json("shared");
    const boundary = resource(shared, "aws_iam_policy", "boundary").policy as string;
    const policies = Object.values(resources(json, "aws_iam_role_policy")).map(
      ({ policy }) => policy as string,
    );
    const known = (text: string) =>
      text
        .replace(
          /\$\{aws_secretsmanager_secret[^}]*\}/,
          "arn:aws:secretsmanager:us-east-1:436957243186:secret:stage-vieweratlas/x",
        )
        .replace(/\$\{aws_sqs_queue[^}]*\}/, "arn:aws:sqs:us-east-1:436957243186:stage-vieweratlas-x")
        .replace(/\$\{aws_iam_role[^}]*\}/, "arn:aws:iam::436957243186:role/landfall/x");
    expect(policies.length).toBeGreaterThan(8);
    for (const text of policies) {
      const { Statement } = JSON.parse(text) as { Statement: Json[] };
      for (const { Action, Resource, Condition } of Statement)
        for (const action of [Action].flat() as string[])
          for (const resource of [Resource].flat() as string[]) {
            const passed = [Condition?.StringEquals?.["iam:PassedToService"] ?? []].flat() as string[];
            const allowed = isAllowed([boundary], {
              action,
              resource: known(resource),
              context: passed[0] ? { "iam:PassedToService": passed[0] } : {},
            });
            expect([action, resource, allowed]).toEqual([action, resource, true]);
          }
    }
  });
});

describe("the collector's service", () => {
  const service = (of: Json = json) => resource(of, "aws_ecs_service", "viewer-atlas_collector");

  it("keeps one on Spot, never two, and goes back from a deployment that does not start", () => {
    expect(service()).toMatchObject({
      name: `${prefix}-collector`,
      desired_count: 1,
      capacity_provider_strategy: [{ capacity_provider: "FARGATE_SPOT", weight: 1, base: 0 }],
      deployment_minimum_healthy_percent: 0,
      deployment_maximum_percent: 100,
      deployment_circuit_breaker: { enable: true, rollback: true },
      enable_execute_command: false,
      propagate_tags: "TASK_DEFINITION",
      network_configuration: { assign_public_ip: true },
    });
    expect(service()).not.toHaveProperty("launch_type");
    expect(service()).not.toHaveProperty("lifecycle"); // Terraform keeps the number of tasks
  });

  it("stops at 0", () => {
    expect(service(synthesized({ TF_VAR_viewer_atlas_collector_count: "0" }).json()).desired_count).toBe(0);
  });

  it("has the base on demand that is asked for, or nothing on Spot", () => {
    expect(
      service(synthesized({ TF_VAR_viewer_atlas_on_demand_base: "1" }).json()).capacity_provider_strategy,
    ).toEqual([
      { capacity_provider: "FARGATE_SPOT", weight: 1, base: 0 },
      { capacity_provider: "FARGATE", weight: 0, base: 1 },
    ]);
    const onDemand = synthesized({ TF_VAR_viewer_atlas_spot: "false" }).json();
    expect(service(onDemand).capacity_provider_strategy).toEqual([
      { capacity_provider: "FARGATE", weight: 1, base: 0 },
    ]);
    expect(resources(onDemand, "aws_ssm_document")).toEqual({});
  });

  it("and the schedules rest while there is no image, which is told", () => {
    const none = Object.fromEntries(Object.keys(images).map((name) => [name, ""]));
    const { json, warnings, problems } = synthesized(none);
    expect(problems).toEqual([]);
    expect(service(json()).desired_count).toBe(0);
    for (const { state } of Object.values(resources(json(), "aws_scheduler_schedule")).filter(
      ({ name }) => !(name as string).endsWith("-spot"),
    ))
      expect(state).toBe("DISABLED");
    expect(
      Object.keys(resources(json(), "aws_cloudwatch_metric_alarm")).filter((id) => id.endsWith("missed")),
    ).toEqual([]);
    expect(warnings).toEqual([
      "TF_VAR_systems: has no image for collector, analysis, vod, so that nothing of it runs",
    ]);
  });

  it("has the cluster with both kinds of Fargate, Spot where nobody says", () => {
    expect(resource(json, "aws_ecs_cluster", "viewer-atlas_cluster")).toMatchObject({
      name: `${prefix}-cluster`,
      setting: [{ name: "containerInsights", value: "disabled" }],
    });
    expect(
      resource(json, "aws_ecs_cluster_capacity_providers", "viewer-atlas_cluster_capacity"),
    ).toMatchObject({
      capacity_providers: ["FARGATE", "FARGATE_SPOT"],
      default_capacity_provider_strategy: [{ capacity_provider: "FARGATE_SPOT", weight: 1, base: 0 }],
    });
  });

  it("lets nobody in, and gets out to Twitch and AWS alone", () => {
    expect(resources(json, "aws_vpc_security_group_ingress_rule")).toEqual({});
    expect(
      Object.values(resources(json, "aws_vpc_security_group_egress_rule")).map(({ from_port, to_port }) => [
        from_port,
        to_port,
      ]),
    ).toEqual([
      [443, 443],
      [443, 443],
      [6697, 6697],
      [6697, 6697],
    ]);
  });
});

describe("the schedules", () => {
  const schedule = (name: string, of: Json = json) =>
    resource(of, "aws_scheduler_schedule", `viewer-atlas_${name}_schedule`);

  it.each([
    ["analysis", `${prefix}-analysis-daily`, "cron(0 3 * * ? *)"],
    ["vod", `${prefix}-vod-6h`, "rate(6 hours)"],
  ])(
    "%s starts its task when it is time, with retries and a place for what fails",
    (name, fullName, expression) => {
      expect(schedule(name)).toMatchObject({
        name: fullName,
        schedule_expression: expression,
        schedule_expression_timezone: "UTC",
        state: "ENABLED",
        flexible_time_window: { mode: "OFF" },
        target: {
          arn: "${aws_ecs_cluster.viewer-atlas_cluster.arn}",
          role_arn: `\${aws_iam_role.viewer-atlas_${name}_schedule_role.arn}`,
          dead_letter_config: { arn: "${aws_sqs_queue.viewer-atlas_not_started.arn}" },
          retry_policy: { maximum_event_age_in_seconds: 4 * 3600, maximum_retry_attempts: 185 },
          ecs_parameters: {
            task_definition_arn: `\${aws_ecs_task_definition.viewer-atlas_${name}_task.arn}`,
            task_count: 1,
            capacity_provider_strategy: [{ capacity_provider: "FARGATE_SPOT", weight: 1, base: 0 }],
            network_configuration: {
              assign_public_ip: true,
              security_groups: ["${aws_security_group.viewer-atlas_group.id}"],
              subnets: "${values(data.terraform_remote_state.shared.outputs.public_subnets)}",
            },
            propagate_tags: "TASK_DEFINITION",
          },
        },
      });
    },
  );

  it("give up a start when the next one is due", () => {
    const hourly = synthesized({ TF_VAR_viewer_atlas_vod_schedule: "rate(2 hours)" }).json();
    expect(schedule("vod", hourly).target.retry_policy.maximum_event_age_in_seconds).toBe(2 * 3600);
  });

  it.each(["analysis", "vod"])("%s may send what failed to its queue, and to no other", (name) => {
    const { policy } = resource(json, "aws_iam_role_policy", `viewer-atlas_${name}_schedule_role_policy`);
    const sends = (queue: string) =>
      isAllowed([policy as string], {
        action: "sqs:SendMessage",
        resource: `\${aws_sqs_queue.viewer-atlas_${queue}.arn}`,
      });
    expect([sends("not_started"), sends("spot_not_started")]).toEqual([true, false]);
  });

  it("come from the inputs", () => {
    const other = synthesized({ TF_VAR_viewer_atlas_analysis_schedule: "rate(2 days)" }).json();
    expect(schedule("analysis", other).schedule_expression).toBe("rate(2 days)");
  });

  it.each([
    ["analysis", "analysis"],
    ["vod", "vod-collector"],
  ])("%s may run its own task on its own cluster, and hand over its own two roles", (name, fullName) => {
    const text = resource(json, "aws_iam_role_policy", `viewer-atlas_${name}_schedule_role_policy`)
      .policy as string;
    const ecs = "arn:aws:ecs:us-east-1:436957243186";
    const runs = (family: string, cluster = `${prefix}-cluster`) =>
      isAllowed([text], {
        action: "ecs:RunTask",
        resource: `${ecs}:task-definition/${family}:7`,
        context: { "ecs:cluster": `${ecs}:cluster/${cluster}` },
      });
    expect(runs(`${prefix}-${fullName}`)).toBe(true);
    expect(runs(`${prefix}-${fullName}`, "other")).toBe(false);
    expect(runs(`${prefix}-collector`)).toBe(false);
    const passes = (role: string, service = "ecs-tasks.amazonaws.com") =>
      isAllowed([text], {
        action: "iam:PassRole",
        resource: `\${aws_iam_role.viewer-atlas_${role}.arn}`,
        context: { "iam:PassedToService": service },
      });
    expect(passes(`${name}_task_task_role`)).toBe(true);
    expect(passes(`${name}_task_execution_role`)).toBe(true);
    expect(passes(`${name}_task_task_role`, "ec2.amazonaws.com")).toBe(false);
    expect(passes("collector_task_execution_role")).toBe(false);
  });
});

describe("runs that go wrong", () => {
  const pattern = (name: string) =>
    JSON.parse(
      resource(json, "aws_cloudwatch_event_rule", `viewer-atlas_runs_${name}`).event_pattern as string,
    ) as Record<string, unknown>;
  const cluster = "${aws_ecs_cluster.viewer-atlas_cluster.arn}";
  /** An event as ECS sends it. */
  const stopped = (exits: Record<string, number>, detail: object = {}) => ({
    source: "aws.ecs",
    "detail-type": "ECS Task State Change",
    detail: {
      clusterArn: cluster,
      group: `family:${prefix}-analysis`,
      lastStatus: "STOPPED",
      stopCode: "EssentialContainerExited",
      containers: Object.entries(exits).map(([name, exitCode]) => ({ name, exitCode })),
      ...detail,
    },
  });
  const running = { lastStatus: "RUNNING", desiredStatus: "RUNNING", stopCode: undefined };
  const good = { analysis: 0, writable: 0, "time-limit": 0 };

  it.each([
    ["that ended well", stopped(good), false, false],
    ["with another exit code", stopped({ ...good, analysis: 3 }), true, false],
    ["whose time was up", stopped({ ...good, analysis: 143, "time-limit": 124 }), true, false],
    ["that did not start", stopped({}, { stopCode: "TaskFailedToStart" }), true, false],
    [
      "that a person stopped",
      stopped({ ...good, analysis: 143 }, { stopCode: "UserInitiated" }),
      false,
      false,
    ],
    ["that has begun", stopped({}, running), false, true],
    ["that is ending", stopped({}, { ...running, desiredStatus: "STOPPED" }), false, false],
    ["that has begun in another family", stopped({}, { ...running, group: "family:other" }), false, false],
    ["of another family", stopped({ ...good, analysis: 3 }, { group: "family:other" }), false, false],
    ["of another cluster", stopped({ ...good, analysis: 3 }, { clusterArn: "other" }), false, false],
  ])("a run %s", (_what, event, failed, started) => {
    expect(isMatched(pattern("analysis_outcome_failed"), event)).toBe(failed);
    expect(isMatched(pattern("analysis_outcome_started"), event)).toBe(started);
  });

  it("a deployment that ECS ended is told of the collector, and of nobody else", () => {
    const event = (name: string, eventName = "SERVICE_DEPLOYMENT_FAILED") => ({
      source: "aws.ecs",
      "detail-type": "ECS Deployment State Change",
      resources: [`arn:aws:ecs:us-east-1:436957243186:service/${prefix}-cluster/${prefix}-${name}`],
      detail: { eventType: "ERROR", eventName, deploymentId: "ecs-svc/1" },
    });
    const failed = pattern("collector_outcome_failed");
    expect(isMatched(failed, event("collector"))).toBe(true);
    expect(isMatched(failed, event("collector", "SERVICE_DEPLOYMENT_COMPLETED"))).toBe(false);
    expect(isMatched(failed, event("other"))).toBe(false);
    expect(isMatched(pattern("analysis_outcome_failed"), event("collector"))).toBe(false);
  });

  it.each([
    [
      "analysis_outcome_failed",
      `${prefix}-analysis-failed`,
      "GreaterThanOrEqualToThreshold",
      300,
      1,
      "notBreaching",
    ],
    [
      "vod_outcome_failed",
      `${prefix}-vod-collector-failed`,
      "GreaterThanOrEqualToThreshold",
      300,
      1,
      "notBreaching",
    ],
    [
      "collector_outcome_failed",
      `${prefix}-collector-failed`,
      "GreaterThanOrEqualToThreshold",
      300,
      1,
      "notBreaching",
    ],
    ["analysis_outcome_missed", `${prefix}-analysis-missed`, "LessThanThreshold", 3600, 24 + 1, "breaching"],
    ["vod_outcome_missed", `${prefix}-vod-collector-missed`, "LessThanThreshold", 3600, 6 + 1, "breaching"],
  ])("%s is told", (id, name, comparison, period, periods, missing) => {
    const rule = id.endsWith("missed") ? id.replace("missed", "started") : id;
    expect(resource(json, "aws_cloudwatch_metric_alarm", `viewer-atlas_${id}`)).toMatchObject({
      alarm_name: name,
      namespace: "AWS/Events",
      metric_name: "TriggeredRules",
      dimensions: { RuleName: `\${aws_cloudwatch_event_rule.viewer-atlas_runs_${rule}.name}` },
      statistic: "Sum",
      comparison_operator: comparison,
      threshold: 1,
      period,
      evaluation_periods: periods,
      treat_missing_data: missing,
      alarm_actions: ["${aws_sns_topic.alarms.arn}"],
    });
  });

  it("a start that failed for good is told by its queue, which is encrypted and takes TLS alone", () => {
    expect(resource(json, "aws_sqs_queue", "viewer-atlas_not_started")).toMatchObject({
      name: `${prefix}-runs-not-started`,
      sqs_managed_sse_enabled: true,
      message_retention_seconds: 1_209_600,
    });
    expect(resource(json, "aws_cloudwatch_metric_alarm", "viewer-atlas_not_started_alarm")).toMatchObject({
      namespace: "AWS/SQS",
      metric_name: "ApproximateNumberOfMessagesVisible",
      statistic: "Maximum",
      threshold: 1,
      period: 300,
      evaluation_periods: 1,
      treat_missing_data: "notBreaching",
    });
    expect(resource(json, "aws_sqs_queue_policy", "viewer-atlas_not_started_policy").policy).toContain(
      '"aws:SecureTransport":"false"',
    );
  });

  it("are told to nobody without a mail address, which is warned of", () => {
    expect(synthesized({ TF_VAR_alarm_emails: "" }).warnings).toEqual([
      "TF_VAR_alarm_emails: is empty, so that alarms and the budget tell nobody",
    ]);
  });

  it("overlap where a run may take longer than its period, which is told", () => {
    const { warnings } = synthesized({ TF_VAR_viewer_atlas_max_processing_hours: "7" });
    expect(warnings).toEqual([
      "TF_VAR_viewer_atlas_vod_schedule: starts a run before the one before must have ended: each may take 7 hours, and nothing keeps two apart",
    ]);
  });

  it("are told without a day's delay, or not at all where the schedule is too rare, with a warning", () => {
    const rare = synthesized({ TF_VAR_viewer_atlas_analysis_schedule: "cron(0 3 1 * ? *)" });
    expect(resources(rare.json(), "aws_cloudwatch_metric_alarm")).not.toHaveProperty(
      "viewer-atlas_analysis_outcome_missed",
    );
    expect(rare.warnings).toEqual([
      "TF_VAR_viewer_atlas_analysis_schedule: is so rare that no alarm tells of a missed run: CloudWatch looks back 168 hours",
    ]);
  });
});

describe("where Spot has no room", () => {
  const document = (name: string) =>
    resource(json, "aws_ssm_document", `viewer-atlas_spot_${name}`).content as string;
  const pattern = (name: string) =>
    JSON.parse(
      resource(json, "aws_cloudwatch_event_rule", `viewer-atlas_spot_${name}`).event_pattern as string,
    ) as Record<string, unknown>;

  it("the service goes to on-demand capacity, and tries Spot again each day", () => {
    const event = (detail: object = {}) => ({
      source: "aws.ecs",
      "detail-type": "ECS Service Action",
      resources: [`arn:aws:ecs:us-east-1:436957243186:service/${prefix}-cluster/${prefix}-collector`],
      detail: {
        eventType: "ERROR",
        eventName: "SERVICE_TASK_PLACEMENT_FAILURE",
        clusterArn: "${aws_ecs_cluster.viewer-atlas_cluster.arn}",
        capacityProviderArns: ["arn:aws:ecs:us-east-1:436957243186:capacity-provider/FARGATE_SPOT"],
        reason: "RESOURCE:FARGATE",
        ...detail,
      },
    });
    expect(isMatched(pattern("no_room"), event())).toBe(true);
    expect(isMatched(pattern("no_room"), event({ eventName: "SERVICE_STEADY_STATE" }))).toBe(false);
    expect(
      isMatched(
        pattern("no_room"),
        event({ capacityProviderArns: ["arn:aws:ecs:us-east-1:436957243186:capacity-provider/FARGATE"] }),
      ),
    ).toBe(false);
    const steps = (name: string) => (JSON.parse(document(name)) as { mainSteps: Json[] }).mainSteps;
    const isFallenBack = { Variable: "{{ look.Weight }}", NumericEquals: 100 };
    const change = (strategy: object[]) => ({
      name: "change",
      inputs: { Api: "UpdateService", capacityProviderStrategy: strategy, forceNewDeployment: true },
    });
    expect(steps("to_on_demand")).toMatchObject([
      { inputs: { Api: "DescribeServices", cluster: `${prefix}-cluster` } },
      { action: "aws:branch", inputs: { Choices: [{ NextStep: "change", Not: isFallenBack }] } },
      change([{ capacityProvider: "FARGATE", weight: 100 }]),
    ]);
    // Back to all that the service had, its base on demand included
    const based = synthesized({ TF_VAR_viewer_atlas_on_demand_base: "2" }).json();
    expect(
      (
        JSON.parse(
          resource(based, "aws_ssm_document", "viewer-atlas_spot_to_spot_collector").content as string,
        ) as { mainSteps: Json[] }
      ).mainSteps,
    ).toMatchObject([
      {},
      { inputs: { Choices: [{ NextStep: "change", ...isFallenBack }] } },
      change([
        { capacityProvider: "FARGATE_SPOT", weight: 1, base: 0 },
        { capacityProvider: "FARGATE", weight: 0, base: 2 },
      ]),
    ]);
    expect(resource(json, "aws_scheduler_schedule", "viewer-atlas_spot_back_collector")).toMatchObject({
      schedule_expression: "cron(30 5 * * ? *)",
      target: {
        arn: "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution",
        input: expect.stringContaining(`"Service":["${prefix}-collector"]`),
      },
    });
  });

  it("a task that Spot had no room for or took back runs once more, on demand", () => {
    const event = (detail: object) => ({
      source: "aws.ecs",
      "detail-type": "ECS Task State Change",
      detail: {
        clusterArn: "${aws_ecs_cluster.viewer-atlas_cluster.arn}",
        group: `family:${prefix}-analysis`,
        lastStatus: "STOPPED",
        capacityProviderName: "FARGATE_SPOT",
        ...detail,
      },
    });
    expect(isMatched(pattern("interrupted"), event({ stopCode: "SpotInterruption" }))).toBe(true);
    const noRoom = {
      stopCode: "TaskFailedToStart",
      stoppedReason:
        "Capacity is unavailable at this time. Please try again later or in a different availability zone",
    };
    expect(isMatched(pattern("interrupted"), event(noRoom))).toBe(true);
    expect(isMatched(pattern("interrupted"), event({ stopCode: "TerminationNotice" }))).toBe(true);
    expect(
      isMatched(
        pattern("interrupted"),
        event({ ...noRoom, stoppedReason: "CannotPullContainerError: pull image manifest" }),
      ),
    ).toBe(false);
    expect(isMatched(pattern("interrupted"), event({ stopCode: "EssentialContainerExited" }))).toBe(false);
    // or it would run for ever
    expect(isMatched(pattern("interrupted"), event({ ...noRoom, capacityProviderName: "FARGATE" }))).toBe(
      false,
    );
    expect(document("run_on_demand")).toContain(
      '"subnets":${jsonencode(values(data.terraform_remote_state.shared.outputs.public_subnets))}',
    );
  });

  it("a run on demand that got no task fails, although RunTask succeeds", () => {
    const text = document("run_on_demand").replace(/\$\{[^}]*\}/g, "[]");
    const { mainSteps } = JSON.parse(text) as { mainSteps: Json[] };
    expect(mainSteps).toMatchObject([
      {
        name: "run",
        inputs: { Api: "RunTask" },
        outputs: [{ Name: "Task", Selector: "$.tasks[0].taskArn" }],
      },
      {
        name: "started",
        action: "aws:waitForAwsResourceProperty",
        timeoutSeconds: 300,
        inputs: {
          Api: "DescribeTasks",
          cluster: `${prefix}-cluster`,
          tasks: ["{{ run.Task }}"],
          PropertySelector: "$.tasks[0].desiredStatus",
          DesiredValues: ["RUNNING", "STOPPED"],
        },
        isEnd: true,
      },
    ]);
    expect(mainSteps[0]).not.toHaveProperty("isEnd");
    const { policy } = resource(json, "aws_iam_role_policy", "viewer-atlas_spot_automation_role_policy");
    const sees = (cluster: string) =>
      isAllowed([policy as string], {
        action: "ecs:DescribeTasks",
        resource: `arn:aws:ecs:us-east-1:436957243186:task/${cluster}/1234`,
      });
    expect([sees(`${prefix}-cluster`), sees("other")]).toEqual([true, false]);
  });

  const alarm = (name: string) => resource(json, "aws_cloudwatch_metric_alarm", `viewer-atlas_spot_${name}`);

  describe("an automation that fails is told", () => {
    const failed = resource(json, "aws_cloudwatch_event_rule", "viewer-atlas_runs_spot_failed");
    const name = (id: string) => `\${aws_ssm_document.viewer-atlas_spot_${id}.name}`;
    const event = (detail: object = {}) => ({
      source: "aws.ssm",
      "detail-type": "EC2 Automation Execution Status-change Notification",
      resources: [
        "arn:aws:ssm:us-east-1:436957243186:automation-execution/333ba70b-2333-48db-b17e-a5e69c6f4d1c",
      ],
      detail: {
        ExecutionId: "333ba70b-2333-48db-b17e-a5e69c6f4d1c",
        Definition: name("run_on_demand"),
        DefinitionVersion: 1.0,
        Status: "Failed",
        Time: 5753.0,
        ...detail,
      },
    });

    it.each([
      ["that failed", event(), true],
      ["that timed out", event({ Status: "TimedOut" }), true],
      ["that was cancelled", event({ Status: "Cancelled" }), true],
      ["that ended well", event({ Status: "Success" }), false],
      ["that runs", event({ Status: "InProgress" }), false],
      ["of a service to on-demand", event({ Definition: name("to_on_demand") }), true],
      ["of a service to Spot", event({ Definition: name("to_spot_collector") }), true],
      ["of somebody else", event({ Definition: "AWS-RestartEC2Instance" }), false],
      [
        "whose step failed and was tried again",
        { ...event(), "detail-type": "EC2 Automation Step Status-change Notification" },
        false,
      ],
    ])("one %s", (_what, of, told) => {
      expect(isMatched(JSON.parse(failed.event_pattern as string) as Json, of)).toBe(told);
    });

    it("has each document of ours in the pattern", () => {
      const ours = Object.keys(resources(json, "aws_ssm_document"));
      expect((JSON.parse(failed.event_pattern as string) as Json).detail.Definition.sort()).toEqual(
        ours.map((id) => `\${aws_ssm_document.${id}.name}`).sort(),
      );
    });

    it("by the alarm topic, and noted in the log group of events", () => {
      expect(alarm("failed")).toMatchObject({
        alarm_name: `${prefix}-spot-failed`,
        namespace: "AWS/Events",
        metric_name: "TriggeredRules",
        dimensions: { RuleName: "${aws_cloudwatch_event_rule.viewer-atlas_runs_spot_failed.name}" },
        statistic: "Sum",
        comparison_operator: "GreaterThanOrEqualToThreshold",
        threshold: 1,
        period: 300,
        evaluation_periods: 1,
        treat_missing_data: "notBreaching",
        alarm_actions: ["${aws_sns_topic.alarms.arn}"],
      });
      expect(
        resource(json, "aws_cloudwatch_event_target", "viewer-atlas_runs_spot_failed_log"),
      ).toMatchObject({
        rule: "${aws_cloudwatch_event_rule.viewer-atlas_runs_spot_failed.name}",
        arn: "${aws_cloudwatch_log_group.viewer-atlas_runs.arn}",
      });
    });
  });

  describe("an automation that cannot be started is told", () => {
    const queue = "${aws_sqs_queue.viewer-atlas_spot_not_started.arn}";
    const limited = { maximum_event_age_in_seconds: 3600, maximum_retry_attempts: 185 };

    it.each(["no_room", "interrupted"])("of an event: %s", (id) => {
      expect(
        resource(json, "aws_cloudwatch_event_target", `viewer-atlas_spot_${id}_automation`),
      ).toMatchObject({ dead_letter_config: { arn: queue }, retry_policy: limited });
    });

    it("of the daily way back", () => {
      expect(
        resource(json, "aws_scheduler_schedule", "viewer-atlas_spot_back_collector").target,
      ).toMatchObject({ dead_letter_config: { arn: queue }, retry_policy: limited });
    });

    it("by its own queue and alarm", () => {
      expect(resource(json, "aws_sqs_queue", "viewer-atlas_spot_not_started")).toMatchObject({
        name: `${prefix}-spot-not-started`,
        sqs_managed_sse_enabled: true,
      });
      expect(alarm("not_started_alarm")).toMatchObject({
        alarm_name: `${prefix}-spot-not-started`,
        metric_name: "ApproximateNumberOfMessagesVisible",
        dimensions: { QueueName: "${aws_sqs_queue.viewer-atlas_spot_not_started.name}" },
        alarm_actions: ["${aws_sns_topic.alarms.arn}"],
      });
    });

    it("to which the two rules may send over TLS, and no other", () => {
      const { policy } = resource(json, "aws_sqs_queue_policy", "viewer-atlas_spot_not_started_policy");
      const sends = (rule: string, tls = "true") =>
        isAllowed([policy as string], {
          action: "sqs:SendMessage",
          resource: queue,
          context: { "aws:SourceArn": rule, "aws:SecureTransport": tls },
        });
      const rule = (id: string) => `\${aws_cloudwatch_event_rule.viewer-atlas_${id}.arn}`;
      expect([sends(rule("spot_no_room")), sends(rule("spot_interrupted"))]).toEqual([true, true]);
      expect(sends(rule("spot_no_room"), "false")).toBe(false);
      expect(sends(rule("runs_analysis_outcome_failed"))).toBe(false);
      expect(sends("arn:aws:events:us-east-1:111122223333:rule/other")).toBe(false);
      const { Statement } = JSON.parse(policy as string) as { Statement: Json[] };
      expect(
        Statement.filter(({ Effect }) => Effect === "Allow").map(({ Principal, Action }) => [
          Principal as unknown,
          Action as unknown,
        ]),
      ).toEqual([[{ Service: "events.amazonaws.com" }, "sqs:SendMessage"]]);
    });

    it("and the schedule's role alone may send there", () => {
      const sends = (role: string, to: string) =>
        isAllowed(
          [resource(json, "aws_iam_role_policy", `viewer-atlas_spot_${role}_role_policy`).policy as string],
          { action: "sqs:SendMessage", resource: to },
        );
      expect(sends("schedule", queue)).toBe(true);
      expect(sends("schedule", "${aws_sqs_queue.viewer-atlas_not_started.arn}")).toBe(false);
      expect(sends("events", queue)).toBe(false);
    });

    it("and the queue of runs takes nothing from rules", () => {
      const { policy } = resource(json, "aws_sqs_queue_policy", "viewer-atlas_not_started_policy");
      expect(policy).not.toContain("Allow");
    });
  });

  it("without Spot there is nothing of it", () => {
    const onDemand = synthesized({ TF_VAR_viewer_atlas_spot: "false" }).json();
    expect(JSON.stringify(onDemand)).not.toMatch(/spot_(failed|not_started)/);
  });
});

describe("the data lake", () => {
  it("is private and versioned, and expires what the application writes", () => {
    expect(resource(json, "aws_s3_bucket", "viewer-atlas_data_lake").bucket).toBe(
      "agt-stage-vieweratlas-data-lake",
    );
    expect(
      resource(json, "aws_s3_bucket_versioning", "viewer-atlas_data_lake_versioning").versioning_configuration
        .status,
    ).toBe("Enabled");
    expect(
      resource(json, "aws_s3_bucket_lifecycle_configuration", "viewer-atlas_data_lake_lifecycle").rule,
    ).toEqual([
      {
        id: "clean-up",
        status: "Enabled",
        filter: [{ prefix: "" }],
        abort_incomplete_multipart_upload: [{ days_after_initiation: 7 }],
        noncurrent_version_expiration: [{ noncurrent_days: 30 }],
      },
      {
        id: "DeleteOldRawLogs",
        status: "Enabled",
        filter: [{ prefix: "vieweratlas/raw/snapshots/" }],
        expiration: [{ days: 30 }],
      },
      {
        id: "DeleteOldVODRaw",
        status: "Enabled",
        filter: [{ prefix: "vieweratlas/raw/vod_chat/" }],
        expiration: [{ days: 7 }],
      },
      {
        id: "ArchiveProcessedData",
        status: "Enabled",
        filter: [{ prefix: "vieweratlas/curated/" }],
        transition: [{ days: 90, storage_class: "GLACIER_IR" }],
      },
    ]);
  });

  it("has a name of its own, whatever that is, but no bucket's of ours", () => {
    const named = (name: string) => synthesized({ TF_VAR_viewer_atlas_bucket: name });
    expect(named("vieweratlas-data-lake")).toMatchObject({ problems: [], warnings: [] });
    for (const taken of ["agt-chronos-terraform-state-storage", "agt-chronos-terraform-state-storage-logs"])
      expect(named(taken).problems).toEqual(["TF_VAR_viewer_atlas_bucket: is a bucket of the state backend"]);
  });

  it("is no other environment's", () => {
    const file = (name: string, bucket: string) => ({
      TF_VAR_deptype: name,
      TF_VAR_systems: "viewer-atlas",
      TF_VAR_viewer_atlas_bucket: bucket,
    });
    const both = (stage: string, prod: string) =>
      synthesizeFiles({
        "shared.env": { ...sharedEnv, TF_VAR_image_repositories: "viewer-atlas" },
        "prod.env": file("prod", prod),
        "stage.env": file("stage", stage),
      }).broken.flatMap(({ problems }) => problems);
    expect(both("agt-lake", "agt-lake")).toEqual([
      expect.objectContaining({ line: 3, what: "is also the bucket of prod", mend: "Name another one." }),
    ]);
    expect(both("agt-lake", "agt-other")).toEqual([]);
  });

  it("and the secrets can be had back in prod, and are gone elsewhere", () => {
    const prod = synthesized({ TF_VAR_deptype: "prod" }).json();
    const window = (of: Json) =>
      Object.values(resources(of, "aws_secretsmanager_secret")).map(
        ({ recovery_window_in_days: days }) => days as number,
      );
    expect([window(json), window(prod)]).toEqual([
      [0, 0],
      [30, 30],
    ]);
    expect(resource(json, "aws_s3_bucket", "viewer-atlas_data_lake").force_destroy).toBe(true);
    expect(resource(prod, "aws_s3_bucket", "viewer-atlas_data_lake").force_destroy).toBe(false);
  });

  it("has secrets without a value, by the documented names", () => {
    expect(
      Object.values(resources(json, "aws_secretsmanager_secret")).map(({ name }) => name as string),
    ).toEqual([`${prefix}/twitch/client_id`, `${prefix}/twitch/oauth_token`]);
    expect(resources(json, "aws_secretsmanager_secret_version")).toEqual({});
  });
});

describe("EFS", () => {
  it("is nowhere unless it is asked for", () => {
    expect(JSON.stringify(json)).not.toMatch(/aws_efs|efs_volume|"\/data"|DATA_DIR|2049/);
  });

  it("that is new is mounted by the collectors alone, over TLS, by its access point", () => {
    const { json } = synthesized({ TF_VAR_viewer_atlas_file_system: "new" });
    expect(resource(json(), "aws_efs_file_system", "viewer-atlas_files").encrypted).toBe(true);
    for (const name of ["collector", "vod"]) {
      expect(task(name, json()).volume).toContainEqual({
        name: "files",
        efs_volume_configuration: {
          file_system_id: "${aws_efs_file_system.viewer-atlas_files.id}",
          transit_encryption: "ENABLED",
          authorization_config: {
            access_point_id: "${aws_efs_access_point.viewer-atlas_files_access.id}",
            iam: "ENABLED",
          },
        },
      });
      expect(container(name, json()).mountPoints).toContainEqual({
        sourceVolume: "files",
        containerPath: "/data",
        readOnly: false,
      });
      expect(environment(name, json()).DATA_DIR).toBe("/data");
      expect(policy(name, "task", json())).toContain("elasticfilesystem:ClientMount");
    }
    expect(task("analysis", json()).volume).toEqual([{ name: "tmp" }]);
    expect(policy("analysis", "task", json())).not.toContain("elasticfilesystem");
    expect(
      Object.values(resources(json(), "aws_vpc_security_group_ingress_rule")).map(
        ({ from_port, referenced_security_group_id }) => [from_port, referenced_security_group_id],
      ),
    ).toEqual([[2049, "${aws_security_group.viewer-atlas_group.id}"]]);
  });

  it("that is there already is mounted, and nothing is made", () => {
    const { json } = synthesized({ TF_VAR_viewer_atlas_file_system: "fs-0123456789abcdef0" });
    expect(resources(json(), "aws_efs_file_system")).toEqual({});
    expect(task("collector", json()).volume[1].efs_volume_configuration.file_system_id).toBe(
      "fs-0123456789abcdef0",
    );
    expect(
      task("collector", json()).volume[1].efs_volume_configuration.authorization_config,
    ).not.toHaveProperty("access_point_id");
    expect(policy("collector", "task", json())).not.toContain("AccessPointArn");
  });

  it("that is there already is mounted by its access point alone where one is named", () => {
    const { json, problems } = synthesized({
      TF_VAR_viewer_atlas_file_system: "fs-0123456789abcdef0",
      TF_VAR_viewer_atlas_file_system_access_point: "fsap-0123456789abcdef0",
    });
    expect(problems).toEqual([]);
    expect(resources(json(), "aws_efs_access_point")).toEqual({});
    const efs = "arn:aws:elasticfilesystem:us-east-1:436957243186";
    for (const name of ["collector", "vod"]) {
      expect(task(name, json()).volume[1].efs_volume_configuration).toEqual({
        file_system_id: "fs-0123456789abcdef0",
        transit_encryption: "ENABLED",
        authorization_config: { access_point_id: "fsap-0123456789abcdef0", iam: "ENABLED" },
      });
      const writes = (accessPoint?: string) =>
        isAllowed([policy(name, "task", json())], {
          action: "elasticfilesystem:ClientWrite",
          resource: `${efs}:file-system/fs-0123456789abcdef0`,
          context: accessPoint
            ? { "elasticfilesystem:AccessPointArn": `${efs}:access-point/${accessPoint}` }
            : {},
        });
      expect(writes("fsap-0123456789abcdef0")).toBe(true);
      expect(writes("fsap-fedcba98765432100")).toBe(false);
      expect(writes()).toBe(false);
    }
    expect(policy("analysis", "task", json())).not.toContain("elasticfilesystem");
  });
});

describe("cost", () => {
  it("is watched by a budget of 50 dollars, which tells the topic at 80 and 100 percent", () => {
    expect(resource(json, "aws_budgets_budget", "viewer-atlas_budget")).toMatchObject({
      name: `${prefix}-budget`,
      limit_amount: "50",
      limit_unit: "USD",
      time_unit: "MONTHLY",
      notification: [80, 100].map((threshold) => ({
        threshold,
        threshold_type: "PERCENTAGE",
        notification_type: "ACTUAL",
        comparison_operator: "GREATER_THAN",
        subscriber_sns_topic_arns: ["${aws_sns_topic.alarms.arn}"],
      })),
    });
    expect(resource(json, "aws_budgets_budget", "viewer-atlas_budget")).not.toHaveProperty("cost_filter");
    const topic = resource(json, "aws_sns_topic_policy", "alarms_policy").policy as string;
    const key = resource(json, "aws_kms_key", "alarms_key").policy as string;
    for (const text of [topic, key]) {
      expect(text).toContain('"Service":"budgets.amazonaws.com"');
      expect(text).toContain('"aws:SourceArn":["arn:aws:budgets::436957243186:*"]');
    }
  });

  it("may be counted by the tag of the system", () => {
    const other = synthesized({ TF_VAR_viewer_atlas_budget_scope: "system" }).json();
    expect(resource(other, "aws_budgets_budget", "viewer-atlas_budget").cost_filter).toEqual([
      { name: "TagKeyValue", values: ["user:System$viewer-atlas"] },
    ]);
  });
});

describe("what is refused before Terraform starts", () => {
  it.each([
    [
      "CPU and memory that do not go together",
      { TF_VAR_viewer_atlas_collector_memory: "8192" },
      "TF_VAR_viewer_atlas_collector_memory: 8192 MiB do not go with 256 CPU units: Fargate takes 512, 1024, 2048",
    ],
    ["a CPU size that is none", { TF_VAR_viewer_atlas_vod_cpu: "300" }, "is no CPU size that Fargate has"],
    [
      "a wrong schedule",
      { TF_VAR_viewer_atlas_analysis_schedule: "cron(0 3 * * * *)" },
      "must have ? for the day of month or for the day of week",
    ],
    ["no budget", { TF_VAR_viewer_atlas_monthly_budget: "0" }, "0 is not from 1 to 1000000"],
    [
      "a bucket name that S3 forbids",
      { TF_VAR_viewer_atlas_bucket: "View_Lake" },
      "TF_VAR_viewer_atlas_bucket",
    ],
    ["a mail address without @", { TF_VAR_alarm_emails: "ops.example.com" }, "is not a mail address"],
    ["a tag for a digest", { TF_VAR_viewer_atlas_vod_image: "latest" }, "is not an image digest"],
    ["another file system", { TF_VAR_viewer_atlas_file_system: "efs-1" }, "is not an EFS file system"],
    [
      "another access point",
      {
        TF_VAR_viewer_atlas_file_system: "fs-0123456789abcdef0",
        TF_VAR_viewer_atlas_file_system_access_point: "fs-0123456789abcdef0",
      },
      "is not an EFS access point",
    ],
    [
      "an access point of no file system",
      { TF_VAR_viewer_atlas_file_system_access_point: "fsap-0123456789abcdef0" },
      "TF_VAR_viewer_atlas_file_system_access_point: is of a file system that is there, and none is named",
    ],
    [
      "an access point of a new file system",
      {
        TF_VAR_viewer_atlas_file_system: "new",
        TF_VAR_viewer_atlas_file_system_access_point: "fsap-0123456789abcdef0",
      },
      "TF_VAR_viewer_atlas_file_system_access_point: is of a file system that is there, and none is named",
    ],
    [
      "an environment whose roles' names are too long",
      { TF_VAR_deptype: "rather-a-long-naming" },
      "TF_VAR_deptype: makes the role agt-rather-a-long-naming-vieweratlas-vod-collector-execution-role, and IAM allows 64 characters",
    ],
  ])("%s", (_what, inputs: Record<string, string>, problem) => {
    expect(synthesized(inputs).problems).toEqual([expect.stringContaining(problem)]);
  });

  it("no image repositories in shared", () => {
    expect(synthesized({}, { TF_VAR_image_repositories: "" }).problems).toEqual([
      "TF_VAR_systems: has viewer-atlas, and shared does not have its image repositories",
    ]);
  });
});

describe("its image repositories", () => {
  const shared = synthesizeFiles(
    { "shared.env": { ...sharedEnv, TF_VAR_image_repositories: "viewer-atlas" } },
    { only: ["shared"] },
  ).json("shared");

  it("are in shared, are scanned, and keep a tag's image", () => {
    const repositories = Object.values(resources(shared, "aws_ecr_repository"));
    expect(repositories.map(({ name }) => name as string)).toEqual(
      ["analysis", "collector", "vod"].map((name) => `agt-vieweratlas-${name}`),
    );
    for (const repository of repositories)
      expect(repository).toMatchObject({
        image_tag_mutability: "IMMUTABLE",
        image_scanning_configuration: { scan_on_push: true },
        encryption_configuration: [{ encryption_type: "KMS" }],
      });
    expect(Object.keys(shared.output.image_repositories.value as object).sort()).toEqual([
      "vieweratlas-analysis",
      "vieweratlas-collector",
      "vieweratlas-vod",
    ]);
  });

  it("let old images go that nobody has pinned", () => {
    for (const { policy } of Object.values(resources(shared, "aws_ecr_lifecycle_policy")))
      expect((JSON.parse(policy as string) as { rules: Json[] }).rules).toMatchObject([
        { selection: { tagPrefixList: ["pinned-"], countType: "imageCountMoreThan", countNumber: 1000 } },
        { selection: { tagStatus: "untagged", countType: "sinceImagePushed", countNumber: 7 } },
        { selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 100 } },
      ]);
  });

  it("come with the right of EventBridge to note events", () => {
    const text = resource(shared, "aws_cloudwatch_log_resource_policy", "event_logs")
      .policy_document as string;
    const logs = "arn:aws:logs:us-east-1:436957243186:log-group:/aws";
    const rule = (account: string) => ({ "aws:SourceArn": `arn:aws:events:us-east-1:${account}:rule/stage` });
    const may = (action: string, group: string, context = {}) =>
      isAllowed([text], { action: `logs:${action}`, resource: `${logs}/${group}:log-stream:1`, context });
    expect(may("CreateLogStream", "events/stage")).toBe(true);
    expect(may("PutLogEvents", "events/stage", rule("436957243186"))).toBe(true);
    expect(may("PutLogEvents", "events/stage", rule("111111111111"))).toBe(false);
    expect(may("PutLogEvents", "events/stage")).toBe(false);
    expect(may("PutLogEvents", "ecs/stage", rule("436957243186"))).toBe(false);
  });

  it("are none unless asked for", () => {
    const other = synthesizeFiles({ "shared.env": sharedEnv }, { only: ["shared"] }).json("shared");
    expect(resources(other, "aws_ecr_repository")).toEqual({});
  });
});
