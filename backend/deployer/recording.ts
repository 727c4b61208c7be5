import recorded from "./actions.json";

/** Which of `aws:RequestTag` and `aws:ResourceTag` AWS knows for an action on a type of resource. */
export type TagSupport = "none" | "request" | "resource" | "both";

/** What was seen of an IAM action, and what AWS says of it. */
export interface RecordedAction {
  readonly access: "read" | "write";
  readonly phases: readonly string[];
  /** By the stack or system that needs it: a resource that it was asked for, null where a request named none. */
  readonly by: Readonly<Record<string, string | null>>;
  /** Types of resources that it can be limited to; none where AWS knows only `*`. */
  readonly types: Readonly<Record<string, TagSupport>>;
  /** Whether AWS knows `aws:RequestTag` for it, whatever the type. */
  readonly requestTags?: boolean;
  /** Whether AWS knows `aws:ResourceTag` for it, whatever the type. */
  readonly resourceTags?: boolean;
  /** Whether each request had our tags. */
  readonly tagged?: boolean;
  /** Of iam:PassRole: services that got a role. */
  readonly passedTo?: readonly string[];
}

/** All that was recorded, by action. condense.ts writes it. */
export const recording = recorded as unknown as Readonly<Record<string, RecordedAction>>;
