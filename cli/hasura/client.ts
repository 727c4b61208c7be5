import { LandfallError, UsageError } from "../../environments/errors";
import { InterruptedError, type Wait } from "../containers";
import { progress } from "../output";
import { redact } from "../verbs/configure";
import type { Metadata } from "./metadata";

/** Seconds. A load balancer gives up after 60. */
const QUESTION_LIMIT = 15;
const REPLACE_LIMIT = 120;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Something in the metadata that does not fit to the database or to what else is there. */
export interface Inconsistency {
  readonly type: string;
  readonly name: string;
  readonly reason: string;
}

/** What became of metadata that was given to Hasura. */
export interface Replaced {
  /** Whether Hasura has it now. */
  readonly applied: boolean;
  readonly inconsistent: readonly Inconsistency[];
  readonly warnings: readonly string[];
}

interface Answer {
  readonly status: number;
  /** Where a redirect leads. */
  readonly location?: string;
  /** None where it is no JSON. */
  readonly json?: Readonly<Record<string, unknown>>;
}

/**
 * Address of the metadata API below a base URL.
 * @throws {UsageError} where it is none that a secret may be sent to
 */
export function metadataUrl(base: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (!url || url.username || url.password || url.search || url.hash)
    throw new UsageError(`"${base}" is no base URL, such as https://app.example.com.`);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && LOOPBACK.test(url.hostname)))
    throw new UsageError(`${base} is no HTTPS: the admin secret would be sent in the clear.`, {
      mend: "HTTP is for this machine alone, as at the end of a tunnel: http://127.0.0.1:8080",
    });
  return new URL(`${url.pathname.replace(/\/+$/, "")}/v1/metadata`, url);
}

/**
 * Hasura's metadata API: https://hasura.io/docs/2.0/api-reference/metadata-api/manage-metadata/. The admin secret is in a
 * header of each request and nowhere else; no redirect is followed, which would take it along.
 */
export class HasuraClient {
  /** @throws {LandfallError} where the secret is none that a header can hold */
  constructor(
    readonly url: URL,
    private readonly secret: string,
    private readonly wait: Wait,
    private readonly environment: string,
  ) {
    // fetch would name the value in its error
    if (!/^[\x21-\x7e]+$/.test(secret))
      throw new LandfallError("The admin secret is empty, or has characters that no HTTP header can hold.", {
        mend: `Raise atomic_calendar_secrets_version for another one, and: ./landfall apply ${environment}`,
      });
  }

  /**
   * Waits until Hasura answers, knows the secret, and has read its present metadata from the database.
   * @param limit seconds
   * @throws {LandfallError} where waiting does not help, or has taken too long
   */
  async ready(limit: number): Promise<void> {
    const deadline = Date.now() + limit * 1000;
    for (let told = ""; ; await this.wait.pause()) {
      const reason = await this.notReady();
      if (reason === undefined) return;
      if (reason !== told) progress(`waiting for Hasura: ${(told = reason)}`);
      if (Date.now() >= deadline)
        throw new LandfallError(`Hasura is not ready after ${limit} s: ${reason}.`, {
          mend: `What it says: ./landfall logs ${this.environment} hasura`,
        });
    }
  }

