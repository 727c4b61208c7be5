// Stands in for the AWS CLI, in this process or as one of its own. It notes each call, and answers from lists: the last
// answer of a list stays. A log stream has what has arrived by the number of the question, two events a page, as
// CloudWatch hands them out.
"use strict";
const fs = require("node:fs");

const done = (value) => ({
  exitCode: 0,
  stdout: Object.keys(value).length > 0 ? JSON.stringify(value) : "",
  stderr: "",
});
const failed = (stderr, exitCode = 254) => ({ exitCode, stdout: "", stderr });

/** Answers one call; `file` holds what it knows. */
function answer(given, file) {
  const state = JSON.parse(fs.readFileSync(file, "utf8"));
  const args = given.filter((arg, index) => arg !== "--output" && given[index - 1] !== "--output");
  const stdin = args.includes("file:///dev/stdin") ? fs.readFileSync("/dev/stdin", "utf8") : undefined;
  state.calls.push({ args, stdin });
  try {
    return answerOf(state, args);
  } finally {
    fs.writeFileSync(file, JSON.stringify(state));
  }
}

function answerOf(state, args) {
  const name = args.slice(0, 2).join(" ");
  if (name === "configure get")
    return { exitCode: state.history ? 0 : 1, stdout: state.history ?? "", stderr: "" };
  if (name === "logs get-log-events") return logEvents(state, args);
  const answers = state.answers[`${name} ${args[args.indexOf("--secret-id") + 1]}`] ?? state.answers[name];
  if (!answers) return failed(`the test has no answer to: ${name}`, 252);
  const next = answers.length > 1 ? answers.shift() : answers[0];
  return next.error === undefined ? done(next) : failed(next.error);
}

function logEvents(state, args) {
  state.questions = (state.questions ?? 0) + 1;
  const arrived = (state.log ?? []).filter(({ at }) => at <= state.questions);
  if (arrived.length === 0)
    return failed("An error occurred (ResourceNotFoundException): no such log stream");
  const token = args.includes("--next-token") ? args[args.indexOf("--next-token") + 1] : "f/0/0";
  const [, offset, hollow] = token.split("/").map(Number);
  const { after, pages } = state.hollow ?? {};
  if (offset === after && hollow < pages)
    return done({ events: [], nextForwardToken: `f/${offset}/${hollow + 1}` });
  const events = arrived.slice(offset, offset + 2).map(({ message }) => ({ message }));
  return done({ events, nextForwardToken: `f/${offset + events.length}/${hollow}` });
}

function main() {
  const { exitCode, stdout, stderr } = answer(process.argv.slice(2), process.env.FAKE_AWS);
  if (stdout) console.log(stdout);
  if (stderr) console.error(stderr);
  process.exitCode = exitCode;
}

module.exports = { answer, main };
