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
}

export interface PathRule {
  readonly route: string;
  readonly priority: number;
  readonly paths: readonly string[];
}

const PRIORITIES = 50_000;
/**
 * Paths, and wildcards, of one rule. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
 * has 6 wildcards, the guide to conditions 5.
 */
const PER_RULE = 5;
const PATH_LENGTH = 128;
/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html#path-conditions */
const PATH = /^\/[\w.$/~"'@:+&*?-]*$/;

const wildcards = (paths: readonly string[]): number => paths.join("").replace(/[^*?]/g, "").length;

/**
 * The rules of a route.
 * @throws where AWS would refuse one
 */
export function rulesOf({ name, paths, priority }: PathRoute): PathRule[] {
  if (paths.length === 0) throw new Error(`route ${name} has no paths`);
  const rules: { route: string; priority: number; paths: string[] }[] = [];
  for (const path of paths) {
    if (!PATH.test(path) || path.length > PATH_LENGTH)
      throw new Error(
        `route ${name}: AWS does not take the path "${path}": ` +
          `at most ${PATH_LENGTH} characters, the first a slash, then letters, digits and _-.$/~"'@:+&*?`,
      );
    if (wildcards([path]) > PER_RULE)
      throw new Error(`route ${name}: the path "${path}" has more than ${PER_RULE} wildcards`);
    const last = rules.at(-1);
    if (last && last.paths.length < PER_RULE && wildcards([...last.paths, path]) <= PER_RULE)
      last.paths.push(path);
    else rules.push({ route: name, priority: priority + rules.length, paths: [path] });
  }
  for (const rule of rules)
    if (!Number.isInteger(rule.priority) || rule.priority < 1 || rule.priority > PRIORITIES)
      throw new Error(`route ${name}: priority ${rule.priority} is not one of 1 to ${PRIORITIES}`);
  return rules;
}

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
      for (const path of second.paths) {
        const taker = first.paths.find((one) => covers(one, path));
        if (taker !== undefined)
          throw new Error(
            `route ${second.route} never gets "${path}" at priority ${second.priority}: ` +
              `"${taker}" of route ${first.route} at ${first.priority} takes it`,
          );
      }
    }
}

/** Whether one pattern takes all that another one takes. */
export function covers(wide: string, narrow: string): boolean {
  const pattern = wide
    .replace(/\*+/g, "*")
    .replace(/[^\w*?]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, "[^*]"); // one character is not any number of them
  return new RegExp(`^${pattern}$`, "s").test(narrow);
}
