import { deployableServices } from "../../backend/access-boundary";
import { mayDo, type SimulatedRequest } from "../support/simulate";
import { resource, resources, sharedEnv, synthesizeFiles } from "../support/stacks";

jest.setTimeout(30_000); // a simulator goes through thousands of requests

const account = "111122223333";
const environment = (name: string, systems = "macro-ai") => ({
  TF_VAR_deptype: name,
  TF_VAR_systems: systems,
  TF_VAR_macro_ai_cidrs: "203.0.113.0/24",
});
const shared = {
  ...sharedEnv,
  TF_VAR_allowed_account_ids: account,
  TF_VAR_github_repository: "acme/landfall",
};
const synthesized = (more: Record<string, string> = {}, files: Record<string, Record<string, string>> = {}) =>
  synthesizeFiles(
    {
      "shared.env": { ...shared, ...more },
      "stage.env": environment("stage"),
      "prod.env": environment("prod"),
      ...files,
    },
    { only: ["access"] },
  );

const json = synthesized({ TF_VAR_github_previews: "true" }).json("access");
const roles = ["shared", "stage", "prod", "pr"];
const policiesOf = (name: string, kind: "plan" | "apply"): string[] =>
  Object.entries(resources(json, "aws_iam_policy"))
    .filter(([id]) => id.startsWith(`roles_${name}_${kind}_policy-`))
    .map(([, { policy }]) => policy as string);
const boundaryOf = (name: string, kind: "plan" | "apply"): string =>
  resource(json, "aws_iam_policy", `roles_${name}_${kind}_boundary`).policy;
const anything = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});
/** What a role may do whose policies allow everything: what its boundary leaves. */
const bounded = (name: string, kind: "plan" | "apply", request: SimulatedRequest) =>
  mayDo({ policies: [anything], boundary: boundaryOf(name, kind) }, request);

/** It is the boundary that says no. */
const unbounded = (request: SimulatedRequest) => mayDo({ policies: [anything], boundary: anything }, request);

/** Without any one refusal of the boundary, something would be allowed that never may be. */
async function expectEachNeeded(kind: "plan" | "apply", never: readonly [string, SimulatedRequest][]) {
  const { Version, Statement } = JSON.parse(boundaryOf("stage", kind)) as {
    Version: string;
    Statement: { Sid: string; Effect: string }[];
  };
  const idle: string[] = [];
  for (const refusal of Statement.filter(({ Effect }) => Effect === "Deny")) {
    const boundary = JSON.stringify({ Version, Statement: Statement.filter((other) => other !== refusal) });
    let needed = false;
    for (const [, request] of never) needed ||= await mayDo({ policies: [anything], boundary }, request);
    if (!needed) idle.push(refusal.Sid);
  }
  expect(idle).toEqual(kind === "apply" ? ["AccessIsKept"] : ["NoSecretParameters"]); // say twice what is not allowed
}

