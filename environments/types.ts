import ipaddr from "ipaddr.js";
import { z } from "zod";
import { fargateCpus, fargateSizeProblem } from "../modules/fargate-size";
import { meet, type PortRange } from "../modules/port-range";
import { scheduleProblem } from "../modules/schedule";
import { parseEnvFile, type Assignment } from "./env-file";
import type { InputType } from "./input";
import { nearest } from "./nearest";
import { awsRegions } from "./regions";
import { sshKeyProblem, type SshKeyKind } from "./ssh-key";
import { gitRefProblem } from "./git-ref";
import { isEnvironmentStack } from "./stack-names";

const define = <T>(
  name: string,
  expects: string,
  schema: z.ZodType<T, string>,
  terraform: InputType["terraform"] = "string",
): InputType<T> => Object.freeze({ name, expects, schema, terraform });

/** A part of a value, for a message: short, and in quotes. */
const quote = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** Text that a rule accepts or says what is wrong with. */
const ruled = (problem: (text: string) => string | undefined) =>
  z.string().superRefine((text, context) => {
    const message = problem(text);
    if (message) context.addIssue({ code: "custom", message });
  });

const matching = (pattern: RegExp, what: string) =>
  ruled((text) => (pattern.test(text) ? undefined : `${quote(text)} is not ${what}`));

/** A list in one line: parts between commas, blanks round them ignored, none of them twice. */
const list = <T>(item: z.ZodType<T, string>): z.ZodType<readonly T[], string> =>
  z
    .string()
    .transform((text) => (text.trim() === "" ? [] : text.split(",").map((part) => part.trim())))
    .pipe(z.array<z.ZodType<T, string>>(item))
    .superRefine((items, context) => {
      const values = items.map((item) => JSON.stringify(item)); // 10.0.0.1 and 10.0.0.1/32 are the same network
      const again = values.findIndex((value, index) => values.indexOf(value) !== index);
      if (again >= 0)
        context.addIssue({ code: "custom", message: `repeats in entry ${again + 1} what is there already` });
    });

const filled = <T>(schema: z.ZodType<readonly T[], string>, least = 1) =>
  schema.refine((items) => items.length >= least, {
    message: least === 1 ? "is empty" : `has fewer than ${least} entries`,
  });

const integer = (least: number, most: number) =>
  z
    .string()
    .superRefine((text, context) => {
      const number = Number(text);
      if (!/^\d{1,9}$/.test(text))
        context.addIssue({ code: "custom", message: `${quote(text)} is not a whole number` });
      else if (number < least || number > most)
        context.addIssue({ code: "custom", message: `${number} is not from ${least} to ${most}` });
    })
    .transform(Number);

