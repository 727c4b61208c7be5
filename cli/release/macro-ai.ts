import { createHash } from "node:crypto";
import { closeSync, createReadStream, existsSync, openSync, readSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { LandfallError, UsageError } from "../../environments/errors";
import type { AwsCli } from "../aws";
import { progress } from "../output";
import { openDeployed, output, UPDATE_LIMIT, waitForSetUp, type ReleaseOptions } from "./deployed";
import { hostsOf } from "./hosts";
import { goingOn } from "./interrupt";
import { releaseOf, ReleasePointer, remembered } from "./pointer";
import { setRelease } from "./shipment";

/**
 * Uploads an artifact of Macro AI and brings it to every host, one after the other.
 * @returns whether all have it; where not, the release before is the current one still
 * @throws {UsageError} where the artifact or the version will not do; {@link LandfallError} where AWS does not do
 */
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
  return setRelease(deployed, async (before) => {
    const url = await upload(deployed.aws, { bucket, artifact, version, sha256 });
    const release = { version, environment: name, url, sha256 };
    return { ...release, previous: remembered(before, release) };
  });
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

interface Upload {
  readonly bucket: string;
  readonly artifact: string;
  readonly version: string;
  readonly sha256: string;
}

/** @returns its URL. What is there already stays: an older version of a key would be removed some day. */
async function upload(aws: AwsCli, { bucket, artifact, version, sha256 }: Upload): Promise<string> {
  const key = `releases/${version}-${sha256.slice(0, 12)}.tar.gz`;
  const checksum = Buffer.from(sha256, "hex").toString("base64");
  const object = ["--bucket", bucket, "--key", key];
  type Answer = { readonly VersionId?: string; readonly ChecksumSHA256?: string };
  const ask = ["s3api", "head-object", ...object, "--checksum-mode", "ENABLED"];
  const there = (await aws.json(ask, { quiet: true }).catch(() => ({}))) as Answer; // not there, mostly
  const put = ["s3api", "put-object", ...object, "--body", artifact, "--checksum-sha256", checksum];
  const { VersionId } =
    there.ChecksumSHA256 === checksum ? there : ((await aws.json(put, { interruptible: true })) as Answer);
  return `s3://${bucket}/${key}${VersionId ? `?versionId=${VersionId}` : ""}`;
}

/** Brings Macro AI back to the release before the current one. @throws as {@link releaseMacroAi} */
export async function rollbackMacroAi(name: string, options: ReleaseOptions): Promise<boolean> {
  const deployed = await openDeployed(name, options);
  if (!deployed) return true;
  return setRelease(deployed, (state) => {
    const [before, ...earlier] = releaseOf(state)?.previous ?? [];
    if (before !== undefined) return { ...before, previous: earlier };
    throw new LandfallError("There is no release before the current one to go back to.", {
      mend: "Ship one: ./landfall release",
    });
  });
}

/** Rehearses a rollback of Macro AI on each host: the release before starts beside the current one, which goes on serving. */
export async function rehearseMacroAi(name: string, options: ReleaseOptions): Promise<boolean> {
  const deployed = await openDeployed(name, options);
  if (!deployed) return true;
  const hosts = hostsOf(deployed);
  const results: boolean[] = [];
  for (const host of (await hosts.list()).serving) {
    const isGone = () => hosts.isGone(host);
    const ran = await goingOn(`The rehearsal goes on on ${host}, and changes nothing.`, (stop) =>
      deployed.aws.onHost(host, "/opt/macro-ai/deploy.sh verify", UPDATE_LIMIT, {
        isGone,
        stop,
        goesOn: true,
      }),
    );
    if (ran.gone) {
      progress(`${host} is no longer in service; going on without it`);
      continue;
    }
    progress(`${host}: ${ran.ok ? "can go back" : "cannot go back"}\n${ran.output}`);
    results.push(ran.ok);
  }
  if (results.length === 0) progress("There is no host in service to rehearse a rollback on.");
  return results.length > 0 && results.every(Boolean);
}

/**
 * Waits for what an apply has begun on Macro AI's hosts: a single host's first boot, or a group's instance refresh.
 * @returns whether that went well; true too in the sandbox, where nothing runs on hosts
 * @throws {LandfallError} where AWS does not do or the user interrupts
 */
export async function awaitMacroAi(name: string, options: ReleaseOptions): Promise<boolean> {
  const deployed = await openDeployed(name, options, "first boot of macro-ai");
  if (!deployed) return true;
  const { aws, outputs, limits } = deployed;
  const host = outputs.macro_ai_instance_id?.value;
  if (typeof host === "string") {
    progress(`${host}: waiting for the first boot of macro-ai`);
    const ran = await goingOn(`What was applied stays so, and the first boot of ${host} goes on.`, (stop) =>
      aws.onHost(host, waitForSetUp("macro-ai"), UPDATE_LIMIT, { stop, goesOn: true }),
    );
    if (!ran.ok) progress(ran.output);
    return ran.ok;
  }
  const group = output(deployed, "macro_ai_auto_scaling_group", "macro-ai");
  const pointer = new ReleasePointer(aws, output(deployed, "macro_ai_release_parameter", "macro-ai"));
  if (releaseOf(await pointer.read()) === undefined) {
    progress(`The hosts of ${group} wait for the first release: ./landfall release ${name} macro-ai`);
    return true;
  }
  return goingOn("What was applied stays so, and the instance refresh goes on.", (stop) =>
    awaitRefresh(aws, group, limits.refresh, stop),
  );
}

const running = ["Pending", "InProgress", "Baking", "Cancelling", "RollbackInProgress"];

/** @returns whether the latest refresh went well; true too where none is running */
async function awaitRefresh(aws: AwsCli, group: string, limit: number, stop: AbortSignal): Promise<boolean> {
  const ask = ["autoscaling", "describe-instance-refreshes", "--auto-scaling-group-name", group];
  const deadline = Date.now() + limit * 1000;
  for (let told = ""; ;) {
    const { InstanceRefreshes } = (await aws.json([...ask, "--max-records", "1"], { quiet: true })) as {
      InstanceRefreshes: readonly { Status: string; StatusReason?: string; PercentageComplete?: number }[];
    };
    const [{ Status, StatusReason, PercentageComplete = 0 } = { Status: "" }] = InstanceRefreshes;
    if (!running.includes(Status)) {
      if (told === "") return true; // it is none of this apply's
      progress(`the instance refresh of ${group} ended: ${Status}${StatusReason ? `: ${StatusReason}` : ""}`);
      return Status === "Successful";
    }
    const text = `instance refresh of ${group}: ${Status}, ${PercentageComplete} %`;
    if (text !== told) progress(text);
    told = text;
    if (Date.now() > deadline) {
      progress(`It has not ended after ${limit} s. To see it: ${aws.typed(ask)}`);
      return false;
    }
    await aws.pause(stop);
  }
}
