import { CloudwatchEventRule } from "@cdktf/provider-aws/lib/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import { SchedulerSchedule } from "@cdktf/provider-aws/lib/scheduler-schedule";
import { SsmDocument } from "@cdktf/provider-aws/lib/ssm-document";
import { Fn } from "cdktf";
import { Construct } from "constructs";
import { arnsIn, type Place } from "./arn";
import { capacityStrategy, type Capacity } from "./capacity";
import type { ContainerService, TaskNetwork } from "./container-service";
import type { EcsCluster } from "./ecs-cluster";
import { resourceName } from "./naming";
import { runTask } from "./scheduled-task";
import { ServiceRole } from "./service-role";
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
}

/** Marks capacity that was fallen back to: no strategy of ours has it, and ECS gives strategies back in any order. */
const FALLBACK_WEIGHT = 100;
const fallenBack = { Variable: "{{ look.Weight }}", NumericEquals: FALLBACK_WEIGHT };

/** When services on demand try Spot again. */
const WAY_BACK = "cron(30 5 * * ? *)";

/**
 * What weights of capacity providers do not do: services that Spot has no room for go to on-demand capacity, and try
 * Spot again once a day; tasks that Spot has no room for, or that it takes back, run once more on demand. ECS tells it
 * by events; a Systems Manager automation, which is no code to run anywhere, calls ECS.
 */
export class SpotFallback extends Construct {
  private readonly automation: ServiceRole;
  private readonly events: ServiceRole;

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
    this.react("no_room", {
      description: `Spot has no room for a service of ${name}`,
      pattern: noRoomForService(
        cluster.arn,
        services.flatMap(({ service }) => this.arns("ecs", `service/${cluster.name}/${service.name}`)),
      ),
      document: away,
      inputPaths: { service: "$.resources[0]" },
      input: '{"Service":["<service>"]}',
    });
    const scheduler = new ServiceRole(this, "schedule_role", {
      name: `${props.roleName}-schedule-role`,
      service: "scheduler.amazonaws.com",
      accountIds,
      statements: this.startAutomation(),
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
          arn: `arn:${props.partition}:scheduler:::aws-sdk:ssm:startAutomationExecution`,
          roleArn: scheduler.arn,
          input: JSON.stringify({ DocumentName: back.name, Parameters: { Service: [service.name] } }),
          retryPolicy: { maximumRetryAttempts: 3, maximumEventAgeInSeconds: 3600 },
        },
      });
    }
    if (tasks.length > 0) {
      this.react("interrupted", {
        description: `Spot had no room for a task of ${name}, or took it back`,
        pattern: lostTask(
          cluster.arn,
          tasks.map(({ family }) => family),
        ),
        document: this.runOnDemand(),
        inputPaths: { task: "$.detail.taskDefinitionArn" },
        input: '{"TaskDefinition":["<task>"]}',
      });
    }
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
    return new SsmDocument(this, id, {
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
        isEnd: true,
      },
    ]);
    // They are lists, which Terraform writes as JSON itself
    document.content = (document.contentInput ?? "")
      .replace(JSON.stringify(subnets), subnets)
      .replace(JSON.stringify(groups), groups);
    return document;
  }

  private react(
    id: string,
    props: {
      readonly description: string;
      readonly pattern: object;
      readonly document: SsmDocument;
      readonly inputPaths: Record<string, string>;
      readonly input: string;
    },
  ): void {
    const rule = new CloudwatchEventRule(this, id, {
      name: resourceName("event rule", this.props.name, id.replaceAll("_", "-")),
      description: props.description,
      eventPattern: JSON.stringify(props.pattern),
    });
    new CloudwatchEventTarget(this, `${id}_automation`, {
      rule: rule.name,
      arn: `${Fn.replace(props.document.arn, ":document/", ":automation-definition/")}:$DEFAULT`,
      roleArn: this.events.arn,
      inputTransformer: { inputPaths: props.inputPaths, inputTemplate: props.input },
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
