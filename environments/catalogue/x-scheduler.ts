import type { InputGroup } from "../input";
import * as type from "../types";

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
