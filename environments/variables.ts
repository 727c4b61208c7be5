import { TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { literal } from "../modules/naming";
import { isSecret, nameInFile, type InputGroup, type References, type StructuralValues } from "./input";
import type { Setting, Settings } from "./settings";

/**
 * Declares the group's inputs as Terraform variables and returns what the program may use of them: the values that
 * shape the JSON, and references to the rest. Secrets are sensitive and ephemeral, and have no default: their values
 * are never in the JSON.
 */
export function declareInputs<G extends InputGroup>(
  scope: Construct,
  group: G,
  settings: Settings,
): { readonly values: StructuralValues<G>; readonly refs: References<G> } {
  const variables = new Construct(scope, "inputs");
  const values: Record<string, unknown> = {};
  const refs: Record<string, string> = {};
  for (const [name, input] of Object.entries(group)) {
    if (input.use === "application") continue;
    const setting = settings.settings.get(name);
    const secret = isSecret(input);
    const variable = new TerraformVariable(variables, name, {
      type: input.use === "structural" ? "string" : input.type.terraform,
      description: input.description,
      ...(secret ? { sensitive: true } : { default: defaultOf(setting) }),
      ...(input.use === "structural"
        ? { validation: [sameAsSynthesized(name, setting, settings.file)] }
        : {}),
    });
    variable.overrideLogicalId(name);
    if (secret) variable.addOverride("ephemeral", true); // not in cdktf's types
    if (input.use === "structural") values[name] = setting?.value;
    else refs[name] = `\${var.${name}}`;
  }
  return { values: values as StructuralValues<G>, refs: refs as References<G> };
}

/** Declares the mark of a plan that is only read: it changes nothing, and `./landfall apply` refuses a plan that has it. */
export function declareReviewOnly(scope: Construct): void {
  new TerraformVariable(scope, "review_only", {
    type: "bool",
    default: false,
    description: "Whether the plan is made to be read and not to be applied.",
  });
}

/** What Terraform takes where neither a file nor the process environment says otherwise. */
function defaultOf(setting: Setting | undefined): string | number | boolean {
  if (setting === undefined) return ""; // cdktf leaves out null, and a variable without default would be asked for
  if (setting.input.use === "terraform" && typeof setting.value !== "string")
    return setting.value as number | boolean;
  return literal(setting.text);
}

/** The JSON was made from this value; one that only Terraform sees would be ignored without a word. */
function sameAsSynthesized(name: string, setting: Setting | undefined, file: string) {
  const text = JSON.stringify(literal(setting?.text ?? ""));
  const variable = setting ? nameInFile(name, setting.input) : `TF_VAR_${name}`;
  return {
    condition: `\${var.${name} == ${text}}`,
    errorMessage: literal(
      `${variable} shapes the configuration and differs from what was synthesized. Set it in ${file} and synthesize again; ./landfall does so by itself.`,
    ),
  };
}
