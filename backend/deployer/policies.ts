import type { SystemName } from "../../environments/catalogue";
import { arnsIn } from "../../modules/arn";
import { iamPath } from "../../modules/naming";
import type { PolicyStatement } from "../../modules/service-role";
import { forAdministrators, implied, notForPlans } from "./implied";
import { arnService, resourceTypes, type Scope } from "./names";
import { operations, type Operation } from "./operations";
import { packed, type Grant, type PolicyDocument } from "./pack";
import { recording, type RecordedAction, type TagSupport } from "./recording";

export type { PolicyDocument } from "./pack";

export interface DeployerPoliciesProps {
  readonly partition: string;
  readonly region: string;
  readonly accountIds: readonly string[];
  readonly namePrefix: string;
  /** `shared`, `state`, the name of an environment, or a pattern of such names: `pr-*`. */
  readonly stack: string;
  readonly stateBucket: string;
  /** Region of the table. @default `region` */
  readonly stateRegion?: string;
  /** @default the state is locked in the bucket alone */
  readonly stateLockTable?: string;
  /** Name of the policy that bounds all our roles. */
  readonly boundary: string;
  /** Systems of the environment. @default all; `shared` and `state` have none */
  readonly systems?: readonly SystemName[];
  /** Buckets to which inputs of the environment give names of their own. @default none */
  readonly buckets?: readonly string[];
}

/** Documents of a role; each fits in a managed policy, and all are attached together. */
export interface DeployerPolicies {
  /** What a plan needs: reads, and the state's lock. */
  readonly plan: readonly PolicyDocument[];
  /** What an apply needs; a plan too. */
  readonly apply: readonly PolicyDocument[];
  /** What all other commands need, on what is deployed. Only environments have it. */
  readonly operate: readonly PolicyDocument[];
}

type Conditions = Readonly<Record<string, readonly string[]>>;
interface Needed {
  readonly action: string;
  readonly row: RecordedAction;
  /** By condition key. */
  readonly conditions?: Conditions;
}

/** Services of no region: their requests count as those of us-east-1. */
const global = new Set(["budgets", "iam", "route53"]);

/** Each gives a role rights: IAM lets it only for a role within the bound. */
const bounded = new Set([
  "iam:AttachRolePolicy",
  "iam:CreateRole",
  "iam:PutRolePermissionsBoundary",
  "iam:PutRolePolicy",
]);

const makes = (action: string): boolean =>
  /:(Allocate|Authorize|Create|Register|Request|Run)/.test(action) && !action.endsWith(":CreateTags");
const changes = (action: string): boolean => /:(Delete|Modify)/.test(action);
/** Services but EC2, whose tags {@link Policies} treats apart, ask for the right to tag with what makes something. */
const tags = (action: string): boolean => /:(AddTagsTo\w+|TagResource)$/.test(action);
/** Whether the action makes what it is checked on, as RegisterScalableTarget does with a ScalableTarget. */
const isMadeBy = (action: string, type: string): boolean =>
  makes(action) && action.toLowerCase().endsWith(type.toLowerCase());

/**
 * What deploying a stack needs, by what the provider was seen to call.
 * @throws where it does not fit into what IAM lets one role have
 */
export function deployerPolicies(props: DeployerPoliciesProps): DeployerPolicies {
  const { stack } = props;
  const policies = new Policies(props);
  return {
    plan: packed([...policies.grants("plan"), ...policies.state("plan")], `${stack}'s plan role`),
    apply: packed(
      [...policies.grants("apply"), ...policies.afterApply(), ...policies.state("apply")],
      `${stack}'s apply role`,
    ),
    operate: packed(policies.operating(), `${stack}'s operate role`),
  };
}

/** What a stack was seen to need, with what comes along with it. */
export function neededActions({
  stack,
  systems,
  region,
}: Pick<DeployerPoliciesProps, "stack" | "systems" | "region">): readonly Needed[] {
  const everybody = ["atomic-calendar", "chronos", "macro-ai", "viewer-atlas", "x-scheduler"];
  const owners = stack === "shared" || stack === "state" ? [stack] : (systems ?? everybody);
  const seen = Object.entries(recording)
    .filter(([action, { by }]) => !(action in forAdministrators) && owners.some((owner) => owner in by))
    .map(([action, row]): Needed => ({ action, row }));
  const names = new Set(seen.map(({ action }) => action));
  const more = implied(region)
    .filter(({ with: triggers }) => triggers.some((trigger) => names.has(trigger)))
    .flatMap(({ actions, conditions }) =>
      actions
        .filter((action) => conditions ?? !names.has(action))
        .map((action): Needed => ({ action, row: rowOf(action), conditions })),
    );
  return [...seen, ...more];
}

