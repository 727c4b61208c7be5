import { execa, execaSync } from "execa";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { configure, formatResult, type ConfigureResult } from "../../cli/verbs/configure";
import { formatEnvFile } from "../../environments/env-file";
import { composeEnv } from "../support/compose-env";
import { publicKey } from "../support/stacks";
import { expectExit, Project, type Ran } from "./support/project";

jest.setTimeout(120_000);

const sshd = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].find((path) => existsSync(path));
const canRun =
  sshd !== undefined &&
  ["ssh", "ssh-keygen", "git", "flock"].every(
    (tool) => !execaSync("which", [tool], { reject: false }).failed,
  );
const suite = canRun ? describe : describe.skip;
const login = userInfo().username;

const scratch = mkdtempSync(join(tmpdir(), "landfall-ssh-"));
const inScratch = (...parts: string[]) => join(scratch, ...parts);
const servers: Server[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** Values that hold whatever a quoting rule may stumble over; each is looked for where it must not be. */
const tricky = {
  postgres_password: `it's "so" $HOME \${USER} \`id\` $(id) #x \\n \\`,
  jwt_secret_key: "first line\nsecond='q' # \"three\"\n\\\\ $$ end",
  frp_auth_token: "tok\"en\\ '$x' `y` #z\nnext",
  backend_settings: `USER_1_EMAIL="admin@example.com"\nUSER_1_PASSWORD="p\\"a's \\$w\\\\ #r"`,
  edge_settings: `DEVICE_PASSWORD="d'e \\$v \\\`i\\\` #c"\nREAD_ONLY_MODE=true`,
};
/** Parts of them that occur nowhere else. */
const canaries = ['it\'s "so"', "second='q'", 'tok"en', "p\"a's", "d'e $v"];

/** A real sshd on loopback with a home folder, host key and log of its own. */
class Server {
  readonly folder: string;
  readonly home: string;
  port = 0;
  private running?: ReturnType<typeof execa>;

  private constructor(readonly name: string) {
    this.folder = inScratch(name);
    this.home = join(this.folder, "home");
  }

  static async start(name: string): Promise<Server> {
    const server = new Server(name);
    servers.push(server);
    mkdirSync(join(server.home, "bin"), { recursive: true });
    server.newHostKey();
    // The shell greets, and shows what a careless host has: an open umask, and tools that note what they see
    writeFileSync(
      join(server.home, ".bashrc"),
      'echo "Welcome, landfall user"\numask 000\nPATH=$HOME/bin:$PATH\n',
    );
    const note = 'find "$HOME" -name "*.landfall.*" -printf "%m %s %f\\n" >>"$HOME/../modes"';
    for (const tool of ["base64", "cp"]) server.tool(tool, `${note}\nexec /usr/bin/${tool} "$@"`);
    server.port = await freePort();
    await server.up();
    return server;
  }

  tool(name: string, body: string): void {
    writeFileSync(join(this.home, "bin", name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }

  newHostKey(): void {
    rmSync(join(this.folder, "host_key"), { force: true });
    rmSync(join(this.folder, "host_key.pub"), { force: true });
    execaSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(this.folder, "host_key")]);
  }

  get hostKey(): string {
    return readFileSync(join(this.folder, "host_key.pub"), "utf8").trim();
  }

  get log(): string {
    return readFileSync(join(this.folder, "log"), "utf8");
  }

  async up(): Promise<void> {
    const config = join(this.folder, "sshd_config");
    writeFileSync(
      config,
      [
        `Port ${this.port}`,
        "ListenAddress 127.0.0.1",
        `HostKey ${join(this.folder, "host_key")}`,
        `AuthorizedKeysFile ${inScratch("user_key.pub")}`,
        `PidFile ${join(this.folder, "pid")}`,
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        "LogLevel DEBUG1",
        `SetEnv HOME=${this.home}`,
      ].join("\n"),
    );
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 }); // sshd wants it as root
    this.running = execa(sshd ?? "", ["-D", "-f", config, "-E", join(this.folder, "log")], { reject: false });
    for (let attempt = 0; attempt < 100; attempt += 1) {
      if (existsSync(join(this.folder, "pid"))) return;
      await sleep(50);
    }
    throw new Error(`sshd does not start: ${this.log}`);
  }

  async stop(): Promise<void> {
    this.running?.kill("SIGTERM");
    await this.running;
    rmSync(join(this.folder, "pid"), { force: true });
  }

  /** Process ids of sshd's processes for the connections there are. */
  sessions(): number[] {
    const pid = this.running?.pid ?? 0;
    const { stdout } = execaSync("ps", ["-o", "pid=", "--ppid", String(pid)], { reject: false });
    return stdout.split("\n").filter(Boolean).map(Number);
  }

  readyForUse(): this {
    writeFileSync(join(this.home, ".setup_complete"), "");
    return this;
  }

  path(...parts: string[]): string {
    return join(this.home, "chronos2", ...parts);
  }

  read(...parts: string[]): string {
    return readFileSync(this.path(...parts), "utf8");
  }

  /** How often install.sh has run to its end. */
  get installs(): number {
    const file = join(this.home, "installs");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0;
  }

  /** Time of the last change of each file of the checkout, in nanoseconds; git's own aside. */
  times(): Record<string, bigint> {
    const files = readdirSync(this.path(), { recursive: true, encoding: "utf8" }).filter(
      (file) => !/^\.git(\/|$)/.test(file),
    );
    return Object.fromEntries(
      files.map((file) => [file, statSync(this.path(file), { bigint: true }).mtimeNs]),
    );
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const repository = inScratch("chronos2.git");
const work = inScratch("work");
const git = (...args: string[]) =>
  execaSync("git", ["-C", work, "-c", "user.name=t", "-c", "user.email=t@example.com", ...args]).stdout;

/** Commits files and pushes them. @returns the commit */
function commit(files: Readonly<Record<string, string>>, ref = "main"): string {
  git("checkout", "--quiet", "-B", ref);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(work, file, ".."), { recursive: true });
    writeFileSync(join(work, file), text);
  }
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", "--message", "change");
  git("push", "--quiet", "--force", "origin", ref);
  return git("rev-parse", "HEAD");
}

