import { TerraformOutput } from "cdktf";
import { LoadBalancer, type LoadBalancerProps, type RouteProps } from "../../modules/load-balancer";
import { checkRules, rulesOf } from "../../modules/path-rules";
import { targetGroup, type TargetGroupProps } from "../../modules/target-group";
import { WebAcl, type WebAclProps } from "../../modules/web-acl";
import { ModuleStack } from "../support/module-stack";
import { resource, resources } from "../support/stacks";

type Json = Parameters<typeof resource>[0];

const arn = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b";
const least: LoadBalancerProps = {
  name: "stage-atomic",
  partition: "aws",
  accountIds: ["123456789012"],
  vpcId: "vpc-1",
  subnetIds: ["subnet-1", "subnet-2"],
  domain: "app.example.com",
  dualStack: true,
  logBucket: "agt-stage-atomic-alb-logs",
  deletionProtection: false,
};
const target: TargetGroupProps = {
  name: "stage-atomic-app",
  port: 3000,
  healthPath: "/health",
  targetType: "ip",
};
const app: RouteProps = { name: "app", paths: ["/app", "/app/*"], priority: 10, target };
const functions: RouteProps = {
  name: "functions",
  paths: ["/v1/functions", "/v1/functions/*"],
  priority: 20,
  target: { ...target, name: "stage-atomic-functions" },
};

/** The stack's JSON, with what its load balancer tells. */
function made(
  props: Partial<LoadBalancerProps> = { certificateArn: arn },
  use: (balancer: LoadBalancer) => void = (balancer) => balancer.route(app),
): { readonly balancer: LoadBalancer; readonly json: Json; readonly problems: string[] } {
  const stack = new ModuleStack();
  const balancer = new LoadBalancer(stack, "balancer", { ...least, ...props });
  use(balancer);
  return {
    balancer,
    get json() {
      return stack.toTerraform() as Json;
    },
    problems: stack.problems(),
  };
}
const routes = (...all: RouteProps[]) =>
  made({ certificateArn: arn }, (one) => all.forEach((r) => one.route(r)));

describe("the load balancer", () => {
  it("takes no odd headers or requests, and logs the others", () => {
    const { json } = made();
    expect(resource(json, "aws_lb", "balancer")).toMatchObject({
      name: "stage-atomic",
      ip_address_type: "dualstack",
      drop_invalid_header_fields: true,
      desync_mitigation_mode: "defensive",
      xff_header_processing_mode: "append",
      enable_deletion_protection: false,
      access_logs: { bucket: "${aws_s3_bucket.balancer_logs.id}", enabled: true },
      depends_on: ["aws_s3_bucket_policy.balancer_logs_policy"],
    });
    expect(resource(json, "aws_lb", "balancer")).not.toHaveProperty("connection_logs");
  });

  it("is set otherwise where that is asked for", () => {
    const { json } = made({
      certificateArn: arn,
      dualStack: false,
      idleTimeout: 120,
      forwardedFor: "remove",
      connectionLogs: true,
      deletionProtection: true,
    });
    expect(resource(json, "aws_lb", "balancer")).toMatchObject({
      ip_address_type: "ipv4",
      idle_timeout: 120,
      xff_header_processing_mode: "remove",
      connection_logs: { bucket: "${aws_s3_bucket.balancer_logs.id}", enabled: true },
      enable_deletion_protection: true,
    });
    expect(resource(json, "aws_s3_bucket", "balancer_logs").force_destroy).toBe(false);
  });

  it.each([0, 4001, NaN])("takes no idle timeout of %s", (idleTimeout) => {
    expect(() => made({ idleTimeout })).toThrow("idleTimeout is");
  });

  it("tells the dimensions of its metrics", () => {
    expect(made().balancer.dimensions).toEqual({ LoadBalancer: expect.any(String) });
  });
});

