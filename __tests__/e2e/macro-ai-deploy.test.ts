import { execaSync } from "execa";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Host, Tools, isRoot } from "./fixture/macro-ai/host";

jest.setTimeout(3 * 60_000);

const tools = new Tools();
let host: Host;

beforeAll(() => tools.install());
afterAll(() => tools.remove());

const sha256 = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");
const hostFor = (settings: Readonly<Record<string, string>> = {}) => {
  beforeAll(async () => {
    host = await Host.create(tools, settings);
  });
  afterAll(() => host.remove());
};

/** What must hold after every run, whatever it did. */
async function expectServing(version: string): Promise<void> {
  expect(await host.serving()).toBe(version);
  expect(host.current).toMatch(/^\d{8}_\d{6}$/);
  expect(host.currentIsComplete).toBe(true);
}

describe("releases, one after another", () => {
  hostFor();

  it("has nothing before the first", async () => {
    expect(await host.run(["status"])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining("release: none"),
    });
    expect((await host.run(["rollback"])).stderr).toContain("there is no earlier release to roll back to");
    expect(host.current).toBeUndefined();
  });

  it("deploys the first", async () => {
    const ran = await host.deploy("1.0.0");
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ran.stdout).toMatch(/\d{8}_\d{6} \(version 1\.0\.0\) serves$/);
    await expectServing("1.0.0");
    expect((await host.answer())?.prefix).toBe("/stage/macro-ai/");
  });

  it("has no earlier one to roll back to, and says so", async () => {
    const ran = await host.run(["rollback"]);
    expect(ran).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("no earlier release to roll back to"),
    });
    expect(await host.run(["verify"])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining("FAILED: there is no earlier release to roll back to"),
    });
    await expectServing("1.0.0");
  });

  it("deploys the second, and keeps the first", async () => {
    const first = host.current;
    expect((await host.deploy("1.1.0")).exitCode).toBe(0);
    await expectServing("1.1.0");
    expect(host.releases).toEqual([first, host.current]);
    expect(host.leftovers).toEqual([]);
    const list = (await host.run(["list"])).stdout;
    expect(list).toMatch(/current\s+stage\s+1\.1\.0\n\S+\s+previous\s+stage\s+1\.0\.0$/);
    expect(await host.run(["status"])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("healthy: yes"),
    });
  });

  it("notes each step with its time in the set-up's log", () => {
    expect(host.log()).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:]{8}Z deploy\.sh: install: packages from the lock file$/m,
    );
  });

  (isRoot ? it : it.skip)("gives the app no right to change its own code (needs root)", () => {
    for (const file of ["", "dist/server.cjs", "node_modules/express/package.json", "package.json"]) {
      const { uid, mode } = statSync(join(host.base, "current", file));
      expect({ file, uid, open: mode & 0o027 }).toEqual({ file, uid: 0, open: 0 });
    }
  });

  it.each(["broken", "crash"] as const)("rolls back by itself from a release that is %s", async (health) => {
    const before = host.releases;
    const ran = await host.deploy("1.2.0", host.pack("1.2.0", health), { HEALTH_SECONDS: "5" });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(/version 1\.2\.0\) did not answer http:.* within 5 s/);
    expect(ran.stdout).toMatch(/rolled back: \S+ \(version 1\.1\.0\) serves again/);
    await expectServing("1.1.0");
    expect(host.releases).toEqual(before);
  });

  it("rehearses a rollback beside the running service", async () => {
    const before = await host.answer();
    const ran = await host.run(["verify"]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ran.stdout).toMatch(
      /^ok: \S+ \(version 1\.1\.0\) answers\nok: \S+ \(version 1\.0\.0\) answers on port \d+: a rollback would work$/,
    );
    expect(await host.answer()).toEqual(before);
    expect(host.processes).toEqual([]);
  });

  it("rolls back, and deploys on from there", async () => {
    const [first] = host.releases;
    expect((await host.run(["rollback"])).exitCode).toBe(0);
    await expectServing("1.0.0");
    expect(host.current).toBe(first);
    expect((await host.run(["rollback"])).exitCode).toBe(1);
    await expectServing("1.0.0");
    expect((await host.deploy("1.3.0")).exitCode).toBe(0);
    expect((await host.run(["rollback"])).exitCode).toBe(0);
    await expectServing("1.0.0"); // not 1.1.0, from which it was rolled back
  });

  it("keeps as many as it is told, with the current and the one before", async () => {
    for (const version of ["2.0.0", "2.1.0"]) expect((await host.deploy(version)).exitCode).toBe(0);
    expect(host.releases).toHaveLength(3);
    const previous = /(\S+)\s+previous/.exec((await host.run(["list"])).stdout)?.[1];
    expect((await host.run(["cleanup", "--keep", "1"])).exitCode).toBe(0);
    expect(host.releases).toEqual([previous, host.current].sort());
    await expectServing("2.1.0");
  });

  it("says when a rollback would not work, and leaves the service alone", async () => {
    const previous = host.releases.find((release) => release !== host.current) ?? "";
    rmSync(join(host.base, "releases", previous, "node_modules"), { recursive: true });
    const ran = await host.run(["verify"], { HEALTH_SECONDS: "5" });
    expect(ran).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/FAILED: \S+ \(version 2\.0\.0\).*express/s),
    });
    await expectServing("2.1.0");
    // And a real one comes back
    const rolled = await host.run(["rollback"], { HEALTH_SECONDS: "5" });
    expect(rolled).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining("(version 2.1.0) serves again"),
    });
    await expectServing("2.1.0");
  });

  it("stops by SIGTERM, and answers what was asked before", async () => {
    const slow = fetch(`http://127.0.0.1:${host.port}/slow`);
    await sleep(300);
    host.systemctl("restart", "macro-ai.service");
    expect((await slow).status).toBe(200);
    expect(readFileSync(host.path("var/log/macro-ai/combined.log"), "utf8")).toContain("SIGTERM received");
    await expectServing("2.1.0");
  });

  it("starts again by PM2 when it dies", async () => {
    await expectServing("2.1.0");
    const before = await host.answer();
    if (!before) throw new Error("no answer");
    process.kill(before.pid, "SIGKILL");
    await expectServing("2.1.0");
    expect((await host.answer())?.pid).not.toBe(before.pid);
  });
});

