import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rehearseMacroAi, releaseMacroAi, rollbackMacroAi } from "../../cli/release/macro-ai";
import { updateXScheduler } from "../../cli/verbs/release";
import { openWorkspace, type Workspace } from "../../cli/workspace";

jest.mock("../../cli/workspace");

/** Stands in for the AWS CLI: one host after the other takes a release, or does not. */
const fakeAws = `#!/usr/bin/env node
const fs = require("node:fs");
const args = process.argv.slice(2);
const state = JSON.parse(fs.readFileSync(process.env.FAKE, "utf8"));
const value = (name) => args[args.indexOf(name) + 1];
state.calls.push(args.filter((arg, index) => !["--region", "--output"].includes(arg) && !["--region", "--output"].includes(args[index - 1])).join(" "));
const parameter = () => state.values.at(-1);
const answers = {
  "s3api put-object": () => ({ VersionId: "v-1" }),
  "ssm get-parameter": () => ({ Parameter: { Value: parameter() } }),
  "ssm put-parameter": () => (state.values.push(value("--value")), {}),
  "ssm get-parameter-history": () => ({ Parameters: state.values.map((Value) => ({ Value })) }),
  "autoscaling describe-auto-scaling-groups": () => ({
    AutoScalingGroups: [{ Instances: state.group.length > 1 ? state.group.shift() : state.group[0] }],
  }),
  "ssm send-command": () => {
    const host = value("--instance-ids");
    if (state.notYet-- > 0) fail("An error occurred (InvalidInstanceId)");
    state.runs.push([host, JSON.parse(value("--parameters")).commands[0], parameter()]);
    return { Command: { CommandId: "c-" + host } };
  },
  "ssm get-command-invocation": () => {
    if (state.slow-- > 0) return { Status: "InProgress" };
    const [host, , release] = state.runs.at(-1);
    const bad = state.bad.includes(host) && JSON.parse(release).version.startsWith("2.0.0");
    return { Status: bad ? "Failed" : "Success", StandardOutputContent: bad ? "not healthy" : "in use" };
  },
};
const save = () => fs.writeFileSync(process.env.FAKE, JSON.stringify(state));
function fail(text) { save(); console.error(text); process.exit(254); }
const answer = answers[args.slice(0, 2).join(" ")]();
save();
console.log(JSON.stringify(answer));
`;

const instance = (InstanceId: string, LifecycleState = "InService") => ({ InstanceId, LifecycleState });
const both = [instance("i-1"), instance("i-2"), instance("i-3", "Pending:Wait")];

interface State {
  readonly calls: string[];
  readonly values: string[];
  readonly runs: [host: string, command: string, release: string][];
}
let folder: string;
let environment: NodeJS.ProcessEnv;
const fake = (): State => JSON.parse(readFileSync(join(folder, "state.json"), "utf8")) as State;
const set = (changes: object) =>
  writeFileSync(
    join(folder, "state.json"),
    JSON.stringify({
      calls: [],
      values: ["none"],
      runs: [],
      bad: [],
      slow: 0,
      notYet: 0,
      group: [both],
      ...changes,
    }),
  );
const named = (version: string) => ({ version, environment: "stage", url: `s3://b/${version}`, sha256: "0" });
const release = (version: string, ...previous: string[]) =>
  JSON.stringify({ ...named(version), previous: previous.map(named) });
let said = "";

const single = { macro_ai_instance_id: { value: "i-1" } };
const group = { macro_ai_auto_scaling_group: { value: "stage-macro-ai" } };
function deployed(outputs: object, emulator = false): void {
  const macroAi = {
    macro_ai_artifact_bucket: { value: "agt-stage-macro-ai-artifacts" },
    macro_ai_release_parameter: { value: "/landfall/stage/macro-ai/release" },
  };
  jest.mocked(openWorkspace).mockResolvedValue({
    stack: { region: "us-east-1" },
    target: { environment, ...(emulator && { emulator: {} }) },
    store: { read: () => Promise.resolve({ outputs: { ...macroAi, ...outputs }, resources: [] }) },
  } as unknown as Workspace);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "landfall-release-"));
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin", "aws"), fakeAws);
  chmodSync(join(folder, "bin", "aws"), 0o755);
  writeFileSync(join(folder, "app.tar.gz"), gzipSync("an archive"));
  environment = { PATH: `${join(folder, "bin")}:${process.env.PATH}`, FAKE: join(folder, "state.json") };
  said = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
  jest.spyOn(process.stdout, "write").mockImplementation(() => true);
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** After the first boot: a release right after an apply must not come before the host is ready. */
const takesCurrent = expect.stringMatching(/\.setup_complete[^]* && \/opt\/macro-ai\/deploy\.sh current$/);
const options = () => ({ environment, poll: 0 });
const ship = (version: string) =>
  releaseMacroAi("stage", { ...options(), artifact: join(folder, "app.tar.gz"), version });

