import { InvalidArgumentError, type Command } from "commander";
import { LandfallError, UsageError } from "../../environments/errors";
import {
  findSecret,
  openContainers,
  textOutput,
  Wait,
  type ContainerOptions,
  type DeployedContainers,
} from "../containers";
import { HasuraClient, metadataUrl, type Inconsistency, type Replaced } from "../hasura/client";
import { compareMetadata, readMetadata, type MetadataDifference } from "../hasura/metadata";
import { progress, result, resultJson } from "../output";
import { refuseHistory } from "./secret";

const READY_LIMIT = 300; // seconds

export interface HasuraMetadataOptions extends ContainerOptions {
  /** Base URL of Hasura. @default the environment's own */
  readonly url?: string;
  /** Seconds that Hasura may take to be ready. @default 300 */
  readonly timeout?: number;
}

/** What became of the metadata; `skipped` in the sandbox, where no Hasura runs. */
export type Applied =
  ({ readonly status: "applied" | "refused" } & Replaced) | { readonly status: "skipped" };

/**
 * Waits for Hasura, and replaces its metadata. Metadata that does not fit changes nothing.
 * @param from a file or folder, as `readMetadata` takes it
 * @throws {LandfallError} where Hasura cannot be reached or does not take it; exit code 130 at Ctrl-C
 */
export async function applyMetadata(
  name: string,
  from: string,
  options: HasuraMetadataOptions,
): Promise<Applied> {
  const metadata = readMetadata(from);
  const replaced = await withHasura(name, options, async (client) => {
    progress(`POST ${client.url.href} replace_metadata   # with ${from}`);
    return client.replace(metadata);
  });
  if (!replaced) return { status: "skipped" };
  return { status: replaced.applied ? "applied" : "refused", ...replaced };
}

/** How the metadata would differ from the present one. As {@link applyMetadata}; undefined in the sandbox. */
export function previewMetadata(
  name: string,
  from: string,
  options: HasuraMetadataOptions,
): Promise<MetadataDifference | undefined> {
  const metadata = readMetadata(from);
  return withHasura(name, options, async (client) => compareMetadata(await client.export(), metadata));
}

/** The present metadata. As {@link applyMetadata}; undefined in the sandbox. */
export const exportMetadata = (name: string, options: HasuraMetadataOptions) =>
  withHasura(name, options, (client) => client.export());

async function withHasura<T>(
  name: string,
  { url: given, timeout = READY_LIMIT, ...options }: HasuraMetadataOptions,
  work: (client: HasuraClient) => Promise<T>,
): Promise<T | undefined> {
  const base = given === undefined ? undefined : metadataUrl(given); // before anything is asked
  const deployed = await openContainers(name, options);
  if (deployed.emulated && !base) {
    progress("skipped: the sandbox's containers are emulated, and no Hasura runs in them");
    return undefined;
  }
  const url = base ?? ownUrl(deployed);
  const wait = new Wait(deployed.poll);
  try {
    const client = new HasuraClient(url, await adminSecret(deployed, wait), wait, name);
    progress(`POST ${url.href} get_inconsistent_metadata   # with the admin secret in a header`);
    await client.ready(timeout);
    return await work(client);
  } finally {
    wait.end();
  }
}

/** @throws {LandfallError} where the load balancer lets nobody in */
function ownUrl(deployed: DeployedContainers): URL {
  const url = metadataUrl(textOutput(deployed, "atomic_calendar_url"));
  const cidrs = deployed.outputs.atomic_calendar_admin_cidrs?.value;
  if (Array.isArray(cidrs) && cidrs.length > 0) return url;
  const { environment } = deployed;
  throw new LandfallError(`The load balancer of ${environment} lets nobody in to Hasura's metadata API.`, {
    mend: `Name your own address, as https://checkip.amazonaws.com tells it, in environments/${environment}.env: TF_VAR_atomic_calendar_admin_cidrs="203.0.113.7/32". Then: ./landfall apply ${environment}`,
  });
}

/** Read by a pipe, and kept in this process alone. */
async function adminSecret(deployed: DeployedContainers, wait: Wait): Promise<string> {
  const { arn } = findSecret(deployed, "atomic-calendar/HasuraAdminSecret");
  await wait.for(refuseHistory(deployed));
  const get = ["secretsmanager", "get-secret-value", "--secret-id", arn, "--query", "SecretString"];
  const value = await wait.for(deployed.aws.json(get));
  return typeof value === "string" ? value : "";
}

/** A line for each inconsistency. */
export const formatInconsistencies = (all: readonly Inconsistency[]): string =>
  all.map(({ type, name, reason }) => `  ${type} ${name}: ${reason}`).join("\n");

/** A line for each object that differs. */
export function formatDifference({ added, removed, changed }: MetadataDifference): string {
  const lines = [
    ...added.map((one) => `+ ${one}`),
    ...removed.map((one) => `- ${one}`),
    ...changed.map((one) => `~ ${one}`),
  ];
  return lines.length > 0 ? lines.join("\n") : "Hasura has this metadata already.";
}

const seconds = (text: string): number => {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError("Write a number of seconds.");
  return Number(text);
};

interface Flags {
  readonly from?: string;
  readonly export?: true;
  readonly dryRun?: true;
  readonly url?: string;
  readonly timeout?: number;
  readonly json?: true;
}

/** Adds `hasura-metadata`. */
export function register(program: Command): void {
  program
    .command("hasura-metadata")
    .description("wait for Atomic Calendar's Hasura, and replace its metadata, or show it")
    .argument("<env>", "environment")
    .option("--from <path>", "metadata as JSON, or the metadata folder of Hasura's command")
    .option("--export", "show the present metadata as JSON instead; it may hold secrets")
    .option("--dry-run", "only say what would be added (+), removed (-), or is written differently (~)")
    .option("--url <base>", "where Hasura is, such as the end of a tunnel: http://127.0.0.1:8080")
    .option("--timeout <seconds>", `how long to wait for Hasura (default: ${READY_LIMIT})`, seconds)
    .option("--json", "what was done, as JSON")
    .action(async (name: string, { from, export: wantsExport, dryRun, json, ...rest }: Flags) => {
      const options = { environment: process.env, ...rest };
      if (wantsExport) {
        if (from !== undefined || dryRun)
          throw new UsageError("--export only reads: it goes with neither --from nor --dry-run.");
        const present = await exportMetadata(name, options);
        if (present) resultJson(present);
        return;
      }
      if (from === undefined)
        throw new UsageError("Say which metadata: --from metadata.json, or --export to see the present one.");
      if (dryRun) {
        const difference = await previewMetadata(name, from, options);
        if (difference && json) resultJson(difference);
        else if (difference) result(formatDifference(difference));
        return;
      }
      const applied = await applyMetadata(name, from, options);
      if (json) resultJson(applied);
      tell(applied, { quiet: json === true });
    });
}

/** @throws {LandfallError} where Hasura has not taken all of it */
function tell(applied: Applied, { quiet }: { readonly quiet: boolean }): void {
  if (applied.status === "skipped") return;
  for (const warning of applied.warnings) progress(`Warning: ${warning}`);
  if (applied.inconsistent.length > 0) {
    const what = applied.applied
      ? "was applied, but is inconsistent"
      : "is inconsistent, and nothing was changed";
    throw new LandfallError(`The metadata ${what}.\n${formatInconsistencies(applied.inconsistent)}`, {
      mend: "Mend the metadata, or bring the database's tables up to it first.",
    });
  }
  if (!quiet) result("applied");
}
