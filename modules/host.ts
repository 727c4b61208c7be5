import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import { DataAwsSsmParameter } from "@cdktf/provider-aws/lib/data-aws-ssm-parameter";
import { EipAssociation } from "@cdktf/provider-aws/lib/eip-association";
import { Instance } from "@cdktf/provider-aws/lib/instance";
import { Token } from "cdktf";
import { Construct } from "constructs";
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
  /** cloud-config or script for the first boot; a change replaces the host. Terraform references are resolved. */
  readonly userData: string;
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

/** EC2 takes this much user data, in bytes, before base64. */
const USER_DATA_BYTES = 16_384;

/** An EC2 host: IMDSv2 only, encrypted gp3 volume, Session Manager by its profile, recovered when its hardware fails. */
export class Host extends Construct {
  readonly instance: Instance;

  constructor(scope: Construct, id: string, props: HostProps) {
    super(scope, id);
    if (Buffer.byteLength(props.userData) > USER_DATA_BYTES) {
      throw new Error(
        `user data of ${props.name} has ${Buffer.byteLength(props.userData)} bytes; EC2 takes ${USER_DATA_BYTES}`,
      );
    }
    this.instance = new Instance(this, "this", {
      ami: props.amiId ?? this.newestAmi(props.instanceType),
      instanceType: props.instanceType,
      subnetId: props.subnetId,
      vpcSecurityGroupIds: [...props.securityGroupIds],
      iamInstanceProfile: props.instanceProfile,
      keyName: props.keyName,
      userData: props.userData,
      userDataReplaceOnChange: true,
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
        // Both are where the host happened to be made; a newer image or another zone is no reason to lose it
        ignoreChanges: props.amiId ? ["subnet_id"] : ["ami", "subnet_id"],
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
  }

  private newestAmi(instanceType: string): string {
    const architecture = isGraviton(instanceType) ? "arm64" : "x86_64";
    return new DataAwsSsmParameter(this, "ami", {
      name: `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
    }).insecureValue; // public, and marked secret otherwise
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
}

/** Graviton families have a `g` after their generation's number: t4g, m7gd, c6gn. */
const isGraviton = (instanceType: string): boolean => /^(a1|[a-z]+\d+[a-z]*g[a-z]*)\./.test(instanceType);
