import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { renderHtml } from "../../cli/review/html";
import { reviewPicture } from "../../cli/review/picture";
import type { Review } from "../../cli/review/model";
import { synthesized } from "../scan/synthesized";
import { temporaryFolder } from "../support/folders";
import {
  attribute,
  busy,
  change,
  creating,
  detailed,
  hostileTexts,
  large,
  review,
  withTexts,
} from "../support/sample-reviews";

const executablePath = ["chromium", "chromium-browser", "google-chrome"]
  .flatMap((name) => (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)))
  .find(isExecutable);

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

jest.setTimeout(120_000);

const desktop = { width: 1280, height: 900 };
const phone = { width: 360, height: 740, isMobile: true, hasTouch: true };
const schemes = ["light", "dark"] as const;

const odd = 'aws_eip.chronos_address["a b/é"]';
const samples: Readonly<Record<string, Review>> = {
  nothing: review([]),
  busy: busy(),
  detailed: detailed(),
  hostile: withTexts(hostileTexts),
  large: large(),
  odd: review([change("aws_eip.x_y", "create"), change(odd, "create", [attribute("domain", "", "vpc")])]),
};

(executablePath ? describe : describe.skip)("the review in a browser (needs chromium)", () => {
  const folder = temporaryFolder();
  /** Of all that the five systems have. */
  let addresses: readonly string[];
  let browser: Browser;
  let page: Page;
  /** Errors, violations and requests of the page that is open; none is expected. */
  let faults: string[];

  beforeAll(async () => {
    const stacks = synthesized();
    const named = ["sandbox", "shared"].map((name) => ({ name, json: stacks.get(name) ?? {} }));
    const all = creating("sandbox", stacks.get("sandbox") ?? {});
    addresses = all.changes.map(({ address }) => address);
    for (const [name, sample] of Object.entries({ ...samples, all }))
      writeFileSync(join(folder, `${name}.html`), renderHtml(sample, await reviewPicture(named, sample)));
    const home = join(folder, "home");
    mkdirSync(home);
    browser = await puppeteer.launch({
      executablePath,
      headless: true,
      args: ["--no-sandbox", "--disable-dev-shm-usage"], // CI is root in a container
      userDataDir: join(folder, "profile"),
      env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
      timeout: 60_000,
    });
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    faults = [];
    page = await browser.newPage();
    await page.setViewport(desktop);
    page.on("console", (message) => {
      if (["error", "warn", "issue"].includes(message.type())) faults.push(message.text());
    });
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("dialog", (dialog) => faults.push(dialog.message()));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(pathToFileURL(folder).href) && url !== "data:,") faults.push(`request: ${url}`);
    });
    await page.evaluateOnNewDocument(
      "addEventListener('securitypolicyviolation', (event) => console.error('violation:', event.violatedDirective))",
    );
  });
  afterEach(async () => {
    await page.close();
    expect(faults).toEqual([]);
  });

  const open = (name: string, hash = "") =>
    page.goto(pathToFileURL(join(folder, `${name}.html`)).href + hash, { waitUntil: "load" });
  const ask = <T>(expression: string): Promise<T> => page.evaluate(expression) as Promise<T>;
  const press = async (...keys: Parameters<Page["keyboard"]["press"]>[0][]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const focused = () => ask<string>("document.activeElement.id || document.activeElement.tagName");
  const found = () => ask<string>("document.getElementById('found').value");
  const shownRows = () =>
    ask<string[]>(
      "[...document.querySelectorAll('section.system .change')].filter((row) => row.checkVisibility()).map((row) => row.id)",
    );
  const unfoldAll = () => ask("document.querySelectorAll('details').forEach((fold) => (fold.open = true))");
  /** A large page leaves out of its layout what is out of sight, and so would what looks at it. */
  const layOutAll = () => ask("document.querySelector('main').classList.remove('many')");

  describe("with the keyboard alone", () => {
    test("leads past the top, searches, and shows all again", async () => {
      await open("busy");
      await press("Tab");
      expect(await ask("document.activeElement.textContent")).toBe("Skip to the changes");
      expect(await ask("document.activeElement.getBoundingClientRect().left >= 0")).toBe(true);
      await press("Enter", "Tab");
      expect(await focused()).toBe("search");
      expect(await found()).toBe("All 11 changes");

      await page.keyboard.type("hasura");
      expect(await found()).toBe("1 of 11 changes");
      expect(await shownRows()).toEqual(["aws_ecs_service.atomic-calendar_hasura"]);
      await press("Escape");
      expect(await found()).toBe("All 11 changes");
      expect(await shownRows()).toHaveLength(11);
    });

    test("/ focuses the search from anywhere, and is a character within it", async () => {
      await open("busy");
      await press("/");
      expect(await focused()).toBe("search");
      await page.keyboard.type("stage/atomic-calendar/old"); // in a value
      expect(await shownRows()).toEqual(["aws_cloudwatch_log_group.atomic-calendar_old_logs"]);
      await press("Escape");
      await page.keyboard.type("0.0.0.0/0 CHRONOS created"); // words of value, system and action
      expect(await shownRows()).toHaveLength(1);
      await page.keyboard.type(" no-such-word");
      expect(await found()).toBe("No change matches");
      expect(await shownRows()).toEqual([]);
    });

    test("filters by action and system, and says what is pressed", async () => {
      await open("busy");
      await press("/", "Tab", "Space"); // the first action
      expect(await ask("document.activeElement.getAttribute('aria-pressed')")).toBe("true");
      expect(await shownRows()).toEqual(["aws_db_instance.atomic-calendar_database"]);
      await press("Tab", "Enter");
      expect(await shownRows()).toHaveLength(2);
      await ask("document.querySelector('[data-system=chronos]').focus()");
      await press("Space");
      expect(await found()).toBe("No change matches");
      await press("Escape"); // from a button too
      expect(await found()).toBe("All 11 changes");
      await press("Space");
      expect(await found()).toBe("2 of 11 changes");
      await ask("document.getElementById('clear').focus()");
      await press("Enter");
      expect(await found()).toBe("All 11 changes");
      expect(await focused()).toBe("search");
      expect(await ask("document.querySelectorAll('[aria-pressed=true]').length")).toBe(0);
    });

    test("folds and unfolds", async () => {
      await open("busy");
      const isOpen = () => ask("document.getElementById('aws_ecs_service.atomic-calendar_hasura').open");
      await ask("document.querySelector('[id=\"aws_ecs_service.atomic-calendar_hasura\"] summary').focus()");
      expect(await isOpen()).toBe(false);
      await press("Enter");
      expect(await isOpen()).toBe(true);
      await press("Space");
      expect(await isOpen()).toBe(false);
      await ask("document.getElementById('unfold').focus()");
      await press("Enter");
      expect(await ask("document.querySelectorAll('.system .change:not([open])').length")).toBe(0);
      await page.waitForFunction("document.getElementById('unfold').textContent === 'Fold all'");
      await press("Enter");
      expect(await ask("document.querySelectorAll('.system .change[open]').length")).toBe(0);
    });

    test("stops where it is visible and marked, at everything once, in order", async () => {
      await open("busy");
      const stops: string[] = [];
      for (;;) {
        await press("Tab");
        const stop = await ask<{ name: string; seen: boolean } | undefined>(`(() => {
          const one = document.activeElement;
          if (one === document.body) return undefined;
          const { top, bottom, width, height } = one.getBoundingClientRect();
          const { outlineStyle, outlineWidth } = getComputedStyle(one);
          const inView = bottom > 0 && top < innerHeight && width > 0 && height > 0;
          return { name: one.textContent.trim().slice(0, 60) || one.id, seen: inView && outlineStyle !== "none" && outlineWidth !== "0px" };
        })()`);
        if (!stop || stops.length > 200) break;
        expect(stop).toEqual({ name: stop.name, seen: true });
        stops.push(stop.name);
      }
      const wanted = await ask<number>(
        "[...document.querySelectorAll('a[href], button:not(:disabled), input, summary, [tabindex=\"0\"]')].filter((one) => one.checkVisibility()).length",
      );
      expect(stops.length).toBe(wanted);
      expect(stops[0]).toBe("Skip to the changes");
    });

    test("leads from the picture to the change", async () => {
      await open("busy");
      await ask("document.querySelector('.picture a[href*=hasura]').focus()");
      await press("Enter");
      await page.waitForFunction("document.getElementById('aws_ecs_service.atomic-calendar_hasura').open");
      expect(await ask("document.activeElement.closest('details').id")).toBe(
        "aws_ecs_service.atomic-calendar_hasura",
      );
    });
  });

  test("the count is announced, and every control has a name", async () => {
    await open("busy");
    expect(await ask("document.getElementById('found').getAttribute('aria-live')")).toBe("polite");
    const tree = await page.accessibility.snapshot({ interestingOnly: true });
    const all = (node: typeof tree): NonNullable<typeof tree>[] =>
      node ? [node, ...(node.children ?? []).flatMap(all)] : [];
    const controls = all(tree).filter(({ role }) =>
      ["button", "link", "searchbox", "DisclosureTriangle"].includes(role),
    );
    expect(controls.length).toBeGreaterThan(20);
    expect(controls.filter(({ name }) => !name?.trim())).toEqual([]);
    expect(controls.find(({ role }) => role === "searchbox")?.name).toBe("Search");
    expect(controls.map(({ name }) => name)).toContain(
      "replaced aws_db_instance.atomic-calendar_database", // in the picture
    );
  });

  describe("a link to an address", () => {
    test.each([
      ["busy", "aws_ecs_service.atomic-calendar_hasura"],
      ["odd", odd],
    ])("unfolds it: %s, %s", async (name, address) => {
      await open(name, `#${encodeURIComponent(address)}`);
      const id = JSON.stringify(address.replace(" ", "_"));
      expect(await ask(`document.getElementById(${id}).open`)).toBe(true);
      const top = await ask<number>(`document.getElementById(${id}).getBoundingClientRect().top`);
      expect(top).toBeGreaterThanOrEqual(0);
      expect(top).toBeLessThan(desktop.height);
    });

    test("shows it again where a filter hides it", async () => {
      await open("busy");
      await press("/");
      await page.keyboard.type("chronos");
      await ask("void (location.hash = '#aws_s3_bucket.x-scheduler_videos')");
      await page.waitForFunction("document.getElementById('aws_s3_bucket.x-scheduler_videos').open");
      expect(await found()).toBe("All 11 changes");
    });

    test("that there is not, or that is none, does no harm", async () => {
      await open("busy", "#aws_x.gone");
      await ask("void (location.hash = '#%E0%A4%A')");
      expect(await found()).toBe("All 11 changes");
    });
  });

  describe("on a phone", () => {
    test.each(["nothing", "busy", "detailed", "hostile", "all", "large"])(
      "%s does not scroll sideways",
      async (name) => {
        await page.setViewport(phone);
        await open(name);
        await layOutAll();
        const widths = () =>
          ask<number[]>("[document.documentElement.scrollWidth, document.body.scrollWidth]");
        expect(Math.max(...(await widths()))).toBeLessThanOrEqual(phone.width);
        await unfoldAll();
        expect(Math.max(...(await widths()))).toBeLessThanOrEqual(phone.width);
        expect(await ask("visualViewport.scale")).toBe(1);
      },
    );

    test("the picture scrolls in its own box, and begins where something is taken away", async () => {
      await page.setViewport(phone);
      await open("busy");
      const [box, node] = await ask<{ left: number; right: number; top: number; bottom: number }[]>(
        "['.picture', '.node.replace'].map((one) => document.querySelector(one).getBoundingClientRect().toJSON())",
      );
      if (!box || !node) throw new Error("there is no picture");
      expect(box.right).toBeLessThanOrEqual(phone.width);
      expect(node.left).toBeGreaterThan(box.left);
      expect(node.right).toBeLessThan(box.right);
      expect(node.bottom).toBeLessThan(box.bottom);
    });
  });

  describe("axe", () => {
    const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
    const every = schemes.flatMap((scheme) => [desktop, phone].map((viewport) => ({ scheme, viewport })));
    const twice = [
      { scheme: "light", viewport: desktop },
      { scheme: "dark", viewport: phone },
    ] as const; // large pages take a while
    const cases = [
      ...["nothing", "busy"].flatMap((name) => every.map((look) => ({ name, ...look }))),
      ...["detailed", "hostile", "all"].flatMap((name) => twice.map((look) => ({ name, ...look }))),
    ].map((one) => ({ ...one, width: one.viewport.width }));
    test.each(cases)("finds nothing in $name, $scheme, $width px", async ({ name, scheme, viewport }) => {
      await page.setBypassCSP(true); // axe adds a style of its own
      await page.setViewport(viewport);
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await open(name);
      await layOutAll();
      if (name !== "all") await unfoldAll(); // a create has no look that the others have not
      await ask(`${axe}; 0`);
      const violations = await ask<string[]>(
        "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map(({ html }) => html)].join(' ')))",
      );
      expect(violations).toEqual([]);
    });
  });

  describe("without JavaScript", () => {
    beforeEach(() => page.setJavaScriptEnabled(false));

    test("has every address and no control that does nothing", async () => {
      await open("all");
      const text = await ask<string>("document.body.textContent");
      expect(addresses.length).toBeGreaterThan(400);
      expect(addresses.filter((address) => !text.includes(address))).toEqual([]);
      expect(
        await ask(
          "[...document.querySelectorAll('input, button')].filter((one) => one.checkVisibility()).length",
        ),
      ).toBe(0);
    });

    test("unfolds by itself, and prints unfolded", async () => {
      await open("busy");
      const body =
        "document.querySelector('[id=\"aws_ecs_service.atomic-calendar_hasura\"] dl').checkVisibility()";
      expect(await ask(body)).toBe(false);
      await page.emulateMediaType("print");
      expect(await ask(body)).toBe(true);
      await page.emulateMediaType("screen");
      await page.click('[id="aws_ecs_service.atomic-calendar_hasura"] summary');
      expect(await ask(body)).toBe(true);
    });
  });

  describe("hostile texts", () => {
    test("run nothing and add nothing", async () => {
      await open("hostile");
      await unfoldAll();
      await press("/");
      await page.keyboard.type("pwned");
      expect(await ask("typeof window.pwned")).toBe("undefined");
      expect(
        await ask(
          "document.querySelectorAll('iframe, img, object, embed, form, base, script:not(body > script:last-child)').length",
        ),
      ).toBe(0);
      expect(
        await ask(
          "[...document.querySelectorAll('*')].flatMap((one) => [...one.attributes]).filter(({ name, value }) => /^on/i.test(name) || /^javascript:/i.test(value) && name !== 'data-system' && name !== 'id').length",
        ),
      ).toBe(0);
      expect(await ask("document.querySelectorAll('section.system .change').length")).toBe(
        2 * hostileTexts.length,
      );
      expect(
        await ask("Object.prototype.pwned === undefined && document.title.startsWith('Plan of <script>')"),
      ).toBe(true);
    });

    test("would run nothing even as markup", async () => {
      const name = "injected";
      const text = readFileSync(join(folder, "busy.html"), "utf8");
      const markup = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>";
      writeFileSync(join(folder, `${name}.html`), text.replace("<main>", `<main>${markup}`));
      await open(name);
      expect(await ask("typeof window.pwned")).toBe("undefined");
      expect(faults.join("\n")).toMatch(/violation: script-src/);
      expect(faults.join("\n")).toMatch(/violation: img-src/);
      faults = [];
    });
  });

  describe("what is folded within a change", () => {
    const all = '[id="aws_instance.chronos_host"] .long.all';

    test("is all of a text, and unfolds with the keyboard", async () => {
      await open("detailed");
      const isSeen = () => ask(`document.querySelector('${all} .diff span').checkVisibility()`);
      const seen = () => ask<string>("document.getElementById('aws_instance.chronos_host').innerText");
      expect(await seen()).toContain("+ systemctl start new.service");
      expect(await seen()).not.toContain("says 3 and");
      expect(await isSeen()).toBe(false);
      await ask(`document.querySelector('${all} summary').focus()`);
      await press("Enter");
      expect(await isSeen()).toBe(true);
      expect(await seen()).toContain("says 3 and");
    });

    test("is found by the search, and printed", async () => {
      await open("detailed");
      await press("/");
      await page.keyboard.type("says 3 and");
      expect(await shownRows()).toEqual(["aws_instance.chronos_host"]);
      await press("Escape");
      await page.emulateMediaType("print");
      expect(await ask(`document.querySelector('${all} .diff span').checkVisibility()`)).toBe(true);
    });

    test("is not unfolded by Unfold all, which would hide what differs among what does not", async () => {
      await open("detailed");
      await ask("document.getElementById('unfold').click()");
      expect(await ask(`document.querySelector('${all}').open`)).toBe(false);
    });
  });

  test("searches a thousand resources within 100 ms", async () => {
    await open("large");
    const took = await ask<number[]>(`(() => {
      const search = document.getElementById("search");
      return ["host_1", "host_12", "after-7", "", "chronos", "no-such-word"].map((text) => {
        const start = performance.now();
        search.value = text;
        search.dispatchEvent(new Event("input", { bubbles: true }));
        document.body.getBoundingClientRect(); // the layout belongs to it
        return performance.now() - start;
      });
    })()`);
    expect(await found()).toBe("No change matches");
    expect(Math.min(...took.slice(1))).toBeGreaterThan(0);
    expect(took.slice(1).sort((a, b) => a - b)[2]).toBeLessThan(100);
  });

  test("prints as a PDF with all of it", async () => {
    await open("busy");
    const pdf = join(folder, "busy.pdf");
    await page.pdf({ path: pdf });
    await page.pdf({ path: join(folder, "nothing.pdf") });
    expect(execFileSync("head", ["-c", "5", pdf], { encoding: "utf8" })).toBe("%PDF-");
    expect(await ask("document.getElementById('aws_ecs_service.atomic-calendar_hasura').open")).toBe(false); // as before
  });
});
