import { SchedulerSchedule } from "@cdktf/provider-aws/lib/scheduler-schedule";
import { Construct } from "constructs";
import { arnsIn, type Place } from "./arn";
import { capacityStrategy, type Capacity } from "./capacity";
import type { TaskNetwork } from "./container-service";
import { sendTo, type DeadLetterQueue } from "./dead-letter-queue";
import type { EcsCluster } from "./ecs-cluster";
import { resourceName } from "./naming";
import { longestPeriodHours } from "./schedule";
import { ServiceRole, type PolicyStatement } from "./service-role";
import type { TaskDefinition } from "./task-definition";

export interface ScheduledTaskProps extends Place {
  readonly name: string;
  /** `cron(…)` or `rate(…)`, in UTC. */
  readonly schedule: string;
  /** @default true */
  readonly enabled?: boolean;
  readonly roleName: string;
  readonly cluster: EcsCluster;
  readonly task: TaskDefinition;
  readonly capacity: Capacity;
  readonly network: TaskNetwork;
  /** Where starts go that failed for good. */
  readonly deadLetters: DeadLetterQueue;
  /** @default false */
  readonly exec?: boolean;
}

/** The most that Scheduler takes, so that time is the limit: with its growing pauses ten are over too soon. */
const RETRIES = 185;
/** What keeps ECS from starting a task lasts for minutes or for hours. */
const RETRY_HOURS = 4;

/** For how many seconds a start is tried again: not beyond the next one, or several would run at once. */
const retrySeconds = (schedule: string): number => Math.min(RETRY_HOURS, longestPeriodHours(schedule)) * 3600;

/** A task that runs on a schedule of EventBridge. */
export class ScheduledTask extends Construct {
  readonly name: string;
  readonly role: ServiceRole;

  constructor(scope: Construct, id: string, props: ScheduledTaskProps) {
    super(scope, id);
    const { cluster, task, network } = props;
    this.name = resourceName("schedule", props.name);
    this.role = new ServiceRole(this, "role", {
      name: props.roleName,
      service: "scheduler.amazonaws.com",
      accountIds: props.accountIds,
      statements: [...runTask(props), sendTo(props.deadLetters)],
    });
    new SchedulerSchedule(this, "this", {
      name: this.name,
      description: `Runs ${task.family}`,
      scheduleExpression: props.schedule,
      scheduleExpressionTimezone: "UTC",
      state: props.enabled === false ? "DISABLED" : "ENABLED",
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: cluster.arn,
        roleArn: this.role.arn,
        retryPolicy: {
          maximumRetryAttempts: RETRIES,
          maximumEventAgeInSeconds: retrySeconds(props.schedule),
        },
        deadLetterConfig: { arn: props.deadLetters.arn },
        ecsParameters: {
          taskDefinitionArn: task.arn,
          taskCount: 1,
          capacityProviderStrategy: capacityStrategy(props.capacity),
          networkConfiguration: {
            subnets: network.subnetIds,
            securityGroups: [...network.securityGroupIds],
            assignPublicIp: network.assignPublicIp,
          },
          enableEcsManagedTags: true,
          enableExecuteCommand: props.exec ?? false,
          propagateTags: "TASK_DEFINITION",
        },
      },
      dependsOn: [cluster.capacityProviders],
    });
  }
}

/** Running one task, in any revision, on one cluster, with its own roles. */
export function runTask({
  cluster,
  task,
  ...place
}: Place & Pick<ScheduledTaskProps, "cluster" | "task">): PolicyStatement[] {
  const arns = (resource: string) => arnsIn(place, "ecs", resource);
  return [
    {
      Sid: "RunTask",
      Effect: "Allow",
      Action: ["ecs:RunTask"],
      Resource: arns(`task-definition/${task.family}:*`),
      Condition: { ArnEquals: { "ecs:cluster": arns(`cluster/${cluster.name}`) } },
    },
    {
      Sid: "TagTask",
      Effect: "Allow",
      Action: ["ecs:TagResource"],
      Resource: arns(`task/${cluster.name}/*`),
      Condition: { StringEquals: { "ecs:CreateAction": "RunTask" } },
    },
    {
      Sid: "HandOverRoles",
      Effect: "Allow",
      Action: ["iam:PassRole"],
      Resource: [task.taskRole.arn, task.executionRole.arn],
      Condition: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
    },
  ];
}
