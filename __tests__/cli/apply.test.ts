import { Command } from "commander";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LockHolder } from "../../backend/lock-holder";
import { LandfallError, UsageError } from "../../environments/errors";
import { awaitMacroAi } from "../../cli/release/macro-ai";
import { awaitServices } from "../../cli/rollout";
import type { PlanDocument } from "../../cli/plan-document";
import { reviewOf } from "../../cli/review/review";
import { TerraformError, type Terraform } from "../../cli/terraform";
import { apply, applyPlan, finishApply, register } from "../../cli/verbs/apply";
import { configureAfterApply } from "../../cli/verbs/configure";
import { destroy } from "../../cli/verbs/destroy";
import { updateXScheduler } from "../../cli/verbs/release";
import { explainLock, openTerraform, openWorkspace, type Workspace } from "../../cli/workspace";
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
    jest.mocked(openWorkspace).mockClear();
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

  it("is looked for in each plan that does something", async () => {
    deployed(false, []);
    await apply("prod", { environment: {}, yes: true });
    expect(read).toHaveBeenCalledTimes(1);
    deployed(true, []);
    await expect(apply("prod", { environment: {}, yes: true })).rejects.toThrow("aws_kms_key.data would be");
  });

  it("is not applied by a permission either", async () => {
    deployed(true);
    const allow = ["data-lost"];
    await expect(apply("prod", { environment: {}, yes: true, allow })).rejects.toThrow(
      "--allow does not take",
    );
    expect(openWorkspace).not.toHaveBeenCalled();
  });

  it("is one of the risks that stop an apply, of which most may be taken for one run", async () => {
    deployed(false);
    const opening = {
      address: "aws_vpc_security_group_ingress_rule.ssh",
      mode: "managed",
      type: "aws_vpc_security_group_ingress_rule",
      change: {
        actions: ["create"],
        before: null,
        after: { ip_protocol: "tcp", from_port: 22, to_port: 22, cidr_ipv4: "0.0.0.0/0" },
      },
    } as const;
    read.mockResolvedValue({ ...document, resource_changes: [opening] });
    const applying = (...allow: string[]) => apply("prod", { environment: {}, yes: true, allow });
    try {
      await expect(applying()).rejects.toThrow(`${opening.address}: The world (0.0.0.0/0) could reach`);
      await expect(applying("public-bucket")).rejects.toThrow(opening.address);
      expect(applied).not.toHaveBeenCalled();
      await applying(`security-group-open-to-world:${opening.address}`);
      expect(applied).toHaveBeenCalledTimes(1);
    } finally {
      read.mockResolvedValue(document);
    }
  });

  describe("and was reviewed", () => {
    const reviewOfDocument = () => reviewOf("prod", document, { risks: [] });
    function reviewFile(content: object): string {
      const file = join(temporaryFolder(), "review.json");
      writeFileSync(file, JSON.stringify(content));
      return file;
    }
    const applyReviewed = (reviewed: string) => apply("prod", { environment: {}, yes: true, reviewed });

    it("is applied where data is not kept", async () => {
      deployed(false);
      await applyReviewed(reviewFile(reviewOfDocument()));
      expect(applied).toHaveBeenCalledTimes(1);
    });

    it("is not applied by that where data is kept", async () => {
      deployed(true);
      await expect(applyReviewed(reviewFile(reviewOfDocument()))).rejects.toThrow(
        "aws_kms_key.data would be",
      );
      expect(applied).not.toHaveBeenCalled();
    });

    it("is not applied by the review of something else, nor asked about", async () => {
      deployed(false);
      const other = { ...reviewOfDocument(), fingerprint: "other" };
      await expect(applyReviewed(reviewFile(other))).rejects.toThrow("no longer what was reviewed");
      expect(applied).not.toHaveBeenCalled();
      expect(said).not.toContain("the plan");
    });

    it("is finished where another run has done it already", async () => {
      deployed(false);
      const terraform = await jest.mocked(openTerraform)({} as Workspace);
      const nothing = { changes: false, counts: { add: 0, change: 0, remove: 0 }, destroyed: [], file: "" };
      terraform.plan = () => Promise.resolve(nothing);
      terraform.showJson = () => Promise.resolve({ configuration: document.configuration });
      await applyReviewed(reviewFile(reviewOfDocument()));
      expect(applied).not.toHaveBeenCalled();
      expect(said).toContain("prod: no changes: what was reviewed is not to do any more");
      expect(configured).toHaveBeenCalledTimes(1);
    });

    it("is wrong usage before anything is opened where the file is no review of that stack", async () => {
      deployed(false);
      await expect(applyReviewed(reviewFile({ ...reviewOfDocument(), stack: "stage" }))).rejects.toThrow(
        UsageError,
      );
      await expect(applyReviewed(join(temporaryFolder(), "none.json"))).rejects.toThrow("There is no review");
      expect(openWorkspace).not.toHaveBeenCalled();
    });
  });
});

