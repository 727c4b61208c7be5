import { checkRules, rulesOf } from "../../modules/path-rules";

const cidrs = (count: number) => Array.from({ length: count }, (_, index) => `203.0.113.${index}/32`);

describe("a route for some networks alone", () => {
  it("has at most three networks and two paths a rule, and each path for each network", () => {
    const rules = rulesOf({ name: "admin", paths: ["/a", "/b", "/c"], priority: 10, cidrs: cidrs(4) });
    expect(rules).toEqual([
      { route: "admin", priority: 10, paths: ["/a", "/b"], cidrs: cidrs(4).slice(0, 3) },
      { route: "admin", priority: 11, paths: ["/a", "/b"], cidrs: cidrs(4).slice(3) },
      { route: "admin", priority: 12, paths: ["/c"], cidrs: cidrs(4).slice(0, 3) },
      { route: "admin", priority: 13, paths: ["/c"], cidrs: cidrs(4).slice(3) },
    ]);
  });

  it("is refused without a network: AWS takes no empty condition", () => {
    expect(() => rulesOf({ name: "admin", paths: ["/a"], priority: 10, cidrs: [] })).toThrow(
      "for no network",
    );
  });

  it("leaves its paths to the routes after it, and gets none that an open one has before it", () => {
    const open = rulesOf({ name: "open", paths: ["/a", "/a/*"], priority: 20 });
    const restricted = (priority: number) =>
      rulesOf({ name: "admin", paths: ["/a/b"], priority, cidrs: cidrs(1) });
    expect(() => checkRules(restricted(10), open)).not.toThrow();
    const last = rulesOf({ name: "last", paths: ["/a/b"], priority: 30 });
    expect(() => checkRules(last, restricted(10))).not.toThrow();
    expect(() => checkRules(restricted(30), open)).toThrow('route admin never gets "/a/b"');
  });
});
