import { DataResource, Fn, TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { gzipSync } from "node:zlib";

/** EC2 takes this much user data, in bytes, before base64. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html */
const USER_DATA_BYTES = 16_384;

/**
 * User data for hosts, packed. What packs it may change with a release of Terraform, so a change is known by the
 * content's digest and never by the packed bytes.
 */
export class BootData extends Construct {
  /** For `user_data_base64`; a resource with it ignores its changes. */
  readonly base64: string;
  /** For `replace_triggered_by`. */
  readonly trigger: string;

  /**
   * @param text cloud-config or script; Terraform references in it are resolved
   * @throws where it is too long for EC2 even when packed
   */
  constructor(scope: Construct, id: string, text: string) {
    super(scope, id);
    const bytes = gzipSync(text).length;
    if (bytes > USER_DATA_BYTES)
      throw new Error(
        `user data of ${this.node.path} has ${bytes} bytes packed; EC2 takes ${USER_DATA_BYTES}`,
      );
    const local = new TerraformLocal(this, "this", text);
    const digest = new DataResource(this, "digest", { input: { sha256: Fn.sha256(local.asString) } });
    this.base64 = Fn.base64gzip(local.asString);
    this.trigger = `${digest.terraformResourceType}.${digest.friendlyUniqueId}`;
  }
}
