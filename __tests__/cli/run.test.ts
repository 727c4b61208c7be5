import { execa } from "execa";
import { userInfo } from "node:os";
import { readContainers } from "../../cli/containers";
import { explain, runArguments, runTask, type RunOptions, type TaskRun } from "../../cli/verbs/run";
import { deployWith, FakeAws, viewerAtlasOutputs, type FakeState } from "../support/fake-aws";

jest.mock("../../cli/workspace", () => ({ openWorkspace: jest.fn() }));
jest.mock("execa", () => ({ execa: jest.fn() }));

const id = "0123456789abcdef";
const taskArn = `arn:aws:ecs:us-east-1:436957243186:task/stage-vieweratlas-cluster/${id}`;
const task = (lastStatus: string, more: object = {}) => ({
  taskArn,
  taskDefinitionArn: "arn:aws:ecs:us-east-1:436957243186:task-definition/stage-vieweratlas-analysis:7",
  lastStatus,
  containers: [{ name: "analysis" }, { name: "time-limit", exitCode: 9 }],
  ...more,
});
const stopped = (exitCode: number | undefined, more: object = {}) =>
  task("STOPPED", {
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    containers: [
      { name: "time-limit", exitCode: 9 },
      { name: "analysis", exitCode },
    ],
    ...more,
  });
const running = (...tasks: object[]) => ({
  "ecs run-task": [{ tasks: [task("PROVISIONING")], failures: [] }],
  "ecs describe-tasks": tasks.map((one) => ({ tasks: [one], failures: [] })),
  "ecs stop-task": [{}],
});
const log = (...messages: string[]) => messages.map((message) => ({ at: 1, message }));

let aws: FakeAws;
let said: string;
let lines: string[];
function deployed(state: FakeState, { emulator = false } = {}): void {
  aws = new FakeAws(state);
  jest.mocked(execa).mockImplementation(aws.execa as unknown as typeof execa);
  deployWith(aws, { emulator });
}
const run = (options: Partial<RunOptions> = {}, wanted = "analysis"): Promise<TaskRun> =>
  runTask("stage", wanted, { environment: {}, poll: 0, onLine: (line) => lines.push(line), ...options });

beforeEach(() => {
  said = "";
  lines = [];
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
});
afterEach(() => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) expect(process.listenerCount(signal)).toBe(0);
  jest.restoreAllMocks();
});

const user = userInfo().username.replaceAll(/[^\w-]/g, "-");
const started = (...capacity: string[]) =>
  [
    "ecs run-task --cluster stage-vieweratlas-cluster --task-definition stage-vieweratlas-analysis",
    `--capacity-provider-strategy ${capacity.join(" ")}`,
    "--network-configuration awsvpcConfiguration={subnets=[subnet-1,subnet-2],securityGroups=[sg-1],assignPublicIp=ENABLED}",
    `--propagate-tags TASK_DEFINITION --started-by landfall-${user} --region us-east-1`,
  ].join(" ");

it("is started with ECS Exec where that is on", () => {
  const [container] = readContainers(viewerAtlasOutputs, "stage").containers;
  if (!container) throw new Error("no container");
  expect(runArguments(container)).not.toContain("--enable-execute-command");
  expect(runArguments({ ...container, exec: true })).toContain("--enable-execute-command");
});

