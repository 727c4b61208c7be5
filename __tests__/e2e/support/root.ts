import { execa, execaSync } from "execa";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";

const has = (program: string) => !execaSync(program, ["--version"], { reject: false }).failed;

/** Whether this machine can make a root folder and run programs in it: that takes root and debootstrap. */
export const canMakeRoots = process.getuid?.() === 0 && has("debootstrap") && has("unshare");

/** Not a matter of set-up: what the kernel, a run or a log makes; and the stand-ins' own notes. */
const transient = ["dev", "fakes", "proc", "run", "sys", "tmp", "var/log"];

interface CloudConfig {
  readonly packages?: readonly string[];
  readonly write_files?: readonly {
    readonly path: string;
    readonly permissions?: string;
    readonly content: string;
  }[];
  readonly runcmd?: readonly (string | readonly string[])[];
}

/** Where this machine's apt gets its own release from, and that release's name. */
function mirror(): { readonly release: string; readonly url: string } {
  const release = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "stable";
  const { stdout } = execaSync("apt-get", ["indextargets", "--format", "$(RELEASE) $(REPO_URI)"]);
  const line = stdout.split("\n").find((line) => line.startsWith(`${release} `));
  return { release, url: line?.split(" ")[1] ?? "http://deb.debian.org/debian" };
}

/** A small Debian system in a folder, whose programs see that folder as the whole machine. */
export class ScratchRoot {
  private constructor(readonly folder: string) {}

  /**
   * Installs a system with some packages; takes about 40 s.
   *
   * @throws Error with debootstrap's last lines where it fails
   */
  static async install(packages: readonly string[]): Promise<ScratchRoot> {
    const root = new ScratchRoot(mkdtempSync(join(tmpdir(), "landfall-root-")));
    const { release, url } = mirror();
    const { failed, all } = await execa(
      "debootstrap",
      ["--variant=minbase", `--include=${packages.join(",")}`, release, root.folder, url],
      { reject: false, all: true },
    );
    if (failed) throw new Error(`debootstrap failed:\n${all.split("\n").slice(-10).join("\n")}`);
    chmodSync(root.folder, 0o755); // other users than root run programs in it
    return root;
  }

  /** Another system with the same content. */
  async copy(): Promise<ScratchRoot> {
    const root = new ScratchRoot(mkdtempSync(join(tmpdir(), "landfall-root-")));
    await execa("cp", ["--archive", "--no-target-directory", this.folder, root.folder]);
    return root;
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  exists(path: string): boolean {
    return existsSync(this.path(path));
  }

  read(path: string): string {
    return readFileSync(this.path(path), "utf8");
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), text);
    chmodSync(this.path(path), mode);
  }

  /** Puts a program of the test's own before the system's. */
  program(name: string, text: string): void {
    this.write(join("usr/local/bin", name), text, 0o755);
  }

  /** Runs a command in the system. All that it has started ends with it. */
  run(command: string, ...args: string[]) {
    const isolated = ["--mount", "--pid", "--fork", "--kill-child", `--mount-proc=${this.path("proc")}`];
    return execa("unshare", [...isolated, "chroot", this.folder, command, ...args], {
      // As cloud-init gives it: no HOME
      env: {
        PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        LANG: "C",
        FAKES: "/fakes",
      },
      extendEnv: false,
      reject: false,
      all: true,
      stdin: "ignore",
    });
  }

  /**
   * Does what cloud-init does with a cloud-config at the first boot: files, packages, commands.
   *
   * @param afterwards shell commands to run while what was started still runs
   */
  async firstBoot(userData: string, afterwards = "") {
    const config = parse(userData) as CloudConfig;
    for (const { path, permissions, content } of config.write_files ?? [])
      this.write(path, content, parseInt(permissions ?? "0644", 8));
    const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
    const commands = [
      ...(config.packages ? [["dnf", "install", "-y", ...config.packages]] : []),
      ...(config.runcmd ?? []),
    ].map((command) => (typeof command === "string" ? command : command.map(quoted).join(" ")));
    this.write("tmp/runcmd", `#!/bin/sh\n${commands.join("\n")}\n${afterwards}\n`, 0o700);
    rmSync(this.path("fakes/pids"), { recursive: true, force: true }); // no process outlives a boot
    return this.run("/tmp/runcmd");
  }

  /** Each path with its type, mode, owner and content's hash, but for what is transient. */
  manifest(): string[] {
    const lines: string[] = [];
    const visit = (path: string): void => {
      for (const name of readdirSync(this.path(path)).sort()) {
        const below = join(path, name);
        if (transient.includes(below)) continue;
        const file = this.path(below);
        const { mode, uid, gid } = lstatSync(file);
        const kind = (mode & 0o170000) >> 12;
        const content =
          kind === 0o12
            ? readlinkSync(file)
            : kind === 0o10
              ? createHash("sha256").update(readFileSync(file)).digest("hex")
              : "";
        lines.push(`${below} ${mode.toString(8)} ${uid}:${gid} ${content}`);
        if (kind === 0o4) visit(below);
      }
    };
    visit("");
    return lines;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
