import { mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL = 100; // milliseconds

/**
 * Does `work` while no other process does any under the same lock; waits for its turn.
 *
 * @param file is a symlink that names the holder's process, as that is made in one step. The lock of a dead process
 * counts for nothing.
 */
export async function underLock<T>(
  file: string,
  log: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  let told = false;
  while (!take(file)) {
    if (!told) log(`waiting for process ${holderOf(file)} (if it does nothing, delete ${file})`);
    told = true;
    await sleep(POLL);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file: string): boolean {
  try {
    symlinkSync(String(process.pid), file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const holder = holderOf(file);
  if (holder !== undefined && !isAlive(holder)) rmSync(file, { force: true });
  return false;
}

function holderOf(file: string): number | undefined {
  try {
    return Number(readlinkSync(file));
  } catch {
    return undefined; // given back meanwhile
  }
}

/** Whether a process runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // somebody else's
  }
}
