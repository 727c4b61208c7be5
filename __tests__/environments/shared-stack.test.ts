import { isAllowed } from "../support/iam";
import { resource, resources, synthesizeFiles, synthesizeShared, sharedEnv } from "../support/stacks";

describe("shared", () => {
  const json = synthesizeShared();

  it("has its own key in the state bucket", () => {
    expect(json.terraform.backend.s3).toMatchObject({
      bucket: "agt-chronos-terraform-state-storage",
      key: "shared/terraform.tfstate",
    });
  });

  it("guards the account and tags everything", () => {
    expect(json.provider.aws).toEqual([
      {
        region: "us-east-1",
        allowed_account_ids: ["436957243186"],
        default_tags: [
          {
            tags: { Project: "landfall", Environment: "shared", System: "landfall", ManagedBy: "terraform" },
          },
        ],
      },
    ]);
  });

  it("is for Terraform and OpenTofu alike", () => {
    expect(json.terraform.required_version).toBe(">= 1.11.0");
    expect(json.terraform.required_providers.aws).toEqual({ source: "hashicorp/aws", version: "5.100.0" });
  });

  it("holds an Elastic IP for each name, those of stage and prod dashboards by default", () => {
    const byDefault = synthesizeFiles(
      { "shared.env": { TF_VAR_name_prefix: "agt", TF_VAR_allowed_account_ids: "436957243186" } },
      { only: ["shared"] },
    ).json("shared");
    expect(Object.keys(resources(byDefault, "aws_eip")).sort()).toEqual([
      "address_prod-dashboard",
      "address_stage-dashboard",
    ]);
    expect(resource(json, "aws_eip", "address_stage-edge-1")).toMatchObject({
      domain: "vpc",
      tags: { Name: "stage-edge-1" },
    });
    expect(json.output.addresses.value["stage-edge-1"]).toEqual({
      allocation_id: "${aws_eip.address_stage-edge-1.id}",
      public_ip: "${aws_eip.address_stage-edge-1.public_ip}",
    });
  });

  it("gives EC2 hosts Systems Manager's core, logs and their health, and no more", () => {
    const [statement] = JSON.parse(resource(json, "aws_iam_role", "ec2_host").assume_role_policy).Statement;
    expect(statement).toMatchObject({
      Principal: { Service: "ec2.amazonaws.com" },
      Action: "sts:AssumeRole",
    });
    expect(
      Object.values(resources(json, "aws_iam_role_policy_attachment")).map(({ policy_arn }) => policy_arn),
    ).toEqual(["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"]);
    const { Statement } = JSON.parse(resource(json, "aws_iam_role_policy", "ec2_host_policy").policy);
    const others = Statement.filter(
      ({ Sid }: { Sid: string }) => !["Health", "NoOtherParameters"].includes(Sid),
    );
    expect(others).toHaveLength(Statement.length - 2);
    for (const { Action, Resource } of others) {
      for (const action of Action) expect(action).toMatch(/^logs:/);
      for (const arn of Resource)
        expect(arn).toMatch(/^arn:aws:logs:us-east-1:436957243186:log-group:\/ec2\//);
    }
  });

  it.each([
    ["cloudwatch:PutMetricData", "Landfall/Chronos", true],
    ["cloudwatch:PutMetricData", "Landfall/MacroAi", false],
    ["cloudwatch:PutMetricData", "AWS/EC2", false],
    ["cloudwatch:PutMetricAlarm", "Landfall/Chronos", false],
  ])("lets EC2 hosts do %s in %s: %s", (action, namespace, allowed) => {
    const policies = [resource(json, "aws_iam_role_policy", "ec2_host_policy").policy];
    const context = { "cloudwatch:namespace": namespace };
    expect(isAllowed(policies, { action, resource: "*", context })).toBe(allowed);
  });

  it("every role has the boundary, which allows no IAM", () => {
    const roles = Object.values(resources(json, "aws_iam_role"));
    expect(roles.length).toBeGreaterThan(1);
    for (const { permissions_boundary } of roles)
      expect(permissions_boundary).toBe("${aws_iam_policy.boundary.arn}");
    const boundary = resource(json, "aws_iam_policy", "boundary");
    expect(boundary.name).toBe("agt-workload-boundary");
    const asks = (action: string) => isAllowed([boundary.policy], { action, resource: "*" });
    for (const action of ["iam:CreateRole", "sts:AssumeRole", "ec2:RunInstances", "ssm:SendCommand"])
      expect(asks(action)).toBe(false);
    expect(asks("logs:PutLogEvents")).toBe(true);
    const reads = (parameter: string) =>
      isAllowed([boundary.policy], {
        action: "ssm:GetParameter",
        resource: `arn:aws:ssm:us-east-1:436957243186:parameter/${parameter}`,
      });
    expect([reads("landfall/stage/x"), reads("others/password")]).toEqual([true, false]);
  });

  it("the bound holds what hosts do", () => {
    const boundary = resource(json, "aws_iam_policy", "boundary").policy;
    const { Statement } = JSON.parse(resource(json, "aws_iam_role_policy", "ec2_host_policy").policy);
    const allowed = Statement.filter(({ Effect }: { Effect: string }) => Effect === "Allow");
    for (const action of allowed.flatMap(({ Action }: { Action: string[] }) => Action))
      expect([action, isAllowed([boundary], { action, resource: "*" })]).toEqual([action, true]);
  });

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  it("makes one policy, which bounds roles and fits IAM: what deployers may do is no part of it", () => {
    expect(Object.keys(resources(json, "aws_iam_policy"))).toEqual(["boundary"]);
    expect(resource(json, "aws_iam_policy", "boundary").policy.replace(/\s/g, "").length).toBeLessThan(6144);
  });

  it("has a digest that changes with the configuration alone", () => {
    const digest = (inputs = {}) => synthesizeShared(inputs).output.configuration_digest.value;
    expect(digest()).toBe(digest());
    expect(digest({ TF_VAR_nat_gateways: "single" })).not.toBe(digest());
  });
});

describe("an address plan that does not work", () => {
  const problems = (inputs: Record<string, string>) =>
    synthesizeFiles({ "shared.env": { ...sharedEnv, ...inputs } }).broken.flatMap(
      (reading) => reading.problems,
    );

  it.each([
    [
      "subnets that overlap",
      { TF_VAR_public_subnet_cidrs: "us-east-1a=10.0.16.0/24" },
      /public subnet of us-east-1a \(10\.0\.16\.0\/24\) overlaps the public subnet of us-east-1b/,
    ],
    [
      "a subnet outside the VPC",
      { TF_VAR_private_subnet_cidrs: "us-east-1a=10.1.0.0/24" },
      /not inside the VPC's 10\.0\.0\.0\/16/,
    ],
    [
      "a reserved network",
      { TF_VAR_reserved_cidrs: "10.0.128.0/24" },
      /overlaps the reserved 10\.0\.128\.0\/24/,
    ],
    [
      "NAT without private subnets",
      { TF_VAR_nat_gateways: "single", TF_VAR_private_subnets: "false" },
      /there are none/,
    ],
    [
      "zones of another region",
      { TF_VAR_availability_zones: "us-east-1a,eu-west-1b" },
      /eu-west-1b is not in the region us-east-1/,
    ],
    [
      "an existing VPC and a new one's range",
      { TF_VAR_vpc_id: "default", TF_VAR_vpc_cidr: "10.1.0.0/16" },
      /describes a new VPC/,
    ],
    ["an existing VPC without subnets", { TF_VAR_vpc_id: "vpc-0123456789abcdef0" }, /without its subnets/],
  ])("%s", (_, inputs, what) => {
    const found = problems(inputs);
    expect(found).toHaveLength(1);
    expect(found[0]?.what).toMatch(what);
    expect(found[0]?.mend).not.toBe("");
  });

  it("is reported with every overlap and the line", () => {
    const found = problems({
      TF_VAR_reserved_cidrs: "10.0.0.0/8,192.168.0.0/16",
      TF_VAR_vpc_cidr: "10.0.0.0/16",
    });
    expect(found).toEqual([expect.objectContaining({ line: 5, name: "TF_VAR_vpc_cidr" })]);
  });
});
