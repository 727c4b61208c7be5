import type { PathStep } from "../plan-document";

/*
 * What is hidden here is not in the fingerprint either: that is published beside all else that goes into it, so a weak
 * password could be found by trying. Therefore a plain setting that is taken for a secret can change unseen, and what is
 * hidden must be no more than the secret.
 */

/** Words in a name that say that it holds a secret; also as plurals, and as the end of a word such as `PGPASSWORD`. */
const secretWord =
  /(password|passwd|passphrase|secret|(?<!super)token|credential|(api|access|auth|encryption|master|private|secret|signing)key)s?\d*$|^pem$/;
/** The same, where they are the last one: in the middle of a name they mean something else. */
const secretEnd = /^((db|pg|smtp|user)?pass|pwd|pat|jwt)\d*$/;
/** The same, of two words. */
const secretPairs = new Set([
  "access key",
  "account key",
  "api key",
  "auth header",
  "auth key",
  "authorization header",
  "basic auth",
  "conn string",
  "connection string",
  "encryption key",
  "master key",
  "private key",
  "secret key",
  "signing key",
]);
/** The header, or a variable for it. In small letters it is how an API's method knows its callers. */
const isHeader = (name: PathStep): boolean =>
  /^(Proxy-)?Authorization$|(^|_)AUTHORIZATION$/.test(String(name));
/** Words behind a secret's name that tell which one it is. */
const which =
  /^(v?\d+|b64|backup|base64|current|dev|hex|live|new|next|old|previous|primary|prod|ro|rw|secondary|stage|test|value)$/;

/** Such words that hold none: they name a request, so that it is done once, or are a setting. */
const harmlessPairs = new Set(["creation token", "client token", "request token", "http tokens"]);
/** Before `tokens`: these are pieces of text, and are counted. */
const quantities = new Set("max maximum min minimum num number total count".split(" "));
/** Variables in capitals that end in KEY hold one, such as `STRIPE_KEY`, save with these words before it. */
const plainKeys = new Set(
  "cache hash kms object partition primary public publishable range routing s3 sort".split(" "),
);
/** Ends of names that tell about a secret, and are none. */
const about = new Set(
  [
    "algorithm arn arns audience authentication days enabled endpoint file from host hours id ids image issuer length",
    "manager minutes name path policy port size spec type types uri url version",
  ].flatMap((words) => words.split(" ")),
);
/** The same: how many there are, or how long one is good. */
const measure =
  /(^| )(budget|count|duration|expiration|expires|expiry|lifetime|limits?|max|min|ms|seconds|timeout|ttl|units|validity)( in| at| after)?$/;

/**
 * Whether a value there is taken for a secret by its name alone. Providers mark what they know to be sensitive; this is
 * for what they do not know, such as a password in a task's `environment`.
 */
export const holdsSecret = (path: readonly PathStep[]): boolean => {
  const names = withoutConditions(path);
  if (sayingOf(names.at(-1)) === "about one" || names.includes("token_validity_units")) return false;
  return names.some(
    (step, place) => sayingOf(step) === "secret" && !hasNamed(names[place - 1]) && !isVersionLabel(step),
  );
};

/** What a name says of its value. */
function sayingOf(step: PathStep | undefined): "secret" | "about one" | "nothing" {
  if (typeof step !== "string") return "nothing";
  const found = sayings.get(step);
  if (found !== undefined) return found;
  const words = wordsOf(step);
  const isSecret = isSecretName(words) || isKeyVariable(step) || isHeader(step);
  const saying = isAbout(words) ? "about one" : isSecret ? "secret" : "nothing";
  sayings.set(step, saying);
  return saying;
}
/** The same few names come in every line. */
const sayings = new Map<string, ReturnType<typeof sayingOf>>();

/** What is in it has names of its own, such as the Sid ReadSecrets or the container supertokens, with no value for them. */
const hasNamed = (step: PathStep | undefined): boolean =>
  isStatement(step) || /^(container_?definitions|containers?|portMappings|volumes?)$/i.test(String(step));

/** Atomic Calendar's containers have the versions of their secrets as labels. */
const isVersionLabel = (step: PathStep): boolean => String(step).startsWith("landfall.secret.");

const isStatement = (step: PathStep | undefined): boolean => /^statement$/i.test(String(step));

/** A policy's conditions name keys such as `token.actions.githubusercontent.com:sub`, which say who comes in. */
const withoutConditions = (path: readonly PathStep[]): readonly PathStep[] => {
  const place = path.findIndex(
    (step, index) => step === "Condition" && path.slice(0, index).some(isStatement),
  );
  return place < 0 ? path : path.slice(0, place);
};

