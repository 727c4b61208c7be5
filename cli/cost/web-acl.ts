import { charge, type Finding, type Pricer } from "./charge";
import { block, blocks, type Attributes } from "./template";

/** Groups of AWS's own that cost by the group and by the request; its others cost as any rule. */
const PAID_GROUPS = /^AWSManagedRules(BotControl|ATP|ACFP|AntiDDoS)RuleSet$/;

/** `aws_wafv2_web_acl`: itself, its rules, and the requests that it inspects. A group of rules counts as one. */
export const webAcl: Pricer = (resource, { usage }): readonly Finding[] => {
  const { rule, rule_json: json } = resource.attributes;
  const rules = blocks(rule);
  return [
    charge("web_acl", "web ACL", 1),
    ...(rules.length > 0 ? [charge("web_acl_rule", "rules", rules.length)] : []),
    charge("web_request", "requests inspected", usage.of("web_requests", resource)),
    ...(json === undefined ? [] : [{ notEstimated: "rules that are given as JSON" }]),
    ...rules.flatMap(extrasOf),
  ];
};

/** What a rule costs besides. */
function extrasOf(rule: Attributes): readonly Finding[] {
  const { vendor_name: vendor, name } = block(block(rule.statement).managed_rule_group_statement);
  const isPaid = name !== undefined && (vendor !== "AWS" || PAID_GROUPS.test(String(name)));
  const asks = /"(captcha|challenge)":/.test(JSON.stringify(rule));
  return [
    ...(isPaid ? [{ notEstimated: `the fees of the rule group ${String(name)}` }] : []),
    ...(asks ? [{ notEstimated: `CAPTCHA or challenges of the rule ${String(rule.name)}` }] : []),
  ];
}
