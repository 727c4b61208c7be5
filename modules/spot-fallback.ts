import { CloudwatchEventRule } from "@cdktf/provider-aws/lib/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import { SchedulerSchedule } from "@cdktf/provider-aws/lib/scheduler-schedule";
import { SsmDocument } from "@cdktf/provider-aws/lib/ssm-document";
import { Fn } from "cdktf";
import { Construct } from "constructs";
import { arnsIn, type Place } from "./arn";
import { capacityStrategy, type Capacity } from "./capacity";
import type { ContainerService, TaskNetwork } from "./container-service";
import { DeadLetterQueue, sendTo } from "./dead-letter-queue";
import type { EcsCluster } from "./ecs-cluster";
import { EventAlarm, type EventLog } from "./event-log";
import { resourceName } from "./naming";
import { runTask } from "./scheduled-task";
import { ServiceRole, type PolicyStatement } from "./service-role";
import type { TaskDefinition } from "./task-definition";

export interface SpotFallbackProps extends Place {
  /** First part of all names. */
  readonly name: string;
  readonly roleName: string;
  readonly cluster: EcsCluster;
  /** Services that go to on-demand capacity while Spot has no room, and what they are on otherwise. */
  readonly services: readonly { readonly service: ContainerService; readonly capacity: Capacity }[];
  /** Tasks that run once more on demand when Spot had no room or took it back. */
  readonly tasks: readonly TaskDefinition[];
  readonly network: TaskNetwork;
  /** Where automations that fail are noted. */
  readonly log: EventLog;
  /** Topic that is told of what failed, or could not even be started. */
  readonly alarmTopicArn: string;
}

/** A rule, and the automation that it is to start. */
interface Reaction {
  readonly id: string;
  readonly rule: CloudwatchEventRule;
  readonly document: SsmDocument;
  readonly inputPaths: Record<string, string>;
  readonly input: string;
}

/** Marks capacity that was fallen back to: no strategy of ours has it, and ECS gives strategies back in any order. */
const FALLBACK_WEIGHT = 100;
const fallenBack = { Variable: "{{ look.Weight }}", NumericEquals: FALLBACK_WEIGHT };

/** When services on demand try Spot again. */
const WAY_BACK = "cron(30 5 * * ? *)";

/** An automation is started within so many seconds, or not at all: what an event told is old then. */
const START_SECONDS = 3600;
/** The most that EventBridge takes, so that time is the limit. */
const RETRIES = 185;
/** Seconds in which ECS knows a task that it has just made. */
const KNOWN_SECONDS = 300;

/**
 * What weights of capacity providers do not do: services that Spot has no room for go to on-demand capacity, and try
 * Spot again once a day; tasks that Spot has no room for, or that it takes back, run once more on demand. ECS tells it
 * by events; a Systems Manager automation, which is no code to run anywhere, calls ECS.
 */
