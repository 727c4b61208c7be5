import { execaSync } from "execa";
import { existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { fixture, ScratchHost } from "./support/x-scheduler";

jest.setTimeout(5 * 60_000);

let host: ScratchHost;
const create = async () => {
  host = await ScratchHost.create();
};
const remove = () => host.remove();
const hostForEach = () => {
  beforeEach(create);
  afterEach(remove);
};
/** One host with a healthy release for all tests of a block; each leaves it as healthy. */
const hostForAll = () => {
  beforeAll(async () => {
    await create();
    await deployed("one");
  });
  afterAll(remove);
};

async function deployed(version: string, ...args: string[]): Promise<string> {
  const commit = host.repository.commit(version);
  const ran = await host.update("update", ...args);
  expect([ran.exitCode, ran.exitCode ? ran.all : ""]).toEqual([0, ""]);
  return commit;
}

describe("updates", () => {
  hostForEach();
  it("serve the first release, then a second, and nothing where the commit is the same", async () => {
    host.python = "python3";
    const first = await deployed("one");
    expect(await host.answer()).toEqual({
      version: "one",
      AWS_S3_BUCKET: "stage-videos",
      DYNAMODB_TABLE: "stage-XSchedulerUserTokens",
      AWS_DEFAULT_REGION: "us-east-1",
      X_API_KEY: "secret-1",
    });
    expect(readFileSync(host.path("var/log/x-scheduler/pipeline.log"), "utf8")).toContain(
      "scheduler with tiny, key 8",
    );
    const status = await host.update("status");
    expect(status.exitCode).toBe(0);
    expect(status.stdout).toContain(`commit  ${first}`);
    expect(status.stdout).toContain("x-scheduler: healthy\nx-scheduler-oauth-web: healthy");

    const second = await deployed("two");
    expect(await host.version()).toBe("two");
    expect(host.current()).toContain(second.slice(0, 12));
    const list = (await host.update("list")).stdout;
    expect(list).toMatch(
      new RegExp(`^  \\S+-${first.slice(0, 12)}  main  healthy\n\\* \\S+-${second.slice(0, 12)}  main`),
    );

    const restarts = () => host.calls("systemctl").filter((call) => call.startsWith("restart")).length;
    const before = restarts();
    const again = await host.update("update");
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toContain("nothing to do");
    expect(restarts()).toBe(before);
    expect(host.releases()).toHaveLength(2);

    expect((await host.update("update", "--force")).exitCode).toBe(0);
    expect(host.releases()).toHaveLength(3);
  });

  it("take a branch, a tag, a commit and an abbreviated commit", async () => {
    const one = await deployed("one");
    host.repository.git("tag", "--annotate", "--message=v1", "v1");
    host.repository.git("switch", "--quiet", "--create", "feature/x");
    const two = host.repository.commit("two");
    for (const [ref, version] of [
      ["feature/x", "two"],
      ["v1", "one"],
      [two, "two"],
      [one.slice(0, 8), "one"],
    ] as const) {
      const ran = await host.update("update", "--ref", ref);
      expect([ref, ran.exitCode]).toEqual([ref, 0]);
      expect(await host.version()).toBe(version);
    }
  });

  it("take repository and ref from their parameters where the settings have none", async () => {
    host.settings({ REPOSITORY: "", GIT_REF: "", SOURCE_PARAMETERS: "/landfall/stage/x-scheduler/" });
    const source = (ref: string) =>
      host.source({
        "/landfall/stage/x-scheduler/repository": host.repository.folder,
        "/landfall/stage/x-scheduler/git-ref": ref,
      });
    source("main");
    await deployed("one");
    host.repository.git("tag", "v2");
    source("v2");
    await deployed("two");
    expect(await host.version()).toBe("one"); // the tag stayed where it was
  });

  it("follow a branch that was rewritten", async () => {
    await deployed("one");
    host.repository.git("commit", "--quiet", "--amend", "--message=rewritten", "--allow-empty");
    await deployed("two");
    expect(await host.version()).toBe("two");
  });

  it("keep as many releases as asked for", async () => {
    for (const version of ["one", "two", "three", "four"]) {
      host.repository.commit(version);
      expect((await host.start("update.sh", ["update"], { KEEP: "2" })).exitCode).toBe(0);
    }
    expect(host.releases()).toHaveLength(2);
    expect(host.releases()).toContain(host.current());
  });

  it("install with hashes where there are hashes, and refuse a package with another one", async () => {
    const wheel = "./wheels/tiny-1.0-py3-none-any.whl";
    const hash = execaSync("sha256sum", [join(host.repository.folder, wheel)]).stdout.split(" ")[0];
    host.repository.write("requirements.txt", `${wheel} --hash=sha256:${hash}\n`);
    await deployed("one");
    host.repository.write("requirements.txt", `${wheel} --hash=sha256:${"0".repeat(64)}\n`);
    host.repository.commit("two");
    const ran = await host.update("update");
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toContain("DO NOT MATCH THE HASHES");
    expect(await host.version()).toBe("one");
  });
});

describe("what fails leaves the old release serving", () => {
  let old: string;
  hostForAll();
  let good: string;
  beforeAll(() => {
    old = host.current();
    good = host.repository.git("rev-parse", "HEAD");
  });
  afterEach(() => {
    host.repository.git("reset", "--quiet", "--hard", good);
    host.settings({});
  });
  const stillServing = async () => {
    expect(await host.version()).toBe("one");
    expect(host.current()).toBe(old);
    expect((await host.update("status")).exitCode).toBe(0);
  };

  it.each(["crashes at once", "answers 500"])("a web server that %s", async (version) => {
    host.repository.commit(version);
    const ran = await host.update("update");
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toMatch(new RegExp(`error: .* is not healthy; ${old} is in use again`));
    await stillServing();
  });

  it("a scheduler that ends", async () => {
    host.repository.write("src/scheduler.py", "raise SystemExit(1)\n");
    host.repository.commit("two");
    const ran = await host.update("update");
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toContain("x-scheduler: not healthy: x-scheduler.service is failed");
    await stillServing();
  });

  it("a scheduler that ends while its steadiness is watched", async () => {
    host.repository.write("src/scheduler.py", "import time\ntime.sleep(2)\n");
    host.repository.commit("two");
    expect((await host.start("update.sh", ["update"], { HEALTH_STEADY: "4" })).exitCode).toBe(1);
    await stillServing();
  });

  it("a ref that is not there", async () => {
    const ran = await host.update("update", "--ref", "v9");
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toContain("error: no branch, tag or commit v9 in the repository");
    await stillServing();
  });

  it("parameters that cannot be read", async () => {
    host.settings({ REPOSITORY: "", GIT_REF: "", SOURCE_PARAMETERS: "/landfall/stage/x-scheduler/" });
    host.source({});
    const ran = await host.update("update");
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toContain("error: cannot read the parameter /landfall/stage/x-scheduler/git-ref");
    await stillServing();
  });

  it("a repository that cannot be reached", async () => {
    host.settings({ REPOSITORY: host.path("nowhere") });
    const ran = await host.update("update");
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toContain(`error: cannot fetch ${host.path("nowhere")}`);
    await stillServing();
  });

  it("a requirement that cannot be installed", async () => {
    host.repository.write("requirements.txt", "./wheels/no-such-package-1.0-py3-none-any.whl\n");
    host.repository.commit("two");
    const ran = await host.update("update");
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toContain("error: cannot install requirements.txt of main");
    await stillServing();
  });

  it("a ref that is another application", async () => {
    host.repository.git("rm", "--quiet", "src/scheduler.py");
    host.repository.commit("two");
    const ran = await host.update("update");
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toContain("error: no src/scheduler.py in main");
    await stillServing();
  });

  it("and the next good one takes over, and removes what was left", async () => {
    host.repository.commit("crashes");
    await host.update("update");
    await deployed("two");
    expect(await host.version()).toBe("two");
    expect(host.releases()).toHaveLength(2);
  });
});

describe("rollback", () => {
  hostForEach();
  it("goes to the release before, and then to the one before that, never to one that was left", async () => {
    for (const version of ["one", "two", "three"]) {
      host.repository.commit(version);
      expect((await host.update("update")).exitCode).toBe(0);
    }
    for (const version of ["two", "one"]) {
      expect((await host.update("rollback")).exitCode).toBe(0);
      expect(await host.version()).toBe(version);
    }
    host.repository.commit("four");
    expect((await host.update("update")).exitCode).toBe(0);
    expect((await host.update("rollback")).exitCode).toBe(0);
    expect(await host.version()).toBe("one");
  });

  it("with none before says so and changes nothing", async () => {
    const none = await host.update("rollback");
    expect(none.exitCode).toBe(1);
    await deployed("one");
    const ran = await host.update("rollback");
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toContain("nothing to go back to");
    expect(await host.version()).toBe("one");
  });

  it("a first release that is broken stays, is named, and is replaced by the next", async () => {
    host.repository.commit("crashes");
    const ran = await host.update("update");
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toContain("there is no healthy release to go back to");
    expect(host.current()).toBeTruthy();
    expect((await host.update("status")).exitCode).toBe(1);
    // The same commit again is tried again, as the cause may have been elsewhere
    expect((await host.update("update")).exitCode).toBe(1);
    await deployed("one");
    expect(await host.version()).toBe("one");
    expect((await host.update("list")).stdout).toMatch(
      /^ {2}\S+ {2}main {2}unverified\n\* \S+ {2}main {2}healthy$/,
    );
  });
});

/**
 * Kills an update's whole process group with SIGKILL as it comes to a command. bash reads the file at its start; the
 * script itself knows nothing of it.
 */
function killer(): string {
  const file = host.path("killer.sh");
  writeFileSync(
    file,
    `if [[ $0 == *update.sh ]]; then
  set -o functrace
  trap 'if [[ $BASH_COMMAND == $KILL_AT ]]; then kill -KILL 0; fi' DEBUG
fi\n`,
  );
  return file;
}

describe("an update killed at any step", () => {
  const steps: [string, string, "good" | "broken"][] = [
    ["fetching", "*fetch --quiet --prune*", "good"],
    ["making the folder", 'mkdir "$folder"', "good"],
    ["unpacking", "tar -x*", "good"],
    ["making the environment", "*venv .venv*", "good"],
    ["installing", "*pip install*", "good"],
    ["protecting the files", "chmod -R*", "good"],
    ["marking it complete", 'mv "$folder/.release.new"*', "good"],
    ["noting the switch", 'mv "$home/switching.new"*', "good"],
    ["making the link", "ln -sfn*", "good"],
    ["replacing the link", "mv -T*", "good"],
    ["restarting", "service_manager restart*", "good"],
    ["checking", "report=*", "good"],
    ["marking it healthy", "touch *.healthy*", "good"],
    ["ending the switch", 'rm "$home/switching"', "good"],
    ["restarting a broken one", "service_manager restart*", "broken"],
    ["going back from a broken one", "go_back_to*", "broken"],
  ];

  hostForAll();

  it.each(steps)("%s", async (step, command, kind) => {
    const old = host.current();
    const before = await host.version();
    const after = kind === "good" ? `killed while ${step}` : "crashes";
    host.repository.commit(after);
    const killed = await host.start("update.sh", ["update"], { BASH_ENV: killer(), KILL_AT: command });
    expect(killed.signal).toBe("SIGKILL");
    host.current(); // a whole release, whichever it is

    // What the health timer does within a minute
    expect((await host.update("recover")).exitCode).toBe(0);
    expect((await host.update("status")).exitCode).toBe(0);
    expect(await host.version()).toBe(before);
    expect(host.current()).toBe(old);

    const again = await host.update("update");
    expect(again.exitCode).toBe(kind === "good" ? 0 : 1);
    expect(await host.version()).toBe(kind === "good" ? after : before);
    expect(existsSync(host.path("opt/x-scheduler/releases", host.current(), ".healthy"))).toBe(true);
    expect(existsSync(host.path("opt/x-scheduler/switching"))).toBe(false);
    if (kind === "broken") host.repository.git("reset", "--quiet", "--hard", "HEAD^");
  });
});

describe("updates in odd circumstances", () => {
  hostForEach();

  it("killed the first of all: run again, it mends what is left", async () => {
    host.repository.commit("one");
    await host.start("update.sh", ["update"], { BASH_ENV: killer(), KILL_AT: "mv -T*" });
    expect((await host.update("update")).exitCode).toBe(0);
    expect(await host.version()).toBe("one");
  });

  it("two updates at once: the second says so and does nothing, the first ends well", async () => {
    host.repository.commit("one");
    const first = host.update("update");
    while (!existsSync(host.path("opt/x-scheduler/repository"))) await sleep(20);
    const second = await host.update("update");
    expect(second.exitCode).toBe(1);
    expect(second.all).toContain("error: another update is running on this host");
    expect((await host.update("recover")).exitCode).toBe(0);
    expect((await first).exitCode).toBe(0);
    expect(host.releases()).toHaveLength(1);
    expect(await host.version()).toBe("one");
    // The services keep no lock
    expect((await host.update("update")).stdout).toContain("nothing to do");
  });

  it("an update whose terminal goes away while it switches ends by itself", async () => {
    host.repository.commit("one");
    const ran = host.update("update");
    while (!existsSync(host.path("opt/x-scheduler/switching"))) await sleep(20);
    process.kill(-(ran.pid ?? 0), "SIGHUP");
    ran.stdout.destroy();
    ran.stderr.destroy();
    ran.all?.destroy();
    await ran.catch(() => undefined);
    while (existsSync(host.path("opt/x-scheduler/switching"))) await sleep(50);
    expect(await host.version()).toBe("one");
    const log = readFileSync(host.path("var/log/landfall/update.log"), "utf8");
    expect(log).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+Z \S+ is in use and healthy$/m);
  });
});