const isAbout = (words: readonly string[]): boolean => {
  const bare = withoutWhich(words);
  return about.has(bare.at(-1) ?? "") || measure.test(bare.join(" "));
};

const isSecretName = (words: readonly string[]): boolean =>
  !isAbout(words) &&
  (secretEnd.test(withoutWhich(words).at(-1) ?? "") ||
    words.some((word, index) => {
      const pair = `${words[index - 1] ?? ""} ${word}`;
      return (
        (secretWord.test(word) && !harmlessPairs.has(pair) && !isCounted(words, index)) ||
        secretPairs.has(pair.replace(/keys?\d*$/, "key"))
      );
    }));

const isCounted = (words: readonly string[], index: number): boolean =>
  words[index] === "tokens" &&
  (words[index + 1] === "per" || words.slice(0, index).some((word) => quantities.has(word)));

const isKeyVariable = (name: PathStep): boolean => {
  if (typeof name !== "string" || !/^[A-Z][A-Z\d_]*$/.test(name)) return false;
  const words = withoutWhich(wordsOf(name));
  return words.length > 1 && /^keys?\d*$/.test(words.at(-1) ?? "") && !plainKeys.has(words.at(-2) ?? "");
};

/** `DB_PASS_1` is as `DB_PASS`. */
const withoutWhich = (words: readonly string[]): readonly string[] =>
  words.slice(0, words.findLastIndex((word, index) => index === 0 || !which.test(word)) + 1);

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
export const isPrivateKey = (text: string): boolean =>
  /-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----/.test(text);

/** Whether a text is the name of something in AWS, which is no secret whatever it is called. */
export const isArn = (text: string): boolean => /^arn:[\w-]+:[\w-]+:[\w-]*:\d*:[\w+=,.@:/-]+$/.test(text);

const hidden = "(sensitive)";

/**
 * The text without the secrets that are known by their look or their place in it: tokens of well-known services, the user
 * and password of addresses, and values such as in `…;Password=…`. Takes time as the text is long, whatever is in it: each
 * pattern goes on behind what it has found, and looks ahead for a limited length.
 */
export const withoutKnownSecrets = (text: string): string =>
  withoutAssigned(
    withoutUsers(
      looks.reduce((rest, look) => rest.replace(look, hidden), text).replace(inHeader, `$1${hidden}`),
    ),
  );

