import { findContainer, findSecret, readContainers, type DeployedContainers } from "../../cli/containers";
import { viewerAtlasOutputs } from "../support/fake-aws";

const { viewer_atlas_containers: containers, viewer_atlas_secrets: secrets } = viewerAtlasOutputs;
const deployed = (outputs: Parameters<typeof readContainers>[0] = viewerAtlasOutputs) =>
  ({ environment: "stage", ...readContainers(outputs, "stage") }) as DeployedContainers;
/** With a second system that has containers and secrets of the same names, and one more of each. */
const two = () =>
  deployed({
    ...viewerAtlasOutputs,
    atomic_calendar_containers: {
      sensitive: false,
      value: {
        ...containers.value,
        cluster: "stage-atomic",
        containers: { ...containers.value.containers, hasura: containers.value.containers.collector },
      },
    },
    atomic_calendar_secrets: {
      sensitive: false,
      value: { ...secrets.value, hasura_admin: secrets.value.generated },
    },
  });

it("are read from the outputs, with what it takes to start them", () => {
  const analysis = findContainer(deployed(), "analysis");
  expect(analysis).toMatchObject({
    system: "viewer-atlas",
    name: "analysis",
    kind: "task",
    cluster: "stage-vieweratlas-cluster",
    family: "stage-vieweratlas-analysis",
    subnets: ["subnet-1", "subnet-2"],
    securityGroups: ["sg-1"],
    publicIp: true,
  });
  expect(findContainer(deployed(), "viewer-atlas/analysis")).toEqual(analysis);
  expect(findSecret(deployed(), "twitch_client_id")).toMatchObject({
    secretName: "stage-vieweratlas/twitch/client_id",
    owner: "operator",
    usedBy: ["collector"],
  });
  expect(findSecret(deployed(), "stage-vieweratlas/twitch/client_id").name).toBe("twitch_client_id");
});

it("of several systems are told apart by the system", () => {
  expect(findContainer(two(), "hasura").system).toBe("atomic-calendar");
  expect(findContainer(two(), "atomic-calendar/analysis").cluster).toBe("stage-atomic");
  expect(findContainer(two(), "viewer-atlas/analysis").cluster).toBe("stage-vieweratlas-cluster");
  expect(() => findContainer(two(), "analysis")).toThrow(
    expect.objectContaining({
      exitCode: 2,
      message: 'stage has several containers "analysis".',
      mend: "Say which: viewer-atlas/analysis or atomic-calendar/analysis.",
    }) as Error,
  );
  expect(() => findSecret(two(), "twitch_oauth_token")).toThrow("several secrets");
  expect(findSecret(two(), "hasura_admin").system).toBe("atomic-calendar");
});

it.each([
  [
    "analisys",
    'stage has no container "analisys". Did you mean analysis?',
    "It has: collector, analysis, vod.",
  ],
  ["web", 'stage has no container "web".', "It has: collector, analysis, vod."],
])("that do not exist are refused with those that do: %s", (wanted, message, mend) => {
  expect(() => findContainer(deployed(), wanted)).toThrow(
    expect.objectContaining({ exitCode: 2, message, mend }) as Error,
  );
});

it("are none where no system has any, and outputs of hosts are none", () => {
  const outputs = {
    macro_ai_instance_id: { sensitive: false, value: "i-1" },
    x_scheduler_secrets: { sensitive: false, value: "not of containers" },
  };
  expect(readContainers(outputs, "stage")).toEqual({ containers: [], secrets: [] });
  expect(() => findContainer(deployed(outputs), "collector")).toThrow(
    expect.objectContaining({
      exitCode: 2,
      mend: expect.stringContaining("It has none.") as string,
    }) as Error,
  );
});

it.each([
  [
    "containers",
    { ...viewerAtlasOutputs, viewer_atlas_containers: { sensitive: false, value: { cluster: 1 } } },
  ],
  ["secrets", { ...viewerAtlasOutputs, viewer_atlas_secrets: { sensitive: false, value: { a: {} } } }],
])("in an output of another form: %s", (what, outputs) => {
  expect(() => readContainers(outputs, "stage")).toThrow(
    expect.objectContaining({
      message: expect.stringContaining(`viewer_atlas_${what} of stage`) as string,
      mend: "Write it anew: ./landfall apply stage",
    }) as Error,
  );
});
