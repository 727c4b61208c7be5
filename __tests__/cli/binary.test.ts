import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binaryEnvironment, findBinary, type Binary } from "../../cli/binary";

let bin: string;
beforeEach(() => (bin = mkdtempSync(join(tmpdir(), "landfall-binary-"))));
afterEach(() => rmSync(bin, { recursive: true }));

function install(name: string, says: string): string {
  const file = join(bin, name);
  writeFileSync(file, `#!/bin/sh\n${says}\n`);
  chmodSync(file, 0o755);
  return file;
}
const find = (more: NodeJS.ProcessEnv = {}) => findBinary({ PATH: bin, ...more });

describe("the binary", () => {
  it("is terraform where both are installed", async () => {
    install("terraform", "echo Terraform v1.11.4");
    install("tofu", "echo OpenTofu v1.12.0");
    expect(await find()).toEqual({ name: "terraform", product: "Terraform", version: "1.11.4" });
  });

  it("is tofu where that alone is installed", async () => {
    install("tofu", "echo OpenTofu v1.12.0");
    expect(await find()).toEqual({ name: "tofu", product: "OpenTofu", version: "1.12.0" });
  });

  it("is the one named, by a name or a path", async () => {
    install("terraform", "echo Terraform v1.11.4");
    const path = install("my-tofu", "echo OpenTofu v1.11.0");
    expect(await find({ TERRAFORM_BINARY_NAME: "my-tofu" })).toMatchObject({
      name: "my-tofu",
      product: "OpenTofu",
    });
    expect(await find({ TERRAFORM_BINARY_NAME: path })).toMatchObject({ name: path, version: "1.11.0" });
  });

  it("is not replaced by another when the one named is not there", async () => {
    install("terraform", "echo Terraform v1.11.4");
    await expect(find({ TERRAFORM_BINARY_NAME: "tofu" })).rejects.toThrow('TERRAFORM_BINARY_NAME is "tofu"');
  });

  it("must be Terraform or OpenTofu", async () => {
    install("terraform", "echo Vault v1.20.0");
    await expect(find({ TERRAFORM_BINARY_NAME: "terraform" })).rejects.toThrow(
      "does not run as Terraform or OpenTofu",
    );
  });

  it("missing is told with where to get it", async () => {
    await expect(find()).rejects.toMatchObject({
      message: "Neither terraform nor tofu is on PATH.",
      mend: expect.stringContaining("https://"),
    });
  });

  it.each([
    ["1.10.9", false],
    ["0.15.0", false],
    ["1.11.0-beta1", true],
    ["1.11.0", true],
    ["2.0.0", true],
  ])("of version %s is new enough: %s", async (version, enough) => {
    install("terraform", `echo Terraform v${version}`);
    if (enough) expect(await find()).toMatchObject({ version });
    else await expect(find()).rejects.toThrow(`terraform is Terraform ${version}, which is too old.`);
  });
});

describe("its environment", () => {
  const terraform: Binary = { name: "terraform", product: "Terraform", version: "1.11.4" };
  const tofu: Binary = { name: "tofu", product: "OpenTofu", version: "1.12.0" };

  it("gives OpenTofu a data directory of its own, and Terraform the usual one", () => {
    expect(binaryEnvironment(tofu, {}).TF_DATA_DIR).toBe(".terraform-tofu");
    expect(binaryEnvironment(terraform, {})).not.toHaveProperty("TF_DATA_DIR");
    expect(binaryEnvironment(tofu, { TF_DATA_DIR: "/data" }).TF_DATA_DIR).toBe("/data");
  });

  it("shares the provider between stacks, unless the user has a cache", () => {
    expect(binaryEnvironment(terraform, {})).toMatchObject({
      TF_PLUGIN_CACHE_DIR: expect.stringMatching(/\.landfall\/plugin-cache$/),
      TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE: "true",
    });
    const own = binaryEnvironment(terraform, { TF_PLUGIN_CACHE_DIR: "/cache" });
    expect(own.TF_PLUGIN_CACHE_DIR).toBe("/cache");
    expect(own).not.toHaveProperty("TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE");
  });

  it.each([
    [{ TF_WORKSPACE: "dev" }, "TF_WORKSPACE=dev would plan everything a second time"],
    [{ TF_CLI_ARGS_plan: "-parallelism=5 -destroy" }, "TF_CLI_ARGS_plan has -destroy"],
    [{ TF_CLI_ARGS: "-lock=false" }, "TF_CLI_ARGS has"],
    [{ TF_CLI_ARGS_plan: '"-out=x"' }, "TF_CLI_ARGS_plan has"],
  ])("refuses what would pass by our questions: %j", (shell, message) => {
    expect(() => binaryEnvironment(terraform, shell)).toThrow(message);
  });

  it.each([
    { TF_WORKSPACE: "default" },
    { TF_CLI_ARGS_plan: "-parallelism=5 -lock-timeout=1m" },
    { TF_CLI_ARGS_plan: "-lock-timeout=10m ", TF_CLI_ARGS_apply: "-lock-timeout=10m " },
  ])("hands on %j", (shell) => {
    expect(binaryEnvironment(terraform, shell)).toMatchObject(shell);
  });

  it("hands on all else, and never lets the binary ask or phone home", () => {
    expect(
      binaryEnvironment(terraform, { TF_VAR_region: "eu-west-1", TF_INPUT: "1", CHECKPOINT_DISABLE: "" }),
    ).toMatchObject({
      TF_VAR_region: "eu-west-1",
      TF_INPUT: "0",
      TF_IN_AUTOMATION: "1",
      CHECKPOINT_DISABLE: "1",
    });
  });
});
