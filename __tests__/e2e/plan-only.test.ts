import { execaSync } from "execa";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { startEmulator } from "../../sandbox/emulator";
import { AwsProxy, type AwsCall } from "./support/aws-proxy";
import { call, expectExit, Project, type Ran } from "./support/project";

jest.setTimeout(10 * 60_000);

const binary = ["terraform", "tofu"].find((name) => !execaSync(name, ["version"], { reject: false }).failed);
const secrets = ["HasuraAdminSecret", "HasuraJwtSecret", "SupertokensApiKey"].map(
  (name) => `aws_secretsmanager_secret_version.atomic-calendar_secret_${name}_version`,
);
const deployed = [
  ...secrets,
  "aws_secretsmanager_secret_version.atomic-calendar_database_secret_version",
  "aws_ssm_parameter.x-scheduler_x_api_key",
];

/** Whether the answer has a secret in it, or something a secret is made of. Those below /aws/service are public. */
function isForSecret({ action, parameters }: AwsCall): boolean {
  if (/^(Batch)?GetSecretValue$|^GetRandomPassword$|^(Re)?Decrypt$/.test(action)) return true;
  return (
    /^GetParameter/.test(action) &&
    parameters.WithDecryption === true &&
    !String(parameters.Name).startsWith("/aws/service/")
  );
}

/** What a plan would do. */
function intent(ran: Ran): unknown {
  expectExit(ran, 2);
  const { resource_changes, output_changes } = JSON.parse(String(ran.stdout)) as Record<string, unknown>;
  return { resource_changes, output_changes };
}

