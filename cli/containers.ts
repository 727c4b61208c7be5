import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Outputs } from "../backend/state-store";
import { LandfallError, UsageError } from "../environments/errors";
import { nearest } from "../environments/nearest";
import { AwsCli, typed } from "./aws";
import { onStop } from "./interrupt";
import { progress } from "./output";
import { openWorkspace } from "./workspace";

const capacity = z.object({ provider: z.string(), weight: z.number(), base: z.number() });
const container = z.object({
  kind: z.enum(["service", "task"]),
  service: z.string().optional(),
  family: z.string(),
  /** ARN with the revision that it is to run. */
  task_definition: z.string().optional(),
  container: z.string(),
  log_group: z.string(),
  log_stream_prefix: z.string(),
  capacity: z.array(capacity),
  /** Whether its tasks are to have ECS Exec. */
  exec: z.boolean().optional(),
  secrets: z.array(z.string()),
});
const containersOutput = z.object({
  cluster: z.string(),
  subnets: z.array(z.string()),
  security_groups: z.array(z.string()),
  assign_public_ip: z.boolean(),
  containers: z.record(z.string(), container),
});
const secretsOutput = z.record(
  z.string(),
  z.object({
    name: z.string(),
    arn: z.string(),
    owner: z.enum(["operator", "terraform"]),
    used_by: z.array(z.string()),
  }),
);

/** A container of a deployed environment, as the outputs tell it. */
export interface DeployedContainer extends z.infer<typeof container> {
  /** As in `systems`. */
  readonly system: string;
  /** What commands call it. */
  readonly name: string;
  readonly cluster: string;
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly publicIp: boolean;
}

/** A secret of a deployed environment, as the outputs tell it. Nobody here knows its value. */
export interface DeployedSecret {
  readonly system: string;
  /** What commands call it. */
  readonly name: string;
  /** Its name in Secrets Manager. */
  readonly secretName: string;
  readonly arn: string;
  /** Who writes its value. */
  readonly owner: "operator" | "terraform";
  /** Names of containers of the same system. */
  readonly usedBy: readonly string[];
}

export interface ContainerOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Seconds between questions to AWS. @default 2 */
  readonly poll?: number;
}

/** A deployed environment with containers. */
export interface DeployedContainers {
  readonly environment: string;
  readonly aws: AwsCli;
  /** Process environment of the AWS CLI. */
  readonly awsEnvironment: NodeJS.ProcessEnv;
  readonly region: string;
  /** Whether this is the sandbox: its containers are only emulated, and nothing runs in them. */
  readonly emulated: boolean;
  /** Seconds between questions to AWS. */
  readonly poll: number;
  readonly containers: readonly DeployedContainer[];
  readonly secrets: readonly DeployedSecret[];
  /** All outputs of the environment. */
  readonly outputs: Outputs;
}

const POLL = 2;

/**
 * What an environment's outputs say of its containers and their secrets.
 * @throws {LandfallError} where it is not deployed
 */
export async function openContainers(
  name: string,
  { environment, poll = POLL }: ContainerOptions,
): Promise<DeployedContainers> {
  const { stack, store, target } = await openWorkspace(name, { environment });
  const outputs = (await store.read())?.outputs;
  if (!outputs) throw new LandfallError(`${name} is not deployed.`, { mend: `./landfall apply ${name}` });
  return {
    environment: name,
    aws: new AwsCli(target.environment, stack.region, poll),
    awsEnvironment: target.environment,
    region: stack.region,
    emulated: target.emulator !== undefined,
    poll,
    outputs,
    ...readContainers(outputs, name),
  };
}

/**
 * Containers and secrets by the outputs `<system>_containers` and `<system>_secrets`.
 * @throws {LandfallError} where those have another form
 */
export function readContainers(
  outputs: Outputs,
  environment: string,
): Pick<DeployedContainers, "containers" | "secrets"> {
  const containers: DeployedContainer[] = [];
  const secrets: DeployedSecret[] = [];
  for (const [output, { value }] of Object.entries(outputs)) {
    const [, prefix] = /^(\w+)_containers$/.exec(output) ?? [];
    if (prefix === undefined) continue;
    const system = prefix.replaceAll("_", "-");
    const all = parse(containersOutput, value, output, environment);
    for (const [name, one] of Object.entries(all.containers)) {
      const network = {
        cluster: all.cluster,
        subnets: all.subnets,
        securityGroups: all.security_groups,
        publicIp: all.assign_public_ip,
      };
      containers.push({ ...one, ...network, system, name });
    }
    const own = outputs[`${prefix}_secrets`];
    if (!own) continue;
    const parsed = parse(secretsOutput, own.value, `${prefix}_secrets`, environment);
    for (const [name, secret] of Object.entries(parsed)) {
      const { name: secretName, arn, owner, used_by: usedBy } = secret;
      secrets.push({ system, name, secretName, arn, owner, usedBy });
    }
  }
  return { containers, secrets };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, output: string, environment: string): T {
  const { success, data } = schema.safeParse(value);
  if (success) return data;
  throw new LandfallError(
    `The output ${output} of ${environment} was written by another version of Landfall.`,
    {
      mend: `Write it anew: ./landfall apply ${environment}`,
    },
  );
}

