import { isAllowed } from "../support/iam";
import { environmentEnv, resource, resources, sharedEnv, synthesizeFiles } from "../support/stacks";

const least = {
  TF_VAR_deptype: "stage",
  TF_VAR_systems: "x-scheduler",
  TF_VAR_x_scheduler_repository: "https://github.com/example/x-scheduler.git",
};
const behindBalancer = {
  TF_VAR_x_scheduler_domain: "x.example.com",
  TF_VAR_x_scheduler_hosted_zone: "example.com",
};

function synthesized(inputs: Record<string, string> = {}, shared: Record<string, string> = {}) {
  const name = inputs.TF_VAR_deptype ?? "stage";
  const synthesis = synthesizeFiles(
    {
      "shared.env": {
        ...sharedEnv,
        TF_VAR_addresses: `${name}-x-scheduler`,
        TF_VAR_nat_gateways: "single",
        ...shared,
      },
      [`${name}.env`]: { ...least, ...inputs },
    },
    { only: [name] },
  );
  return {
    problems: synthesis.broken.flatMap(({ problems }) =>
      problems.map(({ name, what }) => `${name}: ${what}`),
    ),
    json: () => synthesis.json(name),
  };
}
const json = synthesized().json();

describe("the host", () => {
  it("is one t2.micro with an address that outlives it", () => {
    expect(Object.keys(resources(json, "aws_instance"))).toEqual(["x-scheduler_host"]);
    expect(resource(json, "aws_instance", "x-scheduler_host")).toMatchObject({
      instance_type: "t2.micro",
      ebs_optimized: false, // EC2 refuses it for t2
      metadata_options: { http_tokens: "required" },
    });
    expect(resource(json, "aws_eip_association", "x-scheduler_host_address").allocation_id).toContain(
      "stage-x-scheduler",
    );
  });

  it("has no SSH, no key pair and no secret unless asked for", () => {
    expect(resources(json, "aws_key_pair")).toEqual({});
    const ports = Object.values(resources(json, "aws_vpc_security_group_ingress_rule")).map(
      (r) => r.from_port,
    );
    expect([...new Set(ports)].sort()).toEqual([443, 5000, 80]);
    expect(json.locals["x-scheduler_user_data"]).not.toMatch(/var\./);
  });

  it("takes SSH from the given networks alone, a bare address as one of itself", () => {
    const { json } = synthesized(
      { TF_VAR_x_scheduler_ssh_cidrs: "203.0.113.7" },
      { TF_VAR_network_acl_admin_cidrs: "203.0.113.0/24" },
    );
    const ssh = Object.values(resources(json(), "aws_vpc_security_group_ingress_rule")).filter(
      ({ from_port }) => from_port === 22,
    );
    expect(ssh.map(({ cidr_ipv4 }) => cidr_ipv4)).toEqual(["203.0.113.7/32"]);
  });

  it("is not replaced by another ref or repository: neither is in its user data", () => {
    const other = synthesized({
      TF_VAR_x_scheduler_git_ref: "v2",
      TF_VAR_x_scheduler_repository: "https://github.com/example/other.git",
    }).json();
    expect(other.locals).toEqual(json.locals);
    expect(resource(other, "aws_instance", "x-scheduler_host")).toEqual(
      resource(json, "aws_instance", "x-scheduler_host"),
    );
  });

  it("gets the settings that its services read", () => {
    const settings = /host\.env\n.*\n +content: \|\n((?: +\w+=.*\n)+)/.exec(
      json.locals["x-scheduler_user_data"],
    )?.[1];
    expect(settings?.split("\n").map((line) => line.trim())).toEqual(
      expect.arrayContaining([
        "AWS_S3_BUCKET=agt-stage-x-scheduler-videos",
        "DYNAMODB_TABLE=stage-XSchedulerUserTokens",
        "PARAMETER_STORE_PREFIX=/stage/x-scheduler/",
        "OAUTH_PORT=5000",
      ]),
    );
  });
});

