import { IamInstanceProfile } from "@cdktf/provider-aws/lib/iam-instance-profile";
import { IamRolePolicyAttachment } from "@cdktf/provider-aws/lib/iam-role-policy-attachment";
import { Construct } from "constructs";
import { arnsIn } from "./arn";
import { iamPath, resourceName } from "./naming";
import { ServiceRole, type PolicyStatement } from "./service-role";

export interface HostRoleProps {
  readonly name: string;
  readonly partition: string;
  readonly region: string;
  readonly accountIds: readonly string[];
  /** Log groups that hosts may write to begin with this. @default "/ec2/" */
  readonly logGroups?: string;
  /** Parameters that hosts may read, by path: `/stage/app/` is all below it, `/stage/app` one. @default none */
  readonly parameters?: readonly string[];
  /** What hosts may do besides being managed by Systems Manager and writing logs. @default nothing */
  readonly statements?: readonly PolicyStatement[];
}

/** First part of the names of all hosts' log groups. */
export const hostLogGroups = "/ec2/";

/** The role of EC2 hosts: Session Manager and the other core features of Systems Manager, and CloudWatch Logs. */
export class HostRole extends Construct {
  readonly role: ServiceRole;
  readonly instanceProfile: IamInstanceProfile;

  constructor(scope: Construct, id: string, props: HostRoleProps) {
    super(scope, id);
    const logs = (suffix: string) =>
      arnsIn(props, "logs", `log-group:${props.logGroups ?? hostLogGroups}*${suffix}`);
    const parameters = (props.parameters ?? []).flatMap((path) =>
      props.accountIds.flatMap((account) => {
        const arn = `arn:${props.partition}:ssm:${props.region}:${account}:parameter${path}`;
        return path.endsWith("/") ? [arn.slice(0, -1), `${arn}*`] : [arn];
      }),
    );
    const read = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"];
    this.role = new ServiceRole(this, "this", {
      name: props.name,
      service: "ec2.amazonaws.com",
      statements: [
        {
          Sid: "CreateLogs",
          Effect: "Allow",
          // Groups of its own are made beforehand; a host that makes one while it is destroyed would leave it behind
          Action: [...(props.logGroups ? [] : ["logs:CreateLogGroup"]), "logs:DescribeLogStreams"],
          Resource: logs(""),
        },
        {
          Sid: "WriteLogs",
          Effect: "Allow",
          Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
          Resource: logs(":log-stream:*"),
        },
        ...(parameters.length > 0
          ? [{ Sid: "ReadParameters", Effect: "Allow", Action: read, Resource: parameters } as const]
          : []),
        {
          // Systems Manager's policy below lets a host read all of the account's, its neighbours' secrets among them
          Sid: "NoOtherParameters",
          Effect: "Deny",
          Action: [...read, "ssm:GetParameterHistory"],
          NotResource: [...parameters, `arn:${props.partition}:ssm:${props.region}::parameter/aws/service/*`],
        },
        ...(props.statements ?? []),
      ],
    });
    new IamRolePolicyAttachment(this, "ssm", {
      role: this.role.role.name,
      policyArn: `arn:${props.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore`,
    });
    this.instanceProfile = new IamInstanceProfile(this, "profile", {
      name: resourceName("instance profile", props.name),
      path: iamPath,
      role: this.role.role.name,
    });
  }
}
