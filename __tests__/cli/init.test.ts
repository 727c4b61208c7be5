import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { initEnvironment, initShared, type InitOptions, type Prompt } from "../../cli/verbs/init";
import { readEnvironment, readShared } from "../../environments/read";
import type { Reading } from "../../environments/settings";

const publicKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9mCmQnQFilB9vyJjOI8ho27PYykzjnRjPHwgx/dgyO someone@example.com";
const shared = { name_prefix: "agt", allowed_account_ids: "436957243186" };
const stage = {
  systems: "chronos",
  public_key: publicKey,
  vite_api_base_url: "https://stage.example.com",
  repository_url: "https://github.com/example/chronos2.git",
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "landfall-init-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const options = (more: Partial<InitOptions> = {}): InitOptions => ({
  folder,
  given: {},
  processEnvironment: {},
  ...more,
});
const readOptions = () => ({ folder, processEnvironment: {}, requireSecrets: true });
const text = (reading: Reading, name: string): string | undefined =>
  reading.settings?.settings.get(name)?.text;
const files = (): string[] => readdirSync(folder).sort();

/** Gives the answers in turn, each to the question that is about its input. */
function answering(...answers: readonly (readonly [input: string, answer: string])[]): Prompt {
  const left = [...answers];
  const answer = (question: string): Promise<string> => {
    const [input = "no further question", given = ""] = left.shift() ?? [];
    expect(question).toContain(input);
    return Promise.resolve(given);
  };
  return { ask: answer, askHidden: answer };
}

describe("init", () => {
  test("writes shared.env from flags, as it is read back", async () => {
    await initShared(options({ given: { ...shared, region: "eu-central-1" } }));
    const reading = readShared("shared", readOptions());
    expect(reading.problems).toEqual([]);
    expect(text(reading, "name_prefix")).toBe("agt");
    expect(text(reading, "allowed_account_ids")).toBe("436957243186");
    expect(text(reading, "region")).toBe("eu-central-1");
  });

  test("takes the name prefix from AWS_PROFILE, unless one is given", async () => {
    const { allowed_account_ids } = shared;
    const processEnvironment = { AWS_PROFILE: "acme" };
    const file = await initShared(options({ given: { allowed_account_ids }, processEnvironment }));
    expect(text(readShared("shared", readOptions()), "name_prefix")).toBe("acme");
    rmSync(file);
    await initShared(options({ given: shared, processEnvironment }));
    expect(text(readShared("shared", readOptions()), "name_prefix")).toBe("agt");
  });

  test("says that a prefix which does not do came from AWS_PROFILE, or asks for another", async () => {
    const { allowed_account_ids } = shared;
    const processEnvironment = { AWS_PROFILE: "My Company" };
    await expect(
      initShared(options({ given: { allowed_account_ids }, processEnvironment })),
    ).rejects.toMatchObject({
      message: expect.stringContaining("AWS_PROFILE cannot be the name prefix"),
      mend: expect.stringContaining("--name-prefix"),
    });
    const prompt = answering(["name_prefix", "agt"]);
    await initShared(options({ given: { allowed_account_ids }, processEnvironment, prompt }));
    expect(text(readShared("shared", readOptions()), "name_prefix")).toBe("agt");
  });

  test("refuses what a settings file cannot hold, before it writes anything", async () => {
    await expect(initShared(options({ given: { ...shared, name_prefix: "agt\r" } }))).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringContaining("carriage return"),
    });
  });

  test("knows no input by a name that objects have by nature", async () => {
    await expect(initShared(options({ given: { ...shared, constructor: "1" } }))).rejects.toThrow(
      "constructor is no input here",
    );
  });

  test("asks for what is missing, and again when the answer does not do", async () => {
    const prompt = answering(
      ["name_prefix", "No Prefix"],
      ["name_prefix", "agt"],
      ["allowed_account_ids", "436957243186"],
    );
    await initShared(options({ prompt }));
    expect(text(readShared("shared", readOptions()), "name_prefix")).toBe("agt");
  });

  test("tells all that is missing or wrong at once, as wrong usage, and writes nothing", async () => {
    const run = initShared(options({ given: { region: "us-east-11", nat_gatewys: "none" } }));
    await expect(run).rejects.toMatchObject({ exitCode: 2 });
    await expect(run).rejects.toThrow(
      /region: .*us-east-1[^]*nat_gateways[^]*name_prefix is missing[^]*allowed_account_ids is missing/,
    );
    expect(files()).toEqual([]);
  });

  test("never overwrites", async () => {
    writeFileSync(join(folder, "shared.env"), "mine");
    const run = initShared(options({ given: shared }));
    await expect(run).rejects.toMatchObject({ exitCode: 1 });
    await expect(run).rejects.toThrow("shared.env is there already");
    expect(readFileSync(join(folder, "shared.env"), "utf8")).toBe("mine");
  });
});

