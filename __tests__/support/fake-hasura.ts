import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What it does to a request instead of answering as Hasura would. */
export type Mishap =
  | { readonly status: number; readonly body?: string | object; readonly headers?: Record<string, string> }
  | "cut"
  | "hang";

interface Request {
  readonly type?: string;
  readonly version?: number;
  readonly args?: {
    readonly allow_inconsistent_metadata?: boolean;
    readonly metadata?: { readonly sources: readonly { readonly tables?: readonly object[] }[] };
  };
}

/** Hasura's metadata API on loopback. It refuses whatever Hasura would, and the table `missing` is in no database. */
export class FakeHasura {
  /** Types of requests that came, each with whether it was one that Hasura takes. */
  readonly asked: string[] = [];
  /** All that came, headers and bodies, as text. */
  readonly received: string[] = [];
  /** What it has. */
  metadata: object = { version: 3, sources: [] };
  warnings?: readonly object[];
  private readonly server: Server;

  private constructor(
    private readonly secret: string,
    private readonly mishaps: Mishap[],
  ) {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  /** @param mishaps of its first requests, in order */
  static async start(secret: string, ...mishaps: Mishap[]): Promise<FakeHasura> {
    const hasura = new FakeHasura(secret, mishaps);
    hasura.server.listen(0, "127.0.0.1");
    await once(hasura.server, "listening");
    return hasura;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => "");
    this.received.push(`${request.url} ${JSON.stringify(request.headers)} ${body}`);
    const asked = body === "" ? {} : (JSON.parse(body) as Request);
    this.asked.push(asked.type ?? `${request.method}`);
    const mishap = this.mishaps.shift();
    if (mishap === "hang") return;
    if (mishap === "cut") {
      request.socket.destroy();
      return;
    }
    const { status, body: answer = "", headers = {} } = mishap ?? this.truly(request, asked);
    response.writeHead(status, headers).end(typeof answer === "string" ? answer : JSON.stringify(answer));
  }

  private truly(request: IncomingMessage, asked: Request): Exclude<Mishap, string> {
    const error = (status: number, code: string, words: string, more: object = {}) => ({
      status,
      body: { path: "$", error: words, code, ...more },
    });
    if (request.url !== "/v1/metadata" || request.method !== "POST")
      return error(404, "not-found", "resource does not exist");
    if (request.headers["content-type"] !== "application/json")
      return error(400, "invalid-headers", "no JSON");
    if (request.headers["x-hasura-admin-secret"] !== this.secret)
      return error(401, "access-denied", 'invalid "x-hasura-admin-secret"/"x-hasura-access-key"');
    if (asked.type === "get_inconsistent_metadata")
      return { status: 200, body: { is_consistent: true, inconsistent_objects: [] } };
    if (asked.type === "export_metadata") return { status: 200, body: this.metadata };
    if (asked.type !== "replace_metadata") return error(400, "parse-failed", "unknown type");
    const { allow_inconsistent_metadata: anyhow, metadata } = asked.args ?? {};
    if (asked.version !== 2 || anyhow !== false || !metadata)
      return error(400, "parse-failed", "the test's Hasura wants version 2, and no inconsistent metadata");
    const missing = metadata.sources
      .flatMap(({ tables = [] }) => tables)
      .filter((table) => JSON.stringify(table).includes('"missing"'));
    if (missing.length > 0) {
      const internal = missing.map((definition) => ({
        definition: { ...definition, header: this.secret },
        name: "table missing in source default",
        reason: `Inconsistent object: no such table/view exists in source: "missing"\u001b[31m ${this.secret}`,
        type: "table",
      }));
      return error(400, "unexpected", "cannot continue due to inconsistent metadata", { internal });
    }
    this.metadata = metadata;
    return {
      status: 200,
      body: {
        is_consistent: true,
        inconsistent_objects: [],
        ...(this.warnings && { warnings: this.warnings }),
      },
    };
  }
}
