import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { execaSync } from "execa";
import { call, clientOf, ec2, expectExit, Project, type Ran } from "./support/project";

jest.setTimeout(10 * 60_000);

const binary = ["terraform", "tofu"].find((name) => !execaSync(name, ["version"], { reject: false }).failed);

/** What a stage that keeps its data keeps, whatever is asked of Terraform. */
describe("an environment of the class prod", () => {
  let project: Project;
  let s3: S3Client;
  let dynamodb: DynamoDBClient;
  let endpoint: string;
  const release = { Bucket: "sandbox-sandbox-macro-ai-artifacts", Key: "releases/1.tar.gz" };
  const TableName = "sandbox-XSchedulerUserTokens";
  const token = { user_id: { S: "somebody" } };

  /** The data that the systems keep, as far as it is there. */
  async function kept(): Promise<string[]> {
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key: token }));
    const { Body } = await s3.send(new GetObjectCommand(release));
    return [Item?.user_id?.S ?? "", (await Body?.transformToString()) ?? ""];
  }

  /** Ids of the file systems that AWS has. */
  async function fileSystems(): Promise<string[]> {
    const answer = await call(endpoint, "elasticfilesystem", { path: "/2015-02-01/file-systems" });
    const { FileSystems } = JSON.parse(answer) as { FileSystems: { FileSystemId: string }[] };
    return FileSystems.map(({ FileSystemId }) => FileSystemId);
  }

  const runningHosts = async (): Promise<number> =>
    (await ec2(endpoint, { Action: "DescribeInstances" })).match(/<name>running<\/name>/g)?.length ?? 0;

  /** Terraform or OpenTofu itself, over what was synthesized last. */
  const alone = async (...args: string[]): Promise<Ran> =>
    project.run(binary ?? "terraform", ["-chdir=cdktf.out/stacks/sandbox", ...args], {
      env: {
        ...(await project.sandboxEnvironment()),
        ...(binary === "tofu" && { TF_DATA_DIR: ".terraform-tofu" }),
      },
    });

  const planClean = async (): Promise<void> => {
    const ran = await project.landfall("plan", "sandbox", "--detailed-exitcode");
    expectExit(ran, 0);
    expect(String(ran.stderr)).not.toContain("Warning");
  };

  beforeAll(async () => {
    project = await Project.create(binary ?? "terraform");
    project.set("sandbox.env", {
      TF_VAR_systems: "x-scheduler,macro-ai,viewer-atlas",
      TF_VAR_stage_class: "prod",
      TF_VAR_viewer_atlas_file_system: "new",
    });
    expectExit(await project.landfall("sandbox", "up"), 0);
    endpoint = (await project.sandboxEnvironment()).AWS_ENDPOINT_URL ?? "";
    s3 = new S3Client(clientOf(endpoint));
    dynamodb = new DynamoDBClient(clientOf(endpoint));
    await dynamodb.send(new PutItemCommand({ TableName, Item: token }));
    await s3.send(new PutObjectCommand({ ...release, Body: "release" }));
  });
  afterAll(async () => {
    s3?.destroy();
    dynamodb?.destroy();
    await project?.remove();
  });

  it("is planned without a change once it is there", () => planClean());

  it("keeps its hosts and data where destroying it is asked for", async () => {
    const ran = await project.landfall("destroy", "sandbox", "--yes");
    expectExit(ran, 1);
    expect(String(ran.stderr)).toContain("lifecycle.prevent_destroy");
    expect(await kept()).toEqual(["somebody", "release"]);
    expect(await runningHosts()).toBe(2);
    expect(await fileSystems()).toHaveLength(1);
  });

  it("keeps a file system that leaves its file, and takes it back as the warning says", async () => {
    const [id = ""] = await fileSystems();
    project.set("sandbox.env", { TF_VAR_viewer_atlas_file_system: "" });
    const ran = await project.landfall("apply", "sandbox", "--yes");
    expectExit(ran, 0);
    const told = `import aws_efs_file_system.viewer-atlas_files ${id}`;
    expect(String(ran.stderr)).toContain(told);
    expect(await fileSystems()).toEqual([id]);

    project.set("sandbox.env", { TF_VAR_viewer_atlas_file_system: "new" });
    expectExit(await project.landfall("plan", "sandbox"), 0);
    expectExit(await alone(...told.split(" ")), 0);
    expectExit(await project.landfall("apply", "sandbox", "--yes"), 0);
    expect(await fileSystems()).toEqual([id]);
    await planClean();
  });

  it("refuses to lose data with a system, before anything is done, and with its protection likewise", async () => {
    const secrets = { postgres_password: "password", jwt_secret_key: "key", frp_auth_token: "token" };
    project.set("sandbox.secrets.env", secrets);
    for (const more of [{ TF_VAR_deletion_protection: "false" }, { TF_VAR_deletion_protection: "" }]) {
      project.set("sandbox.env", { TF_VAR_systems: "chronos", ...more });
      const ran = await project.landfall("apply", "sandbox", "--yes");
      expectExit(ran, 1);
      const refused = [...String(ran.stderr).matchAll(/^ {2}(\S+) would be destroyed: /gm)].map(
        ([, one]) => one,
      );
      expect(refused).toEqual(
        expect.arrayContaining([
          "aws_dynamodb_table.x-scheduler_tokens",
          "aws_instance.x-scheduler_host",
          "aws_s3_bucket.macro-ai_artifacts",
        ]),
      );
      expect(await kept()).toEqual(["somebody", "release"]);
      expect(await runningHosts()).toBe(2);
    }
  });

  it("keeps the data of a system that leaves its file where Terraform alone is asked, and gives it back to one that returns", async () => {
    const ran = await alone("apply", "-auto-approve", "-input=false", "-no-color");
    expectExit(ran, 1);
    expect(String(ran.stderr)).toMatch(
      /deleting AWS DynamoDB Table \(sandbox-XSchedulerUserTokens\): .*ValidationException/,
    );
    expect(String(ran.stderr)).toMatch(
      /deleting S3 Bucket \(sandbox-sandbox-macro-ai-artifacts\): .*StatusCode: 409/,
    );
    expect(await kept()).toEqual(["somebody", "release"]);
    expect(await fileSystems()).toHaveLength(1);

    project.set("sandbox.env", { TF_VAR_systems: "chronos,x-scheduler,macro-ai" }); // Chronos has hosts by now
    expectExit(await project.landfall("apply", "sandbox", "--yes"), 0);
    expect(await kept()).toEqual(["somebody", "release"]);
    await planClean(); // what kept the file system is no trouble without one
  });
});
