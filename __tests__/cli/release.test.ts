import { execa, execaSync } from "execa";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { AwsCli } from "../../cli/aws";
import { afterSetUp, waitForSetUp } from "../../cli/release/deployed";
import { awaitMacroAi, rehearseMacroAi, releaseMacroAi, rollbackMacroAi } from "../../cli/release/macro-ai";
import type { Listed } from "../../cli/release/hosts";
import { Waiting } from "../../cli/release/waiting";
import { updateXScheduler } from "../../cli/verbs/release";
import { openWorkspace, type Workspace } from "../../cli/workspace";

jest.mock("../../cli/workspace", () => ({ openWorkspace: jest.fn() }));

jest.mock("execa", () => ({
  ...jest.requireActual<object>("execa"),
  execa: jest.fn((_: string, args: readonly string[]) => Promise.resolve(answered(args))),
}));

/** Stands in for AWS and for the hosts. */
interface State {
  /** What the AWS CLI was called with. */
  readonly calls: string[];
  readonly counts: Record<string, number>;
  /** What the pointer has held. */
  readonly values: string[];
  readonly runs: [host: string, command: string, pointer: string][];
  /** What each host serves. */
  readonly serves: Record<string, string>;
  /** `HOST VERSION` that the host does not take. */
  readonly bad: readonly string[];
  /** What a host says that does not take a release. */
  readonly why: string;
  /** How often a command is not ended yet, and an agent not there yet. */
  slow: number;
  notYet: number;
  readonly minSize: number;
  /** The group's instances, one list an answer; the last stays. */
  readonly group: (readonly object[])[];
  readonly launching: readonly string[];
  /** Hosts whose commands do not end. */
  readonly gone: readonly string[];
  readonly refreshes: object[];
  readonly objects: Record<string, { VersionId: string; ChecksumSHA256: string }>;
  /** A command whose so manieth call fails; all from there on where that is negative. */
  readonly fails: readonly (readonly [command: string, at: number])[];
  /** Who writes this to the pointer at the so manieth call of a command. */
  readonly intruder?: readonly [command: string, at: number, value: string];
}
let state: State;
const fake = (): State => state;

class Failure extends Error {}

function answered(args: readonly string[]) {
  const words = args.filter(
    (arg, index) => !["--region", "--output"].some((flag) => flag === arg || flag === args[index - 1]),
  );
  const command = words.slice(0, 2).join(" ");
  state.calls.push(words.join(" "));
  const count = (state.counts[command] = (state.counts[command] ?? 0) + 1);
  try {
    const { intruder } = state;
    if (intruder?.[0] === command && intruder[1] === count) state.values.push(intruder[2]);
    if (state.fails.some(([which, at]) => which === command && (at === count || (at < 0 && count >= -at))))
      throw new Failure("An error occurred (ExpiredToken)");
    const value = (flag: string) => words[words.indexOf(flag) + 1] ?? "";
    const answer = answers[command]?.(value, count);
    if (!answer) throw new Error(`no answer to ${command}`);
    return { stdout: JSON.stringify(answer), stderr: "", failed: false };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { stdout: "", stderr: error.message, failed: true };
  }
}

const versionOf = (value: string) =>
  value === "none" ? value : (JSON.parse(value) as { version: string }).version;
const pointer = () => state.values.at(-1) ?? "";
const next = <T>(list: T[]): T | undefined => (list.length > 1 ? list.shift() : list[0]);

const answers: Readonly<
  Record<string, (value: (flag: string) => string, count: number) => object | undefined>
