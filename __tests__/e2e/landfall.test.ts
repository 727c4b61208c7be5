import {
  GetObjectCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { execaSync } from "execa";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parseEnvFile } from "../../environments/env-file";
import { killTree, processes } from "./support/processes";
import { clientOf, ec2, expectExit, Project, type Ran } from "./support/project";
import { unzipped } from "./support/unzip";

jest.setTimeout(10 * 60_000);

const bucket = "sandbox-chronos-terraform-state-storage";
const binaries = ["terraform", "tofu"].filter(
  (name) => !execaSync(name, ["version"], { reject: false }).failed,
);

it("finds a binary to test with", () => expect(binaries).not.toEqual([]));

interface PlanDocument {
  readonly resource_changes?: readonly {
    readonly address: string;
    readonly mode: string;
    readonly change: { readonly actions: readonly string[] };
  }[];
}
/** What a plan changes: `address: action,action`. */
const changesIn = (ran: Ran): string[] =>
  ((JSON.parse(String(ran.stdout)) as PlanDocument).resource_changes ?? [])
    .filter(({ mode, change }) => mode === "managed" && change.actions.join() !== "no-op")
    .map(({ address, change }) => `${address}: ${change.actions.join()}`);

/** The network grows: nothing is destroyed or replaced, and no network part is touched. */
function expectNothingLost(changes: readonly string[]): void {
  expect(changes.filter((change) => change.endsWith(": create"))).not.toEqual([]);
  expect(changes.filter((change) => change.includes("delete"))).toEqual([]);
  expect(
    changes.filter((change) => /aws_(vpc|subnet|route_table|nat_gateway|eip)\.\S+: update/.test(change)),
  ).toEqual([]);
}

