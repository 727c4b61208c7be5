/** One thing wrong with the settings. Never holds the value of an input that may be secret. */
export interface Problem {
  /** Path as the user would type it, relative to the project. */
  readonly file: string;
  readonly line?: number;
  /** Name as the file writes it, `TF_VAR_` included. */
  readonly name?: string;
  /** What is wrong. */
  readonly what: string;
  /** What to do about it. */
  readonly mend: string;
}
