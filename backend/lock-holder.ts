/** Who holds a lock, as Terraform and OpenTofu write it down. */
export interface LockHolder {
  readonly ID: string;
  /** Such as `OperationTypeApply`. */
  readonly Operation: string;
  /** User and machine. */
  readonly Who: string;
  /** ISO 8601. */
  readonly Created: string;
}

/** A lock's holder in words: who, doing what, since when. */
export function describeHolder({ Who, Operation, Created }: LockHolder, now: Date = new Date()): string {
  const operation = Operation.replace(/^OperationType/, "").toLowerCase() || "unknown";
  const since = new Date(Created);
  const age = Number.isNaN(since.getTime()) ? "" : ` (${formatAge(now.getTime() - since.getTime())} ago)`;
  return `held by ${Who} for ${operation} since ${Created}${age}`;
}

/** Milliseconds as the largest unit that fits, such as `3 min`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}
