import { output, type Deployed } from "./deployed";

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
  /** Command that lists them, as one would type it; undefined where there is but one. */
  readonly command?: string;
  /** Whether a host is out of service for good. */
  isGone(host: string): Promise<boolean>;
}

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
}

interface Described {
  readonly MinSize: number;
  readonly Instances: readonly { InstanceId: string; LifecycleState: string }[];
}

class Group implements Hosts {
  private readonly describe: readonly string[];

  constructor(
    private readonly deployed: Deployed,
    name: string,
  ) {
    this.describe = ["autoscaling", "describe-auto-scaling-groups", "--auto-scaling-group-names", name];
  }

  get command(): string {
    return this.deployed.aws.typed(this.describe);
  }

  async list(): Promise<Listed> {
    const answer = (await this.ask(this.describe)) as { AutoScalingGroups: readonly Described[] };
    const { Instances, MinSize } = answer.AutoScalingGroups[0] ?? { MinSize: 0, Instances: [] };
    const inState = (pattern: RegExp) =>
      Instances.filter(({ LifecycleState }) => pattern.test(LifecycleState)).map(
        ({ InstanceId }) => InstanceId,
      );
    return { serving: inState(/^InService$/), launching: inState(/^Pending/), wanted: MinSize > 0 };
  }

  async isGone(host: string): Promise<boolean> {
    const ask = ["autoscaling", "describe-auto-scaling-instances", "--instance-ids", host];
    const answer = (await this.ask(ask)) as {
      AutoScalingInstances: readonly { LifecycleState: string }[];
    };
    return !/^(Pending|InService)/.test(answer.AutoScalingInstances[0]?.LifecycleState ?? "");
  }

  private ask(args: readonly string[]): Promise<unknown> {
    return this.deployed.aws.json(args, { quiet: true });
  }
}
