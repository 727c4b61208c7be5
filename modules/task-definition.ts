import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { EcsTaskDefinition } from "@cdktf/provider-aws/lib/ecs-task-definition";
import { Construct } from "constructs";
import { arnsIn, type Place } from "./arn";
import { containerDefinitions, type ContainerProps, type Sidecar } from "./container";
import { useKey } from "./data-key";
import { fargateSizeProblem } from "./fargate-size";
import { resourceName } from "./naming";
import { ServiceRole, type PolicyStatement } from "./service-role";

/** A file system that a task mounts. */
export interface TaskFileSystem {
  readonly id: string;
  readonly arns: readonly string[];
  /** @default the file system's root */
  readonly accessPoint?: { readonly id: string; readonly arn: string | readonly string[] };
}

export interface TaskDefinitionProps extends Place {
  /** Its family; the log group is `/ecs/<family>`. */
  readonly family: string;
  /** First part of its roles' names, before `-task-role` and `-execution-role`. */
  readonly roleName: string;
  /** CPU units, of which 1024 are a vCPU. */
  readonly cpu: number;
  /** In MiB; Fargate has certain sizes for each CPU. */
  readonly memory: number;
  /** @default "X86_64" */
  readonly architecture?: "X86_64" | "ARM64";
  readonly container: ContainerProps;
  /** Containers beside it. @default none */
  readonly sidecars?: readonly Sidecar[];
  /** ARN of the ECR repository that the image comes from, which may be a Terraform expression. */
  readonly repositoryArns: readonly string[];
  /** What the program may do. @default nothing */
  readonly statements?: readonly PolicyStatement[];
  /** File systems by the name of the volume. @default none */
  readonly fileSystems?: Readonly<Record<string, TaskFileSystem>>;
  /** Whether ECS Exec may open a shell in it. @default false */
  readonly exec?: boolean;
  readonly logRetentionDays: number;
  /** Whether its log outlives it. @default false */
  readonly keepLogs?: boolean;
  /** Key for its logs and secrets. @default AWS's own */
  readonly keyArn?: string;
  /** What must hold before it is made. @default nothing */
  readonly precondition?: { readonly condition: string; readonly errorMessage: string };
}

/** A Fargate task: one container of ours, its log group, the role of its program and that of ECS on its behalf. */
export class TaskDefinition extends Construct {
  readonly resource: EcsTaskDefinition;
  readonly family: string;
  readonly container: ContainerProps;
  readonly logGroup: string;
  readonly taskRole: ServiceRole;
  readonly executionRole: ServiceRole;

  constructor(scope: Construct, id: string, props: TaskDefinitionProps) {
    super(scope, id);
    const problem = fargateSizeProblem(props.cpu, props.memory);
    if (problem) throw new Error(`${props.family}: ${problem}`);
    this.family = resourceName("task family", props.family);
    this.container = props.container;
    this.logGroup = resourceName("log group", `/ecs/${this.family}`);
    const logs = new CloudwatchLogGroup(this, "logs", {
      name: this.logGroup,
      retentionInDays: props.logRetentionDays,
      kmsKeyId: props.keyArn,
      skipDestroy: props.keepLogs,
    });
    this.taskRole = new ServiceRole(this, "task_role", {
      name: `${props.roleName}-task-role`,
      service: "ecs-tasks.amazonaws.com",
      accountIds: props.accountIds,
      statements: nonEmpty([
        ...(props.statements ?? []),
        ...Object.entries(props.fileSystems ?? {}).map(([name, fileSystem]) => mount(name, fileSystem)),
        ...(props.exec ? [shell] : []),
      ]),
    });
    this.executionRole = new ServiceRole(this, "execution_role", {
      name: `${props.roleName}-execution-role`,
      service: "ecs-tasks.amazonaws.com",
      accountIds: props.accountIds,
      statements: startTask(props, this.logGroup),
    });
    this.resource = new EcsTaskDefinition(this, "this", {
      family: this.family,
      skipDestroy: true, // ECS cannot go back to a revision that is deregistered; old ones cost nothing
      requiresCompatibilities: ["FARGATE"],
      networkMode: "awsvpc",
      cpu: String(props.cpu),
      memory: String(props.memory),
      runtimePlatform: {
        operatingSystemFamily: "LINUX",
        cpuArchitecture: props.architecture ?? "X86_64",
      },
      taskRoleArn: this.taskRole.arn,
      executionRoleArn: this.executionRole.arn,
      containerDefinitions: JSON.stringify(
        containerDefinitions(
          props.container,
          { region: props.region, logGroup: this.logGroup },
          props.sidecars,
        ),
      ),
      volume: [
        ...Object.keys(props.container.writable ?? {}).map((name) => ({ name })),
        ...Object.entries(props.fileSystems ?? {}).map(([name, { id, accessPoint }]) => ({
          name,
          efsVolumeConfiguration: {
            fileSystemId: id,
            transitEncryption: "ENABLED",
            authorizationConfig: { accessPointId: accessPoint?.id, iam: "ENABLED" },
          },
        })),
      ],
      dependsOn: [logs, ...this.taskRole.ready, ...this.executionRole.ready],
      lifecycle: props.precondition ? { precondition: [props.precondition] } : undefined,
    });
  }

  get arn(): string {
    return this.resource.arn;
  }
}

const nonEmpty = (statements: PolicyStatement[]) => (statements.length > 0 ? statements : undefined);

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html */
const shell: PolicyStatement = {
  Sid: "Exec",
  Effect: "Allow",
  Action: [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
  ],
  Resource: "*", // the actions know no resources
};

const mount = (name: string, { arns, accessPoint }: TaskFileSystem): PolicyStatement => ({
  Sid: `Mount${name.replace(/[^A-Za-z0-9]/g, "")}`,
  Effect: "Allow",
  Action: ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
  Resource: arns,
  ...(accessPoint
    ? { Condition: { StringEquals: { "elasticfilesystem:AccessPointArn": accessPoint.arn } } }
    : {}),
});

/** What ECS does before the program runs: fetch this image, these secrets, and open its log. */
function startTask(props: TaskDefinitionProps, logGroup: string): PolicyStatement[] {
  const containers = [props.container, ...(props.sidecars ?? [])];
  const arns = containers.flatMap(({ secrets }) => Object.values(secrets ?? {}).map(({ arn }) => arn));
  const secrets = [...new Set(arns)];
  return [
    {
      Sid: "RegistryLogin",
      Effect: "Allow",
      Action: ["ecr:GetAuthorizationToken"],
      Resource: "*", // the action knows no resources
    },
    ...(props.repositoryArns.length > 0
      ? [
          {
            Sid: "Image",
            Effect: "Allow",
            Action: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            Resource: props.repositoryArns,
          } as const,
        ]
      : []),
    {
      Sid: "WriteLogs",
      Effect: "Allow",
      Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: arnsIn(props, "logs", `log-group:${logGroup}:log-stream:*`),
    },
    ...(secrets.length > 0
      ? [
          {
            Sid: "Secrets",
            Effect: "Allow",
            Action: ["secretsmanager:GetSecretValue"],
            Resource: secrets,
          } as const,
          ...useKey(props.keyArn, props.region),
        ]
      : []),
  ];
}
