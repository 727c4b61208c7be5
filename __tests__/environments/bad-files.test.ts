import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readEnvironment, readShared } from "../../environments/read";
import { formatReport } from "../../environments/report";
import { environmentEnv, envText, publicKey, sharedEnv, temporaryFolder } from "../support/stacks";

const { repository_url, ...inFile } = environmentEnv("stage");
const good = envText(inFile);
const without = (name: string) =>
  envText(Object.fromEntries(Object.entries(inFile).filter(([key]) => key !== name)));
/** The good file is four lines, as the process environment gives the fifth setting; what is added begins on line 5. */
const plus = (...lines: string[]) => `${good}${lines.join("\n")}\n`;
const swap = (name: string, value: string) => envText({ ...inFile, [name]: value });
const rsa1024 = `ssh-rsa ${wire("ssh-rsa", Buffer.from([1, 0, 1]), Buffer.alloc(128, 0x7f))}`;

function wire(type: string, ...fields: Buffer[]): string {
  return Buffer.concat(
    [Buffer.from(type), ...fields].flatMap((field) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(field.length);
      return [length, field];
    }),
  ).toString("base64");
}

function folderWith(files: Record<string, string | Buffer>): string {
  const folder = join(temporaryFolder(), "environments");
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), content, { mode: 0o600 });
  return folder;
}

const options = (folder: string, processEnvironment: NodeJS.ProcessEnv = {}) => ({
  folder,
  processEnvironment: { repository_url, ...processEnvironment },
  requireSecrets: false,
});
const read = (content: string | Buffer, name = "stage") =>
  readEnvironment(name, options(folderWith({ [`${name}.env`]: content })));
const places = (content: string | Buffer, name?: string) =>
  read(content, name).problems.map(({ line, name }) => `${line ?? "-"} ${name ?? "-"}`);

it("reads the good file that the bad ones are made from", () => {
  expect(read(good)).toMatchObject({ problems: [], warnings: [], settings: { name: "stage" } });
});

