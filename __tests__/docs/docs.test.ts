import { Command } from "commander";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkEnvironment, checkShared } from "../../environments/checks";
import { readEnvironment, readShared } from "../../environments/read";
import { projectRoot } from "../../environments/root";
import { stageDefaults } from "../../environments/stage-class";
import type { Reading } from "../../environments/settings";
import { serviceNames, services, START_SECONDS } from "../../workloads/atomic-calendar/services";
import packageJson from "../../package.json";

const docs = readdirSync(join(projectRoot, "docs")).map((file) => `docs/${file}`);
const pages = ["README.md", ...docs.filter((file) => file.endsWith(".md"))];
const textOf = (page: string): string => readFileSync(join(projectRoot, page), "utf8");

interface Block {
  readonly page: string;
  /** What stands behind the opening fence. */
  readonly info: string;
  readonly text: string;
}
const fence = /^```(.*)\n([^]*?)^```$/gm;
const blocks: readonly Block[] = pages.flatMap((page) =>
  [...textOf(page).matchAll(fence)].map(([, info = "", text = ""]) => ({ page, info, text })),
);
const proseOf = (page: string): string => textOf(page).replace(fence, "");

describe("settings", () => {
  const folder = join(mkdtempSync(join(tmpdir(), "landfall-docs-")), "environments");
  beforeAll(() => mkdirSync(folder));
  afterAll(() => rmSync(dirname(folder), { recursive: true }));

  function read(name: string, text: string): Reading {
    writeFileSync(join(folder, `${name}.env`), text);
    const options = { folder, processEnvironment: {}, requireSecrets: false };
    return name === "shared" ? readShared(name, options) : readEnvironment(name, options);
  }
  const settingsBlocks = blocks.filter(({ info }) => info.startsWith("env "));
  const named = (name: string) => settingsBlocks.filter(({ info }) => info === `env ${name}`);

  test("are shown on the pages about them", () => {
    expect(new Set(settingsBlocks.map(({ page }) => page))).toEqual(
      new Set(["docs/environment-files.md", "docs/network.md"]),
    );
  });

  test.each(settingsBlocks)("$page, $info: read without problems", ({ info, text }) => {
    const { settings, problems } = read(info.slice("env ".length), text);
    expect(problems).toEqual([]);
    if (settings?.name === "shared") expect(checkShared(settings)).toEqual({ problems: [], warnings: [] });
  });

  test("of the page about files fit together", () => {
    const [shared] = named("shared").filter(({ page }) => page === "docs/environment-files.md");
    const [stage] = named("stage");
    const sharedSettings = read("shared", shared?.text ?? "").settings;
    const stageSettings = read("stage", stage?.text ?? "").settings;
    if (!sharedSettings || !stageSettings) throw new Error("they do not read");
    expect(checkEnvironment(stageSettings, sharedSettings)).toEqual({ problems: [], warnings: [] });
  });
});

