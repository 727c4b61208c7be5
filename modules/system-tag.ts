import { Instance } from "@cdktf/provider-aws/lib/instance";
import { TerraformResource, type IAspect } from "cdktf";
import type { IConstruct } from "constructs";

interface Taggable extends IConstruct {
  tags: Record<string, string>;
  readonly tagsInput?: Record<string, string>;
}

/** Tags that every resource carries. */
export const standardTags = (environment: string, system: string): Record<string, string> => ({
  Project: "landfall",
  Environment: environment,
  System: system,
  ManagedBy: "terraform",
});

/** Tags every resource below a construct with the system it belongs to. */
export class SystemTag implements IAspect {
  constructor(private readonly system: string) {}

  visit(node: IConstruct): void {
    if (isTaggable(node)) node.tags = { ...node.tagsInput, System: this.system };
    const volume = node instanceof Instance ? node.rootBlockDeviceInput : undefined; // tagged by its instance
    if (volume)
      (node as Instance).putRootBlockDevice({ ...volume, tags: { ...volume.tags, System: this.system } });
  }
}

/** Data sources have tags too, to search by. */
const isTaggable = (node: IConstruct): node is Taggable =>
  "tagsInput" in node && TerraformResource.isTerraformResource(node);
