import type { Command } from "commander";
import { UsageError } from "../../environments/errors";
import { gitRefProblem } from "../../environments/git-ref";
import { typed } from "../aws";
import { progress } from "../output";
import { afterSetUp, openDeployed, output, UPDATE_LIMIT, type ReleaseOptions } from "../release/deployed";
import { goingOn } from "../release/interrupt";
import { rehearseMacroAi, releaseMacroAi, rollbackMacroAi } from "../release/macro-ai";

/** Updates X-Scheduler in place, or takes it back to the release before. Its host goes back by itself on failure. */
export async function updateXScheduler(
  name: string,
  {
    ref,
    rollback,
    force,
    ...options
  }: ReleaseOptions & { readonly ref?: string; readonly rollback?: boolean; readonly force?: boolean },
): Promise<boolean> {
  const problem = ref === undefined ? undefined : gitRefProblem(ref);
  if (problem) throw new UsageError(`"${ref}" ${problem}.`);
  const deployed = await openDeployed(name, options);
  if (!deployed) return true;
  const host = output(deployed, "x_scheduler_instance_id", "x-scheduler");
  const verb = rollback
    ? "rollback"
    : `update${ref === undefined ? "" : ` --ref ${typed([ref])}`}${force ? " --force" : ""}`;
  const command = afterSetUp("x-scheduler", `/opt/x-scheduler/bin/update.sh ${verb}`);
  const ran = await goingOn(
    `The ${rollback ? "rollback" : "update"} goes on on ${host}. To see how it ended: sudo /opt/x-scheduler/bin/update.sh status`,
    (stop) => deployed.aws.onHost(host, command, UPDATE_LIMIT, { stop, goesOn: true }),
  );
  progress(ran.output);
  return ran.ok;
}

/** Asks X for access in this terminal; the token ends in the table. @returns the session's exit code */
export async function oauthSetup(name: string, options: ReleaseOptions): Promise<number> {
  const deployed = await openDeployed(name, options);
  if (!deployed) return 0;
  const host = output(deployed, "x_scheduler_instance_id", "x-scheduler");
  return deployed.aws.onTerminal([
    "ssm",
    "start-session",
    "--target",
    host,
    "--document-name",
    "AWS-StartInteractiveCommand",
    "--parameters",
    JSON.stringify({ command: ["sudo /opt/x-scheduler/bin/setup-oauth.sh"] }),
  ]);
}

interface Flags {
  readonly artifact?: string;
  readonly version?: string;
  readonly ref?: string;
  readonly force?: true;
}

const systemOf = (system: string): "x-scheduler" | "macro-ai" => {
  if (system === "x-scheduler" || system === "macro-ai") return system;
  throw new UsageError(`"${system}" takes no releases here; x-scheduler and macro-ai do.`, {
    mend: system === "chronos" ? "For Chronos: ./landfall configure" : undefined,
  });
};

/** Adds `release`, `rollback` and `oauth-setup`. */
export function register(program: Command): void {
  const fail = (ok: boolean) => {
    if (!ok) process.exitCode = 1;
  };
  program
    .command("release")
    .description("bring a release to the hosts of x-scheduler or macro-ai")
    .argument("<env>", "environment")
    .argument("<system>", "x-scheduler or macro-ai")
    .option("--artifact <file>", "macro-ai: tar.gz with package.json, its lock file and dist/")
    .option("--version <version>", "macro-ai: name of the release")
    .option("--ref <ref>", "x-scheduler: branch, tag or commit, instead of x_scheduler_git_ref")
    .option("--force", "x-scheduler: also where it runs already, such as after new secrets")
    .action(async (name: string, system: string, { artifact, version, ref, force }: Flags) => {
      const options = { environment: process.env };
      if (systemOf(system) === "x-scheduler") {
        if (artifact !== undefined || version !== undefined)
          throw new UsageError("x-scheduler is released by git ref: --ref.");
        return fail(await updateXScheduler(name, { ...options, ref, force }));
      }
      if (artifact === undefined || version === undefined || ref !== undefined || force)
        throw new UsageError("macro-ai needs --artifact and --version, and takes neither --ref nor --force.");
      fail(await releaseMacroAi(name, { ...options, artifact, version }));
    });
  program
    .command("rollback")
    .description("take x-scheduler or macro-ai back to the release before")
    .argument("<env>", "environment")
    .argument("<system>", "x-scheduler or macro-ai")
    .option("--rehearse", "macro-ai: only try whether the release before would start, beside the current one")
    .action(async (name: string, system: string, { rehearse }: { rehearse?: true }) => {
      const options = { environment: process.env };
      if (rehearse) {
        if (systemOf(system) !== "macro-ai") throw new UsageError("--rehearse is for macro-ai.");
        return fail(await rehearseMacroAi(name, options));
      }
      fail(
        systemOf(system) === "x-scheduler"
          ? await updateXScheduler(name, { ...options, rollback: true })
          : await rollbackMacroAi(name, options),
      );
    });
  program
    .command("oauth-setup")
    .description("authorize X-Scheduler with an X account, in this terminal")
    .argument("<env>", "environment")
    .action(async (name: string) => {
      process.exitCode = await oauthSetup(name, { environment: process.env });
    });
}
