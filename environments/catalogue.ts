import type { InputGroup } from "./input";
import * as type from "./types";

/** `shared.env`: the state backend and what all environments share. */
export const sharedInputs = {
  name_prefix: {
    use: "structural",
    type: type.namePrefix,
    description:
      "First part of every account-wide name (state bucket, lock table, IAM). Written once: another prefix is another state.",
    example: "agt",
  },
  region: { use: "structural", type: type.region, default: "us-east-1", description: "AWS region." },
  allowed_account_ids: {
    use: "structural",
    type: type.accountIds,
    description: "The only AWS accounts that may be touched; any other is refused before a change.",
    example: "436957243186",
  },
  state_bucket: {
    use: "structural",
    type: type.bucketName,
    optional: true,
    description: "State bucket, where it must differ from `<name_prefix>-chronos-terraform-state-storage`.",
  },
  state_lock_table: {
    use: "structural",
    type: type.tableName,
    optional: true,
    description: "Lock table, where it must differ from `<name_prefix>-chronos-terraform-state-locks`.",
  },
  state_lock: {
    use: "structural",
    type: type.oneOf("dynamodb", "s3", "both"),
    default: "dynamodb",
    description:
      "How state is locked: by the DynamoDB table, by S3's own lock file, or by both while moving from one to the other.",
  },
  vpc_id: {
    use: "structural",
    type: type.vpcId,
    optional: true,
    description: "Existing VPC to use instead of creating one; `default` is the account's default VPC.",
  },
  public_subnet_ids: {
    use: "structural",
    type: type.subnetIds,
    optional: true,
    description: "Public subnets of the existing VPC; needed with `vpc_id` unless that is `default`.",
  },
  private_subnet_ids: {
    use: "structural",
    type: type.subnetIds,
    optional: true,
    description: "Private subnets of the existing VPC.",
  },
  vpc_cidr: {
    use: "structural",
    type: type.vpcCidr,
    default: "10.0.0.0/16",
    description: "IPv4 range of the new VPC, /16 to /24; each subnet is a sixteenth of it.",
  },
  availability_zones: {
    use: "structural",
    type: type.availabilityZones,
    optional: true,
    description:
      "Zones that get subnets, at least two; zones a and b when left out, where every account has these.",
    example: "us-east-1a,us-east-1b",
  },
  private_subnets: {
    use: "structural",
    type: type.bool,
    default: "true",
    description: "Whether each zone also gets a private subnet.",
  },
  public_subnet_cidrs: {
    use: "structural",
    type: type.cidrByZone,
    optional: true,
    description: "IPv4 ranges of public subnets that must differ from the computed ones.",
    example: "us-east-1a=10.0.240.0/24",
  },
  private_subnet_cidrs: {
    use: "structural",
    type: type.cidrByZone,
    optional: true,
    description: "IPv4 ranges of private subnets that must differ from the computed ones.",
  },
  reserved_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "",
    description: "Networks that the VPC must not overlap: offices, VPNs, VPCs to be peered with.",
  },
  nat_gateways: {
    use: "structural",
    type: type.oneOf("none", "single", "per_az"),
    default: "none",
    description:
      "NAT gateways for IPv4 out of private subnets: none, one for all zones, or one in each zone.",
  },
  network_acl_public_ports: {
    use: "structural",
    type: type.lowPorts,
    default: "80,443",
    description:
      "TCP ports below 1024 that the network ACL lets the world reach; ports above are left to security groups.",
  },
  network_acl_admin_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "",
    description:
      "Networks that the network ACL lets reach every port, SSH included. Must cover each environment's `ssh_cidrs`.",
  },
  flow_log_retention_days: {
    use: "terraform",
    type: type.logRetentionDays,
    default: "365",
    description: "Days that the VPC's flow logs are kept.",
  },
  addresses: {
    use: "structural",
    type: type.addressNames,
    default: "stage-dashboard,prod-dashboard",
    description: "Elastic IPs by name, `<environment>-<host>`: they outlive the hosts.",
  },
} as const satisfies InputGroup;

