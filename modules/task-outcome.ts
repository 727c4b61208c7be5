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

/** A task whose program ended well. EventBridge compares name and exit code of the same container. */
export const succeededTask = (tasks: TaskGroup) =>
  stopped(tasks, {
    stopCode: ["EssentialContainerExited"],
    containers: { name: [tasks.container], exitCode: [0] },
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
   * Hours within which one task must have ended well, of those that run on a schedule; CloudWatch looks back 168.
   * @default none must
   */
  readonly successWithinHours?: number;
}

/** Alarms for tasks that fail, and for a schedule that brings no success. */
export class TaskOutcome extends Construct {
  constructor(scope: Construct, id: string, props: TaskOutcomeProps) {
    super(scope, id);
    const { name, log, successWithinHours: hours } = props;
    const failures = log.note(`${id}_failed`, {
      name: `${name}-failed`,
      description: `Tasks of ${name} that failed`,
      pattern: props.serviceArns
        ? { $or: [failedTask(props), failedDeployment(props.serviceArns)] }
        : failedTask(props),
    });
    const alarm = (what: string, description: string, ruleName: string, when?: EventAlarmProps["when"]) =>
      new EventAlarm(this, what, {
        name: `${name}-${what}`,
        description,
        ruleName,
        topicArn: props.alarmTopicArn,
        when,
      });
    alarm("failed", `A task of ${name} did not start, or ended with an error.`, failures);
    if (hours === undefined || hours > MAX_HOURS) return;
    const successes = log.note(`${id}_succeeded`, {
      name: `${name}-succeeded`,
      description: `Tasks of ${name} that ended well`,
      pattern: succeededTask(props),
    });
    alarm("missed", `No task of ${name} ended well in ${hours} hours.`, successes, {
      comparisonOperator: "LessThanThreshold",
      threshold: 1,
      period: 3600,
      evaluationPeriods: hours,
      treatMissingData: "breaching", // no success is no data
    });
  }
}
