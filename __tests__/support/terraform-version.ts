import childProcess from "node:child_process";

// cdktf asks `terraform version` once for each import block of each stack, a hundred processes in all.
// Terraform's answer is the same each time, so that one process asks once. A failure is not kept.
const asked = "terraform version";
const once = Symbol.for("landfall: terraform version");
const shared = childProcess as typeof childProcess & { [once]?: true }; // of Node itself: one for all test files

if (!shared[once]) {
  const { execSync } = childProcess;
  let answer: ReturnType<typeof execSync> | undefined;
  shared.execSync = ((command: string, options?: object) =>
    command === asked
      ? (answer ??= execSync(command, options))
      : execSync(command, options)) as typeof execSync;
  shared[once] = true;
}
