// Puts the review of each environment into the pull request: one comment for each, which is found again by a hidden
// marker and then changed. Where an environment's plan failed, its comment says so: an old review must not stay.
//
// usage: upsert-comment.cjs FOLDER      FOLDER has review-<name>/review.md
//   ENVIRONMENTS   JSON: [{"name":"stage"}, …]
//   PULL, COMMIT   number of the pull request, and the commit that was planned
//   GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_SERVER_URL, GITHUB_RUN_ID
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { GitHub, code, isOurs, main, required, runUrl, upsert } = require("./github.cjs");

/** GitHub refuses a longer one. */
const MAX_CHARACTERS = 65536;

const markerOf = (name) => `<!-- landfall review: ${name} -->`;

/** The comment of an environment. */
function commentOf(name, folder, commit) {
  const file = join(folder, `review-${name}`, "review.md");
  const run = runUrl();
  const foot = `\n\n<sub>${code(commit.slice(0, 12))}, [planned by this run](${run}), which has the review as a page, too</sub>\n`;
  const failed = `### ${name}: the plan failed\n\nThere is no review of this commit. [The run](${run}) says why.`;
  const tooLong = `### ${name}: the review is too long for a comment\n\n[The run](${run}) has it as the artifact ${code(`review-${name}`)}.`;
  const text = existsSync(file) ? readFileSync(file, "utf8").trimEnd() : failed;
  const whole = `${markerOf(name)}\n${text}${foot}`;
  return whole.length <= MAX_CHARACTERS ? whole : `${markerOf(name)}\n${tooLong}${foot}`;
}

async function run() {
  const [folder] = process.argv.slice(2);
  const environments = JSON.parse(required("ENVIRONMENTS"));
  const pull = Number(required("PULL"));
  const commit = required("COMMIT");
  const github = new GitHub();
  const { head } = await github.request("GET", `/pulls/${pull}`);
  if (head.sha !== commit) return console.log(`not commented: the request is at ${head.sha} by now`);
  for (const { name } of environments) {
    const body = commentOf(name, folder, commit);
    await upsert({
      find: async () => {
        const comments = await github.list(`/issues/${pull}/comments`);
        return comments.find((comment) => isOurs(comment, markerOf(name)));
      },
      create: () => github.request("POST", `/issues/${pull}/comments`, { body }),
      update: ({ id }) => github.request("PATCH", `/issues/comments/${id}`, { body }),
    });
    console.log(`${name}: commented`);
  }
}

module.exports = { run };
if (require.main === module) main(run);
