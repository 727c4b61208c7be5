import { execaSync } from "execa";

const script = `
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
for name in archive.namelist():
    sys.stdout.buffer.write(archive.read(name))
`;

/** All that a zip archive holds, such as a saved plan, one file after the other. Python has it built in. */
export const unzipped = (file: string): string =>
  execaSync("python3", ["-c", script, file], { encoding: "latin1" }).stdout;