describe("init <env>", () => {
  test("says to run init first where shared.env is missing", async () => {
    await expect(initEnvironment("stage", options({ given: stage }))).rejects.toMatchObject({
      mend: "Run ./landfall init first.",
    });
    expect(files()).toEqual([]);
  });

  describe("with shared.env", () => {
    beforeEach(() => initShared(options({ given: shared })));

    test("writes the settings and random secrets, as they are read back", async () => {
      const written = await initEnvironment("stage", options({ given: stage, generateSecrets: true }));
      expect(written.map((file) => basename(file))).toEqual(["stage.env", "stage.secrets.env"]);
      expect(statSync(join(folder, "stage.secrets.env")).mode & 0o777).toBe(0o600);
      const reading = readEnvironment("stage", readOptions());
      expect(reading.problems).toEqual([]);
      expect(text(reading, "deptype")).toBe("stage");
      expect(text(reading, "public_key")).toBe(publicKey);
      const secrets = [text(reading, "postgres_password"), text(reading, "jwt_secret_key")];
      expect(new Set(secrets).size).toBe(2);
      for (const secret of secrets) expect(secret).toMatch(/^[\w-]{43}$/);
      expect(readFileSync(join(folder, "stage.env"), "utf8")).not.toContain(secrets[0]);
    });

    test("asks for systems, required inputs and secrets; an empty answer makes a random secret", async () => {
      const prompt = answering(
        ["systems", "chronos"],
        ["public_key", publicKey],
        ["vite_api_base_url", "https://stage.example.com"],
        ["repository_url", "https://github.com/example/chronos2.git"],
        ["postgres_password", 'it\'s "$HOME" `x` \\'],
        ["jwt_secret_key", ""],
        ["frp_auth_token", ""],
      );
      await initEnvironment("stage", options({ prompt }));
      const reading = readEnvironment("stage", readOptions());
      expect(text(reading, "postgres_password")).toBe('it\'s "$HOME" `x` \\');
      expect(text(reading, "jwt_secret_key")).toMatch(/^[\w-]{43}$/);
    });

    test("leaves secrets to the process environment where nobody gives them", async () => {
      await initEnvironment("stage", options({ given: stage }));
      expect(files()).toEqual(["shared.env", "stage.env"]);
    });

    test("adds the secrets alone to settings that are there", async () => {
      await initEnvironment("stage", options({ given: stage }));
      const before = readFileSync(join(folder, "stage.env"), "utf8");
      const written = await initEnvironment("stage", options({ generateSecrets: true }));
      expect(written.map((file) => basename(file))).toEqual(["stage.secrets.env"]);
      expect(readFileSync(join(folder, "stage.env"), "utf8")).toBe(before);
    });

    test.each([
      ["the settings, with new values", { given: stage, generateSecrets: true }, "stage.env"],
      ["the settings, with nothing to add", {}, "stage.env"],
    ])("never overwrites %s", async (_what, more, named) => {
      await initEnvironment("stage", options({ given: stage }));
      await expect(initEnvironment("stage", options(more))).rejects.toThrow(`${named} is there already`);
      expect(files()).toEqual(["shared.env", "stage.env"]);
    });

    test("never overwrites secrets", async () => {
      writeFileSync(join(folder, "stage.secrets.env"), "mine");
      const run = initEnvironment("stage", options({ given: stage, generateSecrets: true }));
      await expect(run).rejects.toThrow("stage.secrets.env is there already");
      expect(files()).toEqual(["shared.env", "stage.secrets.env"]);
    });

    test("refuses a secret in the arguments, without repeating it", async () => {
      const run = initEnvironment("stage", options({ given: { ...stage, jwt_secret_key: "s3cr3t" } }));
      await expect(run).rejects.toThrow(/jwt_secret_key is a secret/);
      await expect(run).rejects.not.toThrow(/s3cr3t/);
      expect(files()).toEqual(["shared.env"]);
    });

    test.each(["shared", "state", "access", "Stage", "../stage", "stage.secrets", "a".repeat(21)])(
      "refuses the name %s",
      async (name) => {
        await expect(initEnvironment(name, options({ given: stage }))).rejects.toMatchObject({ exitCode: 2 });
        expect(files()).toEqual(["shared.env"]);
      },
    );
  });
});
