import { targetOf } from "../../cli/guard";
import { emulatorAccountId, type EmulatorStatus } from "../../sandbox/emulator";

const endpoint = "http://127.0.0.1:4711";
const running = (): Promise<EmulatorStatus> =>
  Promise.resolve({ running: true, pid: 1, endpoint, startedAt: "" });
const stopped = (): Promise<EmulatorStatus> => Promise.resolve({ running: false });
const sandbox = { name: "sandbox", accountIds: [emulatorAccountId], region: "us-east-1" };
const stage = { name: "stage", accountIds: ["436957243186"], region: "us-east-1" };

describe("the sandbox", () => {
  it("goes to the emulator, whatever AWS the shell points to, and takes none of its credentials along", async () => {
    const shell = {
      AWS_PROFILE: "work",
      AWS_SESSION_TOKEN: "token",
      AWS_ENDPOINT_URL: "https://aws.example",
      PATH: "/bin",
    };
    const { environment, emulator } = await targetOf(sandbox, shell, running);
    expect(environment).toMatchObject({ AWS_ENDPOINT_URL: endpoint, AWS_REGION: "us-east-1", PATH: "/bin" });
    expect(environment).not.toHaveProperty("AWS_PROFILE");
    expect(environment).not.toHaveProperty("AWS_SESSION_TOKEN");
    expect(emulator?.endpoint).toBe(endpoint);
  });

  it("is refused while the emulator does not run", async () => {
    await expect(targetOf(sandbox, {}, stopped)).rejects.toMatchObject({
      message: "sandbox belongs to the sandbox, and its emulator is not running.",
      mend: "Start it: ./landfall sandbox up",
    });
  });
});

it("the sandbox is refused where the shell names another account for it", async () => {
  const elsewhere = { ...sandbox, accountIds: ["436957243186"] };
  await expect(targetOf(elsewhere, { LANDFALL_SHARED: "sandbox" }, running)).rejects.toMatchObject({
    message: expect.stringContaining(
      "sandbox belongs to the sandbox, and would go to AWS account 436957243186",
    ),
    mend: expect.stringContaining("TF_VAR_allowed_account_ids"),
  });
});

describe("any other stack", () => {
  it("goes to AWS as the shell has it, also while the emulator runs", async () => {
    const shell = { AWS_PROFILE: "work", AWS_ENDPOINT_URL_S3: "https://s3.example.com" };
    expect(await targetOf(stage, shell, running)).toEqual({ environment: shell });
  });

  it("is no sandbox by naming the emulator's account among others", async () => {
    const both = { ...stage, accountIds: [emulatorAccountId, "436957243186"] };
    expect((await targetOf(both, {}, running)).emulator).toBeUndefined();
  });

  it.each([
    ["AWS_ENDPOINT_URL", "http://127.0.0.1:5000"],
    ["AWS_ENDPOINT_URL", "http://127.8.8.8"],
    ["AWS_ENDPOINT_URL", "http://localhost:5000/"],
    ["AWS_ENDPOINT_URL", "http://[::1]:5000"],
    ["AWS_ENDPOINT_URL", "http://[::ffff:127.0.0.1]:5000"],
    ["AWS_ENDPOINT_URL", "http://0.0.0.0:5000"],
    ["AWS_ENDPOINT_URL_S3", "http://127.0.0.1:5000"],
    ["AWS_ENDPOINT_URL_DYNAMODB", "http://LOCALHOST:5000"],
  ])("is refused where %s is %s", async (variable, value) => {
    await expect(targetOf(stage, { [variable]: value }, running)).rejects.toMatchObject({
      message: expect.stringContaining(`${variable} points to this machine`),
      mend: expect.stringContaining(`Unset ${variable}`),
    });
  });

  it("does not mind an empty endpoint", async () => {
    await expect(targetOf(stage, { AWS_ENDPOINT_URL: "" }, stopped)).resolves.toBeDefined();
  });
});
