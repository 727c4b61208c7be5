import { change, policy, risksIn } from "./support";

const allow = (Action: string, Resource: unknown) => ({ Effect: "Allow", Action, Resource });
const deny = (Action: string, Resource: string) => ({ Effect: "Deny", Action, Resource });
const trust = (Principal: unknown) => policy({ Effect: "Allow", Principal, Action: "sts:AssumeRole" });
const byNobody = { constant_value: "${data.aws_iam_policy_document.d.json}", references: ["data.x"] };
const unreadable =
  "iam-widened: What its policy will allow is known only after the apply, and cannot be read.";

describe("a role with an inline policy that cannot be read", () => {
  const role = (assume_role_policy: string, before: object | null = null) =>
    risksIn(
      [
        change(
          "aws_iam_role",
          before,
          { name: "r", assume_role_policy, inline_policy: [{ name: "x" }] },
          { unknown: { inline_policy: [{ policy: true }] } },
        ),
      ],
      {
        "aws_iam_role.one": {
          assume_role_policy: { constant_value: assume_role_policy },
          inline_policy: [{ name: { constant_value: "x" }, policy: byNobody }],
        },
      },
    );

  test("is told, whether it is there or not", () => {
    const ec2 = trust({ Service: "ec2.amazonaws.com" });
    expect(role(ec2)).toEqual([unreadable]);
    expect(role(ec2, { name: "r", assume_role_policy: ec2, inline_policy: [] })).toEqual([unreadable]);
  });

  test("is looked at for all the rest", () => {
    expect(role(trust({ AWS: "*" }))).toEqual([
      "iam-opened!: It would let anybody do sts:AssumeRole.",
      unreadable,
    ]);
  });
});

test("a policy that cannot be read, by a plan that does not tell how it is configured, is told", () => {
  const made = change("aws_iam_role_policy", null, { role: "r" }, { unknown: { policy: true } });
  expect(risksIn([made])).toEqual([unreadable]);
});

test("a policy that AWS works out itself is not told", () => {
  const denied = policy({ ...deny("s3:*", "*"), Principal: "*" });
  const replaced = change(
    "aws_kms_key",
    { policy: denied },
    {},
    {
      actions: ["delete", "create"],
      unknown: { policy: true },
    },
  );
  expect(risksIn([replaced], { [replaced.address]: {} })).not.toContainEqual(
    expect.stringContaining("policy"),
  );
});

