import { iamPath } from "../../modules/naming";
import { mayDo } from "../support/simulate";
import { synthesized, type Attributes } from "./synthesized";

const stacks = synthesized();
const blocks = (stack: string, type: string): Readonly<Record<string, Attributes>> =>
  stacks.get(stack)?.resource?.[type] ?? {};
const boundaryOf = (stack: string): string =>
  String(blocks("access", "aws_iam_policy")[`roles_${stack}_apply_boundary`]?.policy);
const anything = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});
const account = "111122223333";

const named = ["shared", "prod"].flatMap((stack) =>
  [
    ["aws_iam_role", "role", "iam:CreateRole"] as const,
    ["aws_iam_instance_profile", "instance-profile", "iam:CreateInstanceProfile"] as const,
  ].flatMap(([type, kind, action]) =>
    Object.values(blocks(stack, type)).map(({ name, path }) => ({ stack, kind, action, name, path })),
  ),
);

test("there are roles of all systems", () => expect(named.length).toBeGreaterThan(35));

test.each(named)("the apply role of $stack makes the $kind $name, and no other stack's does", async (one) => {
  expect(one.path).toBe(iamPath);
  const may = (stack: string) =>
    mayDo(
      { policies: [anything], boundary: boundaryOf(stack) },
      {
        action: one.action,
        resource: `arn:aws:iam::${account}:${one.kind}${iamPath}${String(one.name)}`,
        context: {
          "iam:PermissionsBoundary": `arn:aws:iam::${account}:policy/landfall/acme-workload-boundary`,
        },
      },
    );
  const makers = await Promise.all(
    ["shared", "prod", "pr"].map(async (stack) => ((await may(stack)) ? stack : "")),
  );
  expect(makers.filter(Boolean)).toEqual([one.stack]);
});
