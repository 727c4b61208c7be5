import { Command } from "commander";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { countedElsewhere, freeTypes, pricers } from "../../cli/cost/catalogue";
import { estimate, type Estimate } from "../../cli/cost/estimate";
import { priceDate, priceIn, prices, priceTables } from "../../cli/cost/prices";
import { formatEstimate, unitMoney } from "../../cli/cost/report";
import { runsPerMonth } from "../../cli/cost/schedule";
import { Template, type TerraformJson } from "../../cli/cost/template";
import { assumptions, Usage, usageTable } from "../../cli/cost/usage";
import { regionNote, register } from "../../cli/verbs/cost";
import { projectRoot } from "../../environments/root";
import { synthesized } from "../scan/synthesized";
import { sharedEnv, synthesizeFiles } from "../support/stacks";

/** ViewerAtlas alone, with its image repositories, which are in `shared`. */
function synthesizedViewerAtlas(): TerraformJson {
  const image = `sha256:${"0".repeat(64)}`;
  const synthesis = synthesizeFiles(
    {
      "shared.env": { ...sharedEnv, TF_VAR_image_repositories: "viewer-atlas" },
      "stage.env": {
        TF_VAR_deptype: "stage",
        TF_VAR_systems: "viewer-atlas",
        TF_VAR_alarm_emails: "ops@example.com",
        TF_VAR_viewer_atlas_collector_image: image,
        TF_VAR_viewer_atlas_analysis_image: image,
        TF_VAR_viewer_atlas_vod_image: image,
      },
    },
    { only: ["shared", "stage"] },
  );
  const stage = synthesis.json("stage") as TerraformJson;
  const { aws_ecr_repository } = synthesis.json("shared").resource as Resources;
  return { ...stage, resource: { ...stage.resource, aws_ecr_repository } } as TerraformJson;
}
const viewerAtlas = synthesizedViewerAtlas();

type Resources = Record<string, Record<string, Record<string, unknown>>>;

const estimateJson = (
  json: TerraformJson,
  usage: string[] = [],
  environment: NodeJS.ProcessEnv = {},
): Estimate => estimate(new Template(json, environment), Usage.parse(usage));
const estimateOf = (resource: Resources, usage: string[] = []): Estimate => estimateJson({ resource }, usage);

/** What is charged for, and how many dollars. */
const chargesOf = ({ lines }: Pick<Estimate, "lines">): Record<string, number> =>
  Object.fromEntries(lines.map(({ what, monthly }) => [what, Number(monthly.toFixed(6))]));

/** Of one resource named `this`. */
const chargesFor = (type: string, attributes: Record<string, unknown>, usage: string[] = []) =>
  chargesOf(estimateOf({ [type]: { this: attributes } }, usage));
const gapsFor = (type: string, attributes: Record<string, unknown>): string[] =>
  estimateOf({ [type]: { this: attributes } }).notEstimated.map(({ text }) => text);