/** Notes each run; waits where it is told to, and fails where it is told to. */
const installer = `#!/bin/bash
set -e
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' >"$HOME/cmdlines" || true
echo "installing with $(cat dashboard_backend/.env.docker .env 2>/dev/null)"
touch "$HOME/installing"
for _ in {1..600}; do [ -e "$HOME/hold" ] || break; sleep 0.1; done
[ ! -e "$HOME/fail" ] || { echo "it does not work"; exit 3; }
echo run >>"$HOME/installs"
`;
const firstCommit: Readonly<Record<string, string>> = {
  "install.sh": installer,
  "edge_server/install.sh": installer,
  "dashboard_backend/.env.sample":
    "# defaults\nPOSTGRES_HOST=postgres\nPOSTGRES_PASSWORD=postgres\nJWT_ALGORITHM=HS256\n",
  "README.md": "Chronos\n",
};

let project: Project;
beforeAll(async () => {
  if (!canRun) return;
  execaSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", inScratch("user_key")]);
  writeFileSync(
    inScratch("ssh_config"),
    `Host *\n  IdentityFile ${inScratch("user_key")}\n  IdentitiesOnly yes\n  IdentityAgent none\n`,
  );
  execaSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", repository]);
  execaSync("git", ["clone", "--quiet", repository, work]);
  commit(firstCommit);
  project = await Project.create("terraform");
});
afterAll(() => {
  if (project) rmSync(project.folder, { recursive: true, force: true });
});

/** Points the sandbox's settings at these servers. */
function settings(
  hosts: { dashboard?: Server; edges?: readonly Server[] },
  changes: Record<string, string> = {},
): void {
  const { dashboard, edges = [] } = hosts;
  const address = (server: Server) => `${login}@127.0.0.1:${server.port}`;
  const keys = [
    ...(dashboard ? [`dashboard=${dashboard.hostKey}`] : []),
    ...edges.map((server) => `${server.name}=${server.hostKey}`),
  ];
  project.set("sandbox.env", {
    TF_VAR_systems: "chronos",
    repository_url: `file://${repository}`,
    git_ref: "main",
    background_color: "#ffffff",
    frp_remote_ports: ["edge-1=6000", ...edges.map(({ name }, index) => `${name}=${6001 + index}`)].join(),
    edge_machines: edges.map((server) => `${server.name}=${address(server)}`).join(),
    dashboard_ssh: dashboard ? address(dashboard) : "",
    ssh_host_keys: keys.join(),
    ...changes,
  });
  writeFileSync(
    project.path("environments", "sandbox.secrets.env"),
    formatEnvFile(Object.entries(tricky).map(([name, value]) => ({ name, value }))),
    { mode: 0o600 },
  );
}

