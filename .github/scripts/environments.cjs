// Which stacks there are to plan or to deploy, read from the environment files. Sets the outputs
//   plan    matrix of what has a plan role, as JSON: [{"name":"stage","role":"arn:…"}]; "[]" where there is none
//   names   all, as JSON: ["shared","prod","stage"]
//
// usage: environments.cjs [FOLDER]      FOLDER has the files. Default: environments
//   PLAN_ROLES   JSON of name and role: {"stage":"arn:…"}, as `./landfall outputs access` prints it
const { readdirSync } = require("node:fs");
const { main, setOutput, summarize } = require("./github.cjs");

const NAME = /^[a-z][a-z0-9-]{0,19}$/;
const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;

/** Names of the stacks whose files are there, `shared` first. The sandbox's belong to no account. */
function namesIn(folder) {
  const files = readdirSync(folder).filter((file) => /^[^.][^]*\.env$/.test(file));
  const names = files
    .filter((file) => !/(^|\.)(shared|secrets)\.env$/.test(file))
    .map((file) => file.slice(0, -".env".length))
    .filter((name) => name !== "sandbox")
    .sort();
  const bad = names.filter((name) => !NAME.test(name));
  if (bad.length > 0)
    throw new Error(
      `${folder}: ${bad.map((name) => JSON.stringify(name)).join(", ")} does not name an environment`,
    );
  return [...(files.includes("shared.env") ? ["shared"] : []), ...names];
}

function rolesIn(text) {
  if (!text) return {};
  let roles;
  try {
    roles = JSON.parse(text);
  } catch {
    throw new Error(
      'the variable AWS_PLAN_ROLES is no JSON; it should be such as {"stage":"arn:aws:iam::…:role/…"}',
    );
  }
  if (typeof roles !== "object" || roles === null || Array.isArray(roles)) {
    throw new Error("the variable AWS_PLAN_ROLES is no JSON object of names and roles");
  }
  for (const [name, role] of Object.entries(roles)) {
    if (typeof role !== "string" || !ROLE.test(role)) {
      throw new Error(`the variable AWS_PLAN_ROLES has no role's ARN for ${name}`);
    }
  }
  return roles;
}

function run() {
  const names = namesIn(process.argv[2] ?? "environments");
  const roles = rolesIn(process.env.PLAN_ROLES);
  const has = (name) => Object.hasOwn(roles, name);
  const plan = names.filter(has).map((name) => ({ name, role: roles[name] }));
  setOutput("names", names);
  setOutput("plan", plan);
  if (names.length === 0)
    summarize("There are no environment files in this repository: `./landfall init` writes them.");
  const without = names.filter((name) => !has(name));
  if (without.length > 0 && process.env.PLAN_ROLES !== undefined) {
    summarize(
      `Not planned, as the variable \`AWS_PLAN_ROLES\` has no role for it: ${without.join(", ")}. See docs/delivery.md.`,
    );
  }
}

module.exports = { run };
if (require.main === module) main(run);
