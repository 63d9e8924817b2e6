/** A checksum of a whole file, fast enough to be taken each time that the file is used. */

import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";

const chunk = 1 << 23;

/** CRC-32 of a file's content and its length, as text. While one part is counted, the next is read. */
export async function checksumOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const buffers = [Buffer.alloc(Math.min(chunk, size)), Buffer.alloc(Math.min(chunk, size))] as const;
    const partAt = (at: number): Promise<Buffer> => {
      const buffer = buffers[(at / chunk) % 2] ?? buffers[0];
      return file
        .read(buffer, 0, Math.min(chunk, size - at), at)
        .then(({ bytesRead }) => buffer.subarray(0, bytesRead));
    };
    let sum = 0;
    let next = partAt(0);
    for (let at = 0; at < size; at += chunk) {
      const part = await next;
      if (at + chunk < size) next = partAt(at + chunk);
      sum = crc32(part, sum);
    }
    return `${sum.toString(16).padStart(8, "0")}-${size}`;
  } finally {
    await file.close();
  }
}

/** Waits until the disk has what was written to a file: a power cut after a rename must not leave holes. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
