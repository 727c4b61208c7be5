import { Command } from "commander";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { register, reviewStack } from "../../cli/verbs/plan";
import type { Synthesized } from "../../cli/workspace";
import { temporaryFolder } from "../support/folders";
import { planOf, updated } from "../support/plans";

/** `./landfall plan …` with these arguments. */
const plan = (...args: string[]): Promise<unknown> => {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  register(program);
  program.commands.forEach((command) => command.exitOverride().configureOutput({ writeErr: () => {} }));
  return program.parseAsync(["plan", ...args], { from: "user" });
};

const fileWith = (content: string): string => {
  const file = join(temporaryFolder(), "plan");
  writeFileSync(file, content);
  return file;
};
const wrong = (words: string) => ({ exitCode: 2, message: expect.stringContaining(words) });

// None of these asks a cloud, or looks at settings
it.each([
  ["an unknown format", ["--format", "pdf"], "Allowed choices are text, markdown, json, html"],
  ["two formats", ["--format", "html", "--json"], "cannot be used with option '--json'"],
  [
    "a plan to show and a plan to save",
    ["--from", "a", "--out", "b"],
    "cannot be used with option '--out <file>'",
  ],
])("plan refuses %s", async (_, args, words) => {
  await expect(plan("stage", ...args)).rejects.toMatchObject({ message: expect.stringContaining(words) });
});

it("plan --from refuses arguments for a plan that it does not make", async () => {
  await expect(plan("stage", "--from", "a", "--", "-replace=aws_eip.a")).rejects.toMatchObject(
    wrong("no arguments after --"),
  );
});

it("plan --from refuses a file that is not there, and says how to make one", async () => {
  const error = plan("stage", "--from", join(temporaryFolder(), "none"));
  await expect(error).rejects.toMatchObject({
    ...wrong("There is no plan"),
    mend: expect.stringContaining("--out FILE"),
  });
});

it.each([
  ["text", "hello"],
  ["broken JSON", '{"configuration":'],
  ["JSON of something else", '{"a":1}'],
  ["null", "null"],
  ["nothing", ""],
])("plan --from refuses what is no plan: %s", async (_, content) => {
  await expect(plan("stage", "--from", fileWith(content), "--format", "json")).rejects.toMatchObject(
    wrong("is no plan"),
  );
});

it("plan --from has no text for JSON: that is Terraform's to make", async () => {
  const file = fileWith(JSON.stringify(planOf([])));
  await expect(plan("stage", "--from", file)).rejects.toMatchObject(
    wrong("give --format markdown, html or json"),
  );
  await expect(plan("nowhere", "--from", file, "--format", "json")).rejects.toMatchObject(
    wrong('no environment "nowhere"'),
  );
});

it("a review tells no drift that the stack's configuration leaves to others", () => {
  const drift = [updated("aws_ssm_parameter.a", { value: "1", tier: "a" }, { value: "2", tier: "b" })];
  const directory = temporaryFolder();
  const resource = { aws_ssm_parameter: { a: { lifecycle: { ignore_changes: ["value"] } } } };
  const provider = { aws: [{ region: "eu-central-1" }] };
  writeFileSync(join(directory, "cdk.tf.json"), JSON.stringify({ provider, resource }));
  const stack = { name: "stage", directory } as Synthesized["stack"];
  const review = reviewStack({ stack, environment: {} }, planOf([], { drift }));
  expect(review.drift.map(({ attributes }) => attributes.map(({ path }) => path.join()))).toEqual([["tier"]]);
});
