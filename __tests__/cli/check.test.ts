import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSettings } from "../../cli/verbs/check";
import { projectRoot } from "../../environments/root";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "landfall-check-"));
  for (const file of ["sandbox.env", "sandbox.shared.env"]) {
    cpSync(join(projectRoot, "environments", file), join(folder, file));
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: string) => writeFileSync(join(folder, name), content, { mode: 0o600 });
const check = (name?: string) => checkSettings({ folder, name, processEnvironment: {} });
const named = (name?: string) => check(name).problems.map((problem) => problem.name);
const prod = (more = "") =>
  write(
    "prod.env",
    `TF_VAR_deptype="prod"
TF_VAR_systems="chronos"
TF_VAR_public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9mCmQnQFilB9vyJjOI8ho27PYykzjnRjPHwgx/dgyO someone@example.com"
vite_api_base_url="https://prod.example.com"
repository_url="https://github.com/example/chronos2.git"
${more}`,
  );
const shared = () =>
  write("shared.env", 'TF_VAR_name_prefix="agt"\nTF_VAR_allowed_account_ids="436957243186"\n');
const secrets = (name: string) =>
  write(`${name}.secrets.env`, 'postgres_password="p"\njwt_secret_key="j"\nfrp_auth_token="t"\n');

test("a fresh clone has no problems, though the sandbox's secrets are not made yet", () => {
  // The emulator has no hosted zone: what becomes of the certificate is up to its user
  const warning = expect.objectContaining({ name: "TF_VAR_atomic_calendar_certificate_issued" }) as object;
  expect(check()).toEqual({ usable: ["sandbox.shared", "sandbox"], problems: [], warnings: [warning] });
});

test("writes nothing", () => {
  const before = readdirSync(folder);
  check();
  expect(readdirSync(folder)).toEqual(before);
});

test("the sandbox's secrets must be whole once they are there", () => {
  write("sandbox.secrets.env", 'postgres_password="p"\n');
  expect(named()).toEqual([
    "jwt_secret_key",
    "frp_auth_token",
    "TF_VAR_x_api_key",
    "TF_VAR_x_api_key_secret",
    "TF_VAR_x_oauth_client_id",
    "TF_VAR_x_oauth_client_secret",
    "TF_VAR_google_credentials",
  ]);
});

test("asks for the required secrets of other environments", () => {
  shared();
  prod();
  expect(named("prod")).toEqual(["postgres_password", "jwt_secret_key", "frp_auth_token"]);
  secrets("prod");
  expect(check("prod")).toEqual({ usable: ["prod"], problems: [], warnings: [] });
});

test("finds what shows only in two files together", () => {
  shared();
  prod('TF_VAR_edge_hosts="edge-1"\n');
  secrets("prod");
  expect(check("prod").problems).toMatchObject([
    { name: "TF_VAR_systems", what: expect.stringContaining("prod-edge-1") },
  ]);
});

test("one broken environment is no other's problem", () => {
  shared();
  prod("nonsense\n");
  expect(check("sandbox").problems).toEqual([]);
  expect(check().usable).toEqual(["shared", "sandbox"]);
});

test("tells which environments there are when asked for another", () => {
  expect(() => check("prod")).toThrow(
    expect.objectContaining({ mend: "There are: shared, sandbox.", exitCode: 2 }),
  );
});

describe("access", () => {
  const trusting = () =>
    write(
      "shared.env",
      'TF_VAR_name_prefix="agt"\nTF_VAR_allowed_account_ids="436957243186"\nTF_VAR_github_repository="acme/landfall"\n',
    );

  test("needs no environment's secrets", () => {
    trusting();
    prod();
    expect(check("access")).toEqual({ usable: ["shared", "access"], problems: [], warnings: [] });
  });

  test("is not made where an environment is damaged, as its roles would go", () => {
    trusting();
    write("prod.env", 'TF_VAR_deptype="prod"\nTF_VAR_systems="chronoss"\n');
    const { usable, problems } = check("access");
    expect(usable).toEqual(["shared"]);
    expect(problems).toMatchObject([
      {
        name: "TF_VAR_github_repository",
        what: expect.stringContaining("prod.env cannot be used"),
        mend: expect.stringContaining("./landfall check prod"),
      },
    ]);
  });

  test("is told how to be had, where the settings do not ask for it", () => {
    shared();
    expect(() => check("access")).toThrow(
      expect.objectContaining({ mend: expect.stringContaining("TF_VAR_github_repository") }),
    );
  });

  test("an environment of another account is told what to do", () => {
    trusting();
    secrets("prod");
    prod('TF_VAR_allowed_account_ids="111122223333"\n');
    const [problem] = check("prod").problems;
    expect(problem?.mend).toContain("prod.shared.env");
  });
});
