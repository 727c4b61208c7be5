/** What AWS allows in a name of each kind of resource; lengths and characters are those of its API references. */
const rules = {
  alarm: { max: 255, pattern: /^[^\p{Cc}]+$/u },
  bucket: { max: 63, pattern: /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/ },
  dashboard: { max: 255, pattern: /^[\w-]+$/ },
  "dynamodb table": { max: 255, pattern: /^[\w.-]{3,}$/ },
  "automation document": { max: 128, pattern: /^(?!aws|amazon|amzn)[\w.-]{3,}$/i },
  "dns label": { max: 63, pattern: /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/ },
  "dns zone": { max: 253, pattern: /^[a-z0-9-]+(\.[a-z0-9-]+)+$/ },
  "ecs cluster": { max: 255, pattern: /^[A-Za-z0-9_-]+$/ },
  "ecs service": { max: 255, pattern: /^[A-Za-z0-9_-]+$/ },
  "event rule": { max: 64, pattern: /^[\w.-]+$/ },
  "iam policy": { max: 128, pattern: /^[\w+=,.@-]+$/ },
  "iam role": { max: 64, pattern: /^[\w+=,.@-]+$/ },
  "image repository": { max: 256, pattern: /^[a-z0-9]+([._/-][a-z0-9]+)*$/ },
  "instance profile": { max: 128, pattern: /^[\w+=,.@-]+$/ },
  "kms alias": { max: 256, pattern: /^alias\/(?!aws\/)[\w/-]+$/ },
  "launch template": { max: 128, pattern: /^[\w()./-]{3,}$/ },
  "load balancer": { max: 32, pattern: /^(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/ },
  "log group": { max: 512, pattern: /^[\w.#/-]+$/ },
  "auto scaling group": { max: 255, pattern: /^[^\p{Cc}:]+$/u },
  "metric filter": { max: 512, pattern: /^[^:*\p{Cc}]+$/u },
  parameter: { max: 1011, pattern: /^\/(?!aws|ssm)[\w./-]+$/i },
  queue: { max: 80, pattern: /^[\w-]+$/ },
  schedule: { max: 64, pattern: /^[\w.-]+$/ },
  secret: { max: 512, pattern: /^(?!.*-[A-Za-z0-9]{6}$)[\w/+=.@-]+$/ }, // else its ARN cannot be told from a name
  "security group": { max: 255, pattern: /^(?!sg-)[\w .:/()#,@[\]+=&;{}!$*-]+$/ },
  "sns topic": { max: 256, pattern: /^[\w-]+$/ },
  "task family": { max: 255, pattern: /^[A-Za-z0-9_-]+$/ },
  "target group": { max: 32, pattern: /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/ },
} as const satisfies Record<string, { max: number; pattern: RegExp }>;

export type NamedKind = keyof typeof rules;

/**
 * The parts joined by hyphens, as the name of a resource of that kind.
 * @throws where AWS would refuse the name. A name is never cut: two long ones could become the same.
 */
export function resourceName(kind: NamedKind, ...parts: readonly string[]): string {
  const name = parts.join("-");
  const { max, pattern } = rules[kind];
  if (name.length > max)
    throw new Error(`${kind} name "${name}" has ${name.length} characters; AWS allows ${max}`);
  if (!pattern.test(name))
    throw new Error(`${kind} name "${name}" has characters that AWS does not allow there`);
  return name;
}

/** Path of all our roles, profiles and policies in IAM: what is under it is ours, whatever others are called. */
export const iamPath = "/landfall/";

/** A network as part of a resource's address: the whole of IPv4 or IPv6 by that name. */
export function networkId(cidr: string): string {
  if (cidr === "0.0.0.0/0") return "ipv4";
  return cidr === "::/0" ? "ipv6" : cidr.replace(/[.:/]/g, "-");
}

/** Terraform's escape for text that must not be read as a template. */
export const literal = (text: string): string => text.replace(/([$%])\{/g, "$1$1{");