> = {
  "s3api head-object": (value) => {
    const found = state.objects[value("--key")];
    if (!found) throw new Failure("An error occurred (404)");
    return found;
  },
  "s3api put-object": (value, count) =>
    (state.objects[value("--key")] = {
      VersionId: `v-${count}`,
      ChecksumSHA256: value("--checksum-sha256"),
    }),
  "ssm get-parameter": () => ({
    Parameter: { Value: pointer(), Version: state.values.length, LastModifiedDate: "2026-01-02T03:04:05Z" },
  }),
  "ssm put-parameter": (value) => ({ Version: state.values.push(value("--value")) }),
  "ssm get-parameter-history": () => ({
    Parameters: state.values.map((_, index) => ({
      Version: index + 1,
      LastModifiedUser: "arn:aws:iam::1:user/ann",
    })),
  }),
  "autoscaling describe-auto-scaling-groups": () => ({
    AutoScalingGroups: [{ MinSize: state.minSize, Instances: next(state.group) }],
  }),
  "autoscaling describe-auto-scaling-instances": (value) => ({
    AutoScalingInstances: state.gone.includes(value("--instance-ids"))
      ? []
      : [
          {
            LifecycleState: state.launching.includes(value("--instance-ids")) ? "Pending:Wait" : "InService",
          },
        ],
  }),
  "autoscaling describe-instance-refreshes": () => ({
    InstanceRefreshes: [next(state.refreshes)].filter((refresh) => refresh !== undefined),
  }),
  "ssm send-command": (value) => {
    const host = value("--instance-ids");
    if (state.notYet-- > 0) throw new Failure("An error occurred (InvalidInstanceId)");
    const [command = ""] = (JSON.parse(value("--parameters")) as { commands: string[] }).commands;
    const wanted = /deploy .*--version (\S+)/.exec(command)?.[1] ?? versionOf(pointer());
    state.runs.push([host, command, pointer()]);
    const isBad = state.bad.includes(`${host} ${wanted}`);
    if (!isBad) state.serves[host] = wanted;
    return { Command: { CommandId: JSON.stringify([host, isBad]) } };
  },
  "ssm cancel-command": () => ({}),
  "ssm get-command-invocation": (value) => {
    const [host, isBad] = JSON.parse(value("--command-id")) as [string, boolean];
    if (state.slow-- > 0 || state.gone.includes(host)) return { Status: "InProgress" };
    return { Status: isBad ? "Failed" : "Success", StandardOutputContent: isBad ? state.why : "in use" };
  },
};

const instance = (InstanceId: string, LifecycleState = "InService") => ({ InstanceId, LifecycleState });
const both = [instance("i-1"), instance("i-2")];

let folder: string;
const environment = {};
const set = (changes: Partial<State>) => {
  state = {
    calls: [],
    counts: {},
    values: ["none"],
    runs: [],
    serves: {},
    bad: [],
    why: "not healthy",
    slow: 0,
    notYet: 0,
    minSize: 1,
    group: [both],
    gone: [],
    launching: [],
    refreshes: [],
    objects: {},
    fails: [],
    ...changes,
  };
};
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
  writeFileSync(join(folder, "app.tar.gz"), gzipSync("an archive"));
  writeFileSync(join(folder, "no-archive"), "text");
  said = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
  jest.spyOn(process.stdout, "write").mockImplementation(() => true);
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const options = () => ({
  environment,
  poll: 0,
  limits: { launch: 0.3, empty: 0.2, refresh: 0.3 },
});
const ship = (version: string) =>
  releaseMacroAi("stage", { ...options(), artifact: join(folder, "app.tar.gz"), version });
/** What the hosts were told, in order: `deploy VERSION`, or `current VERSION` by what the pointer named then. */
const done = () =>
  fake().runs.map(([host, command, value]) => {
    const explicit = /deploy\.sh deploy .*--version (\S+)/.exec(command)?.[1];
    return `${host} ${explicit === undefined ? `current ${versionOf(value)}` : `deploy ${explicit}`}`;
  });
const current = () => versionOf(pointer());

