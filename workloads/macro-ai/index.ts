import { CloudwatchLogMetricFilter } from "@cdktf/provider-aws/lib/cloudwatch-log-metric-filter";
import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { TerraformOutput } from "cdktf";
import { Construct } from "constructs";
import { macroAiInputs } from "../../environments/catalogue";
import { declareInputs } from "../../environments/variables";
import type { StructuralValues } from "../../environments/input";
import { AutoScalingGroup } from "../../modules/auto-scaling-group";
import { arnsIn } from "../../modules/arn";
import { BootData } from "../../modules/boot-data";
import { Bucket } from "../../modules/bucket";
import { useKey } from "../../modules/data-key";
import { Host } from "../../modules/host";
import { HostRole, hostLogGroups } from "../../modules/host-role";
import { LoadBalancer } from "../../modules/load-balancer";
import { LogGroups } from "../../modules/log-groups";
import { resourceName } from "../../modules/naming";
import { Parameter } from "../../modules/parameter";
import { port } from "../../modules/port-range";
import { anywhere, SecurityGroup } from "../../modules/security-group";
import type { PolicyStatement } from "../../modules/service-role";
import { standardTags } from "../../modules/system-tag";
import { cloudConfig } from "../user-data";
import type { WorkloadProps } from "../workload";

type Values = StructuralValues<typeof macroAiInputs>;

const PORT = 3030;
const HEALTH_PATH = "/api/health";
/** Longer than deploy.sh waits for a release that gets nowhere, and goes back: no host is replaced amid that. */
const PATIENCE = { interval: 20, unhealthyThreshold: 10 };
const LOG_DAYS = 365;
const METRICS = "Landfall/MacroAi";
/** Errors in the log within five minutes that are too many. */
const ERROR_LIMIT = 10;
const LAUNCH_HOOK = "release";
/** Seconds between two heartbeats of a new instance: while it waits for the first release, and round its installation. */
const LAUNCH_TIMEOUT = 900;

/** Macro AI Express API: hosts that take releases from a bucket, one alone or a group behind a load balancer. */
export class MacroAi extends Construct {
  private readonly name: string;
  private readonly alarmScope = new Construct(this, "alarm");

  constructor(
    scope: Construct,
    id: string,
    private readonly props: WorkloadProps,
  ) {
    super(scope, id);
    const { values, refs } = declareInputs(this, macroAiInputs, props.settings);
    const { environment, partition, region, accountIds } = props;
    this.name = `${environment}-macro-ai`;
    const { name } = this;
    const inGroup = values.macro_ai_capacity === "group";
    const parameters = `/${environment}/macro-ai/`;
    const releaseParameter = `/landfall/${environment}/macro-ai/release`;
    const logGroups = `${hostLogGroups}${name}`;
    const arns = (service: string, resource: string) => arnsIn(props, service, resource);

    const artifacts = new Bucket(this, "artifacts", {
      name: `${props.namePrefix}-${name}-artifacts`,
      partition,
      forceDestroy: !props.deletionProtection,
    });
    new Parameter(this, "release", { name: releaseParameter, value: "none", initialOnly: true });
    const { groups } = new LogGroups(this, "logs", ["combined", "error", "messages", "user-data"], {
      prefix: logGroups,
      retentionDays: LOG_DAYS,
      keyArn: props.dataKeyArn,
    });
    const role = new HostRole(this, "host_role", {
      name: `${props.namePrefix}-${name}`,
      partition,
      region,
      accountIds,
      logGroups,
      parameters: [parameters, releaseParameter],
      statements: [
        {
          Sid: "ReadArtifacts",
          Effect: "Allow",
          Action: ["s3:GetObject", "s3:GetObjectVersion"],
          Resource: `arn:${partition}:s3:::${artifacts.name}/*`,
        },
        {
          Sid: "Metrics",
          Effect: "Allow",
          Action: ["cloudwatch:PutMetricData"],
          Resource: "*", // the action knows no resources
          Condition: { StringEquals: { "cloudwatch:namespace": ["CWAgent", METRICS] } },
        },
        { Sid: "OwnTags", Effect: "Allow", Action: ["ec2:DescribeTags"], Resource: "*" },
        ...useKey(props.dataKeyArn, region),
        ...(inGroup ? [this.completeLaunch(arns)] : []),
      ],
    });
    const bootData = new BootData(
      this,
      "user_data",
      cloudConfig("macro-ai", {
        settings: {
          AWS_REGION: region,
          PARAMETER_STORE_PREFIX: parameters,
          NODE_ENV: "production",
          PORT: String(PORT),
          APP_ENV: values.macro_ai_app_env ?? environment,
          PR_NUMBER: /^pr-(\d+)$/.exec(environment)?.[1] ?? "",
          ARTIFACT_BUCKET: artifacts.name,
          RELEASE_PARAMETER: releaseParameter,
          KEEP_RELEASES: String(values.macro_ai_keep_releases),
          LOG_GROUP_PREFIX: logGroups,
          ...(inGroup ? { LIFECYCLE_HOOK: LAUNCH_HOOK, AUTO_SCALING_GROUP: name } : {}),
        },
      }),
    );
    const hosts = {
      values,
      volumeSize: refs.macro_ai_volume_size,
      profile: role.instanceProfile.name,
      bootData,
    };
    const dimensions = inGroup ? this.group(hosts) : this.single(hosts);
    this.alarms(dimensions, groups.combined?.name ?? "");
    this.output("artifact_bucket", "Bucket that releases are taken from.", artifacts.name);
    this.output("release_parameter", "Parameter that names the current release.", releaseParameter);
    this.output("log_groups", "Log groups: aws logs tail <name>/combined --follow", logGroups);
  }

