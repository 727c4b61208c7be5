import { execaSync } from "execa";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import {
  buildCommand,
  findBuilder,
  loginCommand,
  platformCommand,
  pullCommand,
  pushCommand,
  stepIn,
  tagCommand,
  type Builder,
  type BuilderName,
} from "../../cli/images/builder";
import { asTyped, run, runWell, type Command } from "../../cli/images/command";
import { makeCredentialStore } from "../../cli/images/credentials";
import { isPlainHttp, parseRepository, registryHost, registryOf } from "../../cli/images/registry";
import { parseUpstream, pullUpstream } from "../../cli/images/upstream";
import { systemInputs } from "../../environments/catalogue";
import { dockerfileOf, imageOf, textOf, wantedImages } from "../../cli/images/wanted";
import { formatImages } from "../../cli/verbs/images";
import { envText, sharedEnv, temporaryFolder } from "../support/stacks";

const stop = new AbortController().signal;
let said: string;
let bin: string;
beforeEach(() => {
  said = "";
  bin = temporaryFolder();
  for (const tool of ["sh", "cat", "stat"]) symlinkSync(`/bin/${tool}`, join(bin, tool));
  jest.spyOn(process.stderr, "write").mockImplementation((text) => (said += String(text)) !== "");
});
afterEach(() => jest.restoreAllMocks());

/** A program that is a line of shell. */
function put(name: string, body: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(bin, name), 0o755);
}
const here = (more: NodeJS.ProcessEnv = {}) => ({ environment: { PATH: bin, ...more }, stop });

