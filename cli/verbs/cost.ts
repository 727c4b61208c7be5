import type { Command } from "commander";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { estimate } from "../cost/estimate";
import { priceDate, priceRegion } from "../cost/prices";
import { formatEstimate } from "../cost/report";
import { Template, type TerraformJson } from "../cost/template";
import { Usage } from "../cost/usage";
import { colors, progress, result, resultJson } from "../output";
import { synthesizeStack } from "../workspace";

interface Flags {
  readonly usage?: readonly string[];
  readonly json?: true;
}

/** What to say where the prices are not those of the stack's region; undefined where they are. */
export const regionNote = (region: string): string | undefined =>
  region === priceRegion
    ? undefined
    : `The prices are those of ${priceRegion}. ${region} has others, often higher: take the estimate as a rough one.`;

/** Adds `cost`. It calls no cloud. */
export function register(program: Command): void {
  program
    .command("cost")
    .description("estimate what a stack costs each month, at list prices")
    .argument("<env>", "environment, shared, state or access")
    .option(
      "--usage <name=value>",
      "assume another usage, of one resource with name:resource=value; may be repeated",
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .option("--json", "as JSON")
    .action((name: string, { usage: assignments = [], json }: Flags) => {
      const usage = Usage.parse(assignments);
      const { stack, environment } = synthesizeStack(name, { environment: process.env });
      const file = join(stack.directory, "cdk.tf.json");
      const template = new Template(JSON.parse(readFileSync(file, "utf8")) as TerraformJson, environment);
      const found = estimate(template, usage);
      const note = regionNote(stack.region);
      if (note !== undefined) progress(note);
      if (json) {
        resultJson({ stack: name, region: stack.region, priceRegion, priceDate, hours: 730, ...found });
      } else {
        result(formatEstimate(found, { stack: name, bold: colors(process.stdout).bold }));
      }
    });
}
