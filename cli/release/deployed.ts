import type { Outputs } from "../../backend/state-store";
import { LandfallError, UsageError } from "../../environments/errors";
import { AwsCli } from "../aws";
import { progress } from "../output";
import { openWorkspace } from "../workspace";

/** Seconds that a command on a host may take: packages are installed there. */
export const UPDATE_LIMIT = 3600;
/** Seconds that a first boot may take. */
const SET_UP_LIMIT = 1200;

/** How long a release waits, in seconds. */
export interface Limits {
  /** For each new instance of a group to come to serve. @default 1200 */
  readonly launch: number;
  /** For a group to begin to have instances. @default 120 */
  readonly empty: number;
  /** For an instance refresh to end. @default 3600 */
  readonly refresh: number;
}
const defaultLimits: Limits = { launch: 1200, empty: 120, refresh: 3600 };

export interface ReleaseOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Seconds between questions to AWS. @default 2 */
  readonly poll?: number;
  readonly limits?: Partial<Limits>;
}

/** A deployed environment whose hosts can be asked. */
export interface Deployed {
  readonly aws: AwsCli;
  readonly outputs: Outputs;
  readonly limits: Limits;
}

/**
 * @param what named where it is skipped. @default nothing
 * @returns undefined in the sandbox, where hosts are only emulated and nothing runs on them
 * @throws {LandfallError} where the environment is not deployed
 */
export async function openDeployed(
  name: string,
  { environment, poll, limits }: ReleaseOptions,
  what?: string,
): Promise<Deployed | undefined> {
  const { stack, store, target } = await openWorkspace(name, { environment });
  if (target.emulator) {
    const skipped = what === undefined ? "" : ` (${what})`;
    progress(`skipped: the hosts of ${name} are emulated, and nothing runs on them${skipped}`);
    return undefined;
  }
  const outputs = (await store.read())?.outputs;
  if (!outputs) throw new LandfallError(`${name} is not deployed.`, { mend: `./landfall apply ${name}` });
  return {
    aws: new AwsCli(target.environment, stack.region, poll),
    outputs,
    limits: { ...defaultLimits, ...limits },
  };
}

/** @throws {UsageError} where the environment has no such output, and so not the system */
export function output({ outputs }: Pick<Deployed, "outputs">, name: string, system: string): string {
  const value = outputs[name]?.value;
  if (typeof value === "string") return value;
  throw new UsageError(`This environment does not carry ${system}.`, {
    mend: `Add it to TF_VAR_systems, and apply.`,
  });
}

/** What a system's set-up on a host is like. */
interface SetUp {
  /** Log of the first boot. */
  readonly log: string;
  /** Set-up's last step, which takes a release: where it failed, another release can mend it. */
  readonly releaseStep: string;
  /** Shell that does the set-up again. */
  readonly again: string;
}
const setUps: Readonly<Record<"x-scheduler" | "macro-ai", SetUp>> = {
  "x-scheduler": {
    log: "/var/log/setup-host.log",
    releaseStep: "install_release",
    again:
      "/usr/local/sbin/setup-host >>/var/log/setup-host.log 2>&1 || { tail -n 40 /var/log/setup-host.log; exit 1; }",
  },
  "macro-ai": {
    log: "/var/log/user-data.log",
    releaseStep: "release",
    again: "/usr/local/sbin/setup-host || exit 1",
  },
};

const home = "/home/ec2-user";
const [complete, failed] = [`${home}/.setup_complete`, `${home}/.setup_failed`];

/**
 * Shell that waits for the first boot; one that failed is done again, as set-up may be at any time.
 * @param goesOn shell that ends the waiting early. @default nothing does
 */
function waiting(system: keyof typeof setUps, goesOn = "false"): string {
  const { log, again } = setUps[system];
  return [
    `for i in $(seq ${SET_UP_LIMIT / 5}); do`,
    `if [ -e ${complete} ] || ${goesOn}; then break; fi;`,
    `if [ -e ${failed} ]; then echo "first boot failed: $(cat ${failed}); doing it again"; ${again}; fi;`,
    `if [ -e ${complete} ]; then break; fi; sleep 5; done;`,
    `[ -e ${complete} ] || ${goesOn} || { echo "no ${complete} after ${SET_UP_LIMIT} s; see ${log} and /var/log/cloud-init-output.log"; exit 1; }`,
  ].join(" ");
}

/** Shell that ends well when the first boot has. */
export const waitForSetUp = (system: keyof typeof setUps): string => waiting(system);

/**
 * Shell for a command that takes a release, after the first boot. Where that failed at its release alone, this one takes
 * its place, and completes the set-up.
 */
export function afterSetUp(system: keyof typeof setUps, command: string): string {
  const atRelease = `[ "$(cat ${failed} 2>/dev/null)" = ${setUps[system].releaseStep} ]`;
  const completed = `if ${atRelease}; then rm -f ${failed}; touch ${complete}; fi`;
  return `${waiting(system, atRelease)}; ${command} && { ${completed}; }`;
}
