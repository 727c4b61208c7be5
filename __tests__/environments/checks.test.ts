import { environmentEnv, resources, sharedEnv, synthesizeFiles } from "../support/stacks";

/** What is wrong with `stage`, with these inputs besides the least: `name: what`. */
function problems(inputs: Record<string, string>, shared: Record<string, string> = {}): string[] {
  const { broken } = synthesizeFiles({
    "shared.env": { ...sharedEnv, ...shared },
    "stage.env": { ...environmentEnv("stage"), ...inputs },
  });
  return broken.flatMap((reading) => reading.problems.map(({ name, what }) => `${name}: ${what}`));
}

it("finds nothing wrong with the least", () => expect(problems({})).toEqual([]));

describe("ports", () => {
  it.each([
    [
      "the dashboard and FRP",
      { TF_VAR_dashboard_ports: "80,7000-7100", TF_VAR_frp_ports: "7050" },
      "frp_ports",
    ],
    ["SSH and the dashboard", { TF_VAR_dashboard_ports: "22,443" }, "dashboard_ports"],
  ])("belong to one service: not to %s", (_, inputs, name) => {
    const found = problems(inputs, { TF_VAR_network_acl_public_ports: "22,80,443" });
    expect(found).toEqual([expect.stringMatching(new RegExp(`^TF_VAR_${name}: .* also a port of`))]);
  });
});

describe("edge hosts", () => {
  it.each(["key", "inputs", "group", "host", "output", "this"])("may be called %s", (name) => {
    const synthesis = synthesizeFiles({
      "shared.env": { ...sharedEnv, TF_VAR_addresses: `stage-dashboard,stage-${name}` },
      "stage.env": { ...environmentEnv("stage"), TF_VAR_edge_hosts: name },
    });
    expect(synthesis.broken).toEqual([]);
    expect(Object.keys(resources(synthesis.json("stage"), "aws_instance"))).toHaveLength(2);
  });
});

describe("zones", () => {
  it.each(["us-west-1", "ap-northeast-1"])(
    "have to be named in %s, where a and b are not everybody's",
    (region) => {
      expect(problems({}, { TF_VAR_region: region })).toContainEqual(
        expect.stringMatching(/^TF_VAR_availability_zones: is missing/),
      );
      expect(
        problems({}, { TF_VAR_region: region, TF_VAR_availability_zones: `${region}a,${region}c` }),
      ).toEqual([]);
    },
  );
});

describe("the network ACL", () => {
  it("takes as many rules as AWS does", () => {
    const cidrs = (count: number) =>
      Array.from({ length: count }, (_, index) => `203.0.113.${index}/32`).join(",");
    expect(problems({}, { TF_VAR_network_acl_admin_cidrs: cidrs(28) })).toEqual([]);
    expect(problems({}, { TF_VAR_network_acl_admin_cidrs: cidrs(29) })).toContainEqual(
      expect.stringMatching(/^TF_VAR_network_acl_admin_cidrs: makes 41 rules/),
    );
  });
});
