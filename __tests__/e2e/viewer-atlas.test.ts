import { execaSync } from "execa";
import { isAllowed } from "../support/iam";
import { envText } from "../support/stacks";
import { call, expectExit, Project, type Ran } from "./support/project";

jest.setTimeout(10 * 60_000);

const binary = ["terraform", "tofu"].find((name) => !execaSync(name, ["version"], { reject: false }).failed);
const account = "123456789012";
const prefix = "sandbox-vieweratlas";

type Json = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- AWS's answers

/** What a plan does, but for reading. */
function changes(ran: Ran): string[] {
  const { resource_changes: all = [] } = JSON.parse(String(ran.stdout)) as {
    resource_changes?: { address: string; mode: string; change: { actions: string[] } }[];
  };
  return all
    .filter(({ mode, change }) => mode === "managed" && !["no-op", "read"].includes(change.actions.join()))
    .map(({ address, change }) => `${address}: ${change.actions.join()}`)
    .sort();
}

class Sandbox {
  private constructor(
    readonly project: Project,
    readonly endpoint: string,
  ) {}

  /** Deploys ViewerAtlas alone, with these settings besides. */
  static async up(settings: Record<string, string>, network: Record<string, string> = {}): Promise<Sandbox> {
    const project = await Project.create(binary ?? "terraform");
    project.set("sandbox.env", { TF_VAR_systems: "viewer-atlas", ...settings });
    const shared = {
      TF_VAR_name_prefix: "sandbox",
      TF_VAR_allowed_account_ids: account,
      TF_VAR_addresses: "",
      TF_VAR_image_repositories: "viewer-atlas",
      ...network,
    };
    project.write("environments/sandbox.shared.env", envText(shared));
    expectExit(await project.landfall("sandbox", "up"), 0);
    return new Sandbox(project, (await project.sandboxEnvironment()).AWS_ENDPOINT_URL ?? "");
  }

  async json(service: string, target: string, body: object): Promise<Json> {
    return JSON.parse(await call(this.endpoint, service, { target, body: JSON.stringify(body) })) as Json;
  }

  iam(parameters: Record<string, string>): Promise<string> {
    return call(this.endpoint, "iam", {
      body: new URLSearchParams({ Version: "2010-05-08", ...parameters }),
    });
  }

  /** ARNs of what has a tag, as far as they would cost or do something. */
  async tagged(Key: string, value: string): Promise<string[]> {
    const { ResourceTagMappingList: list } = await this.json(
      "tagging",
      "ResourceGroupsTaggingAPI_20170126.GetResources",
      { TagFilters: [{ Key, Values: [value] }] },
    );
    return (list as { ResourceARN: string }[]).map(({ ResourceARN }) => ResourceARN);
  }

  async unchanged(): Promise<void> {
    expectExit(await this.project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);
  }
}

