/** What a node is, as a person thinks of it. */
export type NodeKind =
  | "internet"
  | "networks"
  | "load-balancer"
  | "host"
  | "group"
  | "service"
  | "task"
  | "schedule"
  | "event-rule"
  | "database"
  | "table"
  | "bucket"
  | "file-system"
  | "secrets"
  | "parameters"
  | "queue"
  | "topic"
  | "repositories"
  | "subnets"
  | "nat"
  | "endpoints";

/** One thing of an architecture, or several alike. */
export interface Node {
  /**
   * The same as long as what it stands for has its address: that address, or the box's id and the kind for what is
   * drawn together, such as `system:chronos/secrets`.
   */
  readonly id: string;
  readonly kind: NodeKind;
  readonly title: string;
  /** Lines below the title: sizes, schedules, names. */
  readonly details: readonly string[];
  /** Addresses of the resources it stands for, those of `shared` with `shared:` before them. None for what is outside. */
  readonly addresses: readonly string[];
  /** Addresses of resources that belong to it alone: a bucket's policy, a host's role. */
  readonly parts: readonly string[];
  /** Id of the box it is in. @default none: it is outside */
  readonly box?: string;
}

export type BoxKind = "system" | "environment" | "shared" | "public" | "private";

/** A frame around nodes and other boxes. */
export interface Box {
  readonly id: string;
  readonly kind: BoxKind;
  readonly title: string;
  /** Id of the box around it. */
  readonly parent?: string;
}

/**
 * `network`: security groups let it pass. `access`: IAM lets data be read or written. `invocation`: one starts the
 * other. `route`: traffic to the Internet leaves that way.
 */
export type EdgeKind = "network" | "access" | "invocation" | "route";

/** What leads from one node to another. There is one of each kind between two nodes. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
  /** Ports; `read`, `write` or `read, write`; empty for others. */
  readonly label: string;
  /** Addresses of the rules, policies, schedules or routes that make it. */
  readonly addresses: readonly string[];
}

/** The architecture of a stack and of the `shared` below it. The order is that of ids: the same JSON, the same graph. */
export interface Graph {
  /** Name of the stack. */
  readonly name: string;
  readonly boxes: readonly Box[];
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
}

/** Everybody, everywhere. */
export const internet = "internet";

/** Order by code unit, which no locale changes. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Without repetition, in order. */
export const sortedSet = (texts: Iterable<string>): string[] => [...new Set(texts)].sort(byText);