  private single(hosts: Hosts): Dimensions {
    const { props, name } = this;
    const { shared, region, partition } = props;
    const group = this.hostGroup(hosts.values, { cidrs: hosts.values.macro_ai_cidrs ?? [] });
    const { instance } = new Host(this, "host", {
      name,
      partition,
      region,
      instanceType: hosts.values.macro_ai_instance_type,
      volumeSize: hosts.volumeSize,
      subnetId: shared.publicSubnetId,
      securityGroupIds: [group.id],
      instanceProfile: hosts.profile,
      bootData: hosts.bootData,
      alarmTopicArn: props.alarmTopicArn,
      terminationProtection: props.deletionProtection,
    });
    this.output("instance_id", "EC2 instance of Macro AI.", instance.id);
    this.output("public_ip", "Address of the host; another one after it was stopped.", instance.publicIp);
    this.alarm("unhealthy", {
      description: `GET ${HEALTH_PATH} fails on the host, or the host says nothing.`,
      namespace: METRICS,
      metric: "Healthy",
      dimensions: { Environment: props.environment },
      statistic: "Minimum",
      periods: 3,
      comparison: "LessThanThreshold",
      threshold: 1,
      missing: "breaching",
    });
    return { InstanceId: instance.id };
  }

  private group({ values, volumeSize, profile, bootData }: Hosts): Dimensions {
    const { props, name } = this;
    const { shared } = props;
    const balancer = new LoadBalancer(this, "balancer", {
      name,
      partition: props.partition,
      accountIds: props.accountIds,
      vpcId: shared.vpcId,
      dualStack: props.dualStack,
      subnetIds: shared.publicSubnetIds,
      domain: values.macro_ai_domain ?? "",
      hostedZone: values.macro_ai_hosted_zone ?? "",
      cidrs: values.macro_ai_cidrs,
      logBucket: `${props.namePrefix}-${name}-alb-logs`,
      deletionProtection: props.deletionProtection,
    });
    const group = this.hostGroup(values, { groups: { balancer: balancer.group.id } });
    balancer.group.allowTo({ purpose: "api", ports: [port(PORT)], groups: { hosts: group.id } });
    const target = balancer.serve({ name, port: PORT, healthPath: HEALTH_PATH, ...PATIENCE });
    new AutoScalingGroup(this, "group", {
      name,
      instanceType: values.macro_ai_instance_type,
      volumeSize,
      // Without NAT private subnets have no way to package registries
      subnetIds: props.nat ? shared.privateSubnetIds : shared.publicSubnetIds,
      publicAddresses: !props.nat,
      securityGroupIds: [group.id],
      instanceProfile: profile,
      bootData,
      minSize: values.macro_ai_min_size,
      maxSize: values.macro_ai_max_size,
      cpuTarget: values.macro_ai_cpu_target,
      memoryTarget: values.macro_ai_memory_target,
      targetGroupArn: target.arn,
      forceDelete: !props.deletionProtection,
      launchHook: { name: LAUNCH_HOOK, timeoutSeconds: LAUNCH_TIMEOUT },
      tags: standardTags(props.environment, "macro-ai"),
    });
    this.output("url", "Where the API is.", `https://${values.macro_ai_domain}`);
    this.output("auto_scaling_group", "Auto Scaling group of the hosts.", name);
    const targets = {
      namespace: "AWS/ApplicationELB",
      dimensions: target.dimensions,
    };
    this.alarm("unhealthy", {
      ...targets,
      description: `GET ${HEALTH_PATH} fails on one of the hosts.`,
      metric: "UnHealthyHostCount",
      statistic: "Maximum",
      periods: 3,
      threshold: 0,
      missing: "notBreaching", // there is none without a host
    });
    this.alarm("no_healthy_host", {
      ...targets,
      description: "No host serves the API.",
      metric: "HealthyHostCount",
      statistic: "Maximum",
      periods: 3,
      comparison: "LessThanThreshold",
      threshold: 1,
      missing: "breaching",
    });
    return { AutoScalingGroupName: name };
  }

