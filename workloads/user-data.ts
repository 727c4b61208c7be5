import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../environments/root";
import { literal } from "../modules/naming";

/**
 * A workload's cloud-config, ready for an instance: each line `#include <file>` gives way to that file of the
 * workload's folder at the line's indentation, and the empty key list to the keys.
 *
 * @param keys Terraform expression of a list of SSH public keys
 */
export function cloudConfig(workload: string, keys: string): string {
  const read = (file: string) => readFileSync(join(projectRoot, "workloads", workload, file), "utf8");
  const text = read("cloud-config.yaml").replace(
    /^( *)#include (\S+)\n/gm,
    (_, indent: string, file: string) => read(file).replace(/^(?=.)/gm, indent),
  );
  const marker = "ssh_authorized_keys: []";
  if (!text.includes(marker)) throw new Error(`no line "${marker}" in the cloud-config of ${workload}`);
  return literal(text).replace(marker, () => `ssh_authorized_keys: \${jsonencode(${keys})}`);
}
