import { InvalidArgumentError, type Command } from "commander";
import { createServer } from "node:net";
import { LandfallError, UsageError } from "../../environments/errors";
import { serviceNames, services } from "../../workloads/atomic-calendar/services";
import {
  awsCommand,
  findContainer,
  openContainers,
  textOutput,
  type ContainerOptions,
  type DeployedContainers,
} from "../containers";
import { execMend, runningTasks, sessionTarget } from "../exec";
import { progress, result, resultJson } from "../output";

const PORT = 15_432;
const SYSTEM = "atomic-calendar";
const DOCUMENT = "AWS-StartPortForwardingSessionToRemoteHost";

/** A way to the database, and what to type at its end. */
export interface Tunnel {
  /** What Session Manager calls the container that it goes through. */
  readonly target: string;
  readonly host: string;
  readonly port: number;
  readonly localPort: number;
  /** What opens it, as one would type it. */
  readonly command: string;
  /** Opens psql; its password comes from Secrets Manager, and shows nowhere. */
  readonly psql: string;
}

/**
 * Finds a way to the database: through a task that may reach it, by Session Manager. Nothing listens to the world.
 * @param localPort of this machine
 * @throws {LandfallError} where no such task runs with ECS Exec
 */
export async function findTunnel(deployed: DeployedContainers, localPort: number): Promise<Tunnel> {
  const [host = "", port = ""] = textOutput(deployed, "atomic_calendar_database_endpoint").split(":");
  const psql = psqlLine(deployed, localPort);
  const way = { target: await findTarget(deployed), host, port: Number(port), localPort };
  return { ...way, command: awsCommand(sessionArguments(way), deployed), psql };
}

/** Arguments of the AWS CLI that open it. */
function sessionArguments({ target, host, port, localPort }: Omit<Tunnel, "command" | "psql">): string[] {
  const ports = { portNumber: [String(port)], localPortNumber: [String(localPort)] };
  return [
    ...["ssm", "start-session", "--target", target, "--document-name", DOCUMENT],
    ...["--parameters", JSON.stringify({ host: [host], ...ports })],
  ];
}

/** Of services whose security group the database lets in, the first with a task that Session Manager reaches. */
async function findTarget(deployed: DeployedContainers): Promise<string> {
  const reaching = serviceNames.filter((name) => services[name].database);
  const reasons: string[] = [];
  let isExecOff = false;
  for (const name of reaching) {
    const container = findContainer(deployed, `${SYSTEM}/${name}`);
    const tasks = await runningTasks(deployed, container);
    if (tasks.length === 0) {
      reasons.push(`No task of ${name} runs.`);
      continue;
    }
    const target = tasks.map((task) => sessionTarget(container, task)).find((one) => one !== undefined);
    if (target !== undefined) return target;
    const isOff = !tasks.some(({ enableExecuteCommand }) => enableExecuteCommand);
    isExecOff ||= isOff;
    reasons.push(isOff ? `ECS Exec is off for ${name}.` : `Session Manager's agent in ${name} does not run.`);
  }
  throw new LandfallError(`There is no way to the database. ${reasons.join(" ")}`, {
    mend: isExecOff
      ? execMend(deployed, SYSTEM)
      : `See why: ./landfall logs ${deployed.environment} ${reaching[0]}`,
  });
}

/** Without the password: the shell reads it into psql's environment. */
function psqlLine(deployed: DeployedContainers, localPort: number): string {
  const arn = textOutput(deployed, "atomic_calendar_database_secret_arn");
  const user = textOutput(deployed, "atomic_calendar_database_user");
  const name = textOutput(deployed, "atomic_calendar_database_name");
  const read = [
    ...["secretsmanager", "get-secret-value", "--secret-id", arn],
    ...["--query", "SecretString", "--output", "text"],
  ];
  const password = `${awsCommand(read, deployed)} | node -p 'JSON.parse(fs.readFileSync(0)).password'`;
  const connection = `host=127.0.0.1 port=${localPort} dbname=${name} user=${user} sslmode=require`;
  return `PGPASSWORD="$(${password})" psql "${connection}"`;
}

/** @throws {LandfallError} where something else listens there */
async function requireFree(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", () => server.close(() => resolve()));
  }).catch((error: NodeJS.ErrnoException) => {
    throw new LandfallError(`Port ${port} of this machine cannot be listened on: ${error.code}.`, {
      mend: "Take another one, as with --port 15433.",
    });
  });
}

export interface DatabaseOptions extends ContainerOptions {
  /** Port of this machine. @default 15432 */
  readonly port?: number;
}

/** As {@link findTunnel}, of an environment; undefined in the sandbox, where nothing runs. */
export async function tunnelOf(
  name: string,
  { port = PORT, ...options }: DatabaseOptions,
): Promise<{ readonly deployed: DeployedContainers; readonly tunnel: Tunnel } | undefined> {
  const deployed = await openContainers(name, options);
  if (deployed.emulated) {
    progress("skipped: the sandbox's containers are emulated, and no tunnel goes through them");
    return undefined;
  }
  return { deployed, tunnel: await findTunnel(deployed, port) };
}

const portNumber = (text: string): number => {
  const port = Number(text);
  if (!/^\d{4,5}$/.test(text) || port < 1024 || port > 65_535)
    throw new InvalidArgumentError("Write a port from 1024 to 65535.");
  return port;
};

interface Flags {
  readonly port: number;
  readonly print?: true;
  readonly json?: true;
}

/** Adds `db`. Its exit code is the session's. */
export function register(program: Command): void {
  program
    .command("db")
    .description("open a tunnel to Atomic Calendar's database by Session Manager, until Ctrl-C")
    .argument("<env>", "environment")
    .option("--port <port>", "port of this machine that leads to it", portNumber, PORT)
    .option("--print", "only show the commands that open the tunnel and psql")
    .option("--json", "with --print: as JSON")
    .action(async (name: string, { port, print, json }: Flags) => {
      if (json && !print) throw new UsageError("--json goes with --print: a session is for people.");
      if (!print) await requireFree(port);
      const found = await tunnelOf(name, { environment: process.env, port });
      if (!found) return;
      const { deployed, tunnel } = found;
      if (json) {
        resultJson(tunnel);
        return;
      }
      if (print) result(tunnel.command);
      result(tunnel.psql);
      if (print) return;
      progress("Type that in another terminal, once the session waits for connections. Ctrl-C here ends it.");
      process.exitCode = await deployed.aws.onTerminal(sessionArguments(tunnel));
    });
}
