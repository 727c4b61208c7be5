import { FakeGitHub, REPOSITORY, runScript, TOKEN, type ScriptRun } from "./support/fake-github";

const MERGED = "a".repeat(40);
const HEAD = "b".repeat(40);
const own = { full_name: REPOSITORY };

const pull = {
  number: 12,
  created_at: "2026-11-01T06:00:00Z",
  merged_at: "2026-11-01T10:00:00Z",
  closed_at: "2026-11-01T10:00:00Z",
  merge_commit_sha: MERGED,
  base: { ref: "main" },
  head: { sha: HEAD, ref: "change", repo: own as { full_name: string } | null },
};
const planRun = {
  id: 100,
  path: ".github/workflows/plan.yml",
  event: "pull_request",
  conclusion: "success",
  status: "completed",
  head_sha: HEAD,
  head_branch: "change",
  head_repository: own,
  created_at: "2026-11-01T07:30:00Z",
  run_started_at: "2026-11-01T09:00:00Z",
};
const plannedJobs = ["2026-11-01T09:01:00Z", "2026-11-01T09:04:00Z", "2026-11-01T10:00:00Z"].map(
  (completed_at) => ({ completed_at }),
);
const artifacts = [
  { name: "logs", expired: false },
  { name: "more", expired: false },
  { name: "review-stage", expired: false },
];

let github: FakeGitHub;
beforeEach(async () => {
  github = await FakeGitHub.start();
  github.reads[`/commits/${MERGED}/pulls`] = [pull];
  github.reads["/pulls"] = [pull];
  github.reads["/actions/runs/100/jobs"] = { jobs: plannedJobs };
  github.reads["/issues/12/events"] = [{ event: "base_ref_changed", created_at: "2026-11-01T07:00:00Z" }];
  github.reads["/actions/workflows/plan.yml/runs"] = { workflow_runs: [planRun] };
  github.reads["/actions/runs/100/artifacts"] = { artifacts };
});
afterEach(async () => {
  expect(github.surprises).toEqual([]);
  await github.stop();
});

async function find(environment: Readonly<Record<string, string>> = {}): Promise<ScriptRun> {
  const ran = await runScript("find-review.cjs", [], {
    ...github.environment,
    BRANCH: "main",
    COMMIT: MERGED,
    ...environment,
  });
  expect(ran.told).not.toContain(TOKEN);
  return ran;
}
const reads = (path: string, value: unknown): unknown => (github.reads[path] = value);

test("a merge, also a squashed one, leads to the plan of its request's last commit", async () => {
  expect(await find()).toMatchObject({ exitCode: 0, outputs: { run: "100" } });
});

test("a merge that GitHub does not know of at once is looked for again", async () => {
  github.mishaps = [1, 2].map(() => ({ to: `/commits/${MERGED}/pulls`, status: 200, body: [] }));
  expect((await find()).outputs.run).toBe("100");
});

test("the newest of several plans counts, on whatever page it is", async () => {
  reads("/actions/workflows/plan.yml/runs", {
    workflow_runs: [
      planRun,
      { ...planRun, id: 99, run_started_at: "2026-11-01T08:00:00Z" },
      { ...planRun, id: 101, run_started_at: "2026-11-01T09:30:00Z" },
    ],
  });
  reads("/actions/runs/101/artifacts", { artifacts });
  reads("/actions/runs/101/jobs", { jobs: plannedJobs });
  expect((await find()).outputs.run).toBe("101");
});

test("a push without a request has no review, and that is no failure", async () => {
  reads(`/commits/${MERGED}/pulls`, []);
  const { exitCode, outputs } = await find();
  expect({ exitCode, run: outputs.run }).toEqual({ exitCode: 0, run: "" });
  expect(outputs.reason).toContain("without a pull request");
});

