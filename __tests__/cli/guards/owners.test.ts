import { change, policy, risksIn } from "./support";

const everything = policy({ Effect: "Allow", Action: "*", Resource: "*" });
const forAnybody = policy({ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "*" });
const reading = policy({ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:a" });
const admin = "arn:aws:iam::aws:policy/AdministratorAccess";
const ssh = { ip_protocol: "tcp", from_port: 22, to_port: 22, cidr_ipv4: "0.0.0.0/0" };
const block = {
  block_public_acls: true,
  block_public_policy: true,
  ignore_public_acls: true,
  restrict_public_buckets: true,
};
const replaced = { actions: ["delete", "create"] };

/** Something that stays as it is, for another owner; an owner of null is known only after the apply. */
const moved = (type: string, owner: string, values: object, to: string | null = "other") =>
  change(
    type,
    { ...values, [owner]: "one" },
    { ...values, ...(to === null ? {} : { [owner]: to }) },
    { ...replaced, unknown: to === null ? { [owner]: true } : {} },
  );

describe("what is for another owner than before is looked at as if it were new", () => {
  test.each<[string, string, object, string]>([
    ["aws_iam_role_policy", "role", { policy: everything }, "iam-opened!: It would allow * on *."],
    ["aws_iam_role_policy_attachment", "role", { policy_arn: admin }, `iam-opened!: It would give ${admin}.`],
    ["aws_iam_user_policy", "user", { policy: everything }, "iam-opened!: It would allow * on *."],
    [
      "aws_iam_group_policy_attachment",
      "group",
      { policy_arn: admin },
      `iam-opened!: It would give ${admin}.`,
    ],
    [
      "aws_vpc_security_group_ingress_rule",
      "security_group_id",
      ssh,
      "security-group-open-to-world!: The world (0.0.0.0/0) could reach tcp port 22, with SSH.",
    ],
    [
      "aws_vpc_security_group_ingress_rule",
      "security_group_id",
      { ...ssh, to_port: 23, from_port: 23 },
      "port-open-to-world: The world (0.0.0.0/0) could reach tcp port 23.",
    ],
    [
      "aws_ec2_managed_prefix_list_entry",
      "prefix_list_id",
      { cidr: "0.0.0.0/0" },
      "port-open-to-world: This prefix list would hold the world (0.0.0.0/0).",
    ],
    [
      "aws_s3_bucket_policy",
      "bucket",
      { policy: forAnybody },
      "public-bucket!: Anybody could do s3:GetObject on *.",
    ],
    ["aws_s3_bucket_acl", "bucket", { acl: "public-read" }, "public-bucket!: Its ACL would be public-read."],
    [
      "aws_sqs_queue_policy",
      "queue_url",
      { policy: forAnybody },
      "iam-opened!: It would let anybody do s3:GetObject.",
    ],
    [
      "aws_sns_topic_policy",
      "arn",
      { policy: forAnybody },
      "iam-opened!: It would let anybody do s3:GetObject.",
    ],
  ])("%s of another %s", (type, owner, values, expected) => {
    expect(risksIn([moved(type, owner, values)])).toContain(expected);
    expect(risksIn([moved(type, owner, values, null)])).toContain(expected);
    expect(risksIn([moved(type, owner, values, "one")])).toEqual([]); // replaced for another reason
  });

  test("a right that nobody refuses is told", () => {
    const told = "iam-widened: It would newly allow s3:GetObject on arn:a.";
    expect(risksIn([moved("aws_iam_role_policy", "role", { policy: reading })])).toEqual([told]);
    expect(risksIn([moved("aws_iam_role_policy", "role", { policy: reading }, null)])).toEqual([told]);
    expect(risksIn([moved("aws_kms_key_policy", "key_id", { policy: reading })])).toEqual([told]);
    expect(risksIn([moved("aws_iam_role_policy", "role", { policy: reading }, "one")])).toEqual([]);
  });

  test("a policy that gets one owner more is, and one that gets fewer is not", () => {
    const attached = (before: string[], after: string[]) =>
      risksIn([
        change(
          "aws_iam_policy_attachment",
          { policy_arn: admin, roles: before },
          { policy_arn: admin, roles: after },
        ),
      ]);
    expect(attached(["one"], ["one", "other"])).toEqual([`iam-opened!: It would give ${admin}.`]);
    expect(attached(["one", "other"], ["one"])).toEqual([]);
  });
});

describe.each([
  [
    "aws_s3_bucket_public_access_block",
    "public-bucket!: The bucket would lose its block of public access.",
    block,
  ],
  [
    "aws_s3_bucket_server_side_encryption_configuration",
    "encryption-removed!: The bucket would no longer say how it is encrypted.",
    {},
  ],
  [
    "aws_s3_bucket_versioning",
    "protection-removed: The bucket would no longer say that it keeps versions.",
    {},
  ],
  ["aws_s3_bucket_logging", "logs-lost: Access to the bucket would no longer be logged.", {}],
])("a bucket whose %s goes to another bucket", (type, gone, values) => {
  const goes = moved(type, "bucket", values);
  const bucket = (after: object | null, options?: object) =>
    change("aws_s3_bucket", { bucket: "one", id: "one" }, after, options);

  test("has none any more", () => expect(risksIn([goes])).toEqual([gone]));

  test("needs none where it goes as well", () => {
    expect(risksIn([goes, bucket(null)])).not.toContain(gone);
    expect(risksIn([goes, bucket({ bucket: "other" }, replaced)])).not.toContain(gone);
  });

  test("needs one where it is made anew without", () => {
    const ends = change(type, { bucket: "one", ...values }, null);
    expect(risksIn([ends, bucket({ bucket: "one" }, replaced)])).toContain(gone);
  });
});
