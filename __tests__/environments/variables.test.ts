import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  environmentEnv,
  sharedEnv,
  synthesizeFiles,
  synthesizeStage,
  temporaryFolder,
} from "../support/stacks";

describe("Terraform variables", () => {
  const json = synthesizeStage({ TF_VAR_dashboard_volume_size: "50", TF_VAR_ssh_cidrs: "" });

  it("have the file's value as default, which the process environment overrides by Terraform's rules", () => {
    expect(json.variable.dashboard_volume_size).toMatchObject({ type: "number", default: 50 });
    expect(json.variable.dashboard_volume_size).not.toHaveProperty("validation");
  });

  it("that shape the JSON refuse any other value, and say where to set it", () => {
    const [validation] = json.variable.edge_hosts.validation;
    expect(validation.condition).toBe('${var.edge_hosts == ""}');
    expect(validation.error_message).toContain("TF_VAR_edge_hosts shapes the configuration");
    expect(validation.error_message).toContain("environments/stage.env");
  });

  it("have a mark for plans that are only read, on which nothing depends", () => {
    expect(json.variable.review_only).toMatchObject({ type: "bool", default: false });
    expect(JSON.stringify(json)).not.toContain("var.review_only");
  });

  it("are none for application settings", () => {
    for (const name of ["git_ref", "postgres_password", "jwt_secret_key", "vite_api_base_url"]) {
      expect(json.variable).not.toHaveProperty(name);
    }
  });

  it("take values of the process environment, which shape the JSON then", () => {
    const synthesized = synthesizeFiles(
      { "shared.env": sharedEnv, "stage.env": environmentEnv("stage") },
      { only: ["stage"], processEnvironment: { TF_VAR_edge_hosts: "edge-1" } },
    ).json("stage");
    expect(Object.keys(synthesized.resource.aws_instance)).toContain("chronos_host_edge-1");
    expect(synthesized.variable.edge_hosts.default).toBe("edge-1");
  });
});

describe("broken files", () => {
  const good = { "shared.env": sharedEnv, "stage.env": environmentEnv("stage") };

  it("cost their own stack alone, and its stale output", () => {
    const { stacks, broken } = synthesizeFiles({ ...good, "prod.env": "nonsense\n" });
    expect([...stacks.keys()].sort()).toEqual(["shared", "stage", "state"]);
    expect(broken.map(({ name }) => name)).toEqual(["prod"]);
  });

  it.each([
    ["removed when the app runs by itself", {}, false],
    ["left to cdktf, which removes it and fails where it is gone", { CDKTF_CONTEXT_JSON: "{}" }, true],
  ])("have their stale output %s", (_, processEnvironment, left) => {
    const folder = temporaryFolder();
    const stale = join(folder, "cdktf.out", "stacks", "prod");
    mkdirSync(stale, { recursive: true });
    synthesizeFiles({ ...good, "prod.env": "nonsense\n" }, { folder, processEnvironment });
    expect(existsSync(stale)).toBe(left);
  });

  it("of shared cost all that stands on it", () => {
    const { stacks, broken } = synthesizeFiles({ ...good, "shared.env": "nonsense\n" });
    expect([...stacks.keys()]).toEqual([]);
    expect(broken.map(({ name }) => name).sort()).toEqual(["shared", "stage"]);
  });

  it("are not read when others are asked for", () => {
    const { stacks, broken } = synthesizeFiles({ ...good, "prod.env": "nonsense\n" }, { only: ["stage"] });
    expect([...stacks.keys()]).toEqual(["stage"]);
    expect(broken).toEqual([]);
  });
});

describe("an environment beside its shared settings", () => {
  const problems = (inputs: Record<string, string>, shared: Record<string, string> = {}) =>
    synthesizeFiles(
      { "shared.env": { ...sharedEnv, ...shared }, "stage.env": { ...environmentEnv("stage"), ...inputs } },
      { only: ["stage"] },
    ).broken.flatMap((reading) => reading.problems.map(({ name, what }) => `${name}: ${what}`));

  it.each([
    ["another region", { TF_VAR_region: "eu-west-1" }, /^TF_VAR_region: differs from us-east-1/],
    [
      "another account",
      { TF_VAR_allowed_account_ids: "111122223333" },
      /^TF_VAR_allowed_account_ids: holds 111122223333/,
    ],
    ["a host without an address", { TF_VAR_edge_hosts: "edge-9" }, /needs the Elastic IP stage-edge-9/],
    ["a host with the dashboard's name", { TF_VAR_edge_hosts: "dashboard" }, /may not have a host named/],
    ["SSH that the network ACL stops", { TF_VAR_ssh_cidrs: "203.0.113.0/24" }, /cannot pass the network ACL/],
    [
      "a low port that the network ACL stops",
      { TF_VAR_dashboard_ports: "80,81" },
      /^TF_VAR_dashboard_ports: 81 cannot pass/,
    ],
  ])("%s", (_, inputs, expected) => {
    expect(problems(inputs)).toEqual([expect.stringMatching(expected)]);
  });

  it("may open what the network ACL allows", () => {
    const acl = {
      TF_VAR_network_acl_admin_cidrs: "203.0.113.0/24",
      TF_VAR_network_acl_public_ports: "80-90,443",
    };
    expect(problems({ TF_VAR_ssh_cidrs: "203.0.113.7", TF_VAR_dashboard_ports: "80,81" }, acl)).toEqual([]);
  });
});
