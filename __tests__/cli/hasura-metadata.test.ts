import { Command } from "commander";
import { execa } from "execa";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { metadataUrl } from "../../cli/hasura/client";
import { applyMetadata, register, type HasuraMetadataOptions } from "../../cli/verbs/hasura-metadata";
import { adminSecretArn, atomicCalendarOutputs } from "../support/atomic-calendar-outputs";
import { deployWith, FakeAws } from "../support/fake-aws";
import { FakeHasura, type Mishap } from "../support/fake-hasura";
import { temporaryFolder } from "../support/stacks";

jest.mock("../../cli/workspace");
jest.mock("execa", () => ({ execa: jest.fn() }));

const secret = "cAnArY-of-the-admin-0123456789abcdef";
const table = (name: string) => ({ table: { schema: "public", name } });
const metadataWith = (...tables: string[]) => ({
  version: 3,
  sources: [{ name: "default", kind: "postgres", tables: tables.map(table) }],
});

let aws: FakeAws;
let hasura: FakeHasura;
let said: string;
let shown: string;

/** An environment whose Hasura meets these mishaps first. */
async function deployed(
  mishaps: readonly Mishap[] = [],
  options: { value?: string; emulator?: boolean; outputs?: object; history?: string } = {},
): Promise<void> {
  const { value = secret, emulator, outputs = {}, history } = options;
  hasura = await FakeHasura.start(secret, ...mishaps);
  const answer = value as unknown as object; // as --query SecretString gives it
  aws = new FakeAws({ answers: { "secretsmanager get-secret-value": [answer] }, history });
  jest.mocked(execa).mockImplementation(aws.execa as unknown as typeof execa);
  deployWith(aws, {
    emulator,
    outputs: atomicCalendarOutputs({
      atomic_calendar_url: hasura.url,
      atomic_calendar_admin_cidrs: ["127.0.0.1/32"],
      ...outputs,
    }),
  });
}
function file(value: unknown, name = "metadata.json"): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}
const apply = (value: unknown = metadataWith("users"), options: Partial<HasuraMetadataOptions> = {}) =>
  applyMetadata("stage", file(value), { environment: {}, poll: 0, timeout: 5, ...options });
function landfall(...args: string[]): Promise<unknown> {
  const program = new Command().exitOverride();
  register(program);
  program.commands.forEach((command) => command.exitOverride().configureOutput({ writeErr: () => {} }));
  return program.parseAsync(["hasura-metadata", "stage", ...args], { from: "user" });
}

beforeEach(() => {
  said = shown = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
  jest.spyOn(process.stdout, "write").mockImplementation((text) => ((shown += String(text)), true));
});
afterEach(async () => {
  await hasura.stop();
  expect(process.listenerCount("SIGINT")).toBe(0);
  const everything = said + shown + aws.commands.join("\n");
  for (const part of [secret, secret.slice(0, 12), "cAnArY"]) expect(everything).not.toContain(part);
  jest.restoreAllMocks();
});