const start = (...args: string[]) =>
  project.start("./landfall", ["configure", "sandbox", ...args], {
    env: { LANDFALL_SSH_CONFIG: inScratch("ssh_config") },
  });

async function run(...args: string[]): Promise<Ran> {
  const ran = (await start(...args)) as unknown as Ran;
  project.printed += `${String(ran.stdout)}\n${String(ran.stderr)}\n`;
  return ran;
}
const runJson = async (...args: string[]): Promise<ConfigureResult> =>
  JSON.parse(String((await run(...args, "--json")).stdout)) as ConfigureResult;

async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (condition()) return;
    await sleep(50);
  }
  throw new Error("it did not come");
}

const written = [
  "dashboard_frontend/.env.docker",
  "dashboard_backend/.env.docker",
  "frp_config/frps.toml",
  ".env",
  ".env.deployment",
];

suite("configure dashboard, over a real sshd", () => {
  let host: Server;
  beforeAll(async () => {
    host = (await Server.start("dashboard")).readyForUse();
  });
  beforeEach(() => settings({ dashboard: host }));

  it("clones, writes the five files, installs, and leaves no secret but in the files that are for it", async () => {
    const seen = new Set<string>();
    const watch = setInterval(() => processArguments().forEach((line) => seen.add(line)), 5);
    const ran = await run("dashboard");
    clearInterval(watch);
    expectExit(ran, 0);
    expect(ran.stdout).toMatch(/^dashboard {2}changed .*ref none -> [0-9a-f]{12};.*installed$/m);
    expect(host.installs).toBe(1);
    for (const file of written) expect(statSync(host.path(file)).mode & 0o777).toBe(0o600);
    // what containers read is readable
    expect(statSync(host.path("README.md")).mode & 0o777).toBe(0o644);

    expect([...seen].some((line) => line.includes("exec bash -s"))).toBe(true); // the watch did see it
    const everything = [...seen, readFileSync(join(host.home, "cmdlines"), "utf8")].join("\n");
    const places: [string, string][] = [
      ["process arguments", everything],
      ["output", `${String(ran.stdout)}${String(ran.stderr)}`],
      ["the server's log", host.log],
      ...filesBelow(host.home)
        .filter((file) => !written.map((path) => host.path(path)).includes(file))
        .filter((file) => !file.endsWith("/install.log")) // install.sh's own words, see the next line
        .map((file): [string, string] => [file, readFileSync(file, "latin1")]),
    ];
    expect(statSync(join(host.home, ".landfall/chronos2/install.log")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(host.home, ".landfall/chronos2/install.log"), "utf8")).toContain(
      "installing with",
    );
    const leaks = places.flatMap(([place, text]) =>
      canaries.filter((canary) => text.includes(canary)).map((canary) => `${canary} in ${place}`),
    );
    expect(leaks).toEqual([]);
    for (const file of [".bash_history", ".python_history"])
      expect(existsSync(join(host.home, file))).toBe(false);
  });

  it("files have mode 0600 from their first byte", () => {
    const modes = readFileSync(join(host.folder, "modes"), "utf8").trim().split("\n");
    // Each was seen while it was empty: where it is put together, and beside its place
    const empty = modes.filter((line) => line.split(" ")[1] === "0").map((line) => line.split(" ")[2] ?? "");
    expect(empty.filter((file) => file.startsWith("new.landfall."))).toHaveLength(written.length);
    expect(new Set(empty.map((file) => file.split(".landfall.")[0]))).toEqual(
      new Set(["new", ".env", ".env.deployment", ".env.docker", "frps.toml"]),
    );
    expect(new Set(modes.map((line) => line.split(" ")[0]))).toEqual(new Set(["600"]));
  });

  it("values arrive exactly: by Docker Compose's rules, a shell's and a TOML parser's", () => {
    const backend = composeEnv(host.read("dashboard_backend/.env.docker"));
    expect(backend).toEqual({
      POSTGRES_USER: "postgres",
      POSTGRES_PASSWORD: tricky.postgres_password,
      POSTGRES_DB: "chronos",
      JWT_SECRET_KEY: tricky.jwt_secret_key,
      USER_1_EMAIL: "admin@example.com",
      USER_1_PASSWORD: "p\"a's $w\\ #r",
      POSTGRES_HOST: "postgres", // from the sample
      JWT_ALGORITHM: "HS256",
    });
    expect(composeEnv(host.read("dashboard_frontend/.env.docker"))).toEqual({
      VITE_API_BASE_URL: "https://sandbox.chronos.example.com",
      VITE_BACKGROUND_COLOR: "#ffffff",
    });
    for (const file of [".env", ".env.deployment"]) {
      const values = shellEnv(host.path(file));
      expect(values).toMatchObject({ DEPLOYMENT_URI: "sandbox.chronos.example.com" });
      expect(composeEnv(host.read(file))).toEqual(values);
    }
    expect(toml(host.path("frp_config/frps.toml"))).toEqual({
      bindPort: 7000,
      auth: { method: "token", token: tricky.frp_auth_token },
    });
  });

  it("the same again writes nothing and installs nothing", async () => {
    const before = host.times();
    const ran = await run("dashboard");
    expectExit(ran, 0);
    expect(ran.stdout).toMatch(/^dashboard {2}unchanged$/m);
    expect(host.times()).toEqual(before);
    expect(host.installs).toBe(1);
  });

  it("another colour rewrites what holds it, tells its name and no value, and installs", async () => {
    const before = host.times();
    settings({ dashboard: host }, { background_color: "#123456" });
    const { hosts } = await runJson("dashboard");
    expect(hosts).toEqual([
      expect.objectContaining({
        status: "changed",
        installed: true,
        files: {
          "dashboard_frontend/.env.docker": ["VITE_BACKGROUND_COLOR"],
          ".env": ["VITE_BACKGROUND_COLOR"],
        },
      }),
    ]);
    expect(hosts[0]).not.toHaveProperty("ref");
    const after = host.times();
    const changed = Object.keys(after).filter((file) => after[file] !== before[file]);
    expect(changed.filter((file) => statSync(host.path(file)).isFile()).sort()).toEqual([
      ".env",
      "dashboard_frontend/.env.docker",
    ]);
    expect(host.installs).toBe(2);
  });

  it("follows a branch that moved, a tag and a commit, and installs each", async () => {
    settings({ dashboard: host }, { background_color: "#123456" });
    const from = git("rev-parse", "HEAD");
    const to = commit({ "README.md": "Chronos 2\n" });
    expect((await runJson("dashboard")).hosts).toEqual([
      expect.objectContaining({ status: "changed", ref: { from, to }, files: {}, installed: true }),
    ]);
    expect(host.read("README.md")).toBe("Chronos 2\n");
    git("tag", "v1", from);
    git("push", "--quiet", "origin", "v1");
    for (const [ref, readme] of [
      ["v1", "Chronos\n"],
      [to, "Chronos 2\n"],
      [from.slice(0, 10), "Chronos\n"],
      ["main", "Chronos 2\n"],
    ] as const) {
      settings({ dashboard: host }, { background_color: "#123456", git_ref: ref });
      expectExit(await run("dashboard"), 0);
      expect(host.read("README.md")).toBe(readme);
    }
    expect(host.installs).toBe(7);
  });

  it("a ref that is not there is told, and costs nothing", async () => {
    const before = host.times();
    settings({ dashboard: host }, { background_color: "#123456", git_ref: "v9" });
    const ran = await run("dashboard");
    expectExit(ran, 1);
    expect(ran.stdout).toContain("has no branch, tag or commit v9");
    expect(host.times()).toEqual(before);
    settings({ dashboard: host }, { background_color: "#123456" });
    expect((await runJson("dashboard")).hosts[0]?.status).toBe("unchanged");
  });

  it("local changes on the host do not block, and are kept as a patch", async () => {
    settings({ dashboard: host }, { background_color: "#123456" });
    appendFileSync(host.path("README.md"), "edited here\n");
    appendFileSync(host.path(".env"), "EDITED=here\n");
    const { hosts } = await runJson("dashboard");
    expect(hosts[0]).toMatchObject({ status: "changed", files: { ".env": ["(edited)"] } });
    expect(host.read("README.md")).toBe("Chronos 2\n");
    expect(host.read(".env")).not.toContain("EDITED");
    expect(readFileSync(join(host.home, ".landfall/chronos2/local-changes.patch"), "utf8")).toContain(
      "+edited here",
    );
    writeFileSync(host.path("fresh.txt"), "in the way\n");
    commit({ "fresh.txt": "from git\n" });
    expectExit(await run("dashboard"), 0);
    expect(host.read("fresh.txt")).toBe("from git\n");
  });

  it("an installation that failed is told without secrets, and done again", async () => {
    settings({ dashboard: host }, { background_color: "#abcdef" });
    writeFileSync(join(host.home, "fail"), "");
    const before = host.installs;
    for (const attempt of [1, 2]) {
      const ran = await run("dashboard");
      expectExit(ran, 1);
      expect(ran.stdout).toContain("install.sh failed");
      expect(ran.stdout).toContain("it does not work");
      expect(ran.stdout).toContain("(secret)"); // it printed the settings
      for (const canary of canaries) expect(`${attempt}${String(ran.stdout)}`).not.toContain(canary);
    }
    rmSync(join(host.home, "fail"));
    const { hosts } = await runJson("dashboard");
    expect(hosts[0]).toMatchObject({ status: "changed", files: {}, installed: true });
    expect(host.installs).toBe(before + 1);
    expect((await runJson("dashboard")).hosts[0]?.status).toBe("unchanged");
  });

  it("a connection lost during the installation is told; the next run waits for its end and finds all done", async () => {
    settings({ dashboard: host }, { background_color: "#000001" });
    const before = host.installs;
    rmSync(join(host.home, "installing"), { force: true });
    writeFileSync(join(host.home, "hold"), "");
    const first = run("dashboard");
    await until(() => existsSync(join(host.home, "installing")));
    for (const pid of host.sessions()) process.kill(pid, "SIGKILL");
    const lost = await first;
    expectExit(lost, 1);
    expect(lost.stdout).toContain('The connection was lost at "running install.sh"');
    expect(host.installs).toBe(before);
    const second = start("dashboard");
    let told = "";
    second.stderr?.on("data", (text) => (told += String(text)));
    await until(() => told.includes("waiting for another run on this host"));
    rmSync(join(host.home, "hold"));
    expectExit((await second) as unknown as Ran, 0);
    expect(host.installs).toBe(before + 1);
    expect((await runJson("dashboard")).hosts[0]?.status).toBe("unchanged");
    expect(host.read("dashboard_frontend/.env.docker")).toContain("#000001");
  });

  it("a host that dies half way through its files is mended by the next run", async () => {
    settings({ dashboard: host }, { background_color: "#000002" });
    const before = host.installs;
    // The second file's move never returns
    host.tool("mv", `case "$*" in */.env) kill -9 $PPID; exit 1 ;; esac\nexec /bin/mv "$@"`);
    const ran = await run("dashboard");
    rmSync(join(host.home, "bin", "mv"));
    expectExit(ran, 1);
    expect(host.read("dashboard_frontend/.env.docker")).toContain("#000002");
    expect(host.read(".env")).not.toContain("#000002");
    expect(readdirSync(host.path()).filter((file) => file.includes(".landfall."))).toHaveLength(1);
    writeFileSync(host.path(".git", "index.lock"), "");
    commit({ "late.txt": "which a lock of git's would keep out\n" });
    expect((await runJson("dashboard")).hosts[0]).toMatchObject({
      files: { ".env": expect.anything() },
      installed: true,
    });
    expect(readdirSync(host.path()).filter((file) => file.includes(".landfall."))).toEqual([]);
    expect(host.installs).toBe(before + 1);
  });

  it("Ctrl-C ends with 130, and the next run finishes", async () => {
    settings({ dashboard: host }, { background_color: "#000003" });
    rmSync(join(host.home, "installing"), { force: true });
    writeFileSync(join(host.home, "hold"), "");
    const running = start("dashboard");
    await until(() => existsSync(join(host.home, "installing")));
    running.kill("SIGINT");
    const stopped = (await running) as unknown as Ran;
    expectExit(stopped, 130);
    expect(stopped.stdout).toMatch(/^dashboard {2}interrupted/m);
    rmSync(join(host.home, "hold"));
    expectExit(await run("dashboard"), 0);
    expect((await runJson("dashboard")).hosts[0]?.status).toBe("unchanged");
  });

  it("waits for the first boot with a limit, and fails at once where set-up fails again", async () => {
    settings({ dashboard: host }, { background_color: "#000003" });
    rmSync(join(host.home, ".setup_complete"));
    const late = await run("dashboard", "--wait", "1");
    expectExit(late, 1);
    expect(late.stderr).toContain("waiting for the first boot");
    expect(late.stdout).toMatch(/no \S+\/\.setup_complete after 1 s/);
    writeFileSync(join(host.home, ".setup_failed"), "docker compose plugin\n");
    const failed = await run("dashboard");
    expectExit(failed, 1);
    expect(failed.stdout).toContain("the first boot failed: docker compose plugin");
    rmSync(join(host.home, ".setup_failed"));
    setTimeout(() => host.readyForUse(), 1500);
    expectExit(await run("dashboard"), 0);
  });

  it("refuses another host key, sends nothing, and says what it may mean", async () => {
    settings({ dashboard: host }, { background_color: "#000004" });
    const { hostKey } = host;
    await host.stop();
    host.newHostKey();
    await host.up();
    settings({ dashboard: host }, { background_color: "#000004", ssh_host_keys: `dashboard=${hostKey}` });
    const before = host.times();
    const ran = await run("dashboard");
    expectExit(ran, 1);
    expect(ran.stdout).toContain("another SSH host key than the one that is known");
    expect(ran.stdout).toContain("somebody stands between you and it");
    expect(host.times()).toEqual(before);
    settings({ dashboard: host }, { background_color: "#000004" });
    expectExit(await run("dashboard"), 0);
  });

  it("refuses a host whose key nobody says, and tells what to do", async () => {
    rmSync(project.path(".landfall", "known_hosts", "sandbox"));
    settings({ dashboard: host }, { ssh_host_keys: "" });
    const ran = await run("dashboard");
    expectExit(ran, 1);
    expect(ran.stdout).toContain("Nobody says which SSH host key dashboard has");
    expect(ran.stdout).toContain('ssh_host_keys="dashboard=ssh-ed25519 AAAA…"');
  });

  it("never lets ssh accept a key by itself", () => {
    const code = readFileSync(join(__dirname, "..", "..", "cli", "ssh.ts"), "utf8");
    expect(code).toContain('StrictHostKeyChecking: "yes"');
    expect(code).not.toMatch(/StrictHostKeyChecking\W+(no|accept-new)/);
  });

  describe("on EC2", () => {
    const outputs = {
      dashboard_instance_id: { value: "i-0123456789abcdef0" },
      dashboard_public_ip: { value: "127.0.0.1" },
    };
    const environment = () => ({
      PATH: `${inScratch("aws")}:${process.env.PATH}`,
      LANDFALL_SSH_CONFIG: inScratch("ssh_config"),
    });
    const knownHosts = inScratch("known_hosts");
    const folder = inScratch("environments");

    function prepare(console_: string): void {
      mkdirSync(inScratch("aws"), { recursive: true });
      mkdirSync(folder, { recursive: true });
      writeFileSync(inScratch("aws", "console"), console_);
      writeFileSync(
        inScratch("aws", "aws"),
        `#!/bin/sh\necho "$@" >>${inScratch("aws", "calls")}\ncat ${inScratch("aws", "console")}\n`,
        { mode: 0o755 },
      );
      const pairs = (values: Record<string, string>) =>
        formatEnvFile(Object.entries(values).map(([name, value]) => ({ name, value })));
      writeFileSync(
        join(folder, "shared.env"),
        pairs({
          TF_VAR_name_prefix: "agt",
          TF_VAR_allowed_account_ids: "436957243186",
          TF_VAR_addresses: "stage-dashboard",
        }),
      );
      writeFileSync(
        join(folder, "stage.env"),
        pairs({
          TF_VAR_deptype: "stage",
          TF_VAR_systems: "chronos",
          TF_VAR_public_key: publicKey,
          vite_api_base_url: "https://stage.example.com/api",
          repository_url: `file://${repository}`,
          dashboard_ssh: `${login}@127.0.0.1:${host.port}`,
        }),
      );
      const { edge_settings, ...secrets } = tricky;
      writeFileSync(join(folder, "stage.secrets.env"), pairs({ ...secrets, edge_settings }), { mode: 0o600 });
    }
    const onEc2 = () =>
      configure("stage", {
        environment: environment(),
        kind: "dashboard",
        outputs,
        knownHosts,
        folder,
        wait: 0,
      });
    const consoleWith = (key: string) =>
      `[ 12.3] cloud-init[1]: x\n-----BEGIN SSH HOST KEY KEYS-----\n${key} root@host\n-----END SSH HOST KEY KEYS-----\n`;

    it("the key is pinned from the console of the instance, once", async () => {
      prepare(consoleWith(host.hostKey));
      const first = await onEc2();
      expect(formatResult(first)).toContain("changed");
      expect(first.ok).toBe(true);
      expect(readFileSync(knownHosts, "utf8")).toBe(
        `stage-dashboard.i-0123456789abcdef0 ${host.hostKey.split(" ").slice(0, 2).join(" ")}\n`,
      );
      const calls = readFileSync(inScratch("aws", "calls"), "utf8");
      expect(calls).toMatch(
        /^ec2 get-console-output --instance-id i-0123456789abcdef0 --region us-east-1 .*--latest$/m,
      );
      expect((await onEc2()).hosts[0]?.status).toBe("unchanged");
      expect(readFileSync(inScratch("aws", "calls"), "utf8")).toBe(calls);
    });

    it("a console that shows another key is not believed twice: the changed key is an error", async () => {
      await host.stop();
      host.newHostKey();
      await host.up();
      prepare(consoleWith(host.hostKey));
      const { ok, hosts } = await onEc2();
      expect(ok).toBe(false);
      expect(hosts[0]?.reason).toContain("another SSH host key");
      expect(hosts[0]?.mend).toContain("ssh-keygen -R stage-dashboard.i-0123456789abcdef0 -f");
    });

    it("a console without keys is told", async () => {
      rmSync(knownHosts);
      prepare("booting\n");
      const { hosts } = await onEc2();
      expect(hosts[0]).toMatchObject({
        status: "failed",
        reason: expect.stringContaining("shows no SSH host keys"),
      });
    });
  });
});

