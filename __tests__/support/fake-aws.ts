import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../../cli/workspace";
import type { Outputs } from "../../backend/state-store";
import { projectRoot } from "../../environments/root";
import { temporaryFolder } from "./folders";

const fake = join(projectRoot, "__tests__", "support", "fake-aws-cli.cjs");

interface FakeCli {
  answer(args: readonly string[], file: string): { exitCode: number; stdout: string; stderr: string };
}

export interface FakeCall {
  /** Without `--output`. */
  readonly args: readonly string[];
  readonly stdin?: string;
}
export interface FakeState {
  /** By the first two words, and a secret's id where it has one. `{ error }` is a failure. */
  readonly answers?: Readonly<Record<string, readonly object[]>>;
  /** Events of the log stream, and with which question they have arrived. */
  readonly log?: readonly { readonly at: number; readonly message: string }[];
  /** Pages without events after so many events, though there are more. */
  readonly hollow?: { readonly after: number; readonly pages: number };
  /** `cli_history` of the user's AWS config. */
  readonly history?: string;
}

/** An AWS CLI of a test: a program on PATH, and the same without a process for `execa`. */
export class FakeAws {
  private readonly folder = temporaryFolder();
  readonly environment: NodeJS.ProcessEnv;

  constructor(state: FakeState) {
    mkdirSync(join(this.folder, "bin"));
    writeFileSync(
      join(this.folder, "bin", "aws"),
      `#!/usr/bin/env node\nrequire(${JSON.stringify(fake)}).main();\n`,
    );
    chmodSync(join(this.folder, "bin", "aws"), 0o755);
    writeFileSync(join(this.folder, "state.json"), JSON.stringify({ calls: [], answers: {}, ...state }));
    this.environment = {
      PATH: `${join(this.folder, "bin")}:${process.env.PATH}`,
      FAKE_AWS: join(this.folder, "state.json"),
    };
  }

  /** In place of `execa`: a process takes long, and tests of a task make hundreds. */
  readonly execa = (_: string, args: readonly string[]): Promise<object> => {
    const { answer } = createRequire(fake)(fake) as FakeCli;
    const { exitCode, ...rest } = answer(args, join(this.folder, "state.json"));
    return Promise.resolve({ ...rest, failed: exitCode !== 0, exitCode });
  };

  get calls(): readonly FakeCall[] {
    return (JSON.parse(readFileSync(join(this.folder, "state.json"), "utf8")) as { calls: FakeCall[] }).calls;
  }

  /** Commands as one would type them, without what only asks again. */
  get commands(): readonly string[] {
    return this.calls.map(({ args }) => args.join(" "));
  }

  count(command: string): number {
    return this.commands.filter((one) => one.startsWith(command)).length;
  }
}

const ofCollector = {
  kind: "service",
  service: "stage-vieweratlas-collector",
  family: "stage-vieweratlas-collector",
  task_definition: "arn:aws:ecs:us-east-1:436957243186:task-definition/stage-vieweratlas-collector:7",
  container: "collector",
  log_group: "/ecs/stage-vieweratlas-collector",
  log_stream_prefix: "collector",
  capacity: [
    { provider: "FARGATE_SPOT", weight: 1, base: 0 },
    { provider: "FARGATE", weight: 0, base: 1 },
  ],
  secrets: ["twitch_oauth_token", "twitch_client_id"],
};
const ofAnalysis = {
  kind: "task",
  schedule: "stage-vieweratlas-analysis",
  family: "stage-vieweratlas-analysis",
  container: "analysis",
  log_group: "/ecs/stage-vieweratlas-analysis",
  log_stream_prefix: "analysis",
  capacity: [{ provider: "FARGATE_SPOT", weight: 1, base: 0 }],
  secrets: [],
};
const ofVod = {
  ...ofAnalysis,
  schedule: "stage-vieweratlas-vod",
  family: "stage-vieweratlas-vod-collector",
  container: "vod",
  log_group: "/ecs/stage-vieweratlas-vod-collector",
  log_stream_prefix: "vod",
  secrets: ["twitch_oauth_token", "twitch_client_id"],
};
const network = {
  cluster: "stage-vieweratlas-cluster",
  subnets: ["subnet-1", "subnet-2"],
  security_groups: ["sg-1"],
  assign_public_ip: true,
};
const secretArn = (name: string) =>
  `arn:aws:secretsmanager:us-east-1:436957243186:secret:stage-vieweratlas/twitch/${name}-AbCdEf`;
const secret = (name: string, owner: string, used_by: readonly string[]) => ({
  name: `stage-vieweratlas/twitch/${name}`,
  arn: secretArn(name),
  owner,
  used_by,
});

/** Outputs of an environment with ViewerAtlas, as its stack gives them out. */
export const viewerAtlasOutputs = {
  viewer_atlas_containers: {
    sensitive: false,
    value: { ...network, containers: { collector: ofCollector, analysis: ofAnalysis, vod: ofVod } },
  },
  viewer_atlas_secrets: {
    sensitive: false,
    value: {
      twitch_oauth_token: secret("oauth_token", "operator", ["collector", "vod"]),
      twitch_client_id: secret("client_id", "operator", ["collector"]),
      generated: secret("generated", "terraform", []),
    },
  },
};

/** Has an environment be deployed with a fake AWS CLI, where a test has mocked `cli/workspace`. */
export function deployWith(
  aws: FakeAws,
  { emulator = false, outputs = viewerAtlasOutputs }: { emulator?: boolean; outputs?: Outputs } = {},
): void {
  jest.mocked(openWorkspace).mockResolvedValue({
    stack: { region: "us-east-1" },
    target: { environment: aws.environment, ...(emulator && { emulator: {} }) },
    store: { read: () => Promise.resolve({ outputs, resources: [] }) },
  } as unknown as Workspace);
}
