import { serviceNames } from "../workloads/atomic-calendar/services";
import { addressPlanProblems, contains } from "../modules/address-plan";
import { fargateSizeProblem } from "../modules/fargate-size";
import { DEFAULT_RULES, inboundRules, MAX_RULES } from "../modules/network-acl";
import { meet, port, uncovered, type PortRange } from "../modules/port-range";
import { longestPeriodHours, MAX_HOURS } from "../modules/schedule";
import { anywhere } from "../modules/security-group";
import {
  addressesOf,
  addressPlan,
  availabilityZones,
  stateBucket,
  UnusableInput,
  valuesOf,
  type AccessValues,
  type AtomicCalendarValues,
  type ChronosValues,
  type EnvironmentValues,
  type MacroAiValues,
  type SharedValues,
  type ViewerAtlasValues,
  type XSchedulerValues,
} from "./derived";
import { accessInputs, imageInput, systemInputs, type SystemName } from "./catalogue";
import { nameInFile } from "./input";
import type { Problem } from "./problem";
import { regionsOfVaryingZones } from "./regions";
import type { Settings } from "./settings";

/** What is wrong with one input, and the mend. */
type Finding = readonly [input: string, what: string, mend: string];

/** Inputs that describe a new VPC, and say nothing of an existing one. */
const newNetworkInputs = [
  "vpc_cidr",
  "availability_zones",
  "private_subnets",
  "public_subnet_cidrs",
  "private_subnet_cidrs",
  "nat_gateways",
  "network_acl_public_ports",
  "network_acl_admin_cidrs",
  "flow_log_retention_days",
];
/** S3 takes 63 characters, and the log bucket's name adds `-logs`. */
const STATE_BUCKET_CHARACTERS = 58;

