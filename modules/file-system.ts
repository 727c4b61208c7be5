import { EfsAccessPoint } from "@cdktf/provider-aws/lib/efs-access-point";
import { EfsBackupPolicy } from "@cdktf/provider-aws/lib/efs-backup-policy";
import { EfsFileSystem } from "@cdktf/provider-aws/lib/efs-file-system";
import { EfsFileSystemPolicy } from "@cdktf/provider-aws/lib/efs-file-system-policy";
import { EfsMountTarget } from "@cdktf/provider-aws/lib/efs-mount-target";
import { Construct } from "constructs";
import { port } from "./port-range";
import { SecurityGroup } from "./security-group";
import { policyDocument } from "./service-role";
import type { TaskFileSystem } from "./task-definition";

export interface FileSystemProps {
  readonly name: string;
  readonly vpcId: string;
  /** Map of zone to subnet id, as a Terraform expression: one mount target in each. */
  readonly subnetsByZone: string;
  /** User and group ids that own its folder. */
  readonly owner: { readonly uid: string; readonly gid: string };
  /** @default EFS's own key */
  readonly keyArn?: string;
  /** Whether AWS Backup copies it daily. @default false */
  readonly backup?: boolean;
  /** Whether Terraform refuses to destroy it. @default false */
  readonly preventDestroy?: boolean;
}

/** TCP port. */
export const NFS = 2049;

/** A file system for tasks: encrypted, over TLS, for roles that IAM lets in, by an access point. */
export class FileSystem extends Construct implements TaskFileSystem {
  readonly resource: EfsFileSystem;
  readonly accessPoint: { readonly id: string; readonly arn: string };
  readonly group: SecurityGroup;

  constructor(scope: Construct, id: string, props: FileSystemProps) {
    super(scope, id);
    this.resource = new EfsFileSystem(this, "this", {
      creationToken: props.name,
      encrypted: true,
      kmsKeyId: props.keyArn,
      tags: { Name: props.name },
      lifecycle: props.preventDestroy ? { preventDestroy: true } : undefined,
    });
    new EfsFileSystemPolicy(this, "policy", {
      fileSystemId: this.resource.id,
      policy: policyDocument([
        {
          Sid: "TlsOnly",
          Effect: "Deny",
          Principal: { AWS: "*" },
          Action: "*",
          Resource: this.resource.arn,
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
        {
          // A policy without it would leave the file system open to whoever reaches it
          Sid: "ByAccessPoint",
          Effect: "Deny",
          Principal: { AWS: "*" },
          Action: [
            "elasticfilesystem:ClientMount",
            "elasticfilesystem:ClientWrite",
            "elasticfilesystem:ClientRootAccess",
          ],
          Resource: this.resource.arn,
          Condition: { Null: { "elasticfilesystem:AccessPointArn": "true" } },
        },
      ]),
    });
    new EfsBackupPolicy(this, "backup", {
      fileSystemId: this.resource.id,
      backupPolicy: { status: props.backup ? "ENABLED" : "DISABLED" },
    });
    this.group = new SecurityGroup(this, "group", {
      name: `${props.name}-efs`,
      description: `File system of ${props.name}`,
      vpcId: props.vpcId,
    });
    const target = new EfsMountTarget(this, "target", {
      fileSystemId: this.resource.id,
      subnetId: "${each.value}",
      securityGroups: [this.group.id],
    });
    target.addOverride("for_each", props.subnetsByZone);
    const point = new EfsAccessPoint(this, "access", {
      fileSystemId: this.resource.id,
      posixUser: { uid: Number(props.owner.uid), gid: Number(props.owner.gid) },
      rootDirectory: {
        path: "/data",
        creationInfo: {
          ownerUid: Number(props.owner.uid),
          ownerGid: Number(props.owner.gid),
          permissions: "0750",
        },
      },
      tags: { Name: props.name },
      dependsOn: [target], // a task that mounts it needs both
    });
    this.accessPoint = { id: point.id, arn: point.arn };
  }

  get id(): string {
    return this.resource.id;
  }

  get arns(): readonly string[] {
    return [this.resource.arn];
  }

  /** Lets a group's members mount it. */
  allowFrom(name: string, group: SecurityGroup): void {
    this.group.allowFrom({ purpose: "nfs", ports: [port(NFS)], groups: { [name]: group.id } });
    group.allowTo({ purpose: "nfs", ports: [port(NFS)], groups: { files: this.group.id } });
  }
}
