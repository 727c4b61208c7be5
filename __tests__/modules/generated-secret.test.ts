import { GeneratedSecret, type GeneratedSecretProps } from "../../modules/generated-secret";
import { ModuleStack, type Json } from "../support/module-stack";
import { resource } from "../support/stacks";

const least: GeneratedSecretProps = {
  name: "stage/key",
  description: "A key.",
  recoverable: false,
  rotation: "${var.rotation}",
};

function generated(props: Partial<GeneratedSecretProps> = {}): { secret: GeneratedSecret; json: Json } {
  const stack = new ModuleStack();
  const secret = new GeneratedSecret(stack, "key", { ...least, ...props });
  return { secret, json: stack.json };
}

describe("a generated secret", () => {
  it("is made by Secrets Manager, stored, and read back by the stored version", () => {
    const { json } = generated();
    expect(json.ephemeral).toEqual({
      aws_secretsmanager_random_password: {
        key_version: {
          password_length: '${timestamp() == "" ? 0 : 40}',
          exclude_punctuation: true,
          require_each_included_type: true,
        },
      },
      aws_secretsmanager_secret_version: {
        key_version: {
          secret_id: "${aws_secretsmanager_secret_version.key_version.secret_id}",
          version_id: '${timestamp() == "" ? "" : aws_secretsmanager_secret_version.key_version.version_id}',
        },
      },
    });
    expect(resource(json, "aws_secretsmanager_secret_version", "key_version")).toMatchObject({
      secret_id: "${aws_secretsmanager_secret.key.id}",
      secret_string_wo: "${ephemeral.aws_secretsmanager_random_password.key_version.random_password}",
      secret_string_wo_version: "${var.rotation}",
    });
    expect(resource(json, "aws_secretsmanager_secret", "key")).toMatchObject({
      name: "stage/key",
      description: "A key.",
      recovery_window_in_days: 0,
    });
  });

  it("is opened when it is applied and not when it is planned: an argument of each is known only then", () => {
    for (const [type, found] of Object.entries(generated().json.ephemeral as Json))
      for (const body of Object.values(found as Json))
        expect([type, Object.values(body as Json)]).toEqual([
          type,
          expect.arrayContaining([expect.stringMatching(/^\$\{timestamp\(\) == /)]),
        ]);
  });

  it("gives consumers the stored value, never the fresh one", () => {
    expect(generated().secret.value).toBe(
      "${ephemeral.aws_secretsmanager_secret_version.key_version.secret_string}",
    );
  });

  it("has a number that comes from what is stored, so that a value made again for any reason is sent again", () => {
    const stack = new ModuleStack();
    const secret = new GeneratedSecret(stack, "key", least);
    expect(stack.resolve(secret.versionNumber)).toBe(
      '${parseint(substr(sha256(join(" ", [aws_secretsmanager_secret_version.key_version.version_id])), 0, 12), 16)}',
    );
  });

  it("takes every prop", () => {
    const { json } = generated({
      length: 64,
      punctuation: true,
      keyArn: "arn:key",
      recoverable: true,
      rotation: 7,
    });
    expect(json.ephemeral.aws_secretsmanager_random_password.key_version).toEqual({
      password_length: '${timestamp() == "" ? 0 : 64}',
      exclude_punctuation: false,
      exclude_characters: "\"'`/@\\",
      require_each_included_type: true,
    });
    expect(resource(json, "aws_secretsmanager_secret", "key")).toMatchObject({
      kms_key_id: "arn:key",
      recovery_window_in_days: 30,
    });
    expect(resource(json, "aws_secretsmanager_secret_version", "key_version").secret_string_wo_version).toBe(
      "7",
    );
  });

  it("is stored as JSON and taken out of it again", () => {
    const { json, secret } = generated({
      json: { fields: { type: "HS256", "odd name": 'a"${b}' }, valueField: "key" },
    });
    expect(resource(json, "aws_secretsmanager_secret_version", "key_version").secret_string_wo).toBe(
      '${jsonencode({"type" = "HS256", "odd name" = "a\\"$${b}", "key" = ephemeral.aws_secretsmanager_random_password.key_version.random_password})}',
    );
    expect(secret.value).toBe(
      '${jsondecode(ephemeral.aws_secretsmanager_secret_version.key_version.secret_string)["key"]}',
    );
  });

  it.each([7, 4097, 20.5, Number.NaN])("cannot have %p characters", (length) => {
    expect(() => generated({ length })).toThrow("stage/key: a generated secret has 8 to 4096 characters");
  });

  it("cannot have its value given", () => {
    expect(() => generated({ json: { fields: { key: "mine" }, valueField: "key" } })).toThrow(
      'stage/key: the field "key" holds the generated value',
    );
  });

  it("is never asked of a data source or another provider, which would write it down", () => {
    const { json } = generated();
    expect(json.data).toBeUndefined();
    expect(Object.keys(json.resource as object)).toEqual([
      "aws_secretsmanager_secret",
      "aws_secretsmanager_secret_version",
    ]);
    expect(JSON.stringify(json.resource)).not.toContain('"secret_string":');
  });
});
