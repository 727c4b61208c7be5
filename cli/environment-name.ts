import { UsageError } from "../environments/errors";
import { nearest } from "../environments/nearest";
import { environmentNames } from "../environments/read";

/** @param others what may be asked for besides environments. @throws {UsageError} where there is no such environment */
export function requireEnvironment(name: string, folder: string, others: readonly string[] = []): void {
  const names = environmentNames(folder);
  const all = [...names, ...others];
  if (all.includes(name)) return;
  const near = nearest(name, all);
  throw new UsageError(`There is no environment "${name}".${near ? ` Did you mean ${near}?` : ""}`, {
    mend: `There are: ${names.join(", ")}. To make one: ./landfall init ${name}`,
  });
}
