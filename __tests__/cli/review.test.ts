import { fingerprintOf } from "../../cli/review/fingerprint";
import { costChangeOf } from "../../cli/review/cost";
import { renderMarkdown } from "../../cli/review/markdown";
import type { Review, ReviewedChange, Shown } from "../../cli/review/model";
import { isNothing, reviewOf } from "../../cli/review/review";
import { holdsSecret } from "../../cli/review/secrets";
import type { PlanDocument, ResourceChange } from "../../cli/plan-document";
import type { TerraformJson } from "../../cli/cost/template";
import {
  created,
  destroyed,
  forgotten,
  planOf,
  read,
  replaced,
  unchanged,
  updated,
  type PlanOptions,
} from "../support/plans";

const review = (document: PlanDocument): Review => reviewOf("stage", document, { risks: [] });
const reviewAll = (changes: ResourceChange[], options?: PlanOptions): Review =>
  review(planOf(changes, options));

/** The one change of a plan of that change alone. */
function only(change: ResourceChange, options?: PlanOptions): ReviewedChange {
  const { changes } = reviewAll([change], options);
  expect(changes).toHaveLength(1);
  return changes[0]!;
}
const shown = (end: Shown): string => (end.kind === "value" ? end.text : `<${end.kind}>`);
/** Each attribute as `path: before -> after`. */
const attributes = ({ attributes }: Pick<ReviewedChange, "attributes">): string[] =>
  attributes.map(
    ({ path, before, after, replaces }) =>
      `${path.join(".")}: ${shown(before)} -> ${shown(after)}${replaces ? " !" : ""}`,
  );
const changedFrom = (before: object, after: object, options = {}): string[] =>
  attributes(only(updated("aws_thing.a", before as never, after as never, options)));

describe("what becomes of a resource", () => {
  it.each<[string, ResourceChange]>([
    ["create", created("aws_eip.a", {})],
    ["delete", destroyed("aws_eip.a", { id: "e" })],
    ["forget", forgotten("aws_eip.a", { id: "e" })],
    ["update", updated("aws_eip.a", { domain: "a" }, { domain: "b" })],
    ["replace", replaced("aws_eip.a", { domain: "a" }, { domain: "b" })],
    ["replace", replaced("aws_eip.a", {}, {}, { actions: ["create", "delete"] })],
    ["replace", replaced("aws_eip.a", {}, {}, { actions: ["create", "forget"] })],
    ["read", read("data.aws_eip.a", {})],
    ["move", unchanged("aws_eip.a", {}, {}, { from: "aws_eip.b" })],
    ["import", unchanged("aws_eip.a", {}, {}, { importing: { id: "eipalloc-1" } })],
  ])("is %s", (action, change) => {
    const { counts, changes } = reviewAll([change, unchanged("aws_eip.same", {}, {})]);
    expect(changes.map((one) => one.action)).toEqual([action]);
    expect(Object.entries(counts).filter(([, count]) => count > 0)).toEqual([[action, 1]]);
  });

  it("is told with where it was, and with its id where it is taken over", () => {
    expect(only(updated("aws_eip.a", { domain: "a" }, { domain: "b" }, { from: "aws_eip.b" }))).toMatchObject(
      {
        action: "update",
        previousAddress: "aws_eip.b",
      },
    );
    const imported = unchanged("aws_eip.a", {}, {}, { importing: { id: "eipalloc-1" } });
    expect(only(imported)).toMatchObject({ importId: "eipalloc-1" });
  });

  it("is told with the reason that Terraform has", () => {
    const gone = destroyed("aws_eip.a", {}, { reason: "delete_because_no_resource_config" });
    expect(only(gone).reason).toBe("it is no longer in the configuration");
    expect(only(destroyed("aws_eip.a", {}, { reason: "delete_because_tuesday" })).reason).toBe(
      "delete because tuesday",
    );
  });

  it("is told with a reason that is unknown here, whatever its name", () => {
    expect(only(destroyed("aws_eip.a", {}, { reason: "toString" })).reason).toBe("toString");
  });

  it("is told of what a failed replacement has left, beside the resource itself", () => {
    const left = { ...destroyed("aws_eip.a", { id: "old" }), deposed: "0a1b2c3d" };
    const { changes } = reviewAll([left, unchanged("aws_eip.a", {}, {})]);
    expect(changes).toMatchObject([{ action: "delete", reason: "left over by a replacement that failed" }]);
  });

  it("comes by system, and there replaced and destroyed first", () => {
    const { changes } = reviewAll([
      created("aws_eip.chronos_a", {}),
      updated("aws_eip.chronos_b", { domain: "a" }, { domain: "b" }),
      destroyed("aws_eip.chronos_d", {}),
      destroyed("aws_eip.atomic-calendar_a", {}),
      destroyed("aws_eip.chronos_c", {}),
      replaced("aws_eip.chronos_z", {}, {}),
    ]);
    expect(changes.map(({ address }) => address.slice("aws_eip.".length))).toEqual([
      "atomic-calendar_a",
      "chronos_z",
      "chronos_c",
      "chronos_d",
      "chronos_b",
      "chronos_a",
    ]);
  });

  it("of a plan that failed or puts work off is said not to be all", () => {
    expect(reviewAll([], { errored: true }).incomplete).toMatch(/failed/);
    expect(reviewAll([], { complete: false }).incomplete).toMatch(/plan again/);
    expect(reviewAll([], { complete: true, errored: false }).incomplete).toBeUndefined();
  });
});

