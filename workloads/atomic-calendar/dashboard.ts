import type { Construct } from "constructs";
import type { Metric } from "../../modules/alarm";
import { Dashboard, type DashboardGroup, type Line } from "../../modules/dashboard";
import { alarmProps, metrics, type Watched } from "./alarms";

export interface Shown extends Watched {
  readonly region: string;
  readonly partition: string;
  /** Of the dashboard. */
  readonly dashboardName: string;
  /** Dimensions of services whose CPU and memory are shown, by service. */
  readonly shownServices: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly alarmArns: readonly string[];
}

type Dimensions = Readonly<Record<string, string>>;
type Shape = Pick<Metric, "namespace" | "metric" | "statistic">;

const line = (shape: Shape, label: string, dimensions: Dimensions): Line => ({ ...shape, label, dimensions });
const lines = (shape: Shape, of: Readonly<Record<string, Dimensions>>): Line[] =>
  Object.entries(of).map(([label, dimensions]) => line(shape, label, dimensions));

/** The four groups of the document. */
export function dashboardGroups(shown: Shown): DashboardGroup[] {
  const alarms = alarmProps(shown);
  const limit = (id: string) => {
    const alarm = alarms[id];
    if (!alarm) throw new Error(`the dashboard shows the limit of ${id}, which is no alarm`);
    const side = alarm.comparison.startsWith("Less") ? "below" : "above";
    return { value: alarm.threshold, alarms: side } as const;
  };
  const { balancer, targets, shownServices, database } = shown;
  const app = targets.app?.dimensions;
  const targetDimensions = Object.fromEntries(
    Object.entries(targets).map(([name, { dimensions }]) => [name, dimensions]),
  );
  const databaseWidget = (title: string, shape: Shape, id: string) => ({
    title,
    width: 12,
    lines: [line(shape, "database", database.dimensions)],
    limit: limit(id),
  });
  return [
    {
      heading: "Key alarm status",
      widgets: [{ title: "Alarms", width: 24, height: 6, alarmArns: shown.alarmArns }],
    },
    {
      heading: "Load balancer",
      widgets: [
        {
          title: "5XX answers",
          width: 8,
          lines: [
            line(metrics.balancerErrors, "load balancer", balancer),
            line(metrics.targetErrors, "services", balancer),
          ],
          limit: limit("balancer-errors"),
        },
        {
          title: "P90 latency of app (s)",
          width: 8,
          lines: app ? [line(metrics.latency, "app", app)] : [],
          limit: limit("latency-app"),
        },
        { title: "Unhealthy tasks", width: 8, lines: lines(metrics.unhealthy, targetDimensions) },
      ],
    },
    {
      heading: "Services",
      widgets: [
        {
          title: "CPU (%)",
          width: 12,
          lines: lines(metrics.serviceCpu, shownServices),
          limit: limit("cpu-app"),
        },
        { title: "Memory (%)", width: 12, lines: lines(metrics.serviceMemory, shownServices) },
      ],
    },
    {
      heading: "Database",
      widgets: [
        databaseWidget("CPU (%)", metrics.databaseCpu, "database-cpu"),
        ...(database.hasFixedStorage
          ? [databaseWidget("Free storage (bytes)", metrics.freeStorage, "database-storage")]
          : []),
        databaseWidget("Freeable memory (bytes)", metrics.freeMemory, "database-memory"),
        databaseWidget("Connections", metrics.connections, "database-connections"),
      ],
    },
  ];
}

/** The dashboard of the whole system. */
export const makeDashboard = (scope: Construct, id: string, shown: Shown): Dashboard =>
  new Dashboard(scope, id, {
    name: shown.dashboardName,
    region: shown.region,
    partition: shown.partition,
    groups: dashboardGroups(shown),
  });