describe("arguments", () => {
  beforeAll(create);
  afterAll(remove);

  it.each([
    [[], 2, "no verb"],
    [["upgrade"], 2, "unknown verb upgrade"],
    [["update", "--reff", "x"], 2, "unknown argument --reff"],
    [["update", "--ref"], 2, "--ref needs"],
    [["update", "--ref", "--upload-pack=x"], 2, "is no git ref"],
    [["update", "--ref", "a..b"], 2, "is no git ref"],
    [["status", "x"], 2, "takes no arguments"],
    [["status"], 1, "no release"],
    [["--help"], 0, "usage: update.sh"],
  ])("update.sh %j ends with %i", async (args, code, text) => {
    const ran = await host.update(...args);
    expect(ran.exitCode).toBe(code);
    expect(ran.all).toContain(text);
  });
});

describe("health", () => {
  hostForAll();
  const systemctl = (...args: string[]) =>
    execaSync(join(fixture, "bin/systemctl"), args, { env: host.environment });
  const metrics = async () => {
    const ran = await host.start("health.sh", ["publish"]);
    const call = JSON.parse(host.calls("aws").at(-1) ?? "[]") as string[];
    return { ran, call, data: JSON.parse(call.at(-1) ?? "null") as { Value: number }[] };
  };
  const dimensions = (service: string) => [
    { Name: "Environment", Value: "stage" },
    { Name: "Service", Value: service },
  ];

  it("is put for both services", async () => {
    const { ran, call, data } = await metrics();
    expect(ran.exitCode).toBe(0);
    expect(call.slice(0, 6)).toEqual([
      ...["cloudwatch", "put-metric-data", "--region", "us-east-1", "--namespace", "Landfall/XScheduler"],
    ]);
    expect(data).toEqual([
      { MetricName: "Healthy", Value: 1, Dimensions: dimensions("x-scheduler") },
      { MetricName: "Healthy", Value: 1, Dimensions: dimensions("x-scheduler-oauth-web") },
    ]);
  });

  afterEach(() => {
    rmSync(join(host.fakes, "aws.fails"), { force: true });
    systemctl("start", "x-scheduler-oauth-web.service");
  });

  it("is 0 for the one that is down", async () => {
    systemctl("stop", "x-scheduler-oauth-web.service");
    const { data } = await metrics();
    expect(data.map(({ Value }) => Value)).toEqual([1, 0]);
    expect((await host.start("health.sh", ["check"])).exitCode).toBe(1);
  });

  it("is 0 for a scheduler that runs and has no heartbeat any more", async () => {
    const heartbeat = host.path("var/lib/x-scheduler/heartbeat");
    expect(existsSync(heartbeat)).toBe(true);
    process.kill(Number(readFileSync(join(host.fakes, "pids/x-scheduler.service"), "utf8")), "SIGSTOP");
    utimesSync(heartbeat, new Date(), new Date(Date.now() - 10 * 60_000));
    const { ran, data } = await metrics();
    process.kill(Number(readFileSync(join(host.fakes, "pids/x-scheduler.service"), "utf8")), "SIGCONT");
    expect(data.map(({ Value }) => Value)).toEqual([0, 1]);
    expect(ran.stdout).toMatch(/x-scheduler: not healthy: its last heartbeat was 60\d s ago/);
  });

  it("that cannot be put is a failure that systemd sees", async () => {
    writeFileSync(join(host.fakes, "aws.fails"), "");
    expect((await host.start("health.sh", ["publish"])).exitCode).toBe(1);
  });
});

