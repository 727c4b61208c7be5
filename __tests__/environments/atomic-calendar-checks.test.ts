import type { Problem } from "../../environments/problem";
import { atomicCalendar } from "../support/atomic-calendar";

/** `name: what | mend` of each. */
const told = (problems: readonly Problem[]): string[] =>
  problems.map(({ name, what, mend }) => `${name}: ${what} | ${mend}`);
const problems = (inputs: Record<string, string> = {}, shared: Record<string, string> = {}) =>
  told(atomicCalendar(inputs, shared).problems);
const warnings = (inputs: Record<string, string> = {}) => told(atomicCalendar(inputs).warnings);

const certificate = (region: string) =>
  `arn:aws:acm:${region}:436957243186:certificate/01234567-89ab-cdef-0123-456789abcdef`;
const issued = { TF_VAR_atomic_calendar_certificate_issued: "true" };

it("finds nothing wrong with the least, and warns of nothing", () => {
  expect(problems()).toEqual([]);
  expect(warnings()).toEqual([]);
});

describe("what does not fit together", () => {
  it.each<[string, Record<string, string>, string]>([
    [
      "a domain outside its zone",
      { TF_VAR_atomic_calendar_hosted_zone: "example.org" },
      "TF_VAR_atomic_calendar_domain: is not in the zone example.org | Name a host of that zone, or its own zone.",
    ],
    [
      "a certificate that is there, and a new one's being issued",
      { ...issued, TF_VAR_atomic_calendar_certificate_arn: certificate("us-east-1") },
      "TF_VAR_atomic_calendar_certificate_issued: speaks of a new certificate, and atomic_calendar_certificate_arn names one that is there | Remove one of the two.",
    ],
    [
      "a certificate of another region",
      { TF_VAR_atomic_calendar_certificate_arn: certificate("eu-west-1") },
      "TF_VAR_atomic_calendar_certificate_arn: is in eu-west-1, and the load balancer in us-east-1 | Name a certificate of that region.",
    ],
    [
      "a size of a service that is not there",
      { TF_VAR_atomic_calendar_sizes: "app=512:1024,apps=512:1024" },
      'TF_VAR_atomic_calendar_sizes: names the service "apps", which there is not | There are: app, functions, hasura, supertokens, handshake, oauth, optaplanner, python-agent.',
    ],
    [
      "tasks of a service that is not there",
      { TF_VAR_atomic_calendar_tasks: "python=1:2" },
      'TF_VAR_atomic_calendar_tasks: names the service "python", which there is not | There are: app, functions, hasura, supertokens, handshake, oauth, optaplanner, python-agent.',
    ],
    [
      "storage that has no room to grow",
      {
        TF_VAR_atomic_calendar_database_storage: "100",
        TF_VAR_atomic_calendar_database_max_storage: "109",
      },
      "TF_VAR_atomic_calendar_database_max_storage: is less than a tenth above atomic_calendar_database_storage, and RDS wants that much | Raise it.",
    ],
    [
      "Aurora's most below its least",
      {
        TF_VAR_atomic_calendar_database: "aurora",
        TF_VAR_atomic_calendar_aurora_min: "8",
        TF_VAR_atomic_calendar_aurora_max: "4",
      },
      "TF_VAR_atomic_calendar_aurora_max: is less than atomic_calendar_aurora_min, or than the 1 that Aurora wants | Raise it, or lower the other.",
    ],
    [
      "Aurora's most below 1",
      { TF_VAR_atomic_calendar_database: "aurora", TF_VAR_atomic_calendar_aurora_max: "0.5" },
      "TF_VAR_atomic_calendar_aurora_max: is less than atomic_calendar_aurora_min, or than the 1 that Aurora wants | Raise it, or lower the other.",
    ],
    [
      "a shell in containers that nobody can write to",
      { TF_VAR_atomic_calendar_exec: "true" },
      'TF_VAR_atomic_calendar_exec: needs a root file system that can be written to, as ECS Exec puts its agent there | Set TF_VAR_atomic_calendar_read_only_root="false" besides, for as long as you need it.',
    ],
    [
      "a name that makes a role's too long",
      { TF_VAR_deptype: "rather-a-long-name-1" },
      "TF_VAR_deptype: makes the target group rather-a-long-name-1-atomic-optaplanner, and AWS allows 32 characters | Choose a shorter name for the environment.",
    ],
  ])("%s", (_what, inputs, problem) => {
    expect(problems(inputs)).toEqual([problem]);
  });

  it("a prefix that makes a role's name too long", () => {
    expect(problems({ TF_VAR_deptype: "preview-12345" }, { TF_VAR_name_prefix: "the-long-company" })).toEqual(
      [
        "TF_VAR_deptype: makes the role the-long-company-preview-12345-atomic-python-agent-execution-role, and IAM allows 64 characters | Choose a shorter name for the environment, or a shorter name_prefix.",
      ],
    );
  });
});

describe("what just fits", () => {
  it.each<[string, Record<string, string>]>([
    ["a zone of the domain's own name", { TF_VAR_atomic_calendar_hosted_zone: "app.example.com" }],
    [
      "a certificate of the same region",
      { TF_VAR_atomic_calendar_certificate_arn: certificate("us-east-1") },
    ],
    [
      "storage with a tenth of room",
      {
        TF_VAR_atomic_calendar_database_storage: "100",
        TF_VAR_atomic_calendar_database_max_storage: "111",
      },
    ],
    [
      "Aurora without the room that RDS needs",
      {
        TF_VAR_atomic_calendar_database: "aurora",
        TF_VAR_atomic_calendar_database_max_storage: "20",
      },
    ],
    ["RDS with Aurora's units the wrong way round", { TF_VAR_atomic_calendar_aurora_min: "8" }],
    [
      "a shell in containers that can be written to",
      { TF_VAR_atomic_calendar_exec: "true", TF_VAR_atomic_calendar_read_only_root: "false" },
    ],
    ["a name whose target groups' have 32 characters", { TF_VAR_deptype: "thirteen-char" }],
  ])("%s", (_what, inputs) => {
    expect(problems(inputs)).toEqual([]);
  });
});

