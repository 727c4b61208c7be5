import { execa } from "execa";
import { restart, tellRestart } from "../../cli/verbs/restart";
import { deployWith, FakeAws, type FakeState } from "../support/fake-aws";

jest.mock("../../cli/workspace", () => ({ openWorkspace: jest.fn() }));
jest.mock("execa", () => ({ execa: jest.fn() }));

const deployment = (rolloutState: string, runningCount: number, more: object = {}) => ({
  id: "ecs-svc/2",
  status: "PRIMARY",
  desiredCount: 1,
  runningCount,
  rolloutState,
  ...more,
});
const old = {
  id: "ecs-svc/1",
  status: "ACTIVE",
  desiredCount: 1,
  runningCount: 1,
  rolloutState: "COMPLETED",
};
const event = (id: string) => ({ id, message: `(service collector) ${id}` });
const service = (desiredCount: number, deployments: readonly object[], events: readonly object[] = []) => ({
  desiredCount,
  deployments,
  events,
});
const before = service(1, [{ ...old, status: "PRIMARY" }], [event("before")]);
const answers = (...states: readonly object[]) => ({
  "ecs describe-services": [before, ...states].map((one) => ({ services: [one], failures: [] })),
  "ecs update-service": [{ service: service(1, [deployment("IN_PROGRESS", 0), old]) }],
});

let aws: FakeAws;
let said: string;
function deployed(state: FakeState, { emulator = false } = {}): void {
  aws = new FakeAws(state);
  jest.mocked(execa).mockImplementation(aws.execa as unknown as typeof execa);
  deployWith(aws, { emulator });
}
const again = (wanted = "collector", poll = 0) => restart("stage", wanted, { environment: {}, poll });
const target = "--cluster stage-vieweratlas-cluster";
const update = `ecs update-service ${target} --service stage-vieweratlas-collector --force-new-deployment --region us-east-1`;

beforeEach(() => {
  said = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
});
afterEach(() => {
  expect(process.listenerCount("SIGINT")).toBe(0);
  jest.restoreAllMocks();
});

it("waits until the new tasks run and the old ones are gone", async () => {
  const states = [
    service(1, [deployment("IN_PROGRESS", 0), old]),
    service(1, [deployment("IN_PROGRESS", 0), old]),
    service(1, [deployment("IN_PROGRESS", 1), old]),
    service(1, [deployment("COMPLETED", 1)]),
  ];
  deployed({ answers: answers(...states) });
  const restarted = await again();
  expect(restarted).toEqual({
    name: "collector",
    service: "stage-vieweratlas-collector",
    status: "restarted",
    desired: 1,
    deployment: "ecs-svc/2",
  });
  const look = `ecs describe-services ${target} --services stage-vieweratlas-collector --region us-east-1`;
  expect(aws.commands).toEqual([look, update, look, look, look, look]);
  expect(said).toContain(`aws ${update}`);
  expect(said.match(/0 of 1 new tasks run/g)).toHaveLength(1);
  expect(said).toContain("1 of 1 new tasks run, old tasks are ending");
  expect(() => tellRestart(restarted, "stage")).not.toThrow();
});

it("fails with the service's last words where the circuit breaker ends the deployment", async () => {
  const reason = "ECS deployment circuit breaker: tasks failed to start.";
  const events = [event("third"), event("second"), event("first"), event("before")];
  deployed({
    answers: answers(
      service(1, [deployment("IN_PROGRESS", 0, { failedTasks: 2 }), old]),
      service(1, [deployment("FAILED", 0, { rolloutStateReason: reason, status: "ACTIVE" }), old], events),
    ),
  });
  const restarted = await again();
  expect(restarted).toMatchObject({
    status: "failed",
    reason,
    events: ["(service collector) first", "(service collector) second", "(service collector) third"],
  });
  expect(said).toContain("0 of 1 new tasks run, 2 failed");
  expect(() => tellRestart(restarted, "stage")).toThrow(
    expect.objectContaining({
      exitCode: 1,
      message: `stage-vieweratlas-collector was not restarted. ${reason}`,
      mend: "What it says: ./landfall logs stage collector",
    }) as Error,
  );
  expect(said).toMatch(/first\n.*second\n.*third\n/);
});

it("fails where another deployment takes its place", async () => {
  deployed({ answers: answers(service(1, [{ ...old, id: "ecs-svc/3", status: "PRIMARY" }])) });
  expect(await again()).toMatchObject({
    status: "failed",
    reason: "Another deployment has taken its place.",
  });
});

it("says where no task is wanted, and does nothing else", async () => {
  deployed({ answers: { "ecs describe-services": [{ services: [service(0, [])] }] } });
  const restarted = await again();
  expect(restarted.status).toBe("stopped");
  expect(aws.count("ecs update-service")).toBe(0);
  tellRestart(restarted, "stage");
  expect(said).toContain("desired count 0");
});

it("is refused for a task, with what starts one", async () => {
  deployed({});
  await expect(again("vod")).rejects.toMatchObject({
    exitCode: 2,
    mend: "To run it now: ./landfall run stage vod",
  });
  expect(aws.calls).toEqual([]);
});

it("of a service that is gone is an error", async () => {
  deployed({ answers: { "ecs describe-services": [{ services: [], failures: [{ reason: "MISSING" }] }] } });
  await expect(again()).rejects.toMatchObject({
    message: "There is no service stage-vieweratlas-collector.",
    mend: "./landfall apply stage",
  });
});

it("goes on at Ctrl-C, and says how to see it", async () => {
  deployed({ answers: answers(service(1, [deployment("IN_PROGRESS", 0), old])) });
  setTimeout(() => process.emit("SIGINT"), 300);
  await expect(again("collector", 60)).rejects.toMatchObject({ exitCode: 130 });
  expect(said).toContain(
    `The deployment goes on. To see how: aws ecs describe-services ${target} --services stage-vieweratlas-collector`,
  );
});

it("in the sandbox is not waited for, as nothing runs there", async () => {
  deployed({ answers: answers(service(1, [deployment("IN_PROGRESS", 0)])) }, { emulator: true });
  expect((await again()).status).toBe("started");
  expect(aws.commands).toContain(update);
});