// The steps build on each other, as a person's do: a deployment takes minutes.
describe.each(binaries)("from a clean clone with %s", (binary) => {
  let project: Project;
  let aws: Record<string, string>;
  let s3: S3Client;
  const endpoint = () => aws.AWS_ENDPOINT_URL ?? "";
  const secrets = () =>
    parseEnvFile(readFileSync(project.path("environments", "sandbox.secrets.env"))).assignments.map(
      ({ value }) => value,
    );

  beforeAll(async () => {
    project = await Project.create(binary);
    project.set("sandbox.env", { TF_VAR_systems: "chronos" }); // the others are deployed in systems.test.ts
  });
  afterAll(async () => {
    s3?.destroy();
    await project?.remove();
  });

  it("sandbox up deploys state, shared and sandbox, and prints the outputs", async () => {
    const ran = await project.landfall("sandbox", "up");
    expectExit(ran, 0);
    expect(ran.stdout).toMatch(/^dashboard_instance_id = i-[0-9a-f]+$/m);
    expect(ran.stdout).toMatch(/^dashboard_public_ip = [\d.]+$/m);
    aws = await project.sandboxEnvironment();
    expect(new URL(endpoint()).hostname).toBe("127.0.0.1");
    s3 = new S3Client(clientOf(endpoint()));
  });

  it("the hosts are there, as they were asked for", async () => {
    const hosts = await ec2(endpoint(), { Action: "DescribeInstances" });
    expect(hosts.match(/<httpTokens>required<\/httpTokens>/g)).toHaveLength(2);
    expect(hosts.match(/<name>running<\/name>/g)).toHaveLength(2);
    expect(hosts).toContain("<value>sandbox-dashboard</value>");
    expect(hosts).toContain("<value>sandbox-edge-1</value>");
  });

  it("a second plan of each stack finds no drift", async () => {
    for (const stack of ["shared", "sandbox"])
      expectExit(await project.landfall("plan", stack, "--detailed-exitcode"), 0);
    const again = await project.landfall("bootstrap", "--yes");
    expectExit(again, 0);
    expect(again.stderr).toContain("no changes");
  });

  it("the plain binary works on the output with nothing set but the AWS variables", async () => {
    const plain = {
      PATH: process.env.PATH,
      HOME: project.path("home"),
      TF_CLI_CONFIG_FILE: process.env.TF_CLI_CONFIG_FILE,
      CHECKPOINT_DISABLE: "1",
    };
    const variables = { ...aws, LANDFALL_SHARED: undefined };
    const run = (...args: string[]) =>
      project.run(binary, ["-chdir=cdktf.out/stacks/sandbox", ...args], {
        env: { ...plain, ...variables, TERRAFORM_BINARY_NAME: undefined },
      });
    expectExit(await run("init", "-input=false"), 0);
    for (const stack of ["state", "shared", "sandbox"]) {
      const inStack = (...args: string[]) =>
        project.run(binary, [`-chdir=cdktf.out/stacks/${stack}`, ...args], {
          env: { ...plain, ...variables, TF_DATA_DIR: project.path("validate", stack) },
        });
      expectExit(await inStack("init", "-backend=false", "-input=false"), 0);
      expectExit(await inStack("validate"), 0);
    }
    expectExit(await run("plan", "-input=false", "-detailed-exitcode"), 0);

    const overridden = await project.run(
      binary,
      ["-chdir=cdktf.out/stacks/sandbox", "plan", "-input=false"],
      {
        env: { ...plain, ...variables, TF_VAR_edge_hosts: "edge-1,edge-2" },
      },
    );
    expectExit(overridden, 1);
    expect(String(overridden.stderr).replace(/\s+│?\s*/g, " ")).toContain(
      "TF_VAR_edge_hosts shapes the configuration",
    );
  });

  it("cdktf lists, plans and deploys the same", async () => {
    const cdktf = (...args: string[]) => project.run("npx", ["cdktf", ...args], { env: { ...aws, CI: "1" } });
    const listed = await cdktf("list");
    for (const stack of ["state", "shared", "sandbox"])
      expect(listed.stdout).toContain(`cdktf.out/stacks/${stack}`);
    const planned = await cdktf("plan", "sandbox");
    expectExit(planned, 0);
    expect(`${String(planned.stdout)}${String(planned.stderr)}`).toContain("no changes are needed");
    expectExit(await cdktf("deploy", "sandbox", "--auto-approve"), 0);
  });

  it("an application setting changes no infrastructure", async () => {
    project.set("sandbox.env", { background_color: "#123456", git_ref: "v2" });
    expectExit(await project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);
  });

  it("an infrastructure setting changes that alone", async () => {
    project.set("sandbox.env", { TF_VAR_dashboard_ports: "80,443,8443" });
    const planned = await project.landfall("plan", "sandbox", "--json");
    expectExit(planned, 0);
    expect(changesIn(planned).sort()).toEqual(
      ["ipv4", "ipv6"].map(
        (ip) =>
          `aws_vpc_security_group_ingress_rule.chronos_dashboard_group_from_dashboard_8443_${ip}: create`,
      ),
    );
    expectExit(await project.landfall("apply", "sandbox", "--yes"), 0);
    expectExit(await project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);
  });

  it("a saved plan is what is applied, and not once the world has moved", async () => {
    project.set("sandbox.env", { TF_VAR_dashboard_ports: "80,443" });
    const file = project.path("reviewed.tfplan");
    expectExit(await project.landfall("plan", "sandbox", "--out", file), 0);
    expect(statSync(file).mode & 0o077).toBe(0);
    expectExit(await project.landfall("apply", "sandbox", "--yes", "--plan", file), 0);
    const again = await project.landfall("apply", "sandbox", "--yes", "--plan", file);
    expectExit(again, 1);
    expect(again.stderr).toContain("changed since this plan was made");
  });

  it("asks before it applies, and refuses where nobody can answer", async () => {
    project.set("sandbox.env", { TF_VAR_dashboard_ports: "443" });
    const ran = await project.landfall("apply", "sandbox");
    expectExit(ran, 2);
    expect(ran.stderr).toContain("--yes");
    project.set("sandbox.env", { TF_VAR_dashboard_ports: "80,443" });
  });

  it.each([
    ["a third zone", { TF_VAR_availability_zones: "us-east-1a,us-east-1b,us-east-1c" }],
    ["NAT in each zone", { TF_VAR_nat_gateways: "per_az" }],
  ])("the network grows by %s without losing anything", async (_, values) => {
    const original = project.read("environments", "sandbox.shared.env");
    project.set("sandbox.shared.env", values);
    const planned = await project.run("./landfall", ["plan", "shared", "--json"], {
      env: { LANDFALL_SHARED: "sandbox" },
    });
    writeFileSync(project.path("environments", "sandbox.shared.env"), original);
    expectExit(planned, 0);
    expectNothingLost(changesIn(planned));
  });

  it("a host without an address is told what to add, and --with-shared deploys it", async () => {
    project.set("sandbox.env", { TF_VAR_edge_hosts: "edge-1,edge-2" });
    const refused = await project.landfall("plan", "sandbox");
    expectExit(refused, 1);
    expect(refused.stderr).toContain(
      "Add sandbox-edge-2 to TF_VAR_addresses in environments/sandbox.shared.env",
    );
    project.set("sandbox.shared.env", {
      TF_VAR_addresses: "sandbox-dashboard,sandbox-edge-1,sandbox-edge-2,sandbox-x-scheduler",
    });
    const behind = await project.landfall("plan", "sandbox");
    expectExit(behind, 1);
    expect(behind.stderr).toContain("--with-shared");
    expectExit(await project.landfall("apply", "sandbox", "--with-shared", "--yes"), 0);
    expectExit(await project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);
  });

  it("a lock refuses a second apply by its holder's name; a killed one is recovered by unlock", async () => {
    // EC2 stops the host for it, which takes a while
    project.set("sandbox.env", { TF_VAR_dashboard_instance_type: "t3.large" });
    const first = project.start("./landfall", ["apply", "sandbox", "--yes"], { detached: true });
    await seen(first.stderr, "changing aws_instance.chronos_host_dashboard");

    const running = processes();
    expect(running.some(({ pid }) => pid === first.pid)).toBe(true);
    for (const secret of secrets()) expect(running.filter(({ args }) => args.includes(secret))).toEqual([]);

    const second = await project.landfall("apply", "sandbox", "--yes");
    expectExit(second, 1);
    expect(second.stderr).toMatch(/locked: held by \S+@\S+ for apply since/);
    expect(second.stderr).toContain("./landfall unlock sandbox");

    killTree(first.pid);
    await first;

    const asked = await project.landfall("unlock", "sandbox");
    expectExit(asked, 2);
    expect(asked.stderr).toMatch(/held by \S+@\S+ for apply/);
    expectExit(await project.landfall("unlock", "sandbox", "--yes"), 0);
    const free = await project.landfall("unlock", "sandbox");
    expectExit(free, 0);
    expect(free.stderr).toContain("not locked");
    expectExit(await project.landfall("apply", "sandbox", "--yes"), 0);
    expectExit(await project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);
  });

  it("Ctrl-C stops between steps and leaves no lock", async () => {
    project.set("sandbox.env", { TF_VAR_edge_hosts: "edge-1" });
    const run = project.start("./landfall", ["apply", "sandbox", "--yes"]);
    await seen(run.stderr, /destroying aws_/);
    run.kill("SIGINT");
    const { exitCode } = await run;
    expect([0, 130]).toContain(exitCode); // 0 where it was done before the signal came
    const { stderr } = await project.landfall("unlock", "sandbox");
    expect(stderr).toContain("not locked");
    expectExit(await project.landfall("apply", "sandbox", "--yes"), 0);
  });

  it("a bootstrap without local files changes nothing; one without its state adopts what is there", async () => {
    rmSync(project.path("cdktf.out", "stacks", "state"), { recursive: true });
    const again = await project.landfall("bootstrap", "--yes");
    expectExit(again, 0);
    expect(again.stderr).toContain("no changes");

    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "state/terraform.tfstate" }));
    rmSync(project.path("cdktf.out", "stacks", "state"), { recursive: true });
    expectExit(await project.landfall("bootstrap", "--yes"), 0);
    const third = await project.landfall("bootstrap", "--yes");
    expectExit(third, 0);
    expect(third.stderr).toContain("no changes");
  });

  it("a bootstrap that is killed half way is finished by the next; S3 locks alone, and the default VPC do", async () => {
    const second = { LANDFALL_SHARED: "second" };
    writeFileSync(
      project.path("environments", "second.shared.env"),
      'TF_VAR_name_prefix="second"\nTF_VAR_allowed_account_ids="123456789012"\nTF_VAR_state_lock="s3"\nTF_VAR_vpc_id="default"\nTF_VAR_addresses=""\n',
    );
    const first = project.start("./landfall", ["bootstrap", "--yes"], { env: second });
    await seen(first.stderr, "created aws_s3_bucket.state");
    killTree(first.pid);
    await first;
    const landfall = (...args: string[]) => project.run("./landfall", args, { env: second });
    const finished = await landfall("bootstrap", "--yes");
    expectExit(finished, 0);
    const again = await landfall("bootstrap", "--yes");
    expectExit(again, 0);
    expect(again.stderr).toContain("no changes");

    expectExit(await landfall("apply", "shared", "--yes"), 0);
    expectExit(await landfall("plan", "shared", "--detailed-exitcode"), 0);
    const { stdout } = await landfall("outputs", "shared", "--json");
    const outputs = JSON.stringify(JSON.parse(String(stdout)));
    expect(outputs).toMatch(/"us-east-1a":"subnet-[0-9a-f]+"/);
    expect(
      await ec2(endpoint(), {
        Action: "DescribeVpcs",
        "Filter.1.Name": "is-default",
        "Filter.1.Value.1": "true",
      }),
    ).toContain(/vpc-[0-9a-f]+/.exec(outputs)?.[0] ?? "no VPC");
  });

  it("the network gets private subnets without losing anything", async () => {
    const second = { env: { LANDFALL_SHARED: "second" } };
    const settings = (privateSubnets: boolean) =>
      writeFileSync(
        project.path("environments", "second.shared.env"),
        `TF_VAR_name_prefix="second"\nTF_VAR_allowed_account_ids="123456789012"\nTF_VAR_state_lock="s3"\nTF_VAR_private_subnets="${privateSubnets}"\nTF_VAR_addresses=""\n`,
      );
    settings(false);
    expectExit(await project.run("./landfall", ["apply", "shared", "--yes"], second), 0);
    settings(true);
    const planned = await project.run("./landfall", ["plan", "shared", "--json"], second);
    expectExit(planned, 0);
    expectNothingLost(changesIn(planned));
    expect(changesIn(planned)).toContain("aws_subnet.network_private_us-east-1b: create");
    rmSync(project.path("environments", "second.shared.env"));
  });

  it("no secret is in the JSON, the plan, the state and its versions, user data or any log", async () => {
    const found: Record<string, string> = { "what commands printed": project.printed };
    const planned = await project.landfall("plan", "sandbox", "--json");
    found["the plan as JSON"] = String(planned.stdout);
    for (const stack of ["state", "shared", "sandbox"]) {
      const folder = project.path("cdktf.out", "stacks", stack);
      for (const file of readdirSync(folder)) {
        if (statSync(join(folder, file)).isFile())
          found[`${stack}/${file}`] = readFileSync(join(folder, file), "latin1");
      }
    }
    found["the unpacked plan"] = unzipped(project.path("cdktf.out", "stacks", "sandbox", "landfall.tfplan"));
    found["the emulator's log"] = project.read(".landfall", "sandbox", "emulator.log");
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    expect(Versions.length).toBeGreaterThan(3);
    for (const { Key, VersionId } of Versions) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, VersionId }));
      found[`${Key} ${VersionId}`] = (await Body?.transformToString()) ?? "";
    }
    const ids = [
      ...(await ec2(endpoint(), { Action: "DescribeInstances" })).matchAll(/<instanceId>(i-\w+)</g),
    ].map(([, id = ""]) => id);
    for (const id of ids) {
      const xml = await ec2(endpoint(), {
        Action: "DescribeInstanceAttribute",
        InstanceId: id,
        Attribute: "userData",
      });
      const packed = Buffer.from(/<value>([^<]*)</.exec(xml)?.[1] ?? "", "base64");
      const text = (packed[0] === 0x1f ? gunzipSync(packed) : packed).toString();
      expect(text).toContain("#cloud-config");
      found[`user data of ${id}`] = text;
    }
    expect(secrets()).toHaveLength(3);
    for (const secret of secrets()) {
      expect(secret.length).toBeGreaterThan(15);
      expect(Object.keys(found).filter((place) => found[place]?.includes(secret))).toEqual([]);
    }
  });

  it("the guard keeps the sandbox off AWS and other environments off the emulator", async () => {
    const stage = {
      ...Object.fromEntries(
        parseEnvFile(readFileSync(project.path("environments", "sandbox.env"))).assignments.map(
          ({ name, value }) => [name, value],
        ),
      ),
      TF_VAR_deptype: "stage",
      TF_VAR_edge_hosts: "",
    };
    writeFileSync(
      project.path("environments", "stage.env"),
      Object.entries(stage)
        .map(([name, value]) => `${name}="${value}"\n`)
        .join(""),
    );
    writeFileSync(
      project.path("environments", "shared.env"),
      'TF_VAR_name_prefix="agt"\nTF_VAR_allowed_account_ids="436957243186"\nTF_VAR_network_acl_admin_cidrs="203.0.113.0/24,2001:db8::/32"\n',
    );
    const refused = await project.run("./landfall", ["plan", "stage"], { env: aws });
    expectExit(refused, 1);
    expect(refused.stderr).toContain("AWS_ENDPOINT_URL points to this machine");
    const json = JSON.parse(project.read("cdktf.out", "stacks", "sandbox", "cdk.tf.json"));
    expect(json.provider.aws[0].allowed_account_ids).toEqual(["123456789012"]);
    expect(json.terraform.backend.s3.allowed_account_ids).toEqual(["123456789012"]);
    for (const file of ["stage.env", "shared.env"]) rmSync(project.path("environments", file));
  });

  it("a broken environment costs itself alone", async () => {
    writeFileSync(project.path("environments", "prod.env"), 'TF_VAR_deptype="stage"\nnonsense\n');
    expectExit(await project.landfall("plan", "sandbox"), 0);
    const checked = await project.landfall("check", "prod");
    expectExit(checked, 1);
    expect(`${String(checked.stdout)}${String(checked.stderr)}`).toMatch(/environments\/prod\.env:2/);
    const listed = await project.run("npx", ["cdktf", "list"], { env: { CI: "1" } });
    expectExit(listed, 0);
    expect(listed.stdout).toContain("stacks/sandbox");
    expect(listed.stdout).not.toContain("stacks/prod");
    rmSync(project.path("environments", "prod.env"));
  });

  it("another comment of an SSH key changes nothing, and no plan of a run is left", async () => {
    const before = project.read("environments", "sandbox.env");
    project.set("sandbox.env", { TF_VAR_public_key: `${key(before)} somebody@else.example` });
    expectExit(await project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);
    writeFileSync(project.path("environments", "sandbox.env"), before);
    const left = ["state", "shared", "sandbox"].flatMap((stack) =>
      readdirSync(project.path("cdktf.out", "stacks", stack)).filter((name) =>
        /landfall-.*tfplan/.test(name),
      ),
    );
    expect(left).toEqual([]); // also of those that were killed above
  });

  it("a second sandbox up changes nothing", async () => {
    const ran = await project.landfall("sandbox", "up");
    expectExit(ran, 0);
    expect(ran.stderr).not.toMatch(/^(created|changed|destroyed) /m);
  });

  it("destroys in order, refuses out of order, and leaves nothing", async () => {
    const shared = { env: { LANDFALL_SHARED: "sandbox" } };
    const file = project.path("destroy.tfplan");
    const made = await project.run(
      binary,
      ["-chdir=cdktf.out/stacks/sandbox", "plan", "-destroy", `-out=${file}`, "-input=false"],
      {
        env: {
          ...aws,
          LANDFALL_SHARED: undefined,
          TERRAFORM_BINARY_NAME: undefined,
          ...(binary === "tofu" && { TF_DATA_DIR: ".terraform-tofu" }), // where ./landfall has initialized it
        },
      },
    );
    expectExit(made, 0);
    const bypass = await project.landfall("apply", "sandbox", "--yes", "--plan", file);
    expectExit(bypass, 2);
    expect(bypass.stderr).toContain("./landfall destroy sandbox");
    expectExit(
      await project.run("./landfall", ["destroy", "shared", "--yes", "--confirm", "shared"], shared),
      1,
    );
    expectExit(await project.run("./landfall", ["destroy", "state", "--yes"], shared), 2);
    expectExit(await project.landfall("destroy", "sandbox", "--yes"), 0);
    expectExit(
      await project.run("./landfall", ["destroy", "shared", "--yes", "--confirm", "shared"], shared),
      0,
    );
    const hosts = await ec2(endpoint(), {
      Action: "DescribeInstances",
      "Filter.1.Name": "instance-state-name",
      "Filter.1.Value.1": "running",
    });
    expect(hosts).not.toContain("<instanceId>");
    expect(await ec2(endpoint(), { Action: "DescribeAddresses" })).not.toContain("<allocationId>");
  });

  it("sandbox down stops the emulator, and the sandbox is then refused", async () => {
    expectExit(await project.landfall("sandbox", "down"), 0);
    expectExit(await project.landfall("sandbox", "status"), 1);
    await expect(fetch(endpoint())).rejects.toThrow();
    const refused = await project.landfall("plan", "sandbox");
    expectExit(refused, 1);
    expect(refused.stderr).toContain("./landfall sandbox up");
    // What other tools make for themselves: OpenTofu its configuration, and rustup its own when pip asks for rustc's version
    const others = [".terraform.d", ".rustup"];
    expect(readdirSync(project.path("home")).filter((name) => !others.includes(name))).toEqual([]);
    expect(existsSync(project.path("environments", "sandbox.secrets.env"))).toBe(true);
  });
});

/** The SSH key of an environment's file, without its comment. */
const key = (file: string): string => /TF_VAR_public_key="(\S+ \S+)/.exec(file)?.[1] ?? "";

/** Waits until a stream has shown some text. */
function seen(stream: NodeJS.ReadableStream | null | undefined, wanted: string | RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    stream?.on("data", (chunk) => {
      text += String(chunk);
      if (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text)) resolve();
    });
    stream?.on("end", () => reject(new Error(`never saw ${String(wanted)} in\n${text}`)));
  });
}
