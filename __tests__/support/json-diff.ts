/** What became of a block of JSON: each attribute that differs, by its path. */
export interface Difference {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Attributes that differ; entries of a list that have a `Sid`, as policies' statements do, are compared by it. */
export function differences(before: unknown, after: unknown, path = ""): Difference[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ path, before, after }];
  const [one, other] = [bySid(before), bySid(after)];
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  return keys.flatMap((key) => differences(one[key], other[key], path === "" ? key : `${path}.${key}`));
}

type Values = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Values => typeof value === "object" && value !== null;
const bySid = (value: Values): Values =>
  Array.isArray(value) && value.every((item) => isObject(item) && "Sid" in item)
    ? Object.fromEntries((value as Values[]).map((item) => [String(item.Sid), item]))
    : value;
