import { Argument, InvalidArgumentError, Option, type Command } from "commander";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Outputs } from "../../backend/state-store";
import { valuesOf, type EnvironmentValues, type SharedValues } from "../../environments/derived";
import { LandfallError, UsageError } from "../../environments/errors";
import { loadSettings } from "../../environments/load";
import { formatReport } from "../../environments/report";
import { projectRoot } from "../../environments/root";
import type { Settings } from "../../environments/settings";
import { isEnvironmentStack } from "../../environments/stack-names";
import { emulatorAccountId } from "../../sandbox/emulator";
import {
  chronosApplication,
  hostInput,
  requireApplication,
  type ChronosApplication,
  type HostApplication,
  type HostKind,
} from "../../workloads/chronos/application";
import { requireEnvironment } from "../environment-name";
import { colors, progress, result, resultJson, setLiveLines } from "../output";
import { inParallel, onInterrupt, StepDisplay } from "../parallel";
import {
  hostKeysOfInstance,
  knownHostsFile,
  pinKeys,
  pinnedKeys,
  runOverSsh,
  sshFailure,
  type SshTarget,
} from "../ssh";
import { openWorkspace } from "../workspace";

export interface ConfigureOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** @default both */
  readonly kind?: HostKind;
  /** One host by name. @default all */
  readonly host?: string;
  /** Seconds that a host on EC2 may take to come up and to finish its first boot. @default 900 */
  readonly wait?: number;
  /** Goes through Session Manager, also where SSH is open. @default false */
  readonly sessionManager?: boolean;
  /** The environment's outputs. @default read from its state, where they are needed */
  readonly outputs?: Outputs;
  /** Folder with the environment files. @default `environments` of the project */
  readonly folder?: string;
  /** File with the pinned host keys. @default `.landfall/known_hosts/<environment>` of the project */
  readonly knownHosts?: string;
}

export type HostStatus = "changed" | "unchanged" | "skipped" | "failed" | "interrupted";

/** What became of one host. */
export interface HostResult {
  readonly name: string;
  readonly kind: HostKind;
  readonly status: HostStatus;
  /** Commits, where another one was checked out; `none` before the first. */
  readonly ref?: { readonly from: string; readonly to: string };
  /** Names of the settings that changed, by file. Never values. */
  readonly files: Readonly<Record<string, readonly string[]>>;
  /** Whether `install.sh` ran to its end. */
  readonly installed: boolean;
  /** Why it was skipped or failed. */
  readonly reason?: string;
  /** What to do about it. */
  readonly mend?: string;
  readonly seconds: number;
}

export interface ConfigureResult {
  readonly environment: string;
  readonly hosts: readonly HostResult[];
  /** Whether none failed and nobody interrupted. */
  readonly ok: boolean;
  readonly interrupted: boolean;
}

/** Hosts at once. */
const LIMIT = 8;
const WAIT = 900; // seconds
const RETRY = 5_000; // milliseconds between two attempts to reach a host that is coming up

/**
 * Brings the application on the hosts of an environment up to its settings. A host's failure is in the result and stops
 * no other.
 * @throws {LandfallError} where the settings do not do or the environment is not deployed; {@link UsageError} where it
 * has no such host
 */
export async function configure(name: string, options: ConfigureOptions): Promise<ConfigureResult> {
  const { settings, isSandbox, region } = load(name, options, { withSecrets: false });
  const chosen = choose(chronosApplication(settings), name, options);
  const isSkipped = ({ ssh }: HostApplication) => isSandbox && ssh === undefined;
  if (chosen.every(isSkipped)) return finished(name, chosen.map(skipped), false);

  const complete = load(name, options, { withSecrets: true }).settings;
  requireApplication(complete);
  const application = chronosApplication(complete);
  const names = chosen.map((host) => host.name);
  const hosts = application.hosts.filter((host) => names.includes(host.name));
  const deployed = hosts.some((host) => !isSkipped(host) && needsOutputs(host, isSandbox))
    ? { region, outputs: await outputsOf(name, options) }
    : undefined;

  const stop = new AbortController();
  const display = new StepDisplay();
  setLiveLines(display);
  const release = onInterrupt(() => {
    progress(
      "Stopping. A host finishes an installation that it has begun; run this again to finish the rest.",
    );
    stop.abort();
  });
  try {
    const run: Run = { name, application, deployed, options, display, stop: stop.signal };
    const results = await inParallel(hosts, LIMIT, async (host) =>
      isSkipped(host) ? skipped(host) : configureHost(host, run),
    );
    return finished(name, results, stop.signal.aborted);
  } finally {
    release();
    setLiveLines(undefined);
    display.end();
  }
}

