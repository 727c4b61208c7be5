// Finds the run that has the reviews of what is to be applied: for a commit on the default branch the last successful
// plan of the pull request that it merged, as it was then, or a run that somebody names. Sets the outputs
//   run      the run's id; empty where there is none
//   reason   one sentence: where the reviews are from, or why there are none
//
//   COMMIT   the commit on the default branch
//   BRANCH   the default branch
//   RUN      id of a run of the workflow Plan or Deploy, named by hand; wins over COMMIT
//   GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL
const { setTimeout: sleep } = require("node:timers/promises");
const { GitHub, main, required, setOutput, summarize } = require("./github.cjs");

const LOOKS = 3;
/** In milliseconds. A run may begin a little after its request was closed. */
const BEGINS_WITHIN = 5 * 60 * 1000;
const PLAN = ".github/workflows/plan.yml";
const DEPLOY = ".github/workflows/deploy.yml";

/** Why there is no review. It is no failure here: who applies decides whether it needs one. */
class NoReview extends Error {}

/** Whether a run is of our own code: a fork's can have any artifact. */
const isOwn = (run, github) => run.head_repository?.full_name === github.repository;

/** The path of a run's workflow; GitHub adds `@<ref>` where the workflow is not of the run's own commit. */
const workflowOf = (run) => (run.path ?? "").split("@")[0];

/** Requests that a commit merged. GitHub may learn of a merge a little later than it starts this. */
async function mergedPulls(github, commit, branch) {
  for (let look = 1; ; look++) {
    const pulls = await github.list(`/commits/${commit}/pulls`);
    const merged = pulls.filter(
      ({ merged_at, merge_commit_sha, base }) =>
        merged_at !== null && merge_commit_sha === commit && base.ref === branch,
    );
    if (merged.length > 0 || look === LOOKS) return merged;
    await sleep(10 * github.firstWait);
  }
}

async function mergedPull(github, commit, branch) {
  const merged = await mergedPulls(github, commit, branch);
  const [pull] = merged;
  if (!pull)
    throw new NoReview(`${commit} was pushed without a pull request, so nobody has reviewed a plan of it.`);
  if (merged.length > 1) {
    const numbers = merged.map(({ number }) => `#${number}`).join(" and ");
    throw new NoReview(`${commit} belongs to ${numbers}, and which review is meant is not clear.`);
  }
  if (pull.head.repo?.full_name !== github.repository) {
    throw new NoReview(`#${pull.number} is from a fork, whose changes are not planned.`);
  }
  return pull;
}

/**
 * Another request of the same branch has plans of the same commits, and perhaps to a branch whose workflows nobody has
 * approved. One that was closed well before the plan began, or opened after the merge, has none that could be this one.
 */
async function requireOwnPlan(github, { created_at: begun }, { number, head, merged_at }) {
  const owner = github.repository.split("/")[0];
  const query = `head=${encodeURIComponent(`${owner}:${head.ref}`)}&state=all`;
  const pulls = await github.list(`/pulls?${query}`);
  const others = pulls.filter(
    (other) =>
      other.number !== number &&
      other.head.ref === head.ref &&
      other.head.repo?.full_name === github.repository &&
      !(other.closed_at && Date.parse(other.closed_at) + BEGINS_WITHIN < Date.parse(begun)) &&
      !(Date.parse(other.created_at) > Date.parse(merged_at)),
  );
  if (others.length === 0) return;
  const numbers = others.map((other) => `#${other.number}`).join(" and ");
  throw new NoReview(
    `#${number} and ${numbers} are of the same branch ${head.ref}, so it is not clear which of them a plan is of.`,
  );
}

