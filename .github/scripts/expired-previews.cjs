// Which previews to destroy: those whose pull request is closed, and those that nobody has deployed for too long. Sets the
// output
//   previews   matrix as JSON: ["pr-7"]; "[]" where there is none
//
// usage: expired-previews.cjs STACKS      STACKS is a file with what `./landfall state list --json` prints
//   DAYS   after which a preview goes although its request is open. Default: 7
//   GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL
const { readFileSync } = require("node:fs");
const { GitHub, GitHubError, main, setOutput, summarize } = require("./github.cjs");

const DAY = 24 * 60 * 60 * 1000;

function daysOf(text) {
  const days = Number(text || "7");
  if (!Number.isInteger(days) || days < 1)
    throw new Error(`"${text}" is no number of days: 1 or more is expected`);
  return days;
}

/** Why a preview goes; undefined where it stays. */
async function reasonOf({ stack, modifiedAt }, github, days) {
  const age = Date.now() - Date.parse(modifiedAt);
  if (Number.isNaN(age)) throw new Error(`${stack}: "${modifiedAt}" is no time`);
  if (age > days * DAY) return `not deployed for more than ${days} days`;
  try {
    const { state } = await github.request("GET", `/pulls/${stack.slice("pr-".length)}`);
    return state === "closed" ? "its pull request is closed" : undefined;
  } catch (error) {
    // It may be another repository's
    if (error instanceof GitHubError && error.status === 404) return undefined;
    throw error;
  }
}

async function run() {
  const days = daysOf(process.env.DAYS);
  const github = new GitHub();
  const previews = JSON.parse(readFileSync(process.argv[2], "utf8")).filter(
    ({ stack, resources }) => /^pr-[1-9]\d*$/.test(stack) && resources > 0,
  );
  const expired = [];
  for (const preview of previews) {
    const reason = await reasonOf(preview, github, days);
    if (reason !== undefined) expired.push(preview.stack);
    summarize(`- ${preview.stack}: ${reason ?? "stays"}`);
  }
  setOutput("previews", expired);
}

module.exports = { run };
if (require.main === module) main(run);
