import { LbTargetGroup } from "@cdktf/provider-aws/lib/lb-target-group";
import type { Construct } from "constructs";
import { resourceName } from "./naming";

export interface TargetGroupProps {
  /** At most 32 characters. */
  readonly name: string;
  /** Port of a target that does not name its own: instances are asked there, ECS tells each task's. */
  readonly port: number;
  /** Path of the health check. */
  readonly healthPath: string;
  /** Statuses that count as healthy, of 200 to 499, such as "200,204" or "200-399". @default "200" */
  readonly healthyStatus?: string;
  /** Seconds between two health checks, 5 to 300. @default 15 */
  readonly interval?: number;
  /** Seconds that a target has to answer one, 2 to 120 and less than the interval. @default 5, or less for a short interval */
  readonly timeout?: number;
  /** Successful checks in a row, 2 to 10, that make a target healthy. @default 2 */
  readonly healthyThreshold?: number;
  /** Failed checks in a row, 2 to 10, that make a target unhealthy. @default 3 */
  readonly unhealthyThreshold?: number;
  /** What registers itself: `ip` for tasks on Fargate. @default "instance" */
  readonly targetType?: "instance" | "ip";
  /** Seconds, at most 3600, in which requests under way may end before a target goes. @default 60 */
  readonly deregistrationSeconds?: number;
  /** Seconds, at most 604800, for which a client stays with one target, by a cookie of the load balancer. @default it does not */
  readonly stickinessSeconds?: number;
  /** How a target is chosen. @default "round_robin" */
  readonly algorithm?: "round_robin" | "least_outstanding_requests" | "weighted_random";
}

const DEREGISTRATION_SECONDS = 60;

/** What AWS takes: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html */
const limits = {
  port: [1, 65_535],
  interval: [5, 300],
  timeout: [2, 120],
  healthyThreshold: [2, 10],
  unhealthyThreshold: [2, 10],
  deregistrationSeconds: [0, 3600],
  stickinessSeconds: [1, 604_800],
} as const;
/** A status, or a range of them, of those that a load balancer for HTTP can ask for. */
const STATUSES = /^[2-4]\d\d(-[2-4]\d\d)?(,[2-4]\d\d(-[2-4]\d\d)?)*$/;

/**
 * What requests are sent to, with its health check.
 * @throws where AWS would refuse a number, a status or a path
 */
export function targetGroup(scope: Construct, id: string, vpcId: string, props: TargetGroupProps) {
  const interval = props.interval ?? 15;
  const timeout = props.timeout ?? Math.min(5, interval - 1);
  check({ ...props, interval, timeout });
  return new LbTargetGroup(scope, id, {
    name: resourceName("target group", props.name),
    vpcId,
    port: props.port,
    protocol: "HTTP",
    targetType: props.targetType,
    deregistrationDelay: String(props.deregistrationSeconds ?? DEREGISTRATION_SECONDS),
    loadBalancingAlgorithmType: props.algorithm,
    stickiness:
      props.stickinessSeconds === undefined
        ? undefined
        : { type: "lb_cookie", cookieDuration: props.stickinessSeconds },
    healthCheck: {
      path: props.healthPath,
      matcher: props.healthyStatus ?? "200",
      interval,
      timeout,
      healthyThreshold: props.healthyThreshold ?? 2,
      unhealthyThreshold: props.unhealthyThreshold ?? 3,
    },
  });
}

function check(props: TargetGroupProps & { readonly interval: number; readonly timeout: number }): void {
  const refuse = (what: string) => {
    throw new Error(`target group ${props.name}: ${what}`);
  };
  for (const [name, [least, most]] of Object.entries(limits)) {
    const value = props[name as keyof typeof limits];
    if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) continue;
    refuse(`${name} is ${value}; AWS takes ${least} to ${most}`);
  }
  if (props.timeout >= props.interval)
    refuse(`timeout is ${props.timeout} s and must be less than the interval, ${props.interval} s`);
  if (!props.healthPath.startsWith("/") || props.healthPath.length > 1024)
    refuse(`healthPath is "${props.healthPath}"; AWS takes at most 1024 characters, the first a slash`);
  const status = props.healthyStatus ?? "200";
  if (!STATUSES.test(status))
    refuse(`healthyStatus is "${status}"; AWS takes statuses and ranges of 200 to 499, joined by commas`);
}
