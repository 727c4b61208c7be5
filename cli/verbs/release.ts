import type { Command } from "commander";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, openSync, readSync, closeSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Outputs } from "../../backend/state-store";
import { LandfallError, UsageError } from "../../environments/errors";
import { gitRefProblem } from "../../environments/git-ref";
import { AwsCli, typed, type HostRun } from "../aws";
import { progress, result } from "../output";
import { openWorkspace } from "../workspace";

/** Seconds that an update on a host may take: packages are installed there. */
const UPDATE_LIMIT = 3600;
const SET_UP_LIMIT = 1200;

export interface ReleaseOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Seconds between questions to AWS. @default 2 */
  readonly poll?: number;
}

/** A deployed environment whose hosts can be asked. */
interface Deployed {
  readonly aws: AwsCli;
  readonly outputs: Outputs;
}

/**
 * @returns undefined in the sandbox, where hosts are only emulated and nothing runs on them
 * @throws {LandfallError} where the environment is not deployed
 */
async function openDeployed(
  name: string,
  { environment, poll }: ReleaseOptions,
): Promise<Deployed | undefined> {
  const { stack, store, target } = await openWorkspace(name, { environment });
  if (target.emulator) {
    progress(`skipped: the hosts of ${name} are emulated, and nothing runs on them`);
    return undefined;
  }
  const outputs = (await store.read())?.outputs;
  if (!outputs) throw new LandfallError(`${name} is not deployed.`, { mend: `./landfall apply ${name}` });
  return { aws: new AwsCli(target.environment, stack.region, poll), outputs };
}

/** @throws {UsageError} where the environment has no such output, and so not the system */
function output({ outputs }: Deployed, name: string, system: string): string {
  const value = outputs[name]?.value;
  if (typeof value === "string") return value;
  throw new UsageError(`This environment does not carry ${system}.`, {
    mend: `Add it to TF_VAR_systems, and apply.`,
  });
}

/** Shell that waits for the first boot; one that failed is done again, as set-up may be at any time. */
const waitForSetUp = `for i in $(seq ${SET_UP_LIMIT / 5}); do [ -e /home/ec2-user/.setup_complete ] && break; if [ -e /home/ec2-user/.setup_failed ]; then echo "first boot failed: $(cat /home/ec2-user/.setup_failed); doing it again"; /usr/local/sbin/setup-host || exit 1; fi; sleep 5; done; [ -e /home/ec2-user/.setup_complete ]`;
const takeCurrent = `${waitForSetUp} && /opt/macro-ai/deploy.sh current`;

/** What the parameter of the current release holds. */
interface Release {
  readonly version: string;
  readonly environment: string;
  readonly url: string;
  readonly sha256: string;
}
/** The parameter's JSON: the current release, and those that were current before, the latest first. */
interface Pointer extends Release {
  readonly previous?: readonly Release[];
}

/** Releases that the parameter remembers: a parameter holds 4 KB. */
const REMEMBERED = 8;

/** Uploads an artifact of Macro AI and brings it to every host, one after the other. */
export async function releaseMacroAi(
  name: string,
  { artifact, version, ...options }: ReleaseOptions & { readonly artifact: string; readonly version: string },
): Promise<boolean> {
  if (!/^[A-Za-z0-9][\w.+-]{0,99}$/.test(version)) {
    throw new UsageError(`"${version}" is no version: letters, digits and any of . _ + -, at most 100.`);
  }
  requireArchive(artifact);
  const sha256 = await digestOf(artifact);
  const deployed = await openDeployed(name, options);
  if (!deployed) return true;
  const bucket = output(deployed, "macro_ai_artifact_bucket", "macro-ai");
  const key = `releases/${version}-${sha256.slice(0, 12)}.tar.gz`;
  const put = ["s3api", "put-object", "--bucket", bucket, "--key", key, "--body", artifact];
  const { VersionId } = (await deployed.aws.json(put)) as { VersionId?: string };
  const url = `s3://${bucket}/${key}${VersionId ? `?versionId=${VersionId}` : ""}`;
  const current = await currentRelease(
    deployed.aws,
    output(deployed, "macro_ai_release_parameter", "macro-ai"),
  );
  return setRelease(deployed, { version, environment: name, url, sha256, previous: remembered(current) });
}

/** What was current until now, and before. */
function remembered(current: string): readonly Release[] {
  if (current === "none") return [];
  const { previous = [], ...release } = JSON.parse(current) as Pointer;
  return [release, ...previous].slice(0, REMEMBERED);
}

