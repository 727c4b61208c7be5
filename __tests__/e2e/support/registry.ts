import { execaSync } from "execa";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const has = (program: string, ...args: string[]) => !execaSync(program, args, { reject: false }).failed;
export const hasRegistry = has("docker-registry", "--version");
export const hasBuildah = has("buildah", "--version");

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Debian's `docker-registry` on loopback, with storage of its own. */
export class LocalRegistry {
  private constructor(
    readonly host: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {}

  /**
   * @param htpasswd lines of users and bcrypt hashes. @default anybody may do all
   * @throws Error with its log where it does not answer within 10 s
   */
  static async start(htpasswd?: string): Promise<LocalRegistry> {
    const folder = mkdtempSync(join(tmpdir(), "landfall-registry-"));
    const host = `127.0.0.1:${await freePort()}`;
    mkdirSync(join(folder, "storage"));
    writeFileSync(join(folder, "users"), htpasswd ?? "");
    const auth = htpasswd ? { htpasswd: { realm: "test", path: join(folder, "users") } } : undefined;
    const configuration = {
      version: 0.1,
      log: { level: "warn" },
      storage: { filesystem: { rootdirectory: join(folder, "storage") } },
      http: { addr: host },
      ...(auth && { auth }),
    };
    writeFileSync(join(folder, "config.yml"), JSON.stringify(configuration)); // JSON is YAML
    const child = spawn("docker-registry", ["serve", join(folder, "config.yml")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let log = "";
    child.stderr.on("data", (data) => (log += String(data)));
    const registry = new LocalRegistry(host, folder, child);
    for (let tries = 0; tries < 100; tries += 1, await sleep(100)) {
      if (await fetch(`http://${host}/v2/`).catch(() => undefined)) return registry;
    }
    registry.stop();
    throw new Error(`the registry does not answer\n${log}`);
  }

  /** Tags of a repository. */
  async tags(repository: string): Promise<readonly string[]> {
    const answer = await fetch(`http://${this.host}/v2/${repository}/tags/list`);
    return ((await answer.json()) as { tags?: string[] }).tags ?? [];
  }

  /** What the image of that digest says about itself. */
  async configuration(repository: string, digest: string): Promise<ImageConfiguration> {
    const ask = async (path: string) => {
      const answer = await fetch(`http://${this.host}/v2/${repository}/${path}`, {
        headers: { Accept: "application/vnd.oci.image.manifest.v1+json" },
      });
      return (await answer.json()) as never;
    };
    const { config } = (await ask(`manifests/${digest}`)) as { config: { digest: string } };
    return ask(`blobs/${config.digest}`);
  }

  stop(): void {
    this.child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface ImageConfiguration {
  readonly architecture: string;
  readonly os: string;
  readonly created: string;
}

/** Where Buildah keeps its things: nothing is shared with this machine's own. */
export class BuildahHome {
  readonly folder = mkdtempSync(join(tmpdir(), "landfall-buildah-"));

  constructor() {
    writeFileSync(
      join(this.folder, "storage.conf"),
      `[storage]\ndriver = "vfs"\nrunroot = "${this.folder}/run"\ngraphroot = "${this.folder}/storage"\n`,
    );
  }

  /** Variables for it. */
  get variables(): Record<string, string> {
    mkdirSync(join(this.folder, "tmp"), { recursive: true });
    return {
      BUILDAH_ISOLATION: "chroot",
      CONTAINERS_STORAGE_CONF: join(this.folder, "storage.conf"),
      TMPDIR: join(this.folder, "tmp"),
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Lines of a file; none where it is not there. */
export function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}