/** Every object has a "constructor", also the tree of constructs. */
const dnsLabel = /^(?!constructor$)[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/;
const oneLabel = "lower-case letters, digits and hyphens, at most 20, a letter first";

export const text = define(
  "text",
  "some text without control characters.",
  ruled((value) => {
    if (value === "") return "is empty";
    return /\p{Cc}/u.test(value.replace(/\n/g, "")) ? "holds control characters" : undefined;
  }),
);

export const bool = define(
  "boolean",
  '"true" or "false".',
  matching(/^(true|false)$/, '"true" or "false"').transform((value) => value === "true"),
  "bool",
);

export function oneOf<const T extends string>(...choices: readonly T[]): InputType<T> {
  const schema = ruled((value) =>
    (choices as readonly string[]).includes(value) ? undefined : notAmong(value, choices),
  );
  return define(
    choices.join(", "),
    `one of ${choices.join(", ")}.`,
    schema.transform((value) => value as T),
  );
}

export function listOf<const T extends string>(...choices: readonly T[]): InputType<readonly T[]> {
  const { schema } = oneOf(...choices);
  return define(
    `list of ${choices.join(", ")}`,
    `one or more of ${choices.join(", ")}, with commas.`,
    filled(list(schema)),
  );
}

/** As {@link listOf}, and may be empty. */
export function anyOf<const T extends string>(...choices: readonly T[]): InputType<readonly T[]> {
  const { schema } = oneOf(...choices);
  return define(`list of ${choices.join(", ")}`, `any of ${choices.join(", ")}, with commas.`, list(schema));
}

const notAmong = (value: string, choices: readonly string[]): string => {
  const near = nearest(value, choices);
  return `${quote(value)} is not among them${near ? `; did you mean ${near}?` : ""}`;
};

const reservedBucketPrefixes = ["xn--", "sthree-", "amzn-s3-demo-"];

export const namePrefix = define(
  "name prefix",
  `${oneLabel}.`,
  ruled((value) => {
    if (!/^[a-z][a-z0-9-]{0,18}[a-z0-9]$/.test(value)) return `${quote(value)} is not a name prefix`;
    const reserved = reservedBucketPrefixes.find((prefix) => `${value}-`.startsWith(prefix));
    return reserved ? `${quote(value)} begins with "${reserved}", which S3 keeps for itself` : undefined;
  }),
);

export const environmentName = define(
  "environment name",
  `${oneLabel}.`,
  ruled((value) => {
    if (!dnsLabel.test(value)) return `${quote(value)} is not an environment name`;
    if (!isEnvironmentStack(value)) return `${quote(value)} is the name of a stack of its own`;
    // "sg-" is EC2's, "internal-" load balancers', and parameters may begin with neither of the others
    const reserved = /^(sg(?=-|$)|internal(?=-|$)|aws|ssm)/.exec(value)?.[0];
    return reserved
      ? `${quote(value)} would begin names of resources, and AWS keeps "${reserved}" there for itself`
      : undefined;
  }),
);

/** With ids, or without them for a repository older than July 2026: https://docs.github.com/en/actions/concepts/security/openid-connect */
export const githubRepository = define(
  "GitHub repository",
  "OWNER/NAME or OWNER@ID/NAME@ID.",
  ruled((value) => {
    if (!/^[A-Za-z0-9][\w-]{0,99}(@\d{1,15})?\/[\w.-]{1,100}(@\d{1,15})?$/.test(value))
      return `${quote(value)} is not a GitHub repository`;
    const [owner = "", name = ""] = value.split("/");
    return owner.includes("@") === name.includes("@")
      ? undefined
      : `${quote(value)} has the id of its owner or its own, but not both`;
  }),
);

export const githubProviderArn = define(
  "ARN of GitHub's OIDC provider",
  "arn:aws:iam::ACCOUNT:oidc-provider/token.actions.githubusercontent.com",
  matching(
    /^arn:aws[a-z-]*:iam::\d{12}:oidc-provider\/token\.actions\.githubusercontent\.com$/,
    "the ARN of GitHub's OIDC provider",
  ),
);

export const gitBranch = define(
  "git branch",
  "the name of a branch: letters, digits and any of . _ / -",
  matching(/^[A-Za-z0-9](?!.*(\.\.|\/\/))[\w./-]{0,199}$/, "the name of a branch"),
);

export const hostNames = define(
  "list of host names",
  `names of ${oneLabel}, with commas.`,
  list(matching(dnsLabel, "a host name")),
);

export const addressNames = define(
  "list of address names",
  "names such as stage-dashboard, with commas.",
  list(matching(/^(?!constructor$)[a-z][a-z0-9-]{0,39}[a-z0-9]$/, "the name of an address")),
);

export const region = define(
  "AWS region",
  "an AWS region such as us-east-1.",
  ruled((value) =>
    awsRegions.includes(value)
      ? undefined
      : notAmong(value, awsRegions).replace("among them", "an AWS region"),
  ),
);

export const accountIds = define(
  "list of AWS account ids",
  "account ids of 12 digits, with commas.",
  filled(list(matching(/^\d{12}$/, "an AWS account id"))),
);

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, without dots: they break TLS. */
export const bucketName = define(
  "S3 bucket name",
  "3 to 63 lower-case letters, digits and hyphens.",
  ruled((value) => {
    if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(value)) return `${quote(value)} is not a bucket name`;
    const reserved =
      reservedBucketPrefixes.find((prefix) => value.startsWith(prefix)) ??
      ["-s3alias", "--ol-s3", "--x-s3", "--table-s3"].find((suffix) => value.endsWith(suffix));
    return reserved ? `${quote(value)} has ${quote(reserved)}, which S3 keeps for itself` : undefined;
  }),
);