async function lastPlan(github, { number, head, created_at, merged_at }) {
  const query = `head_sha=${head.sha}&event=pull_request&status=success`;
  const runs = await github.list(`/actions/workflows/plan.yml/runs?${query}`, (page) => page.workflow_runs);
  const [last] = runs
    .filter(
      (run) =>
        run.head_sha === head.sha &&
        run.head_branch === head.ref &&
        run.event === "pull_request" &&
        run.conclusion === "success" &&
        Date.parse(run.created_at) >= Date.parse(created_at) &&
        Date.parse(run.created_at) <= Date.parse(merged_at) &&
        workflowOf(run) === PLAN &&
        isOwn(run, github),
    )
    .sort(
      (one, other) => Date.parse(other.run_started_at) - Date.parse(one.run_started_at) || other.id - one.id,
    );
  if (!last) throw new NoReview(`The plan of #${number} at ${head.sha} has not succeeded.`);
  return last;
}

/** A run that is started again replaces its reviews. By the jobs, as the time of the run itself is a little later. */
async function requireEndedBefore(github, { id }, { number, merged_at }) {
  const jobs = await github.list(`/actions/runs/${id}/jobs`, (page) => page.jobs);
  const ended = jobs.map(({ completed_at }) => Date.parse(completed_at));
  if (jobs.length > 0 && ended.every((time) => time <= Date.parse(merged_at))) return;
  throw new NoReview(
    `Run ${id}, the last plan of #${number}, had not ended when it was merged, so nobody has seen its reviews before.`,
  );
}

/** By somebody, or by GitHub where the branch that it went to was merged and deleted. */
const RETARGETED = ["base_ref_changed", "automatic_base_change_succeeded"];

/** A plan is of the branch that the request went to when its run began, with that branch's workflow. */
async function requireSameBase(github, { id, created_at }, { number }) {
  const events = await github.list(`/issues/${number}/events`);
  const moved = events.some(
    ({ event, created_at: at }) => RETARGETED.includes(event) && Date.parse(at) >= Date.parse(created_at),
  );
  if (!moved) return;
  throw new NoReview(
    `#${number} went to another branch after run ${id}, its last plan, had begun, so that plan is of something else.`,
  );
}

async function namedRun(github, id, branch) {
  if (!/^\d{1,18}$/.test(id))
    throw new Error(`"${id}" is no id of a run: it is the number in the address of its page`);
  const run = await github.request("GET", `/actions/runs/${id}`);
  const isPlan = workflowOf(run) === PLAN && run.event === "pull_request" && run.conclusion === "success";
  const isDeploy = workflowOf(run) === DEPLOY && run.head_branch === branch && run.status === "completed";
  if (!isOwn(run, github) || !(isPlan || isDeploy)) {
    throw new Error(`run ${id} is neither a plan that succeeded nor a deploy of ${branch} that has ended`);
  }
  return run;
}

async function requireArtifacts(github, { id }) {
  const artifacts = await github.list(`/actions/runs/${id}/artifacts`, (page) => page.artifacts);
  const reviews = artifacts.filter(({ name }) => name.startsWith("review-"));
  if (reviews.length === 0) throw new NoReview(`Run ${id} has no review.`);
  if (reviews.every(({ expired }) => expired))
    throw new NoReview(`The reviews of run ${id} are no longer kept.`);
}

async function find() {
  const github = new GitHub();
  const { RUN: named } = process.env;
  const branch = required("BRANCH");
  if (named) {
    const run = await namedRun(github, named, branch);
    await requireArtifacts(github, run);
    return { run: run.id, reason: `The reviews are those of run ${run.id}, named by hand.` };
  }
  const pull = await mergedPull(github, required("COMMIT"), branch);
  const run = await lastPlan(github, pull);
  await requireOwnPlan(github, run, pull);
  await requireEndedBefore(github, run, pull);
  await requireSameBase(github, run, pull);
  await requireArtifacts(github, run);
  return { run: run.id, reason: `The reviews are those of #${pull.number}, made by run ${run.id}.` };
}

async function run() {
  const found = await find().catch((error) => {
    if (error instanceof NoReview) return { run: "", reason: error.message };
    throw error;
  });
  setOutput("run", String(found.run));
  setOutput("reason", found.reason);
  summarize(found.reason);
}

module.exports = { run };
if (require.main === module) main(run);
