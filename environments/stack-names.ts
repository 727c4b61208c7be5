/** Stacks that are no environments: where all state is, what environments share, and who may deploy them. */
export const commonStacks = ["state", "shared", "access"] as const;

/** Whether a stack of that name is an environment. */
export const isEnvironmentStack = (name: string): boolean =>
  !(commonStacks as readonly string[]).includes(name);
