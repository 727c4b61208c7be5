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
    ["100.64.0.0/16", true],
    ["127.0.0.0/16", false],
    ["169.254.0.0/16", false],
    ["224.0.0.0/16", false],
    ["0.0.0.0/16", false],
    ["240.0.0.0/16", false],
  ])("of a VPC %s: %s", (cidr, good) => expect(accepts(type.vpcCidr, cidr)).toBe(good));

  it("say which network was meant", () => {
    expect(type.cidrs.schema.safeParse("203.0.113.7/24").error?.issues[0]?.message).toContain(
      "the network is 203.0.113.0/24",
    );
  });
});

describe("networks", () => {
  it.each([
    ["with a prefix that begins with 0", type.vpcCidr, "10.0.0.0/016"],
    ["with a prefix that begins with 0, by zone", type.cidrByZone, "us-east-1a=10.0.0.0/024"],
    ["that are the same in two ways of writing", type.cidrs, "10.0.0.1,10.0.0.1/32"],
    ["that are the same in IPv6", type.cidrs, "::/0,0::/0"],
    ["after a last comma", type.cidrs, "10.0.0.0/24,"],
  ])("are refused %s", (_, input, text) => expect(accepts(input, text)).toBe(false));
});

describe("ports", () => {
  it("are refused twice, however written", () => {
    expect(accepts(type.ports, "80,443")).toBe(true);
    expect(accepts(type.ports, "80,80-80")).toBe(false);
    expect(accepts(type.ports, "80-90,91")).toBe(true);
    expect(accepts(type.ports, "80-90,80-100")).toBe(false);
    expect(accepts(type.ports, "100-200,150")).toBe(false);
  });

  it("of the network ACL are those below 1024, as the others pass it anyway", () => {
    expect(accepts(type.lowPorts, "80,1000-1023")).toBe(true);
    expect(accepts(type.lowPorts, "1024")).toBe(false);
    expect(accepts(type.lowPorts, "80-8080")).toBe(false);
  });
});

describe("name prefixes", () => {
  it.each([
    ["agt", true],
    ["a", false],
    ["a".repeat(21), false],
    ["xn--a", false],
    ["sthree", false],
    ["amzn-s3-demo", false],
    ["amzn-s3", true],
  ])("%s: %s, as buckets are named after them", (prefix, good) =>
    expect(accepts(type.namePrefix, prefix)).toBe(good),
  );
});

describe("environment names", () => {
  it.each([
    ["stage", true],
    ["pr-12", true],
    ["sgx", true],
    ["sg", false],
    ["sg-1", false],
    ["internal", false],
    ["internals", true],
    ["aws", false],
    ["ssm-2", false],
    ["constructor", false],
  ])("%s: %s, as resources are named after them", (name, good) =>
    expect(accepts(type.environmentName, name)).toBe(good),
  );
});

describe("URLs", () => {
  it.each(["https:example.com", "https:/example.com", "https://example.com/a b", "ftp://example.com"])(
    "are never %s",
    (url) => expect(accepts(type.httpUrl, url)).toBe(false),
  );
});

