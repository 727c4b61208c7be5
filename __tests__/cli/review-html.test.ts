import fc from "fast-check";
import { createHash } from "node:crypto";
import type { NamedStack } from "../../cli/diagram/inventory";
import { renderHtml } from "../../cli/review/html";
import { foldedDiff } from "../../cli/review/diff";
import { indentedJson } from "../../cli/review/html/json";
import { reviewPicture } from "../../cli/review/picture";
import { anyCharacter } from "../support/any-character";
import {
  absent,
  attribute,
  busy,
  change,
  detailed,
  hostileTexts,
  large,
  review,
  sensitive,
  unknown,
  value,
  withTexts,
} from "../support/sample-reviews";

const tag = /<(\/?)([a-z][a-z0-9]*)((?:\s+[\w:-]+(?:="[^"<>]*")?)*)\s*>/gi;
const alone = ["meta", "link", "input", "wbr"];

/** The page without what its script and style hold. */
const withoutAssets = (page: string): string => page.replace(/<(style|script)>[^]*?<\/\1>/g, "<$1></$1>");

/** What a browser would have to guess at: tags that are not closed in order, and `<`, `>` and `&` by themselves. */
function faultsOf(page: string): string[] {
  const body = withoutAssets(page).replace("<!doctype html>", "");
  const open: string[] = [];
  const faults: string[] = [];
  for (const [, end, name = ""] of body.matchAll(tag)) {
    if (end && open.pop() !== name) faults.push(`</${name}> does not close what is open`);
    if (!end && !alone.includes(name)) open.push(name);
  }
  const ids = [...body.matchAll(/ id="([^"]*)"/g)].map(([, id = ""]) => id);
  const seen = new Set<string>();
  return [
    ...faults,
    ...open.map((name) => `<${name}> is not closed`),
    ...(body.replace(tag, "").match(/[<>]/g) ?? []),
    ...[...body.matchAll(/&(?!(amp|lt|gt|quot|#39);).{0,9}/g)].map(([found]) => `${found} is not escaped`),
    ...ids.filter((id) => seen.size === seen.add(id).size).map((id) => `id ${id} is there twice`),
    ...ids.filter((id) => /\s/.test(id)).map((id) => `id ${id} has a space`),
  ];
}

const namesOf = (page: string): { tags: Set<string>; attributes: Set<string> } => {
  const found = [...withoutAssets(page).matchAll(tag)];
  const attributes = found.flatMap(([, , , rest = ""]) =>
    [...rest.matchAll(/\s([\w:-]+)(?:="[^"]*")?/g)].map(([, name = ""]) => name),
  );
  return { tags: new Set(found.map(([, , name = ""]) => name)), attributes: new Set(attributes) };
};

/** What a person reads, without markup. */
const textOf = (page: string): string =>
  withoutAssets(page)
    .replace(tag, "")
    .replace(
      /&(amp|lt|gt|quot|#39);/g,
      (_, name: string) => ({ amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" })[name] ?? "",
    );

/** Its text with single spaces. */
const readOf = (page: string): string => textOf(page).replace(/\s+/g, " ");

describe("page", () => {
  const harmless = namesOf(renderHtml(withTexts(["a.b", "c d"])));

  test.each([
    ["nothing", review([])],
    ["everything", busy()],
    ["hostile texts", withTexts(hostileTexts)],
  ])("of %s is well formed", (_, sample) => {
    expect(faultsOf(renderHtml(sample))).toEqual([]);
  });

  test("has no element and no attribute more for any text", () => {
    const text = fc.oneof(fc.constantFrom(...hostileTexts), fc.string({ unit: anyCharacter }), fc.string());
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 2 }), (texts) => {
        const page = renderHtml(withTexts(texts));
        expect(faultsOf(page)).toEqual([]);
        const { tags, attributes } = namesOf(page);
        expect([...tags].filter((name) => !harmless.tags.has(name))).toEqual([]);
        expect([...attributes].filter((name) => !harmless.attributes.has(name))).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  test("shows texts as they are", () => {
    const text = textOf(renderHtml(withTexts(hostileTexts)));
    for (const hostile of hostileTexts.filter((one) => !one.includes("\u0000")))
      expect(text).toContain(hostile);
  });

  test("tells characters that hide or turn text, and keeps emoji", () => {
    const text = textOf(renderHtml(review([], { stack: "a\u202eb\u0000c\u200bd\ud800e 👩‍👧" })));
    expect(text).toContain("a\\u{202e}b\\u{0}c\\u{200b}d\\u{d800}e 👩‍👧");
  });

  test("lets its own script and style run, by their digests, and nothing else", () => {
    const page = renderHtml(busy());
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? "";
    const digest = (name: string) => {
      const found = [...page.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, "g"))];
      expect(found).toHaveLength(1);
      return `${name}-src 'sha256-${createHash("sha256")
        .update(found[0]?.[1] ?? "")
        .digest("base64")}'`;
    };
    const rules = policy.split("; ");
    expect(rules).toEqual(expect.arrayContaining(["default-src 'none'", digest("script"), digest("style")]));
    expect(policy).not.toContain("unsafe");
    expect(page.indexOf(policy)).toBeLessThan(page.indexOf("<style>"));
  });

  test("asks for nothing outside itself", () => {
    const page = renderHtml(busy());
    expect(withoutAssets(page)).not.toMatch(/\ssrc=|\shref="(?!#|data:,")/);
    expect(page).not.toMatch(/@import|url\(|fetch\(|XMLHttpRequest/);
  });

  test("of a thousand resources is made in a second and has less than 3 MB", () => {
    const sample = large();
    const times = Array.from({ length: 2 }, () => {
      const start = performance.now();
      renderHtml(sample);
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(1000);
    expect(Buffer.byteLength(renderHtml(sample))).toBeLessThan(3_000_000);
  });
});

describe("top", () => {
  test("says that there is nothing to do", () => {
    const page = renderHtml(review([]));
    expect(readOf(page)).toContain("Nothing to do: what is deployed is what the configuration says.");
    expect(page).not.toContain('id="changes"');
    expect(readOf(renderHtml(busy()))).not.toContain("Nothing to do");
  });

  test("says that only outputs change", () => {
    const outputs = [{ name: "address", action: "create", before: absent, after: value("x") } as const];
    const text = readOf(renderHtml(review([], { outputs })));
    expect(text).toContain("No resource changes, only 1 output.");
    expect(text).not.toContain("Nothing to do");
  });

  test("says that there is more to do than is planned", () => {
    const incomplete = "Planning failed <half way>.";
    const text = readOf(renderHtml(review([], { incomplete })));
    expect(text).toContain("Not complete. Planning failed <half way>.");
    expect(text).toContain("No changes are planned.");
    expect(text).not.toContain("Nothing to do");
    expect(readOf(renderHtml(review([])))).not.toContain("Not complete");
  });

  test("counts, tells the cost and the whole fingerprint", () => {
    const text = readOf(renderHtml(busy()));
    expect(text).toMatch(
      /± 1 replaced − 1 destroyed × 1 forgotten ~ 3 updated \+ 2 created ↓ 1 imported → 1 moved/,
    );
    expect(text).toContain("$182.40 → $236.15 a month, +$53.75");
    expect(text).toContain(busy().fingerprint);
    const cheaper = { before: 1234.5, after: 0, lines: [], notEstimated: [] };
    expect(readOf(renderHtml(review([], { cost: cheaper })))).toContain(
      "$1,234.50 → $0.00 a month, −$1,234.50",
    );
    const same = renderHtml(review([], { cost: { ...cheaper, after: 1234.5 } }));
    expect(readOf(same)).toContain("$1,234.50 a month, as before");
    expect(same).not.toContain('id="cost"');
  });

  test("has refused risks first, above the changes", () => {
    const text = readOf(renderHtml(busy()));
    const order = [
      "Apply refuses this plan for 1 risk",
      "refusedThe database is replaced",
      "look at itThe security group",
      "look at itThe role",
      "Changes",
    ];
    expect(order.map((part) => text.indexOf(part)).filter((at) => at < 0)).toEqual([]);
    expect([...order].sort((a, b) => text.indexOf(a) - text.indexOf(b))).toEqual(order);
    const told = busy().risks.filter(({ refused }) => !refused);
    expect(readOf(renderHtml({ ...busy(), risks: told }))).not.toContain("refuses");
  });
});

describe("a change", () => {
  const only = (...parts: Parameters<typeof change>) => renderHtml(review([change(...parts)]));

  test("says sensitive and known after apply in words", () => {
    const text = readOf(
      only("aws_x.y", "update", [
        attribute("password", sensitive, sensitive),
        attribute("arn", "old", unknown),
      ]),
    );
    expect(text).toContain("password(sensitive) → (sensitive)");
    expect(text).toContain("arnold → (known after apply)");
  });

  test("tells what forces a replacement first", () => {
    const text = readOf(
      only("aws_x.y", "replace", [attribute("size", "1", "2"), attribute("name", "a", "b", true)]),
    );
    expect(text).toContain("namea → b forces replacement");
    expect(text.indexOf("forces replacement")).toBeLessThan(text.indexOf("size1 → 2"));
    expect(text).not.toContain("size1 → 2 forces replacement");
  });

  test("has its path, reason, former address and id", () => {
    const text = readOf(
      only("aws_x.y", "import", [attribute(["rule", 0, "a b"], "1", "2")], {
        reason: "it is so",
        previousAddress: "aws_x.z",
        importId: "i-1",
      }),
    );
    for (const part of ['rule[0]["a b"]1 → 2', "Why: it is so", "Moved from aws_x.z", "Imported by id i-1"])
      expect(text).toContain(part);
  });

  test("tells what is not known yet in one line", () => {
    const found = ["arn", "id"].map((name) => attribute(name, absent, unknown));
    expect(readOf(only("aws_x.y", "create", [attribute("name", absent, "n"), ...found]))).toContain(
      "and 2 attributes(known after apply) arn, id",
    );
  });

  test("is unfolded where something is taken away, and folded where it is created", () => {
    expect(only("aws_x.y", "replace")).toMatch(/<details class="change replace"[^>]* open>/);
    expect(only("aws_x.y", "delete")).toMatch(/<details class="change delete"[^>]* open>/);
    expect(only("aws_x.y", "create")).toMatch(/<details class="change create"[^>]*"[^>]*(?<! open)>/);
  });

  test("shows a policy by the lines that differ", () => {
    const text = textOf(renderHtml(busy()));
    expect(text).toContain('−         "s3:GetObject"');
    expect(text).toContain('+         "s3:DeleteObject"');
    expect(text).toContain("8 lines the same");
    const [shown = "", all = ""] = text.split("All of it 22 lines");
    expect(shown).not.toContain('"s3:ListBucket"');
    expect(all).toContain('"s3:ListBucket"');
  });

  test("names variables alone, tells what is not known yet is made of, and has all of JSON", () => {
    const page = renderHtml(detailed());
    const text = textOf(page);
    expect(text).toContain("container_definitions.app.environment.LOG_LEVELinfo → debug");
    expect(text).toContain(
      "(known after apply, from aws_secretsmanager_secret.atomic-calendar_token.arn, var.key) ${aws_secretsmanager_secret.atomic-calendar_token.arn}:${var.key}::",
    );
    expect(text).toContain("− b+ c1 entry the same");
    expect(text).toContain(
      'container_definitionsAll of it 7 lines  [    {      "name": "app",−     "value": "info"',
    );
  });

  test("marks what differs in a long word, and nothing in short or other ones", () => {
    const image = (digest: string) => `123456789012.dkr.ecr.us-east-1.amazonaws.com/app@sha256:22${digest}22`;
    const page = (before: string, after: string) =>
      only("aws_x.y", "update", [attribute("a", before, after)]);
    expect(page(image("0"), image("f<"))).toContain("sha256:22<b>0</b>22</del>");
    expect(page(image("0"), image("f<"))).toContain("sha256:22<b>f&lt;</b>22</ins>");
    expect(page(image("a"), image("a🙂"))).toContain("22a<b>🙂</b>22</ins>");
    expect(page("t3.micro", "t3.large")).toContain("<del>t3.micro</del> <i>→</i> <ins>t3.large</ins>");
    expect(page("a".repeat(50), "b".repeat(50))).not.toContain("<b>");
  });

  test("limits what differs, and folds the rest", () => {
    const lines = Array.from({ length: 100 }, (_, line) => `+new ${line}`);
    const [shown = "", rest = ""] = only("aws_x.y", "update", [{ ...attribute("a", "b", "c"), lines }]).split(
      "60 more lines",
    );
    expect(shown).toContain("+ new 39<");
    expect(shown).not.toContain("+ new 40<");
    expect(rest).toContain("+ new 99<");
  });

  test("folds a long text and has all of it", () => {
    const long = Array.from({ length: 50 }, (_, line) => `line ${line}`).join("\n");
    const page = only("aws_x.y", "create", [attribute("user_data", absent, long)]);
    expect(readOf(page)).toContain("line 0… 50 lines");
    expect(textOf(page)).toContain(long);
  });

  test("has an id of its own where an address is there twice", () => {
    const page = renderHtml(review([change("aws_x.y", "delete"), change("aws_x.y", "create")]));
    expect(page).toContain('id="aws_x.y"');
    expect(page).toContain('id="aws_x.y.again-2"');
    expect(faultsOf(page)).toEqual([]);
  });
});

test("drift is told apart from what the plan does", () => {
  const page = renderHtml(review([], { drift: [change("aws_x.y", "update", [attribute("a", "1", "2")])] }));
  const text = readOf(page);
  expect(text).toContain("Nothing to do");
  expect(text).toContain("This is what was found, not what the plan does.");
  expect(page).not.toContain('id="aws_x.y"'); // a link to the address leads to the change
  expect(readOf(renderHtml(busy()))).toMatch(/Changes 11 resources.*Drift 1 resource.*t3.micro → t3.large/);
});

test("cost has its lines and what is not estimated, with links to what changes", () => {
  const page = renderHtml(busy());
  expect(readOf(page)).toMatch(/aws_ecs_service.atomic-calendar_hasura\s?atomic-calendar\s?\+\$38.20/);
  expect(readOf(page)).toMatch(/old_logs\s?atomic-calendar\s?−\$0.51/);
  expect(readOf(page)).toContain("1 change not estimated");
  expect(page).toContain('<td><a href="#aws_ecs_service.atomic-calendar_hasura">');
});

describe("texts of values", () => {
  test("JSON is indented, and nothing but spaces is changed", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const indented = indentedJson(text);
        if (indented === undefined) return;
        expect(JSON.parse(indented)).toEqual(JSON.parse(text));
        expect(indented.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (part) => (part.startsWith('"') ? part : ""))).toBe(
          text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (part) => (part.startsWith('"') ? part : "")),
        );
      }),
    );
    const twice = '{"Action":"s3:GetObject","Action":"s3:*","number":12345678901234567890,"empty":[]}';
    expect(indentedJson(twice)?.split("\n")).toEqual([
      "{",
      '  "Action": "s3:GetObject",',
      '  "Action": "s3:*",',
      '  "number": 12345678901234567890,',
      '  "empty": []',
      "}",
    ]);
    expect(indentedJson(`{not json, but long enough to be: one, that could be indented}`)).toBeUndefined();
  });

  test("of the lines that differ both texts can be made again", () => {
    const lines = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 });
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const found = foldedDiff(before, after);
        const made = (kind: string) =>
          found.flatMap((line) =>
            typeof line === "number"
              ? Array.from({ length: line }, () => "?")
              : line.kind === "same" || line.kind === kind
                ? [line.text]
                : [],
          );
        const alike = (a: readonly string[], b: readonly string[]) =>
          a.length === b.length && a.every((text, index) => text === "?" || text === b[index]);
        expect([alike(made("gone"), before), alike(made("new"), after)]).toEqual([true, true]);
      }),
    );
  });

  test("thousands of lines do not take long", () => {
    const lines = (word: string) => Array.from({ length: 20_000 }, (_, index) => `${word} ${index}`);
    expect(foldedDiff(lines("a"), lines("b"))).toHaveLength(40_000);
  });
});

describe("picture", () => {
  const tags = (system: string) => ({ tags: { System: system } });
  const stacks: readonly NamedStack[] = [
    {
      name: "stage",
      json: {
        resource: {
          aws_instance: { one_host: tags("one"), two_host: tags("two") },
          aws_s3_bucket: { one_data: tags("one"), two_data: tags("two") },
          aws_secretsmanager_secret: { one_a: tags("one"), one_b: tags("one") },
        },
      },
    },
  ];
  const of = (...changes: Parameters<typeof change>[]) =>
    reviewPicture(stacks, { changes: changes.map((one) => change(...one)) });
  const group = (svg: string | undefined, id: string) =>
    new RegExp(`<g id="node-${id}"[^]*?</g>`).exec(svg ?? "")?.[0] ?? "";

  test("has a class, a sign, and a link for what changes, and a quiet class for the rest", async () => {
    const picture = await of(["aws_instance.one_host", "replace"]);
    expect(picture?.svg).toContain('<a href="#aws_instance.one_host"><g ');
    expect(group(picture?.svg, "aws_instance.one_host")).toMatch(
      /class="node host replace"[^]*<title>replaced\naws_instance.one_host<[^]*>± one host</,
    );
    expect(group(picture?.svg, "aws_s3_bucket.one_data")).toMatch(/class="node bucket same"[^]*>one data</);
    expect(picture?.actions).toEqual(["replace"]);
    expect(picture?.notes).toEqual(["Nothing changes in Two, not drawn here."]);
    expect(picture?.svg).not.toContain("two_host");
  });

  test("counts what changes of what is drawn as one", async () => {
    const one = await of(["aws_secretsmanager_secret.one_a", "create"]);
    expect(group(one?.svg, "system_one_secrets")).toMatch(/class="node secrets update"[^]*1 of 2 created/);
    const both = await of(
      ["aws_secretsmanager_secret.one_a", "create"],
      ["aws_secretsmanager_secret.one_b", "create"],
    );
    expect(group(both?.svg, "system_one_secrets")).toMatch(/class="node secrets create"/);
    expect(both?.svg).not.toContain("of 2");
  });

  test("knows a resource with an instance key", async () => {
    const picture = await of(['aws_instance.one_host["a"]', "update"]);
    expect(group(picture?.svg, "aws_instance.one_host")).toContain("host update");
    expect(picture?.svg).toContain('href="#aws_instance.one_host%5B%22a%22%5D"');
  });

  test("shows what is destroyed and no longer in the configuration, as text", async () => {
    const picture = await of(["aws_db_instance.three_<b>", "delete", [], { system: "three" }]);
    expect(picture?.svg).toMatch(/class="node database delete"/);
    expect(picture?.svg).toContain(">− &lt;b&gt;<");
    expect(picture?.svg).toContain(">Three<");
    expect(picture?.svg).not.toContain("<b>");
  });

  test("is not made where nothing changes that it has", async () => {
    expect(await of()).toBeUndefined();
    expect(await of(["aws_iam_role.other", "create"])).toBeUndefined();
  });

  test("says how much is in the list only", async () => {
    const picture = await of(["aws_instance.one_host", "update"], ["aws_iam_role.other", "create"]);
    expect(picture?.notes).toContain("1 changed resource is in the list only.");
  });

  test("goes into the page with a legend of its actions", async () => {
    const picture = await of(["aws_instance.one_host", "update"]);
    const page = renderHtml(busy(), picture);
    expect(page).toContain(picture?.svg);
    expect(readOf(page)).toContain("Picture ~ updated unchanged");
    expect(renderHtml(busy())).not.toContain("<svg");
  });
});
