// Runs a TypeScript file of this project: esbuild turns it and what it imports from the project into one
// script in memory (about 30 ms); packages are loaded from node_modules as they are. `cdktf` must stay
// outside the bundle: it runs one of its own files by name.
"use strict";
const Module = require("node:module");
const path = require("node:path");

process.env.ESBUILD_WORKER_THREADS = "0"; // its worker costs more than it saves for one build
const esbuild = require("esbuild");

const debug = Boolean(process.env.LANDFALL_DEBUG); // source maps and construct stack traces cost more than all our code
const [entry, ...args] = process.argv.slice(2);
const file = path.resolve(entry);
const root = path.dirname(__dirname);

let code;
try {
  code = esbuild.buildSync({
    entryPoints: [file],
    absWorkingDir: root,
    bundle: true,
    write: false,
    packages: "external",
    platform: "node",
    format: "cjs",
    target: "node20",
    sourcemap: debug ? "inline" : false,
    logLevel: "error",
  }).outputFiles[0].text;
} catch (error) {
  if (!error.errors) console.error(error); // esbuild itself has printed what is wrong in the code
  process.exit(1);
}

if (debug) process.setSourceMapsEnabled(true);
process.argv = [process.execPath, file, ...args];
const main = new Module(file, null);
main.filename = path.join(root, "landfall.cjs");
main.paths = Module._nodeModulePaths(root);
main._compile(code, main.filename);
