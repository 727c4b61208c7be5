import { rules, type Guarded } from "../../../cli/guards/rules";
import { risksOf } from "../../../cli/guards/risks";
import type { PlanDocument } from "../../../cli/plan-document";
import { change, document, policy, type Made } from "./support";

const stage: Guarded = { name: "stage", stageClass: "staging", deletionProtection: false };
const prod: Guarded = { name: "prod", stageClass: "prod", deletionProtection: true };

/** What one rule finds: `address: what`. */
const found = (rule: string, ...changes: Made[]): string[] =>
  risksOf(stage, document(changes))
    .filter((risk) => risk.rule === rule)
    .map(({ address, what }) => `${address}: ${what}`);
/** Whether it finds what is before → after. */
const finds = (rule: string, type: string, before: object | null, after: object | null): boolean =>
  found(rule, change(type, before, after)).length > 0;

const ingress = "aws_vpc_security_group_ingress_rule";
const tcp = (from: number, to: number, source: object) => ({
  ip_protocol: "tcp",
  from_port: from,
  to_port: to,
  ...source,
});
const ipv4 = { cidr_ipv4: "0.0.0.0/0" };
const ipv6 = { cidr_ipv6: "::/0" };

describe("security-group-open-to-world", () => {
  const rule = "security-group-open-to-world";
  test.each<[string, string, object]>([
    ["SSH", ingress, tcp(22, 22, ipv4)],
    ["SSH by IPv6", ingress, tcp(22, 22, ipv6)],
    ["PostgreSQL", ingress, tcp(5432, 5432, ipv4)],
    ["a range with Redis in it", ingress, tcp(6000, 7000, ipv4)],
    ["a thousand ports and more", ingress, tcp(30000, 31500, ipv4)],
    ["all protocols", ingress, { ip_protocol: "-1", ...ipv4 }],
    ["all ports", ingress, { ip_protocol: "tcp", from_port: -1, to_port: -1, ...ipv6 }],
    ["half of the world", ingress, tcp(22, 22, { cidr_ipv4: "128.0.0.0/1" })],
    ["all global IPv6", ingress, tcp(22, 22, { cidr_ipv6: "2000::/3" })],
    [
      "a group's own block",
      "aws_security_group",
      {
        ingress: [{ protocol: "tcp", from_port: 22, to_port: 22, cidr_blocks: ["10.0.0.0/8", "0.0.0.0/0"] }],
      },
    ],
    [
      "a VPC's default group",
      "aws_default_security_group",
      { ingress: [{ protocol: "-1", from_port: 0, to_port: 0, ipv6_cidr_blocks: ["::/0"] }] },
    ],
    [
      "a rule of the old kind",
      "aws_security_group_rule",
      { type: "ingress", protocol: "tcp", from_port: 3306, to_port: 3306, cidr_blocks: ["0.0.0.0/0"] },
    ],
  ])("finds %s", (_, type, after) => {
    expect(finds(rule, type, null, after)).toBe(true);
    expect(finds(rule, type, after, after)).toBe(false); // it was so before
  });

  test.each<[string, string, object]>([
    ["the web", ingress, tcp(443, 443, ipv4)],
    ["another port", ingress, tcp(8443, 8443, ipv4)],
    ["SSH from a network", ingress, tcp(22, 22, { cidr_ipv4: "203.0.113.0/24" })],
    ["SSH from another group", ingress, tcp(22, 22, { referenced_security_group_id: "sg-1" })],
    ["ping", ingress, { ip_protocol: "icmp", from_port: -1, to_port: -1, ...ipv4 }],
    ["what goes out", "aws_vpc_security_group_egress_rule", { ip_protocol: "-1", ...ipv4 }],
    [
      "what goes out by a rule of the old kind",
      "aws_security_group_rule",
      { type: "egress", protocol: "-1", cidr_blocks: ["0.0.0.0/0"] },
    ],
    ["a network list", "aws_network_acl_rule", { egress: false, protocol: "-1", cidr_block: "0.0.0.0/0" }],
  ])("does not mind %s", (_, type, after) => expect(finds(rule, type, null, after)).toBe(false));

  test("says what could be reached, and minds no rule that goes", () => {
    expect(found(rule, change(ingress, tcp(22, 22, { cidr_ipv4: "10.0.0.0/8" }), tcp(22, 22, ipv4)))).toEqual(
      [`${ingress}.one: The world (0.0.0.0/0) could reach tcp port 22, with SSH.`],
    );
    expect(finds(rule, ingress, tcp(22, 22, ipv4), null)).toBe(false);
  });
});

describe("port-open-to-world", () => {
  const rule = "port-open-to-world";
  test.each<[string, string, object | null, object, boolean]>([
    ["another port", ingress, null, tcp(5000, 5000, ipv4), true],
    ["a few ports", ingress, null, tcp(7000, 7001, ipv6), true],
    ["a port more", ingress, tcp(80, 80, ipv4), tcp(80, 81, ipv4), true],
    ["a prefix list", ingress, null, tcp(443, 443, { prefix_list_id: "pl-1" }), true],
    [
      "a prefix list that holds the world",
      "aws_ec2_managed_prefix_list",
      { entry: [{ cidr: "203.0.113.0/24" }] },
      { entry: [{ cidr: "203.0.113.0/24" }, { cidr: "0.0.0.0/0" }] },
      true,
    ],
    [
      "a prefix list of networks",
      "aws_ec2_managed_prefix_list",
      null,
      { entry: [{ cidr: "203.0.113.0/24" }] },
      false,
    ],
    ["HTTP", ingress, null, tcp(80, 80, ipv4), false],
    ["HTTPS", ingress, null, tcp(443, 443, ipv6), false],
    ["SSH, which another rule refuses", ingress, null, tcp(22, 22, ipv4), false],
  ])("%s", (_, type, before, after, expected) => expect(finds(rule, type, before, after)).toBe(expected));
});

