import { atomicCalendarJson, type Json } from "../support/atomic-calendar";
import { isAllowed } from "../support/iam";
import { resource, resources, sharedEnv, synthesizeFiles } from "../support/stacks";

const variants: readonly (readonly [string, Record<string, string>])[] = [
  ["stage", {}],
  ["prod with all that it may have", { TF_VAR_deptype: "prod", TF_VAR_atomic_calendar_msk: "serverless" }],
  ["aurora in prod", { TF_VAR_deptype: "prod", TF_VAR_atomic_calendar_database: "aurora" }],
];

/** References as the ARNs that they will be. */
const known = (text: string): string =>
  text
    .replace(/\$\{aws_secretsmanager_secret[^}]*\}/g, secretArn)
    .replace(/\$\{aws_sqs_queue[^}]*\}/g, "arn:aws:sqs:us-east-1:436957243186:stage-atomic-calendar-x")
    .replace(/\$\{aws_iam_role[^}]*\}/g, "arn:aws:iam::436957243186:role/landfall/x");
const secretArn = "arn:aws:secretsmanager:us-east-1:436957243186:secret:stage-atomic-calendar/x";

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: { readonly StringEquals?: Readonly<Record<string, string | readonly string[]>> };
}
const policiesOf = (json: Json): string[] =>
  Object.values(resources(json, "aws_iam_role_policy")).map(({ policy }) => policy as string);
const statementsOf = (json: Json): Statement[] =>
  policiesOf(json).flatMap((policy) => (JSON.parse(policy) as { Statement: Statement[] }).Statement);

describe.each(variants)("roles of %s", (_, inputs) => {
  const json = atomicCalendarJson(inputs);

  it("stay within the boundary", () => {
    const shared = synthesizeFiles({ "shared.env": sharedEnv }, { only: ["shared"] }).json("shared");
    const boundary = resource(shared, "aws_iam_policy", "boundary").policy as string;
    const statements = statementsOf(json);
    expect(statements.length).toBeGreaterThan(30);
    for (const { Action, Resource, Condition } of statements)
      for (const action of [Action].flat())
        for (const target of [Resource].flat()) {
          const passed = [Condition?.StringEquals?.["iam:PassedToService"] ?? []].flat()[0];
          const context = {
            "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com",
            ...(passed === undefined ? {} : { "iam:PassedToService": passed }),
          };
          const request = { action, resource: known(target), context };
          expect([request, isAllowed([boundary], request)]).toEqual([request, true]);
        }
  });

  it("have policies whose expressions Terraform can read: one in JSON text has no quotes", () => {
    for (const policy of policiesOf(json))
      for (const [, expression] of policy.matchAll(/\$\{([^}]*)\}/g)) expect(expression).not.toMatch(/["\\]/);
  });
});
