import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { synthesize } from "../../environments/app";
import { projectRoot } from "../../environments/root";

/** Attributes of a block. */
export type Attributes = Readonly<Record<string, unknown>>;

/** The parts of a `cdk.tf.json` that are looked at here. */
export interface TerraformJson {
  readonly locals?: Readonly<Record<string, unknown>>;
  readonly terraform?: { readonly required_version?: string };
  /** Blocks by type, then by name. */
  readonly resource?: Readonly<Record<string, Readonly<Record<string, Attributes>>>>;
}

/** The stacks that are looked at: the committed sandbox, and a prod that uses every option there is. */
const scanned = ["state", "shared", "access", "sandbox", "prod"];

/** Terraform JSON by stack, made from the committed sandbox and the environment files beside this one. */
export function synthesized(processEnvironment: NodeJS.ProcessEnv = {}): ReadonlyMap<string, TerraformJson> {
  const temporary = mkdtempSync(join(tmpdir(), "landfall-scan-"));
  try {
    const folder = join(temporary, "environments");
    cpSync(join(__dirname, "environments"), folder, { recursive: true });
    for (const file of ["sandbox.env", "sandbox.shared.env"]) {
      cpSync(join(projectRoot, "environments", file), join(folder, file));
    }
    const { stacks, broken } = synthesize({
      folder,
      outdir: join(temporary, "cdktf.out"),
      only: scanned,
      processEnvironment,
    });
    expect(broken).toEqual([]);
    return new Map(
      scanned.map((name) => {
        const file = join(stacks.get(name)?.directory ?? "", "cdk.tf.json");
        return [name, JSON.parse(readFileSync(file, "utf8")) as TerraformJson];
      }),
    );
  } finally {
    rmSync(temporary, { recursive: true });
  }
}