describe("a builder", () => {
  const builder = (name: BuilderName, buildx?: boolean): Builder => ({ name, version: "1", buildx });
  const build = {
    platform: "linux/arm64",
    time: 1_700_000_000,
    file: "/c/Dockerfile",
    context: "/c",
    image: "i:t",
  };

  test.each([
    [
      builder("docker", true),
      "SOURCE_DATE_EPOCH=1700000000 BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --platform linux/arm64 --file /c/Dockerfile --tag i:t --load /c",
      "docker push i:t",
    ],
    [
      builder("docker"),
      "SOURCE_DATE_EPOCH=1700000000 BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --platform linux/arm64 --file /c/Dockerfile --tag i:t --no-cache /c",
      "docker push i:t",
    ],
    [
      builder("podman"),
      "podman build --platform linux/arm64 --file /c/Dockerfile --tag i:t --format oci --layers=false --timestamp 1700000000 /c",
      "podman push --tls-verify=false i:t",
    ],
    [
      builder("nerdctl"),
      "nerdctl build --platform linux/arm64 --file /c/Dockerfile --tag i:t --build-arg SOURCE_DATE_EPOCH=1700000000 /c",
      "nerdctl push --platform linux/arm64 --insecure-registry i:t",
    ],
    [
      builder("buildah"),
      "buildah build --platform linux/arm64 --file /c/Dockerfile --tag i:t --format oci --layers=false --timestamp 1700000000 /c",
      "buildah push --tls-verify=false i:t",
    ],
  ])("of the name $name is asked in its own words", (one, building, pushing) => {
    expect(asTyped(buildCommand(one, build))).toBe(building);
    const to = { platform: "linux/arm64", plainHttp: true };
    expect(asTyped(pushCommand(one, "i:t", to))).toBe(pushing);
    expect(asTyped(pushCommand(one, "i:t", { ...to, plainHttp: false }))).not.toMatch(/tls|insecure/);
    expect(asTyped(loginCommand(one, "AWS", "h"))).toBe(
      `${one.name} login --username AWS --password-stdin h`,
    );
  });

  const inspect = "--format {{.Os}}/{{.Architecture}} i:t";
  test.each([
    [builder("docker"), "docker pull --platform linux/arm64 u:t", "", undefined],
    [
      builder("podman"),
      "podman pull --platform linux/arm64 --tls-verify=false u:t",
      " --tls-verify=false",
      `podman image inspect ${inspect}`,
    ],
    [
      builder("nerdctl"),
      "nerdctl pull --platform linux/arm64 --insecure-registry u:t",
      " --insecure-registry",
      undefined,
    ],
    [
      builder("buildah"),
      "buildah pull --platform linux/arm64 --policy always --tls-verify=false u:t",
      " --tls-verify=false",
      "buildah inspect --type image --format {{.OCIv1.OS}}/{{.OCIv1.Architecture}} i:t",
    ],
  ])("of the name $name copies in its own words", (one, pulling, insecure, asking) => {
    const typed = (command: Command) => asTyped(command).replaceAll("'", "");
    const from = { platform: "linux/arm64", plainHttp: true };
    expect(typed(pullCommand(one, "u:t", from))).toBe(pulling);
    const secure = typed(pullCommand(one, "u:t", { ...from, plainHttp: false }));
    expect(secure).toBe(pulling.replace(insecure, ""));
    expect(secure).not.toMatch(/tls|insecure/);
    expect(typed(tagCommand(one, "u:t", "i:t"))).toBe(`${one.name} tag u:t i:t`);
    const ask = platformCommand(one, "i:t");
    expect(ask && typed(ask)).toBe(asking);
  });

  test.each([
    ["28.2.2", true, "docker push --platform linux/arm64 i:t"],
    ["27.0.1", true, "docker push --platform linux/arm64 i:t"],
    ["26.1.5", true, "docker push i:t"],
    ["28.2.2", false, "docker push i:t"],
  ])("of Docker %s pushes a copy (%p) for its platform alone, where it can", (version, copied, pushing) => {
    const to = { platform: "linux/arm64", plainHttp: false, copied };
    expect(asTyped(pushCommand({ name: "docker", version }, "i:t", to))).toBe(pushing);
  });

  test("is the first on PATH that works", async () => {
    put("podman", "echo 4.3");
    put("buildah", "echo buildah version 1.28");
    expect(await findBuilder(here())).toMatchObject({ name: "podman", version: "4.3" });
    put("docker", "echo 27.1; exit");
    expect(await findBuilder(here())).toMatchObject({ name: "docker", version: "27.1", buildx: true });
    put("docker", "echo 'is the docker daemon running?' >&2; exit 1");
    expect(await findBuilder(here())).toMatchObject({ name: "podman" });
    expect(said).toContain("docker does not work here (is the docker daemon running?); using podman");
  });

  test("that is named is taken, and no other", async () => {
    put("docker", "echo 27.1");
    expect(await findBuilder(here(), "docker")).toMatchObject({ name: "docker" });
    await expect(findBuilder(here(), "buildah")).rejects.toMatchObject({
      message: "No image builder is on PATH: buildah. Nothing was changed.",
      mend: expect.stringContaining("apt install buildah"),
    });
  });

  test("that does not work is told why, where there is no other", async () => {
    put("docker", "echo no daemon >&2; exit 1");
    put("nerdctl", "echo no containerd >&2; exit 1");
    await expect(findBuilder(here())).rejects.toMatchObject({
      message: "No image builder works here. docker: no daemon; nerdctl: no containerd. Nothing was changed.",
      mend: expect.stringContaining("Start its daemon"),
    });
  });

  test.each([
    ["STEP 2/3: COPY a /a", "STEP 2/3: COPY a /a"],
    ["Step 2/3 : COPY a /a", "Step 2/3 : COPY a /a"],
    ["#7 [build 2/3] RUN pip install", "[build 2/3] RUN pip install"],
    ["#7 DONE 0.1s", undefined],
    ["Collecting boto3", undefined],
    ["STEP 1/1: RUN \u001b[31mred\u001b[0m\u0007", "STEP 1/1: RUN red"],
  ])("says what it does by %j", (line, step) => expect(stepIn(line)).toBe(step));
});

