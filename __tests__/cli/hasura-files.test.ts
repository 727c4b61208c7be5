import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compareMetadata, readMetadata } from "../../cli/hasura/metadata";
import { temporaryFolder } from "../support/stacks";

/** Writes files to a folder of their own. @returns that folder */
function folder(files: Readonly<Record<string, string>>): string {
  const root = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}
const usage = (message: string | RegExp) =>
  expect.objectContaining({
    exitCode: 2,
    message: typeof message === "string" ? expect.stringContaining(message) : expect.stringMatching(message),
  }) as Error;

/** A folder as Hasura's command exports it, with one include as a tag, which it takes as well. */
const exported = {
  "version.yaml": "version: 3\n",
  "databases/databases.yaml": `- name: default
  kind: postgres
  configuration:
    connection_info:
      database_url:
        from_env: HASURA_GRAPHQL_DATABASE_URL
      pool_settings: {idle_timeout: 180, retries: 1}
      use_prepared_statements: true
  tables: "!include default/tables/tables.yaml"
  functions: !include default/functions/functions.yaml
`,
  "databases/default/tables/tables.yaml": '- "!include public_event.yaml"\n- "!include public_user.yaml"\n',
  "databases/default/tables/public_event.yaml": `table:
  name: Event
  schema: public
select_permissions:
  - role: user
    permission:
      columns: [id, "on"]
      filter: {userId: {_eq: X-Hasura-User-Id}}
event_triggers:
  - name: changed
    webhook: '{{ACTION_BASE_URL}}/event'
    definition: {enable_manual: false, insert: {columns: '*'}}
`,
  "databases/default/tables/public_user.yaml": "table: {name: user, schema: public}\n",
  "databases/default/functions/functions.yaml": "[]\n",
  "actions.graphql": "",
  "actions.yaml":
    "actions: []\ncustom_types:\n  enums: []\n  input_objects: []\n  objects: []\n  scalars: []\n",
  "allow_list.yaml": "- collection: safe\n  scope: {global: true}\n",
  "query_collections.yaml":
    "- name: safe\n  definition:\n    queries:\n      - name: q\n        query: 'query q { user { id } }'\n",
  "cron_triggers.yaml": "[]\n",
  "network.yaml": "{}\n",
  "rest_endpoints.yaml": "[]\n",
  "remote_schemas.yaml": "",
};
/** The same, as Hasura itself exports it. */
const metadata = {
  version: 3,
  sources: [
    {
      name: "default",
      kind: "postgres",
      configuration: {
        connection_info: {
          database_url: { from_env: "HASURA_GRAPHQL_DATABASE_URL" },
          pool_settings: { idle_timeout: 180, retries: 1 },
          use_prepared_statements: true,
        },
      },
      tables: [
        {
          table: { name: "Event", schema: "public" },
          select_permissions: [
            {
              role: "user",
              permission: { columns: ["id", "on"], filter: { userId: { _eq: "X-Hasura-User-Id" } } },
            },
          ],
          event_triggers: [
            {
              name: "changed",
              webhook: "{{ACTION_BASE_URL}}/event",
              definition: { enable_manual: false, insert: { columns: "*" } },
            },
          ],
        },
        { table: { name: "user", schema: "public" } },
      ],
      functions: [],
    },
  ],
  allowlist: [{ collection: "safe", scope: { global: true } }],
  query_collections: [
    { name: "safe", definition: { queries: [{ name: "q", query: "query q { user { id } }" }] } },
  ],
};

