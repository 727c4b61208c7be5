import Ajv from "ajv";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dashboardPicture, drawDashboard } from "../../cli/dashboard-picture";
import { environmentEnv } from "../support/stacks";
import { projectRoot } from "../../environments/root";
import { placeWidgets, type PlacedWidget, type Widget } from "../../modules/dashboard";
import { atomicCalendarJson, type Json } from "../support/atomic-calendar";
import { dashboardBodySchema } from "../support/dashboard-body";
import { resource, resources } from "../support/stacks";

const json = atomicCalendarJson();
const aurora = atomicCalendarJson({ TF_VAR_atomic_calendar_database: "aurora" });

interface Body {
  readonly widgets: readonly (PlacedWidget & { readonly properties: Json })[];
}
const bodyOf = (of: Json): Body =>
  JSON.parse(resource(of, "aws_cloudwatch_dashboard", "atomic-calendar_dashboard").dashboard_body) as Body;

const isBody = new Ajv({ allErrors: true }).compile(dashboardBodySchema);

/** Metrics that AWS publishes, by the dimensions that it publishes each with. */
const published: Readonly<Record<string, readonly string[]>> = {
  // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
  "AWS/ApplicationELB HTTPCode_ELB_5XX_Count": ["LoadBalancer"],
  "AWS/ApplicationELB HTTPCode_Target_5XX_Count": ["LoadBalancer", "LoadBalancer,TargetGroup"],
  "AWS/ApplicationELB TargetResponseTime": ["LoadBalancer", "LoadBalancer,TargetGroup"],
  "AWS/ApplicationELB UnHealthyHostCount": ["LoadBalancer,TargetGroup"],
  // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
  "AWS/ECS CPUUtilization": ["ClusterName", "ClusterName,ServiceName"],
  "AWS/ECS MemoryUtilization": ["ClusterName", "ClusterName,ServiceName"],
  // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html and its page for Aurora
  "AWS/RDS CPUUtilization": ["DBInstanceIdentifier", "DBClusterIdentifier,Role"],
  "AWS/RDS FreeStorageSpace": ["DBInstanceIdentifier"],
  "AWS/RDS FreeableMemory": ["DBInstanceIdentifier", "DBClusterIdentifier,Role"],
  "AWS/RDS DatabaseConnections": ["DBInstanceIdentifier", "DBClusterIdentifier,Role"],
};

interface ShownLine {
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: string;
  readonly label: string;
}
function linesOf(widget: Body["widgets"][number]): ShownLine[] {
  return ((widget.properties.metrics ?? []) as unknown[][]).map((metric) => {
    const [namespace, name, ...rest] = metric as string[];
    const { stat, label } = rest.pop() as unknown as { stat: string; label: string };
    const pairs = rest.flatMap((value, index) =>
      index % 2 === 0 ? [[value, rest[index + 1] ?? ""] as const] : [],
    );
    return {
      metric: `${namespace} ${name}`,
      dimensions: Object.fromEntries(pairs),
      statistic: stat,
      label,
    };
  });
}

describe.each([
  ["of RDS", json],
  ["of Aurora", aurora],
])("the dashboard %s", (_name, of) => {
  const { widgets } = bodyOf(of);

  it("has a body that CloudWatch takes", () => {
    isBody(bodyOf(of));
    expect(isBody.errors ?? []).toEqual([]);
  });

  it("has no widget over another, and none over the edge of 24 columns", () => {
    const taken = new Set<string>();
    for (const { x, y, width, height, properties } of widgets) {
      expect(x + width).toBeLessThanOrEqual(24);
      for (let column = x; column < x + width; column++)
        for (let row = y; row < y + height; row++) {
          const cell = `${column},${row}`;
          expect([properties.title ?? properties.markdown, cell, taken.has(cell)]).toEqual([
            properties.title ?? properties.markdown,
            cell,
            false,
          ]);
          taken.add(cell);
        }
    }
  });

  it("shows metrics that AWS has, with all dimensions that tell them apart", () => {
    const lines = widgets.flatMap(linesOf);
    expect(lines.length).toBeGreaterThan(0);
    for (const { metric, dimensions } of lines)
      expect([metric, published[metric]]).toEqual([
        metric,
        expect.arrayContaining([Object.keys(dimensions).sort().join()]),
      ]);
  });

  it("shows each line once, under a name of its own", () => {
    for (const widget of widgets) {
      const labels = linesOf(widget).map(({ label }) => label);
      expect(new Set(labels).size).toBe(labels.length);
    }
  });

  it("shows every alarm of its own, and the one that speaks for them first", () => {
    const [shown] = widgets.filter(({ type }) => type === "alarm");
    const own = Object.keys(resources(of, "aws_cloudwatch_metric_alarm"))
      .filter((id) => id.startsWith("atomic-calendar_alarm_"))
      .map((id) => `\${aws_cloudwatch_metric_alarm.${id}.arn}`);
    const [first, ...others] = shown?.properties.alarms as string[];
    expect(first).toBe("${aws_cloudwatch_composite_alarm.atomic-calendar_health.arn}");
    expect(others.sort()).toEqual(own.sort());
  });
});

