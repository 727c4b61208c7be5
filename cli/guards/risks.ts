import { LandfallError } from "../../environments/errors";
import { progress } from "../output";
import type { PlanDocument } from "../plan-document";
import type { Risk } from "../review/model";
import { covers, isAllowed, typedAllow, type Allowed } from "./allow";
import { dataRefusal, tellForgottenData } from "./data-lost";
import { oneLine } from "./one-line";
import { isRefused, rules, type Guarded, type Rule } from "./rules";

export { parseAllowed, type Allowed } from "./allow";

/** A warning names so many resources for each rule; the plan itself names all. */
const MOST_NAMED = 10;

/** What somebody must look at in a plan, the gravest first. */
export const risksOf = (stack: Guarded, document: PlanDocument): Risk[] =>
  rules.flatMap((rule) => {
    const refused = isRefused(rule, document, stack);
    return rule
      .find(document, stack)
      .map(({ address, what }) => ({ rule: rule.name, refused, address, what }));
  });

/**
 * Warns of what is risky in a plan, and refuses what must not be done by accident.
 * @param allowed risks that the user takes for this run; one that was not needed is told
 * @throws {LandfallError} naming each refused finding, its reason, what to do, and how to override it for one run
 */
export function enforceGuards(
  stack: Guarded,
  document: PlanDocument,
  { allowed = [] }: { readonly allowed?: readonly Allowed[] } = {},
): void {
  const risks = risksOf(stack, document);
  const stopping = risks.filter((risk) => risk.refused && !isAllowed(allowed, risk));
  if (stopping.length > 0) throw refusalOf(stack, document, stopping);
  tellForgottenData(stack, document);
  tellWarnings(risks); // those that are allowed for this run among them
  for (const one of allowed.filter((each) => !risks.some((risk) => risk.refused && covers(each, risk))))
    progress(`${typedAllow(one)} was not needed: no rule refuses that here`);
}

/** As {@link enforceGuards}, for a plan that is only looked at: what apply would refuse is told, and nothing thrown. */
export function tellGuards(stack: Guarded, document: PlanDocument): void {
  const risks = risksOf(stack, document);
  const refused = risks.filter((risk) => risk.refused);
  tellForgottenData(stack, document);
  tellWarnings(risks.filter((risk) => !risk.refused));
  if (refused.length === 0) return;
  const { message, mend } = refusalOf(stack, document, refused);
  progress([`Warning: apply will refuse this plan. ${message}`, mend ?? ""].join("\n"));
}

/** Tells what the plan is not refused for; `data-left` is told with how to take it back. */
function tellWarnings(risks: readonly Risk[]): void {
  for (const { name, title } of rules.filter((rule) => rule.name !== "data-left")) {
    const found = risks.filter(({ rule }) => rule === name);
    if (found.length > 0) progress([`Warning: ${name}: ${title}:`, ...linesOf(found)].join("\n"));
  }
}

const lineOf = ({ address, what }: Risk): string => oneLine(`  ${address}: ${what}`);

function linesOf(risks: readonly Risk[]): string[] {
  const rest = risks.length - MOST_NAMED;
  return [...risks.slice(0, MOST_NAMED).map(lineOf), ...(rest > 0 ? [`  and ${rest} more`] : [])];
}

function refusalOf(stack: Guarded, document: PlanDocument, stopping: readonly Risk[]): LandfallError {
  const data = dataRefusal(stack, document);
  const others = rules.flatMap((rule) => {
    const found = stopping.filter((risk) => risk.rule === rule.name && rule.name !== "data-lost");
    return found.length > 0 ? [{ rule, found }] : [];
  });
  if (others.length === 0 && data) return data;
  const message = [
    ...(data ? [data.message] : [`This plan of ${stack.name} is refused; nothing was applied.`]),
    ...others.flatMap(({ rule, found }) => [`${rule.name}: ${rule.title}:`, ...found.map(lineOf)]),
  ].join("\n");
  const mends = others.map(({ rule }) => `${rule.name}: ${rule.mend(stack)}`);
  return new LandfallError(message, {
    mend: [...(data?.mend ? [data.mend] : []), ...mends, overrideOf(stack, others)].join("\n"),
  });
}

function overrideOf(
  { name }: Guarded,
  others: readonly { readonly rule: Rule; readonly found: readonly Risk[] }[],
): string {
  const flags = others.map(({ rule, found: [one, ...more] }) =>
    one && more.length === 0 && one.address === oneLine(one.address)
      ? typedAllow({ rule: rule.name, address: one.address })
      : typedAllow({ rule: rule.name }),
  );
  return `If it is meant, for this one run: ./landfall apply ${name} ${flags.join(" ")}`;
}
