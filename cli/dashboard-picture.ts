import { placeWidgets, type PlacedWidget } from "../modules/dashboard";
import { alarmProps, type Watched } from "../workloads/atomic-calendar/alarms";
import { dashboardGroups } from "../workloads/atomic-calendar/dashboard";
import { services } from "../workloads/atomic-calendar/services";

const COLUMN = 42; // pixels
const ROW = 30;
const GAP = 8;
const TITLE = 26;
const LEGEND = 18;
const BOXES_ACROSS = 8;
const colours = ["#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17868f"];

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Draws widgets where they are placed, with their titles, the names of their lines and alarms, and their limits. The
 * lines' shapes are made up.
 * @returns an SVG file, the same for the same widgets
 */
export function drawDashboard(title: string, widgets: readonly PlacedWidget[]): string {
  const columns = Math.max(...widgets.map(({ x, width }) => x + width));
  const rows = Math.max(...widgets.map(({ y, height }) => y + height));
  const [width, height] = [columns * COLUMN + GAP, rows * ROW + ROW + GAP];
  const body = widgets.map((widget) =>
    draw(widget, {
      x: widget.x * COLUMN + GAP,
      y: widget.y * ROW + ROW + GAP,
      width: widget.width * COLUMN - GAP,
      height: widget.height * ROW - GAP,
    }),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="Helvetica, Arial, sans-serif">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#f4f5f7"/>`,
    text(GAP, 24, title, 'font-size="16" font-weight="bold"'),
    `<text x="${width - GAP}" y="24" font-size="11" fill="#5f6b7a" text-anchor="end">Layout; the lines' shapes are made up</text>`,
    ...body.flat(),
    "</svg>",
    "",
  ].join("\n");
}

/** Properties as `placeWidgets` writes them. */
interface Properties {
  readonly title: string;
  readonly markdown: string;
  readonly alarms: readonly string[];
  readonly metrics: readonly (readonly (string | { readonly label: string })[])[];
  readonly annotations?: { readonly horizontal: readonly Limit[] };
}

interface Limit {
  readonly value: number;
  /** Side where the alarm is on. */
  readonly fill: "above" | "below";
}

