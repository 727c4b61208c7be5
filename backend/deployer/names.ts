import { iamPath } from "../../modules/naming";

/** Whose resources a policy is about. */
export interface Scope {
  readonly namePrefix: string;
  /** `shared`, `state`, or the name or pattern of environments. */
  readonly stack: string;
  readonly stateBucket: string;
  readonly stateLockTable?: string;
  /** Buckets of the stack that inputs give other names. */
  readonly buckets: readonly string[];
}

/** How resources of a type are told from others. */
interface Type {
  /** Last parts of ARNs, as patterns, of what an environment owns. */
  readonly environment?: (
    names: { readonly prefix: string; readonly env: string },
    scope: Scope,
  ) => readonly string[];
  /** Of what `shared` owns. */
  readonly shared?: (prefix: string) => readonly string[];
  /** Of what `state` owns. */
  readonly state?: (scope: Scope) => readonly string[];
  /** Whether names are ids that AWS gives: then tags tell them, where AWS knows tags for the action. */
  readonly byTags?: true;
  /** Whether some of the type are AWS's or another's and stay so: tags are asked only of what deletes or changes one. */
  readonly alsoOthers?: true;
  /** Whether an environment also uses what `shared` has made. */
  readonly ofShared?: true;
  readonly noRegion?: true;
  /** Account in ARNs. @default each of ours */
  readonly account?: "";
}

/** A type whose names are ids, the same everywhere. */
const ids = (pattern: string, more: Omit<Type, "environment" | "shared" | "byTags"> = {}): Type => ({
  environment: () => [pattern],
  shared: () => [pattern],
  byTags: true,
  ...more,
});
/** A type whose resources environments name alone. */
const named = (
  patterns: (names: { readonly prefix: string; readonly env: string }) => readonly string[],
  more: Omit<Type, "environment"> = {},
): Type => ({ environment: patterns, ...more });

const ec2: Readonly<Record<string, Type>> = Object.fromEntries(
  [
    "egress-only-internet-gateway",
    "instance",
    "internet-gateway",
    "launch-template",
    "natgateway",
    "network-acl",
    "route-table",
    "security-group",
    "volume",
    "vpc-endpoint",
    "vpc-flow-log",
  ].map((type) => [`ec2:${type}`, ids(`${type}/*`)]),
);

/**
 * Each type of resource that the project has, by service and type as AWS's service authorization reference names them.
 * A type that is not here is none that the project asks for: an action that AWS also checks on it is not allowed there.
 */
