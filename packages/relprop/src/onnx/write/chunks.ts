/** Bytes in pieces: what is small is collected in a writer, what is large stays a view on where it came from. */

import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** Up to this size a copy is cheaper than another piece. */
const smallest = 1024;

export class Chunks {
  readonly #chunks: Uint8Array[] = [];
  #pending = new BinaryWriter();
  #pendingLength = 0;
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  append(bytes: Uint8Array): void {
    this.#byteLength += bytes.length;
    if (bytes.length <= smallest) {
      this.#pending.raw(bytes);
      this.#pendingLength += bytes.length;
      return;
    }
    this.#flush();
    this.#chunks.push(bytes);
  }

  finish(): readonly Uint8Array[] {
    this.#flush();
    return this.#chunks;
  }

  #flush(): void {
    if (this.#pendingLength > 0) this.#chunks.push(this.#pending.finish());
    this.#pending = new BinaryWriter();
    this.#pendingLength = 0;
  }
}

/**
 * The chunks in one array, for whoever needs it that way: a copy of everything.
 * @throws RangeError if the runtime cannot allocate that much at once
 */
export function concatChunks(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