describe("a given certificate", () => {
  it("is taken as it is, and nothing is made beside it", () => {
    const { json, balancer } = made();
    expect(resource(json, "aws_lb_listener", "balancer_https")).toMatchObject({
      port: 443,
      protocol: "HTTPS",
      ssl_policy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      certificate_arn: arn,
    });
    expect(resource(json, "aws_lb_listener", "balancer_https")).not.toHaveProperty("lifecycle");
    expect([balancer.secure, balancer.certificateRecords]).toEqual([true, undefined]);
    for (const type of ["aws_acm_certificate", "aws_route53_record", "aws_acm_certificate_validation"])
      expect(resources(json, type)).toEqual({});
  });

  it("has its domain pointed at the load balancer where there is a hosted zone", () => {
    const { json } = made({ certificateArn: arn, hostedZone: "example.com" });
    expect(Object.keys(resources(json, "aws_route53_record"))).toEqual(["balancer_ipv4", "balancer_ipv6"]);
    expect(resources(json, "aws_acm_certificate")).toEqual({});
  });

  it("is refused where it cannot be one, or is elsewhere", () => {
    expect(() => made({ certificateArn: "arn:aws:iam::123456789012:role/one" })).toThrow(
      "is no ARN of a certificate",
    );
    expect(() => made({ certificateArn: arn, region: "eu-west-1" })).toThrow(
      "its certificate is in us-east-1; it must be in eu-west-1",
    );
    expect(() => made({ certificateArn: arn, region: "us-east-1" })).not.toThrow();
  });
});

describe("a new certificate in a hosted zone", () => {
  it("is proven there, and waited for", () => {
    const { json, balancer } = made({ hostedZone: "example.com" });
    expect(Object.keys(resources(json, "aws_route53_record"))).toEqual([
      "balancer_certificate_record",
      "balancer_ipv4",
      "balancer_ipv6",
    ]);
    expect(resource(json, "aws_lb_listener", "balancer_https").certificate_arn).toBe(
      "${aws_acm_certificate_validation.balancer_certificate_issued.certificate_arn}",
    );
    expect(resource(json, "aws_lb_listener", "balancer_http").default_action).toEqual([
      { type: "redirect", redirect: { port: "443", protocol: "HTTPS", status_code: "HTTP_301" } },
    ]);
    expect([balancer.secure, balancer.certificateRecords]).toEqual([true, undefined]);
  });

  it("has no AAAA record without IPv6", () => {
    const { json } = made({ hostedZone: "example.com", dualStack: false });
    expect(Object.keys(resources(json, "aws_route53_record"))).not.toContain("balancer_ipv6");
  });
});

describe("a new certificate without a hosted zone", () => {
  it("is first made alone: no HTTPS, 503, its records told, and nothing waited for", () => {
    const told: unknown[] = [];
    const { json, balancer } = made({}, (one) => {
      const { targetGroupArns, dependsOn, arn } = one.route(app);
      told.push(targetGroupArns, dependsOn);
      expect(arn).toBeTruthy();
    });
    expect(told).toEqual([[], []]);
    expect(balancer.secure).toBe(false);
    expect(balancer.certificateRecords).toBeDefined();
    expect(Object.keys(resources(json, "aws_lb_listener"))).toEqual(["balancer_http"]);
    expect(resource(json, "aws_lb_listener", "balancer_http").default_action).toMatchObject([
      { type: "fixed-response", fixed_response: { status_code: "503" } },
    ]);
    expect(Object.keys(resources(json, "aws_lb_target_group"))).toEqual(["balancer_routes_app_target"]);
    for (const type of ["aws_lb_listener_rule", "aws_acm_certificate_validation", "aws_route53_record"])
      expect(resources(json, type)).toEqual({});
  });

  it("has HTTPS once it is issued, and the plan fails where it is not", () => {
    const { json, balancer } = made({ certificateIssued: true });
    expect(balancer.secure).toBe(true);
    expect(balancer.certificateRecords).toBeDefined(); // they must stay: ACM renews by them
    expect(resource(json, "aws_lb_listener", "balancer_https")).toMatchObject({
      certificate_arn: "${aws_acm_certificate.balancer_certificate.arn}",
      lifecycle: {
        precondition: [
          {
            condition: '${aws_acm_certificate.balancer_certificate.status == "ISSUED"}',
            error_message: expect.stringContaining("app.example.com is not issued"),
          },
        ],
      },
    });
    expect(resource(json, "aws_lb_listener", "balancer_http").default_action).toMatchObject([
      { type: "redirect" },
    ]);
    expect(resources(json, "aws_acm_certificate_validation")).toEqual({});
  });

  it("keeps what is served back as well", () => {
    const { json } = made({}, (one) => one.serve(target));
    expect(Object.keys(resources(json, "aws_lb_listener"))).toEqual(["balancer_http"]);
  });
});

