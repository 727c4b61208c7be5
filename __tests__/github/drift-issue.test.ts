import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folders";
import { BOT, FakeGitHub, runScript, TOKEN } from "./support/fake-github";

const bucket = {
  address: "aws_s3_bucket.files",
  action: "update",
  attributes: [
    {
      path: ["tags", "Owner"],
      before: { kind: "value", text: "us" },
      after: { kind: "value", text: "hush" },
    },
  ],
};
const host = { address: 'aws_instance.host["a`b"]', action: "delete", attributes: [] };

let github: FakeGitHub;
let folder: string;
beforeEach(async () => {
  github = await FakeGitHub.start();
  folder = temporaryFolder();
});
afterEach(async () => {
  expect(github.surprises).toEqual([]);
  await github.stop();
});

/** @param drift by environment; undefined where it could not be planned */
async function report(
  drift: Readonly<Record<string, readonly object[] | "not looked" | undefined>>,
): Promise<string> {
  folder = temporaryFolder();
  for (const [name, changes] of Object.entries(drift)) {
    if (!changes) continue;
    const place = join(folder, `drift-${name}`);
    mkdirSync(place);
    const blind = changes === "not looked";
    writeFileSync(join(place, "review.json"), JSON.stringify({ stack: name, drift: blind ? [] : changes }));
    if (blind) writeFileSync(join(place, "not-looked"), "");
  }
  const ENVIRONMENTS = JSON.stringify(Object.keys(drift).map((name) => ({ name, role: "arn" })));
  const { exitCode, told } = await runScript("drift-issue.cjs", [folder], {
    ...github.environment,
    ENVIRONMENTS,
  });
  expect(told).not.toContain(TOKEN);
  expect(exitCode).toBe(0);
  return told;
}
const only = () => {
  expect(github.issues).toHaveLength(1);
  return github.issues[0]!;
};
const said = (number = only().number!) => (github.comments.get(number) ?? []).map(({ body }) => body);
const closedBy = (login: string) => Object.assign(only(), { state: "closed", closed_by: { login } });

test("without drift there is no issue", async () => {
  expect(await report({ stage: [], prod: [] })).toBe("no drift");
  expect(github.asked.filter((asked) => !asked.startsWith("GET"))).toEqual([]);
});

test("drift opens one issue, which names what drifted and no value", async () => {
  await report({ stage: [bucket, host], prod: [] });
  const { title, labels, body } = only();
  expect({ title, labels }).toEqual({ title: "Drift: AWS is not as it was applied", labels: ["drift"] });
  expect(body).toContain("## stage\n\n- `aws_s3_bucket.files`: was changed (`tags.Owner`)\n");
  expect(body).toContain('- `` aws_instance.host["a`b"] ``: is gone');
  expect(body).toContain("## prod\n\nNo drift.");
  expect(body).not.toContain("hush");
});

test("the same drift the next night says nothing new", async () => {
  await report({ stage: [bucket] });
  await report({ stage: [bucket] });
  expect(only().state).toBe("open");
  expect(said()).toEqual([]);
});

test("another drift changes the issue, and says so", async () => {
  await report({ stage: [bucket] });
  await report({ stage: [bucket, host] });
  expect(only().body).toContain("is gone");
  expect(said()).toEqual(["The drift is another one than before."]);
});

test("the issue is closed when the drift is gone, and opened again when it is back", async () => {
  await report({ stage: [bucket] });
  await report({ stage: [] });
  expect(only()).toMatchObject({ state: "closed", state_reason: "completed" });
  expect(said()).toEqual(["[No drift any more](https://github.example/example/landfall/actions/runs/4711)."]);
  await report({ stage: [bucket] });
  expect(only().state).toBe("open");
  expect(said()[1]).toBe("There is drift again.");
});

test("closed by hand it stays closed, until something else drifts", async () => {
  await report({ stage: [bucket] });
  closedBy("someone");
  expect(await report({ stage: [bucket] })).toContain("closed by hand");
  expect(only().state).toBe("closed");
  await report({ stage: [bucket, host] });
  expect(only().state).toBe("open");
});

test("an environment that cannot be planned keeps the issue as it is", async () => {
  expect(await report({ stage: [], prod: undefined })).toContain("prod could not be planned");
  expect(github.issues).toEqual([]);
  await report({ stage: [bucket], prod: [] });
  await report({ stage: [], prod: undefined });
  expect(only().state).toBe("open");
});

test("an environment that cannot be looked at is named, and never called without drift", async () => {
  expect(await report({ stage: [], prod: "not looked" })).toContain("would have to read secrets: prod");
  expect(github.issues).toEqual([]);
  await report({ stage: [bucket], prod: "not looked" });
  expect(only().body).toContain("## prod\n\nNot looked at");
  await report({ stage: [], prod: "not looked" });
  expect(only().state).toBe("closed");
});

test("what somebody else wrote with our marker, and requests, are left alone", async () => {
  const forged = {
    number: 1,
    state: "open",
    labels: ["drift"],
    user: { login: "someone" },
    body: "<!-- landfall drift 00 -->",
  };
  const request = { ...forged, number: 2, user: { login: BOT }, pull_request: {} };
  const other = { ...forged, number: 3, user: { login: BOT }, body: "something else" };
  github.issues.push({ ...forged }, { ...request }, { ...other });
  await report({ stage: [bucket] });
  expect(github.issues.slice(0, 3)).toEqual([forged, request, other]);
  expect(github.issues).toHaveLength(4);
  await report({ stage: [] });
  expect(github.issues.map(({ state }) => state)).toEqual(["open", "open", "open", "closed"]);
});

test("ours is found behind pages of others", async () => {
  await report({ stage: [bucket] });
  for (let number = 2000; number < 2005; number++)
    github.issues.push({ number, state: "open", labels: ["drift"], user: { login: "someone" }, body: "too" });
  await report({ stage: [bucket] });
  expect(github.count("POST /issues")).toBe(1);
});

test("an answer that is lost makes no second issue", async () => {
  github.mishaps = [{ to: "POST /issues", status: 500, done: true }];
  await report({ stage: [bucket] });
  expect(only().state).toBe("open");
});

test("a thousand resources fit", async () => {
  const long = Array.from({ length: 1000 }, (_, index) => ({
    ...bucket,
    address: `${"x".repeat(150)}${index}`,
  }));
  await report({ stage: long, prod: long });
  expect(only().body!.length).toBeLessThan(65536);
  expect(only().body).toContain("and 900 more");
});
