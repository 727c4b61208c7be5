import type { State } from "../../backend/state-store";
import type { SynthesizedStack } from "../../environments/app";
import { UsageError } from "../../environments/errors";
import { checkReviewOnly, reviewOnlyArguments, secretsInRefresh } from "../../cli/review-only";
import type { Workspace } from "../../cli/workspace";

const one = (type: string, name: string, attributes: object = {}, mode = "managed") => ({
  mode: mode as "managed",
  type,
  name,
  instances: [{ attributes }],
});
const state = (...resources: State["resources"]): State => ({ outputs: {}, resources });
const plain = one("aws_ssm_parameter", "git_ref", { type: "String" });
const secure = one("aws_ssm_parameter", "api_key", { type: "SecureString" });
const version = one("aws_secretsmanager_secret_version", "password");

describe("a refresh", () => {
  it("reads the values of secrets' versions and of encrypted parameters", () => {
    const others = [plain, one("aws_secretsmanager_secret", "password"), one("aws_instance", "host")];
    expect(secretsInRefresh(state(...others, secure, version))).toEqual([
      "aws_ssm_parameter.api_key",
      "aws_secretsmanager_secret_version.password",
    ]);
    expect(secretsInRefresh(state(...others))).toEqual([]);
  });

  it("has nothing to read where nothing is deployed, and is not asked about data sources", () => {
    expect(secretsInRefresh(undefined)).toEqual([]);
    const data = one("aws_ssm_parameter", "ami", { type: "SecureString" }, "data");
    expect(secretsInRefresh(state(data))).toEqual([]);
  });
});

describe("a plan that is only read", () => {
  let said = "";
  beforeEach(() => {
    said = "";
    jest.spyOn(process.stderr, "write").mockImplementation((text) => {
      said += String(text);
      return true;
    });
  });
  afterEach(() => jest.restoreAllMocks());
  const argumentsFor = (deployed: State | undefined) =>
    reviewOnlyArguments({
      stack: { name: "stage" } as SynthesizedStack,
      store: { read: () => Promise.resolve(deployed) } as Workspace["store"],
    });

  it("goes without a refresh that would read secrets, and says what it does not see", async () => {
    expect(await argumentsFor(state(plain, secure, version))).toEqual(["-refresh=false"]);
    expect(said).toContain("stage: what others changed in AWS is not in this plan");
    expect(said).toContain("2 secrets");
  });

  it("is refreshed where that reads none, and says nothing", async () => {
    expect(await argumentsFor(state(plain))).toEqual([]);
    expect(await argumentsFor(undefined)).toEqual([]);
    expect(said).toBe("");
  });

  it("is not saved, and refreshed by nobody else", () => {
    expect(() => checkReviewOnly(undefined, ["-replace=aws_instance.host"])).not.toThrow();
    expect(() => checkReviewOnly("stage.tfplan", [])).toThrow(UsageError);
    for (const arg of ["-refresh=true", "-refresh-only", "--refresh=true", "'-refresh=true'"])
      expect(() => checkReviewOnly(undefined, [arg])).toThrow(`take out "${arg}"`);
  });
});
