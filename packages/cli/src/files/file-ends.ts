/** The first and the last bytes of files. */

import { open, stat } from "node:fs/promises";

/** The ends of a file; they overlap where it is short. */
export interface FileEnds {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/** The first and the last bytes, so many of each; none of what is no file. @throws if it cannot be read */
export async function endsOf(path: string, most: number): Promise<FileEnds> {
  const info = await stat(path);
  // Reading a pipe would block.
  if (!info.isFile()) return { head: new Uint8Array(), tail: new Uint8Array() };
  const file = await open(path);
  const read = async (at: number): Promise<Uint8Array> => {
    const { buffer, bytesRead } = await file.read(new Uint8Array(most), 0, most, at);
    return buffer.subarray(0, bytesRead);
  };
  try {
    return { head: await read(0), tail: await read(Math.max(0, info.size - most)) };
  } finally {
    await file.close();
  }
}
