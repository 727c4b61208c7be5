import { execa } from "execa";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot } from "../../environments/root";
import { ensureVenv } from "../../sandbox/venv";
import { temporaryFolder } from "../support/folders";

interface Finding {
  readonly ident: string;
}

let zizmor: string;
beforeAll(async () => {
  const requirements = join(projectRoot, "__tests__", "github", "zizmor", "requirements.txt");
  zizmor = join(dirname(await ensureVenv({ name: "zizmor", requirements })), "zizmor");
}, 120_000);

/** What zizmor finds in a folder's workflows and actions, without asking GitHub. */
async function audit(folder: string): Promise<string[]> {
  const config = join(projectRoot, ".github", "zizmor.yml");
  const { stdout } = await execa(
    zizmor,
    ["--offline", "--no-progress", "--no-exit-codes", "--config", config, "--format", "json", folder],
    { env: { HOME: temporaryFolder() } },
  );
  return (JSON.parse(stdout) as Finding[]).map(({ ident }) => ident);
}

test("zizmor finds nothing in the workflows", async () => {
  expect(await audit(join(projectRoot, ".github"))).toEqual([]);
});

test("zizmor would find what is wrong", async () => {
  const folder = join(temporaryFolder(), ".github", "workflows");
  mkdirSync(folder, { recursive: true });
  const plan = readFileSync(join(projectRoot, ".github", "workflows", "plan.yml"), "utf8");
  const wrong = plan
    .replaceAll("persist-credentials: false", "fetch-depth: 1")
    .replace("on:\n  pull_request:", "on:\n  pull_request_target:")
    .replace("run: ./landfall --version", "run: echo ${{ github.event.pull_request.title }}");
  writeFileSync(join(folder, "plan.yml"), wrong);
  expect(await audit(dirname(folder))).toEqual(
    expect.arrayContaining(["artipacked", "dangerous-triggers", "template-injection"]),
  );
});