/** What the settings are, beside each other. */
export interface Checked {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

type Check<V> = (values: V) => Finding[];

/** Runs the checks, but for those that need a value which is wrong: that has been reported. */
const run = <V>(checks: readonly Check<V>[], values: V): Finding[] =>
  checks.flatMap((check) => {
    try {
      return check(values);
    } catch (error) {
      if (error instanceof UnusableInput) return [];
      throw error;
    }
  });

const toChecked = (
  settings: Settings,
  findings: readonly Finding[],
  warnings: readonly Finding[],
): Checked => ({
  problems: findings.map((finding) => toProblem(settings, finding)),
  warnings: warnings.map((finding) => toProblem(settings, finding)),
});

/** Problems of `shared` that no input shows alone: how its settings fit together. */
export function checkShared(settings: Settings): Checked {
  const shared = valuesOf<SharedValues & AccessValues>(settings);
  const isExisting = settings.settings.has("vpc_id");
  const findings = isExisting
    ? [...idleNetworkInputs(settings), ...run([missingSubnets, longStateBucket], shared)]
    : run([...newNetworkChecks, longStateBucket], shared);
  findings.push(...idleAccessInputs(settings), ...run([foreignProvider], shared));
  return toChecked(settings, findings, isExisting ? [] : run([manyRules], shared));
}

/** Inputs of the stack `access`, which is made for a repository alone. */
const idleAccessInputs = ({ settings, unusable }: Settings): Finding[] =>
  settings.has("github_repository") || unusable?.has("github_repository")
    ? []
    : Object.keys(accessInputs)
        .filter((name) => (settings.get(name)?.source.from ?? "default") !== "default")
        .map((name) => [
          name,
          "says nothing without github_repository",
          'Add TF_VAR_github_repository="OWNER/NAME", or remove it.',
        ]);

const foreignProvider: Check<SharedValues & AccessValues> = (shared) => {
  const account = shared.github_oidc_provider_arn?.split(":")[4];
  if (account === undefined || shared.allowed_account_ids.includes(account)) return [];
  return [
    [
      "github_oidc_provider_arn",
      `is of account ${account}, which is not among allowed_account_ids`,
      "Name that of the account in which the roles are made.",
    ],
  ];
};

const longStateBucket: Check<SharedValues> = (shared) =>
  stateBucket(shared).length > STATE_BUCKET_CHARACTERS
    ? [
        [
          "state_bucket",
          `has more than ${STATE_BUCKET_CHARACTERS} characters, and the bucket of its access logs adds "-logs"`,
          "Choose a shorter name.",
        ],
      ]
    : [];

const idleNetworkInputs = ({ settings }: Settings): Finding[] =>
  newNetworkInputs
    .filter((name) => (settings.get(name)?.source.from ?? "default") !== "default")
    .map((name) => [name, "describes a new VPC, but vpc_id names an existing one", "Remove one of the two."]);

const missingSubnets: Check<SharedValues> = (shared) =>
  shared.vpc_id !== "default" && !shared.public_subnet_ids?.length
    ? [
        [
          "vpc_id",
          "names an existing VPC without its subnets",
          'Add TF_VAR_public_subnet_ids="subnet-…,subnet-…".',
        ],
      ]
    : [];

/** Of a VPC that is to be made. */
const newNetworkChecks: readonly Check<SharedValues>[] = [
  (shared) =>
    (["public_subnet_ids", "private_subnet_ids"] as const)
      .filter((name) => shared[name])
      .map((name) => [
        name,
        "belongs to an existing VPC, but none is named",
        "Add TF_VAR_vpc_id, or remove it.",
      ]),
  (shared) => {
    const foreign = availabilityZones(shared).filter((zone) => zone.slice(0, -1) !== shared.region);
    if (foreign.length === 0) return [];
    const what = `${foreign.join(", ")} is not in the region ${shared.region}`;
    return [["availability_zones", what, `Name zones such as ${shared.region}a.`]];
  },
  (shared) => {
    if (shared.availability_zones || !regionsOfVaryingZones.includes(shared.region)) return [];
    return [
      [
        "availability_zones",
        `is missing: not every account has the zones a and b in ${shared.region}`,
        `Name two of those that aws ec2 describe-availability-zones --region ${shared.region} lists.`,
      ],
    ];
  },
  ...(["public_subnet_cidrs", "private_subnet_cidrs"] as const).map(
    (name): Check<SharedValues> =>
      (shared) => {
        const zones = availabilityZones(shared);
        const unknown = [...(shared[name]?.keys() ?? [])].filter((zone) => !zones.includes(zone));
        if (unknown.length === 0) return [];
        const what = `${unknown.join(", ")} is none of the zones ${zones.join(", ")}`;
        return [[name, what, "Name a zone that has subnets."]];
      },
  ),
  (shared) =>
    shared.nat_gateways !== "none" && !shared.private_subnets
      ? [
          [
            "nat_gateways",
            "serves private subnets, and there are none",
            'Set TF_VAR_private_subnets="true", or TF_VAR_nat_gateways="none".',
          ],
        ]
      : [],
  (shared) => {
    const rules = ruleCount(shared);
    if (rules <= MAX_RULES) return [];
    const what = `makes ${rules} rules in the network ACL, and AWS allows ${MAX_RULES}`;
    return [["network_acl_admin_cidrs", what, "Name wider networks, or fewer."]];
  },
  (shared) =>
    addressPlanProblems(addressPlan(shared)).map((what) => [
      "vpc_cidr",
      `makes an address plan that does not work: ${what}`,
      "Choose ranges that are inside the VPC and apart from each other.",
    ]),
];

const ruleCount = (shared: SharedValues): number =>
  inboundRules({
    publicPorts: shared.network_acl_public_ports,
    adminCidrs: shared.network_acl_admin_cidrs,
  }).length;

const manyRules: Check<SharedValues> = (shared) => {
  const rules = ruleCount(shared);
  if (rules <= DEFAULT_RULES || rules > MAX_RULES) return [];
  const what = `makes ${rules} rules in the network ACL, and AWS allows ${DEFAULT_RULES} unless asked for more`;
  return [["network_acl_admin_cidrs", what, "Ask for a higher quota of rules per network ACL first."]];
};

/** What a check of an environment sees: its own values and those of its `shared`. */
interface Both<V> {
  readonly own: V;
  readonly shared: SharedValues;
  readonly settings: Settings;
  /** File of the shared settings. */
  readonly file: string;
}

/** Problems of an environment beside its `shared`. */
export function checkEnvironment(settings: Settings, sharedSettings: Settings): Checked {
  const shared = valuesOf<SharedValues>(sharedSettings);
  const both = <V>(): Both<V> => ({
    own: valuesOf<V>(settings),
    shared,
    settings,
    file: sharedSettings.file,
  });
  const carries = (system: SystemName) =>
    (settings.settings.get("systems")?.value as readonly string[] | undefined)?.includes(system) ?? false;
  const findings = run(environmentChecks, both<EnvironmentValues>());
  const warnings: Finding[] = [];
  if (carries("chronos")) {
    findings.push(...run(chronosChecks, both<ChronosBoth>()));
    warnings.push(...run(chronosWarnings, both<ChronosBoth>()));
  }
  if (carries("x-scheduler")) {
    findings.push(...run(xSchedulerChecks, both<XSchedulerValues>()));
    warnings.push(...run(xSchedulerWarnings, both<XSchedulerValues>()));
  }
  if (carries("macro-ai")) {
    findings.push(...run(macroAiChecks, both<MacroAiValues>()));
    warnings.push(...run(macroAiWarnings, both<MacroAiValues>()));
  }
  if (carries("atomic-calendar")) {
    findings.push(...run(atomicCalendarChecks, both<AtomicCalendarValues>()));
    warnings.push(...run(atomicCalendarWarnings, both<AtomicCalendarValues>()));
  }
  if (carries("viewer-atlas")) {
    findings.push(...run(viewerAtlasChecks, both<ViewerAtlasValues>()));
    warnings.push(...run(viewerAtlasWarnings, both<ViewerAtlasValues>()));
  }
  return toChecked(settings, findings, warnings);
}

/**
 * Names that are the world's, and so no two environments may have both.
 * @returns problems by environment, of all but the first that has a name
 */
export function checkTogether(all: readonly Settings[]): ReadonlyMap<Settings, readonly Problem[]> {
  const owners = new Map<string, string>();
  const found = new Map<Settings, Problem[]>();
  for (const settings of all) {
    for (const input of ["viewer_atlas_bucket"]) {
      const name = settings.settings.get(input)?.text;
      if (name === undefined) continue;
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, settings.name);
      else
        found.set(settings, [
          ...(found.get(settings) ?? []),
          toProblem(settings, [input, `is also the bucket of ${owner}`, "Name another one."]),
        ]);
    }
  }
  return found;
}