(binary ? describe : describe.skip)(`a plan that is only read, by ${binary}`, () => {
  let project: Project;
  let proxy: AwsProxy;
  let denied: AwsCall[];
  const stack = (...parts: string[]) => project.path("cdktf.out", "stacks", "sandbox", ...parts);
  const plan = (...args: string[]) =>
    project.landfall("plan", "sandbox", "--json", "--detailed-exitcode", ...args);
  const asked = (): string[] =>
    [...new Set(proxy.calls.filter(isForSecret).map(({ action }) => action))].sort();

  /** The role of a pull request: whatever is secret is denied. */
  const deny = () => {
    proxy.intercept = (call) => {
      if (!isForSecret(call)) return undefined;
      denied.push(call);
      return { status: 400, body: '{"__type":"AccessDeniedException","message":"denied by the test"}' };
    };
  };

  beforeAll(async () => {
    project = await Project.create(binary ?? "terraform");
    const folder = project.path(".landfall", "sandbox");
    const { endpoint } = await startEmulator({ stateFolder: folder });
    proxy = await AwsProxy.start(endpoint);
    // Whoever looks for the emulator finds the proxy
    const file = project.path(".landfall", "sandbox", "emulator.json");
    const state = JSON.parse(readFileSync(file, "utf8")) as object;
    writeFileSync(file, JSON.stringify({ ...state, port: Number(new URL(proxy.endpoint).port) }));
    const env = { LANDFALL_SHARED: "sandbox" };
    expectExit(await project.run("./landfall", ["bootstrap", "--yes"], { env }), 0);
    expectExit(await project.run("./landfall", ["apply", "shared", "--yes"], { env }), 0);
  });
  beforeEach(() => {
    proxy.calls.length = 0;
    denied = [];
    proxy.intercept = () => undefined;
  });
  afterAll(async () => {
    await project?.remove(); // which stops the emulator through the proxy
    await proxy?.stop();
  });

  it("reads no secret of five systems before the first apply, and neither does any other plan then", async () => {
    expect(existsSync(project.path("environments", "sandbox.secrets.env"))).toBe(false);
    deny();
    const only = intent(await plan("--review-only"));
    expect(denied).toEqual([]);
    expect(intent(await plan())).toEqual(only);
    expect(denied).toEqual([]);
    expect(JSON.stringify(only)).toContain(
      "aws_secretsmanager_secret_version.atomic-calendar_database_secret_version",
    );
  });

  it("reads none of what is deployed, and shows what a plan shows that reads them all", async () => {
    project.write(
      "environments/sandbox.secrets.env",
      [
        ...["TF_VAR_x_api_key", "TF_VAR_x_api_key_secret", "TF_VAR_x_oauth_client_id"],
        ...["TF_VAR_x_oauth_client_secret", "TF_VAR_google_credentials"],
        ...["postgres_password", "jwt_secret_key", "frp_auth_token"],
      ]
        .map((name) => `${name}="given-${name}"\n`)
        .join(""),
    );
    const targets = deployed.map((address) => `-target=${address}`);
    expectExit(await project.landfall("apply", "sandbox", "--yes", "--", ...targets), 0);
    expect(asked()).toEqual(["GetParameter", "GetRandomPassword", "GetSecretValue"]);
    project.set("sandbox.env", { TF_VAR_atomic_calendar_secrets_version: "2" });

    proxy.calls.length = 0;
    const ordinary = intent(await plan());
    expect(asked()).toEqual(["GetParameter", "GetSecretValue"]); // the provider looks at what is there

    proxy.calls.length = 0;
    deny();
    const ran = await plan("--review-only");
    expect(asked()).toEqual([]);
    expect(intent(ran)).toEqual(ordinary);
    for (const address of secrets)
      expect(ordinary).toMatchObject({
        resource_changes: expect.arrayContaining([
          expect.objectContaining({
            address,
            change: expect.objectContaining({ actions: ["delete", "create"] }) as unknown,
          }),
        ]) as unknown,
      });
    expect(String(ran.stderr)).toContain("what others changed in AWS is not in this plan");
    expect(String(ran.stderr)).toContain("read 5 secrets");

    const refused = await plan("--", `-target=${secrets[0]}`);
    expectExit(refused, 1);
    expect(String(refused.stderr)).toContain("denied by the test");
  });

  it("has the review that an apply, which reads all secrets, holds itself to until the world moves", async () => {
    const targets = deployed.map((address) => `-target=${address}`);
    const review = async (version: string): Promise<string> => {
      project.set("sandbox.env", { TF_VAR_atomic_calendar_secrets_version: version });
      deny();
      const ran = await project.landfall(
        ...["plan", "sandbox", "--review-only", "--format", "json"],
        ...["--", ...targets],
      );
      expectExit(ran, 0);
      expect(denied).toEqual([]);
      proxy.intercept = () => undefined;
      project.write(`review-${version}.json`, String(ran.stdout));
      return project.path(`review-${version}.json`);
    };
    const apply = (file: string) =>
      project.landfall("apply", "sandbox", "--yes", "--reviewed", file, "--", ...targets);

    const first = await review("2");
    expectExit(await apply(first), 0);

    const second = await review("3");
    const ResourceId = "/sandbox/x-scheduler/X_API_KEY";
    await call(proxy.endpoint, "ssm", {
      target: "AmazonSSM.AddTagsToResource",
      body: JSON.stringify({ ResourceType: "Parameter", ResourceId, Tags: [{ Key: "Owner", Value: "ada" }] }),
    });
    const stopped = await apply(second);
    expectExit(stopped, 1);
    expect(String(stopped.stderr)).toContain("no longer what was reviewed; nothing was applied");
    expect(String(stopped.stderr)).toContain(
      "aws_ssm_parameter.x-scheduler_x_api_key: update was not reviewed",
    );
  });

  it("is kept nowhere", async () => {
    const out = await project.landfall("plan", "sandbox", "--review-only", "--out", "kept.tfplan");
    expectExit(out, 2);
    expect(String(out.stderr)).toContain("--out");
    const before = readdirSync(stack()).filter((name) => name.endsWith(".tfplan"));
    expect(before.filter((name) => name !== "landfall.tfplan")).toEqual([]); // of the ordinary one
  });

  it("is not applied where somebody kept it all the same", async () => {
    const kept = stack("kept.tfplan");
    const made = await project.run(
      binary ?? "terraform",
      ["plan", "-input=false", "-refresh=false", `-target=${secrets[0]}`, `-out=${kept}`],
      {
        cwd: stack(),
        env: { ...(await project.sandboxEnvironment()), TF_VAR_review_only: "true" },
      },
    );
    expectExit(made, 0);
    proxy.calls.length = 0;
    const ran = await project.landfall("apply", "sandbox", "--yes", "--plan", kept);
    expectExit(ran, 1);
    expect(String(ran.stderr)).toContain("made with --review-only, to be read and not to be applied");
    expect(proxy.calls.filter(({ action }) => /^(Create|Put|Update|Delete|Run)/.test(action))).toEqual([]);
  });
});
