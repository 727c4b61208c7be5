import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folders";
import { BOT, FakeGitHub, runScript, TOKEN, type ScriptRun } from "./support/fake-github";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const marker = (name: string): string => `<!-- landfall review: ${name} -->`;
const someone = { login: "someone" };

let github: FakeGitHub;
let folder: string;
beforeEach(async () => {
  github = await FakeGitHub.start();
  github.reads["/pulls/7"] = { head: { sha: COMMIT } };
  folder = temporaryFolder();
});
afterEach(async () => {
  expect(github.surprises).toEqual([]);
  await github.stop();
});

function review(name: string, text: string): void {
  mkdirSync(join(folder, `review-${name}`));
  writeFileSync(join(folder, `review-${name}`, "review.md"), text);
}
async function comment(...names: readonly string[]): Promise<ScriptRun> {
  const ran = await runScript("upsert-comment.cjs", [folder], {
    ...github.environment,
    ENVIRONMENTS: JSON.stringify(names.map((name) => ({ name, role: "arn" }))),
    PULL: "7",
    COMMIT,
  });
  expect(ran.told).not.toContain(TOKEN);
  return ran;
}
const comments = () => github.comments.get(7) ?? [];

test("each environment gets a comment, which is changed the next time", async () => {
  review("stage", "### stage: 1 to add");
  review("prod", "### prod: nothing");
  expect(await comment("stage", "prod")).toMatchObject({ exitCode: 0 });
  expect(comments().map(({ body }) => body?.split("\n").slice(0, 2))).toEqual([
    [marker("stage"), "### stage: 1 to add"],
    [marker("prod"), "### prod: nothing"],
  ]);
  expect(comments()[0]?.body).toContain("https://github.example/example/landfall/actions/runs/4711");
  expect(comments()[0]?.body).toContain(COMMIT.slice(0, 12));

  writeFileSync(join(folder, "review-stage", "review.md"), "### stage: 2 to add");
  await comment("stage", "prod");
  expect(comments()).toHaveLength(2);
  expect(comments()[0]?.body).toContain("2 to add");
});

test("ours is found on a later page", async () => {
  const others = Array.from({ length: 5 }, (_, id) => ({ id, user: someone, body: "looks good" }));
  github.comments.set(7, [...others, { id: 9, user: { login: BOT }, body: `${marker("stage")}\nold` }]);
  review("stage", "new");
  await comment("stage");
  expect(comments()).toHaveLength(6);
  expect(comments()[5]?.body).toContain("new");
});

test("somebody else's comment with our marker, and ours without it, are left alone", async () => {
  const forged = { id: 1, user: someone, body: `${marker("stage")}\nall is well` };
  const quoting = { id: 2, user: { login: BOT }, body: `> ${marker("stage")}` };
  github.comments.set(7, [{ ...forged }, { ...quoting }]);
  review("stage", "new");
  await comment("stage");
  expect(comments().slice(0, 2)).toEqual([forged, quoting]);
  expect(comments()[2]).toMatchObject({ user: { login: BOT }, body: expect.stringContaining("new") });
});

test("a plan that failed replaces the old review", async () => {
  review("stage", "### stage: nothing");
  await comment("stage");
  folder = temporaryFolder();
  await comment("stage");
  expect(comments()).toHaveLength(1);
  expect(comments()[0]?.body).toContain("the plan failed");
  expect(comments()[0]?.body).not.toContain("nothing");
});

test("what GitHub would refuse for its length is only linked", async () => {
  review("stage", "x".repeat(65536));
  await comment("stage");
  expect(comments()[0]?.body?.length).toBeLessThan(1000);
  expect(comments()[0]?.body).toContain("too long");
  expect(comments()[0]?.body).toContain("review-stage");
});

test("an answer that is lost makes no second comment", async () => {
  github.mishaps = [{ to: "POST /issues/7/comments", status: 502, done: true }];
  review("stage", "text");
  expect(await comment("stage")).toMatchObject({ exitCode: 0 });
  expect(comments()).toHaveLength(1);
});

test("the review of an older commit is no longer told", async () => {
  github.reads["/pulls/7"] = { head: { sha: "f".repeat(40) } };
  review("stage", "old");
  expect(await comment("stage")).toMatchObject({ exitCode: 0 });
  expect(comments()).toEqual([]);
});

test("a refusal is told in one line, without the token", async () => {
  github.mishaps = [{ to: "POST", status: 403, message: `not for ${TOKEN}\nat all` }];
  review("stage", "text");
  const { exitCode, told } = await comment("stage");
  expect(exitCode).toBe(1);
  expect(told).toBe("::error::POST /repos/example/landfall/issues/7/comments: 403 not for ***%0Aat all");
});
