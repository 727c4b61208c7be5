import { AutoscalingGroup } from "@cdktf/provider-aws/lib/autoscaling-group";
import { AutoscalingPolicy, type AutoscalingPolicyConfig } from "@cdktf/provider-aws/lib/autoscaling-policy";
import { LaunchTemplate } from "@cdktf/provider-aws/lib/launch-template";
import { Token } from "cdktf";
import { Construct } from "constructs";
import type { BootData } from "./boot-data";
import { newestAmiParameter } from "./host";
import { resourceName } from "./naming";

export interface AutoScalingGroupProps {
  readonly name: string;
  readonly instanceType: string;
  /** Root volume in GiB, or a reference to it. */
  readonly volumeSize: number | string;
  /** Subnets in two zones at least. */
  readonly subnetIds: string[];
  readonly publicAddresses: boolean;
  readonly securityGroupIds: readonly string[];
  readonly instanceProfile: string;
  /** For the first boot; a change of its content replaces the instances one after the other. */
  readonly bootData: BootData;
  readonly minSize: number;
  readonly maxSize: number;
  /** Average CPU utilization that it scales for, in percent. */
  readonly cpuTarget: number;
  /** Average memory use that it scales for, in percent, as the CloudWatch agent tells it. */
  readonly memoryTarget: number;
  readonly targetGroupArn: string;
  /** Whether it may be destroyed with its instances running. */
  readonly forceDelete: boolean;
  /** Hook that an instance completes itself when it can serve. */
  readonly launchHook: { readonly name: string; readonly timeoutSeconds: number };
  /** Tags of instances and volumes: the provider's default tags do not reach them. */
  readonly tags: Readonly<Record<string, string>>;
}

/** Seconds after launch in which a target may fail its health checks; the hook has waited for the application before. */
const GRACE_SECONDS = 60;
/** Seconds until a new instance's figures count. */
const WARMUP_SECONDS = 120;

/** EC2 instances behind a load balancer, each replaced when it fails there; a change is rolled out without a gap. */
export class AutoScalingGroup extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: AutoScalingGroupProps) {
    super(scope, id);
    this.name = resourceName("auto scaling group", props.name);
    const tags = { ...props.tags, Name: props.name };
    const template = new LaunchTemplate(this, "template", {
      namePrefix: resourceName("launch template", `${props.name}-`), // the next one is there before this one goes
      updateDefaultVersion: true,
      imageId: `resolve:ssm:${newestAmiParameter(props.instanceType)}`, // looked up at each launch
      instanceType: props.instanceType,
      ebsOptimized: String(!props.instanceType.startsWith("t2.")), // EC2 refuses it there
      iamInstanceProfile: { name: props.instanceProfile },
      monitoring: { enabled: true },
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
      networkInterfaces: [
        {
          associatePublicIpAddress: String(props.publicAddresses),
          securityGroups: [...props.securityGroupIds],
          deleteOnTermination: "true",
        },
      ],
      blockDeviceMappings: [
        {
          deviceName: "/dev/xvda",
          ebs: {
            volumeType: "gp3",
            volumeSize:
              typeof props.volumeSize === "number" ? props.volumeSize : Token.asNumber(props.volumeSize),
            encrypted: "true",
            deleteOnTermination: "true",
          },
        },
      ],
      userData: props.bootData.base64,
      tagSpecifications: ["instance", "volume", "network-interface"].map((resourceType) => ({
        resourceType,
        tags,
      })),
      lifecycle: {
        createBeforeDestroy: true,
        ignoreChanges: ["user_data"],
        replaceTriggeredBy: [props.bootData.trigger],
      },
    });
    const group = new AutoscalingGroup(this, "this", {
      name: this.name,
      minSize: props.minSize,
      maxSize: props.maxSize,
      vpcZoneIdentifier: props.subnetIds,
      launchTemplate: { id: template.id, version: Token.asString(template.latestVersion) },
      targetGroupArns: [props.targetGroupArn],
      healthCheckType: "ELB",
      healthCheckGracePeriod: GRACE_SECONDS,
      defaultInstanceWarmup: WARMUP_SECONDS,
      waitForCapacityTimeout: "0", // an instance waits for the first release before it counts
      initialLifecycleHook: [
        {
          name: props.launchHook.name,
          lifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
          heartbeatTimeout: props.launchHook.timeoutSeconds,
          defaultResult: "ABANDON",
        },
      ],
      instanceRefresh: {
        strategy: "Rolling",
        preferences: { minHealthyPercentage: 100, maxHealthyPercentage: 150 },
      },
      forceDelete: props.forceDelete, // hosts that wait for a release would hold it up
      enabledMetrics: ["GroupDesiredCapacity", "GroupInServiceInstances"],
      tag: Object.entries(tags).map(([key, value]) => ({ key, value, propagateAtLaunch: false })),
    });
    const scale = (
      id: string,
      targetTrackingConfiguration: AutoscalingPolicyConfig["targetTrackingConfiguration"],
    ) =>
      new AutoscalingPolicy(this, id, {
        name: `${props.name}-${id}`,
        autoscalingGroupName: group.name,
        policyType: "TargetTrackingScaling",
        targetTrackingConfiguration,
      });
    scale("cpu", {
      predefinedMetricSpecification: { predefinedMetricType: "ASGAverageCPUUtilization" },
      targetValue: props.cpuTarget,
    });
    scale("memory", {
      customizedMetricSpecification: {
        namespace: "CWAgent",
        metricName: "mem_used_percent",
        metricDimension: [{ name: "AutoScalingGroupName", value: this.name }],
        statistic: "Average",
      },
      targetValue: props.memoryTarget,
    });
  }
}
