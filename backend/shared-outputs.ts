import { DataTerraformRemoteStateS3, Fn, ref, TerraformOutput, Token } from "cdktf";
import { Construct } from "constructs";
import type { INetwork } from "../modules/network";
import type { StateLocation } from "./location";

/** What `shared` tells the environments, and nothing else. Written and read here alone, so that both sides agree. */
export interface SharedOutputs {
  readonly network: INetwork;
  /** Elastic IPs by name. */
  readonly addresses: Readonly<
    Record<string, { readonly allocation_id: string; readonly public_ip: string }>
  >;
  /** URLs of image repositories by their names without the prefix. */
  readonly imageRepositories: Readonly<Record<string, string>>;
  readonly instanceProfile: string;
  readonly boundaryPolicyArn: string;
}

/** Changes with anything in the stack, so that an environment can tell whether `shared` is up to date. */
export const digestOutput = "configuration_digest";

export function writeSharedOutputs(stack: Construct, outputs: SharedOutputs): void {
  const scope = new Construct(stack, "outputs");
  const write = (name: string, description: string, value: unknown) =>
    new TerraformOutput(scope, name, { description, value }).overrideLogicalId(name);
  write("vpc_id", "VPC.", outputs.network.vpcId);
  write("vpc_cidr_block", "IPv4 range of the VPC.", outputs.network.cidrBlock);
  write("public_subnets", "Public subnets by availability zone.", outputs.network.publicSubnets);
  write("private_subnets", "Private subnets by availability zone.", outputs.network.privateSubnets);
  write("addresses", "Elastic IPs by name.", outputs.addresses);
  write("image_repositories", "URLs of image repositories.", outputs.imageRepositories);
  write("ec2_instance_profile", "Instance profile of EC2 hosts.", outputs.instanceProfile);
  write("boundary_policy_arn", "Policy that bounds every role.", outputs.boundaryPolicyArn);
  write(digestOutput, "Digest of the synthesized configuration.", ""); // filled in when the JSON is made
}

/** Reads `shared` through its remote state; values are Terraform expressions. */
export class SharedState extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly state: StateLocation;
      readonly accountIds: readonly string[];
      readonly file: string;
    },
  ) {
    super(scope, id);
    const { bucket, key, region } = props.state;
    new DataTerraformRemoteStateS3(this, "this", {
      bucket,
      key,
      region,
      allowedAccountIds: [...props.accountIds],
    });
  }

  private output(name: string): string {
    return `data.terraform_remote_state.${this.node.id}.outputs.${name}`;
  }

  get vpcId(): string {
    return `\${${this.output("vpc_id")}}`;
  }

  get vpcCidrBlock(): string {
    return `\${${this.output("vpc_cidr_block")}}`;
  }

  /** One public subnet; which one does not matter. */
  get publicSubnetId(): string {
    return `\${values(${this.output("public_subnets")})[0]}`;
  }

  get publicSubnetIds(): string[] {
    return this.all("public_subnets");
  }

  /** One private subnet; which one does not matter. */
  get privateSubnetId(): string {
    return `\${values(${this.output("private_subnets")})[0]}`;
  }

  get privateSubnetIds(): string[] {
    return this.all("private_subnets");
  }

  /** The values of a map, known when it is read. */
  private all(name: string): string[] {
    return Token.asList(Fn.values(ref(this.output(name))));
  }

  /** The URL of an image repository, and the condition that it is there with what to do where it is not. */
  imageRepository(
    name: string,
    system: string,
  ): { url: string; exists: { condition: string; errorMessage: string } } {
    const repositories = this.output("image_repositories");
    return {
      url: `\${${repositories}.${name}}`, // without quotes, for it goes into JSON
      exists: {
        condition: `\${contains(try(keys(${repositories}), []), "${name}")}`,
        errorMessage: `There is no image repository ${name} in shared. Add ${system} to TF_VAR_image_repositories in ${this.props.file} and deploy shared: ./landfall apply shared`,
      },
    };
  }

  /** Public subnets by zone, as a Terraform expression. */
  get publicSubnetsByZone(): string {
    return `\${${this.output("public_subnets")}}`;
  }

  /** Private subnets by zone, as a Terraform expression. */
  get privateSubnetsByZone(): string {
    return `\${${this.output("private_subnets")}}`;
  }

  get instanceProfile(): string {
    return `\${${this.output("ec2_instance_profile")}}`;
  }

  get boundaryPolicy(): string {
    return `\${${this.output("boundary_policy_arn")}}`;
  }

  /** The Elastic IP of that name, and the condition that it is there with what to do where it is not. */
  address(name: string): {
    allocationId: string;
    publicIp: string;
    exists: { condition: string; errorMessage: string };
  } {
    const addresses = this.output("addresses");
    return {
      allocationId: `\${try(${addresses}["${name}"].allocation_id, null)}`,
      publicIp: `\${try(${addresses}["${name}"].public_ip, null)}`,
      exists: {
        condition: `\${contains(try(keys(${addresses}), []), "${name}")}`,
        errorMessage: `There is no Elastic IP "${name}" in shared. Add ${name} to TF_VAR_addresses in ${this.props.file} and deploy shared: ./landfall apply shared`,
      },
    };
  }
}
