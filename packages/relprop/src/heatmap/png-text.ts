/**
 * Reads and writes texts in PNG files: `tEXt` chunks (PNG specification, third edition, 2025, section 11.3.3). A chunk is
 * its length, its type, its data and the CRC-32 of type and data; numbers are big-endian.
 */

import { InputError } from "../errors.ts";
import { version } from "../version.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const signature = [137, 80, 78, 71, 13, 10, 26, 10];
/** Bytes of a chunk besides its data: length, type and CRC. */
const overhead = 12;

/** Whether bytes begin as a PNG file does. */
export const isPng = (bytes: Uint8Array): boolean => signature.every((byte, i) => bytes[i] === byte);

/**
 * A PNG with one more text, right after its header.
 * @param keyword 1 to 79 characters of ASCII
 * @param text ASCII; {@link asciiJson} writes JSON so
 * @throws InputError if the bytes are not a PNG, or keyword or text are not ASCII
 */
export function withText(png: Uint8Array, keyword: string, text: string): Bytes {
  if (!isPng(png)) throw new InputError({ what: "cannot put a text in the file", why: "it is not a PNG" });
  // oxlint-disable-next-line no-control-regex -- exactly the characters that Latin-1 and UTF-8 write alike
  if (!/^[\x01-\x7f]*$/.test(keyword + text)) {
    throw new InputError({
      what: "cannot put the text in the PNG",
      why: "it has characters beyond ASCII",
      fix: "escape them, as asciiJson does",
    });
  }
  const chunk = textChunk(keyword, text);
  const at = signature.length + overhead + lengthAt(png, signature.length);
  const whole = new Uint8Array(png.length + chunk.length);
  whole.set(png.subarray(0, at));
  whole.set(chunk, at);
  whole.set(png.subarray(at), at + chunk.length);
  return whole;
}

/** The text of a PNG under a keyword; undefined if there is none, or the bytes are not a PNG. */
export function textOf(png: Uint8Array, keyword: string): string | undefined {
  if (!isPng(png)) return undefined;
  const latin1 = new TextDecoder("latin1");
  for (let at = signature.length; at + overhead <= png.length; at += overhead + lengthAt(png, at)) {
    if (latin1.decode(png.subarray(at + 4, at + 8)) !== "tEXt") continue;
    const data = latin1.decode(png.subarray(at + 8, at + 8 + lengthAt(png, at)));
    if (data.startsWith(`${keyword}\0`)) return data.slice(keyword.length + 1);
  }
  return undefined;
}

/** Keyword of the PNG specification for the program that wrote a picture; the first text of PNGs that relprop writes. */
export const softwareKeyword = "Software";
/** The text under {@link softwareKeyword} in PNGs that relprop writes. */
export const software: string = `relprop ${version}`;

/**
 * A PNG with the name of this program, and further texts.
 * @param texts ASCII, by keyword of 1 to 79 characters
 */
export function stampPng(png: Uint8Array, texts: Readonly<Record<string, string>> = {}): Bytes {
  const withTexts = Object.entries(texts).reduce(
    (bytes, [keyword, text]) => withText(bytes, keyword, text),
    png,
  );
  return withText(withTexts, softwareKeyword, software);
}

/** A value as JSON in ASCII, as texts of PNG files are. */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

function textChunk(keyword: string, text: string): Bytes {
  const body = new TextEncoder().encode(`tEXt${keyword}\0${text}`);
  const chunk = new Uint8Array(body.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(4 + body.length, crc32(body));
  return chunk;
}

const lengthAt = (png: Uint8Array, at: number): number =>
  new DataView(png.buffer, png.byteOffset, png.byteLength).getUint32(at);

/** CRC-32 of ISO 3309, as in PNG, ZIP and gzip. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
