import { resource, resources, synthesizeShared } from "../support/stacks";

const zonesABC = { TF_VAR_availability_zones: "us-east-1a,us-east-1b,us-east-1c" };

describe("the VPC", () => {
  const json = synthesizeShared();

  it("is dual-stack, with DNS names", () => {
    expect(resource(json, "aws_vpc", "network_vpc")).toMatchObject({
      cidr_block: "10.0.0.0/16",
      assign_generated_ipv6_cidr_block: true,
      enable_dns_hostnames: true,
      enable_dns_support: true,
    });
  });

  it("gives public subnets in two zones public IPv4 and IPv6, and private ones IPv6 alone", () => {
    const subnets = resources(json, "aws_subnet");
    expect(Object.keys(subnets).sort()).toEqual([
      "network_private_us-east-1a",
      "network_private_us-east-1b",
      "network_public_us-east-1a",
      "network_public_us-east-1b",
    ]);
    expect(subnets["network_public_us-east-1b"]).toMatchObject({
      availability_zone: "us-east-1b",
      cidr_block: "10.0.16.0/20",
      map_public_ip_on_launch: true,
      assign_ipv6_address_on_creation: true,
      ipv6_cidr_block: "${cidrsubnet(aws_vpc.network_vpc.ipv6_cidr_block, 8, 1)}",
    });
    expect(subnets["network_private_us-east-1b"]).toMatchObject({
      cidr_block: "10.0.144.0/20",
      map_public_ip_on_launch: false,
      assign_ipv6_address_on_creation: true,
      ipv6_cidr_block: "${cidrsubnet(aws_vpc.network_vpc.ipv6_cidr_block, 8, 9)}",
    });
  });

  it("routes public subnets to the internet gateway, IPv4 and IPv6, and private ones out by IPv6 alone", () => {
    expect(resource(json, "aws_route", "network_public_ipv4")).toMatchObject({
      destination_cidr_block: "0.0.0.0/0",
      gateway_id: "${aws_internet_gateway.network_internet.id}",
    });
    expect(resource(json, "aws_route", "network_public_ipv6")).toMatchObject({
      destination_ipv6_cidr_block: "::/0",
      gateway_id: "${aws_internet_gateway.network_internet.id}",
    });
    expect(resource(json, "aws_route", "network_private_ipv6_us-east-1a")).toMatchObject({
      destination_ipv6_cidr_block: "::/0",
      egress_only_gateway_id: "${aws_egress_only_internet_gateway.network_egress_only.id}",
    });
    const ipv4OutOfPrivate = Object.keys(resources(json, "aws_route")).filter((name) =>
      name.includes("private_ipv4"),
    );
    expect(ipv4OutOfPrivate).toEqual([]);
  });

  it("associates every subnet with a route table and the network ACL", () => {
    const subnetIds = Object.keys(resources(json, "aws_subnet"))
      .map((name) => `\${aws_subnet.${name}.id}`)
      .sort();
    const associated = (type: string) =>
      Object.values(resources(json, type))
        .map(({ subnet_id }) => subnet_id)
        .sort();
    expect(associated("aws_route_table_association")).toEqual(subnetIds);
    expect(associated("aws_network_acl_association")).toEqual(subnetIds);
  });

  it("has free gateway endpoints for S3 and DynamoDB in every route table", () => {
    const tables = Object.keys(resources(json, "aws_route_table"))
      .map((name) => `\${aws_route_table.${name}.id}`)
      .sort();
    for (const service of ["s3", "dynamodb"]) {
      const endpoint = resource(json, "aws_vpc_endpoint", `network_${service}`);
      expect(endpoint).toMatchObject({
        vpc_endpoint_type: "Gateway",
        service_name: `com.amazonaws.us-east-1.${service}`,
      });
      expect([...endpoint.route_table_ids].sort()).toEqual(tables);
    }
  });

  it("closes the default security group", () => {
    const group = resource(json, "aws_default_security_group", "network_default_closed");
    expect(group).not.toHaveProperty("ingress");
    expect(group).not.toHaveProperty("egress");
  });

  it("logs all traffic for a year", () => {
    expect(resource(json, "aws_flow_log", "network_flow_log")).toMatchObject({
      traffic_type: "ALL",
      log_destination: "${aws_cloudwatch_log_group.network_flow_logs.arn}",
    });
    expect(resource(json, "aws_cloudwatch_log_group", "network_flow_logs")).toMatchObject({
      name: "/vpc/agt-shared",
      retention_in_days: "${var.flow_log_retention_days}",
    });
    expect(json.variable.flow_log_retention_days).toMatchObject({ type: "number", default: 365 });
  });
});

