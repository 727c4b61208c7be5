/* eslint-disable -- runs on the host, by PM2: CommonJS, and its settings are its environment */
// PM2's view of the Macro AI API: one process on this host. macro-ai.service and deploy.sh read it.
const { readFileSync } = require("node:fs");
const { totalmem } = require("node:os");
const { join } = require("node:path");

const release = process.env.RELEASE ?? join(__dirname, "current");

/** The script to run: package.json's `main`, dist/index.js where it names none. */
function entry() {
  try {
    return JSON.parse(readFileSync(join(release, "package.json"), "utf8")).main || "dist/index.js";
  } catch {
    return "dist/index.js"; // PM2 reports the missing file better than a crash here would
  }
}

const megabytes = Math.floor((totalmem() * 0.6) / 2 ** 20);
const logs = process.env.LOGS ?? "/var/log/macro-ai";

module.exports = {
  apps: [
    {
      name: "macro-ai-api",
      cwd: release,
      script: join(release, entry()),
      exec_mode: "fork",
      instances: 1,
      // Before the alarm at 85 % of the host's memory, and before the kernel chooses for us
      max_memory_restart: `${megabytes}M`,
      exp_backoff_restart_delay: 200,
      kill_timeout: 20000, // for requests under way, after SIGTERM
      out_file: join(logs, "out.log"),
      error_file: join(logs, "error.log"),
      log_file: join(logs, "combined.log"),
      merge_logs: true, // or PM2 puts the process number into the names
      time: false, // the app's own lines stay as they are, for searches by machine
      pmx: false,
    },
  ],
};
