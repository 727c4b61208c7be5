import { Command } from "commander";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { projectRoot } from "../environments/root";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string | boolean | number>>;
}
interface Job {
  readonly if?: string;
  readonly needs?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, { readonly types?: readonly string[] } | null>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly concurrency: { readonly group: string; readonly "cancel-in-progress": boolean };
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = join(projectRoot, ".github", "workflows");
const files = readdirSync(folder);
const textOf = (file: string): string => readFileSync(join(folder, file), "utf8");
const read = (file: string): Workflow => parse(textOf(file)) as Workflow;
const jobs = files.flatMap((file) =>
  Object.entries(read(file).jobs).map(([name, job]) => ({ file, name, job })),
);
const hasRights = ({ permissions }: Job): boolean => permissions?.["id-token"] === "write";

test("there are a release and a preview", () => {
  expect(files.sort()).toEqual(["preview.yml", "release-macro-ai.yml"]);
});

describe.each(files)("%s", (file) => {
  const uses = [...textOf(file).matchAll(/uses:\s*(.*)/g)].map(([, action = ""]) => action);

  test.each(uses)("pins %s", (action) => {
    expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test("uses actions", () => {
    expect(uses.length).toBeGreaterThan(5);
  });

  test("may read the repository and nothing else, unless a job says so", () => {
    expect(read(file).permissions).toEqual({ contents: "read" });
  });

  test("lets no run cancel another", () => {
    expect(read(file).concurrency).toMatchObject({ "cancel-in-progress": false });
    expect(read(file).concurrency.group).toContain("${{");
  });

  test("has no keys of AWS: it takes a role for each run", () => {
    expect(textOf(file)).not.toMatch(/aws-access-key-id|aws-secret-access-key|AWS_SECRET/i);
  });

  test("hands nothing to a shell but by variables", () => {
    for (const { run } of Object.values(read(file).jobs).flatMap(({ steps }) => steps)) {
      expect(run ?? "").not.toContain("${{");
    }
  });
});

describe.each(jobs)("$file, $name", ({ job, name }) => {
  test("leaves no token in the checkout", () => {
    const checkouts = job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    expect(checkouts.length).toBeGreaterThan(0);
    for (const checkout of checkouts) expect(checkout.with).toMatchObject({ "persist-credentials": false });
  });

  test("may act in AWS, or runs the application's build, never both", () => {
    const builds = job.steps.some(({ run }) => run?.includes("build-macro-ai.sh"));
    expect(hasRights(job)).toBe(!builds);
    expect(job.permissions ?? { contents: "read" }).toEqual({
      contents: "read",
      ...(!builds && { "id-token": "write" }),
    });
    expect(builds).toBe(name === "build");
  });
});

describe("commands", () => {
  const calls = jobs.flatMap(({ file, job }) =>
    job.steps.flatMap(({ run = "" }) =>
      [...run.matchAll(/\.\/landfall ([^)\n]*)/g)].map(([, call = ""]) => ({ file, call })),
    ),
  );

  /** Parses as the command does, and runs nothing. */
  function parseCall(call: string): void {
    const program = new Command("landfall").exitOverride().configureOutput({ writeErr: () => {} });
    const verbs = join(projectRoot, "cli", "verbs");
    for (const verb of readdirSync(verbs)) {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- whichever verbs there are
      const { register } = require(join(verbs, verb)) as { register(program: Command): void };
      register(program);
    }
    for (const command of program.commands) {
      command
        .exitOverride()
        .configureOutput({ writeErr: () => {} })
        .action(() => {});
    }
    program.parse(call.replaceAll('"', "").split(/\s+/), { from: "user" });
  }

  test.each(calls)("$file: ./landfall $call", ({ call }) => {
    expect(() => parseCall(call)).not.toThrow();
  });

  test("would not pass with an option that is not there", () => {
    expect(() => parseCall('release "$NAME" macro-ai --archive a.tar.gz')).toThrow();
    expect(() => parseCall('remove "$NAME"')).toThrow();
  });

  const callsOf = (file: string, name: string): string =>
    (read(file).jobs[name]?.steps ?? []).map(({ run }) => run ?? "").join("\n");

  test("make, fill and remove a preview, in this order", () => {
    expect(callsOf("preview.yml", "deploy")).toMatch(
      /landfall init [^]*landfall apply [^]*landfall release /,
    );
    expect(callsOf("preview.yml", "destroy")).toMatch(/landfall init [^]*landfall destroy .* --yes/);
  });
});

describe("a preview", () => {
  const preview = read("preview.yml");
  interface Event {
    readonly action: string;
    readonly fork?: boolean;
    readonly variables?: Readonly<Record<string, string>>;
  }
  /** Whether a job's own condition holds; GitHub's operators are JavaScript's here. */
  function runs(name: string, { action, fork, variables }: Event): boolean {
    const condition = preview.jobs[name]?.if;
    if (condition === undefined) throw new Error(`${name} has no condition`);
    const repository = "example/landfall";
    const event = {
      action,
      pull_request: { head: { repo: { full_name: fork ? "someone/landfall" : repository } } },
    };
    const vars = {
      LANDFALL_REPOSITORY: "",
      MACRO_AI_REPOSITORY: "example/macro-ai",
      AWS_PREVIEW_ROLE_ARN: "arn:aws:iam::436957243186:role/preview",
      ...variables,
    };
    return new Function("github", "vars", `return ${condition}`)({ event, repository }, vars) as boolean;
  }

  test("is made when a request is opened or changes, and destroyed when it is closed", () => {
    expect(preview.on.pull_request?.types).toEqual(["opened", "synchronize", "reopened", "closed"]);
    for (const action of ["opened", "synchronize", "reopened"]) {
      expect(runs("build", { action })).toBe(true);
      expect(runs("destroy", { action })).toBe(false);
    }
    expect(runs("build", { action: "closed" })).toBe(false);
    expect(runs("destroy", { action: "closed" })).toBe(true);
  });

  test("is deployed only after a build, and so under its condition", () => {
    expect(preview.jobs.deploy).toMatchObject({ needs: "build" });
    expect(preview.jobs.deploy?.if).toBeUndefined();
  });

  test("is never made for a fork", () => {
    expect(Object.keys(preview.on)).toEqual(["pull_request"]); // pull_request_target gives forks secrets
    expect(runs("build", { action: "opened", fork: true })).toBe(false);
    expect(runs("destroy", { action: "closed", fork: true })).toBe(false);
  });

  test("is left out where nobody has set it up", () => {
    expect(runs("build", { action: "opened", variables: { AWS_PREVIEW_ROLE_ARN: "" } })).toBe(false);
    expect(runs("build", { action: "opened", variables: { MACRO_AI_REPOSITORY: "" } })).toBe(false);
  });
});

describe("build-macro-ai.sh", () => {
  const script = join(projectRoot, ".github", "build-macro-ai.sh");
  const work = mkdtempSync(join(tmpdir(), "landfall-build-"));
  afterAll(() => rmSync(work, { recursive: true }));

  function application(name: string, files: Readonly<Record<string, string>>): string {
    const path = join(work, name);
    mkdirSync(path);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
    return path;
  }
  const run = (path: string) =>
    spawnSync(script, [path, `${path}.tar.gz`], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, HOME: work, npm_config_cache: join(work, "npm") },
    });
  const manifest = {
    name: "app",
    version: "1.0.0",
    scripts: { build: "mkdir dist && echo ok >dist/index.js" },
  };
  const lock = { name: "app", version: "1.0.0", lockfileVersion: 3, packages: { "": manifest } };

  test("packs what a release needs, and nothing else", () => {
    const path = application("app", {
      "package.json": JSON.stringify(manifest),
      "package-lock.json": JSON.stringify(lock),
      ".env": "SECRET=1",
    });
    expect(run(path)).toMatchObject({ status: 0 });
    const names = execFileSync("tar", ["-tzf", `${path}.tar.gz`], { encoding: "utf8" });
    expect(names.trim().split("\n").sort()).toEqual([
      "dist/",
      "dist/index.js",
      "package-lock.json",
      "package.json",
    ]);
  });

  test("stops without a lock file", () => {
    const { status, stderr } = run(application("bare", { "package.json": JSON.stringify(manifest) }));
    expect(status).toBe(1);
    expect(stderr).toContain("no pnpm-lock.yaml and no package-lock.json");
  });
});

const has = (tool: string): boolean => spawnSync(tool, ["--version"]).error === undefined;

(has("actionlint") ? test : test.skip)("actionlint has nothing to say (needs actionlint)", () => {
  execFileSync(
    "actionlint",
    files.map((file) => join(folder, file)),
    { stdio: "pipe" },
  );
});

(has("shellcheck") ? test : test.skip)("shellcheck has nothing to say (needs shellcheck)", () => {
  execFileSync("shellcheck", [join(projectRoot, ".github", "build-macro-ai.sh")], { stdio: "pipe" });
});
