import { Command } from "commander";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { StateStore } from "../../backend/state-store";
import { register } from "../../cli/verbs/state";
import { openWorkspace, type Workspace } from "../../cli/workspace";
import { LandfallError, UsageError } from "../../environments/errors";
import { StateBucket, stateText } from "../support/state-bucket";

jest.mock("../../cli/workspace", () => ({ openWorkspace: jest.fn() }));

let said: string;
let printed: string;
let bucket: StateBucket;
const [host, queue] = [
  { address: "aws_instance.host", id: "i-1" },
  { address: "aws_sqs_queue.jobs", id: "https://sqs/jobs" },
];

beforeEach(() => {
  said = "";
  printed = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
  jest.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += String(text)), true));
  bucket = new StateBucket([
    ["version-b", stateText(6, [host])],
    ["version-a", stateText(5, [host, queue])],
  ]);
  jest.mocked(openWorkspace).mockResolvedValue({ store: bucket } as unknown as Workspace);
});
afterEach(() => jest.restoreAllMocks());

const state = (...args: string[]) => {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  register(program);
  program.commands.forEach((verb) =>
    verb.commands.forEach((one) => one.exitOverride().configureOutput({ writeErr: () => {} })),
  );
  return program.parseAsync(["state", ...args], { from: "user" });
};

test("history is a table for people, newest first", async () => {
  await state("history", "sandbox");
  const [heading, newest, oldest, ...rest] = printed.trimEnd().split("\n");
  expect(heading).toMatch(/^version +time +age +size +serial +resources +lineage +against the one before$/);
  expect(newest).toMatch(
    /^version-b +2026-11-21T12:00:00.000Z +.* ago +1 KiB +6 +1 +7c9e6679 +current -aws_sqs_queue.jobs$/,
  );
  expect(oldest).toMatch(/^version-a .* \+aws_instance.host \+aws_sqs_queue.jobs$/);
  expect(rest).toEqual([]);
  expect(printed).not.toContain("hunter2");
});

test("history is JSON for programs", async () => {
  await state("history", "sandbox", "--json", "--limit", "1");
  expect(JSON.parse(printed)).toEqual([
    expect.objectContaining({
      version: "version-b",
      current: true,
      deleted: false,
      serial: 6,
      resources: 1,
      removed: ["aws_sqs_queue.jobs"],
    }),
  ]);
});

test.each(["0", "-1", "many", "1.5", ""])("--limit %p is wrong usage", (limit) =>
  expect(state("history", "sandbox", `--limit=${limit}`)).rejects.toMatchObject({
    code: "commander.invalidArgument",
  }),
);

test("restore tells what it would do, does it, and says what comes next", async () => {
  await state("restore", "sandbox", "version-a", "--yes");
  expect(said).toContain("The state of sandbox would go back to version-a");
  expect(said).toContain(
    "It would know these again; the next plan makes those anew that AWS no longer has:\n  aws_sqs_queue.jobs\n",
  );
  expect(said).toContain("as serial 7; nothing was changed in AWS\n");
  expect(said).toContain("./landfall plan sandbox");
  expect(bucket.written).toEqual([stateText(7, [host, queue])]);
  expect(bucket.calls).toEqual(["lock", "write", "unlock"]);
  expect(said).not.toContain("hunter2");
});

test("restore asks before it locks, and changes nothing where nobody can answer", async () => {
  await expect(state("restore", "sandbox", "version-a")).rejects.toThrow(UsageError);
  expect(bucket.calls).toEqual([]);
});

test("restore tells who has the lock and since when, and does not even ask", async () => {
  const Created = new Date(Date.now() - 7 * 60_000).toISOString();
  bucket.lock = { ID: "2", Operation: "OperationTypeApply", Who: "bob@desk", Created };
  const tried = state("restore", "sandbox", "version-a", "--yes");
  await expect(tried).rejects.toThrow(LandfallError);
  await expect(tried).rejects.toThrow(/locked: held by bob@desk for apply since \S+ \(7 min ago\)/);
  expect(bucket.calls).toEqual([]);
});

test("restore tells the same of a run that began during the question", async () => {
  const Created = new Date().toISOString();
  bucket.takeLock = () =>
    Promise.resolve({ ID: "2", Operation: "OperationTypePlan", Who: "bob@desk", Created });
  await expect(state("restore", "sandbox", "version-a", "--yes")).rejects.toThrow(
    /held by bob@desk for plan/,
  );
  expect(bucket.written).toEqual([]);
});

test("restore is done where the state is that already", async () => {
  const same = new StateBucket([
    ["b", stateText(6, [host])],
    ["a", stateText(5, [host])],
  ]);
  jest.mocked(openWorkspace).mockResolvedValue({ store: same } as unknown as Workspace);
  await state("restore", "sandbox", "a");
  expect(said).toContain("that is what the state is already");
  expect(same.calls).toEqual([]);
});

