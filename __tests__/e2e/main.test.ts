import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";

jest.setTimeout(30_000); // each call is a process of its own

const landfall = (...args: string[]) =>
  spawnSync(
    process.execPath,
    [join(projectRoot, "cli", "run.cjs"), join(projectRoot, "cli", "main.ts"), ...args],
    {
      encoding: "utf8",
      env: { PATH: process.env.PATH },
    },
  );

test("--version and --help are results", () => {
  expect(landfall("--version")).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    stderr: "",
  });
  const help = landfall("--help");
  expect(help.status).toBe(0);
  for (const verb of ["bootstrap", "plan", "apply|deploy", "destroy", "outputs", "unlock"]) {
    expect(help.stdout).toContain(`\n  ${verb} `);
  }
});

test.each([
  [["aply", "stage"], "Did you mean apply?"],
  [["plan"], "missing required argument 'env'"],
  [["plan", "sandbox", "--nope"], "unknown option '--nope'"],
  [["plan", "sanbox"], "Did you mean sandbox?"],
  [["plan", "state"], "./landfall bootstrap"],
  [["destroy", "state"], "never destroyed"],
  [["apply", "sandbox", "--plan", "x.tfplan", "--with-shared"], "--plan goes with neither"],
])("landfall %j is wrong usage, without a stack trace", (args, told) => {
  const { status, stdout, stderr } = landfall(...args);
  expect(status).toBe(2);
  expect(stderr).toContain(told);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stdout).toBe("");
});