function rowOf(action: string): RecordedAction {
  const row = recording[action];
  if (!row) throw new Error(`actions.json has no ${action}: make it again with condense.ts.`);
  return row;
}

class Policies {
  private readonly kind: "state" | "shared" | "environment";
  private readonly scope: Scope;
  private readonly owners: readonly string[];

  constructor(private readonly props: DeployerPoliciesProps) {
    const { stack, systems } = props;
    this.kind = stack === "state" || stack === "shared" ? stack : "environment";
    this.scope = { ...props, buckets: props.buckets ?? [] };
    this.owners = this.kind === "environment" ? (systems ?? []) : [stack];
  }

  /** One for each action and type of resource; of a plan those that read. */
  grants(role: "plan" | "apply"): Grant[] {
    return neededActions(this.props)
      .filter(({ action, row }) => role === "apply" || (row.access === "read" && !(action in notForPlans)))
      .flatMap((needed) => this.grantsOf(needed, role));
  }

  private grantsOf(needed: Needed, role: "plan" | "apply"): Grant[] {
    const { action, row, conditions } = needed;
    const [service = ""] = action.split(":");
    const grant = (resources: readonly string[], ...parts: readonly Conditions[]): Grant => ({
      actions: [action],
      resources,
      condition: this.condition(...parts, conditions ?? {}),
    });
    if (action === "ec2:CreateTags" || action === "ec2:DeleteTags") return this.tagsOfEc2(action);
    if (action === "iam:CreateServiceLinkedRole")
      return [grant(this.arns("iam", "role/aws-service-role/*", ""))];
    if (action === "iam:PassRole")
      return [grant(this.passable(), { "iam:PassedToService": row.passedTo ?? [] })];
    if (action.startsWith("ssm:GetParameter")) return [grant(this.parameters(role))];
    if (Object.keys(row.types).length === 0) {
      const tags = makes(action) && row.tagged && row.requestTags ? this.tagged("RequestTag") : {};
      return [grant(["*"], tags, global.has(service) ? {} : { "aws:RequestedRegion": [this.props.region] })];
    }
    const bound: Conditions = bounded.has(action)
      ? { "iam:PermissionsBoundary": this.arns("iam", `policy${iamPath}${this.props.boundary}`, "") }
      : {};
    const found = Object.entries(row.types).flatMap(([type, support]) => {
      const key = `${service}:${type}`;
      const resources = this.resources(key, needed);
      if (resources.length === 0) return [];
      if (!this.isForNew(needed, key, support))
        return [grant(resources, bound, this.tagsFor(needed, key, support))];
      const requested = row.requestTags && (row.tagged || tags(action)) ? this.tagged("RequestTag") : {};
      return [
        grant(resources, bound, this.tagged("ResourceTag")),
        withoutTags(grant(resources, bound, requested)),
      ];
    });
    if (found.length === 0)
      throw new Error(
        `names.ts has no resource of ${this.kind} for ${action}: one of ${Object.keys(row.types).join(", ")}.`,
      );
    return found;
  }

  /** ARNs of a type, as patterns; none where the stack has none of it. */
  private resources(key: string, { row }: Needed): string[] {
    const type = resourceTypes[key];
    if (!type) return [];
    const { namePrefix: prefix, stack } = this.props;
    const patterns = {
      environment: () => type.environment?.({ prefix, env: stack }, this.scope),
      shared: () => type.shared?.(prefix),
      state: () => type.state?.(this.scope),
    }[this.kind]();
    if (!patterns || patterns.length === 0) return [];
    const [service = ""] = key.split(":");
    const where = type.noRegion ? "" : this.props.region;
    const named = row.access === "write" || this.alwaysNamed(row) ? patterns : patterns.map(everyOne);
    return [
      ...new Set(
        named.flatMap((pattern) => this.arns(arnService[key] ?? service, pattern, where, type.account)),
      ),
    ];
  }

  /** Whether each request that was seen named what it was about. */
  private alwaysNamed({ by }: RecordedAction): boolean {
    const owners = this.owners.length > 0 ? this.owners : Object.keys(by);
    return owners.every((owner) => by[owner] !== null);
  }

