import { existsSync } from "node:fs";
import { join } from "node:path";
import { Host } from "../../modules/host";
import { Network } from "../../modules/network";
import { environmentEnv, resources, sharedEnv, synthesizeFiles } from "../support/stacks";

jest.mock("../../modules/host", () => {
  const actual = jest.requireActual<{ Host: new (...args: unknown[]) => Host }>("../../modules/host");
  return { Host: jest.fn((...args: unknown[]) => new actual.Host(...args)) };
});
const hosts = jest.mocked(Host);
const makeHost = hosts.getMockImplementation();
afterEach(() => hosts.mockImplementation(makeHost));

const files = {
  "shared.env": sharedEnv,
  "stage.env": environmentEnv("stage"),
  "prod.env": environmentEnv("prod"),
};

describe("a fault that no check found", () => {
  const failing = (when: (name: string) => boolean, fault: (host: Host) => void) =>
    hosts.mockImplementation((scope, id, props) => {
      const host = makeHost?.(scope, id, props) as Host;
      if (when(props.name)) fault(host);
      return host;
    });

  it.each([
    [
      "while the stack is put together",
      () => {
        throw new Error("no such thing");
      },
    ],
    [
      "while it is written",
      (host: Host) =>
        host.node.addValidation({
          validate: () => {
            throw new Error("no such thing");
          },
        }),
    ],
    ["of validation", (host: Host) => host.node.addValidation({ validate: () => ["no such thing"] })],
  ])("costs its environment alone, %s", (_, fault) => {
    failing((name) => name === "prod-dashboard", fault);
    const synthesis = synthesizeFiles(files);
    expect([...synthesis.stacks.keys()]).toEqual(["state", "shared", "stage"]);
    expect(Object.keys(resources(synthesis.json("stage"), "aws_instance"))).toHaveLength(1);
    expect(existsSync(join(synthesis.outdir, "stacks", "prod"))).toBe(false);
    expect(synthesis.broken).toEqual([
      expect.objectContaining({
        name: "prod",
        problems: [
          expect.objectContaining({
            file: "environments/prod.env",
            what: expect.stringContaining("no such thing"),
          }),
        ],
      }),
    ]);
  });

  it("of shared leaves the environments", () => {
    const natGateways = jest.spyOn(Network.prototype as unknown as { flowLogs(): void }, "flowLogs");
    natGateways.mockImplementation(() => {
      throw new Error("no such thing");
    });
    const synthesis = synthesizeFiles(files);
    natGateways.mockRestore();
    expect([...synthesis.stacks.keys()]).toEqual(["state", "prod", "stage"]);
    expect(synthesis.broken.map(({ file }) => file)).toEqual(["environments/shared.env"]);
  });
});