suite("configure edge, several machines", () => {
  const plants: Server[] = [];
  let nowhere = 0;
  beforeAll(async () => {
    for (const name of ["plant-1", "plant-2", "plant-3"]) plants.push(await Server.start(name));
    nowhere = await freePort();
  });

  it("does all that can be reached, and tells by exit code and table which could not", async () => {
    settings({ edges: plants });
    const [first] = plants;
    project.set("sandbox.env", {
      edge_machines: [
        ...plants.map(({ name, port }) => `${name}=${login}@127.0.0.1:${port}`),
        `plant-4=${login}@127.0.0.1:${nowhere}`,
      ].join(),
      frp_remote_ports: "edge-1=6000,plant-1=6001,plant-2=6002,plant-3=6003,plant-4=6004",
      ssh_host_keys: [
        ...plants.map(({ name, hostKey }) => `${name}=${hostKey}`),
        `plant-4=${first?.hostKey}`,
      ].join(),
      edge_git_ref: "main",
    });
    writeFileSync(join(plants[1]?.home ?? "", "fail"), "");
    // All at once: each installer waits until the other two have begun
    for (const plant of plants) writeFileSync(join(plant.home, "hold"), "");
    const running = run("edge");
    await until(() => plants.every(({ home }) => existsSync(join(home, "installing"))));
    for (const plant of plants) rmSync(join(plant.home, "hold"));
    const ran = await running;
    expectExit(ran, 1);
    expect(ran.stdout).toMatch(/^edge-1 +skipped$/m);
    expect(ran.stdout).toMatch(/^plant-1 +changed .*installed$/m);
    expect(ran.stdout).toMatch(/^plant-2 +failed/m);
    expect(ran.stdout).toMatch(/^plant-3 +changed .*installed$/m);
    expect(ran.stdout).toMatch(/^plant-4 +failed\n {4}plant-4 cannot be reached by SSH/m);
    expect(plants.map(({ installs }) => installs)).toEqual([1, 0, 1]);
    for (const canary of canaries) expect(`${String(ran.stdout)}${String(ran.stderr)}`).not.toContain(canary);
  });

  it("writes each its own settings", () => {
    const [first] = plants;
    expect(toml(first?.path("frp_config/frpc.toml") ?? "")).toEqual({
      serverAddr: "sandbox.chronos.example.com",
      serverPort: 7000,
      auth: { method: "token", token: tricky.frp_auth_token },
      proxies: [{ name: "plant-1", type: "tcp", localIP: "127.0.0.1", localPort: 5171, remotePort: 6001 }],
    });
    expect(shellEnv(first?.path("edge_server/.env") ?? "")).toEqual({
      EDGE_NAME: "plant-1",
      DEVICE_PASSWORD: "d'e $v `i` #c",
      READ_ONLY_MODE: "true",
    });
    expect(plants[2]?.read("frp_config/frpc.toml")).toContain("remotePort = 6003");
    expect(existsSync(first?.path(".env.deployment") ?? "")).toBe(false); // the dashboard's
  });

  it("--host does one alone, and --json is for scripts", async () => {
    rmSync(join(plants[1]?.home ?? "", "fail"));
    const { ok, hosts } = await runJson("edge", "--host", "plant-2");
    expect(ok).toBe(true);
    expect(hosts).toEqual([expect.objectContaining({ name: "plant-2", status: "changed", installed: true })]);
    const unknown = await run("--host", "plant-9");
    expectExit(unknown, 2);
    expect(unknown.stderr).toContain("It has: dashboard, edge-1, plant-1, plant-2, plant-3, plant-4");
  });
});