  /** The present metadata. */
  async export(): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.ask("export_metadata", {}, QUESTION_LIMIT).catch((error: unknown) => {
      throw this.noAnswer(error);
    });
    if (answer.status === 200 && answer.json) return answer.json;
    throw this.refused(answer);
  }

  /**
   * Puts metadata in the place of what is there, or nothing where that would not fit.
   * @throws {LandfallError} where Hasura refuses it, or nobody knows what became of it
   */
  async replace(metadata: Metadata): Promise<Replaced> {
    const args = { allow_inconsistent_metadata: false, metadata };
    const unknown = (what: string, exitCode = 1) =>
      new LandfallError(`${what} The metadata may be applied, or not.`, {
        mend: "Apply it again: that does no harm.",
        exitCode,
      });
    const answer = await this.ask("replace_metadata", args, REPLACE_LIMIT, 2).catch((error: unknown) => {
      if (error instanceof InterruptedError) throw unknown("Interrupted.", 130);
      throw unknown(`Hasura gave no answer: ${causeOf(error)}.`);
    });
    const { status, json } = answer;
    if (status >= 500) throw unknown(`Hasura gave no answer: HTTP ${status}${this.words(json)}.`);
    if (status === 200 && json)
      return {
        applied: true,
        inconsistent: json.is_consistent === false ? this.inconsistencies(json.inconsistent_objects) : [],
        warnings: listOf(json.warnings).map((one) => this.clean(textOf(one.message ?? one))),
      };
    if (status === 400 && /inconsistent/.test(textOf(json?.error)) && json)
      return { applied: false, inconsistent: this.inconsistencies(json.internal), warnings: [] };
    throw this.refused(answer);
  }

  /** @returns why it is to be waited for; undefined where it is ready */
  private async notReady(): Promise<string | undefined> {
    const answer = await this.ask("get_inconsistent_metadata", {}, QUESTION_LIMIT).catch((error: unknown) => {
      if (error instanceof InterruptedError) throw error;
      const cause = causeOf(error);
      if (/CERT|SIGNATURE|ISSUER/.test(cause))
        throw new LandfallError(`${this.url.host} has a certificate that is not to be trusted: ${cause}.`, {
          mend: "Nothing was sent. NODE_EXTRA_CA_CERTS names a file with an authority of your own.",
        });
      return cause;
    });
    if (typeof answer === "string") return answer;
    if (answer.status >= 500) return `HTTP ${answer.status}${this.words(answer.json)}`;
    if (answer.status === 200 && typeof answer.json?.is_consistent === "boolean") return undefined;
    throw this.refused(answer);
  }

  private async ask(type: string, args: unknown, limit: number, version?: number): Promise<Answer> {
    const signal = AbortSignal.any([this.wait.signal, AbortSignal.timeout(limit * 1000)]);
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Hasura-Admin-Secret": this.secret },
      body: JSON.stringify({ type, version, args }),
      redirect: "manual",
      signal,
    }).catch((error: unknown) => {
      throw this.wait.signal.aborted ? new InterruptedError() : error;
    });
    const text = await response.text().catch((error: unknown) => {
      throw this.wait.signal.aborted ? new InterruptedError() : error;
    });
    return {
      status: response.status,
      location: response.headers.get("location") ?? undefined,
      json: parsed(text),
    };
  }

  private noAnswer(error: unknown): Error {
    if (error instanceof InterruptedError) return error;
    return new LandfallError(`Hasura gave no answer: ${causeOf(error)}.`);
  }

  /** Why waiting does not help. */
  private refused({ status, location, json }: Answer): LandfallError {
    const said = this.words(json);
    if (location !== undefined || (status === 404 && !json))
      return new LandfallError(
        `${this.url.host} does not pass requests of this machine to ${this.url.pathname} on to Hasura.`,
        {
          mend: `Is your address, as https://checkip.amazonaws.com tells it, among TF_VAR_atomic_calendar_admin_cidrs? If not: add it, and ./landfall apply ${this.environment}`,
        },
      );
    if (status === 401 || json?.code === "access-denied")
      return new LandfallError(`Hasura does not take the admin secret that Secrets Manager has${said}.`, {
        mend: `Its tasks may have the one before: ./landfall restart ${this.environment} hasura`,
      });
    if (status === 403)
      return new LandfallError(
        "HTTP 403: something before Hasura, such as the web ACL, refused the request.",
        {
          mend: "The log of the web ACL says by which rule.",
        },
      );
    if (status === 404)
      return new LandfallError(`Hasura has no metadata API${said}.`, {
        mend: "It is Hasura 2 whose HASURA_GRAPHQL_ENABLED_APIS has metadata.",
      });
    if (!json) return new LandfallError(`What answers at ${this.url.href} is no Hasura: HTTP ${status}.`);
    return new LandfallError(`Hasura refuses it: HTTP ${status}${said}.`, { mend: "Nothing was changed." });
  }

  /** What Hasura says of an error. */
  private words(json: Answer["json"]): string {
    const { error, path } = json ?? {};
    if (typeof error !== "string") return "";
    return this.clean(`, ${error}${typeof path === "string" && path !== "$" ? ` at ${path}` : ""}`);
  }

  private inconsistencies(objects: unknown): Inconsistency[] {
    return listOf(objects).map(({ type, name, reason, message }) => ({
      type: this.clean(textOf(type)),
      name: this.clean(textOf(name)),
      reason: this.clean([reason, message].filter(Boolean).map(textOf).join(": ")),
    }));
  }

  /** Without the secret, and without what a terminal would obey. */
  private clean(text: string): string {
    return redact(text, [this.secret]).replace(/\p{Cc}+/gu, " ");
  }
}

const listOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? (value as readonly Readonly<Record<string, unknown>>[]) : [];
const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value ?? ""));

function parsed(text: string): Answer["json"] {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null && !Array.isArray(json)
      ? (json as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Why there was no answer: a code such as ECONNREFUSED, or what fetch says. */
function causeOf(error: unknown): string {
  const { name, message = String(error), cause } = error as Partial<Error>;
  if (name === "TimeoutError") return "no answer in time";
  const { code, message: inner } = (cause ?? {}) as { readonly code?: string; readonly message?: string };
  return (code?.startsWith("UND_") ? inner : code) ?? inner ?? message;
}
