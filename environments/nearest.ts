import { closest, distance } from "fastest-levenshtein";

/** The choice that a misspelt word most likely meant, if any is near. */
export function nearest(word: string, choices: readonly string[]): string | undefined {
  if (word.length > 64 || choices.length === 0) return undefined;
  const choice = closest(word, choices);
  return distance(word, choice) <= Math.max(2, choice.length / 4) ? choice : undefined;
}