describe("the first release, when it is broken", () => {
  hostFor();

  it("stays, as there is none to go back to, and gives way to the next", async () => {
    const ran = await host.deploy("1.0.0", host.pack("1.0.0", "broken"), { HEALTH_SECONDS: "5" });
    expect(ran).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("no earlier release to go back to"),
    });
    expect(host.currentIsComplete).toBe(true);
    expect((await host.deploy("1.0.1")).exitCode).toBe(0);
    await expectServing("1.0.1");
    expect((await host.run(["rollback"])).exitCode).toBe(1); // not to the broken one
    await expectServing("1.0.1");
  });
});

describe("an artifact that is refused", () => {
  hostFor();
  beforeAll(async () => expect((await host.deploy("1.0.0")).exitCode).toBe(0));

  const tar = (archive: string, folder: string, ...args: string[]) =>
    execaSync("tar", ["-czPf", archive, "-C", folder, ...args, "."]);
  /** Packed with a file `evil` whose name or link tar changes on the way. */
  const transformed = (expression: string, make: (evil: string) => void) => () =>
    host
      .pack("2.0.0", "ok", (folder) => make(join(folder, "evil")))
      .replace(/.*/, (archive) => {
        tar(archive, archive.replace(/\.tar\.gz$/, ""), `--transform=${expression}`);
        return archive;
      });
  const file = (evil: string) => writeFileSync(evil, "evil");
  const packed = (change: (folder: string) => void) => () => host.pack("2.0.0", "ok", change);
  const without = (name: string) => packed((folder) => rmSync(join(folder, name), { recursive: true }));

  const refused: [string, () => string, RegExp, string[]?][] = [
    ["that is no archive", () => join(host.base, "deploy.sh"), /no complete tar\.gz archive/],
    [
      "that is cut off",
      () => {
        const archive = host.pack("2.0.0");
        writeFileSync(archive, readFileSync(archive).subarray(0, 5000));
        return archive;
      },
      /no complete tar\.gz archive/,
    ],
    [
      "with a path out of it",
      transformed("s,^./evil,../../../evil,", file),
      /path with \.\.: \.\.\/\.\.\/\.\.\/evil/,
    ],
    ["with .. inside a path", transformed("s,^./evil,dist/../../evil,", file), /path with \.\./],
    [
      "with an absolute path",
      transformed("s,^./evil,/tmp/landfall-evil,", file),
      /absolute path: \/tmp\/landfall-evil/,
    ],
    [
      "with an absolute link",
      packed((folder) => symlinkSync("/etc/passwd", join(folder, "evil"))),
      /link out of the archive: evil -> \/etc\/passwd/,
    ],
    [
      "with a link to above it",
      packed((folder) => symlinkSync("../../.env", join(folder, "dist/evil"))),
      /link out of the archive/,
    ],
    [
      "with a hard link out of it",
      transformed("s,^./evil[23]$,/etc/passwd,hRS", (evil) => {
        file(`${evil}2`);
        execaSync("ln", [`${evil}2`, `${evil}3`]);
      }),
      /link out of the archive: .*\/etc\/passwd/,
    ],
    [
      "with a link out of it by way of another",
      packed((folder) => {
        symlinkSync("..", join(folder, "dist/up"));
        symlinkSync("dist/up/..", join(folder, "evil"));
      }),
      /link out of the archive: evil/,
    ],
    [
      "with a pipe in it",
      packed((folder) => execaSync("mkfifo", [join(folder, "evil")])),
      /neither file, directory nor link: evil/,
    ],
    ["without package.json", without("package.json"), /no package\.json/],
    ["without dist/", without("dist"), /no dist\//],
    ["without a lock file", without("package-lock.json"), /neither package-lock\.json nor pnpm-lock\.yaml/],
    [
      "whose lock file is stale",
      packed((folder) => {
        const manifest = join(folder, "package.json");
        writeFileSync(manifest, readFileSync(manifest, "utf8").replace("5.1.0", "4.21.2"));
      }),
      /npm ci failed/,
    ],
    [
      "with another checksum",
      () => host.pack("2.0.0"),
      /has SHA-256 [0-9a-f]{64}, not 0{64}/,
      ["--sha256", "0".repeat(64)],
    ],
    ["that is not there", () => host.path("none.tar.gz"), /no such file/],
  ];

  it.each(refused)("%s", async (_how, archive, why, options = []) => {
    const before = { current: host.current, releases: host.releases, pid: (await host.answer())?.pid };
    const ran = await host.run([...Host.options("2.0.0", archive()), ...options]);
    expect({ exitCode: ran.exitCode, stderr: ran.stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(why),
    });
    expect({ current: host.current, releases: host.releases, pid: (await host.answer())?.pid }).toEqual(
      before,
    );
    expect(host.leftovers).toEqual([]);
    await expectServing("1.0.0");
    expect(existsSync("/tmp/landfall-evil")).toBe(false);
  });

  it.each([
    ["no option", ["deploy"], /--artifact-url must be/],
    [
      "plain http",
      ["deploy", "--artifact-url", "http://example.com/a.tar.gz", "--version", "1", "--environment", "stage"],
      /--artifact-url must be/,
    ],
    ["a version with a path", Host.options("../1", "/a"), /--version must be/],
    ["a version that is an option", Host.options("-1", "/a"), /--version must be/],
    ["an option without a value", ["deploy", "--version"], /--version needs a value/],
    ["an unknown option", ["deploy", "--verison", "1"], /unknown option --verison/],
    ["an unknown verb", ["destroy"], /unknown verb destroy/],
    ["no verb", [], /no verb/],
    ["too many words", ["rollback", "now"], /rollback takes no options/],
    ["keeping none", ["cleanup", "--keep", "0"], /--keep N/],
  ])("is told how to use it after %s", async (_what, args, why) => {
    expect(await host.run(args)).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(why) });
  });

  it("finds help", async () => {
    expect(await host.run(["--help"])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("deploy --artifact-url URL"),
    });
  });
});

