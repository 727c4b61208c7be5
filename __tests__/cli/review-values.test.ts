import { gzipSync } from "node:zlib";
import { fingerprintOf } from "../../cli/review/fingerprint";
import { renderHtml } from "../../cli/review/html";
import { renderMarkdown } from "../../cli/review/markdown";
import type { AttributeChange, Review, ReviewedChange, Shown } from "../../cli/review/model";
import { pathText } from "../../cli/review/path";
import { reviewOf } from "../../cli/review/review";
import { withoutSecrets } from "../../cli/review/secrets";
import { templateJson, templateText, written } from "../../cli/review/template-text";
import { unpacked } from "../../cli/review/unpacked";
import type { PlanDocument, ResourceChange } from "../../cli/plan-document";
import { created, destroyed, planOf, replaced, unchanged, updated, type PlanOptions } from "../support/plans";

const reviewAll = (changes: ResourceChange[], options?: PlanOptions, more: object = {}): Review =>
  reviewOf("stage", { ...planOf(changes, options), ...more } as PlanDocument, { risks: [] });
function only(change: ResourceChange, options?: PlanOptions, more?: object): ReviewedChange {
  const [found] = reviewAll([change], options, more).changes;
  if (!found) throw new Error("nothing is reviewed");
  return found;
}

const shown = (end: Shown): string => {
  if (end.kind === "value") return end.text;
  if (end.kind !== "unknown") return `<${end.kind}>`;
  const from = end.from ? ` from ${end.from.join(" ")}` : "";
  return `<unknown${from}${end.configured === undefined ? "" : ` as ${end.configured}`}>`;
};
/** Each attribute as a reviewer reads it. */
const told = ({ path, before, after, entries }: AttributeChange): string =>
  entries
    ? `${pathText(path)}: ${[...entries.gone.map((one) => `-${one}`), ...entries.new.map((one) => `+${one}`)].join(" ")} =${entries.same}`
    : `${pathText(path)}: ${shown(before)} -> ${shown(after)}`;
const attributes = ({ attributes }: ReviewedChange): string[] => attributes.map(told);
const differing = (lines: readonly string[] = []): string[] => lines.filter((line) => !line.startsWith(" "));

/** All that is told of changes in all formats. */
const everything = (changes: ResourceChange[], options?: PlanOptions, more?: object): string => {
  const found = reviewAll(changes, options, more);
  return JSON.stringify(found) + renderMarkdown(found) + renderHtml(found);
};

const task = (...containers: object[]) => ({ container_definitions: JSON.stringify(containers) });
const container = (rest: object = {}) => ({ name: "app", image: "app:1", essential: true, ...rest });
const policy = (...Statement: object[]) => ({
  policy: JSON.stringify({ Version: "2012-10-17", Statement }),
});
const allow = (Action: unknown, rest: object = {}) => ({ Effect: "Allow", Action, Resource: "*", ...rest });

