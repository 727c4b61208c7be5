import { App, type TerraformStack } from "cdktf";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { StateLocation } from "../backend/location";
import { AccessStack } from "../backend/access-stack";
import { localStateFile } from "../backend/bootstrap";
import { StateStack } from "../backend/state-stack";
import { addressesOf, stateLocation, valuesOf, type EnvironmentValues, type SharedValues } from "./derived";
import { EnvironmentStack } from "./environment-stack";
import { systemInputs, type SystemName } from "./catalogue";
import { LandfallError } from "./errors";
import { isSecret, type Input } from "./input";
import { loadSettings, type LoadOptions } from "./load";
import type { Problem } from "./problem";
import { projectRoot } from "./root";
import { writeSecretsFile } from "./secrets-file";
import type { Reading, Settings } from "./settings";
import { SharedStack } from "./shared-stack";
import { defaultStageClass, stageDefaults, type StageClass } from "./stage-class";

export interface SynthesisOptions extends LoadOptions {
  /** @default `CDKTF_OUTDIR`, else `cdktf.out` of the project */
  readonly outdir?: string;
}

/** What an operator's command needs to know of a synthesized stack. */
export interface SynthesizedStack {
  /** `state`, `shared`, `access`, or the environment's name. */
  readonly name: string;
  /** Absolute folder with `cdk.tf.json`. */
  readonly directory: string;
  readonly state: StateLocation;
  readonly region: string;
  readonly accountIds: readonly string[];
  readonly stageClass: StageClass;
  /** Whether it must never lose data. */
  readonly deletionProtection: boolean;
  /** For an environment: secrets of Terraform's that nobody has given. A plan does without their values. */
  readonly missingSecrets?: readonly string[];
  /** For an environment: where the state of its `shared` is, and what it needs from there. */
  readonly shared?: { readonly state: StateLocation; readonly addresses: readonly string[] };
  /** For `shared`: digest of its configuration, also its output `configuration_digest`. */
  readonly digest?: string;
}

export interface Synthesis {
  readonly outdir: string;
  readonly stacks: ReadonlyMap<string, SynthesizedStack>;
  /** Files that could not be used; their stacks and stale output are gone. */
  readonly broken: readonly Reading[];
  readonly warnings: readonly Problem[];
}

/** Makes the Terraform JSON of the stacks from the settings files. A broken file costs its own stack alone. */
export function synthesize(options: SynthesisOptions): Synthesis {
  return options.processEnvironment.LANDFALL_DEBUG
    ? makeStacks(options)
    : withoutStackTraces(() => makeStacks(options));
}

/** cdktf takes a stack trace for every token, which is a third of the work; only a search for a fault in it needs them. */
function withoutStackTraces<T>(work: () => T): T {
  const { captureStackTrace } = Error;
  Error.captureStackTrace = () => {};
  try {
    return work();
  } finally {
    Error.captureStackTrace = captureStackTrace;
  }
}

function makeStacks(options: SynthesisOptions): Synthesis {
  const { processEnvironment } = options;
  const outdir = resolve(options.outdir ?? processEnvironment.CDKTF_OUTDIR ?? join(projectRoot, "cdktf.out"));
  const wanted = (name: string) => options.only?.includes(name) ?? true;
  const loaded = loadSettings(options);
  mkdirSync(outdir, { recursive: true });
  const stacks = new Stacks(outdir, Boolean(processEnvironment.LANDFALL_DEBUG));
  if (loaded.shared) {
    const settings = loaded.shared;
    const shared = valuesOf<SharedValues>(settings);
    const common = {
      region: shared.region,
      accountIds: shared.allowed_account_ids,
      stageClass: "prod",
      deletionProtection: true,
    } as const;
    for (const [name, Stack] of [
      ["state", StateStack],
      ["shared", SharedStack],
    ] as const) {
      const stack = { ...common, name, state: stateLocation(shared, name) };
      if (wanted(name))
        stacks.add(stack, settings, (app) => new Stack(app, { ...stack, environment: name, settings }));
    }
    const environments = loaded.access;
    if (environments) {
      const stack = { ...common, name: "access", state: stateLocation(shared, "access") };
      stacks.add(
        stack,
        settings,
        (app) => new AccessStack(app, { ...stack, environment: "access", settings, environments }),
      );
    }
  }
  for (const { settings, shared: sharedSettings } of loaded.environments) {
    const shared = valuesOf<SharedValues>(sharedSettings);
    const environment = valuesOf<EnvironmentValues>(settings);
    const { name } = settings;
    const stageClass = environment.stage_class ?? defaultStageClass(name);
    const common = {
      name,
      namePrefix: shared.name_prefix,
      nat: shared.vpc_id ? shared.private_subnet_ids !== undefined : shared.nat_gateways !== "none",
      dualStack: !shared.vpc_id,
      state: stateLocation(shared, name),
      region: environment.region ?? shared.region,
      accountIds: environment.allowed_account_ids ?? shared.allowed_account_ids,
      stageClass,
      deletionProtection: environment.deletion_protection ?? stageDefaults[stageClass].deletionProtection,
    };
    const state = stateLocation(shared, "shared");
    const standsOn = { state, accountIds: shared.allowed_account_ids, file: sharedSettings.file };
    const stack = {
      ...common,
      missingSecrets: missingSecrets(settings, environment.systems),
      shared: { state, addresses: addressesOf(settings) },
    };
    stacks.add(stack, settings, (app) => {
      return new EnvironmentStack(app, { ...common, environment: name, settings, shared: standsOn });
    });
  }
  const synthesized = stacks.write();
  // cdktf removes what is stale itself, and fails where that is gone
  if (processEnvironment.CDKTF_CONTEXT_JSON === undefined) removeStale(outdir, wanted, synthesized);
  return {
    outdir,
    stacks: synthesized,
    broken: [...loaded.broken, ...stacks.faults],
    warnings: loaded.warnings,
  };
}

