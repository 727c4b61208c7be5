import { cpSync } from "node:fs";
import { join } from "node:path";
import { cloudConfig } from "../../workloads/user-data";
import { canMakeRoots, ScratchRoot } from "./support/root";
import { AppRepository, fixture, freePort } from "./support/x-scheduler";

jest.setTimeout(10 * 60_000);

/** What one host's user data needs of its machine, and what is to be seen. */
interface Host {
  readonly workload: string;
  /** Adds what the cloud would give: stand-ins for programs, and a repository. */
  prepare(root: ScratchRoot): void | Promise<void>;
  /** Lines of /etc/landfall/host.env, where the cloud-config has the line `#settings`. */
  settings?(): Promise<Record<string, string>>;
  readonly log: string;
  /** A program that fails, and the step which that is. */
  readonly failing: { readonly program: string; readonly step: string };
  /** Content of the marker .setup_failed. */
  readonly failed: string;
  /** Shell command that succeeds while the host works as it should. */
  readonly works: string;
}

/** Notes what it was asked to install, and gives a program for each of some packages. */
const dnf = `#!/bin/sh
echo "dnf $*" >>/fakes/dnf.calls
case " $* " in *" docker "*) getent group docker >/dev/null || groupadd --system docker ;; esac
case " $* " in *" python3.11 "*) command -v python3.11 >/dev/null || ln -s /usr/bin/python3 /usr/local/bin/python3.11 ;; esac
`;

const hosts: readonly Host[] = [
  {
    workload: "chronos",
    prepare(root) {
      root.program("docker", "#!/bin/sh\necho docker $*\n");
      root.program("rpm", "#!/bin/sh\ngetent group docker\n");
      // Serves Docker's compose plugin and its checksum, and the dashboard's site
      root.program(
        "curl",
        `#!/bin/sh
for url in "$@"; do :; done
case $url in
http://127.0.0.1:80/) echo 200 ;;
*.sha256) printf 'plugin\\n' | sha256sum | sed "s/-$/$(basename "$url" .sha256)/" >"$(basename "$url")" ;;
*) printf 'plugin\\n' >"$(basename "$url")" ;;
esac
`,
      );
    },
    settings: async () => ({
      AWS_REGION: "us-east-1",
      ENVIRONMENT: "stage",
      HOST: "dashboard",
      ROLE: "dashboard",
      PORT: "80",
    }),
    log: "/var/log/setup-host.log",
    failing: { program: "curl", step: "step install_compose" },
    failed: "install_compose\n",
    works:
      "test -x /usr/local/lib/docker/cli-plugins/docker-compose && id -nG ec2-user | grep -qw docker && /usr/local/sbin/chronos-health publish && grep -q 'Landfall/Chronos.*Value[^,]*1,' /fakes/aws.calls && grep -q chronos-health.timer /fakes/systemctl.calls",
  },
  {
    workload: "x-scheduler",
    prepare(root) {
      new AppRepository(root.path("srv/x-scheduler")).commit("one");
      root.write("fakes/parameters.json", JSON.stringify({ x_api_key: "secret-1" }));
      root.write(
        "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl",
        "#!/bin/sh\nexec cw-agent $*\n",
        0o755,
      );
      root.program("cw-agent", "#!/bin/sh\n");
    },
    settings: async () => ({
      AWS_REGION: "us-east-1",
      AWS_S3_BUCKET: "stage-videos",
      DYNAMODB_TABLE: "stage-XSchedulerUserTokens",
      PARAMETER_STORE_PREFIX: "/stage/x-scheduler/",
      REPOSITORY: "/srv/x-scheduler",
      GIT_REF: "main",
      OAUTH_PORT: String(await freePort()),
      CALLBACK_URL: "https://stage.example.com/callback",
      LOG_GROUP_PREFIX: "/stage/x-scheduler",
    }),
    log: "/var/log/setup-host.log",
    failing: { program: "cw-agent", step: "step start_agent" },
    failed: "start_agent\n",
    works:
      "/opt/x-scheduler/bin/update.sh status && grep -q stage/x-scheduler/pipeline /etc/landfall/amazon-cloudwatch-agent.json",
  },
  {
    workload: "macro-ai",
    prepare(root) {
      root.write("etc/os-release", "ID=amzn\nVERSION_ID=2023\n");
      root.write("fakes/source.json", JSON.stringify({ "/landfall/stage/macro-ai/release": "none" }));
      root.write(
        "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl",
        "#!/bin/sh\nexec cw-agent $*\n",
        0o755,
      );
      root.program("cw-agent", "#!/bin/sh\n");
      root.program("rpm", "#!/bin/sh\ntest -e /fakes/installed\n");
      root.program("dnf", "#!/bin/sh\ntouch /fakes/installed\n");
      root.program("alternatives", "#!/bin/sh\n");
      root.program("curl", "#!/bin/sh\necho token\n"); // the metadata service, and the way out
      // Amazon Linux's Node.js is not Debian's; it is asked for versions alone here
      root.program(
        "node",
        `#!/bin/sh
case $1 in
--version) echo v20.19.0 ;;
*) file=\${2#*\\'}; sed -n 's/.*"version": *"\\([^"]*\\)".*/\\1/p' "\${file%%\\'*}" ;;
esac
`,
      );
      root.program(
        "npm",
        `#!/bin/sh
for package in "$@"; do
  case $package in *@*) mkdir -p "/usr/local/lib/node_modules/\${package%@*}" &&
    echo "{\\"version\\": \\"\${package#*@}\\"}" >"/usr/local/lib/node_modules/\${package%@*}/package.json" ;; esac
done
`,
      );
    },
    settings: async () => ({
      AWS_REGION: "us-east-1",
      PARAMETER_STORE_PREFIX: "/stage/macro-ai/",
      NODE_ENV: "production",
      PORT: "3030",
      APP_ENV: "stage",
      PR_NUMBER: "",
      ARTIFACT_BUCKET: "stage-artifacts",
      RELEASE_PARAMETER: "/landfall/stage/macro-ai/release",
      KEEP_RELEASES: "5",
      LOG_GROUP_PREFIX: "/ec2/stage-macro-ai",
    }),
    log: "/var/log/user-data.log",
    failing: { program: "cw-agent", step: "step cloudwatch failed" },
    failed: "cloudwatch\n",
    works:
      "/opt/macro-ai/deploy.sh list && grep -q /ec2/stage-macro-ai/combined /opt/aws/amazon-cloudwatch-agent/etc/landfall.json && /usr/local/sbin/macro-ai-health publish && grep -q Landfall/MacroAi /fakes/aws.calls && grep -q macro-ai-health.timer /fakes/systemctl.calls",
  },
];

