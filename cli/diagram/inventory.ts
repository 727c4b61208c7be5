import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SynthesizedStack } from "../../environments/app";
import { Template, type Resource, type TerraformJson } from "../cost/template";

/** The parts of a `cdk.tf.json` that a diagram is drawn from. */
export interface StackJson extends TerraformJson {
  readonly output?: Readonly<Record<string, { readonly value?: unknown }>>;
}

/** One stack's JSON by name. */
export interface NamedStack {
  readonly name: string;
  readonly json: StackJson;
}

/** Reads what a stack was synthesized to. */
export const stackJson = ({ name, directory }: SynthesizedStack): NamedStack => ({
  name,
  json: JSON.parse(readFileSync(join(directory, "cdk.tf.json"), "utf8")) as StackJson,
});

/** One resource, told from those of the other stack. */
export interface Item extends Resource {
  readonly stack: string;
  /** Its address; for `shared` with `shared:` before it, unless `shared` is what is drawn. */
  readonly id: string;
}

const remoteOutput = /data\.terraform_remote_state\.([\w-]+)\.outputs((?:\.[\w-]+|\["[^"]+"\])+)/g;
const resourceName = /(?<![\w.-])([a-z]\w*)\.([\w-]+)/g;

/** The resources of a stack and of those that it reads outputs of. */
export class Inventory {
  readonly items: readonly Item[];
  private readonly byId: ReadonlyMap<string, Item>;
  private readonly templates: ReadonlyMap<string, Template>;

  /**
   * @param stacks the first is the one that is drawn
   * @param environment process environment: its `TF_VAR_…` win over the defaults of variables
   */
  constructor(
    private readonly stacks: readonly NamedStack[],
    environment: NodeJS.ProcessEnv = {},
  ) {
    this.templates = new Map(stacks.map(({ name, json }) => [name, new Template(json, environment)]));
    this.items = stacks.flatMap(({ name }) =>
      (this.templates.get(name)?.resources ?? []).map((resource) => ({
        ...resource,
        stack: name,
        id: this.idOf(name, resource.address),
      })),
    );
    this.byId = new Map(this.items.map((item) => [item.id, item]));
  }

  ofType(...types: readonly string[]): readonly Item[] {
    return this.items.filter(({ type }) => types.includes(type));
  }

  /** A text with variables filled in; undefined where it hangs on what only Terraform knows. */
  text({ stack }: Pick<Item, "stack">, value: unknown): string | undefined {
    return this.templates.get(stack)?.text(value);
  }

  /** Tag that the provider gives to what has none of its own. */
  defaultSystem({ stack }: Pick<Item, "stack">): string | undefined {
    return this.templates.get(stack)?.defaultSystem;
  }

  /** The resources that the expressions in a value name, also by another stack's outputs. Those that are not here are left out. */
  named({ stack }: Pick<Item, "stack">, value: unknown): readonly Item[] {
    return [...new Set(expressionsIn(value).flatMap((text) => this.namedBy(stack, text)))];
  }

  /** As {@link named}, of one type. */
  namedOf(item: Pick<Item, "stack">, type: string, value: unknown): readonly Item[] {
    return this.named(item, value).filter((found) => found.type === type);
  }

  private namedBy(stack: string, text: string): readonly Item[] {
    const remote = [...text.matchAll(remoteOutput)].flatMap(([, other = "", path = ""]) =>
      this.named({ stack: other }, this.output(other, path)),
    );
    const own = [...text.matchAll(resourceName)].map(([, type = "", name = ""]) =>
      this.byId.get(this.idOf(stack, `${type}.${name}`)),
    );
    return [...remote, ...own.filter((item) => item !== undefined)];
  }

  /** What `.name["key"].attribute` leads to among a stack's outputs, or to the expression that it ends at. */
  private output(stack: string, path: string): unknown {
    const [name = "", ...keys] = [...path.matchAll(/\.([\w-]+)|\["([^"]+)"\]/g)].map(
      ([, dotted, quoted]) => dotted ?? quoted ?? "",
    );
    const found: unknown = this.stacks.find((one) => one.name === stack)?.json.output?.[name]?.value;
    return keys.reduce<unknown>(
      (value, key) =>
        typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : value,
      found,
    );
  }

  private idOf(stack: string, address: string): string {
    return stack === this.stacks[0]?.name ? address : `${stack}:${address}`;
  }
}

/** Every text in a value that has an expression. */
export function expressionsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return value.includes("${") ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(expressionsIn);
}
