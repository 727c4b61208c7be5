import { coversText } from "./wildcards";

/** Paths of one target, and where their rules stand among those of the listener. */
export interface PathRoute {
  /** Names the route in errors and its resources' addresses. */
  readonly name: string;
  /**
   * Paths that are its own. `*` stands for any number of characters, slashes too, and `?` for one; capitals differ.
   * "/app*" takes "/apple" as well: mostly "/app" and "/app/*" are meant.
   */
  readonly paths: readonly string[];
  /**
   * Where its first rule stands, 1 to 50000; the least is asked first. AWS takes 5 paths a rule: of more, each further
   * 5 stand at the next number. Leave gaps: two routes cannot change places in one apply, as AWS takes no number twice.
   */
  readonly priority: number;
  /**
   * IPv4 and IPv6 networks from which the paths are reached; for others there is no such route. Of more than 2 paths or
   * 3 networks, the further ones stand at the next numbers.
   *
   * @default any
   */
  readonly cidrs?: readonly string[];
}

export interface PathRule {
  readonly route: string;
  readonly priority: number;
  readonly paths: readonly string[];
  /** Some of the route's networks. */
  readonly cidrs?: readonly string[];
}

const PRIORITIES = 50_000;
/**
 * Paths, and wildcards, of one rule. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
 * has 6 wildcards, the guide to conditions 5.
 */
const PER_RULE = 5;
/** Of those 5 values, where a rule asks for networks too. AWS takes 3 of these a condition. */
const WITH_CIDRS = { paths: 2, cidrs: 3 };
const PATH_LENGTH = 128;
/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html#path-conditions */
const PATH = /^\/[\w.$/~"'@:+&*?-]*$/;

const wildcards = (paths: readonly string[]): number => paths.join("").replace(/[^*?]/g, "").length;

/**
 * The rules of a route.
 * @throws where AWS would refuse one
 */
export function rulesOf({ name, paths, priority, cidrs }: PathRoute): PathRule[] {
  if (paths.length === 0) throw new Error(`route ${name} has no paths`);
  if (cidrs?.length === 0) throw new Error(`route ${name} is for no network: leave it out`);
  const most = cidrs ? WITH_CIDRS.paths : PER_RULE;
  const groups: string[][] = [];
  for (const path of paths) {
    if (!PATH.test(path) || path.length > PATH_LENGTH)
      throw new Error(
        `route ${name}: AWS does not take the path "${path}": ` +
          `at most ${PATH_LENGTH} characters, the first a slash, then letters, digits and _-.$/~"'@:+&*?`,
      );
    if (wildcards([path]) > PER_RULE)
      throw new Error(`route ${name}: the path "${path}" has more than ${PER_RULE} wildcards`);
    const last = groups.at(-1);
    if (last && last.length < most && wildcards([...last, path]) <= PER_RULE) last.push(path);
    else groups.push([path]);
  }
  const networks = cidrs ? inGroups(cidrs, WITH_CIDRS.cidrs) : [undefined];
  const rules = groups
    .flatMap((group) => networks.map((some) => ({ paths: group, ...(some && { cidrs: some }) })))
    .map((rule, index) => ({ route: name, priority: priority + index, ...rule }));
  for (const rule of rules)
    if (!Number.isInteger(rule.priority) || rule.priority < 1 || rule.priority > PRIORITIES)
      throw new Error(`route ${name}: priority ${rule.priority} is not one of 1 to ${PRIORITIES}`);
  return rules;
}

const inGroups = (values: readonly string[], most: number): string[][] =>
  Array.from({ length: Math.ceil(values.length / most) }, (_, index) =>
    values.slice(index * most, (index + 1) * most),
  );

/**
 * Checks rules against those that are there already.
 * @throws where two stand at one place, and where a path can never be reached, as a rule before takes all of it
 */
export function checkRules(rules: readonly PathRule[], present: readonly PathRule[]): void {
  for (const rule of rules)
    for (const other of present) {
      if (other.priority === rule.priority)
        throw new Error(
          `routes ${other.route} and ${rule.route} both have a rule at priority ${rule.priority}`,
        );
      const [first, second] = other.priority < rule.priority ? [other, rule] : [rule, other];
      if (first.cidrs) continue; // it leaves the path to all other networks
      for (const path of second.paths) {
        const taker = first.paths.find((one) => coversText(one, path));
        if (taker !== undefined)
          throw new Error(
            `route ${second.route} never gets "${path}" at priority ${second.priority}: ` +
              `"${taker}" of route ${first.route} at ${first.priority} takes it`,
          );
      }
    }
}
