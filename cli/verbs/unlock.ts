import type { Command } from "commander";
import { describeHolder } from "../lock-report";
import { confirm, progress, resultJson } from "../output";
import { openWorkspace } from "../workspace";

interface Flags {
  readonly yes?: true;
  readonly json?: true;
}

/** Adds `unlock`. */
export function register(program: Command): void {
  program
    .command("unlock")
    .description("release the lock that a dead run has left")
    .argument("<env>", "environment, shared, state or access")
    .option("-y, --yes", "do not ask")
    .option("--json", "print who held it as JSON")
    .action(async (name: string, { yes, json }: Flags) => {
      const { store } = await openWorkspace(name, { environment: process.env });
      const holder = await store.lockHolder();
      if (holder) {
        progress(`${name} is ${describeHolder(holder)}.`);
        await confirm("Is that run dead, and shall the lock be released?", { yes });
        await store.releaseLock(holder);
      }
      progress(holder ? `${name} is unlocked` : `${name} is not locked`);
      if (json) resultJson({ wasLocked: holder !== undefined, holder });
    });
}
