import { accessBoundary, planBoundary } from "../../backend/access-boundary";
import { recording } from "../../backend/deployer/recording";
import { mayDo } from "../support/simulate";

jest.setTimeout(30_000); // a simulator goes through thousands of requests

const anything = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});
const props = (stack: string) => ({
  partition: "aws",
  region: "us-east-1",
  accountIds: ["111122223333"],
  namePrefix: "sandbox",
  stack,
  others: ["prod", "state", "access", "pr-*", stack === "shared" ? "sandbox" : "shared"],
  bucketsOfOthers: [],
  stateBucket: "sandbox-chronos-terraform-state-storage",
  stateLockTable: "sandbox-chronos-terraform-state-locks",
  workloadBoundary: "sandbox-workload-boundary",
});
const text = (Statement: unknown) => JSON.stringify({ Version: "2012-10-17", Statement });
const boundaries = new Map(
  ["sandbox", "shared"].map((stack) => [
    stack,
    { apply: text(accessBoundary(props(stack))), plan: text(planBoundary(props(stack))) },
  ]),
);
const asked = Object.entries(recording).flatMap(([action, row]) =>
  Object.entries(row.by)
    // Amazon's own parameters are of no account, which the simulator does not know
    .filter(([by, resource]) => by !== "state" && !resource?.includes("::parameter/aws/"))
    .map(([by, resource]) => ({
      action,
      stack: by === "shared" ? "shared" : "sandbox",
      by,
      access: row.access,
      resource: (resource ?? "*").replaceAll("123456789012", "111122223333"),
    })),
);
/** Whether it may; AWS knows no resource for some requests that name one. */
const may = async (
  boundary: string,
  request: { action: string; resource: string; context: Record<string, string | string[]> },
) => {
  const ask = (resource: string) => mayDo({ policies: [anything], boundary }, { ...request, resource });
  return ask(request.resource).catch((error: unknown) => {
    if (String(error).includes("must.use.wildcard")) return ask("*");
    throw error;
  });
};

/** Policies are an administrator's, and so is the state backend; a plan reads no secret. */
const refusals = [
  "apply backend s3:PutObject",
  "apply shared iam:CreatePolicy",
  "apply shared iam:DeletePolicy",
  "plan atomic-calendar secretsmanager:GetSecretValue",
  "plan backend s3:GetObject",
];

test("the boundaries leave what a deployment was seen to need", async () => {
  const refused: string[] = [];
  for (const { action, stack, by, resource, access } of asked) {
    const lock = `sandbox-chronos-terraform-state-storage/${stack}/terraform.tfstate`;
    const own = resource.replace(/\/(sandbox|shared)\/terraform/, `/${stack}/terraform`);
    const context = {
      "aws:ResourceTag/Project": "landfall",
      "aws:ResourceTag/Environment": stack,
      "iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/landfall/sandbox-workload-boundary",
      "dynamodb:LeadingKeys": [lock],
    };
    for (const [kind, boundary] of Object.entries(boundaries.get(stack) ?? {})) {
      if (kind === "plan" && access !== "read") continue;
      if (!(await may(boundary, { action, resource: own, context }))) refused.push(`${kind} ${by} ${action}`);
    }
  }
  expect(asked.length).toBeGreaterThan(300);
  expect(refused.sort()).toEqual(refusals);
});
