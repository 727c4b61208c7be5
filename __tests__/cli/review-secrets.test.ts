import type { PlanDocument, ResourceChange } from "../../cli/plan-document";
import { fingerprintOf } from "../../cli/review/fingerprint";
import { renderMarkdown } from "../../cli/review/markdown";
import { reviewOf } from "../../cli/review/review";
import { holdsSecret, withoutKnownSecrets, withoutSecrets } from "../../cli/review/secrets";
import { created, planOf, updated } from "../support/plans";

/** A container with one variable more than before. */
const containerWith = (name: string, value: string): ResourceChange =>
  updated(
    "aws_ecs_task_definition.a",
    { container_definitions: JSON.stringify([{ name: "app" }]) },
    { container_definitions: JSON.stringify([{ name: "app", environment: [{ name, value }] }]) },
  );
/** All that is told of a plan. */
const told = (document: PlanDocument): string => {
  const review = reviewOf("stage", document, { risks: [] });
  return JSON.stringify(review) + renderMarkdown(review);
};
const fingerprint = (change: ResourceChange): string => fingerprintOf(planOf([change]));

describe("plain settings", () => {
  it.each<[string, string, string]>([
    ["MAX_TOKENS", "1024", "4096"],
    ["MAX_OUTPUT_TOKENS", "1024", "4096"],
    ["max_tokens", "1024", "4096"],
    ["TOKENS_PER_MINUTE", "100", "200"],
    ["TOKEN_COUNT", "100", "200"],
    ["TOKEN_LIMIT", "100", "200"],
    ["TOKEN_LIMIT_2", "100", "200"],
    ["ACCESS_TOKEN_TTL", "100s", "200s"],
    ["ACCESS_TOKEN_TTL_SECONDS", "100", "200"],
    ["REFRESH_TOKEN_VALIDITY", "100", "200"],
    ["TOKEN_EXPIRY", "100", "200"],
    ["TOKEN_EXPIRES_IN", "100", "200"],
    ["JWT_ISSUER", "https://a.example.com", "https://b.example.com"],
    ["JWT_PUBLIC_KEY_1", "abc", "def"],
    ["SUPERTOKENS_HOST", "a.example.com", "b.example.com"],
    ["atomic-supertokens", "repo/a", "repo/b"],
    ["PasswordAuthentication", "no", "yes"],
    ["SSHD", "PasswordAuthentication=no", "PasswordAuthentication=yes"],
    ["TOKEN_ENDPOINT", "https://a.example.com", "https://b.example.com"],
    ["START", "TOKEN=`get token` run a", "TOKEN=`get token` run b"],
    ["IMAGE", "https://registry:5000/team/app@sha256:0123", "https://registry:5000/team/evil@sha256:0123"],
    ["REGISTRY", "http://registry:4873/@scope/pkg", "http://registry:4873/@evil/pkg"],
    [
      "REGISTRIES",
      "https://a.example:443,https://b.example/@x",
      "https://evil.example:443,https://b.example/@x",
    ],
    ["HOSTS", "mongodb://a:27017,b:27017/x?y=a@z", "mongodb://a:27017,evil:27017/x?y=a@z"],
    ["PAGE", "https://a.example:8443?mail=a@b.example", "https://evil.example:8443?mail=a@b.example"],
    ["DOCUMENTS", "https://a.example/x:y@z", "https://evil.example/x:y@z"],
    ["HOST", "http://[::1]:80/@x", "http://[::2]:80/@x"],
    ["CLONE", "ssh://git@github.com/x/y", "ssh://git@github.com/evil/y"],
    ["QUERY", "https://h/?max_tokens=5&token_ttl=6", "https://h/?max_tokens=7&token_ttl=6"],
    ["START", "TOKEN=$(get token) run a", "TOKEN=$(get token) run b"],
    ["MODE", "Basic authentication", "Basic authentication with more"],
    ["QUEUE", "task-definition-of-everything-here-1", "task-definition-of-everything-here-2"],
  ])("such as %s are shown, and are in the fingerprint", (name, before, after) => {
    const [one, other] = [before, after].map((value) => containerWith(name, value)) as [
      ResourceChange,
      ResourceChange,
    ];
    expect(told(planOf([one]))).not.toContain("sensitive");
    expect(fingerprint(one)).not.toBe(fingerprint(other));
  });

  it("are what a policy's conditions name", () => {
    const trust = (sub: string) =>
      created("aws_iam_role.a", {
        assume_role_policy: JSON.stringify({
          Statement: [
            {
              Effect: "Allow",
              Action: "sts:AssumeRoleWithWebIdentity",
              Condition: { StringEquals: { "token.actions.githubusercontent.com:sub": sub } },
            },
          ],
        }),
      });
    expect(told(planOf([trust("repo:a/b:ref")]))).toContain("repo:a/b:ref");
    expect(fingerprint(trust("repo:a/b:ref"))).not.toBe(fingerprint(trust("repo:*")));
  });

  it("are those of a container whose name says secret or token", () => {
    const container = (image: string) =>
      created("aws_ecs_task_definition.a", {
        container_definitions: JSON.stringify([
          { name: "supertokens", image, environment: [{ name: "DB_PASSWORD", value: "hunter2" }] },
        ]),
      });
    expect(told(planOf([container("good")]))).toContain("good");
    expect(told(planOf([container("good")]))).not.toContain("hunter2");
    expect(fingerprint(container("good"))).not.toBe(fingerprint(container("evil")));
  });

  it.each([
    [["container_definitions", "app", "portMappings", "supertokens", "protocol"]],
    [["container_definitions", "app", "dockerLabels", "landfall.secret.JwtSecret"]],
    [["volume", "secrets", "host_path"]],
    [["customer_master_key_spec"]],
    [["authorization"]],
  ])("are what is at %j", (path) => expect(holdsSecret(path)).toBe(false));

  it("are units of how long a token is good", () => {
    expect(holdsSecret(["token_validity_units", 0, "access_token"])).toBe(false);
    expect(holdsSecret(["units", 0, "access_token"])).toBe(true);
  });

  it.each([
    ["https://u:p@h1/x,https://h2/@y", "https://(sensitive)@h1/x,https://h2/@y"],
    ["postgres://u:p@h1,postgres://u:p2@h2", "postgres://(sensitive)@h1,postgres://(sensitive)@h2"],
    ["https://u:p@registry:5000/a@sha256:01", "https://(sensitive)@registry:5000/a@sha256:01"],
    ["host=h,password=abc,port=1", "host=h,(sensitive),port=1"],
    ["https://u:p@h/x?mail=a@b", "https://(sensitive)@h/x?mail=a@b"],
    ["Server=h;Password=abc;Port=1", "Server=h;(sensitive);Port=1"],
    ["https://h/x?user=u&password=p#top", "https://h/x?user=u&(sensitive)"],
    ["-H 'Authorization: Bearer abc123def456' http://h", "-H 'Authorization: Bearer (sensitive)' http://h"],
  ])("beside a secret stay: %s", (text, masked) => {
    expect(withoutKnownSecrets(text).replace(/[\w-]+=\(sensitive\)/gi, "(sensitive)")).toBe(masked);
  });
});

