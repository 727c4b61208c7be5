import { readFileSync } from "node:fs";
import { join } from "node:path";
import { countedElsewhere, freeTypes, pricers } from "../../cli/cost/catalogue";
import { estimate, type Estimate } from "../../cli/cost/estimate";
import { Template, type TerraformJson } from "../../cli/cost/template";
import { Usage } from "../../cli/cost/usage";
import { imageInput } from "../../environments/catalogue/atomic-calendar";
import { projectRoot } from "../../environments/root";
import { serviceNames } from "../../workloads/atomic-calendar/services";
import { sharedEnv, synthesizeFiles } from "../support/stacks";

const digest = `sha256:${"0".repeat(64)}`;

/** What an environment has once its images are pushed; all else is as it comes. */
const least = {
  TF_VAR_systems: "atomic-calendar",
  TF_VAR_alarm_emails: "ops@example.com",
  TF_VAR_atomic_calendar_domain: "app.example.com",
  TF_VAR_atomic_calendar_hosted_zone: "example.com",
  TF_VAR_atomic_calendar_xray_daemon_image: digest,
  ...Object.fromEntries(serviceNames.map((name) => [`TF_VAR_${imageInput(name)}`, digest])),
};
const shared = {
  ...sharedEnv,
  TF_VAR_addresses: "",
  TF_VAR_image_repositories: "atomic-calendar",
  TF_VAR_nat_gateways: "single",
};

const setting = (name: string, value: string) => ({ [`TF_VAR_atomic_calendar_${name}`]: value });
const staging = { TF_VAR_stage_class: "staging" };

/** Stage with one input changed, by the name of its environment. */
const variants: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  single: setting("database_multi_az", "false"),
  nobase: setting("on_demand_base", "0"),
  nospot: setting("spot", "false"),
  arm: setting("architecture", "ARM64"),
  aurora: setting("database", "aurora"),
  firewall: setting("web_acl", "new"),
  kafka: setting("msk", "serverless"),
  brokers: setting("msk", "brokers"),
  notraces: setting("tracing", "false"),
  byhand: { TF_VAR_atomic_calendar_hosted_zone: "" },
  insights: setting("container_insights", "true"),
};

const synthesis = synthesizeFiles({
  "shared.env": shared,
  "stage.env": { TF_VAR_deptype: "stage", ...least },
  "prod.env": { TF_VAR_deptype: "prod", ...least },
  ...Object.fromEntries(
    Object.entries(variants).map(([name, inputs]) => [
      `${name}.env`,
      { TF_VAR_deptype: name, ...least, ...staging, ...inputs },
    ]),
  ),
});
const stacks = ["stage", "prod", "shared", ...Object.keys(variants)];
const jsonOf = (stack: string) => synthesis.json(stack) as TerraformJson;
const estimateOf = (stack: string, usage: readonly string[] = []): Estimate =>
  estimate(new Template(jsonOf(stack)), Usage.parse([...usage]));
const totalOf = (stack: string, usage: readonly string[] = []): number => estimateOf(stack, usage).total;

const perZone = synthesizeFiles(
  { "shared.env": { ...shared, TF_VAR_nat_gateways: "per_az" } },
  { only: ["shared"] },
).json("shared") as TerraformJson;

const linesOf = (found: Estimate, address: RegExp): Record<string, number> =>
  Object.fromEntries(
    found.lines
      .filter((line) => address.test(line.address))
      .map(({ what, monthly }) => [what, Number(monthly.toFixed(4))]),
  );

it("synthesizes every variant", () => {
  expect(synthesis.broken.flatMap(({ problems }) => problems)).toEqual([]);
});

describe("resource types of Atomic Calendar", () => {
  const known = [...Object.keys(pricers), ...freeTypes, ...Object.keys(countedElsewhere)];

  it.each(stacks)("in %s are all priced, or known to be free or counted elsewhere", (stack) => {
    const types = Object.keys(jsonOf(stack).resource ?? {});
    expect(types.length).toBeGreaterThan(10);
    expect(types.filter((type) => !known.includes(type))).toEqual([]);
  });

  it.each(stacks)("in %s leave nothing without an estimate", (stack) => {
    const named: Readonly<Record<string, readonly string[]>> = {
      insights: ["aws_ecs_cluster.atomic-calendar_cluster"],
      prod: ["aws_db_instance.atomic-calendar_database"], // enhanced monitoring
    };
    expect(estimateOf(stack).notEstimated.map(({ address }) => address)).toEqual(named[stack] ?? []);
  });
});

