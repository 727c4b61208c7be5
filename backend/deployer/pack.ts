import type { PolicyStatement } from "../../modules/service-role";

/** Without whitespace. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const DOCUMENT_CHARACTERS = 6144;
/** Managed policies of a role, without asking AWS for more. */
export const POLICIES_OF_A_ROLE = 10;

/** What is allowed together: some actions on some resources. */
export interface Grant {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly condition?: PolicyStatement["Condition"];
}

/** A policy as IAM takes it. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
}

const unique = (values: readonly string[]): string[] => [...new Set(values)].sort();
const grouped = (grants: readonly Grant[], key: (grant: Grant) => unknown): Grant[][] => {
  const groups = new Map<string, Grant[]>();
  for (const grant of grants) {
    const name = JSON.stringify(key(grant));
    groups.set(name, [...(groups.get(name) ?? []), grant]);
  }
  return [...groups.values()];
};

/** The same rights in as few grants as are found: first those on the same resources are made one, then those of the same actions. */
function merged(grants: readonly Grant[]): Grant[] {
  const byResources = grouped(grants, ({ resources, condition }) => [unique(resources), condition]).map(
    (group): Grant => ({
      actions: unique(group.flatMap(({ actions }) => actions)),
      resources: unique(group[0]?.resources ?? []),
      condition: group[0]?.condition,
    }),
  );
  return grouped(byResources, ({ actions, condition }) => [actions, condition]).map((group) => ({
    actions: group[0]?.actions ?? [],
    resources: unique(group.flatMap(({ resources }) => resources)),
    condition: group[0]?.condition,
  }));
}

const titled = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** A name of letters and digits alone, as IAM wants it: whose services they are. */
function sidOf({ actions }: Grant, number: number): string {
  const services = unique(actions.map((action) => action.split(":")[0] ?? ""));
  const name =
    services.length > 2 ? "Several" : services.flatMap((service) => service.split("-").map(titled)).join("");
  return `${name}${number}`;
}

const sizeOf = (statements: readonly PolicyStatement[]): number =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements }).length;

/** Halves, until each fits by itself. */
function fitting(statement: PolicyStatement): PolicyStatement[] {
  if (sizeOf([statement]) <= DOCUMENT_CHARACTERS) return [statement];
  const lists = [statement.Action, statement.Resource].map((list) => [list ?? []].flat());
  const [actions = [], resources = []] = lists;
  if (actions.length < 2 && resources.length < 2)
    throw new Error(`${actions.join(", ")} on ${resources.join(", ")} does not fit into a policy of IAM.`);
  const half = <T>(list: readonly T[]) =>
    [list.slice(0, list.length / 2), list.slice(list.length / 2)] as const;
  const parts =
    actions.length >= 2
      ? half(actions).map((Action) => ({ ...statement, Action }))
      : half(resources).map((Resource) => ({ ...statement, Resource }));
  return parts.flatMap((part, index) => fitting({ ...part, Sid: `${statement.Sid}${"ab"[index]}` }));
}

/**
 * Documents that together allow what the grants say, each within IAM's size.
 * @param what names them in errors
 * @throws where they are more than a role may have
 */
export function packed(grants: readonly Grant[], what: string): PolicyDocument[] {
  const statements = merged(grants).map((grant, index): PolicyStatement => ({
    Sid: sidOf(grant, index + 1),
    Effect: "Allow",
    Action: grant.actions,
    Resource: grant.resources,
    ...(grant.condition && { Condition: grant.condition }),
  }));
  const documents: PolicyStatement[][] = [];
  for (const statement of statements.flatMap(fitting)) {
    const place = documents.find((document) => sizeOf([...document, statement]) <= DOCUMENT_CHARACTERS);
    if (place) place.push(statement);
    else documents.push([statement]);
  }
  if (documents.length > POLICIES_OF_A_ROLE) {
    throw new Error(
      `The policies of ${what} are ${documents.length}, and IAM attaches ${POLICIES_OF_A_ROLE} to a role. Name fewer systems or accounts, or have AWS raise the quota "Managed policies per role".`,
    );
  }
  return documents.map((Statement) => ({ Version: "2012-10-17", Statement }));
}