describe("metadata as JSON", () => {
  it.each([
    ["an export", metadata],
    ["an export with its version", { resource_version: 8, metadata }],
    ["a request", { type: "replace_metadata", version: 2, args: { metadata } }],
    ["a request of version 1", { type: "replace_metadata", args: metadata }],
  ])("may be %s", (_, value) => {
    expect(readMetadata(join(folder({ "m.json": JSON.stringify(value) }), "m.json"))).toEqual(metadata);
  });

  it.each([
    ["{", /m\.json is no JSON\.$/],
    ["[]", "holds no Hasura metadata"],
    ['{"version": 2, "tables": []}', "version 3, with sources"],
    ['{"version": 3}', "version 3, with sources"],
  ])("is refused where it is %s", (text, message) => {
    expect(() => readMetadata(join(folder({ "m.json": text }), "m.json"))).toThrow(usage(message));
  });
});

describe("a folder of Hasura's command", () => {
  it("is the same as its export", () => {
    expect(readMetadata(folder(exported))).toEqual(metadata);
  });

  it("may be its project", () => {
    const inProject = Object.entries(exported).map(([name, content]) => [`metadata/${name}`, content]);
    expect(readMetadata(folder({ "config.yaml": "version: 3\n", ...Object.fromEntries(inProject) }))).toEqual(
      metadata,
    );
  });

  it("may repeat itself by YAML's own means", () => {
    const tables = "- &user {table: {name: user}, x: 1}\n- {<<: *user, x: 2}\n";
    const { sources } = readMetadata(folder({ ...exported, "databases/default/tables/tables.yaml": tables }));
    expect(sources[0]).toMatchObject({
      tables: [
        { table: { name: "user" }, x: 1 },
        { table: { name: "user" }, x: 2 },
      ],
    });
  });

  const tables = "databases/default/tables/tables.yaml";
  it.each<[string, Record<string, string>, RegExp]>([
    ["has no version", { "version.yaml": "" }, /version 3, with sources/],
    ["has another version", { "version.yaml": "version: 2" }, /version 3, with sources/],
    [
      "has actions",
      { "actions.yaml": "actions: [{name: a}]" },
      /actions\.yaml: actions have types in GraphQL/,
    ],
    [
      "has types",
      { "actions.yaml": "custom_types: {objects: [{name: a}]}" },
      /actions have types in GraphQL/,
    ],
    ["has a part that is not known", { "news.yaml": "[]" }, /news\.yaml is no file of Hasura's metadata/],
    [
      "includes what is not there",
      { [tables]: '- "!include a.yaml"' },
      /tables\.yaml includes a\.yaml, which is not there/,
    ],
    ["includes itself", { [tables]: '- "!include tables.yaml"' }, /includes itself/],
    ["includes what is outside", { [tables]: '- "!include ../../../../a.yaml"' }, /which is outside/],
    [
      "includes no YAML",
      { [tables]: '- "!include a.graphql"', "databases/default/tables/a.graphql": "" },
      /no YAML/,
    ],
    ["has no YAML", { [tables]: "- a: b\n  c: 'd\n" }, /tables\.yaml:\d+ is no YAML/],
    ["has another tag", { [tables]: "- !secret a" }, /tables\.yaml:1 is no YAML: TAG_RESOLVE_FAILED/],
  ])("is refused where it %s", (_, changed, message) => {
    expect(() => readMetadata(folder({ ...exported, ...changed }))).toThrow(usage(message));
  });

  it("is told from any other folder", () => {
    expect(() => readMetadata(folder({ "a.txt": "" }))).toThrow(usage("it has no version.yaml"));
  });
});

it("metadata is compared object by object, whatever the order of its fields", () => {
  const [source] = metadata.sources;
  const wanted = {
    ...metadata,
    sources: [
      {
        ...source,
        kind: "citus",
        tables: [
          { table: { schema: "public", name: "user" } },
          { table: { schema: "public", name: "Event" } },
          { table: "old_form" },
        ],
        functions: [{ function: { schema: "public", name: "search" } }],
      },
    ],
    allowlist: [],
    network: { tls_allowlist: [] },
  };
  expect(compareMetadata(metadata, wanted)).toEqual({
    added: ["default tables old_form", "default functions public.search", "network"],
    removed: ["allowlist safe"],
    changed: ["sources default", "default tables public.Event"],
  });
});
