import type { SynthesizedStack } from "../../environments/app";
import type { PlanDocument } from "../plan-document";
import { publicBuckets } from "./buckets";
import { forgottenData, keepsData, lostData, mendOfLoss } from "./data-lost";
import { iamOpened, iamWidened } from "./iam";
import { otherOpenings, publicDatabases, sensitiveOpenings } from "./open-to-world";
import { encryptionRemoved, logsLost, protectionRemoved } from "./safeguards";
import { addressesChanged, addressesLost, downtime, stackReplaced } from "./service";

/** What the rules need to know of a stack. */
export type Guarded = Pick<SynthesizedStack, "name" | "stageClass" | "deletionProtection">;

/** Something that a rule has found in a plan. */
export interface Finding {
  readonly address: string;
  /** One sentence. */
  readonly what: string;
}

/**
 * In which stacks `apply` refuses a plan for it: in all, in those of stage class `prod` (which `shared` is one of), in
 * those that keep their data, in none. Where it does not refuse it warns.
 */
export type Refusal = "always" | "prod" | "protected" | "never";

/** One kind of risk. Rules look at a plan's JSON alone, and call nothing. */
export interface Rule {
  readonly name: string;
  /** What it means for a plan, as the beginning of a list. */
  readonly title: string;
  readonly refused: Refusal;
  /** Whether `--allow` lets it pass for one run. @default true */
  readonly overridable?: boolean;
  readonly find: (document: PlanDocument, stack: Guarded) => readonly Finding[];
  /** What to do where it is not meant. */
  readonly mend: (stack: Guarded) => string;
}

const putBack = ({ name }: Guarded): string =>
  ["shared", "access"].includes(name)
    ? "put the shared settings back as they were"
    : `put environments/${name}.env back as it was`;

/** All rules, the gravest first. */
export const rules: readonly Rule[] = [
  {
    name: "data-lost",
    title: "data would be lost",
    refused: "protected",
    overridable: false,
    find: lostData,
    mend: ({ name }) => mendOfLoss(name),
  },
  {
    name: "stack-replaced",
    title: "most of the stack would be made anew",
    refused: "always",
    find: stackReplaced,
    mend: (stack) => `A name, a prefix or the region has most likely changed by mistake: ${putBack(stack)}.`,
  },
  {
    name: "address-lost",
    title: "an Elastic IP would be given back",
    refused: "prod",
    find: addressesLost,
    mend: () => "To keep it, leave its name in TF_VAR_addresses of the shared settings.",
  },
  {
    name: "security-group-open-to-world",
    title: "the world could reach SSH, a database or all ports",
    refused: "always",
    find: sensitiveOpenings,
    mend: () =>
      "Name the networks that need it, or use Session Manager: ./landfall ssh with --ssm needs no open port.",
  },
  {
    name: "database-public",
    title: "a database could be reached from the internet",
    refused: "always",
    find: publicDatabases,
    mend: () => "Reach it through a host of its network instead.",
  },
  {
    name: "public-bucket",
    title: "a bucket could be read or written by anybody",
    refused: "always",
    find: publicBuckets,
    mend: () => "Name who may in the bucket's policy, and leave the block of public access on.",
  },
  {
    name: "iam-opened",
    title: "somebody could do everything, or strangers could do something",
    refused: "always",
    find: iamOpened,
    mend: () => "Name actions, resources and principals, and leave the boundary on the role.",
  },
  {
    name: "encryption-removed",
    title: "something would no longer be encrypted, or by a lesser key",
    refused: "always",
    find: encryptionRemoved,
    mend: (stack) => `To leave it encrypted, ${putBack(stack)}.`,
  },
  {
    name: "data-left",
    title: "data would leave Landfall's hands and stay in AWS",
    refused: "never",
    find: forgottenData,
    mend: (stack) => `To keep it in Landfall's hands, ${putBack(stack)}.`,
  },
  {
    name: "protection-removed",
    title: "something would be less protected from being destroyed",
    refused: "never",
    find: protectionRemoved,
    mend: (stack) => `To leave it protected, ${putBack(stack)}.`,
  },
  {
    name: "iam-widened",
    title: "somebody could do more than before",
    refused: "never",
    find: iamWidened,
    mend: () => "See that each new right is needed.",
  },
  {
    name: "port-open-to-world",
    title: "the world could reach another port",
    refused: "never",
    find: otherOpenings,
    mend: () => "See that the port is meant for everybody.",
  },
  {
    name: "downtime-expected",
    title: "something would not answer for a while",
    refused: "never",
    find: downtime,
    mend: () => "Apply when nobody minds.",
  },
  {
    name: "address-changed",
    title: "something would be reached by another address or name",
    refused: "never",
    find: addressesChanged,
    mend: () => "Tell whoever has the old one.",
  },
  {
    name: "logs-lost",
    title: "logs would be lost, or kept for less long",
    refused: "never",
    find: logsLost,
    mend: () => "Copy what is still wanted.",
  },
];

/** Whether a rule's findings stop an apply. */
export function isRefused({ refused }: Rule, document: PlanDocument, stack: Guarded): boolean {
  switch (refused) {
    case "always":
      return true;
    case "prod":
      return stack.stageClass === "prod";
    case "protected":
      return keepsData(stack, document);
    case "never":
      return false;
  }
}
