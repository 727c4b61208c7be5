import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { projectRoot } from "../../environments/root";
import { isAllowed } from "../support/iam";
import { resource, resources, sharedEnv, synthesizeFiles } from "../support/stacks";

const group = {
  TF_VAR_macro_ai_capacity: "group",
  TF_VAR_macro_ai_domain: "api.example.com",
  TF_VAR_macro_ai_hosted_zone: "example.com",
};

function synthesized(
  inputs: Record<string, string> = {},
  name = "stage",
  shared: Record<string, string> = {},
) {
  const synthesis = synthesizeFiles(
    {
      "shared.env": { ...sharedEnv, TF_VAR_nat_gateways: "single", ...shared },
      [`${name}.env`]: { TF_VAR_deptype: name, TF_VAR_systems: "macro-ai", ...inputs },
    },
    { only: [name] },
  );
  return {
    problems: synthesis.broken.flatMap(({ problems }) =>
      problems.map(({ name, what }) => `${name}: ${what}`),
    ),
    warnings: synthesis.warnings.map(({ name }) => name),
    json: () => synthesis.json(name),
  };
}
const single = synthesized().json();
const grouped = synthesized(group).json();
const userData = (json: typeof single): string => json.locals["macro-ai_user_data"];

describe("a single host", () => {
  it("is one instance that nobody reaches unless asked for", () => {
    expect(Object.keys(resources(single, "aws_instance"))).toEqual(["macro-ai_host"]);
    expect(resources(single, "aws_lb")).toEqual({});
    expect(resources(single, "aws_autoscaling_group")).toEqual({});
    expect(resources(single, "aws_vpc_security_group_ingress_rule")).toEqual({});
  });

  it("reaches the web, and what is given besides, such as its database", () => {
    const ports = (json: typeof single) =>
      Object.values(resources(json, "aws_vpc_security_group_egress_rule")).map(
        ({ from_port, cidr_ipv4, cidr_ipv6 }) => `${from_port} ${cidr_ipv4 ?? cidr_ipv6}`,
      );
    expect(ports(single).sort()).toEqual(["443 0.0.0.0/0", "443 ::/0", "80 0.0.0.0/0", "80 ::/0"]);
    const given = { TF_VAR_macro_ai_egress_ports: "5432", TF_VAR_macro_ai_egress_cidrs: "10.0.0.0/16" };
    expect(ports(synthesized(given).json())).toContain("5432 10.0.0.0/16");
  });

  it("opens port 3030 to networks by name, with a warning, as it has no TLS", () => {
    const { json, warnings } = synthesized({ TF_VAR_macro_ai_cidrs: "203.0.113.0/24" });
    expect(
      Object.values(resources(json(), "aws_vpc_security_group_ingress_rule")).map((r) => [
        r.from_port,
        r.cidr_ipv4,
      ]),
    ).toEqual([[3030, "203.0.113.0/24"]]);
    expect(warnings).toEqual(["TF_VAR_macro_ai_cidrs"]);
  });
});

