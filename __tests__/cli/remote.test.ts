import { Command } from "commander";
import { register } from "../../cli/verbs/remote";
import { openWorkspace, type Workspace } from "../../cli/workspace";
import { FakeAws, viewerAtlasOutputs, type FakeState } from "../support/fake-aws";

jest.mock("../../cli/workspace");

let aws: FakeAws;
let said: string;
function deployed(answers: NonNullable<FakeState["answers"]> = {}, { emulator = false } = {}): void {
  aws = new FakeAws({ answers: { "logs tail": [{}], "ecs execute-command": [{}], ...answers } });
  jest.mocked(openWorkspace).mockResolvedValue({
    stack: { region: "us-east-1" },
    target: { environment: aws.environment, ...(emulator && { emulator: {} }) },
    store: { read: () => Promise.resolve({ outputs: viewerAtlasOutputs, resources: [] }) },
  } as unknown as Workspace);
}
/** In the sandbox's settings, which have Chronos and ViewerAtlas. */
function landfall(...args: string[]): Promise<unknown> {
  const program = new Command().exitOverride();
  register(program);
  program.commands.forEach((command) => command.exitOverride().configureOutput({ writeErr: () => {} }));
  return program.parseAsync(args, { from: "user" });
}

beforeEach(() => {
  said = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
});
afterEach(() => {
  process.exitCode = undefined;
  jest.restoreAllMocks();
});

describe("logs of a container", () => {
  const tail = "logs tail /ecs/stage-vieweratlas-collector --since";

  it.each([
    [[], `${tail} 1h --region us-east-1`],
    [["--follow"], `${tail} 1h --follow --region us-east-1`],
    [["--since", "10m", "-f"], `${tail} 10m --follow --region us-east-1`],
    [["--since", "2026-01-31T12:00:00Z"], `${tail} 2026-01-31T12:00:00Z --region us-east-1`],
  ])("%j are the AWS CLI's own tail", async (flags, command) => {
    deployed();
    await landfall("logs", "sandbox", "collector", ...flags);
    expect(aws.commands).toEqual([command]);
    expect(said).toContain(`aws ${command}`);
    expect(process.exitCode).toBe(0);
  });

  it("may be asked for with the system's name, and give the AWS CLI's exit code", async () => {
    deployed({ "logs tail": [{ error: "(ResourceNotFoundException)" }] });
    await landfall("logs", "sandbox", "viewer-atlas/vod");
    expect(aws.commands).toEqual([
      "logs tail /ecs/stage-vieweratlas-vod-collector --since 1h --region us-east-1",
    ]);
    expect(process.exitCode).toBe(254);
  });

  it.each([
    [["-n", "10"], "-n is for hosts of Chronos"],
    [["--since", "yesterday"], "Write how long ago"],
  ])("take no %j", async (flags, message) => {
    deployed();
    await expect(landfall("logs", "sandbox", "collector", ...flags)).rejects.toThrow(message);
    expect(aws.calls).toEqual([]);
  });
});

it("a name of neither a container nor a host is refused with both", async () => {
  deployed();
  await expect(landfall("logs", "sandbox", "colector")).rejects.toMatchObject({
    exitCode: 2,
    mend: expect.stringMatching(/edge-1.* Containers: collector, analysis, vod\. Did you mean collector\?$/),
  });
  expect(aws.calls).toEqual([]);
});

describe("a shell in a container", () => {
  const task = (id: string, enableExecuteCommand: boolean) => ({
    taskArn: `arn:task/${id}`,
    enableExecuteCommand,
  });
  const running = (...tasks: ReturnType<typeof task>[]) => ({
    "ecs list-tasks": [{ taskArns: tasks.map(({ taskArn }) => taskArn) }],
    "ecs describe-tasks": [{ tasks }],
  });
  const cluster = "--cluster stage-vieweratlas-cluster";

  it("comes by ECS Exec, in a task that allows it", async () => {
    deployed(running(task("a", false), task("b", true)));
    await landfall("ssh", "sandbox", "collector");
    expect(aws.commands).toEqual([
      `ecs list-tasks ${cluster} --service-name stage-vieweratlas-collector --desired-status RUNNING --region us-east-1`,
      `ecs describe-tasks ${cluster} --tasks arn:task/a arn:task/b --region us-east-1`,
      `ecs execute-command ${cluster} --task arn:task/b --container collector --interactive --command /bin/sh --region us-east-1`,
    ]);
  });

  it("may run a command instead, also in a scheduled task", async () => {
    deployed(running(task("a", true)));
    await landfall("ssh", "sandbox", "analysis", "--", "ls", "a b");
    expect(aws.commands[0]).toContain("--family stage-vieweratlas-analysis --desired-status RUNNING");
    expect(aws.calls.at(-1)?.args).toContain("ls 'a b'");
  });

  it("is refused where none runs, or none allows it, with what to do", async () => {
    deployed(running());
    await expect(landfall("ssh", "sandbox", "vod")).rejects.toMatchObject({
      message: "No task of vod runs.",
      mend: "Start one: ./landfall run sandbox vod --no-follow",
    });
    await expect(landfall("ssh", "sandbox", "collector")).rejects.toMatchObject({
      mend: "See why: ./landfall logs sandbox collector",
    });
    deployed(running(task("a", false)));
    await expect(landfall("ssh", "sandbox", "vod")).rejects.toMatchObject({
      mend: expect.stringContaining('viewer_atlas_exec="true"'),
    });
    expect(aws.count("ecs execute-command")).toBe(0);
  });

  it("is skipped by name in the sandbox", async () => {
    deployed({}, { emulator: true });
    await landfall("ssh", "sandbox", "collector");
    expect(said).toContain("skipped: the sandbox's containers are emulated");
    expect(aws.calls).toEqual([]);
  });
});