describe("a program", () => {
  test("that fails is told with its last lines, without control sequences", async () => {
    put("tool", "echo '\u001b[31mwrong\u001b[0m' >&2; exit 3");
    await expect(runWell({ program: "tool", args: ["--x", "build"] }, here())).rejects.toMatchObject({
      message: "tool build ended with exit code 3.\nwrong",
    });
    expect(said).toBe("tool --x build\n");
  });

  test("that is not there is named", async () => {
    await expect(runWell({ program: "tool", args: [] }, here())).rejects.toThrow("tool is not on PATH");
  });

  test.each([
    ["heeds the wish", "", 60_000],
    ["does not heed the wish", "trap '' INT; ", 10],
  ])("that %s to stop is ended with all that it has started", async (_, before, grace) => {
    const controller = new AbortController();
    put("inner", `${before}echo started; exec ${execaSync("which", ["sleep"]).stdout} 123.456`);
    put("tool", "inner; true");
    const ended = run(
      { program: "tool", args: [] },
      { ...here(), stop: controller.signal, onLine: () => controller.abort(), grace },
    );
    expect((await ended).exitCode).not.toBe(0); // its stdout is closed, so the sleep too has ended
  });

  test("is not started after a wish to stop", async () => {
    put("tool", `echo >"${join(bin, "ran")}"`);
    const stopped = AbortSignal.abort(new Error("stopped"));
    await expect(run({ program: "tool", args: [] }, { ...here(), stop: stopped })).rejects.toThrow("stopped");
    expect(existsSync(join(bin, "ran"))).toBe(false);
  });
});

describe("credentials", () => {
  test("are in a place of their own, which is for the owner alone and goes away", () => {
    const own = temporaryFolder();
    mkdirSync(join(own, "cli-plugins"));
    writeFileSync(
      join(own, "config.json"),
      JSON.stringify({ auths: { "example.com": { auth: "own" } }, currentContext: "desktop" }),
    );
    const store = makeCredentialStore({ DOCKER_CONFIG: own });
    const { DOCKER_CONFIG: folder = "", REGISTRY_AUTH_FILE: file = "" } = store.variables;
    expect(dirname(file)).toBe(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "config.json")).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(join(folder, "config.json"), "utf8"))).toEqual({
      currentContext: "desktop",
    });
    expect(readlinkSync(join(folder, "cli-plugins"))).toBe(join(own, "cli-plugins"));
    store.remove();
    expect(existsSync(folder)).toBe(false);
    expect(readdirSync(own).sort()).toEqual(["cli-plugins", "config.json"]);
  });
});

describe("a registry's host", () => {
  test.each(["127.0.0.1:5000", "localhost", "registry.example.com", "[::1]:5000"])("may be %s", (host) =>
    expect(registryHost(host)).toBe(host),
  );
  test.each(["", "http://localhost", "localhost/x", "localhost:", "localhost:99999", "-x", "a b", "u:p@h"])(
    "may not be %j",
    (host) => expect(() => registryHost(host)).toThrow("is no registry's host"),
  );
  test("comes with a repository", () => {
    expect(parseRepository("123.dkr.ecr.us-east-1.amazonaws.com/a-b/c")).toEqual({
      host: "123.dkr.ecr.us-east-1.amazonaws.com",
      name: "a-b/c",
    });
    for (const url of ["repository", "https://h/r", "h/R", "h/"])
      expect(() => parseRepository(url)).toThrow("is no image repository");
  });
});

