import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { State } from "./state-store";

/** A resource of the stack `state` that can be there before Terraform knows of it. */
export interface Adoptable {
  readonly type: "aws_s3_bucket" | "aws_dynamodb_table";
  readonly name: string;
  /** Name in AWS, which is its import id too. */
  readonly id: string;
}

/** Beside `cdk.tf.json` while the state is still local; Terraform merges `*_override` files over the rest. */
const overrideFile = "backend_override.tf.json";
const adoptionFile = "adopt.tf.json";
/** Relative to the stack's folder. */
const localState = "bootstrap.tfstate";

/** What the stack `state` makes that cannot be made twice. All its other resources are settings, and overwritten. */
export const adoptables = ({
  bucket,
  lockTable,
}: {
  readonly bucket: string;
  readonly lockTable?: string;
}): Adoptable[] => [
  { type: "aws_s3_bucket", name: "state", id: bucket },
  { type: "aws_s3_bucket", name: "logs", id: `${bucket}-logs` },
  ...(lockTable ? [{ type: "aws_dynamodb_table", name: "locks", id: lockTable } as const] : []),
];

/** Those of the existing resources that a state does not know. */
export const toAdopt = (existing: readonly Adoptable[], state: State | undefined): Adoptable[] =>
  existing.filter(
    ({ type, name }) => !state?.resources.some((known) => known.type === type && known.name === name),
  );

/** Makes the backend local for a while. */
export function useLocalState(directory: string, adopt: readonly Adoptable[]): void {
  useRemoteState(directory);
  writeJson(join(directory, overrideFile), { terraform: { backend: { local: { path: localState } } } });
  if (adopt.length > 0) {
    writeJson(join(directory, adoptionFile), {
      import: adopt.map(({ type, name, id }) => ({ to: `${type}.${name}`, id })),
    });
  }
}

/** Makes the backend the one that `cdk.tf.json` names. */
export function useRemoteState(directory: string): void {
  for (const file of [overrideFile, adoptionFile]) rmSync(join(directory, file), { force: true });
}

export const localStateFile = (directory: string): string => join(directory, localState);

/**
 * The local state; undefined where there is none. One that a killed run left half written is put aside, as if it were
 * lost.
 */
export function readLocalState(directory: string): State | undefined {
  const file = localStateFile(directory);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as State;
  } catch {
    renameSync(file, `${file}.damaged`);
    return undefined;
  }
}

/** Once the state is in the bucket: removes the local one, and its backup. */
export function removeLocalState(directory: string): void {
  for (const file of [localState, `${localState}.backup`, `${localState}.damaged`])
    rmSync(join(directory, file), { force: true });
}

const writeJson = (file: string, value: unknown): void =>
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
