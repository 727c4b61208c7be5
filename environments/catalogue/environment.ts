import type { InputGroup } from "../input";
import * as type from "../types";

/** `<environment>.env`: what every environment says of itself. */
export const environmentInputs = {
  deptype: {
    use: "structural",
    type: type.environmentName,
    description: "The environment's name; must equal the file's.",
    example: "stage",
  },
  systems: {
    use: "structural",
    type: type.listOf("chronos", "x-scheduler", "macro-ai", "viewer-atlas", "atomic-calendar"),
    description: "Systems that the environment carries.",
    example: "chronos",
  },
  stage_class: {
    use: "structural",
    type: type.oneOf("dev", "staging", "prod"),
    optional: true,
    description:
      "What is protected and kept; `prod` is prod, `stage` is staging, all else dev when left out.",
  },
  region: {
    use: "structural",
    type: type.region,
    optional: true,
    description: "AWS region; that of the shared settings when left out.",
  },
  allowed_account_ids: {
    use: "structural",
    type: type.accountIds,
    optional: true,
    description: "The only AWS accounts that may be touched; those of the shared settings when left out.",
  },
  deletion_protection: {
    use: "structural",
    type: type.bool,
    optional: true,
    description: "Whether AWS itself refuses to delete hosts and data; by stage class when left out.",
  },
  alarm_emails: {
    use: "structural",
    type: type.emails,
    default: "",
    description: "Mail addresses that alarms are sent to; each gets a mail that asks to confirm.",
    example: "ops@example.com",
  },
} as const satisfies InputGroup;
