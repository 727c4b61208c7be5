import type { InputGroup } from "../input";
import * as type from "../types";

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
