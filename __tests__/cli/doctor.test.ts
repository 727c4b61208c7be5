import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { examine, formatFindings, type Finding } from "../../cli/verbs/doctor";

/** A machine that has nothing but what a test puts on its PATH. */
let bin: string;
let environment: NodeJS.ProcessEnv;
beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), "landfall-doctor-"));
  environment = { PATH: bin, HOME: bin, TF_CLI_CONFIG_FILE: configuration() };
  symlinkSync("/bin/sh", join(bin, "sh"));
  put("npm", "echo 10.9.0");
  put("git", "echo git version 2.39.5");
  put("aws", "echo aws-cli/2.15.30 Python/3.11.8");
  put("python3", "echo 3.12.1 True");
  put("terraform", "echo Terraform v1.11.4");
});
afterEach(() => rmSync(bin, { recursive: true }));

function configuration(): string {
  const file = join(bin, "cli.tfrc");
  writeFileSync(file, "");
  return file;
}
function put(name: string, body: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(bin, name), 0o755);
}
async function finding(subject: string, more: NodeJS.ProcessEnv = {}): Promise<Finding | undefined> {
  const findings = await examine({ ...environment, ...more });
  return findings.find((found) => found.subject === subject);
}

test("nothing is missing on a machine that has it all", async () => {
  const findings = await examine(environment);
  expect(findings.filter(({ state }) => state === "missing")).toEqual([]);
  expect(findings.map(({ subject }) => subject)).toEqual(
    expect.arrayContaining([
      "Node.js",
      "npm",
      "Python",
      "git",
      "AWS CLI",
      "Terraform or OpenTofu",
      "AWS provider",
      "Sandbox",
    ]),
  );
});

test.each(["npm", "python3", "terraform"])(
  "a machine without %s lacks something, and is told what to do",
  async (tool) => {
    rmSync(join(bin, tool));
    const missing = (await examine(environment)).filter(({ state }) => state === "missing");
    expect(missing).toHaveLength(1);
    expect(missing[0]?.mend).toBeTruthy();
  },
);

test.each([
  ["too old", "echo 3.9.18 True", /3\.10/],
  ["without virtual environments", "echo 3.11.2 False", /python3-venv/],
  ["that fails", "exit 1", /LANDFALL_PYTHON/],
])("Python %s does not do", async (_what, body, mend) => {
  put("python3", body);
  expect(await finding("Python")).toMatchObject({ state: "missing", mend: expect.stringMatching(mend) });
});

test("takes the Python that LANDFALL_PYTHON names", async () => {
  put("python3", "exit 1");
  put("python3.12", "echo 3.12.1 True");
  expect(await finding("Python", { LANDFALL_PYTHON: "python3.12" })).toMatchObject({ state: "ok" });
});

test("tells which binary is used and why", async () => {
  put("tofu", "echo OpenTofu v1.12.0");
  expect(await finding("Terraform or OpenTofu")).toMatchObject({
    found: "Terraform 1.11.4 (terraform, on PATH)",
  });
  expect(await finding("Terraform or OpenTofu", { TERRAFORM_BINARY_NAME: "tofu" })).toMatchObject({
    found: "OpenTofu 1.12.0 (tofu, named by TERRAFORM_BINARY_NAME)",
  });
});

test("a binary that is too old is missing", async () => {
  put("terraform", "echo Terraform v1.10.5");
  expect(await finding("Terraform or OpenTofu")).toMatchObject({ state: "missing" });
});

test("git, the AWS CLI and credentials are good to have, not required", async () => {
  for (const tool of ["git", "aws"]) rmSync(join(bin, tool));
  expect(await finding("git")).toMatchObject({ state: "note" });
  expect(await finding("AWS CLI")).toMatchObject({ state: "note", mend: expect.stringContaining("Install") });
  expect(await finding("AWS credentials")).toMatchObject({ state: "note" });
});

test("tells which image builder works, and needs none", async () => {
  const subject = "Image builder";
  expect(await finding(subject)).toMatchObject({ state: "note", found: "none on PATH" });
  put("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1");
  expect(await finding(subject)).toMatchObject({
    state: "note",
    found: "docker does not work: Cannot connect to the Docker daemon",
  });
  put("buildah", "echo 'buildah version 1.28.2 (image-spec 1.1.0)'");
  expect(await finding(subject)).toMatchObject({ state: "ok", found: "buildah 1.28.2" });
});

test("tells where credentials are, and none of them", async () => {
  const secret = { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "hidden" };
  expect(JSON.stringify(await finding("AWS credentials", secret))).not.toMatch(/AKIAEXAMPLE|hidden/);
  expect(await finding("AWS credentials", { AWS_PROFILE: "acme" })).toMatchObject({
    state: "ok",
    found: expect.stringContaining("acme"),
  });
  mkdirSync(join(bin, ".aws"));
  writeFileSync(join(bin, ".aws", "credentials"), "aws_secret_access_key=hidden");
  expect(await finding("AWS credentials")).toMatchObject({
    state: "ok",
    found: join(bin, ".aws", "credentials"),
  });
});

test("a mend stands below its finding", () => {
  const text = formatFindings([
    { subject: "npm", state: "ok", found: "10.9.0" },
    { subject: "Python", state: "missing", found: "none", mend: "Install it." },
  ]);
  expect(text).toBe(
    ["ok       npm     10.9.0", "missing  Python  none", "                 Install it."].join("\n"),
  );
});