export class SpotFallback extends Construct {
  private readonly automation: ServiceRole;
  private readonly events: ServiceRole;
  private readonly documents: SsmDocument[] = [];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: SpotFallbackProps,
  ) {
    super(scope, id);
    const { name, services, tasks, accountIds, cluster } = props;
    this.automation = new ServiceRole(this, "automation_role", {
      name: `${props.roleName}-automation-role`,
      service: "ssm.amazonaws.com",
      accountIds,
      statements: [
        {
          Sid: "ChangeCapacity",
          Effect: "Allow",
          Action: ["ecs:DescribeServices", "ecs:UpdateService"],
          Resource: services.flatMap(({ service }) =>
            this.arns("ecs", `service/${cluster.name}/${service.name}`),
          ),
        },
        ...tasks.flatMap((task) =>
          runTask({ ...props, task }).map((statement) => ({
            ...statement,
            Sid: `${statement.Sid}${task.family.replace(/[^A-Za-z0-9]/g, "")}`,
          })),
        ),
        ...(tasks.length > 0 ? [this.seeTasks()] : []),
      ],
    });
    this.events = new ServiceRole(this, "events_role", {
      name: `${props.roleName}-events-role`,
      service: "events.amazonaws.com",
      accountIds,
      statements: this.startAutomation(),
    });

    const away = this.changeCapacity("to_on_demand", "on Spot", { Not: fallenBack }, [
      { capacityProvider: "FARGATE", weight: FALLBACK_WEIGHT },
    ]);
    const reactions = [
      this.reaction("no_room", {
        description: `Spot has no room for a service of ${name}`,
        pattern: noRoomForService(
          cluster.arn,
          services.flatMap(({ service }) => this.arns("ecs", `service/${cluster.name}/${service.name}`)),
        ),
        document: away,
        inputPaths: { service: "$.resources[0]" },
        input: '{"Service":["<service>"]}',
      }),
    ];
    if (tasks.length > 0) {
      reactions.push(
        this.reaction("interrupted", {
          description: `Spot had no room for a task of ${name}, or took it back`,
          pattern: lostTask(
            cluster.arn,
            tasks.map(({ family }) => family),
          ),
          document: this.runOnDemand(),
          inputPaths: { task: "$.detail.taskDefinitionArn" },
          input: '{"TaskDefinition":["<task>"]}',
        }),
      );
    }
    const deadLetters = new DeadLetterQueue(this, "not_started", {
      name: `${name}-not-started`,
      alarmTopicArn: props.alarmTopicArn,
      meaning: `An automation of ${name} could not be started.`,
      ruleArns: reactions.map(({ rule }) => rule.arn),
    });
    for (const reaction of reactions) this.start(reaction, deadLetters);
    this.goBack(deadLetters);
    this.tellFailures();
  }

  /** Services try Spot again. */
  private goBack(deadLetters: DeadLetterQueue): void {
    const { services, accountIds } = this.props;
    const scheduler = new ServiceRole(this, "schedule_role", {
      name: `${this.props.roleName}-schedule-role`,
      service: "scheduler.amazonaws.com",
      accountIds,
      statements: [...this.startAutomation(), sendTo(deadLetters)],
    });
    for (const { service, capacity } of services) {
      const back = this.changeCapacity(
        `to_spot_${service.node.id}`,
        "fallen back to on-demand capacity",
        fallenBack,
        capacityStrategy(capacity),
      );
      new SchedulerSchedule(this, `back_${service.node.id}`, {
        name: resourceName("schedule", `${service.name}-spot`),
        description: `Lets ${service.name} try Spot again`,
        scheduleExpression: WAY_BACK,
        scheduleExpressionTimezone: "UTC",
        flexibleTimeWindow: { mode: "OFF" },
        target: {
          arn: `arn:${this.props.partition}:scheduler:::aws-sdk:ssm:startAutomationExecution`,
          roleArn: scheduler.arn,
          input: JSON.stringify({ DocumentName: back.name, Parameters: { Service: [service.name] } }),
          retryPolicy: { maximumRetryAttempts: RETRIES, maximumEventAgeInSeconds: START_SECONDS },
          deadLetterConfig: { arn: deadLetters.arn },
        },
      });
    }
  }

  /** Who else would know of an automation that failed? */
  private tellFailures(): void {
    const { name, log, alarmTopicArn } = this.props;
    const failed = log.note(`${this.node.id}_failed`, {
      name: `${name}-failed`,
      description: `Automations of ${name} that failed`,
      pattern: failedAutomation(this.documents.map((document) => document.name)),
    });
    new EventAlarm(this, "failed", {
      name: `${name}-failed`,
      description: `An automation of ${name} failed.`,
      ruleName: failed,
      topicArn: alarmTopicArn,
    });
  }

  private seeTasks(): PolicyStatement {
    return {
      Sid: "SeeTasks",
      Effect: "Allow",
      Action: ["ecs:DescribeTasks"],
      Resource: this.arns("ecs", `task/${this.props.cluster.name}/*`),
    };
  }

  private arns(service: string, resource: string): string[] {
    return arnsIn(this.props, service, resource);
  }

  private startAutomation() {
    return [
      {
        Sid: "Start",
        Effect: "Allow",
        Action: ["ssm:StartAutomationExecution"],
        Resource: [
          ...this.arns("ssm", `automation-definition/${this.props.name}-*`),
          ...this.arns("ssm", `document/${this.props.name}-*`),
          ...this.arns("ssm", "automation-execution/*"),
        ],
      },
      {
        Sid: "HandOverRole",
        Effect: "Allow",
        Action: ["iam:PassRole"],
        Resource: this.automation.arn,
        Condition: { StringEquals: { "iam:PassedToService": "ssm.amazonaws.com" } },
      },
    ] as const;
  }

  private document(id: string, parameter: string, description: string, mainSteps: readonly object[]) {
    const document = new SsmDocument(this, id, {
      name: resourceName("automation document", this.props.name, id.replaceAll("_", "-")),
      documentType: "Automation",
      documentFormat: "JSON",
      content: JSON.stringify({
        schemaVersion: "0.3",
        description,
        assumeRole: this.automation.arn,
        parameters: { [parameter]: { type: "String" } },
        mainSteps,
      }),
    });
    this.documents.push(document);
    return document;
  }

  /** @param condition on the service's first capacity provider, so that a second event changes nothing */
  private changeCapacity(
    id: string,
    where: string,
    condition: object,
    capacityProviderStrategy: readonly object[],
  ): SsmDocument {
    const cluster = this.props.cluster.name;
    return this.document(id, "Service", `Changes the capacity of a service that is ${where}`, [
      {
        name: "look",
        action: "aws:executeAwsApi",
        inputs: { Service: "ecs", Api: "DescribeServices", cluster, services: ["{{ Service }}"] },
        outputs: [
          {
            Name: "Weight",
            Selector: "$.services[0].capacityProviderStrategy[0].weight",
            Type: "Integer",
          },
        ],
      },
      {
        name: "choose",
        action: "aws:branch",
        inputs: { Choices: [{ NextStep: "change", ...condition }] },
        isEnd: true,
      },
      {
        name: "change",
        action: "aws:executeAwsApi",
        inputs: {
          Service: "ecs",
          Api: "UpdateService",
          cluster,
          service: "{{ Service }}",
          capacityProviderStrategy,
          forceNewDeployment: true,
        },
        isEnd: true,
      },
    ]);
  }

  private runOnDemand(): SsmDocument {
    const { cluster, network } = this.props;
    const subnets = Fn.jsonencode(network.subnetIds);
    const groups = Fn.jsonencode([...network.securityGroupIds]);
    const document = this.document("run_on_demand", "TaskDefinition", "Runs a task on demand", [
      {
        name: "run",
        action: "aws:executeAwsApi",
        inputs: {
          Service: "ecs",
          Api: "RunTask",
          cluster: cluster.name,
          taskDefinition: "{{ TaskDefinition }}",
          capacityProviderStrategy: [{ capacityProvider: "FARGATE", weight: 1 }],
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets,
              securityGroups: groups,
              assignPublicIp: network.assignPublicIp ? "ENABLED" : "DISABLED",
            },
          },
          propagateTags: "TASK_DEFINITION",
          startedBy: "spot-fallback",
        },
        outputs: [{ Name: "Task", Selector: "$.tasks[0].taskArn", Type: "String" }],
      },
      // RunTask that finds no room succeeds, and has no task
      {
        name: "started",
        action: "aws:waitForAwsResourceProperty",
        timeoutSeconds: KNOWN_SECONDS,
        inputs: {
          Service: "ecs",
          Api: "DescribeTasks",
          cluster: cluster.name,
          tasks: ["{{ run.Task }}"],
          PropertySelector: "$.tasks[0].desiredStatus",
          DesiredValues: ["RUNNING", "STOPPED"],
        },
        isEnd: true,
      },
    ]);
    // They are lists, which Terraform writes as JSON itself
    document.content = (document.contentInput ?? "")
      .replace(JSON.stringify(subnets), subnets)
      .replace(JSON.stringify(groups), groups);
    return document;
  }

  private reaction(
    id: string,
    {
      description,
      pattern,
      ...reaction
    }: Omit<Reaction, "id" | "rule"> & {
      readonly description: string;
      readonly pattern: object;
    },
  ): Reaction {
    const rule = new CloudwatchEventRule(this, id, {
      name: resourceName("event rule", this.props.name, id.replaceAll("_", "-")),
      description,
      eventPattern: JSON.stringify(pattern),
    });
    return { id, rule, ...reaction };
  }

  private start({ id, rule, document, inputPaths, input }: Reaction, deadLetters: DeadLetterQueue): void {
    new CloudwatchEventTarget(this, `${id}_automation`, {
      rule: rule.name,
      arn: `${Fn.replace(document.arn, ":document/", ":automation-definition/")}:$DEFAULT`,
      roleArn: this.events.arn,
      inputTransformer: { inputPaths, inputTemplate: input },
      retryPolicy: { maximumRetryAttempts: RETRIES, maximumEventAgeInSeconds: START_SECONDS },
      deadLetterConfig: { arn: deadLetters.arn },
    });
  }
}

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html */
export const noRoomForService = (clusterArn: string, serviceArns: readonly string[]) => ({
  source: ["aws.ecs"],
  "detail-type": ["ECS Service Action"],
  resources: serviceArns,
  detail: {
    clusterArn: [clusterArn],
    eventName: ["SERVICE_TASK_PLACEMENT_FAILURE"],
    reason: ["RESOURCE:FARGATE"],
    capacityProviderArns: [{ suffix: "capacity-provider/FARGATE_SPOT" }],
  },
});

export const lostTask = (clusterArn: string, families: readonly string[]) => ({
  source: ["aws.ecs"],
  "detail-type": ["ECS Task State Change"],
  detail: {
    clusterArn: [clusterArn],
    group: families.map((family) => `family:${family}`),
    lastStatus: ["STOPPED"],
    capacityProviderName: ["FARGATE_SPOT"], // what runs on demand already is not run again
    $or: [
      { stopCode: ["SpotInterruption", "TerminationNotice"] }, // AWS's documents have both
      { stopCode: ["TaskFailedToStart"], stoppedReason: [{ wildcard: "*apacity*" }] }, // not a missing image or secret
    ],
  },
});

/**
 * An automation that did not end well, of these documents.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
 */
export const failedAutomation = (documents: readonly string[]) => ({
  source: ["aws.ssm"],
  "detail-type": ["EC2 Automation Execution Status-change Notification"],
  detail: { Definition: documents, Status: ["Failed", "TimedOut", "Cancelled"] },
});
