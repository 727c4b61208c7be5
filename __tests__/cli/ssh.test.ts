import { readFileSync, statSync, writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  hostKeysInConsole,
  hostKeysOfInstance,
  pinKeys,
  pinnedKeys,
  sshArguments,
  sshFailure,
  type SshTarget,
} from "../../cli/ssh";
import { publicKey, temporaryFolder } from "../support/stacks";

const [kind = "", blob = ""] = publicKey.split(" ");
const key = `${kind} ${blob}`;
const otherKey =
  "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=";

const target: SshTarget = {
  user: "ec2-user",
  host: "203.0.113.7",
  alias: "stage-dashboard.i-0123",
  knownHosts: "/x y/known_hosts",
};

describe("ssh's arguments", () => {
  it("check the host's key by our pins alone, and ask nobody", () => {
    const text = sshArguments(target, {}).join(" ");
    for (const option of [
      "StrictHostKeyChecking=yes",
      'UserKnownHostsFile="/x y/known_hosts"',
      "GlobalKnownHostsFile=/dev/null",
      "HostKeyAlias=stage-dashboard.i-0123",
      "BatchMode=yes",
      "ConnectTimeout=15",
      "ServerAliveInterval=15",
    ])
      expect(text).toContain(`-o ${option}`);
    expect(text).toMatch(/-l ec2-user -- 203\.0\.113\.7$/);
    expect(text).not.toContain("-F");
    expect(text).not.toContain("ProxyCommand"); // so that the user's own holds
    expect(text).not.toContain("-p ");
  });

  it("go through Session Manager by instance and region", () => {
    const args = sshArguments(
      { ...target, host: "i-0123", sessionManager: { instanceId: "i-0123", region: "eu-west-1" } },
      {},
    );
    expect(args).toContain(
      "ProxyCommand=aws ssm start-session --region eu-west-1 --target i-0123 --document-name AWS-StartSSHSession --parameters portNumber=%p",
    );
  });

  it("take a port, and another config", () => {
    const args = sshArguments({ ...target, port: 2222 }, { LANDFALL_SSH_CONFIG: "/c" });
    expect(args.slice(0, 2)).toEqual(["-F", "/c"]);
    expect(args.join(" ")).toContain("-p 2222");
  });
});

describe("pinned keys", () => {
  it("are kept by alias, for the owner alone, and replaced as a whole", () => {
    const file = join(temporaryFolder(), "known_hosts", "stage");
    expect(pinnedKeys(file, "a")).toEqual([]);
    pinKeys(file, "a", [`${key} comment`, otherKey]);
    pinKeys(file, "a.b", [key]);
    pinKeys(file, "a", [otherKey]);
    expect(readFileSync(file, "utf8")).toBe(`a.b ${key}\na ${otherKey}\n`);
    expect(pinnedKeys(file, "a")).toEqual([otherKey]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = statSync(file).mtimeMs;
    pinKeys(file, "a", [otherKey]);
    expect(statSync(file).mtimeMs).toBe(before);
  });
});

describe("keys on a console", () => {
  const block = (...lines: string[]) =>
    ["-----BEGIN SSH HOST KEY KEYS-----", ...lines, "-----END SSH HOST KEY KEYS-----"].join("\r\n");

  it("are those of the last whole block", () => {
    const text = `x\n${block(`${otherKey} root@a`)}\ny\n${block(`[   31.2] ci-info: ${key} root@b`, "no key")}\n-----BEGIN SSH HOST KEY KEYS-----\n${otherKey}\n`;
    expect(hostKeysInConsole(text)).toEqual([key]);
  });

  it.each([
    ["no block", "booting"],
    ["keys outside of one", key],
    ["a damaged key", block("ssh-ed25519 AAAA")],
  ])("are none with %s", (_, text) => expect(hostKeysInConsole(text)).toEqual([]));

  describe("read by the AWS CLI", () => {
    function aws(script: string): NodeJS.ProcessEnv {
      const folder = join(temporaryFolder(), "bin");
      mkdirSync(folder);
      writeFileSync(join(folder, "aws"), `#!/bin/sh\ncd ${folder}\n${script}\n`, { mode: 0o755 });
      return { PATH: `${folder}:${process.env.PATH}` };
    }
    const ask = (environment: NodeJS.ProcessEnv, wait = 0) =>
      hostKeysOfInstance("i-0123", { region: "us-east-1", wait, environment, poll: 20 });
    const console_ = `cat <<'E'\n${block(key)}\nE`;

    it("come by --latest, or as they were posted where the instance knows no latest", async () => {
      await expect(ask(aws(console_))).resolves.toEqual([key]);
      await expect(ask(aws(`case "$*" in *--latest*) exit 254 ;; esac\n${console_}`))).resolves.toEqual([
        key,
      ]);
    });

    it("are waited for", async () => {
      const late = `n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) >n; [ "$n" -gt 5 ] || exit 0\n${console_}`;
      await expect(ask(aws(late), 10_000)).resolves.toEqual([key]);
      await expect(ask(aws("echo booting"), 100)).rejects.toThrow("shows no SSH host keys");
    });

    it("that cannot be read are told with AWS's words; so is a CLI that is not there", async () => {
      await expect(ask(aws("echo UnauthorizedOperation >&2; exit 254"))).rejects.toThrow(
        "UnauthorizedOperation",
      );
      await expect(ask({ PATH: temporaryFolder() })).rejects.toThrow("AWS CLI is needed");
    });
  });
});

test.each([
  [
    "Host key for stage-dashboard has changed and you have requested strict checking.\nHost key verification failed.",
    "host key",
  ],
  [
    "No ED25519 host key is known for stage-dashboard and you have requested strict checking.\nHost key verification failed.",
    "host key",
  ],
  ["Host key for jump.example.com has changed.\nHost key verification failed.", "connection"],
  ["ec2-user@203.0.113.7: Permission denied (publickey).", "login"],
  ["ssh: connect to host 203.0.113.7 port 22: Connection refused", "connection"],
])("ssh's %j means: %s", (said, failure) => {
  expect(sshFailure(said, "stage-dashboard")).toBe(failure);
});