test.each([
  ["a request that only contains the commit", { merge_commit_sha: "c".repeat(40) }, "without a pull request"],
  ["an open request", { merged_at: null }, "without a pull request"],
  ["a request to another branch", { base: { ref: "next" } }, "without a pull request"],
  [
    "a fork's request",
    { head: { sha: HEAD, repo: { full_name: "someone/landfall" } } },
    "#12 is from a fork",
  ],
  ["a request of a fork that is gone", { head: { sha: HEAD, repo: null } }, "#12 is from a fork"],
])("%s does not count", async (_, other, reason) => {
  reads(`/commits/${MERGED}/pulls`, [{ ...pull, ...other }]);
  const { outputs } = await find();
  expect(outputs.run).toBe("");
  expect(outputs.reason).toContain(reason);
});

test.each([
  ["by somebody", "base_ref_changed"],
  ["by GitHub", "automatic_base_change_succeeded"],
])("a plan from before the request was turned to this branch %s does not count", async (_, event) => {
  reads("/issues/12/events", [
    { event: "labeled", created_at: "2026-11-01T08:00:00Z" },
    { event, created_at: "2026-11-01T09:30:00Z" },
  ]);
  const { outputs } = await find();
  expect(outputs.run).toBe("");
  expect(outputs.reason).toContain("#12 went to another branch after run 100");
});

test("two requests of one commit are not chosen from", async () => {
  reads(`/commits/${MERGED}/pulls`, [pull, { ...pull, number: 13 }]);
  expect((await find()).outputs).toMatchObject({ run: "", reason: expect.stringContaining("#12 and #13") });
});

test.each([
  ["that failed", { conclusion: "failure" }],
  ["of another commit", { head_sha: "d".repeat(40) }],
  ["of another workflow", { path: ".github/workflows/ci.yml" }],
  ["of another event", { event: "workflow_dispatch" }],
  ["of a fork", { head_repository: { full_name: "someone/landfall" } }],
  ["of another branch at the same commit", { head_branch: "change-2" }],
  ["from before the request", { created_at: "2026-11-01T05:59:59Z" }],
])("a plan %s does not count", async (_, other) => {
  reads("/actions/workflows/plan.yml/runs", { workflow_runs: [{ ...planRun, ...other }] });
  expect((await find()).outputs).toMatchObject({
    run: "",
    reason: expect.stringContaining("has not succeeded"),
  });
});

describe("another request of the same branch", () => {
  const other = { ...pull, number: 8, base: { ref: "lax" } };

  test.each([
    ["is open", { closed_at: null }],
    ["was closed after the plan had begun", { closed_at: "2026-11-01T08:00:00Z" }],
    ["was closed just before it began", { closed_at: "2026-11-01T07:26:00Z" }],
    ["was merged at the same time", {}],
  ])("that %s may have made the plan, so none counts", async (_, times) => {
    reads("/pulls", [
      pull,
      { ...pull, number: 3, closed_at: "2026-10-01T00:00:00Z" },
      { ...other, ...times },
    ]);
    const { exitCode, outputs } = await find();
    expect({ exitCode, run: outputs.run }).toEqual({ exitCode: 0, run: "" });
    expect(outputs.reason).toContain("#12 and #8 are of the same branch change");
  });

  test.each([
    ["a fork's", { ref: "change", repo: { full_name: "someone/landfall" } }],
    ["another branch's", { ref: "change-2", repo: own }],
  ])("is not %s", async (_, head) => {
    reads("/pulls", [pull, { ...other, closed_at: null, head: { ...pull.head, ...head } }]);
    expect((await find()).outputs.run).toBe("100");
  });

  test.each([
    ["was closed before the plan began", { closed_at: "2026-11-01T07:24:00Z" }],
    ["was opened after the merge", { created_at: "2026-11-01T10:01:00Z", closed_at: null }],
  ])("that %s does not matter: names of branches are used again", async (_, times) => {
    reads("/pulls", [{ ...other, ...times }, pull]);
    expect((await find()).outputs.run).toBe("100");
  });

  test("that was opened after the merge has a plan that is not the last one", async () => {
    const later = {
      ...planRun,
      id: 101,
      created_at: "2026-11-01T10:02:00Z",
      run_started_at: "2026-11-01T10:02:00Z",
    };
    reads("/actions/workflows/plan.yml/runs", { workflow_runs: [later, planRun] });
    expect((await find()).outputs.run).toBe("100");
  });

  test("whose plan was started again is not taken, though it was closed before this one's", async () => {
    const begun = "2026-11-01T07:10:00Z";
    const again = { ...planRun, id: 99, created_at: begun, run_started_at: "2026-11-01T09:30:00Z" };
    reads("/actions/workflows/plan.yml/runs", { workflow_runs: [planRun, again] });
    reads("/pulls", [{ ...other, closed_at: "2026-11-01T07:20:00Z" }, pull]);
    expect((await find()).outputs.run).toBe("");
  });
});

