import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { Wafv2WebAcl } from "@cdktf/provider-aws/lib/wafv2-web-acl";
import { Wafv2WebAclLoggingConfiguration } from "@cdktf/provider-aws/lib/wafv2-web-acl-logging-configuration";
import { Construct } from "constructs";
import { resourceName } from "./naming";

export interface WebAclSettings {
  /** Requests of one address in five minutes, at least 10, above which it is blocked. @default 2000 */
  readonly rateLimit?: number;
  /**
   * Rules of AWSManagedRulesCommonRuleSet that count what they find instead of blocking it.
   * @default SizeRestrictions_BODY, which blocks bodies above 8 KiB: uploads, and long GraphQL requests
   */
  readonly countedRules?: readonly string[];
  /** Days that the log is kept. @default 365 */
  readonly logRetentionDays?: number;
}

export interface WebAclProps extends WebAclSettings {
  /** Letters, digits, hyphens and underscores. */
  readonly name: string;
  /** Key of the log. @default CloudWatch Logs' own */
  readonly keyArn?: string;
}

const RATE_LIMIT = 2000;
const LEAST_RATE_LIMIT = 10;
/** Seconds that requests are counted over. */
const RATE_WINDOW = 300;
const LOG_DAYS = 365;
const COUNTED = ["SizeRestrictions_BODY"];
/** WAF writes to log groups of such names alone. */
const LOG_PREFIX = "aws-waf-logs-";
/** Headers that hold secrets, and are not logged. */
const REDACTED = ["authorization", "cookie"];
/** What is logged; all else is in the load balancer's access log. */
const LOGGED = ["BLOCK", "COUNT"];

/** A firewall for HTTP: AWS's common rules, known bad input, addresses of ill repute, and a limit for each address. */
export class WebAcl extends Construct {
  readonly arn: string;
  /** Dimensions of its metrics in AWS/WAFV2, the rule's besides. */
  readonly name: string;

  constructor(scope: Construct, id: string, props: WebAclProps) {
    super(scope, id);
    const limit = props.rateLimit ?? RATE_LIMIT;
    if (!Number.isInteger(limit) || limit < LEAST_RATE_LIMIT)
      throw new Error(
        `web ACL ${props.name}: rateLimit is ${limit}; AWS takes whole numbers from ${LEAST_RATE_LIMIT}`,
      );
    const logs = new CloudwatchLogGroup(this, "logs", {
      name: resourceName("log group", `${LOG_PREFIX}${props.name}`),
      retentionInDays: props.logRetentionDays ?? LOG_DAYS,
      kmsKeyId: props.keyArn,
    });
    const acl = new Wafv2WebAcl(this, "this", {
      name: props.name,
      description: `Requests to ${props.name}`,
      scope: "REGIONAL",
      defaultAction: { allow: {} },
      rule: [
        {
          name: "rate",
          priority: 1,
          action: { block: {} },
          statement: {
            rate_based_statement: { limit, aggregate_key_type: "IP", evaluation_window_sec: RATE_WINDOW },
          },
          visibilityConfig: visible("rate"),
        },
        managed("reputation", 2, "AWSManagedRulesAmazonIpReputationList"),
        managed("common", 3, "AWSManagedRulesCommonRuleSet", props.countedRules ?? COUNTED),
        managed("bad-inputs", 4, "AWSManagedRulesKnownBadInputsRuleSet"),
      ],
      visibilityConfig: visible(props.name),
    });
    new Wafv2WebAclLoggingConfiguration(this, "logging", {
      resourceArn: acl.arn,
      logDestinationConfigs: [logs.arn],
      redactedFields: REDACTED.map((name) => ({ singleHeader: { name } })),
      loggingFilter: {
        defaultBehavior: "DROP",
        filter: [
          {
            behavior: "KEEP",
            requirement: "MEETS_ANY",
            condition: LOGGED.map((action) => ({ actionCondition: { action } })),
          },
        ],
      },
    });
    this.arn = acl.arn;
    this.name = props.name;
  }
}

const visible = (metricName: string) => ({
  metricName,
  cloudwatchMetricsEnabled: true,
  sampledRequestsEnabled: false, // samples show the headers that the log does not
});

/** A group of rules that AWS keeps, with its actions but for those that only count. */
const managed = (name: string, priority: number, group: string, counted: readonly string[] = []) => ({
  name,
  priority,
  overrideAction: { none: {} },
  statement: {
    managed_rule_group_statement: {
      vendor_name: "AWS",
      name: group,
      ...(counted.length > 0
        ? { rule_action_override: counted.map((rule) => ({ name: rule, action_to_use: { count: {} } })) }
        : {}),
    },
  },
  visibilityConfig: visible(name),
});
