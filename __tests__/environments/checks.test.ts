import { environmentEnv, resources, sharedEnv, synthesizeFiles } from "../support/stacks";

/** What is wrong with `stage`, with these inputs besides the least: `name: what`. */
function problems(inputs: Record<string, string>, shared: Record<string, string> = {}): string[] {
  const { broken } = synthesizeFiles({
    "shared.env": { ...sharedEnv, ...shared },
    "stage.env": { ...environmentEnv("stage"), ...inputs },
  });
  return broken.flatMap((reading) => reading.problems.map(({ name, what }) => `${name}: ${what}`));
}

it("finds nothing wrong with the least", () => expect(problems({})).toEqual([]));

describe("ports", () => {
  it.each([
    [
      "the dashboard and FRP",
      { TF_VAR_dashboard_ports: "80,7000-7100", TF_VAR_frp_ports: "7050" },
      "frp_ports",
    ],
    ["SSH and the dashboard", { TF_VAR_dashboard_ports: "22,443" }, "dashboard_ports"],
  ])("belong to one service: not to %s", (_, inputs, name) => {
    const found = problems(inputs, { TF_VAR_network_acl_public_ports: "22,80,443" });
    expect(found).toEqual([expect.stringMatching(new RegExp(`^TF_VAR_${name}: .* also a port of`))]);
  });
});

describe("one wrong value", () => {
  it("hides nothing that can be told without it", () => {
    const found = problems(
      {
        background_color: "nope!",
        TF_VAR_edge_hosts: "edge-9",
        TF_VAR_frp_ports: "443",
        TF_VAR_dashboard_cidrs: "not a network",
        TF_VAR_ssh_cidrs: "198.51.100.0/24",
      },
      { TF_VAR_network_acl_admin_cidrs: "" },
    );
    for (const name of [
      "background_color",
      "TF_VAR_systems",
      "TF_VAR_frp_ports",
      "TF_VAR_dashboard_cidrs",
      "TF_VAR_ssh_cidrs",
    ])
      expect(found).toContainEqual(expect.stringMatching(new RegExp(`^${name}: `)));
  });

  it("of shared hides nothing either, and makes nothing up", () => {
    const found = problems(
      {},
      {
        TF_VAR_state_lock: "foo",
        TF_VAR_vpc_cidr: "10.0.0.0/8",
        TF_VAR_reserved_cidrs: "10.0.0.0/16",
        TF_VAR_availability_zones: "eu-west-1a,eu-west-1b",
        TF_VAR_private_subnets: "false",
        TF_VAR_nat_gateways: "single",
      },
    );
    expect(found.map((problem) => problem.split(":")[0])).toEqual(
      expect.arrayContaining([
        "TF_VAR_state_lock",
        "TF_VAR_vpc_cidr",
        "TF_VAR_availability_zones",
        "TF_VAR_nat_gateways",
      ]),
    );
    expect(found.join()).not.toContain("overlaps the reserved"); // nobody knows with which range
  });
});

describe("a restricted network ACL", () => {
  const shut = expect.stringContaining("cannot pass the network ACL");

  it("lets administrators' networks reach every port", () => {
    const admins = { TF_VAR_network_acl_public_ports: "", TF_VAR_network_acl_admin_cidrs: "198.51.100.0/24" };
    expect(problems({ TF_VAR_dashboard_cidrs: "198.51.100.128/25" }, admins)).toEqual([]);
    expect(problems({}, admins)).toEqual([shut]);
    expect(problems({ TF_VAR_dashboard_cidrs: "198.51.100.0/24", TF_VAR_frp_ports: "700" }, admins)).toEqual(
      [],
    );
    expect(
      problems(
        { TF_VAR_dashboard_cidrs: "198.51.100.0/24", TF_VAR_frp_ports: "700", TF_VAR_edge_hosts: "edge-1" },
        admins,
      ),
    ).toEqual([shut]); // edge hosts come from their Elastic IPs
  });

  it.each([
    ["1000-2000", "80,443,1000-1023", []],
    ["80-100", "80-90,91-100", []],
    ["80-100", "80-90,95-100", ["TF_VAR_dashboard_ports: 91-94 cannot pass the network ACL"]],
    ["1000-2000", "443", ["TF_VAR_dashboard_ports: 1000-1023 cannot pass the network ACL"]],
  ])("with dashboard ports %s and public ports %s", (dashboard, open, expected) => {
    expect(
      problems({ TF_VAR_dashboard_ports: dashboard }, { TF_VAR_network_acl_public_ports: open }),
    ).toEqual(expected);
  });
});

