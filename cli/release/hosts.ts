import { LandfallError } from "../../environments/errors";
import { progress } from "../output";
import { output, type Deployed, type Limits } from "./deployed";

/** Hosts of Macro AI at a time. */
export interface Listed {
  readonly serving: readonly string[];
  /** They take the current release by themselves. */
  readonly launching: readonly string[];
  /** Whether there should be one. */
  readonly wanted: boolean;
}

/** Where releases of Macro AI go: one host, or the hosts of an Auto Scaling group. */
export interface Hosts {
  list(): Promise<Listed>;
  /** Whether a host is out of service for good. */
  isGone(host: string): Promise<boolean>;
  /**
   * Waits until requests reach a host.
   * @returns what it is instead; undefined where they do, or where it is gone
   */
  receives(host: string, stop?: AbortSignal): Promise<string | undefined>;
  /** Keeps hosts whose health checks fail for now. @returns how to end that */
  hold(): Promise<Hold>;
}

interface Hold {
  /** @param serving hosts that are well, whatever checks have found meanwhile */
  end(serving: Iterable<string>): Promise<void>;
  /** Command that ends it, as one would type it; undefined where there is none. */
  readonly command?: string;
}

const noHold: Hold = { end: () => Promise.resolve() };

export function hostsOf(deployed: Deployed): Hosts {
  const single = deployed.outputs.macro_ai_instance_id?.value;
  if (typeof single === "string") return new SingleHost(single);
  return new Group(deployed, output(deployed, "macro_ai_auto_scaling_group", "macro-ai"));
}

class SingleHost implements Hosts {
  constructor(private readonly id: string) {}

  list(): Promise<Listed> {
    return Promise.resolve({ serving: [this.id], launching: [], wanted: true });
  }

  isGone(): Promise<boolean> {
    return Promise.resolve(false);
  }

  receives(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  hold(): Promise<Hold> {
    return Promise.resolve(noHold);
  }
}

interface Described {
  readonly MinSize: number;
  readonly Instances: readonly { InstanceId: string; LifecycleState: string; HealthStatus?: string }[];
  readonly TargetGroupARNs?: readonly string[];
  readonly SuspendedProcesses?: readonly { ProcessName: string }[];
}

const PROCESS = "ReplaceUnhealthy";

class Group implements Hosts {
  private readonly limits: Limits;

  constructor(
    private readonly deployed: Deployed,
    private readonly name: string,
  ) {
    this.limits = deployed.limits;
  }

  async list(): Promise<Listed> {
    const { Instances, MinSize } = await this.describe();
    const inState = (pattern: RegExp) =>
      Instances.filter(({ LifecycleState }) => pattern.test(LifecycleState)).map(
        ({ InstanceId }) => InstanceId,
      );
    return { serving: inState(/^InService$/), launching: inState(/^Pending/), wanted: MinSize > 0 };
  }

  async isGone(host: string): Promise<boolean> {
    const answer = (await this.ask([
      "autoscaling",
      "describe-auto-scaling-instances",
      "--instance-ids",
      host,
    ])) as { AutoScalingInstances: readonly { LifecycleState: string }[] };
    return answer.AutoScalingInstances[0]?.LifecycleState !== "InService";
  }

  async receives(host: string, stop?: AbortSignal): Promise<string | undefined> {
    const [target] = (await this.describe()).TargetGroupARNs ?? [];
    if (target === undefined) return undefined;
    const deadline = Date.now() + this.limits.balancer * 1000;
    for (;;) {
      const answer = (await this.ask([
        ...["elbv2", "describe-target-health", "--target-group-arn", target],
        ...["--targets", `Id=${host}`],
      ])) as { TargetHealthDescriptions: readonly { TargetHealth: { State: string } }[] };
      const state = answer.TargetHealthDescriptions[0]?.TargetHealth.State ?? "unknown";
      if (state === "healthy" || (await this.isGone(host))) return undefined;
      if (Date.now() > deadline)
        return `the load balancer finds it ${state} after ${this.limits.balancer} s: does the application listen on all addresses?`;
      await this.deployed.aws.pause(stop);
    }
  }

  async hold(): Promise<Hold> {
    const { SuspendedProcesses = [] } = await this.describe();
    const change = (verb: string) => [
      ...["autoscaling", verb, "--auto-scaling-group-name", this.name],
      ...["--scaling-processes", PROCESS],
    ];
    const resume = change("resume-processes");
    const command = this.deployed.aws.typed(resume);
    if (SuspendedProcesses.some(({ ProcessName }) => ProcessName === PROCESS)) {
      progress(`${PROCESS} of ${this.name} is suspended already, and stays so. To resume it: ${command}`);
      return noHold;
    }
    await this.deployed.aws.json(change("suspend-processes")).catch((error: Error) => {
      throw new LandfallError(error.message, { mend: `If it is suspended all the same: ${command}` });
    });
    const end = async (serving: Iterable<string>) => {
      try {
        await this.forget(new Set(serving));
      } finally {
        await this.deployed.aws.json(resume);
      }
    };
    return { end, command };
  }

  /** What health checks have found during a release would have a host replaced that is well again. */
  private async forget(serving: ReadonlySet<string>): Promise<void> {
    for (const { InstanceId, HealthStatus, LifecycleState } of (await this.describe()).Instances) {
      if (HealthStatus !== "Unhealthy" || LifecycleState !== "InService" || !serving.has(InstanceId))
        continue;
      await this.deployed.aws.json([
        ...["autoscaling", "set-instance-health", "--instance-id", InstanceId],
        ...["--health-status", "Healthy", "--no-should-respect-grace-period"],
      ]);
    }
  }

  private async describe(): Promise<Described> {
    const answer = (await this.ask([
      "autoscaling",
      "describe-auto-scaling-groups",
      "--auto-scaling-group-names",
      this.name,
    ])) as { AutoScalingGroups: readonly Described[] };
    return answer.AutoScalingGroups[0] ?? { MinSize: 0, Instances: [] };
  }

  private ask(args: readonly string[]): Promise<unknown> {
    return this.deployed.aws.json(args, { quiet: true });
  }
}
