/** Most texts of policies have none, and are simply compared. */
export const hasWildcard = (text: string): boolean => text.includes("*") || text.includes("?");

/**
 * Whether a pattern stands for a text, which may be a pattern itself: `*` is any number of characters, `?` is one, which is
 * less than any number. Takes at most the product of both lengths, whatever is in them.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function coversText(pattern: string, text: string): boolean {
  if (!hasWildcard(pattern)) return pattern === text;
  let at = 0;
  let star = -1;
  let end = 0; // of what the last star stands for
  for (let index = 0; index < text.length;) {
    const sign = pattern[at];
    if (sign === "*") {
      star = at++;
      end = index;
    } else if (sign === text[index] || (sign === "?" && text[index] !== "*")) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++end;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}
