import { GetObjectCommand, ListObjectVersionsCommand, S3Client } from "@aws-sdk/client-s3";
import { execaSync } from "execa";
import { readFileSync } from "node:fs";
import { parseEnvFile } from "../../environments/env-file";
import type { ApplyClock } from "../support/critical-path";
import { isAllowed } from "../support/iam";
import { call, clientOf, ec2, expectExit, Project, type Ran } from "./support/project";
import { pulledState, tellChain, timedSandboxUp } from "./support/timing";
import { unzipped } from "./support/unzip";

jest.setTimeout(10 * 60_000);

const bucket = "sandbox-chronos-terraform-state-storage";
const binary = ["terraform", "tofu"].find((name) => !execaSync(name, ["version"], { reject: false }).failed);

/** Which combinations of systems are applied to the emulator, in this order, each from the one before. */
const steps: readonly {
  readonly title: string;
  readonly systems: string;
  readonly inputs?: Readonly<Record<string, string>>;
  /** Systems that lose resources on the way there. */
  readonly gone: readonly string[];
  readonly hosts: readonly string[];
}[] = [
  {
    title: "load balancers and a group",
    systems: "chronos,x-scheduler,macro-ai,viewer-atlas,atomic-calendar",
    inputs: {
      TF_VAR_x_scheduler_domain: "x.example.com",
      TF_VAR_x_scheduler_hosted_zone: "example.com",
      TF_VAR_macro_ai_capacity: "group",
      TF_VAR_macro_ai_domain: "api.example.com",
      TF_VAR_macro_ai_hosted_zone: "example.com",
      TF_VAR_atomic_calendar_hosted_zone: "example.com",
    },
    gone: ["x-scheduler", "macro-ai"], // the single host, and what opened the other to the world
    hosts: ["sandbox-dashboard", "sandbox-edge-1", "sandbox-macro-ai", "sandbox-x-scheduler"],
  },
  {
    title: "Macro AI alone",
    systems: "macro-ai",
    gone: ["atomic-calendar", "chronos", "viewer-atlas", "x-scheduler"],
    hosts: ["sandbox-macro-ai"],
  },
  {
    title: "X-Scheduler alone",
    systems: "x-scheduler",
    inputs: { TF_VAR_x_scheduler_domain: "", TF_VAR_x_scheduler_hosted_zone: "" },
    gone: ["macro-ai"],
    hosts: ["sandbox-x-scheduler"],
  },
  {
    title: "Chronos alone",
    systems: "chronos",
    gone: ["x-scheduler"],
    hosts: ["sandbox-dashboard", "sandbox-edge-1"],
  },
];

interface Change {
  readonly address: string;
  readonly mode: string;
  readonly change: { readonly actions: readonly string[] };
}
const lost = (ran: Ran): string[] => {
  const { resource_changes: changes = [] } = JSON.parse(String(ran.stdout)) as {
    resource_changes?: Change[];
  };
  return changes
    .filter(({ mode, change }) => mode === "managed" && change.actions.includes("delete"))
    .map(({ address }) => address);
};

