import { Command } from "commander";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  checkBeforeApply,
  configure,
  configureAfterApply,
  formatResult,
  redact,
  register,
  type HostResult,
} from "../../cli/verbs/configure";
import { inParallel } from "../../cli/parallel";
import { environmentEnv, envText, sharedEnv, temporaryFolder } from "../support/stacks";

let said: string;
beforeEach(() => {
  said = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => (said += String(text)) !== "");
});
afterEach(() => jest.restoreAllMocks());

const secrets = { postgres_password: "password-1", jwt_secret_key: "key-1" };
const application = { repository_url: "https://github.com/example/chronos2.git", frp_auth_token: "token-1" };
const secretNames = ["postgres_password", "jwt_secret_key", "frp_auth_token"];

function folderWith(changes: Record<string, string>, shared: Record<string, string> = {}): string {
  const folder = join(temporaryFolder(), "environments");
  mkdirSync(folder);
  writeFileSync(join(folder, "shared.env"), envText({ ...sharedEnv, ...shared }));
  const all = Object.entries({ ...environmentEnv("stage"), ...changes });
  const part = (secret: boolean) =>
    envText(Object.fromEntries(all.filter(([name]) => secretNames.includes(name) === secret)));
  writeFileSync(join(folder, "stage.env"), part(false));
  writeFileSync(join(folder, "stage.secrets.env"), part(true), { mode: 0o600 });
  return folder;
}
const options = (folder: string) => ({
  folder,
  environment: { PATH: process.env.PATH },
  knownHosts: join(temporaryFolder(), "known_hosts"),
  wait: 0,
});
const sandbox = { TF_VAR_allowed_account_ids: "123456789012" };

describe("before anything runs", () => {
  it("an environment that is not there is wrong usage, with a near name", async () => {
    const folder = folderWith({});
    await expect(configure("stag", options(folder))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining("Did you mean stage?"),
    });
  });

  it("a host that is not there is wrong usage, with those that are", async () => {
    const folder = folderWith({ ...secrets, ...application });
    await expect(configure("stage", { ...options(folder), host: "plant-1" })).rejects.toMatchObject({
      exitCode: 2,
      mend: expect.stringContaining("dashboard"),
    });
  });

  it("a deptype that is another's, a missing secret and a missing repository are told", async () => {
    const other = folderWith({ ...secrets, ...application, TF_VAR_deptype: "prod" });
    await expect(configure("stage", options(other))).rejects.toThrow('is "prod", but the file is for stage');
    const withoutSecrets = folderWith(application);
    await expect(configure("stage", options(withoutSecrets))).rejects.toThrow(
      /postgres_password is missing[^]*jwt_secret_key is missing/,
    );
    const withoutRepository = folderWith(secrets);
    await expect(configure("stage", options(withoutRepository))).rejects.toThrow(
      /repository_url is missing|frp_auth_token is missing/,
    );
  });

  it("secrets of the environment's other systems are not asked for", async () => {
    const folder = folderWith(
      {
        ...secrets,
        ...application,
        TF_VAR_systems: "chronos,x-scheduler",
        TF_VAR_x_scheduler_repository: "https://github.com/example/x-scheduler.git",
        TF_VAR_x_scheduler_git_ref: "main",
      },
      { TF_VAR_addresses: "stage-dashboard,stage-x-scheduler" },
    );
    await expect(configure("stage", { ...options(folder), outputs: {} })).rejects.toThrow(
      "stage is not deployed",
    );
  });

  it("an environment that is not deployed is told how to", async () => {
    const folder = folderWith({ ...secrets, ...application });
    await expect(configure("stage", { ...options(folder), outputs: {} })).rejects.toMatchObject({
      message: expect.stringContaining("stage is not deployed"),
      mend: "Deploy it: ./landfall apply stage",
    });
  });
});

describe("one host's failure", () => {
  it("that is in the settings and not deployed yet stops no other, and is told", async () => {
    const folder = folderWith({
      ...secrets,
      ...application,
      TF_VAR_edge_hosts: "edge-1",
      edge_machines: "plant-1=nobody@plant-1.invalid",
      frp_remote_ports: "edge-1=6001,plant-1=6002",
    });
    const outputs = {
      dashboard_instance_id: { value: "i-0123" },
      dashboard_public_ip: { value: "203.0.113.7" },
    };
    const { ok, hosts } = await configure("stage", { ...options(folder), outputs, kind: "edge" });
    expect(ok).toBe(false);
    expect(hosts.map(({ name, status, mend }) => [name, status, mend])).toEqual([
      ["edge-1", "failed", "./landfall apply stage"],
      ["plant-1", "failed", expect.stringContaining('ssh_host_keys="plant-1=')],
    ]);
  });
});

