/** Where resources are, as their ARNs say it. */
export interface Place {
  readonly partition: string;
  /** Empty for services without regions, such as IAM. */
  readonly region: string;
  readonly accountIds: readonly string[];
}

/** ARNs of a resource, or of a pattern of them: one for each account. */
export const arnsIn = (
  { partition, region, accountIds }: Place,
  service: string,
  resource: string,
): string[] => accountIds.map((account) => `arn:${partition}:${service}:${region}:${account}:${resource}`);
