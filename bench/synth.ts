// npm run bench: what synthesis costs beside starting Node and loading the same libraries, measured in the same run.
import { buildSync } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatEnvFile } from "../environments/env-file";
import { projectRoot } from "../environments/root";

const RUNS = 7;
/** Each edge host is four resources and two rules: with the dashboard, about 150 resources. */
const EDGE_HOSTS = 28;

interface Measurement {
  readonly seconds: number;
  readonly megabytes: number;
}

function measure(args: readonly string[]): Measurement {
  const runs = Array.from({ length: RUNS }, () => {
    const start = process.hrtime.bigint();
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: projectRoot,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(stderr);
    return { seconds: Number(process.hrtime.bigint() - start) / 1e9, megabytes: Number(stdout) / 1024 };
  });
  const median = (key: keyof Measurement) =>
    runs.map((run) => run[key]).sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? NaN;
  return { seconds: median("seconds"), megabytes: median("megabytes") };
}

const printPeak = "console.log(process.resourceUsage().maxRSS)";

/** Node with the packages that the app loads, and nothing done with them. */
function floor(): Measurement {
  const { metafile } = buildSync({
    entryPoints: [join(projectRoot, "main.ts")],
    bundle: true,
    write: false,
    metafile: true,
    packages: "external",
    platform: "node",
  });
  const packages = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  return measure([
    "-e",
    `${[...new Set(packages)].map((name) => `require(${JSON.stringify(name)})`).join(";")};${printPeak}`,
  ]);
}

/** A folder with that many environments, as large ones as come. */
function environments(root: string, count: number): string {
  const folder = join(root, `${count}`, "environments");
  mkdirSync(folder, { recursive: true });
  const names = Array.from({ length: count }, (_, index) => `env-${index}`);
  const hosts = Array.from({ length: EDGE_HOSTS }, (_, index) => `edge-${index}`);
  const write = (file: string, values: Record<string, string>) =>
    writeFileSync(
      join(folder, file),
      formatEnvFile(Object.entries(values).map(([name, value]) => ({ name, value }))),
    );
  write("shared.env", {
    TF_VAR_name_prefix: "bench",
    TF_VAR_allowed_account_ids: "123456789012",
    TF_VAR_addresses: names
      .flatMap((name) => ["dashboard", ...hosts].map((host) => `${name}-${host}`))
      .join(","),
  });
  for (const name of names) {
    write(`${name}.env`, {
      TF_VAR_deptype: name,
      TF_VAR_systems: "chronos",
      TF_VAR_public_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9mCmQnQFilB9vyJjOI8ho27PYykzjnRjPHwgx/dgyO",
      TF_VAR_edge_hosts: hosts.join(","),
      vite_api_base_url: "https://bench.example.com",
    });
  }
  return folder;
}

const root = mkdtempSync(join(tmpdir(), "landfall-bench-"));
try {
  const bare = floor();
  const row = (what: string, { seconds, megabytes }: Measurement, note = "") =>
    console.log(
      `${what.padEnd(28)} ${(seconds * 1000).toFixed(0).padStart(6)} ms ${megabytes.toFixed(0).padStart(5)} MB  ${note}`,
    );
  row("Node and the libraries", bare, `median of ${RUNS} runs`);
  let one: Measurement | undefined;
  for (const count of [1, 10, 50]) {
    const measured = measure([
      join("cli", "run.cjs"),
      join("bench", "synth-folder.ts"),
      environments(root, count),
    ]);
    one ??= measured;
    const each =
      count === 1
        ? `${(measured.seconds / bare.seconds).toFixed(2)} × the libraries`
        : `${(((measured.seconds - one.seconds) / (count - 1)) * 1000).toFixed(1)} ms for each further one`;
    row(`${count} environment${count === 1 ? "" : "s"}`, measured, each);
  }
} finally {
  rmSync(root, { recursive: true });
}