describe("the stack", () => {
  it("is made for a repository alone", () => {
    const { stacks, broken } = synthesizeFiles({
      "shared.env": sharedEnv,
      "stage.env": environment("stage"),
    });
    expect([...stacks.keys()]).toEqual(["state", "shared", "stage"]);
    expect(broken).toEqual([]);
  });

  it("keeps its state beside the others', and names the account", () => {
    expect(json.terraform.backend.s3).toMatchObject({
      bucket: "agt-chronos-terraform-state-storage",
      key: "access/terraform.tfstate",
      allowed_account_ids: [account],
    });
    expect(json.provider.aws[0].default_tags[0].tags.Environment).toBe("access");
  });

  it("has a role to plan and one to apply for shared and each environment, and tells which", () => {
    const { stacks } = synthesized();
    expect([...stacks.keys()]).toEqual(["access"]);
    const made = synthesized().json("access");
    expect(
      Object.values(resources(made, "aws_iam_role"))
        .map(({ name }) => name as string)
        .sort(),
    ).toEqual(
      ["prod", "shared", "stage"].flatMap((name) => [`agt-github-${name}-apply`, `agt-github-${name}-plan`]),
    );
    expect(made.output.plan_role_arns.value).toEqual({
      prod: "${aws_iam_role.roles_prod_plan.arn}",
      shared: "${aws_iam_role.roles_shared_plan.arn}",
      stage: "${aws_iam_role.roles_stage_plan.arn}",
    });
    expect(Object.keys(made.output.apply_role_arns.value)).toEqual(["prod", "shared", "stage"]);
  });

  it("makes GitHub's provider, or takes the one that the account has", () => {
    expect(resource(json, "aws_iam_openid_connect_provider", "github")).toMatchObject({
      url: "https://token.actions.githubusercontent.com",
      client_id_list: ["sts.amazonaws.com"],
    });
    expect(resource(json, "aws_iam_openid_connect_provider", "github")).not.toHaveProperty("thumbprint_list");
    const arn = `arn:aws:iam::${account}:oidc-provider/token.actions.githubusercontent.com`;
    const other = synthesized({ TF_VAR_github_oidc_provider_arn: arn }).json("access");
    expect(resources(other, "aws_iam_openid_connect_provider")).toEqual({});
    const { Statement } = JSON.parse(resource(other, "aws_iam_role", "roles_prod_apply").assume_role_policy);
    expect(Statement[0].Principal).toEqual({ Federated: arn });
  });

  it("is applied with environments that are usable in their systems, and stands still for others", () => {
    const incomplete = synthesized({}, { "qa.env": { TF_VAR_deptype: "qa", TF_VAR_systems: "chronos" } });
    expect(Object.keys(incomplete.json("access").output.plan_role_arns.value)).toContain("qa");
    const damaged = synthesized({}, { "qa.env": { TF_VAR_deptype: "qa", TF_VAR_systems: "nothing" } });
    expect([...damaged.stacks.keys()]).toEqual([]);
    expect(damaged.broken).toMatchObject([
      { name: "access", problems: [{ what: expect.stringContaining("environments/qa.env cannot be used") }] },
    ]);
  });

  it("does not take for all environments what the shell says of one", () => {
    const files = { "shared.env": shared, "stage.env": environment("stage", "nothing") };
    const { broken } = synthesizeFiles(files, {
      only: ["access"],
      processEnvironment: { TF_VAR_systems: "macro-ai" },
    });
    expect(broken.map(({ name }) => name)).toEqual(["access"]);
  });

  it("leaves out previews and what stands on shared settings of its own", () => {
    const made = synthesized(
      {},
      {
        "pr-7.env": environment("pr-7"),
        "abroad.env": environment("abroad"),
        "abroad.shared.env": { ...sharedEnv, TF_VAR_allowed_account_ids: "444455556666" },
      },
    );
    expect(Object.keys(made.json("access").output.plan_role_arns.value)).toEqual(["prod", "shared", "stage"]);
  });

  it.each([
    [
      "previews without a repository",
      { TF_VAR_github_repository: "", TF_VAR_github_previews: "true" },
      /without/,
    ],
    [
      "a provider of another account",
      {
        TF_VAR_github_oidc_provider_arn: `arn:aws:iam::444455556666:oidc-provider/token.actions.githubusercontent.com`,
      },
      /account 444455556666/,
    ],
    ["a repository without an owner", { TF_VAR_github_repository: "landfall" }, /not a GitHub repository/],
    ["a repository with a wildcard", { TF_VAR_github_repository: "acme/*" }, /not a GitHub repository/],
    ["half of the ids", { TF_VAR_github_repository: "acme@1/landfall" }, /not both/],
    ["a branch with a wildcard", { TF_VAR_github_main_branch: "release/*" }, /not the name of a branch/],
  ])("is refused with %s", (_, inputs, what) => {
    const { broken } = synthesized(inputs);
    expect(broken.map(({ problems }) => problems.map((problem) => problem.what))).toEqual([
      [expect.stringMatching(what)],
    ]);
  });

  it("is refused where an environment could be a preview", () => {
    const { broken } = synthesized(
      { TF_VAR_github_previews: "true" },
      { "pr-demo.env": environment("pr-demo") },
    );
    expect(broken[0]?.problems[0]?.what).toContain("pr-demo has a name as they have");
  });

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  it("fits IAM: policies of 6,144 characters, ten to a role", () => {
    for (const { policy } of Object.values(resources(json, "aws_iam_policy")))
      expect((policy as string).length).toBeLessThanOrEqual(6144);
    for (const name of roles)
      for (const kind of ["plan", "apply"] as const)
        expect(policiesOf(name, kind).length).toBeLessThanOrEqual(10);
  });

  const many = (count: number) =>
    synthesized(
      {},
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => `customer-${String.fromCharCode(97 + index)}x`).map(
          (name) => [`${name}.env`, environment(name)],
        ),
      ),
    );

  it("has room for a dozen environments, and says so before AWS does where they are too many", () => {
    const twelve = resources(many(10).json("access"), "aws_iam_policy");
    for (const { policy } of Object.values(twelve))
      expect((policy as string).length).toBeLessThanOrEqual(6144);
    const [fault] = many(24).broken;
    expect(fault?.name).toBe("access");
    expect(fault?.problems[0]).toMatchObject({
      what: expect.stringMatching(
        /boundary of the role \S+-github-shared-apply has \d{4} characters, .* 6144/,
      ),
      mend: expect.stringContaining("Have fewer environments"),
    });
  });

  it("attaches each policy to its role, and gives each role its boundary", () => {
    for (const name of roles)
      for (const kind of ["plan", "apply"]) {
        const id = `roles_${name}_${kind}`;
        const role = resource(json, "aws_iam_role", id);
        expect(role).toMatchObject({
          path: "/landfall/access/",
          permissions_boundary: `\${aws_iam_policy.${id}_boundary.arn}`,
          max_session_duration: kind === "plan" ? 3600 : 7200,
        });
        const attached = Object.entries(resources(json, "aws_iam_role_policy_attachment")).filter(([key]) =>
          key.startsWith(`${id}_`),
        );
        expect(attached.map(([, { policy_arn }]) => policy_arn)).toEqual(
          policiesOf(name, kind as "plan").map(
            (_, index) => `\${aws_iam_policy.${id}_policy-${index + 1}.arn}`,
          ),
        );
        for (const [, { role: of }] of attached) expect(of).toBe(`\${aws_iam_role.${id}.name}`);
      }
  });
});