describe("ViewerAtlas in a network of our own", () => {
  let sandbox: Sandbox;
  const plan = () => sandbox.project.landfall("plan", "sandbox", "--json");

  beforeAll(async () => {
    sandbox = await Sandbox.up({});
  });
  afterAll(() => sandbox?.project.remove());

  it("is deployed alone, and planned without a change then", () => sandbox.unchanged());

  it.each([
    ["analysis", `${prefix}-analysis-daily`, `${prefix}-analysis`],
    ["vod", `${prefix}-vod-6h`, `${prefix}-vod-collector`],
  ])(
    "has a schedule for %s that would really run it, as the emulator has them",
    async (name, rule, family) => {
      const schedule = JSON.parse(
        await call(sandbox.endpoint, "scheduler", { path: `/schedules/${rule}` }),
      ) as Json;
      const { Target: target } = schedule;
      const ecs = target.EcsParameters as Json;
      const network = ecs.NetworkConfiguration.awsvpcConfiguration as Json;
      expect(schedule.State).toBe("ENABLED");
      expect(target.Arn).toBe(`arn:aws:ecs:us-east-1:${account}:cluster/${prefix}-cluster`);
      expect(ecs.TaskDefinitionArn).toBe(`arn:aws:ecs:us-east-1:${account}:task-definition/${family}:1`);
      expect(network).toMatchObject({
        AssignPublicIp: "ENABLED",
        SecurityGroups: [expect.stringMatching(/^sg-/)],
        Subnets: [expect.stringMatching(/^subnet-/), expect.stringMatching(/^subnet-/)],
      });

      const { taskDefinition } = await sandbox.json(
        "ecs",
        "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition",
        {
          taskDefinition: ecs.TaskDefinitionArn as string,
        },
      );
      expect(taskDefinition).toMatchObject({ status: "ACTIVE", networkMode: "awsvpc" });
      const role = String(target.RoleArn).split("/").at(-1) ?? "";
      const inline = /<PolicyDocument>([^<]+)</.exec(
        await sandbox.iam({ Action: "GetRolePolicy", RoleName: role, PolicyName: "own" }),
      )?.[1];
      const policy = decodeURIComponent(inline ?? "").replaceAll("&quot;", '"');
      const context = { "ecs:cluster": target.Arn as string };
      const runs = (resource: string) => isAllowed([policy], { action: "ecs:RunTask", resource, context });
      expect(runs(ecs.TaskDefinitionArn as string)).toBe(true);
      expect(runs(`arn:aws:ecs:us-east-1:${account}:task-definition/${prefix}-collector:1`)).toBe(false);
      const passes = (resource: string) =>
        isAllowed([policy], {
          action: "iam:PassRole",
          resource,
          context: { "iam:PassedToService": "ecs-tasks.amazonaws.com" },
        });
      expect(passes(taskDefinition.taskRoleArn as string)).toBe(true);
      expect(passes(taskDefinition.executionRoleArn as string)).toBe(true);
      expect(
        passes(
          String(taskDefinition.taskRoleArn).replace(
            `-${name === "vod" ? "vod-collector" : name}-`,
            "-collector-",
          ),
        ),
      ).toBe(false);
    },
  );

  it("changes one task definition and its service for another image", async () => {
    sandbox.project.set("sandbox.env", { TF_VAR_viewer_atlas_collector_image: `sha256:${"a".repeat(64)}` });
    const planned = await plan();
    expectExit(planned, 0);
    expect(changes(planned)).toEqual([
      "aws_ecs_service.viewer-atlas_collector: update",
      "aws_ecs_task_definition.viewer-atlas_collector_task: delete,create",
    ]);
    expectExit(await sandbox.project.landfall("apply", "sandbox", "--yes"), 0);
    const { services } = await sandbox.json("ecs", "AmazonEC2ContainerServiceV20141113.DescribeServices", {
      cluster: `${prefix}-cluster`,
      services: [`${prefix}-collector`],
    });
    expect(services).toMatchObject([{ taskDefinition: expect.stringMatching(/:2$/), desiredCount: 1 }]);
  });

  it("tells of automations of Spot's that fail, and keeps what could not start them", async () => {
    const events = (operation: string, body: object) =>
      sandbox.json("events", `AWSEvents.${operation}`, body);
    const { EventPattern } = await events("DescribeRule", { Name: `${prefix}-spot-failed` });
    expect(((JSON.parse(EventPattern as string) as Json).detail.Definition as string[]).sort()).toEqual([
      `${prefix}-spot-run-on-demand`,
      `${prefix}-spot-to-on-demand`,
      `${prefix}-spot-to-spot-collector`,
    ]);
    const queue = `arn:aws:sqs:us-east-1:${account}:${prefix}-spot-not-started`;
    const rules = [`${prefix}-spot-interrupted`, `${prefix}-spot-no-room`];
    for (const Rule of rules) {
      const { Targets } = await events("ListTargetsByRule", { Rule });
      expect(Targets).toMatchObject([{ DeadLetterConfig: { Arn: queue } }]);
    }
    const { Target } = JSON.parse(
      await call(sandbox.endpoint, "scheduler", { path: `/schedules/${prefix}-collector-spot` }),
    ) as Json;
    expect(Target.DeadLetterConfig).toEqual({ Arn: queue });
    const { Attributes } = await sandbox.json("sqs", "AmazonSQS.GetQueueAttributes", {
      QueueUrl: `${sandbox.endpoint}/${account}/${prefix}-spot-not-started`,
      AttributeNames: ["Policy"],
    });
    const sends = (rule: string) =>
      isAllowed([Attributes.Policy as string], {
        action: "sqs:SendMessage",
        resource: queue,
        context: {
          "aws:SourceArn": `arn:aws:events:us-east-1:${account}:rule/${rule}`,
          "aws:SecureTransport": "true",
        },
      });
    expect([...rules, `${prefix}-spot-failed`].map(sends)).toEqual([true, true, false]);
  });

  it("goes back to Spot in place where it had fallen back to on-demand capacity", async () => {
    await sandbox.json("ecs", "AmazonEC2ContainerServiceV20141113.UpdateService", {
      cluster: `${prefix}-cluster`,
      service: `${prefix}-collector`,
      capacityProviderStrategy: [{ capacityProvider: "FARGATE", weight: 100, base: 0 }],
    });
    const planned = await plan();
    expectExit(planned, 0);
    expect(changes(planned)).toEqual(["aws_ecs_service.viewer-atlas_collector: update"]);
    expectExit(await sandbox.project.landfall("apply", "sandbox", "--yes"), 0);
    await sandbox.unchanged();
  });

  it("gets a file system and loses it again, with nothing else lost", async () => {
    sandbox.project.set("sandbox.env", { TF_VAR_viewer_atlas_file_system: "new" });
    expectExit(await sandbox.project.landfall("apply", "sandbox", "--yes"), 0);
    await sandbox.unchanged();
    sandbox.project.set("sandbox.env", { TF_VAR_viewer_atlas_file_system: "" });
    const planned = await plan();
    expectExit(planned, 0);
    const lost = changes(planned).filter((change) => change.endsWith(": delete"));
    expect(lost.length).toBeGreaterThan(3);
    for (const change of lost) expect(change).toMatch(/viewer-atlas_(files|group_to_nfs)/);
    expectExit(await sandbox.project.landfall("apply", "sandbox", "--yes"), 0);
    await sandbox.unchanged();
  });

  it("mounts a file system that is there by its access point", async () => {
    sandbox.project.set("sandbox.env", {
      TF_VAR_viewer_atlas_file_system: "fs-0123456789abcdef0",
      TF_VAR_viewer_atlas_file_system_access_point: "fsap-0123456789abcdef0",
    });
    expectExit(await sandbox.project.landfall("apply", "sandbox", "--yes"), 0);
    await sandbox.unchanged();
    const { taskDefinition } = await sandbox.json(
      "ecs",
      "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition",
      { taskDefinition: `${prefix}-collector` },
    );
    expect(taskDefinition.volumes).toContainEqual(
      expect.objectContaining({
        efsVolumeConfiguration: expect.objectContaining({
          fileSystemId: "fs-0123456789abcdef0",
          authorizationConfig: { accessPointId: "fsap-0123456789abcdef0", iam: "ENABLED" },
        }),
      }),
    );
  });

  it("leaves nothing behind when it is destroyed", async () => {
    expect((await sandbox.tagged("System", "viewer-atlas")).length).toBeGreaterThan(10);
    expectExit(await sandbox.project.landfall("destroy", "sandbox", "--yes"), 0);
    // ECS still shows clusters and services that are gone, as INACTIVE
    const left = (await sandbox.tagged("Environment", "sandbox")).filter(
      (arn) => !/:ecs:.*:(service|cluster)\//.test(arn),
    );
    expect(left.filter((arn) => arn.includes("vieweratlas"))).toEqual([]);
    const { taskDefinitionArns } = await sandbox.json(
      "ecs",
      "AmazonEC2ContainerServiceV20141113.ListTaskDefinitions",
      { status: "ACTIVE" },
    );
    expect(taskDefinitionArns).toEqual([]);
    const { services = [] } = await sandbox
      .json("ecs", "AmazonEC2ContainerServiceV20141113.DescribeServices", {
        cluster: `${prefix}-cluster`,
        services: [`${prefix}-collector`],
      })
      .catch(() => ({}) as Json);
    expect((services as Json[]).filter(({ status }) => status === "ACTIVE")).toEqual([]);
  });
});

