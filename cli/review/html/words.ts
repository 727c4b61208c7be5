import type { ReviewedAction } from "../model";

/** How an action is told: a sign, and a word that goes with it. */
export interface ActionWords {
  readonly sign: string;
  /** Such as `2 destroyed`. */
  readonly done: string;
}

export const actionWords: Readonly<Record<ReviewedAction, ActionWords>> = {
  replace: { sign: "±", done: "replaced" },
  delete: { sign: "−", done: "destroyed" },
  forget: { sign: "×", done: "forgotten" },
  update: { sign: "~", done: "updated" },
  create: { sign: "+", done: "created" },
  import: { sign: "↓", done: "imported" },
  move: { sign: "→", done: "moved" },
  read: { sign: "?", done: "read" },
};

/** What the words do not say by themselves. */
export const actionNotes: Partial<Record<ReviewedAction, string>> = {
  forget: "It leaves the state and stays in AWS.",
  import: "It is in AWS already and comes into the state.",
  read: "A data source, read during the apply.",
};