describe("the other kinds of artifact", () => {
  hostFor();

  it("installs by pnpm where that is the lock file", async () => {
    const archive = host.pack("1.0.0", "ok", (folder) => {
      rmSync(join(folder, "package-lock.json"));
      const env = { PATH: `${tools.bin}:${process.env.PATH}`, HOME: host.root, CI: "true" };
      execaSync("pnpm", ["install", "--lockfile-only"], { cwd: folder, extendEnv: false, env });
    });
    expect(await host.deploy("1.0.0", archive)).toMatchObject({ exitCode: 0, stderr: "" });
    await expectServing("1.0.0");
  });

  it("runs no script of the packages", async () => {
    const archive = host.pack("1.1.0", "ok", (folder) => {
      const manifest = join(folder, "package.json");
      const content = JSON.parse(readFileSync(manifest, "utf8")) as object;
      writeFileSync(
        manifest,
        JSON.stringify({ ...content, scripts: { postinstall: "touch installed-by-script" } }),
      );
    });
    expect((await host.deploy("1.1.0", archive)).exitCode).toBe(0);
    expect(existsSync(join(host.base, "current/installed-by-script"))).toBe(false);
    expect((await host.deploy("1.1.0", archive, { INSTALL_SCRIPTS: "yes" })).exitCode).toBe(0);
    expect(existsSync(join(host.base, "current/installed-by-script"))).toBe(true);
  });
});