  /** Whether it may be about what is only being made, and has no tags yet. */
  private isForNew({ action }: Needed, key: string, support: TagSupport): boolean {
    const type = key.slice(key.indexOf(":") + 1);
    return (
      support === "resource" &&
      resourceTypes[key]?.byTags === true &&
      (tags(action) || isMadeBy(action, type))
    );
  }

  private tagsFor({ action, row }: Needed, key: string, support: TagSupport): Conditions {
    const type = resourceTypes[key];
    if (row.access === "read" || !type) return {};
    const ofRequest = support === "request" || support === "both" || row.requestTags === true;
    const ofResource = support === "resource" || support === "both" || row.resourceTags === true;
    if (makes(action) && ofRequest && !(type.byTags && support === "resource"))
      return row.tagged && key !== "ec2:volume" && key !== "ec2:network-interface"
        ? this.tagged("RequestTag")
        : {};
    if (!type.byTags || !ofResource || (type.alsoOthers && !changes(action))) return {};
    return this.tagged("ResourceTag", type.ofShared ? ["shared"] : []);
  }

  /** That something is the stack's own, by its tags. */
  private tagged(which: "RequestTag" | "ResourceTag", others: readonly string[] = []): Conditions {
    return {
      [`aws:${which}/Project`]: ["landfall"],
      [`aws:${which}/Environment`]: [...new Set([this.props.stack, ...others])],
    };
  }

  /** Tags go on with what is made, or on what is the stack's already: not on another's, which would be ours by it. */
  private tagsOfEc2(action: string): Grant[] {
    const { region } = this.props;
    const types = Object.entries(resourceTypes)
      .filter(([key]) => key.startsWith("ec2:") && key !== "ec2:image")
      .map(([key, type]) => ({ type, arns: this.arns("ec2", `${key.slice("ec2:".length)}/*`, region) }));
    const owned = types
      .filter(({ type }) => type.byTags && (!type.alsoOthers || this.kind === "shared"))
      .flatMap(({ arns }) => arns);
    const existing = {
      actions: [action],
      resources: owned,
      condition: this.condition(this.tagged("ResourceTag")),
    };
    if (action === "ec2:DeleteTags") return [existing];
    const made = neededActions(this.props)
      .map((needed) => needed.action)
      .filter((name) => name.startsWith("ec2:") && makes(name) && recording[name]?.tagged)
      .map((name) => name.slice("ec2:".length));
    return [
      existing,
      {
        actions: [action],
        resources: types.flatMap(({ arns }) => arns),
        condition: this.condition(
          { "ec2:CreateAction": [...new Set(made)].sort() },
          this.tagged("RequestTag"),
        ),
      },
    ];
  }

  /** Those to be read: images' of Amazon's; of ours, a plan reads none that may be encrypted. */
  private parameters(role: "plan" | "apply"): string[] {
    const { region, stack } = this.props;
    const plain = [`landfall/${stack}/*`, `${stack}-atomic-calendar/database*`];
    const own = role === "plan" ? plain : [...plain, `${stack}/*`, `${stack}-*`];
    return [
      ...this.arns("ssm", "parameter/aws/service/*", region, ""),
      ...own.flatMap((name) => this.arns("ssm", `parameter/${name}`, region)),
    ];
  }

  /** Roles that the stack hands to services. */
  private passable(): string[] {
    const { namePrefix: prefix, stack } = this.props;
    const own =
      this.kind === "shared" ? [`${prefix}-shared-*`] : [`${prefix}-${stack}-*`, `${prefix}-ec2-host`];
    return own.flatMap((name) => this.arns("iam", `role${iamPath}${name}`, ""));
  }

  /** What comes after Terraform: hosts are configured, and get releases. */
  afterApply(): Grant[] {
    return this.operations()
      .filter(({ afterApply }) => afterApply)
      .map((one) => this.operationGrant(one));
  }

  /** What comes after a deployment, and the outputs by which commands find it. */
  operating(): Grant[] {
    const all = this.operations().map((one) => this.operationGrant(one));
    return all.length > 0 ? [...all, ...this.readsOfState()] : [];
  }

  private operations(): Operation[] {
    const { systems } = this.props;
    if (this.kind !== "environment") return [];
    return operations.filter(
      (operation) => !systems || operation.systems.some((system) => systems.includes(system)),
    );
  }