describe("bad files", () => {
  const cases: [why: string, content: string | Buffer, places: string[]][] = [
    ["nothing at all", "", ["- TF_VAR_deptype", "- TF_VAR_systems"]],
    ["comments alone", "# TF_VAR_deptype=stage\n", ["- TF_VAR_deptype", "- TF_VAR_systems"]],
    ["a key left out", without("TF_VAR_public_key"), ["- TF_VAR_public_key"]],
    ["an application setting left out", without("vite_api_base_url"), ["- vite_api_base_url"]],
    [
      "a name left out and another misspelt",
      without("TF_VAR_public_key") + 'TF_VAR_publc_key="x"\n',
      ["4 TF_VAR_publc_key", "- TF_VAR_public_key"],
    ],
    ["another environment's deptype", swap("TF_VAR_deptype", "prod"), ["1 TF_VAR_deptype"]],
    ["an unknown system", swap("TF_VAR_systems", "chronos,kronos"), ["2 TF_VAR_systems"]],
    ["a system twice", swap("TF_VAR_systems", "chronos,chronos"), ["2 TF_VAR_systems"]],
    ["no system", swap("TF_VAR_systems", ""), ["2 TF_VAR_systems"]],
    [
      "a required application setting with TF_VAR_, which is not missing besides",
      good.replace("vite_", "TF_VAR_vite_"),
      ["4 TF_VAR_vite_api_base_url"],
    ],
    [
      "a required setting with a quote that never ends, which is not missing besides",
      good.replace(/"\n$/, "\n"),
      ["4 vite_api_base_url"],
    ],
    ["a line of a hexadecimal key", plus(`${"c0ffee11".repeat(4)}=`), ["5 -"]],
    ["a name twice", plus("git_ref=main", "git_ref=other"), ["6 git_ref"]],
    ["TF_VAR_ before an application setting", plus("TF_VAR_git_ref=main"), ["5 TF_VAR_git_ref"]],
    ["a Terraform input without TF_VAR_", plus("ssh_cidrs=10.0.0.0/8"), ["5 ssh_cidrs"]],
    ["AWS credentials", plus("AWS_SECRET_ACCESS_KEY=hunter2"), ["5 AWS_SECRET_ACCESS_KEY"]],
    ["an AWS profile", plus('export AWS_PROFILE="agt"'), ["5 AWS_PROFILE"]],
    [
      "a private key",
      swap(
        "TF_VAR_public_key",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
      ),
      ["3 TF_VAR_public_key"],
    ],
    [
      "a private key without quotes",
      without("TF_VAR_public_key") + "TF_VAR_public_key=-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA=\n",
      ["4 TF_VAR_public_key", "5 -"],
    ],
    ["a key cut off", swap("TF_VAR_public_key", publicKey.slice(0, 60)), ["3 TF_VAR_public_key"]],
    [
      "a key of another type than it says",
      swap("TF_VAR_public_key", publicKey.replace("ssh-ed25519", "ssh-rsa")),
      ["3 TF_VAR_public_key"],
    ],
    ["an RSA key of 1024 bits", swap("TF_VAR_public_key", rsa1024), ["3 TF_VAR_public_key"]],
    [
      "a key with options before it",
      swap("TF_VAR_public_key", `command="sh" ${publicKey}`),
      ["3 TF_VAR_public_key"],
    ],
    [
      "a kind of key that EC2 does not take",
      swap(
        "TF_VAR_public_key",
        `ecdsa-sha2-nistp256 ${wire("ecdsa-sha2-nistp256", Buffer.from("nistp256"), Buffer.alloc(65, 4))}`,
      ),
      ["3 TF_VAR_public_key"],
    ],
    ["two keys in one", swap("TF_VAR_public_key", `${publicKey}\n${publicKey}`), ["3 TF_VAR_public_key"]],
    ["a network with host bits", plus("TF_VAR_ssh_cidrs=203.0.113.7/24"), ["5 TF_VAR_ssh_cidrs"]],
    ["an IPv6 network with host bits", plus("TF_VAR_ssh_cidrs=2001:db8::1/32"), ["5 TF_VAR_ssh_cidrs"]],
    ["a prefix that is too long", plus("TF_VAR_ssh_cidrs=203.0.113.0/33"), ["5 TF_VAR_ssh_cidrs"]],
    ["an octal address", plus("TF_VAR_ssh_cidrs=010.0.0.0/8"), ["5 TF_VAR_ssh_cidrs"]],
    ["a shortened address", plus("TF_VAR_ssh_cidrs=10.0/8"), ["5 TF_VAR_ssh_cidrs"]],
    ["an IPv6 zone", plus("TF_VAR_ssh_cidrs=fe80::%eth0/64"), ["5 TF_VAR_ssh_cidrs"]],
    ["a port of 0", plus("TF_VAR_dashboard_ports=0"), ["5 TF_VAR_dashboard_ports"]],
    ["a port that is too high", plus("TF_VAR_dashboard_ports=443,70000"), ["5 TF_VAR_dashboard_ports"]],
    ["a range the wrong way round", plus("TF_VAR_frp_ports=7010-7000"), ["5 TF_VAR_frp_ports"]],
    ["a region that is none", plus("TF_VAR_region=us-esat-1"), ["5 TF_VAR_region"]],
    [
      "an account id of 11 digits",
      plus("TF_VAR_allowed_account_ids=12345678901"),
      ["5 TF_VAR_allowed_account_ids"],
    ],
    ["a boolean that is none", plus("TF_VAR_deletion_protection=yes"), ["5 TF_VAR_deletion_protection"]],
    [
      "a volume that is too small",
      plus("TF_VAR_dashboard_volume_size=4"),
      ["5 TF_VAR_dashboard_volume_size"],
    ],
    ["a volume in words", plus("TF_VAR_dashboard_volume_size=0x20"), ["5 TF_VAR_dashboard_volume_size"]],
    ["an AMI id that is none", plus("TF_VAR_dashboard_ami_id=ami-xyz"), ["5 TF_VAR_dashboard_ami_id"]],
    ["a git ref with a path upwards", plus("git_ref=../../etc/passwd"), ["5 git_ref"]],
    ["a git ref that is an option", plus("git_ref=--upload-pack=sh"), ["5 git_ref"]],
    ["a URL that is none", swap("vite_api_base_url", "javascript:alert(1)"), ["4 vite_api_base_url"]],
    [
      "a URL with a password",
      swap("vite_api_base_url", "https://me:hunter2@example.com"),
      ["4 vite_api_base_url"],
    ],
    [
      "a colour that is CSS of its own",
      plus('background_color="red;background:url(x)"'),
      ["5 background_color"],
    ],
    ["a host named by a path", plus("TF_VAR_edge_hosts=../edge"), ["5 TF_VAR_edge_hosts"]],
    [
      "a Terraform template where a name belongs",
      plus("TF_VAR_edge_hosts=${file(1)}"),
      ["5 TF_VAR_edge_hosts"],
    ],
    ["a look-alike letter in a name", plus("TF_VAR_ssh_cіdrs=10.0.0.0/8"), ["5 -"]],
    ["a name that objects have", plus("__proto__=1", "constructor=2"), ["5 -", "6 constructor"]],
    ["terminal escapes in a value", plus('TF_VAR_region="\u001b[31mred"'), ["5 TF_VAR_region"]],
    [
      "a quote that never ends",
      plus('git_ref="main', "background_color=nope!"),
      ["5 git_ref", "6 background_color"],
    ],
    ["text after a quote", plus('git_ref="main"x'), ["5 git_ref"]],
    ["blanks round the equals sign", plus("git_ref = main"), ["5 -"]],
    ["blanks without quotes", plus("git_ref=my branch"), ["5 git_ref"]],
    ["YAML", "deptype: stage\n", ["1 -", "- TF_VAR_deptype", "- TF_VAR_systems"]],
    ["JSON", '{"deptype": "stage"}\n', ["1 -", "- TF_VAR_deptype", "- TF_VAR_systems"]],
    ["a NUL byte", `${good}\0`, ["1 -"]],
    ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x00]), ["1 -"]],
    ["two megabytes of quotes", Buffer.alloc(2 ** 21, '"'), ["1 -"]],
    ["a hundred thousand quotes", '"'.repeat(100_000), ["1 -", "- TF_VAR_deptype", "- TF_VAR_systems"]],
    [
      "everything wrong at once",
      'TF_VAR_deptype="prod"\nTF_VAR_systems="chronos"\nnonsense\nTF_VAR_region="mars"\nTF_VAR_region="mars"\n',
      [
        "1 TF_VAR_deptype",
        "3 -",
        "4 TF_VAR_region",
        "5 TF_VAR_region",
        "- TF_VAR_public_key",
        "- vite_api_base_url",
      ],
    ],
  ];

  it.each(cases)("%s", (_, content, expected) => {
    const { problems, settings } = read(content);
    expect(problems.map(({ line, name }) => `${line ?? "-"} ${name ?? "-"}`)).toEqual(expected);
    expect(settings).toBeUndefined();
    const report = formatReport(problems);
    expect(report).not.toMatch(/hunter2|MIIEpAIB|c0ffee|\?\.|\n {4}at /);
    expect(report).not.toContain("\u001b");
    for (const { what, mend, file } of problems) {
      expect(file).toBe("environments/stage.env");
      expect(what).not.toBe("");
      expect(mend).not.toBe("");
    }
  });

  it("are more than forty", () => expect(cases.length).toBeGreaterThan(40));

  it.each(["shared", "state", "access", "Stage", "stage_1", "-x", "a".repeat(21)])("named %j", (name) => {
    expect(places(swap("TF_VAR_deptype", name), name)[0]).toMatch(/^(1|-) /);
  });

  it("a folder in a file's place", () => {
    const folder = folderWith({});
    mkdirSync(join(folder, "stage.env"));
    expect(readEnvironment("stage", options(folder)).problems[0]).toMatchObject({ what: "is a folder" });
  });

  it("no file", () => {
    expect(readShared("shared", options(folderWith({}))).problems[0]).toMatchObject({
      file: "environments/shared.env",
      what: "is not there",
      mend: "./landfall init writes it.",
    });
  });

  it("suggest the name that was meant", () => {
    expect(read(plus("backgroud_color=red")).problems[0]?.mend).toBe("Did you mean background_color?");
  });
});