/** What services put in front of their tokens, so that they are found where they should not be. */
const looks = [
  /(?<![A-Za-z\d])(gh[a-z]_|github_pat_|(sk|rk)_(live|test)_|whsec_)\w{8,}/g, // GitHub, Stripe
  /(?<![A-Za-z\d])(glpat-|xox[a-z]-|xapp-)[\w-]{8,}/g, // GitLab, Slack
  /(?<=\bhooks\.slack\.com\/services\/)[\w/]+/g,
  /(?<![A-Za-z\d])(AKIA|ASIA)[A-Z\d]{16}(?![A-Za-z\d])/g, // AWS
  /(?<![A-Za-z\d])sk-(?=[\w-]{0,200}\d)[\w-]{20,}/g, // OpenAI and others
  /(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/g, // a JSON Web Token
];
/** With a digit in it: else it is a sentence. */
const inHeader = /\b((?:Bearer|Basic) +)(?=[\w.~+/-]{0,256}\d)[\w.~+/-]{8,}=*/gi;

/** Of each address what follows its `://`, up to the next one's. */
const addresses = /(?<=[a-z\d+.-]:\/\/)(?:(?!:\/\/)[^\s"'])+/gi;
/** What may be a user and a password, and what is rather hosts with ports. */
const startsWithLogin = /^(?!\[)[^/?#@:]*:/;
const startsWithPort = /^[^/?#@:]+:\d{0,5}(?:,[\w.-]+(?::\d{1,5})?)*(?:[/?#;]|$)/;

/** A password may have an @, a comma or a slash in it. Over HTTP a user alone is a token. */
const withoutUsers = (text: string): string =>
  text.replace(addresses, (address: string, place: number) => {
    const user = /https?:\/\/$/i.test(text.slice(Math.max(0, place - 8), place))
      ? /^[^/?#@:,]+(?=@)/.exec(address)?.[0].length
      : undefined;
    const isLogin = startsWithLogin.test(address) && !startsWithPort.test(address);
    const end = isLogin ? lastAt(address) : user;
    return end === undefined ? address : `${hidden}${address.slice(end)}`;
  });

/** Where a login ends: at the last @ before a query, else at the last one. That of an image's digest is none. */
function lastAt(address: string): number | undefined {
  const places = [...address.matchAll(/@(?!sha\d+:)/g)].map(({ index }) => index);
  const query = address.indexOf("?");
  return places.findLast((place) => place < query) ?? places.at(-1);
}

/** `name=` in queries, connection strings and scripts, and `"name":` in JSON; not where a variable or a command follows. */
const assigned =
  /(?<![\w.])([A-Za-z][\w.-]{0,63})(=|\\?["'][ \t]{0,8}:[ \t]{0,8})(?!\\?["']?(?:\$[\w({]|\ue000|`|\{\{|=))/g;
const assignedValue = /"[^"\n]*"|'[^'\n]*'|(?:(?!,[\w.-]{1,64}=)[^\s&;"'])+/y;
const jsonValue =
  /\\"(?:(?!\\")[^\n])*(?:\\")?|"[^"\n]*"?|'[^'\n]*'?|(?!(?:null|true|false)\b)[^\s,[\]{}"'\\]+/y;

function withoutAssigned(text: string): string {
  const parts: string[] = [];
  let done = 0;
  for (const { 0: match, 1: name = "", 2: sign, index } of text.matchAll(assigned)) {
    if (index < done || !holdsSecret([name])) continue;
    const value = sign === "=" ? assignedValue : jsonValue;
    value.lastIndex = index + match.length;
    const found = value.exec(text)?.[0];
    if (found === undefined || isNothing(found) || isArn(unquoted(found))) continue;
    parts.push(text.slice(done, index + match.length), hidden);
    done = index + match.length + found.length;
  }
  return parts.join("") + text.slice(done);
}

const isNothing = (value: string): boolean => unquoted(value.replaceAll("\\", "")) === "";

/** `name=value` and `name: value`, as scripts, environment files and YAML have them. */
const assignment =
  /^(\s*(?:- +)?(?:(?:export|local|readonly) +)?["']?)([\w.-]+)(["']?(?:[ \t]*=[ \t]*|:[ \t]+))(\S[^]*)$/;
/** What a shell puts there, an empty value, or the start of a block. */
const noValue =
  /^(?:`|"?\ue000[^\ue001]*\ue001"?\s*$|"?\$(?:\(|(?:[A-Z\d_]+|\{\w+(?::?\?[^}]*|:?-)?\})"?\s*$)|""|''|[|>][-+\d]*\s*$|(?:null|true|false)\s*$)/;

/** A line of a script or a file of settings, without the value where its name says that this is a secret. */
function withoutNamed(line: string): string {
  const [, start = "", name = "", sign = "", value = ""] = assignment.exec(line) ?? [];
  const isSecret = name !== "" && !noValue.test(value) && !isArn(unquoted(value)) && holdsSecret([name]);
  return isSecret ? `${start}${name}${sign}${hidden}` : line;
}

/** `name: |`, of which the value is what is further in below. */
const block = /^[\s-]*["']?([\w.-]+)["']?:[ \t]+[|>][-+\d]*\s*$/;
/** `name: DB_PASSWORD`, of which the value is in the next line. */
const named = /^[\s{-]*(["']?)name\1\s*:\s*(["']?)([\w.-]+)\2,?\s*$/i;
const valueLine = /^(\s*(["']?)value\2\s*:\s*)\S[^]*$/i;

/** A text without the secrets that its lines name, and those that are {@link withoutKnownSecrets known} by themselves. */
export function withoutSecrets(text: string): string {
  let within = Infinity; // how far in the lines of a secret's block are, at least
  let name = "";
  const lines = text.split("\n").map((line) => {
    const indent = line.search(/\S/);
    if (indent < 0) return line;
    if (indent >= within) return line.slice(0, indent) + hidden;
    within = holdsSecret([block.exec(line)?.[1] ?? ""]) ? indent + 1 : Infinity;
    const isValue = name !== "" && holdsSecret([name]);
    name = named.exec(line)?.[3] ?? "";
    return isValue ? line.replace(valueLine, `$1${hidden}`) : withoutNamed(line);
  });
  return withoutKnownSecrets(lines.join("\n"));
}

const unquoted = (text: string): string => text.trim().replace(/^(["'])(.*)\1$/s, "$2");