describe("the estimate of Atomic Calendar", () => {
  it("counts the least of what scales, and says so", () => {
    const { notes } = estimateOf("stage");
    expect(notes).toEqual(
      expect.arrayContaining(
        ["app", "functions"].map((name) => ({
          address: `aws_ecs_service.atomic-calendar_${name}`,
          text: "scales from 1 to 4 tasks: 1 on average are counted",
        })),
      ),
    );
    expect(notes).toContainEqual({
      address: "aws_db_instance.atomic-calendar_database",
      text: "its storage may grow by itself to 200 GB: 50 are counted",
    });
  });

  it("shares out more tasks between their on-demand base and Spot", () => {
    const cpu = (usage: string[]) => linesOf(estimateOf("stage", usage), /ecs_service\..*_app$/);
    expect(cpu([])).toEqual({ "Fargate x86 CPU": 7.3876, "Fargate x86 memory": 1.6224 });
    expect(cpu(["scaled_tasks:app=3"])).toEqual({
      "Fargate x86 CPU": 7.3876,
      "Fargate x86 memory": 1.6224,
      "Fargate Spot x86 CPU": 4.4326,
      "Fargate Spot x86 memory": 0.9735,
    });
    expect(cpu(["scaled_tasks=9"])["Fargate Spot x86 CPU"]).toBe(6.6488); // 4 at most
    expect(linesOf(estimateOf("stage", ["scaled_tasks=3"]), /ecs_service\..*_oauth$/)).toEqual({
      "Fargate x86 CPU": 7.3876,
      "Fargate x86 memory": 1.6224,
    });
  });

  it("has the database in two zones, with its logs, and in Aurora an instance in each", () => {
    expect(linesOf(estimateOf("stage"), /_database$/)).toEqual({
      "db.t3.small PostgreSQL, with a standby": 52.56,
      "gp3 database storage": 11.5,
    });
    expect(linesOf(estimateOf("single"), /_database$/)).toEqual({
      "db.t3.small PostgreSQL": 26.28,
      "gp3 database storage": 5.75,
    });
    expect(linesOf(estimateOf("aurora"), /rds_cluster/)).toEqual({
      "Aurora capacity units": 43.8,
      "Aurora storage": 1,
      "Aurora requests": 0.2,
    });
    const instances = estimateOf("aurora").lines.filter(({ what }) => what === "Aurora capacity units");
    expect(instances).toHaveLength(2);
    for (const stack of ["stage", "aurora"])
      expect(linesOf(estimateOf(stack), /_database_logs_postgresql$/)).toHaveProperty(
        ["log data taken in"],
        0.05,
      );
  });

  it("has thirteen secrets, and one more where there are brokers", () => {
    const secrets = (stack: string) => estimateOf(stack).lines.filter(({ what }) => what === "secret").length;
    expect(secrets("stage")).toBe(13);
    expect(secrets("brokers")).toBe(14);
  });

  it("has alarms, none of high resolution, with one that speaks for them and one dashboard", () => {
    const what = estimateOf("stage").lines.map((line) => line.what);
    const count = (wanted: string) => what.filter((text) => text === wanted).length;
    expect(count("alarm")).toBeGreaterThanOrEqual(30);
    expect(count("high-resolution alarm")).toBe(0);
    expect(count("composite alarm")).toBe(1);
    expect(count("dashboard")).toBe(1);
    expect(estimateOf("stage").notes).toContainEqual({
      address: "aws_cloudwatch_dashboard.atomic-calendar_dashboard",
      text: expect.stringContaining("one of the account's first three"),
    });
  });

  it("has the zone of its names, and the queries to it", () => {
    expect(linesOf(estimateOf("stage"), /private_dns_namespace/)).toEqual({
      "hosted zone": 0.5,
      queries: 0.04,
    });
  });

  it("has traces once, where tasks have a daemon", () => {
    expect(linesOf(estimateOf("stage"), /ecs_cluster/)).toEqual({
      "traces recorded": 0.5,
      "traces read": 0.05,
    });
    expect(linesOf(estimateOf("notraces"), /ecs_cluster/)).toEqual({});
    expect(() => estimateOf("notraces", ["traces=1"])).toThrow("is for nothing");
  });

  it("has the firewall, its four rules, its requests and its log", () => {
    const found = estimateOf("firewall", ["web_requests=2000000"]);
    expect(linesOf(found, /wafv2_web_acl/)).toEqual({
      "web ACL": 5,
      rules: 4,
      "requests inspected": 1.2,
    });
    expect(linesOf(found, /_balancer_waf_logs$/)).toHaveProperty(["log data taken in"], 0.05);
  });

  it("has Kafka by the hour, used or not", () => {
    expect(linesOf(estimateOf("kafka"), /msk/)).toEqual({
      "serverless Kafka cluster": 547.5,
      partitions: 10.95,
      "Kafka storage": 0.1,
      "data written": 1,
      "data read": 0.5,
    });
  });
});