describe("a registry", () => {
  const manifest = '{"schemaVersion":2}';
  const digest = "sha256:fd2b6d9f3b3eb0a1be9bd5a48d3ff2ac7a4f7bd2a9a52c1a6c1f9b3a5c7b1a11";
  let server: Server | undefined;
  afterEach(() => server?.close());
  async function serve(answer: RequestListener) {
    server = createServer(answer).listen(0, "127.0.0.1");
    await new Promise((resolve) => server?.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    return registryOf(`127.0.0.1:${port}`, here());
  }
  const actual = () => `sha256:${execaSync("sha256sum", { input: manifest }).stdout.slice(0, 64)}`;

  test("gives the digest of what it has, and nothing for what it has not", async () => {
    const asked: string[] = [];
    const registry = await serve(({ url, headers }, answer) => {
      asked.push(`${url} ${headers.accept}`);
      if (url?.endsWith("/none")) answer.writeHead(404).end();
      else answer.writeHead(200, { "docker-content-digest": actual() }).end(manifest);
    });
    expect(await registry.digestOf("a/b", "tag")).toBe(actual());
    expect(await registry.digestOf("a/b", actual())).toBe(actual());
    expect(await registry.digestOf("a/b", "none")).toBeUndefined();
    expect(asked[0]).toMatch(/^\/v2\/a\/b\/manifests\/tag .*oci\.image\.index.*manifest\.v2/);
  });

  test.each([
    ["a header", digest, "tag"],
    ["the name that was asked for", undefined, digest],
  ])("that gives something else than %s says is not believed", async (_, header, reference) => {
    const registry = await serve((_, answer) =>
      answer.writeHead(200, header ? { "docker-content-digest": header } : {}).end(manifest),
    );
    await expect(registry.digestOf("a/b", reference)).rejects.toThrow(
      `gives a/b as ${digest}, and it is ${actual()}`,
    );
  });

  test.each([
    [401, "wants a login"],
    [500, "answers 500"],
  ])("that answers %d is an error, not an absent image", async (status, message) => {
    const registry = await serve((_, answer) => answer.writeHead(status).end());
    await expect(registry.digestOf("a", "t")).rejects.toThrow(message);
  });

  test("that is not ECR keeps an image as it can: nothing is asked", async () => {
    let asked = 0;
    const registry = await serve((_, answer) => ((asked += 1), answer.writeHead(500).end()));
    await registry.keep("a", digest, "stage");
    expect(asked).toBe(0);
  });

  test("speaks plain HTTP on this machine alone", () => {
    for (const host of ["127.0.0.1:5", "localhost:5", "[::1]:5"])
      expect([isPlainHttp(host), registryOf(host, here()).plainHttp]).toEqual([true, true]);
    for (const host of ["registry.example.com", "127.0.0.1.example.com", "10.0.0.1:5000"])
      expect([isPlainHttp(host), registryOf(host, here()).plainHttp]).toEqual([false, false]);
  });
});

describe("ECR", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const host = "210987654321.dkr.ecr.eu-west-1.amazonaws.com";
  const buildah: Builder = { name: "buildah", version: "1" };
  const answering = (body: string) => {
    put("aws", body);
    return registryOf(host, here());
  };

  test.each([
    ["t1", "imageTag=t1"],
    [digest, `imageDigest=${digest}`],
  ])("is asked for %s in its own account and region", async (reference, id) => {
    const ecr = answering(
      `echo "$*" >"${join(bin, "asked")}"; echo '{"imageDetails":[{"imageDigest":"${digest}"}]}'`,
    );
    expect(await ecr.digestOf("a-collector", reference)).toBe(digest);
    expect(readFileSync(join(bin, "asked"), "utf8")).toBe(
      `ecr describe-images --registry-id 210987654321 --repository-name a-collector --image-ids ${id} --region eu-west-1 --output json\n`,
    );
  });

  test("has no such image, or no such repository, which is another matter", async () => {
    const failing = (code: string) => answering(`echo "An error occurred (${code})" >&2; exit 254`);
    expect(await failing("ImageNotFoundException").digestOf("r", "t")).toBeUndefined();
    await expect(failing("RepositoryNotFoundException").digestOf("r", "t")).rejects.toMatchObject({
      message: `${host} has no repository r.`,
      mend: "./landfall apply shared",
    });
    await expect(failing("AccessDenied").digestOf("r", "t")).rejects.toThrow("AccessDenied");
  });

  test("gives a digest or is not believed", async () => {
    const ecr = answering(`echo '{"imageDetails":[{"imageDigest":"latest"}]}'`);
    await expect(ecr.digestOf("r", "t")).rejects.toThrow('gives "latest" for a digest');
  });

  test("lets in with a password that comes by stdin", async () => {
    const ecr = answering("echo canary");
    put("buildah", `echo "$*" "$REGISTRY_AUTH_FILE" >"${join(bin, "args")}"; cat >"${join(bin, "input")}"`);
    await ecr.logIn(buildah, { REGISTRY_AUTH_FILE: "/there" });
    expect(readFileSync(join(bin, "args"), "utf8")).toBe(
      `login --username AWS --password-stdin ${host} /there\n`,
    );
    expect(readFileSync(join(bin, "input"), "utf8")).toBe("canary");
    expect(said).toBe(
      `aws ecr get-login-password --region eu-west-1 | buildah login --username AWS --password-stdin ${host}\n`,
    );
  });

  test("refuses, and the password is not told even where the builder does", async () => {
    const ecr = answering("echo canary");
    put("buildah", `echo "bad password $(cat)" >&2; exit 1`);
    await expect(ecr.logIn(buildah, {})).rejects.toMatchObject({
      message: `buildah could not log in to ${host}.\nbad password (secret)`,
    });
    expect(said).not.toContain("canary");
  });

  describe("that keeps a pinned image", () => {
    const tag = `pinned-stage-${"a".repeat(12)}`;
    const manifest = '{ "schemaVersion": 2, "note": "é $(id)" }\n';
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    /** Answers of the AWS CLI by action; `tags` are those that it knows until an image is put. */
    const ecrWith = (
      tags: readonly string[],
      { put = "echo '{}'", images = [{ imageManifest: manifest, imageManifestMediaType: mediaType }] } = {},
    ) => {
      const write = (name: string, value: unknown) => writeFileSync(join(bin, name), JSON.stringify(value));
      write("described", { imageDetails: [{ imageDigest: digest, imageTags: tags }] });
      write("images", { images });
      return answering(
        [
          `echo "$*" >>"${join(bin, "calls")}"`,
          `echo "$AWS_CLI_FILE_ENCODING $PYTHONUTF8" >"${join(bin, "encoding")}"`,
          `case $2 in`,
          `describe-images) cat "${join(bin, "described")}" ;;`,
          `batch-get-image) cat "${join(bin, "images")}" ;;`,
          `put-image)`,
          `  for arg; do case $arg in file://*) file=\${arg#file://} ;; esac; done`,
          `  echo "$file" >"${join(bin, "file")}"; cat "$file" >"${join(bin, "manifest")}"`,
          `  stat -c %a "$file" "\${file%/*}" >"${join(bin, "modes")}"`,
          `  ${put} ;;`,
          `esac`,
        ].join("\n"),
      );
    };
    const read = (name: string) => readFileSync(join(bin, name), "utf8");
    const calls = () =>
      read("calls")
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" ")[1]);
    const manifestFile = () => read("file").trim();
    const refusing = (code: string, before = "true") =>
      `${before}; echo "An error occurred (${code}) when calling the PutImage operation" >&2; exit 254`;
    /** Somebody else gives the tag meanwhile. */
    const theirs = (given: string) =>
      `echo '${JSON.stringify({ imageDetails: [{ imageDigest: digest, imageTags: [given] }] })}' >"${join(bin, "described")}"`;

    test("gives it a tag, with its manifest as it is, from a file for the owner alone that goes away", async () => {
      await ecrWith(["3f2a9c81d0e4"]).keep("a-vod", digest, "stage");
      expect(calls()).toEqual(["describe-images", "batch-get-image", "put-image"]);
      expect(read("manifest")).toBe(manifest);
      expect(read("modes")).toBe("600\n700\n");
      expect(read("encoding")).toBe("UTF-8 1\n"); // whatever the locale
      expect(existsSync(dirname(manifestFile()))).toBe(false);
      const where = "--registry-id 210987654321 --repository-name a-vod";
      const [, get, put] = read("calls").split("\n");
      expect(get).toContain(
        `ecr batch-get-image ${where} --image-ids imageDigest=${digest} --accepted-media-types ${mediaType} `,
      );
      expect(put).toBe(
        `ecr put-image ${where} --image-manifest file://${manifestFile()} --image-manifest-media-type ${mediaType} --image-tag ${tag} --image-digest ${digest} --region eu-west-1 --output json`,
      );
    });

    test("leaves one alone that has the tag, and knows it from that of another environment", async () => {
      await ecrWith([tag, "x"]).keep("r", digest, "stage");
      expect(calls()).toEqual(["describe-images"]);
      await registryOf(host, here()).keep("r", digest, "prod");
      expect(calls()).toContain("put-image");
    });

    test.each(["ImageAlreadyExistsException", "ImageTagAlreadyExistsException"])(
      "takes %s for done where this image has the tag, and for an error where another has it",
      async (code) => {
        await ecrWith([], { put: refusing(code, theirs(tag)) }).keep("r", digest, "stage");
        await expect(ecrWith([], { put: refusing(code) }).keep("r", digest, "stage")).rejects.toThrow(code);
        expect(existsSync(dirname(manifestFile()))).toBe(false);
      },
    );

    test("is an error where that is refused, or the image is not there", async () => {
      const refused = ecrWith([], { put: refusing("AccessDeniedException", theirs(tag)) });
      await expect(refused.keep("r", digest, "stage")).rejects.toThrow(
        /aws ecr put-image failed[^]*AccessDeniedException/,
      );
      expect(existsSync(dirname(manifestFile()))).toBe(false);
      await expect(ecrWith([], { images: [] }).keep("r", digest, "stage")).rejects.toThrow(
        `${host}/r has no ${digest}`,
      );
    });
  });

  test("of the sandbox takes no images", async () => {
    await expect(registryOf(host, { ...here(), emulated: true }).logIn(buildah, {})).rejects.toThrow(
      "has no place for images",
    );
  });
});

