import { runSimulation } from "@cloud-copilot/iam-simulate";

export interface SimulatedRequest {
  /** Such as `s3:GetObject`. */
  readonly action: string;
  /** @default the action knows none */
  readonly resource?: string;
  /** Values of condition keys. Those that AWS does not give for the action are left out, as AWS does. */
  readonly context?: Readonly<Record<string, string | string[]>>;
}

const account = "111122223333";
/** That of each of our keys: IAM decides. */
const keyPolicy = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: "kms:*", Resource: "*" },
  ],
};

/**
 * Whether a role of account 111122223333 may do it: by its policies, each as JSON text, and within its boundary.
 * @throws where a policy is not valid, or the request is none that AWS knows
 */
export async function mayDo(
  { policies, boundary }: { readonly policies: readonly string[]; readonly boundary: string },
  { action, resource = "*", context = {} }: SimulatedRequest,
): Promise<boolean> {
  const named = (texts: readonly string[]) =>
    texts.map((text, index) => ({ name: String(index), policy: JSON.parse(text) as unknown }));
  const simulated = await runSimulation(
    {
      request: {
        principal: `arn:aws:sts::${account}:assumed-role/any/session`,
        action,
        resource: { resource, accountId: account },
        contextVariables: { "aws:RequestedRegion": "us-east-1", ...context },
      },
      identityPolicies: named(policies),
      permissionBoundaryPolicies: named([boundary]),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(action.startsWith("kms:") ? { resourcePolicy: keyPolicy } : {}),
    },
    {},
  );
  if (simulated.resultType === "error") throw new Error(`${action}: ${JSON.stringify(simulated.errors)}`);
  return simulated.overallResult === "Allowed";
}