const finished = (
  environment: string,
  hosts: readonly HostResult[],
  interrupted: boolean,
): ConfigureResult => ({
  environment,
  hosts,
  ok: !interrupted && hosts.every(({ status }) => status !== "failed"),
  interrupted,
});

function load(
  name: string,
  { environment, folder = join(projectRoot, "environments") }: ConfigureOptions,
  { withSecrets }: { readonly withSecrets: boolean },
): { settings: Settings; isSandbox: boolean; region: string } {
  requireEnvironment(name, folder);
  const { environments, broken, warnings } = loadSettings({
    folder,
    only: [name],
    processEnvironment: environment,
    requireSecrets: withSecrets && ["chronos"], // other systems' secrets are no affair of its hosts
  });
  if (withSecrets && warnings.length > 0)
    progress(`Warnings:\n${formatReport(warnings, colors(process.stderr))}`);
  const [found] = environments;
  if (!found)
    throw new LandfallError(
      `The settings of ${name} have problems.\n${formatReport(
        broken.flatMap(({ problems }) => problems),
        colors(process.stderr),
      )}`,
    );
  const own = valuesOf<EnvironmentValues>(found.settings);
  if (!own.systems.includes("chronos"))
    throw new UsageError(`${name} does not carry Chronos, whose hosts this is for.`, {
      mend: `It carries: ${own.systems.join(", ")}.`,
    });
  const shared = valuesOf<SharedValues>(found.shared);
  const accounts = own.allowed_account_ids ?? shared.allowed_account_ids;
  return {
    settings: found.settings,
    isSandbox: accounts.length === 1 && accounts[0] === emulatorAccountId,
    region: own.region ?? shared.region,
  };
}

function choose(
  { hosts }: ChronosApplication,
  environment: string,
  { kind, host }: ConfigureOptions,
): readonly HostApplication[] {
  const ofKind = hosts.filter((each) => kind === undefined || each.kind === kind);
  if (host === undefined) return ofKind;
  const chosen = ofKind.filter(({ name }) => name === host);
  if (chosen.length > 0) return chosen;
  throw new UsageError(`${environment} has no ${kind ? `${kind} ` : ""}host "${host}".`, {
    mend: `It has: ${ofKind.map(({ name }) => name).join(", ") || "none"}.`,
  });
}

const skipped = ({ name, kind }: HostApplication): HostResult => ({
  name,
  kind,
  status: "skipped",
  files: {},
  installed: false,
  reason: "the sandbox only emulates this host, so there is nothing to configure",
  seconds: 0,
});

/** The hosts' addresses and instances, where nothing in the settings takes their place. */
const needsOutputs = ({ onEc2, ssh, hostKeys }: HostApplication, isSandbox: boolean): boolean =>
  onEc2 && !isSandbox && (ssh === undefined || hostKeys.length === 0);

interface Deployment {
  readonly outputs: Outputs;
  readonly region: string;
}

async function outputsOf(name: string, options: ConfigureOptions): Promise<Outputs> {
  const read = async () => {
    const { store } = await openWorkspace(name, { environment: options.environment });
    return (await store.read())?.outputs;
  };
  const outputs = options.outputs ?? (await read());
  if (outputs?.dashboard_instance_id !== undefined) return outputs;
  throw new LandfallError(`${name} is not deployed, so there is no host to configure.`, {
    mend: `Deploy it: ./landfall apply ${name}`,
  });
}

/** An instance and its address, as the outputs have them. */
function instanceOf(
  host: Pick<HostApplication, "name" | "kind">,
  { outputs }: Deployment,
): { readonly id?: string; readonly address?: string } {
  const value = (output: string): unknown => outputs[output]?.value;
  if (host.kind === "dashboard")
    return {
      id: value("dashboard_instance_id") as string | undefined,
      address: value("dashboard_public_ip") as string | undefined,
    };
  const of = (output: string) => (value(output) as Readonly<Record<string, string>> | undefined)?.[host.name];
  return { id: of("edge_instance_ids"), address: of("edge_public_ips") };
}

interface Run {
  readonly name: string;
  readonly application: ChronosApplication;
  readonly deployed?: Deployment;
  readonly options: ConfigureOptions;
  readonly display: Pick<StepDisplay, "step" | "finish">;
  readonly stop: AbortSignal;
}

