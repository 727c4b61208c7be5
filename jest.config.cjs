// ES modules of execa and log-update, which jest has to compile; Node itself loads them with require().
const esm = [
  "@sec-ant/readable-stream",
  "@sindresorhus/merge-streams",
  "execa",
  "get-stream",
  "human-signals",
  "is-plain-obj",
  "is-unicode-supported",
  "log-update",
  "npm-run-path",
  "parse-ms",
  "pretty-ms",
  "strip-final-newline",
  "unicorn-magic",
  "yoctocolors",
];

const common = {
  roots: ["<rootDir>/__tests__"],
  testEnvironment: "node",
  transform: {
    "\\.[cm]?[jt]s$": [
      "@swc/jest",
      { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "commonjs" } },
    ],
  },
  transformIgnorePatterns: [`<rootDir>/node_modules/(?!(${esm.join("|")})/)`],
};

module.exports = {
  projects: [
    {
      ...common,
      displayName: "unit",
      testMatch: ["**/*.test.ts"],
      testPathIgnorePatterns: ["/e2e/"],
    },
    { ...common, displayName: "e2e", testMatch: ["**/e2e/**/*.test.ts"] },
  ],
};
