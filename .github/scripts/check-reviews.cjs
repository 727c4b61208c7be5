// Checks reviews that were found, shows them to who approves, and says what is to be applied. Sets for each name the output
//   <name>   changes, nothing (the review has no change) or missing
//
// usage: check-reviews.cjs FOLDER      FOLDER has review-<name>/review.json and review.md; it may be missing
//   NAMES   JSON: ["shared","stage"]
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { main, required, setOutput, summarize } = require("./github.cjs");

/** @returns the review of a stack, or undefined where there is none. @throws where it is none of this stack */
function reviewOf(folder, name) {
  const file = join(folder, `review-${name}`, "review.json");
  if (!existsSync(file)) return undefined;
  let review;
  try {
    review = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new Error(`the review of ${name} is no JSON`);
  }
  const { version, stack, fingerprint } = review ?? {};
  if (version !== 1 || stack !== name || typeof fingerprint !== "string" || fingerprint === "") {
    throw new Error(
      `the review of ${name} is of "${stack}", or of a structure that this version does not know`,
    );
  }
  return review;
}

/** Whether a review has something to apply. */
const changes = ({ counts, outputs = [] }) =>
  Object.values(counts).some((count) => count > 0) || outputs.length > 0;

function run() {
  const [folder] = process.argv.slice(2);
  for (const name of JSON.parse(required("NAMES"))) {
    const review = reviewOf(folder, name);
    if (!review) {
      setOutput(name, "missing");
      continue;
    }
    setOutput(name, changes(review) ? "changes" : "nothing");
    const text = join(folder, `review-${name}`, "review.md");
    if (existsSync(text)) summarize(readFileSync(text, "utf8"));
  }
}

module.exports = { run };
if (require.main === module) main(run);
