import { execaSync } from "execa";
import { startEmulator } from "../../sandbox/emulator";
import { isAllowed } from "../support/iam";
import { call, expectExit, Project } from "./support/project";

jest.setTimeout(5 * 60_000);

const binary = ["terraform", "tofu"].find((name) => !execaSync(name, ["version"], { reject: false }).failed);
const issuer = "token.actions.githubusercontent.com";
const names = ["sandbox-apply", "sandbox-plan", "shared-apply", "shared-plan"];

it("finds a binary to test with", () => expect(binary).toBeDefined());

// The steps build on each other
describe("the access stack on the emulator", () => {
  let project: Project;
  let endpoint: string;

  const iam = (Action: string, parameters: Record<string, string> = {}): Promise<string> =>
    call(endpoint, "iam", { body: new URLSearchParams({ Version: "2010-05-08", Action, ...parameters }) });
  const inXml = (xml: string, element: string): string[] =>
    [...xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, "g"))].map(([, text = ""]) => text);
  const ours = async (): Promise<string[]> =>
    inXml(await iam("ListRoles", { PathPrefix: "/landfall/access/" }), "RoleName").sort();

  beforeAll(async () => {
    project = await Project.create(binary ?? "terraform");
    ({ endpoint } = await startEmulator({ stateFolder: project.path(".landfall", "sandbox") }));
    expectExit(await project.landfall("bootstrap", "--yes"), 0);
  });
  afterAll(() => project.remove()); // the emulator too

  it("is not there unless a repository is named", async () => {
    const ran = await project.landfall("plan", "access");
    expectExit(ran, 1);
    expect(ran.stderr).toContain("There is no stack access");
    expect(ran.stderr).toContain("TF_VAR_github_repository");
  });

  it("is applied, without any secret of an environment, and prints its roles", async () => {
    project.set("sandbox.shared.env", { TF_VAR_github_repository: "acme/landfall" });
    expectExit(await project.landfall("check", "access"), 0);
    const ran = await project.landfall("apply", "access", "--yes");
    expectExit(ran, 0);
    expect(ran.stdout).toContain(`oidc_provider_arn = arn:aws:iam::123456789012:oidc-provider/${issuer}`);
    const { stdout } = await project.landfall("outputs", "access", "apply_role_arns", "--json");
    expect(JSON.parse(String(stdout))).toEqual({
      sandbox: "arn:aws:iam::123456789012:role/landfall/access/sandbox-github-sandbox-apply",
      shared: "arn:aws:iam::123456789012:role/landfall/access/sandbox-github-shared-apply",
    });
    expect(await ours()).toEqual(names.map((name) => `sandbox-github-${name}`));
  });

  it("has in AWS the trust that it was made with", async () => {
    const xml = await iam("GetRole", { RoleName: "sandbox-github-sandbox-apply" });
    const trust = decodeURIComponent(inXml(xml, "AssumeRolePolicyDocument")[0] ?? "");
    expect(JSON.parse(trust).Statement[0].Principal.Federated).toBe(
      `arn:aws:iam::123456789012:oidc-provider/${issuer}`,
    );
    const takes = (sub: string, ref: string) =>
      isAllowed([trust], {
        action: "sts:AssumeRoleWithWebIdentity",
        resource: "*",
        context: { [`${issuer}:aud`]: "sts.amazonaws.com", [`${issuer}:sub`]: sub, [`${issuer}:ref`]: ref },
      });
    expect(takes("repo:acme/landfall:environment:sandbox", "refs/heads/main")).toBe(true);
    expect(takes("repo:acme/landfall:environment:sandbox", "refs/heads/mine")).toBe(false);
    expect(takes("repo:acme/landfall:environment:shared", "refs/heads/main")).toBe(false);
    expect(xml).toContain("policy/landfall/access/sandbox-github-sandbox-apply-boundary");
    expect(inXml(xml, "MaxSessionDuration")).toEqual(["7200"]);
  });

  it("is as it should be, says the next plan", async () => {
    expectExit(await project.landfall("plan", "access", "--detailed-exitcode"), 0);
  });

  it("is drawn and costs nothing", async () => {
    const cost = await project.landfall("cost", "access", "--json");
    expectExit(cost, 0);
    expect(JSON.parse(String(cost.stdout))).toMatchObject({ stack: "access" });
    expectExit(await project.landfall("diagram", "access", "--json"), 0);
  });

  it("ends when asked", async () => {
    const unasked = await project.landfall("destroy", "access");
    expectExit(unasked, 2);
    expect(await ours()).toHaveLength(4);
    expectExit(await project.landfall("destroy", "access", "--yes"), 0);
    expect(await ours()).toEqual([]);
    expect(inXml(await iam("ListOpenIDConnectProviders"), "Arn")).toEqual([]);
  });
});