describe("a release of Macro AI", () => {
  it("is uploaded, named the current one, and taken by the host", async () => {
    set({ slow: 2 });
    deployed(single);
    expect(await ship("1.0.0")).toBe(true);
    const [, pointer] = fake().values;
    expect(JSON.parse(pointer ?? "")).toEqual({
      version: "1.0.0",
      environment: "stage",
      url: expect.stringMatching(
        /^s3:\/\/agt-stage-macro-ai-artifacts\/releases\/1\.0\.0-[0-9a-f]{12}\.tar\.gz\?versionId=v-1$/,
      ),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      previous: [],
    });
    expect(fake().runs).toEqual([["i-1", takesCurrent, pointer]]);
  });

  it("goes to the hosts that serve, one after the other, and tells the plain commands", async () => {
    set({});
    deployed(group);
    expect(await ship("1.0.0")).toBe(true);
    expect(fake().runs.map(([host]) => host)).toEqual(["i-1", "i-2"]);
    expect(said).toContain("aws s3api put-object --bucket agt-stage-macro-ai-artifacts");
    expect(said).toContain("aws ssm send-command --document-name AWS-RunShellScript --instance-ids i-1");
  });

  it("that one host does not take leaves all on the release before", async () => {
    set({ values: ["none", release("1.0.0")], bad: ["i-2"] });
    deployed(group);
    expect(await ship("2.0.0")).toBe(false);
    expect(fake().values.at(-1)).toBe(release("1.0.0"));
    expect(fake().runs.map(([host, , value]) => [host, value.includes('"2.0.0"')])).toEqual([
      ["i-1", true],
      ["i-2", true],
      ["i-1", false],
    ]);
    expect(said).toContain("i-2 did not take 2.0.0");
  });

  it("waits for a host whose agent has not reported yet", async () => {
    set({ notYet: 3 });
    deployed(single);
    expect(await ship("1.0.0")).toBe(true);
    expect(fake().runs).toHaveLength(1);
    expect(said.match(/not managed by Systems Manager yet/g)).toHaveLength(1);
  });

  it.each([
    ["no file", "nowhere.tar.gz", "1.0.0", "There is no artifact"],
    ["no archive", "state.json", "1.0.0", "is no tar.gz archive"],
    ["a version that is a path", "app.tar.gz", "../1", "is no version"],
  ])("with %s calls nobody", async (_, file, version, message) => {
    set({});
    deployed(single);
    await expect(
      releaseMacroAi("stage", { ...options(), artifact: join(folder, file), version }),
    ).rejects.toMatchObject({ name: "UsageError", message: expect.stringContaining(message) });
    expect(fake().calls).toEqual([]);
  });

  it("is skipped by name in the sandbox", async () => {
    set({});
    deployed(single, true);
    expect(await ship("1.0.0")).toBe(true);
    expect(said).toContain("skipped: the hosts of stage are emulated");
    expect(fake().calls).toEqual([]);
  });
});

describe("a group", () => {
  it("that has no host in service yet is waited for: its hosts take the first release by themselves", async () => {
    set({
      group: [[instance("i-1", "Pending:Wait")], [instance("i-1", "Pending:Proceed")], [instance("i-1")]],
    });
    deployed(group);
    expect(await ship("1.0.0")).toBe(true);
    expect(fake().runs.map(([host]) => host)).toEqual(["i-1"]);
    expect(said).toContain("waiting for i-1");
  });

  it("without any host is no success, and leaves no release named", async () => {
    set({ group: [[]] });
    deployed(group);
    expect(await ship("1.0.0")).toBe(false);
    expect(fake().values.at(-1)).toBe("none");
    expect(said).toContain("there is no host to take 1.0.0");
  });

  it("updates a host too that comes to serve meanwhile", async () => {
    set({ group: [[instance("i-1")], [instance("i-1"), instance("i-2")]] });
    deployed(group);
    expect(await ship("1.0.0")).toBe(true);
    expect(fake().runs.map(([host]) => host)).toEqual(["i-1", "i-2"]);
  });
});

