import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";
import { services } from "../../workloads/atomic-calendar/services";
import { atomicCalendarJson } from "../support/atomic-calendar";
import { environmentEnv, resource, resources, sharedEnv, synthesizeFiles } from "../support/stacks";

const all = {
  ...environmentEnv("stage"),
  TF_VAR_systems: "chronos,x-scheduler,macro-ai,viewer-atlas",
  TF_VAR_edge_hosts: "edge-1",
  TF_VAR_x_scheduler_repository: "https://github.com/example/x-scheduler.git",
  ...Object.fromEntries(
    ["collector", "analysis", "vod"].map((name) => [
      `TF_VAR_viewer_atlas_${name}_image`,
      `sha256:${"0".repeat(64)}`,
    ]),
  ),
};
const inGroup = {
  TF_VAR_macro_ai_capacity: "group",
  TF_VAR_macro_ai_domain: "api.example.com",
  TF_VAR_macro_ai_hosted_zone: "example.com",
};
const addresses = "stage-dashboard,stage-edge-1,stage-x-scheduler";

const stage = (inputs: Record<string, string> = {}) =>
  synthesizeFiles(
    {
      "shared.env": {
        ...sharedEnv,
        TF_VAR_nat_gateways: "single",
        TF_VAR_addresses: addresses,
        TF_VAR_image_repositories: "viewer-atlas",
      },
      "stage.env": { ...all, ...inputs },
    },
    { only: ["stage"] },
  ).json("stage");
const single = stage();
const group = stage(inGroup);
const behindBalancer = stage({
  TF_VAR_x_scheduler_domain: "x.example.com",
  TF_VAR_x_scheduler_hosted_zone: "example.com",
});

describe("Macro AI's health alarms", () => {
  const mail = ["${aws_sns_topic.alarms.arn}"];
  const alarm = (json: typeof single, name: string) =>
    resource(json, "aws_cloudwatch_metric_alarm", `macro-ai_alarm_${name}`);
  // Three minutes one after the other, each of which counts
  const common = { period: 60, evaluation_periods: 3, alarm_actions: mail, ok_actions: mail };

  it("of a single host tells when the host says that it is not healthy, or says nothing", () => {
    const found = alarm(single, "unhealthy");
    expect(found).toMatchObject({
      ...common,
      alarm_name: "stage-macro-ai-unhealthy",
      namespace: "Landfall/MacroAi",
      metric_name: "Healthy",
      dimensions: { Environment: "stage" },
      statistic: "Minimum",
      comparison_operator: "LessThanThreshold",
      threshold: 1,
      treat_missing_data: "breaching",
    });
    expect(found).not.toHaveProperty("datapoints_to_alarm");
  });

  const balanced = {
    ...common,
    namespace: "AWS/ApplicationELB",
    statistic: "Maximum",
    dimensions: {
      LoadBalancer: "${aws_lb.macro-ai_balancer.arn_suffix}",
      TargetGroup: "${aws_lb_target_group.macro-ai_balancer_target.arn_suffix}",
    },
  };

  it("of a group tells of a host that the load balancer finds unhealthy, and of none by no data", () => {
    const found = alarm(group, "unhealthy");
    expect(found).toMatchObject({
      ...balanced,
      alarm_name: "stage-macro-ai-unhealthy",
      metric_name: "UnHealthyHostCount",
      comparison_operator: "GreaterThanThreshold",
      threshold: 0,
      treat_missing_data: "notBreaching",
    });
    expect(found).not.toHaveProperty("datapoints_to_alarm");
  });

  it("of a group tells when nobody serves, by no data too", () => {
    const found = alarm(group, "no_healthy_host");
    expect(found).toMatchObject({
      ...balanced,
      alarm_name: "stage-macro-ai-no-healthy-host",
      metric_name: "HealthyHostCount",
      comparison_operator: "LessThanThreshold",
      threshold: 1,
      treat_missing_data: "breaching",
    });
    expect(found).not.toHaveProperty("datapoints_to_alarm");
  });

  it("is of a group alone where nobody serves", () => {
    expect(resources(single, "aws_cloudwatch_metric_alarm")).not.toHaveProperty(
      "macro-ai_alarm_no_healthy_host",
    );
  });
});

describe("docs/alarms.md", () => {
  const page = readFileSync(join(projectRoot, "docs/alarms.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(<[^`]*)`/gm)].map(([, name = ""]) => name);
  const hosts = ["stage-dashboard", "stage-edge-1", "stage-x-scheduler", "stage-macro-ai"];
  /** Names of alarms that a row stands for. */
  const namesOf = (row: string): string[] =>
    hosts.flatMap((host) =>
      Object.keys(services).map((service) =>
        row
          .replace("<host>", host)
          .replace("<env>", "stage")
          .replace("<edge host>", "edge-1")
          .replace("<service>", service),
      ),
    );
  const alarms = [single, group, behindBalancer, atomicCalendarJson()].flatMap((json) =>
    ["aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"].flatMap((type) =>
      Object.values(resources(json, type)).map(({ alarm_name }) => alarm_name as string),
    ),
  );

  it.each([...new Set(alarms)].sort())("has a row of its own for %s", (name) => {
    expect([...new Set(rows)].filter((row) => namesOf(row).includes(name))).toHaveLength(1);
  });

  it.each([...new Set(rows)])("has no row for what is not there: %s", (row) => {
    expect(namesOf(row).some((name) => alarms.includes(name))).toBe(true);
  });
});
