import { policyDocument } from "../modules/service-role";

/** Host of GitHub's OIDC provider; also the prefix of condition keys about its tokens. */
export const githubIssuer = "token.actions.githubusercontent.com";
/** What `aws-actions/configure-aws-credentials` asks GitHub to write a token for. */
export const githubAudience = "sts.amazonaws.com";

/** The repository that is trusted. */
export interface TrustedRepository {
  /** As the subject of its tokens has it: `OWNER/NAME` or `OWNER@ID/NAME@ID`. */
  readonly repository: string;
  readonly mainBranch: string;
}

/** Which runs may take a role. */
export interface Trust {
  /** Subjects of tokens, each exact. */
  readonly subjects: readonly string[];
  /** Git ref that the workflow runs from. @default any */
  readonly ref?: string;
}

const branchRef = (branch: string): string => `refs/heads/${branch}`;

/** Pull requests from the repository's own branches (GitHub gives forks no token), and what runs on the main branch. */
export const planTrust = ({ repository, mainBranch }: TrustedRepository): Trust => ({
  subjects: [`repo:${repository}:pull_request`, `repo:${repository}:ref:${branchRef(mainBranch)}`],
});

/**
 * Jobs in the GitHub environment of the stack's name, on the main branch. GitHub makes an environment that is not there,
 * without any rules, for whoever names it in a workflow: so the branch is asked for here too.
 */
export const applyTrust = ({ repository, mainBranch }: TrustedRepository, environment: string): Trust => ({
  subjects: [`repo:${repository}:environment:${environment}`],
  ref: branchRef(mainBranch),
});

/** The trust policy of a role: exact values alone, so that no other repository, branch or tag can be meant. */
export const trustPolicy = (providerArn: string, { subjects, ref }: Trust): string =>
  policyDocument([
    {
      Effect: "Allow",
      Principal: { Federated: providerArn },
      Action: "sts:AssumeRoleWithWebIdentity",
      Condition: {
        StringEquals: {
          [`${githubIssuer}:aud`]: githubAudience,
          [`${githubIssuer}:sub`]: subjects.length === 1 ? subjects[0] : subjects,
          // https://aws.amazon.com/about-aws/whats-new/2026/01/aws-sts-supports-validation-identity-provider-claims/
          ...(ref ? { [`${githubIssuer}:ref`]: ref } : {}),
        },
      },
    },
  ]);