describe("the system of a resource", () => {
  it.each<[string, ResourceChange]>([
    ["x-scheduler", created("aws_eip.a", { tags_all: { System: "x-scheduler" } })],
    ["macro-ai", destroyed("aws_eip.chronos_a", { tags: { System: "macro-ai" } })],
    ["chronos", created("aws_eip.chronos_host_address", {})],
    ["atomic-calendar", created('aws_efs_mount_target.atomic-calendar_files["us-east-1a"]', {})],
    ["viewer-atlas", read("data.aws_iam_policy_document.viewer-atlas_policy", {})],
    ["landfall", created("aws_eip.chronosphere", {})],
    ["landfall", created("aws_kms_alias.alarms_alias", { tags: null })],
  ])("is %s", (system, change) => expect(only(change).system).toBe(system));
});

describe("attributes", () => {
  it("that differ are told, and others are not", () => {
    expect(
      changedFrom(
        { size: 1, name: "a", off: false, gone: "x" },
        { size: 2, name: "a", off: true, come: "y" },
      ),
    ).toEqual(["come: <absent> -> y", "gone: x -> <absent>", "off: false -> true", "size: 1 -> 2"]);
  });

  it("in blocks and lists are told alone", () => {
    const rule = (port: number, name: string) => ({ port, name });
    expect(
      changedFrom(
        { rule: [rule(1, "a"), rule(2, "b")], disk: [{ size: 1, type: "gp2" }] },
        { rule: [rule(0, "new"), rule(1, "a"), rule(3, "b")], disk: [{ size: 1, type: "gp3" }] },
      ),
    ).toEqual(["disk.0.type: gp2 -> gp3", "rule.new.port: <absent> -> 0", "rule.b.port: 2 -> 3"]);
  });

  it("that leave a list are told", () => {
    const named = [
      { name: "a", port: 1 },
      { name: "b", port: 2 },
    ];
    expect(
      changedFrom(
        { rule: named, range: [{ to: 1 }, { to: 2 }] },
        { rule: named.slice(1), range: [{ to: 2 }] },
      ),
    ).toEqual(["range.0.to: 1 -> <absent>", "rule.a.port: 1 -> <absent>"]);
  });

  it("without a name in lists are told by their place, and one before them does not make all differ", () => {
    const rules = (...ports: number[]) => ({ rule: ports.map((port) => ({ port, to: port })) });
    expect(changedFrom(rules(1, 2, 3), rules(0, 1, 2, 3))).toEqual([
      "rule.0.port: <absent> -> 0",
      "rule.0.to: <absent> -> 0",
    ]);
  });

  it("that are nothing in another way do not differ", () => {
    const change = updated("aws_thing.a", { a: null, b: [], c: {} }, { a: [], b: null });
    expect(only(change).attributes).toEqual([]);
  });

  it("with other order or spaces in JSON do not differ, and in JSON only what does is told", () => {
    const policy = (action: string, space?: number) => ({
      policy: JSON.stringify(
        {
          Statement: [
            { Sid: "ReadSecrets", Effect: "Allow", Action: [action], Resource: "*" },
            { Sid: "Other", Effect: "Deny", Action: "*", Resource: "*" },
          ],
        },
        null,
        space,
      ),
    });
    expect(changedFrom(policy("s3:Get*"), policy("s3:*"))).toEqual([
      'policy.Statement.ReadSecrets.Action: ["s3:Get*"] -> ["s3:*"]',
    ]);
    expect(only(updated("aws_thing.a", policy("a"), policy("a", 2))).attributes).toEqual([]);
  });

  it("that look the same and are not are told apart", () => {
    expect(changedFrom({ a: "1" }, { a: 1 })).toEqual(['a: "1" -> 1']);
  });

  it("of many lines are told by the lines that differ", () => {
    const text = (...lines: string[]) => ({ script: ["one", ...lines, "end"].join("\n") });
    expect(changedFrom(text("two", "three"), text("TWO", "three"))).toEqual([
      "script: line 2: two -> line 2: TWO",
    ]);
    expect(changedFrom(text("two"), text("two", "more"))).toEqual([
      "script: (nothing at line 3) -> line 3: more",
    ]);
  });

  it("of long lists are told by the entries that differ", () => {
    const list = Array.from({ length: 50 }, (_, index) => `10.0.${index}.0/24`);
    expect(changedFrom({ cidrs: list }, { cidrs: ["0.0.0.0/0", ...list.slice(1)] })).toEqual([
      'cidrs: ["10.0.0.0/24"] and 49 more -> ["0.0.0.0/0"] and 49 more',
    ]);
  });

  it("that nobody can read are told by size and digest, which differ", () => {
    const data = (byte: string) => ({ user_data_base64: Buffer.from(byte.repeat(900)).toString("base64") });
    const [told = ""] = changedFrom(data("a"), data("b"));
    expect(told).toMatch(
      /^user_data_base64: \(1200 bytes, sha256 \w{12}…\) -> \(1200 bytes, sha256 \w{12}…\)$/,
    );
    const [, before, after] = /sha256 (\w+).*sha256 (\w+)/.exec(told) ?? [];
    expect(before).not.toBe(after);
  });

  it("that are known after the apply are told so", () => {
    expect(
      changedFrom(
        { arn: "a", list: [{ id: "x" }] },
        { list: [{}] },
        {
          after_unknown: { arn: true, list: [{ id: true }] },
        },
      ),
    ).toEqual(["arn: a -> <unknown>", "list.0.id: x -> <unknown>"]);
  });

  it("for which a resource is replaced are marked", () => {
    const change = replaced(
      "aws_db_instance.chronos_db",
      { engine: "a", disk: [{ size: 1, type: "x" }], id: "db-1" },
      { engine: "b", disk: [{ size: 2, type: "y" }] },
      { replace_paths: [["engine"], ["disk", 0, "size"]], after_unknown: { id: true } },
    );
    const configured = { "aws_db_instance.chronos_db": ["engine", "disk"] };
    expect(attributes(only(change, { configured }))).toEqual([
      "disk.0.size: 1 -> 2 !",
      "disk.0.type: x -> y",
      "engine: a -> b !",
    ]);
  });

  it("are told for it even where the provider works them out", () => {
    const change = replaced(
      "aws_thing.a",
      { vpc_id: "vpc-1", arn: "a" },
      {},
      { replace_paths: [["vpc_id"]], after_unknown: { vpc_id: true, arn: true } },
    );
    expect(attributes(only(change, { configured: { "aws_thing.a": [] } }))).toEqual([
      "vpc_id: vpc-1 -> <unknown> !",
    ]);
  });

  it("that the provider works out or leaves empty are not told of something new", () => {
    const change = created(
      'aws_thing.a["x"]',
      {
        name: "a",
        protected: false,
        other: "",
        more: "set",
        tags: { Name: "a" },
        tags_all: { Name: "a", System: "b" },
      },
      { after_unknown: { id: true, vpc_id: true } },
    );
    expect(
      attributes(only(change, { configured: { "aws_thing.a": ["name", "protected", "vpc_id"] } })),
    ).toEqual([
      "more: <absent> -> set",
      "name: <absent> -> a",
      "protected: <absent> -> false",
      "tags.Name: <absent> -> a",
      "vpc_id: <absent> -> <unknown>",
    ]);
  });

  it("are told once for a tag, and for those that all resources get", () => {
    const tags = (own: string, all: string) => ({ tags: { Name: own }, tags_all: { Name: own, Owner: all } });
    expect(changedFrom(tags("a", "x"), tags("b", "y"))).toEqual([
      "tags.Name: a -> b",
      "tags_all.Owner: x -> y",
    ]);
  });
});

