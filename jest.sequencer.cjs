const { statSync } = require("node:fs");
const { basename } = require("node:path");

/** End-to-end tests by their time, longest first, so that none of them runs alone at the end. */
const slowest = [
  "landfall",
  "systems",
  "viewer-atlas",
  "macro-ai-deploy",
  "delivery",
  "protection",
  "policy",
  "plan-only",
  "atomic-calendar",
  "database",
  "load-balancer",
  "access",
  "emulator",
  "images",
  "chronos-configure",
];

/** Jest's own goes by earlier runs, which a fresh clone has not had, then by size. https://jestjs.io/docs/configuration#testsequencer-string */
module.exports = class {
  sort(tests) {
    const place = ({ path }) => {
      const index = path.includes("/e2e/") ? slowest.indexOf(basename(path, ".test.ts")) : -1;
      return index === -1 ? slowest.length : index;
    };
    const size = ({ path }) => statSync(path).size;
    return [...tests].sort((one, other) => place(one) - place(other) || size(other) - size(one));
  }

  shard(tests, { shardIndex, shardCount }) {
    return this.sort(tests).filter((_, index) => index % shardCount === shardIndex - 1);
  }

  allFailedTests(tests) {
    return tests; // nothing is remembered
  }

  cacheResults() {}
};
