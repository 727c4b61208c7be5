import type { PlanDocument } from "../plan-document";
import { fewOf } from "../review/text";
import { accountsOf, changesOf, foreseen, resourcesOf, text, type Changed } from "./changes";
import { grantsOf, strangersOf, type Grant } from "./policy-document";
import type { Finding } from "./rules";

const blockers = [
  "block_public_acls",
  "block_public_policy",
  "ignore_public_acls",
  "restrict_public_buckets",
];
const publicAcls = ["public-read", "public-read-write", "authenticated-read", "website"];
const accessBlocks = ["aws_s3_bucket_public_access_block", "aws_s3_account_public_access_block"];

/** Buckets that anybody may read or write, or that are no longer kept from it. */
export const publicBuckets = (document: PlanDocument): Finding[] => {
  const accounts = accountsOf(document);
  return changesOf(document).flatMap((changed) =>
    [lessBlocked(document, changed), publicAcl(changed), publicPolicy(accounts, changed)].flatMap((what) =>
      what ? [{ address: changed.address, what }] : [],
    ),
  );
};

/** Whether a grant of a bucket's policy is for anybody, and not for those alone whom its condition names. */
export const isPublicGrant = (accounts: readonly string[], { type }: Changed, grant: Grant): boolean =>
  ["aws_s3_bucket", "aws_s3_bucket_policy"].includes(type) &&
  grant.effect === "Allow" &&
  grant.principal === "*" &&
  strangersOf(grant, accounts) === "anybody";

function lessBlocked(document: PlanDocument, changed: Changed): string | undefined {
  const { type, before, after, destroyed, existed } = changed;
  if (!accessBlocks.includes(type)) return undefined;
  if (destroyed)
    return bucketGoesToo(document, changed) ? undefined : "The bucket would lose its block of public access.";
  const off = blockers.filter((name) => after[name] !== true && (!existed || before[name] === true));
  return off.length > 0 ? `Public access would no longer be blocked by ${fewOf(off, 4)}.` : undefined;
}

/** Whether the bucket that a setting was for goes with it; one that is made anew does where the setting is as well. */
export const bucketGoesToo = (document: PlanDocument, setting: Changed): boolean =>
  resourcesOf(document).some(
    ({ type, before, destroyed, replaced }) =>
      type === "aws_s3_bucket" &&
      (destroyed || (replaced && setting.replaced)) &&
      setting.before.bucket !== undefined &&
      [before.bucket, before.id].includes(setting.before.bucket),
  );

function publicAcl({ type, before, after, stays }: Changed): string | undefined {
  if (!stays || !["aws_s3_bucket", "aws_s3_bucket_acl"].includes(type)) return undefined;
  const acl = text(after.acl) ?? "";
  return publicAcls.includes(acl) && before.acl !== acl ? `Its ACL would be ${acl}.` : undefined;
}

function publicPolicy(accounts: readonly string[], changed: Changed): string | undefined {
  const { before, stays } = changed;
  if (!stays) return undefined;
  const open = (policy: unknown) =>
    (grantsOf(policy) ?? [])
      .filter((grant) => isPublicGrant(accounts, changed, grant))
      .map(({ action, resource }) => `${action} on ${resource}`);
  const had = open(before.policy);
  const more = open(foreseen(changed, "policy")).filter((grant) => !had.includes(grant));
  return more.length > 0 ? `Anybody could do ${fewOf(more)}.` : undefined;
}
