import { execa } from "execa";
import { Readable } from "node:stream";
import {
  checkValue,
  formatSecrets,
  listSecrets,
  readValue,
  setSecret,
  type SetSecretOptions,
} from "../../cli/verbs/secret";
import { deployWith, FakeAws, type FakeState } from "../support/fake-aws";

jest.mock("../../cli/workspace", () => ({ openWorkspace: jest.fn() }));
jest.mock("execa", () => ({ execa: jest.fn() }));

const arn = (name: string) =>
  `arn:aws:secretsmanager:us-east-1:436957243186:secret:stage-vieweratlas/twitch/${name}-AbCdEf`;
const primary = {
  id: "ecs-svc/2",
  status: "PRIMARY",
  desiredCount: 1,
  runningCount: 1,
  rolloutState: "COMPLETED",
};
const working = (desiredCount = 1) => ({
  "secretsmanager put-secret-value": [{ VersionId: "v-2" }],
  "ecs describe-services": [{ services: [{ desiredCount, deployments: [primary] }] }],
  "ecs update-service": [{ service: { desiredCount, deployments: [primary] } }],
});

let aws: FakeAws;
let said: string;
function deployed(state: FakeState): void {
  aws = new FakeAws(state);
  jest.mocked(execa).mockImplementation(aws.execa as unknown as typeof execa);
  deployWith(aws);
}
const set = (wanted: string, given: string, options: Partial<SetSecretOptions> = {}) =>
  setSecret("stage", wanted, {
    environment: {},
    poll: 0,
    value: () => readValue(Readable.from([Buffer.from(given)])),
    ...options,
  });

beforeEach(() => {
  said = "";
  for (const stream of [process.stderr, process.stdout])
    jest.spyOn(stream, "write").mockImplementation((text) => ((said += String(text)), true));
});
afterEach(() => jest.restoreAllMocks());

describe("a secret that is set", () => {
  const value = "oauth:sécret-€ \"'$`\\ with 'all'\nand a second line";

  it("reaches the AWS CLI by stdin as it is, and nothing else", async () => {
    deployed({ answers: working() });
    const done = await set("twitch_oauth_token", `${value}\n`);
    const [put, ...others] = aws.calls.filter(({ stdin }) => stdin !== undefined);
    expect(others).toEqual([]);
    expect(put).toEqual({
      args: [
        ...["secretsmanager", "put-secret-value", "--secret-id", arn("oauth_token")],
        ...["--secret-string", "file:///dev/stdin", "--region", "us-east-1"],
      ],
      stdin: value,
    });
    expect(done).toMatchObject({
      secret: "stage-vieweratlas/twitch/oauth_token",
      version: "v-2",
      tasks: ["vod"],
    });
    for (const place of [aws.commands.join(" "), said, JSON.stringify(done)])
      for (const part of [value, "oauth:s", "second line"]) expect(place).not.toContain(part);
    expect(said).toContain(
      `aws secretsmanager put-secret-value --secret-id ${arn("oauth_token")} --secret-string file:///dev/stdin`,
    );
  });

  it("restarts the services that use it, and no task", async () => {
    deployed({ answers: working() });
    const { restarts } = await set("twitch_oauth_token", "x");
    expect(restarts.map(({ service, status }) => [service, status])).toEqual([
      ["stage-vieweratlas-collector", "restarted"],
    ]);
    expect(aws.count("ecs update-service")).toBe(1);
    expect(aws.count("ecs run-task")).toBe(0);
    const kinds = aws.commands.map((command) => command.split(" ").slice(0, 2).join(" "));
    expect(kinds.indexOf("secretsmanager put-secret-value")).toBeLessThan(
      kinds.indexOf("ecs update-service"),
    );
  });

  it("restarts no service that is to have no tasks, and none where told so", async () => {
    deployed({ answers: working(0) });
    expect((await set("twitch_client_id", "x")).restarts).toMatchObject([{ status: "stopped" }]);
    expect(await set("twitch_client_id", "x", { restart: false })).toMatchObject({ restarts: [], tasks: [] });
    expect(aws.count("ecs update-service")).toBe(0);
  });

  it("is said to be set where the restart fails", async () => {
    deployed({ answers: { ...working(), "ecs update-service": [{ error: "(AccessDeniedException)" }] } });
    await expect(set("twitch_client_id", "x")).rejects.toThrow("AccessDeniedException");
    expect(said).toContain("The value is written; collector may still have the one before.");
  });

  it("stays out of the words of an AWS CLI that fails", async () => {
    deployed({ answers: { "secretsmanager put-secret-value": [{ error: `no good: ${value}` }] } });
    const failure = await set("twitch_client_id", value).catch((error: Error) => error);
    expect(failure).toMatchObject({ message: expect.stringContaining("no good: (secret)") });
    expect(aws.count("ecs")).toBe(0);
  });
});

