import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnvFile, type Assignment } from "../../environments/env-file";
import { LandfallError } from "../../environments/errors";
import { isSecret } from "../../environments/input";
import type { Problem } from "../../environments/problem";
import { formatReport } from "../../environments/report";
import { projectRoot } from "../../environments/root";
import type { Settings } from "../../environments/settings";
import type { SshAddress } from "../../environments/types";
import type { PortRange } from "../../modules/port-range";

export type HostKind = "dashboard" | "edge";

/** One setting in a file on a host. */
export interface Entry {
  /** As changes are reported. */
  readonly name: string;
  /** As the file holds it, with its newline. */
  readonly text: string;
}

/** A file that is written into the checkout. */
export interface HostFile {
  /** Below the checkout. */
  readonly path: string;
  /** A file of the checkout whose further settings are kept. */
  readonly sample?: string;
  readonly entries: readonly Entry[];
}

/** What one host is to run. */
export interface HostApplication {
  /** `dashboard`, or the edge host's name. */
  readonly name: string;
  readonly kind: HostKind;
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly ref: string;
  readonly files: readonly HostFile[];
  /** Where SSH reaches it, where that is said. */
  readonly ssh?: SshAddress;
  /** Whether the environment has it on EC2: such a host sets a marker at the end of its first boot. */
  readonly onEc2: boolean;
  /** Public host keys that are given for it. */
  readonly hostKeys: readonly string[];
}

/** The application layer of one environment. */
export interface ChronosApplication {
  readonly hosts: readonly HostApplication[];
  /** Whether SSH may come from outside by the environment's own rules; else Session Manager is the way. */
  readonly sshIsOpen: boolean;
  /** Values that nothing that is printed may hold. */
  readonly secrets: readonly string[];
}

/** Values of the inputs that are used here; the catalogue says what each means. */
interface Values {
  readonly edge_hosts: readonly string[];
  readonly frp_ports: readonly PortRange[];
  readonly ssh_cidrs: readonly string[];
  readonly git_ref: string;
  readonly postgres_user: string;
  readonly postgres_password: string;
  readonly postgres_db: string;
  readonly jwt_secret_key: string;
  readonly background_color: string;
  readonly vite_api_base_url: string;
  readonly repository_url?: string;
  readonly frp_auth_token?: string;
  readonly frontend_settings: readonly Assignment[];
  readonly backend_settings?: string;
  readonly deployment_settings: readonly Assignment[];
  readonly dashboard_ssh?: SshAddress;
  readonly edge_machines: ReadonlyMap<string, SshAddress>;
  readonly ssh_host_keys: readonly (readonly [string, string])[];
  readonly edge_git_ref?: string;
  readonly edge_settings?: string;
  readonly frp_server_address?: string;
  readonly frp_local_port: number;
  readonly frp_remote_ports: ReadonlyMap<string, number>;
}

/** @throws {LandfallError} with all that the application layer lacks, before anything runs */
export function requireApplication(settings: Settings): void {
  const problems = applicationProblems(settings);
  if (problems.length === 0) return;
  throw new LandfallError(
    `The settings of ${settings.name} do not do for its application.\n${formatReport(problems)}`,
  );
}

/** What the hosts of an environment are to run. {@link requireApplication} says whether the settings do for that. */
export function chronosApplication(settings: Settings): ChronosApplication {
  const values = read(settings);
  return {
    hosts: [dashboard(values), ...edgeNames(values).map((name) => edge(name, values))],
    sshIsOpen: values.ssh_cidrs.length > 0,
    secrets: secretsOf(settings, values),
  };
}

/** What the application layer lacks or cannot take in settings that are valid by themselves. */
export function applicationProblems(settings: Settings): readonly Problem[] {
  const values = read(settings);
  const secretsFile = settings.file.replace(/\.env$/, ".secrets.env");
  const problems: Problem[] = [];
  const add = (name: string, file: string, what: string, mend: string) =>
    problems.push({ ...place(settings, name, file), name, what, mend });

  if (values.repository_url === undefined)
    add(
      "repository_url",
      settings.file,
      "is missing",
      `Add it to ${settings.file}: repository_url="https://github.com/…/chronos2.git"`,
    );
  if (values.frp_auth_token === undefined)
    add(
      "frp_auth_token",
      secretsFile,
      "is missing",
      `Add it to ${secretsFile}; openssl rand -base64 32 makes one.`,
    );
  for (const name of ["backend_settings", "edge_settings"] as const) {
    for (const what of assignmentProblems(values[name] ?? ""))
      add(name, secretsFile, what, 'Write lines NAME="value", the whole in single quotes.');
  }
  for (const [name, reserved] of Object.entries(ownNames(values))) {
    if (reserved.length > 0)
      add(
        name,
        settings.file,
        `holds ${reserved.join(", ")}, which an input of its own sets`,
        "Remove it there.",
      );
  }
  const edges = edgeNames(values);
  const without = edges.filter((name) => !values.frp_remote_ports.has(name));
  if (without.length > 0)
    add(
      "frp_remote_ports",
      settings.file,
      `has no port for ${without.join(", ")}`,
      `Add ${without.map((name) => `${name}=PORT`).join(",")}.`,
    );
  const stray = (names: Iterable<string>, known: readonly string[]) => [
    ...new Set([...names].filter((name) => !known.includes(name))),
  ];
  for (const [name, strays] of [
    ["frp_remote_ports", stray(values.frp_remote_ports.keys(), edges)],
    [
      "ssh_host_keys",
      stray(
        values.ssh_host_keys.map(([host]) => host),
        ["dashboard", ...edges],
      ),
    ],
  ] as const) {
    if (strays.length > 0)
      add(name, settings.file, `names ${strays.join(", ")}, which is no host here`, "Remove it, or mend it.");
  }
  return problems;
}

