import { addressPlanProblems, contains } from "../modules/address-plan";
import { inboundRules, MAX_RULES } from "../modules/network-acl";
import { covers, meet, port } from "../modules/port-range";
import { anywhere } from "../modules/security-group";
import {
  addressesOf,
  addressPlan,
  availabilityZones,
  stateBucket,
  valuesOf,
  type ChronosValues,
  type EnvironmentValues,
  type SharedValues,
} from "./derived";
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

/** Problems of `shared` that no input shows alone: how its settings fit together. */
export function checkShared(settings: Settings): Problem[] {
  const shared = valuesOf<SharedValues>(settings);
  const findings = [...(shared.vpc_id ? checkExistingNetwork(settings, shared) : checkNewNetwork(shared))];
  if (stateBucket(shared).length > STATE_BUCKET_CHARACTERS) {
    findings.push([
      "state_bucket",
      `has more than ${STATE_BUCKET_CHARACTERS} characters, and the bucket of its access logs adds "-logs"`,
      "Choose a shorter name.",
    ]);
  }
  return findings.map((finding) => toProblem(settings, finding));
}

function checkExistingNetwork(settings: Settings, shared: SharedValues): Finding[] {
  const idle = newNetworkInputs.filter(
    (name) => (settings.settings.get(name)?.source.from ?? "default") !== "default",
  );
  const findings = idle.map((name): Finding => [
    name,
    "describes a new VPC, but vpc_id names an existing one",
    "Remove one of the two.",
  ]);
  if (shared.vpc_id !== "default" && !shared.public_subnet_ids?.length) {
    findings.push([
      "vpc_id",
      "names an existing VPC without its subnets",
      'Add TF_VAR_public_subnet_ids="subnet-…,subnet-…".',
    ]);
  }
  return findings;
}

function checkNewNetwork(shared: SharedValues): Finding[] {
  const findings: Finding[] = [];
  for (const name of ["public_subnet_ids", "private_subnet_ids"] as const) {
    if (shared[name])
      findings.push([
        name,
        "belongs to an existing VPC, but none is named",
        "Add TF_VAR_vpc_id, or remove it.",
      ]);
  }
  const zones = availabilityZones(shared);
  const foreign = zones.filter((zone) => zone.slice(0, -1) !== shared.region);
  if (foreign.length > 0) {
    findings.push([
      "availability_zones",
      `${foreign.join(", ")} is not in the region ${shared.region}`,
      `Name zones such as ${shared.region}a.`,
    ]);
  }
  for (const name of ["public_subnet_cidrs", "private_subnet_cidrs"] as const) {
    const unknown = [...(shared[name]?.keys() ?? [])].filter((zone) => !zones.includes(zone));
    if (unknown.length > 0) {
      findings.push([
        name,
        `${unknown.join(", ")} is none of the zones ${zones.join(", ")}`,
        "Name a zone that has subnets.",
      ]);
    }
  }
  if (shared.nat_gateways !== "none" && !shared.private_subnets) {
    findings.push([
      "nat_gateways",
      "serves private subnets, and there are none",
      'Set TF_VAR_private_subnets="true", or TF_VAR_nat_gateways="none".',
    ]);
  }
  if (!shared.availability_zones && regionsOfVaryingZones.includes(shared.region)) {
    findings.push([
      "availability_zones",
      `is missing: not every account has the zones a and b in ${shared.region}`,
      `Name two of those that aws ec2 describe-availability-zones --region ${shared.region} lists.`,
    ]);
  }
  const rules = inboundRules({
    publicPorts: shared.network_acl_public_ports,
    adminCidrs: shared.network_acl_admin_cidrs,
  }).length;
  if (rules > MAX_RULES) {
    findings.push([
      "network_acl_admin_cidrs",
      `makes ${rules} rules in the network ACL, and AWS allows ${MAX_RULES}`,
      "Name wider networks, or fewer.",
    ]);
  }
  for (const what of addressPlanProblems(addressPlan(shared))) {
    findings.push([
      "vpc_cidr",
      `makes an address plan that does not work: ${what}`,
      "Choose ranges that are inside the VPC and apart from each other.",
    ]);
  }
  return findings;
}

