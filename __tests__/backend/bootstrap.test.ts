import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  adoptables,
  localStateFile,
  readLocalState,
  removeLocalState,
  toAdopt,
  useLocalState,
  useRemoteState,
} from "../../backend/bootstrap";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "landfall-bootstrap-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const existing = adoptables({ bucket: "agt-state", lockTable: "agt-locks" });
const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), "utf8"));

test("both buckets and the table can be there already; without a table only the buckets", () => {
  expect(existing.map(({ id }) => id)).toEqual(["agt-state", "agt-state-logs", "agt-locks"]);
  expect(adoptables({ bucket: "agt-state" }).map(({ id }) => id)).toEqual(["agt-state", "agt-state-logs"]);
});

test("adopts all that exists where the local state is lost, and what a half-done run had not noted", () => {
  expect(toAdopt(existing, undefined)).toEqual(existing);
  const half = {
    outputs: {},
    resources: [{ mode: "managed", type: "aws_s3_bucket", name: "state" }],
  } as const;
  expect(toAdopt(existing, half).map(({ name }) => name)).toEqual(["logs", "locks"]);
  expect(toAdopt([], undefined)).toEqual([]);
});

test("a local state that a killed run left half written counts as lost, and is put aside", () => {
  expect(readLocalState(folder)).toBeUndefined();
  const state = { outputs: {}, resources: [] };
  writeFileSync(localStateFile(folder), JSON.stringify(state));
  expect(readLocalState(folder)).toEqual(state);
  for (const half of ["", '{"version": 4, "resour']) {
    writeFileSync(localStateFile(folder), half);
    expect(readLocalState(folder)).toBeUndefined();
    expect(readdirSync(folder)).toEqual(["bootstrap.tfstate.damaged"]);
  }
});

test("the first apply has a local backend and imports what is adopted", () => {
  useLocalState(folder, existing.slice(0, 1));
  expect(read("backend_override.tf.json")).toEqual({
    terraform: { backend: { local: { path: "bootstrap.tfstate" } } },
  });
  expect(read("adopt.tf.json")).toEqual({ import: [{ to: "aws_s3_bucket.state", id: "agt-state" }] });
});

test("a later run forgets what an interrupted one wanted to adopt", () => {
  useLocalState(folder, existing);
  useLocalState(folder, []);
  expect(readdirSync(folder)).toEqual(["backend_override.tf.json"]);
});

test("afterwards the backend is the one of the JSON again, also when there is nothing to remove", () => {
  useLocalState(folder, existing);
  useRemoteState(folder);
  useRemoteState(folder);
  expect(readdirSync(folder)).toEqual([]);
});

test("the local state goes with its backup, and nothing else does", () => {
  for (const file of ["bootstrap.tfstate", "bootstrap.tfstate.backup", "cdk.tf.json"])
    writeFileSync(join(folder, file), "{}");
  expect(localStateFile(folder)).toBe(join(folder, "bootstrap.tfstate"));
  removeLocalState(folder);
  expect(readdirSync(folder)).toEqual(["cdk.tf.json"]);
});
