import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** A place for a registry's credentials that is not the user's own. */
export interface CredentialStore {
  /** Variables that lead a builder there. */
  readonly variables: Readonly<Record<string, string>>;
  /** Takes it away, with what is in it. */
  remove(): void;
}

/**
 * Makes an empty store, for the owner alone to read. Docker and nerdctl still find their contexts and plugins there.
 * @param environment process environment, which says where the user's own is
 */
export function makeCredentialStore(environment: NodeJS.ProcessEnv): CredentialStore {
  const folder = mkdtempSync(join(tmpdir(), "landfall-login-")); // 0700
  const own = environment.DOCKER_CONFIG ?? join(environment.HOME ?? homedir(), ".docker");
  for (const name of ["contexts", "cli-plugins"])
    if (existsSync(join(own, name))) symlinkSync(join(own, name), join(folder, name));
  const context = currentContext(join(own, "config.json"));
  const config = context === undefined ? {} : { currentContext: context };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config), { mode: 0o600 });
  return {
    variables: { DOCKER_CONFIG: folder, REGISTRY_AUTH_FILE: join(folder, "auth.json") },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function currentContext(file: string): string | undefined {
  try {
    const { currentContext } = JSON.parse(readFileSync(file, "utf8")) as { currentContext?: unknown };
    return typeof currentContext === "string" ? currentContext : undefined;
  } catch {
    return undefined; // none, or not readable: then it was none to the user's docker too
  }
}
