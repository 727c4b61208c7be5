import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { KeyPair } from "@cdktf/provider-aws/lib/key-pair";
import { TerraformOutput } from "cdktf";
import { Construct } from "constructs";
import { chronosInputs } from "../../environments/catalogue";
import { declareInputs } from "../../environments/variables";
import { BootData } from "../../modules/boot-data";
import { Host } from "../../modules/host";
import { resourceName } from "../../modules/naming";
import { meet, port } from "../../modules/port-range";
import { anywhere, SecurityGroup, type Traffic } from "../../modules/security-group";
import { cloudConfig } from "../user-data";
import type { WorkloadProps } from "../workload";

const ssh = port(22);
/** Where the dashboard's host asks for its site. */
const HTTP = 80;
const HTTPS = 443;
/** Packages, images and repositories come by HTTP and HTTPS; nothing else is needed from outside. */
const toTheWeb: Traffic = { purpose: "web", ports: [port(HTTP), port(HTTPS)], cidrs: anywhere };

/** Terraform expression of an SSH key without its comment, whose change is no reason to replace a host. */
const withoutComment = (key: string) => `join(" ", regex("(\\\\S+)\\\\s+(\\\\S+)", ${key}))`;

/** Chronos: the dashboard host, and edge hosts that reach it by FRP. */
export class Chronos extends Construct {
  constructor(scope: Construct, id: string, props: WorkloadProps) {
    super(scope, id);
    const { values, refs } = declareInputs(this, chronosInputs, props.settings);
    const { shared, environment } = props;

    const publicKey = withoutComment("var.public_key");
    const key = new KeyPair(this, "key", {
      // Another key is another pair, and so another host: EC2 hands keys out at the first boot only
      keyName: `${environment}-chronos-\${substr(sha256(${publicKey}), 0, 8)}`,
      publicKey: `\${${publicKey}}`,
    });
    const keys = `[for key in compact([var.additional_public_key]) : ${withoutComment("key")}]`;
    // Named by the user, so with nothing else beside them
    const userData = new Construct(this, "user_data");
    const hosts = new Construct(this, "host");
    const bootData = (name: string, role: Record<string, string>) =>
      new BootData(
        userData,
        name,
        cloudConfig("chronos", {
          keys,
          settings: { AWS_REGION: props.region, ENVIRONMENT: environment, HOST: name, ...role },
        }),
      );
    const host = (
      name: string,
      size: { instanceType: string; amiId?: string; volumeSize: string },
      group: SecurityGroup,
      role: Record<string, string>,
    ) =>
      new Host(hosts, name, {
        ...size,
        name: `${environment}-${name}`,
        partition: props.partition,
        region: props.region,
        subnetId: shared.publicSubnetId,
        securityGroupIds: [group.id],
        instanceProfile: shared.instanceProfile,
        keyName: key.keyName,
        bootData: bootData(name, role),
        alarmTopicArn: props.alarmTopicArn,
        address: shared.address(`${environment}-${name}`),
        terminationProtection: props.deletionProtection,
      });
    const publicIp = (name: string) => shared.address(`${environment}-${name}`).publicIp;
    const edgeAddresses = Object.fromEntries(values.edge_hosts.map((name) => [name, publicIp(name)]));
    const output = (name: string, description: string, value: string | Record<string, string>) =>
      new TerraformOutput(this, `output_${name}`, { description, value }).overrideLogicalId(name);

    const dashboardGroup = new SecurityGroup(this, "dashboard_group", {
      name: `${environment}-dashboard`,
      description: "Chronos dashboard",
      vpcId: shared.vpcId,
      ingress: [
        { purpose: "dashboard", ports: values.dashboard_ports, cidrs: values.dashboard_cidrs },
        // Edge hosts come from their Elastic IPs: they use the dashboard's public name, and so leave the VPC
        { purpose: "frp", ports: values.frp_ports, cidrs: values.frp_cidrs, addresses: edgeAddresses },
        { purpose: "ssh", ports: [ssh], cidrs: values.ssh_cidrs },
        ...(values.allow_all_traffic
          ? [{ purpose: "everything", protocol: "all", cidrs: anywhere } as const]
          : []),
      ],
      egress: [toTheWeb],
    });
    const dashboard = host(
      "dashboard",
      {
        instanceType: values.dashboard_instance_type,
        amiId: values.dashboard_ami_id,
        volumeSize: refs.dashboard_volume_size,
      },
      dashboardGroup,
      // Not the ports by input: another one would replace the host
      { ROLE: "dashboard", PORT: String(HTTP), TLS_PORT: String(HTTPS) },
    );
    const isOpen = (number: number) => values.dashboard_ports.some((range) => meet(range, port(number)));
    if (isOpen(HTTP)) this.tellWhenUnhealthy(dashboard, props, "dashboard", "site");
    else if (isOpen(HTTPS))
      this.tellWhenUnhealthy(dashboard, props, "dashboard", "site", { Port: String(HTTPS) });
    output("dashboard_instance_id", "EC2 instance of the dashboard.", dashboard.instance.id);
    output("dashboard_public_ip", "Address of the dashboard.", publicIp("dashboard"));

    if (values.edge_hosts.length === 0) return;
    const edgeGroup = new SecurityGroup(this, "edge_group", {
      name: `${environment}-edge`,
      description: "Chronos edge hosts",
      vpcId: shared.vpcId,
      ingress: [{ purpose: "ssh", ports: [ssh], cidrs: values.ssh_cidrs }],
      egress: [
        toTheWeb,
        { purpose: "frp", ports: values.frp_ports, addresses: { dashboard: publicIp("dashboard") } },
      ],
    });
    const edges = values.edge_hosts.map((name) => {
      const size = {
        instanceType: values.edge_instance_type,
        amiId: values.edge_ami_id,
        volumeSize: refs.edge_volume_size,
      };
      const edge = host(name, size, edgeGroup, { ROLE: "edge" });
      this.tellWhenUnhealthy(edge, props, name, "service");
      return [name, edge] as const;
    });
    output(
      "edge_instance_ids",
      "EC2 instances of the edge hosts.",
      Object.fromEntries(edges.map(([name, { instance }]) => [name, instance.id])),
    );
    output("edge_public_ips", "Addresses of the edge hosts.", edgeAddresses);
  }

  /** The host says each minute whether it is healthy; a dead host says nothing. */
  private tellWhenUnhealthy(
    host: Host,
    { environment, alarmTopicArn }: WorkloadProps,
    name: string,
    what: "site" | "service",
    further: Readonly<Record<string, string>> = {},
  ): void {
    new CloudwatchMetricAlarm(host, `${what}_down`, {
      alarmName: resourceName("alarm", environment, name, `${what}-down`),
      alarmDescription:
        what === "site"
          ? "The dashboard's site does not answer, or its host says nothing."
          : "chronos-edge.service does not run, or its host says nothing.",
      namespace: "Landfall/Chronos",
      metricName: "Healthy",
      dimensions: { Environment: environment, Host: name, ...further },
      statistic: "Minimum",
      period: 60, // seconds
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      comparisonOperator: "LessThanThreshold",
      threshold: 1,
      treatMissingData: "breaching",
      alarmActions: [alarmTopicArn],
      okActions: [alarmTopicArn],
    });
  }
}