describe("docs/cost.md", () => {
  const page = readFileSync(join(projectRoot, "docs", "cost.md"), "utf8");
  const section = page.split(/^## /m).find((part) => part.startsWith("Atomic Calendar\n")) ?? "";
  /** Table rows without the padding that prettier makes. */
  const rows = section
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^[|\s:-]+$/.test(line))
    .map((line) => line.replace(/\s+/g, " ").trim());

  /** Everything in an estimate, by what it is for; the first that fits. */
  const parts: readonly (readonly [string, RegExp])[] = [
    ["tasks of the eight services", /Fargate/],
    ["database", /PostgreSQL|database storage/],
    ["load balancer, with its two addresses", /load balancer|IPv4/],
    ["secrets", /secret/],
    ["alarms, AWS's own for scaling among them", /alarm/],
    ["dashboard", /dashboard/],
    ["keys", /key/],
    ["logs", /log data/],
    ["traces", /trace/],
    ["names of the services", /zone|^queries/],
    ["file system, buckets and messages", /./],
  ];
  const sumsOf = (stack: string): readonly number[] => {
    const { lines } = estimateOf(stack);
    const partOf = (what: string) => parts.findIndex(([, pattern]) => pattern.test(what));
    return parts.map((_, index) =>
      lines.filter(({ what }) => partOf(what) === index).reduce((sum, { monthly }) => sum + monthly, 0),
    );
  };
  const nat = estimateOf("shared")
    .lines.filter(({ address }) => address.includes("_nat"))
    .reduce((sum, { monthly }) => sum + monthly, 0);
  const money = (dollars: number): string => dollars.toFixed(2);

  it("has what stage and prod cost, by what it is for", () => {
    const [stage, prod] = [sumsOf("stage"), sumsOf("prod")];
    const total = (name: string) => money(totalOf(name));
    expect(rows.slice(0, parts.length + 2)).toEqual([
      "| part | stage | prod |",
      ...parts.map(
        ([name], index) => `| ${name} | ${money(stage[index] ?? 0)} | ${money(prod[index] ?? 0)} |`,
      ),
      `| **total** | **${total("stage")}** | **${total("prod")}** |`,
    ]);
  });

  it("names the four biggest items, of which one is in shared", () => {
    const amounts = [...sumsOf("stage"), nat].map((amount) => Number(money(amount)));
    const biggest = [...amounts].sort((a, b) => b - a).slice(0, 4);
    const listed = [...section.matchAll(/^\d\. .*?: \$(\d+\.\d\d)/gm)].map(([, amount]) => Number(amount));
    expect(listed).toEqual(biggest);
    const all = totalOf("stage") + totalOf("shared");
    const share = Math.round((100 * biggest.reduce((sum, amount) => sum + amount, 0)) / all);
    expect(section).toContain(`${share} % of the $${money(all)} that stage and \`shared\` cost`);
    expect(section).toContain(`\`shared\`, which is $${money(totalOf("shared"))}`);
    const addresses = linesOf(estimateOf("stage"), /^aws_lb\./)["public IPv4 address"] ?? 0;
    expect(section).toContain(`of which $${money(addresses)} are its addresses`);
  });

  it("says what one input changes", () => {
    const four = ["scaled_tasks=4"];
    const halves = ["nat_gb=5"];
    const difference = (from: number, to: number) => {
      const amount = to - from;
      return Math.abs(amount) < 0.005 ? "0.00" : `${amount > 0 ? "+" : "−"}${money(Math.abs(amount))}`;
    };
    const of = (variant: string, usage: string[] = []) =>
      difference(totalOf("stage", usage), totalOf(variant, usage));
    const natDifference = difference(
      totalOf("shared"),
      estimate(new Template(perZone), Usage.parse(halves)).total,
    );
    expect(rows.slice(parts.length + 2)).toEqual([
      "| input | difference |",
      `| \`atomic_calendar_database_multi_az=false\` | ${of("single")} |`,
      `| \`atomic_calendar_on_demand_base=0\` | ${of("nobase")} |`,
      `| \`atomic_calendar_spot=false\`, at 1 task of app and of functions | ${of("nospot")} |`,
      `| \`atomic_calendar_spot=false\`, at 4 tasks of each | ${of("nospot", four)} |`,
      `| \`atomic_calendar_architecture=ARM64\` | ${of("arm")} |`,
      `| \`atomic_calendar_database=aurora\` | ${of("aurora")} |`,
      `| \`atomic_calendar_web_acl=new\` | ${of("firewall")} |`,
      `| \`atomic_calendar_msk=serverless\` | ${of("kafka")} |`,
      `| \`nat_gateways=per_az\` instead of \`single\`, for the same data | ${natDifference} |`,
    ]);
  });

  it("says what Aurora costs at rest", () => {
    const units = estimateOf("aurora")
      .lines.filter(({ what }) => what === "Aurora capacity units")
      .reduce((sum, { monthly }) => sum + monthly, 0);
    expect(section).toContain(`two instances of half a capacity unit are $${money(units)}`);
  });

  it("warns that the default budget is soon told of", () => {
    const [budget] = Object.values(jsonOf("stage").resource?.aws_budgets_budget ?? {});
    expect(budget?.limit_amount).toBe("250");
    expect(totalOf("stage") + totalOf("shared")).toBeGreaterThan(0.8 * 250);
    expect(section).toContain("$250");
  });
});