describe("secrets", () => {
  const canary = "c4n4ry-7d1f";

  /** All that is told of a change in all formats. */
  const everything = (change: ResourceChange, options?: PlanOptions): string => {
    const found = reviewAll([change], options);
    return JSON.stringify(found) + renderMarkdown(found);
  };

  it.each<[string, ResourceChange]>([
    [
      "a mark on the attribute",
      updated(
        "aws_a.a",
        { v: canary, w: "1" },
        { v: `${canary}2`, w: "2" },
        {
          before_sensitive: { v: true },
          after_sensitive: { v: true },
        },
      ),
    ],
    [
      "a mark on a whole block",
      updated(
        "aws_a.a",
        { b: [{ v: canary }] },
        { b: [{ v: `${canary}2` }] },
        {
          before_sensitive: { b: true },
          after_sensitive: { b: true },
        },
      ),
    ],
    [
      "a mark on a whole block at one end alone",
      updated(
        "aws_a.a",
        { b: [{ v: canary }] },
        { b: [{ v: `${canary}2` }] },
        { after_sensitive: { b: true } },
      ),
    ],
    [
      "a mark on everything",
      updated("aws_a.a", { v: canary }, { v: "x" }, { before_sensitive: true, after_sensitive: true }),
    ],
    [
      "a mark in a list",
      updated(
        "aws_a.a",
        { l: ["a", canary] },
        { l: ["b", `${canary}2`] },
        {
          before_sensitive: { l: [false, true] },
          after_sensitive: { l: [false, true] },
        },
      ),
    ],
    [
      "a mark at one end alone",
      updated(
        "aws_a.a",
        { v: canary },
        { v: `${canary}2` },
        { before_sensitive: {}, after_sensitive: { v: true } },
      ),
    ],
    [
      "a mark where the value has another shape now",
      updated("aws_a.a", { v: { in: canary } }, { v: "x" }, { before_sensitive: { v: { in: true } } }),
    ],
    [
      "a mark on what is not known any more",
      updated(
        "aws_a.a",
        { v: [{ in: canary }] },
        {},
        {
          before_sensitive: { v: [{ in: true }] },
          after_unknown: { v: true },
        },
      ),
    ],
    ["a name", created("aws_db_instance.a", { password: canary })],
    ["a name of something gone", destroyed("aws_secretsmanager_secret_version.a", { secret_string: canary })],
    ["a name in camel case", created("aws_a.a", { settings: { dbPassword: canary } })],
    ["a name in JSON", created("aws_a.a", { settings: JSON.stringify({ api_key: canary, name: "x" }) })],
    [
      "a name in JSON that changes",
      updated(
        "aws_ecs_task_definition.a",
        {
          container_definitions: JSON.stringify([
            { name: "app", environment: [{ name: "DB_PASSWORD", value: canary }] },
          ]),
        },
        {
          container_definitions: JSON.stringify([
            { name: "app", environment: [{ name: "DB_PASSWORD", value: `${canary}2` }] },
          ]),
        },
      ),
    ],
    [
      "a name in a task's environment",
      created("aws_ecs_task_definition.a", {
        container_definitions: JSON.stringify([
          { name: "app", environment: [{ name: "DB_PASSWORD", value: canary }] },
        ]),
      }),
    ],
    ...[
      "PGPASSWORD",
      "DB_PASS",
      "MYSQL_PWD",
      "APIKEY",
      "API_KEYS",
      "STRIPE_KEY",
      "LICENSE_KEYS",
      "GITHUB_PAT",
      "AUTH_TOKENS",
      "DB_PASSWORDS",
      "appSecrets",
      "GHTOKEN",
    ].map((name): [string, ResourceChange] => [
      `the name ${name}`,
      created("aws_ecs_task_definition.a", {
        container_definitions: JSON.stringify([{ name: "app", environment: [{ name, value: canary }] }]),
      }),
    ]),
    [
      "its place in an address, whatever is in it",
      created("aws_a.a", { url: `postgres://me:a/b@${canary}@db/x` }),
    ],
    ["its place in an address of digits", created("aws_a.a", { url: `redis://:1/${canary}@db:6379/0` })],
    ["its look", created("aws_a.a", { data: `-----BEGIN RSA PRIVATE KEY-----\n${canary}\n-----END` })],
    ["its place in an address", created("aws_a.a", { url: `postgres://me:${canary}@db.example.com/x` })],
  ])("are known by %s", (_, change) => {
    const told = everything(change);
    expect(JSON.stringify(change)).toContain(canary);
    expect(told).not.toContain(canary);
    expect(told).not.toContain(canary.replace("-", "&#45;"));
    expect(told).toContain("sensitive");
  });

  it("are no ARN, such as that of a key, and no address without a login", () => {
    const told = everything(
      created("aws_a.a", {
        STORAGE_KEY: "arn:aws:kms:eu-central-1:111122223333:key/a1",
        url: "https://db.example.com:8443/a?mail=b",
        image: "registry.example.com/app@sha256:0123",
      }),
    );
    expect(told).toContain("key/a1");
    expect(told).toContain("https://db.example.com:8443/a?mail=b");
    expect(told).toContain("app@sha256:0123");
    expect(told).not.toContain("sensitive");
  });

  it("that are empty are not there", () => {
    const change = updated(
      "aws_a.a",
      { v: "", w: "" },
      { w: canary },
      { before_sensitive: { v: true, w: true } },
    );
    expect(attributes(only(change))).toEqual(["w: <absent> -> <sensitive>"]);
  });

  it("are hidden in outputs and drift", () => {
    const change = updated("aws_a.a", { v: canary }, { v: "2" }, { before_sensitive: { v: true } });
    const outputs = {
      marked: {
        actions: ["update"],
        before: canary,
        after: "x",
        before_sensitive: true,
        after_sensitive: true,
      },
      a_token: { actions: ["create"], before: null, after: canary },
      login: {
        actions: ["update"],
        before: { password: "1", user: "a" },
        after: { password: canary, user: "b" },
      },
    };
    const found = reviewAll([], { drift: [change], outputs });
    expect(found.drift).toHaveLength(1);
    expect(found.outputs).toHaveLength(3);
    expect(JSON.stringify(found) + renderMarkdown(found)).not.toContain(canary);
  });

  it.each<[string, (string | number)[]]>([
    ["a version", ["password_wo_version"]],
    ["an ARN", ["master_user_secret", 0, "secret_arn"]],
    ["where a container has it from", ["container_definitions", "app", "secrets", "ApiKey", "valueFrom"]],
    ["a Sid", ["policy", "Statement", "ReadSecret", "Action"]],
    ["another word", ["metadata_options", 0, "http_tokens"]],
    ["what names a request", ["creation_token"]],
    ...[
      "AWS_ACCESS_KEY_ID",
      "PUBLIC_KEY",
      "JWT_PUBLIC_KEYS",
      "KMS_KEY",
      "STRIPE_PUBLISHABLE_KEY",
      "hash_key",
      "range_key",
      "kms_master_key_id",
      "key",
      "KEY",
      "BYPASS",
      "pass_through",
      "COMPASS",
      "MONKEY",
      "PATH",
    ].map((name): [string, string[]] => [`the name ${name}`, ["environment", name]]),
    ["an index", [0]],
  ])("are not taken for %s", (_, path) => expect(holdsSecret(path)).toBe(false));
});

