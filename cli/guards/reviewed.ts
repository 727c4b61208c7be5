import { readFileSync } from "node:fs";
import { LandfallError, UsageError } from "../../environments/errors";
import type { AttributeChange, OutputChange, Review, ReviewedChange, Shown } from "../review/model";
import { fewOf } from "../review/text";
import { oneLine } from "./one-line";

/** So many differences are named. */
const MOST_NAMED = 20;
/** Letters of a value that is told. */
const MOST_LETTERS = 80;

/**
 * Reads what `plan --format json` has written.
 * @throws {UsageError} where the file is not there, is no review, or is one of another stack or version
 */
export function readReview(file: string, stack: string): Review {
  const mend = `Make it: ./landfall plan ${stack} --format json > FILE`;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const what = missing ? `There is no review ${file}.` : `${file} is no review: it cannot be read as JSON.`;
    throw new UsageError(what, { mend });
  }
  if (!isLikeReview(content)) throw new UsageError(`${file} is no review.`, { mend });
  if (content.version !== 1) {
    throw new UsageError(
      `${file} is a review of version ${oneLine(String(content.version))}; this Landfall reads version 1.`,
      { mend: "Plan again with this Landfall, and have that reviewed." },
    );
  }
  if (!isReview(content)) throw new UsageError(`${file} is no review, or not a whole one.`, { mend });
  if (content.stack !== stack)
    throw new UsageError(`${file} is a review of ${oneLine(content.stack)}, not of ${stack}.`, { mend });
  return content;
}

const isLikeReview = (value: unknown): value is { readonly version: unknown } =>
  typeof value === "object" && value !== null && "version" in value && "fingerprint" in value;

function isReview(value: object): value is Review {
  const { stack, fingerprint, changes, outputs } = value as Partial<Record<keyof Review, unknown>>;
  return (
    typeof stack === "string" &&
    typeof fingerprint === "string" &&
    fingerprint !== "" &&
    Array.isArray(changes) &&
    changes.every(
      (change: unknown) =>
        typeof (change as ReviewedChange | null)?.address === "string" &&
        Array.isArray((change as ReviewedChange).attributes),
    ) &&
    Array.isArray(outputs)
  );
}

/** @throws {LandfallError} naming what differs, where a plan would not do what was reviewed */
export function requireReviewed(reviewed: Review, planned: Review): void {
  if (reviewed.fingerprint === planned.fingerprint) return;
  const told = differencesOf(reviewed, planned);
  const rest = told.length - MOST_NAMED;
  const lines =
    told.length > 0
      ? told.slice(0, MOST_NAMED)
      : [
          "what differs is not shown: a secret, what AWS has named anew, or what is known only after the apply",
        ];
  throw new LandfallError(
    [
      `The plan of ${planned.stack} is no longer what was reviewed; nothing was applied.`,
      ...lines.map((line) => oneLine(`  ${line}`)),
      ...(rest > 0 ? [`  and ${rest} more`] : []),
    ].join("\n"),
    {
      mend: [
        "Something else was applied, somebody changed AWS, or the code or the settings are others than those reviewed.",
        `Plan again and have it reviewed: ./landfall plan ${planned.stack} --format json > FILE`,
      ].join("\n"),
    },
  );
}

/** What a plan would do otherwise than was reviewed; by address, with names and values as they are. */
export function differencesOf(reviewed: Review, planned: Review): string[] {
  const changes = pairs(reviewed.changes, planned.changes, ({ address }) => address);
  const outputs = pairs(reviewed.outputs, planned.outputs, ({ name }) => `output ${name}`);
  return [...changes.flatMap(resourceDifference), ...outputs.flatMap(outputDifference)];
}

interface Pair<T> {
  readonly key: string;
  readonly had?: T;
  readonly has?: T;
}

function pairs<T>(before: readonly T[], after: readonly T[], keyOf: (one: T) => string): Pair<T>[] {
  const [had, has] = [before, after].map((list) => new Map(list.map((one) => [keyOf(one), one])));
  const keys = new Set([...(had?.keys() ?? []), ...(has?.keys() ?? [])]);
  return [...keys].sort().map((key) => ({ key, had: had?.get(key), has: has?.get(key) }));
}

function resourceDifference({ key, had, has }: Pair<ReviewedChange>): string[] {
  if (!had) return has ? [`${key}: ${has.action} was not reviewed`] : [];
  if (!has) return [`${key}: ${had.action} was reviewed, and is no longer to do`];
  if (had.action !== has.action) return [`${key}: ${had.action} was reviewed, and it is ${has.action} now`];
  const name = ({ path }: AttributeChange) => path.join(".");
  return pairs(had.attributes, has.attributes, name).flatMap((pair) => attributeDifference(key, pair));
}

function attributeDifference(address: string, { key, had, has }: Pair<AttributeChange>): string[] {
  if (saying(had) === saying(has)) return [];
  const place = `${address}: ${key}`;
  if (!had && has) return [`${place}: ${arrow(has)} was not reviewed`];
  if (!has && had) return [`${place}: ${arrow(had)} was reviewed, and is no longer to do`];
  return had && has ? [`${place}: ${arrow(had)} was reviewed, and it is ${arrow(has)} now`] : [];
}

function outputDifference({ key, had, has }: Pair<OutputChange>): string[] {
  if (saying(had) === saying(has)) return [];
  if (!had || !has) return [`${key}: ${had ? "was reviewed, and no longer changes" : "was not reviewed"}`];
  return [`${key}: ${arrow(had)} was reviewed, and it is ${arrow(has)} now`];
}

/** As text, without what something unknown was before: the fingerprint does not have that either. */
const saying = (change: AttributeChange | OutputChange | undefined): string =>
  JSON.stringify(change?.after.kind === "unknown" ? { ...change, before: {} } : change);

const arrow = ({ before, after }: { readonly before: Shown; readonly after: Shown }): string =>
  `${inWords(before)} → ${inWords(after)}`;

function inWords(value: Shown): string {
  if (value.kind === "unknown" && value.from) return `(unknown, from ${fewOf(value.from)})`;
  if (value.kind !== "value") return value.kind === "absent" ? "nothing" : `(${value.kind})`;
  return value.text.length > MOST_LETTERS ? `${value.text.slice(0, MOST_LETTERS)}…` : value.text;
}