/**
 * An output that is text.
 * @throws {LandfallError} where there is none, as an older version wrote the outputs or the system is not there
 */
export function textOutput({ outputs, environment }: DeployedContainers, name: string): string {
  const value = outputs[name]?.value;
  if (typeof value === "string") return value;
  throw new LandfallError(`${environment} has no output ${name}.`, {
    mend: `It comes with its system, and the next apply: ./landfall apply ${environment}`,
  });
}

/** @throws {UsageError} where there is none of that name, or several */
export const findContainer = (
  { containers, environment }: DeployedContainers,
  wanted: string,
): DeployedContainer => find(containers, wanted, environment, "container");

/** By its short name, with its system before it, or by its name in Secrets Manager. @throws as {@link findContainer} */
export const findSecret = ({ secrets, environment }: DeployedContainers, wanted: string): DeployedSecret =>
  secrets.find(({ secretName }) => secretName === wanted) ?? find(secrets, wanted, environment, "secret");

function find<T extends { readonly system: string; readonly name: string }>(
  all: readonly T[],
  wanted: string,
  environment: string,
  what: string,
): T {
  const qualified = ({ system, name }: T) => `${system}/${name}`;
  const found = all.filter((one) => one.name === wanted || qualified(one) === wanted);
  if (found.length > 1)
    throw new UsageError(`${environment} has several ${what}s "${wanted}".`, {
      mend: `Say which: ${found.map(qualified).join(" or ")}.`,
    });
  if (found[0]) return found[0];
  const isUnique = (name: string) => all.filter((one) => one.name === name).length === 1;
  const names = all.map((one) => (isUnique(one.name) ? one.name : qualified(one)));
  const near = nearest(wanted, names);
  throw new UsageError(`${environment} has no ${what} "${wanted}".${near ? ` Did you mean ${near}?` : ""}`, {
    mend:
      names.length > 0
        ? `It has: ${names.join(", ")}.`
        : `It has none. Containers come with systems such as viewer-atlas, and the next apply.`,
  });
}

/** The service's own name in ECS. */
export function serviceName({ service, name }: DeployedContainer): string {
  if (service !== undefined) return service;
  throw new LandfallError(`The outputs name no service for ${name}.`, {
    mend: "Apply the environment again.",
  });
}

/** A command of the AWS CLI as one would type it. */
export const awsCommand = (args: readonly string[], { region }: DeployedContainers): string =>
  `aws ${typed([...args, "--region", region])}`;

/** The user wants to stop waiting. */
export class InterruptedError extends LandfallError {
  constructor() {
    super("Interrupted.", { exitCode: 130 });
  }
}

/** Takes the user's wish to stop, as by Ctrl-C, and ends what waits. What goes on at AWS is not touched. */
export class Wait {
  private readonly controller = new AbortController();
  /** Lets signals end this process again. */
  readonly end: () => void;

  /** @param poll seconds that a pause takes */
  constructor(private readonly poll: number) {
    this.end = onStop(() => this.controller.abort(new InterruptedError()));
  }

  /** Aborted where the user wants to stop. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** @throws {InterruptedError} at once where the user wants to stop; else what `work` throws */
  async for<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.controller;
    let abort: () => void = () => {};
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(signal.reason as InterruptedError);
      signal.addEventListener("abort", abort);
      if (signal.aborted) abort();
    });
    try {
      return await Promise.race([aborted, work]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Until the next question to AWS. @throws {InterruptedError} */
  pause(): Promise<void> {
    return this.for(sleep(this.poll * 1000, undefined, { signal: this.controller.signal }));
  }
}

/** Of failures in a row; a network may be away for a moment. */
const TRIES = 3;

/**
 * Asks AWS, again where that fails. For questions only.
 * @throws what the last of three failures said, or {@link InterruptedError}
 */
export async function askAgain<T>(wait: Wait, question: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await wait.for(question());
    } catch (error) {
      if (error instanceof InterruptedError || failures === TRIES) throw error;
      progress(`${error instanceof Error ? error.message : String(error)}\nAsking again.`);
      await wait.pause();
    }
  }
}
