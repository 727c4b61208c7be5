import { KeyPair } from "@cdktf/provider-aws/lib/key-pair";
import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { LbTargetGroupAttachment } from "@cdktf/provider-aws/lib/lb-target-group-attachment";
import { TerraformOutput } from "cdktf";
import { Construct } from "constructs";
import { createHash } from "node:crypto";
import { xSchedulerInputs } from "../../environments/catalogue";
import { declareInputs } from "../../environments/variables";
import { arnsIn } from "../../modules/arn";
import { BootData } from "../../modules/boot-data";
import { Bucket } from "../../modules/bucket";
import { useKey } from "../../modules/data-key";
import { Host } from "../../modules/host";
import { HostRole, hostLogGroups } from "../../modules/host-role";
import { LoadBalancer } from "../../modules/load-balancer";
import { LogGroups } from "../../modules/log-groups";
import { resourceName } from "../../modules/naming";
import { Parameter, SecretParameter } from "../../modules/parameter";
import { port } from "../../modules/port-range";
import { anywhere, SecurityGroup } from "../../modules/security-group";
import { Table } from "../../modules/table";
import { cloudConfig } from "../user-data";
import type { WorkloadProps } from "../workload";

const OAUTH_PORT = 5000;
/** Any answer but a server's own error is healthy: which pages there are is the application's affair. */
const HEALTH_PATH = "/";
const LOG_DAYS = 365;
/** Secrets of the application, each the environment variable of that name in capitals. */
const secrets = [
  "x_api_key",
  "x_api_key_secret",
  "x_oauth_client_id",
  "x_oauth_client_secret",
  "google_credentials",
] as const;
const services = ["x-scheduler", "x-scheduler-oauth-web"] as const;