describe("a secret is not set, and nobody asked for its value,", () => {
  const value = () => Promise.reject(new Error("it was asked for"));

  it("where Terraform writes it", async () => {
    deployed({ answers: working() });
    await expect(set("generated", "", { value })).rejects.toMatchObject({
      exitCode: 1,
      mend: "Change it in environments/stage.secrets.env, raise viewer_atlas_secrets_version, and: ./landfall apply stage",
    });
    expect(aws.calls).toEqual([]);
  });

  it("where there is none of that name", async () => {
    deployed({});
    await expect(set("twitch_oauth_tokn", "", { value })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining("Did you mean twitch_oauth_token?"),
      mend: "It has: twitch_oauth_token, twitch_client_id, generated.",
    });
  });

  it("where the AWS CLI would keep it in its history", async () => {
    deployed({ answers: working(), history: "enabled" });
    await expect(set("twitch_client_id", "", { value })).rejects.toMatchObject({
      mend: expect.stringContaining("aws configure set cli_history disabled"),
    });
    expect(aws.count("secretsmanager")).toBe(0);
  });
});

describe("a value", () => {
  const read = (...chunks: readonly Buffer[]) => readValue(Readable.from(chunks)).then(checkValue);

  it.each([
    ["abc", "abc"],
    ["abc\n", "abc"],
    ["abc\r\n", "abc"],
    ["abc\n\n", "abc\n"],
    ["  a b\t", "  a b\t"],
    ["\uFEFFabc", "\uFEFFabc"],
    ["x".repeat(65_536) + "\n", "x".repeat(65_536)],
  ])("loses one newline at its end and nothing else", async (given, expected) => {
    expect(await read(Buffer.from(given))).toBe(expected);
  });

  it("may come in pieces that cut a character", async () => {
    const bytes = Buffer.from("€uro");
    expect(await read(bytes.subarray(0, 1), bytes.subarray(1))).toBe("€uro");
  });

  it.each([
    ["", "empty"],
    ["\n", "empty"],
    ["x".repeat(65_537), "more than 65536 bytes"],
    ["é".repeat(40_000), "more than 65536 bytes"],
    ["a\0b", "NUL"],
    ["a\r\nb", "carriage returns"],
  ])("is refused where it cannot be kept as it is: %j", async (given, message) => {
    await expect(read(Buffer.from(given))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(message),
      mend: expect.stringContaining("Nothing was changed."),
    });
  });

  it("is refused where it is no text, or has no end", async () => {
    await expect(read(Buffer.from([0x61, 0xff]))).rejects.toThrow("no UTF-8 text");
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(60_000, "x");
      })(),
    );
    await expect(readValue(endless)).rejects.toThrow("more than 65536 bytes");
  });
});

describe("a list of secrets", () => {
  const versions = { "v-1": ["AWSPREVIOUS"], "v-2": ["AWSCURRENT"] };

  it("says whether there is a value, and reads none", async () => {
    deployed({
      answers: {
        [`secretsmanager describe-secret ${arn("oauth_token")}`]: [{ VersionIdsToStages: versions }],
        [`secretsmanager describe-secret ${arn("client_id")}`]: [{}],
        [`secretsmanager describe-secret ${arn("generated")}`]: [{ error: "(ResourceNotFoundException)" }],
      },
    });
    const secrets = await listSecrets("stage", { environment: {} });
    expect(formatSecrets(secrets).split("\n")).toEqual([
      "NAME                IN SECRETS MANAGER                    WRITTEN BY  HAS       USED BY",
      "twitch_oauth_token  stage-vieweratlas/twitch/oauth_token  operator    value     collector, vod",
      "twitch_client_id    stage-vieweratlas/twitch/client_id    operator    no value  collector",
      "generated           stage-vieweratlas/twitch/generated    terraform   missing   nobody",
    ]);
    expect(aws.calls.map(({ args }) => args[1])).toEqual(Array(3).fill("describe-secret"));
  });

  it("fails where AWS refuses to say", async () => {
    deployed({ answers: { "secretsmanager describe-secret": [{ error: "(AccessDeniedException)" }] } });
    await expect(listSecrets("stage", { environment: {} })).rejects.toThrow("AccessDeniedException");
  });
});
