import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The project's folder: the nearest one at or above this file that holds `cdktf.json`. */
export const projectRoot: string = (() => {
  let folder = __dirname;
  while (!existsSync(join(folder, "cdktf.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no cdktf.json at or above ${__dirname}`);
    folder = parent;
  }
  return folder;
})();