describe("routes", () => {
  it("have rules of the HTTPS listener, each with a target group of its own", () => {
    const { json } = routes(app, functions);
    const rules = resources(json, "aws_lb_listener_rule");
    expect(rules).toEqual({
      balancer_routes_app_rule: expect.objectContaining({
        listener_arn: "${aws_lb_listener.balancer_https.arn}",
        priority: 10,
        condition: [{ path_pattern: { values: ["/app", "/app/*"] } }],
        action: [
          { type: "forward", target_group_arn: "${aws_lb_target_group.balancer_routes_app_target.arn}" },
        ],
        lifecycle: { replace_triggered_by: ["aws_lb_target_group.balancer_routes_app_target.id"] },
      }),
      balancer_routes_functions_rule: expect.objectContaining({
        priority: 20,
        action: [
          {
            type: "forward",
            target_group_arn: "${aws_lb_target_group.balancer_routes_functions_target.arn}",
          },
        ],
      }),
    });
    expect(resource(json, "aws_lb_listener", "balancer_https").default_action).toMatchObject([
      { type: "fixed-response", fixed_response: { status_code: "404" } },
    ]);
  });

  it("tell what a service must wait for, and what metrics are named by", () => {
    const stack = new ModuleStack();
    const balancer = new LoadBalancer(stack, "balancer", { ...least, certificateArn: arn });
    const paths = ["/a", "/b", "/c", "/d", "/e", "/f"];
    const one = balancer.route({ ...app, paths });
    new TerraformOutput(stack, "told", {
      value: [one.targetGroupArns, one.dimensions],
      dependsOn: [...one.dependsOn],
    });
    const { told } = (stack.toTerraform() as Json).output;
    expect(told.depends_on).toEqual([
      "${aws_lb_listener_rule.balancer_routes_app_rule}",
      "${aws_lb_listener_rule.balancer_routes_app_rule_2}",
    ]);
    expect(told.value).toEqual([
      ["${aws_lb_target_group.balancer_routes_app_target.arn}"],
      {
        LoadBalancer: "${aws_lb.balancer.arn_suffix}",
        TargetGroup: "${aws_lb_target_group.balancer_routes_app_target.arn_suffix}",
      },
    ]);
  });

  it("of more than five paths, or five wildcards, have further rules after the first", () => {
    const paths = ["/a", "/b", "/c", "/d", "/e", "/f/*/*", "/g/*/*", "/h/??"];
    const rules = resources(routes({ ...app, paths }).json, "aws_lb_listener_rule");
    expect(
      Object.values(rules).map((rule) => [rule.priority, rule.condition[0].path_pattern.values]),
    ).toEqual([
      [10, ["/a", "/b", "/c", "/d", "/e"]],
      [11, ["/f/*/*", "/g/*/*"]],
      [12, ["/h/??"]],
    ]);
  });

  it("cannot stand at one place, and the error names both", () => {
    const both = "routes app and functions both have a rule at priority";
    expect(() => routes(app, { ...functions, priority: 10 })).toThrow(`${both} 10`);
    const many = { ...app, paths: ["/a", "/b", "/c", "/d", "/e", "/f"] };
    expect(() => routes(many, { ...functions, priority: 11 })).toThrow(`${both} 11`);
  });

  it.each([0, 50_001, 1.5, -1])("cannot stand at %s", (priority) => {
    expect(() => routes({ ...app, priority })).toThrow(
      `route app: priority ${priority} is not one of 1 to 50000`,
    );
  });

  it("may stand first and last", () => {
    expect(rulesOf({ ...app, priority: 1 })).toHaveLength(1);
    expect(rulesOf({ ...app, priority: 50_000 })).toHaveLength(1);
    const paths = ["/a", "/b", "/c", "/d", "/e", "/f"];
    expect(() => rulesOf({ ...app, paths, priority: 50_000 })).toThrow("priority 50001");
  });

  it.each([
    ["/v1/*", "/v1/functions/*"],
    ["/v1/functions/*", "/v1/functions/*"],
    ["/*", "/v1/functions"],
    ["/v?/functions*", "/v1/functions"],
  ])("are refused where one at an earlier place takes all of another's: %s, %s", (earlier, later) => {
    const first = { ...app, paths: [earlier] };
    const second = { ...functions, paths: [later] };
    const message = `route functions never gets "${later}" at priority 20: "${earlier}" of route app at 10 takes it`;
    expect(() => checkRules(rulesOf(second), rulesOf(first))).toThrow(message);
    expect(() => checkRules(rulesOf(first), rulesOf(second))).toThrow(message);
  });

  it("may take what is left of another's", () => {
    const rest = { ...app, paths: ["/v1/*"], priority: 30 };
    expect(() => routes(rest, functions)).not.toThrow();
  });

  it.each([
    [[], "route app has no paths"],
    [["app"], 'AWS does not take the path "app"'],
    [["/a b"], 'AWS does not take the path "/a b"'],
    [[`/${"a".repeat(128)}`], "at most 128 characters"],
    [["/*/*/*/*/*/*"], "more than 5 wildcards"],
  ])("take no paths such as %j", (paths, message) => {
    expect(() => rulesOf({ ...app, paths })).toThrow(message);
  });

  it("leave the rest to a path that one of them takes", () => {
    const json = made({ certificateArn: arn, defaultPath: "/app" }).json;
    expect(resource(json, "aws_lb_listener", "balancer_https").default_action).toEqual([
      { type: "redirect", redirect: { path: "/app", status_code: "HTTP_302" } },
    ]);
    expect(made({ certificateArn: arn, defaultPath: "/app" }).problems).toEqual([]);
    expect(made({ certificateArn: arn, defaultPath: "/else" }).problems).toEqual([
      "load balancer stage-atomic: no route takes the default path /else",
    ]);
  });

  it("may stand beside a target for all else, of which there is one", () => {
    const { json } = made({ certificateArn: arn }, (one) => {
      one.serve({ ...target, name: "all" });
      one.route(app);
    });
    expect(resource(json, "aws_lb_listener", "balancer_https").default_action).toEqual([
      { type: "forward", target_group_arn: "${aws_lb_target_group.balancer_target.arn}" },
    ]);
    expect(() =>
      made({ certificateArn: arn }, (one) => {
        one.route(app);
        one.serve(target);
      }),
    ).toThrow("has an answer already");
  });
});