function requireArchive(file: string): void {
  if (!existsSync(file)) throw new UsageError(`There is no artifact ${file}.`);
  const descriptor = openSync(file, "r");
  const magic = Buffer.alloc(2);
  readSync(descriptor, magic);
  closeSync(descriptor);
  if (magic.readUInt16BE() !== 0x1f8b) {
    throw new UsageError(`${file} is no tar.gz archive.`, {
      mend: "Make one: tar -czf app.tar.gz package.json package-lock.json dist",
    });
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** Names a release the current one and brings the hosts to it; where one fails, all go back to the one before. */
async function setRelease(deployed: Deployed, pointer: Pointer): Promise<boolean> {
  const { aws } = deployed;
  const parameter = output(deployed, "macro_ai_release_parameter", "macro-ai");
  const before = await currentRelease(aws, parameter);
  const point = (value: string) =>
    aws.json([
      "ssm",
      "put-parameter",
      "--name",
      parameter,
      "--type",
      "String",
      "--overwrite",
      "--value",
      value,
    ]);
  await point(JSON.stringify(pointer));
  const updated = new Set<string>();
  const failed = await updateHosts(deployed, pointer.version, updated);
  if (failed === undefined) {
    result(
      `${pointer.version} is the current release on ${updated.size} host${updated.size === 1 ? "" : "s"}`,
    );
    return true;
  }
  progress(`${failed} ${pointer.version}; going back to the release before`);
  await point(before);
  for (const host of before === "none" ? [] : updated) {
    const { ok, output } = await takeRelease(aws, host);
    if (!ok) progress(`${host} did not go back:\n${output}`);
  }
  return false;
}

/**
 * Brings every host that serves to the current release, those included that begin to serve meanwhile.
 * @param updated gets the hosts that have taken it
 * @returns what failed; undefined where nothing did
 */
async function updateHosts(
  deployed: Deployed,
  version: string,
  updated: Set<string>,
): Promise<string | undefined> {
  const deadline = Date.now() + UPDATE_LIMIT * 1000;
  for (;;) {
    const { serving, launching } = await hostsOf(deployed);
    const next = serving.find((host) => !updated.has(host));
    if (next !== undefined) {
      progress(`${next}: ${version}`);
      const { ok, output } = await takeRelease(deployed.aws, next);
      if (!ok) {
        progress(output);
        return `${next} did not take`;
      }
      updated.add(next);
    } else if (serving.length > 0 || launching.length === 0) {
      return updated.size > 0 ? undefined : "there is no host to take";
    } else if (Date.now() > deadline) {
      return `none of ${launching.join(", ")} came to serve with`;
    } else {
      progress(`waiting for ${launching.join(", ")}, which take it by themselves`);
      await deployed.aws.pause();
    }
  }
}

async function takeRelease(aws: AwsCli, host: string): Promise<HostRun> {
  return aws
    .onHost(host, takeCurrent, UPDATE_LIMIT)
    .catch((error: Error) => ({ ok: false, output: error.message }));
}

async function currentRelease(aws: AwsCli, parameter: string): Promise<string> {
  const answer = await aws.json(["ssm", "get-parameter", "--name", parameter], { quiet: true });
  return (answer as { Parameter: { Value: string } }).Parameter.Value;
}

interface Hosts {
  readonly serving: readonly string[];
  /** They take the current release by themselves. */
  readonly launching: readonly string[];
}

async function hostsOf(deployed: Deployed): Promise<Hosts> {
  const single = deployed.outputs.macro_ai_instance_id?.value;
  if (typeof single === "string") return { serving: [single], launching: [] };
  const group = output(deployed, "macro_ai_auto_scaling_group", "macro-ai");
  const ask = ["autoscaling", "describe-auto-scaling-groups", "--auto-scaling-group-names", group];
  const answer = (await deployed.aws.json(ask, { quiet: true })) as {
    AutoScalingGroups: { Instances: { InstanceId: string; LifecycleState: string }[] }[];
  };
  const inState = (pattern: RegExp) =>
    answer.AutoScalingGroups.flatMap(({ Instances }) => Instances)
      .filter(({ LifecycleState }) => pattern.test(LifecycleState))
      .map(({ InstanceId }) => InstanceId);
  return { serving: inState(/^InService$/), launching: inState(/^Pending/) };
}

/** Brings Macro AI back to the release before the current one. */
export async function rollbackMacroAi(name: string, options: ReleaseOptions): Promise<boolean> {
  const deployed = await openDeployed(name, options);
  if (!deployed) return true;
  const parameter = output(deployed, "macro_ai_release_parameter", "macro-ai");
  const current = await currentRelease(deployed.aws, parameter);
  const { previous: [before, ...earlier] = [] } = current === "none" ? {} : (JSON.parse(current) as Pointer);
  if (before === undefined) {
    throw new LandfallError("There is no release before the current one to go back to.", {
      mend: "Ship one: ./landfall release",
    });
  }
  return setRelease(deployed, { ...before, previous: earlier });
}

/** Rehearses a rollback of Macro AI on each host: the release before starts beside the current one, which goes on serving. */
export async function rehearseMacroAi(name: string, options: ReleaseOptions): Promise<boolean> {
  const deployed = await openDeployed(name, options);
  if (!deployed) return true;
  let ok = true;
  for (const host of (await hostsOf(deployed)).serving) {
    const ran = await deployed.aws.onHost(host, "/opt/macro-ai/deploy.sh verify", UPDATE_LIMIT);
    progress(`${host}: ${ran.ok ? "can go back" : "cannot go back"}\n${ran.output}`);
    ok &&= ran.ok;
  }
  return ok;
}

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
  const ran = await deployed.aws.onHost(
    host,
    `${waitForSetUp} && /opt/x-scheduler/bin/update.sh ${verb}`,
    UPDATE_LIMIT,
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
