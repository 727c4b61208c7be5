import { Option, type Command } from "commander";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { LandfallError, UsageError } from "../../environments/errors";
import { isOwnArgument } from "../binary";
import type { TerraformJson } from "../cost/template";
import { stackJson } from "../diagram/inventory";
import { risksOf, tellGuards } from "../guards/risks";
import { isAlive } from "../lock";
import { progress, result, resultJson, takesColors } from "../output";
import { checkPlanIsOf, type PlanDocument } from "../plan-document";
import { wrongPart } from "../plan-shape";
import { withProgress } from "../progress";
import { costChangeOf } from "../review/cost";
import { renderHtml } from "../review/html";
import { renderMarkdown } from "../review/markdown";
import type { Review } from "../review/model";
import { reviewPicture } from "../review/picture";
import { isNothing, reviewOf } from "../review/review";
import { checkReviewOnly, reviewOnlyArguments } from "../review-only";
import type { Plan, Terraform } from "../terraform";
import {
  explainLock,
  openTerraform,
  openWorkspace,
  sharedShortcoming,
  synthesizeStack,
  type SharedShortcoming,
  type Synthesized,
  type Workspace,
} from "../workspace";

export interface PlanStackOptions {
  /** Where to save the plan. @default `landfall.tfplan` in the stack's folder */
  readonly out?: string;
  readonly destroy?: boolean;
  /** The user's own arguments for the binary. */
  readonly args?: readonly string[];
}

/** Plans a stack and saves the plan. */
export async function planStack(
  workspace: Workspace,
  terraform: Terraform,
  options: PlanStackOptions = {},
): Promise<Plan> {
  const { out, destroy, args } = options;
  const file = resolve(out ?? join(terraform.directory, "landfall.tfplan"));
  progress(`planning ${workspace.stack.name}`);
  return explainLock(workspace, () =>
    withProgress(undefined, (listener) => terraform.plan({ file, destroy, args, listener })),
  );
}

/**
 * Does `work` with a plan file of this run alone, and removes that: another run's must not take its place while
 * somebody is asked about this one.
 */
export async function withOwnPlanFile<T>(
  { directory }: Pick<Terraform, "directory">,
  work: (file: string) => Promise<T>,
): Promise<T> {
  removePlansOfTheDead(directory);
  const file = join(directory, `landfall-${process.pid}.tfplan`);
  try {
    return await work(file);
  } finally {
    rmSync(file, { force: true });
  }
}

/** A run that is killed leaves its plan. */
function removePlansOfTheDead(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = /^landfall-(\d+)\.tfplan$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(directory, name), { force: true });
  }
}

/**
 * What is wrong with the `shared` that an environment stands on, told on stderr where a plan can do without.
 * @returns what a plan cannot do without
 */
export async function checkShared({ stack, shared }: Workspace): Promise<SharedShortcoming | undefined> {
  if (!stack.shared || !shared) return undefined;
  const wanted = { digest: shared.stack.digest, addresses: stack.shared.addresses };
  return sharedShortcoming(await shared.store.read(), wanted);
}

/** @throws {LandfallError} where a plan would fail for the lack of `shared`; anything less is told on stderr */
export function requireShared(shortcoming: SharedShortcoming | undefined): void {
  const mend = "./landfall apply shared, or --with-shared with apply";
  if (shortcoming?.fatal) throw new LandfallError(shortcoming.what, { mend: `Deploy it: ${mend}` });
  if (shortcoming) progress(`${shortcoming.what} To deploy it: ${mend}`);
}

/** @throws {UsageError} for `state`, which has a command of its own, and for arguments that are no options */
export function checkArguments(name: string, args: readonly string[]): void {
  if (name === "state") {
    throw new UsageError("The stack state holds all state; it is made and changed by ./landfall bootstrap.");
  }
  const own = args.find(isOwnArgument);
  if (own !== undefined) {
    throw new UsageError(`"${own}" is not handed on: it would pass by the questions that are asked here.`, {
      mend: "To end a stack: ./landfall destroy. To save a plan: --out.",
    });
  }
  const stray = args.find((arg) => !arg.startsWith("-"));
  if (stray !== undefined) throw new UsageError(`"${stray}" is one argument too many.`);
}

const formats = ["text", "markdown", "json", "html"] as const;
type Format = (typeof formats)[number];

interface Flags {
  readonly out?: string;
  readonly from?: string;
  readonly format?: Format;
  readonly json?: true;
  readonly detailedExitcode?: true;
  readonly reviewOnly?: true;
}

/** What a plan of a stack would do, with its risks and what it changes about the cost. */
export function reviewStack({ stack, environment }: Synthesized, document: PlanDocument): Review {
  const json = stackJson(stack).json as TerraformJson;
  return reviewOf(stack.name, document, {
    risks: risksOf(stack, document),
    cost: costChangeOf(document, json, environment),
    json,
  });
}

