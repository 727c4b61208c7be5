import { defaultStopTimeout, defaultUser, healthCheckOf, type ContainerProps } from "../modules/container";

/** A service on a developer's machine. */
export interface LocalService {
  /** CPU units, of which 1024 are a CPU. */
  readonly cpu: number;
  /** In MiB. */
  readonly memory: number;
  /** The same as in its task definition. */
  readonly container: ContainerProps;
  /** Whether it runs all the time; others run when called for. */
  readonly always: boolean;
  /** Where the image is built from. @default it must be there */
  readonly build?: { readonly context: string; readonly dockerfile: string };
}

export interface ComposeProps {
  /** Of the project: first part of its containers' and volumes' names. */
  readonly name: string;
  readonly services: Readonly<Record<string, LocalService>>;
  /** As Docker calls it, such as linux/amd64. */
  readonly platform: string;
  /** Folder that all services share: what outlives containers, in place of buckets and file systems. */
  readonly data: string;
}

/** A compose file, as https://compose-spec.io has it. */
export interface ComposeDocument {
  readonly name: string;
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly volumes: Readonly<Record<string, object>>;
}

/** Volume of all data. */
const DATA = "data";
/** Docker makes volumes root's, so one more container gives it to everybody first. */
const OWNER = "writable";

/**
 * The compose file of services, from what their task definitions are made from: the same programs with the same
 * settings, rights and sizes. Values of secrets come from `.env` beside it; a time limit is the program's own here.
 * @throws where a service has the name of the one that prepares the volume
 */
export function composeDocument({ name, services, platform, data }: ComposeProps): ComposeDocument {
  const [first] = Object.values(services);
  if (!first) throw new Error(`${name} has no services`);
  if (Object.hasOwn(services, OWNER)) throw new Error(`${name} has a service "${OWNER}", which is taken`);
  const prepare = {
    ...imageOf(first),
    platform,
    entrypoint: ["chmod", "1777"],
    command: [data],
    user: "0:0",
    read_only: true,
    network_mode: "none",
    volumes: [`${DATA}:${data}`],
  };
  const all = Object.entries(services).map(([id, service]) => [id, composeService(service, platform, data)]);
  return {
    name,
    services: { ...Object.fromEntries(all), [OWNER]: prepare },
    volumes: { [DATA]: {} },
  };
}

function composeService(service: LocalService, platform: string, data: string): Record<string, unknown> {
  const { cpu, memory, container, always } = service;
  return {
    ...imageOf(service),
    platform,
    ...(container.command ? { command: container.command.map(literal) } : {}),
    environment: { ...literals(container.environment), ...fromDotEnv(container.secrets) },
    user: container.user ?? defaultUser,
    read_only: !container.writableRoot,
    init: true,
    stop_grace_period: `${container.stopTimeout ?? defaultStopTimeout}s`,
    cpus: cpu / 1024,
    mem_limit: `${memory}m`,
    ...(container.writable
      ? { tmpfs: Object.values(container.writable).map((path) => `${path}:mode=1777`) }
      : {}),
    volumes: [`${DATA}:${data}`],
    // Only this machine reaches it
    ...(container.port ? { ports: [`127.0.0.1:${container.port}:${container.port}`] } : {}),
    ...(container.healthCheck ? { healthcheck: healthCheck(container) } : {}),
    depends_on: { [OWNER]: { condition: "service_completed_successfully" } },
    ...(always ? { restart: "unless-stopped" } : { profiles: ["tasks"] }),
  };
}

const imageOf = ({ container: { image }, build }: LocalService) => ({
  image: literal(image),
  ...(build ? { build: { context: literal(build.context), dockerfile: literal(build.dockerfile) } } : {}),
});

/** Compose takes `$` for a variable: https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md */
const literal = (text: string): string => text.replaceAll("$", "$$$$");

const literals = (values: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, literal(value)]));

const fromDotEnv = (secrets: ContainerProps["secrets"] = {}) =>
  Object.fromEntries(Object.keys(secrets).map((name) => [name, `\${${name}:?set it in .env}`]));

function healthCheck(container: ContainerProps): object | undefined {
  const check = healthCheckOf(container);
  return (
    check && {
      test: ["CMD", ...check.command.map(literal)],
      interval: `${check.interval}s`,
      timeout: `${check.timeout}s`,
      retries: check.retries,
      start_period: `${check.startPeriod}s`,
    }
  );
}