test.each<[string, object, object, boolean]>([
  ["false becomes true", { publicly_accessible: false }, { publicly_accessible: true }, true],
  ["true stays", { publicly_accessible: true }, { publicly_accessible: true }, false],
  ["true becomes false", { publicly_accessible: true }, { publicly_accessible: false }, false],
])("database-public: %s", (_, before, after, expected) =>
  expect(finds("database-public", "aws_db_instance", before, after)).toBe(expected),
);

describe("IAM", () => {
  const allow = (Action: string | string[], Resource: string | string[], more = {}) => ({
    Effect: "Allow",
    Action,
    Resource,
    ...more,
  });
  const deny = (Action: string, Resource: string) => ({ Effect: "Deny", Action, Resource });
  const role = (name: string, before: object | null, after: object | null) =>
    change("aws_iam_role", before && { name, ...before }, after && { name, ...after }, { name: "role" });
  const trust = (Principal: unknown, Condition?: object) => ({
    assume_role_policy: policy({
      Effect: "Allow",
      Principal,
      Action: "sts:AssumeRole",
      ...(Condition && { Condition }),
    }),
  });
  const ec2 = trust({ Service: "ec2.amazonaws.com" });

  test.each<[string, object[], object[], string | undefined]>([
    [
      "an action more",
      [allow("s3:GetObject", "arn:a")],
      [allow(["s3:GetObject", "s3:PutObject"], "arn:a")],
      "s3:PutObject on arn:a",
    ],
    [
      "a resource more",
      [allow("s3:GetObject", "arn:a")],
      [allow("s3:GetObject", ["arn:a", "arn:b"])],
      "s3:GetObject on arn:b",
    ],
    ["a wildcard", [allow("s3:GetObject", "arn:a/*")], [allow("s3:Get*", "arn:a/*")], "s3:Get* on arn:a/*"],
    [
      "a condition less",
      [allow("s3:GetObject", "arn:a", { Condition: { Bool: { "aws:SecureTransport": "true" } } })],
      [allow("s3:GetObject", "arn:a")],
      "s3:GetObject on arn:a",
    ],
    [
      "all but one action",
      [allow("s3:GetObject", "*")],
      [{ Effect: "Allow", NotAction: "iam:*", Resource: "arn:a" }],
      "all but iam:* on arn:a",
    ],
    [
      "a denial less",
      [allow("s3:*", "arn:a"), deny("s3:DeleteObject", "arn:a")],
      [allow("s3:*", "arn:a")],
      "no longer deny s3:DeleteObject on arn:a",
    ],
    [
      "a narrower denial",
      [deny("s3:*", "arn:a")],
      [deny("s3:Put*", "arn:a")],
      "no longer deny s3:* on arn:a",
    ],
    [
      "an action less",
      [allow(["s3:GetObject", "s3:PutObject"], "arn:a")],
      [allow("s3:GetObject", "arn:a")],
      undefined,
    ],
    ["what a wildcard covered", [allow("s3:*", "arn:*")], [allow("s3:getobject", "arn:a")], undefined],
    [
      "another order",
      [allow(["a:A", "b:B"], "arn:a")],
      [allow("b:B", "arn:a"), allow("a:A", "arn:a")],
      undefined,
    ],
    [
      "a denial more",
      [allow("s3:*", "arn:a")],
      [allow("s3:*", "arn:a"), deny("s3:Put*", "arn:a")],
      undefined,
    ],
  ])("iam-widened: %s", (_, before, after, expected) => {
    const [one, ...rest] = found(
      "iam-widened",
      change(
        "aws_iam_role_policy",
        { role: "r", policy: policy(...before) },
        { role: "r", policy: policy(...after) },
      ),
    );
    expect(rest).toEqual([]);
    if (expected === undefined) expect(one).toBeUndefined();
    else expect(one).toContain(expected);
  });

  test("iam-widened: long policies are compared without taking long", () => {
    const many = (word: string) =>
      policy({
        Effect: "Allow",
        Action: Array.from({ length: 60 }, (_, index) => `s3:${word}${index}`),
        Resource: Array.from({ length: 50 }, (_, index) => `arn:aws:s3:::${word}-${index}/*`),
      });
    const started = process.cpuUsage();
    const [before, after] = ["Get", "get"].map((word) => ({ policy: many(word) }));
    expect(found("iam-widened", change("aws_iam_policy", before!, after!))).toHaveLength(1);
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1e6).toBeLessThan(3);
  });

  test("iam-widened: a policy for a role that is there, and none for a new one", () => {
    const added = change("aws_iam_role_policy", null, {
      role: "r",
      policy: policy(allow("s3:GetObject", "arn:a")),
    });
    expect(found("iam-widened", added, role("r", ec2, ec2))).toEqual([
      "aws_iam_role_policy.one: It would newly allow s3:GetObject on arn:a.",
    ]);
    expect(found("iam-widened", added, role("r", null, ec2))).toEqual([]);
    const unknown = change(
      "aws_iam_role_policy",
      null,
      { policy: policy(allow("s3:GetObject", "arn:a")) },
      { unknown: { role: true } },
    );
    expect(found("iam-widened", unknown)).toEqual([]);
  });

  test("iam-widened: an attachment for a role that is there, and none for a new one", () => {
    const added = change("aws_iam_role_policy_attachment", null, {
      role: "r",
      policy_arn: "arn:aws:iam::aws:policy/ReadOnlyAccess",
    });
    expect(found("iam-widened", added, role("r", ec2, ec2))).toHaveLength(1);
    expect(found("iam-widened", added, role("r", null, ec2))).toEqual([]);
  });

  test("iam-widened: what is not known is told, and what is sensitive is not shown", () => {
    const [unknown] = found(
      "iam-widened",
      change(
        "aws_iam_role_policy",
        { role: "r", policy: policy(allow("a:A", "arn:a")) },
        { role: "r" },
        { unknown: { policy: true } },
      ),
    );
    expect(unknown).toContain("known only after the apply");
    const [hidden] = found(
      "iam-widened",
      change(
        "aws_sqs_queue_policy",
        { policy: policy() },
        { policy: policy(allow("a:A", "arn:hidden")) },
        { sensitive: { policy: true } },
      ),
    );
    expect(hidden).toContain("sensitive and not shown");
    expect(hidden).not.toContain("arn:hidden");
  });

  const account = (id: string) => `arn:aws:iam::${id}:root`;
  const github = (Condition?: object) =>
    trust(
      { Federated: "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" },
      Condition,
    );
  test.each<[string, object | null, object, string | undefined]>([
    ["another account", ec2, trust({ AWS: account("444455556666") }), "let in account 444455556666"],
    ["another account by its number", ec2, trust({ AWS: "444455556666" }), "let in account 444455556666"],
    [
      "another account for a new role",
      null,
      trust({ AWS: account("444455556666") }),
      "let in account 444455556666",
    ],
    ["everybody", ec2, trust("*"), "let anybody do sts:AssumeRole"],
    ["everybody, as AWS", ec2, trust({ AWS: "*" }), "let anybody"],
    [
      "all but one",
      ec2,
      {
        assume_role_policy: policy({
          Effect: "Allow",
          NotPrincipal: { AWS: account("444455556666") },
          Action: "sts:AssumeRole",
        }),
      },
      "let anybody",
    ],
    [
      "everybody whom GitHub knows",
      ec2,
      github({ StringEquals: { "token.actions.githubusercontent.com:aud": "sts.amazonaws.com" } }),
      "let in everybody whom",
    ],
    [
      "one repository",
      ec2,
      github({ StringEquals: { "token.actions.githubusercontent.com:sub": "repo:a/b:ref:refs/heads/main" } }),
      undefined,
    ],
    ...["repo:*", "repo:*/*", "repo:a*", "*", "*:ref:refs/heads/main"].map(
      (sub): [string, object, object, string] => [
        `everybody's repository as ${sub}`,
        ec2,
        github({ StringLike: { "token.actions.githubusercontent.com:sub": sub } }),
        "let in everybody whom",
      ],
    ),
    [
      "a repository, and all others",
      ec2,
      github({ StringLike: { "token.actions.githubusercontent.com:sub": ["repo:a/b:*", "repo:*"] } }),
      "let in everybody whom",
    ],
    [
      "all of one owner",
      ec2,
      github({ StringLike: { "token.actions.githubusercontent.com:sub": ["repo:a/*", "repo:a/b:*"] } }),
      undefined,
    ],
    [
      "everybody of an organization",
      ec2,
      trust("*", { StringEquals: { "aws:PrincipalOrgID": "o-1" } }),
      undefined,
    ],
    ["our own account", ec2, trust({ AWS: account("111122223333") }), undefined],
    ["another service", ec2, trust({ Service: "ecs-tasks.amazonaws.com" }), undefined],
    [
      "another account as before",
      trust({ AWS: account("444455556666") }),
      trust({ AWS: account("444455556666") }),
      undefined,
    ],
    [
      "a boundary less",
      { ...ec2, permissions_boundary: "arn:aws:iam::111122223333:policy/b" },
      ec2,
      "lose its boundary",
    ],
    ["no boundary as before", ec2, ec2, undefined],
    [
      "AdministratorAccess",
      ec2,
      { ...ec2, managed_policy_arns: ["arn:aws:iam::aws:policy/AdministratorAccess"] },
      "AdministratorAccess",
    ],
    [
      "everything inline",
      ec2,
      { ...ec2, inline_policy: [{ name: "a", policy: policy(allow("*", "*")) }] },
      "It would allow * on *",
    ],
  ])("iam-opened: %s", (_, before, after, expected) => {
    const [one] = found("iam-opened", role("r", before, after));
    if (expected === undefined) expect(one).toBeUndefined();
    else expect(one).toContain(expected);
  });

  test.each<[string, object, boolean]>([
    ["everything", allow("*", "*"), true],
    ["all of a service everywhere", allow("s3:*", "*"), true],
    ["all of IAM on anything", allow("iam:*", "arn:a"), true],
    ["all but something", { Effect: "Allow", NotAction: "iam:*", Resource: "*" }, true],
    ["everything by two stars", allow("**", "*"), true],
    ["everything of all services", allow("*:*", "?*"), true],
    ["everything of services by a pattern", allow("s*:*", "*"), true],
    ["everything in AWS", allow("*", "arn:aws:*"), true],
    ["everything by its beginning", allow("*", "arn*"), true],
    ["all of S3 on all buckets", allow("s3:*", "arn:aws:s3:::*"), true],
    ["all secrets", allow("secretsmanager:**", "arn:aws:secretsmanager:*:*:*"), true],
    ["all secrets of an account", allow("secretsmanager:*", "arn:aws:secretsmanager:*:111122223333:*"), true],
    ["all objects of all buckets", allow("s3:*", "arn:aws:s3:::*/*"), true],
    ["all buckets by other wildcards", allow("s3:*", "arn:aws:s3:::**/?*"), true],
    ["all secrets by their type", allow("secretsmanager:*", "arn:aws:secretsmanager:*:*:secret:*"), true],
    ["all keys", allow("kms:*", "arn:aws:kms:*:111122223333:key/*"), true],
    ["all tables, and what is in them", allow("dynamodb:*", "arn:aws:dynamodb:*:*:table/*/*"), true],
    ["all parameters in one region", allow("ssm:*", "arn:aws:ssm:us-east-1:111122223333:parameter/*"), true],
    ["all roles", allow("sts:*", "arn:aws:iam::*:role/*"), true],
    ["all of types by a pattern", allow("dynamodb:*", "arn:aws:dynamodb:*:*:t*/*"), true],
    ["all of any type", allow("kms:*", "arn:aws:kms:*:*:*/*"), true],
    ["all actions by another wildcard", allow("s3:?*", "*"), true],
    ["all actions of IAM by another wildcard", allow("iam:*?", "arn:a"), true],
    ["some parameters", allow("ssm:*", "arn:aws:ssm:us-east-1:111122223333:parameter/stage/*"), false],
    ["some secrets", allow("secretsmanager:*", "arn:aws:secretsmanager:*:*:secret:stage-*"), false],
    ["all objects of one bucket", allow("s3:*", "arn:aws:s3:::one/*"), false],
    ["all objects of some buckets", allow("s3:*", "arn:aws:s3:::one-*/*"), false],
    ["all items of one table", allow("dynamodb:*", "arn:aws:dynamodb:*:*:table/one/*"), false],
    ["an action on all secrets", allow("secretsmanager:Get*", "arn:aws:secretsmanager:*:*:secret:*"), false],
    ["one bucket of S3", allow("s3:*", ["arn:aws:s3:::one", "arn:aws:s3:::one/*"]), false],
    ["all of one bucket, by reference", allow("s3:*", "${aws_s3_bucket.one.arn}/*"), false],
    ["all of EC2 in all regions", allow("ec2:*", "arn:aws:ec2:*:111122223333:*"), true],
    ["all of EC2 in one region", allow("ec2:*", "arn:aws:ec2:eu-central-1:111122223333:*"), true],
    ["an action on all buckets", allow("s3:GetObject", "arn:aws:s3:::*"), false],
    ["all of a lesser service on all of it", allow("ssmmessages:*", "arn:aws:ssmmessages:*:*:*"), false],
    ["all of a service on something", allow("s3:*", "arn:a/*"), false],
    ["all of a lesser service everywhere", allow("ssmmessages:*", "*"), false],
    ["an action everywhere", allow("ec2:DescribeTags", "*"), false],
    ["a denial of everything", { Effect: "Deny", Action: "*", Resource: "*" }, false],
  ])("iam-opened: a policy of %s", (_, statement, expected) => {
    expect(finds("iam-opened", "aws_iam_policy", null, { policy: policy(statement) })).toBe(expected);
  });

  test.each<[string, object[], boolean]>([
    [
      "by reference",
      [{ permissions_boundary: { references: ["aws_iam_policy.one.arn", "aws_iam_policy.one"] } }],
      false,
    ],
    [
      "by name",
      [{ permissions_boundary: { constant_value: "arn:aws:iam::111122223333:policy/landfall/most" } }],
      false,
    ],
    [
      "and attached as well",
      [
        { permissions_boundary: { references: ["aws_iam_policy.one"] } },
        { policy_arn: { references: ["aws_iam_policy.one"] } },
      ],
      true,
    ],
    ["which is another", [{ permissions_boundary: { references: ["aws_iam_policy.other"] } }], true],
    ["nowhere", [], true],
  ])("iam-opened: a policy that is a boundary %s", (_, expressions, expected) => {
    const made = change("aws_iam_policy", null, { name: "most", policy: policy(allow("ec2:*", "*")) });
    const plan = document([made]);
    const root_module = { resources: expressions.map((one) => ({ expressions: one })) };
    const risks = risksOf(prod, {
      ...plan,
      configuration: { ...plan.configuration, root_module } as PlanDocument["configuration"],
    });
    expect(risks.some(({ rule }) => rule === "iam-opened")).toBe(expected);
  });

  test("iam-opened: a boundary that is another is told, and not refused", () => {
    const changes = [
      role("r", { ...ec2, permissions_boundary: "arn:old" }, { ...ec2, permissions_boundary: "arn:new" }),
    ];
    expect(found("iam-opened", ...changes)).toEqual([]);
    expect(found("iam-widened", ...changes)).toEqual([
      "aws_iam_role.role: Its boundary arn:old becomes arn:new.",
    ]);
  });
});