describe("values", () => {
  it("of the process environment win, and are checked like any other", () => {
    const folder = folderWith({ "stage.env": plus("git_ref=main") });
    const setting = (environment: NodeJS.ProcessEnv) =>
      readEnvironment("stage", options(folder, environment));
    expect(setting({ git_ref: "v2" }).settings?.settings.get("git_ref")).toMatchObject({
      text: "v2",
      source: { from: "process environment" },
    });
    expect(setting({ TF_VAR_region: "mars" }).problems).toEqual([
      expect.objectContaining({ file: "process environment", name: "TF_VAR_region" }),
    ]);
  });

  it("of the secrets file lie on top of the committed one", () => {
    const folder = folderWith({ "stage.env": plus("git_ref=main"), "stage.secrets.env": "git_ref=v2\n" });
    expect(readEnvironment("stage", options(folder)).settings?.settings.get("git_ref")?.value).toBe("v2");
  });

  it("become what their type says", () => {
    const folder = folderWith({
      "stage.env": plus(
        "TF_VAR_ssh_cidrs='203.0.113.7, 2001:DB8::/32'",
        "TF_VAR_dashboard_ports=80,6000-6010",
        "TF_VAR_deletion_protection=false",
      ),
    });
    const settings = readEnvironment("stage", options(folder)).settings?.settings;
    expect(settings?.get("ssh_cidrs")?.value).toEqual(["203.0.113.7/32", "2001:db8::/32"]);
    expect(settings?.get("dashboard_ports")?.value).toEqual([
      { from: 80, to: 80 },
      { from: 6000, to: 6010 },
    ]);
    expect(settings?.get("deletion_protection")?.value).toBe(false);
    expect(settings?.get("dashboard_volume_size")).toMatchObject({ value: 30, source: { from: "default" } });
  });

  it("of systems that the environment does not carry are left out and not asked for", () => {
    const reading = readShared("shared", options(folderWith({ "shared.env": envText(sharedEnv) })));
    expect(reading.problems).toEqual([]);
  });
});

