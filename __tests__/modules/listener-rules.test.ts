import { answerTo, matches, type ListenerRule } from "../support/listener-rules";

const to = (Priority: string, Values: string[], name: string): ListenerRule => ({
  Priority,
  Conditions: [{ Field: "path-pattern", PathPatternConfig: { Values } }],
  Actions: [
    { Type: "forward", TargetGroupArn: `arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/${name}/0a` },
  ],
});
const otherwise: ListenerRule = {
  Priority: "default",
  Conditions: [],
  Actions: [{ Type: "fixed-response", FixedResponseConfig: { StatusCode: "404" } }],
};

describe("a pattern", () => {
  it.each([
    ["/app", "/app", true],
    ["/app", "/app/", false],
    ["/app", "/App", false],
    ["/app/*", "/app/", true],
    ["/app/*", "/app", false],
    ["/app/*", "/app/a/b", true],
    ["/app*", "/apple", true],
    ["/*/c", "/a/b/c", true],
    ["/*/c", "/c", false],
    ["/a?c", "/abc", true],
    ["/a?c", "/ac", false],
    ["/a?c", "/a/c", true],
    ["/a.c", "/abc", false],
    ["*", "", true],
    ["/**", "/", true],
  ])("%s and the path %s: %s", (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });
});

describe("a listener", () => {
  const rules = [
    otherwise,
    to("100", ["/v1/*"], "rest"),
    to("20", ["/v1/functions", "/v1/functions/*"], "functions"),
    to("3", ["/v1/auth*"], "auth"),
  ];

  it("asks its rules by number, wherever they stand in the answer", () => {
    expect(answerTo(rules, "/v1/functions/one")).toBe("forward functions");
    expect(answerTo(rules, "/v1/functions2")).toBe("forward rest");
    expect(answerTo(rules, "/v1/auth/signin")).toBe("forward auth");
    const changed = rules.map((rule) => (rule.Priority === "100" ? { ...rule, Priority: 1 } : rule));
    expect(answerTo(changed, "/v1/functions/one")).toBe("forward rest");
  });

  it("gives all else its default, which comes last", () => {
    expect(answerTo(rules, "/")).toBe("fixed-response 404");
    expect(() => answerTo(rules.slice(1), "/")).toThrow("no rule takes /");
  });

  it("asks for all of a rule's conditions", () => {
    const path = (value: string) => ({ Field: "path-pattern", Values: [value] });
    const both = { ...to("1", [], "both"), Conditions: [path("/a*"), path("*b")] };
    expect(answerTo([both, otherwise], "/ab")).toBe("forward both");
    expect(answerTo([both, otherwise], "/ac")).toBe("fixed-response 404");
  });

  it("tells where a redirect leads", () => {
    const redirect = (RedirectConfig: object): ListenerRule => ({
      ...otherwise,
      Actions: [{ Type: "redirect", RedirectConfig: { StatusCode: "HTTP_301", ...RedirectConfig } }],
    });
    expect(answerTo([redirect({ Path: "/app", Protocol: "#{protocol}" })], "/")).toBe("redirect /app");
    expect(answerTo([redirect({ Path: "/#{path}", Protocol: "HTTPS" })], "/")).toBe("redirect HTTPS");
  });

  it("is not guessed at where it has what this does not know", () => {
    const host = {
      ...otherwise,
      Priority: "1",
      Conditions: [{ Field: "host-header", Values: ["a"] }],
    };
    expect(() => answerTo([host, otherwise], "/")).toThrow("a rule asks for host-header");
    const login = { ...otherwise, Actions: [{ Type: "authenticate-oidc" }] };
    expect(() => answerTo([login], "/")).toThrow("does authenticate-oidc");
    const two = {
      ...otherwise,
      Actions: [
        {
          Type: "forward",
          ForwardConfig: { TargetGroups: [{ TargetGroupArn: "arn:one" }, { TargetGroupArn: "arn:two" }] },
        },
      ],
    };
    expect(() => answerTo([two], "/")).toThrow("has not one target group");
  });
});