describe("growing", () => {
  const before = synthesizeShared({ TF_VAR_private_subnets: "false" });

  it.each([
    ["a third zone", { ...zonesABC, TF_VAR_private_subnets: "false" }],
    ["private subnets", {}],
    ["zones in another order", { TF_VAR_availability_zones: "us-east-1c,us-east-1b,us-east-1a" }],
    ["NAT", { TF_VAR_nat_gateways: "per_az" }],
  ])("by %s changes no subnet, route or association that is there", (_, inputs) => {
    const after = synthesizeShared(inputs);
    for (const type of [
      "aws_subnet",
      "aws_route",
      "aws_route_table",
      "aws_route_table_association",
      "aws_network_acl_rule",
    ]) {
      expect(resources(after, type)).toMatchObject(resources(before, type));
    }
  });

  it("takes given ranges for the zones that have them alone", () => {
    const json = synthesizeShared({ TF_VAR_public_subnet_cidrs: "us-east-1a=10.0.240.0/24" });
    expect(resource(json, "aws_subnet", "network_public_us-east-1a").cidr_block).toBe("10.0.240.0/24");
    expect(resource(json, "aws_subnet", "network_public_us-east-1b").cidr_block).toBe("10.0.16.0/20");
  });
});

describe("NAT", () => {
  const natRoutes = (json: ReturnType<typeof synthesizeShared>) =>
    Object.entries(resources(json, "aws_route"))
      .filter(([, { nat_gateway_id }]) => nat_gateway_id)
      .map(([name, { nat_gateway_id }]) => [name, nat_gateway_id]);

  it("is none unless asked for", () => {
    const json = synthesizeShared();
    expect(resources(json, "aws_nat_gateway")).toEqual({});
    expect(natRoutes(json)).toEqual([]);
  });

  it("is one for all zones", () => {
    const json = synthesizeShared({ TF_VAR_nat_gateways: "single" });
    expect(Object.keys(resources(json, "aws_nat_gateway"))).toEqual(["network_nat"]);
    expect(natRoutes(json)).toEqual([
      ["network_private_ipv4_us-east-1a", "${aws_nat_gateway.network_nat.id}"],
      ["network_private_ipv4_us-east-1b", "${aws_nat_gateway.network_nat.id}"],
    ]);
  });

  it("is one in each zone, each with its own address", () => {
    const json = synthesizeShared({ TF_VAR_nat_gateways: "per_az" });
    expect(natRoutes(json)).toEqual([
      ["network_private_ipv4_us-east-1a", "${aws_nat_gateway.network_nat.id}"],
      ["network_private_ipv4_us-east-1b", "${aws_nat_gateway.network_nat_us-east-1b.id}"],
    ]);
    expect(resource(json, "aws_nat_gateway", "network_nat_us-east-1b")).toMatchObject({
      subnet_id: "${aws_subnet.network_public_us-east-1b.id}",
      allocation_id: "${aws_eip.network_nat_address_us-east-1b.id}",
    });
  });

  it.each(["single", "per_az"])(
    "keeps every gateway and address (%s) when a zone comes before the others",
    (nat) => {
      const made = (zones: string) => {
        const json = synthesizeShared({ TF_VAR_nat_gateways: nat, TF_VAR_availability_zones: zones });
        // The first stays in the subnet that it was made in
        for (const gateway of Object.values(resources(json, "aws_nat_gateway")))
          if (gateway.lifecycle?.ignore_changes.includes("subnet_id")) delete gateway.subnet_id;
        return json;
      };
      const before = made("us-east-1b,us-east-1c");
      const after = made("us-east-1a,us-east-1b,us-east-1c");
      const otherOrder = made("us-east-1c,us-east-1b");
      for (const type of ["aws_nat_gateway", "aws_eip"]) {
        expect(resources(after, type)).toMatchObject(resources(before, type));
        expect(resources(otherOrder, type)).toEqual(resources(before, type));
      }
    },
  );
});

