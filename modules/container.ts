/** A secret of Secrets Manager, whole or one key of its JSON. */
export interface SecretReference {
  readonly arn: string;
  readonly jsonKey?: string;
}

export interface HealthCheck {
  /** Run in the container without a shell; exit code 0 is healthy. */
  readonly command: readonly string[];
  /** Seconds between two checks, from 5 to 300. @default 30 */
  readonly interval?: number;
  /** Seconds that one may take, from 2 to 60. @default 5 */
  readonly timeout?: number;
  /** Failures in a row, from 1 to 10, until it is unhealthy. @default 3 */
  readonly retries?: number;
  /** Seconds after the start, from 0 to 300, in which failures do not count. @default 60 */
  readonly startPeriod?: number;
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html */
const healthCheckRanges = {
  interval: [5, 300],
  timeout: [2, 60],
  retries: [1, 10],
  startPeriod: [0, 300],
} as const;

/** A health check with its defaults. @throws where a value is out of ECS's range */
export function healthCheckOf({ name, healthCheck }: ContainerProps): Required<HealthCheck> | undefined {
  if (!healthCheck) return undefined;
  const { command, interval = 30, timeout = 5, retries = 3, startPeriod = 60 } = healthCheck;
  const times = { interval, timeout, retries, startPeriod };
  for (const [id, [least, most]] of Object.entries(healthCheckRanges)) {
    const value = times[id as keyof typeof times];
    if (value < least || value > most)
      throw new Error(`${name}: its health check's ${id} ${value} is not from ${least} to ${most}`);
  }
  return { command, ...times };
}

/** One container of ours: what its task definition and the compose file for local development are made from. */
export interface ContainerProps {
  readonly name: string;
  /** Image with its digest or tag; may be a Terraform expression without quotes. */
  readonly image: string;
  /** Image with sh, chmod and sleep, for what prepares and ends the task. @default the container's own */
  readonly helperImage?: string;
  /** @default the image's own */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Environment variables whose values come from secrets. */
  readonly secrets?: Readonly<Record<string, SecretReference>>;
  /** Labels of the container, which the program does not see: a change of them starts it anew. @default none */
  readonly labels?: Readonly<Record<string, string>>;
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

/** A container beside the main one, such as a collector of traces: they reach each other on localhost. */
export interface Sidecar extends Omit<ContainerProps, "helperImage" | "port" | "writable" | "timeLimit"> {
  /** Whether the task ends with it. @default false */
  readonly essential?: boolean;
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
 * @throws where a value is out of ECS's range, or two containers have one name
 */
export function containerDefinitions(
  props: ContainerProps,
  context: TaskContext,
  sidecars: readonly Sidecar[] = [],
): ContainerDefinition[] {
  const hasWritable = Object.keys(props.writable ?? {}).length > 0;
  const definitions: readonly ContainerDefinition[] = [
    {
      ...program(props, context),
      essential: true,
      ...(hasWritable ? { dependsOn: [{ containerName: "writable", condition: "SUCCESS" }] } : {}),
    },
    ...(hasWritable ? [writable(props, context)] : []),
    ...(props.timeLimit ? [timeLimit(props, props.timeLimit, context)] : []),
    ...sidecars.map((sidecar) => ({ ...program(sidecar, context), essential: sidecar.essential ?? false })),
  ];
  const names = definitions.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new Error(`${props.name}: two containers are called "${twice}"`);
  return [...definitions];
}

/** What a container of ours and one beside it have in common. */
function program(props: ContainerProps, context: TaskContext) {
  const stopTimeout = props.stopTimeout ?? defaultStopTimeout;
  if (stopTimeout < 1 || stopTimeout > MAX_STOP_TIMEOUT)
    throw new Error(`${props.name}: a stop time of ${stopTimeout} s is not from 1 to ${MAX_STOP_TIMEOUT}`);
  const healthCheck = healthCheckOf(props);
  return {
    name: props.name,
    image: props.image,
    ...(props.command ? { command: props.command } : {}),
    ...hardened(props.user ?? defaultUser, props.writableRoot),
    environment: pairs(props.environment ?? {}),
    secrets: Object.entries(props.secrets ?? {}).map(([name, { arn, jsonKey }]) => ({
      name,
      valueFrom: jsonKey ? `${arn}:${jsonKey}::` : arn,
    })),
    ...(props.labels ? { dockerLabels: props.labels } : {}),
    portMappings: props.port
      ? [{ name: props.name, containerPort: props.port, hostPort: props.port, protocol: "tcp" }]
      : [],
    mountPoints: mountPoints({ ...props.writable, ...props.mounts }),
    ...(healthCheck ? { healthCheck: { ...healthCheck, command: ["CMD", ...healthCheck.command] } } : {}),
    stopTimeout,
    logConfiguration: logs(props.name, context),
  };
}

const mountPoints = (folders: Readonly<Record<string, string>>) =>
  Object.entries(folders).map(([sourceVolume, containerPath]) => ({
    sourceVolume,
    containerPath,
    readOnly: false,
  }));

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

const helperImage = ({ image, helperImage = image }: ContainerProps) => helperImage;

const none = { environment: [], secrets: [], portMappings: [] };

const writable = (props: ContainerProps, context: TaskContext): ContainerDefinition => ({
  name: "writable",
  image: helperImage(props),
  essential: false,
  entryPoint: ["chmod", "1777"],
  command: Object.values(props.writable ?? {}),
  ...hardened("0:0"),
  ...none,
  mountPoints: mountPoints(props.writable ?? {}),
  stopTimeout: defaultStopTimeout,
  logConfiguration: logs("writable", context),
});

/** Exit code of a task whose time is up, as coreutils' `timeout` has it. */
const TIME_IS_UP = 124;

const timeLimit = (props: ContainerProps, seconds: number, context: TaskContext): ContainerDefinition => ({
  name: "time-limit",
  image: helperImage(props),
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