/** `<environment>.env`: what every environment says of itself. */
export const environmentInputs = {
  deptype: {
    use: "structural",
    type: type.environmentName,
    description: "The environment's name; must equal the file's.",
    example: "stage",
  },
  systems: {
    use: "structural",
    type: type.listOf("chronos"),
    description: "Systems that the environment carries.",
    example: "chronos",
  },
  stage_class: {
    use: "structural",
    type: type.oneOf("dev", "staging", "prod"),
    optional: true,
    description:
      "What is protected and kept; `prod` is prod, `stage` is staging, all else dev when left out.",
  },
  region: {
    use: "structural",
    type: type.region,
    optional: true,
    description: "AWS region; that of the shared settings when left out.",
  },
  allowed_account_ids: {
    use: "structural",
    type: type.accountIds,
    optional: true,
    description: "The only AWS accounts that may be touched; those of the shared settings when left out.",
  },
  deletion_protection: {
    use: "structural",
    type: type.bool,
    optional: true,
    description: "Whether AWS itself refuses to delete hosts and data; by stage class when left out.",
  },
} as const satisfies InputGroup;

export const chronosInputs = {
  public_key: {
    use: "terraform",
    type: type.ec2PublicKey,
    description: "SSH public key (Ed25519 or RSA) that may log in to the hosts. A new key replaces them.",
    example: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… you@example.com",
  },
  additional_public_key: {
    use: "terraform",
    type: type.sshPublicKey,
    optional: true,
    description: "One more SSH public key. Another key replaces the hosts.",
  },
  dashboard_instance_type: {
    use: "structural",
    type: type.instanceType,
    default: "t3.medium",
    description: "EC2 instance type of the dashboard host.",
  },
  dashboard_ami_id: {
    use: "structural",
    type: type.amiId,
    optional: true,
    description: "AMI of the dashboard host; the newest Amazon Linux 2023 at its creation when left out.",
  },
  dashboard_volume_size: {
    use: "terraform",
    type: type.volumeSize,
    default: "30",
    description: "Root volume of the dashboard host in GiB.",
  },
  dashboard_ports: {
    use: "structural",
    type: type.ports,
    default: "80,443",
    description: "TCP ports of the dashboard.",
  },
  dashboard_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "0.0.0.0/0,::/0",
    description: "Networks that may reach the dashboard's ports.",
  },
  frp_ports: {
    use: "structural",
    type: type.ports,
    default: "7000",
    description: "TCP ports on which the dashboard's FRP server takes edge hosts.",
  },
  frp_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "",
    description: "Networks that may reach the FRP ports, besides the environment's own edge hosts.",
  },
  ssh_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "",
    description: "Networks that may reach SSH; none leaves Session Manager.",
  },
  allow_all_traffic: {
    use: "structural",
    type: type.bool,
    default: "false",
    description: "Opens every port of the dashboard host to the world. Only for a search for a fault.",
  },
  edge_hosts: {
    use: "structural",
    type: type.hostNames,
    default: "",
    description: "Names of edge hosts on EC2; each needs the address `<environment>-<name>`.",
    example: "edge-1,edge-2",
  },
  edge_instance_type: {
    use: "structural",
    type: type.instanceType,
    default: "t3.micro",
    description: "EC2 instance type of edge hosts.",
  },
  edge_ami_id: {
    use: "structural",
    type: type.amiId,
    optional: true,
    description: "AMI of edge hosts; the newest Amazon Linux 2023 at their creation when left out.",
  },
  edge_volume_size: {
    use: "terraform",
    type: type.volumeSize,
    default: "20",
    description: "Root volume of edge hosts in GiB.",
  },
  git_ref: {
    use: "application",
    type: type.gitRef,
    default: "main",
    description: "Branch, tag or commit of the application to run.",
  },
  postgres_user: {
    use: "application",
    type: type.text,
    default: "postgres",
    description: "PostgreSQL user.",
  },
  postgres_password: {
    use: "application",
    type: type.text,
    secret: true,
    description: "PostgreSQL password.",
  },
  postgres_db: {
    use: "application",
    type: type.text,
    default: "chronos",
    description: "PostgreSQL database.",
  },
  jwt_secret_key: {
    use: "application",
    type: type.text,
    secret: true,
    description: "Key that signs the dashboard's tokens.",
  },
  background_color: {
    use: "application",
    type: type.cssColor,
    default: "#ffffff",
    description: "Background colour of the dashboard.",
  },
  vite_api_base_url: {
    use: "application",
    type: type.httpUrl,
    description: "URL of the dashboard's API as browsers reach it; the deployment's domain is taken from it.",
    example: "https://stage.chronos.example.com",
  },
} as const satisfies InputGroup;

/** Inputs of each system, by its name in `systems`. */
export const systemInputs = {
  chronos: chronosInputs,
} as const satisfies Readonly<Record<string, InputGroup>>;

export type SystemName = keyof typeof systemInputs;
