import { countManaged, type State } from "../../backend/state-store";
import { checkPlanIsOf } from "../../cli/plan-document";
import { requireSomethingKept } from "../../cli/verbs/apply";
import { requireNothingLost } from "../../cli/verbs/bootstrap";
import { sharedShortcoming } from "../../cli/workspace";

const deployed = (outputs: Record<string, unknown>): State => ({
  outputs: Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, { value }])),
  resources: [{ mode: "managed", type: "aws_vpc", name: "network" }],
});
const wanted = { digest: "d1", addresses: ["stage-dashboard"] };

describe("shared, under an environment", () => {
  const addresses = { "stage-dashboard": { allocation_id: "eipalloc-1", public_ip: "198.51.100.7" } };

  it("is fine where it is as its settings say and has the addresses", () => {
    expect(sharedShortcoming(deployed({ configuration_digest: "d1", addresses }), wanted)).toBeUndefined();
  });

  it("is missing where it was never deployed or is destroyed", () => {
    const missing = { what: "shared is not deployed.", fatal: true };
    expect(sharedShortcoming(undefined, wanted)).toEqual(missing);
    expect(sharedShortcoming({ outputs: {}, resources: [] }, wanted)).toEqual(missing);
  });

  it("cannot carry an environment without its addresses, and says which", () => {
    const both = { ...wanted, addresses: ["stage-dashboard", "stage-edge-1"] };
    expect(sharedShortcoming(deployed({ configuration_digest: "d1", addresses }), both)).toEqual({
      what: "The deployed shared has no Elastic IP stage-edge-1.",
      fatal: true,
    });
    expect(sharedShortcoming(deployed({ configuration_digest: "d1" }), wanted)).toMatchObject({
      fatal: true,
    });
  });

  it("that is behind can still carry it", () => {
    expect(sharedShortcoming(deployed({ configuration_digest: "d0", addresses }), wanted)).toEqual({
      what: "The deployed shared is not up to date with its settings.",
      fatal: false,
    });
    expect(sharedShortcoming(deployed({ addresses }), wanted)).toMatchObject({ fatal: false });
  });
});

describe("a saved plan", () => {
  const planOf = (Environment: string, accountIds: string[]) => ({
    configuration: {
      provider_config: {
        aws: {
          expressions: {
            allowed_account_ids: { constant_value: accountIds },
            default_tags: [{ tags: { constant_value: { Environment } } }],
          },
        },
      },
    },
  });
  const stage = { name: "stage", accountIds: ["436957243186"] };

  it("is taken for the stack that it was made for", () => {
    expect(() => checkPlanIsOf(stage, planOf("stage", ["436957243186"]))).not.toThrow();
  });

  it.each([
    ["of another environment", planOf("prod", ["436957243186"])],
    ["of the same environment in another account", planOf("stage", ["123456789012"])],
    ["that names neither", { configuration: { provider_config: { aws: { expressions: {} } } } }],
  ])("%s is refused", (_, plan) => {
    expect(() => checkPlanIsOf(stage, plan)).toThrow("not for stage");
  });
});

test("bootstrap refuses a plan that takes a bucket or the lock table away", () => {
  expect(() => requireNothingLost(["aws_s3_bucket_policy.state_policy"])).not.toThrow();
  for (const address of ["aws_s3_bucket.state", "aws_s3_bucket.logs", "aws_dynamodb_table.locks"]) {
    expect(() => requireNothingLost([address])).toThrow(`This would destroy ${address}`);
  }
});

describe("a plan", () => {
  it("that destroys everything is not applied: destroy has its own questions", () => {
    expect(() => requireSomethingKept("shared", { add: 0, change: 0, remove: 2 }, 2)).toThrow(
      "destroys all of shared",
    );
  });

  it.each([
    ["destroys one of several, as with -target", { add: 0, change: 0, remove: 1 }, 2],
    ["makes something too", { add: 1, change: 0, remove: 2 }, 2],
    ["changes nothing", { add: 0, change: 0, remove: 0 }, 0],
  ])("that %s is", (_, counts, existing) => {
    expect(() => requireSomethingKept("stage", counts, existing)).not.toThrow();
  });

  it("counts each resource of for_each", () => {
    const state: State = {
      outputs: {},
      resources: [
        { mode: "managed", type: "aws_subnet", name: "a", instances: [{}, {}] },
        { mode: "data", type: "aws_vpc", name: "b", instances: [{}] },
      ],
    };
    expect(countManaged(state)).toBe(2);
    expect(countManaged(undefined)).toBe(0);
  });
});