describe("five systems", () => {
  let project: Project;
  let endpoint: string;
  let clock: ApplyClock;
  const secrets = () =>
    parseEnvFile(readFileSync(project.path("environments", "sandbox.secrets.env"))).assignments.map(
      ({ value }) => value,
    );
  const hosts = async () => {
    const xml = await ec2(endpoint, {
      Action: "DescribeInstances",
      "Filter.1.Name": "instance-state-name",
      "Filter.1.Value.1": "running",
    });
    return [...xml.matchAll(/<key>Name<\/key>\s*<value>([^<]+)<\/value>/g)].map(([, name]) => name).sort();
  };

  beforeAll(async () => {
    project = await Project.create(binary ?? "terraform");
  });
  afterAll(() => project?.remove());

  it("are deployed together by sandbox up, with one X-Scheduler however often it is applied", async () => {
    clock = await timedSandboxUp(project);
    endpoint = (await project.sandboxEnvironment()).AWS_ENDPOINT_URL ?? "";
    const all = ["sandbox-dashboard", "sandbox-edge-1", "sandbox-macro-ai", "sandbox-x-scheduler"];
    expect(await hosts()).toEqual(all);
    expectExit(await project.landfall("apply", "sandbox", "--yes"), 0);
    expect(await hosts()).toEqual(all);
    expectExit(await project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);
    // a zone is not ours to make
    await call(endpoint, "route53", {
      path: "/2013-04-01/hostedzone",
      body: '<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Name>example.com</Name><CallerReference>test</CallerReference></CreateHostedZoneRequest>',
    });
  });

  it("are made in little more time than the longest chain of what needs each other", async () => {
    expect(tellChain(clock, await pulledState(project, binary ?? "terraform"))).toBeLessThanOrEqual(1.3);
  });

  it("have roles that reach what is theirs and nothing of a neighbour's, as IAM has them", async () => {
    const iam = (parameters: Record<string, string>) =>
      call(endpoint, "iam", { body: new URLSearchParams({ Version: "2010-05-08", ...parameters }) });
    const document = (xml: string) =>
      decodeURIComponent(/<(?:PolicyDocument|Document)>([^<]+)</.exec(xml)?.[1] ?? "").replaceAll(
        "&quot;",
        '"',
      );
    const managed = document(
      await iam({
        Action: "GetPolicyVersion",
        PolicyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
        VersionId:
          /<DefaultVersionId>(v\d+)</.exec(
            await iam({
              Action: "GetPolicy",
              PolicyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
            }),
          )?.[1] ?? "",
      }),
    );
    const parameter = (path: string) => `arn:aws:ssm:us-east-1:123456789012:parameter${path}`;
    const object = (name: string) => `arn:aws:s3:::sandbox-sandbox-${name}/object`;
    const table = "arn:aws:dynamodb:us-east-1:123456789012:table/sandbox-XSchedulerUserTokens";
    const everything = [
      ["s3:GetObject", object("x-scheduler-videos")],
      ["s3:GetObject", object("macro-ai-artifacts")],
      ["dynamodb:GetItem", table],
      ["ssm:GetParameter", parameter("/sandbox/x-scheduler/X_API_KEY")],
      ["ssm:GetParameter", parameter("/sandbox/macro-ai/DATABASE_URL")],
      ["ssm:GetParameter", parameter("/somebody/else")],
    ] as const;
    const own: Readonly<Record<string, readonly number[]>> = {
      "sandbox-sandbox-x-scheduler": [0, 2, 3],
      "sandbox-sandbox-macro-ai": [1, 4],
      "sandbox-ec2-host": [],
    };
    for (const [role, reached] of Object.entries(own)) {
      const attached = await iam({ Action: "ListAttachedRolePolicies", RoleName: role });
      expect(attached.match(/<PolicyArn>/g)).toHaveLength(1);
      const inline = document(await iam({ Action: "GetRolePolicy", RoleName: role, PolicyName: "own" }));
      const allowed = everything.flatMap(([action, resource], index) =>
        isAllowed([managed, inline], { action, resource }) ? [index] : [],
      );
      expect([role, allowed]).toEqual([role, reached]);
      expect(isAllowed([managed, inline], { action: "ssmmessages:OpenDataChannel", resource: "*" })).toBe(
        true,
      );
    }
  });

  it("another git ref changes a parameter, and no host", async () => {
    project.set("sandbox.env", { TF_VAR_x_scheduler_git_ref: "v2" });
    const planned = await project.landfall("plan", "sandbox", "--json");
    expectExit(planned, 0);
    const { resource_changes: changes = [] } = JSON.parse(String(planned.stdout)) as {
      resource_changes?: Change[];
    };
    expect(
      changes
        .filter(({ change }) => !["no-op", "read"].includes(change.actions.join()))
        .map(({ address, change }) => `${address}: ${change.actions.join()}`),
    ).toEqual(["aws_ssm_parameter.x-scheduler_git_ref: update"]);
  });

  it("no secret is in the JSON, the plan, the state and its versions, or what was printed", async () => {
    const folder = project.path("cdktf.out", "stacks", "sandbox");
    const s3 = new S3Client(clientOf(endpoint));
    const found: Record<string, string> = {
      json: readFileSync(`${folder}/cdk.tf.json`, "utf8"),
      plan: unzipped(`${folder}/landfall.tfplan`),
      printed: project.printed,
    };
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    for (const { Key, VersionId } of Versions) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, VersionId }));
      found[`${Key} ${VersionId}`] = (await Body?.transformToString()) ?? "";
    }
    s3.destroy();
    expect(secrets().length).toBeGreaterThan(7);
    for (const secret of secrets())
      expect(Object.keys(found).filter((place) => found[place]?.includes(secret))).toEqual([]);
  });

  it("a plan needs no secret, and says nothing else than with them", async () => {
    const file = project.path("environments", "sandbox.secrets.env");
    const kept = readFileSync(file, "utf8");
    project.write("environments/sandbox.secrets.env", "");
    const planned = await project.landfall("plan", "sandbox", "--json");
    project.write("environments/sandbox.secrets.env", kept);
    expectExit(planned, 0);
    expect(lost(planned)).toEqual([]);
  });

  it.each(steps)(
    "become $title, each losing only what was its own",
    async ({ systems, inputs, gone, hosts: left }) => {
      project.set("sandbox.env", { TF_VAR_systems: systems, ...inputs });
      const planned = await project.landfall("plan", "sandbox", "--json");
      expectExit(planned, 0);
      const owners = lost(planned).map(
        (address) =>
          /^\w+\.(chronos|x-scheduler|macro-ai|viewer-atlas|atomic-calendar)_/.exec(address)?.[1] ?? address,
      );
      expect([...new Set(owners)].sort()).toEqual([...gone].sort());
      expectExit(await project.landfall("apply", "sandbox", "--yes"), 0);
      expectExit(await project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);
      expect(await hosts()).toEqual(left);
    },
  );
});