describe("ViewerAtlas in a network that was there before", () => {
  let sandbox: Sandbox;

  beforeAll(async () => {
    sandbox = await Sandbox.up({ TF_VAR_viewer_atlas_file_system: "new" }, { TF_VAR_vpc_id: "default" });
  });
  afterAll(() => sandbox?.project.remove());

  it("is deployed to the account's default VPC, and planned without a change then", async () => {
    await sandbox.unchanged();
  });

  it("does not change where the same VPC is named by its ids", async () => {
    const ids = async (Action: string, tag: string) => {
      const xml = await call(sandbox.endpoint, "ec2", {
        body: new URLSearchParams({ Version: "2016-11-15", Action }),
      });
      return [...new Set([...xml.matchAll(new RegExp(`<${tag}>([^<]+)</${tag}>`, "g"))].map(([, id]) => id))];
    };
    const [vpc = ""] = await ids("DescribeVpcs", "vpcId");
    const subnets = await ids("DescribeSubnets", "subnetId");
    sandbox.project.set("sandbox.shared.env", {
      TF_VAR_vpc_id: vpc,
      TF_VAR_public_subnet_ids: subnets.join(","),
    });
    expectExit(await sandbox.project.landfall("apply", "shared", "--yes"), 0);
    const planned = await sandbox.project.landfall("plan", "sandbox", "--json");
    expectExit(planned, 0);
    expect(changes(planned)).toEqual([]);
  });
});
