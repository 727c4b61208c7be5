type Pattern = Readonly<Record<string, unknown>>;

/**
 * Whether EventBridge matches an event, as far as our patterns go: exact values, `anything-but`, `suffix`, `wildcard`, `$or`, and
 * arrays of objects of which one must have all the wanted fields.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function isMatched(pattern: Pattern, event: unknown): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    if (field === "$or") return (wanted as Pattern[]).some((one) => isMatched(one, event));
    const value = (event as Pattern | undefined)?.[field];
    if (!Array.isArray(wanted)) {
      const candidates: readonly unknown[] = Array.isArray(value) ? value : [value];
      return candidates.some((candidate) => isMatched(wanted as Pattern, candidate));
    }
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return wanted.some((rule) => values.some((one) => passes(rule, one)));
  });
}

function passes(rule: unknown, value: unknown): boolean {
  if (typeof rule !== "object" || rule === null) return rule === value;
  const { suffix, wildcard, "anything-but": but, ...others } = rule as Record<string, unknown>;
  if (Object.keys(others).length > 0) throw new Error(`this matcher does not know ${JSON.stringify(others)}`);
  if (suffix !== undefined) return typeof value === "string" && value.endsWith(String(suffix));
  if (wildcard !== undefined) {
    const parts = String(wildcard)
      .split("*")
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    return typeof value === "string" && new RegExp(`^${parts.join(".*")}$`, "s").test(value);
  }
  return value !== undefined && !(but as unknown[]).includes(value);
}
