import { Command, CommanderError } from "commander";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../environments/root";
import packageJson from "../package.json";
import { LandfallError } from "../environments/errors";
import { colors, progress } from "./output";
import { register as apply } from "./verbs/apply";
import { register as bootstrap } from "./verbs/bootstrap";
import { register as check } from "./verbs/check";
import { register as compose } from "./verbs/compose";
import { register as configure } from "./verbs/configure";
import { register as cost } from "./verbs/cost";
import { register as db } from "./verbs/db";
import { register as destroy } from "./verbs/destroy";
import { register as diagram } from "./verbs/diagram";
import { register as doctor } from "./verbs/doctor";
import { register as hasuraMetadata } from "./verbs/hasura-metadata";
import { register as images } from "./verbs/images";
import { register as init } from "./verbs/init";
import { register as outputs } from "./verbs/outputs";
import { register as plan } from "./verbs/plan";
import { register as policy } from "./verbs/policy";
import { register as release } from "./verbs/release";
import { register as remote } from "./verbs/remote";
import { register as restart } from "./verbs/restart";
import { register as run } from "./verbs/run";
import { register as sandbox } from "./verbs/sandbox";
import { register as secret } from "./verbs/secret";
import { register as state } from "./verbs/state";
import { register as test } from "./verbs/test";
import { register as unlock } from "./verbs/unlock";

const verbs = [
  doctor,
  init,
  check,
  bootstrap,
  plan,
  apply,
  policy,
  configure,
  cost,
  destroy,
  diagram,
  outputs,
  unlock,
  state,
  images,
  release,
  remote,
  run,
  restart,
  secret,
  hasuraMetadata,
  db,
  compose,
  sandbox,
  test,
];

/** Runs the command. @returns its exit code: 0 ok, 1 failure, 2 usage, 130 interrupted; a verb may set another */
async function main(args: readonly string[]): Promise<number> {
  const program = new Command("landfall")
    .description("State backend, shared network and environments on AWS, and a sandbox on this machine.")
    .version(packageJson.version)
    .usage("[options] <verb>\n       landfall <env> [plan|apply|destroy]")
    .enablePositionalOptions() // `release --version` is not ours
    .exitOverride();
  for (const register of verbs) register(program);
  try {
    await program.parseAsync(verbFirst(args, program), { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return report(error);
  }
}

/** `stage` is `plan stage`, and `stage apply` is `apply stage`, as with the scripts that this command replaces. */
function verbFirst([first, second, ...rest]: readonly string[], program: Command): string[] {
  const given = [first, second, ...rest].filter((arg) => arg !== undefined);
  const known = program.commands.flatMap((command) => [command.name(), ...command.aliases()]);
  if (first === undefined || known.includes(first) || !isEnvironment(first)) return given;
  if (second !== undefined && ["plan", "apply", "destroy"].includes(second)) return [second, first, ...rest];
  return ["plan", ...given];
}

const isEnvironment = (word: string): boolean =>
  word === "access" ||
  (/^[\w-]+$/.test(word) && existsSync(join(projectRoot, "environments", `${word}.env`)));

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed why
  const { red } = colors(process.stderr);
  progress(`${red("Error:")} ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof LandfallError && error.mend) progress(error.mend);
  if (process.env.LANDFALL_DEBUG && error instanceof Error) progress(error.stack ?? "");
  return error instanceof LandfallError ? error.exitCode : 1;
}

// It is told with every command, and which version runs is package-lock.json's affair.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
// Whoever reads may go, as in `| head`; the work goes on.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
void main(process.argv.slice(2)).then((exitCode) => (process.exitCode = exitCode));
