import { DataAwsRoute53Zone } from "@cdktf/provider-aws/lib/data-aws-route53-zone";
import { Lb } from "@cdktf/provider-aws/lib/lb";
import { LbListener, type LbListenerConfig } from "@cdktf/provider-aws/lib/lb-listener";
import { LbListenerRule } from "@cdktf/provider-aws/lib/lb-listener-rule";
import type { LbTargetGroup } from "@cdktf/provider-aws/lib/lb-target-group";
import { Route53Record } from "@cdktf/provider-aws/lib/route53-record";
import { Wafv2WebAclAssociation } from "@cdktf/provider-aws/lib/wafv2-web-acl-association";
import { Token, type IResolvable, type ITerraformDependable, type TerraformResourceLifecycle } from "cdktf";
import { Construct } from "constructs";
import { Bucket } from "./bucket";
import { Certificate } from "./certificate";
import { resourceName } from "./naming";
import { checkRules, rulesOf, type PathRoute, type PathRule } from "./path-rules";
import { port } from "./port-range";
import { SecurityGroup, anywhere } from "./security-group";
import { targetGroup, type TargetGroupProps } from "./target-group";
import { WebAcl, type WebAclSettings } from "./web-acl";
import { coversText } from "./wildcards";

export interface LoadBalancerProps {
  /** At most 32 characters. */
  readonly name: string;
  readonly partition: string;
  readonly accountIds: readonly string[];
  readonly vpcId: string;
  /** Public subnets in two zones at least. */
  readonly subnetIds: string[];
  /** Host name that it answers for. */
  readonly domain: string;
  /**
   * Name of the public hosted zone of the domain: alias records are made there, and a new certificate's own.
   * @default none: whoever keeps the domain's DNS points it at the load balancer
   */
  readonly hostedZone?: string;
  /** ARN of a certificate for the domain, issued, in the load balancer's region. @default a new one */
  readonly certificateArn?: string;
  /** Region, to compare a given certificate's with: AWS only says that it finds none. @default not compared */
  readonly region?: string;
  /**
   * For a new certificate without a hosted zone, whether it is issued. Until then port 80 answers 503 and there is no
   * HTTPS; the plan of an apply that is told so too early fails. @default false
   */
  readonly certificateIssued?: boolean;
  /** Whether the subnets have IPv6. */
  readonly dualStack: boolean;
  /** Networks that may reach ports 80 and 443. @default the world */
  readonly cidrs?: readonly string[];
  /** Name of the bucket for access logs. */
  readonly logBucket: string;
  /** Whether connections, with their TLS versions and errors, are logged there too. @default false */
  readonly connectionLogs?: boolean;
  readonly deletionProtection: boolean;
  /** Seconds, 1 to 4000, after which a connection without traffic is closed. @default 60 */
  readonly idleTimeout?: number;
  /** What becomes of a client's own X-Forwarded-For. @default "append": the last address in it is the true one */
  readonly forwardedFor?: "append" | "preserve" | "remove";
  /**
   * What requests get that no route takes: a path to go to (302), which a route must have, else 404.
   * @default 404
   */
  readonly defaultPath?: string;
  /** Firewall for HTTP: a new one (`true`, or its settings), or one that is there already. @default none */
  readonly waf?: boolean | WebAclSettings | { readonly webAclArn: string };
  /** Key of the firewall's log. @default CloudWatch Logs' own */
  readonly keyArn?: string;
}

export interface RouteProps extends PathRoute {
  readonly target: TargetGroupProps;
}

/** A target group, and what others need to know of it. */
export interface Target {
  readonly group: LbTargetGroup;
  readonly arn: string;
  readonly arnSuffix: string;
  /** What ECS may be told: it refuses a service whose target group no listener has yet, so none until there is HTTPS. */
  readonly targetGroupArns: readonly string[];
  /** What such a service must depend on. */
  readonly dependsOn: readonly ITerraformDependable[];
  /** Dimensions of the group's metrics in AWS/ApplicationELB. */
  readonly dimensions: Readonly<Record<"LoadBalancer" | "TargetGroup", string>>;
}

/** Days that logs of requests are kept. */
const LOG_DAYS = 90;
/** TLS 1.2 with forward secrecy, and 1.3. */
const TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06";
const IDLE_TIMEOUT = [1, 4000] as const;

