import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { gitRefProblem } from "../../environments/git-ref";
import { sshKeyProblem } from "../../environments/ssh-key";
import * as type from "../../environments/types";
import { publicKey } from "../support/stacks";

const accepts = (input: { schema: { safeParse(text: string): { success: boolean } } }, text: string) =>
  input.schema.safeParse(text).success;

describe("bucket names", () => {
  it.each([
    ["agt-chronos-terraform-state-storage", true],
    ["abc", true],
    ["ab", false],
    ["a".repeat(63), true],
    ["a".repeat(64), false],
    ["Upper", false],
    ["with.dot", false],
    ["-begins", false],
    ["ends-", false],
    ["xn--name", false],
    ["sthree-x", false],
    ["name-s3alias", false],
    ["name--ol-s3", false],
    ["name--x-s3", false],
  ])("%s: %s", (name, good) => expect(accepts(type.bucketName, name)).toBe(good));
});

describe("regions", () => {
  it("suggest the one that was meant", () => {
    const parsed = type.region.schema.safeParse("us-esat-1");
    expect(parsed.error?.issues[0]?.message).toContain("did you mean us-east-1?");
  });
});

describe("networks", () => {
  it.each([
    ["10.0.0.0/16", true],
    ["10.0.0.0/15", false],
    ["10.0.0.0/25", false],
    ["2001:db8::/32", false],
  ])("of a VPC %s: %s", (cidr, good) => expect(accepts(type.vpcCidr, cidr)).toBe(good));

  it("say which network was meant", () => {
    expect(type.cidrs.schema.safeParse("203.0.113.7/24").error?.issues[0]?.message).toContain(
      "the network is 203.0.113.0/24",
    );
  });
});

describe("SSH keys", () => {
  it.each(["rsa", "ed25519", "ecdsa"])("as ssh-keygen makes them: %s", (kind) => {
    const { stdout, status } = spawnSync(
      "bash",
      ["-c", `d=$(mktemp -d) && ssh-keygen -q -t ${kind} -N '' -f $d/k && cat $d/k.pub && rm -r $d`],
      { encoding: "utf8" },
    );
    expect(status).toBe(0);
    expect(sshKeyProblem(stdout)).toBeUndefined();
    expect(accepts(type.ec2PublicKey, stdout.trim())).toBe(kind !== "ecdsa");
  });

  it("are not any other key", () => {
    const { publicKey: pem } = generateKeyPairSync("ed25519", {
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    expect(sshKeyProblem(pem)).toBeDefined();
  });

  it("are refused when any byte of their form is changed", () => {
    const [kind, blob = ""] = publicKey.split(" ");
    const bytes = Buffer.from(blob, "base64");
    for (let index = 0; index < 19; index++) {
      const broken = Buffer.from(bytes);
      broken[index] = (broken[index] ?? 0) ^ 1;
      expect(sshKeyProblem(`${kind} ${broken.toString("base64")}`)).toBeDefined();
    }
  });
});

describe("git refs", () => {
  const git = (ref: string) => spawnSync("git", ["check-ref-format", "--allow-onelevel", ref]).status === 0;

  it("are those that git itself accepts, but for what it would take for an option", () => {
    const part = fc.constantFrom(
      "a",
      ".",
      "..",
      "/",
      "@",
      "{",
      "@{",
      ".lock",
      "~",
      "^",
      ":",
      "?",
      "*",
      "[",
      "\\",
      " ",
      "-",
      "é",
      "main",
      "\u0007",
      "\u007f",
    );
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("")),
        (ref) => {
          fc.pre(!ref.startsWith("-"));
          expect([ref, gitRefProblem(ref) === undefined]).toEqual([ref, git(ref)]);
        },
      ),
      { numRuns: 150 },
    );
  });

  it.each(["-x", "--upload-pack=sh", ""])("are never %j", (ref) => expect(gitRefProblem(ref)).toBeDefined());
});
