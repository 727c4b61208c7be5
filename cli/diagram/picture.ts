import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { synthesize } from "../../environments/app";
import { LandfallError } from "../../environments/errors";
import { formatReport } from "../../environments/report";
import { buildGraph } from "./build";
import { stackJson } from "./inventory";
import { svgOf } from "./svg";

/** Where the README's picture is, from the project's folder. */
export const pictureFile = "docs/architecture.svg";

/** The environment that it shows, which the project has in git and which has every system. */
const shown = "sandbox";

/**
 * The README's picture. It hangs on nothing but the project's files.
 * @throws {LandfallError} where the environment cannot be synthesized
 */
export async function readmePicture(): Promise<string> {
  const outdir = mkdtempSync(join(tmpdir(), "landfall-picture-"));
  try {
    const { stacks, broken } = synthesize({
      outdir,
      only: [shown, "shared"],
      processEnvironment: { LANDFALL_SHARED: shown },
    });
    if (broken.length > 0) throw new LandfallError(formatReport(broken.flatMap(({ problems }) => problems)));
    const both = [shown, "shared"].flatMap((name) => stacks.get(name) ?? []);
    return await svgOf(buildGraph(both.map(stackJson)));
  } finally {
    rmSync(outdir, { recursive: true });
  }
}