  private hostGroup(
    values: Values,
    from: { cidrs?: readonly string[]; groups?: Readonly<Record<string, string>> },
  ) {
    return new SecurityGroup(this, "host_group", {
      name: this.name,
      description: "Macro AI hosts",
      vpcId: this.props.shared.vpcId,
      ingress: [{ purpose: "api", ports: [port(PORT)], ...from }],
      egress: [
        { purpose: "web", ports: [port(80), port(443)], cidrs: anywhere },
        { purpose: "data", ports: values.macro_ai_egress_ports, cidrs: values.macro_ai_egress_cidrs },
      ],
    });
  }

  /** An instance says itself when it can serve. */
  private completeLaunch(arns: (service: string, resource: string) => string[]): PolicyStatement {
    return {
      Sid: "CompleteLaunch",
      Effect: "Allow",
      Action: ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"],
      Resource: arns("autoscaling", `autoScalingGroup:*:autoScalingGroupName/${this.name}`),
    };
  }

  private alarms(dimensions: Dimensions, logGroup: string): void {
    const agent = { namespace: "CWAgent", dimensions, missing: "breaching" } as const; // the agent is dead, or the host
    this.alarm("cpu", {
      description: "The processor is busy for more than 80 % over 5 minutes.",
      namespace: "AWS/EC2",
      metric: "CPUUtilization",
      dimensions,
      statistic: "Average",
      periods: 5,
      threshold: 80,
      missing: "missing",
    });
    this.alarm("memory", {
      ...agent,
      description: "More than 85 % of the memory is in use over 5 minutes.",
      metric: "mem_used_percent",
      statistic: "Average",
      periods: 5,
      threshold: 85,
    });
    this.alarm("disk", {
      ...agent,
      description: "More than 90 % of the disk is in use.",
      metric: "disk_used_percent",
      statistic: "Maximum",
      periods: 5,
      threshold: 90,
    });
    new CloudwatchLogMetricFilter(this, "errors", {
      name: resourceName("metric filter", this.name, "errors"),
      logGroupName: logGroup,
      pattern: "?ERROR ?Error ?error",
      metricTransformation: {
        name: `${this.name}-errors`,
        namespace: METRICS,
        value: "1",
        defaultValue: "0",
        unit: "Count",
      },
    });
    this.alarm("errors", {
      description: `The application logs more than ${ERROR_LIMIT} errors in 5 minutes.`,
      namespace: METRICS,
      metric: `${this.name}-errors`,
      dimensions: {},
      statistic: "Sum",
      period: 300,
      periods: 1,
      threshold: ERROR_LIMIT,
      missing: "notBreaching",
    });
  }

  private alarm(id: string, alarm: Alarm): void {
    new CloudwatchMetricAlarm(this.alarmScope, id, {
      alarmName: resourceName("alarm", this.name, id.replaceAll("_", "-")),
      alarmDescription: alarm.description,
      namespace: alarm.namespace,
      metricName: alarm.metric,
      dimensions: alarm.dimensions,
      statistic: alarm.statistic,
      period: alarm.period ?? 60,
      evaluationPeriods: alarm.periods,
      comparisonOperator: alarm.comparison ?? "GreaterThanThreshold",
      threshold: alarm.threshold,
      treatMissingData: alarm.missing,
      alarmActions: [this.props.alarmTopicArn],
      okActions: [this.props.alarmTopicArn],
    });
  }

  private output(id: string, description: string, value: string): void {
    new TerraformOutput(this, `output_${id}`, { description, value }).overrideLogicalId(`macro_ai_${id}`);
  }
}

type Dimensions = Readonly<Record<string, string>>;

interface Hosts {
  readonly values: Values;
  readonly volumeSize: string;
  readonly profile: string;
  readonly bootData: BootData;
}

interface Alarm {
  readonly description: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Dimensions;
  readonly statistic: "Average" | "Maximum" | "Minimum" | "Sum";
  /** Seconds. @default 60 */
  readonly period?: number;
  readonly periods: number;
  /** @default "GreaterThanThreshold" */
  readonly comparison?: "GreaterThanThreshold" | "LessThanThreshold";
  readonly threshold: number;
  readonly missing: "breaching" | "notBreaching" | "missing";
}
