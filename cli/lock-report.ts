import { describeHolder, type LockHolder } from "../backend/lock-holder";
import { LandfallError } from "../environments/errors";

export { describeHolder, formatAge } from "../backend/lock-holder";

export const lockedError = (stack: string, holder: LockHolder): LandfallError =>
  new LandfallError(`The state of ${stack} is locked: ${describeHolder(holder)}.`, {
    mend: `Wait until that run ends. If it is dead: ./landfall unlock ${stack}`,
  });

/**
 * The holder that a refusal of Terraform's or OpenTofu's own names; undefined where it names none. By then the lock may
 * be free again, and whoever asks the table finds nobody.
 */
export function holderIn(detail: string): LockHolder | undefined {
  const field = (name: string) => new RegExp(`^\\s*${name}:[ \\t]*(.*?)\\s*$`, "m").exec(detail)?.[1];
  const [ID, Who, Created] = [field("ID"), field("Who"), field("Created")];
  if (!ID || !Who || !Created) return undefined;
  // Go's own way to write a time, which JavaScript does not read
  const [, day, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) \+0000 UTC/.exec(Created) ?? [];
  return { ID, Operation: field("Operation") ?? "", Who, Created: day ? `${day}T${time}Z` : Created };
}
