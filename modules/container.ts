/** A secret of Secrets Manager, whole or one key of its JSON. */
export interface SecretReference {
  readonly arn: string;
  readonly jsonKey?: string;
}

export interface HealthCheck {
  /** Run in the container without a shell; exit code 0 is healthy. */
  readonly command: readonly string[];
  /** Seconds between two checks. @default 30 */
  readonly interval?: number;
  /** Seconds that one may take. @default 5 */
  readonly timeout?: number;
  /** Failures in a row until it is unhealthy. @default 3 */
  readonly retries?: number;
  /** Seconds after the start in which failures do not count. @default 60 */
  readonly startPeriod?: number;
}

/** One container of ours: what its task definition and the compose file for local development are made from. */
export interface ContainerProps {
  readonly name: string;
  /** Image with its digest or tag; may be a Terraform expression without quotes. */
  readonly image: string;
  /** @default the image's own */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Environment variables whose values come from secrets. */
  readonly secrets?: Readonly<Record<string, SecretReference>>;
  /** TCP port that it listens on. @default none */
  readonly port?: number;
  readonly healthCheck?: HealthCheck;
  /** User and group ids that it runs as. @default "1000:1000": never root */
  readonly user?: string;
  /** Folders that it may write to, by a name for each; they are empty at the start. All else is read-only. @default none */
  readonly writable?: Readonly<Record<string, string>>;
  /** Whether it may write to its whole root file system. @default false */
  readonly writableRoot?: boolean;
  /** Folders of file systems that outlive it, by the name of the task's volume. @default none */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Seconds from SIGTERM to SIGKILL; Fargate gives at most 120. @default 30 */
  readonly stopTimeout?: number;
  /** Seconds after which the task is stopped, whatever it does. @default none */
  readonly timeLimit?: number;
}

export const defaultUser = "1000:1000";
export const defaultStopTimeout = 30;
/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html */
const MAX_STOP_TIMEOUT = 120;

/** What a task's containers share. */
export interface TaskContext {
  readonly region: string;
  readonly logGroup: string;
}

/** One entry of `container_definitions`, as ECS's API writes it. */
export type ContainerDefinition = Readonly<Record<string, unknown>> & {
  readonly name: string;
  readonly essential: boolean;
};

/**
 * The container with what it needs beside it. Fargate mounts empty folders as root's, so one more container gives them
 * to everybody before it starts; and Fargate knows no time limit, so another one ends the task when its time is up.
 * @throws where a value is out of ECS's range
 */
export function containerDefinitions(props: ContainerProps, context: TaskContext): ContainerDefinition[] {
  const stopTimeout = props.stopTimeout ?? defaultStopTimeout;
  if (stopTimeout < 1 || stopTimeout > MAX_STOP_TIMEOUT)
    throw new Error(`${props.name}: a stop time of ${stopTimeout} s is not from 1 to ${MAX_STOP_TIMEOUT}`);
  const mountPoints = [...Object.entries(props.writable ?? {}), ...Object.entries(props.mounts ?? {})].map(
    ([sourceVolume, containerPath]) => ({ sourceVolume, containerPath, readOnly: false }),
  );
  const hasWritable = Object.keys(props.writable ?? {}).length > 0;
  const main: ContainerDefinition = {
    name: props.name,
    image: props.image,
    essential: true,
    ...(props.command ? { command: props.command } : {}),
    ...hardened(props.user ?? defaultUser, props.writableRoot),
    environment: pairs(props.environment ?? {}),
    secrets: Object.entries(props.secrets ?? {}).map(([name, { arn, jsonKey }]) => ({
      name,
      valueFrom: jsonKey ? `${arn}:${jsonKey}::` : arn,
    })),
    portMappings: props.port
      ? [{ name: props.name, containerPort: props.port, hostPort: props.port, protocol: "tcp" }]
      : [],
    mountPoints,
    ...(hasWritable ? { dependsOn: [{ containerName: "writable", condition: "SUCCESS" }] } : {}),
    ...(props.healthCheck ? { healthCheck: healthCheck(props.healthCheck) } : {}),
    stopTimeout,
    logConfiguration: logs(props.name, context),
  };
  return [
    main,
    ...(hasWritable ? [writable(props, context)] : []),
    ...(props.timeLimit ? [timeLimit(props.image, props.timeLimit, context)] : []),
  ];
}

const hardened = (user: string, writableRoot = false) => ({
  user,
  privileged: false,
  readonlyRootFilesystem: !writableRoot,
  linuxParameters: { initProcessEnabled: true }, // signals reach the program, and its orphans are reaped
});

const pairs = (values: Readonly<Record<string, string>>) =>
  Object.entries(values)
    .map(([name, value]) => ({ name, value }))
    .sort((one, other) => (one.name < other.name ? -1 : 1)); // as the provider has them

const healthCheck = ({
  command,
  interval = 30,
  timeout = 5,
  retries = 3,
  startPeriod = 60,
}: HealthCheck) => ({
  command: ["CMD", ...command],
  interval,
  timeout,
  retries,
  startPeriod,
});

const logs = (streamPrefix: string, { logGroup, region }: TaskContext) => ({
  logDriver: "awslogs",
  options: {
    "awslogs-group": logGroup,
    "awslogs-region": region,
    "awslogs-stream-prefix": streamPrefix,
    mode: "non-blocking", // a log that cannot be written must not stop the program
    "max-buffer-size": "4m",
  },
});

const none = { environment: [], secrets: [], portMappings: [] };

const writable = (props: ContainerProps, context: TaskContext): ContainerDefinition => ({
  name: "writable",
  image: props.image,
  essential: false,
  entryPoint: ["chmod", "1777"],
  command: Object.values(props.writable ?? {}),
  ...hardened("0:0"),
  ...none,
  mountPoints: Object.entries(props.writable ?? {}).map(([sourceVolume, containerPath]) => ({
    sourceVolume,
    containerPath,
    readOnly: false,
  })),
  stopTimeout: defaultStopTimeout,
  logConfiguration: logs("writable", context),
});

/** Exit code of a task whose time is up, as coreutils' `timeout` has it. */
const TIME_IS_UP = 124;

const timeLimit = (image: string, seconds: number, context: TaskContext): ContainerDefinition => ({
  name: "time-limit",
  image,
  essential: true, // its end is the task's
  entryPoint: ["sh", "-c"],
  // Ended with the task, it has nothing to say
  command: [`trap 'exit 0' TERM; sleep ${seconds} & wait $!; echo time is up; exit ${TIME_IS_UP}`],
  ...hardened(defaultUser),
  ...none,
  mountPoints: [],
  stopTimeout: defaultStopTimeout,
  logConfiguration: logs("time-limit", context),
});