describe("metadata", () => {
  it("is applied once Hasura answers, with the admin secret in a header", async () => {
    await deployed([{ status: 503 }, { status: 503 }, { status: 502, body: "<html>" }, "cut"]);
    expect(await apply()).toEqual({ status: "applied", applied: true, inconsistent: [], warnings: [] });
    expect(hasura.metadata).toEqual(metadataWith("users"));
    expect(hasura.asked).toEqual([...Array<string>(5).fill("get_inconsistent_metadata"), "replace_metadata"]);
    expect(aws.commands).toEqual([
      "configure get cli_history",
      `secretsmanager get-secret-value --secret-id ${adminSecretArn} --query SecretString --region us-east-1`,
    ]);
    expect(said.match(/waiting for Hasura: HTTP 503/g)).toHaveLength(1);
    expect(said).toContain("waiting for Hasura: HTTP 502");
    expect(said).toContain(`POST ${hasura.url}/v1/metadata replace_metadata`);
    const body = hasura.received.map((one) => one.replaceAll(`"x-hasura-admin-secret":"${secret}"`, ""));
    expect(body.join("")).not.toContain(secret);
  });

  it("that does not fit is refused with all reasons, and changes nothing", async () => {
    await deployed();
    const before = hasura.metadata;
    const from = file(metadataWith("users", "missing"));
    await expect(landfall("--from", from)).rejects.toMatchObject({
      exitCode: 1,
      message:
        "The metadata is inconsistent, and nothing was changed.\n" +
        '  table table missing in source default: Inconsistent object: no such table/view exists in source: "missing" [31m (secret)',
    });
    expect(hasura.metadata).toBe(before);
    await expect(landfall("--from", from, "--json")).rejects.toThrow("inconsistent");
    expect(JSON.parse(shown)).toMatchObject({ status: "refused", inconsistent: [{ type: "table" }] });
  });

  it("may come with warnings", async () => {
    await deployed();
    hasura.warnings = [{ type: "illegal-event-trigger-name", name: "a b", message: "has a space" }];
    await landfall("--from", file(metadataWith("users")));
    expect(said).toContain("Warning: has a space");
    expect(shown).toBe("applied\n");
  });

  it("may be compared without being applied", async () => {
    await deployed();
    hasura.metadata = metadataWith("users", "old");
    const wanted = metadataWith("users", "new");
    await landfall("--from", file(wanted), "--dry-run");
    expect(shown).toBe("+ default tables public.new\n- default tables public.old\n");
    expect(hasura.asked).not.toContain("replace_metadata");
    shown = "";
    await landfall("--from", file(hasura.metadata), "--dry-run", "--json");
    expect(JSON.parse(shown)).toEqual({ added: [], removed: [], changed: [] });
  });

  it("that is there is exported in the form that is applied", async () => {
    await deployed();
    hasura.metadata = metadataWith("users");
    await landfall("--export");
    hasura.metadata = {};
    await landfall("--from", file(shown));
    expect(hasura.metadata).toEqual(metadataWith("users"));
  });
});

describe("Hasura is not waited for", () => {
  it.each<[string, Mishap | undefined, string, { value?: string }]>([
    ["has another secret", undefined, "does not take the admin secret", { value: "another" }],
    ["is not routed to", { status: 302, headers: { location: "/app" } }, "does not pass requests", {}],
    [
      "is not routed to and the rest is 404",
      { status: 404, body: "Not found." },
      "does not pass requests",
      {},
    ],
    [
      "has no metadata API",
      { status: 404, body: { error: "none", code: "not-found" } },
      "no metadata API, none",
      {},
    ],
    ["has a firewall before it", { status: 403, body: "<html>" }, "HTTP 403", {}],
    ["is something else", { status: 200, body: "<html>" }, "is no Hasura: HTTP 200", {}],
    [
      "refuses for another reason",
      { status: 400, body: { error: "why", path: "$.x" } },
      "HTTP 400, why at $.x",
      {},
    ],
  ])("where it %s", async (_, mishap, message, options) => {
    await deployed(mishap ? [mishap] : [], options);
    await expect(apply()).rejects.toMatchObject({ exitCode: 1, message: expect.stringContaining(message) });
    expect(hasura.asked).toEqual(["get_inconsistent_metadata"]);
  });

  it("after the time that it has", async () => {
    await deployed(Array<Mishap>(1000).fill({ status: 503, body: { error: "database is down", path: "$" } }));
    await expect(apply(undefined, { timeout: 0 })).rejects.toMatchObject({
      message: "Hasura is not ready after 0 s: HTTP 503, database is down.",
      mend: "What it says: ./landfall logs stage hasura",
    });
  });

  it("where nothing listens, any longer than that", async () => {
    await deployed();
    const { url } = hasura;
    await hasura.stop();
    await expect(apply(undefined, { timeout: 0, url })).rejects.toThrow("ECONNREFUSED");
  });

  it("where the secret is none that a header holds, which no error may name", async () => {
    await deployed([], { value: `${secret}\nX-Other: 1` });
    await expect(apply()).rejects.toThrow(/^The admin secret is empty, or has characters/);
    expect(hasura.asked).toEqual([]);
  });

  it("where the AWS CLI would keep the secret in its history", async () => {
    await deployed([], { history: "enabled" });
    await expect(apply()).rejects.toThrow("keeps a history");
    expect(aws.count("secretsmanager")).toBe(0);
  });
});

