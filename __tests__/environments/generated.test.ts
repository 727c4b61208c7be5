import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";
import { generatedFiles } from "../../environments/template";

it.each(Object.keys(generatedFiles()))(
  "%s is what the catalogue makes of it; npm run generate mends it",
  (file) => {
    expect(readFileSync(join(projectRoot, file), "utf8")).toBe(generatedFiles()[file]);
  },
);
