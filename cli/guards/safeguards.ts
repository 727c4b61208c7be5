import type { PlanDocument } from "../plan-document";
import { bucketGoesToo } from "./buckets";
import { blocks, changesOf, isUnknown, text, type Attributes, type Changed } from "./changes";
import type { Finding } from "./rules";

/** Attributes that are true where data is encrypted. */
const encrypts = [
  "at_rest_encryption_enabled",
  "encrypted",
  "kms_encryption",
  "sqs_managed_sse_enabled",
  "storage_encrypted",
  "transit_encryption_enabled",
];
/** Attributes that name the key of what is encrypted. */
const keys = ["kms_key_arn", "kms_key_id", "kms_master_key_id"];
/** Attributes that are true where something is not destroyed by mistake. */
const protects = [
  "deletion_protection",
  "deletion_protection_enabled",
  "disable_api_stop",
  "disable_api_termination",
  "enable_deletion_protection",
];
/** Attributes that are true where it is destroyed all the more. */
const exposes = ["force_delete", "force_destroy", "skip_final_snapshot"];

const say = (changed: Changed, whats: readonly (string | undefined | false)[]): Finding[] =>
  whats.flatMap((what) => (what ? [{ address: changed.address, what }] : []));

/** What is no longer encrypted, or by a lesser key. */
export const encryptionRemoved = (document: PlanDocument): Finding[] =>
  changesOf(document)
    .filter(({ existed }) => existed)
    .flatMap((changed) => {
      const { type, before, after, stays } = changed;
      if (!stays)
        return type === "aws_s3_bucket_server_side_encryption_configuration" &&
          !bucketGoesToo(document, changed)
          ? say(changed, ["The bucket would no longer say how it is encrypted."])
          : [];
      return say(changed, [
        ...turned(changed, encrypts, true).map((name) => `${name} would no longer be true.`),
        ...keys
          .filter((name) => text(before[name]) && !text(after[name]) && !isUnknown(changed, name))
          .map((name) => `${name} would be gone: the key ${text(before[name])} is used no longer.`),
        ...disks
          .filter((name) => fewerEncrypted(before[name], after[name]))
          .map((name) => `${name} would not be encrypted.`),
        isEnabled(before.server_side_encryption) &&
          !isUnknown(changed, "server_side_encryption") &&
          !isEnabled(after.server_side_encryption) &&
          "server_side_encryption would be off.",
        bucketKind(before) === "aws:kms" &&
          bucketKind(after) === "AES256" &&
          "The bucket would be encrypted with S3's own key instead of KMS's.",
        ["HTTPS", "TLS"].includes(text(before.protocol) ?? "") &&
          ["HTTP", "TCP"].includes(text(after.protocol) ?? "") &&
          `${text(before.protocol)} would become ${text(after.protocol)}.`,
        forcesTls(before) &&
          !forcesTls(after) &&
          !isUnknown(changed, "parameter") &&
          "The database would take connections without TLS.",
      ]);
    });

const disks = ["root_block_device", "ebs_block_device"];
const fewerEncrypted = (before: unknown, after: unknown): boolean =>
  blocks(before).some(({ encrypted }) => encrypted === true) &&
  blocks(after).some(({ encrypted }) => encrypted === false);

const isEnabled = (value: unknown): boolean => blocks(value).some(({ enabled }) => enabled === true);

const bucketKind = ({ rule }: Attributes): string | undefined =>
  blocks(rule)
    .flatMap((one) => blocks(one.apply_server_side_encryption_by_default))
    .map(({ sse_algorithm: kind }) => text(kind))[0];

const forcesTls = ({ parameter }: Attributes): boolean =>
  blocks(parameter).some(({ name, value }) => name === "rds.force_ssl" && value === "1");

/** Attributes that had a value and get another, which is known. */
const turned = (changed: Changed, names: readonly string[], from: boolean): string[] =>
  names.filter(
    (name) =>
      !isUnknown(changed, name) &&
      (from
        ? changed.before[name] === true && changed.after[name] !== true
        : changed.before[name] === false && changed.after[name] === true),
  );

/** What AWS or Terraform no longer refuses to destroy, or can no longer bring back. */
export const protectionRemoved = (document: PlanDocument): Finding[] => [
  ...outputTurnedOff(document),
  ...changesOf(document)
    .filter(({ existed }) => existed)
    .flatMap((changed) => {
      const { type, before, after, stays } = changed;
      if (!stays)
        return type === "aws_s3_bucket_versioning" && !bucketGoesToo(document, changed)
          ? say(changed, ["The bucket would no longer say that it keeps versions."])
          : [];
      const [had, has] = [before, after].map(({ backup_retention_period: days }) => days);
      return say(changed, [
        ...turned(changed, protects, true).map((name) => `${name} would no longer be true.`),
        ...turned(changed, exposes, false).map((name) => `${name} would be true.`),
        typeof had === "number" &&
          typeof has === "number" &&
          has < had &&
          `Backups would be kept for ${has} days instead of ${had}.`,
        isEnabled(before.point_in_time_recovery) &&
          !isEnabled(after.point_in_time_recovery) &&
          "Point-in-time recovery would be off.",
        versioning(before) === "Enabled" &&
          versioning(after) === "Suspended" &&
          "The bucket would keep no more versions.",
      ]);
    }),
];

const versioning = ({ versioning_configuration: value }: Attributes): string | undefined =>
  blocks(value).map(({ status }) => text(status))[0];

function outputTurnedOff({ output_changes: outputs = {} }: PlanDocument): Finding[] {
  const { before, after } = outputs.deletion_protection ?? {};
  return before === true && after === false
    ? [{ address: "output.deletion_protection", what: "The next plan may lose the environment's data." }]
    : [];
}

/** Logs that are gone, or sooner. */
export const logsLost = (document: PlanDocument): Finding[] =>
  changesOf(document)
    .filter(({ existed }) => existed)
    .flatMap((changed) => {
      const { type, before, after, destroyed, replaced } = changed;
      const gone = destroyed || replaced;
      if (type === "aws_cloudwatch_log_group")
        return say(changed, [
          gone && before.skip_destroy !== true && "All logs in it would be lost.",
          !gone &&
            isShorter(before.retention_in_days, after.retention_in_days) &&
            `Logs would be kept for ${String(after.retention_in_days)} days instead of ${daysOf(before.retention_in_days)}.`,
        ]);
      if (type === "aws_s3_bucket_logging" && destroyed && !bucketGoesToo(document, changed))
        return say(changed, ["Access to the bucket would no longer be logged."]);
      const ends: Readonly<Record<string, string>> = {
        aws_cloudtrail: "Calls to AWS would no longer be logged.",
        aws_flow_log: "The network's traffic would no longer be logged.",
        aws_wafv2_web_acl_logging_configuration: "What the web ACL blocks would no longer be logged.",
      };
      return destroyed ? say(changed, [ends[type]]) : [];
    });

/** AWS's 0 is for ever. */
const isShorter = (had: unknown, has: unknown): boolean =>
  typeof has === "number" &&
  has !== 0 &&
  (had === 0 || had === null || (typeof had === "number" && has < had));
const daysOf = (days: unknown): string => (typeof days === "number" && days > 0 ? String(days) : "for ever");
