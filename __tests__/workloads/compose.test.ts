import Ajv from "ajv";
import { join } from "node:path";
import { parse } from "yaml";
import { composeFile } from "../../cli/verbs/compose";
import { projectRoot } from "../../environments/root";
import type { ContainerProps } from "../../modules/container";
import { composeDocument, type ComposeDocument, type LocalService } from "../../workloads/compose";
import schema from "../support/compose-spec/compose-spec.json";
import { environmentEnv, resources, sharedEnv, synthesizeFiles, temporaryFolder } from "../support/stacks";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const stage = {
  TF_VAR_deptype: "stage",
  TF_VAR_systems: "viewer-atlas",
  TF_VAR_viewer_atlas_collector_image: digest("1"),
  TF_VAR_viewer_atlas_analysis_image: digest("2"),
  TF_VAR_viewer_atlas_vod_image: digest("3"),
  TF_VAR_viewer_atlas_max_vods_per_run: "7",
  TF_VAR_viewer_atlas_analysis_cpu: "2048",
  TF_VAR_viewer_atlas_analysis_memory: "4096",
};
type Service = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- parsed YAML
type Container = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- parsed JSON

/** The compose file and the task definitions of the same settings. */
function both(settings: Record<string, string> = {}, from = projectRoot) {
  const folder = temporaryFolder();
  const files = {
    "shared.env": { ...sharedEnv, TF_VAR_image_repositories: "viewer-atlas" },
    "stage.env": { ...stage, ...settings },
  };
  const synthesized = synthesizeFiles(files, { folder });
  expect(synthesized.broken.flatMap(({ problems }) => problems)).toEqual([]);
  const text = composeFile("stage", { environment: {}, from, folder: join(folder, "environments") });
  const document = parse(text) as ComposeDocument & { services: Record<string, Service> };
  const tasks = Object.values(resources(synthesized.json("stage"), "aws_ecs_task_definition")).map((task) => {
    const containers = JSON.parse(String(task.container_definitions)) as Container[];
    return { task, containers, main: containers[0] as Container };
  });
  return { text, document, tasks };
}
const validate = (() => {
  const draft = { ...schema, $schema: "http://json-schema.org/draft-07/schema" }; // as ajv calls it
  const ajv = new Ajv({ unknownFormats: "ignore", allErrors: true });
  const check = ajv.compile(draft);
  return (document: unknown) => (check(document) ? [] : check.errors);
})();
const inVariables = /^\$\{(\w+):\?.+\}$/;

