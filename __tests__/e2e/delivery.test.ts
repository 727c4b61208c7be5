import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { execaSync } from "execa";
import { hostname, userInfo } from "node:os";
import { clientOf, ec2, expectExit, Project, type Ran } from "./support/project";

jest.setTimeout(5 * 60_000);

const binary = ["terraform", "tofu"].find((name) => !execaSync(name, ["version"], { reject: false }).failed);
const bucket = "sandbox-chronos-terraform-state-storage";
const key = "sandbox/terraform.tfstate";
const table = "sandbox-chronos-terraform-state-locks";
const host = "aws_instance.chronos_host_dashboard";
const rules = ["ipv4", "ipv6"].map(
  (ip) => `aws_vpc_security_group_ingress_rule.chronos_dashboard_group_from_dashboard_8443_${ip}`,
);

interface Entry {
  readonly version: string;
  readonly current: boolean;
  readonly deleted: boolean;
  readonly serial?: number;
  readonly resources?: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** From a plan over its review to the apply, while others work too. The steps build on each other. */
describe("a change on its way", () => {
  let project: Project;
  let endpoint: string;
  let s3: S3Client;
  let dynamodb: DynamoDBClient;

  const ports = (value: string): void => project.set("sandbox.env", { TF_VAR_dashboard_ports: value });
  /** The user's copy of what a reviewer has seen, and the plan itself. */
  async function review(name: string): Promise<{ readonly review: string; readonly plan: string }> {
    const files = { review: project.path(`${name}.json`), plan: project.path(`${name}.tfplan`) };
    const ran = await project.landfall("plan", "sandbox", "--format", "json", "--out", files.plan);
    expectExit(ran, 0);
    project.write(`${name}.json`, String(ran.stdout));
    return files;
  }
  const applyReviewed = (file: string): Promise<Ran> =>
    project.landfall("apply", "sandbox", "--yes", "--reviewed", file);
  const history = async (): Promise<Entry[]> => {
    const ran = await project.landfall("state", "history", "sandbox", "--json");
    expectExit(ran, 0);
    return JSON.parse(String(ran.stdout)) as Entry[];
  };
  const restore = (version: string): Promise<Ran> =>
    project.landfall("state", "restore", "sandbox", version, "--yes");
  /** Ports that AWS lets the world reach. */
  const isOpen = async (port: number): Promise<boolean> =>
    (await ec2(endpoint, { Action: "DescribeSecurityGroupRules" })).includes(`<fromPort>${port}</fromPort>`);
  /** Whether the only host has a tag; gives it one before, where there is a value. */
  async function hostTag(name: string, value?: string): Promise<boolean> {
    const hosts = await ec2(endpoint, { Action: "DescribeInstances" });
    const id = /<instanceId>(i-[0-9a-f]+)</.exec(hosts)?.[1] ?? "";
    if (value !== undefined)
      await ec2(endpoint, {
        Action: "CreateTags",
        "ResourceId.1": id,
        "Tag.1.Key": name,
        "Tag.1.Value": value,
      });
    return hosts.includes(`<key>${name}</key>`);
  }

  beforeAll(async () => {
    project = await Project.create(binary ?? "terraform");
    project.set("sandbox.env", { TF_VAR_systems: "chronos", TF_VAR_edge_hosts: "", TF_VAR_alarm_emails: "" });
    project.set("sandbox.shared.env", {
      TF_VAR_addresses: "sandbox-dashboard",
      TF_VAR_image_repositories: "",
      TF_VAR_nat_gateways: "none",
      TF_VAR_state_lock: "both",
    });
    expectExit(await project.landfall("sandbox", "up"), 0);
    endpoint = (await project.sandboxEnvironment()).AWS_ENDPOINT_URL ?? "";
    s3 = new S3Client(clientOf(endpoint));
    dynamodb = new DynamoDBClient(clientOf(endpoint));
  });
  afterAll(async () => {
    s3?.destroy();
    dynamodb?.destroy();
    await project?.remove();
  });

  it("is applied as it was reviewed", async () => {
    ports("80,443,8443");
    const files = await review("first");
    expect(project.read("first.json")).toContain(rules[0]);
    const ran = await applyReviewed(files.review);
    expectExit(ran, 0);
    expect(String(ran.stderr)).toContain(`${rules[0]}: The world (0.0.0.0/0) could reach tcp port 8443.`);
    expect(await isOpen(8443)).toBe(true);
  });

  it("is not applied by a review of something else", async () => {
    project.write("other.json", project.read("first.json").replace('"stack": "sandbox"', '"stack": "stage"'));
    const ran = await applyReviewed(project.path("other.json"));
    expectExit(ran, 2);
    expect(String(ran.stderr)).toContain("is a review of stage, not of sandbox");
  });

  it("comes out of the history of the state, and back into it", async () => {
    const entries = await history();
    const withRules = entries.findIndex(({ added }) => rules.every((rule) => added.includes(rule)));
    const [last, before] = [entries[0], entries[withRules + 1]];
    expect(before).toMatchObject({ current: false, deleted: false });
    expect(last?.resources).toBe((before?.resources ?? 0) + 2);

    const back = await restore(before?.version ?? "");
    expectExit(back, 0);
    expect(String(back.stderr)).toMatch(
      /would forget these; in AWS they stay:\n {2}\S+8443_ipv4\n {2}\S+8443_ipv6\n/,
    );
    expect(await isOpen(8443)).toBe(true);
    const planned = await project.landfall("plan", "sandbox", "--detailed-exitcode");
    expectExit(planned, 2);
    for (const rule of rules) expect(String(planned.stdout)).toContain(`${rule} will be created`);

    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })); // a mishap on top
    expect((await history())[0]).toMatchObject({ current: true, deleted: true });
    const again = await restore(last?.version ?? "");
    expectExit(again, 0);
    expect(String(again.stderr)).toContain("It is deleted now.");
    expectExit(await project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);

    const now = await history();
    expect(now[0]?.serial).toBe((now[2]?.serial ?? 0) + 1); // the deletion stands between
    const same = await restore(last?.version ?? "");
    expectExit(same, 0);
    expect(String(same.stderr)).toContain("what the state is already");
    expectExit(await restore(now[0]?.version ?? ""), 2);
    const misspelt = await restore(`${last?.version.slice(0, -1)}_`);
    expectExit(misspelt, 2);
    expect(String(misspelt.stderr)).toContain(`Did you mean ${last?.version}?`);
  });

  it("is stopped with a reason where the world has moved, and where another apply was first", async () => {
    ports("80,443");
    const files = await review("second");
    await hostTag("Owner", "somebody");
    const moved = await applyReviewed(files.review);
    expectExit(moved, 1);
    expect(String(moved.stderr)).toContain("no longer what was reviewed; nothing was applied");
    expect(String(moved.stderr)).toContain(`${host}: update was not reviewed`);
    expect(await isOpen(8443)).toBe(true);
    expect(await hostTag("Owner")).toBe(true);

    expectExit(await project.landfall("apply", "sandbox", "--yes"), 0);
    expect(await isOpen(8443)).toBe(false);
    const late = await applyReviewed(files.review);
    expectExit(late, 0); // the other apply has done all of it
    expect(String(late.stderr)).toContain("sandbox: no changes: what was reviewed is not to do any more");
    const stale = await project.landfall("apply", "sandbox", "--yes", "--plan", files.plan);
    expectExit(stale, 1);
    expect(String(stale.stderr)).toContain("changed since this plan was made");
  });

  it("is refused where it opens what it should not, and says how to do it all the same", async () => {
    ports("80,443,5432");
    const refused = await project.landfall("apply", "sandbox", "--yes");
    expectExit(refused, 1);
    expect(String(refused.stderr)).toContain("could reach tcp port 5432, with PostgreSQL.");
    expect(String(refused.stderr)).toContain("./landfall apply sandbox --allow security-group-open-to-world");
    expect(await isOpen(5432)).toBe(false);
    ports("80,443");
  });

  it("waits for nobody: who has the lock, and since when, is in each refusal", async () => {
    const LockID = { S: `${bucket}/${key}` };
    const holder = {
      ID: "5f1c2a44-0000-4000-8000-000000000000",
      Operation: "OperationTypeApply",
      Who: "ada@laptop",
      Created: new Date(Date.now() - 5 * 60_000).toISOString(),
      Info: "",
      Version: "",
      Path: LockID.S,
    };
    await dynamodb.send(
      new PutItemCommand({ TableName: table, Item: { LockID, Info: { S: JSON.stringify(holder) } } }),
    );
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "left/terraform.tfstate", Body: "{}" }));
    const listed = await project.run("./landfall", ["state", "list", "--json"], {
      env: { LANDFALL_SHARED: "sandbox" },
    });
    expectExit(listed, 0);
    const states = JSON.parse(String(listed.stdout)) as { readonly name: string }[];
    expect(states.map(({ name }) => name).sort()).toEqual(["left", "sandbox", "shared", "state"]);
    expect(states).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: "left", orphaned: true }),
        expect.objectContaining({ name: "sandbox", orphaned: false, lock: expect.objectContaining(holder) }),
      ]),
    );
    const [entry] = (await history()).slice(1);
    for (const args of [
      ["plan", "sandbox"],
      ["apply", "sandbox", "--yes"],
      ["destroy", "sandbox", "--yes"],
      ["state", "restore", "sandbox", entry?.version ?? "", "--yes"],
    ]) {
      const ran = await project.landfall(...args);
      expectExit(ran, 1);
      expect(String(ran.stderr)).toMatch(/locked: held by ada@laptop for apply since \S+ \([56] min ago\)/);
      expect(String(ran.stderr)).toContain("./landfall unlock sandbox");
    }
    await dynamodb.send(new DeleteItemCommand({ TableName: table, Key: { LockID } }));
  });

  it("is applied once where two apply it at the same time", async () => {
    ports("80,443,9443");
    const ran = await Promise.all([1, 2].map(() => project.landfall("apply", "sandbox", "--yes")));
    const done = ran.filter(({ exitCode }) => exitCode === 0);
    expect(done.length).toBeGreaterThan(0);
    for (const { stderr } of ran.filter(({ exitCode }) => exitCode !== 0)) {
      const me = `${userInfo().username}@${hostname()}`;
      const locked = new RegExp(`locked: held by ${me} for (plan|apply) since \\S+ \\(\\d+ s ago\\)`);
      expect(String(stderr)).toMatch(new RegExp(`${locked.source}|changed since this plan was made`));
    }
    expect(await isOpen(9443)).toBe(true);
    expectExit(await project.landfall("plan", "sandbox", "--detailed-exitcode"), 0);
  });
});
