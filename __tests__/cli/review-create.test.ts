import { costChangeOf } from "../../cli/review/cost";
import { renderMarkdown } from "../../cli/review/markdown";
import { reviewOf } from "../../cli/review/review";
import { synthesized } from "../scan/synthesized";
import { creationOf } from "../support/plans";

describe("a plan that creates all five systems", () => {
  const prod = synthesized().get("prod")!;
  const plan = creationOf(prod);
  const found = reviewOf("prod", plan, { risks: [], cost: costChangeOf(plan, prod) });

  it("has each of them, and nothing left over", () => {
    expect(new Set(found.changes.map(({ system }) => system))).toEqual(
      new Set(["atomic-calendar", "chronos", "landfall", "macro-ai", "viewer-atlas", "x-scheduler"]),
    );
    const count = Object.values(prod.resource ?? {}).reduce(
      (sum, named) => sum + Object.keys(named).length,
      0,
    );
    expect(found.counts).toMatchObject({ create: count, update: 0, replace: 0, delete: 0 });
    expect(found.cost?.before).toBe(0);
    expect(found.cost?.after).toBeGreaterThan(100);
  });

  it("says of each resource what it is given", () => {
    const bare = found.changes
      .filter(({ attributes }) => attributes.length === 0)
      .map(({ address }) => address);
    expect(bare).toEqual([]);
  });

  it("is within GitHub's limit, and names each resource", () => {
    const text = renderMarkdown(found);
    expect(Buffer.byteLength(text)).toBeLessThan(65_536);
    expect(text).toContain("Left out here: attributes of what is created. All of it");
    expect([...text.matchAll(/^\| created \|/gm)]).toHaveLength(found.counts.create);
  });
});