suite("logs and a shell", () => {
  let host: Server;
  beforeAll(async () => {
    host = await Server.start("plant-9");
    settings({ edges: [host] });
  });
  const onHost = (...args: string[]) =>
    project.run("./landfall", args, { env: { LANDFALL_SSH_CONFIG: inScratch("ssh_config") } });

  it("ssh runs a command there, prints the plain one, and ends as it does", async () => {
    const ran = await onHost("ssh", "sandbox", "plant-9", "--", "echo", "$HOME;", "exit", "7");
    expectExit(ran, 7);
    expect(ran.stdout).toContain(host.home);
    expect(ran.stderr).toMatch(
      /^ssh -F .*StrictHostKeyChecking=yes.* -- 127\.0\.0\.1 echo '.HOME;' exit 7$/m,
    );
  });

  it("logs ask the journal of the unit, or the containers", async () => {
    host.tool("sudo", 'echo "would run $*"');
    const unit = await onHost("logs", "sandbox", "plant-9", "-n", "5");
    expectExit(unit, 0);
    expect(unit.stdout).toContain("would run journalctl --no-pager -u chronos-edge -n 5");
    mkdirSync(host.path(), { recursive: true });
    const containers = await onHost("logs", "sandbox", "plant-9", "--containers");
    expect(containers.stdout).toContain("would run docker compose logs --tail 200");
  });

  it("a host that is only emulated is told", async () => {
    const ran = await onHost("ssh", "sandbox", "edge-1");
    expectExit(ran, 1);
    expect(ran.stderr).toContain("only emulates edge-1");
  });
});

suite("the sandbox's own hosts", () => {
  it("are named and skipped", async () => {
    settings({});
    const ran = await run();
    expectExit(ran, 0);
    expect(ran.stdout).toMatch(/^dashboard +skipped\n.*the sandbox only emulates this host/m);
    expect(ran.stdout).toMatch(/^edge-1 +skipped$/m);
  });
});

function processArguments(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return []; // it ended
      }
    });
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => join(folder, file))
    .filter((file) => statSync(file).isFile());

/** What a shell makes of a file, as of systemd's `EnvironmentFile`, whose quoting is a shell's. */
function shellEnv(file: string): Record<string, string> {
  const { stdout } = execaSync("env", ["-i", "/bin/sh", "-c", 'set -a; . "$0"; exec /usr/bin/env -0', file]);
  return Object.fromEntries(
    stdout
      .split("\0")
      .filter((line) => line !== "" && !/^(PWD|_|SHLVL|OLDPWD)=/.test(line))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

function toml(file: string): unknown {
  const program = "import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], 'rb'))))";
  return JSON.parse(execaSync("python3", ["-c", program, file]).stdout);
}
