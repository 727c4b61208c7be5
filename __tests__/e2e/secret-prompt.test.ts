import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";
import { temporaryFolder } from "../support/folders";

jest.setTimeout(60_000); // each prompt is a process of its own, in a terminal of its own

const hasScript = spawnSync("script", ["--version"]).status === 0;
(hasScript ? describe : describe.skip)("the hidden prompt (needs script of util-linux)", () => {
  /** Types into a terminal of its own, each answer once its question is there. @returns what the terminal showed */
  async function type(
    ...answers: readonly [question: string, keys: string][]
  ): Promise<{ shown: string; code: number | null; value: string }> {
    const folder = temporaryFolder();
    const file = join(folder, "value");
    writeFileSync(
      join(folder, "ask.ts"),
      `import { writeFileSync } from "node:fs";
       import { askValue } from ${JSON.stringify(join(projectRoot, "cli/verbs/secret"))};
       askValue("token").then((value) => writeFileSync(${JSON.stringify(file)}, value), (error) => {
         console.error(error.message);
         process.exitCode = error.exitCode;
       });`,
    );
    writeFileSync(file, "");
    const command = [process.execPath, join(projectRoot, "cli/run.cjs"), join(folder, "ask.ts")].join(" ");
    const terminal = spawn("script", ["-qec", command, "/dev/null"], { env: { PATH: process.env.PATH } });
    const left = [...answers];
    let shown = "";
    terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
      const [question, keys] = left[0] ?? [];
      if (question === undefined || !shown.includes(question)) return;
      left.shift();
      terminal.stdin.write(keys);
    });
    const code = await new Promise<number | null>((resolve) => terminal.on("close", resolve));
    return { shown, code, value: readFileSync(file, "utf8") };
  }
  const first = "Value of token (not shown): ";
  const second = "Once more: ";

  it("shows nothing of what is typed, and wants it twice", async () => {
    const { shown, code, value } = await type([first, "s3cret-x\x7fy\r"], [second, "s3cret-y\r"]);
    expect({ code, value }).toEqual({ code: 0, value: "s3cret-y" });
    expect(shown.replaceAll("\r", "")).toBe(`${first}\n${second}\n`);
  });

  it("takes nothing where the two differ, or at Ctrl-C", async () => {
    const different = await type([first, "s3cret-1\r"], [second, "s3cret-2\r"]);
    expect(different).toMatchObject({ code: 1, value: "" });
    expect(different.shown).toContain("not the same; nothing was changed");
    const stopped = await type([first, "s3cret\x03"]);
    expect(stopped).toMatchObject({ code: 130, value: "" });
    expect(stopped.shown).toContain("Interrupted; nothing was changed.");
    expect(different.shown + stopped.shown).not.toContain("s3cret");
  });
});