describe("the shared network", () => {
  const needs =
    "TF_VAR_systems: has atomic-calendar, which needs private subnets in two zones with a way out";
  const network = { TF_VAR_vpc_id: "vpc-0123456789abcdef0" };
  const subnets = (...numbers: number[]) =>
    numbers.map((number) => `subnet-0123456789abcdef${number}`).join();

  it("has a way out of private subnets", () => {
    expect(problems({}, { TF_VAR_nat_gateways: "none" })).toEqual([
      `${needs} | Set TF_VAR_nat_gateways="single" and TF_VAR_private_subnets="true" in environments/shared.env.`,
    ]);
  });

  it("that is there has two private subnets", () => {
    const one = {
      ...network,
      TF_VAR_nat_gateways: "none",
      TF_VAR_public_subnet_ids: subnets(1, 2),
      TF_VAR_private_subnet_ids: subnets(3),
    };
    expect(problems({}, one)).toContain(
      `${needs} | Name two at least in TF_VAR_private_subnet_ids in environments/shared.env; they need a way out, such as a NAT gateway.`,
    );
    const two = problems({}, { ...one, TF_VAR_private_subnet_ids: subnets(3, 4) });
    expect(two.filter((problem) => problem.startsWith(needs))).toEqual([]);
  });

  it("has the image repositories", () => {
    expect(problems({}, { TF_VAR_image_repositories: "" })).toEqual([
      "TF_VAR_systems: has atomic-calendar, and shared does not have its image repositories | Add atomic-calendar to TF_VAR_image_repositories in environments/shared.env.",
    ]);
  });
});

describe("a web ACL that is there", () => {
  const acl = (region: string) => ({
    TF_VAR_atomic_calendar_web_acl: `arn:aws:wafv2:${region}:436957243186:regional/webacl/web/01234567-89ab-cdef-0123-456789abcdef`,
  });

  it("is of the load balancer's region", () => {
    expect(problems(acl("us-east-1"))).toEqual([]);
    expect(problems(acl("eu-west-1"))).toEqual([
      "TF_VAR_atomic_calendar_web_acl: is in eu-west-1, and the load balancer in us-east-1 | Name a web ACL of that region.",
    ]);
  });
});

describe("a service's tasks", () => {
  it("begin with one where they scale, or are none", () => {
    expect(problems({ TF_VAR_atomic_calendar_tasks: "app=0:0,functions=1:3" })).toEqual([]);
    expect(problems({ TF_VAR_atomic_calendar_tasks: "app=0:4" })).toEqual([
      "TF_VAR_atomic_calendar_tasks: lets app begin with no task, and without one nothing tells that more are needed | Write app=1:… to scale it, or app=0:0 to stop it.",
    ]);
  });
});

describe("warnings", () => {
  it("name the services that have no image", () => {
    expect(
      warnings({ TF_VAR_atomic_calendar_app_image: "", TF_VAR_atomic_calendar_python_agent_image: "" }),
    ).toEqual([
      "TF_VAR_systems: has no image for app, python-agent, so that nothing of it runs | ./landfall images push stage",
    ]);
  });

  it("say that nothing is traced without the X-Ray daemon's image, unless nothing is to be", () => {
    const none = { TF_VAR_atomic_calendar_xray_daemon_image: "" };
    expect(warnings(none)).toEqual([
      "TF_VAR_atomic_calendar_tracing: is true, and there is no image of the X-Ray daemon: nothing is traced | ./landfall images push stage xray-daemon, or set it to false.",
    ]);
    expect(warnings({ ...none, TF_VAR_atomic_calendar_tracing: "false" })).toEqual([]);
  });

  it("say that alarms tell nobody", () => {
    expect(warnings({ TF_VAR_alarm_emails: "" })).toEqual([
      "TF_VAR_alarm_emails: is empty, so that alarms and the budget tell nobody | Add a mail address, or subscribe to the topic by other means.",
    ]);
  });

  const byHand = { TF_VAR_atomic_calendar_hosted_zone: "" };
  it("say that there is no HTTPS yet, and how it comes", () => {
    expect(warnings(byHand)).toEqual([
      "TF_VAR_atomic_calendar_certificate_issued: is false, so port 80 answers 503 and there is no HTTPS yet | After the first apply make the records that the output atomic_calendar_certificate_records names; when ACM has issued the certificate, set it to true and apply again.",
    ]);
    expect(warnings({ ...byHand, ...issued })).toEqual([]);
    expect(warnings({ ...byHand, TF_VAR_atomic_calendar_certificate_arn: certificate("us-east-1") })).toEqual(
      [],
    );
  });
});

it("one wrong value hides no other", () => {
  const found = problems({
    TF_VAR_atomic_calendar_sizes: "app=300:1024",
    TF_VAR_atomic_calendar_tasks: "nobody=1:2",
    TF_VAR_atomic_calendar_exec: "true",
  });
  for (const name of ["sizes", "tasks", "exec"])
    expect(found).toContainEqual(expect.stringMatching(new RegExp(`^TF_VAR_atomic_calendar_${name}: `)));
});

it("needs a domain", () => {
  expect(problems({ TF_VAR_atomic_calendar_domain: "", TF_VAR_atomic_calendar_hosted_zone: "" })).toEqual([
    expect.stringMatching(/^TF_VAR_atomic_calendar_domain: /),
  ]);
});
