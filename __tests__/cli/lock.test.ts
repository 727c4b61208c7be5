import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { underLock } from "../../cli/lock";

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "landfall-lock-"));
  lock = join(folder, "not there yet", "lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

const silent = (): void => {};

test("one works at a time", async () => {
  const events: string[] = [];
  const work = (name: string) => async () => {
    events.push(`${name} begins`);
    await sleep(50);
    events.push(`${name} ends`);
  };
  const lines: string[] = [];
  await Promise.all([
    underLock(lock, silent, work("first")),
    underLock(lock, (line) => lines.push(line), work("second")),
  ]);
  expect(events).toEqual(["first begins", "first ends", "second begins", "second ends"]);
  expect(lines).toEqual([expect.stringContaining(`waiting for process ${process.pid}`)]);
});

test("the lock of a dead process counts for nothing", async () => {
  const { pid } = spawnSync("true");
  mkdirSync(dirname(lock));
  symlinkSync(String(pid), lock);
  expect(await underLock(lock, silent, async () => "done")).toBe("done");
});

test("work that fails gives the lock back", async () => {
  const failing = underLock(lock, silent, () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  expect(existsSync(lock)).toBe(false);
});