describe("a group", () => {
  it("is behind a load balancer, and replaced one after the other without a gap", () => {
    expect(resources(grouped, "aws_instance")).toEqual({});
    expect(resource(grouped, "aws_autoscaling_group", "macro-ai_group")).toMatchObject({
      name: "stage-macro-ai",
      min_size: 1,
      max_size: 3,
      health_check_type: "ELB",
      target_group_arns: ["${aws_lb_target_group.macro-ai_balancer_target.arn}"],
      instance_refresh: {
        strategy: "Rolling",
        preferences: { min_healthy_percentage: 100, max_healthy_percentage: 150 },
      },
      initial_lifecycle_hook: [
        {
          name: "release",
          lifecycle_transition: "autoscaling:EC2_INSTANCE_LAUNCHING",
          default_result: "ABANDON",
        },
      ],
    });
    expect(resource(grouped, "aws_launch_template", "macro-ai_group_template")).toMatchObject({
      metadata_options: { http_tokens: "required", http_put_response_hop_limit: 1 },
      lifecycle: {
        create_before_destroy: true, // the group is never without one
        replace_triggered_by: ["terraform_data.macro-ai_user_data_digest"],
      },
      image_id: expect.stringMatching(/^resolve:ssm:\/aws\/service\/ami-amazon-linux-latest\/al2023/),
    });
  });

  it("has user data that EC2 takes, with room for longer names", () => {
    expect(gzipSync(userData(grouped)).length).toBeLessThan(16_384 - 512);
  });

  it("takes only hosts that answer the health check", () => {
    expect(resource(grouped, "aws_lb_target_group", "macro-ai_balancer_target")).toMatchObject({
      port: 3030,
      health_check: { path: "/api/health", matcher: "200" },
    });
    const rules = Object.entries(resources(grouped, "aws_vpc_security_group_ingress_rule")).filter(([name]) =>
      name.startsWith("macro-ai_host_group"),
    );
    expect(rules.map(([, rule]) => [rule.from_port, rule.referenced_security_group_id])).toEqual([
      [3030, "${aws_security_group.macro-ai_balancer_group.id}"],
    ]);
  });

  it("is given up by the load balancer later than by deploy.sh, which goes back by itself", () => {
    const read = (file: string) => readFileSync(join(projectRoot, "workloads", "macro-ai", file), "utf8");
    const number = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1]);
    const seconds = number(read("deploy-app.sh"), /HEALTH_SECONDS:-(\d+)/);
    const stop = number(read("ecosystem.config.js"), /kill_timeout: (\d+)/) / 1000;
    const start = 30; // of the release that it goes back to
    const { health_check: check } = resource(grouped, "aws_lb_target_group", "macro-ai_balancer_target");
    // The first check that fails may come at once
    const patience = (check.unhealthy_threshold - 1) * check.interval;
    expect(patience).toBeGreaterThanOrEqual(stop + seconds + stop + start);
    expect(check.unhealthy_threshold).toBeLessThanOrEqual(10); // as AWS has it
  });

  it("looks its zone up by name alone", () => {
    expect(grouped.data.aws_route53_zone["macro-ai_balancer_zone"]).not.toHaveProperty("tags");
    expect(resource(grouped, "aws_lb", "macro-ai_balancer").tags).toMatchObject({ System: "macro-ai" });
  });

  it("scales for processor and memory", () => {
    const targets = Object.fromEntries(
      Object.values(resources(grouped, "aws_autoscaling_policy")).map((policy) => [
        policy.name,
        policy.target_tracking_configuration.target_value,
      ]),
    );
    expect(targets).toEqual({ "stage-macro-ai-cpu": 60, "stage-macro-ai-memory": 70 });
  });

  it("is in private subnets where these have a way out, and in public ones otherwise", () => {
    const subnets = (json: typeof single) =>
      resource(json, "aws_autoscaling_group", "macro-ai_group").vpc_zone_identifier;
    expect(JSON.stringify(subnets(grouped))).toContain("private_subnets");
    const without = synthesized(group, "stage", { TF_VAR_nat_gateways: "none" }).json();
    expect(JSON.stringify(subnets(without))).toContain("public_subnets");
  });

  it.each([
    [
      { TF_VAR_macro_ai_capacity: "group" },
      "TF_VAR_macro_ai_capacity: is a group, whose load balancer needs a domain",
    ],
    [{ ...group, TF_VAR_macro_ai_capacity: "single" }, "TF_VAR_macro_ai_domain: belongs to a load balancer"],
    [
      { ...group, TF_VAR_macro_ai_min_size: "5", TF_VAR_macro_ai_max_size: "4" },
      "TF_VAR_macro_ai_min_size: is more than macro_ai_max_size, 4",
    ],
  ])("%j is told what does not fit", (inputs, message) => {
    expect(synthesized(inputs).problems).toEqual([expect.stringContaining(message)]);
  });
});

describe("releases", () => {
  it("are in a versioned bucket, and the current one in a parameter that Terraform only begins", () => {
    expect(resource(single, "aws_s3_bucket", "macro-ai_artifacts").bucket).toBe(
      "agt-stage-macro-ai-artifacts",
    );
    expect(
      resource(single, "aws_s3_bucket_versioning", "macro-ai_artifacts_versioning").versioning_configuration,
    ).toEqual({ status: "Enabled" });
    expect(resource(single, "aws_ssm_parameter", "macro-ai_release")).toMatchObject({
      name: "/landfall/stage/macro-ai/release",
      value: "none",
      lifecycle: { ignore_changes: ["value"] },
    });
  });

  it.each([
    ["stage", true],
    ["prod", false],
  ])("go with the bucket in %s: %s", (name, gone) => {
    expect(resource(synthesized({}, name).json(), "aws_s3_bucket", "macro-ai_artifacts").force_destroy).toBe(
      gone,
    );
  });
});

describe("the host's settings", () => {
  it("are those of the document", () => {
    for (const line of [
      "PARAMETER_STORE_PREFIX=/stage/macro-ai/",
      "NODE_ENV=production",
      "PORT=3030",
      "APP_ENV=stage",
      "PR_NUMBER=",
      "RELEASE_PARAMETER=/landfall/stage/macro-ai/release",
    ])
      expect(userData(single)).toMatch(new RegExp(`^ +${line}$`, "m"));
  });

  it("hold the number of a preview's pull request", () => {
    expect(userData(synthesized({}, "pr-17").json())).toMatch(/^ +PR_NUMBER=17$/m);
  });

  it("name the hook in a group alone", () => {
    expect(userData(grouped)).toMatch(/^ +AUTO_SCALING_GROUP=stage-macro-ai$/m);
    expect(userData(single)).not.toMatch(/^ +(LIFECYCLE_HOOK|AUTO_SCALING_GROUP)=/m);
  });
});

