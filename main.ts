import { synthesize } from "./environments/app";
import { formatReport } from "./environments/report";

const { broken, warnings } = synthesize({ processEnvironment: process.env });
for (const { problems } of broken) process.stderr.write(formatReport(problems));
if (warnings.length > 0) process.stderr.write(`Warnings:\n${formatReport(warnings)}`);
