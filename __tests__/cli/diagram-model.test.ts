import { buildGraph } from "../../cli/diagram/build";
import type { Edge, Graph, Node } from "../../cli/diagram/graph";
import { overlap } from "../../cli/diagram/policy";
import type { StackJson } from "../../cli/diagram/inventory";
import { synthesized } from "../scan/synthesized";

type Resources = Record<string, Record<string, Record<string, unknown>>>;

const graphOf = (resource: Resources, shared?: StackJson, environment: NodeJS.ProcessEnv = {}): Graph =>
  buildGraph(
    [{ name: "stage", json: { resource } }, ...(shared ? [{ name: "shared", json: shared }] : [])],
    environment,
  );

const nodeOf = ({ nodes }: Graph, id: string): Node => {
  const found = nodes.find((node) => node.id === id);
  if (!found) throw new Error(`no ${id}; there are ${nodes.map((node) => node.id).join(", ")}`);
  return found;
};
const lineOf = ({ from, to, kind, label }: Edge): string =>
  `${kind} ${from} -> ${to}${label ? ` ${label}` : ""}`;
const linesOf = (graph: Graph): string[] => graph.edges.map(lineOf);

const host = (...groups: string[]) => ({
  instance_type: "t3.micro",
  vpc_security_group_ids: groups.map((group) => `\${aws_security_group.${group}.id}`),
});
const groups = (...names: string[]) => Object.fromEntries(names.map((name) => [name, { name }]));
const rule = (group: string, port: number, end: Record<string, unknown>) => ({
  security_group_id: `\${aws_security_group.${group}.id}`,
  ip_protocol: "tcp",
  from_port: port,
  to_port: port,
  ...end,
});
const from = (group: string) => ({ referenced_security_group_id: `\${aws_security_group.${group}.id}` });

