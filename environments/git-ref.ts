/** The rules of git-check-ref-format(1), as for `--allow-onelevel`, and no `-` first: git would take it for an option. */
const rules: readonly (readonly [RegExp, string])[] = [
  [/^$/, "is empty"],
  [/^-/, 'begins with "-"'],
  [/(^|\/)\./, 'has a part that begins with "."'],
  [/\.lock(\/|$)/, 'has a part that ends in ".lock"'],
  [/\.\./, 'has ".."'],
  [/[\p{Cc} ~^:?*[\\]/u, "has a blank, a control character or one of ~ ^ : ? * [ \\"],
  [/^\/|\/$|\/\//, 'begins or ends with "/", or has "//"'],
  [/\.$/, 'ends in "."'],
  [/@\{/, 'has "@{"'],
  [/^@$/, 'is "@" alone'],
];

/** What is wrong with a git ref, if anything. */
export const gitRefProblem = (ref: string): string | undefined =>
  rules.find(([pattern]) => pattern.test(ref))?.[1];