describe("trust", () => {
  it("is of exact values alone", () => {
    for (const { assume_role_policy: policy } of Object.values(resources(json, "aws_iam_role"))) {
      const { Statement } = JSON.parse(policy);
      expect(Statement).toHaveLength(1);
      expect(Object.keys(Statement[0].Condition)).toEqual(["StringEquals"]);
      expect(JSON.stringify(Statement[0].Condition)).not.toMatch(/[*?]/);
      expect(Statement[0].Condition.StringEquals).toMatchObject({
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": expect.anything(),
      });
    }
  });

  it("takes the ids of owner and repository, and another branch", () => {
    const made = synthesized({
      TF_VAR_github_repository: "acme@123456/landfall@456789",
      TF_VAR_github_main_branch: "trunk",
    }).json("access");
    const conditions = (id: string) =>
      JSON.parse(resource(made, "aws_iam_role", id).assume_role_policy).Statement[0].Condition.StringEquals;
    expect(conditions("roles_prod_apply")).toEqual({
      "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
      "token.actions.githubusercontent.com:sub": "repo:acme@123456/landfall@456789:environment:prod",
      "token.actions.githubusercontent.com:ref": "refs/heads/trunk",
    });
    expect(conditions("roles_prod_plan")["token.actions.githubusercontent.com:sub"]).toEqual([
      "repo:acme@123456/landfall@456789:pull_request",
      "repo:acme@123456/landfall@456789:ref:refs/heads/trunk",
    ]);
  });
});

