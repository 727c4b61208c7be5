import type { Command } from "commander";
import type { Outputs } from "../../backend/state-store";
import { LandfallError, UsageError } from "../../environments/errors";
import { result, resultJson } from "../output";
import { openWorkspace } from "../workspace";

/** A line for each output; sensitive ones are not shown. */
export const formatOutputs = (outputs: Outputs): string =>
  Object.entries(outputs)
    .map(([name, { value, sensitive }]) => `${name} = ${sensitive ? "(sensitive)" : formatValue(value)}\n`)
    .join("");

const formatValue = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Adds `outputs`. They are read from the state, which takes no plan and no provider. */
export function register(program: Command): void {
  program
    .command("outputs")
    .description("print what a deployed stack gives out")
    .argument("<env>", "environment, shared, state or access")
    .argument("[name]", "this output alone, as it is")
    .option("--json", "as JSON, with sensitive values")
    .action(async (stack: string, name: string | undefined, { json }: { json?: true }) => {
      const { store } = await openWorkspace(stack, { environment: process.env });
      const state = await store.read();
      if (!state) {
        throw new LandfallError(`${stack} is not deployed.`, {
          mend: stack === "state" ? "./landfall bootstrap" : `./landfall apply ${stack}`,
        });
      }
      if (name === undefined) {
        if (json) resultJson(state.outputs);
        else result(formatOutputs(state.outputs));
        return;
      }
      const output = state.outputs[name];
      if (!output) {
        throw new UsageError(`${stack} has no output "${name}".`, {
          mend: `It has: ${Object.keys(state.outputs).join(", ")}.`,
        });
      }
      if (json) resultJson(output.value);
      else result(formatValue(output.value));
    });
}
