import { execaSync } from "execa";
import fc from "fast-check";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatReport } from "../../environments/report";
import { loadSettings } from "../../environments/load";
import type { Settings } from "../../environments/settings";
import {
  applicationProblems,
  checkoutName,
  chronosApplication,
  hostInput,
  quoteEnv,
  quoteToml,
  type HostApplication,
} from "../../workloads/chronos/application";
import { composeEnv } from "../support/compose-env";
import { environmentEnv, envText, sharedEnv, temporaryFolder } from "../support/stacks";

const complete = {
  repository_url: "https://github.com/example/chronos2.git",
  frp_auth_token: "token-token",
  postgres_password: "password-1",
  jwt_secret_key: "key-1",
};

function settingsOf(changes: Record<string, string> = {}): Settings {
  const folder = join(temporaryFolder(), "environments");
  mkdirSync(folder);
  writeFileSync(join(folder, "shared.env"), envText(sharedEnv));
  const secrets = [
    "frp_auth_token",
    "postgres_password",
    "jwt_secret_key",
    "backend_settings",
    "edge_settings",
  ];
  const values = Object.entries({ ...environmentEnv("stage"), ...complete, ...changes }).filter(
    ([, value]) => value !== "-",
  );
  const part = (secret: boolean) =>
    Object.fromEntries(values.filter(([name]) => secrets.includes(name) === secret));
  writeFileSync(join(folder, "stage.env"), envText(part(false)));
  writeFileSync(join(folder, "stage.secrets.env"), envText(part(true)), { mode: 0o600 });
  const { environments, broken } = loadSettings({
    folder,
    only: ["stage"],
    processEnvironment: {},
    requireSecrets: true,
  });
  const [found] = environments;
  if (!found) throw new Error(formatReport(broken.flatMap(({ problems }) => problems)));
  return found.settings;
}
const hostOf = (name: string, changes: Record<string, string> = {}): HostApplication => {
  const host = chronosApplication(settingsOf(changes)).hosts.find((each) => each.name === name);
  if (!host) throw new Error(`no host ${name}`);
  return host;
};
const textOf = (host: HostApplication, path: string): string =>
  host.files
    .find((file) => file.path === path)
    ?.entries.map(({ text }) => text)
    .join("") ?? "";

describe("the dashboard", () => {
  it("gets five files", () => {
    expect(hostOf("dashboard").files.map(({ path }) => path)).toEqual([
      "dashboard_frontend/.env.docker",
      "dashboard_backend/.env.docker",
      "frp_config/frps.toml",
      ".env",
      ".env.deployment",
    ]);
  });

  it.each([
    ["https://stage.chronos.example.com", "stage.chronos.example.com"],
    ["https://stage.chronos.example.com/api/", "stage.chronos.example.com"],
    ["http://stage.chronos.example.com:8443/api", "stage.chronos.example.com"],
  ])("with the API at %s is deployed at %s", (vite_api_base_url, uri) => {
    const host = hostOf("dashboard", { vite_api_base_url });
    for (const file of [".env", ".env.deployment"])
      expect(textOf(host, file)).toContain(`DEPLOYMENT_URI=${uri}\n`);
  });

  it("has secrets in the backend's file and FRP's alone", () => {
    const holding = hostOf("dashboard", { backend_settings: 'USER_1_PASSWORD="secret-user"' })
      .files.filter(({ entries }) =>
        entries.some(({ text }) => /password-1|key-1|token-token|secret-user/.test(text)),
      )
      .map(({ path }) => path);
    expect(holding).toEqual(["dashboard_backend/.env.docker", "frp_config/frps.toml"]);
  });

  it("listens for FRP on the first of its ports", () => {
    expect(
      textOf(hostOf("dashboard", { TF_VAR_frp_ports: "7005,6000-6010" }), "frp_config/frps.toml"),
    ).toContain("bindPort = 7005\n");
  });
});

