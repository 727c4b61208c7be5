import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { synthesize, type Synthesis } from "../../environments/app";
import { temporaryFolder } from "./folders";

export { temporaryFolder };

type Block = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- parsed JSON

/** A key made for tests; nobody has its private half. */
export const publicKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9mCmQnQFilB9vyJjOI8ho27PYykzjnRjPHwgx/dgyO someone@example.com";

/** The least that `shared.env` and an environment's file hold. */
export const sharedEnv: Readonly<Record<string, string>> = {
  TF_VAR_name_prefix: "agt",
  TF_VAR_allowed_account_ids: "436957243186",
  TF_VAR_addresses: "stage-dashboard,prod-dashboard,stage-edge-1,stage-edge-2",
};
export const environmentEnv = (name: string): Record<string, string> => ({
  TF_VAR_deptype: name,
  TF_VAR_systems: "chronos",
  TF_VAR_public_key: publicKey,
  vite_api_base_url: "https://stage.chronos.example.com",
  repository_url: "https://github.com/example/chronos2.git",
});

export interface Synthesized extends Synthesis {
  /** The parsed `cdk.tf.json` of a stack. */
  json(stack: string): Block;
}

/** Settings files by their name, as assignments or as text. */
type Files = Readonly<Record<string, Readonly<Record<string, string>> | string>>;

/** Writes the files to a folder of their own, synthesizes them and reads the JSON back. */
export function synthesizeFiles(
  files: Files,
  options: { only?: string[]; processEnvironment?: NodeJS.ProcessEnv; folder?: string } = {},
): Synthesized {
  const folder = join(options.folder ?? temporaryFolder(), "environments");
  mkdirSync(folder, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    writeFileSync(join(folder, file), typeof content === "string" ? content : envText(content), {
      mode: 0o600,
    });
  }
  const outdir = join(folder, "..", "cdktf.out");
  const synthesis = synthesize({
    folder,
    outdir,
    only: options.only,
    processEnvironment: options.processEnvironment ?? {},
  });
  return {
    ...synthesis,
    json: (stack) => JSON.parse(readFileSync(join(outdir, "stacks", stack, "cdk.tf.json"), "utf8")) as Block,
  };
}

const known = new Map<string, Synthesized>();

/** These stacks of the files; once for each test file, as `json` gives a new copy each time. */
export function synthesizeOnce(files: Files, only: string[]): Synthesized {
  const key = JSON.stringify([files, only]);
  const synthesized = known.get(key) ?? synthesizeFiles(files, { only });
  known.set(key, synthesized);
  return synthesized;
}

/** `shared` alone, with these inputs besides the least. */
export const synthesizeShared = (inputs: Record<string, string> = {}): Block =>
  usable(synthesizeOnce({ "shared.env": { ...sharedEnv, ...inputs } }, ["shared"])).json("shared");

/** `stage` alone, with these inputs besides the least. */
export const synthesizeStage = (
  inputs: Record<string, string> = {},
  shared: Record<string, string> = {},
): Block =>
  usable(
    synthesizeOnce(
      { "shared.env": { ...sharedEnv, ...shared }, "stage.env": { ...environmentEnv("stage"), ...inputs } },
      ["stage"],
    ),
  ).json("stage");

function usable(synthesized: Synthesized): Synthesized {
  if (synthesized.broken.length > 0)
    throw new Error(
      JSON.stringify(
        synthesized.broken.flatMap(({ problems }) => problems),
        null,
        2,
      ),
    );
  return synthesized;
}

export const envText = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}="${value.replace(/["\\$`]/g, "\\$&")}"\n`)
    .join("");

/** Resources of a type by logical name; empty where there are none. */
export const resources = (json: Block, type: string): Record<string, Block> => json.resource?.[type] ?? {};

/** The one resource of that type and name. Throws where it is not there, and says which are. */
export function resource(json: Block, type: string, name: string): Block {
  const found = resources(json, type)[name];
  if (!found)
    throw new Error(
      `no ${type}.${name}; there are ${Object.keys(resources(json, type)).join(", ") || "none"}`,
    );
  return found;
}
