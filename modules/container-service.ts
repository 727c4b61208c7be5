import { AppautoscalingPolicy } from "@cdktf/provider-aws/lib/appautoscaling-policy";
import { AppautoscalingTarget } from "@cdktf/provider-aws/lib/appautoscaling-target";
import { EcsService } from "@cdktf/provider-aws/lib/ecs-service";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { capacityStrategy, type Capacity } from "./capacity";
import type { EcsCluster } from "./ecs-cluster";
import { resourceName } from "./naming";
import type { DiscoveryName } from "./service-namespace";
import type { TaskDefinition } from "./task-definition";

/** Where tasks are in the network. */
export interface TaskNetwork {
  readonly subnetIds: string[];
  readonly securityGroupIds: readonly string[];
  /** Whether each task has a public address: without NAT or endpoints it reaches nothing otherwise. */
  readonly assignPublicIp: boolean;
}

export interface AutoScaling {
  readonly min: number;
  readonly max: number;
  /** Average utilization in percent that it scales for. @default not by CPU */
  readonly cpu?: number;
  /** @default not by memory */
  readonly memory?: number;
}

export interface ContainerServiceProps {
  readonly name: string;
  readonly cluster: EcsCluster;
  readonly task: TaskDefinition;
  /** Tasks that run; 0 stops the service. With `autoScaling` only the first number of them. */
  readonly desiredCount: number;
  readonly capacity: Capacity;
  readonly network: TaskNetwork;
  /** Least share of tasks in percent that keep running while others replace them. @default 100 */
  readonly minimumHealthyPercent?: number;
  /** Most tasks in percent while new ones replace old ones. @default 200 */
  readonly maximumPercent?: number;
  /** Target groups whose load balancer sends requests to the container's port. @default none */
  readonly targetGroupArns?: readonly string[];
  /** Seconds in which a new task's failing health checks do not count. @default 60, with target groups */
  readonly healthCheckGraceSeconds?: number;
  /** Resources that it is made after, such as listener rules: ECS refuses target groups that no load balancer has. */
  readonly after?: readonly ITerraformDependable[];
  /** Name by which other services find its tasks. @default none */
  readonly discovery?: DiscoveryName;
  /** @default none: Terraform keeps the number of tasks */
  readonly autoScaling?: AutoScaling;
  /** Whether ECS Exec may open a shell. @default false */
  readonly exec?: boolean;
}

/** Seconds between two changes of the number of tasks: out at once again, in with care. */
const SCALE_OUT_COOLDOWN = 60;
const SCALE_IN_COOLDOWN = 300;

/** A service that keeps Fargate tasks running, and goes back by itself from a deployment whose tasks do not start. */
export class ContainerService extends Construct {
  readonly resource: EcsService;
  readonly name: string;

  constructor(scope: Construct, id: string, props: ContainerServiceProps) {
    super(scope, id);
    const { cluster, task, network, autoScaling } = props;
    const targetGroupArns = props.targetGroupArns ?? [];
    if (targetGroupArns.length > 0 && task.container.port === undefined)
      throw new Error(`${props.name} has target groups, and its container no port`);
    this.name = resourceName("ecs service", props.name);
    this.resource = new EcsService(this, "this", {
      name: this.name,
      cluster: cluster.arn,
      taskDefinition: task.arn,
      desiredCount: props.desiredCount,
      capacityProviderStrategy: capacityStrategy(props.capacity),
      networkConfiguration: {
        subnets: network.subnetIds,
        securityGroups: [...network.securityGroupIds],
        assignPublicIp: network.assignPublicIp,
      },
      deploymentMinimumHealthyPercent: props.minimumHealthyPercent ?? 100,
      deploymentMaximumPercent: props.maximumPercent ?? 200,
      deploymentCircuitBreaker: { enable: true, rollback: true },
      healthCheckGracePeriodSeconds:
        targetGroupArns.length > 0 ? (props.healthCheckGraceSeconds ?? 60) : undefined,
      loadBalancer: targetGroupArns.map((targetGroupArn) => ({
        targetGroupArn,
        containerName: task.container.name,
        containerPort: task.container.port ?? 0,
      })),
      serviceRegistries: props.discovery ? { registryArn: props.discovery.registryArn } : undefined,
      // Without it the provider replaces the service where its capacity differs, as after a fallback from Spot
      forceNewDeployment: true,
      enableExecuteCommand: props.exec ?? false,
      enableEcsManagedTags: true,
      propagateTags: "TASK_DEFINITION",
      dependsOn: [cluster.capacityProviders, ...(props.after ?? [])],
      // Elsewhere Terraform keeps the number, so that a stopped service does not stay stopped unseen
      lifecycle: autoScaling ? { ignoreChanges: ["desired_count"] } : undefined,
    });
    if (autoScaling) this.scale(autoScaling, cluster.name);
  }

  private scale({ min, max, cpu, memory }: AutoScaling, cluster: string): void {
    if (min > max) throw new Error(`${this.name}: at least ${min} tasks are more than at most ${max}`);
    const target = new AppautoscalingTarget(this, "scaling", {
      serviceNamespace: "ecs",
      resourceId: `service/${cluster}/${this.name}`,
      scalableDimension: "ecs:service:DesiredCount",
      minCapacity: min,
      maxCapacity: max,
      dependsOn: [this.resource],
    });
    const metrics = {
      cpu: ["ECSServiceAverageCPUUtilization", cpu],
      memory: ["ECSServiceAverageMemoryUtilization", memory],
    } as const;
    for (const [id, [predefinedMetricType, targetValue]] of Object.entries(metrics)) {
      if (targetValue === undefined) continue;
      new AppautoscalingPolicy(this, `scaling_${id}`, {
        name: `${this.name}-${id}`,
        policyType: "TargetTrackingScaling",
        serviceNamespace: target.serviceNamespace,
        resourceId: target.resourceId,
        scalableDimension: target.scalableDimension,
        targetTrackingScalingPolicyConfiguration: {
          predefinedMetricSpecification: { predefinedMetricType },
          targetValue,
          scaleOutCooldown: SCALE_OUT_COOLDOWN,
          scaleInCooldown: SCALE_IN_COOLDOWN,
        },
      });
    }
  }
}
