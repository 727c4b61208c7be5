import { execa } from "execa";
import { spawnSync } from "node:child_process";
import { Readable } from "node:stream";
import { restart } from "../../cli/verbs/restart";
import { runTask } from "../../cli/verbs/run";
import { listSecrets, readValue, setSecret } from "../../cli/verbs/secret";
import { openWorkspace, type Workspace } from "../../cli/workspace";
import { emulatorEnvironment, startEmulator, stopEmulator } from "../../sandbox/emulator";
import { viewerAtlasOutputs } from "../support/fake-aws";
import { temporaryFolder } from "../support/folders";

jest.mock("../../cli/workspace");
jest.setTimeout(300_000);

/** Since 1.29 and 2.13 it goes where AWS_ENDPOINT_URL says. */
const [, major, minor] =
  /^aws-cli\/(\d+)\.(\d+)/.exec(spawnSync("aws", ["--version"], { encoding: "utf8" }).stdout ?? "") ?? [];
const hasAws = (major === "2" && Number(minor) >= 13) || (major === "1" && Number(minor) >= 29);

(hasAws ? describe : describe.skip)("the real AWS CLI, against the emulator (needs aws >= 2.13)", () => {
  const stateFolder = temporaryFolder();
  const { cluster } = viewerAtlasOutputs.viewer_atlas_containers.value;
  const secretName = "stage-vieweratlas/twitch/oauth_token";
  let environment: NodeJS.ProcessEnv;
  let secretArn: string;
  let said = "";

  async function aws<T>(...args: readonly string[]): Promise<T> {
    const { stdout } = await execa("aws", [...args, "--output", "json"], {
      env: environment,
      extendEnv: false,
    });
    return JSON.parse(stdout || "{}") as T;
  }
  const set = (value: string) =>
    setSecret("stage", "twitch_oauth_token", {
      environment: {},
      value: () => readValue(Readable.from([Buffer.from(value)])),
    });
  const stored = async () =>
    (await aws<{ SecretString: string }>("secretsmanager", "get-secret-value", "--secret-id", secretName))
      .SecretString;

  beforeAll(async () => {
    const { endpoint } = await startEmulator({ stateFolder });
    const base = { PATH: process.env.PATH, HOME: stateFolder, LANG: "en_US.ISO-8859-1" };
    environment = emulatorEnvironment(endpoint, base, "us-east-1");
    const { Subnets } = await aws<{ Subnets: { SubnetId: string; VpcId: string }[] }>(
      "ec2",
      "describe-subnets",
    );
    const subnets = Subnets.map(({ SubnetId }) => SubnetId);
    const { GroupId } = await aws<{ GroupId: string }>(
      ...["ec2", "create-security-group", "--group-name", "tasks", "--description", "tasks"],
      ...["--vpc-id", Subnets[0]?.VpcId ?? ""],
    );
    await aws("ecs", "create-cluster", "--cluster-name", cluster);
    for (const name of ["collector", "analysis"])
      await aws(
        ...[
          "ecs",
          "register-task-definition",
          "--family",
          `stage-vieweratlas-${name}`,
          "--network-mode",
          "awsvpc",
        ],
        ...["--requires-compatibilities", "FARGATE", "--cpu", "256", "--memory", "512"],
        ...["--container-definitions", JSON.stringify([{ name, image: "busybox", memory: 512 }])],
      );
    await aws(
      ...["ecs", "create-service", "--cluster", cluster, "--service-name", "stage-vieweratlas-collector"],
      ...["--task-definition", "stage-vieweratlas-collector", "--desired-count", "1"],
    );
    const made = await aws<{ ARN: string }>("secretsmanager", "create-secret", "--name", secretName);
    secretArn = made.ARN;

    const { viewer_atlas_containers: containers, viewer_atlas_secrets: secrets } = viewerAtlasOutputs;
    const { twitch_oauth_token: token } = secrets.value;
    const outputs = {
      viewer_atlas_containers: { value: { ...containers.value, subnets, security_groups: [GroupId] } },
      viewer_atlas_secrets: { value: { twitch_oauth_token: { ...token, arn: secretArn } } },
    };
    jest.mocked(openWorkspace).mockResolvedValue({
      stack: { region: "us-east-1" },
      target: { environment, emulator: {} },
      store: { read: () => Promise.resolve({ outputs, resources: [] }) },
    } as unknown as Workspace);
    jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
  });
  afterAll(async () => {
    await stopEmulator({ stateFolder });
    jest.restoreAllMocks();
  });

  test("stores a value byte for byte, whatever the locale, and restarts what uses it", async () => {
    expect(await listSecrets("stage", { environment: {} })).toMatchObject([{ state: "no value" }]);
    const deployments = () =>
      aws<{ services: { deployments: { id: string }[] }[] }>(
        ...["ecs", "describe-services", "--cluster", cluster, "--services", "stage-vieweratlas-collector"],
      ).then(({ services }) => services[0]?.deployments.map(({ id }) => id));
    const before = await deployments();
    const value = "oauth:sécret-€ \"'$`\\ file://x\n\nlast line ";
    expect(await set(`${value}\n`)).toMatchObject({
      secret: secretName,
      restarts: [{ service: "stage-vieweratlas-collector", status: "started" }],
      tasks: ["vod"],
    });
    expect(await stored()).toBe(value);
    expect(await deployments()).not.toEqual(before);
    expect(await listSecrets("stage", { environment: {} })).toMatchObject([{ state: "value" }]);
    await set("x".repeat(65_536));
    expect(await stored()).toHaveLength(65_536);
    expect(said).not.toMatch(/sécret|last line|xxxx/);
  });

  test("starts a task with its family's latest revision, in its subnets, on its capacity", async () => {
    const { task, taskDefinition } = await runTask("stage", "analysis", { environment: {} });
    expect(taskDefinition).toBe("stage-vieweratlas-analysis:1");
    const { tasks } = await aws<{ tasks: Record<string, unknown>[] }>(
      ...["ecs", "describe-tasks", "--cluster", cluster, "--tasks", task],
    );
    expect(tasks).toMatchObject([
      {
        capacityProviderName: "FARGATE_SPOT",
        startedBy: expect.stringMatching(/^landfall-/),
        attachments: [
          {
            details: expect.arrayContaining([{ name: "subnetId", value: expect.stringMatching(/^subnet-/) }]),
          },
        ],
      },
    ]);
    await runTask("stage", "analysis", { environment: {} });
    const { taskArns } = await aws<{ taskArns: string[] }>("ecs", "list-tasks", "--cluster", cluster);
    expect(taskArns).toHaveLength(2);
  });

  test("tells what ECS refuses", async () => {
    await expect(runTask("stage", "vod", { environment: {} })).rejects.toThrow("ClientException");
    await aws(
      "ecs",
      "delete-service",
      "--cluster",
      cluster,
      "--service",
      "stage-vieweratlas-collector",
      "--force",
    );
    await expect(restart("stage", "collector", { environment: {} })).rejects.toThrow("There is no service");
  });
});