describe("a policy of something that is there, known only after the apply", () => {
  const had = policy(
    allow("s3:GetObject", "arn:aws:s3:::a/*"),
    deny("s3:*", "arn:aws:s3:::a"),
    deny("kms:*", "*"),
  );
  const [bucket, later] = ["${aws_s3_bucket.a.arn}", "is known only after the apply."];
  const becomes = (...statements: object[]) =>
    risksIn(
      [
        change(
          "aws_iam_role_policy",
          { role: "r", policy: had },
          { role: "r" },
          { unknown: { policy: true } },
        ),
      ],
      { "aws_iam_role_policy.one": { policy: { constant_value: policy(...statements) } } },
    );

  test("is told with what it newly allows, as it is configured, the known first", () => {
    expect(
      becomes(
        allow("s3:GetObject", [`${bucket}/*`, `${bucket}/b`, `${bucket}/c`]),
        allow("secretsmanager:GetSecretValue", "*"),
        deny("s3:*", bucket),
        deny("kms:*", "*"),
      ),
    ).toEqual([
      `iam-widened: What its policy will allow ${later} It would newly allow secretsmanager:GetSecretValue on *, s3:GetObject on ${bucket}/*, s3:GetObject on ${bucket}/b and 1 more.`,
    ]);
  });

  test("is told with the denials that it has no more, and no reference stands for", () => {
    const told = `iam-widened: What its policy will allow ${later} It would no longer deny kms:* on *.`;
    expect(becomes(deny("s3:*", bucket))).toEqual([told]);
    expect(becomes(deny("s3:*", bucket), deny("kms:*", "arn:key"))).toEqual([told]);
  });

  test("is told where it allows nothing that is new", () => {
    expect(becomes(deny("s3:*", bucket), deny("kms:*", "*"))).toEqual([
      `iam-widened: What its policy will allow ${later}`,
    ]);
  });

  test("is compared as AWS has it, with variables of IAM", () => {
    const own = (variable: string) => policy(allow("s3:GetObject", `arn:aws:s3:::a/${variable}/*`));
    const made = change(
      "aws_iam_role_policy",
      { role: "r", policy: own("${aws:username}") },
      { role: "r" },
      { unknown: { policy: true } },
    );
    expect(
      risksIn([made], { [made.address]: { policy: { constant_value: own("$${aws:username}") } } }),
    ).toEqual([`iam-widened: What its policy will allow ${later}`]);
  });

  test("is told where it is new for a role that is there", () => {
    const [role, made] = [
      change("aws_iam_role", { name: "r" }, { name: "r" }, { actions: ["no-op"], name: "r" }),
      change("aws_iam_role_policy", null, { role: "r" }, { unknown: { policy: true } }),
    ];
    const text = policy(allow("s3:GetObject", `${bucket}/*`));
    expect(risksIn([role, made], { [made.address]: { policy: { constant_value: text } } })).toEqual([
      `iam-widened: What its policy will allow ${later} It would newly allow s3:GetObject on ${bucket}/*.`,
    ]);
  });

  test("is not shown where it is sensitive", () => {
    const made = change(
      "aws_iam_role_policy",
      { role: "r", policy: had },
      { role: "r" },
      { unknown: { policy: true }, sensitive: { policy: true } },
    );
    const text = policy(allow("s3:GetObject", "arn:hidden"));
    const [told, ...rest] = risksIn([made], { [made.address]: { policy: { constant_value: text } } });
    expect(rest).toEqual([]);
    expect(told).toContain("sensitive and not shown");
    expect(told).not.toContain("arn:hidden");
  });
});

describe("a policy in a role that is there, known only after the apply", () => {
  const assume_role_policy = trust({ Service: "ec2.amazonaws.com" });
  const text = policy(allow("s3:PutObject", "${aws_s3_bucket.a.arn}"));
  const told = (options: object) =>
    risksIn(
      [
        change(
          "aws_iam_role",
          {
            name: "r",
            assume_role_policy,
            inline_policy: [{ name: "x", policy: policy(allow("s3:GetObject", "arn:a")) }],
          },
          { name: "r", assume_role_policy, inline_policy: [{ name: "x" }] },
          { unknown: { inline_policy: [{ policy: true }] }, ...options },
        ),
      ],
      { "aws_iam_role.one": { inline_policy: [{ policy: { constant_value: text } }] } },
    );

  test("is told with what it newly allows", () => {
    expect(told({})).toEqual([
      "iam-widened: What its policy will allow is known only after the apply. It would newly allow s3:PutObject on ${aws_s3_bucket.a.arn}.",
    ]);
  });

  test("is not shown where it is sensitive", () => {
    expect(told({ sensitive: { inline_policy: [{ policy: true }] } })).toEqual([
      "iam-widened: What its policy will allow is known only after the apply. Its policy would allow more; it is sensitive and not shown.",
    ]);
  });
});

test.each(["ab", "a]b", 'a"]["b', "a.b"])("what is made for each is read by its key %p", (key) => {
  const made = change("aws_iam_role_policy", null, { role: "r" }, { unknown: { policy: true } });
  const text = policy(allow("*", "*"));
  expect(
    risksIn([{ ...made, address: `aws_iam_role_policy.one[${JSON.stringify(key)}]` }], {
      "aws_iam_role_policy.one": { policy: { constant_value: text } },
    }),
  ).toContain("iam-opened!: It would allow * on *.");
});