describe("ViewerAtlas's compose file", () => {
  it.each([
    ["as it is", {}],
    ["built from a folder", { viewer_atlas_source: "../ViewerAtlas" }],
    [
      "with a file system, writable and for ARM",
      {
        TF_VAR_viewer_atlas_file_system: "new",
        TF_VAR_viewer_atlas_read_only_root: "false",
        TF_VAR_viewer_atlas_architecture: "ARM64",
      },
    ],
  ])("is valid by the Compose Specification's schema: %s", (_, settings) => {
    const { document } = both(settings);
    expect(validate(document)).toEqual([]);
    expect(validate({ ...document, services: { ...document.services, x: { imag: "y" } } })).not.toEqual([]);
  });

  describe.each([
    ["as it is", {}],
    ["with a writable root", { TF_VAR_viewer_atlas_read_only_root: "false" }],
  ])("cannot drift from the task definitions, %s:", (_, settings) => {
    const { document, tasks } = both(settings);
    const service = (name: string) => document.services[name] as Service;

    it("they have the same services", () => {
      expect(tasks).toHaveLength(3);
      const { writable, ...services } = document.services;
      expect(Object.keys(services).sort()).toEqual(tasks.map(({ main }) => main.name as string).sort());
      expect(writable).toBeDefined();
    });

    it.each(tasks.map(({ main, task, containers }) => ({ name: String(main.name), main, task, containers })))(
      "$name",
      ({ name, main, task, containers }) => {
        const local = service(name);
        const [, repository] = /(vieweratlas-\w+)/.exec(String(main.image)) ?? [];
        const secrets = main.secrets as { name: string }[];
        const environment = main.environment as { name: string; value: string }[];
        const [settingsHere, secretsHere] = [false, true].map((wanted) =>
          Object.entries(local.environment as Record<string, string>).filter(
            ([, value]) => inVariables.test(value) === wanted,
          ),
        );
        // Where data goes is all that differs
        const storage = ["STORAGE_TYPE", "S3_BUCKET", "S3_PREFIX", "AWS_REGION", "DATA_DIR"];
        const others = (pairs: readonly (readonly [string, string])[] = []) =>
          Object.fromEntries(pairs.filter(([key]) => !storage.includes(key)));
        const { writable } = document.services;

        expect(repository).toBeDefined();
        expect(local.image).toBe(`${repository}:local`);
        expect(local.command).toEqual(main.command);
        expect(others(settingsHere)).toEqual(others(environment.map(({ name, value }) => [name, value])));
        expect(Object.keys(others(settingsHere)).length).toBeGreaterThan(0);
        expect(secretsHere?.map(([key]) => key).sort()).toEqual(secrets.map(({ name }) => name).sort());
        for (const [key, value] of secretsHere ?? []) expect(value).toBe(`\${${key}:?set it in .env}`);
        expect(local.user).toBe(main.user);
        expect(local.read_only).toBe(main.readonlyRootFilesystem);
        expect(local.init).toBe((main.linuxParameters as Container).initProcessEnabled);
        expect(local.stop_grace_period).toBe(`${main.stopTimeout}s`);
        expect(local.cpus * 1024).toBe(Number(task.cpu));
        expect(local.mem_limit).toBe(`${task.memory}m`);
        expect(local.tmpfs).toEqual(
          (main.mountPoints as Container[]).map(({ containerPath }) => `${containerPath}:mode=1777`),
        );
        expect(local.volumes).toEqual(["data:/data"]);
        expect(local.restart === undefined).toBe(name !== "collector");
        expect(writable).toMatchObject({
          entrypoint: containers.find((one) => one.name === "writable")?.entryPoint as string[],
          command: ["/data"],
          user: "0:0",
        });
      },
    );
  });

  it("stores files, and gives the analysis no secrets", () => {
    const { document } = both();
    const environments = Object.values(document.services).map(
      (one) => (one as Service).environment as object,
    );
    for (const environment of environments.filter(Boolean))
      expect(environment).toMatchObject({ STORAGE_TYPE: "file", DATA_DIR: "/data" });
    expect(JSON.stringify(document.services.analysis)).not.toContain("TWITCH");
    expect(document.volumes).toEqual({ data: {} });
  });

  it.each([
    ["../ViewerAtlas", join(projectRoot, "local"), "../../ViewerAtlas"],
    ["../ViewerAtlas", join(projectRoot, ".."), "./ViewerAtlas"],
    ["/src/ViewerAtlas", projectRoot, "/src/ViewerAtlas"],
    [
      "https://github.com/example/ViewerAtlas.git",
      projectRoot,
      "https://github.com/example/ViewerAtlas.git#v2",
    ],
  ])("builds images from %s, as seen from where it lies", (source, from, context) => {
    const settings = { viewer_atlas_source: source, viewer_atlas_git_ref: "v2" };
    const { document } = both(settings, from);
    expect(document.services.vod).toMatchObject({
      build: { context, dockerfile: "infrastructure/docker/Dockerfile.vod" },
    });
  });

  it("is refused for an environment without ViewerAtlas, or with problems", () => {
    const folder = temporaryFolder();
    synthesizeFiles({ "shared.env": sharedEnv, "stage.env": environmentEnv("stage") }, { folder });
    const compose = (environment: NodeJS.ProcessEnv) =>
      composeFile("stage", { environment, from: "/", folder: join(folder, "environments") });
    expect(() => compose({})).toThrow("stage does not carry viewer-atlas");
    expect(() => compose({ TF_VAR_systems: "viewer-atlas", TF_VAR_viewer_atlas_vod_cpu: "300" })).toThrow(
      "The settings of stage have problems",
    );
  });
});

describe("a compose file", () => {
  const container: ContainerProps = {
    name: "web",
    image: "web:1",
    command: ["serve", "$HOME"],
    environment: { PRICE: "5$ or ${x}" },
    secrets: { KEY: { arn: "a", jsonKey: "k" } },
    port: 8080,
    healthCheck: { command: ["probe", "$$"], interval: 10 },
    user: "7:7",
    writableRoot: true,
    stopTimeout: 5,
  };
  const of = (services: Record<string, LocalService>) =>
    composeDocument({ name: "p", services, platform: "linux/arm64", data: "/d" });
  const web = { cpu: 512, memory: 1024, container, always: true };

  it("has all that a container has, and what is no variable stays as it is", () => {
    const document = of({ web });
    expect(validate(document)).toEqual([]);
    expect(document.services.web).toEqual({
      image: "web:1",
      platform: "linux/arm64",
      command: ["serve", "$$HOME"],
      environment: { PRICE: "5$$ or $${x}", KEY: "${KEY:?set it in .env}" },
      user: "7:7",
      read_only: false,
      init: true,
      stop_grace_period: "5s",
      cpus: 0.5,
      mem_limit: "1024m",
      volumes: ["data:/d"],
      ports: ["127.0.0.1:8080:8080"],
      healthcheck: {
        test: ["CMD", "probe", "$$$$"],
        interval: "10s",
        timeout: "5s",
        retries: 3,
        start_period: "60s",
      },
      depends_on: { writable: { condition: "service_completed_successfully" } },
      restart: "unless-stopped",
    });
  });

  it("is refused without services, and where a name is taken", () => {
    expect(() => of({})).toThrow("has no services");
    expect(() => of({ writable: web })).toThrow('"writable"');
  });
});