  private operationGrant({ actions, resources, byTags, ofAws, conditions }: Operation): Grant {
    const { namePrefix: prefix, stack: env, region } = this.props;
    const asked = conditions?.({ env, region }) ?? {};
    if (!resources)
      return {
        actions,
        resources: ["*"],
        condition: this.condition({ "aws:RequestedRegion": [region] }, asked),
      };
    const arns = Object.entries(resources({ prefix, env })).flatMap(([service, patterns]) =>
      patterns.flatMap((pattern) =>
        service === "s3"
          ? this.arns(service, pattern, "", "")
          : this.arns(service, pattern, service === "iam" ? "" : region, ofAws && ""),
      ),
    );
    return {
      actions,
      resources: arns,
      condition: this.condition(byTags ? this.tagged("ResourceTag") : {}, asked),
    };
  }

  /** The state: its own stack's to write, and of what it reads others. A plan only locks it. */
  state(role: "plan" | "apply"): Grant[] {
    const { stateLockTable, stack } = this.props;
    const own = (end: string) => [`${this.stateBucketArn}/${stack}/${end}`];
    return [
      ...this.readsOfState(),
      { actions: ["s3:DeleteObject", "s3:PutObject"], resources: own("*.tflock") },
      ...(role === "apply"
        ? [
            { actions: ["s3:PutObject"], resources: own("terraform.tfstate") },
            { actions: ["s3:ListBucketVersions"], resources: [this.stateBucketArn] },
            { actions: ["s3:GetObjectVersion"], resources: own("*") },
          ]
        : []),
      ...(stateLockTable === undefined ? [] : this.lockTable(role, stateLockTable)),
    ];
  }

  /** Entries of the lock table: a state's lock, and its checksum, whose key goes on with `-md5`. */
  private lockTable(role: "plan" | "apply", table: string): Grant[] {
    const { stateBucket, stack } = this.props;
    const resources = this.arns("dynamodb", `table/${table}`, this.props.stateRegion ?? this.props.region);
    const entries = (actions: readonly string[], names: readonly string[], end: string): Grant => ({
      actions,
      resources,
      condition: {
        "ForAllValues:StringLike": {
          "dynamodb:LeadingKeys": names.map((name) => `${stateBucket}/${name}/${end}`),
        },
      },
    });
    const writes = ["dynamodb:DeleteItem", "dynamodb:PutItem"];
    return [
      { actions: ["dynamodb:DescribeTable"], resources },
      entries(["dynamodb:GetItem"], role === "apply" ? this.readStates : [stack], "*"),
      entries(writes, [stack], role === "apply" ? "*" : "terraform.tfstate"),
    ];
  }

  private readsOfState(): Grant[] {
    return [
      { actions: ["s3:ListBucket"], resources: [this.stateBucketArn] },
      {
        actions: ["s3:GetObject"],
        resources: this.readStates.map((name) => `${this.stateBucketArn}/${name}/*`),
      },
    ];
  }

  private get stateBucketArn(): string {
    return `arn:${this.props.partition}:s3:::${this.props.stateBucket}`;
  }

  /** Stacks whose state the code reads. */
  private get readStates(): readonly string[] {
    const { stack } = this.props;
    return { environment: [stack, "shared"], shared: ["*"], state: [stack] }[this.kind];
  }

  /** In IAM's form; all must hold. */
  private condition(...parts: readonly Conditions[]): PolicyStatement["Condition"] {
    const all = Object.entries(Object.assign({}, ...parts) as Conditions).filter(
      ([, values]) => values.length > 0,
    );
    const operators: Record<string, Record<string, string | readonly string[]>> = {};
    for (const [key, values] of all.sort(([one], [other]) => (one < other ? -1 : 1))) {
      const operator =
        key === "kms:GrantIsForAWSResource"
          ? "Bool"
          : values.some((value) => value.includes("*"))
            ? "StringLike"
            : "StringEquals";
      operators[operator] = {
        ...operators[operator],
        [key]: values.length === 1 ? (values[0] ?? "") : values,
      };
    }
    return all.length > 0 ? operators : undefined;
  }

  private arns(service: string, resource: string, region: string, account?: ""): string[] {
    const { partition, accountIds } = this.props;
    return account === ""
      ? [`arn:${partition}:${service}:${region}::${resource}`]
      : arnsIn({ partition, region, accountIds }, service, resource);
  }
}

/** The grant for what is nobody's yet. Another environment's has that tag, and does not become ours by a new one. */
const withoutTags = (grant: Grant): Grant => ({
  ...grant,
  condition: { ...grant.condition, Null: { "aws:ResourceTag/Environment": "true" } },
});

/** The pattern for all of a type, of whoever they are. */
const everyOne = (pattern: string): string => `${/^[A-Za-z-]+[:/](?=.)/.exec(pattern)?.[0] ?? ""}*`;