const missingSecrets = ({ settings }: Settings, systems: readonly SystemName[]): readonly string[] =>
  systems
    .flatMap((system) => Object.entries<Input>(systemInputs[system]))
    .filter(([name, input]) => input.use === "terraform" && isSecret(input) && !settings.has(name))
    .map(([name]) => name);

/** The stacks of one synthesis. A fault in one costs that one alone. */
class Stacks {
  readonly faults: Reading[] = [];
  private readonly app: App;
  private readonly added = new Map<
    string,
    { readonly stack: SynthesizedStack; readonly settings: Settings }
  >();
  private readonly constructs = new Map<string, TerraformStack>();

  constructor(
    private readonly outdir: string,
    private readonly debug: boolean,
  ) {
    this.app = new App({ outdir, stackTraces: debug });
  }

  add(
    stack: Omit<SynthesizedStack, "directory">,
    settings: Settings,
    make: (app: App) => TerraformStack,
  ): void {
    const { name } = stack;
    this.isolate(name, settings, () => {
      const construct = make(this.app);
      const { synthesizer } = construct;
      construct.synthesizer = {
        synthesize: (session) => this.isolate(name, settings, () => synthesizer.synthesize(session)),
      };
      this.constructs.set(name, construct);
      this.added.set(name, {
        settings,
        stack: { ...stack, directory: join(this.outdir, "stacks", name) },
      });
    });
  }

  /** Writes the JSON of each, and what of its values may not be in there. @returns those without a fault */
  write(): ReadonlyMap<string, SynthesizedStack> {
    this.app.synth();
    const written = new Map<string, SynthesizedStack>();
    for (const [name, { stack, settings }] of this.added) {
      writeSecretsFile(stack.directory, settings);
      const construct = this.constructs.get(name);
      written.set(name, construct instanceof SharedStack ? { ...stack, digest: construct.digest } : stack);
    }
    return written;
  }

  private isolate(name: string, settings: Settings, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (this.debug) throw error;
      this.faults.push({
        name,
        file: settings.file,
        problems: [
          {
            file: settings.file,
            what: `cannot be made into the stack ${name}: ${error instanceof Error ? error.message : String(error)}`,
            mend:
              (error instanceof LandfallError ? error.mend : undefined) ??
              "The check of the settings should have found this: please report it. LANDFALL_DEBUG=1 shows where it comes from.",
          },
        ],
        warnings: [],
      });
      this.added.delete(name);
      this.app.node.tryRemoveChild(name);
      delete this.app.manifest.stacks[name];
    }
  }
}

/**
 * Removes the output of stacks that are no more. Not all of the output: Terraform keeps its own files there too, and a
 * bootstrap that did not finish its state.
 */
function removeStale(
  outdir: string,
  wanted: (name: string) => boolean,
  stacks: ReadonlyMap<string, unknown>,
): void {
  const folder = join(outdir, "stacks");
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (!wanted(name) || stacks.has(name)) continue;
    const directory = join(folder, name);
    if (existsSync(localStateFile(directory))) rmSync(join(directory, "cdk.tf.json"), { force: true });
    else rmSync(directory, { recursive: true });
  }
}
