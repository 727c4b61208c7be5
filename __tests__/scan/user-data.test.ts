import { gunzipSync, gzipSync } from "node:zlib";
import { systemInputs } from "../../environments/catalogue";
import { isSecret, nameInFile, type InputGroup } from "../../environments/input";
import { synthesized, type TerraformJson } from "./synthesized";

const groups: readonly InputGroup[] = Object.values(systemInputs);
const secrets = groups.flatMap((inputs) => Object.entries(inputs).filter(([, input]) => isSecret(input)));
const canary = (name: string) => `canary-${name}`;
const stacks = synthesized(
  Object.fromEntries(secrets.map(([name, input]) => [nameInFile(name, input), canary(name)])),
);

/** What first boot gets to see, unpacked: a scanner does not look into base64. */
function userDataOf(json: TerraformJson): string[] {
  return Object.values(json.resource ?? {})
    .flatMap((blocks) => Object.values(blocks))
    .flatMap(({ user_data: plain, user_data_base64: packed }) => [
      ...(typeof plain === "string" ? [plain, unpack(plain)] : []), // a launch template has base64 in user_data too
      ...(typeof packed === "string" ? [unpack(packed)] : []),
      ...[plain, packed].flatMap((data) => (typeof data === "string" ? localsIn(data, json) : [])),
    ]);
}

/** Texts of the locals that an expression packs: \${base64gzip(local.name)}. */
const localsIn = (expression: string, { locals = {} }: TerraformJson): string[] =>
  [...expression.matchAll(/local\.([\w-]+)/g)].map(([, name = ""]) => String(locals[name]));

function unpack(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString();
}

/** Secrets that a text holds, by value or by reference. */
const leaksIn = (text: string): string[] =>
  secrets.map(([name]) => name).filter((name) => text.includes(canary(name)) || text.includes(`var.${name}`));

test("there are secrets and hosts to look at", () => {
  expect(secrets.length).toBeGreaterThan(0);
  expect(userDataOf(stacks.get("prod") ?? {}).join()).toContain("#cloud-config");
});

test.each([...stacks.keys()])(
  "%s has no secret in its JSON, nor in what its hosts' first boot gets",
  (stack) => {
    const json = stacks.get(stack) ?? {};
    const values = secrets
      .map(([name]) => canary(name))
      .filter((value) => JSON.stringify(json).includes(value));
    expect(values).toEqual([]);
    expect(userDataOf(json).flatMap(leaksIn)).toEqual([]);
  },
);

test.each([
  ["plain", { user_data: "password=canary-jwt_secret_key" }],
  ["by reference", { user_data: "password=${var.jwt_secret_key}" }],
  ["in base64", { user_data_base64: Buffer.from("x canary-jwt_secret_key").toString("base64") }],
  ["in a launch template", { user_data: Buffer.from("x canary-jwt_secret_key").toString("base64") }],
  ["packed by Terraform", { user_data_base64: "${base64gzip(local.data)}" }],
  ["compressed", { user_data_base64: gzipSync("x canary-jwt_secret_key").toString("base64") }],
])("a secret in user data is found %s", (_how, attributes) => {
  const json = {
    locals: { data: "x canary-jwt_secret_key" },
    resource: { aws_instance: { it: attributes } },
  };
  expect(userDataOf(json).flatMap(leaksIn)).toContain("jwt_secret_key");
});