/** Problems of an environment beside its `shared`. */
export function checkEnvironment(
  settings: Settings,
  sharedSettings: Settings,
): { problems: Problem[]; warnings: Problem[] } {
  const shared = valuesOf<SharedValues>(sharedSettings);
  const environment = valuesOf<EnvironmentValues>(settings);
  const findings: Finding[] = [];
  const warnings: Finding[] = [];
  if (environment.region && environment.region !== shared.region) {
    findings.push([
      "region",
      `differs from ${shared.region}, where the network of ${sharedSettings.file} is`,
      "Use the same region.",
    ]);
  }
  const foreign = (environment.allowed_account_ids ?? []).filter(
    (id) => !shared.allowed_account_ids.includes(id),
  );
  if (foreign.length > 0) {
    findings.push([
      "allowed_account_ids",
      `holds ${foreign.join(", ")}, which ${sharedSettings.file} does not`,
      "An environment lives in the account of its shared network.",
    ]);
  }
  const missing = addressesOf(settings).filter((address) => !shared.addresses.includes(address));
  if (missing.length > 0) {
    findings.push([
      "systems",
      `needs the Elastic IP ${missing.join(", ")}, which shared does not have`,
      `Add ${missing.join(",")} to TF_VAR_addresses in ${sharedSettings.file}.`,
    ]);
  }
  if (environment.systems.includes("chronos")) {
    const chronos = valuesOf<ChronosValues>(settings);
    findings.push(...checkChronos(chronos, shared, sharedSettings.file));
    warnings.push(...warnOfOpenDoors(chronos));
  }
  return {
    problems: findings.map((finding) => toProblem(settings, finding)),
    warnings: warnings.map((finding) => toProblem(settings, finding)),
  };
}

function checkChronos(chronos: ChronosValues, shared: SharedValues, sharedFile: string): Finding[] {
  const findings: Finding[] = [];
  if (chronos.edge_hosts.includes("dashboard")) {
    findings.push([
      "edge_hosts",
      'may not have a host named "dashboard"',
      "That is the dashboard's own name.",
    ]);
  }
  findings.push(...sharedPorts(chronos));
  if (shared.vpc_id) return findings; // the network ACL is not ours

  const admins = shared.network_acl_admin_cidrs;
  const shut = chronos.ssh_cidrs.filter((cidr) => !admins.some((admin) => contains(admin, cidr)));
  if (shut.length > 0) {
    findings.push([
      "ssh_cidrs",
      `${shut.join(", ")} cannot pass the network ACL`,
      `Add it to TF_VAR_network_acl_admin_cidrs in ${sharedFile}.`,
    ]);
  }
  for (const name of ["dashboard_ports", "frp_ports"] as const) {
    const blocked = chronos[name].filter(
      (ports) => ports.from < 1024 && !shared.network_acl_public_ports.some((open) => covers(open, ports)),
    );
    if (blocked.length > 0) {
      findings.push([
        name,
        `${blocked.map(({ from }) => from).join(", ")} cannot pass the network ACL`,
        `Add it to TF_VAR_network_acl_public_ports in ${sharedFile}.`,
      ]);
    }
  }
  return findings;
}

/** One program listens on a port; two rules for the same port and network would be refused by EC2 besides. */
function sharedPorts(chronos: ChronosValues): Finding[] {
  const ssh = { name: "SSH", ports: [port(22)] };
  const dashboard = { name: "the dashboard", ports: chronos.dashboard_ports };
  const taken = (input: string, ports: typeof dashboard.ports, by: typeof dashboard): Finding[] =>
    ports
      .filter((range) => by.ports.some((other) => meet(range, other)))
      .map(({ from, to }) => [
        input,
        `${from === to ? from : `${from}-${to}`} is also a port of ${by.name}`,
        "Name ports of its own.",
      ]);
  return [
    ...taken("dashboard_ports", chronos.dashboard_ports, ssh),
    ...taken("frp_ports", chronos.frp_ports, ssh),
    ...taken("frp_ports", chronos.frp_ports, dashboard),
  ];
}

function warnOfOpenDoors(chronos: ChronosValues): Finding[] {
  const warnings: Finding[] = [];
  if (chronos.allow_all_traffic) {
    warnings.push([
      "allow_all_traffic",
      "opens every port of the dashboard host to the world",
      "Set it back to false when the fault is found.",
    ]);
  }
  if (chronos.ssh_cidrs.some((cidr) => anywhere.includes(cidr))) {
    warnings.push([
      "ssh_cidrs",
      "opens SSH to the world",
      "Name the networks that need it, or none: Session Manager works without.",
    ]);
  }
  return warnings;
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
