import type { Command } from "commander";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { noAccess } from "../../environments/access";
import { loadSettings } from "../../environments/load";
import type { Problem } from "../../environments/problem";
import { environmentNames } from "../../environments/read";
import { formatReport } from "../../environments/report";
import { projectRoot } from "../../environments/root";
import { UsageError } from "../../environments/errors";
import { colors, progress, result, resultJson } from "../output";

/** What `check` found. */
export interface CheckResult {
  /** Names of the environments, `shared` and `access`, that are usable. */
  readonly usable: readonly string[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export interface CheckOptions {
  /** Folder with the environment files. @default `environments` of the project */
  readonly folder?: string;
  /** An environment, `shared` or `access`. @default all */
  readonly name?: string;
  readonly processEnvironment: NodeJS.ProcessEnv;
}

/**
 * Reads and checks settings, required secrets included. Writes nothing and calls no cloud. The sandbox's secrets are
 * not asked for before `sandbox up` has made them.
 * @throws {UsageError} where there is no such environment; {@link LandfallError} for `access` where no settings ask for it
 */
export function checkSettings(options: CheckOptions): CheckResult {
  const folder = options.folder ?? join(projectRoot, "environments");
  const all = ["shared", ...environmentNames(folder)];
  if (options.name !== undefined && options.name !== "access" && !all.includes(options.name)) {
    throw new UsageError(`There is no environment "${options.name}".`, {
      mend: `There are: ${all.join(", ")}.`,
    });
  }
  const asked = options.name === undefined ? [...all, "access"] : [options.name];
  const withoutSecrets = existsSync(join(folder, "sandbox.secrets.env")) ? [] : ["sandbox"];
  const load = (names: readonly string[], requireSecrets: boolean) =>
    loadSettings({ folder, only: names, processEnvironment: options.processEnvironment, requireSecrets });
  const parts = [
    load(
      asked.filter((name) => !withoutSecrets.includes(name)),
      true,
    ),
    load(
      asked.filter((name) => withoutSecrets.includes(name)),
      false,
    ),
  ];
  const problems = parts.flatMap(({ broken }) => broken.flatMap((reading) => reading.problems));
  if (options.name === "access" && problems.length === 0 && !parts.some(({ access }) => access))
    throw noAccess();
  return {
    usable: parts.flatMap(({ shared, access, environments }) => [
      ...(shared ? [shared.name] : []),
      ...(access ? ["access"] : []),
      ...environments.map(({ settings }) => settings.name),
    ]),
    problems,
    warnings: parts.flatMap(({ warnings }) => warnings),
  };
}

/** Adds `check`. It exits with 1 when there are problems. */
export function register(program: Command): void {
  program
    .command("check")
    .description("check the settings of one environment or of all; writes nothing, calls no cloud")
    .argument("[env]", "environment, shared or access")
    .option("--json", "as JSON")
    .action((name: string | undefined, { json }: { json?: true }) => {
      const found = checkSettings({ name, processEnvironment: process.env });
      if (json) {
        resultJson(found);
      } else {
        if (found.warnings.length > 0) progress(formatReport(found.warnings, colors(process.stderr)));
        result(
          found.problems.length > 0
            ? formatReport(found.problems, colors(process.stdout))
            : `no problems in ${found.usable.join(", ")}`,
        );
      }
      if (found.problems.length > 0) process.exitCode = 1;
    });
}