/** Puts a plan to stdout, and nothing else. */
async function tell(synthesized: Synthesized, document: PlanDocument, format: Format): Promise<void> {
  const review = reviewStack(synthesized, document);
  if (format === "markdown") return result(renderMarkdown(review));
  if (format === "json") return resultJson(review);
  const { stack, shared, environment } = synthesized;
  const stacks = [stack, ...(shared ? [shared] : [])].map(stackJson);
  result(await renderHtml(review, await reviewPicture(stacks, review, environment)));
}

/** A workspace without what only a cloud knows. */
const synthesizedOf = ({ stack, environment, shared }: Workspace): Synthesized => ({
  stack,
  environment,
  shared: shared?.stack,
});

async function planNow(name: string, args: readonly string[], flags: Flags): Promise<boolean> {
  const { out, json, format = "text", reviewOnly } = flags;
  if (reviewOnly) checkReviewOnly(out, args);
  const workspace = await openWorkspace(name, { environment: process.env });
  const terraform = await openTerraform(workspace, { reviewOnly });
  requireShared(await checkShared(workspace));
  const more = reviewOnly ? await reviewOnlyArguments(workspace) : [];
  const work = async (wanted?: string): Promise<boolean> => {
    const { file, changes } = await planStack(workspace, terraform, {
      out: wanted,
      args: [...args, ...more],
    });
    const document = await terraform.showJson(file);
    if (changes) tellGuards(workspace.stack, document);
    if (json) resultJson(document);
    else if (format === "text") result(await terraform.show(file, { color: takesColors(process.stdout) }));
    else await tell(synthesizedOf(workspace), document, format);
    return changes;
  };
  return reviewOnly ? withOwnPlanFile(terraform, work) : work(out);
}

/** Shows a plan that was made before. Where it is JSON already, no cloud and no Terraform is asked. */
async function showSaved(name: string, from: string, { json, format = "text" }: Flags): Promise<boolean> {
  const file = resolve(from);
  if (!existsSync(file))
    throw new UsageError(`There is no plan ${file}.`, {
      mend: `Make it: ./landfall plan ${name} --out FILE`,
    });
  const given = readJson(file);
  if (given !== undefined) {
    if (format === "text" && !json)
      throw new UsageError(`${from} is the JSON of a plan: give --format markdown, html or json.`);
    const synthesized = synthesizeStack(name, { environment: process.env });
    return show(synthesized, given, { json, format });
  }
  const workspace = await openWorkspace(name, { environment: process.env });
  const terraform = await openTerraform(workspace);
  const document = await terraform.showJson(file);
  if (format !== "text" || json) return show(synthesizedOf(workspace), document, { json, format });
  checkPlanIsOf(workspace.stack, document);
  result(await terraform.show(file, { color: takesColors(process.stdout) }));
  return !isNothing(document);
}

async function show(
  synthesized: Synthesized,
  document: PlanDocument,
  { json, format }: { readonly json?: true; readonly format: Format },
): Promise<boolean> {
  checkPlanIsOf(synthesized.stack, document);
  if (json) resultJson(document);
  else await tell(synthesized, document, format);
  return !isNothing(document);
}

/** A plan as `--json` prints it; undefined for one as the binary saves it, which is a ZIP. */
function readJson(file: string): PlanDocument | undefined {
  const bytes = readFileSync(file);
  if (bytes.subarray(0, 2).toString("latin1") === "PK") return undefined;
  const what = `${file} is no plan, neither saved with --out nor printed with --json`;
  let found: unknown;
  try {
    found = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new UsageError(`${what}.`);
  }
  const wrong = wrongPart(found);
  if (wrong === undefined) return found as PlanDocument;
  throw new UsageError(`${what}: ${wrong} is not as Terraform writes it.`);
}

/** Adds `plan`. */
export function register(program: Command): void {
  program
    .command("plan")
    .description("show what apply would do")
    .argument("<env>", "environment, shared or access")
    .argument("[args...]", "arguments for Terraform, after --, such as -- -replace=ADDRESS")
    .option("--out <file>", "where to save the plan")
    .addOption(
      new Option(
        "--from <file>",
        "make no plan: show this one, saved with --out or printed with --json",
      ).conflicts("out"),
    )
    .addOption(
      new Option("--format <format>", "text as of Terraform; for reviewers markdown, json or html")
        .choices(formats)
        .conflicts("json"),
    )
    .option("--json", "the plan as `terraform show -json` has it")
    .option("--detailed-exitcode", "exit code 2 where there are changes, as with Terraform")
    .addOption(
      new Option(
        "--review-only",
        "read no secret, and keep no plan: for a role that may only look",
      ).conflicts("from"),
    )
    .action(async (name: string, args: string[], flags: Flags) => {
      checkArguments(name, args);
      if (flags.from !== undefined && args.length > 0)
        throw new UsageError("A saved plan is shown as it is: --from goes with no arguments after --.");
      const changes =
        flags.from === undefined
          ? await planNow(name, args, flags)
          : await showSaved(name, flags.from, flags);
      if (flags.detailedExitcode && changes) process.exitCode = 2;
    });
}
