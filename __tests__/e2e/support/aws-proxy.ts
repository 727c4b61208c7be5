import { createServer, request, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request to AWS, as the proxy sees it. */
export interface AwsCall {
  /** Such as `ModifyDBInstance`. */
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Stands between a client and the emulator, notes each call, and lets a test break some. */
export class AwsProxy {
  readonly calls: AwsCall[] = [];
  /** Answers a call in the emulator's place with an error; undefined hands it on. */
  intercept: (call: AwsCall) => { readonly status: number; readonly body: string } | undefined = () =>
    undefined;

  private constructor(
    private readonly emulator: URL,
    private readonly server = createServer(),
  ) {}

  static async start(emulator: string): Promise<AwsProxy> {
    const proxy = new AwsProxy(new URL(emulator));
    proxy.server.on("request", (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const body = Buffer.concat(chunks);
        proxy.handle(incoming.method, incoming.url, incoming.headers, body, outgoing);
      });
    });
    await new Promise<void>((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private handle(
    method: string | undefined,
    path: string | undefined,
    headers: IncomingHttpHeaders,
    body: Buffer,
    outgoing: ServerResponse,
  ): void {
    const call = callOf(headers, body);
    this.calls.push(call);
    const broken = this.intercept(call);
    if (broken) {
      outgoing.writeHead(broken.status, { "Content-Type": "text/xml" }).end(broken.body);
      return;
    }
    const { hostname, port } = this.emulator;
    request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    })
      .on("error", () => outgoing.destroy())
      .end(body);
  }
}

/** Of the services with JSON in the body, or with a form in it. Others have no name here. */
function callOf(headers: IncomingHttpHeaders, body: Buffer): AwsCall {
  const target = headers["x-amz-target"];
  if (typeof target === "string") {
    const parameters = JSON.parse(body.toString() || "{}") as Record<string, unknown>;
    return { action: target.split(".").pop() ?? "", parameters };
  }
  const form = Object.fromEntries(new URLSearchParams(body.toString()));
  return { action: form.Action ?? "", parameters: form };
}
