import type { InputGroup } from "../input";
import * as type from "../types";

/** `shared.env`: which GitHub repository may deploy, and with which roles. Only the stack `access` has these. */
export const accessInputs = {
  github_repository: {
    use: "structural",
    type: type.githubRepository,
    optional: true,
    description:
      "Repository whose workflows may take roles here, as GitHub writes it in a token's subject: see the page about access. It makes the stack `access`.",
    example: "acme/landfall",
  },
  github_oidc_provider_arn: {
    use: "structural",
    type: type.githubProviderArn,
    optional: true,
    description: "GitHub's OIDC provider where the account has one: it can have only one.",
  },
  github_main_branch: {
    use: "structural",
    type: type.gitBranch,
    default: "main",
    description: "Branch that is deployed. From any other, no role may be taken that applies.",
  },
  github_previews: {
    use: "structural",
    type: type.bool,
    default: "false",
    description:
      "Whether pull requests may make environments `pr-<number>`: whoever can push a branch can then change things in AWS.",
  },
} as const satisfies InputGroup;