describe("network edges", () => {
  const two = {
    aws_instance: { web: host("web"), app: host("app") },
    aws_security_group: groups("web", "app"),
  };
  const both = {
    aws_vpc_security_group_ingress_rule: { in: rule("app", 3000, from("web")) },
    aws_vpc_security_group_egress_rule: { out: rule("web", 3000, from("app")) },
  };
  const between = "network aws_instance.web -> aws_instance.app 3000";

  test("lead where both ends' groups let it pass, and know their rules", () => {
    const { edges } = graphOf({ ...two, ...both });
    expect(edges.map(lineOf)).toEqual([between]);
    expect(edges[0]?.addresses).toEqual([
      "aws_vpc_security_group_egress_rule.out",
      "aws_vpc_security_group_ingress_rule.in",
    ]);
  });

  test.each([
    ["without rules", {}],
    ["that nothing lets in", { ...both, aws_vpc_security_group_ingress_rule: {} }],
    ["that nothing lets out", { ...both, aws_vpc_security_group_egress_rule: {} }],
    [
      "that nothing lets out to that group",
      { ...both, aws_vpc_security_group_egress_rule: { out: rule("web", 3000, from("web")) } },
    ],
    [
      "that another port is let out for",
      { ...both, aws_vpc_security_group_egress_rule: { out: rule("web", 3001, from("app")) } },
    ],
    [
      "that another protocol is let out for",
      {
        ...both,
        aws_vpc_security_group_egress_rule: {
          out: { ...rule("web", 3000, from("app")), ip_protocol: "udp" },
        },
      },
    ],
  ])("do not lead %s", (_, rules) => {
    expect(linesOf(graphOf({ ...two, ...rules }))).toEqual([]);
  });

  test("do not lead inside where only a network elsewhere is let out to", () => {
    const out = (cidr: string) => ({
      ...two,
      ...both,
      aws_vpc_security_group_egress_rule: { out: rule("web", 3000, { cidr_ipv4: cidr }) },
    });
    expect(linesOf(graphOf(out("198.51.100.0/24")))).toEqual([
      "network aws_instance.web -> networks:198.51.100.0/24 3000",
    ]);
    expect(linesOf(graphOf(out("10.0.0.0/8")))).toContain(between);
  });

  test("have the ports that both rules have", () => {
    const graph = graphOf({
      ...two,
      aws_vpc_security_group_ingress_rule: {
        in: { ...rule("app", 0, from("web")), from_port: 8000, to_port: 8100 },
      },
      aws_vpc_security_group_egress_rule: {
        out: { ...rule("web", 0, { cidr_ipv4: "0.0.0.0/0" }), from_port: 8050, to_port: 9000 },
      },
    });
    expect(linesOf(graph)).toContain("network aws_instance.web -> aws_instance.app 8050–8100");
  });

  test("come from and go to the Internet, once for IPv4 and IPv6", () => {
    const graph = graphOf({
      ...two,
      aws_vpc_security_group_ingress_rule: {
        a: rule("web", 443, { cidr_ipv4: "0.0.0.0/0" }),
        b: rule("web", 443, { cidr_ipv6: "::/0" }),
        c: rule("web", 80, { cidr_ipv4: "0.0.0.0/0" }),
      },
      aws_vpc_security_group_egress_rule: {
        d: { security_group_id: "${aws_security_group.app.id}", ip_protocol: "-1", cidr_ipv4: "0.0.0.0/0" },
      },
    });
    expect(linesOf(graph)).toEqual([
      "network aws_instance.app -> internet all",
      "network internet -> aws_instance.web 80, 443",
    ]);
  });

  test("come from networks, prefix lists and what only Terraform knows, each told as it is", () => {
    const graph = graphOf({
      ...two,
      aws_vpc_security_group_ingress_rule: {
        a: rule("web", 22, { cidr_ipv4: "203.0.113.0/24" }),
        b: rule("web", 22, { cidr_ipv6: "2001:db8::/32" }),
        c: rule("web", 8080, { prefix_list_id: "pl-1234" }),
        d: rule("app", 22, { cidr_ipv4: "${data.http.me.body}/32" }),
        e: rule("app", 23, { referenced_security_group_id: "sg-0123" }),
      },
    });
    const outside = graph.nodes.filter(({ kind }) => kind === "networks").map(({ details }) => details);
    expect(outside).toEqual([
      ["2001:db8::/32", "203.0.113.0/24"],
      ["data.http.me.body/32"],
      ["pl-1234"],
      ["sg-0123"],
    ]);
    expect(linesOf(graph)).toContain("network networks:pl-1234 -> aws_instance.web 8080");
  });

  test("fill in variables", () => {
    const json = {
      variable: { office: { default: "198.51.100.0/24" } },
      resource: {
        ...two,
        aws_vpc_security_group_ingress_rule: { a: rule("web", 22, { cidr_ipv4: "${var.office}" }) },
      },
    };
    expect(linesOf(buildGraph([{ name: "stage", json }]))).toEqual([
      "network networks:198.51.100.0/24 -> aws_instance.web 22",
    ]);
    expect(linesOf(buildGraph([{ name: "stage", json }], { TF_VAR_office: "0.0.0.0/0" }))).toEqual([
      "network internet -> aws_instance.web 22",
    ]);
  });

  test("lead from each member of a group to each of the other, and within one by a rule about itself", () => {
    const graph = graphOf({
      aws_instance: { a: host("peers"), b: { ...host("peers"), instance_type: "t3.small" } },
      aws_security_group: {
        peers: {
          ingress: [{ protocol: "tcp", from_port: 7946, to_port: 7946, self: true }],
          egress: [{ protocol: "-1", from_port: 0, to_port: 0, self: true }],
        },
      },
    });
    expect(linesOf(graph)).toEqual([
      "network aws_instance.a -> aws_instance.a 7946",
      "network aws_instance.a -> aws_instance.b 7946",
      "network aws_instance.b -> aws_instance.a 7946",
      "network aws_instance.b -> aws_instance.b 7946",
    ]);
  });

  test("find a host by its Elastic IP in shared", () => {
    const address = '${try(data.terraform_remote_state.shared.outputs.addresses["app"].public_ip, null)}/32';
    const allocation = '${data.terraform_remote_state.shared.outputs.addresses["app"].allocation_id}';
    const shared = {
      resource: { aws_eip: { app: {}, other: {} } },
      output: {
        addresses: {
          value: { app: { public_ip: "${aws_eip.app.public_ip}", allocation_id: "${aws_eip.app.id}" } },
        },
      },
    };
    const graph = graphOf(
      {
        ...two,
        aws_eip_association: { app: { allocation_id: allocation, instance_id: "${aws_instance.app.id}" } },
        aws_vpc_security_group_ingress_rule: { in: rule("app", 3000, from("web")) },
        aws_vpc_security_group_egress_rule: { out: rule("web", 3000, { cidr_ipv4: address }) },
      },
      shared,
    );
    expect(linesOf(graph)).toEqual([between]);
  });

  test("read rules of the older kind", () => {
    const old = (group: string, type: string, port: number, end: object) => ({
      security_group_id: `\${aws_security_group.${group}.id}`,
      type,
      protocol: "tcp",
      from_port: port,
      to_port: port,
      ...end,
    });
    const graph = graphOf({
      ...two,
      aws_security_group_rule: {
        in: old("app", "ingress", 3000, { source_security_group_id: "${aws_security_group.web.id}" }),
        out: old("web", "egress", 3000, { source_security_group_id: "${aws_security_group.app.id}" }),
      },
    });
    expect(linesOf(graph)).toEqual([between]);
  });
});

