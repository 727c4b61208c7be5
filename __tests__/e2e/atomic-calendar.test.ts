import { execaSync } from "execa";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { serviceNames, services } from "../../workloads/atomic-calendar/services";
import { startEmulator } from "../../sandbox/emulator";
import type { ApplyClock } from "../support/critical-path";
import { answerTo, targetGroupName, type ListenerRule } from "../support/listener-rules";
import { envText } from "../support/stacks";
import { call, ec2, expectExit, Project, type Ran } from "./support/project";
import { pulledState, tellChain, timedSandboxUp } from "./support/timing";
import { unzipped } from "./support/unzip";

jest.setTimeout(15 * 60_000);

const binary =
  ["terraform", "tofu"].find((name) => !execaSync(name, ["version"], { reject: false }).failed) ??
  "terraform";
const account = "123456789012";
const prefix = "sandbox-atomic-calendar";
const digest = (character: string) => `sha256:${character.repeat(64)}`;
const imageInput = (name: string) => `TF_VAR_atomic_calendar_${name.replaceAll("-", "_")}_image`;

type Json = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- AWS's answers

/** Text of the first element of that name. */
const field = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];

/** What a plan does, but for reading. */
function changes(ran: Ran): string[] {
  const { resource_changes: all = [] } = JSON.parse(String(ran.stdout)) as {
    resource_changes?: { address: string; mode: string; change: { actions: string[] } }[];
  };
  return all
    .filter(({ mode, change }) => mode === "managed" && !["no-op", "read"].includes(change.actions.join()))
    .map(({ address, change }) => `${address}: ${change.actions.join()}`)
    .sort();
}