export const tableName = define(
  "DynamoDB table name",
  "3 to 255 letters, digits, and any of _ . -",
  matching(/^[\w.-]{3,255}$/, "a table name"),
);

const hexId = (prefix: string) => new RegExp(`^${prefix}-([0-9a-f]{8}|[0-9a-f]{17})$`);
export const vpcId = define(
  "VPC id",
  "a VPC id such as vpc-0123456789abcdef0, or default.",
  ruled((value) =>
    value === "default" || hexId("vpc").test(value) ? undefined : `${quote(value)} is not a VPC id`,
  ),
);
export const subnetIds = define(
  "list of subnet ids",
  "subnet ids such as subnet-0123456789abcdef0, with commas.",
  filled(list(matching(hexId("subnet"), "a subnet id"))),
);
export const amiId = define(
  "AMI id",
  "an AMI id such as ami-0123456789abcdef0.",
  matching(hexId("ami"), "an AMI id"),
);
export const instanceType = define(
  "EC2 instance type",
  "an instance type such as t3.micro.",
  matching(/^[a-z][a-z0-9-]{0,19}\.[a-z0-9-]{1,20}$/, "an instance type"),
);

/** What is wrong with a network in CIDR form, if anything. */
function cidrProblem(value: string): string | undefined {
  const [ip = ""] = value.split("/");
  const written = ip.includes(":") ? !ip.includes("%") : ipaddr.IPv4.isValidFourPartDecimal(ip); // not octal, not shortened
  if (!written || /\/0\d/.test(value) || !ipaddr.isValidCIDR(value))
    return `${quote(value)} is not a network`;
  const [address, bits] = ipaddr.parseCIDR(value);
  const network = (address.kind() === "ipv4" ? ipaddr.IPv4 : ipaddr.IPv6)
    .networkAddressFromCIDR(value)
    .toString();
  return network === address.toString()
    ? undefined
    : `${quote(value)} has bits beyond its prefix; the network is ${network}/${bits}`;
}

/** A bare address is a network of itself alone. */
const withPrefix = (value: string): string => {
  if (value.includes("/") || !ipaddr.isValid(value)) return value;
  return `${value}/${ipaddr.parse(value).kind() === "ipv4" ? 32 : 128}`;
};

const cidr = z
  .string()
  .transform(withPrefix)
  .pipe(ruled(cidrProblem))
  .transform((value) => {
    const [address, bits] = ipaddr.parseCIDR(value);
    return `${address.toString()}/${bits}`;
  });

export const cidrs = define(
  "list of networks",
  "networks such as 203.0.113.0/24 or 2001:db8::/32, with commas.",
  list(cidr),
);

/** As ipaddr.js calls them: RFC 1918, RFC 6598 and public; not loopback, link-local, multicast or reserved ones. */
const hostRanges: readonly string[] = ["private", "carrierGradeNat", "unicast"];

const ipv4Cidr = (least: number, most: number) =>
  ruled((value) => {
    const problem = cidrProblem(value);
    if (problem) return problem;
    const [address, bits] = ipaddr.parseCIDR(value);
    if (address.kind() !== "ipv4") return `${quote(value)} is not IPv4`;
    if (!hostRanges.includes(address.range())) return `${quote(value)} is not a range that hosts may have`;
    return bits < least || bits > most
      ? `${quote(value)} has a prefix that is not from /${least} to /${most}`
      : undefined;
  });

