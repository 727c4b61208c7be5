import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folders";
import { FakeGitHub, runScript, TOKEN, type ScriptRun } from "./support/fake-github";

let github: FakeGitHub;
beforeEach(async () => {
  github = await FakeGitHub.start();
  github.reads["/pulls/1"] = { state: "open" };
  github.reads["/pulls/2"] = { state: "closed" };
});
afterEach(async () => {
  expect(github.surprises).toEqual([]);
  await github.stop();
});

const daysAgo = (days: number): string => new Date(Date.now() - days * 24 * 60 * 60 * 1000).toISOString();
const stack = (name: string, days = 1, resources = 30) => ({
  name,
  modified: daysAgo(days),
  resources,
});

async function expired(stacks: readonly object[], DAYS = ""): Promise<ScriptRun> {
  const file = join(temporaryFolder(), "stacks.json");
  writeFileSync(file, JSON.stringify(stacks));
  const ran = await runScript("expired-previews.cjs", [file], { ...github.environment, DAYS });
  expect(ran.told).not.toContain(TOKEN);
  return ran;
}
const previews = async (...args: Parameters<typeof expired>) =>
  JSON.parse((await expired(...args)).outputs.previews!);

test("a preview goes when its request is closed, and stays while that is open", async () => {
  expect(await previews([stack("pr-1"), stack("pr-2")])).toEqual(["pr-2"]);
});

test("a preview goes after a week, and after as many days as are set", async () => {
  expect(await previews([stack("pr-1", 6.9)])).toEqual([]);
  expect(await previews([stack("pr-1", 7.1)])).toEqual(["pr-1"]);
  expect(await previews([stack("pr-1", 7.1)], "14")).toEqual([]);
  expect(await previews([stack("pr-1", 2.1)], "2")).toEqual(["pr-1"]);
});

test("a preview whose state cannot be read stays, is told, and does not hold up others", async () => {
  const unreadable = { name: "pr-1", modified: daysAgo(9), size: 0 };
  for (const why of [{ broken: true }, { denied: true }]) {
    const ran = await expired([{ ...unreadable, ...why }, stack("pr-2")]);
    expect(JSON.parse(ran.outputs.previews!)).toEqual(["pr-2"]);
    expect(ran.told).toContain("::warning::The state of pr-1 cannot be read");
  }
  expect((await expired([unreadable])).exitCode).toBe(1);
});

test("nothing but previews ever goes", async () => {
  const others = ["prod", "stage", "shared", "state", "pr-", "pr-0", "pr-2x", "xpr-2", "pr-02", "pr-2-prod"];
  expect(await previews(others.map((name) => stack(name, 100)))).toEqual([]);
});

test("what is destroyed already is not destroyed again", async () => {
  expect(await previews([stack("pr-2", 1, 0)])).toEqual([]);
});

test("a preview whose request is not here may be another repository's, and goes by age alone", async () => {
  expect(await previews([stack("pr-3"), stack("pr-4", 8)])).toEqual(["pr-4"]);
});

test("nothing goes where GitHub fails", async () => {
  github.mishaps = [{ to: "/pulls/1", status: 403, message: "Resource not accessible by integration" }];
  const { exitCode, outputs } = await expired([stack("pr-2"), stack("pr-1")]);
  expect({ exitCode, outputs }).toEqual({ exitCode: 1, outputs: {} });
});

test.each(["0", "-1", "week", "1.5"])("%s is no number of days", async (days) => {
  const { exitCode, told } = await expired([stack("pr-1", 100)], days);
  expect(exitCode).toBe(1);
  expect(told).toContain(`"${days}" is no number of days`);
});

test("a listing that is another one than is known stops it, rather than nothing ever going", async () => {
  for (const other of [
    { stack: "pr-2", modified: daysAgo(1), resources: 1 },
    { name: "pr-2", resources: 1 },
    { name: "pr-2", modified: daysAgo(1) },
  ]) {
    const { exitCode, told } = await expired([other]);
    expect(exitCode).toBe(1);
    expect(told).toContain("state list");
  }
});

test("why each goes or stays is told", async () => {
  const { summary } = await expired([stack("pr-1"), stack("pr-2"), stack("pr-4", 8)]);
  expect(summary).toBe(
    "- pr-1: stays\n- pr-2: its pull request is closed\n- pr-4: not deployed for more than 7 days\n",
  );
});
