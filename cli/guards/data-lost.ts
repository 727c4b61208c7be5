import type { SynthesizedStack } from "../../environments/app";
import { protectionOutput } from "../../environments/environment-stack";
import { LandfallError } from "../../environments/errors";
import { progress } from "../output";
import type { PlanDocument, ResourceChange } from "../plan-document";
import { oneLine, shellWord } from "./one-line";

/**
 * What is gone for good with a resource of each type. Logs are not here: they expire anyway. Nor is what one command
 * makes anew, such as a pointer to a release.
 */
export const dataHolders: Readonly<Record<string, string>> = {
  aws_db_instance: "the database",
  aws_dynamodb_table: "all items in it",
  aws_ebs_volume: "all that is on it",
  aws_ecr_repository: "all images in it",
  aws_efs_file_system: "all files in it",
  aws_instance: "the host, and all that is on its disk",
  aws_kms_key: "the key, and all data that it encrypts",
  aws_msk_serverless_cluster: "all topics in it",
  aws_rds_cluster: "the database",
  aws_s3_bucket: "all objects in it",
  aws_secretsmanager_secret: "its value",
};

/** Why a replacement is one, where no attribute of its own is the reason. */
const replaceReasons: Readonly<Record<string, string>> = {
  replace_because_tainted: "it was not made whole (terraform untaint keeps it as it is)",
  replace_by_request: "-replace asks for it",
  replace_by_triggers: "of a change to what it is made from",
};

type Guarded = Pick<SynthesizedStack, "name" | "deletionProtection">;

/**
 * Refuses a plan that loses data of a stack that keeps it, and tells which data leaves the state and stays in AWS. The
 * other rules do not matter to the end of a stack.
 * @throws {LandfallError} naming each resource, what would become of it, and what to do
 */
export function guardData(stack: Guarded, document: PlanDocument): void {
  const refusal = dataRefusal(stack, document);
  if (refusal) throw refusal;
  tellForgottenData(stack, document);
}

const heldData = (
  { resource_changes: changes = [] }: PlanDocument,
  action: "delete" | "forget",
): ResourceChange[] =>
  changes.filter(
    ({ mode, type, change }) =>
      mode === "managed" && Object.hasOwn(dataHolders, type) && change.actions.includes(action),
  );

/** Data that a plan destroys. */
export const lostData = (document: PlanDocument): { address: string; what: string }[] =>
  heldData(document, "delete").map((resource) => ({
    address: resource.address,
    what: `It would be ${fateOf(resource)}.`,
  }));

/** Data that leaves the state and stays in AWS. */
export const forgottenData = (document: PlanDocument): { address: string; what: string }[] =>
  heldData(document, "forget").map(({ address, type }) => ({
    address,
    what: `It would stay in AWS with ${dataHolders[type]}, and go on to cost.`,
  }));

/** Tells which data leaves the state and stays in AWS, and how to take it back. */
export function tellForgottenData({ name }: Guarded, document: PlanDocument): void {
  const held = heldData(document, "forget");
  if (held.length > 0) progress(tellForgotten(name, held));
}

/** Why a plan is not applied, where it loses data of a stack that keeps it. */
export function dataRefusal(stack: Guarded, document: PlanDocument): LandfallError | undefined {
  const lost = keepsData(stack, document) ? heldData(document, "delete") : [];
  if (lost.length === 0) return undefined;
  return new LandfallError(
    [`This plan loses data that ${stack.name} keeps; nothing was applied.`, ...lost.map(tellLoss)].join("\n"),
    { mend: mendOfLoss(stack.name) },
  );
}

/**
 * Whoever takes the protection away does that alone, and loses data by a second plan only. With -target a plan tells
 * no outputs, but the state that it was made from.
 */
export function keepsData(
  { deletionProtection }: Pick<Guarded, "deletionProtection">,
  document: PlanDocument,
): boolean {
  const { before, after } = document.output_changes?.[protectionOutput] ?? {};
  return deletionProtection || [before, after, priorOutput(document, protectionOutput)].includes(true);
}

/** The parts of a plan that tell what was there before it. */
interface Prior {
  readonly prior_state?: {
    readonly values?: { readonly outputs?: Readonly<Record<string, { readonly value?: unknown }>> };
  };
}

const priorOutput = (document: PlanDocument, name: string): unknown =>
  (document as Prior).prior_state?.values?.outputs?.[name]?.value;

const tellLoss = (resource: ResourceChange): string =>
  oneLine(`  ${resource.address} would be ${fateOf(resource)}.`);

function fateOf({ type, action_reason: reason = "", change }: ResourceChange): string {
  const why = change.replace_paths?.map((path) => path.join(".")).join(", ") || undefined;
  const because = why ? `of ${why}` : replaceReasons[reason];
  const what = change.actions.includes("create")
    ? `replaced${because ? ` because ${because}` : ""}`
    : "destroyed";
  return `${what}: ${dataHolders[type]} would be lost`;
}

/** What to do where data would be lost. */
export function mendOfLoss(name: string): string {
  if (name === "shared")
    return "To keep it, put the shared settings back as they were. If it is meant, delete it in AWS yourself, then apply again.";
  const file = `environments/${name}.env`;
  return [
    `To keep it, put ${file} back as it was.`,
    `If it is meant: with the file as it was, add TF_VAR_deletion_protection="false", run ./landfall apply ${name}, and do this again then.`,
  ].join("\n");
}

function tellForgotten(name: string, forgotten: readonly ResourceChange[]): string {
  const lines = forgotten.flatMap(({ address, type, change }) => {
    const id = String(change.before?.id);
    const words = [address, id].map(shellWord).join(" ");
    return [
      `  ${address} (${id}), with ${dataHolders[type]}. To have it back, put environments/${name}.env back as it was, then:`,
      `    ./landfall plan ${name} && terraform -chdir=cdktf.out/stacks/${name} import ${words} && ./landfall apply ${name}`,
    ].map(oneLine);
  });
  return [
    `Warning: data of ${name} leaves Landfall's hands. It stays in AWS, and goes on to cost:`,
    ...lines,
  ].join("\n");
}
