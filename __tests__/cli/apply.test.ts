import { LandfallError } from "../../environments/errors";
import { awaitMacroAi } from "../../cli/release/macro-ai";
import { awaitServices } from "../../cli/rollout";
import { finishApply } from "../../cli/verbs/apply";
import { configureAfterApply } from "../../cli/verbs/configure";
import { updateXScheduler } from "../../cli/verbs/release";

jest.mock("../../cli/release/macro-ai");
jest.mock("../../cli/rollout");
jest.mock("../../cli/verbs/configure");
jest.mock("../../cli/verbs/release");

const all = {
  x_scheduler_instance_id: { value: "i-1" },
  macro_ai_release_parameter: { value: "/landfall/stage/macro-ai/release" },
  viewer_atlas_containers: { value: {} },
};
const finish = (outputs = {}) => finishApply("stage", { environment: {}, outputs });
const [configured, updated, awaited, served] = [
  jest.mocked(configureAfterApply),
  jest.mocked(updateXScheduler),
  jest.mocked(awaitMacroAi),
  jest.mocked(awaitServices),
];
let said = "";

beforeEach(() => {
  said = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
  for (const step of [configured, updated, awaited, served]) step.mockReset().mockResolvedValue(true);
});
afterEach(() => jest.restoreAllMocks());

test("an apply ends with the hosts and services of all systems", async () => {
  expect(await finish(all)).toBe(0);
  for (const step of [configured, updated, awaited, served]) expect(step).toHaveBeenCalledTimes(1);
});

test("it waits for nobody who is not there", async () => {
  expect(await finish()).toBe(0);
  expect(updated).not.toHaveBeenCalled();
  expect(awaited).not.toHaveBeenCalled();
  expect(served).not.toHaveBeenCalled();
});

test.each([
  ["chronos", configured, "./landfall configure stage"],
  ["x-scheduler", updated, "./landfall release stage x-scheduler"],
  ["macro-ai", awaited, "./landfall logs stage macro-ai --group user-data"],
  ["services", served, "Not all services run what was applied"],
])("what fails with %s is told with what to do, and stops no other", async (_, step, mend) => {
  step.mockResolvedValue(false);
  expect(await finish(all)).toBe(1);
  expect(said).toContain(mend);
  said = "";
  step.mockRejectedValue(new LandfallError("No way there.", { mend: "Open one." }));
  expect(await finish(all)).toBe(1);
  expect(said).toMatch(/^No way there\.\nOpen one\.\n/);
  expect(said).toContain(mend);
  for (const each of [configured, updated, awaited, served]) expect(each).toHaveBeenCalledTimes(2);
});

test("after the user's wish to stop nothing more begins", async () => {
  configured.mockRejectedValue(new LandfallError("Interrupted.", { mend: "Again.", exitCode: 130 }));
  expect(await finish(all)).toBe(130);
  expect(said).toBe("Interrupted.\nAgain.\n");
  expect(updated).not.toHaveBeenCalled();
});
