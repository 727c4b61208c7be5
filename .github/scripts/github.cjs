// GitHub's REST API for the workflows' scripts. No packages: these scripts run with a token that may write.
/* global fetch, URL */
const { appendFileSync } = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");

const ATTEMPTS = 5;
const PER_PAGE = 100;
const MAX_PAGES = 100;

/** An answer of GitHub's that is no success. `status` is undefined where there was none. */
class GitHubError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }

  /** Whether GitHub may have done what was asked all the same. */
  get isUncertain() {
    return this.status === undefined || this.status >= 500;
  }
}

/** @returns value of a variable that must be there */
function required(name, environment = process.env) {
  const value = environment[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/**
 * Calls of one repository, with the token of this run.
 *
 * Waits and asks again where GitHub says that it is too much, and, where asking twice does no harm, where it fails.
 * `LANDFALL_RETRY_MS` is the first wait in milliseconds (1000), `LANDFALL_RETRY_MAX_MS` the longest one (120000).
 */
class GitHub {
  constructor(environment = process.env) {
    this.token = required("GITHUB_TOKEN", environment);
    this.repository = required("GITHUB_REPOSITORY", environment);
    this.api = (environment.GITHUB_API_URL || "https://api.github.com").replace(/\/$/, "");
    this.firstWait = Number(environment.LANDFALL_RETRY_MS || 1000);
    this.longestWait = Number(environment.LANDFALL_RETRY_MAX_MS || 120000);
  }

  /** @param path within the repository, such as `/issues/7`. @throws {GitHubError} */
  async request(method, path, body) {
    return (await this.call(method, this.urlOf(path), body)).data;
  }

  /**
   * All items of a list, whatever number of pages it has.
   * @param pick takes the items out of a page. @default the page itself
   */
  async list(path, pick = (page) => page) {
    const items = [];
    let url = this.urlOf(`${path}${path.includes("?") ? "&" : "?"}per_page=${PER_PAGE}`);
    for (let page = 0; url !== undefined; page++) {
      if (page === MAX_PAGES) throw new GitHubError(`GET ${path}: more than ${MAX_PAGES} pages`);
      const { data, next } = await this.call("GET", url);
      items.push(...pick(data));
      url = next;
    }
    return items;
  }

  urlOf(path) {
    return `${this.api}/repos/${this.repository}${path}`;
  }

  async call(method, url, body) {
    for (let attempt = 1; ; attempt++) {
      const { response, text, failure } = await this.ask(method, url, body);
      if (response?.ok)
        return { data: text === "" ? undefined : JSON.parse(text), next: this.nextOf(response) };
      const error = failure ?? this.errorOf(method, url, response, text);
      const wait = this.waitBefore(attempt, response, text);
      const mayRepeat = wait !== undefined && (!error.isUncertain || method !== "POST");
      if (!mayRepeat || attempt === ATTEMPTS) throw error;
      if (wait > this.longestWait) {
        throw new GitHubError(`${error.message}; it says to wait ${Math.ceil(wait / 1000)} s`, error.status);
      }
      await sleep(wait);
    }
  }

  async ask(method, url, body) {
    try {
      const response = await fetch(url, {
        method,
        headers: {
          accept: "application/vnd.github+json",
          authorization: `Bearer ${this.token}`,
          "user-agent": "landfall",
          "x-github-api-version": "2022-11-28",
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: "error", // none is expected, and the token goes nowhere else
      });
      return { response, text: await response.text() };
    } catch (error) {
      const reason = error.cause?.code ?? error.cause?.message ?? error.message;
      return { failure: new GitHubError(this.masked(`${method} ${pathOf(url)}: ${reason}`)) };
    }
  }

  errorOf(method, url, response, text) {
    const said = messageIn(text).slice(0, 300);
    return new GitHubError(
      this.masked(`${method} ${pathOf(url)}: ${response.status} ${said}`),
      response.status,
    );
  }

  /** Milliseconds to wait before the next attempt; undefined where another one would end the same. */
  waitBefore(attempt, response, text) {
    const doubled = this.firstWait * 2 ** (attempt - 1);
    if (!response || response.status >= 500) return doubled;
    if (response.status !== 403 && response.status !== 429) return undefined;
    const after = response.headers.get("retry-after");
    if (after !== null) return Number(after) * 1000;
    if (response.headers.get("x-ratelimit-remaining") === "0") {
      return Math.max(Number(response.headers.get("x-ratelimit-reset")) * 1000 - Date.now(), doubled);
    }
    return response.status === 429 || /rate limit/i.test(text) ? doubled : undefined;
  }

  /** The next page, of the same API only. */
  nextOf(response) {
    const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
    if (next === undefined) return undefined;
    if (new URL(next).origin !== new URL(this.api).origin) {
      throw new GitHubError(
        `GitHub names a next page at ${new URL(next).origin}, and the token does not go there`,
      );
    }
    return next;
  }

  masked(text) {
    return text.replaceAll(this.token, "***");
  }
}

const pathOf = (url) => new URL(url).pathname;

function messageIn(text) {
  try {
    return String(JSON.parse(text).message ?? "");
  } catch {
    return text.replace(/\s+/g, " ");
  }
}

/**
 * Makes what is not there, or changes it. A creation that may have happened although GitHub failed is looked for again.
 * @param find gives what there is, or undefined
 */
async function upsert({ find, create, update }) {
  for (let attempt = 1; ; attempt++) {
    const found = await find();
    if (found !== undefined) return update(found);
    try {
      return await create();
    } catch (error) {
      if (!(error instanceof GitHubError) || !error.isUncertain || attempt === 3) throw error;
    }
  }
}

/** Whose comments and issues are ours: what workflows write with their own token. */
const AUTHOR = "github-actions[bot]";

/** Whether we wrote a comment or an issue of this marker. Anybody can write the marker into theirs. */
const isOurs = ({ user, body }, marker) => user?.login === AUTHOR && (body ?? "").startsWith(marker);

/** Sets a step's output. */
function setOutput(name, value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (/[\r\n]/.test(text)) throw new Error(`the output ${name} has more than one line`);
  const file = process.env.GITHUB_OUTPUT;
  if (file) appendFileSync(file, `${name}=${text}\n`);
  else console.log(`${name}=${text}`);
}

/** Adds Markdown to the run's summary. */
function summarize(markdown) {
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (file) appendFileSync(file, `${markdown}\n`);
  console.log(markdown);
}

/** Text as Markdown shows it in fixed width, whatever is in it. */
function code(text) {
  const line = text.replace(/[\r\n]+/g, " ");
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map((ticks) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return longest > 0 ? `${fence} ${line} ${fence}` : `${fence}${line}${fence}`;
}

/** The page of this run. */
function runUrl(environment = process.env) {
  const server = environment.GITHUB_SERVER_URL || "https://github.com";
  return `${server}/${required("GITHUB_REPOSITORY", environment)}/actions/runs/${required("GITHUB_RUN_ID", environment)}`;
}

/** A failure in one line as GitHub shows it, without the token. */
function failureOf({ message }) {
  const token = process.env.GITHUB_TOKEN;
  const shown = token ? message.replaceAll(token, "***") : message;
  return `::error::${shown.replace(/%/g, "%25").replace(/\r?\n/g, "%0A")}`;
}

/** Runs a script's main function. */
function main(work) {
  Promise.resolve()
    .then(work)
    .catch((error) => {
      console.error(failureOf(error));
      process.exitCode = 1;
    });
}

module.exports = {
  GitHub,
  GitHubError,
  code,
  failureOf,
  isOurs,
  main,
  required,
  runUrl,
  setOutput,
  summarize,
  upsert,
};
