import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { projectRoot } from "../environments/root";
import { underLock } from "./lock";
import { binaryEnvironment, type Binary } from "./binary";
import { LandfallError } from "../environments/errors";
import { Interrupts } from "./interrupt";
import { progress } from "./output";
import type { PlanDocument } from "./plan-document";

/** What the binary found wrong. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly summary: string;
  readonly detail?: string;
  /** Address of the resource it is about. */
  readonly address?: string;
}

/**
 * A line of the binary's `-json` output, as far as it is used here.
 * https://developer.hashicorp.com/terraform/internals/machine-readable-ui
 */
export interface TerraformEvent {
  readonly type: string;
  readonly diagnostic?: Diagnostic;
  readonly hook?: {
    readonly resource: { readonly addr: string };
    readonly action?: string;
    readonly elapsed_seconds?: number;
  };
  readonly change?: { readonly resource: { readonly addr: string }; readonly action: string };
  readonly changes?: Counts & { readonly operation: string };
}
export type Listener = (event: TerraformEvent) => void;

/** How many resources; one to be replaced counts as added and removed. */
export interface Counts {
  readonly add: number;
  readonly change: number;
  readonly remove: number;
}

export interface Plan {
  /** The saved plan. */
  readonly file: string;
  /** Whether applying it does anything, if only to outputs. */
  readonly changes: boolean;
  readonly counts: Counts;
  /** Addresses of resources that are to be destroyed or replaced. */
  readonly destroyed: readonly string[];
}

export interface PlanOptions {
  /** Where the plan is saved, absolute; for the owner's eyes only. */
  readonly file: string;
  readonly destroy?: boolean;
  /** Whether to hold the lock. @default true */
  readonly lock?: boolean;
  /** The user's own arguments. */
  readonly args?: readonly string[];
  readonly listener: Listener;
}

/** Resources that are made at once. Of the 10 by default, most soon wait for buckets, databases and certificates. */
const PARALLELISM = 20;

/** The binary failed; its errors are the message. */
export class TerraformError extends LandfallError {
  constructor(
    command: string,
    readonly diagnostics: readonly Diagnostic[],
    output: string,
  ) {
    const all = diagnostics.filter(({ severity }) => severity === "error").map(formatDiagnostic);
    const errors = [...new Set(all)]; // after Ctrl-C, one for each resource that was not begun
    super(`${command} failed.\n${errors.length > 0 ? errors.join("\n") : output.trim()}`);
  }

  /** Whether one of the errors says so. */
  is(summary: string): boolean {
    return this.diagnostics.some((diagnostic) => diagnostic.summary === summary);
  }
}

export function formatDiagnostic({ address, summary, detail }: Diagnostic): string {
  const lines = [address ? `${address}: ${summary}` : summary, ...(detail ? detail.split("\n") : [])];
  return lines.join("\n  ");
}

interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** The binary at work in a stack's folder. Every method throws {@link TerraformError}, or exit code 130 when interrupted. */
export class Terraform {
  private readonly environment: NodeJS.ProcessEnv;

  constructor(
    private readonly binary: Binary,
    /** Absolute folder with `cdk.tf.json`. */
    readonly directory: string,
    environment: NodeJS.ProcessEnv,
  ) {
    this.environment = binaryEnvironment(binary, environment);
  }

  /** Installs the provider and takes up the backend that the JSON names; `migrate` moves the state there. */
  async init({ migrate = false } = {}): Promise<void> {
    // Nothing is locked: a state that is about to be moved is nobody else's yet.
    const backend = migrate ? ["-migrate-state", "-force-copy", "-lock=false"] : ["-reconfigure"];
    // The provider cache does not bear two writers: https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache
    const lock = join(projectRoot, ".landfall", "init.lock");
    await underLock(lock, progress, () => this.succeed(["init", ...backend, "-input=false", "-no-color"]));
  }

