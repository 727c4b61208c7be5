import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { projectRoot } from "../../../environments/root";
import { temporaryFolder } from "../../support/folders";

export const TOKEN = "ghs_0123456789abcdefSECRET";
export const REPOSITORY = "example/landfall";
export const BOT = "github-actions[bot]";

/** An answer instead of the right one. */
export interface Mishap {
  /** To which requests: a part of `METHOD /path`. */
  readonly to: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: string;
  /** Instead of the message. */
  readonly body?: unknown;
  /** Whether the request is done all the same. */
  readonly done?: true;
}

export interface Item {
  id?: number;
  number?: number;
  body?: string;
  title?: string;
  state?: string;
  state_reason?: string;
  labels?: readonly string[];
  user: { login: string };
  closed_by?: { login: string };
  pull_request?: object;
}

/** The parts of GitHub's REST API that the scripts use, on loopback. Its pages have two items each. */
export class FakeGitHub {
  /** `METHOD /path` of what came, in order. */
  readonly asked: string[] = [];
  /** Comments by number of the issue or request. */
  readonly comments = new Map<number, Item[]>();
  readonly issues: Item[] = [];
  /** Answers of paths that only read, such as `/pulls/7`. Lists come in pages. */
  readonly reads: Record<string, unknown> = {};
  mishaps: Mishap[] = [];
  /** How a request without the right token, or another one, is told. */
  readonly surprises: string[] = [];
  private nextId = 1000;
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  static async start(): Promise<FakeGitHub> {
    const github = new FakeGitHub();
    github.server.listen(0, "127.0.0.1");
    await once(github.server, "listening");
    return github;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get environment(): Record<string, string> {
    return {
      GITHUB_TOKEN: TOKEN,
      GITHUB_REPOSITORY: REPOSITORY,
      GITHUB_API_URL: this.url,
      GITHUB_SERVER_URL: "https://github.example",
      GITHUB_RUN_ID: "4711",
      LANDFALL_RETRY_MS: "1",
      LANDFALL_RETRY_MAX_MS: "1500",
    };
  }

  /** How many requests begin so. */
  count(start: string): number {
    return this.asked.filter((one) => one.startsWith(start)).length;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => "");
    const url = new URL(request.url ?? "/", this.url);
    const path = url.pathname.replace(`/repos/${REPOSITORY}`, "");
    const asked = `${request.method} ${path}`;
    this.asked.push(asked);
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      this.surprises.push(`${asked} without the token`);
    const send = (status: number, data?: unknown, headers: Readonly<Record<string, string>> = {}): void => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(data === undefined ? "" : JSON.stringify(data));
    };
    const mishap = this.mishaps.find(({ to }) => `${asked}${url.search}`.includes(to));
    if (mishap) {
      this.mishaps = this.mishaps.filter((one) => one !== mishap);
      if (mishap.done) this.work(asked, path, JSON.parse(body) as Partial<Item>);
      const { status, headers, message = `no luck with ${request.headers.authorization}` } = mishap;
      return send(status, mishap.body ?? { message }, headers);
    }
    if (request.method !== "GET") {
      const done = this.work(asked, path, JSON.parse(body) as Partial<Item>);
      return done ? send(request.method === "POST" ? 201 : 200, done) : send(404, { message: "Not Found" });
    }
    const found = this.found(path, url.searchParams);
    if (found === undefined) return send(404, { message: "Not Found" });
    this.sendPages(found, url, send);
  }

  private sendPages(
    found: unknown,
    url: URL,
    send: (status: number, data?: unknown, headers?: Readonly<Record<string, string>>) => void,
  ): void {
    const [key, list] = Array.isArray(found)
      ? [undefined, found]
      : (Object.entries(found as object).find(([name]) => /^(workflow_runs|artifacts|jobs)$/.test(name)) ??
        []);
    if (!Array.isArray(list)) return send(200, found);
    const page = Number(url.searchParams.get("page") ?? 1);
    const items = list.slice((page - 1) * 2, page * 2);
    const next = new URL(url);
    next.searchParams.set("page", String(page + 1));
    const link = `<${this.url}/first>; rel="first", <${next.href}>; rel="next"`;
    send(200, key === undefined ? items : { [key]: items }, list.length > page * 2 ? { link } : {});
  }

  private found(path: string, query: URLSearchParams): unknown {
    const comments = /^\/issues\/(\d+)\/comments$/.exec(path)?.[1];
    if (comments) return this.comments.get(Number(comments)) ?? [];
    const issue = /^\/issues\/(\d+)$/.exec(path)?.[1];
    if (issue) return this.issues.find(({ number }) => number === Number(issue));
    if (path === "/issues") {
      const label = query.get("labels");
      return this.issues.filter(({ labels }) => label === null || labels?.includes(label)).reverse();
    }
    return this.reads[path];
  }

  /** Creates or changes; undefined where there is nothing to change. */
  private work(asked: string, path: string, body: Partial<Item>): Item | undefined {
    const commented = /^POST \/issues\/(\d+)\/comments$/.exec(asked)?.[1];
    if (commented) {
      const comment = { id: this.nextId++, user: { login: BOT }, ...body };
      this.comments.set(Number(commented), [...(this.comments.get(Number(commented)) ?? []), comment]);
      return comment;
    }
    if (asked === "POST /issues") {
      const issue = { number: this.nextId++, state: "open", user: { login: BOT }, ...body };
      this.issues.push(issue);
      return issue;
    }
    const [, kind, id] = /^\/issues\/(comments\/)?(\d+)$/.exec(path) ?? [];
    const item = kind
      ? [...this.comments.values()].flat().find((comment) => comment.id === Number(id))
      : this.issues.find(({ number }) => number === Number(id));
    if (item && body.state === "closed") item.closed_by = { login: BOT };
    return item && Object.assign(item, body);
  }
}

export interface ScriptRun {
  readonly exitCode: number;
  /** All that it printed. */
  readonly told: string;
  /** Its step's outputs. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

const load = createRequire(__filename);
const scripts = join(projectRoot, ".github", "scripts");

/**
 * Runs a script of .github/scripts as a workflow does, but in this process: another one takes long, and there are many runs.
 * @param environment all variables that it sees
 */
export async function runScript(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<ScriptRun> {
  const { run } = load(join(scripts, name)) as { run(): unknown };
  const { failureOf } = load(join(scripts, "github.cjs")) as { failureOf(error: unknown): string };
  const folder = temporaryFolder();
  const [output, summary] = [join(folder, "output"), join(folder, "summary")];
  writeFileSync(output, "");
  writeFileSync(summary, "");

  const told: string[] = [];
  const { env, argv } = process;
  const log = jest.spyOn(console, "log").mockImplementation((line) => told.push(String(line)));
  process.env = { GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary, ...environment };
  process.argv = ["node", name, ...args];
  let exitCode = 0;
  try {
    await run();
  } catch (error) {
    told.push(failureOf(error));
    exitCode = 1;
  } finally {
    Object.assign(process, { env, argv });
    log.mockRestore();
  }
  const lines = readFileSync(output, "utf8").split("\n").filter(Boolean);
  return {
    exitCode,
    told: told.join("\n"),
    outputs: Object.fromEntries(lines.map((line) => /^([^=]+)=(.*)$/.exec(line)?.slice(1) ?? [line, ""])),
    summary: readFileSync(summary, "utf8"),
  };
}