const environmentChecks: readonly Check<Both<EnvironmentValues>>[] = [
  ({ own, shared, file }) =>
    own.region && own.region !== shared.region
      ? [["region", `differs from ${shared.region}, where the network of ${file} is`, "Use the same region."]]
      : [],
  ({ own, shared, settings, file }) => {
    const foreign = (own.allowed_account_ids ?? []).filter((id) => !shared.allowed_account_ids.includes(id));
    if (foreign.length === 0) return [];
    const what = `holds ${foreign.join(", ")}, which ${file} does not`;
    return [
      [
        "allowed_account_ids",
        what,
        `An environment lives in the account of its shared network, and so do its roles. For another account, give it shared settings of its own: environments/${settings.name}.shared.env.`,
      ],
    ];
  },
  ({ settings, shared, file }) => {
    const missing = addressesOf(settings).filter((address) => !shared.addresses.includes(address));
    if (missing.length === 0) return [];
    return [
      [
        "systems",
        `needs the Elastic IP ${missing.join(", ")}, which shared does not have`,
        `Add ${missing.join(",")} to TF_VAR_addresses in ${file}.`,
      ],
    ];
  },
];

/** With what the application's settings say of hosts. */
interface ChronosBoth extends ChronosValues {
  readonly repository_url?: string;
  readonly dashboard_ssh?: unknown;
  readonly edge_machines: ReadonlyMap<string, unknown>;
}

/** Hosts of this system and of the others, which have addresses and alarms by these names. */
const otherHosts = ["dashboard", ...Object.keys(systemInputs).filter((system) => system !== "chronos")];

const othersNames = (input: "edge_hosts" | "edge_machines", names: readonly string[]): Finding[] =>
  names
    .filter((name) => otherHosts.includes(name))
    .map((name) => [
      input,
      `may not have a host named "${name}"`,
      `Choose another: ${otherHosts.join(", ")} are hosts of their own.`,
    ]);

/** Whether a host that gets out by HTTP and HTTPS alone, without a key for SSH, can fetch from there. */
const isInReach = (repository: string): boolean => /^(https:\/\/[^/:]+(:443)?\/|file:)/.test(repository);