function draw({ type, properties }: PlacedWidget, box: Box): string[] {
  const { title, markdown, alarms, metrics, annotations } = properties as unknown as Properties;
  if (type === "text")
    return [text(box.x, box.y + box.height - 3, markdown.replace(/^#+ /, ""), 'font-size="14"')];
  return [
    rectangle(box, "#ffffff", "#c8ced6"),
    text(box.x + 10, box.y + 18, title, 'font-size="13" font-weight="bold"'),
    ...(type === "alarm"
      ? drawAlarms(alarms, box)
      : drawLines(metrics.map(labelOf), annotations?.horizontal[0], box)),
  ];
}

function drawAlarms(arns: readonly string[], box: Box): string[] {
  const width = (box.width - 12) / BOXES_ACROSS;
  const height = (box.height - TITLE - 6) / Math.ceil(arns.length / BOXES_ACROSS);
  return arns.flatMap((arn, index) => {
    const x = box.x + 8 + (index % BOXES_ACROSS) * width;
    const y = box.y + TITLE + Math.floor(index / BOXES_ACROSS) * height;
    return [
      rectangle({ x, y, width: width - 5, height: height - 5 }, "#e6f4ea", "#8fc5a0"),
      text(x + 5, y + height / 2 + 1, arn.split(":").at(-1) ?? arn, 'font-size="10.5"'),
    ];
  });
}

function drawLines(labels: readonly string[], limit: Limit | undefined, box: Box): string[] {
  const legend = legendOf(limit === undefined ? labels : [...labels, "alarm"], box);
  const bottom = box.y + box.height - legend.height - 8;
  const [left, right, top] = [box.x + 12, box.x + box.width - 12, box.y + TITLE + 4];
  const isAbove = limit?.fill !== "below";
  const limitAt = isAbove ? top + 14 : bottom - 14;
  const limitTextAt = isAbove ? limitAt - 3 : limitAt + 11;
  const curve = (index: number): string => {
    const level = bottom - ((index + 1) / (labels.length + 1)) * (bottom - top - 16);
    const points = Array.from({ length: 25 }, (_, step) => {
      const x = left + ((right - left) * step) / 24;
      return `${round(x)},${round(level + 5 * Math.sin(step * 0.7 + index * 1.9))}`;
    });
    return `<polyline points="${points.join(" ")}" fill="none" stroke="${colourOf(index)}" stroke-width="1.6"/>`;
  };
  return [
    `<path d="M${left} ${top}V${bottom}H${right}" fill="none" stroke="#9aa4b1"/>`,
    ...labels.map((_, index) => curve(index)),
    ...(limit === undefined
      ? []
      : [
          `<rect x="${left}" y="${isAbove ? top : limitAt}" width="${right - left}" height="14" fill="#d13212" fill-opacity="0.08"/>`,
          `<path d="M${left} ${limitAt}H${right}" stroke="#d13212" stroke-dasharray="5 4"/>`,
          `<text x="${right}" y="${limitTextAt}" font-size="10.5" fill="#d13212" text-anchor="end">${limit.value.toLocaleString("en-US")}</text>`,
        ]),
    ...legend.marks,
  ];
}

/** Names under the lines, as many in a row as there is room for. */
function legendOf(
  labels: readonly string[],
  box: Box,
): { readonly height: number; readonly marks: string[] } {
  const rows: { label: string; index: number; at: number }[][] = [[]];
  let at = 0;
  labels.forEach((label, index) => {
    const width = label.length * 6.2 + 26;
    if (at > 0 && at + width > box.width - 20) {
      rows.push([]);
      at = 0;
    }
    rows.at(-1)?.push({ label, index, at });
    at += width;
  });
  const height = rows.length * LEGEND;
  const marks = rows.flatMap((row, number) =>
    row.flatMap(({ label, index, at }) => {
      const [x, y] = [round(box.x + 12 + at), box.y + box.height - height + number * LEGEND + 8];
      const colour = label === "alarm" ? "#d13212" : colourOf(index);
      return [
        `<rect x="${x}" y="${y - 8}" width="9" height="9" fill="${colour}"/>`,
        text(x + 13, y, label, 'font-size="11"'),
      ];
    }),
  );
  return { height, marks };
}

function labelOf(metric: Properties["metrics"][number]): string {
  const last = metric.at(-1);
  return typeof last === "object" ? last.label : String(metric[1]);
}

const colourOf = (index: number): string => colours[index % colours.length] ?? "#000000";
const round = (value: number): number => Math.round(value * 10) / 10;
const escape = (value: string): string =>
  value.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const text = (x: number, y: number, value: string, style: string): string =>
  `<text x="${round(x)}" y="${round(y)}" fill="#16191f" ${style}>${escape(value)}</text>`;
const rectangle = ({ x, y, width, height }: Box, fill: string, stroke: string): string =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="4" fill="${fill}" stroke="${stroke}"/>`;

/** Atomic Calendar's dashboard with the defaults of its inputs. */
export function dashboardPicture(): string {
  const dimensionsOf = (wanted: (name: keyof typeof services) => boolean) =>
    Object.fromEntries(
      (Object.keys(services) as (keyof typeof services)[])
        .filter(wanted)
        .map((name) => [name, { ServiceName: name }]),
    );
  const watched: Watched = {
    name: "",
    balancer: { LoadBalancer: "balancer" },
    targets: Object.fromEntries(
      Object.entries(services).flatMap(([name, { route }]) =>
        route
          ? [[name, { dimensions: { TargetGroup: name }, latencyLimit: route.latencyLimit }] as const]
          : [],
      ),
    ),
    services: dimensionsOf((name) => services[name].cpuAlarm ?? false),
    database: { dimensions: { DBInstanceIdentifier: "database" }, hasFixedStorage: true, connections: 150 },
  };
  const dashboardName = "<env>-SystemHealthOverview";
  const groups = dashboardGroups({
    ...watched,
    region: "us-east-1",
    partition: "aws",
    dashboardName,
    shownServices: dimensionsOf((name) => services[name].onDashboard ?? false),
    alarmArns: ["atomic-calendar", ...Object.keys(alarmProps(watched))],
  });
  return drawDashboard(dashboardName, placeWidgets({ groups, region: "us-east-1" }));
}
