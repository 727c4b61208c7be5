import { keptWithoutConfiguration } from "../../environments/environment-stack";
import { environmentEnv, resources, sharedEnv, synthesizeOnce } from "../support/stacks";

const all = keptWithoutConfiguration.map((address) => address.join("."));
const of = (system: string) => all.filter((address) => address.includes(`.${system}_`));
const addresses = of("viewer-atlas");

function synthesized(inputs: Record<string, string>) {
  const { stacks, json } = synthesizeOnce(
    {
      "shared.env": {
        ...sharedEnv,
        TF_VAR_image_repositories: "viewer-atlas,atomic-calendar",
        TF_VAR_nat_gateways: "single",
      },
      "prod.env": { ...environmentEnv("prod"), TF_VAR_systems: "viewer-atlas", ...inputs },
    },
    ["prod"],
  );
  return { stack: stacks.get("prod"), json: json("prod") };
}
/** Addresses that leave the state and stay in AWS. */
const removed = (inputs: Record<string, string>): string[] =>
  ((synthesized(inputs).json.removed ?? []) as { from: string; lifecycle: object }[]).map((block) => {
    expect(block.lifecycle).toEqual({ destroy: false });
    return block.from;
  });
const withFiles = {
  TF_VAR_systems: "viewer-atlas,atomic-calendar",
  TF_VAR_atomic_calendar_domain: "app.example.com",
  TF_VAR_viewer_atlas_file_system: "new",
};
const withoutFiles = { ...withFiles, TF_VAR_viewer_atlas_file_system: "" };

describe("an environment that keeps its data", () => {
  it("lets go of a file system that its file no longer asks for, and leaves it in AWS", () => {
    expect(removed(withoutFiles)).toEqual(addresses);
    expect(addresses).toContain("aws_efs_file_system.viewer-atlas_files");
    expect(addresses).toContain("aws_efs_backup_policy.viewer-atlas_files_backup"); // its backups go on
  });

  it("does so too where another takes its place, or the whole system is gone", () => {
    const another = { ...withFiles, TF_VAR_viewer_atlas_file_system: "fs-0123456789abcdef0" };
    expect(removed(another)).toEqual(addresses);
    expect(removed({ TF_VAR_systems: "chronos" })).toEqual(all);
    const alone = { TF_VAR_systems: "viewer-atlas", TF_VAR_viewer_atlas_file_system: "new" };
    expect(removed(alone)).toEqual(of("atomic-calendar"));
  });

  it("lets go of nothing that its file asks for", () => {
    expect(removed(withFiles)).toEqual([]);
    expect(synthesized(withFiles).json).not.toHaveProperty("removed");
  });

  it.each(["dev", "staging"])("does so in the class %s where protection is asked for", (stageClass) => {
    const inputs = {
      ...withoutFiles,
      TF_VAR_stage_class: stageClass,
      TF_VAR_deletion_protection: "true",
    };
    expect(removed(inputs)).toEqual(addresses);
    expect(synthesized(inputs).stack?.deletionProtection).toBe(true);
  });

  it("names each address that is really made, and every file system", () => {
    const { json } = synthesized(withFiles);
    for (const [type, name] of keptWithoutConfiguration)
      expect(Object.keys(resources(json, type))).toContain(name);
    for (const name of Object.keys(resources(json, "aws_efs_file_system")))
      expect(all).toContain(`aws_efs_file_system.${name}`);
  });

  it("says so in its state", () => {
    expect(synthesized({}).json.output.deletion_protection.value).toBe(true);
  });
});

describe("an environment that does not", () => {
  it.each([
    ["by its class", { TF_VAR_stage_class: "dev" }],
    ["by its own input", { TF_VAR_deletion_protection: "false" }],
  ])("destroys what its file no longer asks for: %s", (_, inputs) => {
    expect(removed(inputs)).toEqual([]);
    const { stack, json } = synthesized(inputs);
    expect(stack?.deletionProtection).toBe(false);
    expect(json.output.deletion_protection.value).toBe(false);
  });
});
