// Which previews to destroy: those whose pull request is closed, and those that nobody has deployed for too long. Sets the
// output
//   previews   matrix as JSON: ["pr-7"]; "[]" where there is none
//
// usage: expired-previews.cjs STACKS      STACKS is a file with what `./landfall state list 'pr-*' --json` prints
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

/** Previews that are there, of all stacks. An empty state stays in the bucket when its stack is destroyed. */
function previewsIn(stacks) {
  const previews = stacks.filter(({ name }) => name === undefined || /^pr-[1-9]\d*$/.test(name));
  for (const { name, modified, resources, denied, broken } of previews) {
    if (name !== undefined && (denied || broken)) {
      console.log(
        `::warning::The state of ${name} cannot be read, so it stays: ./landfall state history ${name}`,
      );
      continue;
    }
    if (name === undefined || Number.isNaN(Date.parse(modified)) || typeof resources !== "number") {
      throw new Error(
        `${name ?? "a stack"}: \`state list\` did not tell its name, time or number of resources`,
      );
    }
  }
  return previews.filter(({ resources }) => resources > 0);
}

/** Why a preview goes; undefined where it stays. */
async function reasonOf({ name, modified }, github, days) {
  const age = Date.now() - Date.parse(modified);
  if (age > days * DAY) return `not deployed for more than ${days} days`;
  try {
    const { state } = await github.request("GET", `/pulls/${name.slice("pr-".length)}`);
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
  const previews = previewsIn(JSON.parse(readFileSync(process.argv[2], "utf8")));
  const expired = [];
  for (const preview of previews) {
    const reason = await reasonOf(preview, github, days);
    if (reason !== undefined) expired.push(preview.name);
    summarize(`- ${preview.name}: ${reason ?? "stays"}`);
  }
  setOutput("previews", expired);
}

module.exports = { run };
if (require.main === module) main(run);