describe("the role", () => {
  const policies = (json: typeof single) =>
    Object.values(resources(json, "aws_iam_role_policy")).map(({ policy }) => policy as string);
  const account = "436957243186";
  const parameter = (name: string) => `arn:aws:ssm:us-east-1:${account}:parameter${name}`;
  const artifact = "arn:aws:s3:::agt-stage-macro-ai-artifacts/1.0.0.tar.gz";
  const asg = `arn:aws:autoscaling:us-east-1:${account}:autoScalingGroup:x:autoScalingGroupName/stage-macro-ai`;

  it.each<[action: string, resource: string, context?: Record<string, string>]>([
    ["ssm:GetParametersByPath", parameter("/stage/macro-ai/")],
    ["ssm:GetParameter", parameter("/stage/macro-ai/DATABASE_URL")],
    ["ssm:GetParameter", parameter("/landfall/stage/macro-ai/release")],
    ["s3:GetObjectVersion", artifact],
    ["cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": "CWAgent" }],
    ["cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": "Landfall/MacroAi" }],
    [
      "logs:PutLogEvents",
      `arn:aws:logs:us-east-1:${account}:log-group:/ec2/stage-macro-ai/error:log-stream:i-1`,
    ],
  ])("may %s on %s", (action, on, context = {}) => {
    expect(isAllowed(policies(single), { action, resource: on, context })).toBe(true);
  });

  it.each<[action: string, resource: string, context?: Record<string, string>]>([
    ["ssm:GetParameter", parameter("/stage/x-scheduler/X_API_KEY")],
    ["ssm:GetParameter", parameter("/prod/macro-ai/DATABASE_URL")],
    ["ssm:GetParameter", parameter("/stage/macro-ai-other/X")],
    ["ssm:PutParameter", parameter("/landfall/stage/macro-ai/release")],
    ["s3:PutObject", artifact],
    ["s3:GetObject", "arn:aws:s3:::agt-stage-x-scheduler-videos/clip.mp4"],
    ["dynamodb:GetItem", `arn:aws:dynamodb:us-east-1:${account}:table/stage-XSchedulerUserTokens`],
    ["autoscaling:CompleteLifecycleAction", asg],
    ["cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": "AWS/EC2" }],
  ])("may not %s on %s", (action, on, context = {}) => {
    expect(isAllowed(policies(single), { action, resource: on, context })).toBe(false);
  });

  it("may answer its own group, and no other", () => {
    const asks = (resource: string) =>
      isAllowed(policies(grouped), { action: "autoscaling:CompleteLifecycleAction", resource });
    expect([asks(asg), asks(asg.replace("stage-", "prod-"))]).toEqual([true, false]);
  });
});

describe("alarms", () => {
  const cases = [
    [
      "cpu",
      {
        namespace: "AWS/EC2",
        metric_name: "CPUUtilization",
        statistic: "Average",
        threshold: 80,
        evaluation_periods: 5,
        period: 60,
        treat_missing_data: "missing",
      },
    ],
    [
      "memory",
      {
        namespace: "CWAgent",
        metric_name: "mem_used_percent",
        statistic: "Average",
        threshold: 85,
        evaluation_periods: 5,
        period: 60,
        treat_missing_data: "breaching",
      },
    ],
    [
      "disk",
      {
        namespace: "CWAgent",
        metric_name: "disk_used_percent",
        statistic: "Maximum",
        threshold: 90,
        evaluation_periods: 5,
        period: 60,
        treat_missing_data: "breaching",
      },
    ],
    [
      "errors",
      {
        metric_name: "stage-macro-ai-errors",
        statistic: "Sum",
        threshold: 10,
        evaluation_periods: 1,
        period: 300,
        treat_missing_data: "notBreaching",
      },
    ],
  ] as const;

  it.each(cases)("of %s are the document's", (name, expected) => {
    for (const json of [single, grouped]) {
      expect(resource(json, "aws_cloudwatch_metric_alarm", `macro-ai_alarm_${name}`)).toMatchObject({
        ...expected,
        comparison_operator: "GreaterThanThreshold",
        alarm_actions: ["${aws_sns_topic.alarms.arn}"],
      });
    }
  });

  it("count by the instance, or by the group", () => {
    const dimensions = (json: typeof single) =>
      resource(json, "aws_cloudwatch_metric_alarm", "macro-ai_alarm_memory").dimensions;
    expect(dimensions(single)).toEqual({ InstanceId: "${aws_instance.macro-ai_host.id}" });
    expect(dimensions(grouped)).toEqual({ AutoScalingGroupName: "stage-macro-ai" });
  });

  it("tell when the group has no healthy host, or an unhealthy one", () => {
    expect(resource(grouped, "aws_cloudwatch_metric_alarm", "macro-ai_alarm_no_healthy_host")).toMatchObject({
      metric_name: "HealthyHostCount",
      comparison_operator: "LessThanThreshold",
      threshold: 1,
      treat_missing_data: "breaching",
    });
    expect(resource(grouped, "aws_cloudwatch_metric_alarm", "macro-ai_alarm_unhealthy")).toMatchObject({
      metric_name: "UnHealthyHostCount",
      threshold: 0,
      treat_missing_data: "notBreaching",
    });
  });

  it("count errors in the application's log", () => {
    expect(resource(single, "aws_cloudwatch_log_metric_filter", "macro-ai_errors")).toMatchObject({
      log_group_name: "${aws_cloudwatch_log_group.macro-ai_logs_combined.name}",
      metric_transformation: { name: "stage-macro-ai-errors", value: "1", default_value: "0" },
    });
  });
});
