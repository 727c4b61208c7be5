import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { StateLocation } from "../../backend/location";
import { StateStore } from "../../backend/state-store";

/** S3 and DynamoDB on loopback, with what a test puts there. A path of a bucket that is not there is `NoSuchBucket`. */
let server: Server;
let endpoint: string;
let objects: Map<string, string>;
let items: Map<string, string>;
/** An answer to every call, instead. */
let refusal: { status: number; code: string } | undefined;
let deleted: string[];

beforeEach(async () => {
  objects = new Map();
  items = new Map();
  refusal = undefined;
  deleted = [];
  server = createServer((request, response) => {
    void answer(request).then(({ status = 200, body }) => response.writeHead(status).end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

interface Answer {
  readonly status?: number;
  readonly body: string;
}

async function answer(request: IncomingMessage): Promise<Answer> {
  const body = await text(request);
  const operation = request.headers["x-amz-target"];
  if (typeof operation === "string")
    return dynamodb(operation.split(".")[1], JSON.parse(body) as TableRequest);
  const { pathname } = new URL(request.url ?? "", endpoint);
  if (refusal) return error(refusal.status, refusal.code);
  const [bucket, ...rest] = pathname.slice(1).split("/");
  const key = rest.join("/");
  if (bucket !== "states") return error(404, "NoSuchBucket");
  if (!key) return listing();
  if (request.method === "DELETE") {
    deleted.push(key);
    objects.delete(key);
    return { status: 204, body: "" };
  }
  const object = objects.get(key);
  return object === undefined ? error(404, "NoSuchKey") : { body: object };
}

const error = (status: number, code: string): Answer => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>told by AWS</Message></Error>`,
});
const listing = (): Answer => ({
  body: `<ListBucketResult>${[...objects.keys()].map((key) => `<Contents><Key>${key}</Key></Contents>`).join("")}</ListBucketResult>`,
});

interface TableRequest {
  readonly TableName: string;
  readonly Key?: { readonly LockID: { readonly S: string } };
}

function dynamodb(operation: string | undefined, { TableName, Key }: TableRequest): Answer {
  if (TableName !== "locks") {
    return {
      status: 400,
      body: JSON.stringify({ __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" }),
    };
  }
  const id = Key?.LockID.S ?? "";
  if (operation === "DeleteItem") {
    deleted.push(id);
    items.delete(id);
  }
  const Info = items.get(id);
  return {
    body: JSON.stringify(
      operation === "GetItem" && Info ? { Item: { LockID: { S: id }, Info: { S: Info } } } : {},
    ),
  };
}

const location: StateLocation = {
  bucket: "states",
  key: "stage/terraform.tfstate",
  region: "us-east-1",
  lockTable: "locks",
  lockFile: false,
};
const store = (more: Partial<StateLocation> = {}) =>
  new StateStore(
    { ...location, ...more },
    { endpoint, credentials: { accessKeyId: "test", secretAccessKey: "test" } },
  );
const holder = {
  ID: "5f1c",
  Operation: "OperationTypeApply",
  Who: "ada@laptop",
  Created: "2026-11-21T08:00:00Z",
};
const other = { ...holder, ID: "77aa", Who: "bob@desk" };
const item = "states/stage/terraform.tfstate";
const lockFile = "stage/terraform.tfstate.tflock";

describe("what is there", () => {
  it("is told of the bucket and the table", async () => {
    expect(await store().hasBucket()).toBe(true);
    expect(await store({ bucket: "elsewhere" }).hasBucket()).toBe(false);
    expect(await store().hasBucket("states-logs")).toBe(false);
    expect(await store().hasLockTable()).toBe(true);
    expect(await store({ lockTable: "elsewhere" }).hasLockTable()).toBe(false);
    expect(await store({ lockTable: undefined }).hasLockTable()).toBe(false);
  });

  it("is the stacks that have a state, and nothing else in the bucket", async () => {
    for (const key of [
      "state/terraform.tfstate",
      "stage/terraform.tfstate",
      lockFile,
      "notes.txt",
      "a/b/terraform.tfstate",
    ]) {
      objects.set(key, "");
    }
    expect(await store().stacks()).toEqual(["state", "stage"]);
    expect(await store({ bucket: "elsewhere" }).stacks()).toEqual([]);
  });

  it("is the stack's own state, or none", async () => {
    expect(await store().read()).toBeUndefined();
    expect(await store({ bucket: "elsewhere" }).read()).toBeUndefined();
    const state = { outputs: { ip: { value: "198.51.100.7" } }, resources: [] };
    objects.set(location.key, JSON.stringify(state));
    expect(await store().read()).toEqual(state);
  });
});

describe("the lock", () => {
  const both = { lockTable: "locks", lockFile: true };
  const fileOnly = { lockTable: undefined, lockFile: true };

  it("is free where nobody has it, and where the table is not there", async () => {
    expect(await store().lockHolder()).toBeUndefined();
    expect(await store({ lockTable: "elsewhere" }).lockHolder()).toBeUndefined();
    expect(await store(fileOnly).lockHolder()).toBeUndefined();
  });

  it("is found in the table, in the bucket, and in either where both are used", async () => {
    objects.set(lockFile, JSON.stringify(holder));
    expect(await store(fileOnly).lockHolder()).toEqual(holder);
    expect(await store(both).lockHolder()).toEqual(holder);
    expect(await store().lockHolder()).toBeUndefined();
    objects.clear();
    items.set(item, JSON.stringify(holder));
    expect(await store().lockHolder()).toEqual(holder);
    expect(await store(both).lockHolder()).toEqual(holder);
  });

  it("is released where it is used, and nothing besides", async () => {
    items.set(item, JSON.stringify(holder)).set(`${item}-md5`, "checksum");
    objects.set(lockFile, JSON.stringify(holder)).set(location.key, "{}");
    await store(both).releaseLock(holder);
    expect(deleted.sort()).toEqual([lockFile, item].sort());
    deleted = [];
    await store().releaseLock(holder);
    expect(deleted).toEqual([item]);
  });

  it("is left alone where another run has it by now", async () => {
    items.set(item, JSON.stringify(other));
    await expect(store().releaseLock(holder)).rejects.toThrow(
      /Another run .*held by bob@desk for apply since 2026-11-21T08:00:00Z \(.* ago\)/,
    );
    expect(deleted).toEqual([]);
  });

  it("and the checksum are two things", async () => {
    items.set(item, JSON.stringify(holder)).set(`${item}-md5`, "checksum");
    await store().forgetChecksum();
    expect(deleted).toEqual([`${item}-md5`]);
    await store(fileOnly).forgetChecksum();
    expect(deleted).toHaveLength(1);
  });
});

describe("a refusal", () => {
  it.each([
    [403, "AccessDenied", "bucket states is denied", "TF_VAR_name_prefix"],
    [403, "InvalidAccessKeyId", "does not take the credentials", "AWS_PROFILE"],
    [400, "ExpiredToken", "does not take the credentials", "aws sso login"],
    [301, "PermanentRedirect", "bucket states is in another region", "TF_VAR_region"],
  ])("%d %s says what to do", async (status, code, what, mend) => {
    refusal = { status, code };
    const refused = { message: expect.stringContaining(what), mend: expect.stringContaining(mend) };
    await expect(store().hasBucket()).rejects.toMatchObject(refused);
    await expect(store().read()).rejects.toMatchObject(refused);
  });

  it("of another kind is told as it is, and is never taken for absence", async () => {
    refusal = { status: 400, code: "InvalidRequest" };
    await expect(store().hasBucket()).rejects.toThrow("bucket states: told by AWS (InvalidRequest)");
  });
});
