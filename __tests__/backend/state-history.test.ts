import { factsOf, historyOf, planRestore, restore } from "../../backend/state-history";
import type { LockHolder } from "../../backend/lock-holder";
import { LandfallError, UsageError } from "../../environments/errors";
import { lineage, StateBucket as Bucket, stateText } from "../support/state-bucket";

const [host, queue, topic] = [
  { address: "aws_instance.host", id: "i-1" },
  { address: "aws_sqs_queue.jobs", id: "https://sqs/jobs" },
  { address: "aws_sns_topic.alarms", id: "arn:alarms" },
];
const three = () =>
  new Bucket([
    ["version-c", stateText(7, [host, topic])],
    ["version-b", stateText(6, [host, queue])],
    ["version-a", stateText(5, [host])],
  ]);
const lock: LockHolder = {
  ID: "1",
  Operation: "OperationTypeRestore",
  Who: "ada@laptop",
  Created: "2026-11-21T12:00:00Z",
};

describe("a state", () => {
  test("is its serial, its lineage and its resources, by address", () => {
    const text = JSON.stringify({
      version: 4,
      serial: 3,
      lineage,
      resources: [
        { mode: "data", type: "aws_vpc", name: "a", instances: [{ attributes: { id: "vpc-1" } }] },
        {
          module: "module.a",
          mode: "managed",
          type: "aws_eip",
          name: "b",
          instances: [
            { index_key: 'x"y', attributes: { id: "e-1" } },
            { index_key: 0, attributes: {} },
          ],
        },
        {
          mode: "managed",
          type: "aws_eip",
          name: "c",
          instances: [{ attributes: { id: "e-2" } }, { deposed: "00", attributes: { id: "e-3" } }],
        },
        {
          mode: "managed",
          type: "random_password",
          name: "d",
          instances: [
            { attributes: { id: "hunter2" }, sensitive_attributes: [[{ type: "get_attr", value: "id" }]] },
          ],
        },
      ],
    });
    const { serial, resources } = factsOf(text);
    expect(serial).toBe(3);
    expect([...resources]).toEqual([
      ['module.a.aws_eip.b["x\\"y"]', "e-1"],
      ["module.a.aws_eip.b[0]", undefined],
      ["aws_eip.c", "e-2"],
      ["random_password.d", undefined],
    ]);
  });

  test.each(["", "[]", "null", '{"encrypted_data":"a"}', '{"version":3}', '{"version":4,"serial":1}'])(
    "%p is none",
    (text) => expect(() => factsOf(text)).toThrow("no state that can be read"),
  );
});

describe("the history", () => {
  test("tells what came and what went, newest first, and no value", async () => {
    const entries = await historyOf(three(), 20);
    expect(entries.map(({ id, facts, added, removed }) => [id, facts?.serial, added, removed])).toEqual([
      ["version-c", 7, ["aws_sns_topic.alarms"], ["aws_sqs_queue.jobs"]],
      ["version-b", 6, ["aws_sqs_queue.jobs"], []],
      ["version-a", 5, ["aws_instance.host"], []],
    ]);
    expect(JSON.stringify(entries)).not.toContain("hunter2");
  });

  test("compares the oldest that is told with the one before it", async () => {
    const entries = await historyOf(three(), 2);
    expect(entries).toHaveLength(2);
    expect(entries[1]).toMatchObject({ id: "version-b", added: ["aws_sqs_queue.jobs"] });
  });

  test("has deletions, and what cannot be read", async () => {
    const entries = await historyOf(
      new Bucket([
        ["deletion", undefined],
        ["broken", "half a sta"],
        ["whole", stateText(1, [host])],
      ]),
      20,
    );
    expect(entries.map(({ deleted, facts }) => [deleted, facts?.serial])).toEqual([
      [true, undefined],
      [false, undefined],
      [false, 1],
    ]);
    expect(entries[1]).toMatchObject({ added: [], removed: [] });
  });

  test("tells the others where one went meanwhile, and fails where none may be read", async () => {
    const bucket = three();
    bucket.lose("version-b");
    const entries = await historyOf(bucket, 20);
    expect(entries.map(({ id, facts, added }) => [id, facts?.serial, added])).toEqual([
      ["version-c", 7, ["aws_instance.host", "aws_sns_topic.alarms"]],
      ["version-b", undefined, []],
      ["version-a", 5, ["aws_instance.host"]],
    ]);
    bucket.readVersion = () => Promise.reject(new LandfallError("denied"));
    await expect(historyOf(bucket, 20)).rejects.toThrow("denied");
  });
});