describe("a task that runs to its end", () => {
  it("is started as its schedule would, and its log shown in order", async () => {
    const states = running(task("PENDING"), task("RUNNING"), task("RUNNING"), stopped(0));
    const messages = Array.from({ length: 7 }, (_, index) => `line ${index + 1}`);
    deployed({ answers: states, log: log(...messages) });
    expect(await run()).toEqual({
      task: id,
      arn: taskArn,
      cluster: "stage-vieweratlas-cluster",
      taskDefinition: "stage-vieweratlas-analysis:7",
      logGroup: "/ecs/stage-vieweratlas-analysis",
      logStream: `analysis/analysis/${id}`,
      status: "STOPPED",
      exitCode: 0,
      stopCode: "EssentialContainerExited",
      reason: "Essential container in task exited",
    });
    expect(aws.commands[0]).toBe(started("capacityProvider=FARGATE_SPOT,weight=1,base=0"));
    expect(lines).toEqual(messages);
    expect(aws.commands).toContain(
      `ecs describe-tasks --cluster stage-vieweratlas-cluster --tasks ${id} --region us-east-1`,
    );
    expect(aws.commands).toContain(
      `logs get-log-events --log-group-name /ecs/stage-vieweratlas-analysis --log-stream-name analysis/analysis/${id} --start-from-head --region us-east-1`,
    );
    for (const status of ["PENDING", "RUNNING", "STOPPED"])
      expect(said.match(new RegExp(`${id}: ${status}\n`, "g"))).toHaveLength(1);
  });

  it("tells the plain commands", async () => {
    deployed({ answers: running(stopped(0)) });
    await run();
    expect(said).toContain("aws ecs run-task --cluster stage-vieweratlas-cluster");
    expect(said).toContain(`aws ecs describe-tasks --cluster stage-vieweratlas-cluster --tasks ${id}`);
    expect(said).toContain(
      `aws logs get-log-events --log-group-name /ecs/stage-vieweratlas-analysis --log-stream-name analysis/analysis/${id}`,
    );
  });

  it("has its last lines shown, which arrive after its end, after some quiet, and past empty pages", async () => {
    const late = [
      { at: 1, message: "begins" },
      { at: 4, message: "late 1" },
      { at: 6, message: "late 2" },
      { at: 6, message: "late 3" },
      { at: 6, message: "late 4" },
    ];
    deployed({ answers: running(stopped(0)), log: late, hollow: { after: 2, pages: 5 } });
    await run();
    expect(lines).toEqual(["begins", "late 1", "late 2", "late 3", "late 4"]);
  });

  it("is asked about again where ECS does not know it yet, or the network is away for a moment", async () => {
    const { "ecs describe-tasks": known, ...others } = running(stopped(0));
    const missing = { tasks: [], failures: [{ reason: "MISSING" }] };
    const away = { error: "Could not connect to the endpoint URL" };
    deployed({
      answers: { ...others, "ecs describe-tasks": [missing, away, away, ...known] },
      log: log("done"),
    });
    expect((await run()).exitCode).toBe(0);
    expect(lines).toEqual(["done"]);
    expect(said.match(/Asking again/g)).toHaveLength(2);
  });

  it.each([0, 1, 3, 137])("gives its own container's exit code: %i", async (exitCode) => {
    deployed({ answers: running(stopped(exitCode)) });
    const ran = await run();
    expect(ran.exitCode).toBe(exitCode);
    expect(explain(ran, "stage", "analysis")).toBeUndefined();
  });

  it("tells why the container was killed", async () => {
    const reason = "OutOfMemoryError: Container killed due to memory usage";
    deployed({
      answers: running(stopped(137, { containers: [{ name: "analysis", exitCode: 137, reason }] })),
    });
    expect((await run()).reason).toBe(`Essential container in task exited\nanalysis: ${reason}`);
  });
});

it("runs on demand where told so", async () => {
  deployed({ answers: running(stopped(0)) });
  await run({ onDemand: true });
  expect(aws.commands[0]).toBe(started("capacityProvider=FARGATE,weight=1,base=0"));
});

it("is only started with --no-follow, and says where to look and how to stop it", async () => {
  deployed({ answers: running(stopped(0)) });
  expect(await run({ follow: false })).toMatchObject({ arn: taskArn, status: "PROVISIONING" });
  expect(aws.commands).toHaveLength(1);
  expect(said).toContain(
    `aws logs tail /ecs/stage-vieweratlas-analysis --log-stream-names analysis/analysis/${id} --follow --region us-east-1`,
  );
  expect(said).toContain(
    `aws ecs stop-task --cluster stage-vieweratlas-cluster --task ${id} --region us-east-1`,
  );
});

it("in the sandbox is started and not waited for, as nothing runs there", async () => {
  deployed({ answers: running(task("RUNNING")) }, { emulator: true });
  expect((await run()).status).toBe("PROVISIONING");
  expect(said).toContain("nothing runs in them: not followed");
});

describe("a task that does not run", () => {
  const failure = (reason: string) => ({ "ecs run-task": [{ tasks: [], failures: [{ reason }] }] });

  it("as Spot has no room, is told with --on-demand", async () => {
    const reason =
      "Capacity is unavailable at this time. Please try again later or in a different availability zone";
    deployed({ answers: failure(reason) });
    const mend = "Spot has no room at the moment: ./landfall run stage analysis --on-demand";
    await expect(run()).rejects.toMatchObject({
      exitCode: 1,
      message: `ECS did not start analysis: ${reason}`,
      mend,
    });
    await expect(run({ onDemand: true })).rejects.toMatchObject({
      mend: expect.stringContaining("run it again later"),
    });
    deployed({ answers: { "ecs run-task": [{ error: "(ThrottlingException): Capacity is unavailable" }] } });
    await expect(run()).rejects.toMatchObject({ mend });
  });

  it("for another reason, or none, is an error", async () => {
    deployed({ answers: failure("AGENT") });
    await expect(run()).rejects.toThrow("ECS did not start analysis: AGENT");
    deployed({ answers: { "ecs run-task": [{ tasks: [], failures: [] }] } });
    await expect(run()).rejects.toThrow("no task and no reason");
    deployed({ answers: { "ecs run-task": [{ error: "(ClusterNotFoundException)" }] } });
    await expect(run()).rejects.toThrow("ClusterNotFoundException");
  });

  it.each([
    ["CannotPullContainerError: manifest not found", "./landfall images push stage"],
    [
      "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: ResourceNotFoundException",
      "./landfall secret list stage",
    ],
    [
      "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry auth: i/o timeout",
      "needs a way to ECR",
    ],
    ["Capacity is unavailable at this time.", "--on-demand"],
    ["ResourceInitializationError: failed to invoke EFS utils commands", "port 2049"],
    ["Timeout waiting for network interface provisioning", "docs/containers.md"],
  ])("as it never started, is told with where to look: %s", async (stoppedReason, mend) => {
    const failed = task("STOPPED", { stopCode: "TaskFailedToStart", stoppedReason });
    deployed({ answers: running(task("PENDING"), failed) });
    const problem = explain(await run(), "stage", "analysis");
    expect(problem).toMatchObject({ exitCode: 1, mend: expect.stringContaining(mend) });
    expect(problem?.message).toContain(`${id} did not start.\n${stoppedReason}`);
  });

  it.each([
    ["SpotInterruption", 0, 1],
    ["SpotInterruption", 143, 143],
    ["TerminationNotice", 0, 1],
  ])("to its end by %s is no success: exit code %i is %i", async (stopCode, exitCode, expected) => {
    deployed({ answers: running(stopped(exitCode, { stopCode })) });
    expect(explain(await run(), "stage", "analysis")).toMatchObject({
      exitCode: expected,
      mend: expect.stringContaining("--on-demand"),
    });
  });
});