const chronosChecks: readonly Check<Both<ChronosBoth>>[] = [
  ({ own }) => othersNames("edge_hosts", own.edge_hosts),
  ({ own }) => othersNames("edge_machines", [...own.edge_machines.keys()]),
  ({ own }) => {
    // The settings may say that a host's place is taken by a machine elsewhere
    const isOnEc2 = !own.dashboard_ssh || own.edge_hosts.some((name) => !own.edge_machines.has(name));
    if (!isOnEc2 || own.repository_url === undefined || isInReach(own.repository_url)) return [];
    return [
      [
        "repository_url",
        "cannot be reached from hosts on EC2, which have no SSH key and get out by ports 80 and 443",
        "Write it with https and without a port, such as https://github.com/example/chronos2.git.",
      ],
    ];
  },
  ({ own }) => takenPorts("dashboard_ports", own.dashboard_ports, "SSH", [port(22)]),
  ({ own }) => takenPorts("frp_ports", own.frp_ports, "SSH", [port(22)]),
  ({ own }) => takenPorts("frp_ports", own.frp_ports, "the dashboard", own.dashboard_ports),
  ({ own, shared, file }) => shutOutOfSsh("ssh_cidrs", own.ssh_cidrs, shared, file),
  ({ own, shared, file }) =>
    shutOut("dashboard_ports", own.dashboard_ports, own.dashboard_cidrs, shared, file),
  ({ own, shared, file }) => {
    // Edge hosts come from their Elastic IPs, which are in nobody's network
    const cidrs = own.edge_hosts.length > 0 ? anywhere : own.frp_cidrs;
    return shutOut("frp_ports", own.frp_ports, cidrs, shared, file);
  },
];

const xSchedulerChecks: readonly Check<Both<XSchedulerValues>>[] = [
  ({ own }) =>
    domainInZone(
      ["x_scheduler_domain", own.x_scheduler_domain],
      ["x_scheduler_hosted_zone", own.x_scheduler_hosted_zone],
    ),
  ({ own, shared, file }) => shutOutOfSsh("x_scheduler_ssh_cidrs", own.x_scheduler_ssh_cidrs, shared, file),
  ({ own, shared, file }) => {
    const hasWayOut = shared.vpc_id
      ? shared.private_subnet_ids !== undefined
      : shared.private_subnets && shared.nat_gateways !== "none";
    if (!own.x_scheduler_domain || hasWayOut) return [];
    return [
      [
        "x_scheduler_domain",
        "puts the host in a private subnet, and there is none with a way out",
        `Set TF_VAR_nat_gateways and TF_VAR_private_subnets="true" in ${file}, or leave the domain out.`,
      ],
    ];
  },
  ({ own, shared, file }) =>
    own.x_scheduler_domain
      ? []
      : shutOut(
          "x_scheduler_callback_cidrs",
          [port(80), port(443)],
          own.x_scheduler_callback_cidrs,
          shared,
          file,
        ),
];

const macroAiChecks: readonly Check<Both<MacroAiValues>>[] = [
  ({ own }) =>
    domainInZone(
      ["macro_ai_domain", own.macro_ai_domain],
      ["macro_ai_hosted_zone", own.macro_ai_hosted_zone],
    ),
  ({ own }) =>
    own.macro_ai_capacity === "group" && !own.macro_ai_domain
      ? [
          [
            "macro_ai_capacity",
            "is a group, whose load balancer needs a domain for TLS",
            "Add TF_VAR_macro_ai_domain and TF_VAR_macro_ai_hosted_zone.",
          ],
        ]
      : [],
  ({ own }) =>
    own.macro_ai_capacity === "single" && own.macro_ai_domain
      ? [
          [
            "macro_ai_domain",
            "belongs to a load balancer, and a single host has none",
            'Set TF_VAR_macro_ai_capacity="group", or leave the domain out.',
          ],
        ]
      : [],
  ({ own }) => {
    if (own.macro_ai_min_size <= own.macro_ai_max_size) return [];
    const what = `is more than macro_ai_max_size, ${own.macro_ai_max_size}`;
    return [["macro_ai_min_size", what, "Lower it, or raise the other."]];
  },
  ({ own }) => {
    const [ports, cidrs] = [own.macro_ai_egress_ports.length > 0, own.macro_ai_egress_cidrs.length > 0];
    if (ports && !cidrs) {
      const mend = "Add TF_VAR_macro_ai_egress_cidrs, such as the database's network.";
      return [["macro_ai_egress_ports", "opens nothing without the networks where these are", mend]];
    }
    return cidrs && !ports
      ? [["macro_ai_egress_cidrs", "opens nothing without ports", "Add TF_VAR_macro_ai_egress_ports."]]
      : [];
  },
];

