import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { State } from "../../backend/state-store";
import { retiringTaskDefinitions } from "../../cli/task-definitions";
import type { Workspace } from "../../cli/workspace";

/** An ECS that knows some revisions, and what it was asked. */
let revisions: string[];
let refused: string | undefined;
let server: Server;
let said = "";

const arn = (revision: string) => `arn:aws:ecs:us-east-1:123456789012:task-definition/${revision}`;
const asked: [action: string, what: unknown][] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += String(part)));
    request.on("end", () => {
      const action = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
      const input = JSON.parse(body) as {
        familyPrefix?: string;
        taskDefinition?: string;
        taskDefinitions?: string[];
      };
      asked.push([action, input.taskDefinition ?? input.taskDefinitions ?? input.familyPrefix]);
      response.setHeader("Content-Type", "application/x-amz-json-1.1");
      if (action === refused) {
        response.statusCode = 400;
        return response.end(JSON.stringify({ __type: "AccessDeniedException", message: "not you" }));
      }
      const taskDefinitionArns = revisions.filter((one) => one.startsWith(input.familyPrefix ?? "")).map(arn);
      return response.end(JSON.stringify({ taskDefinitionArns }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  revisions = ["stage-api:1", "stage-api:2", "stage-api-worker:7"];
  refused = undefined;
  said = "";
  asked.length = 0;
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
});
afterEach(() => jest.restoreAllMocks());

const state = (...families: string[]): State => ({
  outputs: {},
  resources: [
    { mode: "managed", type: "aws_instance", name: "host", instances: [{ attributes: { family: "none" } }] },
    ...families.map((family) => ({
      mode: "managed" as const,
      type: "aws_ecs_task_definition",
      name: family,
      instances: [{ attributes: { family } }],
    })),
  ],
});

function run(
  states: readonly (State | undefined)[],
  work: () => Promise<string> = () => Promise.resolve("done"),
) {
  const left = [...states];
  const { port } = server.address() as AddressInfo;
  return retiringTaskDefinitions(
    {
      stack: { region: "us-east-1" },
      store: { read: () => Promise.resolve(left.shift()) },
      target: {
        emulator: {
          endpoint: `http://127.0.0.1:${port}`,
          credentials: { accessKeyId: "test", secretAccessKey: "test" },
        },
      },
    } as unknown as Workspace,
    work,
  );
}

it("removes all revisions of families that are gone, and nothing of others", async () => {
  expect(await run([state("stage-api", "stage-other"), state("stage-other")])).toBe("done");
  expect(asked).toEqual([
    ["ListTaskDefinitions", "stage-api"],
    ["DeregisterTaskDefinition", arn("stage-api:1")],
    ["DeregisterTaskDefinition", arn("stage-api:2")],
    ["DeleteTaskDefinitions", [arn("stage-api:1"), arn("stage-api:2")]],
  ]);
  expect(said).toContain("removed 2 revisions of the task definition stage-api");
});

it("deletes ten in one request, as ECS takes no more", async () => {
  revisions = Array.from({ length: 12 }, (_, index) => `stage-api:${index + 1}`);
  await run([state("stage-api"), undefined]);
  const deleted = asked.flatMap(([action, what]) =>
    action === "DeleteTaskDefinitions" ? [what] : [],
  ) as string[][];
  expect(deleted.map(({ length }) => length)).toEqual([10, 2]);
});

it("asks nothing where no family is gone", async () => {
  await run([state("stage-api"), state("stage-api")]);
  await run([state()]);
  await run([undefined]);
  expect(asked).toEqual([]);
});

it("removes what is gone also where the work broke off", async () => {
  const broken = run([state("stage-api"), state()], () => Promise.reject(new Error("broken off")));
  await expect(broken).rejects.toThrow("broken off");
  expect(asked.map(([action]) => action)).toContain("DeleteTaskDefinitions");
});

it("tells what it may not remove, and goes on", async () => {
  refused = "DeregisterTaskDefinition";
  expect(await run([state("stage-api"), state()])).toBe("done");
  expect(said).toContain("they cost nothing. not you");
  expect(said).toContain("aws ecs list-task-definitions --status ACTIVE --region us-east-1");
});
