import { UsageError } from "../../environments/errors";
import { nearest } from "../../environments/nearest";

/** One assumption about use, which no configuration tells. */
interface Assumption {
  readonly unit: string;
  readonly default: number;
  readonly meaning: string;
  /** @default 0 */
  readonly least?: number;
  /** @default none */
  readonly most?: number;
}

/** Every assumption there is. The order is that of docs/cost.md. */
export const assumptions = Object.freeze({
  hours_per_day: {
    unit: "hours",
    default: 24,
    most: 24,
    meaning: "a host or a service's tasks run each day",
  },
  scaled_tasks: {
    unit: "tasks",
    default: 0,
    meaning: "a service that scales runs on average: its least number at least, its most at most",
  },
  hours_per_run: { unit: "hours", default: 0.5, meaning: "one run of a scheduled task takes" },
  spot_discount: {
    unit: "%",
    default: 70,
    most: 100,
    meaning: "Fargate Spot is below the on-demand price; AWS says up to 70",
  },
  agent_metrics: {
    unit: "metrics",
    default: 24,
    meaning: "the CloudWatch agent of a host sends, where an alarm watches one of them",
  },
  custom_metrics: {
    unit: "metrics",
    default: 0,
    meaning: "a host or service sends besides those that alarms watch",
  },
  log_gb: { unit: "GB", default: 0.1, meaning: "a log group takes in each month" },
  flow_log_gb: { unit: "GB", default: 1, meaning: "a log group of flow logs takes in each month" },
  traces: { unit: "traces", default: 100_000, meaning: "a cluster with X-Ray records each month" },
  traces_read: {
    unit: "traces",
    default: 100_000,
    meaning: "of a cluster with X-Ray are retrieved or scanned each month",
  },
  log_compression: {
    unit: "share",
    default: 0.15,
    most: 1,
    meaning: "of a log's size is left when it is stored",
  },
  nat_gb: { unit: "GB", default: 10, meaning: "pass a NAT gateway each month" },
  endpoint_gb: { unit: "GB", default: 1, meaning: "pass an interface endpoint each month" },
  load_balancer_units: { unit: "LCU", default: 0.1, meaning: "a load balancer uses on average" },
  load_balancer_zones: {
    unit: "zones",
    default: 2,
    least: 1,
    meaning: "a public load balancer has an address in, where its subnets come from shared",
  },
  web_requests: { unit: "requests", default: 1_000_000, meaning: "a web ACL inspects each month" },
  kms_requests: { unit: "requests", default: 10_000, meaning: "to a key each month" },
  kms_rotations: {
    unit: "rotations",
    default: 0,
    most: 2,
    meaning: "a key has behind it: one after a year; AWS charges for two at most",
  },
  secret_requests: { unit: "requests", default: 1_000, meaning: "to a secret each month" },
  dynamodb_writes: { unit: "request units", default: 10_000, meaning: "to write to a table each month" },
  dynamodb_reads: { unit: "request units", default: 10_000, meaning: "to read from a table each month" },
  dynamodb_gb: { unit: "GB", default: 0.1, meaning: "in a table" },
  s3_gb: { unit: "GB", default: 1, meaning: "in a bucket" },
  s3_writes: { unit: "requests", default: 1_000, meaning: "PUT, COPY, POST and LIST to a bucket each month" },
  s3_reads: { unit: "requests", default: 10_000, meaning: "GET and others to a bucket each month" },
  efs_gb: { unit: "GB", default: 1, meaning: "in a file system" },
  image_gb: { unit: "GB", default: 1, meaning: "in an image repository" },
  messages: { unit: "messages", default: 100, meaning: "through a topic or a queue each month" },
  dns_queries: { unit: "queries", default: 100_000, meaning: "to a hosted zone each month" },
  rds_backup_gb: { unit: "GB", default: 0, meaning: "of a database's backups beyond its own size" },
  aurora_units: {
    unit: "ACU",
    default: 0.5,
    meaning: "a serverless database instance uses on average, its least capacity at least",
  },
  aurora_gb: { unit: "GB", default: 10, meaning: "in an Aurora cluster" },
  aurora_requests: {
    unit: "requests",
    default: 1_000_000,
    meaning: "of input and output to an Aurora cluster each month",
  },
  kafka_partitions: { unit: "partitions", default: 10, meaning: "in a serverless cluster of Kafka" },
  kafka_gb: { unit: "GB", default: 1, meaning: "in a serverless cluster of Kafka" },
  kafka_gb_in: {
    unit: "GB",
    default: 10,
    meaning: "are written to a serverless cluster of Kafka each month",
  },
  kafka_gb_out: {
    unit: "GB",
    default: 10,
    meaning: "are read from a serverless cluster of Kafka each month",
  },
} satisfies Record<string, Assumption>);

export type UsageName = keyof typeof assumptions;

