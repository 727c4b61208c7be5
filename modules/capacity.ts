/** What Fargate tasks run on. */
export interface Capacity {
  /** Whether on Spot, which is cheaper and may be taken back with two minutes' notice. */
  readonly spot: boolean;
  /** Tasks that are on demand before any is on Spot. @default 0 */
  readonly onDemandBase?: number;
}

export interface CapacityProvider {
  readonly capacityProvider: "FARGATE" | "FARGATE_SPOT";
  readonly weight: number;
  readonly base: number;
}

/**
 * The capacity provider strategy of services and tasks. Weights are no fallback: ECS keeps to them also where Spot has
 * no room. See {@link SpotFallback}.
 */
export function capacityStrategy({ spot, onDemandBase = 0 }: Capacity): CapacityProvider[] {
  if (!spot) return [{ capacityProvider: "FARGATE", weight: 1, base: 0 }];
  const onSpot = { capacityProvider: "FARGATE_SPOT", weight: 1, base: 0 } as const;
  return onDemandBase > 0
    ? [onSpot, { capacityProvider: "FARGATE", weight: 0, base: onDemandBase }]
    : [onSpot];
}
