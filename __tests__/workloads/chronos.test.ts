import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { projectRoot } from "../../environments/root";
import {
  resource,
  resources,
  synthesizeFiles,
  synthesizeStage,
  environmentEnv,
  sharedEnv,
  publicKey,
} from "../support/stacks";

const userData = (json: ReturnType<typeof synthesizeStage>, host = "dashboard"): string =>
  json.locals[`chronos_user_data_${host}`];
/** The cloud-config as Terraform resolves it without further keys. */
const resolved = (text: string): string =>
  text.replace(/^%\{ if .*%\{ endif \}$/m, "").replace(/([$%])\1\{/g, "$1{");
interface CloudConfig {
  readonly write_files: readonly {
    readonly path: string;
    readonly permissions: string;
    readonly content: string;
  }[];
  readonly runcmd: unknown;
}
/** Lines of the file of a host's settings. */
const settings = (text: string): string[] => {
  const { write_files } = parse(resolved(text)) as CloudConfig;
  const file = write_files.find(({ path }) => path === "/etc/landfall/host.env");
  return file?.content.trimEnd().split("\n") ?? [];
};

describe("the dashboard host", () => {
  const json = synthesizeStage();
  const host = resource(json, "aws_instance", "chronos_host_dashboard");

  it("is hardened and watched", () => {
    expect(host).toMatchObject({
      instance_type: "t3.medium",
      metadata_options: { http_endpoint: "enabled", http_tokens: "required", http_put_response_hop_limit: 1 },
      root_block_device: {
        volume_type: "gp3",
        encrypted: true,
        volume_size: "${var.dashboard_volume_size}",
        tags: { Name: "stage-dashboard", System: "chronos" },
      },
      monitoring: true,
      ebs_optimized: true,
      maintenance_options: { auto_recovery: "default" },
      iam_instance_profile: "${data.terraform_remote_state.shared.outputs.ec2_instance_profile}",
      tags: { Name: "stage-dashboard", System: "chronos" },
    });
    expect(
      resource(json, "aws_cloudwatch_metric_alarm", "chronos_host_dashboard_system_check"),
    ).toMatchObject({
      metric_name: "StatusCheckFailed_System",
      alarm_actions: ["arn:aws:automate:us-east-1:ec2:recover"],
      dimensions: { InstanceId: "${aws_instance.chronos_host_dashboard.id}" },
    });
  });

  it("starts from the newest Amazon Linux 2023 and is not replaced by a newer one", () => {
    expect(host.ami).toBe("${data.aws_ssm_parameter.chronos_host_dashboard_ami.insecure_value}");
    expect(json.data.aws_ssm_parameter.chronos_host_dashboard_ami.name).toBe(
      "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    );
    expect(host.lifecycle.ignore_changes).toContain("ami");
  });

  it("is replaced by another given AMI", () => {
    const given = resource(
      synthesizeStage({ TF_VAR_dashboard_ami_id: "ami-0123456789abcdef0" }),
      "aws_instance",
      "chronos_host_dashboard",
    );
    expect(given.ami).toBe("ami-0123456789abcdef0");
    expect(given.lifecycle.ignore_changes).not.toContain("ami");
  });

  it.each([
    ["t4g.small", "arm64"],
    ["m7gd.large", "arm64"],
    ["g5.xlarge", "x86_64"],
    ["t3.small", "x86_64"],
  ])("of type %s gets an image for %s", (type, architecture) => {
    const ami = synthesizeStage({ TF_VAR_dashboard_instance_type: type }).data.aws_ssm_parameter
      .chronos_host_dashboard_ami;
    expect(ami.name).toMatch(new RegExp(`-${architecture}$`));
  });

  it("is not EBS-optimized on t2, where EC2 refuses it", () => {
    const host = resource(
      synthesizeStage({ TF_VAR_dashboard_instance_type: "t2.micro" }),
      "aws_instance",
      "chronos_host_dashboard",
    );
    expect(host.ebs_optimized).toBe(false);
  });

  it("keeps its address, and says what to add where shared has none", () => {
    expect(resource(json, "aws_eip_association", "chronos_host_dashboard_address")).toEqual(
      expect.objectContaining({
        instance_id: "${aws_instance.chronos_host_dashboard.id}",
        allocation_id:
          '${try(data.terraform_remote_state.shared.outputs.addresses["stage-dashboard"].allocation_id, null)}',
      }),
    );
    const [precondition] = host.lifecycle.precondition;
    expect(precondition.condition).toContain(
      'contains(try(keys(data.terraform_remote_state.shared.outputs.addresses), []), "stage-dashboard")',
    );
    expect(precondition.error_message).toMatch(/Add stage-dashboard to TF_VAR_addresses in .*shared\.env/);
  });

  it("reads shared by remote state, without a dependency between stacks", () => {
    expect(json.data.terraform_remote_state.shared).toMatchObject({
      backend: "s3",
      config: {
        bucket: "agt-chronos-terraform-state-storage",
        key: "shared/terraform.tfstate",
        region: "us-east-1",
      },
    });
    expect(JSON.stringify(json)).not.toContain("cross-stack");
  });

  it.each([
    ["stage", false],
    ["prod", true],
  ])("in %s is protected from EC2's and Terraform's destroy: %s", (name, protection) => {
    const synthesized = synthesizeFiles(
      { "shared.env": sharedEnv, [`${name}.env`]: environmentEnv(name) },
      { only: [name] },
    );
    const instance = resource(synthesized.json(name), "aws_instance", "chronos_host_dashboard");
    expect(instance.disable_api_termination).toBe(protection);
    expect(instance.lifecycle.prevent_destroy).toBe(protection); // the provider lifts EC2's own before it destroys
  });
});

describe("an edge host with the name of a network", () => {
  it("takes no rule's place", () => {
    const json = synthesizeStage(
      { TF_VAR_edge_hosts: "ipv4", TF_VAR_frp_cidrs: "0.0.0.0/0" },
      { TF_VAR_addresses: "stage-dashboard,stage-ipv4" },
    );
    expect(Object.keys(resources(json, "aws_vpc_security_group_ingress_rule"))).toEqual(
      expect.arrayContaining([
        "chronos_dashboard_group_from_frp_7000_ipv4",
        "chronos_dashboard_group_from_frp_7000_host_ipv4",
      ]),
    );
  });
});

describe("SSH keys", () => {
  it("come without their comments by the key pair and by cloud-config, and name what they replace", () => {
    const json = synthesizeStage({ TF_VAR_additional_public_key: publicKey });
    const withoutComment = (key: string) => `join(" ", regex("(\\\\S+)\\\\s+(\\\\S+)", ${key}))`;
    expect(resource(json, "aws_key_pair", "chronos_key")).toMatchObject({
      key_name: `stage-chronos-\${substr(sha256(${withoutComment("var.public_key")}), 0, 8)}`,
      public_key: `\${${withoutComment("var.public_key")}}`,
    });
    expect(json.variable.additional_public_key.default).toBe(publicKey);
    const keys = `[for key in compact([var.additional_public_key]) : ${withoutComment("key")}]`;
    expect(userData(json)).toContain(
      `%{ if length(${keys}) > 0 }ssh_authorized_keys: \${jsonencode(${keys})}%{ endif }\n`,
    );
  });
});

describe("user data", () => {
  it("installs Docker and Git, sets the marker last, and fits", () => {
    const text = userData(synthesizeStage());
    expect(text).toMatch(/^#cloud-config\n/);
    expect(text).toContain("packages: [docker, git, rsync]");
    expect(text).toMatch(/touch "\$markers\/\.setup_complete"\n/);
    expect(text).not.toContain("#include");
    expect(Buffer.byteLength(text)).toBeLessThan(16_384);
  });

  it("holds the workload's files as they are", () => {
    const config = parse(resolved(userData(synthesizeStage()))) as CloudConfig;
    const file = (path: string, permissions: string, name: string) => ({
      path,
      permissions,
      content: readFileSync(join(projectRoot, "workloads/chronos", name), "utf8"),
    });
    expect(config.write_files.slice(1)).toEqual([
      file("/usr/local/sbin/chronos-health", "0755", "health.sh"),
      file("/etc/systemd/system/chronos-health.service", "0644", "chronos-health.service"),
      file("/etc/systemd/system/chronos-health.timer", "0644", "chronos-health.timer"),
      file("/usr/local/sbin/setup-host", "0755", "setup-host.sh"),
    ]);
    expect(JSON.stringify(config.runcmd)).toContain("/usr/local/sbin/setup-host");
  });

  it("tells each host what it is", () => {
    const json = synthesizeStage({ TF_VAR_edge_hosts: "edge-1" });
    const common = ["AWS_REGION=us-east-1", "ENVIRONMENT=stage"];
    expect(settings(userData(json))).toEqual([
      ...common,
      "HOST=dashboard",
      "ROLE=dashboard",
      "PORT=80",
      "TLS_PORT=443",
    ]);
    expect(settings(userData(json, "edge-1"))).toEqual([...common, "HOST=edge-1", "ROLE=edge"]);
  });

  it.each(["8443", "443", "80"])("is the same with the ports %s: opening one replaces nothing", (ports) => {
    const json = synthesizeStage({ TF_VAR_dashboard_ports: ports });
    expect(userData(json)).toBe(userData(synthesizeStage()));
  });

  it("is one for each host, which a change of another's does not replace", () => {
    const json = synthesizeStage({ TF_VAR_edge_hosts: "edge-1,edge-2" });
    const trigger = (host: string) =>
      resource(json, "aws_instance", `chronos_host_${host}`).lifecycle.replace_triggered_by;
    for (const host of ["dashboard", "edge-1", "edge-2"]) {
      expect(resource(json, "aws_instance", `chronos_host_${host}`).user_data_base64).toBe(
        `\${base64gzip(local.chronos_user_data_${host})}`,
      );
      expect(trigger(host)).toEqual([`terraform_data.chronos_user_data_${host}_digest`]);
    }
    expect(userData(json, "edge-1")).not.toBe(userData(json, "edge-2"));
    const fewer = synthesizeStage({ TF_VAR_edge_hosts: "edge-1" });
    for (const host of ["dashboard", "edge-1"]) expect(userData(fewer, host)).toBe(userData(json, host));
  });

  it("holds no application setting, so that none replaces the host", () => {
    const settings = {
      git_ref: "release/2",
      background_color: "#ff0000",
      vite_api_base_url: "https://other.example.com",
      postgres_db: "other",
    };
    expect(synthesizeStage(settings)).toEqual(synthesizeStage());
  });
});

describe("alarms", () => {
  const json = synthesizeStage({ TF_VAR_edge_hosts: "edge-1,edge-2" });

  it.each([
    ["dashboard", "site"],
    ["edge-1", "service"],
    ["edge-2", "service"],
  ])("tell when %s's %s is down, or its host says nothing", (host, what) => {
    expect(resource(json, "aws_cloudwatch_metric_alarm", `chronos_host_${host}_${what}_down`)).toMatchObject({
      alarm_name: `stage-${host}-${what}-down`,
      namespace: "Landfall/Chronos",
      metric_name: "Healthy",
      dimensions: { Environment: "stage", Host: host },
      statistic: "Minimum",
      period: 60,
      evaluation_periods: 5,
      datapoints_to_alarm: 3,
      comparison_operator: "LessThanThreshold",
      threshold: 1,
      treat_missing_data: "breaching",
      alarm_actions: ["${aws_sns_topic.alarms.arn}"],
      ok_actions: ["${aws_sns_topic.alarms.arn}"],
    });
  });

  it.each([
    ["80,443", {}],
    ["70-100", {}],
    ["443", { Port: "443" }],
    ["400-500,8443", { Port: "443" }],
  ])("watch the site at a port that is open: with %s", (ports, further) => {
    const json = synthesizeStage(
      { TF_VAR_dashboard_ports: ports },
      { TF_VAR_network_acl_public_ports: "70-1023" },
    );
    const alarm = resource(json, "aws_cloudwatch_metric_alarm", "chronos_host_dashboard_site_down");
    expect(alarm.dimensions).toEqual({ Environment: "stage", Host: "dashboard", ...further });
  });

  it("ask nobody at a port that is not open", () => {
    const json = synthesizeStage({ TF_VAR_dashboard_ports: "8443" });
    expect(resources(json, "aws_cloudwatch_metric_alarm")).not.toHaveProperty(
      "chronos_host_dashboard_site_down",
    );
  });

  it("are of one kind for each host", () => {
    const names = Object.keys(resources(json, "aws_cloudwatch_metric_alarm"));
    expect(names.filter((name) => /_(site|service)_down$/.test(name)).sort()).toEqual([
      "chronos_host_dashboard_site_down",
      "chronos_host_edge-1_service_down",
      "chronos_host_edge-2_service_down",
    ]);
  });
});

describe("security groups", () => {
  type Rule = Record<string, string | number>;
  const rules = (
    json: ReturnType<typeof synthesizeStage>,
    direction: "ingress" | "egress",
  ): [string, Rule][] =>
    Object.entries(resources(json, `aws_vpc_security_group_${direction}_rule`) as Record<string, Rule>);
  const brief = (json: ReturnType<typeof synthesizeStage>, direction: "ingress" | "egress") =>
    rules(json, direction)
      .map(([, r]) => `${r.ip_protocol} ${r.from_port ?? "*"} ${r.cidr_ipv4 ?? r.cidr_ipv6}`)
      .sort();

  it("open the web ports alone by default, and let out to the web alone", () => {
    const json = synthesizeStage();
    const web = ["tcp 443 0.0.0.0/0", "tcp 443 ::/0", "tcp 80 0.0.0.0/0", "tcp 80 ::/0"];
    expect(brief(json, "ingress")).toEqual(web);
    expect(brief(json, "egress")).toEqual(web);
  });

  it("have no rule inline", () => {
    for (const group of Object.values(resources(synthesizeStage(), "aws_security_group"))) {
      expect(group).not.toHaveProperty("ingress");
      expect(group).not.toHaveProperty("egress");
    }
  });

  it("open SSH to the given networks, IPv4 and IPv6, one rule each", () => {
    const json = synthesizeStage(
      { TF_VAR_ssh_cidrs: "203.0.113.7,2001:db8::/32" },
      { TF_VAR_network_acl_admin_cidrs: "203.0.113.0/24,2001:db8::/32" },
    );
    expect(brief(json, "ingress").filter((rule) => rule.includes(" 22 "))).toEqual([
      "tcp 22 2001:db8::/32",
      "tcp 22 203.0.113.7/32",
    ]);
  });

  it("open a port for one network without changing the other rules", () => {
    const before = Object.fromEntries(rules(synthesizeStage(), "ingress"));
    const after = Object.fromEntries(
      rules(synthesizeStage({ TF_VAR_dashboard_ports: "8443,443,80" }), "ingress"),
    );
    expect(after).toMatchObject(before);
    expect(Object.keys(after)).toHaveLength(Object.keys(before).length + 2);
  });

  it("open everything only when told to, with a warning", () => {
    const files = (value: string) => ({
      "shared.env": sharedEnv,
      "stage.env": { ...environmentEnv("stage"), TF_VAR_allow_all_traffic: value },
    });
    const open = synthesizeFiles(files("true"), { only: ["stage"] });
    expect(brief(open.json("stage"), "ingress")).toEqual(
      expect.arrayContaining(["all * 0.0.0.0/0", "all * ::/0"].map((rule) => rule.replace("all", "-1"))),
    );
    expect(open.warnings).toEqual([
      expect.objectContaining({
        name: "TF_VAR_allow_all_traffic",
        what: expect.stringContaining("to the world"),
      }),
    ]);
    const closed = synthesizeFiles(files("false"), { only: ["stage"] });
    expect(brief(closed.json("stage"), "ingress").filter((rule) => rule.startsWith("-1"))).toEqual([]);
    expect(closed.warnings).toEqual([]);
  });
});

describe("edge hosts", () => {
  it("are none by default", () => {
    expect(Object.keys(resources(synthesizeStage(), "aws_instance"))).toEqual(["chronos_host_dashboard"]);
  });

  const json = synthesizeStage({ TF_VAR_edge_hosts: "edge-1,edge-2" });

  it("are made by name, each with its own address", () => {
    expect(Object.keys(resources(json, "aws_instance")).sort()).toEqual([
      "chronos_host_dashboard",
      "chronos_host_edge-1",
      "chronos_host_edge-2",
    ]);
    expect(resource(json, "aws_eip_association", "chronos_host_edge-2_address").allocation_id).toContain(
      'addresses["stage-edge-2"]',
    );
  });

  it("reach the dashboard's FRP port from their own addresses alone", () => {
    const frp = Object.values(resources(json, "aws_vpc_security_group_ingress_rule")).filter(
      ({ from_port }) => from_port === 7000,
    );
    expect(frp.map(({ cidr_ipv4 }) => cidr_ipv4).sort()).toEqual([
      '${try(data.terraform_remote_state.shared.outputs.addresses["stage-edge-1"].public_ip, null)}/32',
      '${try(data.terraform_remote_state.shared.outputs.addresses["stage-edge-2"].public_ip, null)}/32',
    ]);
  });

  it("go without changing another when one is removed", () => {
    const fewer = synthesizeStage({ TF_VAR_edge_hosts: "edge-2" });
    expect(resource(fewer, "aws_instance", "chronos_host_edge-2")).toEqual(
      resource(json, "aws_instance", "chronos_host_edge-2"),
    );
  });
});