/** User data as Terraform resolves it. */
async function userDataOf({ workload, settings }: Host): Promise<string> {
  const lines = Object.entries((await settings?.()) ?? {}).map(([name, value]) => `${name}=${value}`);
  return cloudConfig(workload)
    .replace(/\$\$\{/g, "${")
    .replace(/%%\{/g, "%{")
    .replace(/^( *)#settings$/m, (_, indent: string) => lines.map((line) => indent + line).join("\n"));
}

let base: ScratchRoot;
beforeAll(async () => {
  if (canMakeRoots)
    base = await ScratchRoot.install(["ca-certificates", "curl", "git", "python3", "python3-venv"]);
});
afterAll(() => base?.remove());

// The steps build on each other, as on a host: an installed root takes its time.
(canMakeRoots ? describe : describe.skip).each(hosts)(
  "the user data of $workload, run in a root of its own",
  (host) => {
    let root: ScratchRoot;
    let userData: string;
    const complete = "/home/ec2-user/.setup_complete";
    const failed = "/home/ec2-user/.setup_failed";

    beforeAll(async () => {
      root = await base.copy();
      root.write("fakes/.keep", "");
      await root.run("useradd", "--create-home", "ec2-user");
      for (const program of ["systemctl", "aws", "systemd_environment.py"])
        cpSync(join(fixture, "bin", program), root.path("usr/local/bin", program));
      root.program("dnf", dnf);
      await host.prepare(root);
      userData = await userDataOf(host);
    });
    afterAll(() => root.remove());

    it("logs and signals a step that fails", async () => {
      const good = root.read(`usr/local/bin/${host.failing.program}`);
      root.program(host.failing.program, "#!/bin/sh\necho no such luck >&2\nexit 22\n");
      await root.firstBoot(userData);
      root.program(host.failing.program, good);
      expect(root.read(host.log)).toContain("no such luck");
      expect(root.read(host.log)).toContain(host.failing.step);
      expect(root.exists(complete)).toBe(false);
      expect(root.read(failed)).toBe(host.failed);
    });

    it("completes when it is run again, and the host works", async () => {
      const ran = await root.firstBoot(userData, host.works);
      expect([ran.exitCode, ran.exitCode ? `${ran.all}\n${root.read(host.log)}` : ""]).toEqual([0, ""]);
      expect(root.exists(complete)).toBe(true);
      expect(root.exists(failed)).toBe(false);
    });

    it("changes nothing when it is run once more", async () => {
      const before = root.manifest();
      expect(before.length).toBeGreaterThan(1_000);
      expect((await root.firstBoot(userData)).exitCode).toBe(0);
      expect(root.exists(complete)).toBe(true);
      expect(root.manifest().filter((line) => !before.includes(line))).toEqual([]);
      expect(root.manifest()).toHaveLength(before.length);
    });
  },
);
