import { risksOf } from "../../cli/guards/risks";
import type { ResourceChange } from "../../cli/plan-document";
import { synthesized, type Attributes } from "./synthesized";
import { document } from "../cli/guards/support";

const stacks = synthesized({});

/** The making of a resource as a plan has it: what refers to another one is known only after the apply. */
function creation(type: string, name: string, configured: Attributes): ResourceChange {
  const isUnknown = (value: unknown) => typeof value === "string" && value.includes("${");
  const entries = Object.entries(configured);
  return {
    address: `${type}.${name}`,
    mode: "managed",
    type,
    change: {
      actions: ["create"],
      before: null,
      after: Object.fromEntries(entries.filter(([, value]) => !isUnknown(value))),
      after_unknown: Object.fromEntries(
        entries.filter(([, value]) => isUnknown(value)).map(([key]) => [key, true]),
      ),
    },
  };
}

/** What the configuration of a plan says of a resource's attributes: the text, and to what it refers. */
const expressions = (configured: Attributes) =>
  Object.fromEntries(
    Object.entries(configured).map(([attribute, value]) => {
      const references = [...String(value).matchAll(/\$\{([\w.-]+)\.\w+\}/g)].flatMap(([, to]) => to ?? []);
      return [attribute, { constant_value: value, ...(references.length > 0 ? { references } : {}) }];
    }),
  );

test.each([...stacks.keys()])("%s as it is committed may be made: no rule refuses it", (name) => {
  const resources = Object.entries(stacks.get(name)?.resource ?? {}).flatMap(([type, blocks]) =>
    Object.entries(blocks).map(([key, configured]) => ({ type, key, configured })),
  );
  const changes = resources.map(({ type, key, configured }) => creation(type, key, configured));
  expect(changes.length).toBeGreaterThan(10);
  const plan = document(changes);
  const provider = {
    expressions: { allowed_account_ids: { constant_value: ["123456789012", "111122223333"] } },
  };
  const configuration = {
    provider_config: { aws: provider },
    root_module: {
      resources: resources.map(({ type, key, configured }) => ({
        address: `${type}.${key}`,
        expressions: expressions(configured),
      })),
    },
  };
  const risks = risksOf({ name, stageClass: "prod", deletionProtection: true }, { ...plan, configuration });
  expect(risks.filter(({ refused }) => refused)).toEqual([]);
  expect(new Set(risks.map(({ rule }) => rule))).toEqual(
    new Set(name === "sandbox" ? ["port-open-to-world"] : []),
  );
});