/** A value that differs from the default. */
interface Override {
  readonly name: UsageName;
  /** Which resources it is for; all where undefined. */
  readonly resource?: string;
  readonly value: number;
}

/** What a resource is called when a usage value is for it alone. */
export interface Named {
  /** `<type>.<name>` */
  readonly address: string;
  /** Words by which it can be meant: its name, and the parts of that between underscores. */
  readonly words: readonly string[];
}

/** One value that went into an estimate. */
export interface AppliedUsage {
  readonly name: UsageName;
  /** The word that `--usage name:word=value` had, where it had one. */
  readonly resource?: string;
  readonly value: number;
  readonly unit: string;
  readonly meaning: string;
  readonly isDefault: boolean;
}

/** The assumptions of one estimate. It keeps account of which were asked for. */
export class Usage {
  private readonly applied = new Map<string, AppliedUsage>();
  private readonly asking = new Map<UsageName, Set<string>>();

  private constructor(private readonly overrides: readonly Override[]) {}

  /**
   * Reads assignments as `--usage` has them: `name=value`, or `name:resource=value` for some resources alone.
   * @throws {UsageError} for a name that is not there, a value that is no number or out of range, and doubles
   */
  static parse(assignments: readonly string[]): Usage {
    const overrides = assignments.map(parseOverride);
    for (const [index, { name, resource }] of overrides.entries()) {
      const first = overrides.findIndex((other) => other.name === name && other.resource === resource);
      if (first !== index) throw new UsageError(`--usage ${keyOf({ name, resource })} is given twice.`);
    }
    return new Usage(overrides);
  }

  /** The value for a resource: the one given for it, else the one given for all, else the default. */
  of(name: UsageName, resource: Named): number {
    const asking = this.asking.get(name) ?? new Set();
    this.asking.set(name, asking.add(resource.words[0] ?? resource.address));
    const override = this.overrideFor(name, resource);
    const { unit, meaning, default: value } = assumptions[name];
    const used = { name, resource: override?.resource, value: override?.value ?? value };
    this.applied.set(keyOf(used), { ...used, unit, meaning, isDefault: override === undefined });
    return used.value;
  }

  private overrideFor(name: UsageName, { address, words }: Named): Override | undefined {
    const named = this.overrides.filter((override) => override.name === name);
    return (
      named.find(({ resource }) => resource === address) ??
      words.map((word) => named.find(({ resource }) => resource === word)).find(Boolean) ??
      named.find(({ resource }) => resource === undefined)
    );
  }

  /** The values that were asked for, in the order of {@link assumptions}. */
  get used(): readonly AppliedUsage[] {
    const order = Object.keys(assumptions);
    return [...this.applied.values()].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  }

  /**
   * Checks, after the estimate, that every value given was of use.
   * @throws {UsageError} for one that no resource of the stack asks for
   */
  requireAllUsed(): void {
    const idle = this.overrides.find((override) => !this.applied.has(keyOf(override)));
    if (!idle) return;
    const asking = [...(this.asking.get(idle.name) ?? [])].sort();
    throw new UsageError(`--usage ${keyOf(idle)} is for nothing in this stack.`, {
      mend:
        asking.length === 0
          ? `No resource of it has ${idle.name}.`
          : `${idle.name} goes with: ${asking.join(", ")}; a part of such a name between underscores will do.`,
    });
  }
}

const keyOf = ({ name, resource }: Pick<Override, "name" | "resource">): string =>
  resource === undefined ? name : `${name}:${resource}`;

const isUsageName = (name: string): name is UsageName => Object.hasOwn(assumptions, name);

function parseOverride(assignment: string): Override {
  const [, name = "", resource, text = ""] = /^([^:=]*)(?::([^=]*))?=(.*)$/s.exec(assignment) ?? [];
  if (name === "" || resource === "" || text === "") {
    throw new UsageError(`--usage ${assignment} is neither name=value nor name:resource=value.`);
  }
  if (!isUsageName(name)) throw unknownName(name);
  const { least = 0, most = Infinity, unit }: Assumption = assumptions[name];
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) {
    const range = most === Infinity ? `a number from ${least}` : `a number from ${least} to ${most}`;
    throw new UsageError(`--usage ${assignment}: ${name} is ${range} (${unit}), not "${text}".`);
  }
  return { name, resource, value };
}

function unknownName(name: string): UsageError {
  const names = Object.keys(assumptions);
  const near = nearest(name, names);
  return new UsageError(`--usage has no "${name}".${near ? ` Did you mean ${near}?` : ""}`, {
    mend: `It has: ${names.join(", ")}.`,
  });
}

/** The assumptions as docs/cost.md shows them. */
export function usageTable(): string {
  const rows = Object.entries(assumptions).map(
    ([name, { unit, default: value, meaning }]) => `| \`${name}\` | ${value} | ${unit} | ${meaning} |\n`,
  );
  return `| name | default | unit | how much |\n| --- | --- | --- | --- |\n${rows.join("")}`;
}
