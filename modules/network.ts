import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { DefaultSecurityGroup } from "@cdktf/provider-aws/lib/default-security-group";
import { EgressOnlyInternetGateway } from "@cdktf/provider-aws/lib/egress-only-internet-gateway";
import { Eip } from "@cdktf/provider-aws/lib/eip";
import { FlowLog } from "@cdktf/provider-aws/lib/flow-log";
import { InternetGateway } from "@cdktf/provider-aws/lib/internet-gateway";
import { NatGateway } from "@cdktf/provider-aws/lib/nat-gateway";
import { Route } from "@cdktf/provider-aws/lib/route";
import { RouteTable } from "@cdktf/provider-aws/lib/route-table";
import { RouteTableAssociation } from "@cdktf/provider-aws/lib/route-table-association";
import { Subnet } from "@cdktf/provider-aws/lib/subnet";
import { Vpc } from "@cdktf/provider-aws/lib/vpc";
import { VpcEndpoint } from "@cdktf/provider-aws/lib/vpc-endpoint";
import { Fn } from "cdktf";
import { Construct } from "constructs";
import { planSubnets, type AddressPlanProps, type PlannedSubnet } from "./address-plan";
import { resourceName } from "./naming";
import { NetworkAcl, type NetworkAclProps } from "./network-acl";
import { ServiceRole } from "./service-role";

/** A network to put things in, made here or elsewhere. Maps go from availability zone to subnet id. */
export interface INetwork {
  readonly vpcId: string;
  readonly cidrBlock: string;
  /** A map, or a Terraform expression that gives one. */
  readonly publicSubnets: Readonly<Record<string, string>> | string;
  readonly privateSubnets: Readonly<Record<string, string>> | string;
}

export interface NetworkProps extends AddressPlanProps {
  readonly name: string;
  readonly region: string;
  readonly partition: string;
  /** The account's id, for the trust of the flow log role. */
  readonly accountIds: readonly string[];
  /** IPv4 out of private subnets. @default "none" */
  readonly natGateways?: "none" | "single" | "per_az";
  readonly acl: Pick<NetworkAclProps, "publicPorts" | "adminCidrs">;
  readonly flowLogRetentionDays: number;
}

/**
 * A dual-stack VPC with public and private subnets. Everything that exists once a zone is keyed by the zone's name, so
 * that another zone moves nothing.
 */
export class Network extends Construct implements INetwork {
  readonly vpcId: string;
  readonly cidrBlock: string;
  readonly publicSubnets: Readonly<Record<string, string>>;
  readonly privateSubnets: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    const { name } = props;
    const vpc = new Vpc(this, "vpc", {
      cidrBlock: props.vpcCidr,
      assignGeneratedIpv6CidrBlock: true,
      enableDnsSupport: true,
      enableDnsHostnames: true,
      tags: { Name: name },
    });
    this.vpcId = vpc.id;
    this.cidrBlock = vpc.cidrBlock;
    new DefaultSecurityGroup(this, "default_closed", {
      vpcId: vpc.id,
      tags: { Name: `${name}-default-closed` },
    });

    const subnets = new Map<PlannedSubnet, Subnet>(
      planSubnets(props).map((planned) => [
        planned,
        new Subnet(this, `${planned.tier}_${planned.zone}`, {
          vpcId: vpc.id,
          availabilityZone: planned.zone,
          cidrBlock: planned.ipv4Cidr,
          ipv6CidrBlock: Fn.cidrsubnet(vpc.ipv6CidrBlock, 8, planned.ipv6Number), // a /64 of the VPC's /56
          assignIpv6AddressOnCreation: true,
          mapPublicIpOnLaunch: planned.tier === "public",
          tags: { Name: `${name}-${planned.tier}-${planned.zone}`, Tier: planned.tier },
        }),
      ]),
    );
    const tier = (wanted: PlannedSubnet["tier"]) =>
      [...subnets].filter(([planned]) => planned.tier === wanted);
    const idsByZone = (wanted: PlannedSubnet["tier"]) =>
      Object.fromEntries(tier(wanted).map(([planned, subnet]) => [planned.zone, subnet.id]));
    this.publicSubnets = idsByZone("public");
    this.privateSubnets = idsByZone("private");

    const internet = new InternetGateway(this, "internet", { vpcId: vpc.id, tags: { Name: name } });
    const publicTable = new RouteTable(this, "public", { vpcId: vpc.id, tags: { Name: `${name}-public` } });
    const toInternet = { routeTableId: publicTable.id, gatewayId: internet.id };
    new Route(this, "public_ipv4", { ...toInternet, destinationCidrBlock: "0.0.0.0/0" });
    new Route(this, "public_ipv6", { ...toInternet, destinationIpv6CidrBlock: "::/0" });
    for (const [{ zone }, subnet] of tier("public")) {
      new RouteTableAssociation(this, `public_routes_${zone}`, {
        subnetId: subnet.id,
        routeTableId: publicTable.id,
      });
    }