describe("the price table", () => {
  const all = [...Object.entries(prices), ...Object.entries(priceTables)];

  it.each(all)("says for %s of what page it is and how that is known", (_, { unit, source, checked }) => {
    expect(source).toMatch(/^https:\/\/aws\.amazon\.com\/.+\/pricing\//);
    expect(checked).toMatch(/\S/);
    expect(unit).toMatch(/\S/);
  });

  it("has prices above 0 and a date", () => {
    const numbers = [
      ...Object.values(prices).map(({ price }) => price),
      ...Object.values(priceTables).flatMap((table) => Object.values(table.prices)),
    ];
    expect(Math.min(...numbers)).toBeGreaterThan(0);
    expect(priceDate).toMatch(/^\d{4}-\d\d-\d\d$/);
  });

  it.each([
    "t2.micro",
    "t3.small",
    "t3a.medium",
    "t4g.small",
    "m5.large",
    "m6i.large",
    "m7g.large",
    "c7g.large",
  ])("has %s", (type) => expect(priceIn("ec2_linux_hour", type)).toBeGreaterThan(0));

  it("does not take what every object has for a type", () => {
    expect(priceIn("ec2_linux_hour", "constructor")).toBeUndefined();
  });
});

describe("resource types", () => {
  const known = [...Object.keys(pricers), ...freeTypes, ...Object.keys(countedElsewhere)];
  const stacks: [string, TerraformJson][] = [
    ...([...synthesized()] as [string, TerraformJson][]),
    ["ViewerAtlas", viewerAtlas],
  ];

  it.each(stacks)(
    "of %s are all priced, or known to be free or counted elsewhere",
    (_, { resource = {} }) => {
      expect(Object.keys(resource)).not.toEqual([]);
      expect(Object.keys(resource).filter((type) => !known.includes(type))).toEqual([]);
    },
  );

  it.each(stacks)("of %s leave nothing without an estimate", (stack, json) => {
    expect(estimateJson(json).notEstimated.map(({ address }) => address)).toEqual(
      stack === "prod"
        ? [
            "aws_db_instance.atomic-calendar_database", // enhanced monitoring
            "aws_ecs_cluster.atomic-calendar_cluster", // Container Insights
            "aws_ecs_cluster.viewer-atlas_cluster",
          ]
        : [],
    );
  });

  it("are in one list only", () => {
    expect(known.filter((type, index) => known.indexOf(type) !== index)).toEqual([]);
  });

  it("that are unknown are named, and not taken for free", () => {
    const found = estimateOf({ aws_unheard_of: { this: {} }, aws_iam_role: { this: {} } });
    expect(found).toMatchObject({
      total: 0,
      free: 1,
      resources: 2,
      notEstimated: [
        { address: "aws_unheard_of.this", text: "resources of type aws_unheard_of are unknown here" },
      ],
    });
  });

  it("with count are named, as their number is Terraform's", () => {
    expect(gapsFor("aws_eip", { count: 3 })).toEqual(["a resource with count or for_each"]);
  });
});

describe("a schedule", () => {
  it.each([
    ["rate(6 hours)", 730 / 6],
    ["rate(1 hour)", 730],
    ["rate(5 minutes)", 730 * 12],
    ["rate(2 days)", 365 / 24],
    ["cron(0 3 * * ? *)", 365 / 12],
    ["cron(0 3,15 * * ? *)", (2 * 365) / 12],
    ["cron(0/15 * * * ? *)", (96 * 365) / 12],
    ["cron(0 8-17 ? * MON-FRI *)", (10 * 365 * 5) / 7 / 12],
    ["cron(0 8 ? * 1 *)", 365 / 7 / 12],
    ["cron(0 0 1 * ? *)", 1],
    ["cron(0 0 L * ? *)", 1],
    ["cron(0 0 15W * ? *)", 1],
    ["cron(0 0 31W * ? *)", 7 / 12],
    ["cron(0 0 LW * ? *)", 1],
    ["cron(0 0 ? * L *)", 365 / 7 / 12],
    ["cron(0 0 1 JAN,JUL ? *)", 2 / 12],
    ["cron(0 0 ? * MON#1 *)", 1],
    ["cron(0 0 ? * 6L *)", 1],
    ["cron(0 0 ? * FRIL *)", 1],
    ["cron(0 0 31 * ? *)", 7 / 12],
    ["at(2026-12-01T00:00:00)", 1],
  ])("%s runs %d times a month", (expression, runs) => {
    expect(runsPerMonth(expression)).toBeCloseTo(runs, 8);
  });

  it.each([
    "every day",
    "rate(0 hours)",
    "rate(6 weeks)",
    "cron(0 3 * * ?)",
    "cron(0 24 * * ? *)",
    "cron(0 x * * ? *)",
    "cron(0 5-3 * * ? *)",
    "cron(0/0 3 * * ? *)",
    "cron(0 1-2-3 * * ? *)",
    "cron(0 3 ? * MON#9 *)",
    "cron(0 3 * * * *)",
    "rate(1 hours)",
  ])("%s is not understood, and not taken for never", (expression) => {
    expect(runsPerMonth(expression)).toBeUndefined();
  });
});

describe("usage", () => {
  const usageError = (message: unknown) => expect.objectContaining({ exitCode: 2, message });

  it.each([
    ["hour_per_day=4", 'no "hour_per_day". Did you mean hours_per_day?'],
    ["constructor=4", 'no "constructor".'],
    ["hours_per_day", "neither name=value nor name:resource=value"],
    ["hours_per_day=", "neither name=value nor name:resource=value"],
    ["hours_per_day:=4", "neither name=value nor name:resource=value"],
    ["=4", "neither name=value nor name:resource=value"],
    ["hours_per_day=four", 'a number from 0 to 24 (hours), not "four"'],
    ["hours_per_day=25", 'a number from 0 to 24 (hours), not "25"'],
    ["s3_gb=-1", 'a number from 0 (GB), not "-1"'],
    ["s3_gb=1e3", 'a number from 0 (GB), not "1e3"'],
    ["load_balancer_zones=0", 'a number from 1 (zones), not "0"'],
  ])("refuses %s", (assignment, message) => {
    expect(() => Usage.parse([assignment])).toThrow(usageError(expect.stringContaining(message)));
  });

  it("refuses a value that is given twice", () => {
    expect(() => Usage.parse(["s3_gb=1", "s3_gb=2"])).toThrow(usageError("--usage s3_gb is given twice."));
    expect(() => Usage.parse(["s3_gb=1", "s3_gb:state=2"])).not.toThrow();
  });

  it("takes the value of the resource, else that of all, else the default", () => {
    const buckets = {
      aws_s3_bucket: { "viewer-atlas_data-lake": {}, logs: { name: "acme-logs" }, other: {} },
    };
    const sizes = (usage: string[]) =>
      estimateOf(buckets, usage)
        .lines.filter(({ what }) => what === "S3 Standard storage")
        .map(({ quantity }) => quantity);
    expect(sizes([])).toEqual([1, 1, 1]);
    expect(sizes(["s3_gb=5"])).toEqual([5, 5, 5]);
    expect(sizes(["s3_gb:data-lake=7", "s3_gb=5"])).toEqual([7, 5, 5]);
    expect(sizes(["s3_gb:aws_s3_bucket.logs=0"])).toEqual([1, 0, 1]);
    expect(sizes(["s3_gb:acme-logs=8"])).toEqual([1, 8, 1]);
  });

  it("takes the value for a resource's whole name before that for a part of it", () => {
    const repositories = { aws_ecr_repository: { a_b: {}, c_b: {} } };
    const { lines } = estimateOf(repositories, ["image_gb:b=1", "image_gb:a_b=2"]);
    expect(lines.map(({ quantity }) => quantity)).toEqual([2, 1]);
  });

  it("refuses a value that is for nothing, and names what it could be for", () => {
    const stack = { aws_s3_bucket: { "x_data-lake": {} } };
    expect(() => estimateOf(stack, ["s3_gb:lake=1"])).toThrow(
      expect.objectContaining({
        exitCode: 2,
        message: "--usage s3_gb:lake is for nothing in this stack.",
        mend: expect.stringContaining("x_data-lake"),
      }),
    );
    expect(() => estimateOf(stack, ["nat_gb=1"])).toThrow(
      expect.objectContaining({ exitCode: 2, mend: "No resource of it has nat_gb." }),
    );
  });

  it("is shown with the result as far as it was used", () => {
    const { usage } = estimateOf({ aws_ecr_repository: { a: {}, b: {} } }, ["image_gb:b=3"]);
    expect(usage).toMatchObject([
      { name: "image_gb", resource: undefined, value: 1, unit: "GB", isDefault: true },
      { name: "image_gb", resource: "b", value: 3, unit: "GB", isDefault: false },
    ]);
  });

  it("cannot be changed by anybody", () => {
    expect(Object.isFrozen(assumptions)).toBe(true);
  });
});

describe("a value of the configuration", () => {
  const sizeOf = (size: unknown, environment: NodeJS.ProcessEnv = {}) =>
    estimateJson(
      {
        variable: { size: { default: "40" }, open: {} },
        resource: { aws_ebs_volume: { this: { type: "gp3", size } } },
      },
      [],
      environment,
    );

  it("may be a number or a variable, which the process environment overrides", () => {
    expect(chargesOf(sizeOf(10))).toEqual({ "gp3 volume": 0.8 });
    expect(chargesOf(sizeOf("10"))).toEqual({ "gp3 volume": 0.8 });
    expect(chargesOf(sizeOf("${var.size}"))).toEqual({ "gp3 volume": 3.2 });
    expect(chargesOf(sizeOf("${var.size}", { TF_VAR_size: "50" }))).toEqual({ "gp3 volume": 4 });
  });

  it.each(["${var.open}", "${var.nowhere}", "${local.size}", "${var.size + 1}"])(
    "that only Terraform knows, as %s, is assumed and said to be",
    (size) => {
      const found = sizeOf(size);
      expect(chargesOf(found)).toEqual({ "gp3 volume": 0.64 });
      expect(found.notes).toEqual([
        { address: "aws_ebs_volume.this", text: "size of the volume is assumed to be 8 GB" },
      ]);
    },
  );
});

describe("a host", () => {
  const host = {
    instance_type: "t3.small",
    monitoring: true,
    root_block_device: { volume_type: "gp3", volume_size: 20 },
    subnet_id: "${values(data.terraform_remote_state.shared.outputs.public_subnets)[0]}",
  };
  /** 730 h × $0.0208, 20 GB × $0.08, 7 × $0.30, 730 h × $0.005 */
  const whole = {
    "t3.small on Linux": 15.184,
    "gp3 volume": 1.6,
    "detailed monitoring": 2.1,
    "public IPv4 address": 3.65,
  };

  it("costs its hours, volume, detailed monitoring and public address", () => {
    expect(chargesFor("aws_instance", host)).toEqual(whole);
  });

  it("costs by the hours that it runs, but its volume always", () => {
    expect(chargesFor("aws_instance", host, ["hours_per_day=6"])).toEqual({
      "t3.small on Linux": 3.796,
      "gp3 volume": 1.6,
      "detailed monitoring": 0.525,
      "public IPv4 address": 0.9125,
    });
  });

  it("has no address in a private subnet or where it is told so, and no metrics without monitoring", () => {
    const without = Object.fromEntries(Object.entries(whole).filter(([what]) => !what.includes("IPv4")));
    const privateSubnet = host.subnet_id.replace("public", "private");
    expect(chargesFor("aws_instance", { ...host, subnet_id: privateSubnet })).toEqual(without);
    expect(chargesFor("aws_instance", { ...host, associate_public_ip_address: false })).toEqual(without);
    expect(chargesFor("aws_instance", { ...host, monitoring: false })).not.toHaveProperty(
      "detailed monitoring",
    );
  });

  it("is said to be assumed public where its subnet does not tell", () => {
    const found = estimateOf({ aws_instance: { this: { ...host, subnet_id: "subnet-1" } } });
    expect(chargesOf(found)).toEqual(whole);
    expect(found.notes).toMatchObject([{ text: "the subnet is assumed to give a public address" }]);
  });

  it("has its Elastic IP counted once: here where it is made here, else in shared", () => {
    const association = (allocation_id: string) => ({
      aws_eip_association: { this: { instance_id: "${aws_instance.this.id}", allocation_id } },
    });
    const withOwn = estimateOf({
      aws_instance: { this: host },
      aws_eip: { this: {} },
      ...association("${aws_eip.this.allocation_id}"),
    });
    expect(withOwn.lines.filter(({ what }) => what === "public IPv4 address")).toMatchObject([
      { address: "aws_eip.this", monthly: 3.65 },
    ]);
    const withShared = estimateOf({
      aws_instance: { this: host },
      ...association("${data.terraform_remote_state.shared.outputs.a}"),
    });
    expect(chargesOf(withShared)).not.toHaveProperty("public IPv4 address");
    expect(withShared.notes).toMatchObject([{ text: "its Elastic IP is counted in the stack shared" }]);
  });

  it("of a type without a price is named, and its volume still counted", () => {
    const found = estimateOf({ aws_instance: { this: { ...host, instance_type: "p5.48xlarge" } } });
    expect(found.notEstimated).toEqual([
      { address: "aws_instance.this", text: "instance type p5.48xlarge has no price here" },
    ]);
    expect(chargesOf(found)["gp3 volume"]).toBe(1.6);
  });

  it("pays for what a gp3 volume has beyond 3000 IOPS and 125 MB/s", () => {
    const device = { volume_type: "gp3", volume_size: 10, iops: 4000, throughput: 130 };
    expect(chargesFor("aws_instance", { ...host, root_block_device: [device] })).toMatchObject({
      "gp3 volume": 0.8,
      "IOPS above 3000": 5,
      "throughput above 125 MB/s": 0.2,
    });
  });

  it("pays for the metrics of its CloudWatch agent where an alarm watches one", () => {
    const alarm = (namespace: string) => ({
      aws_cloudwatch_metric_alarm: {
        memory: { namespace, metric_name: "mem", dimensions: { InstanceId: "${aws_instance.this.id}" } },
      },
    });
    const metrics = (namespace: string, usage: string[] = []) =>
      chargesOf(estimateOf({ aws_instance: { this: host }, ...alarm(namespace) }, usage))[
        "custom metrics of the host"
      ];
    expect(metrics("CWAgent")).toBe(7.2);
    expect(metrics("CWAgent", ["agent_metrics=10", "custom_metrics:this=5"])).toBe(4.5);
    expect(metrics("AWS/EC2")).toBeUndefined();
  });
});

describe("an Auto Scaling group", () => {
  const template = {
    instance_type: "t3.small",
    monitoring: { enabled: true },
    block_device_mappings: [{ ebs: { volume_type: "gp3", volume_size: "20" } }],
    network_interfaces: [{ associate_public_ip_address: "false" }],
  };
  const group = (attributes: object, launch: object = template) => ({
    aws_launch_template: { t: launch as Record<string, unknown> },
    aws_autoscaling_group: {
      this: {
        launch_template: { id: "${aws_launch_template.t.id}" },
        vpc_zone_identifier: "${values(data.terraform_remote_state.shared.outputs.public_subnets)}",
        ...attributes,
      },
    },
  });

  it("costs as many hosts as it wants, else as it keeps at least", () => {
    const two = { "t3.small on Linux": 30.368, "gp3 volume": 3.2, "detailed monitoring": 4.2 };
    expect(chargesOf(estimateOf(group({ min_size: 2, max_size: 9 })))).toEqual(two);
    expect(chargesOf(estimateOf(group({ min_size: 1, desired_capacity: 2 })))).toEqual(two);
    expect(estimateOf(group({ min_size: 0 })).total).toBe(0);
  });

  it("has public addresses where its subnets give them", () => {
    const silent = { ...template, network_interfaces: [] };
    expect(chargesOf(estimateOf(group({ min_size: 2 }, silent)))).toMatchObject({
      "public IPv4 address": 7.3,
    });
  });

  it("without a launch template of the stack is named", () => {
    expect(gapsFor("aws_autoscaling_group", { min_size: 1 })).toHaveLength(1);
  });

  it("has two alarms of AWS's for each target tracking policy", () => {
    const policy = { policy_type: "TargetTrackingScaling" };
    expect(chargesFor("aws_autoscaling_policy", policy)).toEqual({ "alarms that AWS makes for it": 0.2 });
    expect(chargesFor("aws_autoscaling_policy", { policy_type: "SimpleScaling" })).toEqual({});
  });
});

describe("the network", () => {
  it.each([
    ["aws_eip", {}, [], { "public IPv4 address": 3.65 }],
    ["aws_nat_gateway", {}, [], { "NAT gateway": 32.85, "data through it": 0.45 }],
    ["aws_nat_gateway", {}, ["nat_gb=100"], { "NAT gateway": 32.85, "data through it": 4.5 }],
    ["aws_vpc_endpoint", { vpc_endpoint_type: "Gateway" }, [], {}],
    [
      "aws_vpc_endpoint",
      { vpc_endpoint_type: "Interface", subnet_ids: ["a", "b"] },
      [],
      { "interface endpoint": 14.6, "data through it": 0.01 },
    ],
    ["aws_route53_zone", {}, [], { "hosted zone": 0.5, queries: 0.04 }],
    [
      "aws_service_discovery_private_dns_namespace",
      {},
      ["dns_queries=1000000"],
      { "hosted zone": 0.5, queries: 0.4 },
    ],
    ["aws_service_discovery_service", {}, [], {}],
    [
      "aws_msk_serverless_cluster",
      {},
      ["kafka_partitions=2", "kafka_gb=3", "kafka_gb_in=4", "kafka_gb_out=6"],
      {
        "serverless Kafka cluster": 547.5,
        partitions: 2.19,
        "Kafka storage": 0.3,
        "data written": 0.4,
        "data read": 0.3,
      },
    ],
    [
      "aws_lb",
      { subnets: "${var.subnets}" },
      ["load_balancer_units=0.5"],
      {
        "application load balancer": 16.425,
        "load balancer capacity units": 2.92,
        "public IPv4 address": 7.3,
      },
    ],
    [
      "aws_lb",
      { internal: true, load_balancer_type: "network", subnets: ["a", "b"] },
      [],
      { "network load balancer": 16.425, "load balancer capacity units": 0.438 },
    ],
  ])("%s %j costs as it should", (type, attributes, usage, expected) => {
    expect(chargesFor(type, attributes, usage)).toEqual(expected);
  });

  it("names load balancers and endpoints that have no price here", () => {
    expect(gapsFor("aws_lb", { load_balancer_type: "gateway" })).toHaveLength(1);
    expect(gapsFor("aws_vpc_endpoint", { vpc_endpoint_type: "GatewayLoadBalancer" })).toHaveLength(1);
  });
});

describe("a web ACL", () => {
  const group = (name: string, vendor_name = "AWS") => ({
    name,
    statement: { managed_rule_group_statement: { name, vendor_name } },
  });

  it("costs by itself, its rules and its requests; a group counts as one rule", () => {
    const rule = [{ name: "rate" }, group("AWSManagedRulesCommonRuleSet")];
    expect(chargesFor("aws_wafv2_web_acl", { rule }, ["web_requests=3000000"])).toEqual({
      "web ACL": 5,
      rules: 2,
      "requests inspected": 1.8,
    });
    expect(gapsFor("aws_wafv2_web_acl", { rule })).toEqual([]);
    expect(chargesFor("aws_wafv2_web_acl", {})).toEqual({ "web ACL": 5, "requests inspected": 0.6 });
  });

  it.each([
    [
      { rule: group("AWSManagedRulesBotControlRuleSet") },
      "the fees of the rule group AWSManagedRulesBotControlRuleSet",
    ],
    [{ rule: [group("OWASP", "F5")] }, "the fees of the rule group OWASP"],
    [{ rule: { name: "people", action: { captcha: {} } } }, "CAPTCHA or challenges of the rule people"],
    [{ rule_json: "[]" }, "rules that are given as JSON"],
  ])("%j has fees that are named", (attributes, text) => {
    expect(gapsFor("aws_wafv2_web_acl", attributes)).toEqual([text]);
  });

  it("has its log counted with the log group", () => {
    const found = estimateOf({ aws_wafv2_web_acl_logging_configuration: { this: {} } });
    expect(found).toMatchObject({
      total: 0,
      notEstimated: [],
      notes: [{ text: expect.stringContaining("log group") }],
    });
  });
});

describe("operations", () => {
  const alarm = { namespace: "AWS/EC2", metric_name: "CPUUtilization", period: 60 };
  const math = (...periods: number[]) => ({
    metric_query: [{ id: "e", expression: "a + b" }, ...periods.map((period) => ({ metric: { period } }))],
  });

  it.each([
    ["aws_cloudwatch_metric_alarm", alarm, { alarm: 0.1 }],
    ["aws_cloudwatch_metric_alarm", { ...alarm, period: 10 }, { "high-resolution alarm": 0.3 }],
    ["aws_cloudwatch_metric_alarm", math(300, 60), { alarm: 0.2 }],
    [
      "aws_cloudwatch_metric_alarm",
      { metric_query: [{ expression: "ANOMALY_DETECTION_BAND(m)" }, { metric: { period: 60 } }] },
      { alarm: 0.3 },
    ],
    ["aws_cloudwatch_composite_alarm", {}, { "composite alarm": 0.5 }],
    ["aws_cloudwatch_dashboard", {}, { dashboard: 3 }],
    ["aws_kms_key", { enable_key_rotation: true }, { key: 1, "key requests": 0.03 }],
    ["aws_secretsmanager_secret", {}, { secret: 0.4, "secret requests": 0.005 }],
    ["aws_ssm_parameter", { type: "SecureString" }, {}],
    ["aws_ssm_parameter", { tier: "Advanced" }, { "advanced parameter": 0.05 }],
    ["aws_sns_topic", {}, { messages: 0.00005 }],
    ["aws_sns_topic_subscription", { protocol: "email" }, { mails: 0.002 }],
    ["aws_sns_topic_subscription", { protocol: "sqs" }, {}],
    ["aws_sqs_queue", {}, { "queue requests": 0.00012 }],
    ["aws_sqs_queue", { fifo_queue: true }, { "FIFO queue requests": 0.00015 }],
    ["aws_budgets_budget", {}, {}],
  ])("%s %j costs as it should", (type, attributes, expected) => {
    expect(chargesFor(type, attributes)).toEqual(expected);
  });

  it.each([
    ["aws_cloudwatch_metric_alarm", { metric_query: [{ expression: "SELECT MAX(CPUUtilization) FROM x" }] }],
    ["aws_ssm_parameter", { tier: "Intelligent-Tiering" }],
    ["aws_sns_topic_subscription", { protocol: "sms" }],
  ])("%s %j has no price here, and is named", (type, attributes) => {
    expect(gapsFor(type, attributes)).toHaveLength(1);
  });

  it("counts a key's rotations, which only a rotating key has", () => {
    expect(chargesFor("aws_kms_key", { enable_key_rotation: true }, ["kms_rotations=2"])).toMatchObject({
      "key and its rotations": 3,
    });
    expect(() => chargesFor("aws_kms_key", {}, ["kms_rotations=2"])).toThrow("is for nothing");
  });

  it("counts a custom metric once, with its first alarm or its filter", () => {
    const custom = { namespace: "Landfall/Chronos", metric_name: "Healthy", dimensions: { Host: "a" } };
    const found = estimateOf({
      aws_cloudwatch_metric_alarm: {
        a: custom,
        same: custom,
        b: { ...custom, dimensions: { Host: "b" } },
        errors: { namespace: "Landfall", metric_name: "errors" },
      },
      aws_cloudwatch_log_metric_filter: {
        f: { metric_transformation: { namespace: "Landfall", name: "errors" } },
      },
    });
    const metrics = found.lines.filter(({ what }) => what.startsWith("custom metric"));
    expect(metrics.map(({ address, monthly }) => [address, monthly])).toEqual([
      ["aws_cloudwatch_metric_alarm.a", 0.3],
      ["aws_cloudwatch_metric_alarm.b", 0.3],
      ["aws_cloudwatch_log_metric_filter.f", 0.3],
    ]);
  });

  it("counts what a log group takes in, and what is kept of it", () => {
    // 2 GB × $0.50; 2 GB × 73 / 30.4167 months × 0.15 × $0.03
    expect(chargesFor("aws_cloudwatch_log_group", { retention_in_days: 73 }, ["log_gb=2"])).toEqual({
      "log data taken in": 1,
      "log data stored": 0.0216,
    });
    const forever = estimateOf({ aws_cloudwatch_log_group: { this: {} } }, ["log_gb=2"]);
    expect(chargesOf(forever)).toMatchObject({ "log data stored": 0.108 });
    expect(forever.notes).toMatchObject([{ text: "the log is kept forever: a year of it is counted" }]);
  });

  it("knows the log group of flow logs", () => {
    const { lines } = estimateOf({
      aws_cloudwatch_log_group: { flow: { retention_in_days: 30 }, other: { retention_in_days: 30 } },
      aws_flow_log: { this: { log_destination: "${aws_cloudwatch_log_group.flow.arn}" } },
    });
    expect(lines.filter(({ what }) => what === "log data taken in")).toMatchObject([
      { address: "aws_cloudwatch_log_group.flow", monthly: 0.5 },
      { address: "aws_cloudwatch_log_group.other", monthly: 0.05 },
    ]);
  });

  it("charges budgets with actions from the third on, whatever the number of actions", () => {
    const action = (budget: string) => ({ budget_name: `\${aws_budgets_budget.${budget}.name}` });
    const actions = { a: action("a"), a2: action("a"), b: action("b"), c: action("c"), c2: action("c") };
    expect(estimateOf({ aws_budgets_budget_action: actions }).lines).toMatchObject([
      { address: "aws_budgets_budget_action.c", monthly: expect.closeTo((0.1 * 365) / 12, 8) },
    ]);
  });
});

describe("storage", () => {
  it.each([
    ["aws_s3_bucket", {}, ["s3_gb=10"], [0.23, 0.005, 0.004]],
    ["aws_dynamodb_table", { billing_mode: "PAY_PER_REQUEST" }, ["dynamodb_gb=2"], [0.00625, 0.00125, 0.5]],
    [
      "aws_dynamodb_table",
      { billing_mode: "PAY_PER_REQUEST", point_in_time_recovery: { enabled: true } },
      ["dynamodb_gb=2"],
      [0.00625, 0.00125, 0.5, 0.4],
    ],
    ["aws_ecr_repository", {}, ["image_gb=3"], [0.3]],
    ["aws_efs_file_system", {}, ["efs_gb=5"], [1.5]],
    ["aws_efs_file_system", { availability_zone_name: "us-east-1a" }, ["efs_gb=5"], [0.8]],
    [
      "aws_db_instance",
      {
        engine: "postgres",
        instance_class: "db.t3.small",
        multi_az: true,
        allocated_storage: 20,
        storage_type: "gp3",
      },
      [],
      [52.56, 4.6],
    ],
    [
      "aws_db_instance",
      { engine: "postgres", instance_class: "db.t4g.micro", allocated_storage: 20, storage_type: "gp3" },
      ["rds_backup_gb=10"],
      [11.68, 2.3, 0.95],
    ],
  ])("%s %j costs as it should", (type, attributes, usage, expected) => {
    expect(Object.values(chargesFor(type, attributes, usage))).toEqual(expected);
  });

  const postgres = {
    engine: "postgres",
    instance_class: "db.t4g.micro",
    allocated_storage: 20,
    storage_type: "gp3",
  };
  const serverless = { instance_class: "db.serverless" };

  it.each([
    [
      "aws_db_instance",
      postgres,
      { performance_insights_retention_period: 31 },
      "31 days of Performance Insights",
    ],
    ["aws_rds_cluster_instance", serverless, { performance_insights_retention_period: 93 }, "93 days of"],
    ["aws_db_instance", postgres, { database_insights_mode: "advanced" }, "Database Insights"],
    ["aws_db_instance", postgres, { monitoring_interval: 60 }, "enhanced monitoring"],
    ["aws_db_instance", postgres, { iops: 12_000 }, "IOPS or throughput"],
    ["aws_db_instance", postgres, { storage_throughput: 500 }, "IOPS or throughput"],
  ])("%s %j with %j is named, as it costs more", (type, attributes, more, text) => {
    const enabled = { ...attributes, performance_insights_enabled: true };
    expect(
      gapsFor(type, { ...enabled, performance_insights_retention_period: 7, monitoring_interval: 0 }),
    ).toEqual([]);
    expect(gapsFor(type, enabled)).toEqual([]);
    expect(gapsFor(type, { ...enabled, ...more })).toEqual([expect.stringContaining(text)]);
  });

  it("says how far a database's storage grows by itself, and counts what it starts with", () => {
    const found = estimateOf({ aws_db_instance: { this: { ...postgres, max_allocated_storage: 100 } } });
    expect(chargesOf(found)["gp3 database storage"]).toBe(2.3);
    expect(found.notes.map(({ text }) => text)).toEqual([
      "its storage may grow by itself to 100 GB: 20 are counted",
    ]);
    for (const max_allocated_storage of [0, 20])
      expect(estimateOf({ aws_db_instance: { this: { ...postgres, max_allocated_storage } } }).notes).toEqual(
        [],
      );
  });

  it("has Aurora Serverless cost its least capacity at least", () => {
    const cluster = {
      aws_rds_cluster: {
        c: { engine: "aurora-postgresql", serverlessv2_scaling_configuration: { min_capacity: 1 } },
      },
      aws_rds_cluster_instance: {
        i: { instance_class: "db.serverless", cluster_identifier: "${aws_rds_cluster.c.id}" },
      },
    };
    expect(chargesOf(estimateOf(cluster))).toEqual({
      "Aurora capacity units": 87.6,
      "Aurora storage": 1,
      "Aurora requests": 0.2,
    });
    expect(chargesOf(estimateOf(cluster, ["aurora_units=2"]))).toMatchObject({
      "Aurora capacity units": 175.2,
    });
  });

  it.each([
    ["aws_dynamodb_table", { billing_mode: "PROVISIONED" }],
    ["aws_db_instance", { engine: "mysql" }],
    ["aws_db_instance", { engine: "postgres", instance_class: "db.x9.huge", allocated_storage: 20 }],
    [
      "aws_db_instance",
      { engine: "postgres", instance_class: "db.t3.small", allocated_storage: "${local.size}" },
    ],
    ["aws_rds_cluster_instance", { instance_class: "db.r6g.large" }],
    ["aws_rds_cluster", { engine: "mysql" }],
    ["aws_efs_file_system", { throughput_mode: "elastic" }],
  ])("%s %j has no price here, and is named", (type, attributes) => {
    expect(gapsFor(type, attributes)).toHaveLength(1);
  });
});

describe("tasks on Fargate", () => {
  const definition = { cpu: "256", memory: "512" };
  const service = (attributes: object, task: object = definition, more: Resources = {}) => ({
    aws_ecs_task_definition: { t: task as Record<string, unknown> },
    aws_ecs_service: {
      this: { task_definition: "${aws_ecs_task_definition.t.arn}", desired_count: 1, ...attributes },
    },
    ...more,
  });
  const provider = (capacity_provider: string, weight: number, base = 0) => ({
    capacity_provider,
    weight,
    base,
  });

  it("cost CPU and memory by the hour", () => {
    // 730 h × 0.25 × $0.04048, 730 h × 0.5 GB × $0.004445
    expect(chargesOf(estimateOf(service({ launch_type: "FARGATE" })))).toEqual({
      "Fargate x86 CPU": 7.3876,
      "Fargate x86 memory": 1.622425,
    });
  });

  it("cost less on ARM", () => {
    const arm = { ...definition, runtime_platform: [{ cpu_architecture: "ARM64" }] };
    expect(chargesOf(estimateOf(service({ launch_type: "FARGATE" }, arm)))).toEqual({
      "Fargate ARM CPU": 5.90935,
      "Fargate ARM memory": 1.2994,
    });
  });

  it("cost 30 % on Spot, or what the discount leaves, for the hours of a day that they run", () => {
    const spot = service({ capacity_provider_strategy: [provider("FARGATE_SPOT", 1)] });
    expect(chargesOf(estimateOf(spot))).toEqual({
      "Fargate Spot x86 CPU": 2.21628,
      "Fargate Spot x86 memory": 0.486728,
    });
    expect(chargesOf(estimateOf(spot, ["spot_discount=50", "hours_per_day:this=6"]))).toEqual({
      "Fargate Spot x86 CPU": 0.92345,
      "Fargate Spot x86 memory": 0.202803,
    });
  });

  it("are shared out by base and weight", () => {
    const mixed = service({
      desired_count: 5,
      capacity_provider_strategy: [provider("FARGATE", 1, 1), provider("FARGATE_SPOT", 3)],
    });
    // on demand 1 + 4 × 1/4 = 2, Spot 4 × 3/4 = 3
    const cpu = estimateOf(mixed).lines.filter(({ what }) => what.endsWith("CPU"));
    expect(cpu.map(({ what, quantity }) => [what, quantity])).toEqual([
      ["Fargate x86 CPU", 2 * 730 * 0.25],
      ["Fargate Spot x86 CPU", 3 * 730 * 0.25],
    ]);
  });

  it("never exceed the desired number by their base", () => {
    const one = service({
      capacity_provider_strategy: [provider("FARGATE", 0, 2), provider("FARGATE_SPOT", 1)],
    });
    expect(chargesOf(estimateOf(one))).toEqual({ "Fargate x86 CPU": 7.3876, "Fargate x86 memory": 1.622425 });
  });

  it("take the strategy of their cluster where they have none, else are assumed to run on demand", () => {
    const cluster = {
      aws_ecs_cluster: { c: {} },
      aws_ecs_cluster_capacity_providers: {
        p: {
          cluster_name: "${aws_ecs_cluster.c.name}",
          default_capacity_provider_strategy: [provider("FARGATE_SPOT", 1)],
        },
      },
    };
    const inCluster = service({ cluster: "${aws_ecs_cluster.c.id}" }, definition, cluster);
    expect(chargesOf(estimateOf(inCluster))).toHaveProperty(["Fargate Spot x86 CPU"]);
    const elsewhere = estimateOf(service({}, definition, cluster));
    expect(chargesOf(elsewhere)).toHaveProperty(["Fargate x86 CPU"], 7.3876);
    expect(elsewhere.notes).toMatchObject([{ text: expect.stringContaining("assumed to run on demand") }]);
  });

  it("pay for public addresses and for storage above 20 GB", () => {
    const found = estimateOf(
      service(
        { launch_type: "FARGATE", desired_count: 2, network_configuration: { assign_public_ip: true } },
        { ...definition, ephemeral_storage: { size_in_gib: 30 } },
      ),
    );
    expect(chargesOf(found)).toMatchObject({
      "public IPv4 address": 7.3,
      "task storage above 20 GB": 1.6206,
    });
  });

  describe("behind Application Auto Scaling", () => {
    const target = (attributes: object) => ({
      aws_appautoscaling_target: {
        s: {
          resource_id: "service/cluster/app",
          scalable_dimension: "ecs:service:DesiredCount",
          min_capacity: 2,
          max_capacity: 5,
          ...attributes,
        },
      },
    });
    const hours = (attributes: object, usage: string[] = []) => {
      const scaled = service({ name: "app", launch_type: "FARGATE" }, definition, target(attributes));
      return (chargesOf(estimateOf(scaled, usage))["Fargate x86 CPU"] ?? 0) / 7.3876;
    };

    it("count their least number, or as many as run on average up to their most", () => {
      expect(hours({})).toBeCloseTo(2, 6);
      expect(hours({}, ["scaled_tasks=3.5"])).toBeCloseTo(3.5, 6);
      expect(hours({}, ["scaled_tasks:app=9"])).toBeCloseTo(5, 6);
      expect(hours({}, ["scaled_tasks=1"])).toBeCloseTo(2, 6);
      expect(hours({ resource_id: "service/cluster/${aws_ecs_service.this.name}" })).toBeCloseTo(2, 6);
      expect(hours({ min_capacity: 0 })).toBe(0);
    });

    it("are those of the service alone that it is for", () => {
      expect(hours({ resource_id: "service/cluster/other-app" })).toBeCloseTo(1, 6);
      expect(hours({ scalable_dimension: "ecs:other" })).toBeCloseTo(1, 6);
      expect(() => hours({ resource_id: "service/cluster/other" }, ["scaled_tasks=3"])).toThrow(
        "is for nothing",
      );
    });

    it("are named where only Terraform knows their number", () => {
      const scaled = service({ name: "app" }, definition, target({ min_capacity: "${local.least}" }));
      expect(estimateOf(scaled).notEstimated).toHaveLength(1);
    });
  });

  it("cost nothing where none are wanted", () => {
    const none = service({
      desired_count: 0,
      launch_type: "FARGATE",
      network_configuration: { assign_public_ip: true },
    });
    expect(estimateOf(none)).toMatchObject({ lines: [], notEstimated: [] });
  });

  it.each([
    [{ launch_type: "EC2" }, definition],
    [{ capacity_provider_strategy: [provider("my-hosts", 1)] }, definition],
    [{ capacity_provider_strategy: [provider("FARGATE", 0)] }, definition],
    [{ desired_count: "${local.count}" }, definition],
    [{ task_definition: "arn:aws:ecs:elsewhere" }, definition],
    [{}, { cpu: "${local.cpu}", memory: "512" }],
    [{}, { ...definition, runtime_platform: { operating_system_family: "WINDOWS_SERVER_2022_CORE" } }],
  ])("are named where they have no price here: %j %j", (attributes, task) => {
    const found = estimateOf(service(attributes, task));
    expect(found.notEstimated).toHaveLength(1);
    expect(found.total).toBe(0);
  });

  const schedule = (schedule_expression: string, more: object = {}) => ({
    aws_ecs_task_definition: { t: { cpu: "1024", memory: "2048" } },
    aws_scheduler_schedule: {
      this: {
        schedule_expression,
        target: {
          ecs_parameters: {
            task_definition_arn: "${aws_ecs_task_definition.t.arn}",
            launch_type: "FARGATE",
            network_configuration: { assign_public_ip: true },
          },
        },
        ...more,
      },
    },
  });

  it("on a schedule cost by their runs", () => {
    // 730 / 6 runs of half an hour: 60.8333 h
    expect(chargesOf(estimateOf(schedule("rate(6 hours)")))).toEqual({
      invocations: 0.000122,
      "Fargate x86 CPU": 2.462533,
      "Fargate x86 memory": 0.540808,
      "public IPv4 address": 0.304167,
    });
    expect(chargesOf(estimateOf(schedule("rate(6 hours)"), ["hours_per_run:this=1"]))).toMatchObject({
      "Fargate x86 CPU": 4.925067,
    });
  });

  it("on a schedule that is disabled or not understood are named", () => {
    expect(estimateOf(schedule("rate(6 hours)", { state: "DISABLED" }))).toMatchObject({
      total: 0,
      notes: [{ text: "is disabled: no runs are counted" }],
    });
    expect(estimateOf(schedule("rate(6 fortnights)")).notEstimated).toMatchObject([
      { text: "schedule rate(6 fortnights)" },
    ]);
  });

  it("that a rule starts cost the same, without the scheduler", () => {
    const found = estimateOf({
      aws_ecs_task_definition: { t: { cpu: "1024", memory: "2048" } },
      aws_cloudwatch_event_rule: { r: { schedule_expression: "rate(6 hours)" } },
      aws_cloudwatch_event_target: {
        queue: { rule: "${aws_cloudwatch_event_rule.r.name}" },
        tasks: {
          rule: "${aws_cloudwatch_event_rule.r.name}",
          ecs_target: { task_definition_arn: "${aws_ecs_task_definition.t.arn}", launch_type: "FARGATE" },
        },
      },
    });
    expect(chargesOf(found)).toEqual({ "Fargate x86 CPU": 2.462533, "Fargate x86 memory": 0.540808 });
  });

  it("send traces to X-Ray where they are told of its daemon, which a cluster costs once", () => {
    const traced = (containers: string, cluster = "c") =>
      chargesOf(
        estimateOf({
          aws_ecs_cluster: { c: {}, d: {} },
          aws_ecs_task_definition: { t: { ...definition, container_definitions: containers } },
          aws_ecs_service: Object.fromEntries(
            ["a", "b"].map((name) => [
              name,
              {
                cluster: `\${aws_ecs_cluster.${cluster}.arn}`,
                task_definition: "${aws_ecs_task_definition.t.arn}",
                desired_count: 0,
              },
            ]),
          ),
        }),
      );
    const told = JSON.stringify([
      { environment: [{ name: "AWS_XRAY_DAEMON_ADDRESS", value: "127.0.0.1:2000" }] },
    ]);
    expect(traced(told)).toEqual({ "traces recorded": 0.5, "traces read": 0.05 });
    expect(traced(JSON.stringify([{ environment: [] }]))).toEqual({});
    expect(traced(told, "elsewhere")).toEqual({});
  });

  it("name Container Insights, which costs by metrics that nobody knows", () => {
    expect(
      gapsFor("aws_ecs_cluster", { setting: [{ name: "containerInsights", value: "enabled" }] }),
    ).toHaveLength(1);
    expect(
      gapsFor("aws_ecs_cluster", { setting: [{ name: "containerInsights", value: "disabled" }] }),
    ).toEqual([]);
  });
});

describe("an estimate", () => {
  const at = (path: string) => ({ "//": { metadata: { path } } });
  const json: TerraformJson = {
    provider: { aws: [{ default_tags: [{ tags: { System: "landfall" } }] }] },
    resource: {
      aws_eip: {
        one: { tags: { System: "chronos" }, ...at("stage/chronos/one") },
        two: { tags: { System: "x-scheduler" }, ...at("stage/x-scheduler/two") },
      },
      aws_cloudwatch_dashboard: { untaggable: at("stage/chronos/dashboard") },
      aws_kms_key: { alarms: at("stage/alarms/key") },
      aws_iam_role: { role: {} },
    },
  };

  it("adds up by system: its tag, else its place, else the stack's own tag", () => {
    const found = estimateJson(json);
    expect(found.subtotals.map(({ system, monthly }) => [system, Number(monthly.toFixed(2))])).toEqual([
      ["chronos", 6.65],
      ["landfall", 1.03],
      ["x-scheduler", 3.65],
    ]);
    expect(found.total).toBeCloseTo(11.33, 8);
    expect(found).toMatchObject({ free: 1, resources: 5 });
  });

  it("as text has every line, subtotals, the total, what is missing, and the usage", () => {
    const text = formatEstimate(
      estimateJson({ ...json, resource: { ...json.resource, aws_unheard_of: { this: {} } } }, [
        "kms_requests=20000",
      ]),
      { stack: "stage" },
    );
    expect(text).toContain("Monthly estimate of stage: list prices of us-east-1 as of ");
    expect(text).toMatch(/^aws_eip\.one +public IPv4 address +730 +address-hour +\$0\.005 +3\.65$/m);
    expect(text).toMatch(/^subtotal of chronos \$6\.65$/m);
    expect(text).toMatch(/^total \$11\.36$/m);
    expect(text).toContain("1 of 6 resources cost nothing by themselves.");
    expect(text).toMatch(/^Not estimated, and not in the total:\n {2}aws_unheard_of\.this: /m);
    expect(text).toMatch(/^ {2}kms_requests=20000 requests .*\(given\)$/m);
  });

  it("of an empty stack is $0.00, not an error", () => {
    expect(formatEstimate(estimateOf({}), { stack: "stage" })).toContain("total $0.00\n");
  });

  it.each([
    [0.0000004, "$0.0000004"],
    [0.0225, "$0.0225"],
    [0.5, "$0.50"],
    [3, "$3.00"],
    [0.04048 * (1 - 70 / 100), "$0.012144"],
  ])("shows a price of %d as %s", (price, text) => {
    expect(unitMoney(price)).toBe(text);
  });
});

describe("the command", () => {
  const run = (...args: string[]) => {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
    register(program);
    return program.parseAsync(["cost", ...args], { from: "user" });
  };

  it("refuses wrong usage before it looks at the settings", async () => {
    await expect(run("nowhere", "--usage", "hours_per_dya=4")).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining("Did you mean hours_per_day?"),
    });
  });

  it("refuses an environment that is not there", async () => {
    await expect(run("nowhere", "--usage", "hours_per_day=4", "--usage", "s3_gb=1")).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('no environment "nowhere"'),
    });
  });

  it("says so where the prices are another region's", () => {
    expect(regionNote("us-east-1")).toBeUndefined();
    expect(regionNote("eu-west-1")).toContain("The prices are those of us-east-1. eu-west-1 has others");
  });
});

