import { App } from "cdktf";
import { execa, execaSync } from "execa";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emulatorEnvironment, startEmulator, stopEmulator } from "../../sandbox/emulator";
import { AwsProxy, type AwsCall } from "./support/aws-proxy";
import { DatabaseStack, region } from "./support/database-stack";
import { killTree } from "./support/processes";
import { unzipped } from "./support/unzip";

const minutes = 60_000;
jest.setTimeout(10 * minutes);

const binary = process.env.TERRAFORM_BINARY_NAME ?? "terraform";
const has = !execaSync(binary, ["version"], { reject: false }).failed;

(has ? describe : describe.skip)(`a database and its strings, deployed by ${binary}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "landfall-database-"));
  const stack = join(folder, "cdktf.out", "stacks", "stage");
  const emulatorFolder = join(folder, "emulator");
  let proxy: AwsProxy;
  let direct: string;
  let environment: NodeJS.ProcessEnv;
  let printed = "";
  /** Every value that was ever a secret. */
  const secrets = new Set<string>();

  beforeAll(async () => {
    const { endpoint } = await startEmulator({ stateFolder: emulatorFolder });
    direct = endpoint;
    proxy = await AwsProxy.start(endpoint);
    environment = {
      ...emulatorEnvironment(proxy.endpoint, process.env, region),
      CHECKPOINT_DISABLE: "1",
      TF_IN_AUTOMATION: "1",
    };
    const app = new App({ outdir: join(folder, "cdktf.out") });
    new DatabaseStack(app);
    app.synth();
  });
  beforeEach(() => {
    proxy.calls.length = 0;
    proxy.intercept = () => undefined;
  });
  afterAll(async () => {
    await proxy.stop();
    await stopEmulator({ stateFolder: emulatorFolder });
    rmSync(folder, { recursive: true });
  });

  function start(args: readonly string[]) {
    return execa(binary, args, {
      cwd: stack,
      env: environment,
      extendEnv: false,
      reject: false,
      all: true,
    });
  }
  async function run(...args: string[]): Promise<number | undefined> {
    const { exitCode, all } = await start(args);
    printed += all;
    if (exitCode === 1) throw new Error(all);
    return exitCode;
  }
  const apply = (rotation: number) =>
    run("apply", "-input=false", "-auto-approve", `-var=rotation=${rotation}`);
  /** 0 where there is nothing to do. */
  const plan = (rotation: number) =>
    run("plan", "-input=false", "-detailed-exitcode", `-var=rotation=${rotation}`);

  async function stored(name: string): Promise<string> {
    const response = await fetch(direct, {
      method: "POST",
      headers: {
        Authorization: `AWS4-HMAC-SHA256 Credential=sandbox/20260101/${region}/secretsmanager/aws4_request, SignedHeaders=host, Signature=none`,
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "secretsmanager.GetSecretValue",
      },
      body: JSON.stringify({ SecretId: name }),
    });
    const value = ((await response.json()) as { SecretString: string }).SecretString;
    if (value === undefined) throw new Error(`${name} has no value`);
    return value;
  }
  async function password(name: string): Promise<string> {
    const value = (JSON.parse(await stored(name)) as { password: string }).password;
    secrets.add(value);
    return value;
  }
  /** What the database was last given. */
  const given = (action: RegExp): unknown[] =>
    proxy.calls
      .filter((call) => action.test(call.action) && call.parameters.MasterUserPassword !== undefined)
      .map(({ parameters }) => parameters.MasterUserPassword);
  const url = async (name: string) => new URL((await stored(name)).replace(/^jdbc:/, ""));
  async function expectAgreement(): Promise<void> {
    const [instance, cluster] = [await password("stage/database"), await password("stage/aurora")];
    for (const name of ["hasura", "supertokens"]) {
      const found = await url(`stage/${name}-url`);
      expect(decodeURIComponent(found.password)).toBe(instance);
      expect(found.username).toBe("postgres");
    }
    expect((await url("stage/optaplanner-url")).searchParams.get("password")).toBe(instance);
    expect(decodeURIComponent((await url("stage/reports-url")).password)).toBe(cluster);
  }
  const putPassword = ({ action, parameters }: AwsCall) =>
    action === "PutSecretValue" && String(parameters.SecretId).includes("stage/database") ? "password" : "";
  /** Whether a string of the instance is written. */
  const isString = ({ action, parameters }: AwsCall) =>
    action === "PutSecretValue" && /(hasura|supertokens|optaplanner)-url/.test(String(parameters.SecretId));

  it("is made in one apply, with strings that parse as URLs and have the stored password", async () => {
    await run("init", "-input=false");
    await run("plan", "-input=false", "-out=plan");
    await run("apply", "-input=false", "plan");
    await expectAgreement();
    expect(given(/^CreateDBInstance$/)).toEqual([await password("stage/database")]);
    expect(given(/^CreateDBCluster$/)).toEqual([await password("stage/aurora")]);
    expect((await url("stage/hasura-url")).href).toMatch(
      /^postgres:\/\/postgres:[^@]+@stage-atomic\.[^:/]+:5432\/atomicdb\?sslmode=require$/,
    );
    expect(await stored("stage/optaplanner-url")).toMatch(
      /^jdbc:postgresql:\/\/stage-atomic\.[^:/]+:5432\/atomicdb\?user=postgres&password=[^&]+&sslmode=require$/,
    );
    const other = await url("stage/other-url");
    expect(decodeURIComponent(other.username)).toBe("some one");
    expect(decodeURIComponent(other.password)).toBe(await stored("stage/other"));
    expect(await stored("stage/other")).toMatch(/[?#&%+:]/); // so that escaping matters
    secrets.add(await stored("stage/other"));
    const jwt = JSON.parse(await stored("stage/jwt")) as { type: string; key: string };
    expect(jwt).toEqual({ type: "HS256", key: expect.stringMatching(/^[^"'`/@\\\s]{64}$/) as string });
    secrets.add(jwt.key);
  });

  it("then is as it should be: a second plan finds nothing to do", async () => {
    expect(await plan(1)).toBe(0);
    expect(given(/^Modify/)).toEqual([]);
  });

  it("rotates in one apply, the password first, then the database, then the strings", async () => {
    const before = await password("stage/database");
    await apply(2);
    await expectAgreement();
    const after = await password("stage/database");
    expect(after).not.toBe(before);
    expect(given(/^ModifyDBInstance$/)).toEqual([after]);
    expect(given(/^ModifyDBCluster$/)).toEqual([await password("stage/aurora")]);
    const order = proxy.calls
      .map((call) =>
        isString(call) ? "string" : call.action === "ModifyDBInstance" ? "database" : putPassword(call),
      )
      .filter((step) => step !== "");
    expect(order).toEqual(["password", "database", "string", "string", "string"]);
    expect(await plan(2)).toBe(0);
  });

  it("killed between the database and its strings, agrees after the next apply", async () => {
    const running = start(["apply", "-input=false", "-auto-approve", "-var=rotation=3"]);
    let killed = 0;
    proxy.intercept = (call) => {
      if (!isString(call)) return undefined;
      if (killed++ === 0) killTree(running.pid);
      return { status: 503, body: "" };
    };
    printed += (await running).all;
    expect(killed).toBeGreaterThan(0);
    const [left] = given(/^ModifyDBInstance$/);
    expect(left).toBeDefined();
    secrets.add(String(left));
    expect((await url("stage/hasura-url")).password).not.toBe(left); // so that there is something to mend

    proxy.intercept = () => undefined;
    proxy.calls.length = 0;
    await apply(3);
    await expectAgreement();
    const now = given(/^ModifyDBInstance$/).pop() ?? left;
    expect(now).toBe(await password("stage/database"));
    expect(await plan(3)).toBe(0);
  });

  it("agrees after the next apply where the database refused the password", async () => {
    const refusal =
      "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameterCombination</Code><Message>refused by the test</Message></Error></ErrorResponse>";
    proxy.intercept = ({ action, parameters }) =>
      /^ModifyDB(Instance|Cluster)$/.test(action) && parameters.MasterUserPassword !== undefined
        ? { status: 400, body: refusal }
        : undefined;
    await expect(apply(4)).rejects.toThrow("refused by the test");
    for (const value of given(/^Modify/)) secrets.add(String(value));
    expect(proxy.calls.filter(isString)).toEqual([]); // services go on with what the database has

    proxy.intercept = () => undefined;
    proxy.calls.length = 0;
    await apply(4);
    await expectAgreement();
    expect(given(/^ModifyDBInstance$/)).toEqual([await password("stage/database")]);
    expect(given(/^ModifyDBCluster$/)).toEqual([await password("stage/aurora")]);
    expect(await plan(4)).toBe(0);
  });

  it("leaves no secret in the JSON, the plan, the state or what was printed", async () => {
    const shown = await start(["show", "-json", "plan"]);
    const files = ["cdk.tf.json", "terraform.tfstate", "terraform.tfstate.backup"].map((file) =>
      join(stack, file),
    );
    const places = [
      printed,
      shown.stdout,
      unzipped(join(stack, "plan")),
      ...files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8")),
    ];
    expect(places).toHaveLength(6);
    expect(secrets.size).toBeGreaterThan(5);
    for (const secret of secrets)
      for (const place of places) {
        expect(place.includes(secret)).toBe(false);
        expect(place.includes(encodeURIComponent(secret))).toBe(false);
      }
  });

  it("is destroyed and leaves nothing", async () => {
    await run("destroy", "-input=false", "-auto-approve");
    const state = JSON.parse(readFileSync(join(stack, "terraform.tfstate"), "utf8")) as {
      resources: unknown[];
    };
    expect(state.resources).toEqual([]);
    await expect(stored("stage/hasura-url")).rejects.toThrow();
  });
});