/** A domain and its zone come together, and the one ends with the other. */
function domainInZone(
  [domainInput, domain]: readonly [string, string | undefined],
  [zoneInput, zone]: readonly [string, string | undefined],
): Finding[] {
  if (domain && !zone) {
    const mend = `Add TF_VAR_${zoneInput}, its Route 53 zone.`;
    return [[domainInput, "stands without the zone that its records go to", mend]];
  }
  if (zone && !domain)
    return [[zoneInput, "stands without a domain", `Add TF_VAR_${domainInput}, or remove it.`]];
  if (domain && zone && domain !== zone && !domain.endsWith(`.${zone}`)) {
    return [[domainInput, `is not in the zone ${zone}`, "Name a host of that zone, or its own zone."]];
  }
  return [];
}

/** The network ACL lets administrators reach every port, and the world those that it names. */
const passesAsAdmin = (cidr: string, shared: SharedValues): boolean =>
  shared.network_acl_admin_cidrs.some((admin) => contains(admin, cidr));

function shutOutOfSsh(
  input: string,
  cidrs: readonly string[],
  shared: SharedValues,
  file: string,
): Finding[] {
  if (shared.vpc_id) return []; // the network ACL is not ours
  const shut = cidrs.filter((cidr) => !passesAsAdmin(cidr, shared));
  if (shut.length === 0) return [];
  const what = `${shut.join(", ")} cannot pass the network ACL`;
  return [[input, what, `Add it to TF_VAR_network_acl_admin_cidrs in ${file}.`]];
}

/** Ports below 1024 that some of the networks cannot reach. */
function shutOut(
  input: string,
  ports: readonly PortRange[],
  cidrs: readonly string[],
  shared: SharedValues,
  file: string,
): Finding[] {
  if (shared.vpc_id || cidrs.every((cidr) => passesAsAdmin(cidr, shared))) return [];
  const open = shared.network_acl_public_ports;
  const blocked = ports.flatMap(({ from, to }) => uncovered({ from, to: Math.min(to, 1023) }, open));
  if (blocked.length === 0) return [];
  const names = blocked.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
  const what = `${names} cannot pass the network ACL`;
  return [[input, what, `Add ${names} to TF_VAR_network_acl_public_ports in ${file}.`]];
}

/** One program listens on a port; two rules for the same port and network would be refused by EC2 besides. */
const takenPorts = (
  input: string,
  ports: readonly PortRange[],
  owner: string,
  owned: readonly PortRange[],
): Finding[] =>
  ports
    .filter((range) => owned.some((other) => meet(range, other)))
    .map(({ from, to }) => [
      input,
      `${from === to ? from : `${from}-${to}`} is also a port of ${owner}`,
      "Name ports of its own.",
    ]);

/** The rules that a security group may have in one direction unless AWS is asked for more. */
const GROUP_RULES = 60;

const chronosWarnings: readonly Check<Both<ChronosBoth>>[] = [
  ({ own }) =>
    own.dashboard_ports.some((range) => [80, 443].some((web) => meet(range, port(web))))
      ? []
      : [
          [
            "dashboard_ports",
            "holds neither 80 nor 443, so no alarm tells when the site is down",
            "Watch it by other means, or let a proxy on the host answer at 443.",
          ],
        ],
  ({ own }) =>
    own.allow_all_traffic
      ? [
          [
            "allow_all_traffic",
            "opens every port of the dashboard host to the world",
            "Set it back to false when the fault is found.",
          ],
        ]
      : [],
  ({ own }) => warnOfOpenSsh("ssh_cidrs", own.ssh_cidrs),
  ({ own }) => {
    const rules =
      own.dashboard_ports.length * own.dashboard_cidrs.length +
      own.frp_ports.length * (own.frp_cidrs.length + own.edge_hosts.length) +
      own.ssh_cidrs.length;
    if (rules <= GROUP_RULES) return [];
    const what = `and the other networks make ${rules} rules of one security group, and AWS allows ${GROUP_RULES} unless asked for more`;
    return [["frp_cidrs", what, "Name wider networks, or ask for a higher quota first."]];
  },
];

const xSchedulerWarnings: readonly Check<Both<XSchedulerValues>>[] = [
  ({ own }) => warnOfOpenSsh("x_scheduler_ssh_cidrs", own.x_scheduler_ssh_cidrs),
];