describe("outputs", () => {
  it("that change alone are a change", () => {
    const plan = planOf([], { outputs: { url: { actions: ["update"], before: "a", after: "b" } } });
    expect(isNothing(plan)).toBe(false);
    expect(review(plan).outputs).toEqual([
      {
        name: "url",
        action: "update",
        before: { kind: "value", text: "a" },
        after: { kind: "value", text: "b" },
      },
    ]);
  });

  it("are told by what differs in them, and not where nothing does", () => {
    const { outputs } = reviewAll([], {
      outputs: {
        same: { actions: ["no-op"], before: "a", after: "a" },
        unknown: { actions: ["create"], before: null, after_unknown: true },
        map: { actions: ["update"], before: { a: { b: 1 }, c: 2 }, after: { a: { b: 3 }, c: 2 } },
      },
    });
    expect(outputs.map(({ name, before, after }) => `${name} ${shown(before)} ${shown(after)}`)).toEqual([
      "map a.b: 1 a.b: 3",
      "unknown <absent> <unknown>",
    ]);
  });
});

describe("drift", () => {
  const configured = { "aws_a.a": ["size", "tags"] };
  const drift = (...changes: ResourceChange[]): string[] =>
    reviewAll([], { drift: changes, configured }).drift.flatMap((change) => [
      `${change.action} ${change.address}`,
      ...attributes(change),
    ]);

  it("is what somebody else changed, and no intent", () => {
    const found = reviewAll([], { drift: [updated("aws_a.a", { size: 1 }, { size: 2 })], configured });
    expect(found.changes).toEqual([]);
    expect(found.counts.update).toBe(0);
    expect(found.drift).toHaveLength(1);
    expect(isNothing(planOf([], { drift: [updated("aws_a.a", { size: 1 }, { size: 2 })] }))).toBe(true);
  });

  it("is not what reads back in another way, or what the provider works out", () => {
    expect(
      drift(
        updated(
          "aws_a.a",
          { size: 1, actions: null, rules: [], time: "9:00" },
          { size: 1, actions: [], rules: ["x"], time: "9:01" },
        ),
        updated("aws_a.a", { tags: null, size: 0 }, { tags: {}, size: null }),
        read("data.aws_b.b", {}),
      ),
    ).toEqual([]);
    expect(drift(updated("aws_a.a", { size: 1, time: "9:00" }, { size: 2, time: "9:01" }))).toEqual([
      "update aws_a.a",
      "size: 1 -> 2",
    ]);
  });

  it("is not what the configuration leaves to others", () => {
    const told = (ignored: unknown, ...changes: ResourceChange[]) =>
      reviewOf("stage", planOf([], { drift: changes, configured }), {
        risks: [],
        json: { resource: { aws_a: { a: { lifecycle: { ignore_changes: ignored } } } } } as TerraformJson,
      }).drift.flatMap(attributes);
    const size = updated("aws_a.a", { size: 1, tags: { x: "1" } }, { size: 2, tags: { x: "1" } });
    const both = updated(
      "aws_a.a",
      { size: 1, tags: { x: "1", y: "1" } },
      { size: 2, tags: { x: "2", y: "2" } },
    );
    expect(told(["size"], size)).toEqual([]);
    expect(told("all", size)).toEqual([]);
    expect(told(["siz"], size)).toEqual(["size: 1 -> 2"]);
    expect(told(undefined, size)).toEqual(["size: 1 -> 2"]);
    expect(told(["size", 'tags["x"]'], both)).toEqual(["tags.y: 1 -> 2"]);
    expect(told(["tags"], both)).toEqual(["size: 1 -> 2"]);
    expect(told(["size"], updated("aws_a.b", { size: 1 }, { size: 2 }))).toEqual(["size: 1 -> 2"]);
    const gone = reviewOf("stage", planOf([], { drift: [destroyed("aws_a.a", { id: "x" })] }), {
      risks: [],
      json: {
        resource: { aws_a: { a: { lifecycle: { ignore_changes: "all" } } } },
      } as unknown as TerraformJson,
    });
    expect(gone.drift).toHaveLength(1);
  });

  it("is that it was destroyed", () => {
    expect(drift(destroyed("aws_a.a", { id: "x", size: 1 }))).toEqual(["delete aws_a.a"]);
  });
});

