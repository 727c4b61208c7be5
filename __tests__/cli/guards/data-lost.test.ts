import { guardData } from "../../../cli/guards/data-lost";
import type { PlanDocument, ResourceChange } from "../../../cli/plan-document";
import { LandfallError } from "../../../environments/errors";

let said = "";
beforeEach(() => {
  said = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
});
afterEach(() => jest.restoreAllMocks());

/** A change of `aws_type.name`, as a plan's JSON has it. */
const change = (
  address: string,
  actions: string,
  { reason, paths, id }: { reason?: string; paths?: (string | number)[][]; id?: string } = {},
): ResourceChange => ({
  address,
  mode: "managed",
  type: address.split(".")[0] ?? "",
  action_reason: reason,
  change: {
    actions: actions.split(","),
    before: id === undefined ? null : { id },
    replace_paths: paths,
  },
});
const plan = (changes: ResourceChange[], protection?: PlanDocument["output_changes"]): PlanDocument => ({
  resource_changes: changes,
  output_changes: protection,
  configuration: { provider_config: { aws: { expressions: {} } } },
});

const prod = { name: "prod", deletionProtection: true };
const stage = { name: "stage", deletionProtection: false };
const table = change("aws_dynamodb_table.tokens", "delete", { reason: "delete_because_no_resource_config" });

/** The error, or undefined where the plan may be applied. */
function refusal(...args: Parameters<typeof guardData>): LandfallError | undefined {
  try {
    guardData(...args);
  } catch (error) {
    if (error instanceof LandfallError) return error;
    throw error;
  }
  return undefined;
}

describe("where data is kept", () => {
  it.each([
    "aws_db_instance",
    "aws_dynamodb_table",
    "aws_ebs_volume",
    "aws_ecr_repository",
    "aws_efs_file_system",
    "aws_instance",
    "aws_kms_key",
    "aws_rds_cluster",
    "aws_s3_bucket",
    "aws_secretsmanager_secret",
  ])("no %s is destroyed", (type) => {
    expect(refusal(prod, plan([change(`${type}.one`, "delete")]))?.message).toMatch(
      new RegExp(`^  ${type}\\.one would be destroyed: .+ would be lost\\.$`, "m"),
    );
  });

  it("a refusal is exit code 1, names what is lost and nothing else, and says what to do", () => {
    const error = refusal(
      prod,
      plan([
        table,
        change("aws_security_group.a", "delete"),
        change("aws_db_instance.db", "delete,create", {
          reason: "replace_because_cannot_update",
          paths: [["engine"], ["restore_to_point_in_time", 0, "source"]],
        }),
        change("aws_s3_bucket.data", "update"),
      ]),
    );
    expect(error?.exitCode).toBe(1);
    expect(error?.message.split("\n")).toEqual([
      "This plan loses data that prod keeps; nothing was applied.",
      "  aws_dynamodb_table.tokens would be destroyed: all items in it would be lost.",
      "  aws_db_instance.db would be replaced because of engine, restore_to_point_in_time.0.source: the database would be lost.",
    ]);
    expect(error?.mend).toContain("put environments/prod.env back as it was");
    expect(error?.mend).toMatch(/TF_VAR_deletion_protection="false", run \.\/landfall apply prod,/);
  });

  it.each([
    ["delete,create", "replace_because_tainted", /because it was not made whole \(terraform untaint .*\):/],
    ["create,delete", "replace_by_request", /because -replace asks for it:/],
    ["delete,create", "replace_by_triggers", /because of a change to what it is made from:/],
    ["delete,create", undefined, /replaced: all that is on it would be lost/],
  ])("a replacement by %s is one, with its reason: %s", (actions, reason, words) => {
    const changes = [change("aws_ebs_volume.disk", actions, { reason })];
    expect(refusal(prod, plan(changes))?.message).toMatch(words);
  });

  it.each(["create", "update", "no-op", "read"])("%s loses nothing", (actions) => {
    expect(refusal(prod, plan([change("aws_efs_file_system.files", actions)]))).toBeUndefined();
    expect(said).toBe("");
  });

  it("nor does another address, nor a data source that is gone", () => {
    const moved = { ...change("aws_db_instance.new", "no-op"), previous_address: "aws_db_instance.old" };
    const looked = { ...change("data.aws_kms_key.a", "delete"), type: "aws_kms_key", mode: "data" as const };
    expect(refusal(prod, plan([moved, looked]))).toBeUndefined();
    expect(refusal(prod, { configuration: plan([]).configuration })).toBeUndefined();
  });

  it("shared says what can be done there", () => {
    const error = refusal({ ...prod, name: "shared" }, plan([change("aws_ecr_repository.a", "delete")]));
    expect(error?.mend).toMatch(/delete it in AWS yourself, then apply again/);
    expect(error?.mend).not.toContain("deletion_protection");
  });
});

describe("where data is not kept", () => {
  it("it may go", () => {
    const off = { deletion_protection: { actions: ["update"], before: false, after: false } };
    expect(refusal(stage, plan([table], off))).toBeUndefined();
    expect(refusal(stage, plan([table]))).toBeUndefined(); // deployed before there was such an output
  });

  it("it may not go in the plan that takes the protection away", () => {
    const off = { deletion_protection: { actions: ["update"], before: true, after: false } };
    expect(refusal(stage, plan([table], off))?.message).toContain("aws_dynamodb_table.tokens");
    expect(refusal(stage, plan([], off))).toBeUndefined();
  });

  it("it may not go by a plan with -target either, which says nothing of outputs", () => {
    const targeted = (value: boolean) => ({
      ...plan([table]),
      prior_state: { values: { outputs: { deletion_protection: { value, sensitive: false } } } },
    });
    expect(refusal(stage, targeted(true))?.message).toContain("aws_dynamodb_table.tokens would be destroyed");
    expect(refusal(stage, targeted(false))).toBeUndefined();
  });

  it("it may not go by a plan that was made while it was to be kept", () => {
    const on = { deletion_protection: { actions: ["update"], before: false, after: true } };
    expect(refusal(stage, plan([table], on))?.message).toContain("aws_dynamodb_table.tokens");
  });
});

describe("what leaves the state and stays in AWS", () => {
  const files = change("aws_efs_file_system.viewer-atlas_files", "forget", { id: "fs-1" });

  it("is told with what its return takes, and is no refusal", () => {
    const policy = change("aws_efs_backup_policy.viewer-atlas_files_backup", "forget", { id: "fs-1" });
    expect(refusal(prod, plan([files, policy]))).toBeUndefined();
    expect(said).toMatch(/^Warning: data of prod leaves .* stays in AWS/);
    expect(said).toContain("aws_efs_file_system.viewer-atlas_files (fs-1), with all files in it.");
    expect(said).toContain(
      "./landfall plan prod && terraform -chdir=cdktf.out/stacks/prod import aws_efs_file_system.viewer-atlas_files fs-1 && ./landfall apply prod",
    );
    expect(said).not.toContain("backup_policy");
  });

  it("does not hide what is lost", () => {
    expect(refusal(prod, plan([files, table]))?.message).not.toContain("aws_efs_file_system");
    expect(said).toBe("");
  });
});
