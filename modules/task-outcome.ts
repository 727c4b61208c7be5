import { Construct } from "constructs";
import { EventAlarm, type EventAlarmProps, type EventLog } from "./event-log";
import { MAX_HOURS } from "./schedule";

/** Tasks of one service or family. */
export interface TaskGroup {
  readonly clusterArn: string;
  /** `service:<name>`, or `family:<name>` of tasks that run by themselves. */
  readonly group: string;
  /** Name of the container whose end is the task's. */
  readonly container: string;
}

/** Events of ECS: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html */
const stopped = ({ clusterArn, group }: TaskGroup, detail: object) => ({
  source: ["aws.ecs"],
  "detail-type": ["ECS Task State Change"],
  detail: { clusterArn: [clusterArn], group: [group], lastStatus: ["STOPPED"], ...detail },
});

/** A task that did not start, or whose program ended with another exit code than 0, or whose time was up. */
export const failedTask = (tasks: TaskGroup) =>
  stopped(tasks, {
    $or: [
      { stopCode: ["TaskFailedToStart"] },
      {
        stopCode: ["EssentialContainerExited"], // not those that a deployment or a person stopped
        containers: { name: [tasks.container, "time-limit"], exitCode: [{ "anything-but": [0] }] },
      },
    ],
  });

/** A task that began to run. How it ends is another matter. */
export const startedTask = ({ clusterArn, group }: TaskGroup) => ({
  source: ["aws.ecs"],
  "detail-type": ["ECS Task State Change"],
  detail: { clusterArn: [clusterArn], group: [group], lastStatus: ["RUNNING"], desiredStatus: ["RUNNING"] },
});

/** A deployment of a service that its circuit breaker ended. */
export const failedDeployment = (serviceArns: readonly string[]) => ({
  source: ["aws.ecs"],
  "detail-type": ["ECS Deployment State Change"],
  resources: serviceArns,
  detail: { eventName: ["SERVICE_DEPLOYMENT_FAILED"] },
});

export interface TaskOutcomeProps extends TaskGroup {
  /** First part of the names of rules and alarms. */
  readonly name: string;
  readonly log: EventLog;
  /** Topic that is told. */
  readonly alarmTopicArn: string;
  /** ARNs of the service, whose failed deployments are told too. @default none: tasks run by themselves */
  readonly serviceArns?: readonly string[];
  /**
   * Hours within which one task must have begun, of those that run on a schedule; CloudWatch looks back 168.
   * @default none must
   */
  readonly startWithinHours?: number;
}

/** Alarms for tasks that fail, and for a schedule that starts none. */
export class TaskOutcome extends Construct {
  constructor(scope: Construct, id: string, props: TaskOutcomeProps) {
    super(scope, id);
    const { name, log, startWithinHours: hours } = props;
    const failures = log.note(`${id}_failed`, {
      name: `${name}-failed`,
      description: `Tasks of ${name} that failed`,
      pattern: props.serviceArns
        ? { $or: [failedTask(props), failedDeployment(props.serviceArns)] }
        : failedTask(props),
    });
    const alarm = (id: string, description: string, ruleName: string, when?: EventAlarmProps["when"]) =>
      new EventAlarm(this, id, {
        name: `${name}-${id}`,
        description,
        ruleName,
        topicArn: props.alarmTopicArn,
        when,
      });
    const what = props.serviceArns
      ? `A task of ${name} did not start or ended with an error, or ECS ended a deployment.`
      : `A task of ${name} did not start, or ended with an error.`;
    alarm("failed", what, failures);
    if (hours === undefined || hours > MAX_HOURS) return;
    const starts = log.note(`${id}_started`, {
      name: `${name}-started`,
      description: `Tasks of ${name} that began to run`,
      pattern: startedTask(props),
    });
    alarm("missed", `No task of ${name} has begun in ${hours} hours.`, starts, {
      comparisonOperator: "LessThanThreshold",
      threshold: 1,
      period: 3600,
      evaluationPeriods: hours,
      treatMissingData: "breaching", // no start is no data
    });
  }
}