describe("nobody knows whether it is applied", () => {
  const ready: Mishap = { status: 200, body: { is_consistent: true, inconsistent_objects: [] } };
  it.each<[string, Mishap, RegExp]>([
    [
      "the network is cut",
      "cut",
      /^Hasura gave no answer: other side closed\. The metadata may be applied, or not\.$/,
    ],
    ["the load balancer gives up", { status: 504 }, /^Hasura gave no answer: HTTP 504\./],
  ])("where %s meanwhile", async (_, mishap, message) => {
    await deployed([ready, mishap]);
    await expect(apply()).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(message),
      mend: "Apply it again: that does no harm.",
    });
    expect((await apply()).status).toBe("applied");
  });

  it("at Ctrl-C meanwhile", async () => {
    await deployed([ready, "hang"]);
    const applied = apply();
    setTimeout(() => process.emit("SIGINT"), 200);
    await expect(applied).rejects.toMatchObject({
      exitCode: 130,
      message: "Interrupted. The metadata may be applied, or not.",
    });
  });
});

it("ends at Ctrl-C while it waits, and has changed nothing", async () => {
  await deployed(["hang"]);
  const applied = apply();
  setTimeout(() => process.emit("SIGINT"), 200);
  await expect(applied).rejects.toMatchObject({ exitCode: 130, message: "Interrupted." });
  expect(hasura.asked).not.toContain("replace_metadata");
});

it("says which input lets one in where nobody is, and asks nobody", async () => {
  await deployed([], { outputs: { atomic_calendar_admin_cidrs: [] } });
  await expect(apply()).rejects.toMatchObject({
    exitCode: 1,
    message: "The load balancer of stage lets nobody in to Hasura's metadata API.",
    mend: expect.stringContaining(
      'environments/stage.env: TF_VAR_atomic_calendar_admin_cidrs="203.0.113.7/32"',
    ),
  });
  expect([aws.calls, hasura.asked]).toEqual([[], []]);
  expect((await apply(undefined, { url: hasura.url })).status).toBe("applied");
});

it("is skipped by name in the sandbox, but for a Hasura that is named", async () => {
  await deployed([], { emulator: true });
  expect(await apply()).toEqual({ status: "skipped" });
  expect(said).toContain("skipped: the sandbox's containers are emulated");
  expect([aws.calls, hasura.asked]).toEqual([[], []]);
  expect((await apply(undefined, { url: hasura.url })).status).toBe("applied");
});

describe("wrong calls end before anything is asked:", () => {
  it.each([
    [[], "Say which metadata"],
    [["--export", "--dry-run"], "--export only reads"],
    [["--from", "nowhere.json"], "no file or folder nowhere.json"],
    [["--from", "package.json"], "holds no Hasura metadata"],
    [
      ["--export", "--url", "http://app.example.com"],
      "no HTTPS: the admin secret would be sent in the clear",
    ],
  ])("%j", async (args, message) => {
    await deployed();
    await expect(landfall(...args)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(message),
    });
    expect([aws.calls, hasura.asked]).toEqual([[], []]);
  });
});

describe("a base URL", () => {
  beforeEach(() => deployed());
  it.each([
    ["https://app.example.com", "https://app.example.com/v1/metadata"],
    ["https://app.example.com/", "https://app.example.com/v1/metadata"],
    ["https://app.example.com/hasura/", "https://app.example.com/hasura/v1/metadata"],
    ["http://localhost:8080", "http://localhost:8080/v1/metadata"],
    ["http://[::1]:8080", "http://[::1]:8080/v1/metadata"],
  ])("%s leads to %s", (base, url) => expect(metadataUrl(base).href).toBe(url));

  it.each([
    "app.example.com",
    "ftp://app.example.com",
    "http://127.0.0.1.example.com",
    "http://10.0.0.1",
    "https://user:word@app.example.com",
    "https://app.example.com/?a=b",
  ])("%s is none", (base) =>
    expect(() => metadataUrl(base)).toThrow(expect.objectContaining({ exitCode: 2 }) as Error),
  );
});

it("writes the secret to no file", async () => {
  await deployed();
  const from = file(metadataWith("users"));
  await applyMetadata("stage", from, { environment: {}, poll: 0 });
  expect(readFileSync(from, "utf8")).toBe(JSON.stringify(metadataWith("users")));
});