/** Images that a system runs come from repositories of `shared`. */
const hasRepositories =
  (system: "viewer-atlas" | "atomic-calendar"): Check<Both<object>> =>
  ({ shared, file }) =>
    shared.image_repositories.includes(system)
      ? []
      : [
          [
            "systems",
            `has ${system}, and shared does not have its image repositories`,
            `Add ${system} to TF_VAR_image_repositories in ${file}.`,
          ],
        ];

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html#ecs-exec-considerations */
const execWithoutRoot = (prefix: string, isWrong: boolean): Finding[] =>
  isWrong
    ? [
        [
          `${prefix}_exec`,
          "needs a root file system that can be written to, as ECS Exec puts its agent there",
          `Set TF_VAR_${prefix}_read_only_root="false" besides, for as long as you need it.`,
        ],
      ]
    : [];

/** What an ARN names is in the load balancer's region. */
const isInRegion =
  (
    input: "atomic_calendar_certificate_arn" | "atomic_calendar_web_acl",
    what: string,
  ): Check<Both<AtomicCalendarValues>> =>
  ({ own, settings, shared }) => {
    const [, , , region] = own[input]?.split(":") ?? [];
    const here = valuesOf<EnvironmentValues>(settings).region ?? shared.region;
    if (region === undefined || region === here) return [];
    return [[input, `is in ${region}, and the load balancer in ${here}`, `Name a ${what} of that region.`]];
  };

const viewerAtlasChecks: readonly Check<Both<ViewerAtlasValues>>[] = [
  ...(["collector", "analysis", "vod"] as const).map((name): Check<Both<ViewerAtlasValues>> => ({ own }) => {
    const problem = fargateSizeProblem(own[`viewer_atlas_${name}_cpu`], own[`viewer_atlas_${name}_memory`]);
    return problem ? [[`viewer_atlas_${name}_memory`, problem, "Write one of these."]] : [];
  }),
  hasRepositories("viewer-atlas"),
  ({ own }) => execWithoutRoot("viewer_atlas", own.viewer_atlas_exec && own.viewer_atlas_read_only_root),
  ({ own }) =>
    own.viewer_atlas_file_system_access_point && !own.viewer_atlas_file_system?.startsWith("fs-")
      ? [
          [
            "viewer_atlas_file_system_access_point",
            "is of a file system that is there, and none is named",
            'Set TF_VAR_viewer_atlas_file_system to its id besides, or leave this out: "new" makes an access point of its own.',
          ],
        ]
      : [],
  ({ own, shared }) => {
    const taken = [stateBucket(shared), `${stateBucket(shared)}-logs`];
    return own.viewer_atlas_bucket !== undefined && taken.includes(own.viewer_atlas_bucket)
      ? [["viewer_atlas_bucket", "is a bucket of the state backend", "Name another one."]]
      : [];
  },
  ({ settings, shared }) => {
    const longest = `${shared.name_prefix}-${settings.name}-vieweratlas-vod-collector-execution-role`;
    if (longest.length <= ROLE_NAME) return [];
    const what = `makes the role ${longest}, and IAM allows ${ROLE_NAME} characters`;
    return [["deptype", what, "Choose a shorter name for the environment, or a shorter name_prefix."]];
  },
];