    const privateTables = this.privateRoutes(props, vpc, tier("private"));
    const nats = this.natGateways(props, tier("public"), internet);
    for (const [zone, table] of privateTables) {
      const nat = nats.get(zone) ?? (props.natGateways === "single" ? [...nats.values()][0] : undefined);
      if (nat) {
        new Route(this, `private_ipv4_${zone}`, {
          routeTableId: table.id,
          destinationCidrBlock: "0.0.0.0/0",
          natGatewayId: nat.id,
        });
      }
    }

    for (const service of ["s3", "dynamodb"]) {
      new VpcEndpoint(this, service, {
        vpcId: vpc.id,
        vpcEndpointType: "Gateway",
        serviceName: `${props.region.startsWith("cn-") ? "cn." : ""}com.amazonaws.${props.region}.${service}`,
        routeTableIds: [publicTable.id, ...privateTables.map(([, table]) => table.id)],
        tags: { Name: `${name}-${service}` },
      });
    }
    new NetworkAcl(this, "acl", {
      ...props.acl,
      name,
      vpc,
      subnetIds: Object.fromEntries(
        [...subnets].map(([{ tier, zone }, subnet]) => [`${tier}_${zone}`, subnet.id]),
      ),
    });
    this.flowLogs(props, vpc);
  }

  /** A route table for each zone, so that NAT can come and go without a change of table. */
  private privateRoutes(
    props: NetworkProps,
    vpc: Vpc,
    subnets: [PlannedSubnet, Subnet][],
  ): [zone: string, RouteTable][] {
    if (subnets.length === 0) return [];
    const egressOnly = new EgressOnlyInternetGateway(this, "egress_only", {
      vpcId: vpc.id,
      tags: { Name: props.name },
    });
    return subnets.map(([{ zone }, subnet]) => {
      const table = new RouteTable(this, `private_table_${zone}`, {
        vpcId: vpc.id,
        tags: { Name: `${props.name}-private-${zone}` },
      });
      new RouteTableAssociation(this, `private_routes_${zone}`, {
        subnetId: subnet.id,
        routeTableId: table.id,
      });
      new Route(this, `private_ipv6_${zone}`, {
        routeTableId: table.id,
        destinationIpv6CidrBlock: "::/0",
        egressOnlyGatewayId: egressOnly.id,
      });
      return [zone, table];
    });
  }

  private natGateways(
    props: NetworkProps,
    subnets: [PlannedSubnet, Subnet][],
    internet: InternetGateway,
  ): Map<string, NatGateway> {
    const count = { none: 0, single: 1, per_az: subnets.length }[props.natGateways ?? "none"];
    const byZone = [...subnets].sort(([one], [other]) => one.zone.localeCompare(other.zone));
    return new Map(
      byZone.slice(0, count).map(([{ zone }, subnet], index) => {
        // The first keeps its address and its subnet whichever zone becomes the first, and when each zone gets one
        const suffix = index === 0 ? "" : `_${zone}`;
        const name = `${props.name}-nat${suffix.replace("_", "-")}`;
        const address = new Eip(this, `nat_address${suffix}`, {
          domain: "vpc",
          tags: { Name: name },
          dependsOn: [internet],
        });
        return [
          zone,
          new NatGateway(this, `nat${suffix}`, {
            allocationId: address.id,
            subnetId: subnet.id,
            tags: { Name: name },
            dependsOn: [internet],
            lifecycle: index === 0 ? { ignoreChanges: ["subnet_id"] } : undefined,
          }),
        ];
      }),
    );
  }

  private flowLogs(props: NetworkProps, vpc: Vpc): void {
    const group = new CloudwatchLogGroup(this, "flow_logs", {
      name: resourceName("log group", `/vpc/${props.name}`),
      retentionInDays: props.flowLogRetentionDays,
    });
    const role = new ServiceRole(this, "flow_logs_role", {
      name: `${props.name}-flow-logs`,
      service: "vpc-flow-logs.amazonaws.com",
      accountIds: props.accountIds,
      statements: [
        {
          Sid: "WriteFlowLogs",
          Effect: "Allow",
          Action: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
          Resource: `${group.arn}:*`,
        },
      ],
    });
    new FlowLog(this, "flow_log", {
      vpcId: vpc.id,
      trafficType: "ALL",
      logDestinationType: "cloud-watch-logs",
      logDestination: group.arn,
      iamRoleArn: role.arn,
      maxAggregationInterval: 60, // seconds; the shortest
      tags: { Name: props.name },
    });
  }
}
