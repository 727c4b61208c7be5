import { lookup } from "node:dns/promises";
import ipaddr from "ipaddr.js";
import type { Connection } from "../backend/state-store";
import type { SynthesizedStack } from "../environments/app";
import {
  emulatorAccountId,
  emulatorEnvironment,
  emulatorStatus,
  type EmulatorStatus,
} from "../sandbox/emulator";
import { LandfallError } from "../environments/errors";

/** Which AWS a stack is deployed to. */
export interface Target {
  /** Process environment for the binary. */
  readonly environment: NodeJS.ProcessEnv;
  /** The emulator; undefined for AWS itself, where the SDK finds its way. */
  readonly emulator?: Connection;
}

/**
 * Keeps the sandbox from AWS, and all else from an emulator. Calls nothing.
 * @param environment process environment, with the user's AWS settings
 * @throws {LandfallError} where the emulator is wanted and does not run, or is not wanted and the environment points to one
 */
export async function targetOf(
  { name, accountIds, region }: Pick<SynthesizedStack, "name" | "accountIds" | "region">,
  environment: NodeJS.ProcessEnv,
  status: () => Promise<EmulatorStatus> = emulatorStatus,
): Promise<Target> {
  if (accountIds.length === 1 && accountIds[0] === emulatorAccountId) {
    const emulator = await status();
    if (!emulator.running) {
      throw new LandfallError(`${name} belongs to the sandbox, and its emulator is not running.`, {
        mend: "Start it: ./landfall sandbox up",
      });
    }
    const { endpoint } = emulator;
    return {
      environment: emulatorEnvironment(endpoint, environment, region),
      emulator: { endpoint, credentials: { accessKeyId: "sandbox", secretAccessKey: "sandbox" } },
    };
  }
  if (environment.LANDFALL_SHARED === "sandbox") {
    throw new LandfallError(
      `${name} belongs to the sandbox, and would go to AWS account ${accountIds.join(" or ")}.`,
      {
        mend: "Unset TF_VAR_allowed_account_ids, and leave it as it is in environments/sandbox.shared.env.",
      },
    );
  }
  for (const [variable, value] of Object.entries(environment)) {
    if (/^AWS_ENDPOINT_URL(_|$)/.test(variable) && value && (await isLoopback(value))) {
      throw new LandfallError(
        `${variable} points to this machine (${value}), and ${name} belongs to AWS account ${accountIds.join(" or ")}.`,
        { mend: `Unset ${variable}, or use a shell that does not point to the sandbox.` },
      );
    }
  }
  return { environment };
}

async function isLoopback(url: string): Promise<boolean> {
  if (!URL.canParse(url)) return false;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  const { address } = await lookup(host).catch(() => ({ address: "" })); // also names that stand for 127.0.0.1
  return ipaddr.isValid(address) && ["loopback", "unspecified"].includes(ipaddr.process(address).range());
}
