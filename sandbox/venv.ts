import { execa } from "execa";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../environments/root";
import { underLock } from "../cli/lock";

export interface VenvOptions {
  /** Name of its folder. */
  readonly name: string;
  /** File of pinned packages with hashes. */
  readonly requirements: string;
  /** Takes a line for each step that takes time. @default none */
  readonly log?: (line: string) => void;
}

/**
 * Makes a Python virtual environment, unless it is there and made from the same requirements.
 *
 * It lies in `LANDFALL_VENVS`, where clones may share it, else in `.landfall/venvs`. The Python is `LANDFALL_PYTHON`,
 * else `python3`.
 *
 * @returns path of its Python
 * @throws where Python does not run or is too old, or a package cannot be installed
 */
export async function ensureVenv({ name, requirements, log = () => {} }: VenvOptions): Promise<string> {
  const parent = process.env.LANDFALL_VENVS ?? join(projectRoot, ".landfall", "venvs");
  const folder = join(parent, name);
  const python = join(folder, "bin", "python");
  const stamp = join(folder, ".landfall-stamp");
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  const isReady = () => existsSync(python) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;
  if (isReady()) return python;

  mkdirSync(parent, { recursive: true });
  return underLock(`${folder}.lock`, log, async () => {
    if (isReady()) return python;
    log(`installing ${name} into ${folder}`);
    const base = process.env.LANDFALL_PYTHON ?? "python3";
    await run(
      [base, "-c", "import sys; sys.exit(sys.version_info < (3, 10))"],
      `Python 3.10 or later is needed, and \`${base}\` is not that. Install it, or set LANDFALL_PYTHON to it.`,
    );
    await run(
      [base, "-m", "venv", "--clear", folder],
      `${base} cannot make the virtual environment ${folder}. On Debian and Ubuntu: sudo apt install python3-venv.`,
    );
    const pip = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--no-input",
      "--require-hashes",
    ];
    await run(
      [python, ...pip, "--requirement", requirements],
      `The packages of ${requirements} cannot be installed. Check the network, or pip's own settings, and try again.`,
    );
    writeFileSync(stamp, wanted); // last, so that an interrupted installation is done again
    return python;
  });
}

async function run([command = "", ...args]: readonly string[], whenItFails: string): Promise<void> {
  const { failed, all } = await execa(command, args, { reject: false, all: true, stdin: "ignore" });
  if (failed) throw new Error([whenItFails, all].filter(Boolean).join("\n"));
}
