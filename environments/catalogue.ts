import { atomicCalendarInputs } from "./catalogue/atomic-calendar";
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
  image_repositories: {
    use: "structural",
    type: type.anyOf("viewer-atlas", "atomic-calendar"),
    default: "",
    description:
      "Systems whose image repositories are made: an image is built once, and goes from stage to prod.",
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
    type: type.listOf("chronos", "x-scheduler", "macro-ai", "viewer-atlas", "atomic-calendar"),
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
  alarm_emails: {
    use: "structural",
    type: type.emails,
    default: "",
    description: "Mail addresses that alarms are sent to; each gets a mail that asks to confirm.",
    example: "ops@example.com",
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
    description:
      "TCP ports of the dashboard. Its site is watched at port 80, or at 443 where 80 is not among them.",
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
  // What `./landfall configure` takes besides
  repository_url: {
    use: "application",
    type: type.repositoryUrl,
    description: "Git repository of the application; by https, without a port, where hosts are on EC2.",
    example: "https://github.com/example/chronos2.git",
  },
  frp_auth_token: {
    use: "application",
    type: type.text,
    secret: true,
    description: "Token by which the FRP server knows edge hosts.",
  },
  frontend_settings: {
    use: "application",
    type: type.assignments,
    default: "",
    description: "Further lines of `dashboard_frontend/.env.docker`.",
  },
  backend_settings: {
    use: "application",
    type: type.text,
    secret: true,
    optional: true,
    description:
      'Further lines of `dashboard_backend/.env.docker`, written NAME="value" as in this file; the whole in single quotes.',
  },
  deployment_settings: {
    use: "application",
    type: type.assignments,
    default: "",
    description: "Further lines of `.env.deployment`.",
  },
  dashboard_ssh: {
    use: "application",
    type: type.sshAddress,
    optional: true,
    description: "Where SSH reaches the dashboard host, where that is not its Elastic IP or Session Manager.",
    example: "ec2-user@dashboard.example.com",
  },
  edge_machines: {
    use: "application",
    type: type.sshAddressByHost,
    default: "",
    description:
      "Edge hosts besides those on EC2: any machine that SSH reaches. The name of one on EC2 says where SSH reaches that.",
    example: "plant-1=pi@plant-1.example.com:22",
  },
  ssh_host_keys: {
    use: "application",
    type: type.hostKeys,
    default: "",
    description:
      "SSH host keys by host (`dashboard` or an edge host). Hosts on EC2 without one are known by their console output.",
    example: "plant-1=ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…",
  },
  edge_git_ref: {
    use: "application",
    type: type.gitRef,
    optional: true,
    description: "Branch, tag or commit that edge hosts run; `git_ref` when left out.",
  },
  edge_settings: {
    use: "application",
    type: type.text,
    secret: true,
    optional: true,
    description:
      'Lines of `edge_server/.env` on every edge host, written NAME="value" as in this file; the whole in single quotes.',
  },
  frp_server_address: {
    use: "application",
    type: type.hostAddress,
    optional: true,
    description:
      "Name or address by which edge hosts reach the FRP server; the dashboard's domain when left out.",
  },
  frp_local_port: {
    use: "application",
    type: type.port,
    default: "5171",
    description: "Port of the edge server on its own machine, which FRP hands on.",
  },
  frp_remote_ports: {
    use: "application",
    type: type.portByHost,
    default: "",
    description: "For each edge host the port of the dashboard host at which FRP makes it reachable.",
    example: "edge-1=6001,edge-2=6002",
  },
} as const satisfies InputGroup;

export const xSchedulerInputs = {
  x_scheduler_repository: {
    use: "terraform",
    type: type.httpsRepositoryUrl,
    description:
      "Git repository of X-Scheduler that hosts can read, such as a public one or one with a token-free URL.",
    example: "https://github.com/example/x-scheduler.git",
  },
  x_scheduler_git_ref: {
    use: "terraform",
    type: type.gitRef,
    default: "main",
    description: "Branch, tag or commit of X-Scheduler to run. A change updates the host in place.",
  },
  x_scheduler_instance_type: {
    use: "structural",
    type: type.instanceType,
    default: "t2.micro",
    description: "EC2 instance type of the X-Scheduler host.",
  },
  x_scheduler_ami_id: {
    use: "structural",
    type: type.amiId,
    optional: true,
    description: "AMI of the host; the newest Amazon Linux 2023 at its creation when left out.",
  },
  x_scheduler_volume_size: {
    use: "terraform",
    type: type.volumeSize,
    default: "20",
    description: "Root volume of the host in GiB.",
  },
  x_scheduler_public_key: {
    use: "structural",
    type: type.ec2PublicKey,
    optional: true,
    description:
      "SSH public key (Ed25519 or RSA) that may log in; without one there is Session Manager alone.",
  },
  x_scheduler_ssh_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "",
    description: "Networks that may reach SSH; none leaves Session Manager.",
  },
  x_scheduler_callback_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "0.0.0.0/0,::/0",
    description:
      "Networks that may reach the OAuth callback: ports 80, 443 and 5000 of the host, or its load balancer.",
  },
  x_scheduler_domain: {
    use: "structural",
    type: type.domainName,
    optional: true,
    description:
      "Host name of the OAuth callback. With it the host goes to a private subnet, behind a load balancer with TLS.",
    example: "x.example.com",
  },
  x_scheduler_hosted_zone: {
    use: "structural",
    type: type.domainName,
    optional: true,
    description:
      "Public Route 53 zone of `x_scheduler_domain`, where its certificate's and its own records are made.",
    example: "example.com",
  },
  x_scheduler_video_expiry_days: {
    use: "structural",
    type: type.daysFromTo(1, 3),
    default: "1",
    description: "Days after which temporary videos are gone.",
  },
  x_api_key: {
    use: "terraform",
    type: type.text,
    secret: true,
    description: "API key of the X application.",
  },
  x_api_key_secret: {
    use: "terraform",
    type: type.text,
    secret: true,
    description: "Secret of the X application's API key.",
  },
  x_oauth_client_id: {
    use: "terraform",
    type: type.text,
    secret: true,
    description: "OAuth 2.0 client id of the X application.",
  },
  x_oauth_client_secret: {
    use: "terraform",
    type: type.text,
    secret: true,
    description: "OAuth 2.0 client secret of the X application.",
  },
  google_credentials: {
    use: "terraform",
    type: type.text,
    secret: true,
    description: "Google service account credentials, the JSON file's content.",
  },
  x_scheduler_secrets_version: {
    use: "terraform",
    type: type.version,
    default: "1",
    description:
      "Raise it to write changed secrets: Terraform does not see their values, and so no change of them.",
  },
} as const satisfies InputGroup;

