import { CloudwatchDashboard } from "@cdktf/provider-aws/lib/cloudwatch-dashboard";
import { Construct } from "constructs";
import type { Metric } from "./alarm";
import { resourceName } from "./naming";

/** A line in a widget. */
export interface Line extends Metric {
  readonly label: string;
}

/** What one widget shows. */
export type Widget = {
  readonly title: string;
  /** Columns, of 24. */
  readonly width: number;
  /** Rows of the grid. @default 6 */
  readonly height?: number;
} & (
  | {
      readonly lines: readonly Line[];
      /** An alarm's threshold: a line across, with the side shaded where the alarm is on. @default none */
      readonly limit?: { readonly value: number; readonly alarms: "above" | "below" };
    }
  | { readonly alarmArns: readonly string[] }
);

/** Widgets under one heading. */
export interface DashboardGroup {
  readonly heading: string;
  readonly widgets: readonly Widget[];
}

export interface DashboardProps {
  readonly name: string;
  readonly region: string;
  readonly partition: string;
  readonly groups: readonly DashboardGroup[];
}

/** A widget and where it is. */
export interface PlacedWidget {
  readonly type: "text" | "alarm" | "metric";
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
const COLUMNS = 24;
const MAX_ALARMS = 100;
const HEIGHT = 6;
const HEADING = 1;
const PERIOD = 300; // seconds

/**
 * The widgets from left to right and from top to bottom, each group under its heading.
 * @throws where a widget is wider than the dashboard, or shows more than CloudWatch lets it
 */
export function placeWidgets({ groups, region }: Pick<DashboardProps, "groups" | "region">): PlacedWidget[] {
  const placed: PlacedWidget[] = [];
  let y = 0;
  for (const { heading, widgets } of groups) {
    placed.push({
      type: "text",
      x: 0,
      y,
      width: COLUMNS,
      height: HEADING,
      properties: { markdown: `## ${heading}` },
    });
    y += HEADING;
    let [x, tallest] = [0, 0];
    for (const widget of widgets) {
      const { width, height = HEIGHT } = widget;
      if (width > COLUMNS)
        throw new Error(`widget "${widget.title}" is ${width} columns wide, of ${COLUMNS}`);
      if (x + width > COLUMNS) [x, y, tallest] = [0, y + tallest, 0];
      placed.push({ x, y, width, height, ...content(widget, region) });
      x += width;
      tallest = Math.max(tallest, height);
    }
    y += tallest;
  }
  return placed;
}

function content(widget: Widget, region: string): Pick<PlacedWidget, "type" | "properties"> {
  const { title } = widget;
  if ("alarmArns" in widget) {
    const alarms = widget.alarmArns;
    if (alarms.length === 0 || alarms.length > MAX_ALARMS)
      throw new Error(`widget "${title}" shows ${alarms.length} alarms; CloudWatch takes 1 to ${MAX_ALARMS}`);
    return { type: "alarm", properties: { title, alarms } };
  }
  return {
    type: "metric",
    properties: {
      title,
      region,
      view: "timeSeries",
      stacked: false,
      period: PERIOD,
      metrics: widget.lines.map(({ namespace, metric, dimensions, statistic, label }) => [
        namespace,
        metric,
        ...Object.entries(dimensions).flat(),
        { stat: statistic, label },
      ]),
      yAxis: { left: { min: 0 } },
      ...(widget.limit === undefined
        ? {}
        : {
            annotations: {
              horizontal: [{ label: "alarm", value: widget.limit.value, fill: widget.limit.alarms }],
            },
          }),
    },
  };
}

/** A dashboard of CloudWatch. */
export class Dashboard extends Construct {
  /** Where it is shown. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const name = resourceName("dashboard", props.name);
    new CloudwatchDashboard(this, "this", {
      dashboardName: name,
      dashboardBody: JSON.stringify({ widgets: placeWidgets(props) }),
    });
    this.url = `https://${consoles[props.partition] ?? consoles.aws}/cloudwatch/home?region=${props.region}#dashboards:name=${name}`;
  }
}

const consoles: Readonly<Record<string, string>> = {
  aws: "console.aws.amazon.com",
  "aws-cn": "console.amazonaws.cn",
  "aws-us-gov": "console.amazonaws-us-gov.com",
};