export const resourceTypes: Readonly<Record<string, Type>> = {
  ...ec2,
  "ec2:elastic-ip": ids("elastic-ip/*", { ofShared: true }),
  "ec2:image": { ...ids("image/*", { alsoOthers: true, account: "" }), byTags: undefined }, // Amazon's, or the customer's
  "ec2:key-pair": named(({ env }) => [`key-pair/${env}-*`]),
  "ec2:network-interface": { ...ids("network-interface/*"), byTags: undefined }, // AWS makes them, without our tags
  "ec2:security-group-rule": ids("security-group-rule/*"),
  "ec2:subnet": ids("subnet/*", { alsoOthers: true }), // of a network that was there before
  "ec2:vpc": ids("vpc/*", { alsoOthers: true }),
  "acm:certificate": ids("certificate/*"),
  "application-autoscaling:ScalableTarget": ids("scalable-target/*"),
  "autoscaling:autoScalingGroup": named(({ env }) => [`autoScalingGroup:*:autoScalingGroupName/${env}-*`]),
  "budgets:budget": named(({ env }) => [`budget/${env}-*`], { noRegion: true }),
  "cloudwatch:alarm": named(({ env }) => [`alarm:${env}-*`]),
  "cloudwatch:dashboard": named(({ env }) => [`dashboard/${env}-*`], { noRegion: true }),
  "dynamodb:table": named(({ env }) => [`table/${env}-*`], {
    state: ({ stateLockTable }) => (stateLockTable === undefined ? [] : [`table/${stateLockTable}`]),
  }),
  "ecr:repository": { shared: (prefix) => [`repository/${prefix}-*`] },
  "ecs:cluster": named(({ env }) => [`cluster/${env}-*`]),
  "ecs:service": named(({ env }) => [`service/${env}-*`]),
  "ecs:task-definition": named(({ env }) => [`task-definition/${env}-*:*`]),
  "elasticfilesystem:access-point": ids("access-point/*"),
  "elasticfilesystem:file-system": ids("file-system/*"),
  "elasticloadbalancing:listener-rule/app": named(({ env }) => [`listener-rule/app/${env}-*`]),
  "elasticloadbalancing:listener/app": named(({ env }) => [`listener/app/${env}-*`]),
  // Classic ones and those of today share actions; iam-data gives some the type of the former alone
  "elasticloadbalancing:loadbalancer": named(({ env }) => [`loadbalancer/app/${env}-*`]),
  "elasticloadbalancing:loadbalancer/app/": named(({ env }) => [`loadbalancer/app/${env}-*`]),
  "elasticloadbalancing:targetgroup": named(({ env }) => [`targetgroup/${env}-*`]),
  "events:rule-on-default-event-bus": named(({ env }) => [`rule/${env}-*`]),
  "iam:instance-profile": named(({ prefix, env }) => [`instance-profile${iamPath}${prefix}-${env}-*`], {
    shared: (prefix) => [`instance-profile${iamPath}${prefix}-ec2-host`],
    noRegion: true,
  }),
  "iam:policy": { shared: (prefix) => [`policy${iamPath}${prefix}-*`], noRegion: true },
  "iam:role": named(({ prefix, env }) => [`role${iamPath}${prefix}-${env}-*`], {
    shared: (prefix) => [`role${iamPath}${prefix}-ec2-host`, `role${iamPath}${prefix}-shared-*`],
    noRegion: true,
  }),
  "kafka:cluster": named(({ env }) => [`cluster/${env}-*/*`]),
  "kms:alias": named(({ env }) => [`alias/${env}-*`]),
  "kms:key": ids("key/*", { state: () => ["key/*"] }),
  "logs:log-group": named(
    ({ env }) => [
      `log-group:/ec2/${env}-*`,
      `log-group:/ec2/${env}/*`,
      `log-group:/ecs/${env}-*`,
      `log-group:/aws/events/${env}-*`,
      `log-group:/aws/rds/cluster/${env}-*`,
      `log-group:/aws/rds/instance/${env}-*`,
      `log-group:aws-waf-logs-${env}-*`,
    ],
    { shared: (prefix) => [`log-group:/vpc/${prefix}-shared*`] },
  ),
  "rds:cluster": named(({ env }) => [`cluster:${env}-*`]),
  "rds:cluster-pg": named(({ env }) => [`cluster-pg:${env}-*`]),
  "rds:cluster-snapshot": named(({ env }) => [`cluster-snapshot:${env}-*`]),
  "rds:db": named(({ env }) => [`db:${env}-*`]),
  "rds:global-cluster": named(() => ["global-cluster:*"], { noRegion: true }), // is only asked for
  "rds:og": named(() => ["og:default*"]), // what a database has that is given none
  "rds:pg": named(({ env }) => [`pg:${env}-*`, "pg:default*"]),
  "rds:snapshot": named(({ env }) => [`snapshot:${env}-*`]),
  "rds:subgrp": named(({ env }) => [`subgrp:${env}-*`]),
  "route53:change": { ...ids("change/*", { noRegion: true, account: "" }), byTags: undefined },
  "route53:hostedzone": { ...ids("hostedzone/*", { noRegion: true, account: "" }), byTags: undefined }, // the customer's
  "route53:vpc": { ...ids("vpc/*"), byTags: undefined },
  "s3:bucket": {
    environment: ({ prefix, env }, { buckets }) => [`${prefix}-${env}-*`, ...buckets],
    state: ({ stateBucket }) => [stateBucket, `${stateBucket}-logs`],
    noRegion: true,
    account: "",
  },
  "s3:object": {
    environment: ({ prefix, env }, { buckets }) => [
      `${prefix}-${env}-*/*`,
      ...buckets.map((name) => `${name}/*`),
    ],
    noRegion: true,
    account: "",
  },
  "scheduler:schedule": named(({ env }) => [`schedule/default/${env}-*`]),
  "secretsmanager:Secret": named(({ env }) => [`secret:${env}-*`]),
  "servicediscovery:namespace": ids("namespace/*"),
  "servicediscovery:service": ids("service/*"),
  "sns:topic": named(({ env }) => [`${env}-AlarmTopic`]),
  "sqs:queue": named(({ env }) => [`${env}-*`]),
  "ssm:document": named(({ env }) => [`document/${env}-*`]),
  "ssm:parameter": named(({ env }) => [
    `parameter/${env}/*`,
    `parameter/${env}-*`,
    `parameter/landfall/${env}/*`,
  ]),
  "wafv2:loadbalancer/app/": named(({ env }) => [`loadbalancer/app/${env}-*`]),
  "wafv2:managedruleset": named(() => ["regional/managedruleset/*"]),
  "wafv2:webacl": named(({ env }) => [`regional/webacl/${env}-*`]),
};

/** The service in a type's ARNs, where it is not the action's. */
export const arnService: Readonly<Record<string, string>> = {
  "route53:vpc": "ec2",
  "wafv2:loadbalancer/app/": "elasticloadbalancing",
};