describe("SSH keys", () => {
  it.each([
    ["a point on another curve", "ecdsa-sha2-nistp256", [Buffer.from("nistp384"), Buffer.alloc(97, 4)]],
    ["no point", "ecdsa-sha2-nistp256", [Buffer.from("nistp256"), Buffer.alloc(0)]],
    ["empty fields", "sk-ssh-ed25519@openssh.com", [Buffer.alloc(0), Buffer.alloc(0)]],
    ["no exponent", "ssh-rsa", [Buffer.alloc(0), Buffer.alloc(257, 1)]],
    ["an even exponent", "ssh-rsa", [Buffer.from([2]), Buffer.alloc(257, 1)]],
    ["exponent 1", "ssh-rsa", [Buffer.from([1]), Buffer.alloc(257, 1)]],
    ["a negative modulus", "ssh-rsa", [Buffer.from([1, 0, 1]), Buffer.alloc(256, 0xff)]],
    ["an even modulus", "ssh-rsa", [Buffer.from([1, 0, 1]), Buffer.alloc(257, 2)]],
    [
      "a point that is not on its curve",
      "ecdsa-sha2-nistp256",
      [Buffer.from("nistp256"), Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 4)])],
    ],
    [
      "a point without its mark",
      "sk-ecdsa-sha2-nistp256@openssh.com",
      [Buffer.from("nistp256"), Buffer.alloc(65, 5), Buffer.from("ssh:")],
    ],
  ])("with %s are damaged", (_, kind, fields) => {
    const blob = [Buffer.from(kind), ...fields].flatMap((field) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(field.length);
      return [length, field];
    });
    expect(sshKeyProblem(`${kind} ${Buffer.concat(blob).toString("base64")}`)).toBe(
      "has a key that is damaged",
    );
  });

  it("are never of a type that objects have by nature", () => {
    expect(sshKeyProblem("constructor AAAA")).toContain("does not begin with a key type");
  });

  // Made with ssh-keygen -t rsa, ed25519, ecdsa and ecdsa -b 521; nobody has the private halves
  it.each([
    [
      "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCQ4T4InA2a5AuzDtUmWtnrpiA2XwUvEzfOkfO/AofxMrAuV8XETuUzf797F0/oqgqgpYUVe7M59sHHllubhwiTyvhn5zAKy6IZfW9G8lcQzjrleYusx5OLXeirGGezMNCHWQw9u9N9XXo24zX0xBsyf9f96qyP/AmfUP0APwZkbjmKbnt95rsXuTBr2Y8IlTNx20YCDrVt4TU9U8zsE2jfyIWAOibjtIX5Rafubt+sAaPtXfIMP+/r8HDrOPb47UGETPMuPdHuyxfbG8/Y1MwYJUQdrqjpJuGi8/QWdLCImB578yU2x6Bc/im9BFvcdbTN/kXKe+JOWQGNXa8G3EiAl0tOHtYj2a1z0ZuirQAX/TAI1thw1dcbX1aQJpLsddYFt+0SehFLWtcYliSwZ1U/SVbbSKGxoVNm1+4OqSLarmGfXbseNnf1hH5uUnQhdltQjTipnug3XyBpGjKnaoEpnJhGFoo83UmVjBo6Qw05dO9BG23GTnzjE+WtUpBGaFk= someone@example.com",
      true,
    ],
    [
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJffwpy2kCmMuls5IFDLmKC82ZwkR36aJsGT4KVaUW4z someone@example.com",
      true,
    ],
    [
      "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOxAdZpYJSO9cnvRR2sNQ/ktUoPoBtsOS6R37lRbK6bwhJUmcdj1cIGBM7yuDT1dWoIEcXkcZxYc6i5PbZLQzMs= someone@example.com",
      false,
    ],
    [
      "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBACAsRjiSUh4QDRa2q5laOhVKj291oqwkEXTgm8Jry51YEHsqdoV6l5EnY+jYOxmSyb9jIXxl7HB5Fh6fOwZPmkRegE+1zeJC+xMnwwYieNFOUQ1EjHVHXxuUkpNVSXz95JhIihwrOS5OMLAcejs2a96aqAImccKZZErTPO5KW47F0R9AA== someone@example.com",
      false,
    ],
  ])("as ssh-keygen makes them: %.20s, which EC2 takes: %s", (line, forEc2) => {
    expect(sshKeyProblem(line)).toBeUndefined();
    expect(accepts(type.ec2PublicKey, line)).toBe(forEc2);
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

/** What the type makes of the text. Throws what it says of a wrong one. */
function parsed<T>(input: { schema: { parse(text: string): T } }, text: string): T {
  return input.schema.parse(text);
}

describe("sizes by service", () => {
  it("are CPU units and MiB", () => {
    expect([...parsed(type.sizeByService, "app=512:1024, python-agent=1024:2048")]).toEqual([
      ["app", [512, 1024]],
      ["python-agent", [1024, 2048]],
    ]);
    expect(parsed(type.sizeByService, "").size).toBe(0);
  });

  it.each([
    ["app=300:512", "300 CPU units are none of 256, 512, 1024"],
    ["app=256:4096", "512, 1024, 2048"],
    ["app=512", "is not a size such as 512:1024"],
    ["app=512:1024:1", "is not a size such as 512:1024"],
    ["512:1024", "is not a service name"],
    ["app=512:1024,app=256:512", "names a service twice"],
  ])("are not %s", (text, message) => {
    expect(() => parsed(type.sizeByService, text)).toThrow(message);
  });
});

describe("tasks by service", () => {
  it("are the least and the most", () => {
    expect([...parsed(type.tasksByService, "app=2:8,optaplanner=0:0,hasura=1:1")]).toEqual([
      ["app", [2, 8]],
      ["optaplanner", [0, 0]],
      ["hasura", [1, 1]],
    ]);
  });

  it.each([
    ["app=4:1", "is no range"],
    ["app=1:101", "at most 100"],
    ["app=-1:1", "is not a range such as 1:4"],
    ["app=1.5:2", "is not a range such as 1:4"],
    ["app=1", "is not a range such as 1:4"],
    ["app=1:2,app=2:3", "names a service twice"],
  ])("are not %s", (text, message) => {
    expect(() => parsed(type.tasksByService, text)).toThrow(message);
  });
});

const uuid = "01234567-89ab-cdef-0123-456789abcdef";
const webAclArn = `arn:aws:wafv2:us-east-1:436957243186:regional/webacl/ours/${uuid}`;
describe.each<[string, { schema: { safeParse(text: string): { success: boolean } } }, string[], string[]]>([
  [
    "a certificate",
    type.certificateArn,
    [
      `arn:aws:acm:us-east-1:436957243186:certificate/${uuid}`,
      `arn:aws-cn:acm:cn-north-1:436957243186:certificate/${uuid}`,
    ],
    [
      "",
      uuid,
      `arn:aws:acm:us-east-1:436957243186:certificate/`,
      `arn:aws:acm:us-east-1:4369572431:certificate/${uuid}`,
      `arn:aws:iam::436957243186:server-certificate/ours`,
    ],
  ],
  [
    "an upstream image",
    type.upstreamImage,
    [
      "docker.io/hasura/graphql-engine:v2.48.5",
      "public.ecr.aws/xray/aws-xray-daemon:3.3.14",
      `registry.example.com/a/b:1@sha256:${"0".repeat(64)}`,
    ],
    [
      "hasura/graphql-engine:v2.48.5", // which registry?
      "docker.io/hasura/graphql-engine", // which version?
      "docker.io/hasura/graphql-engine:",
      "https://docker.io/hasura/graphql-engine:v2",
      "docker.io/hasura/graphql-engine:v2@sha256:abc",
      "docker.io/Hasura/graphql-engine:v2",
      "docker.io/hasura/graphql-engine:v2 --privileged",
    ],
  ],
  [
    "a database's class",
    type.databaseClass,
    ["db.t3.small", "db.t4g.micro", "db.m7g.xlarge", "db.r6g.16xlarge", "db.m6gd.large"],
    ["t3.small", "db.t3", "db.t3.tiny", "db.t3.small ", "db.T3.small", "db.serverless"],
  ],
  [
    "a version of PostgreSQL",
    type.postgresVersion,
    ["14", "16", "16.4", "17.10"],
    ["13", "16.", "16.4.1", "9.6", "latest", "v16", "20"],
  ],
  [
    "a web ACL",
    type.webAcl,
    ["none", "new", webAclArn],
    ["", "yes", "New", webAclArn.replace("regional", "global"), webAclArn.replace(`/${uuid}`, "")],
  ],
  [
    "Aurora's capacity",
    type.auroraCapacity,
    ["0.5", "1", "4", "8.5", "128.0", "256"],
    ["0", "0.4", "256.5", "257", "-1", "1.25", "1,5", "", "four"],
  ],
])("%s", (_name, input, good, bad) => {
  it.each(good)("may be %s", (text) => expect(accepts(input, text)).toBe(true));
  it.each(bad)("is not %j", (text) => expect(accepts(input, text)).toBe(false));
});

it("Aurora's capacity is a number", () => expect(parsed(type.auroraCapacity, "8.5")).toBe(8.5));
