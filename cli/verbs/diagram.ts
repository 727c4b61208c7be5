import { Option, type Command } from "commander";
import { writeFileSync } from "node:fs";
import { LandfallError } from "../../environments/errors";
import { buildGraph } from "../diagram/build";
import { stackJson } from "../diagram/inventory";
import { mermaidOf } from "../diagram/mermaid";
import { svgOf } from "../diagram/svg";
import { progress, result } from "../output";
import { synthesizeStack } from "../workspace";

interface Flags {
  readonly format: "svg" | "mermaid";
  readonly out?: string;
  readonly json?: true;
}

/** Adds `diagram`. It calls no cloud. */
export function register(program: Command): void {
  program
    .command("diagram")
    .description("draw the architecture of an environment, as its Terraform JSON has it")
    .argument("<env>", "environment, shared, state or access")
    .addOption(new Option("--format <format>", "of the picture").choices(["svg", "mermaid"]).default("svg"))
    .option("-o, --out <file>", "write it there; by default to stdout")
    .addOption(new Option("--json", "nodes and edges for other programs, no picture").conflicts("format"))
    .action(async (name: string, { format, out, json }: Flags) => {
      const { stack, shared, environment } = synthesizeStack(name, { environment: process.env });
      const graph = buildGraph([stack, ...(shared ? [shared] : [])].map(stackJson), environment);
      const drawn = format === "mermaid" ? mermaidOf : svgOf;
      const text = json ? `${JSON.stringify(graph, null, 2)}\n` : await drawn(graph);
      if (out === undefined) return result(text);
      try {
        writeFileSync(out, text);
      } catch (error) {
        throw new LandfallError(`${out} cannot be written: ${(error as Error).message}`);
      }
      progress(`${out}: written`);
    });
}
