import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LandfallError } from "../../environments/errors";
import { awaitMacroAi } from "../../cli/release/macro-ai";
import { awaitServices } from "../../cli/rollout";
import type { PlanDocument } from "../../cli/plan-document";
import type { Terraform } from "../../cli/terraform";
import { apply, finishApply } from "../../cli/verbs/apply";
import { configureAfterApply } from "../../cli/verbs/configure";
import { destroy } from "../../cli/verbs/destroy";
import { updateXScheduler } from "../../cli/verbs/release";
import { openTerraform, openWorkspace, type Workspace } from "../../cli/workspace";
import { temporaryFolder } from "../support/folders";

jest.mock("../../cli/release/macro-ai", () => ({ awaitMacroAi: jest.fn() }));
jest.mock("../../cli/rollout", () => ({ awaitServices: jest.fn() }));
jest.mock("../../cli/verbs/configure", () => ({
  checkBeforeApply: jest.fn(),
  configureAfterApply: jest.fn(),
}));
jest.mock("../../cli/verbs/release", () => ({ updateXScheduler: jest.fn() }));
jest.mock("../../cli/workspace", () => ({
  ...jest.requireActual<object>("../../cli/workspace"),
  openWorkspace: jest.fn(),
  openTerraform: jest.fn(),
}));

const all = {
  x_scheduler_instance_id: { value: "i-1" },
  macro_ai_release_parameter: { value: "/landfall/stage/macro-ai/release" },
  viewer_atlas_containers: { value: {} },
};
const finish = (outputs = {}) => finishApply("stage", { environment: {}, outputs });
const [configured, updated, awaited, served] = [
  jest.mocked(configureAfterApply),
  jest.mocked(updateXScheduler),
  jest.mocked(awaitMacroAi),
  jest.mocked(awaitServices),
];
let said = "";

beforeEach(() => {
  said = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
  for (const step of [configured, updated, awaited, served]) step.mockReset().mockResolvedValue(true);
});
afterEach(() => jest.restoreAllMocks());

test("an apply ends with the hosts and services of all systems", async () => {
  expect(await finish(all)).toBe(0);
  for (const step of [configured, updated, awaited, served]) expect(step).toHaveBeenCalledTimes(1);
});

test("it waits for nobody who is not there", async () => {
  expect(await finish()).toBe(0);
  expect(updated).not.toHaveBeenCalled();
  expect(awaited).not.toHaveBeenCalled();
  expect(served).not.toHaveBeenCalled();
});

test.each([
  ["chronos", configured, "./landfall configure stage"],
  ["x-scheduler", updated, "./landfall release stage x-scheduler"],
  ["macro-ai", awaited, "./landfall logs stage macro-ai --group user-data"],
  ["services", served, "Not all services run what was applied"],
])("what fails with %s is told with what to do, and stops no other", async (_, step, mend) => {
  step.mockResolvedValue(false);
  expect(await finish(all)).toBe(1);
  expect(said).toContain(mend);
  said = "";
  step.mockRejectedValue(new LandfallError("No way there.", { mend: "Open one." }));
  expect(await finish(all)).toBe(1);
  expect(said).toMatch(/^No way there\.\nOpen one\.\n/);
  expect(said).toContain(mend);
  for (const each of [configured, updated, awaited, served]) expect(each).toHaveBeenCalledTimes(2);
});

test("after the user's wish to stop nothing more begins", async () => {
  configured.mockRejectedValue(new LandfallError("Interrupted.", { mend: "Again.", exitCode: 130 }));
  expect(await finish(all)).toBe(130);
  expect(said).toBe("Interrupted.\nAgain.\n");
  expect(updated).not.toHaveBeenCalled();
});

