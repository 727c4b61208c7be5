import type { PathStep } from "../plan-document";

/** Words in a name that say that it holds a secret; also as plurals, and as the end of a word such as `PGPASSWORD`. */
const secretWord = /(password|passwd|passphrase|secret|token|credential|apikey)s?$|^pem$/;
/** The same, where they are the last one: in the middle of a name they mean something else. */
const secretEnds = new Set(["pass", "pwd", "pat"]);
/** The same, of two words. */
const secretPairs = new Set([
  "private key",
  "secret key",
  "api key",
  "auth key",
  "signing key",
  "encryption key",
  "connection string",
  "conn string",
]);
/** Such words that hold none: they name a request, so that it is done once, or are a setting. */
const harmlessPairs = new Set(["creation token", "client token", "request token", "http tokens"]);
/** Variables in capitals that end in KEY hold one, such as `STRIPE_KEY`, save with these words before it. */
const isKeyVariable = (name: PathStep): boolean =>
  typeof name === "string" &&
  /^[A-Z][A-Z\d_]*_KEYS?$/.test(name) &&
  !/(^|_)(CACHE|HASH|KMS|OBJECT|PARTITION|PRIMARY|PUBLIC|PUBLISHABLE|RANGE|ROUTING|S3|SORT)_KEYS?$/.test(
    name,
  );
/** Ends of names that tell about a secret, and are none. */
const about = new Set(
  "arn arns id ids name version enabled path length type types from days hours minutes url uri".split(" "),
);

/** Lists whose entries' names say nothing of what is in them: a Sid such as ReadSecrets, a container such as token-api. */
const named = /^(statement|container_?definitions)$/i;

/**
 * Whether a value there is taken for a secret by its name alone. Providers mark what they know to be sensitive; this is
 * for what they do not know, such as a password in a task's `environment`.
 */
export const holdsSecret = (path: readonly PathStep[]): boolean => {
  const last = wordsOf(path.at(-1)).at(-1);
  if (last !== undefined && about.has(last)) return false;
  return path.some((step, place) => {
    if (place > 0 && named.test(String(path[place - 1]))) return false;
    return isSecretName(wordsOf(step)) || isKeyVariable(step);
  });
};

const isSecretName = (words: readonly string[]): boolean =>
  !about.has(words.at(-1) ?? "") &&
  (secretEnds.has(words.at(-1) ?? "") ||
    words.some((word, index) => {
      const pair = `${words[index - 1] ?? ""} ${word}`;
      return (
        (secretWord.test(word) && !harmlessPairs.has(pair)) || secretPairs.has(pair.replace(/keys$/, "key"))
      );
    }));

/** `DB_PASSWORD`, `dbPassword` and `db-password` are the same two words. */
const wordsOf = (step: PathStep | undefined): string[] =>
  typeof step === "string"
    ? step
        .replace(/([a-z\d])([A-Z])/g, "$1 $2")
        .toLowerCase()
        .split(/[^a-z\d]+/)
        .filter(Boolean)
    : [];

/** Whether a text is a key that nobody else may have, whatever its name. */
export const isPrivateKey = (text: string): boolean => /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);

/** Whether a text is the name of something in AWS, which is no secret whatever it is called. */
export const isArn = (text: string): boolean => /^arn:[\w-]+:[\w-]+:[\w-]*:\d*:[\w+=,.@:/-]+$/.test(text);

/** The text without the user and password of the addresses in it. A password may have an @ or a slash in it. */
export const withoutLogins = (text: string): string =>
  !text.includes("://")
    ? text
    : text.replace(/(\b[a-z][a-z\d+.-]*:\/\/)[^\s/@:"']*:[^\s"']*@/gi, "$1(sensitive)@");

/** `name=value` and `name: value`, as scripts, environment files and YAML have them. */
const assignment = /^(\s*(?:- +)?(?:(?:export|local|readonly) +)?["']?)([\w.-]+)(["']?(?: *= *|: +))(\S.*)$/;
/** What a shell puts there, an empty value, or the start of a block. */
const noValue =
  /^(?:"?\$(?:\(|(?:[A-Z\d_]+|\{\w+(?::?\?[^}]*|:?-)?\})"?\s*$)|""|''|[|>][-+]?\s*$|(?:null|true|false)\s*$)/;

/** A line of a script or a file of settings, without the value where its name says that this is a secret. */
export function withoutSecret(line: string): string {
  const [, start = "", name = "", sign = "", value = ""] = assignment.exec(line) ?? [];
  const isSecret = name !== "" && !noValue.test(value) && !isArn(unquoted(value)) && holdsSecret([name]);
  return withoutLogins(isSecret ? `${start}${name}${sign}(sensitive)` : line);
}

/** A value where every line of every text in it is {@link withoutSecret}. */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === "string") return value.split("\n").map(withoutSecret).join("\n");
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutSecrets(part)]));
}

const unquoted = (text: string): string => text.trim().replace(/^(["'])(.*)\1$/, "$2");
