/** Rules of a listener as DescribeRules answers, with what is looked at here. */
export interface ListenerRule {
  /** A number, or `default`. */
  readonly Priority: string | number;
  readonly Conditions?: readonly ListenerCondition[];
  readonly Actions: readonly ListenerAction[];
}

export interface ListenerCondition {
  readonly Field: string;
  readonly Values?: readonly string[];
  readonly PathPatternConfig?: { readonly Values?: readonly string[] };
}

export interface ListenerAction {
  readonly Type: string;
  readonly TargetGroupArn?: string;
  readonly ForwardConfig?: { readonly TargetGroups?: readonly { readonly TargetGroupArn: string }[] };
  readonly FixedResponseConfig?: { readonly StatusCode: string };
  readonly RedirectConfig?: {
    readonly StatusCode: string;
    readonly Path?: string;
    readonly Protocol?: string;
  };
}

/** What a request gets, such as `forward app`, `fixed-response 404` or `redirect /app`. */
export type Answer = string;

/**
 * What a request for a path gets from a listener: of its rules, in order of priority, the first whose conditions all hold.
 *
 * @param path without query
 * @throws where a rule has a condition or an action that this does not know, or none is the default
 */
export function answerTo(rules: readonly ListenerRule[], path: string): Answer {
  const inOrder = [...rules].sort((one, other) => order(one) - order(other));
  const rule = inOrder.find(({ Conditions = [] }) => Conditions.every((condition) => holds(condition, path)));
  if (!rule) throw new Error(`no rule takes ${path}, and none is the default`);
  return answerOf(rule);
}

const order = ({ Priority }: ListenerRule): number => (Priority === "default" ? Infinity : Number(Priority));

function holds({ Field, Values, PathPatternConfig }: ListenerCondition, path: string): boolean {
  if (Field !== "path-pattern") throw new Error(`a rule asks for ${Field}, and here only paths are known`);
  return (PathPatternConfig?.Values ?? Values ?? []).some((pattern) => matches(pattern, path));
}

/** Whether a path is one of a pattern's: `*` is any number of characters, `?` is one, and capitals differ. */
export function matches(pattern: string, path: string): boolean {
  if (pattern === "") return path === "";
  const [first = "", rest] = [pattern[0], pattern.slice(1)];
  if (first === "*")
    return Array.from({ length: path.length + 1 }).some((_, end) => matches(rest, path.slice(end)));
  return path !== "" && (first === "?" || first === path[0]) && matches(rest, path.slice(1));
}

function answerOf({ Actions, Priority }: ListenerRule): Answer {
  const [action, ...others] = Actions;
  if (!action || others.length > 0) throw new Error(`the rule at ${Priority} has ${Actions.length} actions`);
  if (action.Type === "fixed-response") return `fixed-response ${action.FixedResponseConfig?.StatusCode}`;
  if (action.Type === "redirect") {
    const { Path = "/#{path}", Protocol } = action.RedirectConfig ?? {};
    return `redirect ${Path === "/#{path}" ? Protocol : Path}`;
  }
  if (action.Type !== "forward") throw new Error(`the rule at ${Priority} does ${action.Type}`);
  const forwarded = action.ForwardConfig?.TargetGroups?.map(({ TargetGroupArn }) => TargetGroupArn) ?? [];
  const [group, ...more] = new Set([...forwarded, ...(action.TargetGroupArn ? [action.TargetGroupArn] : [])]);
  if (group === undefined || more.length > 0)
    throw new Error(`the rule at ${Priority} has not one target group`);
  return `forward ${targetGroupName(group)}`;
}

/** The name in a target group's ARN. */
export const targetGroupName = (arn: string): string => /:targetgroup\/([^/]+)\//.exec(arn)?.[1] ?? arn;