const read = (settings: Settings): Values =>
  Object.fromEntries([...settings.settings].map(([name, { value }]) => [name, value])) as unknown as Values;

function place(settings: Settings, name: string, file: string): Pick<Problem, "file" | "line"> {
  const source = settings.settings.get(name)?.source;
  if (source?.from === "file") return { file: source.file, line: source.line };
  return { file: source?.from === "process environment" ? source.from : file };
}

/** Tells lines, never values: they are secrets. */
function assignmentProblems(text: string): string[] {
  const { assignments, misread } = parseEnvFile(Buffer.from(text));
  const names = assignments.map(({ name }) => name);
  return [
    ...misread.map(({ line, what }) => `in its line ${line} ${what}`),
    ...assignments
      .filter(({ name }, index) => names.indexOf(name) !== index)
      .map(({ line }) => `in its line ${line} repeats a name`),
  ];
}

const assignmentsOf = (text = ""): readonly Assignment[] => parseEnvFile(Buffer.from(text)).assignments;

/** Names in the inputs for further lines that have inputs of their own. */
function ownNames(values: Values): Readonly<Record<string, readonly string[]>> {
  const clash = (further: readonly Assignment[], own: readonly (readonly [string, string])[]) =>
    further.map(({ name }) => name).filter((name) => own.some(([taken]) => taken === name));
  return {
    frontend_settings: clash(values.frontend_settings, frontend(values)),
    backend_settings: clash(assignmentsOf(values.backend_settings), backend(values)),
    deployment_settings: clash(values.deployment_settings, deployment(values)),
    edge_settings: clash(assignmentsOf(values.edge_settings), [["EDGE_NAME", ""]]),
  };
}

const edgeNames = ({ edge_hosts, edge_machines }: Values): string[] => [
  ...new Set([...edge_hosts, ...edge_machines.keys()]),
];

const frontend = (values: Values): [string, string][] => [
  ["VITE_API_BASE_URL", values.vite_api_base_url],
  ["VITE_BACKGROUND_COLOR", values.background_color],
];
const backend = (values: Values): [string, string][] => [
  ["POSTGRES_USER", values.postgres_user],
  ["POSTGRES_PASSWORD", values.postgres_password],
  ["POSTGRES_DB", values.postgres_db],
  ["JWT_SECRET_KEY", values.jwt_secret_key],
];
const deployment = (values: Values): [string, string][] => [["DEPLOYMENT_URI", deploymentUri(values)]];

/** The domain in the API's URL: what the deployment's proxy answers to. */
const deploymentUri = ({ vite_api_base_url }: Pick<Values, "vite_api_base_url">): string =>
  new URL(vite_api_base_url).hostname;

function dashboard(values: Values): HostApplication {
  const compose = (path: string, own: [string, string][], further: readonly Assignment[] = []): HostFile => ({
    path,
    sample: path.endsWith(".docker")
      ? path.replace(/docker$/, "sample")
      : path.replace(/\.env/, ".env.sample"),
    entries: envEntries([...own, ...pairs(further)], "compose"),
  });
  return {
    name: "dashboard",
    kind: "dashboard",
    repository: values.repository_url ?? "",
    ref: values.git_ref,
    ssh: values.dashboard_ssh,
    onEc2: true,
    hostKeys: keysOf("dashboard", values),
    files: [
      compose("dashboard_frontend/.env.docker", frontend(values), values.frontend_settings),
      compose("dashboard_backend/.env.docker", backend(values), assignmentsOf(values.backend_settings)),
      {
        path: "frp_config/frps.toml",
        entries: [
          tomlEntry("bindPort", values.frp_ports[0]?.from ?? 7000),
          tomlEntry("auth.method", "token"),
          tomlEntry("auth.token", values.frp_auth_token ?? ""),
        ],
      },
      compose(".env", [...deployment(values), ...frontend(values)]),
      compose(".env.deployment", deployment(values), values.deployment_settings),
    ],
  };
}