/** A VPC is /16 to /28 and a subnet at least /28; each subnet is a sixteenth of the VPC. */
export const vpcCidr = define(
  "IPv4 network",
  "an IPv4 network from /16 to /24, such as 10.0.0.0/16.",
  ipv4Cidr(16, 24),
);

const zone = matching(/^[a-z]{2}(-[a-z]+)+-\d[a-h]$/, "an availability zone");
export const availabilityZones = define(
  "list of availability zones",
  "two or more zones such as us-east-1a, with commas.",
  filled(list(zone), 2),
);

export const cidrByZone = define(
  "list of zone=network",
  "pairs such as us-east-1a=10.0.240.0/24, with commas.",
  list(
    z
      .string()
      .transform((pair) => pair.split("="))
      .pipe(z.tuple([zone, ipv4Cidr(16, 28)], { error: "is not a list of pairs zone=network" }))
      .readonly(),
  )
    .refine((pairs) => new Set(pairs.map(([name]) => name)).size === pairs.length, {
      message: "names a zone twice",
    })
    .transform((pairs): ReadonlyMap<string, string> => new Map(pairs)),
);

const portList = (most: number) =>
  list(
    ruled((value) => {
      const [from, to] = portRange(value);
      if (!/^\d{1,5}(-\d{1,5})?$/.test(value) || from < 1 || to > 65_535 || from > to)
        return `${quote(value)} is not a port or range`;
      return to > most ? `${quote(value)} goes beyond ${most}` : undefined;
    }).transform((value): PortRange => {
      const [from, to] = portRange(value);
      return { from, to };
    }),
  ).refine(
    (ranges) => ranges.every((range, index) => !ranges.slice(index + 1).some((other) => meet(range, other))),
    { message: "has ranges that overlap" },
  );

export const ports = define(
  "list of ports",
  "ports such as 443 or ranges such as 6000-6010, with commas.",
  portList(65_535),
);
export const lowPorts = define(
  "list of ports below 1024",
  "ports such as 443 or ranges such as 900-910, below 1024, with commas.",
  portList(1023),
);
const portRange = (value: string): [from: number, to: number] => {
  const [from, to] = value.split("-");
  return [Number(from), Number(to ?? from)];
};

/** The retentions of https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const retentions = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
export const logRetentionDays = define(
  "days of log retention",
  `one of ${retentions.join(", ")}.`,
  integer(1, 3653).refine((days) => retentions.includes(days), {
    message: "is no retention that CloudWatch Logs knows",
  }),
  "number",
);

/** gp3 goes to 16 TiB; Amazon Linux 2023 wants 8 GiB. */
export const volumeSize = define(
  "GiB",
  "a whole number of GiB from 8 to 16384.",
  integer(8, 16_384),
  "number",
);

const sshKey = (kinds: readonly SshKeyKind[] | undefined) => ruled((value) => sshKeyProblem(value, kinds));
export const sshPublicKey = define("SSH public key", "one line of a .pub file.", sshKey(undefined));
/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-key-pairs.html */
export const ec2PublicKey = define(
  "SSH public key for EC2",
  "one line of an Ed25519 or RSA .pub file.",
  sshKey(["ssh-ed25519", "ssh-rsa"]),
);