describe("the dashboard", () => {
  const { widgets } = bodyOf(json);
  /** Widgets by title, under their headings. */
  const shown: Record<string, Record<string, string[]>> = {};
  let heading = "";
  for (const widget of widgets) {
    if (widget.type === "text") shown[(heading = widget.properties.markdown as string)] = {};
    else
      (shown[heading] ??= {})[widget.properties.title as string] = linesOf(widget).map(
        ({ metric, statistic, label }) => `${metric} ${statistic} ${label}`,
      );
  }

  it("is called as the document says", () => {
    expect(resource(json, "aws_cloudwatch_dashboard", "atomic-calendar_dashboard").dashboard_name).toBe(
      "stage-SystemHealthOverview",
    );
  });

  const services = ["app", "functions", "hasura", "supertokens", "optaplanner"];
  it("has the document's four groups", () => {
    expect(Object.keys(shown)).toEqual([
      "## Key alarm status",
      "## Load balancer",
      "## Services",
      "## Database",
    ]);
  });

  it("shows errors, app's latency and unhealthy tasks", () => {
    const elb = "AWS/ApplicationELB";
    expect(shown["## Load balancer"]).toEqual({
      "5XX answers": [
        `${elb} HTTPCode_ELB_5XX_Count Sum load balancer`,
        `${elb} HTTPCode_Target_5XX_Count Sum services`,
      ],
      "P90 latency of app (s)": [`${elb} TargetResponseTime p90 app`],
      "Unhealthy tasks": [
        "app",
        "functions",
        "hasura",
        "supertokens",
        "handshake",
        "oauth",
        "optaplanner",
      ].map((name) => `${elb} UnHealthyHostCount Maximum ${name}`),
    });
  });

  it("shows CPU and memory of the document's five services", () => {
    expect(shown["## Services"]).toEqual({
      "CPU (%)": services.map((name) => `AWS/ECS CPUUtilization Average ${name}`),
      "Memory (%)": services.map((name) => `AWS/ECS MemoryUtilization Average ${name}`),
    });
  });

  it("shows the database's CPU, storage, memory and connections", () => {
    expect(shown["## Database"]).toEqual({
      "CPU (%)": ["AWS/RDS CPUUtilization Average database"],
      "Free storage (bytes)": ["AWS/RDS FreeStorageSpace Minimum database"],
      "Freeable memory (bytes)": ["AWS/RDS FreeableMemory Average database"],
      Connections: ["AWS/RDS DatabaseConnections Average database"],
    });
  });

  it("draws the line where an alarm goes on, and shades the side of the alarm", () => {
    const limits = Object.fromEntries(
      widgets.flatMap(({ properties, y }) =>
        properties.annotations
          ? [
              [
                `${properties.title as string} at ${y}`,
                properties.annotations.horizontal.map(({ value, fill }: Json) => `${fill} ${value}`),
              ] as const,
            ]
          : [],
      ),
    );
    expect(Object.values(limits)).toEqual([
      ["above 5"],
      ["above 1"],
      ["above 85"],
      ["above 85"],
      ["below 10737418240"],
      ["below 209715200"],
      ["above 150"],
    ]);
  });
});