test("restore then writes the checksum where a table keeps it: another may have ended before that", async () => {
  const same = new StateBucket([
    ["b", stateText(6, [host])],
    ["a", stateText(5, [host])],
  ]);
  same.checksum = "of another state";
  jest.mocked(openWorkspace).mockResolvedValue({ store: same } as unknown as Workspace);
  await state("restore", "sandbox", "a");
  expect(said).toContain("that is what the state is already; its checksum is written");
  expect(same.calls).toEqual(["lock", "checksum", "unlock"]);
  expect(same.checksum).toBe(stateText(6, [host]));
});

test("restore warns of another lineage, which has to be asked for", async () => {
  const foreign = new StateBucket([
    ["b", stateText(6, [queue], "other")],
    ["a", stateText(5, [host])],
  ]);
  jest.mocked(openWorkspace).mockResolvedValue({ store: foreign } as unknown as Workspace);
  await expect(state("restore", "sandbox", "a", "--yes")).rejects.toThrow("another lineage");
  expect(foreign.calls).toEqual([]);
  await state("restore", "sandbox", "a", "--other-lineage", "--yes");
  expect(said).toMatch(/WARNING: it is of another lineage .* would be forgotten/);
  expect(foreign.written).toEqual([stateText(7, [host])]);
});

test("restore says that a state which cannot be read counts as empty", async () => {
  const broken = new StateBucket([
    ["b", "{}"],
    ["a", stateText(5, [host])],
  ]);
  jest.mocked(openWorkspace).mockResolvedValue({ store: broken } as unknown as Workspace);
  await state("restore", "sandbox", "a", "--yes");
  expect(said).toContain("cannot be read as a state, and counts as empty");
  expect(broken.written).toEqual([stateText(6, [host])]);
});

describe("list", () => {
  const states = ["pr-7", "pr-8", "stage", "state"];
  let asked: string[];
  /** Of which stacks the state may be read. */
  let readable: RegExp;
  /** Of which stack the state is none, and what is there. */
  let broken: string | undefined;
  let body = "";
  /** S3 on loopback. */
  const server = createServer(({ url = "" }, response) => {
    const key = new URL(url, "http://s3").pathname.split("/").slice(2).join("/");
    if (!key) {
      const contents = states.map(
        (name) => `<Contents><Key>${name}/terraform.tfstate</Key><Size>2000</Size></Contents>`,
      );
      return response.end(`<ListBucketResult>${contents.join("")}</ListBucketResult>`);
    }
    asked.push(key);
    if (!readable.test(key)) return response.writeHead(403).end("<Error><Code>AccessDenied</Code></Error>");
    if (key.endsWith(".tflock")) return response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
    return response.end(key === `${broken}/terraform.tfstate` ? body : stateText(6, [host]));
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    asked = [];
    readable = /./;
    broken = undefined;
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const emulator = { endpoint, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
    const location = {
      bucket: "states",
      region: "us-east-1",
      key: "shared/terraform.tfstate",
      lockFile: true,
    };
    jest.mocked(openWorkspace).mockResolvedValue({
      stack: { state: location },
      target: { emulator },
      store: new StateStore(location, emulator),
    } as unknown as Workspace);
  });
  const names = () => (JSON.parse(printed) as { name: string }[]).map(({ name }) => name);

  test("tells all states, and which have no environment", async () => {
    await state("list", "--json");
    expect(names()).toEqual(states);
    expect(JSON.parse(printed)).toContainEqual(
      expect.objectContaining({ name: "pr-7", serial: 6, resources: 1, orphaned: true }),
    );
  });

  test("reads none but those that are asked for: a role for previews may read theirs alone", async () => {
    readable = /^pr-/;
    await state("list", "pr-*", "--json");
    expect(names()).toEqual(["pr-7", "pr-8"]);
    expect(asked.filter((key) => !key.startsWith("pr-"))).toEqual([]);
  });

  test("tells what may not be read as such, and the others", async () => {
    readable = /^(pr-|stage)/;
    await state("list");
    expect(printed).toMatch(/^state +\S+ +2 KiB +\? +\? +no right to read$/m);
    expect(printed).toMatch(/^stage +\S+ +2 KiB +6 +1/m);
    expect(printed.match(/no right/g)).toHaveLength(1);
    printed = "";
    await state("list", "state", "--json");
    const [told] = JSON.parse(printed) as object[];
    expect(told).toMatchObject({ name: "state", denied: true, orphaned: false });
    expect(told).not.toHaveProperty("resources");
  });

  test.each(["", "{}", "[]", "null", '{"encrypted_data":"x","serial":6}'])(
    "tells that %p is no state, and the others",
    async (text) => {
      [broken, body] = ["pr-7", text];
      await state("list");
      expect(printed).toMatch(
        /^pr-7 +\S+ +2 KiB +\? +\? +no environment file; is no state: see its history$/m,
      );
      expect(printed).toMatch(/^stage +\S+ +2 KiB +6 +1/m);
    },
  );

  test("takes a name for the whole name", async () => {
    await state("list", "pr-", "--json");
    expect(names()).toEqual([]);
    printed = "";
    await state("list", "pr-9");
    expect(printed).toBe("The bucket has no state of pr-9.\n");
  });

  test.each(["pr-?", "../x", "", "(a+)+"])("%p is wrong usage", (pattern) =>
    expect(state("list", pattern)).rejects.toThrow(UsageError),
  );
});
