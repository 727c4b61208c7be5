import { stripVTControlCharacters } from "node:util";
import { progress, setLiveLines } from "../../cli/output";
import { ProgressDisplay, totalOf } from "../../cli/progress";
import type { TerraformEvent } from "../../cli/terraform";

type Verb = "create" | "update" | "delete";
const event = (type: string, addr: string, action: Verb, elapsed_seconds?: number): TerraformEvent => ({
  type,
  hook: { resource: { addr }, action, elapsed_seconds },
});
const start = (addr: string, action: Verb = "create") => event("apply_start", addr, action);
const tick = (addr: string, seconds: number) => event("apply_progress", addr, "create", seconds);
const complete = (addr: string, seconds: number, action: Verb = "create") =>
  event("apply_complete", addr, action, seconds);

function display({ total, isTTY = false }: { total?: number; isTTY?: boolean } = {}) {
  let written = "";
  let now = 0;
  const stream = { isTTY, columns: 100, rows: 40, write: (text: string) => (written += text) !== "" };
  const shown = new ProgressDisplay(total, stream as unknown as NodeJS.WriteStream, () => now);
  return {
    shown,
    advance: (milliseconds: number) => (now += milliseconds),
    feed: (...events: TerraformEvent[]) => events.forEach(shown.handle),
    lines: () => stripVTControlCharacters(written).split("\n").filter(Boolean),
    raw: () => written,
  };
}

describe("piped", () => {
  it("has a line for each start and end, with how many of how many", () => {
    const { shown, feed, lines } = display({ total: 3 });
    feed(start("aws_vpc.main"), complete("aws_vpc.main", 2));
    feed(start("aws_eip.old", "delete"), complete("aws_eip.old", 1, "delete"));
    feed(start("aws_eip.new", "update"), complete("aws_eip.new", 0, "update"));
    shown.end();
    expect(lines()).toEqual([
      "creating aws_vpc.main",
      "created aws_vpc.main (2 s, 1 of 3)",
      "destroying aws_eip.old",
      "destroyed aws_eip.old (1 s, 2 of 3)",
      "changing aws_eip.new",
      "changed aws_eip.new (0 s, 3 of 3)",
    ]);
  });

  it("tells of a slow resource every 30 s, not at each of the binary's ticks", () => {
    const { feed, lines } = display({ total: 1 });
    feed(
      start("aws_nat_gateway.a"),
      ...[10, 20, 30, 40, 50, 60, 70].map((seconds) => tick("aws_nat_gateway.a", seconds)),
    );
    expect(lines().slice(1)).toEqual([
      "still creating aws_nat_gateway.a (30 s)",
      "still creating aws_nat_gateway.a (60 s)",
    ]);
  });

  it("does not count what failed", () => {
    const { feed, lines } = display({ total: 2 });
    feed(start("a"), start("b"), event("apply_errored", "a", "create", 4), complete("b", 5));
    expect(lines().slice(2)).toEqual(["failed creating a (4 s)", "created b (5 s, 1 of 2)"]);
  });

  it("sums up a refresh in one line, and says nothing where none was", () => {
    const refreshed = display();
    refreshed.feed({ type: "refresh_complete" }, { type: "refresh_complete" });
    refreshed.shown.end();
    expect(refreshed.lines()).toEqual(["refreshed 2"]);
    const none = display();
    none.shown.end();
    expect(none.raw()).toBe("");
  });

  it("has no colours or cursor movements", () => {
    const { shown, feed, raw } = display({ total: 1 });
    feed(start("a"), complete("a", 1));
    shown.end();
    expect(raw()).not.toContain("\u001b");
  });
});

describe("in a terminal", () => {
  it("shows what is in flight with its seconds, and leaves only what is finished", () => {
    const { shown, feed, advance, lines, raw } = display({ total: 2, isTTY: true });
    feed(start("aws_vpc.main"));
    advance(7000);
    feed(start("aws_eip.a"));
    expect(lines()).toEqual(
      expect.arrayContaining(["  creating aws_vpc.main 7 s", "  creating aws_eip.a 0 s", "  0 of 2"]),
    );
    feed(complete("aws_eip.a", 1));
    expect(raw()).toContain("created aws_eip.a (1 s, 1 of 2)\n");
    shown.end();
    expect(raw().split("\u001b[2K").at(-1)).not.toContain("creating");
  });
});

test("what is told meanwhile stands above the live lines, and stays", () => {
  const { shown, feed, raw } = display({ total: 1, isTTY: true });
  const told = jest.spyOn(process.stderr, "write").mockImplementation(() => raw().endsWith("\u001b[G"));
  feed(start("aws_vpc.main"));
  setLiveLines(shown);
  progress("Stopping");
  setLiveLines(undefined);
  shown.end();
  expect(told).toHaveBeenCalledWith("Stopping\n");
  expect(told).toHaveReturnedWith(true); // the live lines were gone by then
  told.mockRestore();
});

test("a replacement counts twice", () => {
  expect(totalOf({ add: 2, change: 3, remove: 1 })).toBe(6);
});
