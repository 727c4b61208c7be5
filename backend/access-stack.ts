import { IamOpenidConnectProvider } from "@cdktf/provider-aws/lib/iam-openid-connect-provider";
import { IamPolicy } from "@cdktf/provider-aws/lib/iam-policy";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicyAttachment } from "@cdktf/provider-aws/lib/iam-role-policy-attachment";
import { TerraformOutput } from "cdktf";
import { Construct } from "constructs";
import type { AccessEnvironment } from "../environments/access";
import { accessInputs, sharedInputs, type SystemName } from "../environments/catalogue";
import { stateLockTable, valuesOf, type SharedValues } from "../environments/derived";
import { LandfallError } from "../environments/errors";
import type { Settings } from "../environments/settings";
import { declareInputs } from "../environments/variables";
import { resourceName } from "../modules/naming";
import { policyDocument } from "../modules/service-role";
import {
  accessBoundary,
  accessPath,
  planBoundary,
  type AccessBoundaryProps,
  type BoundaryStatement,
} from "./access-boundary";
import { DOCUMENT_CHARACTERS } from "./deployer/pack";
import { deployerPolicies, type PolicyDocument } from "./deployer/policies";
import { applyTrust, githubAudience, githubIssuer, planTrust, trustPolicy, type Trust } from "./access-trust";
import { LandfallStack, type LandfallStackProps } from "./landfall-stack";

/**
 * Longest session of a role, in seconds; a run asks for what it needs of it. A database and a release take more than AWS's
 * least, an hour: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
 */
const sessionSeconds = { plan: 3600, apply: 7200 } as const;

/** Systems that the workflow for pull requests deploys. */
const previewSystems: readonly SystemName[] = ["macro-ai"];
/** Names of previews; their roles have the first part of it. */
const previews = "pr-*";

export interface AccessStackProps extends LandfallStackProps {
  readonly settings: Settings;
  readonly environments: readonly AccessEnvironment[];
}

/** Whose roles they are, and which runs may take them. */
interface Target {
  /** Part of the roles' names and key of the outputs. */
  readonly name: string;
  /** As policies name the stack. */
  readonly stack: string;
  readonly systems: readonly SystemName[];
  readonly buckets: readonly string[];
  readonly trust: { readonly plan: Trust; readonly apply: Trust };
}

/**
 * Who may deploy from GitHub: its OIDC provider, and for `shared` and each environment a role that plans and one that
 * applies. An administrator applies it; no role of it may change it.
 */
export class AccessStack extends LandfallStack {
  private readonly providerArn: string;
  private readonly shared: SharedValues;

  constructor(
    scope: Construct,
    private readonly props: AccessStackProps,
  ) {
    super(scope, "access", props);
    const { name_prefix, region, allowed_account_ids, state_bucket, state_lock_table } = sharedInputs;
    const { values } = declareInputs(
      this,
      { name_prefix, region, allowed_account_ids, state_bucket, state_lock_table, ...accessInputs },
      props.settings,
    );
    this.shared = valuesOf<SharedValues>(props.settings);
    this.providerArn =
      values.github_oidc_provider_arn ??
      // Without a thumbprint: AWS knows the authority that signs GitHub's certificate, and looks at no thumbprint then
      // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
      new IamOpenidConnectProvider(this, "github", {
        url: `https://${githubIssuer}`,
        clientIdList: [githubAudience],
      }).arn;

    const trusted = { repository: values.github_repository ?? "", mainBranch: values.github_main_branch };
    const plan = planTrust(trusted);
    const targets: Target[] = [
      { name: "shared", systems: [], buckets: [] } as AccessEnvironment,
      ...props.environments,
    ].map((environment) => ({
      ...environment,
      stack: environment.name,
      trust: { plan, apply: applyTrust(trusted, environment.name) },
    }));
    if (values.github_previews)
      targets.push({
        name: "pr",
        stack: previews,
        systems: previewSystems,
        buckets: [],
        trust: { plan, apply: plan }, // the main branch for those that are left over
      });

    const roles = new Construct(this, "roles");
    const made = targets.map((target) => this.rolesOf(new Construct(roles, target.name), target));
    this.output("oidc_provider_arn", "GitHub's OIDC provider.", this.providerArn);
    const arnsBy = (kind: "plan" | "apply") =>
      Object.fromEntries(targets.map(({ name }, index) => [name, made[index]?.[kind].arn]));
    this.output("plan_role_arns", "Role that plans, by stack; `pr` is for previews.", arnsBy("plan"));
    this.output("apply_role_arns", "Role that applies, by stack; `pr` is for previews.", arnsBy("apply"));
  }