describe("a target group", () => {
  const group = (props: Partial<TargetGroupProps>) =>
    resource(
      routes({ ...app, target: { ...target, ...props } }).json,
      "aws_lb_target_group",
      "balancer_routes_app_target",
    );

  it("has the defaults that its props name", () => {
    expect(group({ targetType: undefined })).toEqual({
      "//": expect.anything(),
      name: "stage-atomic-app",
      vpc_id: "vpc-1",
      port: 3000,
      protocol: "HTTP",
      deregistration_delay: "60",
      health_check: {
        path: "/health",
        matcher: "200",
        interval: 15,
        timeout: 5,
        healthy_threshold: 2,
        unhealthy_threshold: 3,
      },
    });
    expect(group({ interval: 5 }).health_check.timeout).toBe(4);
  });

  it("is set otherwise where that is asked for", () => {
    expect(
      group({
        healthyStatus: "200,204,300-399",
        interval: 30,
        timeout: 10,
        healthyThreshold: 3,
        unhealthyThreshold: 4,
        deregistrationSeconds: 0,
        stickinessSeconds: 3600,
        algorithm: "least_outstanding_requests",
      }),
    ).toMatchObject({
      target_type: "ip",
      deregistration_delay: "0",
      stickiness: { type: "lb_cookie", cookie_duration: 3600 },
      load_balancing_algorithm_type: "least_outstanding_requests",
      health_check: {
        matcher: "200,204,300-399",
        interval: 30,
        timeout: 10,
        healthy_threshold: 3,
        unhealthy_threshold: 4,
      },
    });
  });

  const stack = new ModuleStack();
  it.each<[Partial<TargetGroupProps>, string]>([
    [{ name: "stage-atomic-calendar-supertokens" }, "has 33 characters; AWS allows 32"],
    [{ port: 0 }, "port is 0; AWS takes 1 to 65535"],
    [{ interval: 4 }, "interval is 4; AWS takes 5 to 300"],
    [{ interval: 301 }, "interval is 301"],
    [{ interval: 200, timeout: 121 }, "timeout is 121; AWS takes 2 to 120"],
    [{ interval: 10, timeout: 10 }, "timeout is 10 s and must be less than the interval, 10 s"],
    [{ healthyThreshold: 1 }, "healthyThreshold is 1; AWS takes 2 to 10"],
    [{ unhealthyThreshold: 11 }, "unhealthyThreshold is 11; AWS takes 2 to 10"],
    [{ deregistrationSeconds: 3601 }, "deregistrationSeconds is 3601; AWS takes 0 to 3600"],
    [{ stickinessSeconds: 0 }, "stickinessSeconds is 0; AWS takes 1 to 604800"],
    [{ healthPath: "health" }, 'healthPath is "health"'],
    [{ healthyStatus: "200-599" }, 'healthyStatus is "200-599"; AWS takes statuses and ranges of 200 to 499'],
    [{ healthyStatus: "ok" }, 'healthyStatus is "ok"'],
  ])("is refused with %j", (props, message) => {
    expect(() => targetGroup(stack, "target", "vpc-1", { ...target, ...props })).toThrow(message);
  });
});

