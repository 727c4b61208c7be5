import type { Input } from "./input";
import type { Problem } from "./problem";

/** Where a value came from. */
export type Source =
  | { readonly from: "file"; readonly file: string; readonly line: number }
  | { readonly from: "process environment" }
  | { readonly from: "default" };

/** An input of this environment that has a value. */
export interface Setting {
  readonly name: string;
  readonly input: Input;
  /** As the file, the process environment or the catalogue wrote it. */
  readonly text: string;
  /** `text` as its type understands it. */
  readonly value: unknown;
  readonly source: Source;
}

/** Validated inputs of one environment, or of `shared`. */
export interface Settings {
  /** Environment name, or `shared`. */
  readonly name: string;
  /** The committed file, for messages: `environments/stage.env`. */
  readonly file: string;
  readonly settings: ReadonlyMap<string, Setting>;
  /** Inputs that are wrong or missing, which has been reported. @default none */
  readonly unusable?: ReadonlySet<string>;
}

/** What reading a file gave: settings unless there are problems. */
export interface Reading {
  readonly name: string;
  readonly file: string;
  readonly settings?: Settings;
  /** What could be read, for further checks; undefined where the file could not. */
  readonly readable?: Settings;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}
