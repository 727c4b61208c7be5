import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parseDocument } from "yaml";
import { UsageError } from "../../environments/errors";

/** Hasura's metadata, version 3. */
export interface Metadata {
  readonly version: 3;
  readonly sources: readonly unknown[];
  readonly [part: string]: unknown;
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const EXPORT = "hasura metadata export -o json > metadata.json";
const toJson = `Give it as JSON, as Hasura's own command writes it: ${EXPORT}`;

/** Files of a metadata folder and the parts that they hold, but for `version.yaml`, `actions.yaml` and the databases. */
const parts: Readonly<Record<string, string>> = {
  "allow_list.yaml": "allowlist",
  "api_limits.yaml": "api_limits",
  "backend_configs.yaml": "backend_configs",
  "cron_triggers.yaml": "cron_triggers",
  "graphql_schema_introspection.yaml": "graphql_schema_introspection",
  "inherited_roles.yaml": "inherited_roles",
  "metrics_config.yaml": "metrics_config",
  "network.yaml": "network",
  "opentelemetry.yaml": "opentelemetry",
  "query_collections.yaml": "query_collections",
  "remote_schemas.yaml": "remote_schemas",
  "rest_endpoints.yaml": "rest_endpoints",
};
const others = ["version.yaml", "actions.yaml"];

/**
 * Metadata of a file or a folder: JSON as Hasura exports it, or takes it for `replace_metadata`; or the folder of
 * Hasura's command (config v3), also by its project. Actions have types in a language of their own, and come as JSON.
 * @throws {UsageError} where it is none, or not whole
 */
export function readMetadata(path: string): Metadata {
  if (!existsSync(path)) throw new UsageError(`There is no file or folder ${path}.`);
  if (!statSync(path).isDirectory())
    return metadataIn(extname(path) === ".json" ? readJson(path) : new Yaml(dirname(path)).read(path), path);
  const inProject = join(path, "metadata");
  return readFolder(existsSync(join(path, "version.yaml")) ? path : inProject, path);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new UsageError(`${file} is no JSON.`); // the parser's own words may hold a part of it
  }
}

/** Takes metadata out of what is around it: an export with its version, or a whole request. */
function metadataIn(value: unknown, path: string): Metadata {
  const request = isFields(value) && isFields(value.args) ? value.args : value;
  const found = isFields(request) && isFields(request.metadata) ? request.metadata : request;
  if (isFields(found) && found.version === 3 && Array.isArray(found.sources)) return found as Metadata;
  throw new UsageError(`${path} holds no Hasura metadata: version 3, with sources.`, { mend: toJson });
}

function readFolder(folder: string, given: string): Metadata {
  if (!existsSync(join(folder, "version.yaml")))
    throw new UsageError(`${given} is no folder of Hasura metadata: it has no version.yaml.`, {
      mend: toJson,
    });
  const yaml = new Yaml(folder);
  const read = (file: string): unknown => {
    const path = join(folder, file);
    return existsSync(path) ? yaml.read(path) : undefined;
  };
  const files = readdirSync(folder).filter((file) => /\.ya?ml$/.test(file));
  for (const file of files)
    if (!Object.hasOwn(parts, file) && !others.includes(file))
      throw new UsageError(`${join(folder, file)} is no file of Hasura's metadata that is known here.`, {
        mend: toJson,
      });
  refuseActions(read("actions.yaml"), folder);
  const found = Object.entries(parts).map(([file, part]) => [part, read(file)] as const);
  const version = read("version.yaml");
  return metadataIn(
    {
      ...Object.fromEntries(found.filter(([, value]) => !isNothing(value))),
      version: isFields(version) ? version.version : undefined,
      sources: read(join("databases", "databases.yaml")) ?? [],
    },
    folder,
  );
}

const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);

function refuseActions(value: unknown, folder: string): void {
  if (!isFields(value)) return;
  const types = isFields(value.custom_types) ? Object.values(value.custom_types) : [];
  if ([value.actions, ...types].every(isNothing)) return;
  throw new UsageError(
    `${join(folder, "actions.yaml")}: actions have types in GraphQL, which is not read here.`,
    {
      mend: toJson,
    },
  );
}