describe("a plan that loses data", () => {
  const document: PlanDocument = {
    resource_changes: [
      { address: "aws_kms_key.data", mode: "managed", type: "aws_kms_key", change: { actions: ["delete"] } },
    ],
    configuration: {
      provider_config: {
        aws: {
          expressions: {
            default_tags: [{ tags: { constant_value: { Environment: "prod" } } }],
            allowed_account_ids: { constant_value: ["436957243186"] },
          },
        },
      },
    },
  };
  const applied = jest.fn(() => Promise.resolve());
  const read = jest.fn(() => Promise.resolve(document));

  /** An environment of which one resource in three would be destroyed. */
  function deployed(deletionProtection: boolean, destroyed = ["aws_kms_key.data"]): string {
    const directory = temporaryFolder();
    const resources = ["a", "b", "c"].map((name) => ({ mode: "managed", type: "aws_kms_key", name }));
    jest.mocked(openWorkspace).mockResolvedValue({
      stack: { name: "prod", stageClass: "prod", deletionProtection, accountIds: ["436957243186"] },
      target: {},
      store: { read: () => Promise.resolve({ resources, outputs: {} }) },
    } as unknown as Workspace);
    const counts = { add: 0, change: 1, remove: destroyed.length };
    jest.mocked(openTerraform).mockResolvedValue({
      directory,
      plan: ({ file }: { file: string }) => Promise.resolve({ file, changes: true, counts, destroyed }),
      showJson: read,
      show: () => Promise.resolve("the plan"),
      apply: applied,
    } as unknown as Terraform);
    return directory;
  }
  beforeEach(() => {
    applied.mockClear();
    read.mockClear();
  });

  it("is not applied where data is kept, and is not even shown", async () => {
    deployed(true);
    await expect(apply("prod", { environment: {}, yes: true })).rejects.toThrow("aws_kms_key.data would be");
    expect(applied).not.toHaveBeenCalled();
    expect(said).not.toContain("the plan");
    expect(read).toHaveBeenCalledTimes(1);
  });

  it("is not applied either where it was saved", async () => {
    const file = join(deployed(true), "saved.tfplan");
    writeFileSync(file, "");
    await expect(apply("prod", { environment: {}, yes: true, plan: file })).rejects.toThrow(
      "aws_kms_key.data would be",
    );
    expect(applied).not.toHaveBeenCalled();
    expect(read).toHaveBeenCalledTimes(1);
  });

  it("is not applied where it was made to be read", async () => {
    const file = join(deployed(false), "saved.tfplan");
    writeFileSync(file, "");
    for (const value of ["true", true]) {
      read.mockResolvedValueOnce({ ...document, variables: { review_only: { value } } });
      await expect(apply("prod", { environment: {}, yes: true, plan: file })).rejects.toThrow(
        "--review-only",
      );
    }
    expect(applied).not.toHaveBeenCalled();
    for (const value of ["false", false]) {
      read.mockResolvedValueOnce({ ...document, variables: { review_only: { value } } });
      await apply("prod", { environment: {}, yes: true, plan: file });
    }
    expect(applied).toHaveBeenCalledTimes(2);
  });

  it("is not applied either where it is the end of the environment", async () => {
    deployed(true);
    await expect(destroy("prod", { environment: {}, confirm: "prod" })).rejects.toThrow(
      "aws_kms_key.data would be",
    );
    expect(applied).not.toHaveBeenCalled();
    deployed(false);
    await destroy("prod", { environment: {}, confirm: "prod" });
    expect(applied).toHaveBeenCalledTimes(1);
  });

  it("is applied where data is not kept", async () => {
    deployed(false);
    await apply("prod", { environment: {}, yes: true });
    expect(applied).toHaveBeenCalledTimes(1);
  });

  it("is looked for where nothing is destroyed only if data is kept, for then some may leave the state", async () => {
    deployed(false, []);
    await apply("prod", { environment: {}, yes: true });
    expect(read).not.toHaveBeenCalled();
    deployed(true, []);
    await expect(apply("prod", { environment: {}, yes: true })).rejects.toThrow("aws_kms_key.data would be");
  });
});
