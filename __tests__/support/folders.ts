import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders: string[] = [];

/** A folder of its own, gone after the last test of the file. Without what a stack takes, which is slow to load. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "landfall-test-"));
  folders.push(folder);
  return folder;
}

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));