(isRoot ? describe : describe.skip)(
  "a process that a script of the packages leaves behind (needs root)",
  () => {
    const planted = () => Number(readFileSync(host.path("planter"), "utf8"));
    const victims = () => [host.path("victim-release"), host.path("victim-healthy")];
    // Before the folder is removed
    afterAll(() => void (planted() > 0 && process.kill(planted(), "SIGKILL")));
    hostFor();

    it("has nothing written elsewhere by links in the release's folder, and holds no lock", async () => {
      const [release, healthy] = victims();
      for (const victim of victims()) writeFileSync(victim, "precious");
      writeFileSync(host.path("planter"), "");
      execaSync("chmod", ["0666", host.path("planter")]);
      const planter = `echo $$ >${host.path("planter")}; chmod 0777 .
      while :; do ln -sfn ${release} .release; ln -sfn ${healthy} .healthy; done`;
      const archive = host.pack("1.0.0", "ok", (folder) => {
        const manifest = join(folder, "package.json");
        const content = JSON.parse(readFileSync(manifest, "utf8")) as object;
        writeFileSync(join(folder, "plant.sh"), planter);
        const scripts = { postinstall: "sh plant.sh >/dev/null 2>&1 & sleep 1" };
        writeFileSync(manifest, JSON.stringify({ ...content, scripts }));
      });
      expect(await host.deploy("1.0.0", archive, { INSTALL_SCRIPTS: "yes" })).toMatchObject({
        exitCode: 0,
        stderr: "",
      });
      expect(readFileSync(join(host.base, "current/.release"), "utf8")).toMatch(/^version=1\.0\.0\n/);
      for (const victim of victims()) expect(readFileSync(victim, "utf8")).toBe("precious");
      process.kill(planted(), 0); // it is there still
      expect(await host.deploy("1.0.1", undefined, { LOCK_SECONDS: "0" })).toMatchObject({
        exitCode: 0,
        stderr: "",
      });
      await expectServing("1.0.1");
    });
  },
);

describe("an application that listens on loopback alone", () => {
  hostFor();

  it("is not healthy: the host's own address is asked, as the load balancer does", async () => {
    const there = { HEALTH_ADDRESS: "127.0.0.2", HEALTH_SECONDS: "5" };
    const ran = await host.deploy("1.0.0", undefined, there);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(
      /did not answer http:\/\/127\.0\.0\.2:\d+\/api\/health within 5 s: it must listen on all addresses/,
    );
    expect((await host.run(["status"], there)).stdout).toContain("healthy: no (http://127.0.0.2:");
    expect((await host.run(["status"])).stdout).toContain("healthy: yes (http://127.0.0.1:");
  });
});

describe("killed", () => {
  hostFor();
  let version = 0;
  const next = () => `1.0.${++version}`;
  beforeAll(async () => expect((await host.deploy(next())).exitCode).toBe(0));

  /** The next run works, and leaves nothing of the killed one. */
  async function expectNextRun(): Promise<void> {
    const wanted = next();
    expect(await host.deploy(wanted)).toMatchObject({ exitCode: 0, stderr: "" });
    await expectServing(wanted);
    expect(host.leftovers).toEqual([]);
    expect(host.processes).toEqual([]);
  }

  it.each([
    ...["prepare", "download", "checksum", "inspect", "unpack", "install", "complete"].map((step) => [
      step,
      "old",
    ]),
    ...["switch", "restart", "health", "prune", "done"].map((step) => [step, "new"]),
  ])("after the step %s: the %s release is current, and the next run works", async (step, which) => {
    const before = host.current;
    const ran = await host.deploy(next(), undefined, { KILL_AFTER: step });
    expect(ran.signal).toBe("SIGKILL");
    expect(host.current === before ? "old" : "new").toBe(which);
    expect(host.currentIsComplete).toBe(true);
    expect(await host.serving()).toBeDefined();
    await expectNextRun();
  });

  it.each([200, 700, 1500, 2600, 4300])("after %d ms", async (delay) => {
    const run = host.start(Host.options(next(), host.pack(`1.0.${version}`)));
    await sleep(delay);
    run.kill("SIGKILL");
    await run;
    expect(host.currentIsComplete).toBe(true);
    expect(await host.serving()).toBeDefined();
    await expectNextRun();
  });

  it("before it knew whether the release works: a broken one is not gone back to", async () => {
    const good = `1.0.${version}`;
    await host.deploy(next(), host.pack("broken", "broken"), { KILL_AFTER: "restart" });
    expect(host.currentIsComplete).toBe(true);
    const ran = await host.deploy(next(), host.pack("broken too", "broken"), { HEALTH_SECONDS: "5" });
    expect(ran.exitCode).toBe(1);
    await expectServing(good);
  });

  it("by SIGTERM while it waits for health: rolls back", async () => {
    const good = await host.serving();
    const run = host.start(Host.options(next(), host.pack("broken", "broken")));
    for (let tries = 0; tries < 200 && !host.log().endsWith("/api/health\n"); tries++) await sleep(50);
    run.kill("SIGTERM");
    expect(await run).toMatchObject({ exitCode: 143 });
    await expectServing(good ?? "");
  });
});

