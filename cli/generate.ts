// Writes the files that are made from the input catalogue: npm run generate
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot } from "../environments/root";
import { generatedFiles } from "../environments/template";

for (const [file, content] of Object.entries(generatedFiles())) {
  const path = join(projectRoot, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
