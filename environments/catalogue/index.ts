import type { InputGroup } from "../input";
import { atomicCalendarInputs } from "./atomic-calendar";
import { chronosInputs } from "./chronos";
import { macroAiInputs } from "./macro-ai";
import { viewerAtlasInputs } from "./viewer-atlas";
import { xSchedulerInputs } from "./x-scheduler";

export * from "./access";
export * from "./atomic-calendar";
export * from "./chronos";
export * from "./environment";
export * from "./macro-ai";
export * from "./shared";
export * from "./viewer-atlas";
export * from "./x-scheduler";

/** Inputs of each system, by its name in `systems`. */
export const systemInputs = {
  chronos: chronosInputs,
  "x-scheduler": xSchedulerInputs,
  "macro-ai": macroAiInputs,
  "viewer-atlas": viewerAtlasInputs,
  "atomic-calendar": atomicCalendarInputs,
} as const satisfies Readonly<Record<string, InputGroup>>;

export type SystemName = keyof typeof systemInputs;
