import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LandfallError, UsageError } from "../../environments/errors";
import { pinnedTag } from "../../modules/pinned-images";
import { AwsCli } from "../aws";
import { progress } from "../output";
import { loginCommand, type Builder } from "./builder";
import { asTyped, run, runWell, type RunOptions } from "./command";

/** A registry that images are pushed to. */
export interface Registry {
  /** Host, with its port where that is not HTTPS's own. */
  readonly host: string;
  /** Whether it is on this machine and speaks HTTP without TLS. */
  readonly plainHttp: boolean;
  /** Whether {@link logIn} gives a builder credentials; else it has the user's own. */
  readonly logsIn: boolean;
  /**
   * The digest of what a repository has by that tag or digest; undefined where it has nothing.
   * @throws {LandfallError} where the registry or the repository cannot be asked
   */
  digestOf(repository: string, reference: string): Promise<string | undefined>;
  /**
   * Lets a builder push.
   * @param variables lead the builder to a place for credentials
   * @throws {LandfallError} where that is refused, or nothing can be pushed there
   */
  logIn(builder: Builder, variables: Readonly<Record<string, string>>): Promise<void>;
  /**
   * Keeps an image from expiring, as an environment pins it. An image that is kept for that environment is left alone.
   * @param environment its name
   * @throws {LandfallError} where the image is not there, or that is refused
   */
  keep(repository: string, digest: string, environment: string): Promise<void>;
}

const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** An image repository: where it is, and its name there. */
export interface Repository {
  readonly host: string;
  readonly name: string;
}

/** @throws {LandfallError} where it is no repository's URL */
export function parseRepository(url: string): Repository {
  const [, host, name] = /^([\w.-]+(?::\d+)?)\/([a-z0-9][\w./-]*)$/.exec(url) ?? [];
  if (host !== undefined && name !== undefined) return { host, name };
  throw new LandfallError(`"${url}" is no image repository.`);
}

/** @throws {UsageError} where it is no host, or one with a path or a scheme */
export function registryHost(text: string): string {
  const [, port = "443"] = /^(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])(?::(\d{1,5}))?$/.exec(text) ?? [
    "",
    "0",
  ];
  if (Number(port) > 0 && Number(port) < 65_536) return text;
  throw new UsageError(`"${text}" is no registry's host.`, {
    mend: "Write HOST or HOST:PORT, such as 127.0.0.1:5000.",
  });
}

const ecrHost = /^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$/;

export interface RegistryOptions extends Pick<RunOptions, "environment" | "stop"> {
  /** Whether AWS is played by the emulator, which takes no layers. @default false */
  readonly emulated?: boolean;
}

/** Whether a registry is asked without TLS: on this machine alone. */
export const isPlainHttp = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host);

/** The registry of that host: ECR by its name, else any that speaks the OCI distribution protocol. */
export function registryOf(host: string, options: RegistryOptions): Registry {
  const [, account, region] = ecrHost.exec(host) ?? [];
  return account !== undefined && region !== undefined
    ? new Ecr(host, account, region, options)
    : new OciRegistry(host, options.stop);
}

/** What `describe-images` and `batch-get-image` say of an image, as far as it matters here. */
interface ImageDetail {
  readonly imageDigest?: unknown;
  readonly imageTags?: readonly string[];
}
interface GottenImage {
  readonly imageManifest?: string;
  readonly imageManifestMediaType?: string;
}
interface Manifest {
  readonly manifest: string;
  readonly mediaType: string;
}

/** Amazon's, asked and logged in to by the user's AWS CLI. */
class Ecr implements Registry {
  readonly plainHttp = false;
  readonly logsIn = true;
  private readonly aws: AwsCli;

  constructor(
    readonly host: string,
    private readonly account: string,
    private readonly region: string,
    private readonly options: RegistryOptions,
  ) {
    // By these it reads files as UTF-8 in any locale: version 2, and version 1
    const utf8 = { AWS_CLI_FILE_ENCODING: "UTF-8", PYTHONUTF8: "1" };
    this.aws = new AwsCli({ ...options.environment, ...utf8 }, region);
  }

  async digestOf(repository: string, reference: string): Promise<string | undefined> {
    const image = await this.describe(repository, reference);
    return image && checkedDigest(image.imageDigest, this.host);
  }

