import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { SecretsmanagerSecret } from "@cdktf/provider-aws/lib/secretsmanager-secret";
import { SecretsmanagerSecretVersion } from "@cdktf/provider-aws/lib/secretsmanager-secret-version";
import { App, LocalBackend, TerraformStack } from "cdktf";
import { execa, execaSync } from "execa";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InputGroup } from "../../environments/input";
import { writeSecretsFile } from "../../environments/secrets-file";
import type { Settings, Source } from "../../environments/settings";
import * as type from "../../environments/types";
import { declareInputs } from "../../environments/variables";
import { emulatorEnvironment, startEmulator, stopEmulator } from "../../sandbox/emulator";
import { unzipped } from "./support/unzip";

jest.setTimeout(5 * 60_000);

const inputs = {
  api_key: {
    use: "terraform",
    type: type.text,
    secret: true,
    description: "A secret that Terraform hands on.",
  },
  secrets_version: { use: "terraform", type: type.volumeSize, description: "Raised to rotate." },
} as const satisfies InputGroup;

const canary = 'canary-"${x}\\-8c1f2e';
const fromFile: Source = { from: "file", file: "environments/stage.secrets.env", line: 1 };

const settings = (apiKey: string, source: Source, version: number): Settings => ({
  name: "stage",
  file: "environments/stage.env",
  settings: new Map([
    ["api_key", { name: "api_key", input: inputs.api_key, text: apiKey, value: apiKey, source }],
    [
      "secrets_version",
      {
        name: "secrets_version",
        input: inputs.secrets_version,
        text: `${version}`,
        value: version,
        source: fromFile,
      },
    ],
  ]),
});

class SecretStack extends TerraformStack {
  constructor(app: App, values: Settings) {
    super(app, "stage");
    new AwsProvider(this, "aws", { region: "us-east-1" });
    new LocalBackend(this, { path: "terraform.tfstate" });
    this.addOverride("terraform.required_providers.aws.source", "hashicorp/aws");
    const { refs } = declareInputs(this, inputs, values);
    const secret = new SecretsmanagerSecret(this, "secret", { name: "stage-api-key" });
    const version = new SecretsmanagerSecretVersion(this, "version", { secretId: secret.id });
    version.addOverride("secret_string_wo", refs.api_key);
    version.addOverride("secret_string_wo_version", refs.secrets_version);
  }
}

const binaries = ["terraform", "tofu"].filter(
  (name) => !execaSync(name, ["version"], { reject: false }).failed,
);

describe.each(binaries)("an input secret with %s", (binary) => {
  const folder = mkdtempSync(join(tmpdir(), "landfall-secrets-"));
  const stack = join(folder, "cdktf.out", "stacks", "stage");
  let environment: NodeJS.ProcessEnv;
  let endpoint: string;
  let printed = "";

  beforeAll(async () => {
    ({ endpoint } = await startEmulator({ stateFolder: join(folder, "emulator") }));
    environment = emulatorEnvironment(endpoint, process.env, "us-east-1");
  });
  afterAll(async () => {
    await stopEmulator({ stateFolder: join(folder, "emulator") });
    rmSync(folder, { recursive: true });
  });

  function synthesize(values: Settings): void {
    const app = new App({ outdir: join(folder, "cdktf.out") });
    new SecretStack(app, values);
    app.synth();
    writeSecretsFile(stack, values);
  }
  async function run(args: string[], extra: NodeJS.ProcessEnv = {}): Promise<void> {
    const { stdout, stderr, failed } = await execa(binary, args, {
      cwd: stack,
      env: { ...environment, CHECKPOINT_DISABLE: "1", ...extra },
      extendEnv: false,
      reject: false,
    });
    printed += stdout + stderr;
    if (failed) throw new Error(stdout + stderr);
  }
  async function stored(): Promise<string> {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: {
        Authorization:
          "AWS4-HMAC-SHA256 Credential=sandbox/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=none",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "secretsmanager.GetSecretValue",
      },
      body: JSON.stringify({ SecretId: "stage-api-key" }),
    });
    return ((await response.json()) as { SecretString: string }).SecretString;
  }

  it("reaches Secrets Manager from a file that only its owner reads", async () => {
    synthesize(settings(canary, fromFile, 8));
    expect(statSync(join(stack, "landfall.auto.tfvars.json")).mode & 0o777).toBe(0o600);
    await run(["init", "-input=false"]);
    await run(["plan", "-input=false", "-out=plan"]);
    await run(["apply", "-input=false", "plan"]);
    expect(await stored()).toBe(canary);
  });

  it("is rotated by its version, and not before", async () => {
    synthesize(settings("rotated-5d07", fromFile, 8));
    await run(["apply", "-input=false", "-auto-approve"]);
    expect(await stored()).toBe(canary);
    synthesize(settings("rotated-5d07", fromFile, 9));
    await run(["apply", "-input=false", "-auto-approve"]);
    expect(await stored()).toBe("rotated-5d07");
  });

  it("comes from the process environment where the file does not give it", async () => {
    synthesize(settings("from-ci-71aa", { from: "process environment" }, 10));
    expect(readdirSync(stack)).not.toContain("landfall.auto.tfvars.json");
    await run(["apply", "-input=false", "-auto-approve"], { TF_VAR_api_key: "from-ci-71aa" });
    expect(await stored()).toBe("from-ci-71aa");
  });

  it("is nowhere in the JSON, the plan, the state or what was printed", async () => {
    const shown = await execa(binary, ["show", "-json", "plan"], {
      cwd: stack,
      env: environment,
      extendEnv: false,
    });
    const places = [
      printed,
      shown.stdout,
      unzipped(join(stack, "plan")),
      ...["cdk.tf.json", "terraform.tfstate", "terraform.tfstate.backup"].map((file) =>
        readFileSync(join(stack, file), "utf8"),
      ),
    ];
    for (const secret of ["canary-", "8c1f2e", "rotated-5d07", "from-ci-71aa"]) {
      for (const place of places) expect(place).not.toContain(secret);
    }
  });
});