test.each([
  ["ended after the merge", [...plannedJobs, { completed_at: "2026-11-01T10:00:01Z" }]],
  ["goes on", [...plannedJobs, { completed_at: null }]],
  ["has no jobs", []],
])("a plan that %s does not count: nobody saw it before", async (_, jobs) => {
  reads("/actions/runs/100/jobs", { jobs });
  const { exitCode, outputs } = await find();
  expect({ exitCode, run: outputs.run }).toEqual({ exitCode: 0, run: "" });
  expect(outputs.reason).toContain("Run 100, the last plan of #12, had not ended when it was merged");
});

test.each([
  ["is no longer kept", [{ name: "review-stage", expired: true }], "no longer kept"],
  ["is not there", [{ name: "logs", expired: false }], "has no review"],
])("an artifact that %s does not count", async (_, kept, reason) => {
  reads("/actions/runs/100/artifacts", { artifacts: kept });
  expect((await find()).outputs).toMatchObject({ run: "", reason: expect.stringContaining(reason) });
});

test("GitHub's failure is a failure, not a missing review", async () => {
  github.mishaps = [{ to: "/pulls", status: 403, message: "Resource not accessible by integration" }];
  const { exitCode, outputs } = await find();
  expect({ exitCode, outputs }).toEqual({ exitCode: 1, outputs: {} });
});

describe("a run named by hand", () => {
  const deployRun = {
    ...planRun,
    id: 200,
    path: ".github/workflows/deploy.yml@refs/heads/main",
    event: "push",
    conclusion: "failure",
    head_branch: "main",
  };

  test.each([
    ["a plan", planRun],
    ["a deploy that stopped", deployRun],
  ])("may be %s", async (_, run) => {
    reads("/actions/runs/200", { ...run, id: 200 });
    reads("/actions/runs/200/artifacts", { artifacts });
    expect(await find({ RUN: "200" })).toMatchObject({ exitCode: 0, outputs: { run: "200" } });
    expect(github.count("GET /commits")).toBe(0);
  });

  test.each([
    ["of another workflow", { ...planRun, path: ".github/workflows/ci.yml" }],
    ["of a plan that failed", { ...planRun, conclusion: "failure" }],
    ["of a deploy of another branch", { ...deployRun, head_branch: "change" }],
    ["of a deploy that goes on", { ...deployRun, status: "in_progress" }],
    ["of a fork", { ...planRun, head_repository: { full_name: "someone/landfall" } }],
  ])("is refused where it is %s", async (_, run) => {
    reads("/actions/runs/200", run);
    const { exitCode, told } = await find({ RUN: "200" });
    expect(exitCode).toBe(1);
    expect(told).toContain("run 200 is neither");
  });

  test.each(["../../user", "100?x=1", "-1"])("is refused where it is %s", async (id) => {
    expect(await find({ RUN: id })).toMatchObject({ exitCode: 1 });
    expect(github.asked).toEqual([]);
  });
});