describe("a policy that is known only after the apply", () => {
  const statement = (more: object) => ({
    Effect: "Allow",
    Action: "s3:*",
    Resource: "${aws_s3_bucket.one.arn}/*",
    ...more,
  });
  /** What is found where the configuration says that, with references in it. */
  function foundIn(type: string, text: unknown, attribute = "policy"): string[] {
    const unknown = { [attribute]: true };
    const made = change(type, null, {}, { unknown });
    const expression = text === undefined ? {} : { [attribute]: text };
    return risksOf(stage, document([made], { [made.address]: expression })).map(
      ({ rule, what }) => `${rule}: ${what}`,
    );
  }
  const constant = (text: string) => ({ constant_value: text, references: ["aws_s3_bucket.one.arn"] });

  test.each<[string, string, object, string | undefined]>([
    [
      "public-bucket: everybody",
      "aws_s3_bucket_policy",
      { Principal: "*" },
      "public-bucket: Anybody could do",
    ],
    [
      "public-bucket: one, by reference",
      "aws_s3_bucket_policy",
      { Principal: { AWS: "${aws_iam_role.one.arn}" } },
      undefined,
    ],
    [
      "public-bucket: a distribution, by reference",
      "aws_s3_bucket_policy",
      { Principal: "*", Condition: { StringEquals: { "aws:SourceArn": "${aws_a.b.arn}" } } },
      undefined,
    ],
    [
      "iam-opened: everything",
      "aws_iam_role_policy",
      { Resource: ["*", "${aws_s3_bucket.one.arn}"] },
      "iam-opened: It would allow s3:* on *.",
    ],
    ["iam-opened: something", "aws_iam_role_policy", {}, undefined],
    [
      "iam-opened: another account",
      "aws_sqs_queue_policy",
      { Principal: { AWS: "444455556666" } },
      "iam-opened: It would let in account 444455556666.",
    ],
  ])("%s", (_, type, more, expected) => {
    const [one, ...rest] = foundIn(type, constant(policy(statement(more))));
    expect(rest).toEqual([]);
    if (expected === undefined) expect(one).toBeUndefined();
    else expect(one).toContain(expected);
  });

  test("is read whatever stands in its references", () => {
    const text = policy(statement({ Principal: "*", Resource: "REFERENCE" }));
    expect(
      foundIn("aws_s3_bucket_policy", constant(text.replace("REFERENCE", '${aws_a.b["x\\y"].arn}'))),
    ).toEqual([expect.stringContaining("public-bucket: Anybody could do s3:*")]);
  });

  test("is read in blocks of a role, and lists of policies too", () => {
    const block = { policy: constant(policy(statement({ Resource: "*" }))) };
    expect(foundIn("aws_iam_role", [block], "inline_policy")).toEqual([
      "iam-opened: It would allow s3:* on *.",
    ]);
    const arns = {
      constant_value: ["${aws_iam_policy.a.arn}", "arn:aws:iam::aws:policy/AdministratorAccess"],
    };
    expect(foundIn("aws_iam_role", arns, "managed_policy_arns")).toEqual([
      "iam-opened: It would give arn:aws:iam::aws:policy/AdministratorAccess.",
    ]);
  });

  test("and cannot be read is told, and one that nobody gives is not", () => {
    const told = [expect.stringMatching(/^iam-widened: What its policy will allow .* cannot be read/)];
    expect(foundIn("aws_s3_bucket_policy", constant("${jsonencode({})}"))).toEqual(told);
    expect(foundIn("aws_iam_policy", { references: ["local.one"] })).toEqual(told);
    expect(foundIn("aws_kms_key", undefined)).toEqual([]);
  });
});

