import { execa, execaSync } from "execa";
import { LocalBackend, TerraformOutput } from "cdktf";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { LoadBalancer, type RouteProps } from "../../modules/load-balancer";
import { emulatorEnvironment, startEmulator, stopEmulator } from "../../sandbox/emulator";
import { answerTo, type ListenerRule } from "../support/listener-rules";
import { ModuleStack } from "../support/module-stack";
import { temporaryFolder } from "../support/folders";
import { call, expectExit, type Ran } from "./support/project";

jest.setTimeout(10 * 60_000);

const region = "us-east-1";
const binary =
  ["terraform", "tofu"].find((name) => !execaSync(name, ["version"], { reject: false }).failed) ??
  "terraform";

/** Paths of services, the least number first. */
const services: Readonly<Record<string, readonly string[]>> = {
  auth: ["/v1/auth", "/v1/auth/*"],
  graphql: ["/v1/graphql", "/v1/graphql/*", "/v1/query", "/v2/query", "/console", "/console/*"], // two rules
  functions: ["/v1/functions", "/v1/functions/*"],
  all: ["/v1/*"],
  app: ["/app", "/app/*"],
};
const routes = (port: number): RouteProps[] =>
  Object.entries(services).map(([name, paths], index) => ({
    name,
    paths,
    priority: (index + 1) * 10,
    target: { name: `given-${name}`, port, healthPath: "/health", targetType: "ip", stickinessSeconds: 600 },
  }));

interface Wanted {
  /** Whether the certificate by hand is said to be issued. */
  readonly issued: boolean;
  /** Port of the routes' targets; another one replaces their groups. */
  readonly port: number;
}

interface Certificate {
  readonly Status: string;
  readonly DomainValidationOptions: readonly { readonly ResourceRecord: DnsRecord }[];
}
interface DnsRecord {
  readonly Name: string;
  readonly Type: string;
  readonly Value: string;
}

