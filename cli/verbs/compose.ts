import type { Command } from "commander";
import { writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { stringify } from "yaml";
import { valuesOf, type EnvironmentValues, type ViewerAtlasValues } from "../../environments/derived";
import { LandfallError, UsageError } from "../../environments/errors";
import { loadSettings } from "../../environments/load";
import { formatReport } from "../../environments/report";
import { projectRoot } from "../../environments/root";
import { viewerAtlasCompose } from "../../workloads/viewer-atlas/compose";
import { requireEnvironment } from "../environment-name";
import { progress, result } from "../output";

export interface ComposeOptions {
  /** Process environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Absolute folder of the file, which paths in it start from. */
  readonly from: string;
  /** Folder with the settings files. @default the project's */
  readonly folder?: string;
}

/** Inputs that Terraform never sees. */
interface Source {
  readonly viewer_atlas_source?: string;
  readonly viewer_atlas_git_ref: string;
  readonly viewer_atlas_dockerfiles: ReadonlyMap<string, string>;
}

/**
 * The compose file of an environment's containers, as YAML.
 * @throws {UsageError} where the environment does not carry ViewerAtlas
 */
export function composeFile(name: string, options: ComposeOptions): string {
  const { environment, from, folder = join(projectRoot, "environments") } = options;
  requireEnvironment(name, folder);
  const loaded = loadSettings({ folder, only: [name], processEnvironment: environment });
  const [found] = loaded.environments;
  const problems = loaded.broken.flatMap((one) => one.problems);
  if (problems.length > 0)
    throw new LandfallError(`The settings of ${name} have problems.\n${formatReport(problems)}`);
  if (!found) throw new Error(`the settings of ${name} were not loaded`);
  const values = valuesOf<EnvironmentValues & ViewerAtlasValues & Source>(found.settings);
  if (!values.systems.includes("viewer-atlas"))
    throw new UsageError(`${name} does not carry viewer-atlas, whose containers run locally.`, {
      mend: "Name an environment that does.",
    });
  const { viewer_atlas_source: source, viewer_atlas_dockerfiles: dockerfiles } = values;
  const document = viewerAtlasCompose(values, {
    source: source && contextOf(source, values.viewer_atlas_git_ref, from),
    dockerfiles,
  });
  return `# Made by ./landfall compose ${name}, from what the task definitions are made from. TWITCH_OAUTH_TOKEN and
# TWITCH_CLIENT_ID come from .env beside this file; git must not see that.
${stringify(document, { lineWidth: 0, version: "1.1" })}`;
}

/** A git URL with its ref, as builders take it; or a folder, as seen from the file. */
function contextOf(source: string, ref: string, from: string): string {
  if (source.includes("://") || /^[\w.-]+@[\w.-]+:/.test(source)) return `${source}#${ref}`;
  if (isAbsolute(source)) return source;
  const path = relative(from, resolve(projectRoot, source)) || ".";
  return path.startsWith(".") ? path : `./${path}`;
}

/** Adds `compose`. */
export function register(program: Command): void {
  program
    .command("compose")
    .description("print a compose file that runs an environment's containers on this machine")
    .argument("<env>", "environment whose settings they have")
    .option("-o, --output <file>", "write it there")
    .action((name: string, { output }: { output?: string }) => {
      const file = output === undefined ? undefined : resolve(output);
      const from = file === undefined ? process.cwd() : dirname(file);
      const text = composeFile(name, { environment: process.env, from });
      if (!text.includes("\n    build:"))
        progress(
          "viewer_atlas_source is not set: the file builds no images, and takes vieweratlas-<name>:local.",
        );
      if (file === undefined) return result(text);
      try {
        writeFileSync(file, text);
      } catch (error) {
        throw new LandfallError(`${output} cannot be written: ${(error as Error).message}`);
      }
      progress(`${output}: written`);
    });
}
