import { resource, resources, sharedEnv, synthesizeFiles } from "../support/stacks";

const state = (inputs: Record<string, string> = {}) =>
  synthesizeFiles({ "shared.env": { ...sharedEnv, ...inputs } }, { only: ["state"] }).json("state");

describe("the state bucket", () => {
  const json = state();

  it("has Chronos's name, made from the prefix", () => {
    expect(resource(json, "aws_s3_bucket", "state").bucket).toBe("agt-chronos-terraform-state-storage");
    expect(json.terraform.backend.s3).toMatchObject({
      bucket: "agt-chronos-terraform-state-storage",
      key: "state/terraform.tfstate",
      dynamodb_table: "agt-chronos-terraform-state-locks",
      region: "us-east-1",
      encrypt: true,
      allowed_account_ids: ["436957243186"],
    });
  });

  it("is versioned, encrypted, private, and never destroyed", () => {
    expect(resource(json, "aws_s3_bucket", "state")).toMatchObject({ lifecycle: { prevent_destroy: true } });
    expect(resource(json, "aws_s3_bucket", "state")).not.toHaveProperty("force_destroy");
    expect(resource(json, "aws_s3_bucket_versioning", "state_versioning").versioning_configuration).toEqual({
      status: "Enabled",
    });
    expect(
      resource(json, "aws_s3_bucket_server_side_encryption_configuration", "state_encryption").rule,
    ).toEqual([
      { apply_server_side_encryption_by_default: { sse_algorithm: "aws:kms" }, bucket_key_enabled: true },
    ]);
    expect(resource(json, "aws_s3_bucket_public_access_block", "state_public_access")).toMatchObject({
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    });
  });

  it("refuses requests without TLS, and nothing else: a lock file is written without encryption headers", () => {
    const { Statement } = JSON.parse(resource(json, "aws_s3_bucket_policy", "state_policy").policy);
    const arn = "arn:aws:s3:::agt-chronos-terraform-state-storage";
    expect(Statement).toEqual([
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: { AWS: "*" },
        Action: "s3:*",
        Resource: [arn, `${arn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ]);
  });

  it("keeps replaced versions for a quarter", () => {
    const [rule] = resource(json, "aws_s3_bucket_lifecycle_configuration", "state_lifecycle").rule;
    expect(rule.noncurrent_version_expiration).toEqual([{ noncurrent_days: 90 }]);
    expect(rule).not.toHaveProperty("expiration");
  });

  it("can have other names", () => {
    const other = state({ TF_VAR_state_bucket: "terraform-of-agt", TF_VAR_state_lock_table: "locks-of-agt" });
    expect(resource(other, "aws_s3_bucket", "state").bucket).toBe("terraform-of-agt");
    expect(resource(other, "aws_dynamodb_table", "locks").name).toBe("locks-of-agt");
    expect(other.terraform.backend.s3).toMatchObject({
      bucket: "terraform-of-agt",
      dynamodb_table: "locks-of-agt",
    });
  });
});

describe("the lock table", () => {
  it("is on demand, encrypted, recoverable, and protected by AWS and Terraform", () => {
    expect(resource(state(), "aws_dynamodb_table", "locks")).toMatchObject({
      name: "agt-chronos-terraform-state-locks",
      hash_key: "LockID",
      attribute: [{ name: "LockID", type: "S" }],
      billing_mode: "PAY_PER_REQUEST",
      point_in_time_recovery: { enabled: true },
      server_side_encryption: { enabled: true },
      deletion_protection_enabled: true,
      lifecycle: { prevent_destroy: true },
    });
  });

  it.each([
    ["dynamodb", true, undefined],
    ["both", true, true],
    ["s3", false, true],
  ])("with state_lock %s: table %s, lock file %s", (state_lock, table, lockFile) => {
    const json = state({ TF_VAR_state_lock: state_lock });
    expect(Object.keys(resources(json, "aws_dynamodb_table"))).toEqual(table ? ["locks"] : []);
    expect("dynamodb_table" in json.terraform.backend.s3).toBe(table);
    expect(json.terraform.backend.s3.use_lockfile).toBe(lockFile);
  });
});