export const macroAiInputs = {
  macro_ai_capacity: {
    use: "structural",
    type: type.oneOf("single", "group"),
    default: "single",
    description: "One host, or an Auto Scaling group behind a load balancer with TLS.",
  },
  macro_ai_instance_type: {
    use: "structural",
    type: type.instanceType,
    default: "t3.small",
    description: "EC2 instance type of Macro AI hosts.",
  },
  macro_ai_volume_size: {
    use: "terraform",
    type: type.volumeSize,
    default: "20",
    description: "Root volume of Macro AI hosts in GiB.",
  },
  macro_ai_min_size: {
    use: "structural",
    type: type.count(1, 100),
    default: "1",
    description: "Fewest hosts of the group.",
  },
  macro_ai_max_size: {
    use: "structural",
    type: type.count(1, 100),
    default: "3",
    description: "Most hosts of the group.",
  },
  macro_ai_cpu_target: {
    use: "structural",
    type: type.percentage,
    default: "60",
    description: "Average CPU utilization in percent that the group scales for.",
  },
  macro_ai_memory_target: {
    use: "structural",
    type: type.percentage,
    default: "70",
    description: "Average memory use in percent that the group scales for.",
  },
  macro_ai_domain: {
    use: "structural",
    type: type.domainName,
    optional: true,
    description: "Host name of the API; needed by a group.",
    example: "api.example.com",
  },
  macro_ai_hosted_zone: {
    use: "structural",
    type: type.domainName,
    optional: true,
    description:
      "Public Route 53 zone of `macro_ai_domain`, where its certificate's and its own records are made.",
    example: "example.com",
  },
  macro_ai_cidrs: {
    use: "structural",
    type: type.cidrs,
    optional: true,
    description:
      "Networks that may reach the API: the load balancer, or port 3030 of the single host, which has no TLS. The world for a group and nobody for a single host when left out.",
  },
  macro_ai_egress_ports: {
    use: "structural",
    type: type.ports,
    default: "",
    description: "TCP ports that hosts may reach besides 80 and 443, such as 5432 of a database.",
  },
  macro_ai_egress_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "",
    description: "Networks where hosts may reach `macro_ai_egress_ports`.",
  },
  macro_ai_app_env: {
    use: "structural",
    type: type.word,
    optional: true,
    description: "`APP_ENV` of the application; the environment's name when left out.",
  },
  macro_ai_keep_releases: {
    use: "structural",
    type: type.count(2, 20),
    default: "5",
    description: "Releases that a host keeps.",
  },
} as const satisfies InputGroup;

