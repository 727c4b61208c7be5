import { execaSync } from "execa";
import { existsSync, readdirSync, readFileSync } from "node:fs";

interface Running {
  readonly pid: number;
  readonly parent: number;
  /** Its arguments, its own name first. */
  readonly args: string;
}

/** What runs on this machine: by /proc, as a small Linux has no ps, and by ps elsewhere. */
export function processes(): readonly Running[] {
  if (!existsSync("/proc/self/stat")) {
    return execaSync("ps", ["-axo", "pid=,ppid=,args="])
      .stdout.split("\n")
      .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [])
      .map(([, pid, parent, args = ""]) => ({ pid: Number(pid), parent: Number(parent), args }));
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
        const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return [{ pid: Number(pid), parent: Number(parent), args }];
      } catch {
        return []; // gone meanwhile
      }
    });
}

/** Kills a process and all below it, as a power cut would. */
export function killTree(root: number | undefined): void {
  if (root === undefined) return;
  for (const { pid, parent } of processes()) if (parent === root) killTree(pid);
  process.kill(root, "SIGKILL");
}