test.each<string[]>([
  ["--plan", "a", "--reviewed", "b"],
  ["--reviewed", "b", "--with-shared"],
  ["--plan", "a", "--with-shared"],
  ["--plan", "a", "--", "-refresh=false"],
])("%s %s and %s are wrong usage together", async (...flags) => {
  jest.mocked(openWorkspace).mockClear();
  const program = new Command().exitOverride();
  register(program);
  await expect(program.parseAsync(["apply", "prod", ...flags], { from: "user" })).rejects.toThrow(UsageError);
  expect(openWorkspace).not.toHaveBeenCalled();
});

test("another run that was first is told, also where the plan is this run's own", async () => {
  const diagnostics = [{ severity: "error", summary: "Saved plan is stale" }] as const;
  const stale = new TerraformError("terraform apply", diagnostics, "");
  const terraform = {
    show: () => Promise.resolve(""),
    apply: () => Promise.reject(stale),
  } as unknown as Terraform;
  const workspace = {
    stack: { name: "prod" },
    target: {},
    store: { read: () => Promise.resolve(undefined) },
  } as unknown as Workspace;
  await expect(applyPlan(workspace, terraform, { file: "", total: 0, yes: true })).rejects.toThrow(
    "prod has changed since this plan was made; nothing was applied.",
  );
});

describe("a lock that Terraform meets", () => {
  const detail =
    "Lock Info:\n  ID: 5f1c\n  Operation: OperationTypePlan\n  Who: ada@laptop\n  Created: 2026-11-21 08:00:00 +0000 UTC";
  const met = (told: string) =>
    new TerraformError(
      "terraform plan",
      [{ severity: "error", summary: "Error acquiring the state lock", detail: told }],
      "",
    );
  const explained = (holder: LockHolder | undefined, error: Error) =>
    explainLock(
      {
        stack: { name: "prod" },
        store: { lockHolder: () => Promise.resolve(holder) },
      } as unknown as Workspace,
      () => Promise.reject(error),
    );
  const holder = {
    ID: "1",
    Operation: "OperationTypeApply",
    Who: "bob@desk",
    Created: "2026-11-21T08:00:00Z",
  };

  it("is told with who has it now, or had it then", async () => {
    await expect(explained(holder, met(detail))).rejects.toThrow(
      /^The state of prod is locked: held by bob@desk for apply since \S+ \(.* ago\)\.$/,
    );
    await expect(explained(undefined, met(detail))).rejects.toThrow(
      /locked: held by ada@laptop for plan since \S+ \(.* ago\)/,
    );
  });

  it("is told as Terraform does where it is no lock of anybody's", async () => {
    await expect(explained(undefined, met("AccessDeniedException"))).rejects.toThrow("AccessDeniedException");
    await expect(explained(holder, new LandfallError("other"))).rejects.toThrow(/^other$/);
  });
});