describe("what it keeps", () => {
  it.each([
    ["1", true],
    ["3", true],
    ["0", false],
    ["4", false],
  ])("videos for %s days: %s", (days, good) => {
    const { problems, json } = synthesized({ TF_VAR_x_scheduler_video_expiry_days: days });
    expect(problems.length === 0).toBe(good);
    if (!good) return;
    const [rule] = resource(
      json(),
      "aws_s3_bucket_lifecycle_configuration",
      "x-scheduler_videos_lifecycle",
    ).rule;
    expect(rule).toMatchObject({
      expiration: [{ days: Number(days) }],
      abort_incomplete_multipart_upload: [{ days_after_initiation: expect.any(Number) }],
    });
  });

  it.each([
    ["stage", false],
    ["prod", true],
  ])("tokens, in %s protected from deletion: %s", (name, protection) => {
    expect(
      resource(synthesized({ TF_VAR_deptype: name }).json(), "aws_dynamodb_table", "x-scheduler_tokens"),
    ).toMatchObject({
      name: `${name}-XSchedulerUserTokens`,
      hash_key: "user_id",
      attribute: [{ name: "user_id", type: "S" }],
      billing_mode: "PAY_PER_REQUEST",
      deletion_protection_enabled: protection,
    });
  });

  it("secrets, which Terraform writes and never reads", () => {
    for (const name of [
      "x_api_key",
      "x_api_key_secret",
      "x_oauth_client_id",
      "x_oauth_client_secret",
      "google_credentials",
    ]) {
      expect(resource(json, "aws_ssm_parameter", `x-scheduler_${name}`)).toMatchObject({
        name: `/stage/x-scheduler/${name.toUpperCase()}`,
        type: "SecureString",
        value_wo: `\${var.${name}}`,
        value_wo_version: "${var.x_scheduler_secrets_version}",
      });
      expect(json.variable[name]).toMatchObject({ sensitive: true, ephemeral: true });
      expect(json.variable[name]).not.toHaveProperty("default");
    }
  });

  it("what its hosts run, for reviewers of a plan to see", () => {
    for (const [name, input] of [
      ["git-ref", "x_scheduler_git_ref"],
      ["repository", "x_scheduler_repository"],
    ]) {
      const parameter = resource(json, "aws_ssm_parameter", `x-scheduler_${name?.replace("-", "_")}`);
      expect(parameter).toMatchObject({
        name: `/landfall/stage/x-scheduler/${name}`,
        type: "String",
        value: `\${var.${input}}`,
      });
      // Provider 5.100 writes neither where a parameter that is there changes from one to the other
      expect(parameter).not.toHaveProperty("insecure_value");
    }
    expect(json.output.x_scheduler_source.value).toBe(
      "${var.x_scheduler_repository} ${var.x_scheduler_git_ref}",
    );
  });
});

describe("its role", () => {
  const policies = Object.values(resources(json, "aws_iam_role_policy")).map(
    ({ policy }) => policy as string,
  );
  const account = "436957243186";
  const bucket = "arn:aws:s3:::agt-stage-x-scheduler-videos/clip.mp4";
  const table = `arn:aws:dynamodb:us-east-1:${account}:table/stage-XSchedulerUserTokens`;
  const parameter = (name: string) => `arn:aws:ssm:us-east-1:${account}:parameter${name}`;
  const health = { "cloudwatch:namespace": "Landfall/XScheduler" };

  it.each<[action: string, resource: string, context?: Record<string, string>]>([
    ["s3:GetObject", bucket],
    ["s3:PutObject", bucket],
    ["s3:DeleteObject", bucket],
    ["dynamodb:PutItem", table],
    ["dynamodb:GetItem", table],
    ["dynamodb:UpdateItem", table],
    ["dynamodb:DeleteItem", table],
    ["ssm:GetParameter", parameter("/stage/x-scheduler/X_API_KEY")],
    ["ssm:GetParametersByPath", parameter("/stage/x-scheduler")],
    ["ssm:GetParameter", parameter("/landfall/stage/x-scheduler/git-ref")],
    [
      "logs:PutLogEvents",
      `arn:aws:logs:us-east-1:${account}:log-group:/ec2/stage-x-scheduler/pipeline:log-stream:i-1`,
    ],
    ["cloudwatch:PutMetricData", "*", health],
  ])("may %s on %s", (action, resource, context = {}) => {
    expect(isAllowed(policies, { action, resource, context })).toBe(true);
  });

  it.each<[action: string, resource: string, context?: Record<string, string>]>([
    ["s3:GetObject", "arn:aws:s3:::agt-stage-macro-ai-artifacts/app.tar.gz"],
    ["s3:GetObject", "arn:aws:s3:::agt-prod-x-scheduler-videos/clip.mp4"],
    ["s3:ListBucket", "arn:aws:s3:::agt-stage-x-scheduler-videos"],
    ["dynamodb:Scan", table],
    ["dynamodb:GetItem", table.replace("stage-", "prod-")],
    ["ssm:GetParameter", parameter("/stage/macro-ai/DATABASE_URL")],
    ["ssm:GetParameter", parameter("/prod/x-scheduler/X_API_KEY")],
    ["ssm:GetParameter", parameter("/stage/x-scheduler-other/X")],
    ["ssm:PutParameter", parameter("/stage/x-scheduler/X_API_KEY")],
    [
      "logs:PutLogEvents",
      `arn:aws:logs:us-east-1:${account}:log-group:/ec2/stage-macro-ai/error:log-stream:i-1`,
    ],
    ["cloudwatch:PutMetricData", "*", { "cloudwatch:namespace": "AWS/EC2" }],
    ["iam:CreateRole", `arn:aws:iam::${account}:role/x`],
  ])("may not %s on %s", (action, resource, context = {}) => {
    expect(isAllowed(policies, { action, resource, context })).toBe(false);
  });

  it("stays within the workload boundary", () => {
    expect(resource(json, "aws_iam_role", "x-scheduler_host_role").permissions_boundary).toContain(
      "boundary_policy_arn",
    );
    const shared = synthesizeFiles({ "shared.env": sharedEnv }).json("shared");
    const boundary = resource(shared, "aws_iam_policy", "boundary").policy as string;
    for (const [action, on] of [
      ["s3:PutObject", bucket],
      ["dynamodb:UpdateItem", table],
      ["ssm:GetParametersByPath", parameter("/stage/x-scheduler/")],
      ["cloudwatch:PutMetricData", "*"],
    ] as const)
      expect([action, isAllowed([boundary], { action, resource: on })]).toEqual([action, true]);
  });
});

