import type { BoxKind, EdgeKind, NodeKind } from "./graph";

/** Colours of a shape; text on it is {@link ink}. */
export interface Look {
  readonly fill: string;
  readonly line: string;
}

export const ink = "#0f172a";
export const quiet = "#475569";

export const compute: Look = { fill: "#fff3e0", line: "#b45309" };
export const data: Look = { fill: "#e3eeff", line: "#1d4ed8" };
export const secret: Look = { fill: "#ffe8ec", line: "#be123c" };
export const entry: Look = { fill: "#f1e8ff", line: "#7e22ce" };
export const clock: Look = { fill: "#fdf6c8", line: "#854d0e" };
export const message: Look = { fill: "#fce7f3", line: "#9d174d" };
export const network: Look = { fill: "#f1f5f9", line: quiet };

export const looks: Readonly<Record<NodeKind, Look & { readonly shape?: string }>> = {
  bucket: { ...data, shape: "cylinder" },
  database: { ...data, shape: "cylinder" },
  endpoints: network,
  "event-rule": clock,
  "file-system": { ...data, shape: "cylinder" },
  group: compute,
  host: compute,
  internet: { ...network, shape: "ellipse" },
  "load-balancer": entry,
  nat: network,
  networks: network,
  parameters: data,
  queue: message,
  repositories: data,
  schedule: clock,
  secrets: secret,
  service: compute,
  subnets: network,
  table: { ...data, shape: "cylinder" },
  task: compute,
  topic: message,
};

export const boxLooks: Readonly<Record<BoxKind, Look & { readonly title: string }>> = {
  environment: { fill: "#ffffff", line: "#94a3b8", title: ink },
  private: { fill: "#f3f6ff", line: "#6b8bd6", title: "#1e40af" },
  public: { fill: "#effaf1", line: "#5fa873", title: "#166534" },
  shared: { fill: "#ffffff", line: "#94a3b8", title: ink },
  system: { fill: "#ffffff", line: "#94a3b8", title: ink },
};

export const edgeLooks: Readonly<Record<EdgeKind, { readonly color: string; readonly style: string }>> = {
  access: { color: data.line, style: "dashed" },
  invocation: { color: clock.line, style: "bold" },
  network: { color: "#334155", style: "solid" },
  route: { color: "#64748b", style: "dotted" },
};

/** What the colours mean, below the picture. */
export const legend: readonly (readonly [text: string, look: Look])[] = [
  ["runs code", compute],
  ["takes requests", entry],
  ["keeps data", data],
  ["keeps secrets", secret],
  ["starts on time or event", clock],
  ["passes messages", message],
  ["network", network],
];
export const edgeLegend: readonly (readonly [text: string, kind: EdgeKind])[] = [
  ["security groups let pass, TCP ports", "network"],
  ["IAM lets read or write", "access"],
  ["starts", "invocation"],
  ["route", "route"],
];