describe("a changed JSON text", () => {
  it("of containers tells the image, the variable and the secret by the container's name", () => {
    const before = container({
      environment: [
        { name: "LOG_LEVEL", value: "info" },
        { name: "OLD", value: "1" },
      ],
      secrets: [
        { name: "DB_PASSWORD", valueFrom: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:a" },
      ],
    });
    const after = container({
      image: "app:2",
      environment: [
        { name: "NEW", value: "2" },
        { name: "LOG_LEVEL", value: "debug" },
      ],
      secrets: [
        { name: "DB_PASSWORD", valueFrom: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:b" },
      ],
    });
    const side = { name: "side", image: "side:1" };
    const found = only(replaced("aws_ecs_task_definition.a", task(side, before), task(after, side)));
    expect(attributes(found)).toEqual([
      "container_definitions.app.environment.OLD: 1 -> <absent>",
      "container_definitions.app.environment.NEW: <absent> -> 2",
      "container_definitions.app.environment.LOG_LEVEL: info -> debug",
      "container_definitions.app.image: app:1 -> app:2",
      "container_definitions.app.secrets.DB_PASSWORD.valueFrom: arn:aws:secretsmanager:eu-central-1:111122223333:secret:a -> arn:aws:secretsmanager:eu-central-1:111122223333:secret:b",
    ]);
  });

  it("of containers without names goes by their place", () => {
    const found = only(
      updated(
        "aws_ecs_task_definition.a",
        task({ image: "a:1" }, { image: "b:1" }),
        task({ image: "a:2" }, { image: "b:1" }),
      ),
    );
    expect(attributes(found)).toEqual(["container_definitions[0].image: a:1 -> a:2"]);
  });

  it("of a policy tells which action comes and goes, by Sid or by place", () => {
    const actions = ["s3:GetObject", "s3:DeleteObject"];
    const found = only(
      updated(
        "aws_iam_role_policy.a",
        policy(allow(actions, { Sid: "Objects" }), allow("sqs:*", { Sid: "Queue" })),
        policy(allow("sqs:*", { Sid: "Queue" }), allow(["s3:GetObject", "s3:PutObject"], { Sid: "Objects" })),
      ),
    );
    expect(attributes(found)).toEqual(["policy.Statement.Objects.Action: -s3:DeleteObject +s3:PutObject =1"]);
    const unnamed = only(
      updated(
        "aws_iam_role_policy.a",
        policy(allow("sqs:*"), allow(["a:b"])),
        policy(allow("sqs:*"), allow(["a:b", "a:c"])),
      ),
    );
    expect(attributes(unnamed)).toEqual(["policy.Statement[1].Action: +a:c =1"]);
  });

  it("tells entries of lists only where something stays, and no other order", () => {
    const change = (before: unknown[], after: unknown[]) =>
      attributes(only(updated("aws_thing.a", { list: before }, { list: after })));
    expect(change(["a"], ["b"])).toEqual(['list: ["a"] -> ["b"]']);
    expect(change(["a", "b"], ["b", "a"])).toEqual(['list: ["a","b"] -> ["b","a"]']);
    expect(change(["a", 1], ["a", 2])).toEqual(["list: -1 +2 =1"]);
    const one = only(updated("aws_p.p", policy(allow("a:b")), policy(allow(["a:b", "a:c"]))));
    expect(attributes(one)).toEqual(["policy.Statement[0].Action: +a:c =1"]);
    const same = only(updated("aws_p.p", policy(allow("a:b")), policy(allow(["a:b"]))));
    expect(attributes(same)).toEqual(['policy.Statement[0].Action: a:b -> ["a:b"]']);
  });

  it("has all of its lines beside, once, in one order at both ends, and none where no part of it differs", () => {
    const [app, side] = [container({ user: "1", image: "app:1" }), { name: "side", links: [] }];
    const other = container({ user: "2", image: "app:2", secrets: [] });
    const { documents = [] } = only(
      updated(
        "aws_ecs_task_definition.a",
        { ...task(app, side), size: 1 },
        { ...task({ name: "side" }, other), size: 2 },
      ),
    );
    expect(documents.map(({ path }) => path)).toEqual([["container_definitions"]]);
    expect(differing(documents[0]?.lines)).toEqual([
      '-    "image": "app:1",',
      '+    "image": "app:2",',
      '-    "user": "1"',
      '+    "user": "2"',
    ]);
    expect(documents[0]?.lines).toContain('     "name": "side"'); // what stays is there, too
    expect(only(updated("aws_thing.a", { size: 1 }, { size: 2 })).documents).toBeUndefined();
  });

  it("is told in the comment and in the page, there with all of it folded", () => {
    const found = reviewAll([
      updated("aws_iam_role_policy.a", policy(allow(["a:b", "a:c"])), policy(allow(["a:b", "a:d"]))),
    ]);
    expect(renderMarkdown(found)).toContain(
      "<code>a&#58;c</code> removed | <code>a&#58;d</code> added, 1 as before |",
    );
    const page = renderHtml(found);
    expect(page).toContain("<del>− a:c</del><ins>+ a:d</ins><em>1 entry the same</em>");
    expect(page).toMatch(/<details class="long all"><summary>All of it <em>\d+ lines<\/em><\/summary>/);
    expect(page).toContain("2012-10-17");
  });
});

describe("a text of lines", () => {
  const lines = (...changed: string[]) => [
    ...Array.from({ length: 30 }, (_, line) => `line ${line}`),
    ...changed,
  ];
  const script = (...changed: string[]) => lines(...changed).join("\n");

  it("is told by all of its lines, of which the comment and the page show those that differ", () => {
    const change = updated("aws_instance.a", { user_data: script("old") }, { user_data: script("new") });
    const [attribute] = only(change).attributes;
    expect(differing(attribute?.lines)).toEqual(["-old", "+new"]);
    expect(attribute?.lines).toHaveLength(32);
    const text = renderMarkdown(reviewAll([change]));
    expect(text).toContain("<code>user_data</code> | 1 line, below | 1 line, below |");
    expect(text).toMatch(/<pre lang="diff"><code>&#64;&#64; 27 lines the same &#64;&#64;\n line 27\n/);
    expect(text).toContain("\n-old\n&#43;new\n</code></pre>");
    expect(text).not.toContain("line 26");
    const page = renderHtml(reviewAll([change]));
    expect(page).toContain("<del>− old</del><ins>+ new</ins>");
    expect(page.split("All of it")[0]).not.toContain("line 26");
    expect(page.split("All of it")[1]).toContain("line 26");
  });

  it("that is long is limited, and the rest is counted", () => {
    const many = (word: string) => Array.from({ length: 100 }, (_, line) => `${word} ${line}`).join("\n");
    const found = reviewAll([updated("aws_instance.a", { user_data: many("a") }, { user_data: many("b") })]);
    const text = renderMarkdown(found);
    expect(text).toContain("and 160 lines more that differ");
    expect(text).not.toContain("-a 40\n");
    const page = renderHtml(found);
    expect(page).toMatch(/<details class="long"><summary><em>160 more lines<\/em><\/summary>/);
    expect(page).toContain("+ b 99");
  });

  it("of which one end has a single line is compared by lines, too", () => {
    const [attribute] = only(updated("aws_a.a", { text: "one" }, { text: "one\ntwo" })).attributes;
    expect(attribute?.lines).toEqual([" one", "+two"]);
  });

  it.each([
    ["packed", (text: string) => gzipSync(text).toString("base64")],
    ["in base64", (text: string) => Buffer.from(text).toString("base64")],
  ])("that is %s is unpacked", (_, pack) => {
    const data = (word: string) => ({ user_data_base64: pack(script(word)) });
    const [attribute] = only(replaced("aws_instance.a", data("old"), data("new"))).attributes;
    expect(differing(attribute?.lines)).toEqual(["-old", "+new"]);
    const [fresh] = only(created("aws_instance.a", data("new"))).attributes;
    expect(fresh && shown(fresh.after)).toContain("line 29\nnew");
  });

  it("that is packed anew and the same is told by size and digest", () => {
    const data = (level: number) => ({
      user_data_base64: gzipSync(script("a"), { level }).toString("base64"),
    });
    const [told = ""] = attributes(only(updated("aws_instance.a", data(1), data(9))));
    expect(told).toMatch(/\d+ bytes, sha256|^user_data_base64: H4s/);
    expect(told).not.toContain("line 1");
  });

  it("is not unpacked where it is none, too long, or of another name", () => {
    expect(unpacked("not base64 at all!")).toBeUndefined();
    expect(
      unpacked(Buffer.from([0, 1, 2, 10, 255, 254, 253, 0, 0, 0, 0, 0, 1]).toString("base64")),
    ).toBeUndefined();
    expect(unpacked(gzipSync(Buffer.alloc(5_000_000, "a\n")).toString("base64"))).toBeUndefined();
    const line = { user_data: Buffer.from("one line alone, no script").toString("base64") };
    expect(everything([created("aws_a.a", line)])).not.toContain("no script");
    const data = { blob: Buffer.from(script("old")).toString("base64") };
    expect(everything([created("aws_a.a", data)])).not.toContain("line 20");
  });
});

describe("a long value", () => {
  it("is whole in the page, and cut in the comment", () => {
    const found = reviewAll([created("aws_a.a", { text: `${"x y ".repeat(500)}the end` })]);
    expect(renderMarkdown(found)).not.toContain("the end");
    expect(renderHtml(found)).toContain("x y the end</details>");
  });

  it("that nobody can read, or that is very long, is not kept", () => {
    const found = reviewAll([
      created("aws_a.a", { data: "QUJD".repeat(500) + "ENDE", text: "x y ".repeat(100_000) }),
    ]);
    expect(JSON.stringify(found).length).toBeLessThan(5_000);
    expect(renderHtml(found)).not.toContain("ENDE");
  });
});

describe("what is known after the apply", () => {
  const bucket = (after: object = { id: "b" }, unknown: object = { arn: true }) =>
    created("aws_s3_bucket.b", after as never, { after_unknown: unknown });
  const key = unchanged("aws_kms_key.k", { arn: "arn:k" }, { arn: "arn:k" });
  const refersTo = (text: string, ...references: string[]) => ({ constant_value: text, references });

  it("says of what it is made, and only of what is not known either", () => {
    const configured = {
      "aws_a.a": {
        text: refersTo("${aws_s3_bucket.b.arn}", "aws_s3_bucket.b.arn", "aws_s3_bucket.b"),
        both: refersTo(
          "${join(aws_s3_bucket.b.arn, aws_kms_key.k.arn, var.x)}",
          "aws_s3_bucket.b.arn",
          "aws_s3_bucket.b",
          "aws_kms_key.k.arn",
          "aws_kms_key.k",
          "var.x",
        ),
        block: [{ inner: [{ ref: refersTo("${aws_s3_bucket.b.arn}", "aws_s3_bucket.b.arn") }] }],
        tags: {
          constant_value: { A: "${aws_s3_bucket.b.arn}", B: "b" },
          references: ["aws_s3_bucket.b.arn"],
        },
      },
    };
    const change = created(
      "aws_a.a",
      { tags: { B: "b" } },
      {
        after_unknown: {
          text: true,
          both: true,
          arn: true,
          block: [{ inner: [{ ref: true }] }],
          tags: { A: true },
        },
      },
    );
    const found = reviewAll([change, bucket(), key], { configured });
    expect(attributes(found.changes.find(({ address }) => address === "aws_a.a")!)).toEqual([
      "block[0].inner[0].ref: <absent> -> <unknown from aws_s3_bucket.b.arn>",
      "both: <absent> -> <unknown from aws_s3_bucket.b.arn as ${join(aws_s3_bucket.b.arn, aws_kms_key.k.arn, var.x)}>",
      "tags.A: <absent> -> <unknown from aws_s3_bucket.b.arn>",
      "tags.B: <absent> -> b",
      "text: <absent> -> <unknown from aws_s3_bucket.b.arn>",
    ]);
    expect(renderMarkdown(found)).toContain(
      "<code>text</code> | – | *known after apply*, from <code>aws_s3_bucket.b.arn</code>",
    );
    expect(renderHtml(found)).toContain("(known after apply, from aws_s3_bucket.b.arn)");
  });

  it("comes last where nobody has given it", () => {
    const after = { z: "2", size: "2" };
    const unknown = { after_unknown: { arn: true, hash: true } };
    const change = updated("aws_a.a", { arn: "a", hash: "1", size: "1", z: "1" }, after, unknown);
    const configured = { "aws_a.a": { z: {}, size: {}, hash: refersTo("${local.x}", "local.x") } };
    expect(attributes(only(change, { configured }))).toEqual([
      "hash: 1 -> <unknown from local.x>",
      "size: 1 -> 2",
      "z: 1 -> 2",
      "arn: a -> <unknown>",
    ]);
  });

  it("says no more where the configuration says nothing", () => {
    const change = updated("aws_a.a", { hash: "1" }, {}, { after_unknown: { hash: true } });
    expect(attributes(only(change))).toEqual(["hash: 1 -> <unknown>"]);
    expect(attributes(only(change, { configured: { "aws_a.a": ["name"] } }))).toEqual([
      "hash: 1 -> <unknown>",
    ]);
  });

  const statement = (Sid: string, Action: unknown, Resource: unknown) => ({
    Sid,
    Effect: "Allow",
    Action,
    Resource,
  });
  const said = (...Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });
  const known = said(statement("Keys", "kms:Decrypt", "arn:k"), statement("Old", ["s3:Get*"], "arn:o"));

  it("tells of JSON which parts change, whatever the rest will be", () => {
    const text = said(
      statement("Keys", "kms:Decrypt", "${aws_kms_key.k.arn}"),
      statement("Old", ["s3:Get*", "s3:Put*"], "arn:o"),
      statement("New", "s3:*", "${aws_s3_bucket.b.arn}/*"),
    );
    const configured = {
      "aws_iam_role_policy.p": { policy: refersTo(text, "aws_s3_bucket.b.arn", "aws_kms_key.k.arn") },
    };
    const change = updated(
      "aws_iam_role_policy.p",
      { policy: known },
      {},
      { after_unknown: { policy: true } },
    );
    const found = reviewAll([change, bucket(), key], { configured }).changes.find(
      ({ address }) => address === change.address,
    )!;
    expect(attributes(found)).toEqual([
      "policy.Statement.Old.Action: +s3:Put* =1",
      "policy.Statement.New.Action: <absent> -> s3:*",
      "policy.Statement.New.Effect: <absent> -> Allow",
      "policy.Statement.New.Resource: <absent> -> <unknown from aws_s3_bucket.b.arn as ${aws_s3_bucket.b.arn}/*>",
    ]);
    expect(found.documents).toHaveLength(1);
    expect(differing(found.documents?.[0]?.lines).join("\n")).not.toContain("arn:k");
  });

  it("of which nothing changes but what is unknown says that", () => {
    const text = said(
      statement("Keys", "kms:Decrypt", "arn:k"),
      statement("Old", ["s3:Get*"], "${aws_s3_bucket.b.arn}"),
    );
    const configured = { "aws_p.p": { policy: refersTo(text, "aws_s3_bucket.b.arn") } };
    const change = updated("aws_p.p", { policy: known }, {}, { after_unknown: { policy: true } });
    const [found] = reviewAll([change, bucket({}, { arn: true })], { configured }).changes;
    expect(attributes(found!)).toEqual([
      "policy.Statement.Old.Resource: arn:o -> <unknown from aws_s3_bucket.b.arn>",
    ]);
  });

  it("of something new has what the configuration says, with what is known of it", () => {
    const text = said(
      statement("A", "s3:*", [
        "${aws_s3_bucket.b.arn}",
        "${aws_kms_key.k.arn}",
        "${data.aws_x.x.list[1]}",
        "${var.name}",
      ]),
    );
    const configured = { "aws_p.p": { policy: refersTo(text, "aws_s3_bucket.b.arn", "var.name") } };
    const change = created("aws_p.p", {}, { after_unknown: { policy: true } });
    const more = {
      variables: { name: { value: "arn:v" } },
      prior_state: {
        values: {
          root_module: {
            resources: [{ address: "data.aws_x.x", mode: "data", values: { list: ["0", "arn:1"] } }],
          },
        },
      },
    };
    const plan = planOf([change, bucket(), key], { configured });
    const { configuration } = plan as unknown as { configuration: { root_module: object } };
    Object.assign(configuration.root_module, { variables: { name: {} } });
    const { changes } = reviewOf("stage", { ...plan, ...more } as PlanDocument, { risks: [] });
    const [attribute] = changes.find(({ address }) => address === "aws_p.p")!.attributes;
    expect(attribute && shown(attribute.after)).toContain(
      '["${aws_s3_bucket.b.arn}","arn:k","arn:1","arn:v"]',
    );
    const page = renderHtml({ ...reviewAll([]), changes });
    expect(page).toContain("${aws_s3_bucket.b.arn}");
  });

  it("says of an output of what it is made, and of no more than a few", () => {
    const outputs = {
      all: { actions: ["create"], before: null, after_unknown: true },
      part: {
        actions: ["update"],
        before: { a: "1", b: "2" },
        after: { b: "2" },
        after_unknown: { a: true },
      },
      plain: { actions: ["create"], before: null, after_unknown: true },
    };
    const plan = planOf([bucket(), key], { outputs, configured: {} });
    const { configuration } = plan as unknown as { configuration: { root_module: object } };
    const others = ["one", "two", "three", "four"].map((name) => `local.${name}`);
    Object.assign(configuration.root_module, {
      outputs: {
        all: {
          expression: {
            references: ["aws_s3_bucket.b.arn", "aws_s3_bucket.b", "aws_kms_key.k.arn", ...others],
          },
        },
        part: {
          expression: {
            constant_value: { a: "${aws_s3_bucket.b.arn}", b: "${local.b}" },
            references: ["aws_s3_bucket.b.arn", "local.b"],
          },
        },
      },
    });
    const found = reviewOf("stage", plan, { risks: [] });
    expect(found.outputs.map(({ after }) => after)).toEqual([
      { kind: "unknown", from: ["aws_s3_bucket.b.arn", ...others] },
      { kind: "value", text: "a: (known after apply, from aws_s3_bucket.b.arn)" },
      { kind: "unknown" },
    ]);
    expect(renderHtml(found)).toContain(
      "from aws_s3_bucket.b.arn, local.one, local.two, local.three and 1 more)",
    );
  });

  it("takes nothing from what is secret, and shows nothing of it", () => {
    const canary = "c4n4ry-91";
    const text = said(
      statement("A", "s3:*", [
        "${aws_s3_bucket.b.arn}",
        "${aws_s.s.value}",
        "${aws_s.s.api_key}",
        "${data.aws_s.s.value}",
        "${data.aws_s.s.db_password}",
        "${var.word}",
        "${var.a_token}",
      ]),
    );
    const secret = unchanged(
      "aws_s.s",
      { value: canary, api_key: canary },
      { value: canary, api_key: canary },
      {
        before_sensitive: { value: true },
        after_sensitive: { value: true },
      },
    );
    const plan = planOf([created("aws_p.p", {}, { after_unknown: { policy: true } }), secret, bucket()], {
      configured: { "aws_p.p": { policy: refersTo(text, "aws_s3_bucket.b.arn") } },
    });
    Object.assign((plan as unknown as { configuration: { root_module: object } }).configuration.root_module, {
      variables: { word: { sensitive: true }, a_token: {} },
    });
    const resource = {
      address: "data.aws_s.s",
      mode: "data",
      values: { value: canary, db_password: canary },
      sensitive_values: { value: true },
    };
    const found = reviewOf(
      "stage",
      {
        ...plan,
        variables: { word: { value: canary }, a_token: { value: canary } },
        prior_state: { values: { root_module: { resources: [resource] } } },
      } as PlanDocument,
      { risks: [] },
    );
    const all = JSON.stringify(found) + renderHtml(found) + renderMarkdown(found);
    expect(all).not.toContain(canary);
    expect(all).toContain("${var.word}");

    const marked = updated(
      "aws_p.p",
      { policy: known },
      {},
      {
        after_unknown: { policy: true },
        after_sensitive: { policy: true },
        before_sensitive: { policy: true },
      },
    );
    const configured = {
      "aws_p.p": {
        policy: refersTo(said(statement(canary, "x", "${aws_s3_bucket.b.arn}")), "aws_s3_bucket.b.arn"),
      },
    };
    const hidden = everything([marked, bucket()], { configured });
    expect(hidden).not.toContain(canary);
    expect(hidden).toContain("(known after apply, from aws_s3_bucket.b.arn)");
    const named = {
      "aws_p.p": {
        policy: refersTo(`{"DB_PASSWORD":"${canary}","x":"\${aws_s3_bucket.b.arn}"}`, "aws_s3_bucket.b.arn"),
      },
    };
    for (const before of [{ policy: '{"DB_PASSWORD":"other"}' }, null]) {
      const change = before
        ? updated("aws_p.p", before, {}, { after_unknown: { policy: true } })
        : created("aws_p.p", {}, { after_unknown: { policy: true } });
      expect(everything([change, bucket()], { configured: named })).not.toContain(canary);
    }
  });

  it("of the configuration's texts may be a function, a list without quotes, and no expression at all", () => {
    expect(templateJson('{"a":${jsonencode(["x}", {}])},"b":"p ${f("q")} $${no}"}')).toBeDefined();
    const read = templateJson('{"a":${jsonencode(["x}", {}])},"b":"p ${f("q")} $${no}"}') as Record<
      string,
      string
    >;
    expect(written(read.a!)).toBe('${jsonencode(["x}", {}])}');
    expect(written(read.b!)).toBe('p ${f("q")} ${no}');
    expect(templateJson("no json ${x}")).toBeUndefined();
    expect(templateJson('{"a": ${x')).toBeUndefined();
    expect(written(templateText("a ${b.c} %{ if d }e%{ endif }"))).toBe("a ${b.c} ${ if d }e${ endif }");
  });
});

describe("secrets in values", () => {
  const canary = "c4n4ry-55";
  const variable = { name: "DB_PASSWORD", value: canary };
  it.each<[string, ResourceChange]>([
    [
      "of a name that is there twice",
      created("aws_e.a", task(container({ environment: [variable, variable] }))),
    ],
    [
      "of a name that is there twice, and changes",
      updated(
        "aws_e.a",
        task(container({ environment: [variable, { ...variable, value: "x" }] })),
        task(
          container({
            environment: [
              { ...variable, value: `${canary}2` },
              { ...variable, value: "y" },
            ],
          }),
        ),
      ),
    ],
    [
      "beside an entry without a name",
      updated(
        "aws_e.a",
        task(container({ environment: [{ value: "1" }, variable] })),
        task(container({ environment: [{ value: "2" }, { ...variable, value: "z" }] })),
      ),
    ],
    [
      "under a key",
      created("aws_e.a", { tags_json: JSON.stringify([{ Key: "ApiToken", Value: canary }, { Value: "" }]) }),
    ],
    [
      "in a container beside another change",
      updated(
        "aws_e.a",
        task(container({ image: "a:1", environment: [variable] })),
        task(container({ image: "a:2", environment: [variable] })),
      ),
    ],
    [
      "in a line of a script",
      updated(
        "aws_i.a",
        { user_data: `#!/bin/sh\nexport DB_PASSWORD=${canary}\n` },
        { user_data: "#!/bin/sh\n" },
      ),
    ],
    ["in a line of YAML", created("aws_i.a", { user_data: `users:\n  - password: "${canary}"\n` })],
    [
      "in a line of what is packed",
      updated(
        "aws_i.a",
        { user_data_base64: gzipSync(`a\nAPI_TOKEN=${canary}\n`).toString("base64") },
        { user_data_base64: gzipSync(`b\nAPI_TOKEN=${canary}2\n`).toString("base64") },
      ),
    ],
    [
      "that are a key in what is packed",
      created("aws_i.a", {
        user_data_base64: Buffer.from(`#!/bin/sh\n-----BEGIN RSA PRIVATE KEY-----\n${canary}\n`).toString(
          "base64",
        ),
      }),
    ],
    [
      "in a text of one line",
      updated("aws_i.a", { text: `DB_PASSWORD=${canary}` }, { text: `DB_PASSWORD=${canary}2` }),
    ],
    [
      "in an entry of a list",
      updated("aws_i.a", { env: [`DB_PASSWORD=${canary}`, "A=1"] }, { env: ["A=1"] }),
    ],
    [
      "in a script within JSON",
      updated(
        "aws_i.a",
        { doc: JSON.stringify({ run: `a\nDB_PASSWORD=${canary}`, b: 1 }) },
        { doc: JSON.stringify({ run: `a\nDB_PASSWORD=${canary}`, b: 2 }) },
      ),
    ],
  ])("%s stay hidden", (_, change) => {
    expect(everything([change])).not.toContain(canary);
    expect(everything([change])).toContain("sensitive");
    expect(JSON.stringify(reviewAll([], { drift: [change] }))).not.toContain(canary);
  });

  it("change, which is seen", () => {
    for (const start of ["", "x\n"])
      for (const name of ["DB_PASSWORD=", "DB_PASSWORD: "])
        expect(
          only(updated("aws_i.a", { text: `${start}${name}1` }, { text: `${start}${name}2` })).attributes,
        ).toHaveLength(1);
    expect(
      attributes(only(updated("aws_i.a", { text: "x\nDB_PASSWORD=1" }, { text: "x\nDB_PASSWORD=2" }))),
    ).toEqual(["text: <sensitive> -> <sensitive>"]);
  });

  it("are not everything in a container or a resource of such a name", () => {
    const change = updated(
      "aws_e.a",
      { name: "token-store", ...task(container({ name: "token-api", image: "a:1" })) },
      { name: "token-store", ...task(container({ name: "token-api", image: "a:2" })) },
    );
    expect(attributes(only(change))).toEqual(["container_definitions.token-api.image: a:1 -> a:2"]);
    const secrets = (from: string) =>
      task(container({ secrets: [{ name: "DB_PASSWORD", valueFrom: from }] }));
    expect(attributes(only(updated("aws_e.a", secrets("/stage/a"), secrets("/stage/b"))))).toEqual([
      "container_definitions.app.secrets.DB_PASSWORD.valueFrom: /stage/a -> /stage/b",
    ]);
  });

  it.each([
    'token=$(aws ssm get-parameter --name "$1")',
    "PASSWORD=${PASSWORD}",
    'PASSWORD="$PASSWORD"',
    "password:",
    "password: |",
    "PASSWORD=",
    "TOKEN_ARN=arn:aws:iam::111122223333:role/a",
    "SECRET=arn:aws:secretsmanager:eu-central-1:111122223333:secret:a",
    "# the password is elsewhere",
    "LOG_LEVEL=debug",
    "http_tokens = required",
  ])("are no line such as %s", (line) => expect(withoutSecrets(line)).toBe(line));

  it("are looked for in long lines without taking long", () => {
    const started = process.cpuUsage();
    for (const part of [" ", "a.", "PASSWORD ", "- ", "QUJD"])
      for (const start of ["", "PASSWORD="]) withoutSecrets(start + part.repeat(50_000));
    expect(process.cpuUsage(started).user / 1e6).toBeLessThan(2);
  });

  it.each([
    ["PASSWORD=${PASSWORD:-hunter2}", "PASSWORD=(sensitive)"],
    ["  - password: x y", "  - password: (sensitive)"],
    ['  "api_key": "x",', '  "api_key": (sensitive)'],
    ["readonly DB_PASS='x'", "readonly DB_PASS=(sensitive)"],
    ["curl https://me:pw@host/", "curl https://(sensitive)@host/"],
  ])("are in a line such as %s", (line, hidden) => expect(withoutSecrets(line)).toBe(hidden));
});

describe("the fingerprint", () => {
  const plan = (): PlanDocument =>
    planOf(
      [
        updated("aws_iam_role_policy.a", policy(allow(["a:b"])), policy(allow(["a:b", "a:c"]))),
        updated("aws_ecs_task_definition.a", task(container()), task(container({ image: "app:2" }))),
        updated(
          "aws_instance.a",
          { user_data: "a\nb", user_data_base64: "YQpi" },
          { user_data: "a\nc", user_data_base64: "YQpj" },
        ),
        updated("aws_p.p", { policy: "{}" }, {}, { after_unknown: { policy: true } }),
        destroyed("aws_a.gone", { id: "1" }),
      ],
      {
        configured: {
          "aws_p.p": { policy: { constant_value: '{"a":"${aws_x.y.arn}"}', references: ["aws_x.y.arn"] } },
        },
      },
    );

  it("is the same after the plan was shown", () => {
    const same = plan();
    reviewOf("stage", same, { risks: [] });
    expect(fingerprintOf(same)).toBe(fingerprintOf(plan()));
  });
});

describe("many resources", () => {
  it("with policies, scripts and what is unknown are reviewed and written fast, the comment within its limit", () => {
    const text = (word: string) =>
      Array.from({ length: 60 }, (_, line) => `${word} ${line % 7} <b>|`).join("\n");
    const statements = (word: string) =>
      policy(
        ...Array.from({ length: 8 }, (_, index) => allow([`s3:Get${index}`, word], { Sid: `S${index}` })),
      );
    const references = ["aws_s3_bucket.b.arn", "aws_s3_bucket.b"];
    const configured: Record<string, object> = {};
    const changes = Array.from({ length: 250 }, (_, index) => {
      const address = `aws_thing.chronos_${index}`;
      const unknown = index % 3 === 0;
      configured[address] = {
        policy: { constant_value: statements("${aws_s3_bucket.b.arn}").policy, references },
        script: {},
      };
      return updated(
        address,
        { ...statements("a"), script: text("a") },
        { ...(unknown ? {} : statements("b")), script: text("b") },
        { after_unknown: unknown ? { policy: true } : {} },
      );
    });
    const document = planOf([...changes, created("aws_s3_bucket.b", {}, { after_unknown: { arn: true } })], {
      configured: configured as never,
    });
    const started = process.cpuUsage();
    const review = reviewOf("stage", document, { risks: [] });
    const comment = renderMarkdown(review);
    const page = renderHtml(review);
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1e6).toBeLessThan(process.env.CI ? 4 : 2);
    expect(Buffer.byteLength(comment)).toBeLessThan(60_001);
    expect(comment).toContain("250 to change");
    expect(page).toContain("aws_thing.chronos_249");
  });
});
