import type { Look } from "./looks";

/** How something is drawn that a {@link Marking} picks out. */
export interface Mark {
  /** Class of its group. */
  readonly name: string;
  /** What it says aloud, such as `created`. */
  readonly word: string;
  /** Put before its title: a colour alone does not reach everybody. */
  readonly sign: string;
  readonly look: Look;
  readonly outline: "solid" | "dashed";
  /** A line more, such as `1 of 13`. */
  readonly note?: string;
  /** Where it leads to. */
  readonly href?: string;
}

/** Draws a graph by what is picked out of it, the rest quietly. For a page that has a title and explains the marks. */
export interface Marking {
  /** Undefined for what stays quiet. */
  of(thing: { readonly addresses: readonly string[]; readonly parts?: readonly string[] }): Mark | undefined;
}

/** What is not picked out. */
export const unmarked = { name: "same", look: { fill: "#ffffff", line: "#94a3b8" } } as const;
