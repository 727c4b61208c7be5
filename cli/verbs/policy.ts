import { InvalidArgumentError, type Command } from "commander";
import {
  deployerPolicies,
  type DeployerPolicies,
  type DeployerPoliciesProps,
} from "../../backend/deployer/policies";
import {
  stateBucket,
  stateLocation,
  valuesOf,
  type EnvironmentValues,
  type SharedValues,
  type ViewerAtlasValues,
} from "../../environments/derived";
import { LandfallError, UsageError } from "../../environments/errors";
import { loadSettings } from "../../environments/load";
import { formatReport } from "../../environments/report";
import { projectRoot } from "../../environments/root";
import { resourceName } from "../../modules/naming";
import { partitionOf } from "../../modules/partition";
import { join } from "node:path";
import { requireEnvironment } from "../environment-name";
import { colors, progress, result, resultJson } from "../output";

const roles = ["plan", "apply", "operate"] as const;
type Role = (typeof roles)[number];

export interface PolicyOptions {
  /** Folder with the environment files. @default `environments` of the project */
  readonly folder?: string;
  readonly processEnvironment: NodeJS.ProcessEnv;
}

/**
 * The deployers' policies of a stack, by its settings. It calls no cloud.
 * @param name an environment, a pattern of such names that ends in `*`, `shared` or `state`
 * @throws {UsageError} where there is no such environment
 * @throws {LandfallError} where the settings have problems, or the policies do not fit into IAM
 */
export function policiesOf(name: string, options: PolicyOptions): DeployerPolicies {
  const props = propsOf(name, options);
  try {
    return deployerPolicies(props);
  } catch (error) {
    throw new LandfallError(error instanceof Error ? error.message : String(error));
  }
}

function propsOf(
  name: string,
  { folder = join(projectRoot, "environments"), processEnvironment }: PolicyOptions,
): DeployerPoliciesProps {
  const pattern = name.endsWith("*");
  if (!pattern) requireEnvironment(name, folder, ["shared", "state"]);
  else if (!/^[a-z][a-z0-9-]*-\*$/.test(name))
    throw new UsageError(`"${name}" is no pattern of environments. Write one as pr-*`);
  const loaded = loadSettings({ folder, only: pattern ? ["shared"] : [name], processEnvironment });
  const problems = loaded.broken.flatMap((reading) => reading.problems);
  const environment = loaded.environments.find(({ settings }) => settings.name === name);
  const settings = environment?.shared ?? loaded.shared;
  if (problems.length > 0 || !settings)
    throw new LandfallError(
      `The settings of ${name} have problems.\n${formatReport(problems, colors(process.stderr))}`,
    );
  const shared = valuesOf<SharedValues>(settings);
  const own = environment && valuesOf<EnvironmentValues & ViewerAtlasValues>(environment.settings);
  const region = own?.region ?? shared.region;
  const bucket = own?.systems.includes("viewer-atlas") ? own.viewer_atlas_bucket : undefined;
  return {
    partition: partitionOf(region),
    region,
    accountIds: own?.allowed_account_ids ?? shared.allowed_account_ids,
    namePrefix: shared.name_prefix,
    stack: name,
    stateBucket: stateBucket(shared),
    stateRegion: shared.region,
    stateLockTable: stateLocation(shared, name).lockTable,
    boundary: resourceName("iam policy", shared.name_prefix, "workload-boundary"),
    systems: own?.systems,
    buckets: bucket === undefined ? [] : [bucket],
  };
}

function roleOf(text: string): Role {
  const role = roles.find((one) => one === text);
  if (!role) throw new InvalidArgumentError(`Write ${roles.join(", or ")}.`);
  return role;
}

/** Adds `policy`. It calls no cloud. */
export function register(program: Command): void {
  program
    .command("policy")
    .description("print the IAM policies of who plans, applies or operates a stack")
    .argument("<env>", "environment, a pattern of such names (pr-*), shared or state")
    .option("--role <role>", "plan, apply or operate", roleOf, "apply" as Role)
    .option("--json", "all documents in one JSON array, and nothing else")
    .action((name: string, { role, json }: { role: Role; json?: true }) => {
      const documents = policiesOf(name, { processEnvironment: process.env })[role];
      if (documents.length === 0)
        throw new UsageError(`There is nothing to operate in ${name}: only environments have that role.`);
      if (json) return resultJson(documents);
      documents.forEach((document, index) => {
        progress(
          `${name}, ${role} role, ${index + 1} of ${documents.length}: ${JSON.stringify(document).length} characters`,
        );
        result(JSON.stringify(document));
      });
      progress(
        `Each line is a document for: aws iam create-policy --policy-name NAME --policy-document DOCUMENT. Attach all to the role.`,
      );
    });
}
