/** A failure that the user can act on: what is wrong and where, and what to do about it. */
export class LandfallError extends Error {
  override readonly name: string = "LandfallError";
  /** What to do about it, as a sentence or a command. */
  readonly mend?: string;
  /** Exit code of the command. @default 1 */
  readonly exitCode: number;

  constructor(message: string, { mend, exitCode = 1 }: { mend?: string; exitCode?: number } = {}) {
    super(message);
    this.mend = mend;
    this.exitCode = exitCode;
  }
}

/** The command was called wrongly: exit code 2. */
export class UsageError extends LandfallError {
  override readonly name = "UsageError";

  constructor(message: string, { mend }: { mend?: string } = {}) {
    super(message, { mend, exitCode: 2 });
  }
}