describe("edge hosts", () => {
  it.each(["key", "inputs", "group", "host", "output", "this", "ipv4"])("may be called %s", (name) => {
    const synthesis = synthesizeFiles({
      "shared.env": { ...sharedEnv, TF_VAR_addresses: `stage-dashboard,stage-${name}` },
      "stage.env": { ...environmentEnv("stage"), TF_VAR_edge_hosts: name },
    });
    expect(synthesis.broken).toEqual([]);
    expect(Object.keys(resources(synthesis.json("stage"), "aws_instance"))).toHaveLength(2);
  });
});

describe("edge hosts' names", () => {
  const named = (input: string, name: string) =>
    problems({ [input]: input === "edge_machines" ? `${name}=pi@${name}.example.com` : name }).filter(
      (problem) => problem.startsWith(`${input}: `),
    );

  const taken = ["dashboard", "x-scheduler", "macro-ai"];
  it.each(taken.flatMap((name) => [["TF_VAR_edge_hosts", name] as const, ["edge_machines", name] as const]))(
    "%s may not be those of other hosts: %s",
    (input, name) => expect(named(input, name)).toEqual([`${input}: may not have a host named "${name}"`]),
  );

  it.each(["dashboard-2", "x", "x-scheduler-oauth", "macro-ai2"])("may be others, such as %s", (name) => {
    for (const input of ["TF_VAR_edge_hosts", "edge_machines"]) expect(named(input, name)).toEqual([]);
  });
});

describe("the repository of the application", () => {
  const ours = "git@github.com:example/chronos2.git";
  const told =
    "repository_url: cannot be reached from hosts on EC2, which have no SSH key and get out by ports 80 and 443";
  const elsewhere = { dashboard_ssh: "pi@dashboard.example.com" };

  it.each([
    ours,
    "ssh://git@github.com/example/chronos2.git",
    "https://git.example.com:8443/example/chronos2.git",
  ])("%s is out of reach for the dashboard on EC2", (repository_url) =>
    expect(problems({ repository_url })).toEqual([told]),
  );

  it("is so for an edge host on EC2 too, and not for machines elsewhere", () => {
    const edges = { edge_machines: "plant-1=pi@plant-1.example.com" };
    expect(problems({ repository_url: ours, ...elsewhere, ...edges })).toEqual([]);
    const onEc2 = { TF_VAR_edge_hosts: "edge-1", repository_url: ours, ...elsewhere };
    expect(problems(onEc2)).toEqual([told]);
    expect(problems({ ...onEc2, edge_machines: "edge-1=pi@edge-1.example.com" })).toEqual([]);
  });

  it.each(["https://github.com/example/chronos2.git", "https://github.com:443/example/chronos2.git"])(
    "%s is in reach",
    (repository_url) => expect(problems({ repository_url })).toEqual([]),
  );
});

describe("Macro AI's further ways out", () => {
  const macroAi = (inputs: Record<string, string>) => problems({ TF_VAR_systems: "macro-ai", ...inputs });
  const ports = { TF_VAR_macro_ai_egress_ports: "5432" };
  const cidrs = { TF_VAR_macro_ai_egress_cidrs: "10.0.0.0/16" };

  it("need ports and networks", () => {
    expect(macroAi(ports)).toEqual([
      "TF_VAR_macro_ai_egress_ports: opens nothing without the networks where these are",
    ]);
    expect(macroAi(cidrs)).toEqual(["TF_VAR_macro_ai_egress_cidrs: opens nothing without ports"]);
    expect(macroAi({ ...ports, ...cidrs })).toEqual([]);
    expect(macroAi({})).toEqual([]);
  });
});

