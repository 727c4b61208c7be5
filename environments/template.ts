import {
  accessInputs,
  atomicCalendarInputs,
  chronosInputs,
  environmentInputs,
  macroAiInputs,
  sharedInputs,
  systemInputs,
  type SystemName,
  viewerAtlasInputs,
  xSchedulerInputs,
} from "./catalogue";
import { formatAssignment } from "./env-file";
import { isSecret, nameInFile, type Input, type InputGroup } from "./input";

interface Section {
  readonly title: string;
  /** @default every environment */
  readonly system?: SystemName;
  readonly inputs: InputGroup;
}

const environmentSections: readonly Section[] = [
  { title: "The environment", inputs: environmentInputs },
  { title: "Chronos", system: "chronos", inputs: chronosInputs },
  { title: "X-Scheduler", system: "x-scheduler", inputs: xSchedulerInputs },
  { title: "Macro AI", system: "macro-ai", inputs: macroAiInputs },
  { title: "ViewerAtlas", system: "viewer-atlas", inputs: viewerAtlasInputs },
  { title: "Atomic Calendar", system: "atomic-calendar", inputs: atomicCalendarInputs },
];
const sharedSections: readonly Section[] = [
  { title: "State backend and shared network", inputs: sharedInputs },
  { title: "Roles for GitHub Actions", inputs: accessInputs },
];

const rules = `# NAME="value", one a line; what follows # is a comment. Inside double quotes, write \\" \\\\ \\$ and \\\` for these four.
# TF_VAR_… are Terraform inputs, all else is for the application alone. The process environment wins over this file.
`;

/** Values by input name, for a file that is ready to use. */
export type Values = Readonly<Record<string, string>>;

/** `<environment>.env`: every input with its meaning; those without a value here are comments unless required. */
export const environmentFile = (values: Values = {}, systems?: readonly string[]): string =>
  `# Settings of one environment: environments/<name>.env. Safe to commit: secrets are in <name>.secrets.env.\n${rules}` +
  sections(sectionsOf(systems), values, (input) => !isSecret(input));

/** `<environment>.secrets.env`, which git ignores. */
export const environmentSecretsFile = (values: Values = {}, systems?: readonly string[]): string =>
  `# Secrets of one environment: environments/<name>.secrets.env, which git ignores. chmod 600.\n` +
  sections(sectionsOf(systems), values, isSecret);

/** What is for every environment, and for the systems, or for all of them. */
const sectionsOf = (systems: readonly string[] | undefined): readonly Section[] =>
  environmentSections.filter(({ system }) => !system || !systems || systems.includes(system));

/** `shared.env`. */
export const sharedFile = (values: Values = {}): string =>
  `# Settings of the state backend and the shared network: environments/shared.env\n${rules}` +
  sections(sharedSections, values, () => true);

function sections(all: readonly Section[], values: Values, wanted: (input: Input) => boolean): string {
  return all
    .map(({ title, inputs }) => {
      const entries = Object.entries(inputs).filter(([, input]) => wanted(input));
      return entries.length === 0
        ? ""
        : `\n## ${title}\n${entries.map(([name, input]) => entry(name, input, values[name])).join("")}`;
    })
    .join("");
}

function entry(name: string, input: Input, value: string | undefined): string {
  const required = input.default === undefined && !input.optional;
  const line = formatAssignment(
    nameInFile(name, input),
    value ?? input.default ?? (required ? "" : (input.example ?? "")),
  );
  const need = required ? "Required" : input.default === undefined ? "Optional" : "Default below";
  const example = required && input.example ? ` Example: ${input.example}` : "";
  return `\n# ${input.description}\n# ${need}: ${input.type.expects}${example}\n${value !== undefined || required ? line : `#${line}`}`;
}

/** The table of all inputs for the documentation. */
export function inputTable(): string {
  const groups: readonly (readonly [string, InputGroup])[] = [
    ["`shared.env`", sharedInputs],
    ["`shared.env`, for GitHub Actions", accessInputs],
    ["`<environment>.env`, every environment", environmentInputs],
    ...Object.entries(systemInputs).map(
      ([system, inputs]) => [`\`<environment>.env\` with \`${system}\``, inputs] as const,
    ),
  ];
  return groups
    .map(([title, inputs]) => {
      const rows = Object.entries(inputs).map(([name, input]: [string, Input]) => {
        const byDefault =
          input.default === undefined
            ? input.optional
              ? ""
              : "**required**"
            : `\`${JSON.stringify(input.default)}\``;
        const goes = isSecret(input) ? "secret" : input.use;
        return `| \`${nameInFile(name, input)}\` | ${input.type.name} | ${byDefault} | ${goes} | ${input.description} |\n`;
      });
      return `## ${title}\n\n| name | type | default | use | meaning |\n| --- | --- | --- | --- | --- |\n${rows.join("")}`;
    })
    .join("\n");
}

/** Files that are made from the catalogue, by path. */
export const generatedFiles = (): Readonly<Record<string, string>> => ({
  "environments/env.template": environmentFile(),
  "environments/secrets.env.template": environmentSecretsFile(),
  "environments/shared.env.template": sharedFile(),
  "docs/inputs.md": `# Inputs

Made from \`environments/catalogue/\` by \`npm run generate\`. How the files are written and which value wins:
[environment files](environment-files.md).

*Structural* inputs shape the synthesized JSON, *terraform* ones are variables that Terraform resolves, *application*
ones never reach Terraform, and *secret* ones belong in \`<environment>.secrets.env\` or the process environment.

${inputTable()}`,
});
