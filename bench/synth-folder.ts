// Synthesizes the settings files of a folder and prints the peak memory in KiB.
import { join } from "node:path";
import { synthesize } from "../environments/app";

const folder = process.argv[2] ?? "";
const { broken } = synthesize({ folder, outdir: join(folder, "..", "cdktf.out"), processEnvironment: {} });
if (broken.length > 0) throw new Error(JSON.stringify(broken[0]?.problems));
console.log(process.resourceUsage().maxRSS);