describe("public-bucket", () => {
  const rule = "public-bucket";
  const block = (on: boolean) => ({
    bucket: "b",
    block_public_acls: true,
    block_public_policy: on,
    ignore_public_acls: true,
    restrict_public_buckets: true,
  });
  const read = (Principal: unknown, Condition?: object) => ({
    bucket: "b",
    policy: policy({
      Effect: "Allow",
      Principal,
      Action: "s3:GetObject",
      Resource: "arn:aws:s3:::b/*",
      ...(Condition && { Condition }),
    }),
  });
  const none = { bucket: "b", policy: policy() };
  test.each<[string, string, object | null, object | null, boolean]>([
    ["a block that ends", "aws_s3_bucket_public_access_block", block(true), block(false), true],
    ["a block that is gone", "aws_s3_bucket_public_access_block", block(true), null, true],
    ["a new block with a hole", "aws_s3_bucket_public_access_block", null, block(false), true],
    ["a new block", "aws_s3_bucket_public_access_block", null, block(true), false],
    ["a block that begins", "aws_s3_bucket_public_access_block", block(false), block(true), false],
    ["a policy for everybody", "aws_s3_bucket_policy", none, read("*"), true],
    ["a policy for everybody, as AWS", "aws_s3_bucket_policy", none, read({ AWS: "*" }), true],
    [
      "a policy for everybody by TLS",
      "aws_s3_bucket_policy",
      none,
      read("*", { Bool: { "aws:SecureTransport": "true" } }),
      true,
    ],
    [
      "a policy for a distribution",
      "aws_s3_bucket_policy",
      none,
      read("*", { StringEquals: { "aws:SourceVpce": "vpce-1" } }),
      false,
    ],
    ...(
      [
        ["all addresses", { IpAddress: { "aws:SourceIp": "0.0.0.0/0" } }, true],
        ["half of all addresses", { IpAddress: { "aws:SourceIp": ["128.0.0.0/1", "203.0.113.0/24"] } }, true],
        ["a network", { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } }, false],
        ["all but a network", { NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" } }, true],
        ["all other accounts", { StringNotEquals: { "aws:PrincipalAccount": "111122223333" } }, true],
        ["an account", { StringEquals: { "aws:PrincipalAccount": "111122223333" } }, false],
        ["an account, by number", { NumericEquals: { "aws:PrincipalAccount": 111122223333 } }, true],
        ["an account or none", { StringEqualsIfExists: { "aws:SourceAccount": "111122223333" } }, true],
        ["an account as a pattern", { StringLike: { "aws:PrincipalAccount": "*" } }, true],
        ["that an account is told", { Null: { "aws:PrincipalAccount": "false" } }, true],
        ["nothing", { StringEquals: null }, true],
        ["no account", { StringEquals: { "aws:PrincipalAccount": [] } }, true],
        ["roles of any account", { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/reader" } }, true],
        ["all ARNs", { ArnLike: { "aws:SourceArn": "arn:aws:*" } }, true],
        ["all buckets", { ArnLike: { "aws:SourceArn": "arn:aws:s3:::*" } }, true],
        [
          "roles of one account",
          { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/*" } },
          false,
        ],
        ["a bucket", { ArnLike: { "aws:SourceArn": "arn:aws:s3:::one" } }, false],
        [
          "all of all organizations",
          { "ForAllValues:StringLike": { "aws:PrincipalOrgPaths": "o-1/*" } },
          true,
        ],
        ["organizations", { StringLike: { "aws:PrincipalOrgID": "o-*" } }, true],
        ["an organization", { "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": "o-1/*" } }, false],
        [
          "all addresses of an account",
          {
            IpAddress: { "aws:SourceIp": "0.0.0.0/0" },
            StringEquals: { "aws:SourceAccount": "111122223333" },
          },
          false,
        ],
      ] as const
    ).map(([who, condition, expected]): [string, string, object, object, boolean] => [
      `a policy on condition of ${who}`,
      "aws_s3_bucket_policy",
      none,
      read("*", condition),
      expected,
    ]),
    [
      "a policy for one",
      "aws_s3_bucket_policy",
      none,
      read({ AWS: "arn:aws:iam::111122223333:role/r" }),
      false,
    ],
    [
      "a denial for everybody",
      "aws_s3_bucket_policy",
      null,
      { policy: policy({ Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "*" }) },
      false,
    ],
    ["a policy as before", "aws_s3_bucket_policy", read("*"), read("*"), false],
    ["a public ACL", "aws_s3_bucket_acl", { acl: "private" }, { acl: "public-read" }, true],
    ["a private ACL", "aws_s3_bucket_acl", null, { acl: "private" }, false],
  ])("%s", (_, type, before, after, expected) => expect(finds(rule, type, before, after)).toBe(expected));

  test("a block that goes with its bucket is none", () => {
    const gone = change("aws_s3_bucket_public_access_block", block(true), null);
    expect(found(rule, gone, change("aws_s3_bucket", { bucket: "b", id: "b" }, null))).toEqual([]);
    expect(found(rule, gone, change("aws_s3_bucket", { bucket: "c", id: "c" }, null))).toHaveLength(1);
  });
});

describe("encryption-removed", () => {
  const kind = (sse: string) => ({
    bucket: "b",
    rule: [{ apply_server_side_encryption_by_default: [{ sse_algorithm: sse }] }],
  });
  const sse = "aws_s3_bucket_server_side_encryption_configuration";
  test.each<[string, string, object | null, object | null, boolean]>([
    ["storage", "aws_db_instance", { storage_encrypted: true }, { storage_encrypted: false }, true],
    ["a file system", "aws_efs_file_system", { encrypted: true }, { encrypted: null }, true],
    [
      "a root disk",
      "aws_instance",
      { root_block_device: [{ encrypted: true }] },
      { root_block_device: [{ encrypted: false }] },
      true,
    ],
    [
      "a table",
      "aws_dynamodb_table",
      { server_side_encryption: [{ enabled: true }] },
      { server_side_encryption: [] },
      true,
    ],
    ["logs", "aws_cloudwatch_log_group", { kms_key_id: "arn:key" }, { kms_key_id: null }, true],
    ["a bucket's setting", sse, kind("aws:kms"), null, true],
    ["a bucket's key", sse, kind("aws:kms"), kind("AES256"), true],
    ["HTTPS", "aws_lb_listener", { protocol: "HTTPS" }, { protocol: "HTTP" }, true],
    [
      "TLS of a database",
      "aws_db_parameter_group",
      { parameter: [{ name: "rds.force_ssl", value: "1" }] },
      { parameter: [{ name: "rds.force_ssl", value: "0" }] },
      true,
    ],
    ["more of it", "aws_db_instance", { storage_encrypted: false }, { storage_encrypted: true }, false],
    ["as much of it", "aws_db_instance", { storage_encrypted: true }, { storage_encrypted: true }, false],
    [
      "another key",
      "aws_cloudwatch_log_group",
      { kms_key_id: "arn:key" },
      { kms_key_id: "arn:other" },
      false,
    ],
    ["a new one without", "aws_db_instance", null, { storage_encrypted: false }, false],
    ["one that goes", "aws_db_instance", { storage_encrypted: true }, null, false],
  ])("%s", (_, type, before, after, expected) =>
    expect(finds("encryption-removed", type, before, after)).toBe(expected),
  );

  test("a key that is known after the apply is a key", () => {
    const later = change(
      "aws_cloudwatch_log_group",
      { kms_key_id: "arn:key" },
      {},
      { unknown: { kms_key_id: true } },
    );
    expect(found("encryption-removed", later)).toEqual([]);
  });
});

describe("protection-removed", () => {
  test.each<[string, string, object, object | null, boolean]>([
    [
      "deletion protection",
      "aws_db_instance",
      { deletion_protection: true },
      { deletion_protection: false },
      true,
    ],
    [
      "a table's",
      "aws_dynamodb_table",
      { deletion_protection_enabled: true },
      { deletion_protection_enabled: false },
      true,
    ],
    [
      "a load balancer's",
      "aws_lb",
      { enable_deletion_protection: true },
      { enable_deletion_protection: null },
      true,
    ],
    ["a host's", "aws_instance", { disable_api_termination: true }, { disable_api_termination: false }, true],
    ["a bucket's contents", "aws_s3_bucket", { force_destroy: false }, { force_destroy: true }, true],
    [
      "the last snapshot",
      "aws_db_instance",
      { skip_final_snapshot: false },
      { skip_final_snapshot: true },
      true,
    ],
    ["backups", "aws_db_instance", { backup_retention_period: 14 }, { backup_retention_period: 1 }, true],
    [
      "recovery",
      "aws_dynamodb_table",
      { point_in_time_recovery: [{ enabled: true }] },
      { point_in_time_recovery: [{ enabled: false }] },
      true,
    ],
    [
      "versions",
      "aws_s3_bucket_versioning",
      { versioning_configuration: [{ status: "Enabled" }] },
      { versioning_configuration: [{ status: "Suspended" }] },
      true,
    ],
    [
      "more protection",
      "aws_db_instance",
      { deletion_protection: false },
      { deletion_protection: true },
      false,
    ],
    [
      "more backups",
      "aws_db_instance",
      { backup_retention_period: 1 },
      { backup_retention_period: 14 },
      false,
    ],
    ["what goes anyway", "aws_db_instance", { deletion_protection: true }, null, false],
  ])("%s", (_, type, before, after, expected) =>
    expect(finds("protection-removed", type, before, after)).toBe(expected),
  );

  test("the environment's own, which is told and not refused: it is the first of two steps", () => {
    const off = {
      ...document([]),
      output_changes: { deletion_protection: { actions: ["update"], before: true, after: false } },
    };
    expect(risksOf(prod, off)).toMatchObject([
      { rule: "protection-removed", refused: false, address: "output.deletion_protection" },
    ]);
    expect(
      risksOf(prod, {
        ...off,
        output_changes: { deletion_protection: { actions: ["update"], before: false, after: true } },
      }),
    ).toEqual([]);
  });
});

describe("logs-lost", () => {
  const group = "aws_cloudwatch_log_group";
  test.each<[string, string, object, object | null, boolean]>([
    ["a shorter time", group, { retention_in_days: 365 }, { retention_in_days: 30 }, true],
    ["an end to for ever", group, { retention_in_days: 0 }, { retention_in_days: 30 }, true],
    ["a group that goes", group, { retention_in_days: 30 }, null, true],
    ["a flow log that goes", "aws_flow_log", { id: "fl-1" }, null, true],
    ["for ever", group, { retention_in_days: 30 }, { retention_in_days: 0 }, false],
    ["a longer time", group, { retention_in_days: 30 }, { retention_in_days: 60 }, false],
    ["a group that stays in AWS", group, { skip_destroy: true }, null, false],
  ])("%s", (_, type, before, after, expected) =>
    expect(finds("logs-lost", type, before, after)).toBe(expected),
  );
});

describe("addresses", () => {
  const eip = { id: "eipalloc-1", public_ip: "198.51.100.7" };
  test.each<[string, object | null, object | null, boolean]>([
    ["goes", eip, null, true],
    ["is replaced", { ...eip, domain: "vpc" }, { domain: "standard" }, true],
    ["comes", null, {}, false],
    ["gets a tag", eip, { ...eip, tags: { a: "b" } }, false],
  ])("address-lost: one that %s", (what, before, after, expected) => {
    const actions = what === "is replaced" ? ["delete", "create"] : undefined;
    expect(found("address-lost", change("aws_eip", before, after, { actions })).length > 0).toBe(expected);
  });

  test.each<[string, object, object | null, boolean]>([
    [
      "another alias",
      { name: "a.example.com", alias: [{ name: "x" }] },
      { name: "a.example.com", alias: [{ name: "y" }] },
      true,
    ],
    ["other records", { records: ["198.51.100.7"] }, { records: ["198.51.100.8"] }, true],
    ["a name that goes", { name: "a.example.com" }, null, true],
    [
      "another time to live",
      { records: ["198.51.100.7"], ttl: 60 },
      { records: ["198.51.100.7"], ttl: 300 },
      false,
    ],
  ])("address-changed: %s", (_, before, after, expected) =>
    expect(finds("address-changed", "aws_route53_record", before, after)).toBe(expected),
  );

  test("address-changed: a host that is replaced, unless an Elastic IP is bound to it", () => {
    const host = change("aws_instance", { id: "i-1" }, {}, { actions: ["delete", "create"] });
    expect(found("address-changed", host)).toHaveLength(1);
    const bound = { instance_id: "i-1", public_ip: "198.51.100.7" };
    expect(found("address-changed", host, change("aws_eip_association", bound, bound))).toEqual([]);
    const other = { instance_id: "i-2", public_ip: "198.51.100.7" };
    expect(found("address-changed", host, change("aws_eip_association", other, other))).toHaveLength(1);
  });
});

describe("downtime-expected", () => {
  const replaced = { actions: ["delete", "create"] };
  const made = change("aws_instance", null, {});
  test.each<[string, Made, boolean]>([
    ["a host that is replaced", change("aws_instance", { id: "i" }, {}, replaced), true],
    [
      "another type of host",
      change("aws_instance", { instance_type: "t3.small" }, { instance_type: "t3.large" }),
      true,
    ],
    ["another tag of a host", change("aws_instance", { tags: {} }, { tags: { a: "b" } }), false],
    ["a new host", made, false],
    ["a load balancer that is replaced", change("aws_lb", { id: "lb" }, {}, replaced), true],
    [
      "a database's class at once",
      change("aws_db_instance", { instance_class: "a" }, { instance_class: "b", apply_immediately: true }),
      true,
    ],
    [
      "a database's class in its window",
      change("aws_db_instance", { instance_class: "a" }, { instance_class: "b", apply_immediately: false }),
      false,
    ],
    [
      "a service that may have no task",
      change(
        "aws_ecs_service",
        { task_definition: "a:1" },
        { deployment_minimum_healthy_percent: 0 },
        { unknown: { task_definition: true } },
      ),
      true,
    ],
    [
      "a service that keeps tasks",
      change(
        "aws_ecs_service",
        { task_definition: "a:1" },
        { task_definition: "a:2", deployment_minimum_healthy_percent: 100 },
      ),
      false,
    ],
    ["a service of no tasks", change("aws_ecs_service", { desired_count: 1 }, { desired_count: 0 }), true],
  ])("%s", (_, one, expected) => expect(found("downtime-expected", one).length > 0).toBe(expected));

  test("tells whether a database has a standby", () => {
    const one = (name: string, before: object, after: object) =>
      change(
        "aws_rds_cluster_instance",
        { cluster_identifier: "c", ...before },
        { cluster_identifier: "c", apply_immediately: true, ...after },
        { name },
      );
    const grown = one("a", { instance_class: "a" }, { instance_class: "b" });
    expect(found("downtime-expected", grown)[0]).toContain("no standby");
    expect(found("downtime-expected", grown, one("b", {}, {}))[0]).toContain("its standby takes over");
  });
});

test("stack-replaced: most of a stack, and neither a few resources nor a small stack", () => {
  const many = (replaced: number, all: number) =>
    Array.from({ length: all }, (_, n) =>
      change(
        "aws_sqs_queue",
        { name: "a" },
        { name: "b" },
        { name: `q${n}`, ...(n < replaced && { actions: ["delete", "create"] }) },
      ),
    );
  expect(found("stack-replaced", ...many(6, 11))).toEqual([
    "stage: 6 of its 11 resources would be replaced.",
  ]);
  expect(found("stack-replaced", ...many(5, 11))).toEqual([]);
  expect(found("stack-replaced", ...many(9, 9))).toEqual([]);
});

test("what is refused depends on the stack", () => {
  const refusedIn = (stack: Guarded, made: Made) =>
    risksOf(stack, document([made]))
      .filter(({ refused }) => refused)
      .map(({ rule }) => rule);
  const data = change("aws_dynamodb_table", { id: "t" }, null);
  expect(refusedIn(stage, data)).toEqual([]);
  expect(refusedIn(prod, data)).toEqual(["data-lost"]);
  const eip = change("aws_eip", { id: "e" }, null);
  expect(refusedIn(stage, eip)).toEqual([]);
  expect(refusedIn(prod, eip)).toEqual(["address-lost"]);
  expect(refusedIn(stage, change(ingress, null, tcp(22, 22, ipv4)))).toEqual([
    "security-group-open-to-world",
  ]);
});

test("rules have names of their own, and sentences for people", () => {
  expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
  for (const { name, title, mend } of rules) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
    expect(title).toMatch(/^[a-z].*[^.]$/);
    expect(mend(prod)).toMatch(/\.$/);
  }
});

test("nothing is found where nothing is done", () => {
  const same = change(ingress, tcp(22, 22, ipv4), tcp(22, 22, ipv4), { actions: ["no-op"] });
  expect(risksOf(prod, document([same]))).toEqual([]);
  expect(risksOf(prod, { configuration: document([]).configuration })).toEqual([]);
});
