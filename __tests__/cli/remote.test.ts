import { Command } from "commander";
import { register } from "../../cli/verbs/remote";
import { deployWith, FakeAws, viewerAtlasOutputs, type FakeState } from "../support/fake-aws";

jest.mock("../../cli/workspace", () => ({ openWorkspace: jest.fn() }));

let aws: FakeAws;
let said: string;
function deployed(
  answers: NonNullable<FakeState["answers"]> = {},
  { emulator = false, more = {} }: { emulator?: boolean; more?: Record<string, string> } = {},
): void {
  aws = new FakeAws({
    answers: { "logs tail": [{}], "ecs execute-command": [{}], "ssm start-session": [{}], ...answers },
  });
  const outputs = {
    ...viewerAtlasOutputs,
    ...Object.fromEntries(Object.entries(more).map(([name, value]) => [name, { value, sensitive: false }])),
  };
  deployWith(aws, { emulator, outputs });
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
    [["-n", "10"], "--lines says nothing for containers"],
    [["--group", "host"], "--group says nothing for containers"],
    [["--since", "yesterday"], "Write how long ago"],
  ])("take no %j", async (flags, message) => {
    deployed();
    await expect(landfall("logs", "sandbox", "collector", ...flags)).rejects.toThrow(message);
    expect(aws.calls).toEqual([]);
  });
});

describe("a host that is reached through AWS alone", () => {
  const outputs = {
    x_scheduler_instance_id: "i-1",
    x_scheduler_log_groups: "/ec2/stage-x-scheduler",
    macro_ai_auto_scaling_group: "stage-macro-ai",
  };
  const group = (...states: [string, string][]) => ({
    "autoscaling describe-auto-scaling-groups": [
      states.map(([InstanceId, LifecycleState]) => ({ InstanceId, LifecycleState })),
    ],
  });

  it("gives a shell by Session Manager, and its log from where it is asked for", async () => {
    deployed({}, { more: outputs });
    await landfall("ssh", "sandbox", "x-scheduler");
    await landfall("logs", "sandbox", "x-scheduler", "--since", "10m", "--group", "host");
    expect(aws.commands).toEqual([
      "ssm start-session --target i-1 --region us-east-1",
      "logs tail /ec2/stage-x-scheduler/host --since 10m --region us-east-1",
    ]);
  });

  it("may be one of a group: the first that serves", async () => {
    deployed(group(["i-2", "Pending:Wait"], ["i-3", "InService"]), { more: outputs });
    await landfall("ssh", "sandbox", "macro-ai");
    expect(aws.commands.at(-1)).toBe("ssm start-session --target i-3 --region us-east-1");
  });

  it("is told where none of the group serves, with how to reach one all the same", async () => {
    deployed(group(["i-2", "Pending:Wait"]), { more: outputs });
    await expect(landfall("ssh", "sandbox", "macro-ai")).rejects.toMatchObject({
      message: "No host of stage-macro-ai serves. i-2 is Pending:Wait.",
      mend: expect.stringContaining("ssm start-session"),
    });
    expect(aws.count("ssm start-session")).toBe(0);
  });

  it("that is not deployed is told how to", async () => {
    deployed();
    await expect(landfall("ssh", "sandbox", "x-scheduler")).rejects.toMatchObject({
      mend: "./landfall apply sandbox",
    });
    await expect(landfall("logs", "sandbox", "macro-ai")).rejects.toMatchObject({
      mend: "./landfall apply sandbox",
    });
  });

  it.each([["-n", "5"], ["--containers"], ["--ssm"]])("takes no %s for its log", async (...flags) => {
    deployed({}, { more: outputs });
    await expect(landfall("logs", "sandbox", "x-scheduler", ...flags)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/^--\w+ says nothing for x-scheduler\.$/),
    });
    expect(aws.calls).toEqual([]);
  });
});

it.each([
  ["--since", "10m"],
  ["--group", "host"],
])("hosts of Chronos take no %s for their log", async (...flags) => {
  deployed();
  await expect(landfall("logs", "sandbox", "edge-1", ...flags)).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining("says nothing for hosts of Chronos"),
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