async function configureHost(host: HostApplication, run: Run): Promise<HostResult> {
  const started = Date.now();
  const report = new HostReport(host, run);
  try {
    const target = targetOf(host, run);
    await pin(host, target, run);
    await runScript(host, target, run, report);
  } catch (error) {
    // Whatever it is, it is this host's alone
    report.failure ??= error instanceof LandfallError ? error : new LandfallError(String(error));
  }
  const finished = report.result(Math.round((Date.now() - started) / 1000), run.stop.aborted);
  run.display.finish(host.name, `${finished.status} (${finished.seconds} s)`);
  return finished;
}

/**
 * How SSH reaches one host, with its key known: for commands that go there themselves.
 * @throws as {@link configure}, and where nobody says which key the host has
 */
export async function reach(
  name: string,
  options: ConfigureOptions & { readonly host: string },
): Promise<{ readonly target: SshTarget; readonly host: HostApplication }> {
  const { settings, isSandbox, region } = load(name, options, { withSecrets: false });
  const application = chronosApplication(settings);
  const [host] = choose(application, name, options);
  if (!host) throw new UsageError(`${name} has no host "${options.host}".`);
  if (isSandbox && host.ssh === undefined)
    throw new LandfallError(`The sandbox only emulates ${host.name}, so nobody can log in there.`, {
      mend: `Say where SSH reaches it: ${host.kind === "edge" ? "edge_machines" : "dashboard_ssh"}.`,
    });
  const deployed = needsOutputs(host, isSandbox)
    ? { region, outputs: await outputsOf(name, options) }
    : undefined;
  const display = { step: (_: string, text: string) => progress(text), finish: () => {} };
  const run = { name, application, deployed, options, display, stop: new AbortController().signal };
  const target = targetOf(host, run);
  await pin(host, target, run);
  return { target, host };
}

/**
 * How SSH reaches a host.
 * @throws {LandfallError} where it has neither an address in the settings nor one in the outputs
 */
function targetOf(host: HostApplication, { name, application, deployed, options }: Run): Target {
  const { id, address } = host.onEc2 && deployed ? instanceOf(host, deployed) : {};
  // Another instance is another host with other keys; the Elastic IP stays
  const alias = [`${name}-${host.name}`, ...(id === undefined ? [] : [id])].join(".");
  const common = { alias, instanceId: id, knownHosts: options.knownHosts ?? knownHostsFile(name) };
  const user = host.ssh?.user ?? (host.onEc2 ? "ec2-user" : undefined);
  if (host.ssh) return { ...common, ...host.ssh, user };
  if (id === undefined || address === undefined || !deployed)
    throw new LandfallError(`${host.name} is in the settings and not deployed yet.`, {
      mend: `./landfall apply ${name}`,
    });
  if (application.sshIsOpen && !options.sessionManager) return { ...common, user, host: address };
  const sessionManager = { instanceId: id, region: deployed.region };
  return { ...common, user, host: id, sessionManager };
}
type Target = SshTarget & { readonly instanceId?: string };

/**
 * Makes the host's keys known before it is spoken to.
 * @throws {LandfallError} where nobody says what they are
 */
async function pin(host: HostApplication, target: Target, run: Run): Promise<void> {
  const { alias, knownHosts, instanceId } = target;
  if (host.hostKeys.length > 0) return pinKeys(knownHosts, alias, host.hostKeys);
  if (pinnedKeys(knownHosts, alias).length > 0) return;
  if (instanceId === undefined || !run.deployed)
    throw new LandfallError(`Nobody says which SSH host key ${host.name} has.`, {
      mend: `On the machine itself, print it (cat /etc/ssh/ssh_host_ed25519_key.pub), and write it to the settings: ssh_host_keys="${host.name}=ssh-ed25519 AAAA…"`,
    });
  run.display.step(host.name, "reading its SSH host keys from the console");
  const { environment, wait = WAIT } = run.options;
  const { region } = run.deployed;
  const keys = await hostKeysOfInstance(instanceId, {
    region,
    wait: wait * 1000,
    environment,
    signal: run.stop,
  });
  pinKeys(knownHosts, alias, keys);
}

/** Runs the host's script; a host on EC2 that is not up yet is tried again until the time is over. */
async function runScript(host: HostApplication, target: Target, run: Run, report: HostReport): Promise<void> {
  const { environment, wait = WAIT } = run.options;
  const deadline = Date.now() + (host.onEc2 ? wait * 1000 : 0);
  const input = hostInput(host, { wait });
  for (;;) {
    run.stop.throwIfAborted();
    run.display.step(host.name, "connecting");
    const { exitCode, stderr } = await runOverSsh(target, {
      command: "exec bash -s",
      input,
      environment,
      onLine: report.line,
      signal: run.stop,
    });
    const mayComeUp = exitCode === 255 && !report.spoke && sshFailure(stderr, target.alias) !== "host key";
    if (!mayComeUp || run.stop.aborted || Date.now() + RETRY > deadline)
      return report.ended(exitCode, stderr, target);
    run.display.step(host.name, "waiting for SSH");
    await sleep(RETRY, undefined, { signal: run.stop });
  }
}

