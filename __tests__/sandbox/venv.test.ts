import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureVenv } from "../../sandbox/venv";

/** A Python that notes its calls and makes environments of itself; its pip fails while `pip-fails` is there. */
const stub = `#!/bin/sh
cd "$(dirname "$0")" && echo "$*" >> "$CALLS"
case "$*" in
  *version_info*) exit "$TOO_OLD" ;;
  *"-m venv"*) for folder; do :; done; mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;;
  *"pip install"*) test ! -e "$PIP_FAILS" || { echo "no route to the registry"; exit 1; } ;;
esac
`;

const outer = { ...process.env };
let folder: string;
let requirements: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "landfall venv "));
  requirements = join(folder, "requirements.txt");
  writeFileSync(requirements, "one==1\n");
  writeFileSync(join(folder, "python"), stub);
  chmodSync(join(folder, "python"), 0o755);
  Object.assign(process.env, {
    LANDFALL_PYTHON: join(folder, "python"),
    LANDFALL_VENVS: join(folder, "venvs"),
    CALLS: join(folder, "calls"),
    PIP_FAILS: join(folder, "pip-fails"),
    TOO_OLD: "0",
  });
});
afterEach(() => {
  process.env = { ...outer };
  rmSync(folder, { recursive: true });
});

const make = () => ensureVenv({ name: "tool", requirements });
const installations = (): number => {
  const calls = join(folder, "calls");
  return existsSync(calls) ? (readFileSync(calls, "utf8").match(/pip install/g)?.length ?? 0) : 0;
};

test("installs once, with hashes, and answers with the Python", async () => {
  expect(await make()).toBe(join(folder, "venvs", "tool", "bin", "python"));
  await make();
  expect(installations()).toBe(1);
  expect(readFileSync(join(folder, "calls"), "utf8")).toContain(
    `--require-hashes --requirement ${requirements}`,
  );
});

test("installs once when two ask at the same time", async () => {
  await Promise.all([make(), make()]);
  expect(installations()).toBe(1);
});

test("installs anew when the requirements change", async () => {
  await make();
  writeFileSync(requirements, "one==2\n");
  await make();
  expect(installations()).toBe(2);
});

test("a failed installation says what pip said, and is done again", async () => {
  writeFileSync(join(folder, "pip-fails"), "");
  await expect(make()).rejects.toThrow(
    /requirements\.txt cannot be installed[\s\S]*no route to the registry/,
  );
  rmSync(join(folder, "pip-fails"));
  await make();
  expect(installations()).toBe(2);
});

test("an old or missing Python is named, with what to do", async () => {
  process.env.TOO_OLD = "1";
  await expect(make()).rejects.toThrow(
    /Python 3\.10 or later is needed, and `.*python` is not that\..*LANDFALL_PYTHON/,
  );
  process.env.LANDFALL_PYTHON = "no-such-python";
  await expect(make()).rejects.toThrow(/`no-such-python` is not that/);
});