function edge(name: string, values: Values): HostApplication {
  const proxy = {
    name,
    type: "tcp",
    localIP: "127.0.0.1",
    localPort: values.frp_local_port,
    remotePort: values.frp_remote_ports.get(name) ?? 0,
  };
  return {
    name,
    kind: "edge",
    repository: values.repository_url ?? "",
    ref: values.edge_git_ref ?? values.git_ref,
    ssh: values.edge_machines.get(name),
    onEc2: values.edge_hosts.includes(name),
    hostKeys: keysOf(name, values),
    files: [
      {
        path: "edge_server/.env",
        sample: "edge_server/.env.sample",
        entries: envEntries([["EDGE_NAME", name], ...pairs(assignmentsOf(values.edge_settings))], "systemd"),
      },
      {
        path: "frp_config/frpc.toml",
        entries: [
          tomlEntry("serverAddr", values.frp_server_address ?? deploymentUri(values)),
          tomlEntry("serverPort", values.frp_ports[0]?.from ?? 7000),
          tomlEntry("auth.method", "token"),
          tomlEntry("auth.token", values.frp_auth_token ?? ""),
          {
            name: "proxies",
            text: `\n[[proxies]]\n${Object.entries(proxy)
              .map(([key, value]) => tomlEntry(key, value).text)
              .join("")}`,
          },
        ],
      },
    ],
  };
}

const keysOf = (host: string, { ssh_host_keys }: Values): readonly string[] =>
  ssh_host_keys.filter(([name]) => name === host).map(([, key]) => key);

const pairs = (assignments: readonly Assignment[]): [string, string][] =>
  assignments.map(({ name, value }) => [name, value]);

/** Secret inputs as they are, what lines of settings in them hold, and both as files have them in quotes. */
function secretsOf(settings: Settings, values: Values): string[] {
  const plain = [
    ...[...settings.settings.values()].filter(({ input }) => isSecret(input)).map(({ text }) => text),
    ...[values.backend_settings, values.edge_settings].flatMap((text) =>
      assignmentsOf(text).map(({ value }) => value),
    ),
  ];
  const inner = (quoted: string) => quoted.replace(/^(['"])([^]*)\1$/, "$2");
  const forms = plain.flatMap((value) => [
    value,
    ...[quoteEnv(value, "compose"), quoteEnv(value, "systemd"), quoteToml(value)].map(inner),
  ]);
  return [...new Set(forms)].filter((secret) => secret !== "");
}

/**
 * Who reads a file of settings: Docker Compose (compose-go's dotenv package, for `env_file` and `.env`), or systemd
 * (`EnvironmentFile`), whose rules are those of a shell.
 */
export type EnvReader = "compose" | "systemd";

const envEntries = (settings: readonly (readonly [string, string])[], reader: EnvReader): Entry[] =>
  settings.map(([name, value]) => ({ name, text: `${name}=${quoteEnv(value, reader)}\n` }));

/**
 * A value as its reader takes it back exactly. Without quotes or in single quotes where that does, which every reader
 * and a shell understand alike; else in double quotes, where readers differ: only a shell's rules drop the backslash
 * before a backtick.
 */
export function quoteEnv(value: string, reader: EnvReader): string {
  if (/^[\w./:@%+,=-]*$/.test(value)) return value;
  if (!value.includes("'") && !value.endsWith("\\")) return `'${value}'`;
  const special = reader === "compose" ? /["\\$]/g : /["\\$`]/g;
  return `"${value.replace(special, "\\$&")}"`;
}

/** JSON's strings are TOML's basic strings, but for DEL. */
export const quoteToml = (value: string): string => JSON.stringify(value).replaceAll("\x7f", "\\u007f");

const tomlEntry = (name: string, value: string | number): Entry => ({
  name,
  text: `${name} = ${typeof value === "number" ? value : quoteToml(value)}\n`,
});

/** Where a host's checkout lies in the home folder: named as `git clone` would name it. */
export const checkoutName = (repository: string): string =>
  /([^/:]+?)(\.git)?\/?$/.exec(repository)?.[1] ?? "chronos";

const onHost: Readonly<Record<HostKind, { readonly install: string; readonly service: string }>> = {
  dashboard: { install: "install.sh", service: "chronos" },
  edge: { install: "edge_server/install.sh", service: "chronos-edge" },
};
export const serviceOf = (kind: HostKind): string => onHost[kind].service;

/**
 * What a host's bash gets on stdin: the script and behind it its orders, with every value in base64.
 * @param wait seconds that the first boot may take
 */
export function hostInput(host: HostApplication, { wait }: { readonly wait: number }): string {
  const script = readFileSync(join(projectRoot, "workloads", "chronos", "configure-host.sh"), "utf8");
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const { install, service } = onHost[host.kind];
  const settings = {
    directory: checkoutName(host.repository),
    repository: host.repository,
    ref: host.ref,
    install,
    service,
    wait: String(host.onEc2 ? wait : 0),
  };
  return [
    script.trimEnd(),
    ...Object.entries(settings).map(([name, value]) => `set ${name} ${base64(value)}`),
    ...host.files.flatMap(({ path, sample, entries }) => [
      `file ${path} ${sample ?? "-"}`,
      ...entries.map(({ name, text }) => `entry ${path} ${name} ${base64(text)}`),
    ]),
    "end\n",
  ].join("\n");
}
