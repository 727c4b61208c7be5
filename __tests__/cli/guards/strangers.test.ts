import { change, policy, risksIn } from "./support";

const [ours, other] = ["111122223333", "444455556666"];
const root = (account: string) => `arn:aws:iam::${account}:root`;
const read = (Principal: unknown, Condition?: object) =>
  policy({
    Effect: "Allow",
    Principal,
    Action: "a:Read",
    Resource: "arn:a",
    ...(Condition && { Condition }),
  });
const equals = (key: string, ...values: unknown[]) => ({ StringEquals: { [key]: values } });
const letsIn = `iam-opened!: It would let in account ${other}.`;
const anybody = "iam-opened!: It would let anybody do a:Read.";

describe("a condition", () => {
  test.each<[string, object, string | undefined]>([
    ["another account", equals("aws:PrincipalAccount", other), letsIn],
    ["another account by number", equals("aws:SourceAccount", Number(other)), letsIn],
    ["ours and another account", equals("aws:PrincipalAccount", ours, other), letsIn],
    [
      "a role of another account",
      { ArnLike: { "aws:PrincipalArn": `arn:aws:iam::${other}:role/*` } },
      letsIn,
    ],
    ["a topic of another account", equals("aws:SourceArn", `arn:aws:sns:us-east-1:${other}:t`), letsIn],
    ["a caller of another account", equals("kms:CallerAccount", other), letsIn],
    ["a tag that anybody may give himself", equals("aws:PrincipalTag/team", "a"), anybody],
    ["our account", equals("aws:PrincipalAccount", ours), undefined],
    ["our account by number", equals("aws:SourceAccount", Number(ours)), undefined],
    ["our account by reference", equals("aws:SourceAccount", "${data.aws_caller_identity.me.id}"), undefined],
    ["a role of ours", equals("aws:PrincipalArn", `arn:aws:iam::${ours}:role/r`), undefined],
    [
      "a role of ours, by a bucket of anybody",
      {
        StringEquals: { "aws:PrincipalAccount": ours, "aws:SourceArn": "arn:aws:s3:::one" },
      },
      undefined,
    ],
    [
      "what another account sends for us",
      {
        StringEquals: { "aws:SourceArn": `arn:aws:sns:us-east-1:${other}:t`, "aws:PrincipalAccount": ours },
      },
      undefined,
    ],
    ["a secret that is an account's number", equals("sts:ExternalId", other), undefined],
  ])("that names %s", (_, condition, expected) => {
    const [found] = risksIn([change("aws_sqs_queue_policy", null, { policy: read("*", condition) })]);
    expect(found).toBe(expected);
  });

  test("of a bucket that names another account lets that in, and not anybody", () => {
    const condition = equals("aws:PrincipalAccount", other);
    expect(risksIn([change("aws_s3_bucket_policy", null, { policy: read("*", condition) })])).toEqual([
      letsIn,
    ]);
  });
});

test("another account by number is one", () => {
  expect(risksIn([change("aws_sqs_queue_policy", null, { policy: read({ AWS: Number(other) }) })])).toContain(
    letsIn,
  );
});

describe("a document of", () => {
  test.each(["aws_msk_cluster_policy", "aws_s3_bucket", "aws_s3_bucket_policy"])(
    "%s is looked at",
    (type) => {
      expect(risksIn([change(type, null, { policy: read({ AWS: root(other) }) })])).toEqual([letsIn]);
      expect(risksIn([change(type, null, { policy: read({ AWS: root(ours) }) })])).toEqual([]);
    },
  );

  test("a cluster for everybody", () => {
    expect(risksIn([change("aws_msk_cluster_policy", null, { policy: read("*") })])).toEqual([anybody]);
  });

  test("a cluster that is for another cluster is", () => {
    const had = { cluster_arn: "one", policy: read("*") };
    const has = { cluster_arn: "two", policy: read("*") };
    const replaced = { actions: ["delete", "create"] };
    expect(risksIn([change("aws_msk_cluster_policy", had, has, replaced)])).toContain(anybody);
  });

  test("a bucket for everybody is found by one rule", () => {
    expect(risksIn([change("aws_s3_bucket", null, { policy: read("*") })])).toEqual([
      "public-bucket!: Anybody could do a:Read on arn:a.",
    ]);
  });

  test("a bucket for a canonical user, whose account nobody knows, is", () => {
    const user = { CanonicalUser: "79a59df900b949e55d96a1e698fbaced" };
    expect(risksIn([change("aws_s3_bucket_policy", null, { policy: read(user) })])).toEqual([
      "iam-opened!: It would let in the canonical user 79a59df900b949e55d96a1e698fbaced.",
    ]);
  });
});

describe("a permission of Lambda", () => {
  const invoke = "iam-opened!: It would let anybody do lambda:InvokeFunction.";
  const permission = (values: object, before: object | null = null, options = {}) =>
    change(
      "aws_lambda_permission",
      before,
      { action: "lambda:InvokeFunction", function_name: "f", ...values },
      options,
    );

  test.each<[string, object, string | undefined]>([
    ["everybody", { principal: "*" }, invoke],
    ["another account", { principal: other }, letsIn],
    ["a role of another account", { principal: `arn:aws:iam::${other}:role/r` }, letsIn],
    ["everybody of another account", { principal: "*", source_account: other }, letsIn],
    ["our account", { principal: ours }, undefined],
    ["everybody of an organization", { principal: "*", principal_org_id: "o-1" }, undefined],
    ["everybody by what is of ours", { principal: "*", source_account: ours }, undefined],
    ["everybody, with nothing given", { principal: "*", source_account: null, source_arn: null }, invoke],
    ["a service", { principal: "events.amazonaws.com", source_arn: "arn:aws:events:a:b:rule/r" }, undefined],
  ])("for %s", (_, values, expected) => {
    expect(risksIn([permission(values)])[0]).toBe(expected);
    expect(risksIn([permission(values, permission(values).change.after as object)])).toEqual([]);
  });

  test("of a source that is known only after the apply is one for that", () => {
    const made = permission({ principal: "*" }, null, { unknown: { source_arn: true } });
    const source_arn = { constant_value: "${aws_sns_topic.one.arn}" };
    expect(risksIn([made], { [made.address]: { source_arn } })).toEqual([]);
  });

  test("that goes to another function is looked at", () => {
    const had = permission({ principal: "*", function_name: "g" }).change.after as object;
    const replaced = { actions: ["delete", "create"] };
    expect(risksIn([permission({ principal: "*" }, had, replaced)])).toContain(invoke);
    expect(risksIn([permission({ principal: "*", function_name: "g" }, had, replaced)])).toEqual([]);
  });

  test("of a layer for everybody is found", () => {
    const layer = { action: "lambda:GetLayerVersion", layer_name: "l", principal: "*" };
    const found = (values: object) =>
      risksIn([change("aws_lambda_layer_version_permission", null, { ...layer, ...values })]);
    expect(found({})).toEqual(["iam-opened!: It would let anybody do lambda:GetLayerVersion."]);
    expect(found({ organization_id: "o-1" })).toEqual([]);
    expect(found({ principal: ours })).toEqual([]);
  });
});
