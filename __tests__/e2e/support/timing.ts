import { ApplyClock, criticalPath, needsOf } from "../../support/critical-path";
import { expectExit, type Project, type Ran } from "./project";

/** Deploys the sandbox, and notes when each resource of its last stack was made. */
export async function timedSandboxUp(project: Project): Promise<ApplyClock> {
  const clock = new ApplyClock();
  const up = project.start("./landfall", ["sandbox", "up"]);
  for await (const line of up.iterable({ from: "stderr" })) {
    if (line === "planning sandbox") clock.spans.clear(); // what was before is not of this stack
    clock.line(line as string);
  }
  const ran = (await up) as unknown as Ran;
  project.printed += `${String(ran.stdout)}\n${String(ran.stderr)}\n`;
  expectExit(ran, 0);
  return clock;
}

/** The sandbox's state, as the binary pulls it. */
export async function pulledState(project: Project, binary: string): Promise<string> {
  const ran = await project.run(binary, ["state", "pull"], {
    cwd: project.path("cdktf.out", "stacks", "sandbox"),
    env: await project.sandboxEnvironment(),
  });
  expectExit(ran, 0);
  return String(ran.stdout);
}

/**
 * Prints how long an apply took, and the longest chain of resources in it that need each other.
 * @param state Terraform's, after the apply
 * @returns the one divided by the other
 */
export function tellChain(clock: ApplyClock, state: string): number {
  const needs = needsOf(state);
  const own = new Map([...clock.spans].filter(([address]) => needs.has(address)));
  expect(own.size).toBe(needs.size);
  const { wall, chain, links } = criticalPath(own, needs);
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const steps = links.map((address) => {
    const { start = 0, end = 0 } = own.get(address) ?? {};
    return `  ${seconds(end - start)} ${address}`;
  });
  process.stderr.write(
    `${own.size} resources in ${seconds(wall)}; the longest chain takes ${seconds(chain)}:\n${steps.join("\n")}\n`,
  );
  return wall / chain;
}
