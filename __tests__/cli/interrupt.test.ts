import type { ChildProcess } from "node:child_process";
import { Interrupts } from "../../cli/interrupt";

let said: string[];
let sent: string[];
let interrupts: Interrupts;
beforeEach(() => {
  said = [];
  sent = [];
  jest.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
  interrupts = new Interrupts({ kill: (signal: string) => sent.push(signal) } as unknown as ChildProcess);
});
afterEach(() => {
  interrupts.end();
  jest.restoreAllMocks();
});

const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

test.each(signals)("the first %s reaches the child once, as the wish to stop in order", (signal) => {
  process.emit(signal);
  expect(sent).toEqual(["SIGINT"]);
  expect(said.join("")).toContain("state will be written and unlocked");
  expect(interrupts.count).toBe(1);
});

test("the second warns and sends nothing, the third stops at once, more do nothing", () => {
  process.emit("SIGINT");
  process.emit("SIGINT");
  expect(sent).toHaveLength(1);
  expect(said.at(-1)).toMatch(/third time stops at once.*may .* stay locked/);
  process.emit("SIGINT");
  process.emit("SIGINT");
  expect(sent).toEqual(["SIGINT", "SIGINT"]);
});

test("afterwards signals are this process's own again", () => {
  interrupts.end();
  for (const signal of signals) expect(process.listenerCount(signal)).toBe(0);
});
