import { systemInputs } from "../../environments/catalogue";
import type { PlanDocument, ResourceChange } from "../plan-document";

type Named = Pick<ResourceChange, "address" | "change">;

/**
 * Finds the system of a resource: its tag, else the system with whose name its own begins, else `landfall`.
 * Names begin with that of the system's construct.
 */
export function systemFinder({ resource_changes: changes = [] }: PlanDocument): (resource: Named) => string {
  const tagged = changes.map(tagOf).filter((tag) => tag !== undefined);
  const systems = [...new Set([...Object.keys(systemInputs), ...tagged])].sort((a, b) => b.length - a.length);
  return (resource) => {
    const name = nameOf(resource.address);
    return (
      tagOf(resource) ??
      systems.find((system) => name === system || name.startsWith(`${system}_`)) ??
      "landfall"
    );
  };
}

function tagOf({ change }: Named): string | undefined {
  for (const values of [change.after, change.before]) {
    const { tags_all: all, tags } = (values ?? {}) as {
      readonly tags_all?: unknown;
      readonly tags?: unknown;
    };
    for (const named of [all, tags]) {
      const tag = (named as { readonly System?: unknown } | null | undefined)?.System;
      if (typeof tag === "string" && tag !== "") return tag;
    }
  }
  return undefined;
}

/** `module.a.data.aws_kms_key.key["x"]` is `key`. */
const nameOf = (address: string): string =>
  /^(?:module\.[^.[]+(?:\[[^\]]*\])?\.)*(?:data\.)?\w+\.([\w-]+)/.exec(address)?.[1] ?? "";