describe("commands", () => {
  const lines = blocks
    .filter(({ info }) => info === "sh")
    .flatMap(({ page, text }) => text.split("\n").map((line) => ({ page, line })));
  const calls = [
    ...lines.flatMap(({ page, line }) => callsIn(line.replace(/\s# .*/, "")).map((call) => ({ page, call }))),
    ...pages.flatMap((page) =>
      [...proseOf(page).matchAll(/`([^`]+)`/g)]
        .map(([, code = ""]) => code)
        .filter((code) => !code.includes("…"))
        .flatMap(callsIn)
        .map((call) => ({ page, call })),
    ),
  ];

  /** Every `./landfall …` of a line, without what a shell would take. */
  function callsIn(line: string): string[] {
    return [...line.matchAll(/\.\/landfall( [^;|>)"&]*)?/g)].map(([, args = ""]) => args.trim());
  }

  /** Parses as the command does, and runs nothing. */
  function parse(call: string): void {
    const program = new Command("landfall").exitOverride().configureOutput({ writeErr: () => {} });
    const folder = join(projectRoot, "cli", "verbs");
    for (const file of readdirSync(folder)) {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- whichever verbs there are
      const { register } = require(join(folder, file)) as { register(program: Command): void };
      register(program);
    }
    const disarm = (command: Command): void => {
      command.exitOverride().configureOutput({ writeErr: () => {} });
      if (command.commands.length === 0) command.action(() => {});
      command.commands.forEach(disarm);
    };
    program.commands.forEach(disarm);
    if (call !== "") program.parse(call.split(/\s+/), { from: "user" });
  }

  test.each(calls)("$page: ./landfall $call", ({ call }) => {
    expect(() => parse(call)).not.toThrow();
  });

  test.each([
    ["a verb that is not there", "launch stage"],
    ["an option that is not there", "plan stage --fast"],
    ["an argument too few", "apply"],
    ["an argument too many", "bootstrap stage"],
    ["a sandbox verb that is not there", "sandbox restart"],
  ])("would not pass with %s", (_, call) => {
    expect(() => parse(call)).toThrow();
  });

  test("of npm are the project's", () => {
    const names = lines.flatMap(({ line }) =>
      [...line.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name),
    );
    expect(names).not.toEqual([]);
    expect(Object.keys(packageJson.scripts)).toEqual(expect.arrayContaining(names));
  });
});

describe("links", () => {
  /** A heading as GitHub makes it an anchor. */
  const anchorOf = (heading: string): string =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-");
  const anchors = (page: string): string[] =>
    [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));

  const links = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/\]\(([^)]+)\)/g)]
      .map(([, target = ""]) => ({ page, target }))
      .filter(({ target }) => !target.startsWith("https://")),
  );

  test.each(links)("$page: $target leads somewhere", ({ page, target }) => {
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : join(dirname(page), path);
    expect(existsSync(join(projectRoot, file))).toBe(true);
    if (anchor !== undefined) expect(anchors(file)).toContain(anchor);
  });

  test("lead from the README to every page", () => {
    const fromReadme = links.filter(({ page }) => page === "README.md").map(({ target }) => target);
    expect(fromReadme.filter((target) => target.endsWith(".md")).sort()).toEqual(
      pages.filter((page) => page.startsWith("docs/")).sort(),
    );
  });
});

test("each picture is on a page", () => {
  const pictures = docs.filter((file) => !file.endsWith(".md"));
  const shown = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, target = ""]) =>
      join(dirname(page), target),
    ),
  );
  expect(new Set(shown)).toEqual(new Set(pictures));
});

describe("files", () => {
  /** Made by a command or written by the user. */
  const notInGit = /[<*]|^(\.landfall|cdktf\.out)\/|^environments\/(shared|stage|\w+\.secrets)\.env$/;
  const rooms = readdirSync(projectRoot);
  const files = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/`(\.?[\w.-]+\/[^`\s]*)`/g)]
      .map(([, file = ""]) => ({ page, file }))
      .filter(({ file }) => rooms.includes(file.split("/")[0] ?? "") && !notInGit.test(file)),
  );

  test("are named", () => {
    expect(files.length).toBeGreaterThan(10);
  });

  test.each(files)("$page: $file is there", ({ file }) => {
    expect(existsSync(join(projectRoot, file))).toBe(true);
  });
});

test("the README asks for the versions that are checked", () => {
  const readme = textOf("README.md").replace(/\s+/g, " ");
  expect(packageJson.engines.node).toBe("^20.19 || >=22.12");
  expect(readme).toContain("Node.js 20.19 or later of 20, or 22.12 or later");
  expect(readFileSync(join(projectRoot, "landfall"), "utf8")).toContain(
    "20.19 or later of 20, or 22.12 or later",
  );
  expect(readFileSync(join(projectRoot, "sandbox", "venv.ts"), "utf8")).toContain("Python 3.10 or later");
  expect(readme).toContain("Python ≥ 3.10");
  expect(readFileSync(join(projectRoot, "backend", "landfall-stack.ts"), "utf8")).toContain('">= 1.11.0"');
  expect(readme).toContain("Terraform or OpenTofu ≥ 1.11");
});

test("what a stage decides is told as it is", () => {
  const [, stages = ""] = textOf("docs/environment-files.md").split("\n## Stages\n");
  const rows = [...stages.matchAll(/^\|(?! what| -).*\|(.*)\|(.*)\|(.*)\|$/gm)];
  const written = rows.map(([, ...cells]) => cells.map((cell) => cell.trim()));
  const text = (value: boolean | number) => {
    if (typeof value === "boolean") return value ? "yes" : "no";
    return value === 0 ? "none" : String(value);
  };
  const { dev, staging, prod } = stageDefaults;
  const names = Object.keys(dev) as (keyof typeof dev)[];
  expect(written).toEqual(names.map((name) => [dev, staging, prod].map((stage) => text(stage[name]))));
});

test("what Atomic Calendar's images must be is told as the services' table has it", () => {
  const [, section = ""] = textOf("docs/atomic-calendar.md").split("\n## What images must be\n");
  const [own = ""] = section.split("\n## ");
  const written = own
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const code = (texts: readonly string[]) => texts.map((text) => `\`${text}\``).join(", ") || "none";
  const wanted = serviceNames.map((name) => {
    const { port, route, startSeconds = START_SECONDS, writable = {}, files, secrets } = services[name];
    const folders = [...Object.values(writable), ...(files ? [files] : [])];
    const paths = [code(route?.paths ?? []), code(route ? [route.healthPath] : [])];
    const cells = [String(port), ...paths, `${startSeconds} s`, code(folders), code(Object.keys(secrets))];
    return ["", name, ...cells, ""];
  });
  expect(written).toEqual(wanted);
});
