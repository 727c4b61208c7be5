import { existsSync } from "node:fs";
import { join } from "node:path";
import { readAccess, sharedOf as sharedNameOf, wantsAccess, type AccessEnvironment } from "./access";
import type { SystemName } from "./catalogue";
import { checkEnvironment, checkShared, type Checked, checkTogether } from "./checks";
import type { Problem } from "./problem";
import { environmentNames, readEnvironment, readShared } from "./read";
import { projectRoot } from "./root";
import type { Reading, Settings } from "./settings";
import { commonStacks } from "./stack-names";

export interface LoadOptions {
  /** Folder with the environment files. @default `environments` of the project */
  readonly folder?: string;
  /** `state`, `shared`, `access` or environments to load. @default all */
  readonly only?: readonly string[];
  /** Settings in it win over the files; `LANDFALL_SHARED` names whose shared settings `state`, `shared` and `access` have. */
  readonly processEnvironment: NodeJS.ProcessEnv;
  /** Whether a missing secret is a problem, or of which systems it is. @default false */
  readonly requireSecrets?: boolean | readonly SystemName[];
}

export interface Loaded {
  /** Settings of the stacks `state`, `shared` and `access`, unless they are broken or not asked for. */
  readonly shared?: Settings;
  /** Environments of the stack `access`, unless it is broken, or not asked for here or by the settings. */
  readonly access?: readonly AccessEnvironment[];
  /** Usable environments, each with the shared settings that it stands on. */
  readonly environments: readonly { readonly settings: Settings; readonly shared: Settings }[];
  readonly broken: readonly Reading[];
  readonly warnings: readonly Problem[];
}

/** Reads and checks the settings files: each by itself, and each environment against its shared settings. */
export function loadSettings(options: LoadOptions): Loaded {
  const folder = options.folder ?? join(projectRoot, "environments");
  const wanted = (name: string) => options.only?.includes(name) ?? true;
  const readOptions = {
    folder,
    processEnvironment: options.processEnvironment,
    requireSecrets: options.requireSecrets ?? false,
  };
  const sharedReadings = new Map<string, Reading>();
  const sharedOf = (base: string): Reading => {
    const known = sharedReadings.get(base);
    if (known) return known;
    const reading = withProblems(readShared(base, readOptions), checkShared);
    sharedReadings.set(base, reading);
    return reading;
  };

  const base = sharedBase(folder, options.processEnvironment.LANDFALL_SHARED);
  const shared = commonStacks.some(wanted) ? sharedOf(base) : undefined;
  const asked =
    wanted("access") && shared?.settings && wantsAccess(shared.settings) ? shared.settings : undefined;
  const access = asked && readAccess(base, asked, folder);
  const environments: { settings: Settings; shared: Settings }[] = [];
  const readings: Reading[] = [];
  for (const name of environmentNames(folder).filter(wanted)) {
    const sharedReading = sharedOf(sharedNameOf(folder, name));
    const reading = withProblems(readEnvironment(name, readOptions), (settings) =>
      sharedReading.readable
        ? checkEnvironment(settings, sharedReading.readable)
        : { problems: [], warnings: [] },
    );
    const { file } = reading;
    if (!sharedReading.settings) {
      const what = `stands on ${sharedReading.file}, which cannot be used`;
      readings.push(broken(reading, [{ file, what, mend: "Mend that first." }]));
      continue;
    }
    readings.push(reading);
    if (reading.settings) environments.push({ settings: reading.settings, shared: sharedReading.settings });
  }
  const clashes = checkTogether(environments.map(({ settings }) => settings));
  const all = [
    ...sharedReadings.values(),
    ...readings.map((reading) => {
      const problems = reading.settings && clashes.get(reading.settings);
      return problems ? broken(reading, problems) : reading;
    }),
  ];
  const accessReading: Reading[] =
    access && asked && access.problems.length > 0
      ? [{ name: "access", file: asked.file, problems: access.problems, warnings: [] }]
      : [];
  return {
    shared: shared?.settings,
    access: accessReading.length > 0 ? undefined : access?.environments,
    environments: environments.filter(({ settings }) => !clashes.has(settings)),
    broken: [...all.filter((reading) => !reading.settings), ...accessReading],
    warnings: all.flatMap((reading) => reading.warnings),
  };
}

/** A clone starts with the sandbox's shared settings alone; `init` writes the real ones. */
function sharedBase(folder: string, chosen: string | undefined): string {
  if (chosen) return `${chosen}.shared`;
  return existsSync(join(folder, "shared.env")) ? "shared" : "sandbox.shared";
}

function withProblems(reading: Reading, check: (settings: Settings) => Checked): Reading {
  if (!reading.readable) return reading;
  const { problems, warnings } = check(reading.readable);
  const checked = { ...reading, warnings: [...reading.warnings, ...warnings] };
  return problems.length > 0 ? broken(checked, problems) : checked;
}

const broken = (reading: Reading, problems: readonly Problem[]): Reading => ({
  ...reading,
  settings: undefined,
  problems: [...reading.problems, ...problems],
});