export const emails = define(
  "list of mail addresses",
  "mail addresses such as ops@example.com, with commas.",
  list(matching(/^[\w.+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/, "a mail address")),
);

/** RFC 1035: labels of letters, digits and hyphens. */
export const domainName = define(
  "domain name",
  "a host or zone name such as api.example.com, in lower case.",
  ruled((value) =>
    value.length <= 253 && /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/.test(value)
      ? undefined
      : `${quote(value)} is not a domain name`,
  ),
);

export const word = define(
  "word",
  "letters, digits and any of . _ -, at most 64.",
  matching(/^[\w.-]{1,64}$/, "a word"),
);

const number = (name: string, least: number, most: number) =>
  define(name, `a whole number from ${least} to ${most}.`, integer(least, most), "number");
export const count = (least: number, most: number) => number("whole number", least, most);
export const daysFromTo = (least: number, most: number) => number("days", least, most);
export const percentage = number("percent", 1, 99);
export const version = number("version", 1, 1_000_000);

export const gitRef = define(
  "git ref",
  "a branch, tag or commit as git allows it.",
  ruled((value) => {
    const problem = gitRefProblem(value);
    return problem ? `${quote(value)} ${problem}` : undefined;
  }),
);

/** https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests */
export const imageDigest = define(
  "image digest",
  "sha256: and 64 hexadecimal digits, as `./landfall images push stage` writes it.",
  matching(/^sha256:[0-9a-f]{64}$/, "an image digest"),
);

export const fileSystemId = define(
  "EFS file system",
  'an id such as fs-0123456789abcdef0, or "new".',
  matching(/^(new|fs-([0-9a-f]{8}|[0-9a-f]{17}))$/, "an EFS file system"),
);

export const accessPointId = define(
  "EFS access point",
  "an id such as fsap-0123456789abcdef0.",
  matching(/^fsap-[0-9a-f]{17}$/, "an EFS access point"),
);

/** CPU units, of which 1024 are a vCPU. Which memory goes with them is checked beside them. */
export const fargateCpu = define(
  "CPU units",
  `one of ${fargateCpus.join(", ")}; 1024 are a vCPU.`,
  integer(1, 1_000_000).refine((value) => fargateCpus.includes(value), {
    message: "is no CPU size that Fargate has",
  }),
  "number",
);
export const fargateMemory = define(
  "MiB",
  "a memory size in MiB that Fargate has for that CPU.",
  integer(512, 122_880),
  "number",
);

export const certificateArn = define(
  "ACM certificate",
  "the ARN of a certificate in ACM, in the environment's region.",
  matching(/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[0-9a-f-]{36}$/, "a certificate's ARN"),
);

/** An image of somebody else, which is copied to a repository of ours. */
export const upstreamImage = define(
  "image",
  "an image with its registry and tag, such as docker.io/hasura/graphql-engine:v2.48.5; a digest may follow.",
  matching(
    /^[a-z0-9.-]+\.[a-z0-9]+(:\d{1,5})?(\/[a-z0-9._-]+)+:[\w][\w.-]{0,127}(@sha256:[0-9a-f]{64})?$/,
    "an image with registry and tag",
  ),
);

export const databaseClass = define(
  "database instance class",
  "a class of RDS such as db.t3.small.",
  matching(/^db\.[a-z0-9-]+\.(micro|small|medium|\d{0,2}xlarge|large)$/, "a database instance class"),
);

export const postgresVersion = define(
  "PostgreSQL version",
  "a major version such as 16, which takes its newest minor one by itself, or a full one such as 16.4.",
  matching(/^1[4-9](\.\d{1,2})?$/, "a version of PostgreSQL from 14 on"),
);

export const webAcl = define(
  "web ACL",
  "none, new, or the ARN of a regional web ACL.",
  matching(
    /^(none|new|arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional\/webacl\/[\w-]+\/[0-9a-f-]{36})$/,
    "none, new or a web ACL's ARN",
  ),
);

/** Aurora capacity units: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html */
export const auroraCapacity = define(
  "ACU",
  "Aurora capacity units from 0.5 to 256, in halves.",
  matching(/^\d{1,3}(\.[05])?$/, "a number of halves")
    .transform(Number)
    .refine((units) => units >= 0.5 && units <= 256, { message: "is not from 0.5 to 256" }),
  "number",
);

export const schedule = define(
  "schedule",
  "cron(minutes hours day-of-month month day-of-week year) or rate(number unit), as EventBridge takes it, in UTC.",
  ruled((value) => {
    const problem = scheduleProblem(value);
    return problem ? `${quote(value)} ${problem}` : undefined;
  }),
);

export const dollars = number("US dollars", 1, 1_000_000);

export const cssColor = define(
  "CSS colour",
  "a colour such as #1a2b3c or rebeccapurple.",
  matching(/^(#([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})|[a-zA-Z]{3,20})$/, "a CSS colour"),
);

export const httpUrl = define(
  "URL",
  "a URL such as https://chronos.example.com, without user and password.",
  ruled((value) => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (!url || !/^https?:\/\/\S+$/i.test(value)) return "is not a URL of http or https";
    return url.username || url.password ? "holds a user or password" : undefined;
  }),
);

/** A secret in it would be in the clone's `.git/config` and in error messages. */
export const repositoryUrl = define(
  "git repository",
  "a repository such as https://github.com/example/chronos2.git or git@github.com:example/chronos2.git, without a password.",
  ruled((value) => {
    if (!/^((https|ssh|file):\/\/|[\w.-]+@[\w.-]+:)[^\s'"\\`$]*[\w-](\.git)?\/?$/.test(value))
      return "is not the URL of a git repository";
    return /^https:\/\/[^/]*@/.test(value) || /^\w+:\/\/[^/]*:[^/]*@/.test(value)
      ? "holds a user or password"
      : undefined;
  }),
);

/** A folder of this machine, or a repository to clone. */
export const sourceLocation = define(
  "folder or git repository",
  "a folder such as ../ViewerAtlas, or a repository such as https://github.com/example/ViewerAtlas.git.",
  ruled((value) => {
    if (!value.includes("://") && !/^[\w.-]+@[\w.-]+:/.test(value))
      return /^[^\p{Cc}-][^\p{Cc}]*$/u.test(value) ? undefined : "is not a folder";
    return repositoryUrl.schema.safeParse(value).success ? undefined : "is not the URL of a git repository";
  }),
);

/** Hosts reach port 443 and have no key for SSH. */
export const httpsRepositoryUrl = define(
  "git repository over https",
  "a repository such as https://github.com/example/x-scheduler.git, without a user, a password or a port.",
  repositoryUrl.schema.pipe(
    ruled((value) => (/^https:\/\/[^/:]+\//.test(value) ? undefined : "is not https on its own port")),
  ),
);

/** Where SSH finds a machine; user and port are SSH's own where left out, its config included. */
export interface SshAddress {
  readonly user?: string;
  /** Name or IP address, without brackets, or an alias of the user's SSH config. */
  readonly host: string;
  readonly port?: number;
}

/** No part may look like an option or hold what SSH's `%` tokens or a shell would take. */
const sshAddressText =
  /^(?:([A-Za-z_][\w.-]{0,31})@)?([A-Za-z0-9][\w.-]{0,252}|\[[0-9a-fA-F:.]{2,45}\])(?::(\d{1,5}))?$/;
const sshAddressSchema = ruled((value) => {
  const [, , , port] = sshAddressText.exec(value) ?? [];
  if (!sshAddressText.test(value)) return `${quote(value)} is not user@host:port`;
  return port !== undefined && (Number(port) < 1 || Number(port) > 65_535)
    ? `${quote(value)} has a port that is not from 1 to 65535`
    : undefined;
}).transform((value): SshAddress => {
  const [, user, host = "", port] = sshAddressText.exec(value) ?? [];
  return { user, host: host.replace(/^\[|\]$/g, ""), port: port === undefined ? undefined : Number(port) };
});
export const sshAddress = define(
  "SSH address",
  "user@host:port; user and port may be left out.",
  sshAddressSchema,
);

export const hostAddress = define(
  "host name or IP address",
  "a host name or IP address.",
  matching(
    /^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9a-fA-F:.]{2,45})$/,
    "a host name or IP address",
  ),
);

export const port = define("port", "a port from 1 to 65535.", integer(1, 65_535), "number");

/** Pairs `name=…` of which the first part is a host's name, or another thing's; no name twice unless `repeated`. */
const byHost = <T>(item: z.ZodType<T, string>, { repeated = false, thing = "host" } = {}) =>
  list(
    z
      .string()
      .transform((pair): [string, string] => {
        const at = pair.indexOf("=");
        return at < 0 ? ["", pair] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
      })
      .pipe(z.tuple([matching(dnsLabel, `a ${thing} name`), item]))
      .readonly(),
  ).refine((pairs) => repeated || new Set(pairs.map(([name]) => name)).size === pairs.length, {
    message: `names a ${thing} twice`,
  });

export const sshAddressByHost = define(
  "list of host=SSH address",
  "pairs such as plant-1=pi@plant-1.example.com:22, with commas.",
  byHost(sshAddressSchema).transform((pairs): ReadonlyMap<string, SshAddress> => new Map(pairs)),
);

export const portByHost = define(
  "list of host=port",
  "pairs such as edge-1=6001, with commas, no port twice.",
  byHost(integer(1, 65_535))
    .refine((pairs) => new Set(pairs.map(([, port]) => port)).size === pairs.length, {
      message: "gives a port twice",
    })
    .transform((pairs): ReadonlyMap<string, number> => new Map(pairs)),
);

/** Files of a source, by the name of what is made from them. */
export const pathByName = define(
  "list of name=path",
  "pairs such as collector=docker/Dockerfile.collector, with commas.",
  byHost(matching(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[\w./-]+$/, "a path inside the source")).transform(
    (pairs): ReadonlyMap<string, string> => new Map(pairs),
  ),
);

/** Value of a pair whose name is that of a service; no service twice. */
const byService = <T>(item: z.ZodType<T, string>) =>
  byHost(item, { thing: "service" }).transform((pairs): ReadonlyMap<string, T> => new Map(pairs));

const twoNumbers = (what: string) =>
  matching(/^\d{1,6}:\d{1,6}$/, what).transform((text) => text.split(":").map(Number) as [number, number]);

/** Sizes of Fargate tasks by service. */
export const sizeByService = define(
  "list of service=CPU:MiB",
  "pairs such as app=512:1024, with commas; each a size that Fargate has.",
  byService(
    twoNumbers("a size such as 512:1024").superRefine(([cpu, memory], context) => {
      const message = fargateSizeProblem(cpu, memory);
      if (message) context.addIssue({ code: "custom", message });
    }),
  ),
);

/** Numbers of tasks by service. */
export const tasksByService = define(
  "list of service=least:most",
  "pairs such as app=1:4, with commas; the same number twice scales nothing, and 0:0 stops the service.",
  byService(
    twoNumbers("a range such as 1:4").refine(([least, most]) => least <= most && most <= 100, {
      message: "is no range: the first number is at most the second, and that at most 100",
    }),
  ),
);

export const hostKeys = define(
  "list of host=SSH host key",
  "pairs such as plant-1=ssh-ed25519 AAAA…, with commas; a host may have several.",
  byHost(
    ruled((value) => sshKeyProblem(value)),
    { repeated: true },
  ),
);

/** Settings that the application knows and Landfall does not: lines as in a settings file. */
export const assignments = define(
  "settings, a line each",
  'lines NAME="value" as in this file, the whole in single quotes.',
  z
    .string()
    .superRefine((value, context) => {
      for (const message of assignmentProblems(value)) context.addIssue({ code: "custom", message });
    })
    .transform((value): readonly Assignment[] => parseEnvFile(Buffer.from(value)).assignments),
);

/** Tells lines and names, never values: they may be secrets. */
function assignmentProblems(value: string): string[] {
  const { assignments: all, misread } = parseEnvFile(Buffer.from(value));
  const names = all.map(({ name }) => name);
  const again = all.find(({ name }, index) => names.indexOf(name) !== index);
  return [
    ...misread.map(({ line, what }) => `in its line ${line} ${what}`),
    ...all
      .filter((assignment) => /\p{Cc}/u.test(assignment.value.replace(/\n/g, "")))
      .map(({ line }) => `in its line ${line} holds control characters`),
    ...(again ? [`in its line ${again.line} repeats a name`] : []),
  ];
}