describe("edge hosts", () => {
  const edges = {
    TF_VAR_edge_hosts: "edge-1",
    edge_machines: "plant-1=pi@plant-1.example.com:2222,plant-2=plant-2",
    frp_remote_ports: "edge-1=6001,plant-1=6002,plant-2=6003",
  };

  it("are those on EC2 and any machine, each with its address", () => {
    const { hosts } = chronosApplication(settingsOf(edges));
    expect(hosts.map(({ name, kind, onEc2, ssh }) => [name, kind, onEc2, ssh])).toEqual([
      ["dashboard", "dashboard", true, undefined],
      ["edge-1", "edge", true, undefined],
      ["plant-1", "edge", false, { user: "pi", host: "plant-1.example.com", port: 2222 }],
      ["plant-2", "edge", false, { user: undefined, host: "plant-2", port: undefined }],
    ]);
  });

  it("run a ref of their own, else the dashboard's", () => {
    expect(hostOf("plant-1", { ...edges, git_ref: "v2" }).ref).toBe("v2");
    expect(hostOf("plant-1", { ...edges, git_ref: "v2", edge_git_ref: "v1" }).ref).toBe("v1");
    expect(hostOf("dashboard", { ...edges, git_ref: "v2", edge_git_ref: "v1" }).ref).toBe("v2");
  });

  it("reach the FRP server at the dashboard's domain, or where they are told", () => {
    const address = (changes: Record<string, string>) =>
      /serverAddr = (.*)/.exec(
        textOf(hostOf("plant-1", { ...edges, ...changes }), "frp_config/frpc.toml"),
      )?.[1];
    expect(address({})).toBe('"stage.chronos.example.com"');
    expect(address({ frp_server_address: "198.51.100.7" })).toBe('"198.51.100.7"');
  });

  it("do not get the dashboard's secrets", () => {
    const host = hostOf("plant-1", edges);
    expect(JSON.stringify(host)).not.toMatch(/password-1|key-1/);
  });
});

describe("settings that do not do for the application", () => {
  it.each<[string, Record<string, string>, string]>([
    ["backend_settings", { backend_settings: "A=1\nB" }, 'in its line 2 is no line NAME="value"'],
    ["backend_settings", { backend_settings: "A=1\nA=2" }, "in its line 2 repeats a name"],
    ["backend_settings", { backend_settings: "JWT_SECRET_KEY=other" }, "an input of its own sets"],
    ["edge_settings", { edge_settings: "hunter2 and no name" }, "in its line 1"],
    ["frontend_settings", { frontend_settings: "VITE_API_BASE_URL=x" }, "an input of its own sets"],
    ["frp_remote_ports", { edge_machines: "plant-1=plant-1" }, "has no port for plant-1"],
    ["frp_remote_ports", { frp_remote_ports: "plant-9=6001" }, "names plant-9"],
    [
      "ssh_host_keys",
      {
        ssh_host_keys:
          "plant-9=ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9mCmQnQFilB9vyJjOI8ho27PYykzjnRjPHwgx/dgyO",
      },
      "names plant-9",
    ],
  ])("%s: %j", (name, changes, what) => {
    const problems = applicationProblems(settingsOf(changes));
    expect(problems).toEqual([expect.objectContaining({ name, what: expect.stringContaining(what) })]);
    expect(JSON.stringify(problems)).not.toMatch(/hunter2|other/);
  });

  it("are none where all is there", () => {
    expect(applicationProblems(settingsOf())).toEqual([]);
  });

  it.each<[string, string]>([
    ["repository_url", "https://user:token@github.com/example/chronos2.git"],
    ["repository_url", "--upload-pack=evil"],
    ["repository_url", "ext::sh -c evil"],
    ["dashboard_ssh", "-oProxyCommand=evil"],
    ["dashboard_ssh", "user@host:99999"],
    ["edge_machines", "plant-1=%h"],
    ["edge_machines", "dashboard=x"],
    ["edge_machines", "x-scheduler=x"],
    ["edge_machines", "plant-1=a,plant-1=b"],
    ["frp_remote_ports", "plant-1=6001,plant-2=6001"],
    ["ssh_host_keys", "plant-1=ssh-ed25519 AAAA"],
    ["frontend_settings", "no name"],
  ])("are refused when they are read: %s=%s", (name, value) => {
    expect(() => settingsOf({ [name]: value })).toThrow(name);
  });
});

