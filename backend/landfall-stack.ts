import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import type { TerraformElement } from "cdktf";
import { S3Backend, TerraformStack } from "cdktf";
import { Node, type Construct } from "constructs";
import { partitionOf } from "../modules/partition";
import { standardTags } from "../modules/system-tag";
import type { StateLocation } from "./location";

/** Terraform 1.11 brought write-only arguments to a release; OpenTofu counts alike. */
const requiredVersion = ">= 1.11.0";

export interface LandfallStackProps {
  readonly state: StateLocation;
  readonly region: string;
  /** Provider and backend refuse every other account. */
  readonly accountIds: readonly string[];
  /** Value of the tag Environment. */
  readonly environment: string;
}

/** What all our stacks have in common: the guarded provider, where state lives, readable resource addresses. */
export abstract class LandfallStack extends TerraformStack {
  readonly region: string;
  readonly partition: string;
  readonly accountIds: readonly string[];
  private readonly owners = new Map<string, string>();

  constructor(scope: Construct, name: string, props: LandfallStackProps) {
    super(scope, name);
    this.region = props.region;
    this.partition = partitionOf(props.region);
    this.accountIds = props.accountIds;

    new AwsProvider(this, "aws", {
      region: props.region,
      allowedAccountIds: [...props.accountIds],
      defaultTags: [{ tags: standardTags(props.environment, "landfall") }],
    });
    new S3Backend(this, {
      bucket: props.state.bucket,
      key: props.state.key,
      region: props.state.region,
      encrypt: true,
      dynamodbTable: props.state.lockTable,
      allowedAccountIds: [...props.accountIds],
    });
    if (props.state.lockFile) this.addOverride("terraform.backend.s3.use_lockfile", true); // not in cdktf's types
    this.addOverride("terraform.required_version", requiredVersion);
    // cdktf writes "aws"; with a namespace, Terraform and OpenTofu each look in their own registry
    this.addOverride("terraform.required_providers.aws.source", "hashicorp/aws");
  }

  /** cdktf resolves every element here once more to find references between stacks; ours have none by design. */
  override prepareStack(): void {
    this.ensureBackendExists();
  }

  /** Addresses as a person would write them: the construct path, without cdktf's hash. */
  protected override allocateLogicalId(element: TerraformElement | Node): string {
    const node = element instanceof Node ? element : element.node;
    const path = node.path.split("/").slice(1); // without the stack
    const id = path
      .filter((part) => part !== "this")
      .join("_")
      .replace(/[^A-Za-z0-9_-]/g, "-");
    const owner = this.owners.get(id) ?? node.path;
    if (owner !== node.path)
      throw new Error(`"${owner}" and "${node.path}" would have the same address ${id}`);
    this.owners.set(id, owner);
    return id;
  }
}
