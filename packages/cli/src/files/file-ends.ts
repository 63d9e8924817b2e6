/** The first and the last bytes of files. */

import { open, stat } from "node:fs/promises";

/** The ends of a file; they overlap where it is short. */
export interface FileEnds {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/** The first and the last bytes, so many of each; none of what is no file. @throws if it cannot be read */
export async function endsOf(path: string, most: number): Promise<FileEnds> {
  const [head, tail] = await pieces(path, most, (size) => [0, Math.max(0, size - most)]);
  return { head: head ?? new Uint8Array(), tail: tail ?? new Uint8Array() };
}

/** The first bytes, so many; none of what is no file. @throws if it cannot be read */
export async function headOf(path: string, most: number): Promise<Uint8Array> {
  const [head = new Uint8Array()] = await pieces(path, most, () => [0]);
  return head;
}

async function pieces(path: string, most: number, starts: (size: number) => number[]): Promise<Uint8Array[]> {
  const info = await stat(path);
  // Reading a pipe would block.
  if (!info.isFile()) return [];
  const file = await open(path);
  try {
    const found: Uint8Array[] = [];
    for (const at of starts(info.size)) {
      const { buffer, bytesRead } = await file.read(new Uint8Array(most), 0, most, at);
      found.push(buffer.subarray(0, bytesRead));
    }
    return found;
  } finally {
    await file.close();
  }
}