describe("the network ACL", () => {
  const rules = (json: ReturnType<typeof synthesizeShared>) =>
    Object.values(resources(json, "aws_network_acl_rule")).filter(({ egress }) => !egress);
  const fromAnywhere = (json: ReturnType<typeof synthesizeShared>) =>
    rules(json).filter(
      ({ cidr_block, ipv6_cidr_block }) => cidr_block === "0.0.0.0/0" || ipv6_cidr_block === "::/0",
    );

  it("lets the world reach 80, 443 and high ports, IPv4 and IPv6, and no other low port", () => {
    const tcp = fromAnywhere(synthesizeShared())
      .filter(({ protocol }) => protocol === "tcp")
      .map(({ from_port, to_port, cidr_block }) => `${from_port}-${to_port} ${cidr_block ? "IPv4" : "IPv6"}`);
    expect(tcp.sort()).toEqual([
      "1024-65535 IPv4",
      "1024-65535 IPv6",
      "443-443 IPv4",
      "443-443 IPv6",
      "80-80 IPv4",
      "80-80 IPv6",
    ]);
    expect(fromAnywhere(synthesizeShared()).filter(({ protocol }) => protocol === "-1")).toEqual([]);
  });

  it("can be restricted to no low port at all, and opened to networks by name", () => {
    const json = synthesizeShared({
      TF_VAR_network_acl_public_ports: "443",
      TF_VAR_network_acl_admin_cidrs: "203.0.113.0/24,2001:db8::/32",
    });
    expect(fromAnywhere(json).filter(({ from_port }) => from_port === 80)).toEqual([]);
    expect(resource(json, "aws_network_acl_rule", "network_acl_in_admin_203-0-113-0-24")).toMatchObject({
      protocol: "-1",
      cidr_block: "203.0.113.0/24",
    });
    expect(resource(json, "aws_network_acl_rule", "network_acl_in_admin_2001-db8---32")).toMatchObject({
      protocol: "-1",
      ipv6_cidr_block: "2001:db8::/32",
    });
  });

  it("numbers rules apart", () => {
    const numbers = rules(synthesizeShared({ TF_VAR_network_acl_public_ports: "22,80,443,1000-1023" })).map(
      ({ rule_number }) => rule_number,
    );
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it("leaves every rule its number when another goes, and stays below AWS's highest", () => {
    const cidrs = ["203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24", "2001:db8::/32"];
    const numbered = (admins: readonly string[]) =>
      Object.fromEntries(
        rules(
          synthesizeShared({
            TF_VAR_network_acl_public_ports: "1023",
            TF_VAR_network_acl_admin_cidrs: admins.join(","),
          }),
        ).map(({ rule_number, cidr_block, ipv6_cidr_block, from_port }) => [
          [cidr_block ?? ipv6_cidr_block, from_port].join(),
          rule_number as number,
        ]),
      );
    const all = numbered(cidrs);
    for (const gone of cidrs) expect(all).toMatchObject(numbered(cidrs.filter((cidr) => cidr !== gone)));
    expect(Math.max(...Object.values(all))).toBeLessThanOrEqual(32_766);
  });
});

describe("an existing network", () => {
  const created = [
    "aws_vpc",
    "aws_subnet",
    "aws_route",
    "aws_route_table",
    "aws_network_acl",
    "aws_vpc_endpoint",
    "aws_nat_gateway",
    "aws_flow_log",
    "aws_default_security_group",
  ];

  it.each([
    [
      "by id",
      { TF_VAR_vpc_id: "vpc-0123456789abcdef0", TF_VAR_public_subnet_ids: "subnet-0123456789abcdef0" },
    ],
    ["the account's default", { TF_VAR_vpc_id: "default" }],
  ])("%s is used as it is", (_, inputs) => {
    const json = synthesizeShared(inputs);
    for (const type of created) expect(resources(json, type)).toEqual({});
    expect(json.output.vpc_id.value).toBe("${data.aws_vpc.network_vpc.id}");
    expect(json.output.public_subnets.value).toContain("data.aws_subnet.network_public");
  });

  it("looks the default VPC's subnets up", () => {
    const json = synthesizeShared({ TF_VAR_vpc_id: "default" });
    expect(json.data.aws_vpc.network_vpc).toMatchObject({ default: true });
    expect(json.data.aws_subnet.network_public.for_each).toBe(
      "${toset(data.aws_subnets.network_default.ids)}",
    );
  });
});