/** X-Scheduler: one host with the scheduler and the OAuth web server, and what these keep. */
export class XScheduler extends Construct {
  constructor(scope: Construct, id: string, props: WorkloadProps) {
    super(scope, id);
    const { values, refs } = declareInputs(this, xSchedulerInputs, props.settings);
    const { shared, environment, partition, region, accountIds } = props;
    const name = `${environment}-x-scheduler`;
    const parameters = `/${environment}/x-scheduler/`;
    const sourceParameters = `/landfall/${environment}/x-scheduler/`;
    const logGroups = `${hostLogGroups}${name}`;
    const isPrivate = values.x_scheduler_domain !== undefined;
    const arns = (service: string, resource: string) => arnsIn(props, service, resource);

    const videos = new Bucket(this, "videos", {
      name: `${props.namePrefix}-${name}-videos`,
      partition,
      expirationDays: values.x_scheduler_video_expiry_days,
      noncurrentDays: 1,
      forceDestroy: true, // temporary by nature
    });
    new Table(this, "tokens", {
      name: `${environment}-XSchedulerUserTokens`,
      key: "user_id",
      keyArn: props.dataKeyArn,
      deletionProtection: props.deletionProtection,
    });
    for (const secret of secrets) {
      new SecretParameter(this, secret, {
        name: `${parameters}${secret.toUpperCase()}`,
        value: refs[secret],
        version: refs.x_scheduler_secrets_version,
        keyArn: props.dataKeyArn,
      });
    }
    // Not in user data: another ref updates the host, and does not replace it
    new Parameter(this, "repository", {
      name: `${sourceParameters}repository`,
      value: refs.x_scheduler_repository,
    });
    new Parameter(this, "git_ref", { name: `${sourceParameters}git-ref`, value: refs.x_scheduler_git_ref });
    new LogGroups(this, "logs", [...services, "pipeline", "host"], {
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
      parameters: [parameters, sourceParameters],
      statements: [
        {
          Sid: "Videos",
          Effect: "Allow",
          Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
          Resource: `arn:${partition}:s3:::${videos.name}/*`,
        },
        {
          Sid: "Tokens",
          Effect: "Allow",
          Action: ["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
          Resource: arns("dynamodb", `table/${environment}-XSchedulerUserTokens`),
        },
        {
          Sid: "Health",
          Effect: "Allow",
          Action: ["cloudwatch:PutMetricData"],
          Resource: "*", // the action knows no resources
          Condition: { StringEquals: { "cloudwatch:namespace": "Landfall/XScheduler" } },
        },
        ...useKey(props.dataKeyArn, region),
      ],
    });

    const balancer = isPrivate ? this.loadBalancer(props, values, name) : undefined;
    const group = new SecurityGroup(this, "group", {
      name,
      description: "X-Scheduler",
      vpcId: shared.vpcId,
      ingress: [
        { purpose: "ssh", ports: [port(22)], cidrs: values.x_scheduler_ssh_cidrs },
        balancer
          ? { purpose: "oauth", ports: [port(OAUTH_PORT)], groups: { balancer: balancer.group.id } }
          : {
              purpose: "oauth",
              ports: [port(80), port(443), port(OAUTH_PORT)],
              cidrs: values.x_scheduler_callback_cidrs,
            },
      ],
      egress: [{ purpose: "web", ports: [port(80), port(443)], cidrs: anywhere }],
    });
    const key = values.x_scheduler_public_key;
    const host = new Host(this, "host", {
      name,
      partition,
      region,
      instanceType: values.x_scheduler_instance_type,
      amiId: values.x_scheduler_ami_id,
      volumeSize: refs.x_scheduler_volume_size,
      subnetId: isPrivate ? shared.privateSubnetId : shared.publicSubnetId,
      securityGroupIds: [group.id],
      instanceProfile: role.instanceProfile.name,
      keyName: key ? this.keyPair(name, key) : undefined,
      bootData: new BootData(
        this,
        "user_data",
        cloudConfig("x-scheduler", {
          settings: {
            AWS_REGION: region,
            AWS_S3_BUCKET: videos.name,
            DYNAMODB_TABLE: `${environment}-XSchedulerUserTokens`,
            PARAMETER_STORE_PREFIX: parameters,
            SOURCE_PARAMETERS: sourceParameters,
            OAUTH_PORT: String(OAUTH_PORT),
            LOG_GROUP_PREFIX: logGroups,
          },
        }),
      ),
      alarmTopicArn: props.alarmTopicArn,
      address: isPrivate ? undefined : shared.address(name),
      terminationProtection: props.deletionProtection,
    });
    if (balancer) {
      const target = balancer.serve({
        name,
        port: OAUTH_PORT,
        healthPath: HEALTH_PATH,
        healthyStatus: "200-499",
      });
      balancer.group.allowTo({ purpose: "oauth", ports: [port(OAUTH_PORT)], groups: { host: group.id } });
      new LbTargetGroupAttachment(this, "target", {
        targetGroupArn: target.arn,
        targetId: host.instance.id,
      });
    }
    for (const service of services) this.tellWhenDown(service, props);

    const output = (id: string, description: string, value: string) =>
      new TerraformOutput(this, `output_${id}`, { description, value }).overrideLogicalId(
        `x_scheduler_${id}`,
      );
    const address = isPrivate ? host.instance.privateIp : shared.address(name).publicIp;
    output("instance_id", "EC2 instance of X-Scheduler.", host.instance.id);
    output("ip", isPrivate ? "Private address of the host." : "Address of the host.", address);
    output(
      "callback_url",
      "Where the OAuth web server takes callbacks.",
      isPrivate ? `https://${values.x_scheduler_domain}` : `http://${address}:${OAUTH_PORT}`,
    );
    // The parameters' own values show in no plan
    const source = `${refs.x_scheduler_repository} ${refs.x_scheduler_git_ref}`;
    output("source", "Repository and git ref that the host runs after an apply.", source);
    output("log_groups", "Log groups: aws logs tail <name>/pipeline --follow", logGroups);
  }

  private keyPair(name: string, publicKey: string): string {
    const [type = "", key = ""] = publicKey.split(/\s+/); // without the comment, whose change is no other key
    const digest = createHash("sha256").update(`${type} ${key}`).digest("hex").slice(0, 8);
    return new KeyPair(this, "key", { keyName: `${name}-${digest}`, publicKey: `${type} ${key}` }).keyName;
  }

  private loadBalancer(
    props: WorkloadProps,
    values: {
      readonly x_scheduler_domain?: string;
      readonly x_scheduler_hosted_zone?: string;
      readonly x_scheduler_callback_cidrs: readonly string[];
    },
    name: string,
  ): LoadBalancer {
    return new LoadBalancer(this, "balancer", {
      name,
      partition: props.partition,
      accountIds: props.accountIds,
      vpcId: props.shared.vpcId,
      dualStack: props.dualStack,
      subnetIds: props.shared.publicSubnetIds,
      domain: values.x_scheduler_domain ?? "",
      hostedZone: values.x_scheduler_hosted_zone ?? "",
      cidrs: values.x_scheduler_callback_cidrs,
      logBucket: `${props.namePrefix}-${name}-alb-logs`,
      deletionProtection: props.deletionProtection,
    });
  }

  /** The host says each minute whether its services are healthy; a dead host says nothing. */
  private tellWhenDown(service: string, { environment, alarmTopicArn }: WorkloadProps): void {
    new CloudwatchMetricAlarm(this, `${service}_down`, {
      alarmName: resourceName("alarm", environment, service, "service-down"),
      alarmDescription: `${service} does not answer, or its host says nothing.`,
      namespace: "Landfall/XScheduler",
      metricName: "Healthy",
      dimensions: { Environment: environment, Service: service },
      statistic: "Minimum",
      period: 60, // seconds
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      comparisonOperator: "LessThanThreshold",
      threshold: 1,
      treatMissingData: "breaching",
      alarmActions: [alarmTopicArn],
      okActions: [alarmTopicArn],
    });
  }
}
