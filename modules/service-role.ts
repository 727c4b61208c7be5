import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { iamPath, resourceName } from "./naming";

/** One statement of an IAM policy, as IAM writes it. */
export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface ServiceRoleProps {
  readonly name: string;
  /** Service that takes the role, such as `ec2.amazonaws.com`. */
  readonly service: string;
  /**
   * Accounts on whose behalf the service may take it, for services that say so (`aws:SourceAccount`): it keeps another
   * account from using ours through the service. EC2 does not say so.
   * @default any
   */
  readonly accountIds?: readonly string[];
  /** What the role may do besides. @default nothing */
  readonly statements?: readonly PolicyStatement[];
}

/** The policy document as literal JSON, which scanners can read. */
export const policyDocument = (statements: readonly object[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

/** A role for one AWS service. */
export class ServiceRole extends Construct {
  readonly role: IamRole;
  /** What a user of the role waits for, and the role outlives: it can do nothing without. */
  readonly ready: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: ServiceRoleProps) {
    super(scope, id);
    this.role = new IamRole(this, "this", {
      name: resourceName("iam role", props.name),
      path: iamPath,
      assumeRolePolicy: policyDocument([
        {
          Effect: "Allow",
          Principal: { Service: props.service },
          Action: "sts:AssumeRole",
          ...(props.accountIds
            ? { Condition: { StringEquals: { "aws:SourceAccount": props.accountIds } } }
            : {}),
        },
      ]),
    });
    this.ready = props.statements
      ? [
          new IamRolePolicy(this, "policy", {
            role: this.role.id,
            name: "own",
            policy: policyDocument(props.statements),
          }),
        ]
      : [];
  }

  get arn(): string {
    return this.role.arn;
  }
}
