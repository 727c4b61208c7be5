import { resources, sharedEnv, synthesizeFiles, type Synthesized } from "../support/stacks";

const synthesized = (inputs: Record<string, string> = {}): Synthesized =>
  synthesizeFiles({
    "shared.env": {
      ...sharedEnv,
      TF_VAR_image_repositories: "atomic-calendar",
      TF_VAR_nat_gateways: "single",
    },
    "stage.env": {
      TF_VAR_deptype: "stage",
      TF_VAR_systems: "atomic-calendar",
      TF_VAR_atomic_calendar_domain: "app.example.com",
      TF_VAR_atomic_calendar_hosted_zone: "example.com",
      ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`TF_VAR_${name}`, value])),
    },
  });
type Json = ReturnType<Synthesized["json"]>;
interface Rule {
  readonly priority: number;
  readonly condition: readonly Record<string, { readonly values: readonly string[] }>[];
  readonly action: readonly { readonly target_group_arn: string }[];
}
/** Rules that a path of Hasura's metadata API could meet. */
const rulesFor = (json: Json, path: string): Rule[] =>
  (Object.values(resources(json, "aws_lb_listener_rule")) as Rule[]).filter(({ condition }) =>
    condition.some(({ path_pattern }) => path_pattern?.values.includes(path)),
  );
const output = (json: Json, name: string): unknown =>
  (json.output as Record<string, { value: unknown }>)[name]?.value;

describe("Hasura's metadata API", () => {
  it("is reached by nobody unless networks are named", () => {
    const json = synthesized().json("stage");
    expect(rulesFor(json, "/v1/graphql")).toHaveLength(1);
    expect(rulesFor(json, "/v1/metadata")).toEqual([]);
    expect(output(json, "atomic_calendar_admin_cidrs")).toEqual([]);
  });

  it("is reached by the networks that are named, at Hasura's own target group", () => {
    const named = ["203.0.113.7/32", "2001:db8::/48", "198.51.100.0/24", "192.0.2.1/32"];
    const json = synthesized({ atomic_calendar_admin_cidrs: named.join() }).json("stage");
    const [open] = rulesFor(json, "/v1/graphql");
    const rules = rulesFor(json, "/v1/metadata");
    expect(rules.map(({ condition }) => condition)).toEqual([
      [{ path_pattern: { values: ["/v1/metadata"] } }, { source_ip: { values: named.slice(0, 3) } }],
      [{ path_pattern: { values: ["/v1/metadata"] } }, { source_ip: { values: named.slice(3) } }],
    ]);
    for (const { action } of rules)
      expect(action[0]?.target_group_arn).toBe(open?.action[0]?.target_group_arn);
    expect(output(json, "atomic_calendar_admin_cidrs")).toEqual(named);
  });

  it.each([
    [{ atomic_calendar_admin_cidrs: "0.0.0.0/0" }, "lets everybody in to Hasura's metadata API"],
    [
      { atomic_calendar_admin_cidrs: "203.0.113.7/32", atomic_calendar_cidrs: "198.51.100.0/24" },
      "has 203.0.113.7/32, which atomic_calendar_cidrs keeps from the load balancer",
    ],
  ])("is refused to %j", (inputs, message) => {
    const problems = synthesized(inputs).broken.flatMap((one) => one.problems);
    expect(problems).toMatchObject([
      { name: "TF_VAR_atomic_calendar_admin_cidrs", what: expect.stringContaining(message) },
    ]);
  });
});

it("outputs say how to log in to the database", () => {
  const json = synthesized().json("stage");
  expect(output(json, "atomic_calendar_database_name")).toBe("atomicdb");
  expect(output(json, "atomic_calendar_database_user")).toBe("postgres");
  expect(output(json, "atomic_calendar_database_endpoint")).toMatch(/:5432$/);
});