/** Collects what a host's script tells. */
class HostReport {
  failure?: LandfallError;
  /** Whether the script has told anything, and so was reached. */
  spoke = false;
  private ref?: HostResult["ref"];
  private readonly files: Record<string, readonly string[]> = {};
  private installed = false;
  private done = false;
  private step = "connecting";

  constructor(
    private readonly host: HostApplication,
    private readonly run: Run,
  ) {}

  readonly line = (text: string): void => {
    const [, word = "", rest = ""] = /^landfall: (\w+) ?(.*)$/.exec(text) ?? [];
    if (word === "") return; // a login shell's greeting
    this.spoke = true;
    const [first = "", ...others] = rest.split(" ");
    if (word === "step") {
      this.step = this.clean(rest);
      this.run.display.step(this.host.name, this.step);
    } else if (word === "ref") this.ref = { from: first, to: others[0] ?? "" };
    else if (word === "changed") this.files[first] = others;
    else if (word === "mode") this.files[first] = ["(mode)"];
    else if (word === "installed") this.installed = true;
    else if (word === "done") this.done = true;
    else if (word === "failed") this.failure = new LandfallError(this.clean(others.join(" ")));
  };

  ended(exitCode: number | null, stderr: string, target: Target): void {
    const said = this.clean(stderr).trim();
    if (this.failure) {
      if (said !== "") this.failure = new LandfallError(`${this.failure.message}\n${said}`);
    } else if (this.run.stop.aborted) {
      return;
    } else if (exitCode === 255 || exitCode === null) {
      this.failure = this.spoke
        ? new LandfallError(`The connection was lost at "${this.step}".`, {
            mend: "Run it again: it takes up where this one ended.",
          })
        : connectionError(this.host, target, said);
    } else if (!this.done) {
      this.failure = new LandfallError(`The host's script ended with exit code ${exitCode}.\n${said}`);
    }
  }

  result(seconds: number, interrupted: boolean): HostResult {
    const { name, kind } = this.host;
    const { ref, files, installed, failure } = this;
    const common = { name, kind, ref, files, installed, seconds };
    if (this.done) {
      const changed = ref !== undefined || installed || Object.keys(files).length > 0;
      return { ...common, status: changed ? "changed" : "unchanged" };
    }
    if (interrupted)
      return { ...common, status: "interrupted", reason: `stopped at "${this.step}"`, mend: "Run it again." };
    return { ...common, status: "failed", reason: failure?.message ?? "no answer", mend: failure?.mend };
  }

  /** Without secrets, which an installer or git may print, and without control sequences. */
  private clean(text: string): string {
    return redact(text, this.run.application.secrets).replace(/[^\P{Cc}\n]/gu, "");
  }
}

/** Takes secrets out of a text, each of their lines for itself too. One or two characters are no secret to look for. */
export function redact(text: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split("\n").map((line) => line.trim())]);
  return [...new Set(parts)]
    .filter((part) => part.length > 2)
    .sort((one, other) => other.length - one.length)
    .reduce((rest, part) => rest.replaceAll(part, "(secret)"), text);
}

function connectionError(host: HostApplication, target: Target, said: string): LandfallError {
  const failure = sshFailure(said, target.alias);
  if (failure === "host key") {
    const source =
      host.hostKeys.length > 0
        ? `write its new key to ssh_host_keys`
        : `remove the old one: ssh-keygen -R ${target.alias} -f ${target.knownHosts}`;
    return new LandfallError(
      `${host.name} shows another SSH host key than the one that is known. Either the host was installed anew, or somebody stands between you and it. Nothing was sent.`,
      {
        mend: `Find out which: compare with the host's own console. If it was installed anew, ${source}, and run this again.`,
      },
    );
  }
  if (failure === "login")
    return new LandfallError(`${host.name} does not let ${target.user ?? "this user"} in.\n${said}`, {
      mend: "Load the private key of public_key or additional_public_key into the SSH agent (ssh-add), or name it in ~/.ssh/config.",
    });
  return new LandfallError(`${host.name} cannot be reached by SSH.\n${said}`, {
    mend: target.sessionManager
      ? "Session Manager needs the AWS CLI with its plugin here, and ssm:StartSession: https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"
      : "See whether it runs, and whether your network is in ssh_cidrs; --ssm goes through Session Manager.",
  });
}

