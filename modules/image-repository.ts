import { EcrLifecyclePolicy } from "@cdktf/provider-aws/lib/ecr-lifecycle-policy";
import { EcrRepository } from "@cdktf/provider-aws/lib/ecr-repository";
import { Construct } from "constructs";
import { resourceName } from "./naming";
import { pinnedPrefix } from "./pinned-images";

export interface ImageRepositoryProps {
  readonly name: string;
  /**
   * Newest images that are kept; of the older ones, those go that no environment has pinned.
   * @default 100
   */
  readonly keep?: number;
  /**
   * Newest images that are kept of those that an environment has pinned, now or before. ECR counts by the time of the push,
   * not of the pin, so this is to be more than are pinned in the life of the slowest environment.
   * @default 1000
   */
  readonly keepPinned?: number;
}

/** Days after which an image without a tag is gone: the rest of an upload that broke off. */
const UNTAGGED_DAYS = 7;

/**
 * An image repository: scanned on push, encrypted, and a tag once given stays with its image. What an environment has
 * pinned has a tag for that, and stays as long as there is room for it by `keepPinned`: an image whose tags match a rule
 * cannot be expired by a rule after it. The rule for any tag has to be the last.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
 */
export class ImageRepository extends Construct {
  readonly resource: EcrRepository;

  constructor(scope: Construct, id: string, props: ImageRepositoryProps) {
    super(scope, id);
    this.resource = new EcrRepository(this, "this", {
      name: resourceName("image repository", props.name),
      imageTagMutability: "IMMUTABLE",
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: [{ encryptionType: "KMS" }], // by the account's own ECR key
    });
    new EcrLifecyclePolicy(this, "expiry", {
      repository: this.resource.name,
      policy: JSON.stringify({
        rules: [
          {
            rulePriority: 1,
            description: "Images that environments have pinned",
            selection: {
              tagStatus: "tagged",
              tagPrefixList: [pinnedPrefix],
              countType: "imageCountMoreThan",
              countNumber: props.keepPinned ?? 1000,
            },
            action: { type: "expire" },
          },
          {
            rulePriority: 2,
            description: "Rests of uploads",
            selection: {
              tagStatus: "untagged",
              countType: "sinceImagePushed",
              countUnit: "days",
              countNumber: UNTAGGED_DAYS,
            },
            action: { type: "expire" },
          },
          {
            rulePriority: 3,
            description: "Old images",
            selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: props.keep ?? 100 },
            action: { type: "expire" },
          },
        ],
      }),
    });
  }

  get url(): string {
    return this.resource.repositoryUrl;
  }
}