describe("a rollback of Macro AI", () => {
  it("names the release before the current one again", async () => {
    set({ values: ["none", release("1.0.0"), release("2.0.0", "1.0.0")] });
    deployed(single);
    expect(await rollbackMacroAi("stage", options())).toBe(true);
    expect(fake().values.at(-1)).toBe(release("1.0.0"));
    expect(fake().runs).toEqual([["i-1", takesCurrent, release("1.0.0")]]);
  });

  it("twice goes back twice, and never to a release that failed", async () => {
    set({ values: ["none"], bad: ["i-1"] });
    deployed(single);
    for (const version of ["0.1.0", "0.2.0", "2.0.0-broken", "0.3.0"]) await ship(version);
    const current = () => (JSON.parse(fake().values.at(-1) ?? "") as { version: string }).version;
    expect(current()).toBe("0.3.0");
    for (const version of ["0.2.0", "0.1.0"]) {
      expect(await rollbackMacroAi("stage", options())).toBe(true);
      expect(current()).toBe(version);
    }
    await expect(rollbackMacroAi("stage", options())).rejects.toThrow("no release before the current one");
  });

  it("with nothing before says so and changes nothing", async () => {
    set({ values: ["none", release("1.0.0")] });
    deployed(single);
    await expect(rollbackMacroAi("stage", options())).rejects.toThrow("no release before the current one");
    expect(fake().values).toHaveLength(2);
    expect(fake().runs).toEqual([]);
  });
});

describe("a rehearsal of Macro AI's rollback", () => {
  it.each([
    [[], true],
    [["i-1"], false],
  ])("asks every host, and tells where it fails: %j", async (bad, good) => {
    set({ values: [release("2.0.0")], bad });
    deployed(group);
    expect(await rehearseMacroAi("stage", options())).toBe(good);
    expect(fake().runs.map(([host, command]) => [host, command])).toEqual([
      ["i-1", "/opt/macro-ai/deploy.sh verify"],
      ["i-2", "/opt/macro-ai/deploy.sh verify"],
    ]);
    expect(fake().values).toEqual([release("2.0.0")]);
  });
});

describe("an update of X-Scheduler", () => {
  const host = { x_scheduler_instance_id: { value: "i-9" } };

  it.each([
    [{}, "/opt/x-scheduler/bin/update.sh update"],
    [{ ref: "feature/it's" }, "/opt/x-scheduler/bin/update.sh update --ref 'feature/it'\\''s'"],
    [{ force: true }, "/opt/x-scheduler/bin/update.sh update --force"],
    [{ rollback: true }, "/opt/x-scheduler/bin/update.sh rollback"],
  ])("%j is done on its host, after the first boot", async (how, command) => {
    set({});
    deployed(host);
    expect(await updateXScheduler("stage", { ...options(), ...how })).toBe(true);
    const [[id, sent] = ["", ""]] = fake().runs;
    expect(id).toBe("i-9");
    expect(sent).toMatch(/\.setup_complete/);
    expect(sent.endsWith(` && ${command}`)).toBe(true);
  });

  it("is refused for what is no git ref, and where the system is not carried", async () => {
    set({});
    deployed(host);
    await expect(updateXScheduler("stage", { ...options(), ref: "-x" })).rejects.toThrow('"-x"');
    deployed({});
    await expect(updateXScheduler("stage", options())).rejects.toThrow("does not carry x-scheduler");
    expect(fake().calls).toEqual([]);
  });
});

it("a machine without the AWS CLI is told where to get it", async () => {
  set({});
  rmSync(join(folder, "bin", "aws"));
  environment = { ...environment, PATH: join(folder, "bin") };
  deployed(single);
  await expect(ship("1.0.0")).rejects.toMatchObject({
    message: "The AWS CLI is not on PATH.",
    mend: expect.stringContaining("https://"),
  });
});
