import { existsSync } from "node:fs";
import { join } from "node:path";
import type { SystemName } from "./catalogue";
import {
  UnusableInput,
  valuesOf,
  type AccessValues,
  type EnvironmentValues,
  type ViewerAtlasValues,
} from "./derived";
import { LandfallError } from "./errors";
import type { Problem } from "./problem";
import { environmentNames, readEnvironment } from "./read";
import type { Settings } from "./settings";
import { environmentName } from "./types";

/** An environment whose deployers get roles. */
export interface AccessEnvironment {
  readonly name: string;
  readonly systems: readonly SystemName[];
  /** Buckets to which its inputs give names of their own. */
  readonly buckets: readonly string[];
}

/** What the stack `access` is made from, or why it is not. */
export interface AccessReading {
  readonly environments: readonly AccessEnvironment[];
  readonly problems: readonly Problem[];
}

/** Made by a workflow for a pull request, and gone with it: they have roles in common. */
const isPreview = (name: string): boolean => /^pr-\d+$/.test(name);

/** Name of the settings, without `.env`, that an environment's `shared` has. */
export const sharedOf = (folder: string, name: string): string =>
  existsSync(join(folder, `${name}.shared.env`)) ? `${name}.shared` : "shared";

/** Whether these settings of `shared` ask for the stack `access`. */
export const wantsAccess = (settings: Settings): boolean =>
  valuesOf<Partial<AccessValues>>(settings).github_repository !== undefined;

/** What to say to whoever asks for the stack where it is not asked for in the settings. */
export const noAccess = (): LandfallError =>
  new LandfallError("There is no stack access: the shared settings name no GitHub repository to trust.", {
    mend: 'Add TF_VAR_github_repository="OWNER/NAME" to environments/shared.env; see docs/access.md.',
  });

/**
 * The environments that stand on these shared settings. Of each only its systems and names of buckets have to be usable. One that is not is a
 * problem of the whole stack: without it, applying would take its roles away.
 * @param base name of the shared settings, without `.env`
 */
export function readAccess(base: string, shared: Settings, folder: string): AccessReading {
  const names = environmentNames(folder).filter(
    (name) => sharedOf(folder, name) === base && !isPreview(name),
  );
  const problems: Problem[] = [];
  const { github_previews: previews } = valuesOf<AccessValues>(shared);
  const problem = (what: string, mend: string) =>
    problems.push({ file: shared.file, name: "TF_VAR_github_repository", what, mend });
  const environments = names.flatMap((name): AccessEnvironment[] => {
    // What the shell says is about one environment, and this about all
    const reading = readEnvironment(name, { folder, processEnvironment: {}, requireSecrets: false });
    const usable = usableOf(reading.readable);
    if (!usable || !environmentName.schema.safeParse(name).success)
      problem(
        `asks for roles for ${name}, and ${reading.file} cannot be used`,
        `Mend that file first: ./landfall check ${name}. Its roles would go otherwise.`,
      );
    else if (previews && /^pr(-|$)/.test(name))
      problem(
        `asks for roles for previews, and ${name} has a name as they have`,
        `Give ${name} a name that does not begin with pr-, or remove TF_VAR_github_previews.`,
      );
    else return [{ name, ...usable }];
    return [];
  });
  return { environments, problems };
}

/** What is needed of an environment's settings; undefined where that is wrong or missing. */
function usableOf(settings: Settings | undefined): Omit<AccessEnvironment, "name"> | undefined {
  if (!settings) return undefined;
  try {
    const { systems, viewer_atlas_bucket: bucket } = valuesOf<EnvironmentValues & ViewerAtlasValues>(
      settings,
    );
    return { systems, buckets: bucket === undefined ? [] : [bucket] };
  } catch (error) {
    if (error instanceof UnusableInput) return undefined;
    throw error;
  }
}
