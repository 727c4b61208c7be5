const vm = require("node:vm");
const { TestEnvironment } = require("jest-environment-node");

// Jest compiles a module again for each test file that loads it: half of what a file costs that loads cdktf.
// A script compiled once runs in the context of each test file, which still has modules of its own.
// It has no import() then, which jest could not serve anyway without `--experimental-vm-modules`.
const scripts = new Map();

vm.compileFunction = (source, parameters, { filename, parsingContext }) => {
  let compiled = scripts.get(filename);
  if (compiled?.source !== source) {
    const head = `(function (${parameters.join(", ")}) {`;
    const script = new vm.Script(`${head}${source}\n})`, { filename, columnOffset: -head.length });
    compiled = { source, script };
    scripts.set(filename, compiled);
  }
  return compiled.script.runInContext(parsingContext);
};

module.exports = TestEnvironment;