const iam = (name: string) => `arn:aws:iam::${account}:${name}`;
const stateBucket = "arn:aws:s3:::agt-chronos-terraform-state-storage";
const lockTable = `arn:aws:dynamodb:us-east-1:${account}:table/agt-chronos-terraform-state-locks`;
const withinWorkloads = { "iam:PermissionsBoundary": iam("policy/landfall/agt-workload-boundary") };
const tagged = (name: string) => ({
  "aws:ResourceTag/Project": "landfall",
  "aws:ResourceTag/Environment": name,
});
const instance = `arn:aws:ec2:us-east-1:${account}:instance/i-0123456789abcdef0`;

describe("whatever its policies say, a role that applies", () => {
  const ownRole = iam("role/landfall/access/agt-github-stage-apply");
  const never: [string, SimulatedRequest][] = [
    ...["UpdateAssumeRolePolicy", "PutRolePolicy", "AttachRolePolicy", "DetachRolePolicy", "DeleteRole"]
      .concat("DeleteRolePermissionsBoundary", "PutRolePermissionsBoundary", "TagRole", "UpdateRole")
      .map((verb): [string, SimulatedRequest] => [
        `changes its own role (${verb})`,
        { action: `iam:${verb}`, resource: ownRole, context: withinWorkloads },
      ]),
    ...["CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicy", "DeletePolicyVersion"].flatMap(
      (verb) =>
        [
          "landfall/access/agt-github-stage-apply-1",
          "landfall/access/agt-github-stage-apply-boundary",
          "landfall/agt-workload-boundary",
        ].map((name): [string, SimulatedRequest] => [
          `changes the policy ${name} (${verb})`,
          { action: `iam:${verb}`, resource: iam(`policy/${name}`) },
        ]),
    ),
    ["makes a policy", { action: "iam:CreatePolicy", resource: iam("policy/landfall/agt-mine") }],
    ...["CreateOpenIDConnectProvider", "DeleteOpenIDConnectProvider", "AddClientIDToOpenIDConnectProvider"]
      .concat("UpdateOpenIDConnectProviderThumbprint")
      .map((verb): [string, SimulatedRequest] => [
        `changes the provider (${verb})`,
        { action: `iam:${verb}`, resource: iam("oidc-provider/token.actions.githubusercontent.com") },
      ]),
    ["makes a user", { action: "iam:CreateUser", resource: iam("user/me") }],
    ["makes an access key", { action: "iam:CreateAccessKey", resource: iam("user/me") }],
    [
      "makes a role without the boundary",
      { action: "iam:CreateRole", resource: iam("role/landfall/agt-stage-x") },
    ],
    [
      "makes a role with another boundary",
      {
        action: "iam:CreateRole",
        resource: iam("role/landfall/agt-stage-x"),
        context: { "iam:PermissionsBoundary": iam("policy/AdministratorAccess") },
      },
    ],
    [
      "lifts a role's boundary",
      { action: "iam:DeleteRolePermissionsBoundary", resource: iam("role/landfall/agt-stage-x") },
    ],
    [
      "makes a role of another environment",
      { action: "iam:CreateRole", resource: iam("role/landfall/agt-prod-x"), context: withinWorkloads },
    ],
    [
      "makes an administrator trust it",
      { action: "iam:UpdateAssumeRolePolicy", resource: iam("role/admin") },
    ],
    ["takes another role", { action: "sts:AssumeRole", resource: iam("role/admin") }],
    ["hands over another's role", { action: "iam:PassRole", resource: iam("role/admin") }],
    ["hands over its own role", { action: "iam:PassRole", resource: ownRole }],
    ["leaves the organization", { action: "organizations:LeaveOrganization" }],
    ["closes the account", { action: "account:CloseAccount" }],
    ["changes the payment", { action: "aws-portal:ModifyBilling" }],
    [
      "has a budget apply a policy",
      { action: "budgets:CreateBudgetAction", resource: `arn:aws:budgets::${account}:budget/x/action/y` },
    ],
    [
      "works in another region",
      {
        action: "ec2:CreateVpc",
        resource: `arn:aws:ec2:eu-west-1:${account}:vpc/*`,
        context: { "aws:RequestedRegion": "eu-west-1" },
      },
    ],
    ["deletes the state bucket", { action: "s3:DeleteBucket", resource: stateBucket }],
    ["turns its versions off", { action: "s3:PutBucketVersioning", resource: stateBucket }],
    ["lets others read it", { action: "s3:PutBucketPolicy", resource: stateBucket }],
    ["lets its versions expire", { action: "s3:PutLifecycleConfiguration", resource: stateBucket }],
    [
      "deletes a version of its own state",
      { action: "s3:DeleteObjectVersion", resource: `${stateBucket}/stage/terraform.tfstate` },
    ],
    [
      "reads a bucket of another environment",
      { action: "s3:GetObject", resource: "arn:aws:s3:::agt-prod-macro-ai-artifacts/x" },
    ],
    [
      "deletes a bucket of a preview",
      { action: "s3:DeleteBucket", resource: "arn:aws:s3:::agt-pr-7-macro-ai-artifacts" },
    ],
    ["deletes access logs", { action: "s3:DeleteObject", resource: `${stateBucket}-logs/log` }],
    ...["prod", "shared", "state", "access", "pr-7"].map((name): [string, SimulatedRequest] => [
      `writes the state of ${name}`,
      { action: "s3:PutObject", resource: `${stateBucket}/${name}/terraform.tfstate` },
    ]),
    ["deletes the lock table", { action: "dynamodb:DeleteTable", resource: lockTable }],
    ["has locks expire", { action: "dynamodb:UpdateTimeToLive", resource: lockTable }],
    [
      "releases another's lock",
      {
        action: "dynamodb:DeleteItem",
        resource: lockTable,
        context: { "dynamodb:LeadingKeys": ["agt-chronos-terraform-state-storage/prod/terraform.tfstate"] },
      },
    ],
    [
      "stops a host of another environment",
      { action: "ec2:TerminateInstances", resource: instance, context: tagged("prod") },
    ],
    [
      "commands a host of another environment",
      { action: "ssm:SendCommand", resource: instance, context: tagged("prod") },
    ],
    [
      "reads a secret of another environment",
      {
        action: "secretsmanager:GetSecretValue",
        resource: `arn:aws:secretsmanager:us-east-1:${account}:secret:prod-atomic-calendar/DbSecret-AbCdEf`,
        context: tagged("prod"),
      },
    ],
    [
      "deletes a subnet of shared",
      {
        action: "ec2:DeleteSubnet",
        resource: `arn:aws:ec2:us-east-1:${account}:subnet/subnet-0123456789abcdef0`,
        context: tagged("shared"),
      },
    ],
    [
      "gives away an address of shared",
      {
        action: "ec2:ReleaseAddress",
        resource: `arn:aws:ec2:us-east-1:${account}:elastic-ip/eipalloc-0123456789abcdef0`,
        context: tagged("shared"),
      },
    ],
    [
      "gives a snapshot away",
      {
        action: "ec2:ModifySnapshotAttribute",
        resource: "arn:aws:ec2:us-east-1::snapshot/snap-0123456789abcdef0",
      },
    ],
    ["opens buckets of the whole account", { action: "s3:PutAccountPublicAccessBlock" }],
  ];
  it.each(never)("never %s", async (_, request) => {
    expect(await unbounded(request)).toBe(true);
    expect(await bounded("stage", "apply", request)).toBe(false);
  });
  it("has a use for each of the boundary's refusals", () => expectEachNeeded("apply", never));

  const can: [string, SimulatedRequest][] = [
    ["writes its state", { action: "s3:PutObject", resource: `${stateBucket}/stage/terraform.tfstate` }],
    ["reads that of shared", { action: "s3:GetObject", resource: `${stateBucket}/shared/terraform.tfstate` }],
    [
      "takes its lock",
      {
        action: "dynamodb:PutItem",
        resource: lockTable,
        context: {
          "dynamodb:LeadingKeys": ["agt-chronos-terraform-state-storage/stage/terraform.tfstate-md5"],
        },
      },
    ],
    [
      "makes a role of its own",
      {
        action: "iam:CreateRole",
        resource: iam("role/landfall/agt-stage-macro-ai"),
        context: withinWorkloads,
      },
    ],
    ["deletes it", { action: "iam:DeleteRole", resource: iam("role/landfall/agt-stage-macro-ai") }],
    ["hands it over", { action: "iam:PassRole", resource: iam("role/landfall/agt-stage-macro-ai") }],
    ["hands over that of hosts", { action: "iam:PassRole", resource: iam("role/landfall/agt-ec2-host") }],
    [
      "makes the instance profile",
      { action: "iam:CreateInstanceProfile", resource: iam("instance-profile/landfall/agt-stage-macro-ai") },
    ],
    [
      "starts a host in a subnet of shared",
      {
        action: "ec2:RunInstances",
        resource: `arn:aws:ec2:us-east-1:${account}:subnet/subnet-0123456789abcdef0`,
        context: tagged("shared"),
      },
    ],
    [
      "associates an address of shared",
      {
        action: "ec2:AssociateAddress",
        resource: `arn:aws:ec2:us-east-1:${account}:elastic-ip/eipalloc-0123456789abcdef0`,
        context: tagged("shared"),
      },
    ],
    ["stops its host", { action: "ec2:TerminateInstances", resource: instance, context: tagged("stage") }],
    [
      "writes DNS records, which have no region",
      {
        action: "route53:ChangeResourceRecordSets",
        resource: "arn:aws:route53:::hostedzone/Z1",
        context: { "aws:RequestedRegion": "us-east-1" },
      },
    ],
  ];
  it.each(can)("may: %s", async (_, request) => {
    expect(await bounded("stage", "apply", request)).toBe(true);
  });

  it("is not kept from its own bucket, or the state's, by another's name", async () => {
    const made = synthesized(
      {},
      { "stage-2.env": environment("stage-2"), "chronos.env": environment("chronos") },
    ).json("access");
    const may = (bucket: string) =>
      mayDo(
        {
          policies: [anything],
          boundary: resource(made, "aws_iam_policy", "roles_stage-2_apply_boundary").policy,
        },
        { action: "s3:GetObject", resource: `arn:aws:s3:::${bucket}` },
      );
    expect(await may("agt-stage-2-files/x")).toBe(true);
    expect(await may("agt-chronos-terraform-state-storage/shared/terraform.tfstate")).toBe(true);
    expect(await may("agt-prod-files/x")).toBe(false);
  });

  it("is kept from another's bucket that has a name of its own", async () => {
    const named = { TF_VAR_systems: "macro-ai,viewer-atlas", TF_VAR_viewer_atlas_bucket: "atlas-files" };
    const made = synthesized({}, { "qa.env": { ...environment("qa"), ...named } }).json("access");
    const reads = (name: string) =>
      mayDo(
        {
          policies: [anything],
          boundary: resource(made, "aws_iam_policy", `roles_${name}_apply_boundary`).policy,
        },
        { action: "s3:GetObject", resource: "arn:aws:s3:::atlas-files/x" },
      );
    expect([await reads("qa"), await reads("stage")]).toEqual([true, false]);
  });

  it("of previews alone has no other's bucket to name", () => {
    const made = synthesizeFiles(
      { "shared.env": { ...shared, TF_VAR_github_previews: "true" } },
      { only: ["access"] },
    ).json("access");
    for (const { policy } of Object.values(resources(made, "aws_iam_policy")))
      for (const { Resource, NotResource } of JSON.parse(policy as string).Statement)
        expect(Resource ?? NotResource).not.toHaveLength(0);
  });

  it("of shared changes the network and its own roles, and no environment's", async () => {
    const subnet = `arn:aws:ec2:us-east-1:${account}:subnet/subnet-0123456789abcdef0`;
    const may = (request: SimulatedRequest) => bounded("shared", "apply", request);
    expect(await may({ action: "ec2:DeleteSubnet", resource: subnet, context: tagged("shared") })).toBe(true);
    expect(await may({ action: "iam:DeleteRole", resource: iam("role/landfall/agt-ec2-host") })).toBe(true);
    expect(await may({ action: "iam:DeleteRole", resource: iam("role/landfall/agt-stage-macro-ai") })).toBe(
      false,
    );
    expect(await may({ action: "s3:PutObject", resource: `${stateBucket}/shared/terraform.tfstate` })).toBe(
      true,
    );
    expect(await may({ action: "s3:PutObject", resource: `${stateBucket}/stage/terraform.tfstate` })).toBe(
      false,
    );
  });

  it("of previews is held to names that begin with pr-", async () => {
    const may = (request: SimulatedRequest) => bounded("pr", "apply", request);
    const state = (name: string) => ({
      action: "s3:PutObject",
      resource: `${stateBucket}/${name}/terraform.tfstate`,
    });
    expect(await may(state("pr-7"))).toBe(true);
    for (const name of ["stage", "prod", "shared", "state", "access"])
      expect(await may(state(name))).toBe(false);
    const stop = (name: string) => ({
      action: "ec2:TerminateInstances",
      resource: instance,
      context: tagged(name),
    });
    expect(await may(stop("pr-7"))).toBe(true);
    expect(await may(stop("stage"))).toBe(false);
    const make = (name: string) => ({
      action: "iam:CreateRole",
      resource: iam(`role/landfall/${name}`),
      context: withinWorkloads,
    });
    expect(await may(make("agt-pr-7-macro-ai"))).toBe(true);
    expect(await may(make("agt-prod-macro-ai"))).toBe(false);
  });
});

