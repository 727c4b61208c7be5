import { DataAwsRoute53Zone } from "@cdktf/provider-aws/lib/data-aws-route53-zone";
import { Lb } from "@cdktf/provider-aws/lib/lb";
import { LbListener } from "@cdktf/provider-aws/lib/lb-listener";
import { LbTargetGroup } from "@cdktf/provider-aws/lib/lb-target-group";
import { Route53Record } from "@cdktf/provider-aws/lib/route53-record";
import { Construct } from "constructs";
import { Bucket } from "./bucket";
import { Certificate } from "./certificate";
import { resourceName } from "./naming";
import { port } from "./port-range";
import { SecurityGroup, anywhere } from "./security-group";

export interface LoadBalancerProps {
  readonly name: string;
  readonly partition: string;
  readonly accountIds: readonly string[];
  readonly vpcId: string;
  /** Public subnets in two zones at least. */
  readonly subnetIds: string[];
  /** Host name that it answers for. */
  readonly domain: string;
  /** Name of the public hosted zone of the domain: certificate and alias records are made there. */
  readonly hostedZone: string;
  /** Whether the subnets have IPv6. */
  readonly dualStack: boolean;
  /** Networks that may reach ports 80 and 443. @default the world */
  readonly cidrs?: readonly string[];
  /** Name of the bucket for access logs. */
  readonly logBucket: string;
  readonly deletionProtection: boolean;
}

export interface TargetProps {
  readonly name: string;
  readonly port: number;
  readonly healthPath: string;
  /** Statuses that count as healthy. @default "200" */
  readonly healthyStatus?: string;
  /** Seconds between two health checks. @default 15 */
  readonly interval?: number;
  /** Failed checks in a row, at most 10, that make a target unhealthy. @default 3 */
  readonly unhealthyThreshold?: number;
}

/** Days that access logs are kept. */
const LOG_DAYS = 90;
/** Seconds in which requests under way may end before a target goes. */
const DEREGISTRATION_SECONDS = 60;

/** An application load balancer with TLS 1.2 or later, dual-stack, port 80 leading to 443, and access logs. */
export class LoadBalancer extends Construct {
  readonly resource: Lb;
  readonly group: SecurityGroup;
  private readonly props: LoadBalancerProps;
  private readonly certificateArn: string;

  constructor(scope: Construct, id: string, props: LoadBalancerProps) {
    super(scope, id);
    this.props = props;
    const ports = [port(80), port(443)];
    this.group = new SecurityGroup(this, "group", {
      name: `${props.name}-alb`,
      description: `Load balancer of ${props.name}`,
      vpcId: props.vpcId,
      ingress: [{ purpose: "web", ports, cidrs: props.cidrs ?? anywhere }],
    });
    const logs = new Bucket(this, "logs", {
      name: props.logBucket,
      partition: props.partition,
      encryption: "AES256", // log delivery knows no other
      expirationDays: LOG_DAYS,
      noncurrentDays: 1,
      forceDestroy: !props.deletionProtection,
      takesLoadBalancerLogsOf: props.accountIds,
    });
    this.resource = new Lb(this, "this", {
      name: resourceName("load balancer", props.name),
      loadBalancerType: "application",
      ipAddressType: props.dualStack ? "dualstack" : "ipv4",
      subnets: props.subnetIds,
      securityGroups: [this.group.id],
      dropInvalidHeaderFields: true,
      enableDeletionProtection: props.deletionProtection,
      accessLogs: { bucket: logs.resource.id, enabled: true },
      dependsOn: [logs.policy],
    });
    const zone = new DataAwsRoute53Zone(this, "zone", { name: props.hostedZone, privateZone: false });
    this.certificateArn = new Certificate(this, "certificate", {
      domain: props.domain,
      hostedZoneId: zone.zoneId,
    }).arn;
    for (const [id, type] of [
      ["ipv4", "A"],
      ...(props.dualStack ? [["ipv6", "AAAA"] as const] : []),
    ] as const) {
      new Route53Record(this, id, {
        zoneId: zone.zoneId,
        name: props.domain,
        type,
        alias: { name: this.resource.dnsName, zoneId: this.resource.zoneId, evaluateTargetHealth: true },
      });
    }
    new LbListener(this, "http", {
      loadBalancerArn: this.resource.arn,
      port: 80,
      protocol: "HTTP",
      defaultAction: [
        { type: "redirect", redirect: { port: "443", protocol: "HTTPS", statusCode: "HTTP_301" } },
      ],
    });
  }

  /** A group of instances that all requests go to. Call it once. */
  serve(target: TargetProps): LbTargetGroup {
    const group = new LbTargetGroup(this, "target", {
      name: resourceName("target group", target.name),
      vpcId: this.props.vpcId,
      port: target.port,
      protocol: "HTTP",
      deregistrationDelay: String(DEREGISTRATION_SECONDS),
      healthCheck: {
        path: target.healthPath,
        matcher: target.healthyStatus ?? "200",
        interval: target.interval ?? 15,
        timeout: 5,
        healthyThreshold: 2,
        unhealthyThreshold: target.unhealthyThreshold ?? 3,
      },
    });
    new LbListener(this, "https", {
      loadBalancerArn: this.resource.arn,
      port: 443,
      protocol: "HTTPS",
      sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      certificateArn: this.certificateArn,
      defaultAction: [{ type: "forward", targetGroupArn: group.arn }],
    });
    return group;
  }
}
