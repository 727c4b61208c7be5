import { DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { execaSync } from "execa";
import { ec2, expectExit, Project } from "./support/project";

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

  beforeAll(async () => {
    project = await Project.create(binary ?? "terraform");
    project.set("sandbox.env", { TF_VAR_systems: "x-scheduler,macro-ai", TF_VAR_stage_class: "prod" });
    expectExit(await project.landfall("sandbox", "up"), 0);
    endpoint = (await project.sandboxEnvironment()).AWS_ENDPOINT_URL ?? "";
    const client = {
      endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "sandbox", secretAccessKey: "sandbox" },
    };
    s3 = new S3Client({ ...client, forcePathStyle: true });
    dynamodb = new DynamoDBClient(client);
    await dynamodb.send(new PutItemCommand({ TableName, Item: token }));
    await s3.send(new PutObjectCommand({ ...release, Body: "release" }));
  });
  afterAll(async () => {
    s3?.destroy();
    dynamodb?.destroy();
    await project?.remove();
  });

  it("is planned without a change once it is there", async () => {
    expectExit(await project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);
  });

  it("keeps its hosts and data where destroying it is asked for", async () => {
    const ran = await project.landfall("destroy", "sandbox", "--yes");
    expectExit(ran, 1);
    expect(String(ran.stderr)).toContain("lifecycle.prevent_destroy");
    expect(await kept()).toEqual(["somebody", "release"]);
    const instances = await ec2(endpoint, { Action: "DescribeInstances" });
    expect(instances.match(/<name>running<\/name>/g)).toHaveLength(2);
  });

  it("keeps the data of a system that leaves its file, and gives it back to one that returns", async () => {
    project.set("sandbox.env", { TF_VAR_systems: "chronos" });
    const secrets = { postgres_password: "password", jwt_secret_key: "key", frp_auth_token: "token" };
    project.set("sandbox.secrets.env", secrets);
    const ran = await project.landfall("apply", "sandbox", "--yes");
    expectExit(ran, 1);
    expect(String(ran.stderr)).toMatch(
      /deleting AWS DynamoDB Table \(sandbox-XSchedulerUserTokens\): .*ValidationException/,
    );
    expect(String(ran.stderr)).toMatch(
      /deleting S3 Bucket \(sandbox-sandbox-macro-ai-artifacts\): .*StatusCode: 409/,
    );
    expect(await kept()).toEqual(["somebody", "release"]);

    project.set("sandbox.env", { TF_VAR_systems: "x-scheduler,macro-ai" });
    expectExit(await project.landfall("apply", "sandbox", "--yes"), 0);
    expect(await kept()).toEqual(["somebody", "release"]);
    expectExit(await project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);
  });
});