describe("whatever its policies say, a role that plans", () => {
  it.each<[string, SimulatedRequest]>([
    ["looks at hosts", { action: "ec2:DescribeInstances" }],
    ["looks at roles", { action: "iam:GetRole", resource: iam("role/landfall/agt-stage-macro-ai") }],
    ["reads its state", { action: "s3:GetObject", resource: `${stateBucket}/stage/terraform.tfstate` }],
    ["reads that of shared", { action: "s3:GetObject", resource: `${stateBucket}/shared/terraform.tfstate` }],
    [
      "locks it in the bucket",
      { action: "s3:PutObject", resource: `${stateBucket}/stage/terraform.tfstate.tflock` },
    ],
    [
      "locks it in the table",
      {
        action: "dynamodb:PutItem",
        resource: lockTable,
        context: { "dynamodb:LeadingKeys": ["agt-chronos-terraform-state-storage/stage/terraform.tfstate"] },
      },
    ],
  ])("%s", async (_, request) => {
    expect(await bounded("stage", "plan", request)).toBe(true);
  });

  const secret = `arn:aws:secretsmanager:us-east-1:${account}:secret:stage-atomic-calendar/DbSecret-AbCdEf`;
  const never: [string, SimulatedRequest][] = [
    ["reads a secret", { action: "secretsmanager:GetSecretValue", resource: secret }],
    [
      "looks at another region",
      { action: "ec2:DescribeInstances", context: { "aws:RequestedRegion": "eu-west-1" } },
    ],
    [
      "looks at a secret of another environment",
      { action: "secretsmanager:DescribeSecret", resource: secret, context: tagged("prod") },
    ],
    ["reads secrets", { action: "secretsmanager:BatchGetSecretValue" }],
    [
      "decrypts a parameter",
      {
        action: "kms:Decrypt",
        resource: `arn:aws:kms:us-east-1:${account}:key/00000000-0000-0000-0000-000000000000`,
        context: { "kms:ViaService": "ssm.us-east-1.amazonaws.com" },
      },
    ],
    [
      "reads a log",
      {
        action: "logs:GetLogEvents",
        resource: `arn:aws:logs:us-east-1:${account}:log-group:/ec2/x:log-stream:y`,
      },
    ],
    [
      "reads an item",
      {
        action: "dynamodb:GetItem",
        resource: `arn:aws:dynamodb:us-east-1:${account}:table/stage-XSchedulerUserTokens`,
      },
    ],
    ["reads an object", { action: "s3:GetObject", resource: "arn:aws:s3:::agt-stage-files/x" }],
    [
      "reads the state of another environment",
      { action: "s3:GetObject", resource: `${stateBucket}/prod/terraform.tfstate` },
    ],
    ["writes its state", { action: "s3:PutObject", resource: `${stateBucket}/stage/terraform.tfstate` }],
    [
      "writes the digest of its state",
      {
        action: "dynamodb:PutItem",
        resource: lockTable,
        context: {
          "dynamodb:LeadingKeys": ["agt-chronos-terraform-state-storage/stage/terraform.tfstate-md5"],
        },
      },
    ],
    ["starts a host", { action: "ec2:RunInstances", resource: instance }],
    ["commands a host", { action: "ssm:SendCommand", resource: instance, context: tagged("stage") }],
    ["hands over a role", { action: "iam:PassRole", resource: iam("role/landfall/agt-stage-macro-ai") }],
    ["takes another role", { action: "sts:AssumeRole", resource: iam("role/admin") }],
  ];
  it.each(never)("never %s", async (_, request) => {
    expect(await unbounded(request)).toBe(true);
    expect(await bounded("stage", "plan", request)).toBe(false);
  });
  it("has a use for each of the boundary's refusals", () => expectEachNeeded("plan", never));
});