const atomicCalendarChecks: readonly Check<Both<AtomicCalendarValues>>[] = [
  ({ own }) => {
    const name = "atomic_calendar_admin_cidrs";
    const mend = "Name the addresses of those who administer it, such as 203.0.113.7/32.";
    return own.atomic_calendar_admin_cidrs.flatMap((cidr): Finding[] => {
      if (cidr.endsWith("/0")) return [[name, `lets everybody in to Hasura's metadata API: ${cidr}`, mend]];
      if (own.atomic_calendar_cidrs.some((outer) => contains(outer, cidr))) return [];
      const what = `has ${cidr}, which atomic_calendar_cidrs keeps from the load balancer`;
      return [[name, what, `Add it to TF_VAR_atomic_calendar_cidrs, or leave it out.`]];
    });
  },
  ({ own }) =>
    own.atomic_calendar_hosted_zone
      ? domainInZone(
          ["atomic_calendar_domain", own.atomic_calendar_domain],
          ["atomic_calendar_hosted_zone", own.atomic_calendar_hosted_zone],
        )
      : [],
  ({ shared, file }) => {
    const ready = shared.vpc_id
      ? (shared.private_subnet_ids?.length ?? 0) > 1
      : shared.private_subnets && shared.nat_gateways !== "none";
    if (ready) return [];
    const mend = shared.vpc_id
      ? `Name two at least in TF_VAR_private_subnet_ids in ${file}; they need a way out, such as a NAT gateway.`
      : `Set TF_VAR_nat_gateways="single" and TF_VAR_private_subnets="true" in ${file}.`;
    return [
      ["systems", "has atomic-calendar, which needs private subnets in two zones with a way out", mend],
    ];
  },
  hasRepositories("atomic-calendar"),
  ({ own }) =>
    own.atomic_calendar_certificate_arn && own.atomic_calendar_certificate_issued
      ? [
          [
            "atomic_calendar_certificate_issued",
            "speaks of a new certificate, and atomic_calendar_certificate_arn names one that is there",
            "Remove one of the two.",
          ],
        ]
      : [],
  isInRegion("atomic_calendar_certificate_arn", "certificate"),
  isInRegion("atomic_calendar_web_acl", "web ACL"),
  ({ own }) =>
    [...own.atomic_calendar_tasks]
      .filter(([, [least, most]]) => least === 0 && most > 0)
      .map(([name]) => [
        "atomic_calendar_tasks",
        `lets ${name} begin with no task, and without one nothing tells that more are needed`,
        `Write ${name}=1:… to scale it, or ${name}=0:0 to stop it.`,
      ]),
  ...(["atomic_calendar_sizes", "atomic_calendar_tasks"] as const).map(
    (input): Check<Both<AtomicCalendarValues>> =>
      ({ own }) =>
        [...own[input].keys()]
          .filter((name) => !(serviceNames as readonly string[]).includes(name))
          .map((name) => [
            input,
            `names the service "${name}", which there is not`,
            `There are: ${serviceNames.join(", ")}.`,
          ]),
  ),
  ({ own }) =>
    own.atomic_calendar_database === "postgres" &&
    own.atomic_calendar_database_max_storage < own.atomic_calendar_database_storage * 1.1
      ? [
          [
            "atomic_calendar_database_max_storage",
            "is less than a tenth above atomic_calendar_database_storage, and RDS wants that much",
            "Raise it.",
          ],
        ]
      : [],
  ({ own }) =>
    own.atomic_calendar_database === "aurora" &&
    own.atomic_calendar_aurora_max < Math.max(1, own.atomic_calendar_aurora_min)
      ? [
          [
            "atomic_calendar_aurora_max",
            "is less than atomic_calendar_aurora_min, or than the 1 that Aurora wants",
            "Raise it, or lower the other.",
          ],
        ]
      : [],
  ({ own }) =>
    execWithoutRoot("atomic_calendar", own.atomic_calendar_exec && own.atomic_calendar_read_only_root),
  ({ settings, shared }) => {
    const longest = `${shared.name_prefix}-${settings.name}-atomic-python-agent-execution-role`;
    if (longest.length > ROLE_NAME) {
      const what = `makes the role ${longest}, and IAM allows ${ROLE_NAME} characters`;
      return [["deptype", what, "Choose a shorter name for the environment, or a shorter name_prefix."]];
    }
    const group = `${settings.name}-atomic-optaplanner`;
    if (group.length <= LOAD_BALANCER_NAME) return [];
    const what = `makes the target group ${group}, and AWS allows ${LOAD_BALANCER_NAME} characters`;
    return [["deptype", what, "Choose a shorter name for the environment."]];
  },
];