describe("a release of Macro AI", () => {
  it("is uploaded, taken by the host, and then named the current one", async () => {
    set({ slow: 2 });
    deployed(single);
    expect(await ship("1.0.0")).toBe(true);
    const [, pointer = ""] = fake().values;
    const { url, sha256 } = JSON.parse(pointer) as Record<string, string>;
    expect(JSON.parse(pointer)).toEqual({
      version: "1.0.0",
      environment: "stage",
      url: expect.stringMatching(
        /^s3:\/\/agt-stage-macro-ai-artifacts\/releases\/1\.0\.0-[0-9a-f]{12}\.tar\.gz\?versionId=v-1$/,
      ),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      previous: [],
    });
    expect(done()).toEqual(["i-1 deploy 1.0.0"]);
    const [[, command, value] = ["", "", ""]] = fake().runs;
    expect(value).toBe("none");
    expect(command).toContain(
      `; /opt/macro-ai/deploy.sh deploy --artifact-url '${url}' --version 1.0.0 --environment stage --sha256 ${sha256} && `,
    );
    expect(command).toMatch(/^for .*\.setup_complete/);
  });

  it("goes to the hosts that serve, one after the other, and tells the plain commands", async () => {
    set({});
    deployed(group);
    expect(await ship("1.0.0")).toBe(true);
    expect(done()).toEqual(["i-1 deploy 1.0.0", "i-2 current 1.0.0"]);
    expect(said).toContain("aws s3api put-object --bucket agt-stage-macro-ai-artifacts");
    expect(said).toContain("aws ssm send-command --document-name AWS-RunShellScript --instance-ids i-1");
  });

  it("that the first host does not take is never named, and goes to no other", async () => {
    set({ values: ["none", release("1.0.0")], bad: ["i-1 2.0.0"] });
    deployed(group);
    expect(await ship("2.0.0")).toBe(false);
    expect(fake().values).toHaveLength(2);
    expect(done()).toEqual(["i-1 deploy 2.0.0", "i-1 current 1.0.0"]);
    expect(said).toContain("i-1 did not take 2.0.0");
  });

  it("that a later host does not take leaves all on the release before, that host too", async () => {
    set({ values: ["none", release("1.0.0")], bad: ["i-2 2.0.0"] });
    deployed(group);
    expect(await ship("2.0.0")).toBe(false);
    expect(fake().values.at(-1)).toBe(release("1.0.0"));
    expect(done()).toEqual([
      "i-1 deploy 2.0.0",
      "i-2 current 2.0.0",
      "i-1 current 1.0.0",
      "i-2 current 1.0.0",
    ]);
    expect(fake().serves).toEqual({ "i-1": "1.0.0", "i-2": "1.0.0" });
    expect(said).toContain("i-2 did not take 2.0.0");
    expect(said).toContain("i-1 went back: in use");
  });

  it("says which host did not go back, and how to have it", async () => {
    set({ values: ["none", release("1.0.0")], bad: ["i-2 2.0.0", "i-1 1.0.0"] });
    deployed(group);
    expect(await ship("2.0.0")).toBe(false);
    expect(said).toContain("i-1 did not go back:\nnot healthy");
    expect(said).toMatch(
      /What is left to do:\naws ssm send-command .*--instance-ids i-1 .*deploy\.sh current.*\n$/,
    );
  });

  it("that meets another run on the host leaves that alone", async () => {
    set({
      values: ["none", release("1.0.0")],
      bad: ["i-1 2.0.0"],
      why: "another run holds the lock: deploy",
    });
    deployed(group);
    expect(await ship("2.0.0")).toBe(false);
    expect(done()).toEqual(["i-1 deploy 2.0.0"]);
  });

  it.each([
    ["a list of hosts", "autoscaling describe-auto-scaling-groups", 3],
    ["the end of a command", "ssm get-command-invocation", 2],
  ])("takes all back where AWS fails once: %s", async (_, call, at) => {
    set({ values: ["none", release("1.0.0")], fails: [[call, at]] });
    deployed(group);
    await ship("2.0.0").then(
      (ok) => expect(ok).toBe(false),
      (error: Error) => expect(error.message).toContain("ExpiredToken"),
    );
    expect(current()).toBe("1.0.0");
    const { serves } = fake();
    expect(Object.values(serves)).toEqual(Object.keys(serves).map(() => "1.0.0"));
    expect(serves).toHaveProperty("i-1");
    expect(said).not.toContain("What is left to do");
  });

  it("names each command that is left where AWS does not answer any more", async () => {
    const fails = [
      ["ssm get-parameter", -3],
      ["ssm send-command", -2],
    ] as const;
    set({ values: ["none", release("1.0.0")], fails });
    deployed(group);
    expect(await ship("2.0.0")).toBe(false);
    const [, left = ""] = said.split("What is left to do:\n");
    expect(left.split("\n").map((line) => line.slice(0, 80))).toEqual([
      expect.stringMatching(/^aws ssm put-parameter --name \/landfall\/stage\/macro-ai\/release/),
      expect.stringMatching(/^aws ssm send-command .*--instance-ids i-1/),
      expect.stringMatching(/^aws ssm send-command .*--instance-ids i-2/),
      "",
    ]);
    expect(left).toContain(release("1.0.0"));
  });

  it.each(["SIGINT", "SIGTERM"] as const)("takes all back at %s", async (signal) => {
    set({ values: ["none", release("1.0.0")] });
    deployed(group);
    const listeners = process.listenerCount(signal);
    jest.mocked(process.stderr.write).mockImplementation((text) => {
      said += String(text);
      if (String(text).startsWith("i-2: 2.0.0")) {
        state.slow = 3;
        process.emit(signal);
      }
      return true;
    });
    await expect(ship("2.0.0")).rejects.toMatchObject({ message: "Interrupted.", exitCode: 130 });
    expect(current()).toBe("1.0.0");
    expect(fake().serves).toMatchObject({ "i-1": "1.0.0", "i-2": "1.0.0" });
    expect(fake().calls).toContainEqual(expect.stringMatching(/^ssm cancel-command .*--instance-ids i-2$/));
    expect(process.listenerCount(signal)).toBe(listeners);
  });

  it("is refused where somebody else has shipped meanwhile, and theirs stays", async () => {
    set({
      values: ["none", release("1.0.0")],
      intruder: ["ssm get-parameter", 2, release("1.5.0", "1.0.0")],
    });
    deployed(group);
    await expect(ship("2.0.0")).rejects.toThrow(
      "/landfall/stage/macro-ai/release was changed meanwhile by arn:aws:iam::1:user/ann at 2026-01-02T03:04:05Z: it names 1.5.0.",
    );
    expect(current()).toBe("1.5.0");
    expect(fake().serves).toEqual({ "i-1": "1.5.0" });
  });

  it("does not take back what somebody else has shipped after it", async () => {
    const intruder = ["ssm get-parameter", 3, release("3.0.0", "2.0.0")] as const;
    set({ values: ["none", release("1.0.0")], bad: ["i-2 2.0.0"], intruder });
    deployed(group);
    expect(await ship("2.0.0")).toBe(false);
    expect(current()).toBe("3.0.0");
    expect(said).toMatch(/did not go back: .*changed meanwhile by .*it names 3\.0\.0/);
    expect(said).not.toContain("What is left to do");
  });

  it("is no success where somebody else has shipped after it, and the hosts follow that", async () => {
    const intruder = ["ssm get-parameter", 3, release("3.0.0", "2.0.0")] as const;
    set({ values: ["none", release("1.0.0")], intruder });
    deployed(group);
    await expect(ship("2.0.0")).rejects.toThrow("it names 3.0.0");
    expect(current()).toBe("3.0.0");
    expect(fake().serves).toEqual({ "i-1": "3.0.0", "i-2": "3.0.0" });
    expect(said).not.toContain("is the current release");
  });

  it("remembers fewer releases before it where the parameter holds no more", async () => {
    const long = (index: number) => ({
      ...named(`${index}${"x".repeat(99)}`),
      url: `s3://${"b".repeat(400)}`,
    });
    const [first, ...previous] = Array.from({ length: 9 }, (_, index) => long(index));
    set({ values: [JSON.stringify({ ...first, previous })] });
    deployed(single);
    expect(await ship("2.0.0")).toBe(true);
    expect(pointer().length).toBeLessThanOrEqual(4096);
    const { previous: kept } = JSON.parse(pointer()) as { previous: { version: string }[] };
    expect(kept.map(({ version }) => version[0])).toEqual(["0", "1", "2", "3", "4", "5"]);
  });

  it("that is shipped again is not uploaded again, and not remembered twice", async () => {
    set({});
    deployed(single);
    for (const version of ["1.0.0", "2.0.0", "2.0.0"]) expect(await ship(version)).toBe(true);
    expect(fake().calls.filter((call) => call.startsWith("s3api put-object"))).toHaveLength(2);
    const { previous } = JSON.parse(fake().values.at(-1) ?? "") as { previous: { version: string }[] };
    expect(previous.map(({ version }) => version)).toEqual(["1.0.0"]);
    expect(await rollbackMacroAi("stage", options())).toBe(true);
    expect(current()).toBe("1.0.0");
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
    ["no archive", "no-archive", "1.0.0", "is no tar.gz archive"],
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
  const pending = (id: string) => instance(id, "Pending:Wait");

  it("that has no host in service yet is waited for: its hosts take the first release by themselves", async () => {
    set({
      group: [[pending("i-1")], [pending("i-1")], [instance("i-1", "Pending:Proceed")], [instance("i-1")]],
    });
    deployed(group);
    expect(await ship("1.0.0")).toBe(true);
    expect(done()).toEqual(["i-1 current 1.0.0"]);
    expect(said).toContain("waiting for i-1");
  });

  it.each([
    ["is gone", [pending("i-2")]],
    ["ends", [instance("i-1", "Terminating:Wait"), pending("i-2")]],
  ])("whose first host %s instead of serving has no release named", async (_, then) => {
    set({ group: [[pending("i-1")], [pending("i-1")], [pending("i-1")], [pending("i-1")], then] });
    deployed(group);
    expect(await ship("1.0.0")).toBe(false);
    expect(fake().values.map((value) => value === "none")).toEqual([true, false, true]);
    expect(said).toContain("i-1 ended before it served, and so did not take 1.0.0");
  });

  it("is not judged by an instance that began with the broken release before", async () => {
    set({
      values: ["none", release("1.0.0")],
      group: [...Array<readonly object[]>(4).fill([pending("i-1")]), [pending("i-2")], [instance("i-2")]],
    });
    deployed(group);
    expect(await ship("2.0.0")).toBe(true);
    expect(fake().serves).toEqual({ "i-2": "2.0.0" });
  });

  it("is given up on in the end", async () => {
    set({ group: [[pending("i-1")]] });
    deployed(group);
    expect(await ship("1.0.0")).toBe(false);
    expect(current()).toBe("none");
    expect(said).toContain("i-1 did not come to serve within 0.3 s with 1.0.0");
  });

  it.each([
    ["that shall have none at once", 0, 1],
    ["that shall have one after a while", 1, 3],
  ])("without any host is no success, %s, and leaves no release named", async (_, minSize, calls) => {
    set({ group: [[]], minSize });
    deployed(group);
    expect(await ship("1.0.0")).toBe(false);
    expect(fake().values).toEqual(["none"]);
    expect(said).toContain("there is no host to take 1.0.0");
    const asked = fake().calls.filter((call) => call.includes("describe-auto-scaling-groups")).length;
    if (minSize === 0) expect(asked).toBe(calls);
    else expect(asked).toBeGreaterThan(calls);
  });

  it("may have no instance for a moment", async () => {
    set({ group: [[], [], [], [pending("i-1")], [instance("i-1")]] });
    deployed(group);
    expect(await ship("1.0.0")).toBe(true);
  });

  it("has no success before the instances that come meanwhile have the release", async () => {
    const first = instance("i-1");
    set({ group: [[first], [first, pending("i-2")], [first, pending("i-2")], both] });
    deployed(group);
    expect(await ship("1.0.0")).toBe(true);
    expect(done()).toEqual(["i-1 deploy 1.0.0", "i-2 current 1.0.0"]);
    expect(said).toContain("waiting for i-2");
  });

  it.each(["InService", "Pending:Wait"])(
    "takes back too what was launched with the release meanwhile, and is %s then, but nothing that comes later",
    async (then) => {
      const later = [...both, instance("i-3"), instance("i-4")];
      const lists = [both, both, both, [...both, instance("i-3", then)], later];
      set({
        values: ["none", release("1.0.0")],
        bad: ["i-2 2.0.0"],
        group: lists,
        serves: { "i-3": "2.0.0" },
      });
      deployed(group);
      expect(await ship("2.0.0")).toBe(false);
      expect(fake().serves).toEqual({ "i-1": "1.0.0", "i-2": "1.0.0", "i-3": "1.0.0" });
      const [, command = ""] = fake().runs.find(([host]) => host === "i-3") ?? [];
      expect(command).toMatch(/^for .*\.setup_complete.*; LOCK_SECONDS=1200 \S+deploy\.sh current/);
      expect(said).not.toContain("What is left to do");
    },
  );

  it.each([
    ["ends", ["i-3"], [], false],
    ["is still being launched", [], ["i-3"], true],
  ])("whose new instance %s when it is to go back: %j", async (_, gone, launching, left) => {
    set({
      values: ["none", release("1.0.0")],
      bad: ["i-2 2.0.0", "i-3 1.0.0"],
      group: [both, both, both, [...both, pending("i-3")]],
      gone,
      launching,
    });
    deployed(group);
    expect(await ship("2.0.0")).toBe(false);
    expect(said.includes("i-3 is no longer in service")).toBe(!left);
    expect(/What is left to do:\naws ssm send-command .*--instance-ids i-3 .*\n$/.test(said)).toBe(left);
  });

  it("whose hosts cannot be listed when all goes back: that is said, with the command that lists them", async () => {
    const fails = [["autoscaling describe-auto-scaling-groups", 4]] as const;
    set({ values: ["none", release("1.0.0")], bad: ["i-2 2.0.0"], fails });
    deployed(group);
    expect(await ship("2.0.0")).toBe(false);
    expect(fake().serves).toEqual({ "i-1": "1.0.0", "i-2": "1.0.0" });
    expect(said).toContain("Nobody knows which other hosts have it: ");
    expect(said).toContain(
      "aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names stage-macro-ai",
    );
  });

  it("keeps a hotfix that one host serves, whatever becomes of an instance that began with the release before", async () => {
    const [first, second] = [instance("i-1"), pending("i-2")];
    set({
      values: ["none", release("1.0.0")],
      group: [
        [first, second],
        [first, second],
        [first, second],
        [first],
        [first, pending("i-3")],
        [first, instance("i-3")],
      ],
    });
    deployed(group);
    expect(await ship("2.0.0")).toBe(true);
    expect(current()).toBe("2.0.0");
    expect(fake().serves).toEqual({ "i-1": "2.0.0" });
  });

  it("goes on without a host that leaves it", async () => {
    set({ gone: ["i-1"] });
    deployed(group);
    expect(await ship("1.0.0")).toBe(true);
    expect(done()).toEqual(["i-1 deploy 1.0.0", "i-2 deploy 1.0.0"]);
    expect(said).toContain("i-1 is no longer in service; going on without it");
    expect(current()).toBe("1.0.0");
  });

  it("that every host leaves does not have the release", async () => {
    set({ gone: ["i-1", "i-2"], group: [both, both, both, []], values: ["none", release("1.0.0")] });
    deployed(group);
    expect(await ship("2.0.0")).toBe(false);
    expect(current()).toBe("1.0.0");
    expect(said).toContain("there is no host to take 2.0.0");
  });
});

describe("a rollback of Macro AI", () => {
  it("names the release before the current one again", async () => {
    set({ values: ["none", release("1.0.0"), release("2.0.0", "1.0.0")] });
    deployed(single);
    expect(await rollbackMacroAi("stage", options())).toBe(true);
    expect(fake().values.at(-1)).toBe(release("1.0.0"));
    expect(done()).toEqual(["i-1 deploy 1.0.0"]);
  });

  it("twice goes back twice, and never to a release that failed", async () => {
    set({ values: ["none"], bad: ["i-1 2.0.0-broken"] });
    deployed(single);
    for (const version of ["0.1.0", "0.2.0", "2.0.0-broken", "0.3.0"]) await ship(version);
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
    [["i-1 2.0.0"], false],
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

  it("without a host in service is no success", async () => {
    set({ values: [release("2.0.0")], group: [[instance("i-1", "Pending:Wait")]] });
    deployed(group);
    expect(await rehearseMacroAi("stage", options())).toBe(false);
    expect(said).toContain("no host in service");
  });
});

describe("Ctrl-C", () => {
  const xScheduler = { x_scheduler_instance_id: { value: "i-9" } };

  it.each([
    [
      "an update of X-Scheduler",
      xScheduler,
      () => updateXScheduler("stage", options()),
      "The update goes on",
    ],
    ["a rehearsal", group, () => rehearseMacroAi("stage", options()), "The rehearsal goes on"],
    ["a first boot", single, () => awaitMacroAi("stage", options()), "the first boot of i-1 goes on"],
    ["an instance refresh", group, () => awaitMacroAi("stage", options()), "the instance refresh goes on"],
  ])("ends the waiting for %s, leaves the hosts alone, and says so", async (_, outputs, work, words) => {
    set({ values: [release("1.0.0")], slow: 1000, refreshes: [{ Status: "InProgress" }] });
    deployed(outputs);
    const listeners = process.listenerCount("SIGINT");
    setTimeout(() => process.emit("SIGINT"), 20);
    await expect(work()).rejects.toMatchObject({ message: "Interrupted.", exitCode: 130 });
    expect(said).toContain(words);
    expect(fake().calls.join("\n")).not.toContain("cancel-command");
    expect(process.listenerCount("SIGINT")).toBe(listeners);
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
    expect(sent).toMatch(/^for .*\.setup_complete/);
    expect(sent).toContain(`; ${command} && `);
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

describe("after an apply", () => {
  const wait = () => awaitMacroAi("stage", options());

  it.each([
    [[], true],
    [["i-1 none"], false],
  ])("a single host's first boot is waited for: %j", async (bad, good) => {
    set({ slow: 2, bad, why: "first boot failed: packages" });
    deployed(single);
    expect(await wait()).toBe(good);
    const [[host, command] = ["", ""]] = fake().runs;
    expect([host, command.includes("deploy.sh")]).toEqual(["i-1", false]);
    expect(command).toContain(".setup_complete");
    if (!good) expect(said).toContain("first boot failed: packages");
  });

  it.each([
    ["Successful", undefined, true],
    ["Failed", "2 instances did not become healthy", false],
    ["Cancelled", undefined, false],
    ["RollbackSuccessful", undefined, false],
  ])(
    "a group's instance refresh is waited for, and how it ended is told: %s",
    async (Status, reason, good) => {
      const refreshes = [
        { Status: "Pending" },
        { Status: "InProgress", PercentageComplete: 50 },
        { Status, StatusReason: reason },
      ];
      set({ values: [release("1.0.0")], refreshes });
      deployed(group);
      expect(await wait()).toBe(good);
      expect(said).toContain("instance refresh of stage-macro-ai: InProgress, 50 %");
      expect(said).toContain(
        `the instance refresh of stage-macro-ai ended: ${Status}${reason ? `: ${reason}` : ""}\n`,
      );
    },
  );

  it.each([[[]], [[{ Status: "Failed" }]]])(
    "a refresh that is over is none of its: %j",
    async (refreshes) => {
      set({ values: [release("1.0.0")], refreshes });
      deployed(group);
      expect(await wait()).toBe(true);
      expect(said).toBe("");
    },
  );

  it("a refresh without an end is told, with the command that shows it", async () => {
    set({ values: [release("1.0.0")], refreshes: [{ Status: "InProgress" }] });
    deployed(group);
    expect(await wait()).toBe(false);
    expect(said).toContain(
      "aws autoscaling describe-instance-refreshes --auto-scaling-group-name stage-macro-ai",
    );
  });

  it("a group that waits for its first release is not waited for", async () => {
    set({ refreshes: [{ Status: "Pending" }] });
    deployed(group);
    expect(await wait()).toBe(true);
    expect(said).toContain("./landfall release stage macro-ai");
  });

  it("nothing is waited for in the sandbox, by name", async () => {
    set({});
    deployed(single, true);
    expect(await wait()).toBe(true);
    expect(said).toMatch(/^skipped: .*first boot of macro-ai/);
    expect(fake().calls).toEqual([]);
  });
});

describe("the shell that waits for the first boot", () => {
  const marker = (name: string) => join(folder, `.setup_${name}`);
  /** Runs it with this folder for all of the host's; `again` is what set-up does when it is run again. */
  function run(shell: string, again = "exit 1") {
    const setUp = join(folder, "setup-host");
    writeFileSync(setUp, `#!/bin/sh\necho set-up runs again\n${again}\n`);
    chmodSync(setUp, 0o755);
    const here = shell
      .replaceAll("/home/ec2-user", folder)
      .replaceAll("/usr/local/sbin/setup-host", setUp)
      .replaceAll("/var/log", folder)
      .replace("sleep 5", "sleep 0");
    const { exitCode, stdout } = execaSync("sh", ["-c", here], { reject: false });
    return {
      exitCode,
      stdout,
      complete: existsSync(marker("complete")),
      failed: existsSync(marker("failed")),
    };
  }

  describe.each([
    ["x-scheduler", "install_release"],
    ["macro-ai", "release"],
  ] as const)("of %s", (system, step) => {
    it("goes on where that is complete", () => {
      writeFileSync(marker("complete"), "");
      expect(run(afterSetUp(system, "echo taken"))).toMatchObject({ exitCode: 0, stdout: "taken" });
    });

    it("does what failed again, and goes on where that works", () => {
      writeFileSync(marker("failed"), "packages\n");
      const mended = `rm ${marker("failed")}; touch ${marker("complete")}`;
      const ran = run(afterSetUp(system, "echo taken"), mended);
      expect(ran).toMatchObject({ exitCode: 0, complete: true });
      expect(ran.stdout).toMatch(/^first boot failed: packages; doing it again\n[^]*taken$/);
    });

    it("ends where that fails again, with what it said", () => {
      writeFileSync(marker("failed"), "packages\n");
      const ran = run(afterSetUp(system, "echo taken"));
      expect(ran).toMatchObject({ exitCode: 1, complete: false, failed: true });
      expect(ran.stdout).toContain("set-up runs again");
      expect(ran.stdout).not.toContain("taken");
    });

    it("goes on with another release where only the release failed, and completes the set-up", () => {
      writeFileSync(marker("failed"), `${step}\n`);
      const shell = afterSetUp(system, "echo taken");
      expect(run(shell)).toEqual({ exitCode: 0, stdout: "taken", complete: true, failed: false });
    });

    it("leaves the mark where that release fails too", () => {
      writeFileSync(marker("failed"), `${step}\n`);
      expect(run(afterSetUp(system, "false"))).toEqual({
        exitCode: 1,
        stdout: "",
        complete: false,
        failed: true,
      });
    });

    it("does the release again too where none is to come", () => {
      writeFileSync(marker("failed"), `${step}\n`);
      expect(run(waitForSetUp(system)).stdout).toContain("set-up runs again");
    });

    it("says where to look when there is no mark", () => {
      const ran = run(afterSetUp(system, "echo taken"));
      expect(ran.exitCode).toBe(1);
      expect(ran.stdout).toMatch(/^no .*\.setup_complete after 1200 s; see .*\.log/);
    });
  });
});

it("the AWS CLI has no terminal to ask on, and ends", async () => {
  writeFileSync(join(folder, "aws"), "#!/bin/sh\nread code || echo no code >&2\nexit 1\n", { mode: 0o755 });
  jest.mocked(execa).mockImplementationOnce(jest.requireActual<{ execa: typeof execa }>("execa").execa);
  const aws = new AwsCli({ PATH: folder }, "us-east-1");
  await expect(aws.json(["sts", "get-caller-identity"])).rejects.toThrow("no code");
});

describe("waiting for instances", () => {
  const limits = { launch: 10, empty: 10, refresh: 10 };
  const listed = (changes: Partial<Listed>): Listed => ({
    serving: [],
    launching: [],
    wanted: true,
    ...changes,
  });
  let now = 0;
  const failure = (waiting: Waiting, changes: Partial<Listed>, served = false) => {
    now += 6000;
    return waiting.failure(listed(changes), { moved: true, served });
  };
  beforeEach(() => void jest.spyOn(Date, "now").mockImplementation(() => now));

  it("begins anew with each gap in the group", () => {
    const waiting = new Waiting(limits);
    waiting.pardon(["i-1"]);
    for (const launching of [[], ["i-1"], [], []]) expect(failure(waiting, { launching })).toBeUndefined();
    expect(failure(waiting, {})).toBe("there is no host to take");
  });

  it("gives each instance its own time", () => {
    const waiting = new Waiting(limits);
    waiting.pardon(["i-1"]);
    for (const id of ["i-1", "i-1", "i-2", "i-2"])
      expect(failure(waiting, { launching: [id] })).toBeUndefined();
    expect(failure(waiting, { launching: ["i-2"] })).toBe("i-2 did not come to serve within 10 s with");
  });
});

it("a machine without the AWS CLI is told where to get it", async () => {
  set({});
  deployed(single);
  jest.mocked(execa).mockImplementationOnce(jest.requireActual<{ execa: typeof execa }>("execa").execa);
  const aws = new AwsCli({ PATH: folder }, "us-east-1");
  await expect(aws.json(["sts", "get-caller-identity"])).rejects.toMatchObject({
    message: "The AWS CLI is not on PATH.",
    mend: expect.stringContaining("https://"),
  });
});
