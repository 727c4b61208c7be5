import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { S3BucketLoggingA } from "@cdktf/provider-aws/lib/s3-bucket-logging";
import { S3BucketOwnershipControls } from "@cdktf/provider-aws/lib/s3-bucket-ownership-controls";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning";
import { Construct } from "constructs";
import { resourceName } from "./naming";

export interface BucketProps {
  /** Known when the JSON is made, so that the policy is plain JSON that scanners can read. */
  readonly name: string;
  /** Partition of the bucket's ARN. @default "aws" */
  readonly partition?: string;
  /** `aws:kms` takes the account's S3 key; access log delivery knows only `AES256`. @default "aws:kms" */
  readonly encryption?: "aws:kms" | "AES256";
  /** Days until a version that was replaced or deleted is gone. @default 90 */
  readonly noncurrentDays?: number;
  /** Days until an object is gone. @default never */
  readonly expirationDays?: number;
  /** Rules for parts of it, besides the one for all. @default none */
  readonly lifecycle?: readonly LifecycleRule[];
  /** Bucket that takes the access logs, under this bucket's name. @default none */
  readonly accessLogs?: Bucket;
  /** Buckets of this account whose access logs S3 may deliver here. @default none */
  readonly takesAccessLogsOf?: {
    readonly accountIds: readonly string[];
    readonly buckets: readonly string[];
  };
  /** Accounts whose load balancers may deliver their access logs here. @default none */
  readonly takesLoadBalancerLogsOf?: readonly string[];
  /** Whether destroying it destroys what is in it. @default false */
  readonly forceDestroy?: boolean;
  /** Whether Terraform refuses to destroy it. @default false */
  readonly preventDestroy?: boolean;
}

/** What becomes of objects under a prefix. */
export interface LifecycleRule {
  readonly id: string;
  readonly prefix: string;
  /** Days until they are gone. @default never */
  readonly expirationDays?: number;
  /** Days until they go to GLACIER_IR, which is cheap to keep and dear to read. @default never */
  readonly glacierDays?: number;
}

/** Days after which the parts of an unfinished upload are removed. */
const ABORT_UPLOAD_DAYS = 7;

/** A private, encrypted, versioned bucket that takes TLS only. */
export class Bucket extends Construct {
  readonly resource: S3Bucket;
  /** Known when the JSON is made. */
  readonly name: string;
  /** Whoever needs what it lets in waits for it. */
  readonly policy: S3BucketPolicy;

  constructor(scope: Construct, id: string, props: BucketProps) {
    super(scope, id);
    this.name = resourceName("bucket", props.name);
    const arn = `arn:${props.partition ?? "aws"}:s3:::${this.name}`;
    const encryption = props.encryption ?? "aws:kms";

    this.resource = new S3Bucket(this, "this", {
      bucket: this.name,
      forceDestroy: props.forceDestroy,
      lifecycle: props.preventDestroy ? { preventDestroy: true } : undefined,
    });
    const bucket = this.resource.id;
    new S3BucketOwnershipControls(this, "ownership", {
      bucket,
      rule: { objectOwnership: "BucketOwnerEnforced" },
    });
    const publicAccess = new S3BucketPublicAccessBlock(this, "public_access", {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const versioning = new S3BucketVersioningA(this, "versioning", {
      bucket,
      versioningConfiguration: { status: "Enabled" },
    });
    new S3BucketServerSideEncryptionConfigurationA(this, "encryption", {
      bucket,
      rule: [
        {
          applyServerSideEncryptionByDefault: { sseAlgorithm: encryption },
          bucketKeyEnabled: encryption === "aws:kms",
        },
      ],
    });
    this.policy = new S3BucketPolicy(this, "policy", {
      bucket,
      policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "TlsOnly",
            Effect: "Deny",
            Principal: { AWS: "*" },
            Action: "s3:*",
            Resource: [arn, `${arn}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
          ...(props.takesAccessLogsOf
            ? [
                {
                  Sid: "AccessLogs",
                  Effect: "Allow",
                  Principal: { Service: "logging.s3.amazonaws.com" },
                  Action: "s3:PutObject",
                  Resource: `${arn}/*`,
                  Condition: {
                    StringEquals: { "aws:SourceAccount": props.takesAccessLogsOf.accountIds },
                    ArnLike: {
                      "aws:SourceArn": props.takesAccessLogsOf.buckets.map(
                        (name) => `arn:${props.partition ?? "aws"}:s3:::${name}`,
                      ),
                    },
                  },
                },
              ]
            : []),
          ...(props.takesLoadBalancerLogsOf
            ? [
                {
                  Sid: "LoadBalancerLogs",
                  Effect: "Allow",
                  Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
                  Action: "s3:PutObject",
                  Resource: props.takesLoadBalancerLogsOf.map((account) => `${arn}/AWSLogs/${account}/*`), // names the account
                },
              ]
            : []),
        ],
      }),
      dependsOn: [publicAccess], // S3 answers 409 to both at once
    });
    new S3BucketLifecycleConfiguration(this, "lifecycle", {
      bucket,
      rule: [
        {
          id: "clean-up",
          status: "Enabled",
          filter: [{ prefix: "" }],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: ABORT_UPLOAD_DAYS }],
          noncurrentVersionExpiration: [{ noncurrentDays: props.noncurrentDays ?? 90 }],
          expiration: props.expirationDays ? [{ days: props.expirationDays }] : undefined,
        },
        ...(props.lifecycle ?? []).map(({ id, prefix, expirationDays, glacierDays }) => ({
          id,
          status: "Enabled",
          filter: [{ prefix }],
          expiration: expirationDays ? [{ days: expirationDays }] : undefined,
          transition: glacierDays ? [{ days: glacierDays, storageClass: "GLACIER_IR" }] : undefined,
        })),
      ],
      dependsOn: [versioning],
    });
    if (props.accessLogs) {
      new S3BucketLoggingA(this, "logging", {
        bucket,
        targetBucket: props.accessLogs.resource.id,
        targetPrefix: `${this.name}/`,
        dependsOn: [props.accessLogs.policy], // it lets the logs in
      });
    }
  }
}