describe("secrets", () => {
  const canary = "hunter2one";
  const hidden: [string, string][] = [
    ...[
      "DB_PASSWORD1",
      "DB_PASSWORD_2",
      "DB_PASS_1",
      "DB_PASS2",
      "DB_PWD_RO",
      "PGPASS",
      "BASIC_AUTH",
      "BASIC_AUTH_1",
      "JWT",
      "JWT_2",
      "AUTH_HEADER",
      "AUTHORIZATION",
      "STRIPE_KEY_LIVE",
      "STRIPE_KEY_2",
      "STRIPE_KEY2",
      "ENC_KEY_BASE64",
      "access_key",
      "accessKey",
      "AccountKey",
      "MASTERKEY",
      "privatekey",
      "SLACK_TOKEN_OLD",
      "HTPASSWD",
    ].map((name): [string, string] => [name, canary]),
    ["GIT", `https://ghp_${canary}@github.com/x/y`],
    ["GIT", `https://${canary}@github.com/x/y`],
    ["SETTING", `sk_live_${canary}`],
    ["SETTING", `sk_test_${canary}`],
    ["SETTING", `rk_live_${canary}`],
    ["SETTING", `ghp_${canary}`],
    ["SETTING", `gho_${canary}`],
    ["SETTING", `ghs_${canary}`],
    ["SETTING", `github_pat_11AA_${canary}`],
    ["SETTING", `glpat-${canary}`],
    ["SETTING", `xoxb-1-${canary}`],
    ["SETTING", `use ghp_${canary}, then end`],
    ["SETTING", `sk-proj-0123456789-${canary}`],
    ["SETTING", `Bearer ${canary}`],
    ["SETTING", `eyJhbGciOiJI.eyJzdWIiOiIx.${canary}`],
    ["SETTING", `https://hooks.slack.com/services/T0/B0/${canary}`],
    ["DSN", `jdbc:postgresql://h/d?user=u&password=${canary}`],
    ["DSN", `jdbc:sqlserver://h:1433;user=u;password=${canary};encrypt=true`],
    ["DSN", `jdbc:sqlserver://h:1433;user=u;password=a@${canary};encrypt=true`],
    ["DSN", `Server=h;User Id=u;Password=${canary};`],
    ["DSN", `Server=h;Pwd=${canary}`],
    ["DSN", `AccountName=a;AccountKey=${canary}==;EndpointSuffix=b`],
    ["DSN", `https://h/x?access_token=${canary}`],
    ["DSN", `https://h/x?api_key=${canary}#y`],
    ["DSN", `host=h password='a b ${canary}' port=1`],
    ["START", `export DB_PASSWORD=${canary}; run`],
    ["START", `DB_PASSWORD="a b ${canary}" run`],
    ["START", `run --token=${canary}`],
    ["START", `----token=${canary}`],
    ["START", `run --${"long-".repeat(20)}password=${canary}`],
    ["START", `run --from=password=${canary}`],
    ["START", `COMMAND="run --password=${canary}"`],
    ["START", `DATABASE_URL=https://h/?password=${canary}`],
    ["SUPERTOKENS_API_KEY", canary],
    ["URL", `https://u:p?${canary}@h`],
    ["URL", `https://u:443,${canary}@h`],
    ["URL", `https://u:p,${canary}@h`],
    ["URL", `nats://u:p@h1,u:${canary}@h2`],
    ["URL", `https://u:12345${canary}@h`],
    ["URL", `redis://:6379/${canary}@h`],
    ["URL", `https://proxy/?to=https://u:${canary}@h/`],
  ];
  it.each(hidden)("are hidden, and are not in the fingerprint: %s=%s", (name, value) => {
    const change = containerWith(name, value);
    expect(JSON.stringify(change)).toContain(canary);
    expect(told(planOf([change]))).not.toContain(canary);
    expect(told(planOf([change]))).toContain("sensitive");
    const other = containerWith(name, value.replace(canary, "another3pw"));
    expect(fingerprint(other)).toBe(fingerprint(change));
  });

  const packed = (text: string) => Buffer.from(text).toString("base64");
  const unknown = { container_definitions: true };
  /** A container whose image is known after the apply only, by a name in quotes. */
  const configuredWith = (name: string, value: string): PlanDocument => {
    const text = JSON.stringify([{ name: "app", image: "…", environment: [{ name, value }] }]);
    const said = { constant_value: text.replace("…", '${aws_b.b["k"].url}'), references: ["aws_b.b"] };
    return planOf([created("aws_t.a", {}, { after_unknown: unknown })], {
      configured: { "aws_t.a": { container_definitions: said } },
    });
  };
  const script = (attribute: string, text: string): PlanDocument =>
    planOf([updated("aws_i.a", { [attribute]: "x\ny\n" }, { [attribute]: text })]);
  const forms: [string, (name: string, value: string) => PlanDocument][] = [
    ["YAML", (name, value) => script("user_data", `#cloud-config\nx: 1\n${name}: ${value}\n`)],
    ["lines for Windows", (name, value) => script("text", `x: 1\r\n${name} = ${value}\r\nend\r\n`)],
    ["base64", (name, value) => script("user_data_base64", packed(`a\n${name}=${value}\n`))],
    ["what is configured", configuredWith],
  ];
  it.each(forms)("are hidden in %s, and are not in the fingerprint", (_, plan) => {
    for (const [name, value] of hidden) {
      const [one, other] = [canary, "another3pw"].map((secret) => plan(name, value.replace(canary, secret)));
      expect({ name, value, told: told(one!).replaceAll(value, "").includes(canary) }).toEqual({
        name,
        value,
        told: false,
      });
      expect({ name, value, told: fingerprintOf(one!) === fingerprintOf(other!) }).toEqual({
        name,
        value,
        told: true,
      });
    }
  });

  it.each([
    ['echo \'{"password":"hunter2"}\' > x', "echo '{\"password\":(sensitive)}' > x"],
    ['{"a":1,"db_password" : "a b hunter2","b":2}', '{"a":1,"db_password" : (sensitive),"b":2}'],
    ['echo "{\\"token\\":\\"hunter2\\"}"', 'echo "{\\"token\\":(sensitive)}"'],
    ['{"pin_secret":4711}', '{"pin_secret":(sensitive)}'],
    ["password:\thunter2", "password:\t(sensitive)"],
    ["password: |\n  a\n\n  hunter2\nuser: b", "password: |\n  (sensitive)\n\n  (sensitive)\nuser: b"],
    ["- password: >-\n    hunter2\n- user: b", "- password: >-\n    (sensitive)\n- user: b"],
    [
      "- name: DB_PASSWORD\n  value: hunter2\n  more: b",
      "- name: DB_PASSWORD\n  value: (sensitive)\n  more: b",
    ],
    ['"name": "DB_PASSWORD",\n"value": "hunter2"\n', '"name": "DB_PASSWORD",\n"value": (sensitive)\n'],
  ])("are hidden in lines such as %j", (text, masked) => expect(withoutSecrets(text)).toBe(masked));

  it.each([
    '{"secrets":[{"name":"a"}],"password":null,"token":""}',
    '{"password":"$PASSWORD","token":"{{ token }}"}',
    "- name: DB_USER\n  value: a",
    "content: |\n  a: b\nuser: c",
    "curl https://a.example:/run.sh@v1",
  ])("are none in lines such as %j", (text) => expect(withoutSecrets(text)).toBe(text));

  it("are what is configured of an attribute that is marked", () => {
    const plan = (text: string, marks: object) =>
      planOf([created("aws_p.a", {}, { after_unknown: { value: true }, ...marks })], {
        configured: { "aws_p.a": { value: { constant_value: text, references: ["aws_b.b.arn"] } } },
      });
    const marks = { after_sensitive: { value: true } };
    expect(fingerprintOf(plan("pin 1", marks))).toBe(fingerprintOf(plan("pin 2", marks)));
    expect(fingerprintOf(plan("pin 1", {}))).not.toBe(fingerprintOf(plan("pin 2", {})));
  });

  it("are not names of what is known later, whichever it is", () => {
    const [one, other] = ["aws_s.a.arn", "aws_s.b.arn"].map((from) =>
      configuredWith("A_TOKEN", `\${${from}}`),
    );
    expect(told(one!)).toContain("${aws_s.a.arn}");
    expect(fingerprintOf(one!)).not.toBe(fingerprintOf(other!));
    expect(told(configuredWith("A_TOKEN", "${join(var.a, var.b)}"))).not.toContain("join");
  });

  it("are hidden where they are all digits, and known as the id of a key", () => {
    expect(withoutKnownSecrets("mongodb://u:4711@h:27017/x")).toBe("mongodb://(sensitive)@h:27017/x");
    expect(withoutKnownSecrets("AKIAIOSFODNN7EXAMPLE")).toBe("(sensitive)");
    expect(withoutKnownSecrets("ASIAIOSFODNN7EXAMPLE and more")).toBe("(sensitive) and more");
    expect(withoutKnownSecrets("SAKIAIOSFODNN7EXAMPLE")).toBe("SAKIAIOSFODNN7EXAMPLE");
  });
});