describe("access edges", () => {
  const withPolicy = (statements: readonly object[], rest: Resources = {}): Graph =>
    graphOf({
      aws_instance: { app: { iam_instance_profile: "${aws_iam_instance_profile.app.name}" } },
      aws_iam_instance_profile: { app: { role: "${aws_iam_role.app.name}" } },
      aws_iam_role: { app: {}, other: {} },
      aws_iam_role_policy: {
        own: {
          role: "${aws_iam_role.app.id}",
          policy: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
        },
      },
      aws_s3_bucket: { files: { bucket: "acme-files" }, others: { bucket: "acme-files-others" } },
      ...rest,
    });
  const allow = (actions: string | string[], resource: string | string[], rest: object = {}) => ({
    Effect: "Allow",
    Action: actions,
    Resource: resource,
    ...rest,
  });
  const toFiles = (label: string) => [`access aws_instance.app -> aws_s3_bucket.files ${label}`];

  test.each([
    ["an ARN", "s3:GetObject", "arn:aws:s3:::acme-files/*", "read"],
    ["a part of a bucket", "s3:PutObject", "arn:aws:s3:::acme-files/raw/*", "write"],
    ["a reference", ["s3:GetObject", "s3:DeleteObject"], "${aws_s3_bucket.files.arn}/*", "read, write"],
    ["a name by reference", "s3:Get*", "arn:aws:s3:::${aws_s3_bucket.files.bucket}/*", "read"],
    [
      "a partition that only Terraform knows",
      "s3:*",
      "arn:${data.aws_partition.p.partition}:s3:::acme-files/*",
      "read, write",
    ],
  ])("find a bucket by %s", (_, actions, resource, label) => {
    expect(linesOf(withPolicy([allow(actions, resource)]))).toEqual(toFiles(label));
  });

  test.each([
    ["nothing is allowed", []],
    ["it is about another bucket", [allow("s3:GetObject", "arn:aws:s3:::acme-file/*")]],
    ["only listing is allowed", [allow("s3:ListBucket", "arn:aws:s3:::acme-files")]],
    ["only the bucket itself is named", [allow("s3:GetObject", "arn:aws:s3:::acme-files")]],
    ["the resource is an expression that only Terraform knows", [allow("s3:*", "${data.x.y.arn}/*")]],
    ["another service is named", [allow("*", "arn:aws:sqs:*:*:acme-files")]],
    [
      "it is denied too",
      [allow("s3:GetObject", "*"), { Effect: "Deny", Action: "s3:*", Resource: "arn:aws:s3:::*" }],
    ],
    [
      "everything else is denied",
      [allow("s3:GetObject", "*"), { Effect: "Deny", Action: "s3:*", NotResource: ["arn:aws:s3:::x/*"] }],
    ],
  ])("do not lead where %s", (_, statements) => {
    expect(linesOf(withPolicy(statements))).toEqual([]);
  });

  test("lead where a denial has a condition, or is about a part", () => {
    const deny = { Effect: "Deny", Action: "s3:*", Resource: "arn:aws:s3:::acme-files/*" };
    const read = allow("s3:GetObject", "${aws_s3_bucket.files.arn}/*");
    expect(linesOf(withPolicy([read, { ...deny, Condition: { Bool: {} } }]))).toEqual(toFiles("read"));
    expect(linesOf(withPolicy([read, { ...deny, Resource: "arn:aws:s3:::acme-files/raw/*" }]))).toEqual(
      toFiles("read"),
    );
  });

  test("are not those of a role that the host does not have, nor of a policy that cannot be read", () => {
    const statements = JSON.stringify({ Statement: [allow("s3:*", "*")] });
    const policies = (role: string, policy: string) => ({
      aws_iam_role_policy: { own: { role: `\${aws_iam_role.${role}.id}`, policy } },
    });
    expect(linesOf(withPolicy([], policies("other", statements)))).toEqual([]);
    expect(linesOf(withPolicy([], policies("app", "${data.aws_iam_policy_document.p.json}")))).toEqual([]);
    expect(linesOf(withPolicy([], policies("app", statements)))).toHaveLength(2);
  });

  test("follow an attached policy of ours", () => {
    const policy = JSON.stringify({ Statement: [allow("s3:GetObject", "arn:aws:s3:::acme-files/*")] });
    const graph = withPolicy([], {
      aws_iam_policy: { files: { policy } },
      aws_iam_role_policy_attachment: {
        files: { role: "${aws_iam_role.app.name}", policy_arn: "${aws_iam_policy.files.arn}" },
        aws: { role: "${aws_iam_role.app.name}", policy_arn: "arn:aws:iam::aws:policy/ReadOnlyAccess" },
      },
    });
    expect(linesOf(graph)).toEqual(toFiles("read"));
  });

  test("say how many of a system's secrets are read", () => {
    const secret = (name: string) => ({ name, tags: { System: "web" } });
    const graph = withPolicy(
      [allow("secretsmanager:GetSecretValue", ["${aws_secretsmanager_secret.a.arn}"])],
      { aws_secretsmanager_secret: { a: secret("a"), b: secret("b") } },
    );
    expect(linesOf(graph)).toEqual(["access aws_instance.app -> system:web/secrets read 1 of 2"]);
    expect(nodeOf(graph, "system:web/secrets").addresses).toHaveLength(2);
  });

  test.each([
    ["aws_dynamodb_table", "dynamodb:Query", "arn:aws:dynamodb:us-east-1:1:table/it", "read"],
    ["aws_sqs_queue", "sqs:SendMessage", "arn:aws:sqs:us-east-1:1:it", "write"],
    ["aws_sns_topic", "sns:Publish", "arn:aws:sns:us-east-1:1:it", "write"],
    ["aws_efs_file_system", "elasticfilesystem:ClientMount", "${aws_efs_file_system.it.arn}", "read"],
  ])("know %s", (type, action, resource, label) => {
    const graph = withPolicy([allow(action, resource)], { [type]: { it: { name: "it" } } });
    expect(linesOf(graph)).toEqual([`access aws_instance.app -> ${type}.it ${label}`]);
  });

  test("know a parameter by its path", () => {
    const graph = withPolicy(
      [allow("ssm:GetParametersByPath", "arn:aws:ssm:us-east-1:1:parameter/stage/*")],
      {
        aws_ssm_parameter: {
          a: { name: "/stage/a" },
          b: { name: "/prod/b" },
          c: { name: "/stage/c", type: "SecureString" },
        },
      },
    );
    expect(linesOf(graph)).toEqual([
      "access aws_instance.app -> environment/parameters read 1 of 2",
      "access aws_instance.app -> environment/secrets read",
    ]);
  });
});

