import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { execaSync } from "execa";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseUpstream, pullUpstream } from "../../cli/images/upstream";
import { wantedImages } from "../../cli/images/wanted";
import { parseEnvFile } from "../../environments/env-file";
import { projectRoot } from "../../environments/root";
import { startEmulator, stopEmulator } from "../../sandbox/emulator";
import { processes } from "./support/processes";
import { clientOf, expectExit, Project, type Ran } from "./support/project";
import { BuildahHome, hasBuildah, hasRegistry, linesOf, LocalRegistry } from "./support/registry";

jest.setTimeout(2 * 60_000);

const fixture = join(projectRoot, "__tests__", "e2e", "fixture", "images");
const account = "123456789012";
const ecr = `${account}.dkr.ecr.us-east-1.amazonaws.com`;
const password = "ecr-password-canary";
/** The user AWS with that password, by bcrypt. */
const htpasswd = "AWS:$2b$04$zMZVssCn4mUBZv6oYbl6xeSEzZR2FFshEeqxaYL9TylCIJoEnftSa\n";
const services = ["collector", "analysis", "vod"];
const buildah = execaSync("which", ["buildah"], { reject: false }).stdout;
const needed = hasRegistry && hasBuildah && process.getuid?.() === 0;
const describeIf = needed ? describe : describe.skip;
const awsDescribe = execaSync("aws", ["--version"], { reject: false }).failed ? describe.skip : describe;
const straceIt = execaSync("strace", ["-V"], { reject: false }).failed ? it.skip : it;

interface ImageLine {
  readonly name: string;
  readonly status: string;
  readonly image?: string;
  readonly digest?: string;
  readonly pinned?: boolean;
  readonly reason?: string;
}

let project: Project;
let home: BuildahHome;
let registry: LocalRegistry;

const source = (...parts: string[]) => project.path("viewer-atlas", ...parts);
const notes = (name: string) => linesOf(project.path("notes", name));
const envFile = (name = "stage") => readFileSync(project.path("environments", `${name}.env`), "utf8");
const pins = (name = "stage") =>
  parseEnvFile(Buffer.from(envFile(name)))
    .assignments.filter((each) => each.name.endsWith("_image"))
    .map((each): [string, string] => [/atlas_(\w+)_image$/.exec(each.name)?.[1] ?? "", each.value]);
const git = (...args: string[]) =>
  execaSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { cwd: source() })
    .stdout;

function commit(message: string): string {
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", `--message=${message}`);
  return git("rev-parse", "HEAD").slice(0, 12);
}

/** An environment that carries ViewerAtlas, with comments to keep. */
function writeEnvironment(name: string, more = ""): void {
  writeFileSync(
    project.path("environments", `${name}.env`),
    [
      `# ${name} of ViewerAtlas`,
      `TF_VAR_deptype="${name}"`,
      `export TF_VAR_systems=viewer-atlas # alone`,
      `viewer_atlas_source='viewer-atlas'`,
      more,
      `# the end`,
      "",
    ].join("\n"),
  );
}

/** The tool with our builder and AWS CLI first on PATH. */
const environment = (more: Record<string, string | undefined> = {}) => ({
  ...home.variables,
  PATH: `${join(fixture, "bin")}:${process.env.PATH}`,
  NOTES: project.path("notes"),
  BUILDAH: buildah,
  REGISTRY: registry.host,
  PASSWORD: password,
  ...more,
});
const images = (args: readonly string[], more: Record<string, string | undefined> = {}) =>
  project.run("./landfall", ["images", ...args], { env: environment(more) });
const push = (...args: string[]) =>
  images(["push", "stage", "--builder", "buildah", "--registry", registry.host, "--json", ...args]);
const linesIn = (ran: Ran) => (JSON.parse(String(ran.stdout)) as { images: ImageLine[] }).images;
const left = () => readdirSync(join(home.folder, "tmp")).filter((name) => name.startsWith("landfall-"));

async function createProject(): Promise<void> {
  project = await Project.create("terraform");
  mkdirSync(project.path("notes"));
  cpSync(join(fixture, "source"), source(), { recursive: true });
  git("init", "--quiet", "--initial-branch=main");
  writeFileSync(source(".gitignore"), "*.local\n");
  writeEnvironment("stage");
  // The account of the sandbox, so that its emulator is what is asked
  cpSync(project.path("environments", "sandbox.shared.env"), project.path("environments", "shared.env"));
}