describe("quoting", () => {
  const awkward = fc
    .array(
      fc.constantFrom("'", '"', "$", "`", "\\", "\n", "#", " ", "{", "}", "(", "n", "é", "=", "!", "%"),
      {
        maxLength: 12,
      },
    )
    .map((parts) => parts.join(""));

  it("leaves plain values plain, which every reader takes alike", () => {
    expect(quoteEnv("https://a.example.com:8443/api", "compose")).toBe("https://a.example.com:8443/api");
    expect(quoteEnv("#fff", "compose")).toBe("'#fff'");
  });

  it("is a shell's for systemd: a real shell reads back any value", () => {
    const values = [...fc.sample(awkward, 200), "\\", "'\\", "a\nb=c\n", "$(id)", "`id`'"];
    const text = values.map((value, index) => `V${index}=${quoteEnv(value, "systemd")}\n`).join("");
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, text);
    const { stdout } = execaSync("env", [
      "-i",
      "/bin/sh",
      "-c",
      'set -a; . "$0"; exec /usr/bin/env -0',
      file,
    ]);
    const read = new Map(
      stdout.split("\0").map((line) => [line.split("=")[0], line.slice(line.indexOf("=") + 1)]),
    );
    expect(values.map((_, index) => read.get(`V${index}`))).toEqual(values);
  });

  it("is Docker Compose's for what it reads, any value; as it is in single quotes, a shell's too", () => {
    const values = [...fc.sample(awkward, 500), "\\", "'\\", "$$", "\\n'", "`id`'", "#'", "' #"];
    const text = values.map((value, index) => `V${index}=${quoteEnv(value, "compose")}\n`).join("");
    const read = composeEnv(text);
    expect(values.map((_, index) => read[`V${index}`])).toEqual(values);
  });

  it("is TOML's: a real parser reads back any value", () => {
    const values = [...fc.sample(awkward, 200), "\x7f", '"""', "\\u0041"];
    const file = join(temporaryFolder(), "file.toml");
    writeFileSync(file, values.map((value, index) => `v${index} = ${quoteToml(value)}\n`).join(""));
    const program = "import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], 'rb'))))";
    const read = JSON.parse(execaSync("python3", ["-c", program, file]).stdout) as Record<string, string>;
    expect(values.map((_, index) => read[`v${index}`])).toEqual(values);
  });
});

describe("what goes over the wire", () => {
  it("is the script and its orders, all values in base64", () => {
    const input = hostInput(hostOf("dashboard", { postgres_password: "pass'word\nend" }), { wait: 60 });
    const [script = "", orders = ""] = input.split("main && exit\n");
    expect(script).toMatch(/^#!\/usr\/bin\/env bash\n/);
    expect(orders).not.toMatch(/pass'word|token-token|key-1/);
    for (const line of orders.trimEnd().split("\n"))
      expect(line).toMatch(/^(set|file|entry|end)( [\w./+=-]+)*$/);
    expect(orders).toMatch(/\nend\n$/);
    expect(orders.match(/^end$/gm)).toHaveLength(1);
  });

  it("waits for a first boot on EC2 alone", () => {
    const waits = (name: string) =>
      /^set wait (.*)$/m.exec(
        hostInput(hostOf(name, { edge_machines: "plant-1=plant-1", frp_remote_ports: "plant-1=6001" }), {
          wait: 60,
        }),
      )?.[1];
    expect(Buffer.from(waits("dashboard") ?? "", "base64").toString()).toBe("60");
    expect(Buffer.from(waits("plant-1") ?? "", "base64").toString()).toBe("0");
  });
});

test.each([
  ["https://github.com/example/chronos2.git", "chronos2"],
  ["git@github.com:example/chronos2.git", "chronos2"],
  ["https://github.com/example/chronos2/", "chronos2"],
  ["git@example.com:chronos2", "chronos2"],
])("%s is checked out as %s", (repository, name) => {
  expect(checkoutName(repository)).toBe(name);
});
