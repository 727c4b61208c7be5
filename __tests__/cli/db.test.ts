import { Command } from "commander";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { register } from "../../cli/verbs/db";
import { atomicCalendarOutputs, databaseSecretArn } from "../support/atomic-calendar-outputs";
import { deployWith, FakeAws, type FakeState } from "../support/fake-aws";
import { temporaryFolder } from "../support/stacks";

jest.mock("../../cli/workspace");

let aws: FakeAws;
let said: string;
let shown: string;

interface Task {
  readonly exec?: boolean;
  readonly agent?: string;
}
const described = (id: string, { exec = true, agent = "RUNNING" }: Task = {}) => ({
  taskArn: `arn:aws:ecs:us-east-1:436957243186:task/stage-atomic-calendar-cluster/${id}`,
  enableExecuteCommand: exec,
  containers: [
    { name: "xray-daemon", runtimeId: `${id}-1`, managedAgents: [] },
    {
      name: "hasura",
      runtimeId: `${id}-2`,
      managedAgents: [{ name: "ExecuteCommandAgent", lastStatus: agent }],
    },
  ],
});
/** Answers for each service in turn: those of hasura, supertokens and optaplanner. */
function running(...services: readonly (readonly ReturnType<typeof described>[])[]): FakeState["answers"] {
  return {
    "ecs list-tasks": services.map((tasks) => ({ taskArns: tasks.map(({ taskArn }) => taskArn) })),
    "ecs describe-tasks": services.filter(({ length }) => length > 0).map((tasks) => ({ tasks })),
    "ssm start-session": [{}],
  };
}
function deployed(answers: FakeState["answers"], { emulator = false } = {}): void {
  aws = new FakeAws({ answers });
  deployWith(aws, { emulator, outputs: atomicCalendarOutputs() });
}
function landfall(...args: string[]): Promise<unknown> {
  const program = new Command().exitOverride();
  register(program);
  program.commands.forEach((command) => command.exitOverride().configureOutput({ writeErr: () => {} }));
  return program.parseAsync(["db", "stage", ...args], { from: "user" });
}
async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

beforeEach(() => {
  said = shown = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
  jest.spyOn(process.stdout, "write").mockImplementation((text) => ((shown += String(text)), true));
});
afterEach(() => {
  process.exitCode = undefined;
  jest.restoreAllMocks();
});

const start = (port: string) =>
  [
    "ssm start-session --target ecs:stage-atomic-calendar-cluster_b_b-2",
    "--document-name AWS-StartPortForwardingSessionToRemoteHost",
    `--parameters {"host":["stage.c1.us-east-1.rds.amazonaws.com"],"portNumber":["5432"],"localPortNumber":["${port}"]}`,
    "--region us-east-1",
  ].join(" ");
const connection = (port: string) =>
  `psql "host=127.0.0.1 port=${port} dbname=atomicdb user=postgres sslmode=require"`;

it("opens a tunnel through a task that reaches the database, and says what to type", async () => {
  deployed(running([described("a", { exec: false }), described("b")]));
  const port = await freePort();
  await landfall("--port", port);
  expect(aws.commands).toEqual([
    "ecs list-tasks --cluster stage-atomic-calendar-cluster --service-name stage-atomic-calendar-hasura --desired-status RUNNING --region us-east-1",
    expect.stringContaining("ecs describe-tasks --cluster stage-atomic-calendar-cluster --tasks arn:"),
    start(port),
  ]);
  expect(shown.trimEnd()).toBe(
    `PGPASSWORD="$(aws secretsmanager get-secret-value --secret-id ${databaseSecretArn} --query SecretString --output text --region us-east-1 | node -p 'JSON.parse(fs.readFileSync(0)).password')" ${connection(port)}`,
  );
  expect(said).toContain("Ctrl-C here ends it.");
  expect(process.exitCode).toBe(0);
});

it("has the session's exit code", async () => {
  deployed({ ...running([described("b")]), "ssm start-session": [{ error: "TargetNotConnected" }] });
  await landfall("--port", await freePort());
  expect(process.exitCode).toBe(254);
});