describeIf("with a registry and Buildah (needs root, docker-registry and buildah)", () => {
  let first: string;

  beforeAll(async () => {
    home = new BuildahHome();
    registry = await LocalRegistry.start();
    await createProject();
    first = commit("first");
  });
  afterAll(() => {
    registry?.stop();
    home?.remove();
    rmSync(project.folder, { recursive: true, force: true });
  });
  beforeEach(() => rmSync(project.path("notes", "buildah"), { force: true }));
  // Each test leaves nothing behind
  afterEach(() => {
    expect(left()).toEqual([]);
    expect(readdirSync(project.path("environments")).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("the first push builds and pushes all three, and pins what the registry says", async () => {
    const before = envFile();
    const ran = await push();
    expectExit(ran, 0);
    const pushed = linesIn(ran);
    expect(pushed.map(({ name, status, pinned }) => [name, status, pinned])).toEqual(
      services.map((name) => [name, "pushed", true]),
    );
    expect(Object.fromEntries(pins())).toEqual(
      Object.fromEntries(pushed.map(({ name, digest }) => [name, digest])),
    );
    for (const { name, digest = "" } of pushed) {
      expect(await registry.tags(`sandbox-vieweratlas-${name}`)).toEqual([first]);
      expect(await registry.configuration(`sandbox-vieweratlas-${name}`, digest)).toMatchObject({
        architecture: "amd64",
        os: "linux",
        created: new Date(git("show", "-s", "--format=%cI")).toISOString().replace(".000Z", "Z"),
      });
    }
    expect(envFile().startsWith(before)).toBe(true);
    expect(ran.stderr).toContain(`buildah build --platform linux/amd64`);
    expect(ran.stderr).toContain(
      `buildah push --tls-verify=false ${registry.host}/sandbox-vieweratlas-collector:${first}`,
    );
    expect(ran.stderr).toContain("collector: building, STEP 2/3: COPY src/collector.txt /collector.txt");
    expect(ran.stderr).toContain("Next: ./landfall apply stage");
    // What they pin is an image digest to Landfall too
    expectExit(await project.landfall("check", "stage"), 0);
  });

  it("the second finds them there: nothing is built, and no file is written", async () => {
    const before = envFile();
    const ran = await push();
    expectExit(ran, 0);
    expect(linesIn(ran).map(({ status, pinned }) => [status, pinned])).toEqual(
      services.map(() => ["present", false]),
    );
    expect(notes("buildah")).toEqual([]);
    expect(envFile()).toBe(before);
    expect(ran.stderr).not.toContain("Next:");
  });

  it("the same commit gives the same digest, wherever it is built", async () => {
    const other = await LocalRegistry.start();
    const fresh = new BuildahHome();
    try {
      rmSync(source("src", "vod.txt"));
      git("checkout", "--quiet", "--", "src/vod.txt"); // new times
      const before = Object.fromEntries(pins());
      const ran = await images(["push", "stage", "--builder=buildah", "--registry", other.host, "--json"], {
        ...fresh.variables,
        TMPDIR: join(home.folder, "tmp"),
      });
      expectExit(ran, 0);
      expect(linesIn(ran).map(({ status }) => status)).toEqual(services.map(() => "pushed"));
      expect(Object.fromEntries(pins())).toEqual(before);
    } finally {
      other.stop();
      fresh.remove();
    }
  });

  it("one service alone with a new commit: only its line changes", async () => {
    writeFileSync(source("src", "vod.txt"), "the vod, better\n");
    const second = commit("second");
    const before = envFile().split("\n");
    const ran = await push("vod");
    expectExit(ran, 0);
    const after = envFile().split("\n");
    const changed = after.filter((line, index) => line !== before[index]);
    expect(changed).toEqual([expect.stringMatching(/^TF_VAR_viewer_atlas_vod_image="sha256:[0-9a-f]{64}"$/)]);
    expect(after).toHaveLength(before.length);
    expect((await registry.tags("sandbox-vieweratlas-vod")).toSorted()).toEqual([first, second].toSorted());
    expect(await registry.tags("sandbox-vieweratlas-collector")).toEqual([first]);
  });

  it("one that fails keeps its old digest, and stops no other", async () => {
    writeFileSync(source("infrastructure", "docker", "Dockerfile.analysis"), "FROM scratch\nCOPY none /\n");
    commit("broken");
    const before = Object.fromEntries(pins());
    const ran = await push();
    expectExit(ran, 1);
    const lines = linesIn(ran);
    expect(lines.map(({ status }) => status)).toEqual(["pushed", "failed", "pushed"]);
    expect(lines[1]?.reason).toMatch(/^buildah build ended with exit code \d+\.\n[^]*none/);
    const after = Object.fromEntries(pins());
    expect(after.analysis).toBe(before.analysis);
    expect([after.collector, after.vod]).toEqual([lines[0]?.digest, lines[2]?.digest]);
  });

  it("a Dockerfile that is not there is named; the others are built", async () => {
    rmSync(source("infrastructure", "docker", "Dockerfile.analysis"));
    commit("no Dockerfile");
    const ran = await images(["build", "stage", "--builder", "buildah"]);
    expectExit(ran, 1);
    expect(ran.stdout).toMatch(/^collector {2}built /m);
    expect(ran.stdout).toContain(
      "There is no infrastructure/docker/Dockerfile.analysis in viewer-atlas, at ",
    );
    git("revert", "--no-edit", "HEAD", "HEAD~1");
  });

  describe("changes that are not committed", () => {
    afterEach(() => git("reset", "--hard", "--quiet"));

    it("are refused for a push, and nothing is changed", async () => {
      writeFileSync(source("src", "vod.txt"), "not committed\n");
      const before = envFile();
      const ran = await push("vod");
      expectExit(ran, 1);
      expect(ran.stderr).toContain("viewer-atlas has changes that are not committed");
      expect(notes("buildah")).toEqual([]);
      expect(envFile()).toBe(before);
    });

    it("are built with a warning, and pushed where that is wanted, under a tag that says so", async () => {
      writeFileSync(source("src", "vod.txt"), "not committed\n");
      writeFileSync(source("secret.local"), "ignored by git\n");
      writeFileSync(
        source("infrastructure", "docker", "Dockerfile.vod"),
        "FROM scratch\nCOPY . /all\nCOPY src/vod.txt /vod.txt\n",
      );
      const built = await images(["build", "stage", "vod", "--builder", "buildah"]);
      expectExit(built, 0);
      expect(built.stderr).toContain("Warning: viewer-atlas has changes that are not committed");
      const status = git("status", "--porcelain");
      const objects = git("count-objects");
      const ran = await push("vod", "--allow-dirty");
      expectExit(ran, 0);
      const tag = new RegExp(`:${git("rev-parse", "HEAD").slice(0, 12)}-dirty-[0-9a-f]{8}$`);
      expect(linesIn(ran)[0]?.image).toMatch(tag);
      expect(git("status", "--porcelain")).toBe(status); // the repository is as it was
      expect(git("count-objects")).toBe(objects);
      const again = await push("vod", "--allow-dirty");
      expect(linesIn(again)[0]?.status).toBe("present");

      const image = `${registry.host}/sandbox-vieweratlas-vod@${linesIn(ran)[0]?.digest}`;
      const variables = home.variables;
      const container = execaSync("buildah", ["from", "--tls-verify=false", image], {
        env: variables,
      }).stdout;
      const mounted = execaSync("buildah", ["mount", container], { env: variables }).stdout;
      expect(readFileSync(join(mounted, "vod.txt"), "utf8")).toBe("not committed\n");
      expect(existsSync(join(mounted, "all", "secret.local"))).toBe(false);
      expect(existsSync(join(mounted, "all", ".git"))).toBe(false);
      execaSync("buildah", ["rm", container], { env: variables });
    });
  });

  it("a repository's URL is cloned once, and updated to the ref", async () => {
    commit("for the clone");
    git("tag", "v1");
    const original = envFile();
    try {
      writeFileSync(
        project.path("environments", "stage.env"),
        `TF_VAR_deptype=stage\nTF_VAR_systems=viewer-atlas\nviewer_atlas_source=file://${source()}\nviewer_atlas_git_ref=v1\n`,
      );
      const tagged = await push("vod");
      expectExit(tagged, 0);
      expect(linesIn(tagged)[0]?.image).toContain(`:${git("rev-parse", "v1").slice(0, 12)}`);
      expect(tagged.stderr).toContain("git clone");
      git("checkout", "--quiet", "-b", "feature/x");
      writeFileSync(source("src", "vod.txt"), "of the branch\n");
      const branch = commit("branch");
      git("checkout", "--quiet", "main");
      project.set("stage.env", { viewer_atlas_git_ref: "feature/x" });
      const updated = await push("vod");
      expectExit(updated, 0);
      expect(linesIn(updated)[0]?.image).toContain(`:${branch}`);
      expect(updated.stderr).not.toContain("git clone");
    } finally {
      writeFileSync(project.path("environments", "stage.env"), original);
    }
  });

  it("for ARM the tag is another, as the image is", async () => {
    writeEnvironment("prod", "TF_VAR_viewer_atlas_architecture=ARM64");
    const ran = await images([
      "push",
      "prod",
      "vod",
      "--builder=buildah",
      "--registry",
      registry.host,
      "--json",
    ]);
    expectExit(ran, 0);
    const [{ image = "", digest = "" } = {}] = linesIn(ran) as [ImageLine?];
    expect(image).toMatch(/-arm64$/);
    expect((await registry.configuration("sandbox-vieweratlas-vod", digest)).architecture).toBe("arm64");
    // and one for x86 is not promoted to where only ARM runs
    const promoted = await images(["push", "prod", "vod", "--from=stage", "--registry", registry.host]);
    expectExit(promoted, 1);
    expect(promoted.stdout).toContain("stage runs vod on X86_64, and prod on ARM64");
  });

  it("a promotion pins what the other environment has, and builds nothing", async () => {
    writeEnvironment("prod");
    const ran = await images(["push", "prod", "--from", "stage", "--registry", registry.host]);
    expectExit(ran, 0);
    expect(ran.stdout).toMatch(/^collector {2}promoted {2}\S+@(sha256:[0-9a-f]{64}) {2}\1 {2}pinned$/m);
    expect(pins("prod")).toHaveLength(services.length);
    expect(Object.fromEntries(pins("prod"))).toEqual(Object.fromEntries(pins("stage")));
    expect(notes("buildah")).toEqual([]);
  });

  it("a digest that the registry does not have is not promoted", async () => {
    writeEnvironment("prod", `TF_VAR_viewer_atlas_vod_image="sha256:${"0".repeat(64)}"`);
    writeEnvironment("pr-1", `TF_VAR_viewer_atlas_vod_image="sha256:${"a".repeat(64)}"`);
    const before = envFile("prod");
    const ran = await images(["push", "prod", "--from", "pr-1", "--registry", registry.host]);
    expectExit(ran, 1);
    expect(ran.stdout).toContain(`has no sha256:${"a".repeat(64)}, which pr-1 pins`);
    expect(ran.stdout).toContain("environments/pr-1.env pins no digest of collector");
    expect(envFile("prod")).toBe(before);
  });

  it("no source: the input is named, and every image that lacks it", async () => {
    project.set("prod.env", { viewer_atlas_source: "" });
    const ran = await images(["push", "prod", "--registry", registry.host]);
    expectExit(ran, 1);
    expect(ran.stderr).toContain(
      "environments/prod.env has no viewer_atlas_source, so these images cannot be built: collector, analysis, vod.",
    );
  });

  it("no builder on PATH: what to install is said, and nothing is changed", async () => {
    const bin = project.path("bin");
    mkdirSync(bin);
    for (const folder of process.env.PATH?.split(":") ?? []) {
      for (const name of existsSync(folder) ? readdirSync(folder) : [])
        if (!["docker", "podman", "nerdctl", "buildah"].includes(name) && !existsSync(join(bin, name)))
          symlinkSync(join(folder, name), join(bin, name));
    }
    commit("not built yet");
    const before = envFile();
    const ran = await images(["push", "stage", "--registry", registry.host], { PATH: bin });
    expectExit(ran, 1);
    expect(ran.stderr).toContain("No image builder is on PATH: neither docker, podman, nerdctl nor buildah.");
    expect(ran.stderr).toContain("Nothing was changed.");
    expect(ran.stderr).toContain("sudo apt install buildah");
    expect(envFile()).toBe(before);
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "%s ends the builders and all below them; the file is as it was",
    async (signal) => {
      const before = envFile();
      const dawdle = signal === "SIGINT" ? "271.828" : "314.159";
      const running = project.start(
        "./landfall",
        ["images", "push", "stage", "--builder", "buildah", "--registry", registry.host],
        { env: environment({ DAWDLE: dawdle }) },
      );
      const builders = () => processes().filter(({ args }) => args.includes(`sleep ${dawdle}`));
      for (let tries = 0; tries < 200 && builders().length < 1; tries += 1) await sleep(100);
      expect(builders().length).toBeGreaterThan(0);
      expect(left()).not.toEqual([]);
      // To Landfall alone: builders have process groups of their own, which a terminal's Ctrl-C does not reach
      process.kill(running.pid ?? 0, signal);
      const ran = (await running) as unknown as Ran;
      expect(ran.exitCode).toBe(130);
      expect(ran.stdout).toContain("interrupted");
      expect(builders()).toEqual([]);
      expect(envFile()).toBe(before);
      expect(left()).toEqual([]);
    },
  );

  it("two pushes at once lose neither's digest", async () => {
    commit("two at once");
    const before = Object.fromEntries(pins());
    const both = await Promise.all(["collector", "vod"].map((service) => push(service)));
    const digests = both.map((ran) => (expectExit(ran, 0), linesIn(ran)[0]?.digest));
    const after = Object.fromEntries(pins());
    expect([after.collector, after.vod]).toEqual(digests);
    expect(after.collector).not.toBe(before.collector);
    expect(after.analysis).toBe(before.analysis);
  });

  it("a registry that is down is named, and nothing is built or changed", async () => {
    const down = await LocalRegistry.start();
    down.stop();
    const before = envFile();
    const ran = await images(["push", "stage", "--builder", "buildah", "--registry", down.host]);
    expectExit(ran, 1);
    expect(ran.stdout).toContain(`The registry ${down.host} does not answer: ECONNREFUSED`);
    expect(notes("buildah").filter((line) => line.startsWith("build"))).toEqual([]);
    expect(envFile()).toBe(before);
  });
});

describeIf("with ECR (needs root, docker-registry and buildah)", () => {
  const repositories = Object.fromEntries(
    services.map((name) => [`vieweratlas-${name}`, `${ecr}/sandbox-vieweratlas-${name}`]),
  );
  let endpoint: string;
  const stateFolder = () => project.path(".landfall", "sandbox");
  const ask = async (action: string, body: object): Promise<string> => {
    const answer = await fetch(endpoint, {
      method: "POST",
      headers: {
        Authorization:
          "AWS4-HMAC-SHA256 Credential=sandbox/20260101/us-east-1/ecr/aws4_request, SignedHeaders=host, Signature=none",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": `AmazonEC2ContainerRegistry_V20150921.${action}`,
      },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${action} answers ${answer.status}\n${text}`);
    return text;
  };

  beforeAll(async () => {
    home = new BuildahHome();
    registry = await LocalRegistry.start(htpasswd);
    await createProject();
    commit("first");
    ({ endpoint } = await startEmulator({ stateFolder: stateFolder() }));
    // `shared` as if it were deployed
    const s3 = new S3Client(clientOf(endpoint));
    const Bucket = "sandbox-chronos-terraform-state-storage";
    const outputs = { image_repositories: { value: repositories } };
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: "shared/terraform.tfstate",
        Body: JSON.stringify({ version: 4, outputs, resources: [] }),
      }),
    );
    s3.destroy();
    for (const name of services)
      await ask("CreateRepository", { repositoryName: `sandbox-vieweratlas-${name}` });
  });
  afterAll(async () => {
    await stopEmulator({ stateFolder: stateFolder() });
    registry?.stop();
    home?.remove();
    rmSync(project.folder, { recursive: true, force: true });
  });

  it("what the sandbox's ECR has is pinned; what it has not cannot be pushed there, and that is said", async () => {
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.docker.distribution.manifest.v2+json",
      config: { digest: `sha256:${"1".repeat(64)}` },
    });
    const tag = git("rev-parse", "HEAD").slice(0, 12);
    const answer = await ask("PutImage", {
      repositoryName: "sandbox-vieweratlas-vod",
      imageManifest: manifest,
      imageTag: tag,
    });
    const digest = /sha256:[0-9a-f]{64}/.exec(answer)?.[0];
    const ran = await images(["push", "stage", "vod", "--json"]);
    expectExit(ran, 0);
    expect(linesIn(ran)).toMatchObject([{ name: "vod", status: "present", digest, pinned: true }]);
    expect(ran.stderr).toContain(
      `aws ecr describe-images --registry-id ${account} --repository-name sandbox-vieweratlas-vod --image-ids imageTag=${tag}`,
    );
    expect(pins()).toEqual([["vod", digest]]);

    const before = envFile();
    const missing = await images(["push", "stage", "--builder", "buildah"]);
    expectExit(missing, 1);
    expect(missing.stderr).toContain("The sandbox emulates ECR and has no place for images");
    expect(envFile()).toBe(before);
  });

  awsDescribe("by the real AWS CLI (needs aws)", () => {
    const name = "sandbox-vieweratlas-analysis";
    const config = { digest: `sha256:${"2".repeat(64)}`, size: 2 };
    // Longer than one argument can be, and not ASCII alone
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
      annotations: { note: "é".repeat(100_000) },
    });
    const digest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
    const tag = (pinnedBy: string) => `pinned-${pinnedBy}-${digest.slice(7, 19)}`;
    const real = (...args: string[]) =>
      images([...args, "--json"], { PATH: process.env.PATH, LC_ALL: "C", PYTHONUTF8: "0" });
    const putCalls = (ran: Ran) => String(ran.stderr).match(/^aws ecr put-image .*$/gm) ?? [];
    const image = async () =>
      (
        JSON.parse(
          await ask("DescribeImages", { repositoryName: name, imageIds: [{ imageDigest: digest }] }),
        ) as { imageDetails: { imageTags: string[]; imageDigest: string }[] }
      ).imageDetails;
    let commitTag: string;

    beforeAll(async () => {
      await ask("PutImageTagMutability", { repositoryName: name, imageTagMutability: "IMMUTABLE" });
      commitTag = git("rev-parse", "HEAD").slice(0, 12);
      await ask("PutImage", {
        repositoryName: name,
        imageManifest: manifest,
        imageTag: commitTag,
        imageDigest: digest,
      });
    });
    it("a push tags what is there already, before it pins it; the second leaves it alone", async () => {
      writeEnvironment("pr-5");
      const ran = await real("push", "pr-5", "analysis");
      expectExit(ran, 0);
      expect(linesIn(ran)).toMatchObject([{ status: "present", digest, pinned: true }]);
      expect(await image()).toMatchObject([{ imageDigest: digest, imageTags: [commitTag, tag("pr-5")] }]);
      expect(putCalls(ran)).toEqual([expect.stringContaining(`--image-tag ${tag("pr-5")}`)]);
      expect(pins("pr-5")).toEqual([["analysis", digest]]);
      const again = await real("push", "pr-5", "analysis");
      expectExit(again, 0);
      expect(putCalls(again)).toEqual([]);
      expect(await image()).toHaveLength(1);
      expect(left()).toEqual([]);
    });

    it("a promotion adds the other environment's tag", async () => {
      writeEnvironment("pr-6");
      expectExit(await real("push", "pr-6", "analysis", "--from", "pr-5"), 0);
      expect((await image())[0]?.imageTags).toEqual(expect.arrayContaining([tag("pr-5"), tag("pr-6")]));
      expect(pins("pr-6")).toEqual([["analysis", digest]]);
    });

    it("what somebody has written by hand is pinned by itself, and no file is written", async () => {
      writeEnvironment("pr-7", `TF_VAR_viewer_atlas_analysis_image="${digest}" # by hand`);
      const before = envFile("pr-7");
      const ran = await real("pin", "pr-7", "analysis");
      expectExit(ran, 0);
      expect(linesIn(ran)).toMatchObject([{ name: "analysis", status: "pinned", digest }]);
      expect((await image())[0]?.imageTags).toContain(tag("pr-7"));
      expect(envFile("pr-7")).toBe(before);
      const again = await real("pin", "pr-7", "analysis");
      expectExit(again, 0);
      expect(putCalls(again)).toEqual([]);
    });

    it("what is not there or not written cannot be pinned, and each is named", async () => {
      writeEnvironment("pr-7", `TF_VAR_viewer_atlas_analysis_image="sha256:${"c".repeat(64)}"`);
      const ran = await real("pin", "pr-7");
      expectExit(ran, 1);
      expect(linesIn(ran).map(({ name, status }) => [name, status])).toEqual(
        services.map((service) => [service, "failed"]),
      );
      expect(linesIn(ran)[1]?.reason).toContain(`has no sha256:${"c".repeat(64)}, which pr-7 pins`);
      expect(linesIn(ran)[2]?.reason).toBe("environments/pr-7.env pins no digest of vod.");
    });
  });

  it("a promotion asks ECR by digest", async () => {
    writeEnvironment("prod");
    const ran = await images(["push", "prod", "vod", "--from", "stage"]);
    expectExit(ran, 0);
    expect(pins("prod")).toEqual(pins("stage"));
    expect(notes("aws").at(-1)).toContain(`--image-digest ${pins("stage")[0]?.[1]}`);
    project.set("stage.env", { TF_VAR_viewer_atlas_vod_image: `sha256:${"b".repeat(64)}` });
    const wrong = await images(["push", "prod", "vod", "--from", "stage"]);
    expectExit(wrong, 1);
    expect(wrong.stdout).toContain(`has no sha256:${"b".repeat(64)}`);
    expect(pins("prod")).not.toEqual(pins("stage"));
  });

  describe("on AWS, played by a registry that wants ECR's password", () => {
    const own = { auths: { "example.com": { auth: "bWU6bWluZQ==" } } };
    const pushToEcr = (command = "./landfall", ...before: string[]) =>
      project.run(
        command,
        [...before, "images", "push", "stage", "--builder", "buildah", "--registry", ecr, "--json"],
        { env: environment({ REGISTRY_AUTH_FILE: project.path("home", "auth.json") }) },
      );
    beforeEach(() => writeFileSync(project.path("home", "auth.json"), JSON.stringify(own)));
    const tags = async (service: string) => {
      const answer = await fetch(`http://${registry.host}/v2/sandbox-vieweratlas-${service}/tags/list`, {
        headers: { Authorization: `Basic ${Buffer.from(`AWS:${password}`).toString("base64")}` },
      });
      return ((await answer.json()) as { tags: string[] }).tags;
    };

    straceIt(
      "the password is in no program's arguments, and in no file afterwards (needs strace)",
      async () => {
        const trace = project.path("notes", "execve");
        const ran = await pushToEcr(
          "strace",
          ...["--follow-forks", "--trace=execve", "--string-limit=65536", "--no-abbrev", "--output", trace],
          "./landfall",
        );
        expectExit(ran, 0);
        expect(linesIn(ran).map(({ status }) => status)).toEqual(services.map(() => "pushed"));
        const programs = readFileSync(trace, "utf8");
        expect(programs).toContain('"--password-stdin"');
        // What is in the environment is there for the fake AWS CLI alone
        const argv = [...programs.matchAll(/execve\("[^"]*", \[(.*?)\], \[/g)].map(([, args]) => args);
        expect(argv.length).toBeGreaterThan(5);
        expect(argv.filter((args) => args?.includes(password))).toEqual([]);
        expect(project.printed).not.toContain(password);
        expect(ran.stderr).toContain(
          `aws ecr get-login-password --region us-east-1 | buildah login --username AWS --password-stdin ${ecr}`,
        );

        // One login for all three, to a file for the owner alone, which is gone; the user's own is as it was
        expect(notes("buildah").filter((line) => line.startsWith("login"))).toHaveLength(1);
        const [authFile = ""] = notes("auth-files");
        expect(notes("modes")).toEqual(["600", "700"]);
        expect(authFile.startsWith(join(home.folder, "tmp"))).toBe(true);
        expect(existsSync(authFile)).toBe(false);
        expect(left()).toEqual([]);
        expect(JSON.parse(readFileSync(project.path("home", "auth.json"), "utf8"))).toEqual(own);
      },
    );

    it("what is pushed there is pinned there too, and no file pins what ECR would not keep", async () => {
      const tag = commit("pinned");
      const before = envFile();
      const refused = await images(
        ["push", "stage", "vod", "--builder", "buildah", "--registry", ecr, "--json"],
        { REFUSE_TAGS: "yes" },
      );
      expectExit(refused, 1);
      expect(linesIn(refused)[0]?.reason).toContain("AccessDeniedException");
      expect(await tags("vod")).toContain(tag);
      expect(envFile()).toBe(before);

      const ran = await pushToEcr();
      expectExit(ran, 0);
      for (const { name, digest = "" } of linesIn(ran))
        expect(await tags(name)).toEqual(
          expect.arrayContaining([tag, `pinned-stage-${digest.slice(7, 19)}`]),
        );
      expect(Object.fromEntries(pins())).toMatchObject(
        Object.fromEntries(linesIn(ran).map(({ name, digest }) => [name, digest])),
      );
      expect(left()).toEqual([]);
    });

    it("what ECR has already takes no builder and no login", async () => {
      commit("for ECR");
      expectExit(await pushToEcr(), 0);
      rmSync(project.path("notes", "buildah"));
      const ran = await pushToEcr();
      expectExit(ran, 0);
      expect(linesIn(ran).map(({ status }) => status)).toEqual(services.map(() => "present"));
      expect(notes("buildah")).toEqual([]);
      expect(ran.stderr).not.toContain("get-login-password");
    });

    it("an interrupted push leaves no credentials", async () => {
      commit("interrupted");
      rmSync(project.path("notes", "auth-files"), { force: true });
      const running = project.start(
        "./landfall",
        ["images", "push", "stage", "--builder", "buildah", "--registry", ecr],
        { env: environment({ DAWDLE: "161.803" }) },
      );
      const builders = () => processes().filter(({ args }) => args.includes("sleep 161.803"));
      for (let tries = 0; tries < 200 && builders().length < 1; tries += 1) await sleep(100);
      const [authFile = ""] = notes("auth-files");
      expect(existsSync(authFile)).toBe(true);
      process.kill(running.pid ?? 0, "SIGINT");
      expect(((await running) as unknown as Ran).exitCode).toBe(130);
      expect(existsSync(authFile)).toBe(false);
      expect(builders()).toEqual([]);
      expect(left()).toEqual([]);
    });

    it("a login that is refused is an error, with nothing changed", async () => {
      commit("refused");
      const before = envFile();
      const ran = await images(["push", "stage", "--builder", "buildah", "--registry", ecr], {
        LOGIN_PASSWORD: "wrong-canary",
      });
      expectExit(ran, 1);
      expect(ran.stderr).toContain(`buildah could not log in to ${ecr}`);
      expect(ran.stderr).not.toContain("wrong-canary");
      expect(envFile()).toBe(before);
      expect(left()).toEqual([]);
    });
  });
});

describeIf("somebody else's images (needs root, docker-registry and buildah)", () => {
  const built = ["app", "functions", "handshake", "oauth", "optaplanner", "python-agent"];
  const copied = ["hasura", "supertokens", "xray-daemon"];
  const order = [
    ...["app", "functions", "hasura", "supertokens", "handshake", "oauth", "optaplanner"],
    ...["python-agent", "xray-daemon"],
  ];
  const upstreamTag = /:upstream-(v\d)-[0-9a-f]{8}$/;
  const digestIn = /sha256:[0-9a-f]{64}/;
  let upstream: LocalRegistry;
  let theirs: BuildahHome;

  /** What the upstream registry has by that name, without a choice of platform. */
  async function upstreamManifest(repository: string, tag: string) {
    const answer = await fetch(`http://${upstream.host}/v2/${repository}/manifests/${tag}`, {
      headers: {
        Accept: "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json",
      },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return {
      digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
      manifest: JSON.parse(bytes.toString()) as {
        manifests?: { digest: string; platform: { architecture: string } }[];
      },
    };
  }
  const platformDigest = async (architecture: string) =>
    (await upstreamManifest("other/hasura", "v1")).manifest.manifests?.find(
      ({ platform }) => platform.architecture === architecture,
    )?.digest;

  function make(name: string, architecture: string): string {
    const context = join(theirs.folder, "context");
    mkdirSync(context, { recursive: true });
    writeFileSync(join(context, "Dockerfile"), `FROM scratch\nCOPY Dockerfile /${name}\n`);
    const image = `${name}:${architecture}`;
    const args = [
      "build",
      "--quiet",
      "--layers=false",
      "--platform",
      `linux/${architecture}`,
      "--tag",
      image,
      context,
    ];
    execaSync(buildah, args, { env: theirs.variables });
    return image;
  }

  function writeCalendar(name: string, more: readonly string[] = [], systems = "atomic-calendar"): void {
    writeFileSync(
      project.path("environments", `${name}.env`),
      [
        `TF_VAR_deptype=${name}`,
        `TF_VAR_systems=${systems}`,
        `TF_VAR_atomic_calendar_domain=${name}.example.com`,
        ...upstreams({ hasura: "other/hasura:v1", supertokens: "other/supertokens:v2" }),
        `atomic_calendar_xray_daemon_upstream=upstream.example.com/other/daemon:v3`,
        `atomic_calendar_dockerfiles=${built.map((each) => `${each}=infrastructure/docker/Dockerfile.vod`).join()}`,
        ...more,
        "",
      ].join("\n"),
    );
  }
  const upstreams = (names: Readonly<Record<string, string>>) =>
    Object.entries(names).map(
      ([name, image]) => `atomic_calendar_${name}_upstream=upstream.example.com/${image}`,
    );
  const calendarSource = "atomic_calendar_source=viewer-atlas";
  const run = (args: readonly string[], more: Record<string, string | undefined> = {}) =>
    images([...args, "--json"], { UPSTREAM: upstream.host, ...more });
  const push = (name: string, ...args: string[]) =>
    run(["push", name, "--builder=buildah", "--registry", registry.host, ...args]);
  const pinned = (name = "stage") =>
    Object.fromEntries(
      parseEnvFile(Buffer.from(envFile(name))).assignments.flatMap(({ name: input, value }) => {
        const [, image] = /^TF_VAR_atomic_calendar_(\w+)_image$/.exec(input) ?? [];
        return image === undefined ? [] : [[image.replaceAll("_", "-"), value]];
      }),
    );
  const pulls = () => notes("buildah").filter((line) => line.startsWith("pull"));

  beforeAll(async () => {
    home = new BuildahHome();
    theirs = new BuildahHome();
    registry = await LocalRegistry.start();
    upstream = await LocalRegistry.start();
    await createProject();
    commit("first");
    project.set("shared.env", {
      TF_VAR_image_repositories: "viewer-atlas,atomic-calendar",
      TF_VAR_nat_gateways: "single",
    });
    // One for both platforms, others for x86 alone
    const env = theirs.variables;
    const at = (image: string) => `docker://${upstream.host}/other/${image}`;
    execaSync(buildah, ["manifest", "create", "hasura"], { env });
    for (const architecture of ["amd64", "arm64"])
      execaSync(buildah, ["manifest", "add", "hasura", make("hasura", architecture)], { env });
    execaSync(
      buildah,
      ["manifest", "push", "--all", "--format=oci", "--tls-verify=false", "hasura", at("hasura:v1")],
      { env },
    );
    for (const name of ["supertokens:v2", "daemon:v3"])
      execaSync(buildah, ["push", "--tls-verify=false", make(name.split(":")[0] ?? "", "amd64"), at(name)], {
        env,
      });
    writeCalendar("stage", [calendarSource]);
  });
  afterAll(() => {
    registry?.stop();
    upstream?.stop();
    home?.remove();
    theirs?.remove();
    rmSync(project.folder, { recursive: true, force: true });
  });
  beforeEach(() => rmSync(project.path("notes", "buildah"), { force: true }));
  afterEach(() => expect(left()).toEqual([]));

  it("are copied beside those that are built, and pinned by the digest that they have upstream", async () => {
    const ran = await push("stage");
    expectExit(ran, 0);
    const lines = linesIn(ran);
    expect(lines.map(({ name, status, pinned }) => [name, status, pinned])).toEqual(
      order.map((name) => [name, copied.includes(name) ? "copied" : "pushed", true]),
    );
    expect(pinned()).toEqual(Object.fromEntries(lines.map(({ name, digest }) => [name, digest])));
    // Not the index's, but that of the one platform
    expect(pinned().hasura).toBe(await platformDigest("amd64"));
    expect(pinned().supertokens).toBe((await upstreamManifest("other/supertokens", "v2")).digest);
    const tags = lines
      .filter(({ name }) => copied.includes(name))
      .map(({ image }) => upstreamTag.exec(image ?? "")?.[1]);
    expect(tags).toEqual(["v1", "v2", "v3"]);
    expect(ran.stderr).toContain("hasura: pulling upstream.example.com/other/hasura:v1");
    expect(ran.stderr).toContain(
      "buildah pull --platform linux/amd64 --policy always upstream.example.com/other/hasura:v1",
    );
    expect(pulls()).toHaveLength(3);
    expectExit(await project.landfall("check", "stage"), 0);
  });

  it("are there the second time: nothing is pulled, and no file is written", async () => {
    const before = envFile();
    const ran = await push("stage");
    expectExit(ran, 0);
    expect(linesIn(ran).map(({ status }) => status)).toEqual(order.map(() => "present"));
    expect(notes("buildah")).toEqual([]);
    expect(envFile()).toBe(before);
  });

  it("are pulled by their digest where they have one, and one that is not there changes nothing", async () => {
    const { digest } = await upstreamManifest("other/hasura", "v1");
    const before = pinned();
    project.set("stage.env", {
      atomic_calendar_hasura_upstream: `upstream.example.com/other/hasura:v1@${digest}`,
    });
    const ran = await push("stage", "hasura");
    expectExit(ran, 0);
    expect(linesIn(ran)).toMatchObject([{ status: "copied", digest: await platformDigest("amd64") }]);
    expect(pulls()).toEqual([expect.stringContaining(`upstream.example.com/other/hasura@${digest}`)]);
    expect((await registry.tags("sandbox-atomic-hasura")).length).toBe(2);

    const none = `sha256:${"0".repeat(64)}`;
    project.set("stage.env", {
      atomic_calendar_hasura_upstream: `upstream.example.com/other/hasura:v1@${none}`,
    });
    const wrong = await push("stage", "atomic-calendar/hasura");
    expectExit(wrong, 1);
    expect(linesIn(wrong)[0]?.reason).toMatch(/^buildah pull ended with exit code \d+\.\n[^]*manifest/);
    expect(pinned()).toEqual(before);
    expect((await registry.tags("sandbox-atomic-hasura")).length).toBe(2);
    writeCalendar("stage", [
      calendarSource,
      ...Object.entries(before).map(
        ([name, value]) => `TF_VAR_atomic_calendar_${name.replaceAll("-", "_")}_image=${value}`,
      ),
    ]);
  });

  it("for ARM are others, with another tag; one that is not there for ARM is neither pushed nor pinned", async () => {
    writeCalendar("prod", ["TF_VAR_atomic_calendar_architecture=ARM64"]);
    const ran = await push("prod", "hasura");
    expectExit(ran, 0);
    const [{ image = "", digest = "" } = {}] = linesIn(ran) as [ImageLine?];
    expect(image).toMatch(/:upstream-v1-[0-9a-f]{8}-arm64$/);
    expect(digest).toBe(await platformDigest("arm64"));
    expect((await registry.configuration("sandbox-atomic-hasura", digest)).architecture).toBe("arm64");

    const tags = await registry.tags("sandbox-atomic-supertokens");
    const wrong = await push("prod", "supertokens");
    expectExit(wrong, 1);
    expect(linesIn(wrong)[0]?.reason).toBe(
      "upstream.example.com/other/supertokens:v2 is not there for linux/arm64.",
    );
    expect(await registry.tags("sandbox-atomic-supertokens")).toEqual(tags);
    expect(Object.keys(pinned("prod"))).toEqual(["hasura"]);
  });

  it("are promoted as others are, with no builder", async () => {
    writeCalendar("prod");
    const ran = await run(["push", "prod", "--from", "stage", "--registry", registry.host]);
    expectExit(ran, 0);
    expect(linesIn(ran).map(({ status }) => status)).toEqual(order.map(() => "promoted"));
    expect(pinned("prod")).toEqual(pinned());
    expect(notes("buildah")).toEqual([]);
  });

  it("need no source, and a system without one stops no other", async () => {
    writeCalendar("pr-1", ["viewer_atlas_source=viewer-atlas"], "viewer-atlas,atomic-calendar");
    const ran = await push("pr-1");
    expectExit(ran, 1);
    const lines = linesIn(ran);
    const withStatus = (status: string) =>
      lines.filter((line) => line.status === status).map(({ name }) => name);
    expect(withStatus("pushed")).toEqual(services);
    expect(withStatus("present")).toEqual(copied);
    expect(withStatus("failed")).toEqual(built);
    expect(lines.find(({ name }) => name === "app")?.reason).toBe(
      "environments/pr-1.env has no atomic_calendar_source, so this image cannot be built: app.",
    );
    expect(Object.keys(pinned("pr-1"))).toEqual(copied);
    const alone = await push("pr-1", "app");
    expectExit(alone, 1);
    expect(alone.stderr).toContain('atomic_calendar_source="../atomic-calendar"');
  });

  it("are pushed beside a source that is not there", async () => {
    project.set("pr-1.env", { atomic_calendar_source: "nowhere" });
    const ran = await push("pr-1");
    expectExit(ran, 1);
    const failed = linesIn(ran).filter(({ status }) => status === "failed");
    expect(failed.map(({ name }) => name)).toEqual(built);
    for (const { reason } of failed) expect(reason).toContain("nowhere");
    expect(linesIn(ran).filter(({ status }) => status === "present")).toHaveLength(6);
  });

  it("are skipped by a build, which says who copies them", async () => {
    const ran = await run(["build", "stage", "--builder", "buildah"]);
    expectExit(ran, 0);
    expect(
      linesIn(ran)
        .filter(({ status }) => status === "skipped")
        .map(({ name, image }) => [name, image]),
    ).toEqual([
      ["hasura", "upstream.example.com/other/hasura:v1"],
      ["supertokens", "upstream.example.com/other/supertokens:v2"],
      ["xray-daemon", "upstream.example.com/other/daemon:v3"],
    ]);
    expect(ran.stderr).toContain("To copy it: ./landfall images push stage");
    expect(pulls()).toEqual([]);
    rmSync(project.path("notes", "buildah"));
    expectExit(await run(["build", "stage", "hasura"]), 0);
    expect(notes("buildah")).toEqual([]); // not even a look for a builder
  });

  it("are pulled with the user's own login, and pushed to ECR with that of AWS", async () => {
    const guarded = await LocalRegistry.start(htpasswd);
    try {
      rmSync(project.path("notes", "pull-auth-files"), { force: true });
      rmSync(project.path("notes", "auth-files"), { force: true });
      const own = project.path("home", "own.json");
      writeFileSync(own, JSON.stringify({ auths: {} }));
      const login = { REGISTRY: guarded.host, REGISTRY_AUTH_FILE: own };
      writeCalendar("pr-2");
      const ran = await run(["push", "pr-2", "hasura", "--builder=buildah", "--registry", ecr], login);
      expectExit(ran, 0);
      expect(linesIn(ran)).toMatchObject([{ status: "copied", digest: await platformDigest("amd64") }]);
      expect(notes("pull-auth-files")).toEqual([own]);
      expect(notes("auth-files")).toEqual([expect.not.stringContaining(own)]);
      expect(JSON.parse(readFileSync(own, "utf8"))).toEqual({ auths: {} });
    } finally {
      guarded.stop();
    }
  });

  it("are pulled no longer after Ctrl-C, and the file is as it was", async () => {
    writeCalendar("pr-4", ["TF_VAR_atomic_calendar_architecture=ARM64"]);
    project.set("pr-4.env", { atomic_calendar_hasura_upstream: "upstream.example.com/other/hasura:v9" });
    const before = envFile("pr-4");
    const running = project.start(
      "./landfall",
      ["images", "push", "pr-4", "hasura", "--builder=buildah", "--registry", registry.host],
      { env: environment({ UPSTREAM: upstream.host, DAWDLE: "141.421" }) },
    );
    const pulling = () => processes().filter(({ args }) => args.includes("sleep 141.421"));
    for (let tries = 0; tries < 200 && pulling().length < 1; tries += 1) await sleep(100);
    expect(pulling().length).toBeGreaterThan(0);
    process.kill(running.pid ?? 0, "SIGINT");
    const ran = (await running) as unknown as Ran;
    expect(ran.exitCode).toBe(130);
    expect(ran.stdout).toMatch(/^hasura {2}interrupted/m);
    expect(pulling()).toEqual([]);
    expect(envFile("pr-4")).toBe(before);
  });

  describe("from a registry that is asked directly", () => {
    const stop = new AbortController().signal;
    /** By the real Buildah, without the fixture's in between. @returns the platform of what has got our name */
    async function pull(text: string, architecture: "X86_64" | "ARM64" = "X86_64"): Promise<string> {
      writeCalendar("pr-3", [`TF_VAR_atomic_calendar_architecture=${architecture}`]);
      const folder = project.path("environments");
      const wanted = wantedImages("pr-3", { environment: {}, folder, service: "hasura" });
      const [image] = wanted.images;
      if (!image) throw new Error("no image");
      const environment = { ...process.env, ...home.variables };
      const display = { step: () => {}, finish: () => {} };
      await pullUpstream(
        { name: "buildah", version: "1" },
        { wanted, image, upstream: parseUpstream(text), name: "ours:t", environment, run: { stop, display } },
      );
      const format = "{{.OCIv1.Architecture}}";
      return execaSync(buildah, ["inspect", "--type=image", "--format", format, "ours:t"], {
        env: home.variables,
      }).stdout;
    }
    beforeEach(() => jest.spyOn(process.stderr, "write").mockReturnValue(true));
    afterEach(() => jest.restoreAllMocks());

    it("on this machine, plain HTTP will do", async () => {
      expect(await pull(`${upstream.host}/other/hasura:v1`)).toBe("amd64");
      expect(await pull(`${upstream.host}/other/hasura:v1`, "ARM64")).toBe("arm64");
    });

    it("that cannot be reached, it is named", async () => {
      const down = await LocalRegistry.start();
      down.stop();
      await expect(pull(`${down.host}/other/hasura:v1`)).rejects.toMatchObject({
        message: expect.stringContaining("connection refused"),
        mend: expect.stringContaining(`whether ${down.host} can be reached`),
      });
    });

    it("that has only another platform's, that is not taken", async () => {
      await expect(pull(`${upstream.host}/other/supertokens:v2`, "ARM64")).rejects.toThrow(
        "other/supertokens:v2 is not there for linux/arm64.",
      );
    });

    it("that gives something else under a digest, it is not believed", async () => {
      const { digest } = await upstreamManifest("other/supertokens", "v2");
      const other = `sha256:${"1".repeat(64)}`;
      // All as it is upstream, but this one digest is answered with another image
      const liar = createServer((request, answer) => {
        const url = `http://${upstream.host}${(request.url ?? "").replace(other, digest)}`;
        void fetch(url, { method: request.method, headers: { Accept: request.headers.accept ?? "" } }).then(
          async (real) => {
            const type = real.headers.get("content-type") ?? "application/json";
            answer.writeHead(real.status, { "Content-Type": type });
            answer.end(Buffer.from(await real.arrayBuffer()));
          },
        );
      }).listen(0, "127.0.0.1");
      await once(liar, "listening");
      const host = `127.0.0.1:${(liar.address() as AddressInfo).port}`;
      try {
        expect(await pull(`${host}/other/supertokens:v2@${digest}`)).toBe("amd64");
        await expect(pull(`${host}/other/supertokens:v2@${other}`)).rejects.toThrow(digestIn);
      } finally {
        liar.closeAllConnections();
        liar.close();
      }
    });
  });
});