test.each([
  ["arn:aws:s3:::a/*", "arn:*:s3:::a/b/*", true],
  ["arn:aws:s3:::a/*", "arn:*:s3:::b/*", false],
  ["arn:aws:s3:::*", "arn:*:s3:::b/*", true],
  ["*", "arn:*:sqs:*:*:q", true],
  ["arn:aws:sqs:us-east-1:1:q?", "arn:*:sqs:*:*:q1", true],
  ["arn:aws:sqs:us-east-1:1:q?", "arn:*:sqs:*:*:q", false],
  ["arn:aws:sqs", "arn:*:sqs:*:*:q", false],
])("%s and %s have ARNs in common: %s", (a, b, expected) => {
  expect(overlap(a, b)).toBe(expected);
});

describe("invocation edges", () => {
  const task = "${aws_ecs_task_definition.nightly.arn}";
  const tasks = { aws_ecs_task_definition: { nightly: { family: "nightly", cpu: "512", memory: "1024" } } };

  test("lead from a schedule to its task, which is in its subnets and groups", () => {
    const network = {
      subnets: "${values(data.terraform_remote_state.shared.outputs.private_subnets)}",
      security_groups: ["${aws_security_group.tasks.id}"],
    };
    const graph = graphOf({
      ...tasks,
      aws_security_group: groups("tasks"),
      aws_vpc_security_group_egress_rule: { out: rule("tasks", 443, { cidr_ipv4: "0.0.0.0/0" }) },
      aws_scheduler_schedule: {
        night: {
          schedule_expression: "cron(0 3 * * ? *)",
          target: {
            arn: "${aws_ecs_cluster.c.arn}",
            ecs_parameters: { task_definition_arn: task, network_configuration: network },
          },
        },
      },
    });
    expect(linesOf(graph)).toEqual([
      "network aws_ecs_task_definition.nightly -> internet 443",
      "invocation aws_scheduler_schedule.night -> aws_ecs_task_definition.nightly",
    ]);
    expect(nodeOf(graph, "aws_ecs_task_definition.nightly")).toMatchObject({
      kind: "task",
      box: "environment/private",
      details: ["0.5 vCPU, 1 GB", "Fargate"],
    });
    expect(nodeOf(graph, "aws_scheduler_schedule.night").details).toEqual(["cron(0 3 * * ? *) UTC"]);
  });

  test("lead from an event rule to a queue, and there is no rule without such a target", () => {
    const graph = graphOf({
      aws_sqs_queue: { q: {} },
      aws_cloudwatch_log_group: { log: {} },
      aws_cloudwatch_event_rule: { some: {}, other: {} },
      aws_cloudwatch_event_target: {
        queue: { rule: "${aws_cloudwatch_event_rule.some.name}", arn: "${aws_sqs_queue.q.arn}" },
        log: { rule: "${aws_cloudwatch_event_rule.other.name}", arn: "${aws_cloudwatch_log_group.log.arn}" },
      },
    });
    expect(linesOf(graph)).toEqual(["invocation aws_cloudwatch_event_rule.some -> aws_sqs_queue.q"]);
    expect(graph.nodes.map(({ id }) => id)).toEqual(["aws_cloudwatch_event_rule.some", "aws_sqs_queue.q"]);
  });

  test("a service's task definition is no task of its own, but part of the service", () => {
    const graph = graphOf({
      ...tasks,
      aws_ecs_service: { web: { task_definition: task, desired_count: 2 } },
    });
    expect(graph.nodes.map(({ id }) => id)).toEqual(["aws_ecs_service.web"]);
    expect(nodeOf(graph, "aws_ecs_service.web")).toMatchObject({
      details: ["0.5 vCPU, 1 GB", "2 × Fargate"],
      parts: ["aws_ecs_task_definition.nightly"],
    });
  });
});