describe("the fingerprint", () => {
  const base = (): ResourceChange[] => [
    updated("aws_a.a", { size: 1, secret: "x" }, { size: 2, secret: "y" }),
    created("aws_a.b", { name: "b" }, { after_unknown: { id: true } }),
    destroyed("aws_a.c", { id: "c-1", size: 1 }),
  ];
  const outputs = { url: { actions: ["update"], before: "a", after: "b" } };
  const fingerprint = fingerprintOf(planOf(base(), { outputs }));

  it("is the same for what does the same: drift, time, order and masked values make no difference", () => {
    const [a, b, c] = base() as [ResourceChange, ResourceChange, ResourceChange];
    const other = planOf(
      [
        c,
        unchanged("aws_a.d", { x: 1 }, { x: 1 }),
        b,
        {
          ...a,
          change: { ...a.change, before: { size: 1, secret: "1" }, after: { secret: "2", size: 2 } },
        } as ResourceChange,
      ],
      {
        outputs: { same: { actions: ["no-op"] }, ...outputs },
        drift: [updated("aws_a.a", { size: 0 }, { size: 1 })],
      },
    );
    const later = { ...other, timestamp: "2027-01-01T00:00:00Z", terraform_version: "1.14.0" };
    expect(fingerprintOf(later)).toBe(fingerprint);
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, ResourceChange[], Record<string, unknown>?]>([
    ["another value", [updated("aws_a.a", { size: 1 }, { size: 3 })]],
    ["another value in AWS", [updated("aws_a.a", { size: 0 }, { size: 2 })]],
    ["another action", [replaced("aws_a.a", { size: 1 }, { size: 2 })]],
    ["another address", [updated("aws_a.b", { size: 1 }, { size: 2 })]],
    ["another id", [destroyed("aws_a.a", { id: "1" })]],
    ["one more attribute", [updated("aws_a.a", { size: 1, b: 1 }, { size: 2, b: 2 })]],
    ["something unknown", [updated("aws_a.a", { size: 1 }, {}, { after_unknown: { size: true } })]],
    [
      "what it is replaced for",
      [replaced("aws_a.a", { size: 1 }, { size: 2 }, { replace_paths: [["size"]] })],
    ],
    ["where it comes from", [updated("aws_a.a", { size: 1 }, { size: 2 }, { from: "aws_a.z" })]],
    ["what is imported", [updated("aws_a.a", { size: 1 }, { size: 2 }, { importing: { id: "x" } })]],
    ["nothing", []],
    ["a move", [unchanged("aws_a.a", {}, {}, { from: "aws_a.z" })]],
  ])("is another for %s", (_, changes) => {
    const plain = fingerprintOf(planOf([updated("aws_a.a", { size: 1 }, { size: 2 })]));
    expect(fingerprintOf(planOf(changes))).not.toBe(plain);
    expect(fingerprintOf(planOf(changes)) === fingerprintOf(planOf([]))).toBe(changes.length === 0);
  });

  it("is another where another resource is destroyed under the same address", () => {
    const gone = (id: string) => fingerprintOf(planOf([destroyed("aws_a.a", { id })]));
    expect(gone("1")).not.toBe(gone("2"));
  });

  it("is the same whatever there is of what becomes unknown", () => {
    const stopped = (ip: string) => updated("aws_a.a", { ip }, {}, { after_unknown: { ip: true } });
    expect(fingerprintOf(planOf([stopped("1")]))).toBe(fingerprintOf(planOf([stopped("2")])));
  });

  it("sees what the configuration says of what becomes unknown", () => {
    const plan = (...made: [ResourceChange, unknown?]) => {
      const [change, said] = made;
      const configured = said === undefined ? undefined : { "aws_a.a": { policy: said, name: {} } };
      return fingerprintOf(planOf([change], { configured }));
    };
    const unknown = created("aws_a.a", { name: "a" }, { after_unknown: { policy: true, arn: true } });
    const says = (who: string) => ({ constant_value: `{"Principal":"${who}"}`, references: ["aws_b.b"] });
    expect(plan(unknown, says("root"))).toBe(plan(unknown, { ...says("root") }));
    expect(plan(unknown, says("root"))).not.toBe(plan(unknown, says("*")));
    const within = created("aws_a.a", { policy: [{}] }, { after_unknown: { policy: [{ text: true }] } });
    expect(plan(within, [{ text: says("root") }])).not.toBe(plan(within, [{ text: says("*") }]));
    const known = created("aws_a.a", { policy: "x" }, { after_unknown: { arn: true } });
    expect(plan(known, says("root"))).toBe(plan(known, says("*")));
    const gone = destroyed("aws_a.a", { id: "x" });
    expect(plan(gone, says("root"))).toBe(plan(gone, says("*")));
  });

  it("sees what a data source asks for that is read during the apply", () => {
    const asks = (action: string, more = {}) =>
      fingerprintOf(planOf([read("data.aws_b.b", { action }, { after_unknown: { id: true }, ...more })]));
    expect(asks("s3:Get")).toBe(asks("s3:Get"));
    expect(asks("s3:Get")).not.toBe(asks("s3:*"));
  });

  it("sees what the configuration says of outputs that become unknown", () => {
    const plan = (expression: unknown, marks = {}) => {
      const role = { actions: ["create"], before: null, after_unknown: true, ...marks };
      const document = planOf([], { outputs: { role } });
      const { configuration } = document;
      const root_module = { outputs: { role: { expression } } };
      return fingerprintOf({ ...document, configuration: { ...configuration, root_module } } as PlanDocument);
    };
    const says = (text: string, from = "aws_a.a.arn") => ({ constant_value: text, references: [from] });
    expect(plan(says("x"))).not.toBe(plan(says("y")));
    expect(plan(says("x"))).not.toBe(plan(says("x", "aws_a.b.arn")));
    const secret = { after_sensitive: true };
    expect(plan(says("x"), secret)).toBe(plan(says("y"), secret));
    expect(plan(says("x"), secret)).not.toBe(plan(says("x", "aws_a.b.arn"), secret));
  });

  it("sees another order where that means something", () => {
    const list = (...names: string[]) => names.map((path) => ({ path, ttl: 1 }));
    const moved = (...names: string[]) =>
      updated("aws_a.a", { rule: list("a", "b", "c") }, { rule: list(...names) });
    expect(fingerprintOf(planOf([moved("b", "a", "c")]))).not.toBe(
      fingerprintOf(planOf([moved("a", "c", "b")])),
    );
    const steps = (...names: string[]) => ({
      content: JSON.stringify({ mainSteps: names.map((name) => ({ name, action: `run ${name}` })) }),
    });
    expect(changedFrom(steps("stop", "start"), steps("start", "stop"))).toEqual([
      'content.mainSteps: ["stop","start"] -> ["start","stop"]',
    ]);
    const named = (...values: string[]) => values.map((value) => ({ name: value.slice(0, 1), value }));
    expect(changedFrom({ setting: named("a", "b1") }, { setting: named("b2", "a") })).toEqual([
      "setting.b.value: b1 -> b2",
    ]);
    const variables = (...names: string[]) => ({
      container_definitions: JSON.stringify([{ name: "app", environment: named(...names) }]),
    });
    expect(changedFrom(variables("a", "b"), variables("b", "a"))).toEqual([]);
  });

  it("sees what a review only tells the size of, and each output", () => {
    const data = (byte: string) =>
      planOf([updated("aws_a.a", { user_data: "x" }, { user_data: byte.repeat(5000) })]);
    expect(fingerprintOf(data("a"))).not.toBe(fingerprintOf(data("b")));
    expect(fingerprintOf(planOf(base(), { outputs: { url: { ...outputs.url, after: "c" } } }))).not.toBe(
      fingerprint,
    );
    expect(fingerprintOf(planOf(base()))).not.toBe(fingerprint);
  });
});

describe("the cost", () => {
  const host = (type: string) => ({ instance_type: type, ami: "x" });
  const json = (resource: object) => ({ resource }) as TerraformJson;

  it("is told for what changes", () => {
    const plan = planOf([
      updated("aws_instance.a", host("t3.small"), host("t3.large")),
      created("aws_eip.new", {}),
      destroyed("aws_kms_key.old", { id: "k" }),
    ]);
    const cost = costChangeOf(
      plan,
      json({ aws_instance: { a: host("t3.large"), same: host("t3.small") }, aws_eip: { new: {} } }),
    );
    expect(cost.lines.map(({ address, monthly }) => [address, Math.sign(monthly)])).toEqual([
      ["aws_instance.a", 1],
      ["aws_eip.new", 1],
      ["aws_kms_key.old", -1],
    ]);
    const sum = cost.lines.reduce((total, { monthly }) => total + monthly, 0);
    expect(cost.after - cost.before).toBeCloseTo(sum, 2);
    expect(cost.before).toBeGreaterThan(0);
  });

  it("stays where nothing changes that costs something", () => {
    const plan = planOf([
      updated("aws_instance.a", { ...host("t3.small"), tags: { a: "1" } }, host("t3.small")),
    ]);
    const cost = costChangeOf(plan, json({ aws_instance: { a: host("t3.small") } }));
    expect(cost.before).toBe(cost.after);
    expect(cost.lines).toEqual([]);
  });

  it("names what changes and cannot be estimated", () => {
    const plan = planOf([created("aws_unheard_of.a", {})]);
    const template = json({ aws_unheard_of: { a: {}, other: {} } });
    expect(costChangeOf(plan, template).notEstimated).toEqual(["aws_unheard_of.a"]);
  });

  it("of what is destroyed goes on from one resource to another by what AWS calls them", () => {
    const definition = { cpu: "256", memory: "512", requires_compatibilities: ["FARGATE"] };
    const service = { launch_type: "FARGATE", desired_count: 1 };
    const gone = planOf([
      destroyed("aws_ecs_service.a", { ...service, id: "s", task_definition: "arn:td:1" }),
      destroyed("aws_ecs_task_definition.a", { ...definition, id: "td", arn: "arn:td:1" }),
    ]);
    const cost = costChangeOf(gone, json({}));
    expect(cost.notEstimated).toEqual([]);
    const written = json({
      aws_ecs_service: { a: { ...service, task_definition: "${aws_ecs_task_definition.a.arn}" } },
      aws_ecs_task_definition: { a: definition },
    });
    const all = costChangeOf(planOf([]), written).after;
    expect(all).toBeGreaterThan(1);
    expect(cost.before).toBeCloseTo(all, 6);
    expect(cost.after).toBe(0);
  });
});