describe("going back", () => {
  const plan = (bucket: Bucket, id: string) => planRestore(bucket, { stack: "stage", id });

  test("writes the version as it was, with the next serial, under the lock", async () => {
    const bucket = three();
    const restoration = await plan(bucket, "version-b");
    expect(restoration).toMatchObject({
      serial: 8,
      forgotten: ["aws_sns_topic.alarms"],
      broughtBack: ["aws_sqs_queue.jobs"],
      changed: [],
      same: false,
    });
    expect(await restore(bucket, restoration, lock)).toBeUndefined();
    expect(bucket.written).toEqual([stateText(8, [host, queue])]);
    expect(bucket.calls).toEqual(["lock", "write", "unlock"]);
    expect(bucket.lock).toBeUndefined();
  });

  test("keeps each letter but the serial's: numbers may be larger than JavaScript's", async () => {
    const text =
      '{"version":4,"terraform_version":"1.13.4","serial":2,"lineage":"a","outputs":{"n":{"value":12345678901234567890}},"resources":[]}';
    const bucket = new Bucket([
      ["now-now", text.replace('"serial":2', '"serial":3').replace("890}", "891}")],
      ["then-then", text],
    ]);
    expect((await plan(bucket, "then-then")).text).toBe(text.replace('"serial":2', '"serial":4'));
  });

  test("brings back a deleted state", async () => {
    const bucket = new Bucket([
      ["deletion", undefined],
      ["version-b", stateText(9, [host])],
      ["version-a", stateText(8, [host, queue])],
    ]);
    expect(await plan(bucket, "version-a")).toMatchObject({
      serial: 10,
      forgotten: [],
      broughtBack: ["aws_instance.host", "aws_sqs_queue.jobs"],
      same: false,
    });
    expect(await plan(bucket, "version-b")).toMatchObject({ serial: 10, same: false });
  });

  test("tells what would stand for another thing, and what is the same already", async () => {
    const other = { ...host, id: "i-2" };
    const bucket = new Bucket([
      ["version-b", stateText(6, [other])],
      ["version-a", stateText(5, [host])],
    ]);
    expect((await plan(bucket, "version-a")).changed).toEqual([
      { address: host.address, now: "i-2", then: "i-1" },
    ]);
    const again = new Bucket([
      ["version-b", stateText(6, [host])],
      ["version-a", stateText(5, [host])],
    ]);
    expect((await plan(again, "version-a")).same).toBe(true);
  });

  test("goes over a state that a tool has rewritten", async () => {
    const state = JSON.parse(stateText(6, [host])) as Record<string, unknown>;
    const sorted = Object.fromEntries(Object.entries(state).sort(([one], [other]) => (one < other ? -1 : 1)));
    const bucket = new Bucket([
      ["version-b", JSON.stringify({ a: {}, ...sorted })],
      ["version-a", stateText(5, [host])],
    ]);
    expect(await plan(bucket, "version-a")).toMatchObject({ same: false, serial: 7, unreadable: false });
  });

  test.each([
    ["version-c", "is the current one"],
    ["version-bb", 'has no version "version-bb". Did you mean version-b?'],
    ["deletion", "is its deletion"],
    ["x", 'has no version "x".'],
  ])("%s is wrong usage", async (id, told) => {
    const bucket = new Bucket([
      ["version-c", stateText(7, [host])],
      ["deletion", undefined],
      ["version-b", stateText(6, [host])],
    ]);
    const tried = plan(bucket, id);
    await expect(tried).rejects.toThrow(UsageError);
    await expect(tried).rejects.toThrow(told);
  });

  test("takes the beginning of an id for a question only", async () => {
    const bucket = new Bucket([
      ["now", stateText(7, [host])],
      ["3sL4kqtJlcpXroDTDmJrmSpXd3dIbrHY", stateText(6, [])],
    ]);
    await expect(plan(bucket, "3sL4kq")).rejects.toThrow("Did you mean 3sL4kqtJlcpXroDTDmJrmSpXd3dIbrHY?");
  });

  test("is wrong usage where there never was a state", async () => {
    await expect(plan(new Bucket([]), "a")).rejects.toThrow("no state of stage, and never had");
  });

  test("is refused for another lineage: the stack was made anew", async () => {
    const bucket = new Bucket([
      ["version-b", stateText(1, [host], "other")],
      ["version-a", stateText(9, [host])],
    ]);
    const tried = plan(bucket, "version-a");
    await expect(tried).rejects.toThrow(`another lineage (${lineage}) than the newest (other)`);
    await expect(tried).rejects.toMatchObject({
      mend: expect.stringContaining("./landfall state restore stage version-a --other-lineage"),
    });
  });

  test("goes to another lineage where that is asked for, and tells both", async () => {
    const bucket = new Bucket([
      ["version-b", stateText(12, [topic], "other")],
      ["version-a", stateText(9, [host])],
    ]);
    const restoration = await planRestore(bucket, { stack: "stage", id: "version-a", otherLineage: true });
    expect(restoration).toMatchObject({
      lineages: { now: "other", then: lineage },
      serial: 13,
      forgotten: [topic.address],
      broughtBack: [host.address],
    });
    await restore(bucket, restoration, lock);
    expect(bucket.written).toEqual([stateText(13, [host])]);
    expect((await plan(three(), "version-a")).lineages).toBeUndefined();
  });

  test.each(["", "{}", "half a sta"])(
    "counts a newest version %p as empty, and goes on from the last state",
    async (text) => {
      const bucket = new Bucket([
        ["broken", text],
        ["version-b", stateText(9, [host])],
        ["version-a", stateText(8, [host, queue])],
      ]);
      expect(await plan(bucket, "version-a")).toMatchObject({
        serial: 10,
        unreadable: true,
        forgotten: [],
        broughtBack: [host.address, queue.address],
        same: false,
      });
      const back = await plan(bucket, "version-b");
      expect(back).toMatchObject({ serial: 10, same: false });
      await restore(bucket, back, lock);
      expect(bucket.written).toEqual([stateText(10, [host])]);
      expect((await plan(three(), "version-a")).unreadable).toBe(false);
    },
  );

  test("does not take a right that is missing for an empty state", async () => {
    const bucket = three();
    const read = bucket.readVersion.bind(bucket);
    bucket.readVersion = (id) =>
      id === "version-c" ? Promise.reject(new LandfallError("denied")) : read(id);
    await expect(plan(bucket, "version-a")).rejects.toThrow("denied");
  });

  test("is refused where the version is no state", async () => {
    await expect(
      plan(
        new Bucket([
          ["b", stateText(1, [])],
          ["broken", "half"],
        ]),
        "broken",
      ),
    ).rejects.toThrow("no state");
  });

  test("names who has the lock, and writes nothing", async () => {
    const bucket = three();
    const restoration = await plan(bucket, "version-a");
    bucket.lock = { ...lock, ID: "2", Who: "bob@desk" };
    expect(await restore(bucket, restoration, lock)).toMatchObject({ Who: "bob@desk" });
    expect(bucket.written).toEqual([]);
    expect(bucket.lock).toMatchObject({ ID: "2" });
  });

  test("stops where somebody has applied since the question, and gives the lock back", async () => {
    const bucket = three();
    const restoration = await plan(bucket, "version-a");
    bucket.change("version-d", stateText(8, [host, topic, queue]));
    await expect(restore(bucket, restoration, lock)).rejects.toThrow(
      "has changed meanwhile; nothing was restored",
    );
    expect(bucket.written).toEqual([]);
    expect(bucket.lock).toBeUndefined();
  });

  test("gives the lock back where the bucket refuses", async () => {
    const bucket = three();
    const restoration = await plan(bucket, "version-a");
    bucket.write = () => Promise.reject(new LandfallError("denied"));
    await expect(restore(bucket, restoration, lock)).rejects.toThrow("denied");
    expect(bucket.lock).toBeUndefined();
  });
});
