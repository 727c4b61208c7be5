import { gunzipSync } from "node:zlib";
import type { PathStep } from "../plan-document";

/** Bytes that are unpacked at most; user data has 16 KiB packed. */
const mostBytes = 512 * 1024;

/** Whether an attribute's text may be base64 of a text. */
export const isPacked = (path: readonly PathStep[]): boolean =>
  /^user_data$|base64$/.test(String(path.at(-1)));

/** What a text in base64 holds, gzipped or not; undefined where that is no text that somebody could read. */
export function unpacked(text: string): string | undefined {
  const packed = text.replace(/\s/g, "");
  if (packed.length < 16 || packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(packed))
    return undefined;
  const bytes = Buffer.from(packed, "base64");
  try {
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const plain = isGzip ? gunzipSync(bytes, { maxOutputLength: mostBytes }) : bytes;
    return readable(new TextDecoder("utf-8", { fatal: true }).decode(plain));
  } catch {
    return undefined; // no UTF-8, no whole gzip, or too much of it
  }
}

const readable = (text: string): string | undefined =>
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? undefined : text;