describe("a dashboard at other ports than 80 and 443", () => {
  const warnings = (dashboard: string) =>
    synthesizeFiles({
      "shared.env": sharedEnv,
      "stage.env": { ...environmentEnv("stage"), TF_VAR_dashboard_ports: dashboard },
    }).warnings.map(({ name, what }) => `${name}: ${what}`);

  it("is warned of: nobody watches its site", () => {
    expect(warnings("8443")).toEqual([
      "TF_VAR_dashboard_ports: holds neither 80 nor 443, so no alarm tells when the site is down",
    ]);
    for (const watched of ["80", "443", "400-500"]) expect(warnings(watched)).toEqual([]);
  });
});

describe("zones", () => {
  it.each(["us-west-1", "ap-northeast-1"])(
    "have to be named in %s, where a and b are not everybody's",
    (region) => {
      expect(problems({}, { TF_VAR_region: region })).toContainEqual(
        expect.stringMatching(/^TF_VAR_availability_zones: is missing/),
      );
      expect(
        problems({}, { TF_VAR_region: region, TF_VAR_availability_zones: `${region}a,${region}c` }),
      ).toEqual([]);
    },
  );
});

describe("the network ACL", () => {
  it("is warned of beyond AWS's default quota", () => {
    const { warnings } = synthesizeFiles({
      "shared.env": {
        ...sharedEnv,
        TF_VAR_network_acl_admin_cidrs: Array.from({ length: 9 }, (_, n) => `10.${n}.0.0/16`).join(","),
      },
    });
    expect(warnings.map(({ what }) => what)).toEqual([expect.stringContaining("makes 21 rules")]);
  });

  it("takes as many rules as AWS does", () => {
    const cidrs = (count: number) =>
      Array.from({ length: count }, (_, index) => `203.0.113.${index}/32`).join(",");
    expect(problems({}, { TF_VAR_network_acl_admin_cidrs: cidrs(28) })).toEqual([]);
    expect(problems({}, { TF_VAR_network_acl_admin_cidrs: cidrs(29) })).toContainEqual(
      expect.stringMatching(/^TF_VAR_network_acl_admin_cidrs: makes 41 rules/),
    );
  });
});

describe("a schedule", () => {
  const reading = (schedule: string) =>
    synthesizeFiles({
      "shared.env": { ...sharedEnv, TF_VAR_image_repositories: "viewer-atlas" },
      "stage.env": {
        TF_VAR_deptype: "stage",
        TF_VAR_systems: "viewer-atlas",
        TF_VAR_alarm_emails: "ops@example.com",
        TF_VAR_viewer_atlas_analysis_schedule: schedule,
      },
    });

  it.each([
    ["cron(0 3 31 2 ? *)", "never runs: its months have no such day. This works: cron(0 3 L * ? *)"],
    ["cron(0 3 * * ? 2020)", "never runs: its last year, 2020, is over. This works: cron(0 3 * * ? *)"],
    ["cron(0 10-5 * * ? *)", "10-5 ends before it begins. Write 10-23,0-5."],
    ["cron(0/0 * * * ? *)", "the step after / is no number from 1 to 59"],
  ])("%s is refused at its line, with what works", (schedule, what) => {
    const { broken } = reading(schedule);
    expect(broken.flatMap(({ problems: found }) => found)).toEqual([
      expect.objectContaining({
        name: "TF_VAR_viewer_atlas_analysis_schedule",
        line: 4,
        what: expect.stringContaining(`"${schedule}" `),
      }),
    ]);
    expect(broken[0]?.problems[0]?.what).toContain(what);
  });

  it.each([
    ["cron(0 3 ? * MON-FRI *)", 0],
    ["cron(0 8-17 ? * MON *)", 0], // 159 hours
    ["cron(0 8 ? * MON *)", 1], // 168 hours
    ["cron(0 3 1 * ? *)", 1],
    ["cron(0 3 * * ? 2199)", 1],
  ])("%s has %d warnings that no alarm tells of a missed run", (schedule, count) => {
    const told = reading(schedule).warnings.filter(({ what }) => what.includes("no alarm tells"));
    expect(told).toHaveLength(count);
  });
});
