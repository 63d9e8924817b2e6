/**
 * Random access to files: a file handle in Node, a Blob in the browser, memory in tests. Checkpoints are read piece by
 * piece, so a file of half a gigabyte is never held twice.
 */

import { ModelFileError } from "../errors.ts";

/** Random access to the bytes of one file. */
export interface ByteSource {
  /** Name of the file in messages. */
  readonly name: string;
  /** Its size in bytes. */
  readonly size: number;
  /**
   * Returns exactly `length` bytes from `offset`, which must not change afterwards. Readers stay within [0, size]; a source
   * that cannot read rejects.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A source over bytes in memory, which it returns as views. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}

/**
 * Reads a range after checking it against the file, since sizes in a file may be wrong.
 * @param what what errors call the range
 * @throws ModelFileError if the range leaves the file, or the source returns another number of bytes
 */
export async function readRange(
  source: ByteSource,
  offset: number,
  length: number,
  what: string,
): Promise<Uint8Array> {
  const inside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!inside || offset + length > source.size) {
    const why = `it claims ${length} bytes at offset ${offset} of a file of ${source.size} bytes`;
    throw badFile(source, why, what, "download the file again");
  }
  const bytes = await source.read(offset, length);
  if (bytes.byteLength !== length) {
    throw badFile(source, `only ${bytes.byteLength} of ${length} bytes could be read`, what);
  }
  return bytes;
}

/** The error of all readers in this folder. Text from the file is shortened and made one line. */
export function badFile(
  source: { readonly name: string },
  why: string,
  where?: string,
  fix?: string,
): ModelFileError {
  return new ModelFileError({
    what: `cannot read "${oneLine(source.name)}"`,
    ...(where === undefined ? {} : { where: oneLine(where) }),
    why: oneLine(why),
    ...(fix === undefined ? {} : { fix }),
  });
}

function oneLine(text: string): string {
  // A name from a hostile file may hold line breaks, terminal escapes or a megabyte of text.
  const printable = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\uFFFD");
  return printable.length > 300 ? `${printable.slice(0, 300)}…` : printable;
}
