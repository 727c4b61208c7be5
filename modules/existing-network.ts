import { DataAwsSubnet } from "@cdktf/provider-aws/lib/data-aws-subnet";
import { DataAwsSubnets } from "@cdktf/provider-aws/lib/data-aws-subnets";
import { DataAwsVpc } from "@cdktf/provider-aws/lib/data-aws-vpc";
import { Construct } from "constructs";
import type { INetwork } from "./network";

export interface ExistingNetworkProps {
  /** VPC id, or `default` for the account's default VPC. */
  readonly vpcId: string;
  /** @default with `default`: the VPC's default subnets */
  readonly publicSubnetIds?: readonly string[];
  /** @default none */
  readonly privateSubnetIds?: readonly string[];
}

/** A VPC made elsewhere. It gets no endpoints, rules or routes from us; its subnets are looked up to learn their zones. */
export class ExistingNetwork extends Construct implements INetwork {
  readonly vpcId: string;
  readonly cidrBlock: string;
  readonly publicSubnets: string;
  readonly privateSubnets: string;

  constructor(scope: Construct, id: string, props: ExistingNetworkProps) {
    super(scope, id);
    const vpc = new DataAwsVpc(
      this,
      "vpc",
      props.vpcId === "default" ? { default: true } : { id: props.vpcId },
    );
    this.vpcId = vpc.id;
    this.cidrBlock = vpc.cidrBlock;
    this.publicSubnets = this.idsByZone("public", props.publicSubnetIds, vpc);
    this.privateSubnets = this.idsByZone("private", props.privateSubnetIds ?? [], vpc);
  }

  private idsByZone(tier: string, ids: readonly string[] | undefined, vpc: DataAwsVpc): string {
    const subnet = new DataAwsSubnet(this, tier, { vpcId: vpc.id, id: "${each.value}" });
    subnet.addOverride("for_each", `\${toset(${ids ? JSON.stringify(ids) : this.defaultSubnetIds(vpc)})}`);
    const subnets = `data.aws_subnet.${this.node.id}_${tier}`;
    const byZone = `{for subnet in ${subnets} : subnet.availability_zone => subnet.id...}`;
    return `\${{for zone, ids in ${byZone} : zone => sort(ids)[0]}}`; // a zone may have several
  }

  private defaultSubnetIds(vpc: DataAwsVpc): string {
    new DataAwsSubnets(this, "default", {
      filter: [
        { name: "vpc-id", values: [vpc.id] },
        { name: "default-for-az", values: ["true"] },
      ],
    });
    return `data.aws_subnets.${this.node.id}_default.ids`;
  }
}