describe("alarms", () => {
  it.each(["x-scheduler", "x-scheduler-oauth-web"])(
    "tell when %s is down, or its host says nothing",
    (service) => {
      expect(resource(json, "aws_cloudwatch_metric_alarm", `x-scheduler_${service}_down`)).toMatchObject({
        alarm_name: `stage-${service}-service-down`,
        namespace: "Landfall/XScheduler",
        metric_name: "Healthy",
        dimensions: { Environment: "stage", Service: service },
        statistic: "Minimum",
        period: 60,
        evaluation_periods: 5,
        datapoints_to_alarm: 3,
        comparison_operator: "LessThanThreshold",
        threshold: 1,
        treat_missing_data: "breaching",
        alarm_actions: ["${aws_sns_topic.alarms.arn}"],
        ok_actions: ["${aws_sns_topic.alarms.arn}"],
      });
    },
  );

  it("tell when the host is down", () => {
    expect(resource(json, "aws_cloudwatch_metric_alarm", "x-scheduler_host_down")).toMatchObject({
      namespace: "AWS/EC2",
      metric_name: "StatusCheckFailed",
      statistic: "Maximum",
      period: 60,
      evaluation_periods: 5,
      threshold: 1,
      treat_missing_data: "breaching",
      alarm_actions: ["${aws_sns_topic.alarms.arn}"],
    });
  });
});

describe("behind a load balancer", () => {
  const json = synthesized(behindBalancer, { TF_VAR_addresses: "" }).json();

  it("the host is in a private subnet without an address, open to the balancer alone", () => {
    expect(resource(json, "aws_instance", "x-scheduler_host").subnet_id).toContain("private_subnets");
    expect(resources(json, "aws_eip_association")).toEqual({});
    const rules = Object.entries(resources(json, "aws_vpc_security_group_ingress_rule")).filter(([name]) =>
      name.startsWith("x-scheduler_group"),
    );
    expect(rules.map(([, rule]) => [rule.from_port, rule.referenced_security_group_id])).toEqual([
      [5000, "${aws_security_group.x-scheduler_balancer_group.id}"],
    ]);
  });

  it("is asked as its own health check asks: a page that is missing is no fault", () => {
    expect(resource(json, "aws_lb_target_group", "x-scheduler_balancer_target").health_check).toMatchObject({
      path: "/",
      matcher: "200-499",
    });
  });

  it("TLS ends there, and port 80 leads to it", () => {
    expect(resource(json, "aws_lb_listener", "x-scheduler_balancer_https")).toMatchObject({
      port: 443,
      protocol: "HTTPS",
      ssl_policy: expect.stringMatching(/TLS13-1-2/),
    });
    expect(resource(json, "aws_lb_listener", "x-scheduler_balancer_http").default_action).toEqual([
      { type: "redirect", redirect: { port: "443", protocol: "HTTPS", status_code: "HTTP_301" } },
    ]);
    expect(json.output.x_scheduler_callback_url.value).toBe("https://x.example.com");
  });

  it.each([
    [
      { TF_VAR_x_scheduler_domain: "x.example.com" },
      {},
      "TF_VAR_x_scheduler_domain: stands without the zone",
    ],
    [
      { TF_VAR_x_scheduler_hosted_zone: "example.com" },
      {},
      "TF_VAR_x_scheduler_hosted_zone: stands without a domain",
    ],
    [
      { ...behindBalancer, TF_VAR_x_scheduler_hosted_zone: "example.org" },
      {},
      "TF_VAR_x_scheduler_domain: is not in the zone example.org",
    ],
    [
      behindBalancer,
      { TF_VAR_nat_gateways: "none" },
      "TF_VAR_x_scheduler_domain: puts the host in a private subnet",
    ],
  ])("%j with %j is told what is missing", (inputs, shared, message) => {
    expect(synthesized(inputs, shared).problems).toEqual([expect.stringContaining(message)]);
  });
});

it("asks only for what its system needs", () => {
  expect(synthesized().problems).toEqual([]);
  expect(environmentEnv("stage")).not.toHaveProperty("TF_VAR_x_scheduler_repository");
});