  async keep(repository: string, digest: string, environment: string): Promise<void> {
    const tag = pinnedTag(environment, digest);
    const isKept = async () => ((await this.describe(repository, digest))?.imageTags ?? []).includes(tag);
    if (await isKept()) return;
    const { manifest, mediaType } = await this.manifestOf(repository, digest);
    const folder = mkdtempSync(join(tmpdir(), "landfall-manifest-")); // 0700
    const file = join(folder, "manifest.json"); // one may be longer than arguments can be
    try {
      writeFileSync(file, manifest, { mode: 0o600 });
      await this.aws.json([
        ...["ecr", "put-image", ...this.at(repository), "--image-manifest", `file://${file}`],
        ...["--image-manifest-media-type", mediaType, "--image-tag", tag, "--image-digest", digest],
      ]);
    } catch (error) {
      this.options.stop.throwIfAborted();
      if (!(error instanceof LandfallError)) throw error;
      // Somebody else may have been first
      if (/\bImage(Tag)?AlreadyExistsException\b/.test(error.message) && (await isKept())) return;
      throw error;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  private at(repository: string): readonly string[] {
    return ["--registry-id", this.account, "--repository-name", repository];
  }

  private async describe(repository: string, reference: string): Promise<ImageDetail | undefined> {
    const id = digestPattern.test(reference) ? `imageDigest=${reference}` : `imageTag=${reference}`;
    try {
      const answer = await this.aws.json([
        ...["ecr", "describe-images", ...this.at(repository), "--image-ids", id],
      ]);
      return (answer as { imageDetails?: readonly ImageDetail[] }).imageDetails?.[0];
    } catch (error) {
      this.options.stop.throwIfAborted();
      if (!(error instanceof LandfallError)) throw error;
      if (error.message.includes("ImageNotFoundException")) return undefined;
      if (!error.message.includes("RepositoryNotFoundException")) throw error;
      throw new LandfallError(`${this.host} has no repository ${repository}.`, {
        mend: "./landfall apply shared",
      });
    }
  }

  /** An image's manifest, as it was pushed. @throws {LandfallError} where there is no such image */
  private async manifestOf(repository: string, digest: string): Promise<Manifest> {
    const answer = await this.aws.json([
      ...["ecr", "batch-get-image", ...this.at(repository), "--image-ids", `imageDigest=${digest}`],
      ...["--accepted-media-types", ...manifests],
    ]);
    const [image] = (answer as { images?: readonly GottenImage[] }).images ?? [];
    const { imageManifest: manifest, imageManifestMediaType: mediaType } = image ?? {};
    if (manifest !== undefined && mediaType !== undefined) return { manifest, mediaType };
    throw new LandfallError(`${this.host}/${repository} has no ${digest}, which is to be kept.`);
  }

  async logIn(builder: Builder, variables: Readonly<Record<string, string>>): Promise<void> {
    if (this.options.emulated)
      throw new LandfallError("The sandbox emulates ECR and has no place for images. Nothing was changed.", {
        mend: "Push to a registry of your own: --registry 127.0.0.1:5000",
      });
    const ask = { program: "aws", args: ["ecr", "get-login-password", "--region", this.region] };
    const login = { ...loginCommand(builder, "AWS", this.host), variables };
    progress(`${asTyped(ask)} | ${asTyped({ ...login, variables: {} })}`);
    const { options } = this;
    const password = (await runWell(ask, options, { tell: false })).trim();
    const { exitCode, said } = await run(login, { ...options, input: password });
    options.stop.throwIfAborted();
    if (exitCode === 0) return;
    const why = password === "" ? "The AWS CLI gave no password." : said.replaceAll(password, "(secret)");
    throw new LandfallError(`${builder.name} could not log in to ${this.host}.\n${why}`);
  }
}

const ANSWER_LIMIT = 15_000; // milliseconds
const manifests = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

/** Any registry, asked without credentials. https://github.com/opencontainers/distribution-spec/blob/main/spec.md */
class OciRegistry implements Registry {
  readonly plainHttp: boolean;
  readonly logsIn = false;

  constructor(
    readonly host: string,
    private readonly stop: AbortSignal,
  ) {
    this.plainHttp = isPlainHttp(host);
  }

  async digestOf(repository: string, reference: string): Promise<string | undefined> {
    const url = `${this.plainHttp ? "http" : "https"}://${this.host}/v2/${repository}/manifests/${reference}`;
    const { status, bytes, digest } = await this.get(url);
    if (status === 404) return undefined;
    if (status === 401 || status === 403)
      throw new LandfallError(
        `The registry ${this.host} wants a login (${status}), and is asked without one.`,
        {
          mend: "Use one that may be read without, or ECR.",
        },
      );
    if (status !== 200) throw new LandfallError(`The registry ${this.host} answers ${status}: ${url}`);
    // Not as the registry says, but as it is: that is what a task will run
    const actual = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const claimed = [digest, digestPattern.test(reference) ? reference : null].find(
      (each) => each !== null && each !== actual,
    );
    if (claimed === undefined) return actual;
    throw new LandfallError(
      `The registry ${this.host} gives ${repository} as ${checkedDigest(claimed, this.host)}, and it is ${actual}.`,
      { mend: "Do not trust what it holds; push again under another commit." },
    );
  }

  private async get(url: string): Promise<{ status: number; bytes: Buffer; digest: string | null }> {
    const signal = AbortSignal.any([this.stop, AbortSignal.timeout(ANSWER_LIMIT)]);
    try {
      const answer = await fetch(url, { headers: { Accept: manifests.join(", ") }, signal });
      const bytes = Buffer.from(await answer.arrayBuffer());
      return { status: answer.status, bytes, digest: answer.headers.get("docker-content-digest") };
    } catch (error) {
      this.stop.throwIfAborted();
      const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
      throw new LandfallError(`The registry ${this.host} does not answer: ${cause?.code ?? message}`, {
        mend: "See whether it runs and can be reached from here.",
      });
    }
  }

  logIn(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing: what such a registry lets expire, and by what it could be told not to, is not known. */
  keep(): Promise<void> {
    return Promise.resolve();
  }
}

function checkedDigest(value: unknown, host: string): string {
  if (typeof value === "string" && digestPattern.test(value)) return value;
  throw new LandfallError(`The registry ${host} gives ${JSON.stringify(value)} for a digest.`);
}
