/**
 * Deploys all that the project has to the emulator, and writes down what the provider called:
 *
 *     node cli/run.cjs backend/deployer/record.ts FOLDER [SYSTEM...]
 *
 * FOLDER gets one file for each step. backend/deployer/condense.ts makes actions.json out of them. It takes half an hour.
 */
import { execa } from "execa";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectRoot } from "../../environments/root";
import { emulatorEnvironment, startEmulator, stopEmulator } from "../../sandbox/emulator";
import { sharedSteps, systemRuns } from "./runs";

const region = "us-east-1";

/** A copy of the project, so that nothing of the user's is touched. */
async function copyOfProject(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "landfall-record-"));
  const { stdout } = await execa("git", ["ls-files", "-z"], { cwd: projectRoot });
  for (const file of stdout.split("\0").filter((name) => name && existsSync(join(projectRoot, name)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(projectRoot, file), join(folder, file));
  }
  symlinkSync(join(projectRoot, "node_modules"), join(folder, "node_modules"));
  await execa("git", ["init", "--quiet"], { cwd: folder });
  return folder;
}

class Recording {
  private readonly record: string;
  private step = 0;
  readonly failed: string[] = [];

  constructor(
    private readonly folder: string,
    private readonly raw: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {
    this.record = join(folder, "record.jsonl");
  }

  /** Runs the command and keeps what it asked AWS for. */
  async run(by: string, phase: string, ...args: readonly string[]): Promise<void> {
    writeFileSync(this.record, "");
    const started = Date.now();
    const ran = await execa("./landfall", args, {
      cwd: this.folder,
      env: this.environment,
      extendEnv: false,
      reject: false,
      stdin: "ignore",
      all: true,
    });
    this.step += 1;
    const name = `${String(this.step).padStart(2, "0")}.${by}.${phase}`;
    writeFileSync(join(this.raw, `${name}.jsonl`), readFileSync(this.record));
    console.error(`${name}: exit code ${ran.exitCode}, ${Math.round((Date.now() - started) / 1000)} s`);
    if (ran.exitCode === 0) return;
    this.failed.push(name);
    writeFileSync(join(this.raw, `${name}.log`), ran.all);
  }

  /** Changes lines of a settings file. */
  set(file: string, values: Readonly<Record<string, string>>): void {
    const path = join(this.folder, "environments", file);
    const kept = readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => !Object.keys(values).some((name) => line.startsWith(`${name}=`)));
    const added = Object.entries(values).filter(([, value]) => value !== "");
    writeFileSync(path, [...kept, ...added.map(([name, value]) => `${name}="${value}"`), ""].join("\n"));
  }

  read = (file: string): string => readFileSync(join(this.folder, "environments", file), "utf8");
  write = (file: string, text: string): void => writeFileSync(join(this.folder, "environments", file), text);
}

async function main([raw, ...only]: readonly string[]): Promise<void> {
  if (raw === undefined) throw new Error("Name the folder for the recording.");
  mkdirSync(raw, { recursive: true });
  const folder = await copyOfProject();
  const stateFolder = join(folder, ".landfall", "sandbox");
  try {
    const record = join(folder, "record.jsonl");
    const { endpoint } = await startEmulator({ stateFolder, record });
    // eslint-disable-next-line no-restricted-properties -- of a command of its own
    const environment = { ...emulatorEnvironment(endpoint, process.env, region), LANDFALL_SHARED: "sandbox" };
    const recording = new Recording(folder, raw, environment);
    await recording.run("none", "init", "init", "sandbox", "--generate-secrets");
    await makeZone(endpoint);
    await recording.run("state", "bootstrap", "bootstrap", "--yes");
    await recording.run("state", "bootstrap", "bootstrap", "--yes");
    await recording.run("shared", "apply", "apply", "shared", "--yes");
    for (const step of sharedSteps) {
      recording.set("sandbox.shared.env", step);
      await recording.run("shared", "plan", "plan", "shared");
      await recording.run("shared", "apply", "apply", "shared", "--yes", "--allow", "address-lost");
    }
    const settings = recording.read("sandbox.env");
    for (const { system, steps } of systemRuns.filter(
      ({ system }) => only.length === 0 || only.includes(system),
    )) {
      recording.write("sandbox.env", settings);
      recording.set("sandbox.env", { TF_VAR_systems: system });
      for (const step of steps) {
        recording.set("sandbox.env", step);
        await recording.run(system, "apply", "apply", "sandbox", "--yes");
      }
      await recording.run(system, "plan", "plan", "sandbox");
      await recording.run(system, "destroy", "destroy", "sandbox", "--yes");
    }
    await recording.run("shared", "destroy", "destroy", "shared", "--yes");
    if (recording.failed.length > 0)
      throw new Error(`These steps failed: ${recording.failed.join(", ")}. See ${raw}`);
  } finally {
    await stopEmulator({ stateFolder });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A public zone, which is not the project's to make. */
async function makeZone(endpoint: string): Promise<void> {
  const response = await fetch(new URL("/2013-04-01/hostedzone", endpoint), {
    method: "POST",
    headers: {
      Authorization: `AWS4-HMAC-SHA256 Credential=sandbox/20260101/${region}/route53/aws4_request, SignedHeaders=host, Signature=none`,
    },
    body: '<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Name>example.com</Name><CallerReference>record</CallerReference></CreateHostedZoneRequest>',
  });
  if (!response.ok) throw new Error(`route53 answers ${response.status}`);
}

void main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(String(error));
  process.exitCode = 1;
});