describe("secrets", () => {
  hostForEach();
  const file = () => host.path("run/x-scheduler/secrets.env");
  const write = () => host.start("write-secrets.py", []);
  const read = () =>
    JSON.parse(execaSync("python3", [join(fixture, "bin/systemd_environment.py"), file()]).stdout) as Record<
      string,
      string
    >;
  const awkward = {
    quotes: `"double" 'single' \`back\``,
    dollar: "$HOME ${HOME} $$ $(id)",
    backslash: "a\\b\\\\c\\n \\",
    newline: '-----BEGIN KEY-----\nline = "1"\n-----END KEY-----\n',
    hash: "# no comment ; neither",
    blanks: "  before\tand after  ",
    json: '{"type": "service_account", "key": "x\\ny"}',
    equals: "==",
    unicode: "pässwörd ✓",
    empty: "",
  };
  const variables = Object.fromEntries(
    Object.entries(awkward).map(([name, value]) => [name.toUpperCase(), value]),
  );

  it("arrive exactly, in a file that only root reads", async () => {
    host.parameters(awkward);
    const ran = await write();
    expect([ran.exitCode, ran.all]).toEqual([0, ""]);
    expect(read()).toEqual({ AWS_DEFAULT_REGION: "us-east-1", ...variables });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(host.path("run/x-scheduler")).mode & 0o777).toBe(0o700);
    expect(host.calls("aws").join()).not.toContain("service_account");
  });

  const generator = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";
  (existsSync(generator) ? it : it.skip)(
    "arrive exactly by systemd's own parser, which quotes them anew",
    async () => {
      // environment.d has the same parser, and expands variables afterwards; so without `$`; and leaves out what is empty
      const without: Record<string, string> = Object.fromEntries(
        Object.entries(awkward).filter(([, value]) => value !== "" && !value.includes("$")),
      );
      host.parameters(without);
      await write();
      const folder = host.path("config/environment.d");
      execaSync("mkdir", ["-p", folder]);
      execaSync("cp", [file(), join(folder, "secrets.conf")]);
      const { stdout } = execaSync(generator, [], {
        env: { XDG_CONFIG_HOME: host.path("config") },
        extendEnv: false,
      });
      const printed = stdout.split("\n");
      for (const [name, value] of Object.entries(without)) {
        const escaped = value
          .replace(/["\\`]/g, "\\$&")
          .replace(/\n/g, "\\n")
          .replace(/\t/g, "\\t");
        const variable = name.toUpperCase();
        expect([`${variable}=${escaped}`, `${variable}="${escaped}"`, `${variable}=$'${escaped}'`]).toContain(
          printed.find((line) => line.startsWith(`${variable}=`)),
        );
      }
    },
  );

  const hasStrace = !execaSync("strace", ["-V"], { reject: false }).failed;
  (hasStrace ? it : it.skip)(
    "are never seen with another mode, not even while they are written",
    async () => {
      host.parameters({ x_api_key: "x".repeat(1_000_000) });
      const trace = host.path("trace");
      execaSync(
        "strace",
        [
          "-f",
          "-e",
          "trace=openat,chmod,fchmod",
          "-o",
          trace,
          host.path("opt/x-scheduler/bin/write-secrets.py"),
        ],
        {
          env: host.environment,
        },
      );
      const opened = readFileSync(trace, "utf8")
        .split("\n")
        .filter((line) => line.includes(".secrets."));
      expect(opened).toEqual([expect.stringMatching(/O_CREAT\|O_EXCL.*0600/)]);
    },
  );

  it.each([
    ["a carriage return", { x_key: "a\r\nb" }, /x_key has a control character/],
    ["no usable name", { "1st": "value-1" }, /1st makes no name/],
    ["two of one name", { "x-key": "value-1", x_key: "value-2" }, /both make X_KEY/],
  ])(
    "with %s are refused by name, without the value, and the old file stays",
    async (_what, values, message) => {
      await write();
      const before = readFileSync(file(), "utf8");
      host.parameters(values as unknown as Record<string, string>);
      const ran = await write();
      expect(ran.exitCode).toBe(1);
      expect(ran.all).toMatch(message);
      expect(ran.all).not.toContain("value-");
      expect(readFileSync(file(), "utf8")).toBe(before);
    },
  );

  it("that cannot be read keep the services from starting", async () => {
    await deployed("one");
    writeFileSync(join(host.fakes, "aws.fails"), "");
    const ran = await host.start("write-secrets.py", []);
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toContain("error: cannot read the parameters below /stage/x-scheduler/");
    host.repository.commit("two");
    expect((await host.update("update")).all).toContain("is not healthy either");
    rmSync(join(host.fakes, "aws.fails"));
    await deployed("three");
    expect(await host.version()).toBe("three");
  });

  it("are in no argument and no log", async () => {
    host.parameters({ x_api_key: "canary-4711" });
    await deployed("one");
    expect((await host.answer())?.X_API_KEY).toBe("canary-4711");
    await host.start("setup-oauth.sh", [], {}, "1234\n");
    const seen = ["systemctl", "aws", "systemd-run"].flatMap((program) => host.calls(program)).join("\n");
    expect(seen).toContain("--setup-oauth");
    expect(seen).not.toContain("canary");
    expect(readFileSync(host.path("var/log/landfall/update.log"), "utf8")).not.toContain("canary");
  });
});

describe("setup-oauth.sh", () => {
  hostForEach();

  it("asks on the terminal with the service's environment, as the service's user", async () => {
    await deployed("one");
    const ran = await host.start("setup-oauth.sh", [], {}, "1234\n");
    expect(ran.exitCode).toBe(0);
    expect(JSON.parse(String(ran.stdout).replace(/^code: /, ""))).toEqual({
      code: "1234",
      table: "stage-XSchedulerUserTokens",
      key: "secret-1",
    });
    expect(host.calls("systemd-run")[0]).toContain("--uid=xscheduler");
  });

  it("says what is missing before the first release", async () => {
    const ran = await host.start("setup-oauth.sh", []);
    expect(ran.exitCode).toBe(1);
    expect(ran.all).toContain("no release on this host yet");
  });
});