describe("nodes", () => {
  test("hosts that are alike are one, others are not", () => {
    const graph = graphOf({
      aws_instance: {
        a: host("x"),
        b: host("x"),
        c: host("y"),
        d: { ...host("x"), instance_type: "t3.large" },
      },
      aws_security_group: groups("x", "y"),
    });
    expect(graph.nodes.map(({ title, addresses }) => [title, addresses])).toEqual([
      ["2 hosts", ["aws_instance.a", "aws_instance.b"]],
      ["c", ["aws_instance.c"]],
      ["d", ["aws_instance.d"]],
    ]);
  });

  test("a database is in its subnet group's subnets", () => {
    const graph = graphOf({
      aws_db_subnet_group: { db: { subnet_ids: ["${aws_subnet.a.id}"] } },
      aws_subnet: { a: { map_public_ip_on_launch: false } },
      aws_db_instance: {
        main: {
          engine: "postgres",
          engine_version: "16.4",
          instance_class: "db.t3.small",
          multi_az: true,
          db_subnet_group_name: "${aws_db_subnet_group.db.name}",
        },
      },
    });
    expect(nodeOf(graph, "aws_db_instance.main")).toMatchObject({
      box: "environment/private",
      details: ["postgres 16.4", "db.t3.small, Multi-AZ"],
    });
  });

  test("the way out of subnets is drawn from their routes", () => {
    const graph = buildGraph([
      {
        name: "shared",
        json: {
          resource: {
            aws_subnet: { a: { tags: { Tier: "public" } }, b: { tags: { Tier: "private" } } },
            aws_nat_gateway: { nat: {} },
            aws_internet_gateway: { gate: {} },
            aws_route_table: { out: {}, inner: {} },
            aws_route_table_association: {
              a: { route_table_id: "${aws_route_table.out.id}", subnet_id: "${aws_subnet.a.id}" },
              b: { route_table_id: "${aws_route_table.inner.id}", subnet_id: "${aws_subnet.b.id}" },
            },
            aws_route: {
              a: {
                route_table_id: "${aws_route_table.out.id}",
                gateway_id: "${aws_internet_gateway.gate.id}",
              },
              b: {
                route_table_id: "${aws_route_table.inner.id}",
                nat_gateway_id: "${aws_nat_gateway.nat.id}",
              },
            },
          },
        },
      },
    ]);
    expect(linesOf(graph)).toEqual([
      "route shared/nat -> internet",
      "route shared/private-subnets -> shared/nat",
      "route shared/public-subnets -> internet",
    ]);
  });

  test("an empty stack is an empty graph", () => {
    expect(graphOf({})).toEqual({ name: "stage", boxes: [], nodes: [], edges: [] });
  });
});