  async plan({ file, destroy = false, lock = true, args = [], listener }: PlanOptions): Promise<Plan> {
    rmSync(file, { force: true });
    writeFileSync(file, "", { mode: 0o600 }); // the binary writes over it and leaves the mode
    let counts: Counts = { add: 0, change: 0, remove: 0 };
    const destroyed: string[] = [];
    const collect: Listener = (event) => {
      listener(event);
      if (event.type === "change_summary" && event.changes) counts = event.changes;
      if (event.type !== "planned_change" || !event.change) return;
      if (["delete", "replace"].includes(event.change.action)) destroyed.push(event.change.resource.addr);
    };
    const command = ["plan", "-json", `-out=${file}`, "-detailed-exitcode", "-input=false", `-lock=${lock}`];
    try {
      const { exitCode } = await this.run(
        [...command, ...(destroy ? ["-destroy"] : []), ...args],
        collect,
        [0, 2],
      );
      return { file, changes: exitCode === 2, counts, destroyed };
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    }
  }

  /** Applies a saved plan. */
  async apply(
    file: string,
    { lock = true, listener }: { readonly lock?: boolean; readonly listener: Listener },
  ): Promise<void> {
    await this.run(
      ["apply", "-json", "-input=false", `-lock=${lock}`, `-parallelism=${PARALLELISM}`, file],
      listener,
      [0],
    );
  }

  /** A saved plan for people. */
  async show(file: string, { color }: { readonly color: boolean }): Promise<string> {
    return this.succeed(["show", ...(color ? [] : ["-no-color"]), file]);
  }

  /** A saved plan for programs. */
  async showJson(file: string): Promise<PlanDocument> {
    return JSON.parse(await this.succeed(["show", "-json", "-no-color", file])) as PlanDocument;
  }

  private async succeed(args: readonly string[]): Promise<string> {
    return (await this.run(args, undefined, [0])).stdout;
  }

  /** With a listener, stdout is read as events; without, it is text. */
  private async run(
    args: readonly string[],
    listener: Listener | undefined,
    good: readonly number[],
  ): Promise<Run> {
    const child = spawn(this.binary.name, args, {
      cwd: this.directory,
      env: this.environment,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const interrupts = new Interrupts(child);
    try {
      const diagnostics: Diagnostic[] = [];
      const [stdout, stderr, exitCode] = await Promise.all([
        listener ? readEvents(child.stdout, listener, diagnostics) : text(child.stdout),
        text(child.stderr),
        new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve)),
      ]);
      for (const diagnostic of diagnostics) {
        if (diagnostic.severity === "warning" && !isChosen(diagnostic))
          progress(`Warning: ${formatDiagnostic(diagnostic)}`);
      }
      const failure =
        exitCode !== null && good.includes(exitCode)
          ? undefined
          : new TerraformError(`${this.binary.name} ${args[0]}`, diagnostics, stderr || stdout);
      if (interrupts.count > 0) {
        // what it says on the way out may be that it could not save the state
        throw new LandfallError(["Interrupted.", failure?.message].filter(Boolean).join(" "), {
          exitCode: 130,
        });
      }
      if (failure) throw failure;
      return { exitCode, stdout, stderr, diagnostics };
    } finally {
      interrupts.end();
    }
  }
}

/** Locking by DynamoDB is what `state_lock` says, on purpose; Terraform's note that it is deprecated would be in every run. */
const isChosen = ({ summary, detail }: Diagnostic): boolean =>
  summary === "Deprecated Parameter" && Boolean(detail?.includes('"dynamodb_table"'));

/** Hands on events, collects diagnostics, and returns the lines that are neither. */
async function readEvents(
  stream: NodeJS.ReadableStream,
  listener: Listener,
  diagnostics: Diagnostic[],
): Promise<string> {
  const rest: string[] = [];
  for await (const line of createInterface({ input: stream })) {
    const event = parseEvent(line);
    if (!event) rest.push(line);
    else if (event.diagnostic) diagnostics.push(event.diagnostic);
    else listener(event);
  }
  return rest.join("\n");
}

function parseEvent(line: string): TerraformEvent | undefined {
  try {
    return JSON.parse(line) as TerraformEvent;
  } catch {
    return undefined; // a crash, or a log line of the provider
  }
}
