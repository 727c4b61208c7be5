import { ApplyClock, criticalPath, needsOf, type Span } from "../support/critical-path";

const spans = (given: Record<string, [start: number, end: number]>) =>
  new Map(Object.entries(given).map(([address, [start, end]]): [string, Span] => [address, { start, end }]));
const needs = (given: Record<string, string[]>) =>
  new Map(Object.entries(given).map(([address, needed]) => [address, new Set(needed)]));

describe("the longest chain of an apply", () => {
  it("is what needs each other, without the time that it waited for others", () => {
    const made = spans({ vpc: [0, 10], database: [20, 120], string: [125, 126], bucket: [0, 90] });
    const found = criticalPath(
      made,
      needs({ database: ["vpc"], string: ["database", "vpc", "bucket"], bucket: [] }),
    );
    expect(found).toEqual({ wall: 126, chain: 111, links: ["vpc", "database", "string"] });
  });

  it("goes through what took no time itself", () => {
    const made = spans({ vpc: [0, 10], service: [10, 30] });
    expect(criticalPath(made, needs({ service: ["zones"], zones: ["vpc"] }))).toMatchObject({
      chain: 30,
      links: ["vpc", "service"],
    });
  });

  it("ends with what took no time itself", () => {
    const made = spans({ service: [10, 10], task: [10, 10], string: [0, 10] });
    const found = criticalPath(made, needs({ service: ["string", "task"], task: ["string"] }));
    expect(found).toEqual({ wall: 10, chain: 10, links: ["string", "task", "service"] });
  });

  it("is one resource where they need nothing", () => {
    expect(criticalPath(spans({ one: [5, 10], two: [5, 25] }), needs({}))).toEqual({
      wall: 20,
      chain: 20,
      links: ["two"],
    });
  });

  it("refuses circles, and an apply that made nothing", () => {
    const made = spans({ one: [0, 1], two: [1, 2] });
    expect(() => criticalPath(made, needs({ one: ["two"], two: ["one"] }))).toThrow("needs itself");
    expect(() => criticalPath(new Map(), needs({}))).toThrow("nothing was made");
  });
});

test("the clock takes what was made or changed and is done, from the lines of ./landfall", () => {
  let now = 0;
  const clock = new ApplyClock(() => now);
  const lines: [number, string][] = [
    [0, "planning sandbox"],
    [10, "creating aws_vpc.one"],
    [20, "changing aws_ecs_service.two"],
    [30, "created aws_vpc.one (0 s, 1 of 3)"],
    [35, "still changing aws_ecs_service.two (30 s)"],
    [40, "changed aws_ecs_service.two (0 s, 2 of 3)"],
    [45, 'creating aws_subnet.all["a"]'],
    [46, 'creating aws_subnet.all["b"]'],
    [48, 'created aws_subnet.all["b"] (0 s, 3 of 5)'],
    [49, 'created aws_subnet.all["a"] (0 s, 4 of 5)'],
    [50, "creating aws_lb.three"],
    [60, "failed creating aws_lb.three (0 s)"],
  ];
  for (const [at, line] of lines) {
    now = at;
    clock.line(line);
  }
  expect(clock.spans).toEqual(
    spans({ "aws_vpc.one": [10, 30], "aws_ecs_service.two": [20, 40], "aws_subnet.all": [45, 49] }),
  );
});

test("what resources need is read from the state", () => {
  const resource = (mode: string, name: string, dependencies?: string[]) => ({
    mode,
    type: "aws_x",
    name,
    instances: [{ dependencies }],
  });
  const state = {
    resources: [resource("managed", "a"), resource("managed", "b", ["aws_x.a"]), resource("data", "c")],
  };
  expect(needsOf(JSON.stringify(state))).toEqual(needs({ "aws_x.a": [], "aws_x.b": ["aws_x.a"] }));
});
