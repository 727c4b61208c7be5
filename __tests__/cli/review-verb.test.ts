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

const provider_config = { aws: { expressions: {} } };
const change = { address: "a.a", mode: "managed", type: "a", change: { actions: ["create"] } };
it.each<[string, string, Record<string, unknown>]>([
  ["a change of nothing", "resource_changes", { resource_changes: [{}] }],
  ["changes by name", "resource_changes", { resource_changes: {} }],
  ["no changes, as null", "resource_changes", { resource_changes: null }],
  ["a change without actions", "resource_changes", { resource_changes: [{ ...change, change: {} }] }],
  ["a change without an address", "resource_changes", { resource_changes: [{ ...change, address: 1 }] }],
  ["a change without a mode", "resource_changes", { resource_changes: [{ ...change, mode: undefined }] }],
  [
    "a change to a text",
    "resource_changes",
    { resource_changes: [{ ...change, change: { actions: ["create"], after: "x" } }] },
  ],
  [
    "a change for reasons that are none",
    "resource_changes",
    { resource_changes: [{ ...change, change: { actions: [], replace_paths: ["x"] } }] },
  ],
  ["a reason that is no text", "resource_changes", { resource_changes: [{ ...change, action_reason: 1 }] }],
  ["drift that is none", "resource_drift", { resource_drift: [{ ...change, type: null }] }],
  ["an output's change that is none", "output_changes", { output_changes: { a: null } }],
  ["outputs in a list", "output_changes", { output_changes: [1] }],
  ["a variable that is none", "variables", { variables: { a: null } }],
  ["a state of nothing", "prior_state", { prior_state: { values: { root_module: { resources: {} } } } }],
  [
    "a state's resource that is none",
    "prior_state",
    { prior_state: { values: { root_module: { resources: [1] } } } },
  ],
  ["a state's output that is none", "prior_state", { prior_state: { values: { outputs: { a: null } } } }],
  ["a provider of nothing", "configuration", { configuration: { provider_config: { aws: {} } } }],
  [
    "an account in no list",
    "configuration",
    {
      configuration: {
        provider_config: { aws: { expressions: { allowed_account_ids: { constant_value: "1" } } } },
      },
    },
  ],
  [
    "resources by name",
    "configuration",
    { configuration: { provider_config, root_module: { resources: {} } } },
  ],
  [
    "a resource that is none",
    "configuration",
    { configuration: { provider_config, root_module: { resources: [null] } } },
  ],
  [
    "expressions of nothing",
    "configuration",
    {
      configuration: { provider_config, root_module: { resources: [{ address: "a.a", expressions: null }] } },
    },
  ],
  [
    "references that are no texts",
    "configuration",
    {
      configuration: {
        provider_config,
        root_module: { resources: [{ address: "a.a", expressions: { b: [{ c: { references: [1] } }] } }] },
      },
    },
  ],
  [
    "a configured variable that is none",
    "configuration",
    { configuration: { provider_config, root_module: { variables: { a: null } } } },
  ],
])("plan --from refuses JSON with %s", async (_, part, wrongly) => {
  const file = fileWith(JSON.stringify({ ...planOf([]), ...wrongly }));
  await expect(plan("stage", "--from", file, "--format", "json")).rejects.toMatchObject({
    ...wrong("is no plan"),
    message: expect.stringContaining(part),
  });
});

it("plan --from takes for a plan what has all of these", async () => {
  const configuration = {
    provider_config: { aws: { expressions: { allowed_account_ids: { constant_value: ["1"] } } } },
    root_module: {
      resources: [{ address: "a.a", expressions: { b: [{ c: { references: ["var.x"] } }], d: {} } }, {}],
      variables: { a: {}, b: { default: "x", sensitive: true } },
    },
  };
  const file = fileWith(
    JSON.stringify({
      ...planOf([updated("a.a", {}, {}, { replace_paths: [["x", 0]], reason: "x" })], {
        drift: [updated("a.a", {}, {})],
        outputs: { a: { actions: ["create"], before: null, after: "x" } },
      }),
      configuration,
      variables: { a: { value: "x" }, b: {} },
      prior_state: {
        values: { outputs: { a: { value: 1 } }, root_module: { resources: [{ address: "a.a" }] } },
      },
    }),
  );
  await expect(plan("nowhere", "--from", file, "--format", "json")).rejects.toMatchObject(
    wrong('no environment "nowhere"'),
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