/** An application load balancer with TLS 1.2 or later, dual-stack, port 80 leading to 443, and access logs. */
export class LoadBalancer extends Construct {
  readonly resource: Lb;
  readonly group: SecurityGroup;
  /** Records that prove a new certificate's domain, to be made by hand: objects with `name`, `type` and `value`. */
  readonly certificateRecords?: IResolvable;
  /** Whether there is HTTPS. */
  readonly secure: boolean;
  /** Firewall that was made. */
  readonly webAcl?: WebAcl;
  private readonly props: LoadBalancerProps;
  private readonly certificateArn: string;
  private readonly listenerLifecycle?: TerraformResourceLifecycle;
  private readonly routes = new Construct(this, "routes");
  private readonly rules: PathRule[] = [];
  private listener?: LbListener;

  constructor(scope: Construct, id: string, props: LoadBalancerProps) {
    super(scope, id);
    this.props = props;
    const [least, most] = IDLE_TIMEOUT;
    if (props.idleTimeout !== undefined && !(props.idleTimeout >= least && props.idleTimeout <= most))
      throw new Error(
        `load balancer ${props.name}: idleTimeout is ${props.idleTimeout}; AWS takes ${least} to ${most}`,
      );
    checkCertificate(props);
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
      desyncMitigationMode: "defensive",
      xffHeaderProcessingMode: props.forwardedFor ?? "append",
      idleTimeout: props.idleTimeout,
      enableDeletionProtection: props.deletionProtection,
      accessLogs: { bucket: logs.resource.id, enabled: true },
      connectionLogs: props.connectionLogs ? { bucket: logs.resource.id, enabled: true } : undefined,
      dependsOn: [logs.policy],
    });
    const zone =
      props.hostedZone === undefined
        ? undefined
        : new DataAwsRoute53Zone(this, "zone", { name: props.hostedZone, privateZone: false });
    const certificate =
      props.certificateArn === undefined
        ? new Certificate(this, "certificate", { domain: props.domain, hostedZoneId: zone?.zoneId })
        : undefined;
    const byHand = certificate && !zone ? certificate : undefined;
    this.certificateArn = certificate?.arn ?? props.certificateArn ?? "";
    this.certificateRecords = byHand?.records;
    this.listenerLifecycle = byHand ? { precondition: [byHand.issued] } : undefined;
    this.secure = !byHand || (props.certificateIssued ?? false);
    if (zone) this.alias(zone.zoneId);
    new LbListener(this, "http", {
      loadBalancerArn: this.resource.arn,
      port: 80,
      protocol: "HTTP",
      defaultAction: [
        this.secure
          ? { type: "redirect", redirect: { port: "443", protocol: "HTTPS", statusCode: "HTTP_301" } }
          : fixed("503", "There is no certificate yet."),
      ],
    });
    this.webAcl = this.protect(props.waf);
    this.node.addValidation({ validate: () => this.problems() });
  }

  /** Name that DNS resolves; the domain is pointed at it by hand where there is no hosted zone. */
  get dnsName(): string {
    return this.resource.dnsName;
  }

  /** Dimensions of its metrics in AWS/ApplicationELB. */
  get dimensions(): Readonly<Record<"LoadBalancer", string>> {
    return { LoadBalancer: this.resource.arnSuffix };
  }

  /** A group of targets for all requests that no route takes. Call it once, and before any route. */
  serve(props: TargetGroupProps): Target {
    const group = targetGroup(this, "target", this.props.vpcId, props);
    if (!this.secure) return this.target(group, []);
    if (this.listener)
      throw new Error(`load balancer ${this.props.name} has an answer already for what no route takes`);
    this.listener = this.https({ type: "forward", targetGroupArn: group.arn });
    return this.target(group, [this.listener]);
  }

  /**
   * A group of targets for requests to some paths, over HTTPS alone.
   * @throws where its rules or its target group are none that AWS takes, or another route stands in their way
   */
  route({ target, ...route }: RouteProps): Target {
    const rules = this.add(route);
    const scope = new Construct(this.routes, route.name);
    const group = targetGroup(scope, "target", this.props.vpcId, target);
    return this.target(group, this.forward(scope, rules, group));
  }

  /**
   * A further route to a target that one has already, such as paths that only some networks reach. Over HTTPS alone.
   * @throws as {@link route}
   */
  routeTo({ group }: Target, route: PathRoute): void {
    this.forward(new Construct(this.routes, route.name), this.add(route), group);
  }

  private add(route: PathRoute): readonly PathRule[] {
    const rules = rulesOf(route);
    checkRules(rules, this.rules);
    this.rules.push(...rules);
    return rules;
  }

  /** @returns none where there is no HTTPS */
  private forward(scope: Construct, rules: readonly PathRule[], group: LbTargetGroup): LbListenerRule[] {
    if (!this.secure) return [];
    this.listener ??= this.https(this.defaultAction());
    const listenerArn = this.listener.arn;
    return rules.map(
      ({ priority, paths, cidrs }, index) =>
        new LbListenerRule(scope, index === 0 ? "rule" : `rule_${index + 1}`, {
          listenerArn,
          priority,
          condition: [
            { pathPattern: { values: [...paths] } },
            ...(cidrs ? [{ sourceIp: { values: [...cidrs] } }] : []),
          ],
          action: [{ type: "forward", targetGroupArn: group.arn }],
          // A group that is replaced keeps its name: the old one must go first, and AWS deletes none that has a rule
          lifecycle: { replaceTriggeredBy: [`${group.terraformResourceType}.${group.friendlyUniqueId}.id`] },
        }),
    );
  }

  private target(group: LbTargetGroup, dependsOn: readonly ITerraformDependable[]): Target {
    return {
      group,
      arn: group.arn,
      arnSuffix: group.arnSuffix,
      targetGroupArns: this.secure ? [group.arn] : [],
      dependsOn,
      dimensions: { ...this.dimensions, TargetGroup: group.arnSuffix },
    };
  }

  private https(action: Action): LbListener {
    return new LbListener(this, "https", {
      loadBalancerArn: this.resource.arn,
      port: 443,
      protocol: "HTTPS",
      sslPolicy: TLS_POLICY,
      certificateArn: this.certificateArn,
      defaultAction: [action],
      lifecycle: this.listenerLifecycle,
    });
  }

  private defaultAction(): Action {
    const { defaultPath } = this.props;
    return defaultPath === undefined
      ? fixed("404", "Not found.")
      : { type: "redirect", redirect: { path: defaultPath, statusCode: "HTTP_302" } };
  }

  private alias(zoneId: string): void {
    const types = { ipv4: "A", ...(this.props.dualStack ? { ipv6: "AAAA" } : {}) };
    for (const [id, type] of Object.entries(types)) {
      new Route53Record(this, id, {
        zoneId,
        name: this.props.domain,
        type,
        alias: { name: this.resource.dnsName, zoneId: this.resource.zoneId, evaluateTargetHealth: true },
      });
    }
  }

  /** @returns the firewall that was made for it */
  private protect(waf: LoadBalancerProps["waf"]): WebAcl | undefined {
    if (waf === undefined || waf === false) return undefined;
    const settings = waf === true ? {} : waf;
    const made =
      "webAclArn" in settings
        ? undefined
        : new WebAcl(this, "waf", { ...settings, name: this.props.name, keyArn: this.props.keyArn });
    const webAclArn = "webAclArn" in settings ? settings.webAclArn : (made?.arn ?? "");
    new Wafv2WebAclAssociation(this, "waf_association", { resourceArn: this.resource.arn, webAclArn });
    return made;
  }

  /** A default path that no route has would lead to itself for ever. */
  private problems(): string[] {
    const { name, defaultPath } = this.props;
    if (defaultPath === undefined) return [];
    const taken = this.rules.some(
      ({ paths, cidrs }) => !cidrs && paths.some((path) => coversText(path, defaultPath)),
    );
    return taken ? [] : [`load balancer ${name}: no route takes the default path ${defaultPath}`];
  }
}

function checkCertificate({ name, certificateArn, region }: LoadBalancerProps): void {
  if (certificateArn === undefined || Token.isUnresolved(certificateArn)) return;
  const [, there] = /^arn:aws[\w-]*:acm:([\w-]+):\d{12}:certificate\/[\w-]+$/.exec(certificateArn) ?? [];
  if (there === undefined)
    throw new Error(`load balancer ${name}: "${certificateArn}" is no ARN of a certificate in ACM`);
  if (region !== undefined && there !== region)
    throw new Error(`load balancer ${name}: its certificate is in ${there}; it must be in ${region}`);
}

type Action = Extract<LbListenerConfig["defaultAction"], readonly unknown[]>[number];

const fixed = (statusCode: string, messageBody: string): Action => ({
  type: "fixed-response",
  fixedResponse: { contentType: "text/plain", statusCode, messageBody },
});
