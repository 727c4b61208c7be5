import { KeyPair } from "@cdktf/provider-aws/lib/key-pair";
import { TerraformOutput } from "cdktf";
import { Construct } from "constructs";
import { chronosInputs } from "../../environments/catalogue";
import { declareInputs } from "../../environments/variables";
import { Host } from "../../modules/host";
import { port } from "../../modules/port-range";
import { anywhere, SecurityGroup, type Traffic } from "../../modules/security-group";
import { cloudConfig } from "../user-data";
import type { WorkloadProps } from "../workload";

const ssh = port(22);
/** Packages, images and repositories come by HTTP and HTTPS; nothing else is needed from outside. */
const toTheWeb: Traffic = { purpose: "web", ports: [port(80), port(443)], cidrs: anywhere };

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
    const userData = cloudConfig(
      "chronos",
      `[for key in compact([var.additional_public_key]) : ${withoutComment("key")}]`,
    );
    const hosts = new Construct(this, "host"); // named by the user, so with nothing else beside them
    const host = (
      name: string,
      size: { instanceType: string; amiId?: string; volumeSize: string },
      group: SecurityGroup,
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
        userData,
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
    );
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
      return [name, host(name, size, edgeGroup)] as const;
    });
    output(
      "edge_instance_ids",
      "EC2 instances of the edge hosts.",
      Object.fromEntries(edges.map(([name, { instance }]) => [name, instance.id])),
    );
    output("edge_public_ips", "Addresses of the edge hosts.", edgeAddresses);
  }
}
