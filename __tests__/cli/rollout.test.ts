import { execa } from "execa";
import { awaitServices } from "../../cli/rollout";
import { deployWith, FakeAws, viewerAtlasOutputs } from "../support/fake-aws";

jest.mock("../../cli/workspace", () => ({ openWorkspace: jest.fn() }));
jest.mock("execa", () => ({ execa: jest.fn() }));

const revision = (number: number) =>
  `arn:aws:ecs:us-east-1:436957243186:task-definition/stage-vieweratlas-collector:${number}`;
const deployment = (rolloutState: string, more: object = {}) => ({
  id: "ecs-svc/2",
  status: "PRIMARY",
  taskDefinition: revision(7),
  desiredCount: 1,
  runningCount: rolloutState === "COMPLETED" ? 1 : 0,
  rolloutState,
  ...more,
});
const service = (desiredCount: number, ...deployments: readonly object[]) => ({
  services: [{ desiredCount, deployments, events: [] }],
});

let aws: FakeAws;
let said: string;
function waitFor(states: readonly object[], more: Parameters<typeof deployWith>[1] = {}): Promise<boolean> {
  aws = new FakeAws({ answers: { "ecs describe-services": states } });
  jest.mocked(execa).mockImplementation(aws.execa as unknown as typeof execa);
  deployWith(aws, more);
  return awaitServices("stage", { environment: {}, poll: 0 });
}

beforeEach(() => {
  said = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
});
afterEach(() => {
  expect(process.listenerCount("SIGINT")).toBe(0);
  jest.restoreAllMocks();
});

it("waits until the service's new tasks run, and asks of services alone", async () => {
  const going = service(1, deployment("IN_PROGRESS"));
  expect(await waitFor([going, going, service(1, deployment("COMPLETED"))])).toBe(true);
  expect(aws.count("ecs describe-services")).toBe(3);
  expect(aws.commands.join()).not.toMatch(/vod|analysis|update-service/);
  expect(said).toContain("0 of 1 new tasks run");
});

it("is done at once where the service runs it already", async () => {
  expect(await waitFor([service(1, deployment("COMPLETED"))])).toBe(true);
});

it("fails where the tasks do not start, with the reason and where to look", async () => {
  const reason = "ECS deployment circuit breaker: tasks failed to start.";
  const failed = deployment("FAILED", { rolloutStateReason: reason, status: "ACTIVE" });
  expect(await waitFor([service(1, deployment("IN_PROGRESS")), service(1, failed)])).toBe(false);
  expect(said).toContain(`stage-vieweratlas-collector does not run what was applied. ${reason}`);
  expect(said).toContain("./landfall logs stage collector");
});

it("fails where ECS has gone back already", async () => {
  const back = deployment("COMPLETED", { taskDefinition: revision(6) });
  expect(await waitFor([service(1, back)])).toBe(false);
  expect(said).toContain(
    "ECS is on stage-vieweratlas-collector:6, and not on stage-vieweratlas-collector:7.",
  );
});

it("does not wait for a service that is to have no tasks", async () => {
  expect(await waitFor([service(0, deployment("IN_PROGRESS"))])).toBe(true);
  expect(said).toContain("is to have no tasks");
});

it("does not wait in the sandbox, and says so", async () => {
  expect(await waitFor([], { emulator: true })).toBe(true);
  expect(aws.calls).toEqual([]);
  expect(said).toContain("not waited for");
});

it("asks nothing where there is no service", async () => {
  const { viewer_atlas_containers: output, ...others } = viewerAtlasOutputs;
  const containers = { analysis: output.value.containers.analysis };
  const outputs = {
    ...others,
    viewer_atlas_containers: { ...output, value: { ...output.value, containers } },
  };
  expect(await waitFor([], { outputs })).toBe(true);
  expect(aws.calls).toEqual([]);
});
