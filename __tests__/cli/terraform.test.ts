import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Terraform, TerraformError, type TerraformEvent } from "../../cli/terraform";

/** A stack's folder and a binary that notes its arguments, and prints and exits as each test says. */
let folder: string;
let stderr: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "landfall-terraform-"));
  stderr = [];
  jest.spyOn(process.stderr, "write").mockImplementation((text) => stderr.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function binary(body: string): Terraform {
  const name = join(folder, "terraform");
  writeFileSync(name, `#!/bin/sh\necho "$@" >> arguments\n${body}\n`);
  chmodSync(name, 0o755);
  return new Terraform({ name, product: "Terraform", version: "1.11.4" }, folder, { PATH: process.env.PATH });
}
const called = (): string[] => readFileSync(join(folder, "arguments"), "utf8").trim().split("\n");
const print = (...lines: (object | string)[]): string =>
  lines
    .map((line) => `cat <<'EVENT'\n${typeof line === "string" ? line : JSON.stringify(line)}\nEVENT\n`)
    .join("");
const ignore = () => {};
const savedPlan = () => join(folder, "saved.tfplan");
const change = (addr: string, action: string) => ({
  type: "planned_change",
  change: { resource: { addr }, action },
});
const failure = {
  severity: "error",
  summary: "creating EC2 Instance",
  detail: "operation error\nUnauthorized",
  address: "aws_instance.host",
};

/** The error that `work` ends with. */
const errorOf = (work: Promise<unknown>): Promise<TerraformError> =>
  work.then(
    () => Promise.reject(new Error("it did not fail")),
    (error: TerraformError) => error,
  );

describe("a plan", () => {
  it("is saved for the owner's eyes only, and tells what it would change", async () => {
    const summary = { type: "change_summary", changes: { add: 2, change: 0, remove: 1, operation: "plan" } };
    const terraform = binary(
      print(
        change("aws_eip.new", "create"),
        change("aws_eip.old", "delete"),
        change("aws_instance.a", "replace"),
        summary,
      ) + "for a; do case $a in -out=*) echo plan > ${a#-out=};; esac; done; exit 2",
    );
    const plan = await terraform.plan({
      file: savedPlan(),
      args: ["-replace=aws_instance.a"],
      listener: ignore,
    });
    expect(plan).toEqual({
      file: savedPlan(),
      changes: true,
      counts: expect.objectContaining({ add: 2, change: 0, remove: 1 }),
      destroyed: ["aws_eip.old", "aws_instance.a"],
    });
    expect(statSync(savedPlan()).mode & 0o777).toBe(0o600);
    expect(called()[0]).toMatch(
      /^plan -json -out=\S+ -detailed-exitcode -input=false -lock=true -replace=aws_instance\.a$/,
    );
  });

  it("without changes says so", async () => {
    const plan = await binary("exit 0").plan({
      file: savedPlan(),
      destroy: true,
      lock: false,
      listener: ignore,
    });
    expect(plan).toMatchObject({ changes: false, destroyed: [] });
    expect(called()[0]).toMatch(/-lock=false -destroy$/);
  });

  it("that fails leaves no file", async () => {
    await expect(binary("exit 1").plan({ file: savedPlan(), listener: ignore })).rejects.toThrow(
      TerraformError,
    );
    expect(existsSync(savedPlan())).toBe(false);
  });
});

describe("an apply", () => {
  const apply = (body: string, listener: (event: TerraformEvent) => void = ignore) =>
    binary(body).apply(savedPlan(), { listener });

  it("is of the saved plan, and hands its events on as they come", async () => {
    const events: string[] = [];
    await apply(print({ type: "version" }, { type: "apply_start" }, { type: "apply_complete" }), ({ type }) =>
      events.push(type),
    );
    expect(called()).toEqual([`apply -json -input=false -lock=true -parallelism=20 ${savedPlan()}`]);
    expect(events).toEqual(["version", "apply_start", "apply_complete"]);
  });

  it("that is stopped says once what is true of all that was not begun", async () => {
    const halted = { type: "diagnostic", diagnostic: { severity: "error", summary: "execution halted" } };
    const { message } = await errorOf(apply(`${print(halted, halted, halted)}\nexit 1`));
    expect(message.split("\n").slice(1)).toEqual(["execution halted"]);
  });

  it("that fails names each resource and reason, without the binary's snippets", async () => {
    const diagnostic = { ...failure, snippet: { code: "secret = 1" } };
    const error = await errorOf(apply(`${print({ type: "diagnostic", diagnostic })}exit 1`));
    expect(error.message).toMatch(
      /apply failed\.\naws_instance\.host: creating EC2 Instance\n {2}operation error\n {2}Unauthorized$/,
    );
    expect(error.exitCode).toBe(1);
    expect(error.is("creating EC2 Instance")).toBe(true);
    expect(error.is("Error acquiring the state lock")).toBe(false);
  });

  it("that fails without a diagnostic shows what the binary wrote to stderr", async () => {
    const error = await errorOf(apply("echo 'panic: no disk' >&2; exit 11"));
    expect(error.message).toContain("panic: no disk");
  });

  it("takes lines that are no events as text", async () => {
    const error = await errorOf(apply(`${print("a crash, not JSON")}exit 1`));
    expect(error.message).toContain("a crash, not JSON");
  });

  it("says nothing of the DynamoDB lock's deprecation, which the settings chose", async () => {
    const summary = "Deprecated Parameter";
    const detail = 'The parameter "dynamodb_table" is deprecated. Use parameter "use_lockfile" instead.';
    await apply(print({ type: "diagnostic", diagnostic: { severity: "warning", summary, detail } }));
    expect(stderr.join("")).not.toContain("Deprecated");
  });

  it("shows warnings, and goes on", async () => {
    await apply(print({ type: "diagnostic", diagnostic: { ...failure, severity: "warning" } }));
    expect(stderr.join("")).toContain("Warning: aws_instance.host: creating EC2 Instance");
  });

  it("has a process group of its own, so that a terminal's Ctrl-C does not reach it twice", async () => {
    await apply("echo $$ $(ps -o pgid= -p $$) >> arguments");
    const [pid, group] = called().at(-1)?.split(" ") ?? [];
    expect(group).toBe(pid);
  });

  it("that ends by a signal of its own has failed", async () => {
    await expect(apply("kill -9 $$")).rejects.toThrow("apply failed");
  });

  it("is stopped by the user's Ctrl-C: one SIGINT, exit code 130, and what it said on the way out", async () => {
    const body = `trap 'echo "${"Error: Failed to save state"}" >&2; echo interrupted >> arguments; exit 1' INT\n: > ready\nwhile :; do sleep 0.02; done`;
    const running = errorOf(apply(body));
    while (!existsSync(join(folder, "ready"))) await new Promise((resolve) => setTimeout(resolve, 10));
    process.emit("SIGINT");
    const error = await running;
    expect(error.exitCode).toBe(130);
    expect(called().filter((line) => line === "interrupted")).toHaveLength(1);
    expect(error.message).toContain("Failed to save state");
  });
});

describe("init", () => {
  it("never asks and never moves state", async () => {
    await binary("exit 0").init();
    expect(called()).toEqual(["init -reconfigure -input=false -no-color"]);
  });

  it("moves the state where that is wanted", async () => {
    await binary("exit 0").init({ migrate: true });
    expect(called()).toEqual(["init -migrate-state -force-copy -lock=false -input=false -no-color"]);
  });

  it("that fails shows the binary's own words", async () => {
    await expect(
      binary("echo 'Error: Failed to query available provider packages' >&2; exit 1").init(),
    ).rejects.toThrow(/init failed\.\nError: Failed to query/);
  });
});
