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
  "x-scheduler-update",
  "user-data",
  "access",
  "emulator",
  "images",
  "chronos-configure",
];

/** Unit tests that start most processes: a fork costs by the memory of its parent, which grows with each file. */
const forking = [
  "images-source",
  "doctor",
  "types",
  "images",
  "bad-files",
  "health",
  "chronos-application",
  "db",
  "remote",
  "release",
  "macro-ai-files",
  "x-scheduler-files",
];

/** Jest's own goes by earlier runs, which a fresh clone has not had, then by size. https://jestjs.io/docs/configuration#testsequencer-string */
module.exports = class {
  sort(tests) {
    const place = ({ path }) => {
      const first = path.includes("/e2e/") ? slowest : forking;
      const index = first.indexOf(basename(path, ".test.ts"));
      return index === -1 ? first.length : index;
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
