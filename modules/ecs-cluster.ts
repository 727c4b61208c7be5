import { EcsCluster as AwsEcsCluster } from "@cdktf/provider-aws/lib/ecs-cluster";
import { EcsClusterCapacityProviders } from "@cdktf/provider-aws/lib/ecs-cluster-capacity-providers";
import { Construct } from "constructs";
import { capacityStrategy, type Capacity } from "./capacity";
import { resourceName } from "./naming";

export interface EcsClusterProps {
  readonly name: string;
  /** What tasks run on that do not say. */
  readonly capacity: Capacity;
  /** Whether CloudWatch gets metrics of each service and task, which cost. @default false */
  readonly containerInsights?: boolean;
}

/** A cluster for Fargate, on demand and Spot. */
export class EcsCluster extends Construct {
  /** Known when the JSON is made. */
  readonly name: string;
  readonly resource: AwsEcsCluster;
  /** Whatever runs on the cluster waits for it. */
  readonly capacityProviders: EcsClusterCapacityProviders;

  constructor(scope: Construct, id: string, props: EcsClusterProps) {
    super(scope, id);
    this.name = resourceName("ecs cluster", props.name);
    this.resource = new AwsEcsCluster(this, "this", {
      name: this.name,
      setting: [{ name: "containerInsights", value: props.containerInsights ? "enabled" : "disabled" }],
    });
    this.capacityProviders = new EcsClusterCapacityProviders(this, "capacity", {
      clusterName: this.resource.name,
      capacityProviders: ["FARGATE", "FARGATE_SPOT"],
      defaultCapacityProviderStrategy: capacityStrategy(props.capacity),
    });
  }

  get arn(): string {
    return this.resource.arn;
  }
}