it.each([
  [0, 124],
  [137, 137],
])("is no success where its own time limit ended it: exit code %i is %i", async (exitCode, expected) => {
  const containers = [
    { name: "time-limit", exitCode: 124 },
    { name: "analysis", exitCode },
  ];
  deployed({ answers: running(stopped(exitCode, { containers })) });
  expect(explain(await run(), "stage", "analysis")).toMatchObject({
    exitCode: expected,
    message: expect.stringContaining("not done within its time limit"),
  });
});

it("a service is no task", async () => {
  deployed({});
  await expect(run({}, "collector")).rejects.toMatchObject({
    exitCode: 2,
    mend: "To start it anew: ./landfall restart stage collector",
  });
  expect(aws.calls).toEqual([]);
});

it("is stopped at its time limit, once, with the rest of its log shown", async () => {
  const states = running(task("RUNNING"), task("RUNNING"), task("RUNNING"), stopped(143));
  deployed({
    answers: states,
    log: [
      { at: 1, message: "works" },
      { at: 6, message: "ends" },
    ],
  });
  const ran = await run({ timeout: 1e-9 });
  expect(aws.commands.filter((command) => command.startsWith("ecs stop-task"))).toEqual([
    `ecs stop-task --cluster stage-vieweratlas-cluster --task ${id} --reason landfall run --timeout 1e-9 --region us-east-1`,
  ]);
  expect(lines).toEqual(["works", "ends"]);
  expect(explain(ran, "stage", "analysis")).toMatchObject({
    exitCode: 1,
    message: expect.stringContaining("did not end in time and was stopped"),
  });
});

describe("Ctrl-C", () => {
  const stopCommand = `aws ecs stop-task --cluster stage-vieweratlas-cluster --task ${id} --region us-east-1`;

  it("leaves the task running, and says how to stop it", async () => {
    deployed({ answers: running(task("RUNNING")), log: log("works") });
    const begun = Date.now();
    const ran = run({
      poll: 60, // it wakes who waits
      onLine: () => setTimeout(() => process.emit("SIGINT"), 200),
    });
    await expect(ran).rejects.toMatchObject({ exitCode: 130, message: "Interrupted." });
    expect(Date.now() - begun).toBeLessThan(10_000);
    expect(said).toContain(`${id} goes on. To stop it: ${stopCommand}`);
    expect(aws.count("ecs stop-task")).toBe(0);
  });

  it("while it is being started says that it may run, and how to see", async () => {
    deployed({ answers: running(task("RUNNING")) });
    jest.mocked(execa).mockImplementation((() => {
      process.emit("SIGINT");
      return new Promise(() => {}); // no answer yet
    }) as unknown as typeof execa);
    await expect(run()).rejects.toMatchObject({
      exitCode: 130,
      mend: "See: aws ecs list-tasks --cluster stage-vieweratlas-cluster --family stage-vieweratlas-analysis --region us-east-1",
    });
  });

  it("or none: each run is a task of its own", async () => {
    deployed({ answers: running(stopped(0)) });
    expect((await run()).exitCode).toBe(0);
    expect((await run()).exitCode).toBe(0);
    expect(aws.count("ecs run-task")).toBe(2);
  });
});

it("where AWS does not answer any more says that the task goes on", async () => {
  const { "ecs run-task": start } = running();
  deployed({
    answers: { "ecs run-task": start, "ecs describe-tasks": [{ error: "(ExpiredTokenException)" }] },
  });
  await expect(run()).rejects.toThrow("ExpiredTokenException");
  expect(said).toContain(`${id} goes on. To stop it: aws ecs stop-task`);
});
