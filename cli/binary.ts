import { execa } from "execa";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { projectRoot } from "../environments/root";
import { LandfallError, UsageError } from "../environments/errors";

/** Terraform or OpenTofu, as it is installed here. */
export interface Binary {
  /** Name on PATH, or a path. */
  readonly name: string;
  readonly product: "Terraform" | "OpenTofu";
  /** Such as `1.11.4`. */
  readonly version: string;
}

/** Both counts: write-only arguments and ephemeral variables came with 1.11. */
const MINIMUM = { major: 1, minor: 11 };
const candidates = ["terraform", "tofu"];

/**
 * The binary that `TERRAFORM_BINARY_NAME` names, as for cdktf; else the first of `terraform` and `tofu` on PATH.
 * @throws {LandfallError} where there is none, or it is too old
 */
export async function findBinary(environment: NodeJS.ProcessEnv): Promise<Binary> {
  const named = environment.TERRAFORM_BINARY_NAME;
  // A path is relative to where the user is; the binary runs in a stack's folder
  const wanted = named?.includes("/") ? resolve(named) : named;
  for (const name of wanted ? [wanted] : candidates) {
    const binary = await identify(name, environment);
    if (binary) return checked(binary);
  }
  if (named) {
    throw new LandfallError(
      `TERRAFORM_BINARY_NAME is "${named}", and that does not run as Terraform or OpenTofu.`,
      {
        mend: "Set it to terraform, tofu or a path to one, or unset it.",
      },
    );
  }
  throw new LandfallError("Neither terraform nor tofu is on PATH.", {
    mend: "Install one, version 1.11 or later: https://developer.hashicorp.com/terraform/install or https://opentofu.org/docs/intro/install",
  });
}

/** The text of `version` is taken, as `version -json` is the same for both products. */
async function identify(name: string, environment: NodeJS.ProcessEnv): Promise<Binary | undefined> {
  const { failed, stdout } = await execa(name, ["version"], {
    env: { ...environment, CHECKPOINT_DISABLE: "1" },
    extendEnv: false,
    reject: false,
  });
  const match = failed ? null : /^(Terraform|OpenTofu) v(\d\S*)/m.exec(stdout);
  return match ? { name, product: match[1] as Binary["product"], version: match[2] as string } : undefined;
}

function checked(binary: Binary): Binary {
  const [major = 0, minor = 0] = binary.version.split(".").map(Number);
  if (major > MINIMUM.major || (major === MINIMUM.major && minor >= MINIMUM.minor)) return binary;
  throw new LandfallError(`${binary.name} is ${binary.product} ${binary.version}, which is too old.`, {
    mend: `Install version ${MINIMUM.major}.${MINIMUM.minor} or later, or name another in TERRAFORM_BINARY_NAME.`,
  });
}

/**
 * The binary's environment: what is not ours is handed on. OpenTofu gets a data directory of its own, so that both
 * work over one output; the provider (700 MB) is shared by all stacks.
 */
export function binaryEnvironment(binary: Binary, base: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  refuseWhatPassesBy(base);
  return {
    ...(binary.product === "OpenTofu" && { TF_DATA_DIR: ".terraform-tofu" }),
    ...(!base.TF_PLUGIN_CACHE_DIR && pluginCache()),
    ...base,
    CHECKPOINT_DISABLE: "1",
    TF_IN_AUTOMATION: "1",
    TF_INPUT: "0",
  };
}

/** @throws {UsageError} where the shell would have the binary do something else than what is asked and told here */
function refuseWhatPassesBy(environment: NodeJS.ProcessEnv): void {
  const { TF_WORKSPACE: workspace } = environment;
  if (workspace && workspace !== "default") {
    throw new UsageError(
      `TF_WORKSPACE=${workspace} would plan everything a second time, in a state of its own.`,
      {
        mend: "Unset it. Another environment is another file: ./landfall init NAME",
      },
    );
  }
  for (const [name, value] of Object.entries(environment)) {
    if (!/^TF_CLI_ARGS(_|$)/.test(name) || !value?.split(/\s+/).some(isOwnArgument)) continue;
    throw new UsageError(
      `${name} has -destroy, -out or -lock, which would pass by the questions that are asked here.`,
      {
        mend: "Take these out of it.",
      },
    );
  }
}

/** Whether an argument of the binary's is decided here and nowhere else. */
export const isOwnArgument = (arg: string): boolean => /^["']?--?(destroy|out|lock)(=|["']?$)/.test(arg);

function pluginCache(): NodeJS.ProcessEnv {
  const folder = join(projectRoot, ".landfall", "plugin-cache");
  mkdirSync(folder, { recursive: true }); // the binaries want it to be there
  return { TF_PLUGIN_CACHE_DIR: folder, TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE: "true" };
}
