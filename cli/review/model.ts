import type { PathStep } from "../plan-document";

/** What becomes of a resource; in the order in which a reviewer wants to see them. */
export const reviewedActions = [
  "replace",
  "delete",
  "forget",
  "update",
  "create",
  "import",
  "move",
  "read",
] as const;
export type ReviewedAction = (typeof reviewedActions)[number];

/** A value as it may be shown: never a secret. */
export type Shown =
  | {
      readonly kind: "value";
      readonly text: string;
      /** All of it, where `text` is a part. */
      readonly full?: string;
    }
  | { readonly kind: "sensitive" }
  | {
      readonly kind: "unknown";
      /** References of which it is made that are not known either, where the configuration says so. */
      readonly from?: readonly string[];
      /** What the configuration says, with references as `${...}`. */
      readonly configured?: string;
    }
  | { readonly kind: "absent" };

/** What differs between two lists, where they share something. */
export interface EntryChanges {
  readonly gone: readonly string[];
  readonly new: readonly string[];
  /** How many are in both. */
  readonly same: number;
}

/** Both ends of a change, with what helps to compare them. */
export interface ShownEnds {
  readonly before: Shown;
  readonly after: Shown;
  /** Of lists. */
  readonly entries?: EntryChanges;
  /** Of texts of lines: all lines of both, with `-`, `+` or a space before each. */
  readonly lines?: readonly string[];
}

/** One attribute of a resource. */
export interface AttributeChange extends ShownEnds {
  readonly path: readonly PathStep[];
  /** Whether it is why the resource is replaced. */
  readonly replaces: boolean;
}

/** One resource. */
export interface ReviewedChange {
  readonly address: string;
  readonly type: string;
  /** Value of the tag System, or that of what it belongs to; `landfall` where neither says. */
  readonly system: string;
  readonly action: ReviewedAction;
  /** Why it is replaced or destroyed, in words, where Terraform says so. */
  readonly reason?: string;
  /** Where it was moved from. */
  readonly previousAddress?: string;
  /** Its id in AWS, where it is imported. */
  readonly importId?: string;
  readonly attributes: readonly AttributeChange[];
  /** Attributes whose text is JSON, of which `attributes` has the parts that differ: all of their lines. */
  readonly documents?: readonly DocumentChange[];
}

/** A text of JSON with a line for each member. */
export interface DocumentChange {
  readonly path: readonly PathStep[];
  /** Lines of both ends, with `-`, `+` or a space before each. */
  readonly lines: readonly string[];
}

/** What somebody must look at, found by a rule of cli/guards. */
export interface Risk {
  /** Such as `data-lost`. */
  readonly rule: string;
  /** Whether `apply` refuses the plan for it. */
  readonly refused: boolean;
  readonly address: string;
  /** One sentence. */
  readonly what: string;
}

/** One output. */
export interface OutputChange extends ShownEnds {
  readonly name: string;
  readonly action: "create" | "update" | "delete";
}

/** US dollars a month at list prices. */
export interface CostChange {
  readonly before: number;
  readonly after: number;
  /** What the change is made of, largest first. */
  readonly lines: readonly { readonly address: string; readonly system: string; readonly monthly: number }[];
  /** Addresses of what changes and may cost something, and is in no line. */
  readonly notEstimated: readonly string[];
}

/** What a plan would do, as a reviewer reads it. The same in all formats; `--format json` prints it as it is. */
export interface Review {
  /** Of this structure; raised where a reader would have to change. */
  readonly version: 1;
  readonly stack: string;
  /** Digest of what would be done. Two plans that would do the same have the same. */
  readonly fingerprint: string;
  /** Why this is not all that is to do, in words; undefined where it is. */
  readonly incomplete?: string;
  readonly counts: Readonly<Record<ReviewedAction, number>>;
  /** By system, and there replaced and destroyed first. Without what stays as it is. */
  readonly changes: readonly ReviewedChange[];
  readonly outputs: readonly OutputChange[];
  /** What somebody else changed in AWS since the last apply. */
  readonly drift: readonly ReviewedChange[];
  readonly risks: readonly Risk[];
  readonly cost?: CostChange;
}
