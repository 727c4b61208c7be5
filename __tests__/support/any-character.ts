import fc from "fast-check";

const FIRST_HALF = 0xd800;
const HALVES = 0x800;
const LAST = 0x10ffff;

/** Each character there is, as fast-check's unit "binary": that takes half a second a test file to list them all. */
export const anyCharacter = fc.nat(LAST - HALVES).map(
  (index) => String.fromCodePoint(index < FIRST_HALF ? index : index + HALVES),
  (character) => {
    const point = typeof character === "string" ? character.codePointAt(0) : undefined;
    if (point === undefined || character !== String.fromCodePoint(point)) throw new Error("no character");
    return point < FIRST_HALF ? point : point - HALVES;
  },
);
