import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { DataAwsSsmParameter } from "@cdktf/provider-aws/lib/data-aws-ssm-parameter";
import { EipAssociation } from "@cdktf/provider-aws/lib/eip-association";
import { Instance } from "@cdktf/provider-aws/lib/instance";
import { Token } from "cdktf";
import { Construct } from "constructs";
import type { BootData } from "./boot-data";
import { resourceName } from "./naming";

export interface HostProps {
  /** Value of the tag Name, and first part of the alarms' names. */
  readonly name: string;
  readonly partition: string;
  readonly region: string;
  readonly instanceType: string;
  /** @default the newest Amazon Linux 2023 when the host is created; a newer one never replaces it */
  readonly amiId?: string;
  /** Root volume in GiB, or a reference to it. */
  readonly volumeSize: number | string;
  readonly subnetId: string;
  readonly securityGroupIds: readonly string[];
  readonly instanceProfile: string;
  /** @default no EC2 key pair */
  readonly keyName?: string;
  /** For the first boot; a change of its content replaces the host. */
  readonly bootData: BootData;
  /** Topic that is told when the host is down. */
  readonly alarmTopicArn: string;
  /** Elastic IP that the host keeps through replacements. @default none */
  readonly address?: {
    readonly allocationId: string;
    readonly exists: { readonly condition: string; readonly errorMessage: string };
  };
  /**
   * Whether EC2 and Terraform refuse to terminate it. Both are needed: the provider lifts EC2's protection before it
   * destroys an instance, and Terraform's goes with a block that is removed.
   */
  readonly terminationProtection: boolean;
}

/** An EC2 host: IMDSv2 only, encrypted gp3 volume, Session Manager by its profile, recovered when its hardware fails. */
export class Host extends Construct {
  readonly instance: Instance;

  constructor(scope: Construct, id: string, props: HostProps) {
    super(scope, id);
    this.instance = new Instance(this, "this", {
      ami: props.amiId ?? this.newestAmi(props.instanceType),
      instanceType: props.instanceType,
      subnetId: props.subnetId,
      vpcSecurityGroupIds: [...props.securityGroupIds],
      iamInstanceProfile: props.instanceProfile,
      keyName: props.keyName,
      userDataBase64: props.bootData.base64,
      disableApiTermination: props.terminationProtection,
      ebsOptimized: !props.instanceType.startsWith("t2."), // EC2 refuses it there
      monitoring: true,
      maintenanceOptions: { autoRecovery: "default" },
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
      rootBlockDevice: {
        volumeType: "gp3",
        volumeSize:
          typeof props.volumeSize === "number" ? props.volumeSize : Token.asNumber(props.volumeSize),
        encrypted: true,
        tags: { Name: props.name },
      },
      tags: { Name: props.name },
      lifecycle: {
        preventDestroy: props.terminationProtection,
        // What the host happened to be made with; a newer image or another zone is no reason to lose it
        ignoreChanges: [...(props.amiId ? [] : ["ami"]), "subnet_id", "user_data_base64"],
        replaceTriggeredBy: [props.bootData.trigger],
        precondition: props.address ? [props.address.exists] : undefined,
      },
    });
    if (props.address) {
      new EipAssociation(this, "address", {
        instanceId: this.instance.id,
        allocationId: props.address.allocationId,
      });
    }
    this.recoverFromHardwareFailure(props);
    this.tellWhenDown(props);
  }

  private newestAmi(instanceType: string): string {
    return new DataAwsSsmParameter(this, "ami", { name: newestAmiParameter(instanceType) }).insecureValue; // public, and marked secret otherwise
  }

  /** EC2's own recovery keeps the instance, its volumes and its address. */
  private recoverFromHardwareFailure(props: HostProps): void {
    new CloudwatchMetricAlarm(this, "system_check", {
      alarmName: resourceName("alarm", props.name, "system-check"),
      alarmDescription: "The host's hardware fails its status check: EC2 moves the host to other hardware.",
      namespace: "AWS/EC2",
      metricName: "StatusCheckFailed_System",
      dimensions: { InstanceId: this.instance.id },
      statistic: "Maximum",
      period: 60, // seconds; detailed monitoring gives one value a minute
      evaluationPeriods: 2,
      comparisonOperator: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      alarmActions: [`arn:${props.partition}:automate:${props.region}:ec2:recover`],
    });
  }

  private tellWhenDown(props: HostProps): void {
    new CloudwatchMetricAlarm(this, "down", {
      alarmName: resourceName("alarm", props.name, "down"),
      alarmDescription: "The host fails its status checks or has stopped.",
      namespace: "AWS/EC2",
      metricName: "StatusCheckFailed",
      dimensions: { InstanceId: this.instance.id },
      statistic: "Maximum",
      period: 60, // seconds
      evaluationPeriods: 5, // a reboot takes less
      comparisonOperator: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      treatMissingData: "breaching", // a stopped host says nothing
      alarmActions: [props.alarmTopicArn],
      okActions: [props.alarmTopicArn],
    });
  }
}

/** Graviton families have a `g` after their generation's number: t4g, m7gd, c6gn. */
const isGraviton = (instanceType: string): boolean => /^(a1|[a-z]+\d+[a-z]*g[a-z]*)\./.test(instanceType);

/** Public parameter that names the newest Amazon Linux 2023 for an instance type's processor. */
export const newestAmiParameter = (instanceType: string): string =>
  `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${isGraviton(instanceType) ? "arm64" : "x86_64"}`;
