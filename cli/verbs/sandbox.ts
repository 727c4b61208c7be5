import type { Command } from "commander";
import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { localStateFile, readLocalState, removeLocalState } from "../../backend/bootstrap";
import type { Outputs } from "../../backend/state-store";
import { stateBucket, valuesOf, type SharedValues } from "../../environments/derived";
import { loadSettings } from "../../environments/load";
import { formatReport } from "../../environments/report";
import { projectRoot } from "../../environments/root";
import {
  emulatorEnvironment,
  emulatorStatus,
  sandboxExports,
  startEmulator,
  stopEmulator,
} from "../../sandbox/emulator";
import { LandfallError } from "../../environments/errors";
import { colors, progress, result, resultJson } from "../output";
import { apply } from "./apply";
import { bootstrap } from "./bootstrap";
import { initEnvironment } from "./init";
import { formatOutputs } from "./outputs";

const secretsFile = join(projectRoot, "environments", "sandbox.secrets.env");

/** With it, `state` and `shared` are the sandbox's own. */
const sandboxSettings = { LANDFALL_SHARED: "sandbox" } as const;

/**
 * Starts the emulator and deploys the state backend, `shared` and the environment `sandbox` to it; what is there already
 * is left as it is.
 * @returns the environment's outputs
 */
async function up(processEnvironment: NodeJS.ProcessEnv): Promise<Outputs> {
  const shared = sharedValues(processEnvironment, ["shared", "sandbox"]);
  const outdir = resolve(processEnvironment.CDKTF_OUTDIR ?? join(projectRoot, "cdktf.out"));
  const stateFolder = join(outdir, "stacks", "state");
  requireOwnLeftovers(stateFolder, stateBucket(shared));
  const { endpoint, alreadyRunning } = await startEmulator({ log: progress });
  progress(`the emulator is running at ${endpoint}`);
  // Pointed at it even where the shell's TF_VAR_allowed_account_ids names another account: the guard then refuses.
  const environment = {
    ...emulatorEnvironment(endpoint, processEnvironment, shared.region),
    ...sandboxSettings,
  };
  if (!alreadyRunning) removeLocalState(stateFolder); // a new emulator has nothing of what it describes
  if (!existsSync(secretsFile)) {
    progress("making the sandbox's secrets");
    await initEnvironment("sandbox", { given: {}, generateSecrets: true, processEnvironment: environment });
  }
  const unasked = { environment, yes: true, show: false };
  await bootstrap(unasked);
  await apply("shared", unasked);
  return apply("sandbox", unasked);
}

/**
 * A bootstrap that did not finish leaves its state beside the JSON.
 * @throws {LandfallError} where that is not the sandbox's
 */
function requireOwnLeftovers(stateFolder: string, bucket: string): void {
  const state = readLocalState(stateFolder);
  if (!state || JSON.stringify(state).includes(`"${bucket}"`)) return;
  const file = localStateFile(stateFolder);
  throw new LandfallError(`${file} is the state of a bootstrap that did not finish, and not the sandbox's.`, {
    mend: "Finish it first: ./landfall bootstrap",
  });
}

/** Values of `shared`. @throws {LandfallError} where the settings of one of `only` have problems */
function sharedValues(
  processEnvironment: NodeJS.ProcessEnv,
  only: readonly string[] = ["shared"],
): SharedValues {
  const { shared, broken } = loadSettings({
    only,
    processEnvironment: { ...processEnvironment, ...sandboxSettings },
  });
  if (shared && broken.length === 0) return valuesOf<SharedValues>(shared);
  const problems = broken.flatMap((reading) => reading.problems);
  throw new LandfallError(
    `The sandbox's settings have problems.\n${formatReport(problems, colors(process.stderr))}`,
  );
}

/**
 * The text for `eval "$(./landfall sandbox env)"`.
 * @throws {LandfallError} where the emulator is not running
 */
async function exports(processEnvironment: NodeJS.ProcessEnv): Promise<string> {
  const status = await emulatorStatus();
  if (!status.running)
    throw new LandfallError("The sandbox is not running.", { mend: "./landfall sandbox up" });
  const { region } = sharedValues(processEnvironment);
  return [
    sandboxExports(status.endpoint, region, processEnvironment),
    ...Object.entries(sandboxSettings).map(([name, value]) => `export ${name}='${value}'`),
  ].join("\n");
}

async function down({ purge }: { readonly purge?: true }): Promise<void> {
  progress(
    (await stopEmulator())
      ? "the emulator is stopped; what was deployed to it is gone"
      : "the emulator was not running",
  );
  if (purge) rmSync(join(projectRoot, ".landfall", "sandbox"), { recursive: true, force: true });
}

const nextSteps = `
Point a shell at it:   eval "$(./landfall sandbox env)"
End it:                ./landfall sandbox down`;

/** Adds `sandbox` with its own verbs. */
export function register(program: Command): void {
  const sandbox = program
    .command("sandbox")
    .description("an AWS on this machine: the emulator, and an environment in it");
  sandbox
    .command("up")
    .description("start the emulator, deploy the environment sandbox to it, and print the outputs")
    .action(async () => {
      result(formatOutputs(await up(process.env)));
      progress(nextSteps);
    });
  sandbox
    .command("down")
    .description("stop the emulator; what was deployed to it is gone")
    .option("--purge", "also remove its log and other files")
    .action(down);
  sandbox
    .command("status")
    .description("tell whether the emulator is running; exit code 1 if not")
    .option("--json", "as JSON")
    .action(async ({ json }: { json?: true }) => {
      const status = await emulatorStatus();
      if (json) resultJson(status);
      else result(status.running ? `running at ${status.endpoint} since ${status.startedAt}` : "not running");
      if (!status.running) process.exitCode = 1;
    });
  sandbox
    .command("env")
    .description('print the settings for a shell: eval "$(./landfall sandbox env)"')
    .action(async () => result(await exports(process.env)));
}
