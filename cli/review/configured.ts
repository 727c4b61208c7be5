import type { PathStep, PlanDocument } from "../plan-document";

/** The parts of a plan's configuration that tell which attributes are given. */
interface Configured {
  readonly configuration?: {
    readonly root_module?: {
      readonly resources?: readonly {
        readonly address: string;
        readonly expressions?: Readonly<Record<string, unknown>>;
      }[];
    };
  };
}

/** Whether the configuration gives an attribute of a resource; undefined where the plan does not tell. */
export type IsConfigured = (address: string, path: readonly PathStep[]) => boolean | undefined;

/** Reads it from a plan. What the provider works out itself is not configured. */
export function configuredIn(document: PlanDocument): IsConfigured {
  const { root_module: root } = (document as Configured).configuration ?? {};
  const given = new Map(
    root?.resources?.map(({ address, expressions = {} }) => [address, new Set(Object.keys(expressions))]),
  );
  return (address, [name]) => given.get(address.replace(/\[[^\]]*\]$/, ""))?.has(String(name));
}
