import type { SystemName } from "../../environments/catalogue";
import type { PolicyStatement } from "../../modules/service-role";

export interface DeployerPoliciesProps {
  readonly partition: string;
  readonly region: string;
  readonly accountIds: readonly string[];
  readonly namePrefix: string;
  /** `shared`, `state`, the name of an environment, or a pattern of such names: `pr-*`. */
  readonly stack: string;
  readonly stateBucket: string;
  /** @default the state is locked in the bucket alone */
  readonly stateLockTable?: string;
  /** Name of the policy that bounds all our roles. */
  readonly boundary: string;
  /** Systems of the environment. @default all; `shared` and `state` have none */
  readonly systems?: readonly SystemName[];
}

/** A policy as IAM takes it. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
}

/** Documents of a role; each fits in a managed policy, and all are attached together. */
export interface DeployerPolicies {
  /** What a plan needs: reads, and the state's lock. */
  readonly plan: readonly PolicyDocument[];
  /** What an apply needs; a plan too. */
  readonly apply: readonly PolicyDocument[];
}

/**
 * What deploying a stack needs, by what the provider was seen to call.
 * @throws where it does not fit into what IAM lets one role have
 */
export function deployerPolicies(props: DeployerPoliciesProps): DeployerPolicies {
  throw new Error(`not there yet for ${props.stack}`);
}