describe("load balancers", () => {
  const folder = temporaryFolder();
  const outdir = join(folder, "cdktf.out");
  let endpoint: string;
  let environment: NodeJS.ProcessEnv;
  let vpcId: string;
  let subnetIds: string[];
  let given: string;
  let zone: string;

  /** Asks a service that speaks AWS's query protocol, for JSON. */
  async function query<T>(
    service: string,
    Action: string,
    parameters: Record<string, string> = {},
  ): Promise<T> {
    const versions: Record<string, string> = { elasticloadbalancing: "2015-12-01" };
    const body = new URLSearchParams({
      Action,
      Version: versions[service] ?? "",
      ContentType: "JSON",
      ...parameters,
    });
    const answer = JSON.parse(await call(endpoint, service, { body })) as Record<string, Record<string, T>>;
    return answer[`${Action}Response`]?.[`${Action}Result`] as T;
  }
  const ask = async <T>(service: string, target: string, body: object): Promise<T> =>
    JSON.parse((await call(endpoint, service, { target, body: JSON.stringify(body) })) || "{}") as T;
  const certificate = async (arn: string) =>
    (
      await ask<{ Certificate: Certificate }>("acm", "CertificateManager.DescribeCertificate", {
        CertificateArn: arn,
      })
    ).Certificate;

  /** Makes a record where the domain's DNS is. */
  const record = ({ Name, Type, Value }: DnsRecord) =>
    call(endpoint, "route53", {
      path: `/2013-04-01${zone}/rrset/`,
      body:
        '<ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes>' +
        `<Change><Action>UPSERT</Action><ResourceRecordSet><Name>${Name}</Name><Type>${Type}</Type><TTL>300</TTL>` +
        `<ResourceRecords><ResourceRecord><Value>${Value}</Value></ResourceRecord></ResourceRecords>` +
        "</ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
    });

  function write({ issued, port }: Wanted): void {
    const stack = new ModuleStack(outdir);
    new LocalBackend(stack, { path: join(folder, "terraform.tfstate") });
    const common = {
      partition: "aws",
      region,
      accountIds: ["123456789012"],
      vpcId,
      subnetIds,
      dualStack: true,
      deletionProtection: false,
    };
    const withRoutes = new LoadBalancer(stack, "given", {
      ...common,
      name: "given",
      domain: "given.example.com",
      certificateArn: given,
      logBucket: "test-given-alb-logs",
      connectionLogs: true,
      idleTimeout: 120,
      defaultPath: "/app",
      waf: true,
    });
    for (const route of routes(port)) withRoutes.route(route);
    const inZone = new LoadBalancer(stack, "zone", {
      ...common,
      name: "zone",
      domain: "zone.example.com",
      hostedZone: "example.com",
      logBucket: "test-zone-alb-logs",
      waf: { webAclArn: withRoutes.webAcl?.arn ?? "" },
    });
    inZone.serve({ name: "zone", port: 3030, healthPath: "/api/health" });
    const byHand = new LoadBalancer(stack, "hand", {
      ...common,
      name: "hand",
      domain: "hand.example.com",
      certificateIssued: issued,
      logBucket: "test-hand-alb-logs",
    });
    byHand.route({
      name: "app",
      paths: ["/app"],
      priority: 1,
      target: { name: "hand-app", port: 3000, healthPath: "/health", targetType: "ip" },
    });
    new TerraformOutput(stack, "records", { value: byHand.certificateRecords });
    new TerraformOutput(stack, "dns", { value: byHand.dnsName });
    const app = stack.node.root as unknown as { synth(): void };
    app.synth();
  }

  const terraform = (...args: string[]): Promise<Ran> =>
    execa(binary, args, {
      cwd: join(outdir, "stacks", "test"),
      env: environment,
      extendEnv: false,
      reject: false,
      all: true,
    }) as unknown as Promise<Ran>;
  // Most of the time goes by in the provider's waiting, which costs nothing
  const apply = (...args: string[]) =>
    terraform("apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=30", ...args);
  const plan = (...args: string[]) =>
    terraform("plan", "-detailed-exitcode", "-input=false", "-no-color", ...args);
  const output = async <T>(name: string): Promise<T> =>
    JSON.parse(String((await terraform("output", "-json", name)).stdout)) as T;

  const balancers = async () =>
    (
      await query<{ LoadBalancers: { LoadBalancerArn: string; LoadBalancerName: string }[] }>(
        "elasticloadbalancing",
        "DescribeLoadBalancers",
      )
    ).LoadBalancers;
  /** Rules by port of a load balancer's listeners. */
  async function rulesOf(name: string): Promise<Record<string, ListenerRule[]>> {
    const arn = (await balancers()).find(
      ({ LoadBalancerName }) => LoadBalancerName === name,
    )?.LoadBalancerArn;
    const { Listeners } = await query<{ Listeners: { ListenerArn: string; Port: number }[] }>(
      "elasticloadbalancing",
      "DescribeListeners",
      { LoadBalancerArn: arn ?? "" },
    );
    const found: Record<string, ListenerRule[]> = {};
    for (const { ListenerArn, Port } of Listeners)
      found[Port] = (
        await query<{ Rules: ListenerRule[] }>("elasticloadbalancing", "DescribeRules", { ListenerArn })
      ).Rules;
    return found;
  }

  beforeAll(async () => {
    ({ endpoint } = await startEmulator({ stateFolder: join(folder, "state") }));
    const { PATH, TF_CLI_CONFIG_FILE, TF_PLUGIN_CACHE_DIR } = process.env;
    environment = emulatorEnvironment(
      endpoint,
      { PATH, HOME: folder, TF_CLI_CONFIG_FILE, TF_PLUGIN_CACHE_DIR, CHECKPOINT_DISABLE: "1" },
      region,
    );
    const xml = await call(endpoint, "ec2", {
      body: new URLSearchParams({ Version: "2016-11-15", Action: "DescribeSubnets" }),
    });
    vpcId = /<vpcId>([^<]+)</.exec(xml)?.[1] ?? "";
    subnetIds = [...xml.matchAll(/<subnetId>([^<]+)</g)].map(([, id]) => id ?? "").slice(0, 2);
    const made = await call(endpoint, "route53", {
      path: "/2013-04-01/hostedzone",
      body: '<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Name>example.com</Name><CallerReference>test</CallerReference></CreateHostedZoneRequest>',
    });
    zone = /<Id>([^<]+)</.exec(made)?.[1] ?? "";
    ({ CertificateArn: given } = await ask<{ CertificateArn: string }>(
      "acm",
      "CertificateManager.RequestCertificate",
      { DomainName: "given.example.com", ValidationMethod: "DNS" },
    ));
    for (const { ResourceRecord } of (await certificate(given)).DomainValidationOptions)
      await record(ResourceRecord);
    expect((await certificate(given)).Status).toBe("ISSUED");
  });
  afterAll(async () => {
    await stopEmulator({ stateFolder: join(folder, "state") });
    rmSync(folder, { recursive: true, force: true });
  });

  test("are applied with each kind of certificate, and the next plan is clean", async () => {
    write({ issued: false, port: 3000 });
    expectExit(await terraform("init", "-input=false"), 0);
    expectExit(await apply(), 0);
    expectExit(await plan(), 0);
  });

  test("send each path to its own target group, and nothing else there", async () => {
    const { 80: http = [], 443: https = [] } = await rulesOf("given");
    for (const path of ["/", "/app", "/v1/auth/signin"]) expect(answerTo(http, path)).toBe("redirect HTTPS");
    const answers: Readonly<Record<string, readonly string[]>> = {
      "forward given-auth": ["/v1/auth", "/v1/auth/", "/v1/auth/signin/otp"],
      "forward given-graphql": [
        "/v1/graphql",
        "/v1/graphql/explain",
        "/v1/query",
        "/v2/query",
        "/console/data",
      ],
      "forward given-functions": ["/v1/functions", "/v1/functions/one"],
      "forward given-all": ["/v1/authority", "/v1/graphqls", "/v1/", "/v1/Functions"],
      "forward given-app": ["/app", "/app/", "/app/auth"],
      "redirect /app": ["/", "/v1", "/apple", "/v2/query/", "/v1auth", "/V1/auth"],
    };
    for (const [answer, paths] of Object.entries(answers))
      for (const path of paths) expect([path, answerTo(https, path)]).toEqual([path, answer]);
    const groups = https.map(({ Actions }) => Actions[0]?.TargetGroupArn).filter(Boolean);
    expect(groups).toHaveLength(6);
    expect(new Set(groups).size).toBe(5);
  });

  test("have no HTTPS while the certificate made by hand is pending, and say which records it needs", async () => {
    const { 80: http = [], ...others } = await rulesOf("hand");
    expect(others).toEqual({});
    expect(answerTo(http, "/app")).toBe("fixed-response 503");
    expect(await output("records")).toEqual([
      { name: expect.stringMatching(/\.hand\.example\.com\.$/), type: "CNAME", value: expect.any(String) },
    ]);
    expect(await output("dns")).toMatch(/^hand-.*\.elb\.amazonaws\.com$/);
  });

  test("are planned no further where a certificate is said to be issued that is not", async () => {
    write({ issued: true, port: 3000 });
    const { exitCode, all } = await plan("-refresh=false");
    expect(exitCode).toBe(1);
    const said = all.replace(/[│\s]+/g, " ");
    expect(said).toContain(
      "The certificate for hand.example.com is not issued: ACM says PENDING_VALIDATION.",
    );
    expect((await rulesOf("hand"))["80"]).toHaveLength(1);
  });

  test("have HTTPS once it is issued, and a port that changes replaces target groups under their names", async () => {
    const [made] = await output<{ name: string; type: string; value: string }[]>("records");
    await record({ Name: made?.name ?? "", Type: made?.type ?? "", Value: made?.value ?? "" });
    write({ issued: true, port: 3001 });
    expectExit(await apply(), 0);
    expectExit(await plan(), 0);
    const { 80: http = [], 443: https = [] } = await rulesOf("hand");
    expect(answerTo(http, "/app")).toBe("redirect HTTPS");
    expect([answerTo(https, "/app"), answerTo(https, "/")]).toEqual([
      "forward hand-app",
      "fixed-response 404",
    ]);
    expect(answerTo((await rulesOf("given"))["443"] ?? [], "/v1/auth")).toBe("forward given-auth");
    const { TargetGroups } = await query<{ TargetGroups: { TargetGroupName: string; Port: number }[] }>(
      "elasticloadbalancing",
      "DescribeTargetGroups",
    );
    expect(TargetGroups.filter(({ Port }) => Port === 3001)).toHaveLength(5);
  });

  test("stand behind the firewall, whose log holds no secret headers", async () => {
    const [acl] = (
      await ask<{ WebACLs: { ARN: string }[] }>("wafv2", "AWSWAF_20190729.ListWebACLs", { Scope: "REGIONAL" })
    ).WebACLs;
    for (const { LoadBalancerArn, LoadBalancerName } of await balancers()) {
      const { WebACL } = await ask<{ WebACL: { ARN: string } | null }>(
        "wafv2",
        "AWSWAF_20190729.GetWebACLForResource",
        { ResourceArn: LoadBalancerArn },
      );
      expect([LoadBalancerName, WebACL?.ARN]).toEqual([
        LoadBalancerName,
        LoadBalancerName === "hand" ? undefined : acl?.ARN,
      ]);
    }
    const { LoggingConfiguration: logging } = await ask<{
      LoggingConfiguration: { LogDestinationConfigs: string[]; RedactedFields: object[] };
    }>("wafv2", "AWSWAF_20190729.GetLoggingConfiguration", { ResourceArn: acl?.ARN });
    expect(logging.LogDestinationConfigs[0]).toMatch(/:log-group:aws-waf-logs-given$/);
    expect(JSON.stringify(logging.RedactedFields).toLowerCase()).toMatch(
      /authorization.*cookie|cookie.*authorization/,
    );
  });

  test("are destroyed without a trace, the given certificate aside", async () => {
    expectExit(await apply("-destroy", "-refresh=false"), 0);
    expect(await balancers()).toEqual([]);
    const { TargetGroups } = await query<{ TargetGroups: object[] }>(
      "elasticloadbalancing",
      "DescribeTargetGroups",
    );
    expect(TargetGroups).toEqual([]);
    expect(await ask("wafv2", "AWSWAF_20190729.ListWebACLs", { Scope: "REGIONAL" })).toMatchObject({
      WebACLs: [],
    });
    expect(await ask("logs", "Logs_20140328.DescribeLogGroups", {})).toMatchObject({ logGroups: [] });
    expect(await ask("acm", "CertificateManager.ListCertificates", {})).toMatchObject({
      CertificateSummaryList: [{ CertificateArn: given }],
    });
    expect(await call(endpoint, "s3", {})).not.toContain("<Bucket>");
    expect(String((await terraform("state", "list")).stdout)).toBe("");
  });
});
