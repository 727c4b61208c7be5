// Keeps one issue about what somebody changed in AWS behind Landfall's back: opens it, updates it, and closes it when that
// is gone. Closed by hand it stays closed until something else drifts.
//
// usage: drift-issue.cjs FOLDER      FOLDER has drift-<name>/review.json for each environment that could be planned, and
//                                    drift-<name>/not-looked where that plan could not look for drift
//   ENVIRONMENTS   JSON: [{"name":"stage"}, …]
//   GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_SERVER_URL, GITHUB_RUN_ID
const { createHash } = require("node:crypto");
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { GitHub, code, isOurs, main, required, runUrl, summarize, upsert } = require("./github.cjs");

const LABEL = "drift";
const TITLE = "Drift: AWS is not as it was applied";
const MARKER = "<!-- landfall drift";
/** Of one environment; the run has all. */
const MAX_LINES = 100;
const MAX_ATTRIBUTES = 5;

/** The drift of an environment; undefined where it could not be planned. */
function driftOf(folder, name) {
  const file = join(folder, `drift-${name}`, "review.json");
  if (!existsSync(file)) return { name };
  const { stack, drift } = JSON.parse(readFileSync(file, "utf8"));
  if (stack !== name || !Array.isArray(drift)) throw new Error(`${file} is no review of ${name}`);
  return { name, drift, notLooked: existsSync(join(folder, `drift-${name}`, "not-looked")) };
}

/** Tells one drift from another, so that a change of it is news. */
const digestOf = (stacks) => createHash("sha256").update(JSON.stringify(stacks)).digest("hex").slice(0, 16);

/** A resource, by its attributes' names alone: an issue is no place for values. */
function lineOf({ address, action, attributes = [] }) {
  const names = attributes.map(({ path }) => code(path.join(".")));
  const more = names.length - MAX_ATTRIBUTES;
  const shown = [...names.slice(0, MAX_ATTRIBUTES), ...(more > 0 ? [`${more} more`] : [])];
  return `- ${code(address)}: ${action === "delete" ? "is gone" : "was changed"}${shown.length > 0 && action !== "delete" ? ` (${shown.join(", ")})` : ""}`;
}

function sectionOf({ name, drift, notLooked }) {
  if (notLooked) return `## ${name}\n\nNot looked at: the plan role would have to read secrets.`;
  if (!drift) return `## ${name}\n\nCould not be planned, see the run.`;
  if (drift.length === 0) return `## ${name}\n\nNo drift.`;
  const more = drift.length - MAX_LINES;
  const lines = drift.slice(0, MAX_LINES).map(lineOf);
  return `## ${name}\n\n${[...lines, ...(more > 0 ? [`- and ${more} more`] : [])].join("\n")}`;
}

const bodyOf = (stacks, digest) =>
  [
    `${MARKER} ${digest} -->`,
    `Somebody or something other than Landfall changed what is listed here. [The run](${runUrl()}) has each value before and after.`,
    "To undo it, apply the environment. To keep it, write it into the settings. Closed by hand, this issue stays closed until the drift is another one.",
    ...stacks.map(sectionOf),
  ].join("\n\n") + "\n";

const digestIn = ({ body }) => /^<!-- landfall drift ([0-9a-f]+) -->/.exec(body)?.[1];

/** Our newest issue, open ones first. */
async function findIssue(github) {
  const issues = await github.list(`/issues?labels=${LABEL}&state=all&sort=created&direction=desc`);
  const ours = issues.filter((issue) => !issue.pull_request && isOurs(issue, MARKER));
  return ours.find(({ state }) => state === "open") ?? ours[0];
}

async function report(github, stacks) {
  const digest = digestOf(stacks.filter(({ drift }) => drift?.length > 0));
  const body = bodyOf(stacks, digest);
  const comment = (number, text) => github.request("POST", `/issues/${number}/comments`, { body: text });
  return upsert({
    find: () => findIssue(github),
    create: async () => {
      const { number } = await github.request("POST", "/issues", { title: TITLE, labels: [LABEL], body });
      return `opened #${number}`;
    },
    update: async (issue) => {
      const { number, state } = issue;
      const isNews = digestIn(issue) !== digest;
      if (state === "closed" && !isNews && !(await wasClosedByUs(github, number))) {
        return `#${number} was closed by hand, and the drift is the same`;
      }
      await github.request("PATCH", `/issues/${number}`, { body, state: "open" });
      if (state === "closed") await comment(number, "There is drift again.");
      else if (isNews) await comment(number, "The drift is another one than before.");
      return `updated #${number}`;
    },
  });
}

async function wasClosedByUs(github, number) {
  const { closed_by: closer, user } = await github.request("GET", `/issues/${number}`);
  return closer?.login === user.login;
}

async function close(github) {
  const issue = await findIssue(github);
  if (issue?.state !== "open") return "no drift";
  await github.request("PATCH", `/issues/${issue.number}`, { state: "closed", state_reason: "completed" });
  await github.request("POST", `/issues/${issue.number}/comments`, {
    body: `[No drift any more](${runUrl()}).`,
  });
  return `closed #${issue.number}`;
}

async function run() {
  const [folder] = process.argv.slice(2);
  const stacks = JSON.parse(required("ENVIRONMENTS")).map(({ name }) => driftOf(folder, name));
  const blind = stacks.filter(({ notLooked }) => notLooked).map(({ name }) => name);
  if (blind.length > 0)
    summarize(`Not looked at, as the plan role would have to read secrets: ${blind.join(", ")}.`);
  const github = new GitHub();
  if (stacks.some(({ drift }) => drift?.length > 0)) return console.log(await report(github, stacks));
  const failed = stacks.filter(({ drift }) => !drift).map(({ name }) => name);
  if (failed.length > 0) return console.log(`no drift, but ${failed.join(", ")} could not be planned`);
  console.log(await close(github));
}

module.exports = { run };
if (require.main === module) main(run);