it("belongs to Atomic Calendar: an environment without it has none", () => {
  const other = atomicCalendarJson({ ...environmentEnv("stage"), TF_VAR_edge_hosts: "" });
  expect(resources(other, "aws_cloudwatch_dashboard")).toEqual({});
  expect(resources(other, "aws_cloudwatch_composite_alarm")).toEqual({});
});

describe("what CloudWatch would refuse", () => {
  const { widgets } = bodyOf(json);
  const broken = (change: (body: { widgets: Json[] }) => void) => {
    const body = JSON.parse(JSON.stringify({ widgets })) as { widgets: Json[] };
    change(body);
    return isBody(body);
  };
  const metricWidget = ({ widgets }: { widgets: Json[] }): Json =>
    widgets.find(({ type }) => type === "metric") ?? {};

  it.each<[string, (body: { widgets: Json[] }) => void]>([
    ["another type", (body) => (metricWidget(body).type = "chart")],
    ["a column too far", (body) => (metricWidget(body).x = 24)],
    ["no region", (body) => delete metricWidget(body).properties.region],
    ["no line", (body) => (metricWidget(body).properties.metrics = [])],
    ["a misspelt property", (body) => (metricWidget(body).properties.yaxis = {})],
    ["another statistic", (body) => (metricWidget(body).properties.metrics[0].at(-1).stat = "Median")],
  ])("%s is found by the schema", (_what, change) => {
    expect(broken(() => undefined)).toBe(true);
    expect(broken(change)).toBe(false);
  });

  const place = (...widgets: Widget[]) =>
    placeWidgets({ region: "us-east-1", groups: [{ heading: "A", widgets }] });
  it("is not made: a widget wider than the dashboard, and alarms of none or more than a hundred", () => {
    expect(() => place({ title: "wide", width: 25, lines: [] })).toThrow(
      'widget "wide" is 25 columns wide, of 24',
    );
    expect(() => place({ title: "none", width: 24, alarmArns: [] })).toThrow("shows 0 alarms");
    expect(() => place({ title: "many", width: 24, alarmArns: Array<string>(101).fill("arn") })).toThrow(
      "shows 101 alarms; CloudWatch takes 1 to 100",
    );
  });

  it("goes to the next row where it has no room, below the tallest one", () => {
    const places = place(
      { title: "one", width: 12, height: 3, lines: [] },
      { title: "two", width: 8, height: 5, lines: [] },
      { title: "three", width: 12, lines: [] },
    ).map(({ x, y }) => [x, y]);
    expect(places).toEqual([
      [0, 0], // the heading
      [0, 1],
      [12, 1],
      [0, 6],
    ]);
  });
});

describe("docs/dashboard.svg", () => {
  it("is what the dashboard looks like; npm run generate mends it", () => {
    expect(readFileSync(join(projectRoot, "docs/dashboard.svg"), "utf8")).toBe(dashboardPicture());
  });

  const picture = dashboardPicture();
  it("has each widget's title, and each line's and alarm's name", () => {
    const { widgets } = bodyOf(json);
    for (const widget of widgets) {
      const title = (widget.properties.title ?? widget.properties.markdown.slice(3)) as string;
      expect(picture).toContain(`>${title}</text>`);
      for (const { label } of linesOf(widget)) expect(picture).toContain(`>${label}</text>`);
    }
    for (const { alarm_name } of Object.values(resources(json, "aws_cloudwatch_metric_alarm")))
      if (!alarm_name.includes("spot"))
        expect(picture).toContain(`>${alarm_name.replace("stage-atomic-calendar-", "")}</text>`);
  });

  it("takes no name for markup", () => {
    const svg = drawDashboard(
      "a & b",
      placeWidgets({
        region: "us-east-1",
        groups: [{ heading: "<script>", widgets: [{ title: "x < y", width: 6, lines: [] }] }],
      }),
    );
    expect(svg).toContain(">a &amp; b</text>");
    expect(svg).toContain(">&lt;script&gt;</text>");
    expect(svg).not.toContain("<script>");
  });
});
