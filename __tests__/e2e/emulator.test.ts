import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { execa } from "execa";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { projectRoot } from "../../environments/root";
import { emulatorEnvironment, emulatorStatus, startEmulator, stopEmulator } from "../../sandbox/emulator";
import { clientOf } from "./support/project";
import { ensureVenv } from "../../sandbox/venv";

const minutes = 60_000;
const region = "us-east-1";
const sandbox = join(projectRoot, "sandbox");

let folder: string;
let stateFolder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "landfall emulator "));
  stateFolder = join(folder, "state");
});
afterAll(async () => {
  await stopEmulator({ stateFolder });
  rmSync(folder, { recursive: true });
});

test(
  "each patch does what AWS's reference says",
  async () => {
    const python = await ensureVenv({ name: "moto", requirements: join(sandbox, "requirements.txt") });
    const file = join(projectRoot, "__tests__", "sandbox", "patches_test.py");
    const { all, failed } = await execa(python, ["-B", file], {
      env: { PYTHONPATH: sandbox },
      reject: false,
      all: true,
    });
    expect(failed ? all : "").toBe("");
  },
  10 * minutes,
);

describe("start and stop", () => {
  test(
    "two starts at once make one emulator, on loopback, with a log for its owner alone",
    async () => {
      const [one, two] = await Promise.all([startEmulator({ stateFolder }), startEmulator({ stateFolder })]);
      expect(two.pid).toBe(one.pid);
      expect([one.alreadyRunning, two.alreadyRunning].sort()).toEqual([false, true]);
      expect(one.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(await emulatorStatus({ stateFolder })).toMatchObject({ running: true, pid: one.pid });
      expect(statSync(join(stateFolder, "emulator.log")).mode & 0o777).toBe(0o600);
    },
    2 * minutes,
  );

  test(
    "it comes back on the port that it had",
    async () => {
      const before = await startEmulator({ stateFolder });
      expect(await stopEmulator({ stateFolder })).toBe(true);
      expect(await emulatorStatus({ stateFolder })).toEqual({ running: false });
      expect(await stopEmulator({ stateFolder })).toBe(false);
      const after = await startEmulator({ stateFolder });
      expect(after).toMatchObject({ endpoint: before.endpoint, alreadyRunning: false });
    },
    2 * minutes,
  );

  test(
    "one that was killed is started anew, elsewhere when its port is taken",
    async () => {
      const killed = await startEmulator({ stateFolder });
      process.kill(killed.pid, "SIGKILL");
      while ((await emulatorStatus({ stateFolder })).running) await sleep(50);
      const squatter = createServer((_, response) => response.end("not yours"));
      await new Promise<void>((resolve) =>
        squatter.listen(Number(new URL(killed.endpoint).port), "127.0.0.1", resolve),
      );
      try {
        const started = await startEmulator({ stateFolder });
        expect(started.alreadyRunning).toBe(false);
        expect(started.endpoint).not.toBe(killed.endpoint);
      } finally {
        squatter.closeAllConnections();
        await new Promise((resolve) => squatter.close(resolve));
      }
    },
    2 * minutes,
  );

  test(
    "one that cannot start says so with the end of its log",
    async () => {
      const broken = join(folder, "broken");
      mkdirSync(join(broken, "emulator.new"), { recursive: true }); // where it wants to write its state
      await expect(startEmulator({ stateFolder: broken })).rejects.toThrow(
        /did not start: it ended with exit code 1\. The end of .*emulator\.log:[\s\S]*IsADirectoryError/,
      );
    },
    2 * minutes,
  );
});

describe("conditional writes", () => {
  const client = async () => {
    const { endpoint } = await startEmulator({ stateFolder });
    return clientOf(endpoint);
  };
  const winners = async (writes: readonly Promise<unknown>[]): Promise<number> =>
    (await Promise.allSettled(writes)).filter(({ status }) => status === "fulfilled").length;
  const writers = Array.from({ length: 12 }, (_, index) => `writer ${index}`);

  test(
    "of many that create one S3 object, one wins",
    async () => {
      const s3 = new S3Client(await client());
      await s3.send(new CreateBucketCommand({ Bucket: "locks" }));
      const put = (Body: string) =>
        s3.send(new PutObjectCommand({ Bucket: "locks", Key: "tflock", Body, IfNoneMatch: "*" }));
      expect(await winners(writers.map(put))).toBe(1);
      await expect(put("late")).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
    },
    minutes,
  );

  test(
    "of many that create one DynamoDB item, one wins",
    async () => {
      const dynamodb = new DynamoDBClient(await client());
      await dynamodb.send(
        new CreateTableCommand({
          TableName: "locks",
          BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: [{ AttributeName: "LockID", AttributeType: "S" }],
          KeySchema: [{ AttributeName: "LockID", KeyType: "HASH" }],
        }),
      );
      const put = (info: string) =>
        dynamodb.send(
          new PutItemCommand({
            TableName: "locks",
            Item: { LockID: { S: "state" }, Info: { S: info } },
            ConditionExpression: "attribute_not_exists(LockID)",
          }),
        );
      expect(await winners(writers.map(put))).toBe(1);
      await expect(put("late")).rejects.toMatchObject({ name: "ConditionalCheckFailedException" });
    },
    minutes,
  );
});

test(
  "what it cannot do it refuses at once",
  async () => {
    const { endpoint } = await startEmulator({ stateFolder });
    const scope =
      "Credential=sandbox/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=none";
    const { status } = await fetch(endpoint, {
      method: "POST",
      headers: {
        authorization: `AWS4-HMAC-SHA256 ${scope}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: "Action=ResetImageAttribute&Version=2016-11-15", // an action of EC2 that moto lacks
    });
    expect(status).toBe(501);
  },
  minutes,
);

interface Drift {
  readonly type: string;
  readonly attribute: string;
}

/** The emulator's contract with the stacks: fixture/main.tf. */
describe("the AWS provider", () => {
  const binary = process.env.TERRAFORM_BINARY_NAME ?? "terraform";
  let environment: NodeJS.ProcessEnv;
  let directory: string;

  const terraform = async (...args: string[]): Promise<string> => {
    const began = Date.now();
    const options = { cwd: directory, env: environment, extendEnv: false, stdin: "ignore" } as const;
    const { stdout } = await execa(binary, args, options);
    process.stderr.write(`${binary} ${args[0]}: ${((Date.now() - began) / 1000).toFixed(0)} s\n`);
    return stdout;
  };

  beforeAll(async () => {
    const { endpoint } = await startEmulator({ stateFolder });
    environment = {
      ...emulatorEnvironment(endpoint, process.env, region),
      TF_VAR_secret: "a secret of the contract",
      CHECKPOINT_DISABLE: "1",
    };
    directory = mkdtempSync(join(folder, "fixture-"));
    copyFileSync(join(projectRoot, "__tests__", "sandbox", "fixture", "main.tf"), join(directory, "main.tf"));
    await terraform("init", "-no-color", "-input=false");
    await terraform("apply", "-no-color", "-input=false", "-auto-approve");
  }, 10 * minutes);

  test(
    "plans again without a change that is not a known drift",
    async () => {
      await terraform("plan", "-no-color", "-input=false", "-out=again.tfplan");
      const plan = JSON.parse(await terraform("show", "-json", "again.tfplan")) as {
        resource_changes: {
          type: string;
          address: string;
          change: { actions: string[]; before: object | null; after: object | null };
        }[];
      };
      const changed = plan.resource_changes.filter(
        ({ change }) => !["no-op", "read"].includes(String(change.actions)),
      );
      const drift = changed.flatMap(({ type, change }) => differences(type, change));
      const known = JSON.parse(readFileSync(join(sandbox, "known-drift.json"), "utf8")) as Drift[];
      expect(drift).toEqual(known.map(({ type, attribute }) => ({ type, attribute })));
    },
    5 * minutes,
  );

  test("keeps a secret out of the state", () => {
    expect(readFileSync(join(directory, "terraform.tfstate"), "utf8")).not.toContain(
      "a secret of the contract",
    );
  });

  test(
    "is refused a protected table, then destroys everything",
    async () => {
      const destroy = ["destroy", "-no-color", "-input=false", "-auto-approve"];
      const protectedTable = terraform(...destroy, "-target=aws_dynamodb_table.this");
      await expect(protectedTable).rejects.toThrow(/while DeletionProtectionEnabled/);
      await terraform("apply", "-no-color", "-input=false", "-auto-approve", "-var=protected=false");
      await terraform(...destroy, "-var=protected=false");
      expect(await terraform("state", "list")).toBe("");
    },
    10 * minutes,
  );
});

function differences(type: string, change: { before: object | null; after: object | null }): Drift[] {
  const [before, after] = [
    new Map(Object.entries(change.before ?? {})),
    new Map(Object.entries(change.after ?? {})),
  ];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((attribute) => JSON.stringify(before.get(attribute)) !== JSON.stringify(after.get(attribute)))
    .map((attribute) => ({ type, attribute }));
}
