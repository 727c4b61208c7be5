import { execaSync } from "execa";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { findRevision, type Revision } from "../../cli/images/source";
import { temporaryFolder } from "../support/stacks";

const stop = new AbortController().signal;
let said: string;
let home: string;
beforeEach(() => {
  said = "";
  home = temporaryFolder();
  jest.spyOn(process.stderr, "write").mockImplementation((text) => (said += String(text)) !== "");
});
afterEach(() => jest.restoreAllMocks());

describe("a source", () => {
  let folder: string;
  const git = (...args: string[]) =>
    execaSync(
      "git",
      ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always", ...args],
      {
        cwd: folder,
        env: { GIT_COMMITTER_DATE: "2026-01-02T03:04:05Z", HOME: home },
      },
    ).stdout;
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  const commit = () => {
    git("add", "--all");
    git("commit", "--quiet", "--message=m");
    return git("rev-parse", "HEAD");
  };
  const inputs = { source: "viewer_atlas_source", gitRef: "viewer_atlas_git_ref" };
  const found: Revision[] = [];
  afterEach(() => found.splice(0).forEach((revision) => revision.remove()));
  async function find(location = folder, ref = "main"): Promise<Revision> {
    const revision = await findRevision(
      { system: "viewer-atlas", inputs, location, ref },
      { environment: { PATH: process.env.PATH, HOME: home }, stop, sources: join(home, "sources") },
    );
    found.push(revision);
    return revision;
  }
  async function checkedOut(revision: Revision): Promise<string> {
    const out = temporaryFolder();
    await revision.checkOut(out);
    return out;
  }

  beforeEach(() => {
    folder = temporaryFolder();
    git("init", "--quiet", "--initial-branch=main");
    write("Dockerfile", "FROM scratch\n");
    write(".gitignore", "*.local\n");
    write("run.sh", "#!/home/sh\n");
    chmodSync(join(folder, "run.sh"), 0o700);
    symlinkSync("run.sh", join(folder, "link"));
  });

  test("is tagged with its commit, and gives what the commit has and no more", async () => {
    const head = commit();
    write("secret.local", "ignored");
    const revision = await find();
    expect(revision).toMatchObject({
      commit: head,
      dirty: false,
      tag: head.slice(0, 12),
      time: Date.parse("2026-01-02T03:04:05Z") / 1000,
    });
    const umask = process.umask(0o077);
    const out = await checkedOut(revision).finally(() => process.umask(umask));
    expect(readdirSync(out).sort()).toEqual([".gitignore", "Dockerfile", "link", "run.sh"]);
    for (const [file, mode] of [
      ["Dockerfile", 0o644],
      ["run.sh", 0o755],
    ] as const)
      expect(statSync(join(out, file))).toMatchObject({
        mode: 0o100000 | mode,
        mtimeMs: revision.time * 1000,
      });
    expect(lstatSync(join(out, "link"))).toMatchObject({ mtimeMs: revision.time * 1000 });
  });

  test.each([
    ["a changed file", () => write("Dockerfile", "FROM other\n")],
    ["a new file", () => write("new.txt", "new")],
    ["a removed file", () => execaSync("rm", [join(folder, "run.sh")])],
    ["a staged file", () => (write("Dockerfile", "FROM staged\n"), git("add", "Dockerfile"))],
  ])("with %s is dirty; its tag says so, and its repository stays as it is", async (_, change) => {
    const head = commit();
    change();
    const before = [git("status", "--porcelain"), git("count-objects")];
    const revision = await find();
    expect(revision.dirty).toBe(true);
    expect(revision.tag).toMatch(new RegExp(`^${head.slice(0, 12)}-dirty-[0-9a-f]{8}$`));
    expect((await find()).tag).toBe(revision.tag);
    const out = await checkedOut(revision);
    for (const file of ["Dockerfile", "new.txt", "run.sh"]) {
      const [mine, theirs] = [folder, out].map((each) => join(each, file));
      expect(existsSync(theirs ?? "")).toBe(existsSync(mine ?? ""));
    }
    expect(readFileSync(join(out, "Dockerfile"), "utf8")).toBe(
      readFileSync(join(folder, "Dockerfile"), "utf8"),
    );
    expect([git("status", "--porcelain"), git("count-objects")]).toEqual(before);
  });

  test("may be a part of its repository; what is beside it is none of it", async () => {
    write("app/Dockerfile", "FROM scratch\n");
    const head = commit();
    write("beside.txt", "not committed");
    const revision = await find(join(folder, "app"));
    expect(revision).toMatchObject({ commit: head, dirty: false });
    expect(readdirSync(await checkedOut(revision))).toEqual(["Dockerfile"]);
    write("app/new.txt", "not committed");
    const dirty = await find(join(folder, "app"));
    expect(readdirSync(await checkedOut(dirty)).sort()).toEqual(["Dockerfile", "new.txt"]);
  });

  test("is taken whole: what git leaves out of archives too", async () => {
    write(".gitattributes", "Dockerfile export-ignore\n");
    commit();
    expect(readdirSync(await checkedOut(await find()))).toContain("Dockerfile");
  });

  test.each([
    ["that is not there", () => join(folder, "nowhere"), "there is no such folder"],
    ["without a commit", () => folder, "no git repository with a commit"],
    ["without git", () => home, "no git repository with a commit"],
  ])("%s is named with its input", async (_, location, message) => {
    await expect(find(location())).rejects.toThrow(message);
    await expect(find(location())).rejects.toThrow("viewer_atlas_source");
  });

  test("with a submodule is refused", async () => {
    commit();
    git("submodule", "--quiet", "add", folder, "sub");
    commit();
    await expect(find()).rejects.toThrow("has a submodule, sub");
  });

  test("may be a repository: tag, branch, commit, and a branch that moved", async () => {
    const first = commit();
    git("tag", "v1");
    write("two.txt", "2");
    const second = commit();
    const url = `file://${folder}`;
    expect((await find(url, "v1")).commit).toBe(first);
    expect((await find(url, "main")).commit).toBe(second);
    expect((await find(url, first.slice(0, 10))).commit).toBe(first);
    expect(said.match(/git clone/g)).toHaveLength(1);
    git("reset", "--quiet", "--hard", first);
    write("three.txt", "3");
    const third = commit();
    const moved = await find(url, "main");
    expect(moved).toMatchObject({ commit: third, dirty: false });
    expect(readdirSync(await checkedOut(moved))).toContain("three.txt");
    await expect(find(url, "gone")).rejects.toMatchObject({
      message: expect.stringContaining('has no branch, tag or commit "gone"'),
      mend: expect.stringContaining("viewer_atlas_git_ref"),
    });
  });

  test("that is another repository now is cloned anew", async () => {
    commit();
    const old = `file://${folder}`;
    await find(old);
    folder = temporaryFolder();
    git("init", "--quiet", "--initial-branch=main");
    write("other", "");
    const other = commit();
    expect((await find(`file://${folder}`)).commit).toBe(other);
  });
});
