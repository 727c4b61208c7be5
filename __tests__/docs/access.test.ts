import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";
import { isAllowed } from "../support/iam";
import { environmentEnv, resources, sharedEnv, synthesizeFiles } from "../support/stacks";

const issuer = "token.actions.githubusercontent.com";

/** Trust policies by the role's name, without what all names begin with. */
function trusts(previews: boolean): ReadonlyMap<string, string> {
  const json = synthesizeFiles(
    {
      "shared.env": {
        ...sharedEnv,
        TF_VAR_github_repository: "acme/landfall",
        TF_VAR_github_previews: String(previews),
      },
      "stage.env": environmentEnv("stage"),
      "prod.env": environmentEnv("prod"),
    },
    { only: ["access"] },
  ).json("access");
  return new Map(
    Object.values(resources(json, "aws_iam_role")).map(({ name, assume_role_policy: policy }) => [
      (name as string).replace("agt-github-", ""),
      policy as string,
    ]),
  );
}
const without = trusts(false);
const withPreviews = trusts(true);

interface Token {
  /** Undefined where GitHub gives none. */
  readonly sub?: string;
  readonly ref: string;
  /** @default sts.amazonaws.com */
  readonly aud?: string;
}

/** Roles that a run with this token may take. */
function takes(roles: ReadonlyMap<string, string>, { sub, ref, aud = "sts.amazonaws.com" }: Token): string[] {
  const context = { [`${issuer}:sub`]: sub ?? "", [`${issuer}:ref`]: ref, [`${issuer}:aud`]: aud };
  const request = { action: "sts:AssumeRoleWithWebIdentity", resource: "*", context };
  return [...roles.keys()]
    .filter((name) => sub !== undefined && isAllowed([roles.get(name) ?? ""], request))
    .sort();
}

const page = readFileSync(join(projectRoot, "docs", "access.md"), "utf8");
const [, section = ""] = page.split("\n## Who may do what\n");
const [own = ""] = section.split("\n## ");
const codes = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
const rows = own
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .slice(2)
  .map((line) => {
    const [, run = "", subject = "", ref = "", roles = "", more = ""] = line
      .split("|")
      .map((cell) => cell.trim());
    return {
      run,
      token: { sub: codes(subject)[0], ref: codes(ref)[0] ?? "" },
      roles: codes(roles),
      more: codes(more),
    };
  });

test("the page has rows for what may be taken and for what may not", () => {
  expect(rows.filter(({ roles }) => roles.length > 0).length).toBeGreaterThanOrEqual(5);
  expect(rows.filter(({ roles }) => roles.length === 0).length).toBeGreaterThanOrEqual(8);
});

test.each(rows)("$run: takes $roles, with previews also $more", ({ token, roles, more }) => {
  expect(takes(without, token)).toEqual([...roles].sort());
  expect(takes(withPreviews, token)).toEqual([...roles, ...more].sort());
});

test("each subject that a trust policy names has a row, and each role is in one", () => {
  const told = new Set(rows.map(({ token }) => `${token.sub}`));
  for (const policy of withPreviews.values()) {
    const { StringEquals } = JSON.parse(policy).Statement[0].Condition;
    for (const subject of [StringEquals[`${issuer}:sub`]].flat()) expect(told).toContain(subject);
  }
  expect(new Set(rows.flatMap(({ roles, more }) => [...roles, ...more]))).toEqual(
    new Set(withPreviews.keys()),
  );
  expect(new Set(rows.flatMap(({ roles }) => roles))).toEqual(new Set(without.keys()));
});

test("a token for another audience takes none", () => {
  for (const { token } of rows)
    expect(takes(withPreviews, { ...token, aud: "https://github.com/acme" })).toEqual([]);
});

test("a trust policy is of GitHub's provider and no one else", () => {
  for (const policy of withPreviews.values())
    expect(JSON.parse(policy).Statement).toEqual([
      expect.objectContaining({
        Effect: "Allow",
        Action: "sts:AssumeRoleWithWebIdentity",
        Principal: { Federated: "${aws_iam_openid_connect_provider.github.arn}" },
      }),
    ]);
});
