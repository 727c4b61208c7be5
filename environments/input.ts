import type { z } from "zod";

/** What the text of an input may be, and what it becomes. One object each in `types.ts`. */
export interface InputType<T = unknown> {
  /** Shown in the documentation's table, such as `CIDR list`. */
  readonly name: string;
  /** What to write, as the end of "Write …": the mend of every problem of this type. */
  readonly expects: string;
  /** Type of the Terraform variable. Lists stay text there: a file writes them with commas. */
  readonly terraform: "string" | "number" | "bool";
  /** Turns the text into the value. An issue's message says what is wrong. */
  readonly schema: z.ZodType<T, string>;
}

interface Declaration<T> {
  readonly type: InputType<T>;
  /** One sentence for the template and the documentation. */
  readonly description: string;
  /** Text as a file would hold it, when it is left out. Without it and without `optional`, the input is required. */
  readonly default?: string;
  /** May be left out, and then has no value. */
  readonly optional?: true;
  /** Shown in the template where there is no default. */
  readonly example?: string;
}

/** Decides what is in the JSON (counts, CIDRs, names). The program sees its value. */
export interface StructuralInput<T = unknown> extends Declaration<T> {
  readonly use: "structural";
}
/** A value that only Terraform needs. The program hands on a reference to its variable. */
export interface TerraformInput<T = unknown> extends Declaration<T> {
  readonly use: "terraform";
  /** Never in JSON, plan, state or a message: the variable is sensitive and ephemeral. */
  readonly secret?: true;
}
/** A setting of the application on the host: it never reaches Terraform. */
export interface ApplicationInput<T = unknown> extends Declaration<T> {
  readonly use: "application";
  readonly secret?: true;
}
export type Input = StructuralInput | TerraformInput | ApplicationInput;

/** Inputs of one part of the project, by name (without `TF_VAR_`). */
export type InputGroup = Readonly<Record<string, Input>>;

type ValueOf<I> = I extends { type: InputType<infer T> }
  ? I extends { optional: true }
    ? T | undefined
    : T
  : never;
type NamesBy<G extends InputGroup, U extends Input["use"]> = {
  [K in keyof G]: G[K]["use"] extends U ? K : never;
}[keyof G];

/** Values of the group's structural inputs. */
export type StructuralValues<G extends InputGroup> = {
  readonly [K in NamesBy<G, "structural">]: ValueOf<G[K]>;
};
/** References (`${var.name}`) to the group's other Terraform inputs. */
export type References<G extends InputGroup> = { readonly [K in NamesBy<G, "terraform">]: string };

export const isSecret = (input: Input): boolean => input.use !== "structural" && input.secret === true;
/** The name as a file writes it: application settings plain, all else with `TF_VAR_`. */
export const nameInFile = (name: string, input: Input): string =>
  input.use === "application" ? name : `TF_VAR_${name}`;