describe("two at once", () => {
  hostFor();
  beforeAll(async () => expect((await host.deploy("1.0.0")).exitCode).toBe(0));

  it("the second says who holds the lock, and changes nothing", async () => {
    const first = host.start(Host.options("2.0.0", host.pack("2.0.0")));
    const lock = host.path("run/macro-ai-deploy.lock");
    for (let tries = 0; tries < 200 && !readFileSync(lock, "utf8"); tries++) await sleep(20);
    const second = await host.deploy("3.0.0", undefined, { LOCK_SECONDS: "0" });
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain(
      `another run holds the lock: deploy.sh deploy --version 2.0.0, process ${first.pid}, by `,
    );
    expect((await first).exitCode).toBe(0);
    await expectServing("2.0.0");
    expect((await host.deploy("3.0.0")).exitCode).toBe(0);
    await expectServing("3.0.0");
  });
});

const canMount = isRoot && !execaSync("unshare", ["--mount", "true"], { reject: false }).failed;
(canMount ? describe : describe.skip)("a full disk (needs root, for a small tmpfs)", () => {
  // Before the folder is removed
  afterAll(() => {
    host.systemctl("stop", "macro-ai.service");
    execaSync("umount", [host.base]);
  });
  hostFor();
  const filler = () => join(host.base, "shared-filler");
  beforeAll(async () => {
    execaSync("mount", ["-t", "tmpfs", "-o", "size=40m,mode=0755", "tmpfs", host.base]);
    host.installFiles();
    expect(await host.deploy("1.0.0")).toMatchObject({ exitCode: 0, stderr: "" });
  });
  afterEach(() => rmSync(filler(), { force: true }));

  /** Leaves so many KB free. */
  function fill(kilobytes: number): void {
    const [, free] = execaSync("df", ["-Pk", host.base])
      .stdout.split("\n")
      .map((line) => line.split(/\s+/)[3]);
    execaSync("dd", ["if=/dev/zero", `of=${filler()}`, "bs=1024", `count=${Number(free) - kilobytes}`]);
  }

  it("too little is noticed before anything is downloaded", async () => {
    const ran = await host.deploy("2.0.0", undefined, { MIN_FREE_MB: "300" });
    expect(ran).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/\d+ MB are free in .*, 300 are needed\. Nothing was changed/),
    });
    await expectServing("1.0.0");
  });

  it.each([0, 4, 60, 300, 2048, 4000])(
    "with %d KB left: a clear error, and nothing is changed",
    async (kilobytes) => {
      const archive = host.pack("2.0.0", "ok", (folder) =>
        writeFileSync(join(folder, "dist/large"), Buffer.alloc(200_000, "x")),
      );
      const before = { current: host.current, releases: host.releases, pid: (await host.answer())?.pid };
      fill(kilobytes);
      const ran = await host.deploy("2.0.0", archive);
      expect(ran.exitCode).toBe(1);
      expect(ran.stderr).toMatch(/MB free in|MB are free in/);
      expect({ current: host.current, releases: host.releases, pid: (await host.answer())?.pid }).toEqual(
        before,
      );
      expect(host.leftovers).toEqual([]);
      await expectServing("1.0.0");
    },
  );

  it("with room again, deploys", async () => {
    expect(await host.deploy("2.0.0")).toMatchObject({ exitCode: 0, stderr: "" });
    await expectServing("2.0.0");
  });
});

