// ES-module-only packages that jest has to compile; Node itself loads them with require() since 20.19.
const esm = ["execa", "log-update"];

const common = {
  roots: ["<rootDir>/__tests__"],
  testEnvironment: "node",
  transform: { "\\.[cm]?[jt]s$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "commonjs" } }] },
  transformIgnorePatterns: [`/node_modules/(?!(${esm.join("|")})/)`],
};

module.exports = {
  projects: [
    { ...common, displayName: "unit", testPathIgnorePatterns: ["/e2e/"] },
    { ...common, displayName: "e2e", testMatch: ["**/e2e/**/*.test.ts"] },
  ],
};
