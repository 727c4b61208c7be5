import fc from "fast-check";
import { fargateCpus, fargateMemories, fargateSizeProblem } from "../../modules/fargate-size";

// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
it.each([
  [256, 3, 512, 2048],
  [512, 4, 1024, 4096],
  [1024, 7, 2048, 8192],
  [2048, 13, 4096, 16_384],
  [4096, 23, 8192, 30_720],
  [8192, 12, 16_384, 61_440],
  [16_384, 12, 32_768, 122_880],
])("%d CPU units go with %d memory sizes, from %d to %d MiB", (cpu, sizes, least, most) => {
  const memories = fargateMemories(cpu);
  expect([memories.length, memories[0], memories.at(-1)]).toEqual([sizes, least, most]);
  for (const memory of memories) expect(fargateSizeProblem(cpu, memory)).toBeUndefined();
});

it("a quarter of a vCPU has no 1.5 GiB", () => {
  expect(fargateMemories(256)).toEqual([512, 1024, 2048]);
});

it.each([
  [256, 8192, "8192 MiB do not go with 256 CPU units: Fargate takes 512, 1024, 2048"],
  [1024, 9216, "9216 MiB do not go with 1024 CPU units: Fargate takes 2048 to 8192 in steps of 1024"],
  [8192, 17_408, "Fargate takes 16384 to 61440 in steps of 4096"],
  [300, 512, "300 CPU units are none of 256, 512, 1024, 2048, 4096, 8192, 16384"],
])("%d CPU units with %d MiB are refused with what would do", (cpu, memory, problem) => {
  expect(fargateSizeProblem(cpu, memory)).toContain(problem);
});

it("takes what the table has, and nothing else", () => {
  fc.assert(
    fc.property(fc.constantFrom(...fargateCpus), fc.integer({ min: 0, max: 130_000 }), (cpu, memory) => {
      expect(fargateSizeProblem(cpu, memory) === undefined).toBe(fargateMemories(cpu).includes(memory));
    }),
  );
});