it("shows the commands alone, for people or as JSON, also where the port is taken", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = String((server.address() as AddressInfo).port);
  deployed(running([described("b")]));
  await landfall("--port", port, "--print");
  const [open, psql] = shown.trimEnd().split("\n");
  expect(open).toBe(`aws ${start(port).replace(/(\{.*\})/, "'$1'")}`);
  expect(psql).toContain(connection(port));
  shown = "";
  await landfall("--port", port, "--print", "--json");
  expect(JSON.parse(shown)).toEqual({
    target: "ecs:stage-atomic-calendar-cluster_b_b-2",
    host: "stage.c1.us-east-1.rds.amazonaws.com",
    port: 5432,
    localPort: Number(port),
    command: open,
    psql,
  });
  expect(aws.count("ssm")).toBe(0);
  await expect(landfall("--port", port)).rejects.toMatchObject({
    exitCode: 1,
    message: `Port ${port} of this machine cannot be listened on: EADDRINUSE.`,
    mend: expect.stringContaining("--port 15433"),
  });
  server.close();
});

it("goes on to the next service where one has no task, or none that Session Manager reaches", async () => {
  const last = { ...described("c"), containers: [{ ...described("c").containers[1], name: "optaplanner" }] };
  deployed(running([], [described("b", { agent: "PENDING" })], [last as ReturnType<typeof described>]));
  await landfall("--print");
  expect(shown).toContain("--target ecs:stage-atomic-calendar-cluster_c_c-2");
  expect(aws.commands.filter((one) => one.includes("list-tasks")).map((one) => one.split(" ")[5])).toEqual([
    "stage-atomic-calendar-hasura",
    "stage-atomic-calendar-supertokens",
    "stage-atomic-calendar-optaplanner",
  ]);
});

it("says how to turn ECS Exec on where it is off", async () => {
  deployed(running([described("a", { exec: false })], [], []));
  await expect(landfall("--print")).rejects.toMatchObject({
    exitCode: 1,
    message:
      "There is no way to the database. ECS Exec is off for hasura. No task of supertokens runs. No task of optaplanner runs.",
    mend: expect.stringContaining(
      'TF_VAR_atomic_calendar_exec="true" and TF_VAR_atomic_calendar_read_only_root="false"',
    ),
  });
  expect(shown).toBe("");
});

it("says where to look where nothing runs, or an agent does not answer", async () => {
  deployed(running([described("a", { agent: "STOPPED" })], [], []));
  await expect(landfall("--print")).rejects.toMatchObject({
    message: expect.stringContaining("Session Manager's agent in hasura does not run."),
    mend: "See why: ./landfall logs stage hasura",
  });
});

it("is skipped by name in the sandbox", async () => {
  deployed({}, { emulator: true });
  await landfall("--print");
  expect(said).toContain("skipped: the sandbox's containers are emulated");
  expect([aws.calls, shown]).toEqual([[], ""]);
});

it.each([[["--port", "80"]], [["--port", "70000"]], [["--port", "x"]], [["--json"]]])(
  "%j is a wrong call",
  async (args) => {
    deployed({});
    await expect(landfall(...args)).rejects.toThrow(/a port from 1024 to 65535|--json goes with --print/);
    expect(aws.calls).toEqual([]);
  },
);

it("the line for psql hands the password over by its environment, and shows it nowhere", async () => {
  const password = `cAnArY "$\`'\\ €`;
  deployed(running([described("b")]));
  await landfall("--print");
  const bin = join(temporaryFolder(), "bin");
  mkdirSync(bin);
  // As --output text gives it
  const plain = `#!/bin/sh\nprintf '%s\\n' '${JSON.stringify({ password }).replaceAll("'", `'\\''`)}'\n`;
  writeFileSync(join(bin, "aws"), plain);
  writeFileSync(join(bin, "psql"), '#!/bin/sh\nprintf "%s|%s" "$PGPASSWORD" "$*"\n');
  for (const program of ["aws", "psql"]) chmodSync(join(bin, program), 0o755);
  const line = shown.split("\n")[1] ?? "";
  const ran = spawnSync("sh", ["-c", line], {
    env: { PATH: `${bin}:${process.env.PATH}` },
    encoding: "utf8",
  });
  expect(ran.stdout).toBe(
    `${password}|host=127.0.0.1 port=15432 dbname=atomicdb user=postgres sslmode=require`,
  );
  expect(ran.stderr).toBe("");
  expect(aws.count("secretsmanager")).toBe(0); // nobody but the shell reads it
});