const size = (cpu: string, memory: string, what: string) =>
  ({
    cpu: {
      use: "structural",
      type: type.fargateCpu,
      default: cpu,
      description: `CPU units of ${what}; 1024 are a vCPU.`,
    },
    memory: {
      use: "structural",
      type: type.fargateMemory,
      default: memory,
      description: `Memory of ${what} in MiB, of those that Fargate has for its CPU.`,
    },
  }) as const;
const image = (what: string) =>
  ({
    use: "structural",
    type: type.imageDigest,
    optional: true,
    description: `Image of ${what}, by its digest: \`./landfall images push stage\` writes it. Without one nothing runs.`,
  }) as const;
const collectorSize = size("256", "512", "the collector");
const analysisSize = size("1024", "2048", "the analysis");
const vodSize = size("512", "1024", "the VOD collector");

export const viewerAtlasInputs = {
  viewer_atlas_collector_image: image("the collector"),
  viewer_atlas_analysis_image: image("the analysis"),
  viewer_atlas_vod_image: image("the VOD collector"),
  viewer_atlas_source: {
    use: "application",
    type: type.sourceLocation,
    optional: true,
    description: "Where the images are built from: a folder, or a git repository.",
    example: "../ViewerAtlas",
  },
  viewer_atlas_git_ref: {
    use: "application",
    type: type.gitRef,
    default: "main",
    description: "Branch, tag or commit of `viewer_atlas_source` to build, where that is a repository.",
  },
  viewer_atlas_dockerfiles: {
    use: "application",
    type: type.pathByName,
    default: ["collector", "analysis", "vod"]
      .map((name) => `${name}=infrastructure/docker/Dockerfile.${name}`)
      .join(),
    description: "Dockerfile of each image, in the source.",
  },
  viewer_atlas_architecture: {
    use: "structural",
    type: type.oneOf("X86_64", "ARM64"),
    default: "X86_64",
    description: "Processors that the images are built for and run on; ARM64 costs a fifth less.",
  },
  viewer_atlas_spot: {
    use: "structural",
    type: type.bool,
    default: "true",
    description: "Whether tasks run on Fargate Spot, and on demand where Spot has no room.",
  },
  viewer_atlas_on_demand_base: {
    use: "structural",
    type: type.count(0, 10),
    default: "0",
    description: "Tasks of the collector that are always on demand.",
  },
  viewer_atlas_collector_count: {
    use: "structural",
    type: type.count(0, 10),
    default: "1",
    description: "Collectors that run; 0 stops it.",
  },
  viewer_atlas_collector_cpu: collectorSize.cpu,
  viewer_atlas_collector_memory: collectorSize.memory,
  viewer_atlas_analysis_cpu: analysisSize.cpu,
  viewer_atlas_analysis_memory: analysisSize.memory,
  viewer_atlas_vod_cpu: vodSize.cpu,
  viewer_atlas_vod_memory: vodSize.memory,
  viewer_atlas_analysis_schedule: {
    use: "structural",
    type: type.schedule,
    default: "cron(0 3 * * ? *)",
    description: "When the analysis runs, in UTC.",
  },
  viewer_atlas_vod_schedule: {
    use: "structural",
    type: type.schedule,
    default: "rate(6 hours)",
    description: "When the VOD collector runs, in UTC.",
  },
  viewer_atlas_max_runtime_hours: {
    use: "structural",
    type: type.count(1, 168),
    default: "24",
    description: "Hours after which a collector ends by itself. Overrides its config.yaml.",
  },
  viewer_atlas_max_collection_cycles: {
    use: "structural",
    type: type.count(1, 1_000_000),
    default: "100",
    description: "Collection cycles after which a collector ends by itself. Overrides its config.yaml.",
  },
  viewer_atlas_max_vods_per_run: {
    use: "structural",
    type: type.count(1, 10_000),
    default: "50",
    description: "VODs that one run of the VOD collector takes. Overrides its config.yaml.",
  },
  viewer_atlas_max_processing_hours: {
    use: "structural",
    type: type.count(1, 168),
    default: "4",
    description:
      "Hours after which a run of the VOD collector or the analysis ends. Overrides its config.yaml.",
  },
  viewer_atlas_bucket: {
    use: "structural",
    type: type.bucketName,
    optional: true,
    description:
      "Data lake bucket, where it must differ from `<name_prefix>-<environment>-vieweratlas-data-lake`.",
  },
  viewer_atlas_file_system: {
    use: "structural",
    type: type.fileSystemId,
    optional: true,
    description:
      "EFS file system for channels.txt and vod_queue.json: one that is there, or `new`. Without it the containers have no volumes of EFS.",
    example: "fs-0123456789abcdef0",
  },
  viewer_atlas_file_system_access_point: {
    use: "structural",
    type: type.accessPointId,
    optional: true,
    description:
      "Access point of a file system that is there, by which alone the containers reach it. Without it they see its root.",
    example: "fsap-0123456789abcdef0",
  },
  viewer_atlas_monthly_budget: {
    use: "structural",
    type: type.dollars,
    default: "50",
    description: "US dollars a month; at 80 % and 100 % of it the alarm topic is told.",
  },
  viewer_atlas_budget_scope: {
    use: "structural",
    type: type.oneOf("account", "system"),
    default: "account",
    description:
      "What the budget counts: the whole account, or what is tagged with System, which must be an active cost allocation tag.",
  },
  viewer_atlas_read_only_root: {
    use: "structural",
    type: type.bool,
    default: "true",
    description:
      "Whether containers may write to /tmp and the file system alone. False for images that write beside their code.",
  },
  viewer_atlas_exec: {
    use: "structural",
    type: type.bool,
    default: "false",
    description:
      "Whether ECS Exec may open a shell in containers; it needs `viewer_atlas_read_only_root` to be false.",
  },
  viewer_atlas_container_insights: {
    use: "structural",
    type: type.bool,
    default: "false",
    description: "Whether the cluster has Container Insights, whose metrics cost.",
  },
} as const satisfies InputGroup;

/** Inputs of each system, by its name in `systems`. */
export const systemInputs = {
  chronos: chronosInputs,
  "x-scheduler": xSchedulerInputs,
  "macro-ai": macroAiInputs,
  "viewer-atlas": viewerAtlasInputs,
  "atomic-calendar": atomicCalendarInputs,
} as const satisfies Readonly<Record<string, InputGroup>>;

export type SystemName = keyof typeof systemInputs;