const digest = `sha256:${"a".repeat(64)}`;

describe("an upstream image", () => {
  test("is read with registry and tag", () => {
    expect(parseUpstream("docker.io/hasura/graphql-engine:v2.48.5")).toEqual({
      text: "docker.io/hasura/graphql-engine:v2.48.5",
      host: "docker.io",
      reference: "docker.io/hasura/graphql-engine:v2.48.5",
      tag: expect.stringMatching(/^upstream-v2\.48\.5-[0-9a-f]{8}$/),
    });
    expect(parseUpstream("127.0.0.1:5000/a/b:t").host).toBe("127.0.0.1:5000");
    for (const text of ["", "a", "a/b", "a:t", "a/b@" + digest, "a/b:t@sha256:1", "a/b:t/c", "a/b:-t"])
      expect(() => parseUpstream(text)).toThrow("is no image with registry and tag");
  });

  test("with a digest is pulled by that, whatever the tag has become", () => {
    expect(parseUpstream(`h.example.com:5/a:v1@${digest}`).reference).toBe(`h.example.com:5/a@${digest}`);
  });

  test("has a tag of its own: the same tag elsewhere, or with a digest, is another", () => {
    const texts = [
      "a.io/b:v1",
      "c.io/b:v1",
      `a.io/b:v1@${digest}`,
      `a.io/b:v1@${digest.replace(/a$/, "b")}`,
      `a.io/b:${"v".repeat(127)}1`,
      `a.io/b:${"v".repeat(127)}2`,
    ];
    const tags = texts.map((text) => parseUpstream(text).tag);
    expect(new Set(tags).size).toBe(texts.length);
    expect(texts.map((text) => parseUpstream(text).tag)).toEqual(tags); // and always the same
    for (const tag of tags) expect(`${tag}-arm64`).toMatch(/^upstream-v[\w.-]{0,118}$/);
  });
});

