import { execa, execaSync } from "execa";
import { join } from "node:path";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { deployerPolicies, type DeployerPolicies } from "../../backend/deployer/policies";
import type { SystemName } from "../../environments/catalogue";
import { emulatorEnvironment, startEmulator } from "../../sandbox/emulator";
import { ensureVenv } from "../../sandbox/venv";
import { projectRoot } from "../../environments/root";
import { expectExit, Project } from "./support/project";

jest.setTimeout(15 * 60_000);

const binary = ["terraform", "tofu"].find((name) => !execaSync(name, ["version"], { reject: false }).failed);
const region = "us-east-1";

interface Line {
  readonly action: string;
  readonly resource: string | null;
  readonly denied?: true;
}

const systems: readonly SystemName[] = [
  "chronos",
  "x-scheduler",
  "macro-ai",
  "viewer-atlas",
  "atomic-calendar",
];

it("the recorder knows what requests need, and refuses what is not allowed", async () => {
  const sandbox = join(projectRoot, "sandbox");
  const python = await ensureVenv({ name: "moto", requirements: join(sandbox, "requirements.txt") });
  const file = join(projectRoot, "__tests__", "sandbox", "recorder_test.py");
  const { all, failed } = await execa(python, ["-B", file], {
    env: { PYTHONPATH: sandbox },
    reject: false,
    all: true,
  });
  expect(failed ? all : "").toBe("");
});

describe("held to the policies that are made for it", () => {
  let project: Project;
  let environment: NodeJS.ProcessEnv;
  const files = () => ({ record: project.path("record.jsonl"), policy: project.path("policy.json") });

  /** Allows from now on what a role of a stack may do; without one, all. */
  const as = (stack?: string, role: keyof DeployerPolicies = "apply") => {
    rmSync(files().policy, { force: true });
    if (stack === undefined) return;
    const policies = deployerPolicies({
      partition: "aws",
      region,
      accountIds: ["123456789012"],
      namePrefix: "sandbox",
      stack,
      stateBucket: "sandbox-chronos-terraform-state-storage",
      stateLockTable: "sandbox-chronos-terraform-state-locks",
      boundary: "sandbox-workload-boundary",
      ...(stack === "sandbox" && { systems }),
    });
    writeFileSync(files().policy, JSON.stringify(policies[role]));
  };
  const landfall = async (...args: string[]) => {
    writeFileSync(files().record, "");
    const ran = await project.run("./landfall", args, { env: environment });
    const lines = readFileSync(files().record, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);
    const denied = lines.filter((line) => line.denied).map(({ action, resource }) => `${action} ${resource}`);
    return { ran, asked: lines.length, denied: [...new Set(denied)].sort() };
  };
  const works = async (...args: string[]) => {
    const { ran, asked, denied } = await landfall(...args);
    expect(denied).toEqual([]);
    expectExit(ran, 0);
    expect(asked).toBeGreaterThan(0);
  };

  beforeAll(async () => {
    project = await Project.create(binary ?? "terraform");
    project.set("sandbox.env", { TF_VAR_systems: systems.join(",") });
    const { endpoint } = await startEmulator({
      stateFolder: project.path(".landfall", "sandbox"),
      ...files(),
    });
    environment = { ...emulatorEnvironment(endpoint, {}, region), LANDFALL_SHARED: "sandbox" };
    expectExit(
      await project.run("./landfall", ["init", "sandbox", "--generate-secrets"], { env: environment }),
      0,
    );
  });
  afterAll(() => project?.remove());

  it("the state is made", async () => {
    as("state");
    await works("bootstrap", "--yes");
  });

  it("shared is made by an administrator, and planned and changed by its roles", async () => {
    as();
    expectExit((await landfall("apply", "shared", "--yes")).ran, 0);
    as("shared", "plan");
    await works("plan", "shared");
    as("shared");
    project.set("sandbox.shared.env", { TF_VAR_flow_log_retention_days: "90" });
    await works("apply", "shared", "--yes");
  });

  it("the environment is made, planned by the plan role, and changed", async () => {
    as("sandbox");
    await works("apply", "sandbox", "--yes");
    as("sandbox", "plan");
    await works("plan", "sandbox", "--review-only"); // the refresh of some systems would read secrets
    as("sandbox", "operate");
    await works("outputs", "sandbox");
  });

  it("the plan role does not get an apply through", async () => {
    const state = async () => (await landfall("outputs", "sandbox", "--json")).ran.stdout;
    as("sandbox", "plan");
    const before = await state();
    project.set("sandbox.env", { TF_VAR_dashboard_ports: "80,443,8443" });
    const { ran, denied } = await landfall("apply", "sandbox", "--yes");
    expectExit(ran, 1);
    expect(denied).not.toEqual([]);
    expect(`${String(ran.stdout)}${String(ran.stderr)}`).toMatch(
      /UnauthorizedOperation|AccessDenied|not authorized/,
    );
    expect(await state()).toEqual(before);
  });

  it("the apply role of another environment reaches nothing of this one", async () => {
    as("stage");
    const { ran, denied } = await landfall("plan", "sandbox");
    expectExit(ran, 1);
    expect(denied.join("\n")).toMatch(/sandbox\/terraform\.tfstate|state-locks/);
  });

  it("the environment is changed and destroyed by the apply role", async () => {
    as("sandbox");
    await works("apply", "sandbox", "--yes");
    await works("destroy", "sandbox", "--yes");
    expect(existsSync(files().policy)).toBe(true);
  });
});
