import { execaSync } from "execa";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectRoot } from "../../environments/root";
import { hostInput } from "../../workloads/chronos/application";

jest.setTimeout(60_000); // each run of the script is many processes

const has = (program: string) => !execaSync("which", [program], { reject: false }).failed;
const suite = ["git", "flock"].every(has) ? describe : describe.skip;

let root: string;
const path = (file: string) => join(root, file);
function write(file: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path(file)), { recursive: true });
  writeFileSync(path(file), text, { mode });
}
const read = (file: string) => readFileSync(path(file), "utf8");

/** Takes the place of the host's own set-up: does as told, notes that it ran, and leaves the marker. */
const setUp = (body: string) =>
  write(
    "usr/local/sbin/setup-host",
    `#!/bin/sh
echo ran >>"$ROOT/runs"
mkdir "$ROOT/made"
${body}
`,
    0o755,
  );
const succeeds = 'rm "$HOME/.setup_failed"; touch "$HOME/.setup_complete"';
const fails = 'echo install_compose >"$HOME/.setup_failed"; echo "curl: (28) timed out" >&2; exit 1';

/** Runs the script as `configure` does, against a home folder and a repository of the test. */
function configureHost({ wait = 1 } = {}) {
  const input = hostInput(
    {
      name: "dashboard",
      kind: "dashboard",
      repository: `file://${path("chronos2.git")}`,
      ref: "main",
      files: [],
      onEc2: true,
      hostKeys: [],
    },
    { wait },
  );
  const { exitCode, stdout, stderr } = execaSync("bash", ["-s"], {
    input,
    extendEnv: false,
    env: { PATH: `${path("bin")}:${process.env.PATH}`, HOME: path("home"), ROOT: root },
    reject: false,
  });
  return { exitCode, stdout, stderr };
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "landfall-first-boot-"));
  mkdirSync(path("home"));
  mkdirSync(path("var/log"), { recursive: true });
  write("bin/sudo", '#!/bin/sh\nshift\nexec "$@"\n', 0o755);
  const git = (...args: string[]) =>
    execaSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], { cwd: root });
  git("init", "--quiet", "--initial-branch=main", "work");
  write("work/install.sh", "#!/bin/sh\n");
  git("-C", "work", "add", ".");
  git("-C", "work", "commit", "--quiet", "-m", "one");
  git("clone", "--quiet", "--bare", "work", "chronos2.git");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

suite("a host whose first boot failed (needs git and flock)", () => {
  beforeEach(() => write("home/.setup_failed", "start_docker\n"));

  it("is set up again, says so, and goes on", () => {
    setUp(succeeds);
    const { exitCode, stdout } = configureHost();
    expect(stdout).toContain("landfall: step the first boot failed: start_docker; setting the host up again");
    expect(stdout).toMatch(/landfall: installed\nlandfall: done$/);
    expect(exitCode).toBe(0);
    expect(read("runs")).toBe("ran\n");
    expect(statSync(path("made")).mode & 0o777).toBe(0o755); // what set-up makes is for all users of the host
  });

  it("is told of where that fails too: the step, the log, its end, and what to run", () => {
    setUp(fails);
    write("var/log/setup-host.log", "of the first boot\n");
    const { exitCode, stdout, stderr } = configureHost();
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /\nlandfall: failed setup the first boot failed: install_compose; .*setup-host\.log.* sudo \S*\/usr\/local\/sbin\/setup-host$/,
    );
    expect(read("var/log/setup-host.log")).toBe("of the first boot\ncurl: (28) timed out\n");
    expect(stderr).toContain("curl: (28) timed out");
    expect(read("runs")).toBe("ran\n");
    expect(existsSync(path("home/chronos2"))).toBe(false);
  });

  it("is not set up for ever where set-up leaves no marker here", () => {
    setUp("exit 0");
    expect(configureHost()).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining("failed setup the first boot failed: start_docker"),
    });
    expect(read("runs")).toBe("ran\n");
  });

  it("is told of where there is no set-up to run", () => {
    expect(configureHost()).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining("failed setup the first boot failed: start_docker"),
    });
    expect(existsSync(path("var/log/setup-host.log"))).toBe(false);
  });
});

suite("a host that is not ready (needs git and flock)", () => {
  it("is waited for, never set up while its first boot runs, and its logs are named", () => {
    setUp(succeeds);
    expect(configureHost()).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/\.setup_complete after 1 s; .*\/var\/log\/cloud-init-output\.log/),
    });
    expect(existsSync(path("runs"))).toBe(false);
  });

  it("is left as it is where all went well", () => {
    setUp(succeeds);
    write("home/.setup_complete", "");
    expect(configureHost()).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/landfall: done$/) });
    expect(existsSync(path("runs"))).toBe(false);
  });
});

describe("the set-up of a host", () => {
  /** @param works the try of dnf that works */
  function run(works: number, { there = false } = {}) {
    mkdirSync(path("home/ec2-user"), { recursive: true });
    const note = 'echo "${0##*/} $*" >>"$ROOT/calls"';
    const standIns = {
      rpm: '[ -e "$ROOT/installed" ]',
      dnf: `echo x >>"$ROOT/tries"; [ "$(wc -l <"$ROOT/tries")" -ge ${works} ] && touch "$ROOT/installed"`,
      systemctl: '[ -e "$ROOT/installed" ]', // without Docker there is no docker.service
      usermod: "",
      docker: "echo Docker Compose version v2.39.4",
    };
    for (const [name, body] of Object.entries(standIns))
      write(`bin/${name}`, `#!/bin/sh\n${note}\n${body}\n`, 0o755);
    if (there) write("installed", "");
    const { exitCode } = execaSync("sh", [join(projectRoot, "workloads/chronos/setup-host.sh")], {
      extendEnv: false,
      env: { PATH: `${path("bin")}:${process.env.PATH}`, ROOT: root, TRY_SECONDS: "0" },
      reject: false,
    });
    const calls = read("calls").split("\n");
    const marker = (name: string) => existsSync(path(`home/ec2-user/.setup_${name}`));
    const installs = calls.filter((call) => call.startsWith("dnf"));
    return { exitCode, installs, complete: marker("complete"), failed: marker("failed") };
  }
  const install = "dnf install -y docker git rsync";

  it("installs what cloud-init did not, with more than one try", () => {
    expect(run(3)).toEqual({ exitCode: 0, installs: Array(3).fill(install), complete: true, failed: false });
  });

  it("installs nothing that is there", () => {
    expect(run(9, { there: true })).toEqual({ exitCode: 0, installs: [], complete: true, failed: false });
  });

  it("says that packages are what it lacks, where they do not come", () => {
    expect(run(9)).toMatchObject({ exitCode: 1, complete: false, failed: true });
    expect(read("home/ec2-user/.setup_failed")).toBe("install_packages\n");
  });
});
