import type { InputGroup } from "../input";
import * as type from "../types";

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
  image_repositories: {
    use: "structural",
    type: type.anyOf("viewer-atlas", "atomic-calendar"),
    default: "",
    description:
      "Systems whose image repositories are made: an image is built once, and goes from stage to prod.",
  },
} as const satisfies InputGroup;