const atomicCalendarWarnings: readonly Check<Both<AtomicCalendarValues>>[] = [
  ({ settings }) => warnOfDeafAlarms(settings),
  ({ own, settings }) =>
    own.atomic_calendar_tracing && !own.atomic_calendar_xray_daemon_image
      ? [
          [
            "atomic_calendar_tracing",
            "is true, and there is no image of the X-Ray daemon: nothing is traced",
            `./landfall images push ${settings.name} xray-daemon, or set it to false.`,
          ],
        ]
      : [],
  ({ own }) =>
    own.atomic_calendar_msk === "brokers" && own.atomic_calendar_broker_cidrs.length === 0
      ? [
          [
            "atomic_calendar_msk",
            "is brokers, and no service may reach any",
            "Name their networks: TF_VAR_atomic_calendar_broker_cidrs.",
          ],
        ]
      : [],
  ({ own, settings }) => {
    const missing = serviceNames.filter((name) => !own[imageInput(name)]);
    if (missing.length === 0) return [];
    const what = `has no image for ${missing.join(", ")}, so that nothing of it runs`;
    return [["systems", what, `./landfall images push ${settings.name}`]];
  },
  ({ own }) =>
    own.atomic_calendar_hosted_zone ||
    own.atomic_calendar_certificate_arn ||
    own.atomic_calendar_certificate_issued
      ? []
      : [
          [
            "atomic_calendar_certificate_issued",
            "is false, so port 80 answers 503 and there is no HTTPS yet",
            "After the first apply make the records that the output atomic_calendar_certificate_records names; when ACM has issued the certificate, set it to true and apply again.",
          ],
        ],
];

/** Of load balancers and target groups. */
const LOAD_BALANCER_NAME = 32;
/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const ROLE_NAME = 64;

const viewerAtlasWarnings: readonly Check<Both<ViewerAtlasValues>>[] = [
  ({ settings }) => warnOfDeafAlarms(settings),
  ({ own }) =>
    own.viewer_atlas_collector_count > 1
      ? [["viewer_atlas_collector_count", "is more than 1: each collects the same", "Set it to 1, or to 0."]]
      : [],
  ({ own, settings }) => {
    const missing = (["collector", "analysis", "vod"] as const).filter(
      (name) => !own[`viewer_atlas_${name}_image`],
    );
    if (missing.length === 0) return [];
    const what = `has no image for ${missing.join(", ")}, so that nothing of it runs`;
    return [["systems", what, `./landfall images push ${settings.name}`]];
  },
  ...(["analysis", "vod"] as const).map((name): Check<Both<ViewerAtlasValues>> => ({ own }) => {
    return longestPeriodHours(own[`viewer_atlas_${name}_schedule`]) < MAX_HOURS
      ? []
      : [
          [
            `viewer_atlas_${name}_schedule`,
            `is so rare that no alarm tells of a missed run: CloudWatch looks back ${MAX_HOURS} hours`,
            "A run that fails is told all the same.",
          ],
        ];
  }),
  ...(["analysis", "vod"] as const).map((name): Check<Both<ViewerAtlasValues>> => ({ own }) => {
    const { viewer_atlas_max_processing_hours: limit } = own;
    const input = `viewer_atlas_${name}_schedule` as const;
    if (longestPeriodHours(own[input]) >= limit) return [];
    const what = `starts a run before the one before must have ended: each may take ${limit} hours, and nothing keeps two apart`;
    return [[input, what, "Make it rarer, or lower TF_VAR_viewer_atlas_max_processing_hours."]];
  }),
];

const macroAiWarnings: readonly Check<Both<MacroAiValues>>[] = [
  ({ own }) =>
    own.macro_ai_capacity === "single" && (own.macro_ai_cidrs ?? []).length > 0
      ? [
          [
            "macro_ai_cidrs",
            "opens port 3030 of the host, which has no TLS",
            "A group has a load balancer with TLS.",
          ],
        ]
      : [],
];

/** The documents want an operator's address. */
function warnOfDeafAlarms(settings: Settings): Finding[] {
  if (valuesOf<EnvironmentValues>(settings).alarm_emails.length > 0) return [];
  const mend = "Add a mail address, or subscribe to the topic by other means.";
  return [["alarm_emails", "is empty, so that alarms and the budget tell nobody", mend]];
}

function warnOfOpenSsh(input: string, cidrs: readonly string[]): Finding[] {
  if (!cidrs.some((cidr) => anywhere.includes(cidr))) return [];
  return [
    [
      input,
      "opens SSH to the world",
      "Name the networks that need it, or none: Session Manager works without.",
    ],
  ];
}

/** Points at the line that set the input, or at the file where nothing did. */
function toProblem(settings: Settings, [input, what, mend]: Finding): Problem {
  const setting = settings.settings.get(input);
  const name = setting ? nameInFile(input, setting.input) : `TF_VAR_${input}`;
  if (setting?.source.from === "file")
    return { file: setting.source.file, line: setting.source.line, name, what, mend };
  return {
    file: setting?.source.from === "process environment" ? "process environment" : settings.file,
    name,
    what,
    mend,
  };
}
