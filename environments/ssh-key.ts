import { createPublicKey } from "node:crypto";

/**
 * Key types of OpenSSH, each with the fields that follow the type in its blob: its length in bytes, its text, or `*`
 * (RFC 4253, RFC 5656, RFC 8709, PROTOCOL.u2f). A curve's point is 04 and two coordinates.
 */
const fieldsByKind = {
  "ssh-ed25519": [32],
  "ssh-rsa": ["*", "*"],
  "ecdsa-sha2-nistp256": ["nistp256", 65],
  "ecdsa-sha2-nistp384": ["nistp384", 97],
  "ecdsa-sha2-nistp521": ["nistp521", 133],
  "sk-ssh-ed25519@openssh.com": [32, "*"],
  "sk-ecdsa-sha2-nistp256@openssh.com": ["nistp256", 65, "*"],
} as const satisfies Record<string, readonly (number | string)[]>;
export type SshKeyKind = keyof typeof fieldsByKind;

/** NIST SP 800-131A asks for this much; EC2 makes no shorter ones either. */
const RSA_BITS = 2048;

/**
 * What is wrong with a line of an OpenSSH public key file, if anything. Never quotes it: people paste private keys.
 * @param accepted kinds that do. @default all
 */
export function sshKeyProblem(
  line: string,
  accepted: readonly SshKeyKind[] = Object.keys(fieldsByKind) as SshKeyKind[],
): string | undefined {
  if (line.includes("PRIVATE KEY"))
    return "is a private key: replace that key, and write its .pub file's line here";
  if (/[\r\n]/.test(line.trim())) return "is more than one line";
  const [kind = "", base64 = ""] = line.trim().split(/[ \t]+/);
  if (!Object.hasOwn(fieldsByKind, kind)) return "does not begin with a key type such as ssh-ed25519";
  if (!accepted.includes(kind as SshKeyKind))
    return `is a key of type ${kind}; only ${accepted.join(" and ")} do here`;
  const blob = Buffer.from(base64, "base64");
  if (base64 === "" || blob.toString("base64") !== base64)
    return "has a key that is not base64; part of it may be missing";
  const fields = readFields(blob);
  if (!fields) return "has a key that ends too early or too late; part of it may be missing";
  const [type, ...rest] = fields;
  if (type?.toString("latin1") !== kind) return "has a key of another type than it says";
  const expected: readonly (number | string)[] = fieldsByKind[kind as SshKeyKind];
  if (rest.length !== expected.length)
    return "has a key that ends too early or too late; part of it may be missing";
  if (!rest.every((field, index) => fits(field, expected[index])) || !isSound(kind, rest))
    return "has a key that is damaged";
  if (kind === "ssh-rsa" && bitLength(rest[1]) < RSA_BITS)
    return `has an RSA key of fewer than ${RSA_BITS} bits`;
  return undefined;
}

const fits = (field: Buffer, expected: number | string | undefined): boolean =>
  typeof expected === "number"
    ? field.length === expected
    : field.length > 0 && (expected === "*" || field.toString("latin1") === expected);

/** What the form does not show: that a curve's point lies on it, and that RSA's numbers can be such. */
function isSound(kind: string, [first, second]: readonly Buffer[]): boolean {
  if (kind === "ssh-rsa") return isRsaNumber(first) && bitLength(first) > 1 && isRsaNumber(second);
  const curve = { nistp256: "P-256", nistp384: "P-384", nistp521: "P-521" }[first?.toString("latin1") ?? ""];
  return !curve || !second || isOnCurve(curve, second);
}

/** Positive and odd: https://datatracker.ietf.org/doc/html/rfc4251#section-5 has the sign in the first bit. */
const isRsaNumber = (number: Buffer | undefined): boolean =>
  number !== undefined && (number[0] ?? 0x80) < 0x80 && (number.at(-1) ?? 0) % 2 === 1;

function isOnCurve(crv: string, point: Buffer): boolean {
  const size = (point.length - 1) / 2;
  const coordinate = (from: number) => point.subarray(from, from + size).toString("base64url");
  try {
    createPublicKey({
      format: "jwk",
      key: { kty: "EC", crv, x: coordinate(1), y: coordinate(1 + size) },
    });
    return point[0] === 4; // not compressed
  } catch {
    return false;
  }
}

/** The strings of a blob, each after its length (RFC 4251, section 5); undefined where they do not fill it exactly. */
function readFields(blob: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  let offset = 0;
  while (offset < blob.length) {
    if (offset + 4 > blob.length) return undefined;
    const end = offset + 4 + blob.readUInt32BE(offset);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(offset + 4, end));
    offset = end;
  }
  return fields;
}

const bitLength = (number: Buffer | undefined): number =>
  number?.length ? BigInt(`0x${number.toString("hex")}`).toString(2).length : 0;