/** A line for each host, and below it what changed, by file and name. */
export function formatResult({ hosts }: ConfigureResult): string {
  const width = Math.max(0, ...hosts.map(({ name }) => name.length));
  return hosts
    .map((host) => {
      const head = `${host.name.padEnd(width)}  ${host.status.padEnd("interrupted".length)}`;
      return [[head, ...changesOf(host)].join("  ").trimEnd(), ...reasonOf(host)].join("\n");
    })
    .join("\n");
}

function changesOf({ ref, files, installed }: HostResult): string[] {
  const short = (commit: string) => commit.replace(/^([0-9a-f]{12})[0-9a-f]+/, "$1");
  const changes = [
    ...(ref ? [`ref ${short(ref.from)} -> ${short(ref.to)}`] : []),
    ...Object.entries(files).map(([file, names]) => `${file}: ${names.join(", ")}`),
    ...(installed ? ["installed"] : []),
  ];
  return changes.length > 0 ? [changes.join("; ")] : [];
}

const reasonOf = ({ reason, mend }: HostResult): string[] =>
  [reason, mend].flatMap((text) => (text ? text.trimEnd().split("\n") : [])).map((line) => `    ${line}`);

/**
 * The last step of an apply: configures all hosts, and tells what became of them on stderr.
 * @returns whether all went well; true too where the environment has no hosts of Chronos
 * @throws as {@link configure}
 */
export async function configureAfterApply(
  name: string,
  options: Pick<ConfigureOptions, "environment" | "outputs" | "folder">,
): Promise<boolean> {
  if (!carriesChronos(name, options)) return true;
  progress(`configuring the hosts of ${name}`);
  const configured = await configure(name, options);
  progress(formatResult(configured));
  if (configured.interrupted) throw interruptedError();
  return configured.ok;
}

/**
 * What an apply must not begin without, as its last step would fail for it. Nothing where that step is skipped.
 * @throws {LandfallError} with all problems
 */
export function checkBeforeApply(
  name: string,
  options: Pick<ConfigureOptions, "environment" | "folder">,
): void {
  if (!carriesChronos(name, options)) return;
  const { settings, isSandbox } = load(name, options, { withSecrets: false });
  const { hosts } = chronosApplication(settings);
  if (!isSandbox || hosts.some(({ ssh }) => ssh !== undefined)) requireApplication(settings);
}

function carriesChronos(
  name: string,
  { environment, folder }: Pick<ConfigureOptions, "environment" | "folder">,
) {
  if (!isEnvironmentStack(name)) return false;
  const { environments } = loadSettings({ folder, only: [name], processEnvironment: environment });
  const [found] = environments;
  return found === undefined || valuesOf<EnvironmentValues>(found.settings).systems.includes("chronos");
}

const interruptedError = (): LandfallError =>
  new LandfallError("Interrupted.", { mend: "Run ./landfall configure again to finish.", exitCode: 130 });

const seconds = (text: string): number => {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError("Write a number of seconds.");
  return Number(text);
};

interface Flags {
  readonly host?: string;
  readonly wait?: number;
  readonly ssm?: true;
  readonly json?: true;
}

/** Adds `configure`. It exits with 1 where a host failed. */
export function register(program: Command): void {
  program
    .command("configure")
    .description("bring the application on Chronos's hosts up to the settings, over SSH")
    .argument("<env>", "environment")
    .addArgument(new Argument("[hosts]", "only these hosts").choices(["dashboard", "edge"]))
    .option("--host <name>", "one host: dashboard, or an edge host's name")
    .addOption(
      new Option("--wait <seconds>", "how long a new host on EC2 may take to be ready")
        .argParser(seconds)
        .default(WAIT),
    )
    .option("--ssm", "go through AWS Session Manager, also where SSH is open")
    .option("--json", "what became of each host, as JSON")
    .action(async (name: string, kind: HostKind | undefined, { host, wait, ssm, json }: Flags) => {
      if (!isEnvironmentStack(name)) throw new UsageError(`${name} has no hosts to configure.`);
      const configured = await configure(name, {
        environment: process.env,
        kind,
        host,
        wait,
        sessionManager: ssm,
      });
      if (json) resultJson(configured);
      else result(formatResult(configured) || "no hosts to configure");
      if (configured.interrupted) throw interruptedError();
      if (!configured.ok) process.exitCode = 1;
    });
}
