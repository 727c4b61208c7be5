import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { StateLocation } from "../../backend/location";
import { AccessDenied, explained, StateStore } from "../../backend/state-store";

/** S3 and DynamoDB on loopback, with what a test puts there. A path of a bucket that is not there is `NoSuchBucket`. */
let server: Server;
let endpoint: string;
let objects: Map<string, string>;
let items: Map<string, string>;
/** An answer to every call, instead. */
let refusal: { status: number; code: string } | undefined;
let deleted: string[];
/** Whether the holder of the lock in the table releases it once another was refused. */
let releasedNext: boolean;
/** Objects as they were, oldest first; undefined for a deletion. */
let versions: { id: string; key: string; body?: string; time: string }[];

beforeEach(async () => {
  objects = new Map();
  items = new Map();
  refusal = undefined;
  deleted = [];
  releasedNext = false;
  versions = [];
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
  const { pathname, searchParams } = new URL(request.url ?? "", endpoint);
  if (refusal) return error(refusal.status, refusal.code);
  const [bucket, ...rest] = pathname.slice(1).split("/");
  const key = rest.join("/");
  if (bucket !== "states") return error(404, "NoSuchBucket");
  if (!key) return searchParams.has("versions") ? versionListing(searchParams) : listing();
  if (request.method === "DELETE") {
    deleted.push(key);
    objects.delete(key);
    return { status: 204, body: "" };
  }
  if (request.method === "PUT") {
    if (request.headers["if-none-match"] === "*" && objects.has(key)) return error(412, "PreconditionFailed");
    objects.set(key, body);
    return { body: "" };
  }
  const id = searchParams.get("versionId");
  if (id !== null) {
    const version = versions.find((one) => one.id === id);
    return version?.body === undefined ? error(404, "NoSuchVersion") : { body: version.body };
  }
  const object = objects.get(key);
  return object === undefined ? error(404, "NoSuchKey") : { body: object };
}

const error = (status: number, code: string): Answer => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>told by AWS</Message></Error>`,
});
/** Two at a time, newest first, as S3 does. */
function versionListing(parameters: URLSearchParams): Answer {
  const wanted = [...versions].reverse().filter(({ key }) => key.startsWith(parameters.get("prefix") ?? ""));
  const from = wanted.findIndex(({ id }) => id === parameters.get("version-id-marker")) + 1;
  const page = wanted.slice(from, from + 2);
  const last = page.at(-1);
  const more = from + 2 < wanted.length;
  const entries = page.map(({ id, key, body: text, time }) => {
    const newest = wanted.find((one) => one.key === key)?.id === id;
    const common = `<Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>${newest}</IsLatest><LastModified>${time}</LastModified>`;
    return text === undefined
      ? `<DeleteMarker>${common}</DeleteMarker>`
      : `<Version>${common}<Size>${text.length}</Size></Version>`;
  });
  const next = more
    ? `<IsTruncated>true</IsTruncated><NextKeyMarker>${last?.key}</NextKeyMarker><NextVersionIdMarker>${last?.id}</NextVersionIdMarker>`
    : "";
  return { body: `<ListVersionsResult>${next}${entries.join("")}</ListVersionsResult>` };
}
const listing = (): Answer => ({
  body: `<ListBucketResult>${[...objects.keys()].map((key) => `<Contents><Key>${key}</Key></Contents>`).join("")}</ListBucketResult>`,
});

interface TableRequest {
  readonly TableName: string;
  readonly Key?: { readonly LockID: { readonly S: string } };
  readonly Item?: Readonly<Record<"LockID" | "Info" | "Digest", { readonly S: string } | undefined>>;
  readonly ConditionExpression?: string;
}

function dynamodb(
  operation: string | undefined,
  { TableName, Key, Item, ConditionExpression }: TableRequest,
): Answer {
  if (TableName !== "locks") {
    return {
      status: 400,
      body: JSON.stringify({ __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" }),
    };
  }
  const id = Key?.LockID.S ?? Item?.LockID?.S ?? "";
  if (operation === "PutItem") {
    if (ConditionExpression === "attribute_not_exists(LockID)" && items.has(id)) {
      if (releasedNext) items.delete(id);
      return {
        status: 400,
        body: JSON.stringify({ __type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException" }),
      };
    }
    items.set(id, Item?.Info?.S ?? Item?.Digest?.S ?? "");
    return { body: "{}" };
  }
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

describe("taking the lock", () => {
  const places = {
    table: { lockTable: "locks", lockFile: false },
    bucket: { lockTable: undefined, lockFile: true },
    both: { lockTable: "locks", lockFile: true },
  };
  it.each(Object.entries(places))("in the %s makes it ours, as the binary would see it", async (_, place) => {
    expect(await store(place).takeLock(holder)).toBeUndefined();
    expect(await store(place).lockHolder()).toMatchObject(holder);
    expect(objects.has(lockFile)).toBe(place.lockFile);
    expect(items.has(item)).toBe(place.lockTable !== undefined);
    await store(place).releaseLock(holder);
    expect(await store(place).lockHolder()).toBeUndefined();
  });

  it.each(Object.entries(places))(
    "in the %s is refused where another has it, and leaves no trace",
    async (_, place) => {
      const theirs = JSON.stringify(other);
      if (place.lockTable) items.set(item, theirs);
      else objects.set(lockFile, theirs);
      expect(await store(place).takeLock(holder)).toMatchObject(other);
      expect([...items.values(), ...objects.values()]).toEqual([theirs]);
    },
  );

  it("is refused where only the bucket is held of both", async () => {
    objects.set(lockFile, JSON.stringify(other));
    expect(await store(places.both).takeLock(holder)).toMatchObject(other);
    expect(items.size).toBe(0);
  });

  it("gives the bucket's back where the table cannot be asked", async () => {
    const taken = store({ lockTable: "elsewhere", lockFile: true }).takeLock(holder);
    await expect(taken).rejects.toThrow("table elsewhere");
    expect(objects.size).toBe(0);
  });

  it("gives the bucket's back where the table's was released a moment later", async () => {
    items.set(item, JSON.stringify(other));
    releasedNext = true;
    await expect(store(places.both).takeLock(holder)).rejects.toThrow("locked a moment ago");
    expect([...items.values(), ...objects.values()]).toEqual([]);
  });
});

describe("what the state was", () => {
  beforeEach(() => {
    versions = [
      { id: "a", key: location.key, body: "one", time: "2026-11-20T08:00:00Z" },
      { id: "lock", key: lockFile, body: "{}", time: "2026-11-20T08:30:00Z" },
      { id: "b", key: location.key, body: "second", time: "2026-11-20T09:00:00Z" },
      { id: "c", key: location.key, time: "2026-11-20T10:00:00Z" },
    ];
  });

  it("is all versions and deletions, newest first, and not those of the lock", async () => {
    expect(await store().versions()).toEqual([
      { id: "c", modified: new Date("2026-11-20T10:00:00Z"), size: 0, deleted: true, latest: true },
      { id: "b", modified: new Date("2026-11-20T09:00:00Z"), size: 6, deleted: false, latest: false },
      { id: "a", modified: new Date("2026-11-20T08:00:00Z"), size: 3, deleted: false, latest: false },
    ]);
    expect(await store({ bucket: "elsewhere" }).versions()).toEqual([]);
  });

  it("can be read, and what is gone is told", async () => {
    expect(await store().readVersion("b")).toBe("second");
    await expect(store().readVersion("x")).rejects.toThrow("no longer has the version x");
  });

  it("is written with its checksum, where a table keeps one", async () => {
    await store().write("text");
    expect(objects.get(location.key)).toBe("text");
    expect(items.get(`${item}-md5`)).toBe("1cb251ec0d568de6a929b520c4aed8d1");
    items.clear();
    await store({ lockTable: undefined, lockFile: true }).write("text");
    expect(items.size).toBe(0);
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

  it("for want of a right is told apart, the table's as well", async () => {
    expect(
      explained(Object.assign(new Error("no"), { name: "AccessDeniedException" }), "table locks"),
    ).toBeInstanceOf(AccessDenied);
    refusal = { status: 403, code: "AccessDenied" };
    await expect(store().read()).rejects.toThrow(AccessDenied);
    refusal = { status: 403, code: "InvalidAccessKeyId" };
    await expect(store().read()).rejects.not.toThrow(AccessDenied);
  });

  it("of another kind is told as it is, and is never taken for absence", async () => {
    refusal = { status: 400, code: "InvalidRequest" };
    await expect(store().hasBucket()).rejects.toThrow("bucket states: told by AWS (InvalidRequest)");
  });
});
