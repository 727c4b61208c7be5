import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import {
  App,
  DefaultTokenResolver,
  StringConcat,
  TerraformStack,
  Tokenization,
  type TerraformElement,
} from "cdktf";
import type { Node } from "constructs";
import type { resource } from "./stacks";
import { temporaryFolder } from "./folders";

export type Json = Parameters<typeof resource>[0];

/** A stack to try modules in, with the addresses that all our stacks have and its state in a file beside it. */
export class ModuleStack extends TerraformStack {
  constructor(outdir: string = temporaryFolder()) {
    super(new App({ outdir }), "test");
    new AwsProvider(this, "aws", {});
    this.addOverride("terraform.required_providers.aws.source", "hashicorp/aws");
  }

  /** What its constructs find wrong. */
  problems(): string[] {
    return this.node.findAll().flatMap((construct) => construct.node.validate());
  }

  /** A value as it is in the JSON. */
  resolve(value: unknown): unknown {
    const resolver = new DefaultTokenResolver(new StringConcat());
    return Tokenization.resolve(value, { scope: this, resolver, preparing: false });
  }

  get json(): Json {
    return this.toTerraform() as Json;
  }

  protected override allocateLogicalId(element: TerraformElement | Node): string {
    const { path } = "node" in element ? element.node : element;
    return path
      .split("/")
      .slice(1)
      .filter((id) => id !== "this")
      .join("_");
  }
}
