import { EcrLifecyclePolicy } from "@cdktf/provider-aws/lib/ecr-lifecycle-policy";
import { EcrRepository } from "@cdktf/provider-aws/lib/ecr-repository";
import { Construct } from "constructs";
import { resourceName } from "./naming";

export interface ImageRepositoryProps {
  readonly name: string;
  /**
   * Newest images that are kept; older ones go, also those that an environment still runs: so many that nobody does.
   * @default 100
   */
  readonly keep?: number;
}

/** Days after which an image without a tag is gone: the rest of an upload that broke off. */
const UNTAGGED_DAYS = 7;

/** An image repository: scanned on push, encrypted, and a tag once given stays with its image. */
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
            rulePriority: 2,
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