describe("secrets", () => {
  const secret = "hunter2-Zq8";

  function gitFolder(files: Record<string, string>): string {
    const root = temporaryFolder();
    const git = (...args: string[]) => spawnSync("git", args, { cwd: root });
    git("init", "--quiet");
    writeFileSync(join(root, ".gitignore"), "*.secrets.env\n");
    mkdirSync(join(root, "environments"));
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(root, "environments", name), content, { mode: 0o600 });
    return join(root, "environments");
  }

  it("are refused in a file that git would take", () => {
    const folder = gitFolder({ "stage.env": plus(`postgres_password=${secret}`) });
    expect(readEnvironment("stage", options(folder)).problems).toEqual([
      expect.objectContaining({
        file: "environments/stage.env",
        line: 5,
        name: "postgres_password",
        what: expect.stringContaining("git would take"),
      }),
    ]);
  });

  it.each([
    ["with TF_VAR_", `TF_VAR_postgres_password=${secret}`],
    ["with a quote that never ends", `postgres_password="${secret}`],
    ["twice", `postgres_password=${secret}\npostgres_password=${secret}`],
  ])("are refused there however they are written: %s", (_, line) => {
    const { problems } = readEnvironment("stage", options(gitFolder({ "stage.env": plus(line) })));
    expect(problems.map(({ what }) => what)).toContainEqual(expect.stringContaining("git would take"));
    expect(JSON.stringify(problems)).not.toContain(secret);
  });

  it("are told of where git does not say whether it would take the file, and refused in any but their own", () => {
    const read = (files: Record<string, string>) => {
      const folder = gitFolder(files);
      rmSync(join(folder, "..", ".git"), { recursive: true });
      const { problems, warnings } = readEnvironment("stage", options(folder));
      expect([problems, warnings]).toEqual([[], []]); // no repository, so nothing takes it
      writeFileSync(join(folder, "..", ".git"), "not a repository\n"); // git ends as with somebody else's folder
      return readEnvironment("stage", options(folder));
    };
    const untold = expect.objectContaining({ what: expect.stringContaining("git does not say") });
    const apart = read({ "stage.env": good, "stage.secrets.env": `postgres_password=${secret}\n` });
    expect([apart.problems, apart.warnings]).toEqual([[], [untold]]);
    const together = read({ "stage.env": plus(`postgres_password=${secret}`) });
    expect([together.problems, together.warnings]).toEqual([[untold], []]);
  });

  it("are looked for in the folder's own repository, also from within a git hook", () => {
    const folder = gitFolder({ "stage.env": good, "stage.secrets.env": `postgres_password=${secret}\n` });
    process.env.GIT_DIR = ".git";
    try {
      expect(readEnvironment("stage", options(folder))).toMatchObject({ problems: [], warnings: [] });
    } finally {
      delete process.env.GIT_DIR;
    }
  });

  it("are refused in a secrets file that git tracks all the same", () => {
    const folder = gitFolder({ "stage.env": good, "stage.secrets.env": `postgres_password=${secret}\n` });
    expect(readEnvironment("stage", options(folder)).problems).toEqual([]);
    spawnSync("git", ["add", "--force", "environments/stage.secrets.env"], { cwd: join(folder, "..") });
    expect(readEnvironment("stage", options(folder)).problems).toHaveLength(1);
  });

  it("warn where others can read the file", () => {
    const folder = gitFolder({ "stage.env": good, "stage.secrets.env": `postgres_password=${secret}\n` });
    chmodSync(join(folder, "stage.secrets.env"), 0o644);
    const { warnings, problems } = readEnvironment("stage", options(folder));
    expect(problems).toEqual([]);
    expect(warnings).toEqual([
      expect.objectContaining({
        file: "environments/stage.secrets.env",
        mend: "chmod 600 environments/stage.secrets.env",
      }),
    ]);
  });

  it("are asked for only where they are needed, and may come from the process environment", () => {
    const folder = gitFolder({ "stage.env": good });
    const names = (environment: NodeJS.ProcessEnv) =>
      readEnvironment("stage", {
        folder,
        processEnvironment: { repository_url, ...environment },
        requireSecrets: true,
      }).problems.map(({ name }) => name);
    expect(names({})).toEqual(["postgres_password", "jwt_secret_key", "frp_auth_token"]);
    const all = { postgres_password: secret, jwt_secret_key: secret, frp_auth_token: secret };
    expect(names(all)).toEqual([]);
    expect(readEnvironment("stage", options(folder)).problems).toEqual([]);
  });

  it("never appear in pieces behind a quote that never ends", () => {
    const { problems } = readEnvironment(
      "stage",
      options(
        gitFolder({
          "stage.env": good,
          "stage.secrets.env": `jwt_secret_key="-----BEGIN\nabCDefgh\nk3jd9=\nHUNTER_TWO=x\n`,
        }),
      ),
    );
    expect(problems.map(({ name }) => name).filter(Boolean)).toEqual(["jwt_secret_key"]);
    expect(JSON.stringify(problems)).not.toMatch(/k3jd9|HUNTER_TWO/);
  });

  it("never appear in a message, wherever and however they are written", () => {
    const value = fc.stringMatching(/^[A-Za-z0-9+/]{12,40}={0,2}$/);
    const line = fc.constantFrom(
      (v: string) => `postgres_password=${v}`,
      (v: string) => `postgres_password="${v}`,
      (v: string) => `postgres_password="${v}"x`,
      (v: string) => `postgres_password = ${v}`,
      (v: string) => `postgres_password= ${v}`,
      (v: string) => `postgres_password=${v} ${v}`,
      (v: string) => `postgres_password=\u0007${v}`,
      (v: string) => `TF_VAR_postgres_password=${v}`,
      (v: string) => `postgres_pasword=${v}`,
      (v: string) => `UNKNOWN=${v}`,
      (v: string) => `AWS_SECRET_ACCESS_KEY=${v}`,
      (v: string) => `TF_VAR_public_key="-----BEGIN PRIVATE KEY-----\n${v}\n"`,
      (v: string) => v,
      (v: string) => `${v}=`,
      (v: string) => `jwt_secret_key=${v}\njwt_secret_key=${v}`,
    );
    const folder = gitFolder({});
    fc.assert(
      fc.property(value, fc.array(line, { minLength: 1, maxLength: 4 }), (value, lines) => {
        fc.pre(!/^[a-z0-9_]+$|^[A-Z0-9_]+$/.test(value.replace(/=+$/, "")));
        writeFileSync(join(folder, "stage.env"), plus(...lines.map((make) => make(value))));
        const { problems, warnings } = readEnvironment("stage", options(folder));
        expect(formatReport([...problems, ...warnings])).not.toContain(value);
        expect(JSON.stringify(problems)).not.toContain(value);
      }),
      { numRuns: 60 },
    );
  });
});
