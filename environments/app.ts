import { App } from "cdktf";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { StateLocation } from "../backend/location";
import { StateStack } from "../backend/state-stack";
import { addressesOf, stateLocation, valuesOf, type EnvironmentValues, type SharedValues } from "./derived";
import { EnvironmentStack } from "./environment-stack";
import { loadSettings, type LoadOptions } from "./load";
import type { Problem } from "./problem";
import { projectRoot } from "./root";
import { writeSecretsFile } from "./secrets-file";
import type { Reading, Settings } from "./settings";
import { SharedStack } from "./shared-stack";
import { defaultStageClass, type StageClass } from "./stage-class";

export interface SynthesisOptions extends LoadOptions {
  /** @default `CDKTF_OUTDIR`, else `cdktf.out` of the project */
  readonly outdir?: string;
}

/** What an operator's command needs to know of a synthesized stack. */
export interface SynthesizedStack {
  /** `state`, `shared`, or the environment's name. */
  readonly name: string;
  /** Absolute folder with `cdk.tf.json`. */
  readonly directory: string;
  readonly state: StateLocation;
  readonly region: string;
  readonly accountIds: readonly string[];
  readonly stageClass: StageClass;
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
  const outdir = options.outdir ?? processEnvironment.CDKTF_OUTDIR ?? join(projectRoot, "cdktf.out");
  const wanted = (name: string) => options.only?.includes(name) ?? true;
  const loaded = loadSettings(options);
  const stacks = new Map<string, SynthesizedStack & { readonly settings: Settings }>();
  const add = (stack: Omit<SynthesizedStack, "directory">, settings: Settings) =>
    stacks.set(stack.name, { ...stack, settings, directory: join(outdir, "stacks", stack.name) });

  mkdirSync(outdir, { recursive: true });
  const app = new App({ outdir, stackTraces: Boolean(processEnvironment.LANDFALL_DEBUG) });
  let sharedStack: SharedStack | undefined;
  if (loaded.shared) {
    const settings = loaded.shared;
    const shared = valuesOf<SharedValues>(settings);
    const common = {
      region: shared.region,
      accountIds: shared.allowed_account_ids,
      stageClass: "prod",
    } as const;
    const props = (name: string) => ({
      ...common,
      environment: name,
      settings,
      state: stateLocation(shared, name),
    });
    if (wanted("state")) {
      new StateStack(app, props("state"));
      add({ ...common, name: "state", state: stateLocation(shared, "state") }, settings);
    }
    if (wanted("shared")) {
      sharedStack = new SharedStack(app, props("shared"));
      add({ ...common, name: "shared", state: stateLocation(shared, "shared") }, settings);
    }
  }
  for (const { settings, shared: sharedSettings } of loaded.environments) {
    const shared = valuesOf<SharedValues>(sharedSettings);
    const environment = valuesOf<EnvironmentValues>(settings);
    const common = {
      state: stateLocation(shared, settings.name),
      region: environment.region ?? shared.region,
      accountIds: environment.allowed_account_ids ?? shared.allowed_account_ids,
      stageClass: environment.stage_class ?? defaultStageClass(settings.name),
    };
    const state = stateLocation(shared, "shared");
    new EnvironmentStack(app, {
      ...common,
      environment: settings.name,
      settings,
      shared: { state, accountIds: shared.allowed_account_ids, file: sharedSettings.file },
    });
    add({ ...common, name: settings.name, shared: { state, addresses: addressesOf(settings) } }, settings);
  }
  app.synth();
  const synthesized = stacks.get("shared");
  if (synthesized) stacks.set("shared", { ...synthesized, digest: sharedStack?.digest });
  for (const { directory, settings } of stacks.values()) writeSecretsFile(directory, settings);
  // cdktf removes what is stale itself, and fails where that is gone
  if (processEnvironment.CDKTF_CONTEXT_JSON === undefined) removeStale(outdir, wanted, stacks);
  return { outdir, stacks, broken: loaded.broken, warnings: loaded.warnings };
}

/** Removes the output of stacks that are no more. Not all of the output: Terraform keeps its own files there too. */
function removeStale(
  outdir: string,
  wanted: (name: string) => boolean,
  stacks: ReadonlyMap<string, unknown>,
): void {
  const folder = join(outdir, "stacks");
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (wanted(name) && !stacks.has(name)) rmSync(join(folder, name), { recursive: true });
  }
}