describe("docs/cost.md", () => {
  const page = readFileSync(join(projectRoot, "docs", "cost.md"), "utf8");
  /** Table rows without the padding that prettier makes. */
  const rows = (text: string): string[] =>
    text
      .split("\n")
      .filter((line) => line.startsWith("|") && !/^[|\s:-]+$/.test(line))
      .map((line) => line.replace(/\s+/g, " ").trim());
  const section = (title: string): string =>
    page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";

  it("has the assumptions as they are", () => {
    expect(rows(section("Usage"))).toEqual(rows(usageTable()));
  });

  /** Each command of the comparison has its usage in the page; the numbers below are what it prints. */
  const comparison = section("ViewerAtlas: $5–8 a month?");
  const [usageAt4 = [], usageAt24 = []] = [...comparison.matchAll(/^\.\/landfall cost stage (.*)$/gm)].map(
    ([, options = ""]) => [...options.matchAll(/--usage (\S+)/g)].map(([, assignment = ""]) => assignment),
  );

  it("compares ViewerAtlas line by line at 4 and at 24 hours a day", () => {
    expect(usageAt4).toContain("hours_per_day:collector=4");
    const table = comparisonTable(viewerAtlasWith(usageAt4), viewerAtlasWith(usageAt24));
    expect(rows(comparison)).toEqual(rows(table));
  });

  it("adds the same up by what it is for", () => {
    const sums = (found: Estimate) =>
      [/Fargate/, /IPv4/, /secret/, /key/, /alarm/, /log/, /S3|PUT|GET/, /images/].map((what) =>
        found.lines
          .filter((line) => what.test(line.what))
          .reduce((sum, { monthly }) => sum + monthly, 0)
          .toFixed(2),
      );
    const [, ...parts] = rows(section("Where it differs")).map((row) =>
      row.split("|").map((cell) => cell.trim()),
    );
    expect(parts.map(([, , at4]) => at4)).toEqual(sums(viewerAtlasWith(usageAt4)));
    expect(parts.map(([, , , at24]) => at24)).toEqual(sums(viewerAtlasWith(usageAt24)));
  });

  it.each([
    [usageAt4, [], 5.56],
    [usageAt24, [], 12.49],
    [usageAt4, ["spot_discount=50"], 6.31],
    [usageAt24, ["spot_discount=50"], 14.74],
    [usageAt4, ["spot_discount=0"], 8.19],
    [usageAt24, ["spot_discount=0"], 20.37],
    [usageAt24, ["hours_per_run:vod=4"], 12.49 + 5.28],
  ])("says what it is with %j and %j", (usage, more, total) => {
    expect(viewerAtlasWith([...usage, ...more]).total).toBeCloseTo(total, 2);
  });

  function viewerAtlasWith(usage: readonly string[]): Estimate {
    return estimateJson(viewerAtlas, [...usage]);
  }

  /** Two estimates of the same stack, side by side. */
  function comparisonTable(first: Estimate, second: Estimate): string {
    expect(second.lines).toHaveLength(first.lines.length);
    const body = first.lines.map(({ address, what, monthly }, index) => {
      const other = second.lines[index];
      expect(other).toMatchObject({ address, what });
      const name = address.replace(/^\w+\.(viewer-atlas_)?/, "");
      return `| ${name} | ${what} | ${monthly.toFixed(2)} | ${other?.monthly.toFixed(2)} |`;
    });
    const total = `| **total** | | **${first.total.toFixed(2)}** | **${second.total.toFixed(2)}** |`;
    return ["| resource | what | 4 h a day | 24 h a day |", ...body, total].join("\n");
  }
});