describe("with its own policies", () => {
  const may = (kind: "plan" | "apply", request: SimulatedRequest) =>
    mayDo({ policies: policiesOf("stage", kind), boundary: boundaryOf("stage", kind) }, request);
  const state = (path: string) => `${stateBucket}/${path}/terraform.tfstate`;
  const lock = {
    action: "dynamodb:PutItem",
    resource: lockTable,
    context: { "dynamodb:LeadingKeys": ["agt-chronos-terraform-state-storage/stage/terraform.tfstate"] },
  };

  it.each(["plan", "apply"] as const)("a role to %s looks, reads the state, and locks it", async (kind) => {
    expect(await may(kind, { action: "ec2:DescribeInstances" })).toBe(true);
    expect(await may(kind, { action: "s3:GetObject", resource: state("stage") })).toBe(true);
    expect(await may(kind, { action: "s3:GetObject", resource: state("shared") })).toBe(true);
    expect(await may(kind, lock)).toBe(true);
  });

  it("one to apply alone writes the state, and changes what is there", async () => {
    const both = async (request: SimulatedRequest) => [
      await may("plan", request),
      await may("apply", request),
    ];
    expect(await both({ action: "s3:PutObject", resource: state("stage") })).toEqual([false, true]);
    expect(
      await both({
        action: "iam:DeleteRole",
        resource: iam("role/landfall/agt-stage-macro-ai"),
        context: tagged("stage"),
      }),
    ).toEqual([false, true]);
    expect(await both({ action: "s3:PutObject", resource: state("prod") })).toEqual([false, false]);
  });

  it("one for previews lists the bucket and reads their states and locks, which is what finds old ones", async () => {
    const mayRead = (request: SimulatedRequest) =>
      mayDo({ policies: policiesOf("pr", "apply"), boundary: boundaryOf("pr", "apply") }, request);
    const read = (resource: string) => mayRead({ action: "s3:GetObject", resource });
    const bucket = stateBucket.replace(/\/.*$/, "");
    expect(await mayRead({ action: "s3:ListBucket", resource: bucket })).toBe(true);
    expect(await read(state("pr-7"))).toBe(true);
    expect(await read(`${state("pr-7")}.tflock`)).toBe(true);
    for (const other of ["state", "access", "stage", "prod"]) expect(await read(state(other))).toBe(false);
  });
});

it("leaves the services that the deployer's policies are about", () => {
  const named = new Set(
    roles.flatMap((name) =>
      policiesOf(name, "apply").flatMap((policy) =>
        (JSON.parse(policy) as { Statement: { Action: string | string[] }[] }).Statement.flatMap(
          ({ Action }) => [Action].flat().map((action) => action.split(":")[0] ?? ""),
        ),
      ),
    ),
  );
  expect(
    [...named].filter((service) => ![...deployableServices, "iam", "budgets", "sts"].includes(service)),
  ).toEqual([]);
});