describe("of what is known only after the apply, the fingerprint", () => {
  const references = [
    "data.terraform_remote_state.shared.outputs.images.app",
    "data.terraform_remote_state.shared.outputs.images",
    "data.terraform_remote_state.shared.outputs",
    "data.terraform_remote_state.shared",
    'data.terraform_remote_state.shared.outputs.hosts["a.b"].ip',
    'data.terraform_remote_state.shared.outputs.hosts["a.b"]',
    "data.terraform_remote_state.shared.outputs.hosts",
    "data.aws_caller_identity.me.account_id",
    "data.aws_caller_identity.me",
    "data.aws_ssm_parameter.hidden.value",
    "data.aws_ssm_parameter.hidden.more.part",
    "data.aws_ssm_parameter.hidden.more",
    "var.action",
    "var.given",
    "var.hidden",
    "var.api_token",
    "var.other.part",
    "aws_b.b.arn",
    "local.x",
  ];
  const change = created("aws_a.a", { name: "a" }, { after_unknown: { policy: true } });
  const expressions = (text: string) => ({ policy: { constant_value: text, references }, name: {} });
  /** A plan in which these are other than usual. */
  const plan = (
    {
      image = "repo/app",
      unused = "x",
      ip = "192.0.2.1",
      account = "111122223333",
      arn = "role/a",
      hidden = "h",
    },
    variables: Record<string, unknown> = {},
    text = "${…}",
  ): string => {
    const document = planOf([change], { configured: { "aws_a.a": expressions(text) } });
    const { configuration } = document as unknown as { configuration: { root_module: object } };
    const data = (address: string, values: object, sensitive_values = {}) => ({
      address: `data.${address}`,
      mode: "data",
      values,
      sensitive_values,
    });
    const outputs = { images: { app: image, unused }, hosts: { "a.b": { ip } } };
    return fingerprintOf({
      ...document,
      configuration: {
        ...configuration,
        root_module: {
          ...configuration.root_module,
          variables: {
            action: { default: "s3:Get" },
            given: {},
            other: {},
            api_token: {},
            hidden: { sensitive: true },
          },
        },
      },
      variables: Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, { value }])),
      prior_state: {
        values: {
          root_module: {
            resources: [
              data("terraform_remote_state.shared", { outputs }),
              data("aws_caller_identity.me", { account_id: account, arn }),
              data(
                "aws_ssm_parameter.hidden",
                { value: hidden, more: { part: hidden } },
                { value: true, more: true },
              ),
            ],
          },
        },
      },
    } as unknown as PlanDocument);
  };

  it.each<[string, string]>([
    ["of another stack's output", plan({ image: "evil/app" })],
    ["in an output's map", plan({ ip: "192.0.2.2" })],
    ["of a data source", plan({ account: "444455556666" })],
    ["of a variable", plan({}, { given: "x" })],
    ["of a variable instead of its default", plan({}, { action: "s3:*" })],
    ["in a variable", plan({}, { other: { part: 1 } })],
  ])("sees another value %s that it refers to", (_, other) => expect(other).not.toBe(plan({})));

  it.each<[string, string]>([
    ["what it does not refer to", plan({ unused: "y" })],
    ["who has planned", plan({ arn: "role/b" })],
    ["a secret variable", plan({}, { hidden: "hunter2" })],
    ["a secret of a data source", plan({ hidden: "other" })],
    ["a variable as by default", plan({}, { action: "s3:Get" })],
    ["variables that it does not refer to", plan({}, { more: 1, other: { more: 1 } })],
  ])("does not see %s", (_, other) => expect(other).toBe(plan({})));

  it("does not see the value of a variable that is secret by its name", () =>
    expect(plan({}, { api_token: "hunter2" })).toBe(plan({}, { api_token: "another" })));

  it("has no secret of what is configured, and the rest of it", () => {
    const text = (name: string, value: string) =>
      plan({}, {}, JSON.stringify([{ name: "app", environment: [{ name, value }] }]));
    expect(text("DB_PASSWORD", "hunter2")).toBe(text("DB_PASSWORD", "another"));
    expect(text("DB_USER", "hunter2")).not.toBe(text("DB_USER", "another"));
    expect(text("URL", "https://u:hunter2@h")).toBe(text("URL", "https://u:another@h"));
  });

  it("has the references of a secret", () => {
    const made = (from: string) =>
      fingerprintOf(
        planOf([created("aws_a.a", {}, { after_unknown: { password: true } })], {
          configured: { "aws_a.a": { password: { references: [from] } } },
        }),
      );
    expect(made("random_password.a.result")).not.toBe(made("var.fixed"));
  });
});

it.each([
  ["addresses", "a://b:"],
  ["addresses with commas", "http://localhost:3000,"],
  ["logins", "a://b:c@"],
  ["one name", "a"],
  ["parts of a name", "a.b-"],
  ["names of values", "password="],
  ["values", "password='"],
  ["commas", "password=a,b"],
  ["plain values", "a="],
  ["quoted plain values", "a='b=\""],
  ["quoted values", "password='password=\""],
  ["tokens", "eyJaaaaaaaa-"],
  ["keys", "-sk-"],
  ["words before tokens", "Bearer "],
  ["headers", "Bearer aaaaaaaaaa"],
  ["slashes", "://"],
  ["JSON's names", '"password":"'],
  ["JSON's names in texts", '"password":\\"'],
  ["lines", "password: |\n  a\n"],
  ["spaces", 'a"       '],
])("texts of many %s are read in the time of their length", (_, part) => {
  const text = part.repeat(Math.ceil(300_000 / part.length));
  const start = process.cpuUsage();
  withoutSecrets(text);
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6).toBeLessThan(3);
});