describe("the environment's current release", () => {
  const parameter = "/stage/macro-ai-release";
  const group = { LIFECYCLE_HOOK: "stage-launch", AUTO_SCALING_GROUP: "stage-macro-ai" };
  const quick = { POLL_SECONDS: "1" };
  const calls = (service: string) =>
    (existsSync(host.path("aws/calls")) ? readFileSync(host.path("aws/calls"), "utf8") : "")
      .split("\n")
      .filter((line) => line.startsWith(service));
  const point = (value: string) => {
    mkdirSync(host.path("aws"), { recursive: true });
    writeFileSync(host.path("aws/pointer"), `${value}\n`);
  };
  /** Puts an artifact into the bucket, and the pointer's JSON for it. */
  const publish = (version: string, changes: object = {}, pack?: (folder: string) => void): string => {
    const archive = host.pack(version, "ok", pack);
    mkdirSync(host.path("aws/artifacts/releases"), { recursive: true });
    cpSync(archive, host.path(`aws/artifacts/releases/${version}.tar.gz@version-${version}`));
    const url = `s3://artifacts/releases/${version}.tar.gz?versionId=version-${version}`;
    return JSON.stringify({ version, environment: "stage", url, sha256: sha256(archive), ...changes });
  };
  const withPrevious = (current: string, ...previous: string[]) =>
    JSON.stringify({
      ...(JSON.parse(current) as object),
      previous: previous.map((one) => JSON.parse(one) as object),
    });
  /** Calls `act` as soon as a running deploy.sh has begun to install. */
  const whileItInstalls = async (act: () => void) => {
    for (let tries = 0; tries < 400 && !host.log().endsWith("packages from the lock file\n"); tries++)
      await sleep(20);
    act();
  };

  describe("on a single host", () => {
    hostFor({ RELEASE_PARAMETER: parameter });

    it("is none at first, which is no failure", async () => {
      point("none");
      expect(await host.run(["current"], quick)).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining("no release yet"),
      });
      expect(calls("ssm")).toEqual([
        `ssm get-parameter --region us-east-1 --name ${parameter} --query Parameter.Value --output text`,
      ]);
      expect(calls("autoscaling")).toEqual([]);
      expect(host.current).toBeUndefined();
    });

    it("is deployed by its exact version in the bucket", async () => {
      point(publish("1.0.0"));
      expect(await host.run(["current"], quick)).toMatchObject({ exitCode: 0, stderr: "" });
      await expectServing("1.0.0");
      expect(calls("s3api")[0]).toContain(
        "--bucket artifacts --key releases/1.0.0.tar.gz --version-id version-1.0.0",
      );
    });

    it("is left alone where it serves already", async () => {
      const before = { releases: host.releases, pid: (await host.answer())?.pid };
      expect(await host.run(["current"], quick)).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining("serves already"),
      });
      expect({ releases: host.releases, pid: (await host.answer())?.pid }).toEqual(before);
    });

    it("is taken from this host where it is there still, and the one before it stays the one before", async () => {
      const [first] = host.releases;
      const earlier = readFileSync(host.path("aws/pointer"), "utf8");
      point(publish("1.0.1"));
      expect((await host.run(["current"], quick)).exitCode).toBe(0);
      await expectServing("1.0.1");
      const downloads = calls("s3api").length;
      point(earlier.trim());
      expect(await host.run(["current"], quick)).toMatchObject({ exitCode: 0, stderr: "" });
      await expectServing("1.0.0");
      expect(host.current).toBe(first);
      expect(calls("s3api")).toHaveLength(downloads);
      // Not on to the one that was gone back from
      expect((await host.run(["rollback"])).stderr).toContain("no earlier release to roll back to");
    });

    (isRoot ? it : it.skip)(
      "cannot have verify write elsewhere by links in its work folder (needs root)",
      async () => {
        const earlier = readFileSync(host.path("aws/pointer"), "utf8").trim();
        const victim = host.path("victim");
        writeFileSync(victim, "precious");
        const plant = `for (const name of ["archive", "names", "errors", "curl"])
          try { require("node:fs").symlinkSync(${JSON.stringify(victim)}, process.env.HOME + "/../" + name) } catch {}
          try { require("node:fs").writeFileSync(process.env.HOME + "/was-here", "") } catch {}\n`;
        const evil = (folder: string) => {
          const server = join(folder, "dist/server.cjs");
          writeFileSync(server, plant + readFileSync(server, "utf8"));
        };
        const previous = publish("1.0.2", {}, evil);
        point(previous);
        expect((await host.run(["current"], quick)).exitCode).toBe(0);
        point(withPrevious(publish("1.0.3"), previous));
        expect((await host.run(["current"], quick)).exitCode).toBe(0);
        expect(await host.run(["verify"])).toMatchObject({
          exitCode: 0,
          stdout: expect.stringMatching(
            /\(version 1\.0\.2\) answers on port .* would work$.*there and whole$/ms,
          ),
        });
        expect(readFileSync(victim, "utf8")).toBe("precious");
        point(earlier);
        expect((await host.run(["current"], quick)).exitCode).toBe(0);
        await expectServing("1.0.0");
      },
    );

    it("is fetched by verify, which sees whether a new host could come up from it", async () => {
      const archive = host.path("aws/artifacts/releases/1.0.0.tar.gz@version-1.0.0");
      const before = await host.answer();
      expect((await host.run(["verify"])).stdout).toMatch(
        /^ok: the artifact of version 1\.0\.0.* is there and whole$/m,
      );
      appendFileSync(archive, "x");
      const ran = await host.run(["verify"]);
      expect(ran).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(/^deploy\.sh: s3:.* has SHA-256 /m),
      });
      expect(await host.answer()).toEqual(before);
      expect(host.leftovers).toEqual([]);
    });

    it("is followed by a host that it changes under", async () => {
      const before = readFileSync(host.path("aws/pointer"), "utf8").trim();
      rmSync(host.path("aws/calls"));
      point(publish("1.0.5"));
      const run = host.start(["current"], quick);
      for (let tries = 0; tries < 200 && calls("s3api").length === 0; tries++) await sleep(20);
      point(before);
      const ran = await run;
      expect(ran).toMatchObject({
        exitCode: 0,
        stdout: expect.stringMatching(
          /version 1\.0\.5\) serves$.*has changed meanwhile$.*\(version 1\.0\.0\) serves, which was here already$/ms,
        ),
      });
      await expectServing("1.0.0");
      expect(host.leftovers).toEqual([]);
    });

    it("is not fetched again by deploy with its checksum, where it is here", async () => {
      const { version, url, sha256 } = JSON.parse(publish("1.0.6")) as Record<string, string>;
      const given = ["--artifact-url", url ?? "", "--version", version ?? "", "--environment", "stage"];
      const deploy = () => host.run(["deploy", ...given, "--sha256", sha256 ?? ""]);
      expect(await deploy()).toMatchObject({ exitCode: 0, stderr: "" });
      await expectServing("1.0.6");
      const downloads = calls("s3api").length;
      expect((await deploy()).stdout).toContain("serves already");
      expect((await host.run(["current"], quick)).exitCode).toBe(0); // back to what the pointer names
      await expectServing("1.0.0");
      const again = await deploy();
      expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("which was here already") });
      await expectServing("1.0.6");
      expect(calls("s3api")).toHaveLength(downloads);
      expect((await host.run(["current"], quick)).exitCode).toBe(0);
      await expectServing("1.0.0");
    });

    it("is followed by a host where what it named before failed", async () => {
      const good = readFileSync(host.path("aws/pointer"), "utf8").trim();
      const archive = host.pack("1.0.8", "broken");
      cpSync(archive, host.path("aws/artifacts/releases/1.0.8.tar.gz@version-1.0.8"));
      const url = "s3://artifacts/releases/1.0.8.tar.gz?versionId=version-1.0.8";
      point(JSON.stringify({ version: "1.0.8", environment: "stage", url, sha256: sha256(archive) }));
      const run = host.start(["current"], { ...quick, HEALTH_SECONDS: "5" });
      await whileItInstalls(() => point(good));
      const ran = await run;
      expect(ran).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("1.0.8) did not answer") });
      expect(ran.stdout).toMatch(/has changed meanwhile\n\S+ \(version 1\.0\.0\) serves already$/);
      await expectServing("1.0.0");
      expect(host.leftovers).toEqual([]);
    });

    it("is not said to serve where a run was killed before it could restart the service", async () => {
      const earlier = readFileSync(host.path("aws/pointer"), "utf8").trim();
      point(publish("1.0.9"));
      expect((await host.run(["current"], quick)).exitCode).toBe(0);
      point(earlier);
      expect((await host.run(["current"], { ...quick, KILL_AFTER: "switch" })).signal).toBe("SIGKILL");
      await expectServing("1.0.9");
      const ran = await host.run(["current"], quick);
      expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("was here already") });
      await expectServing("1.0.0");
      expect((await host.run(["current"], quick)).stdout).toContain("serves already");
      expect(host.leftovers).toEqual([]);
    });

    it.each([
      ["no JSON", () => "hello", /must be JSON/],
      ["without a checksum", () => publish("2.0.0", { sha256: undefined }), /must be JSON/],
      ["with another checksum", () => publish("2.0.0", { sha256: "0".repeat(64) }), /SHA-256/],
      [
        "with a shell's syntax for a version",
        () => publish("2.0.0", { version: "$(touch x)" }),
        /must be JSON/,
      ],
      [
        "gone from the bucket",
        () => publish("2.0.0", { url: "s3://artifacts/none.tar.gz?versionId=1" }),
        /downloading s3:\/\/artifacts\/none\.tar\.gz failed/,
      ],
    ])("is refused where it is %s", async (_what, pointer, why) => {
      point(pointer());
      expect(await host.run(["current"], quick)).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(why),
      });
      await expectServing("1.0.0");
    });

    it("is not read for ever where that fails", async () => {
      rmSync(host.path("aws/pointer"));
      expect(await host.run(["current"], { POLL_SECONDS: "0" })).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(`cannot read ${parameter}`),
      });
      await expectServing("1.0.0");
    });
  });

  describe("with one before it", () => {
    hostFor({ RELEASE_PARAMETER: parameter });
    const earlier = (changes: object = {}, change?: (folder: string) => void) =>
      publish("0.9.0", changes, change);

    beforeAll(async () => {
      point(publish("1.0.0"));
      expect(await host.run(["current"], quick)).toMatchObject({ exitCode: 0, stderr: "" });
    });
    /** Rehearsed, with nothing changed by it. */
    async function rehearsed(pointer: string) {
      const before = { answer: await host.answer(), releases: host.releases, current: host.current };
      point(pointer);
      const ran = await host.run(["verify"], { HEALTH_SECONDS: "5" });
      expect({ answer: await host.answer(), releases: host.releases, current: host.current }).toEqual(before);
      expect(host.leftovers).toEqual([]);
      expect(host.processes).toEqual([]);
      return ran;
    }

    it("is rehearsed by verify from its artifact, on a host that never had it", async () => {
      const ran = await rehearsed(withPrevious(publish("1.0.0"), earlier()));
      expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
      expect(ran.stdout).toMatch(/^ok: the artifact of version 0\.9\.0, .* is there and whole$/m);
      expect(ran.stdout).toMatch(
        /^ok: version 0\.9\.0, which is not on this host yet, answers on port \d+: a rollback would work$/m,
      );
    });

    it("leaves no process of what it has rehearsed", async () => {
      const child = (folder: string) => {
        const server = join(folder, "dist/server.cjs");
        const start = `require("node:child_process").spawn("sleep", ["60"], { stdio: "ignore" });\n`;
        writeFileSync(server, start + readFileSync(server, "utf8"));
      };
      const ran = await rehearsed(withPrevious(publish("1.0.0"), earlier({}, child)));
      expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("would work") });
    });

    it("is missing where the pointer names none: what this host has is for this host alone", async () => {
      const [first] = host.releases;
      expect((await host.deploy("1.0.1")).exitCode).toBe(0);
      const ran = await rehearsed(publish("1.0.1"));
      expect(ran).toMatchObject({
        exitCode: 1,
        stdout: expect.stringContaining(
          `names no earlier release to roll back to; deploy.sh rollback takes this host alone to ${first} (version 1.0.0)`,
        ),
      });
      expect((await host.run(["rollback"])).exitCode).toBe(0);
    });

    (isRoot ? it : it.skip)(
      "runs there as the app's user, who cannot change its code (needs root)",
      async () => {
        const crash = (folder: string) =>
          writeFileSync(
            join(folder, "dist/server.cjs"),
            `let can = "can"; try { require("node:fs").writeFileSync(__dirname + "/evil", "") } catch { can = "cannot" }
           console.error(process.getuid() === 0 ? "as root" : "as the app", can, "write its code"); process.exit(1)`,
          );
        const ran = await rehearsed(withPrevious(publish("1.0.0"), earlier({}, crash)));
        expect(ran).toMatchObject({
          exitCode: 1,
          stdout: expect.stringMatching(/FAILED: version 0\.9\.0.*as the app cannot write its code/s),
        });
      },
    );

    it.each([
      [
        "another checksum",
        () => earlier({ sha256: "0".repeat(64) }),
        "stderr",
        /^deploy\.sh: s3:.*0\.9\.0.* has SHA-256 /m,
      ],
      [
        "no artifact",
        () => earlier({ url: "s3://artifacts/none?versionId=1" }),
        "stderr",
        /downloading s3:.*failed/,
      ],
      ["nonsense for a URL", () => earlier({ url: "none" }), "stderr", /must be JSON/],
    ] as const)("fails the rehearsal where it has %s", async (_what, previous, stream, why) => {
      const ran = await rehearsed(withPrevious(publish("1.0.0"), previous()));
      expect(ran).toMatchObject({ exitCode: 1, [stream]: expect.stringMatching(why) });
      expect(ran.stdout).not.toContain("would work");
    });
  });

  describe("on an instance that its group holds back", () => {
    hostFor({ RELEASE_PARAMETER: parameter, ...group });

    it("is waited for, with heartbeats, and deployed when it comes", async () => {
      point("none");
      const run = host.start(["current"], quick);
      for (let tries = 0; tries < 200 && calls("autoscaling").length < 2; tries++) await sleep(50);
      expect(calls("autoscaling")[0]).toBe(
        "autoscaling record-lifecycle-action-heartbeat --region us-east-1 --lifecycle-hook-name stage-launch --auto-scaling-group-name stage-macro-ai --instance-id i-0123456789abcdef0",
      );
      point(publish("1.0.0"));
      expect((await run).exitCode).toBe(0);
      await expectServing("1.0.0");
      // Neither the installation nor the waiting for health shares its time with what was before
      const all = readFileSync(host.path("aws/calls"), "utf8").trim().split("\n");
      const afterDownload = all.slice(all.findIndex((line) => line.startsWith("s3api")) + 1);
      expect(afterDownload.filter((line) => line.includes("heartbeat"))).toHaveLength(2);
    });

    it("is given up on in the end", async () => {
      point("none");
      const ran = await host.run(["current"], { ...quick, WAIT_SECONDS: "2" });
      expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("no release within 2 s") });
    });

    it("is not waited for once the set-up has ended", async () => {
      const before = calls("autoscaling").length;
      appendFileSync(host.path("home/ec2-user/.setup_complete"), "");
      expect((await host.run(["current"], quick)).exitCode).toBe(0);
      expect(calls("autoscaling")).toHaveLength(before);
    });
  });
});