describe("pulling an upstream image", () => {
  const text = "docker.io/hasura/graphql-engine:v2.48.5";
  const calls = () => readFileSync(join(bin, "calls"), "utf8").trimEnd().split("\n");
  /** A builder that notes its calls, prints the image's platform, and does that besides where it pulls. */
  async function pull(name: BuilderName, { on = "true", is = "linux/arm64", from = text } = {}) {
    put(
      name,
      `echo "$*" >>"${join(bin, "calls")}"\ncase $1 in pull) ${on} ;; *inspect | image) echo ${is} ;; esac`,
    );
    const wanted = wantedFor({ TF_VAR_atomic_calendar_architecture: "ARM64" });
    const image = imageOf(wanted.images, "hasura", "stage");
    const steps: string[] = [];
    await pullUpstream(
      { name, version: "28" },
      {
        ...{ wanted, image, upstream: parseUpstream(from), name: "ours:t" },
        environment: { PATH: bin },
        run: { stop, display: { step: (_, step) => steps.push(step), finish: () => {} } },
      },
    );
    return steps;
  }

  test("names it as ours, and says what it does", async () => {
    expect(await pull("docker")).toEqual([`pulling ${text}`]);
    expect(calls()).toEqual([`pull --platform linux/arm64 ${text}`, `tag ${text} ours:t`]);
    expect(said).toContain(`docker tag ${text} ours:t\n`);
  });

  test("is without TLS from this machine alone", async () => {
    await pull("buildah", { from: "127.0.0.1:5000/a:t" });
    expect(calls()[0]).toContain("--tls-verify=false 127.0.0.1:5000/a:t");
    await pull("buildah", { from: "127.0.0.1.example.com/a:t" });
    expect(calls()[3]).toMatch(/^pull .*always 127\.0\.0\.1\.example\.com/);
  });

  test.each<[BuilderName, string]>([
    ["docker", "no matching manifest for linux/arm64/v8 in the manifest list entries"],
    ["docker", "no match for platform in manifest: not found"],
    ["podman", 'choosing an image: no image found in manifest list for architecture arm64, variant "v8"'],
    ["buildah", "no image found in image index for architecture arm64"],
    ["nerdctl", "fatal: no match for platform in manifest sha256:1: not found"],
  ])("by %s that is not there for the platform is told so: %s", async (name, line) => {
    await expect(pull(name, { on: `echo '${line}' >&2; exit 1` })).rejects.toMatchObject({
      message: `${text} is not there for linux/arm64.`,
      mend: "Name one that is in atomic_calendar_hasura_upstream, or change atomic_calendar_architecture.",
    });
  });

  test.each<[BuilderName, object]>([
    [
      "docker",
      {
        on: "echo 'WARNING: image with reference x was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64'",
      },
    ],
    ["podman", { is: "linux/amd64" }],
    ["buildah", { is: "linux/amd64" }],
  ])("by %s that takes another platform's is refused", async (name, given) => {
    await expect(pull(name, given)).rejects.toThrow(`${text} is not there for linux/arm64.`);
  });

  test("that fails otherwise says what the builder said, and what to look at", async () => {
    await expect(pull("podman", { on: "echo 'no such host' >&2; exit 125" })).rejects.toMatchObject({
      message: "podman pull ended with exit code 125.\nno such host",
      mend: expect.stringMatching(
        /docker\.io can be reached.*podman login docker\.io.*atomic_calendar_hasura_upstream/,
      ),
    });
    expect(calls()).toHaveLength(1);
  });
});

