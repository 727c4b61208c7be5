/** MiB of memory that Fargate has for a CPU size. */
interface Memory {
  readonly least: number;
  readonly most: number;
  readonly step: number;
}

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size */
const sizes: ReadonlyMap<number, Memory> = new Map([
  [256, { least: 512, most: 2048, step: 512 }],
  [512, { least: 1024, most: 4096, step: 1024 }],
  [1024, { least: 2048, most: 8192, step: 1024 }],
  [2048, { least: 4096, most: 16_384, step: 1024 }],
  [4096, { least: 8192, most: 30_720, step: 1024 }],
  [8192, { least: 16_384, most: 61_440, step: 4096 }],
  [16_384, { least: 32_768, most: 122_880, step: 8192 }],
]);

/** CPU sizes in units, of which 1024 are a vCPU. */
export const fargateCpus: readonly number[] = Object.freeze([...sizes.keys()]);

/** Memory sizes in MiB that go with a CPU size; none for one that Fargate does not have. */
export function fargateMemories(cpu: number): readonly number[] {
  const memory = sizes.get(cpu);
  if (!memory) return [];
  const { least, most, step } = memory;
  const all = Array.from({ length: (most - least) / step + 1 }, (_, index) => least + index * step);
  return cpu === 256 ? all.filter((size) => size !== 1536) : all; // the one gap in the table
}

/** What is wrong with a pair, with the valid values; undefined where Fargate takes it. */
export function fargateSizeProblem(cpu: number, memory: number): string | undefined {
  const valid = fargateMemories(cpu);
  if (valid.length === 0) return `${cpu} CPU units are none of ${fargateCpus.join(", ")}`;
  if (valid.includes(memory)) return undefined;
  const { step } = sizes.get(cpu) ?? { step: 0 };
  const choice = valid.length > 4 ? `${valid[0]} to ${valid.at(-1)} in steps of ${step}` : valid.join(", ");
  return `${memory} MiB do not go with ${cpu} CPU units: Fargate takes ${choice}`;
}
