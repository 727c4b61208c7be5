import { createRequire } from "node:module";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";
import { FakeGitHub, TOKEN } from "./support/fake-github";

interface Api {
  request(method: string, path: string, body?: object): Promise<unknown>;
  list(path: string): Promise<unknown[]>;
}
const { GitHub, code } = createRequire(__filename)(join(projectRoot, ".github", "scripts", "github.cjs")) as {
  GitHub: new (environment: Readonly<Record<string, string>>) => Api;
  code(text: string): string;
};

let github: FakeGitHub;
let api: Api;
beforeEach(async () => {
  github = await FakeGitHub.start();
  github.reads["/things"] = [1, 2, 3, 4, 5];
  github.reads["/thing"] = { name: "thing" };
  api = new GitHub(github.environment);
});
afterEach(async () => {
  expect(github.surprises).toEqual([]);
  await github.stop();
});

test("all pages of a list are read", async () => {
  expect(await api.list("/things")).toEqual([1, 2, 3, 4, 5]);
  expect(github.asked).toHaveLength(3);
});

test("the token goes to no other host that a page names", async () => {
  github.mishaps = [
    { to: "GET /things", status: 200, headers: { link: '<https://example.org/x>; rel="next"' } },
  ];
  await expect(new GitHub(github.environment).list("/things")).rejects.toThrow("https://example.org");
});

test("a redirect is not followed", async () => {
  github.mishaps = Array.from({ length: 5 }, () => ({
    to: "/thing",
    status: 302,
    headers: { location: `${github.url}/elsewhere` },
  }));
  await expect(api.request("GET", "/thing")).rejects.toThrow("/thing");
  expect(github.count("GET /elsewhere")).toBe(0);
});

describe("asks again", () => {
  test.each([
    ["5xx", { status: 502 }],
    ["429", { status: 429 }],
    ["a secondary rate limit", { status: 403, message: "You have exceeded a secondary rate limit." }],
    ["a limit that names seconds", { status: 403, headers: { "retry-after": "1" } }],
    [
      "a limit that names a time",
      { status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" } },
    ],
  ])("after %s", async (_, mishap) => {
    github.mishaps = [{ to: "/thing", ...mishap }];
    expect(await api.request("GET", "/thing")).toEqual({ name: "thing" });
    expect(github.asked).toHaveLength(2);
  });

  test("not before the seconds are over", async () => {
    github.mishaps = [{ to: "/thing", status: 403, headers: { "retry-after": "1" } }];
    const start = Date.now();
    await api.request("GET", "/thing");
    expect(Date.now() - start).toBeGreaterThanOrEqual(995);
  });

  test("five times, and then says what GitHub said, without the token", async () => {
    github.mishaps = Array.from({ length: 6 }, () => ({ to: "/thing", status: 503 }));
    const failure = await api.request("GET", "/thing").catch((error: Error) => error);
    expect(failure).toMatchObject({
      status: 503,
      message: expect.stringContaining("no luck with Bearer ***"),
    });
    expect(String(failure)).not.toContain(TOKEN);
    expect(github.asked).toHaveLength(5);
  });

  test("after a limit also to create, as nothing was created", async () => {
    github.mishaps = [{ to: "POST /issues", status: 429 }];
    await api.request("POST", "/issues", { title: "one" });
    expect(github.issues).toHaveLength(1);
  });
});

describe("does not ask again", () => {
  test.each([
    ["where it may not", { status: 403, message: "Resource not accessible by integration" }],
    ["where there is nothing", { status: 404 }],
    ["for what is wrong", { status: 422 }],
    ["where it would have to wait for an hour", { status: 403, headers: { "retry-after": "3600" } }],
  ])("%s", async (_, mishap) => {
    github.mishaps = [{ to: "/thing", ...mishap }];
    await expect(api.request("GET", "/thing")).rejects.toMatchObject({ status: mishap.status });
    expect(github.asked).toHaveLength(1);
  });

  test("to create, where GitHub may have done it", async () => {
    github.mishaps = [{ to: "POST /issues", status: 502, done: true }];
    await expect(api.request("POST", "/issues", {})).rejects.toMatchObject({ status: 502 });
    expect(github.issues).toHaveLength(1);
  });
});

test("a server that hangs up is named", async () => {
  const server = createServer((request) => request.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const environment = {
    ...github.environment,
    GITHUB_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
  await expect(new GitHub(environment).request("GET", "/thing")).rejects.toThrow(/GET .*\/thing: \w+/);
  await new Promise((resolve) => server.close(resolve));
});

test("code is shown as it is, whatever is in it", () => {
  expect(code("aws_x.y")).toBe("`aws_x.y`");
  expect(code('aws_x.y["a`b"]')).toBe('`` aws_x.y["a`b"] ``');
  expect(code("a\n# b")).toBe("`a # b`");
});

test("a script that fails ends with 1 and one line, without the token", async () => {
  const { execa } = await import("execa");
  const { exitCode, all } = await execa(
    process.execPath,
    [join(projectRoot, ".github", "scripts", "find-review.cjs")],
    {
      reject: false,
      all: true,
      extendEnv: false,
      env: { ...github.environment, BRANCH: "main", RUN: `of ${TOKEN}` },
    },
  );
  expect({ exitCode, all }).toEqual({
    exitCode: 1,
    all: '::error::"of ***" is no id of a run: it is the number in the address of its page',
  });
});
