import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../environments/root";
import { literal } from "../modules/naming";

export interface CloudConfigOptions {
  /** Terraform expression of a list of SSH public keys. @default none but the EC2 key pair's */
  readonly keys?: string;
  /**
   * Lines of the file that has a line `#settings`, by name; such values are no secrets, as everybody on a host can
   * read user data. They may be Terraform references. @default none
   */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * A workload's cloud-config, ready for an instance: each line `#include <file>` gives way to that file of the
 * workload's folder at the line's indentation, `#settings` to the settings, and the empty key list to the keys.
 */
export function cloudConfig(workload: string, { keys, settings }: CloudConfigOptions = {}): string {
  const read = (file: string) => readFileSync(join(projectRoot, "workloads", workload, file), "utf8");
  const text = read("cloud-config.yaml").replace(
    /^( *)#include (\S+)\n/gm,
    (_, indent: string, file: string) => read(file).replace(/^(?=.)/gm, indent),
  );
  const marker = "ssh_authorized_keys: []\n";
  if (!text.includes(marker))
    throw new Error(`no line "${marker.trim()}" in the cloud-config of ${workload}`);
  // cloud-init takes no empty list
  const authorized = keys
    ? `%{ if length(${keys}) > 0 }ssh_authorized_keys: \${jsonencode(${keys})}%{ endif }\n`
    : "";
  const lines = Object.entries(settings ?? {}).map(([name, value]) => `${name}=${value}`);
  return literal(text)
    .replace(marker, () => authorized)
    .replace(/^( *)#settings\n/m, (line, indent: string) =>
      settings ? lines.map((line) => `${indent}${line}\n`).join("") : line,
    );
}