describe("a firewall", () => {
  const acl = (props: Partial<WebAclProps> = {}) => {
    const stack = new ModuleStack();
    new WebAcl(stack, "waf", { name: "stage-atomic", ...props });
    return stack.toTerraform() as Json;
  };

  it("is none unless asked for", () => {
    for (const waf of [undefined, false] as const) {
      const { json } = made({ certificateArn: arn, waf });
      for (const type of ["aws_wafv2_web_acl", "aws_wafv2_web_acl_association"])
        expect(resources(json, type)).toEqual({});
    }
  });

  it("of its own stands before the load balancer", () => {
    const { json, balancer } = made({ certificateArn: arn, waf: true, keyArn: "arn:key" });
    expect(resource(json, "aws_wafv2_web_acl_association", "balancer_waf_association")).toMatchObject({
      resource_arn: "${aws_lb.balancer.arn}",
      web_acl_arn: "${aws_wafv2_web_acl.balancer_waf.arn}",
    });
    expect(balancer.webAcl?.name).toBe("stage-atomic");
    expect(resource(json, "aws_cloudwatch_log_group", "balancer_waf_logs").kms_key_id).toBe("arn:key");
    const settings = made({ certificateArn: arn, waf: { rateLimit: 100 } }).json;
    expect(JSON.stringify(resource(settings, "aws_wafv2_web_acl", "balancer_waf"))).toContain('"limit":100');
  });

  it("that is there already is taken, and none made", () => {
    const { json } = made({ certificateArn: arn, waf: { webAclArn: "arn:acl" } });
    expect(resource(json, "aws_wafv2_web_acl_association", "balancer_waf_association").web_acl_arn).toBe(
      "arn:acl",
    );
    expect(resources(json, "aws_wafv2_web_acl")).toEqual({});
  });

  it("limits each address, and blocks by AWS's rules but for large bodies", () => {
    const { rule: rules, ...found } = resource(acl(), "aws_wafv2_web_acl", "waf");
    expect(found).toMatchObject({ scope: "REGIONAL", default_action: { allow: {} } });
    expect(rules).toMatchObject([
      {
        priority: 1,
        action: { block: {} },
        statement: {
          rate_based_statement: { limit: 2000, aggregate_key_type: "IP", evaluation_window_sec: 300 },
        },
      },
      {
        priority: 2,
        statement: { managed_rule_group_statement: { name: "AWSManagedRulesAmazonIpReputationList" } },
      },
      {
        priority: 3,
        statement: {
          managed_rule_group_statement: {
            name: "AWSManagedRulesCommonRuleSet",
            rule_action_override: [{ name: "SizeRestrictions_BODY", action_to_use: { count: {} } }],
          },
        },
      },
      {
        priority: 4,
        statement: { managed_rule_group_statement: { name: "AWSManagedRulesKnownBadInputsRuleSet" } },
      },
    ]);
    for (const { override_action, visibility_config } of rules.slice(1)) {
      expect(override_action).toEqual({ none: {} });
      expect(visibility_config.cloudwatch_metrics_enabled).toBe(true);
    }
    expect(JSON.stringify(acl({ countedRules: [] }))).not.toContain("SizeRestrictions_BODY");
  });

  it("logs what it finds without secrets, and shows none in samples", () => {
    const json = acl();
    expect(resource(json, "aws_cloudwatch_log_group", "waf_logs")).toMatchObject({
      name: "aws-waf-logs-stage-atomic",
      retention_in_days: 365,
    });
    expect(resource(json, "aws_wafv2_web_acl_logging_configuration", "waf_logging")).toMatchObject({
      resource_arn: "${aws_wafv2_web_acl.waf.arn}",
      redacted_fields: [{ single_header: { name: "authorization" } }, { single_header: { name: "cookie" } }],
      logging_filter: {
        default_behavior: "DROP",
        filter: [
          {
            behavior: "KEEP",
            condition: [{ action_condition: { action: "BLOCK" } }, { action_condition: { action: "COUNT" } }],
          },
        ],
      },
    });
    expect(JSON.stringify(json)).not.toContain('"sampled_requests_enabled":true');
  });

  it.each([9, 10.5])("takes no limit of %s", (rateLimit) => {
    expect(() => acl({ rateLimit })).toThrow(`rateLimit is ${rateLimit}`);
  });
});
