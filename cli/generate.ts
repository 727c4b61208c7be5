// Writes the files that are made from the input catalogue, and the pictures of README and docs: npm run generate
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot } from "../environments/root";
import { generatedFiles } from "../environments/template";
import { dashboardPicture } from "./dashboard-picture";
import { pictureFile, readmePicture } from "./diagram/picture";

function write(file: string, content: string): void {
  const path = join(projectRoot, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

for (const [file, content] of Object.entries(generatedFiles())) write(file, content);
write("docs/dashboard.svg", dashboardPicture());
void readmePicture().then((picture) => write(pictureFile, picture));