  private output(name: string, description: string, value: unknown): void {
    new TerraformOutput(this, `output_${name}`, { description, value }).overrideLogicalId(name);
  }

  private rolesOf(scope: Construct, target: Target): { readonly plan: IamRole; readonly apply: IamRole } {
    const names = [...this.props.environments.map(({ name }) => name), "shared", "state", "access", previews];
    const boundary: AccessBoundaryProps = {
      ...this.place,
      stack: target.stack,
      others: names.filter((name) => name !== target.stack),
      bucketsOfOthers: this.props.environments
        .filter(({ name }) => name !== target.stack)
        .flatMap(({ buckets }) => buckets),
      workloadBoundary: workloadBoundaryName(this.shared),
    };
    const policies = deployerPolicies({
      ...this.place,
      stack: target.stack,
      systems: target.systems,
      buckets: target.buckets,
      boundary: workloadBoundaryName(this.shared),
      stateLockTable: this.props.state.lockTable,
    });
    const role = (kind: "plan" | "apply", statements: readonly BoundaryStatement[]) =>
      this.role(new Construct(scope, kind), target, kind, { statements, policies: policies[kind] });
    return { plan: role("plan", planBoundary(boundary)), apply: role("apply", accessBoundary(boundary)) };
  }

  private get place() {
    return {
      partition: this.partition,
      region: this.region,
      accountIds: this.accountIds,
      namePrefix: this.shared.name_prefix,
      stateBucket: this.props.state.bucket,
      stateLockTable: stateLockTable(this.shared),
    };
  }

  private role(
    scope: Construct,
    { name, trust }: Target,
    kind: "plan" | "apply",
    has: { readonly statements: readonly BoundaryStatement[]; readonly policies: readonly PolicyDocument[] },
  ): IamRole {
    const names = [this.shared.name_prefix, "github", name, kind] as const;
    const most = policyDocument([...has.statements]);
    requireSize(most, names.join("-"));
    const boundary = new IamPolicy(scope, "boundary", {
      name: resourceName("iam policy", ...names, "boundary"),
      path: accessPath,
      description: `The most that the role ${names.join("-")} may do. It grants nothing by itself.`,
      policy: most,
    });
    const role = new IamRole(scope, "this", {
      name: resourceName("iam role", ...names),
      path: accessPath,
      description: `Taken by GitHub workflows: ${kind} of ${name === "pr" ? "previews" : name}.`,
      assumeRolePolicy: trustPolicy(this.providerArn, trust[kind]),
      permissionsBoundary: boundary.arn,
      maxSessionDuration: sessionSeconds[kind],
    });
    has.policies.forEach(({ Statement }, index) => {
      const number = String(index + 1);
      const policy = new IamPolicy(scope, `policy-${number}`, {
        name: resourceName("iam policy", ...names, number),
        path: accessPath,
        description: `What the role ${names.join("-")} may do, part ${number}.`,
        policy: policyDocument([...Statement]),
      });
      new IamRolePolicyAttachment(scope, `attachment-${number}`, { role: role.name, policyArn: policy.arn });
    });
    return role;
  }
}

const workloadBoundaryName = (shared: SharedValues): string =>
  resourceName("iam policy", shared.name_prefix, "workload-boundary");

/** The boundary names each other environment, and AWS would find it too long only half way through an apply. */
function requireSize({ length }: string, role: string): void {
  if (length <= DOCUMENT_CHARACTERS) return;
  throw new LandfallError(
    `the boundary of the role ${role} has ${length} characters, and IAM takes ${DOCUMENT_CHARACTERS}: it names all other environments and their buckets`,
    {
      mend: "Have fewer environments in this account (others can stand on a <name>.shared.env of their own), give them shorter names, or shorten TF_VAR_name_prefix or TF_VAR_state_bucket in shared.env where nothing is deployed yet.",
    },
  );
}
