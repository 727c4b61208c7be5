import fc from "fast-check";
import { coversText } from "../../modules/wildcards";

it.each([
  ["/a/*", "/a/?", true],
  ["/a/?", "/a/*", false],
  ["/a.b", "/axb", false],
  ["/*/c", "/a/*/c", true],
  ["/A", "/a", false],
  ["*", "", true],
  ["?", "", false],
  ["**a", "a", true],
  ["s3:Get*", "s3:GetObject\n", true],
  ["*a*b", "aabb", true],
  ["*ab", "aab", true],
])("%j stands for all of %j: %s", (pattern, text, expected) =>
  expect(coversText(pattern, text)).toBe(expected),
);

it("is what a regular expression says", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
  fc.assert(
    fc.property(text, text, (pattern, other) => {
      const source = pattern.replace(/\*/g, "[^]*").replace(/\?/g, "[^*]");
      expect(coversText(pattern, other)).toBe(new RegExp(`^${source}$`).test(other));
    }),
    { numRuns: 2000 },
  );
});

it("does not take long for many stars", () => {
  const start = process.cpuUsage();
  expect(coversText(`${"*a".repeat(1000)}b`, `${"a".repeat(3000)}c`)).toBe(false);
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6).toBeLessThan(1);
});