describe(`Atomic Calendar, deployed by ${binary}`, () => {
  let project: Project;
  let endpoint: string;
  let clock: ApplyClock;
  /** Every value that was ever a secret. */
  const secretValues = new Set<string>();
  /** Revisions of task definitions by service, after each apply. */
  let revisions: Record<string, number> = {};

  const json = async (service: string, target: string, body: object): Promise<Json> =>
    JSON.parse((await call(endpoint, service, { target, body: JSON.stringify(body) })) || "{}") as Json;
  const ecs = (operation: string, body: object) =>
    json("ecs", `AmazonEC2ContainerServiceV20141113.${operation}`, body);
  async function balancing<T>(Action: string, parameters: Record<string, string>): Promise<T> {
    const body = new URLSearchParams({ Action, Version: "2015-12-01", ContentType: "JSON", ...parameters });
    const answer = JSON.parse(await call(endpoint, "elasticloadbalancing", { body })) as Json;
    return answer[`${Action}Response`][`${Action}Result`] as T;
  }
  const plan = (...args: string[]) => project.landfall("plan", "sandbox", ...args);
  const unchanged = async () => expectExit(await plan("--detailed-exitcode"), 0);
  async function stored(name: string): Promise<string> {
    const { SecretString } = await json("secretsmanager", "secretsmanager.GetSecretValue", {
      SecretId: `${prefix}/${name}`,
    });
    return SecretString as string;
  }

  /** Services as ECS has them, by name without prefix. */
  async function deployed(): Promise<Record<string, Json>> {
    const { services: found } = await ecs("DescribeServices", {
      cluster: `${prefix}-cluster`,
      services: serviceNames.map((name) => `${prefix}-${name}`),
    });
    return Object.fromEntries(
      (found as Json[]).map((service) => [(service.serviceName as string).slice(prefix.length + 1), service]),
    );
  }
  const revisionsNow = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      Object.entries(await deployed()).map(([name, { taskDefinition }]) => [
        name,
        Number(String(taskDefinition).split(":").at(-1)),
      ]),
    );

  const state = () => pulledState(project, binary);
  /** ARNs of what is tagged with the environment. */
  async function tagged(): Promise<string[]> {
    const found: string[] = [];
    let PaginationToken = "";
    do {
      const page = await json("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", {
        TagFilters: [{ Key: "Environment", Values: ["sandbox"] }],
        PaginationToken,
      });
      found.push(...(page.ResourceTagMappingList as Json[]).map(({ ResourceARN }) => ResourceARN as string));
      PaginationToken = (page.PaginationToken ?? "") as string;
    } while (PaginationToken !== "");
    return found;
  }

  beforeAll(async () => {
    project = await Project.create(binary);
    project.write(
      "environments/sandbox.env",
      envText({
        TF_VAR_deptype: "sandbox",
        TF_VAR_systems: "atomic-calendar",
        TF_VAR_atomic_calendar_domain: "app.example.com",
        TF_VAR_atomic_calendar_hosted_zone: "example.com",
        ...Object.fromEntries(
          [...serviceNames, "xray-daemon"].map((name) => [imageInput(name), digest("1")]),
        ),
      }),
    );
    project.write(
      "environments/sandbox.shared.env",
      envText({
        TF_VAR_name_prefix: "sandbox",
        TF_VAR_region: "us-east-1",
        TF_VAR_allowed_account_ids: account,
        TF_VAR_nat_gateways: "single",
        TF_VAR_image_repositories: "atomic-calendar",
      }),
    );
    ({ endpoint } = await startEmulator({ stateFolder: project.path(".landfall", "sandbox") }));
    await call(endpoint, "route53", {
      path: "/2013-04-01/hostedzone",
      body: '<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Name>example.com</Name><CallerReference>test</CallerReference></CreateHostedZoneRequest>',
    });
  });
  afterAll(() => project?.remove());

  it("is applied, and planned without a change then", async () => {
    clock = await timedSandboxUp(project);
    await unchanged();
    revisions = await revisionsNow();
  });

  it("waits for little but what its resources need", async () => {
    expect(tellChain(clock, await state())).toBeLessThanOrEqual(1.3);
  });

  it("sends each documented path to its own service, and nothing else there", async () => {
    const { LoadBalancers } = await balancing<{ LoadBalancers: Json[] }>("DescribeLoadBalancers", {});
    const { Listeners } = await balancing<{ Listeners: Json[] }>("DescribeListeners", {
      LoadBalancerArn: LoadBalancers[0]?.LoadBalancerArn as string,
    });
    const rulesAt = async (port: number) => {
      const { ListenerArn } = Listeners.find(({ Port }) => Port === port) ?? {};
      return (await balancing<{ Rules: ListenerRule[] }>("DescribeRules", { ListenerArn })).Rules;
    };
    const documented: Readonly<Record<string, string>> = {
      "/v1/auth": "supertokens",
      "/v1/graphql": "hasura",
      "/v1/functions": "functions",
      "/app": "app",
      "/v1/handshake": "handshake",
      "/v1/oauth": "oauth",
      "/v1/optaplanner": "optaplanner",
    };
    const [http, https] = [await rulesAt(80), await rulesAt(443)];
    expect(
      [...new Set(https.flatMap(({ Actions }) => Actions[0]?.TargetGroupArn ?? []))]
        .map(targetGroupName)
        .sort(),
    ).toEqual(
      Object.values(documented)
        .map((name) => `sandbox-atomic-${name}`)
        .sort(),
    );
    for (const [path, name] of Object.entries(documented)) {
      for (const asked of [path, `${path}/`, `${path}/a/b.json`])
        expect([asked, answerTo(https, asked)]).toEqual([asked, `forward sandbox-atomic-${name}`]);
      for (const asked of [`${path}x`, path.toUpperCase(), `/x${path}`, path.slice(0, -1)])
        expect([asked, answerTo(https, asked)]).toEqual([asked, "redirect /app"]);
      expect(answerTo(http, path)).toBe("redirect HTTPS");
    }
  });

  it("lets nobody through but along the edges of the table", async () => {
    const tags = await ec2(endpoint, {
      Action: "DescribeTags",
      "Filter.1.Name": "resource-type",
      "Filter.1.Value.1": "security-group",
    });
    const tagged = (key: string) =>
      new Map(
        tags
          .split("<item>")
          .filter((item) => field(item, "key") === key)
          .map((item) => [field(item, "resourceId"), field(item, "value")]),
      );
    const [names, systems] = [tagged("Name"), tagged("System")];
    const nameOf = (id: string | undefined) =>
      id && (names.get(id)?.replace("sandbox-atomic-calendar-", "") ?? id);
    const rules = await ec2(endpoint, { Action: "DescribeSecurityGroupRules" });
    const found = rules
      .split("<securityGroupRuleId>")
      .filter((rule) => systems.get(field(rule, "groupId")) === "atomic-calendar")
      .map((rule) => {
        const peer = nameOf(/<referencedGroupInfo>\s*<groupId>([^<]+)</.exec(rule)?.[1]);
        const network = field(rule, "cidrIpv4") ?? field(rule, "cidrIpv6");
        const ports = new Set([field(rule, "fromPort"), field(rule, "toPort")]);
        const does = field(rule, "isEgress") === "true" ? "may reach" : "lets in";
        const where = `${field(rule, "ipProtocol")} ${[...ports].join("-")}`;
        return `${nameOf(field(rule, "groupId"))} ${does} ${peer ?? network} at ${where}`;
      });

    const wanted: string[] = [];
    const edge = (from: string, to: string, port: number) =>
      wanted.push(`${from} may reach ${to} at tcp ${port}`, `${to} lets in ${from} at tcp ${port}`);
    for (const cidr of ["0.0.0.0/0", "::/0"]) {
      for (const port of [80, 443]) wanted.push(`alb lets in ${cidr} at tcp ${port}`);
      for (const name of serviceNames) wanted.push(`${name} may reach ${cidr} at tcp 443`);
    }
    for (const name of serviceNames) {
      const { route, port, calls, database, files } = services[name];
      if (route) edge("alb", name, port);
      for (const called of calls) edge(name, called, services[called].port);
      if (database) edge(name, "database", 5432);
      if (files !== undefined) edge(name, "efs", 2049);
    }
    expect(found.sort()).toEqual(wanted.sort());
  });

  it("runs each service as its row of the table says", async () => {
    const found = await deployed();
    expect(Object.keys(found).sort()).toEqual([...serviceNames].sort());
    const { Services } = await json("servicediscovery", "Route53AutoNaming_v20170314.ListServices", {});
    for (const name of serviceNames) {
      const { route, port, spot, tasks } = services[name];
      const service = found[name] ?? {};
      expect(service).toMatchObject({ status: "ACTIVE", desiredCount: tasks.min });
      expect(
        service.loadBalancers.map((one: Json) => ({
          ...one,
          targetGroupArn: targetGroupName(one.targetGroupArn),
        })),
      ).toEqual(
        route ? [{ targetGroupArn: `sandbox-atomic-${name}`, containerName: name, containerPort: port }] : [],
      );
      expect(
        service.capacityProviderStrategy.map((one: Json) => [one.capacityProvider, one.base ?? 0]).sort(),
      ).toEqual(
        spot
          ? [
              ["FARGATE", 1],
              ["FARGATE_SPOT", 0],
            ]
          : [["FARGATE", 0]],
      );
      expect(service.launchType).toBeUndefined();
      const registry = (Services as Json[]).find(({ Name }) => Name === name);
      expect(service.serviceRegistries).toEqual([{ registryArn: registry?.Arn as string }]);
    }
    const { ScalableTargets } = await json(
      "application-autoscaling",
      "AnyScaleFrontendService.DescribeScalableTargets",
      {
        ServiceNamespace: "ecs",
      },
    );
    expect(
      (ScalableTargets as Json[])
        .map(({ ResourceId, MinCapacity, MaxCapacity }) => [ResourceId, MinCapacity, MaxCapacity])
        .sort(),
    ).toEqual(["app", "functions"].map((name) => [`service/${prefix}-cluster/${prefix}-${name}`, 1, 4]));
  });

  /** Reads all secrets, remembers them, and expects the strings to have the database's password. */
  async function expectAgreement(): Promise<string> {
    const { username, password } = JSON.parse(await stored("DbSecret")) as Record<
      "username" | "password",
      string
    >;
    secretValues.add(password);
    secretValues.add((JSON.parse(await stored("HasuraJwtSecret")) as { key: string }).key);
    for (const name of ["HasuraAdminSecret", "SupertokensApiKey"]) secretValues.add(await stored(name));
    const schemes = { HasuraDbConnString: "postgres:", SupertokensDbConnString: "postgresql:" };
    for (const [name, protocol] of Object.entries(schemes)) {
      const url = new URL(await stored(name));
      expect([url.protocol, url.username, url.pathname, url.port]).toEqual([
        protocol,
        username,
        "/atomicdb",
        "5432",
      ]);
      expect(decodeURIComponent(url.password)).toBe(password);
      expect(url.searchParams.get("sslmode")).toBe("require");
    }
    const jdbc = await stored("OptaplannerDbConnString");
    expect(jdbc).toMatch(/^jdbc:postgresql:\/\/[^/]+:5432\/atomicdb\?/);
    const { searchParams } = new URL(jdbc.replace(/^jdbc:/, ""));
    expect([searchParams.get("user"), searchParams.get("password")]).toEqual([username, password]);
    return password;
  }

  it("has connection strings with the password that the database has", async () => {
    await expectAgreement();
  });

  it("changes one task definition and its service for another image", async () => {
    project.set("sandbox.env", { [imageInput("oauth")]: digest("2") });
    const planned = await plan("--json", "--", "-refresh=false"); // as the last plan has looked
    expectExit(planned, 0);
    expect(changes(planned)).toEqual([
      "aws_ecs_service.atomic-calendar_oauth: update",
      "aws_ecs_task_definition.atomic-calendar_oauth_task: delete,create",
    ]);
  });

  it("rotates the password in one apply, and starts those anew that use it and nobody else", async () => {
    const before = await expectAgreement();
    project.set("sandbox.env", { TF_VAR_atomic_calendar_password_version: "2" });
    expectExit(await project.landfall("apply", "sandbox", "--yes"), 0);
    expect(await expectAgreement()).not.toBe(before);
    const now = await revisionsNow();
    const changed = ["hasura", "oauth", "optaplanner", "supertokens"]; // oauth for its image
    expect(now).toEqual(
      Object.fromEntries(
        Object.entries(revisions).map(([name, revision]) => [
          name,
          revision + (changed.includes(name) ? 1 : 0),
        ]),
      ),
    );
    expectExit(await plan("--json", "--detailed-exitcode"), 0);
  });

  it("leaves no secret in the JSON, the plans, the state or what was printed", async () => {
    await state();
    const stack = project.path("cdktf.out", "stacks", "sandbox");
    const files = readdirSync(stack, { withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(["cdk.tf.json", "landfall.tfplan"]));
    const places = [
      project.printed,
      project.read(".landfall", "sandbox", "emulator.log"),
      ...files.map(({ name }) =>
        name.endsWith(".tfplan") ? unzipped(join(stack, name)) : readFileSync(join(stack, name), "utf8"),
      ),
    ];
    expect(project.printed).toContain('"resource_changes"');
    expect(project.printed).toContain('"serial"');
    expect(secretValues.size).toBe(5); // one of them twice
    for (const value of secretValues)
      for (const place of places)
        for (const form of [value, encodeURIComponent(value), Buffer.from(value).toString("base64")])
          expect(place.includes(form)).toBe(false);
  });

  it("refuses to lose a database that is kept, by replacing it, with its system or at the end, before anything is done", async () => {
    const database = "aws_db_instance.atomic-calendar_database";
    const kept = {
      TF_VAR_deletion_protection: "true",
      TF_VAR_systems: "atomic-calendar",
      TF_VAR_atomic_calendar_database: "postgres",
    };
    const resources = async () => (JSON.parse(await state()) as Json).resources as Json[];
    const before = await resources();
    for (const lost of [{ TF_VAR_atomic_calendar_database: "aurora" }, { TF_VAR_systems: "macro-ai" }]) {
      project.set("sandbox.env", { ...kept, ...lost });
      const ran = await project.landfall("apply", "sandbox", "--yes");
      expectExit(ran, 1);
      expect(String(ran.stderr)).toContain("loses data that sandbox keeps; nothing was applied");
      expect(String(ran.stderr)).toContain(`${database} would be destroyed: the database would be lost.`);
    }
    project.set("sandbox.env", kept);
    for (const run of [
      ["apply", "sandbox", "--yes", "--", `-replace=${database}`],
      ["destroy", "sandbox", "--yes"],
    ]) {
      const ran = await project.landfall(...run);
      expectExit(ran, 1);
      expect(String(ran.stderr)).toContain(`${database} has lifecycle.prevent_destroy set`);
    }
    expect(await resources()).toEqual(before);
    project.set("sandbox.env", { TF_VAR_deletion_protection: "" });
  });

  it("leaves nothing behind when it is destroyed", async () => {
    expect((await tagged()).length).toBeGreaterThan(50);
    expectExit(await project.landfall("destroy", "sandbox", "--yes"), 0);
    const rest = (await tagged()).filter((arn) => !arn.includes(":task-definition/")); // ECS keeps them, without cost
    const { clusters } = await ecs("DescribeClusters", { clusters: [`${prefix}-cluster`] });
    expect(clusters).toMatchObject([{ status: "INACTIVE", activeServicesCount: 0, runningTasksCount: 0 }]);
    const [key, ...more] = rest.filter((arn) => !arn.startsWith(`arn:aws:ecs:us-east-1:${account}:`));
    expect(key).toContain(":key/"); // of the alarm topic: KMS waits a week at least
    const { KeyMetadata } = await json("kms", "TrentService.DescribeKey", { KeyId: key });
    expect(KeyMetadata).toMatchObject({ KeyState: "PendingDeletion" });
    expect(more).toEqual([]);
    // What has no tags, or forgets them
    const lists: [service: string, target: string][] = [
      ["logs", "Logs_20140328.DescribeLogGroups"],
      ["servicediscovery", "Route53AutoNaming_v20170314.ListNamespaces"],
      ["secretsmanager", "secretsmanager.ListSecrets"],
      ["ssm", "AmazonSSM.DescribeParameters"],
      ["events", "AWSEvents.ListRules"],
      ["monitoring", "GraniteServiceVersion20100801.ListDashboards"],
      ["monitoring", "GraniteServiceVersion20100801.DescribeAlarms"],
    ];
    for (const [service, target] of lists)
      expect([target, JSON.stringify(await json(service, target, {}))]).toEqual([
        target,
        expect.not.stringContaining(prefix),
      ]);
    expect(await call(endpoint, "s3", {})).not.toContain(prefix);
    const zones = await call(endpoint, "route53", { path: "/2013-04-01/hostedzone" });
    expect([...zones.matchAll(/<Name>([^<]+)</g)].map(([, name]) => name)).toEqual(["example.com."]);
    expect(field(zones, "ResourceRecordSetCount")).toBe("2"); // its own
  });
});