const carrying = {
  TF_VAR_deptype: "stage",
  TF_VAR_systems: "viewer-atlas,atomic-calendar",
  TF_VAR_atomic_calendar_domain: "app.example.com",
};
function wantedFor(more: Record<string, string> = {}, service?: string) {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, "shared.env"),
    envText({
      ...sharedEnv,
      TF_VAR_image_repositories: "viewer-atlas,atomic-calendar",
      TF_VAR_nat_gateways: "single",
    }),
  );
  writeFileSync(join(folder, "stage.env"), envText({ ...carrying, ...more }));
  return wantedImages("stage", { environment: {}, folder, service });
}

describe("images of several systems", () => {
  test("are twelve, of which three are copied", () => {
    const { images } = wantedFor();
    expect(
      images.filter(({ system }) => system === "atomic-calendar").map((image) => image.repositoryName),
    ).toEqual(
      [
        ...["app", "functions", "hasura", "supertokens", "handshake", "oauth", "optaplanner"],
        ...["python-agent", "xray-daemon"],
      ].map((name) => `agt-atomic-${name}`),
    );
    expect(images).toHaveLength(12);
    expect(images.filter(({ upstream }) => upstream).map(({ name }) => name)).toEqual([
      "hasura",
      "supertokens",
      "xray-daemon",
    ]);
  });

  test("have inputs that the settings know, and either a Dockerfile or an upstream that can be read", () => {
    const wanted = wantedFor();
    for (const image of wanted.images) {
      const { inputs, upstream, input } = image;
      for (const name of [inputs.gitRef, inputs.dockerfiles, inputs.architecture])
        expect(textOf(wanted.settings, name)).toBeDefined();
      expect(Object.keys(Object.assign({}, ...Object.values(systemInputs)) as object)).toEqual(
        expect.arrayContaining([inputs.source, input]),
      );
      if (upstream === undefined) expect(dockerfileOf(wanted, image)).toContain(`Dockerfile.${image.name}`);
      else {
        expect(parseUpstream(textOf(wanted.settings, upstream) ?? "").host).toContain(".");
        expect(() => dockerfileOf(wanted, image)).toThrow("names no Dockerfile");
      }
    }
  });

  test("may be named with their system", () => {
    expect(wantedFor({}, "atomic-calendar/app").images).toMatchObject([{ name: "app" }]);
    expect(() => wantedFor({}, "viewer-atlas/app")).toThrow('stage has no image "viewer-atlas/app"');
    expect(() => wantedFor({}, "hasurra")).toThrow("Did you mean hasura?");
  });

  test("must be where several have that name", () => {
    const images = [
      { system: "a", name: "app" },
      { system: "b", name: "app" },
      { system: "b", name: "web" },
    ];
    expect(imageOf(images, "b/app", "stage")).toBe(images[1]);
    expect(imageOf(images, "web", "stage")).toBe(images[2]);
    const refusal = (wanted: string) => {
      try {
        return imageOf(images, wanted, "stage");
      } catch (error) {
        return error;
      }
    };
    expect(refusal("app")).toMatchObject({
      message: 'stage has several images "app".',
      mend: "Say which: a/app or b/app.",
      exitCode: 2,
    });
    expect(refusal("none")).toMatchObject({ mend: "It has: a/app, b/app, web." });
  });
});