describe("in the sandbox", () => {
  it("hosts are named and skipped, without secrets or an emulator", async () => {
    const folder = folderWith({ TF_VAR_edge_hosts: "edge-1" }, sandbox);
    const configured = await configure("stage", options(folder));
    expect(configured.ok).toBe(true);
    expect(configured.hosts.map(({ name, status }) => [name, status])).toEqual([
      ["dashboard", "skipped"],
      ["edge-1", "skipped"],
    ]);
    expect(formatResult(configured)).toContain("the sandbox only emulates this host");
  });

  it("the last step of an apply says so, and goes well", async () => {
    const folder = folderWith({}, sandbox);
    await expect(configureAfterApply("stage", options(folder))).resolves.toBe(true);
    expect(said).toContain("configuring the hosts of stage");
    expect(said).toContain("skipped");
    expect(() => checkBeforeApply("stage", options(folder))).not.toThrow();
  });
});

describe("an apply", () => {
  it.each(["shared", "access"])("of %s has no such step", async (name) => {
    await expect(configureAfterApply(name, options(folderWith({})))).resolves.toBe(true);
    expect(said).toBe("");
  });

  it("does not begin where its last step would fail for a setting", () => {
    expect(() => checkBeforeApply("stage", options(folderWith(secrets)))).toThrow(
      "frp_auth_token is missing",
    );
    expect(() =>
      checkBeforeApply("stage", options(folderWith({ ...secrets, ...application }))),
    ).not.toThrow();
  });
});

test("the table names what changed by file and name, and why a host failed", () => {
  const host = (result: Partial<HostResult>): HostResult => ({
    name: "dashboard",
    kind: "dashboard",
    status: "unchanged",
    files: {},
    installed: false,
    seconds: 1,
    ...result,
  });
  const text = formatResult({
    environment: "stage",
    ok: false,
    interrupted: false,
    hosts: [
      host({
        status: "changed",
        ref: { from: "a".repeat(40), to: "b".repeat(40) },
        files: { ".env": ["A", "B"] },
        installed: true,
      }),
      host({ name: "edge-1" }),
      host({ name: "edge-2", status: "failed", reason: "one\ntwo", mend: "Mend it." }),
    ],
  });
  expect(text.split("\n")).toEqual([
    "dashboard  changed      ref aaaaaaaaaaaa -> bbbbbbbbbbbb; .env: A, B; installed",
    "edge-1     unchanged",
    "edge-2     failed",
    "    one",
    "    two",
    "    Mend it.",
  ]);
});

test("secrets are taken out of what a host says, the longest first, each line for itself", () => {
  expect(redact("x abcdef y abc z\nline two", ["abc", "abcdef", "line one\nline two"])).toBe(
    "x (secret) y (secret) z\n(secret)",
  );
  expect(redact("a1 b", ["a", ""])).toBe("a1 b");
});

test("hosts are done so many at once, results in their order", async () => {
  let running = 0;
  let most = 0;
  const results = await inParallel([30, 10, 20, 5, 1], 2, async (time) => {
    most = Math.max(most, (running += 1));
    await sleep(time);
    running -= 1;
    return time;
  });
  expect(results).toEqual([30, 10, 20, 5, 1]);
  expect(most).toBe(2);
});

test.each([
  ["configure stage everything", "Allowed choices are dashboard, edge"],
  ["configure", "missing required argument 'env'"],
  ["configure stage --wait soon", "Write a number of seconds"],
])("%s is wrong usage", (line, told) => {
  const program = new Command().exitOverride();
  register(program);
  program.commands.forEach((command) =>
    command
      .exitOverride()
      .configureOutput({ writeErr: (text) => (said += text) })
      .action(() => {}),
  );
  expect(() => program.parse(line.split(" "), { from: "user" })).toThrow();
  expect(said).toContain(told);
});
