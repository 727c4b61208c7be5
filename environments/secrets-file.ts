import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isSecret } from "./input";
import type { Settings } from "./settings";

/** A name that cdktf, Terraform and OpenTofu all read by themselves. */
const fileName = "landfall.auto.tfvars.json";

/**
 * Writes the secrets that files give, for Terraform, beside a stack's JSON: mode 0600. What the process environment gives,
 * Terraform finds there, and must not be in the file, which would win over it.
 */
export function writeSecretsFile(directory: string, { settings }: Settings): void {
  const secrets = [...settings].filter(
    ([, { input, source }]) => input.use === "terraform" && isSecret(input) && source.from === "file",
  );
  const file = join(directory, fileName);
  rmSync(file, { force: true }); // an old one would keep its mode
  if (secrets.length === 0) return;
  const values = Object.fromEntries(secrets.map(([name, { value }]) => [name, value]));
  writeFileSync(file, JSON.stringify(values), { mode: 0o600 });
}
