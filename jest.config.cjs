// The tests too use the AWS SDK, whose notice about Node 20 is for the maintainers of this project.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

// Packages that are CommonJS and too large to compile again. All others are compiled, as some are ES modules: Node itself
// loads those with require(), jest does not.
const compiled = [
  "@aws-sdk",
  "@cdktf",
  "@cloud-copilot",
  "@smithy",
  "@viz-js",
  "cdktf",
  "constructs",
  "fast-check",
  "yaml",
  "zod",
];

const common = {
  roots: ["<rootDir>/__tests__"],
  testEnvironment: "node",
  moduleNameMapper: { "^unicorn-magic$": "<rootDir>/node_modules/unicorn-magic/node.js" }, // it has no entry for require()
  transform: {
    "\\.[cm]?[jt]s$": [
      "@swc/jest",
      { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "commonjs" } },
    ],
  },
  transformIgnorePatterns: [`<rootDir>/node_modules/(${compiled.join("|")})/`],
};

module.exports = {
  testSequencer: "<rootDir>/jest.sequencer.cjs",
  maxWorkers: "100%", // all but one otherwise: half of a machine with two
  projects: [
    {
      ...common,
      displayName: "unit",
      testEnvironment: "<rootDir>/jest.environment.cjs",
      setupFiles: ["<rootDir>/__tests__/support/terraform-version.ts"],
      testMatch: ["**/*.test.ts"],
      testPathIgnorePatterns: ["/e2e/"],
    },
    { ...common, displayName: "e2e", testMatch: ["**/e2e/**/*.test.ts"] },
  ],
};