describe("of all systems", () => {
  const stacks = synthesized();
  const graph = (order: (list: string[]) => string[] = (list) => list): Graph =>
    buildGraph(
      ["prod", "shared"].map((name) => ({ name, json: reordered(stacks.get(name) as StackJson, order) })),
    );
  const prod = graph();

  /** With its blocks in another order. */
  function reordered(json: StackJson, order: (list: string[]) => string[]): StackJson {
    const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries(order(Object.keys(record)).map((key) => [key, record[key] as T]));
    const resource = Object.fromEntries(
      Object.entries(sorted(json.resource ?? {})).map(([type, blocks]) => [type, sorted(blocks)]),
    );
    return { ...json, resource };
  }

  test("the order of the JSON does not matter", () => {
    expect(graph((list) => [...list].reverse())).toEqual(prod);
  });

  test("every edge leads from a node to a node, and every node is in a box that is there", () => {
    const ids = new Set(prod.nodes.map(({ id }) => id));
    const boxes = new Set(prod.boxes.map(({ id }) => id));
    expect(ids.size).toBe(prod.nodes.length);
    expect(prod.edges.filter(({ from, to }) => !ids.has(from) || !ids.has(to))).toEqual([]);
    expect(prod.nodes.filter(({ box }) => box !== undefined && !boxes.has(box))).toEqual([]);
  });

  test("a resource belongs to one node at most", () => {
    const all = prod.nodes.flatMap(({ addresses, parts }) => [...addresses, ...parts]);
    expect(all.filter((address, index) => all.indexOf(address) !== index)).toEqual([]);
    expect(nodeOf(prod, "aws_s3_bucket.viewer-atlas_data_lake").parts).toContain(
      "aws_s3_bucket_policy.viewer-atlas_data_lake_policy",
    );
    expect(nodeOf(prod, "aws_instance.x-scheduler_host").parts).toContain(
      "aws_iam_role_policy.x-scheduler_host_role_policy",
    );
  });

  const lines = linesOf(prod);
  test.each([
    "network internet -> aws_lb.macro-ai_balancer 80, 443",
    "network aws_lb.macro-ai_balancer -> aws_autoscaling_group.macro-ai_group 3030",
    "network aws_instance.chronos_host_edge-1 -> aws_instance.chronos_host_dashboard 7000",
    "access aws_instance.x-scheduler_host -> aws_dynamodb_table.x-scheduler_tokens read, write",
    "access aws_ecs_service.viewer-atlas_collector -> aws_s3_bucket.viewer-atlas_data_lake write",
    "access aws_ecs_service.viewer-atlas_collector -> system:viewer-atlas/secrets read",
    "access aws_ecs_task_definition.viewer-atlas_analysis_task -> aws_s3_bucket.viewer-atlas_data_lake read, write",
    "invocation aws_scheduler_schedule.viewer-atlas_analysis_schedule -> aws_ecs_task_definition.viewer-atlas_analysis_task",
  ])("%s", (line) => {
    expect(lines).toContain(line);
  });

  test("nothing leads from one system to another, and the analysis does not read the Twitch secrets", () => {
    const systemOf = (id: string) =>
      /(?:system:|\.)(chronos|macro-ai|viewer-atlas|x-scheduler)/.exec(id)?.[1];
    const across = prod.edges.filter(({ from, to }) => {
      const [a, b] = [systemOf(from), systemOf(to)];
      return a !== undefined && b !== undefined && a !== b;
    });
    expect(across.map(lineOf)).toEqual([]);
    expect(lines.filter((line) => /analysis_task -> .*secrets/.test(line))).toEqual([]);
    expect(
      lines.filter((line) => /internet -> .*(macro-ai_group|x-scheduler_host|viewer-atlas)/.test(line)),
    ).toEqual([]);
  });
});
