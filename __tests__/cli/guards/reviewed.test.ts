import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readReview, requireReviewed } from "../../../cli/guards/reviewed";
import type {
  AttributeChange,
  Review,
  ReviewedAction,
  ReviewedChange,
  Shown,
} from "../../../cli/review/model";
import { LandfallError, UsageError } from "../../../environments/errors";
import { temporaryFolder } from "../../support/folders";

const shown = (text: string): Shown => ({ kind: "value", text });
const attribute = (path: string, before: string, after: string): AttributeChange => ({
  path: path.split("."),
  before: shown(before),
  after: shown(after),
  replaces: false,
});
const change = (
  address: string,
  action: ReviewedAction,
  ...attributes: AttributeChange[]
): ReviewedChange => ({
  address,
  type: address.split(".")[0] ?? "",
  system: "chronos",
  action,
  attributes,
});
const review = (fingerprint: string, changes: ReviewedChange[] = [], more: Partial<Review> = {}): Review => ({
  version: 1,
  stack: "stage",
  fingerprint,
  counts: { replace: 0, delete: 0, forget: 0, update: 0, create: 0, import: 0, move: 0, read: 0 },
  changes,
  outputs: [],
  drift: [],
  risks: [],
  ...more,
});

const folder = temporaryFolder();
let files = 0;
function written(content: unknown): string {
  const file = join(folder, `${(files += 1)}.json`);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

describe("a file", () => {
  test("is read where it is a review of that stack", () => {
    const whole = review("a", [change("aws_instance.a", "update")]);
    expect(readReview(written(whole), "stage")).toEqual(whole);
  });

  test.each<[string, unknown, string]>([
    ["no JSON", "# Plan of stage", "cannot be read as JSON"],
    ["nothing", "", "cannot be read as JSON"],
    ["a list", [], "is no review"],
    ["null", null, "is no review"],
    ["Terraform's own plan", { format_version: "1.2", resource_changes: [] }, "is no review"],
    ["half of one", { version: 1, fingerprint: "a", stack: "stage" }, "not a whole one"],
    ["one with a broken change", review("a", [{} as ReviewedChange]), "not a whole one"],
    ["one without a fingerprint", review(""), "not a whole one"],
    [
      "another version",
      { ...review("a"), version: 2 },
      "a review of version 2; this Landfall reads version 1",
    ],
    ["another stack", review("a", [], { stack: "prod" }), "is a review of prod, not of stage"],
  ])("of %s is wrong usage", (_, content, told) => {
    const file = written(content);
    expect(() => readReview(file, "stage")).toThrow(UsageError);
    expect(() => readReview(file, "stage")).toThrow(told);
  });

  test("that somebody else has made does not write on the terminal what it likes", () => {
    const stack = "prod\n::error::forged\u001B[2J";
    for (const content of [review("a", [], { stack }), { ...review("a"), version: stack }]) {
      const read = () => readReview(written(content), "stage");
      expect(read).toThrow(/prod␊::error::forged␛/);
    }
  });

  test("that is not there is wrong usage, with how to make it", () => {
    expect(() => readReview(join(folder, "none.json"), "stage")).toThrow(/There is no review .*none\.json/);
    try {
      readReview(join(folder, "none.json"), "stage");
    } catch (error) {
      expect((error as LandfallError).mend).toContain("./landfall plan stage --format json");
    }
  });
});

/** What is told where the plan is another than the reviewed one. */
function told(reviewed: Review, planned: Review): string[] {
  try {
    requireReviewed(reviewed, planned);
  } catch (error) {
    if (!(error instanceof LandfallError)) throw error;
    expect(error.exitCode).toBe(1);
    expect(error.mend).toContain("Plan again and have it reviewed: ./landfall plan stage");
    const [first, ...rest] = error.message.split("\n");
    expect(first).toBe("The plan of stage is no longer what was reviewed; nothing was applied.");
    return rest;
  }
  throw new Error("it was not refused");
}

describe("a plan", () => {
  const grown = change("aws_instance.a", "update", attribute("instance_type", "t3.small", "t3.large"));

  test("that does the same may be applied, whatever else the review says", () => {
    expect(() => requireReviewed(review("a", [grown]), review("a", [], { risks: [] }))).not.toThrow();
  });

  test("of another fingerprint is refused, with each difference by its address", () => {
    const gone = change("aws_sqs_queue.gone", "delete");
    const replaced = change("aws_ebs_volume.disk", "replace");
    expect(
      told(
        review("a", [grown, gone, change("aws_ebs_volume.disk", "update"), change("aws_eip.same", "create")]),
        review("b", [
          change(
            "aws_instance.a",
            "update",
            attribute("instance_type", "t3.small", "t3.xlarge"),
            attribute("tags.Owner", "x", "y"),
          ),
          replaced,
          change("aws_eip.same", "create"),
          change("aws_sns_topic.new", "create"),
        ]),
      ),
    ).toEqual([
      "  aws_ebs_volume.disk: update was reviewed, and it is replace now",
      "  aws_instance.a: instance_type: t3.small → t3.large was reviewed, and it is t3.small → t3.xlarge now",
      "  aws_instance.a: tags.Owner: x → y was not reviewed",
      "  aws_sns_topic.new: create was not reviewed",
      "  aws_sqs_queue.gone: delete was reviewed, and is no longer to do",
    ]);
  });

  test("is refused for what is read during the apply, and not for what something unknown was before", () => {
    const unknown = (ip: string, from: string): AttributeChange => ({
      ...attribute("ip", ip, ""),
      after: { kind: "unknown", from: [from] },
    });
    const stopped = (...ips: [string, string]) => change("aws_instance.a", "update", unknown(...ips));
    expect(
      told(
        review("a", [stopped("1", "aws_eip.a")]),
        review("b", [stopped("2", "aws_eip.a"), change("data.aws_ami.a", "read")]),
      ),
    ).toEqual(["  data.aws_ami.a: read was not reviewed"]);
    expect(told(review("a", [stopped("1", "aws_eip.a")]), review("b", [stopped("1", "aws_eip.b")]))).toEqual([
      "  aws_instance.a: ip: 1 → (unknown, from aws_eip.a) was reviewed, and it is 1 → (unknown, from aws_eip.b) now",
    ]);
  });

  test("is refused for its outputs too", () => {
    const output = (after: Shown) => ({
      outputs: [{ name: "ip", action: "update", before: shown("a"), after } as const],
    });
    expect(told(review("a", [], output(shown("b"))), review("b", [], output({ kind: "sensitive" })))).toEqual(
      ["  output ip: a → b was reviewed, and it is a → (sensitive) now"],
    );
    expect(told(review("a"), review("b", [], output({ kind: "absent" })))).toEqual([
      "  output ip: was not reviewed",
    ]);
  });

  test("is refused where nothing of it may be shown", () => {
    expect(told(review("a", [grown]), review("b", [grown]))).toEqual([
      "  what differs is not shown: a secret, what AWS has named anew, or what is known only after the apply",
    ]);
  });

  test("is told shortly, and does not write on the terminal what it likes", () => {
    const many = Array.from({ length: 25 }, (_, n) => change(`aws_sqs_queue.q${n}`, "create"));
    expect(told(review("a"), review("b", many)).at(-1)).toBe("  and 5 more");
    const [line] = told(
      review("a", [
        change("aws_instance.a", "update", attribute("name", "a", `\u001B[2J${"x".repeat(200)}`)),
      ]),
      review("b", [change("aws_instance.a", "update", attribute("name", "a", "b"))]),
    );
    expect(line).not.toContain("\u001B");
    expect(line?.length).toBeLessThan(200);
    const forged = "::error::x\n::error::y\u001B[2J##[error]z";
    const named = told(review("a"), review("b", [change(forged, "create", attribute(forged, "a", "b"))]));
    expect(named).toEqual(["  : :error::x␊::error::y␛[2J# #[error]z: create was not reviewed"]);
    const output = { name: forged, action: "update", before: shown("a"), after: shown(forged) } as const;
    expect(told(review("a"), review("b", [], { outputs: [output] }))).toEqual([
      "  output ::error::x␊::error::y␛[2J# #[error]z: was not reviewed",
    ]);
  });
});
