import type { Named } from "./usage";

/** Attributes of a block, as parsed. */
export type Attributes = Readonly<Record<string, unknown>>;

/** The parts of a `cdk.tf.json` that an estimate looks at. */
export interface TerraformJson {
  readonly provider?: { readonly aws?: readonly Attributes[] };
  readonly variable?: Readonly<Record<string, Attributes>>;
  /** Blocks by type, then by name. */
  readonly resource?: Readonly<Record<string, Readonly<Record<string, Attributes>>>>;
}

/** One resource of a stack. */
export interface Resource extends Named {
  readonly type: string;
  readonly name: string;
  readonly attributes: Attributes;
}

/** A stack's configuration, asked for what an estimate wants to know. */
export class Template {
  readonly resources: readonly Resource[];

  /**
   * @param json parsed `cdk.tf.json`
   * @param environment process environment: its `TF_VAR_…` win over the defaults of variables, as with Terraform
   */
  constructor(
    private readonly json: TerraformJson,
    private readonly environment: NodeJS.ProcessEnv = {},
  ) {
    this.resources = Object.entries(json.resource ?? {}).flatMap(([type, blocks]) =>
      Object.entries(blocks).map(([name, attributes]) => ({
        type,
        name,
        attributes,
        address: `${type}.${name}`,
        words: [...new Set([name, ...name.split("_"), attributes.name])].filter(isText),
      })),
    );
  }

  ofType(type: string): readonly Resource[] {
    return this.resources.filter((resource) => resource.type === type);
  }

  /** The first resource of that type which an expression such as `${aws_lb.this.arn}` names. */
  referred(type: string, expression: unknown): Resource | undefined {
    return this.ofType(type).find((resource) => refersTo(expression, resource));
  }

  /** A text with variables filled in; undefined where it hangs on what only Terraform knows. */
  text(value: unknown): string | undefined {
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    if (typeof value !== "string") return undefined;
    const variable = /^\$\{var\.([\w-]+)\}$/.exec(value)?.[1];
    if (variable === undefined) return value.includes("${") ? undefined : value;
    const given = this.environment[`TF_VAR_${variable}`] ?? this.json.variable?.[variable]?.default;
    return given === null || given === undefined ? undefined : String(given);
  }

  /** A number with variables filled in; undefined where it is none, or hangs on what only Terraform knows. */
  number(value: unknown): number | undefined {
    const text = this.text(value)?.trim();
    return text === undefined || text === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
  }

  /** A yes or no with variables filled in. */
  flag(value: unknown): boolean | undefined {
    const text = this.text(value);
    return text === "true" ? true : text === "false" ? false : undefined;
  }

  /** Tag that the provider gives to what has none of its own. */
  get defaultSystem(): string | undefined {
    const tags = block(block(this.json.provider?.aws?.[0]).default_tags).tags;
    return this.text(block(tags).System);
  }
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** A nested block, which the JSON has as an object or as a list of one; empty where there is none. */
export function block(value: unknown): Attributes {
  const [first = {}] = blocks(value);
  return first;
}

/** Nested blocks, which the JSON has as an object or as a list. */
export function blocks(value: unknown): readonly Attributes[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item): item is Attributes => typeof item === "object" && item !== null);
}

/** Whether a value, or anything in it, is an expression that names that resource. */
export function refersTo(value: unknown, { address }: Pick<Resource, "address">): boolean {
  const name = address.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`\\$\\{[^}]*(?<![\\w.-])${name}(?![\\w-])`).test(JSON.stringify(value) ?? "");
}