const INCLUDE = /^!include\s+(.+)$/;

/** Reads YAML with what it includes, as a tag or, as Hasura's command writes it, in a text. */
class Yaml {
  private readonly open: string[] = [];

  /** @param root folder that holds all of it */
  constructor(private readonly root: string) {}

  read(file: string): unknown {
    const path = resolve(file);
    if (this.open.includes(path)) throw new UsageError(`${file} includes itself.`);
    this.open.push(path);
    const value = this.included(this.parse(file), dirname(file));
    this.open.pop();
    return value;
  }

  private parse(file: string): unknown {
    const tag = { tag: "!include", resolve: (path: string) => `!include ${path}` };
    const document = parseDocument(readFileSync(file, "utf8"), { customTags: [tag], merge: true });
    const [problem] = [...document.errors, ...document.warnings];
    if (!problem) return document.toJS() as unknown;
    const line = problem.linePos?.[0].line;
    throw new UsageError(`${file}${line === undefined ? "" : `:${line}`} is no YAML: ${problem.code}.`);
  }

  private included(value: unknown, folder: string): unknown {
    if (typeof value === "string") {
      const [, path] = INCLUDE.exec(value) ?? [];
      return path === undefined ? value : this.include(path, folder);
    }
    if (Array.isArray(value)) return value.map((item) => this.included(item, folder));
    if (!isFields(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.included(one, folder)]));
  }

  private include(path: string, folder: string): unknown {
    const file = join(folder, path);
    const by = `${this.open.at(-1)} includes ${path}`;
    if (relative(resolve(this.root), resolve(file)).split(sep)[0] === "..")
      throw new UsageError(`${by}, which is outside ${this.root}.`);
    if (!existsSync(file)) throw new UsageError(`${by}, which is not there.`);
    if (!/\.ya?ml$/.test(file)) throw new UsageError(`${by}, which is no YAML.`, { mend: toJson });
    return this.read(file);
  }
}

/** Names of what a metadata adds to another one, takes from it, and writes differently. */
export interface MetadataDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** How one metadata differs from another, object by object. Hasura leaves defaults out, so not all is a change. */
export function compareMetadata(present: Fields, wanted: Fields): MetadataDifference {
  const [before, after] = [objectsOf(present), objectsOf(wanted)];
  const names = [...after.keys()];
  return {
    added: names.filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    changed: names.filter(
      (name) => before.has(name) && !isDeepStrictEqual(before.get(name), after.get(name)),
    ),
  };
}

/** Parts, objects of parts, and those of databases, each without the ones in it. */
function objectsOf(metadata: Fields): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const add = (part: string, value: unknown): void => {
    if (!Array.isArray(value)) found.set(part, value);
    else for (const item of value as unknown[]) found.set(`${part} ${nameOf(item)}`, item);
  };
  for (const [part, value] of Object.entries(metadata)) {
    if (part === "version" || isNothing(value)) continue;
    if (part !== "sources" || !Array.isArray(value)) {
      add(part, value);
      continue;
    }
    for (const source of value as unknown[]) {
      const fields = Object.entries(isFields(source) ? source : {});
      const name = nameOf(source);
      found.set(`sources ${name}`, Object.fromEntries(fields.filter(([, one]) => !Array.isArray(one))));
      for (const [kind, one] of fields.filter(([, item]) => Array.isArray(item))) add(`${name} ${kind}`, one);
    }
  }
  return found;
}

function nameOf(item: unknown): string {
  if (!isFields(item)) return JSON.stringify(item);
  const name =
    item.name ?? item.table ?? item.function ?? item.role_name ?? item.collection ?? item.root_field_name;
  if (typeof name === "string") return name;
  if (isFields(name)) return [name.schema ?? name.dataset, name.name].filter(Boolean).join(".");
  return JSON.stringify(item);
}
