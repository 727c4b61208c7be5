import { atomicCalendarJson, type Json } from "../support/atomic-calendar";
import { differences } from "../support/json-diff";

type Blocks = Readonly<Record<string, Json>>;

/** Resources by type and id of an environment whose settings are those of the others; its name is "ENV" here. */
function resourcesOf(name: string): Readonly<Record<string, Blocks>> {
  const text = JSON.stringify(atomicCalendarJson({ TF_VAR_deptype: name }).resource as object);
  return JSON.parse(
    text.replaceAll(new RegExp(`(?<![a-z])${name}(?=[-/"])`, "g"), "ENV"),
    (_key, value: unknown) =>
      // Policies and containers are JSON in JSON
      typeof value === "string" && /^[[{]/.test(value) ? (JSON.parse(value) as unknown) : value,
  ) as Readonly<Record<string, Blocks>>;
}

const LONGEST = 72; // characters of a value
/** A value in few characters; references to other resources are in angle brackets. */
function show(value: unknown): string {
  const text = value === undefined ? "none" : JSON.stringify(value).replace(/\$\{([^}]*)\}/g, "<$1>");
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** What differs, by type: how each attribute changes, and in which resources. */
function stageDiff(one: string, other: string): string {
  const [before, after] = [resourcesOf(one), resourcesOf(other)];
  const types = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return types
    .flatMap((type) => {
      const lines = typeDiff(before[type] ?? {}, after[type] ?? {});
      return lines.length === 0 ? [] : [type, ...lines.map((line) => `  ${line}`)];
    })
    .join("\n");
}

function typeDiff(before: Blocks, after: Blocks): string[] {
  const ids = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changes = new Map<string, string[]>();
  const note = (change: string, id: string) =>
    changes.set(change, [...(changes.get(change) ?? []), id.replace("atomic-calendar_", "")]);
  for (const id of ids) {
    if (!before[id] || !after[id]) note(before[id] ? "is gone" : "is new", id);
    else
      for (const { path, before: from, after: to } of differences(before[id], after[id]))
        note(`${path}: ${show(from)} -> ${show(to)}`, id);
  }
  return [...changes].map(
    ([change, where]) =>
      `${change} (${some(
        where,
        ids.map((id) => id.replace("atomic-calendar_", "")),
      )})`,
  );
}

/** Which of so many: their names, or what many names end with, or which one is not. */
function some(names: readonly string[], all: readonly string[]): string {
  if (names.length === 1) return names.join();
  if (names.length === all.length) return `all ${all.length}`;
  const [other, ...others] = all.filter((name) => !names.includes(name));
  if (others.length === 0) return `${names.length} of ${all.length}, not ${other}`;
  const [first = ""] = names;
  const starts = [...first].map((_, index) => first.slice(index));
  const end = starts.find((text) => text.startsWith("_") && names.every((name) => name.endsWith(text)));
  return end === undefined ? names.join(", ") : `${names.length} of ${all.length}: *${end}`;
}

/** What prod protects, keeps and pays more for than stage. */
const fromStageToProd = `
aws_cloudwatch_log_group
  kms_key_id: none -> "<aws_kms_key.data.arn>" (all 11)
  skip_destroy: false -> true (10 of 11, not events)
aws_db_instance
  delete_automated_backups: true -> false (database)
  deletion_protection: false -> true (database)
  depends_on.2: none -> "aws_iam_role_policy.atomic-calendar_database_monitoring_policy" (database)
  final_snapshot_identifier: none -> "ENV-atomic-calendar-last-<terraform_data.atomic-calendar_database_last_… (database)
  kms_key_id: none -> "<aws_kms_key.data.arn>" (database)
  lifecycle: none -> {"prevent_destroy":true} (database)
  monitoring_interval: 0 -> 60 (database)
  monitoring_role_arn: none -> "<aws_iam_role.atomic-calendar_database_monitoring.arn>" (database)
  performance_insights_kms_key_id: none -> "<aws_kms_key.data.arn>" (database)
  skip_final_snapshot: true -> false (database)
aws_efs_backup_policy
  backup_policy.status: "DISABLED" -> "ENABLED" (files_backup)
aws_efs_file_system
  kms_key_id: none -> "<aws_kms_key.data.arn>" (files)
  lifecycle: none -> {"prevent_destroy":true} (files)
aws_iam_role
  is new (database_monitoring)
aws_iam_role_policy
  policy.Statement.UseKey: none -> {"Sid":"UseKey","Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDa… (8 of 20: *_task_execution_role_policy)
  is new (database_monitoring_policy)
aws_kms_alias
  is new (data_alias)
aws_kms_key
  is new (data)
aws_lb
  enable_deletion_protection: false -> true (balancer)
aws_s3_bucket
  force_destroy: true -> false (all 2)
aws_secretsmanager_secret
  kms_key_id: none -> "<aws_kms_key.data.arn>" (all 13)
  recovery_window_in_days: 0 -> 30 (all 13)
terraform_data
  is new (database_last_snapshot)
`;

const fromDevToStage = `
aws_db_instance
  backup_retention_period: 1 -> 14 (database)
  multi_az: false -> true (database)
`;

describe("a stage's class alone, and no other setting,", () => {
  it("makes of stage a prod that keeps its data", () => {
    expect(`\n${stageDiff("stage", "prod")}\n`).toBe(fromStageToProd);
  });

  it("makes of a dev environment a stage that lives through the loss of a zone and can be restored", () => {
    expect(`\n${stageDiff("dev", "stage")}\n`).toBe(fromDevToStage);
  });

  it("changes nothing between two environments of one class", () => {
    expect(stageDiff("dev", "preview")).toBe("");
  });
});