describe("images that are wanted", () => {
  const stage = { TF_VAR_deptype: "stage", TF_VAR_systems: "viewer-atlas" };
  function wanted(service?: string, more: Record<string, string> = {}) {
    const folder = temporaryFolder();
    writeFileSync(
      join(folder, "shared.env"),
      envText({ ...sharedEnv, TF_VAR_image_repositories: "viewer-atlas" }),
    );
    writeFileSync(join(folder, "stage.env"), envText({ ...stage, ...more }));
    return wantedImages("stage", { environment: {}, folder, service });
  }

  test("are those of the environment's systems, or one of them", () => {
    expect(wanted().images.map(({ name, repositoryName }) => [name, repositoryName])).toEqual([
      ["collector", "agt-vieweratlas-collector"],
      ["analysis", "agt-vieweratlas-analysis"],
      ["vod", "agt-vieweratlas-vod"],
    ]);
    expect(wanted("vod").images).toHaveLength(1);
    expect(() => wanted("nothing")).toThrow('stage has no image "nothing"');
  });

  test("have a Dockerfile each, or the input is named", () => {
    for (const image of wanted().images)
      expect(dockerfileOf(wanted(), image)).toBe(`infrastructure/docker/Dockerfile.${image.name}`);
    const one = wanted("vod", { viewer_atlas_dockerfiles: "collector=Dockerfile" });
    for (const image of one.images)
      expect(() => dockerfileOf(one, image)).toThrow("viewer_atlas_dockerfiles names no Dockerfile for vod");
  });

  test.each([
    ["shared", "shared runs no images"],
    ["access", "access runs no images"],
    ["stagee", "Did you mean stage?"],
  ])("of %s are no images", (name, message) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "stage.env"), "");
    expect(() => wantedImages(name, { environment: {}, folder })).toThrow(message);
  });
});

test("results are told in lines, with why one failed below it", () => {
  const common = { system: "viewer-atlas", seconds: 1 };
  const images = [
    { ...common, name: "collector", status: "pushed", image: "h/c:1", digest: "sha256:1", pinned: true },
    { ...common, name: "vod", status: "failed", reason: "no\nway", mend: "Mend it." },
  ] as const;
  expect(formatImages({ environment: "stage", images, ok: false, interrupted: false })).toBe(
    [
      "collector  pushed  h/c:1  sha256:1  pinned",
      "vod        failed",
      "    no",
      "    way",
      "    Mend it.",
    ].join("\n"),
  );
});
