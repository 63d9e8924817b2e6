/** Collects the bytes of a file: small pieces are joined, large ones stay views. */

import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** Pieces up to this size are copied, which is cheaper than another chunk. */
const maxCopied = 1024;

/** The content of a file while it is written. */
export class Chunks {
  readonly #chunks: Uint8Array[] = [];
  #pending = new BinaryWriter();
  #pendingLength = 0;
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  /** Appends bytes, which must not change afterwards. */
  append(bytes: Uint8Array): void {
    this.#byteLength += bytes.length;
    if (bytes.length <= maxCopied) {
      this.#pending.raw(bytes);
      this.#pendingLength += bytes.length;
      return;
    }
    this.#flush();
    this.#chunks.push(bytes);
  }

  /** All bytes as chunks, in order. */
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
 * Copies chunks into one array.
 * @throws RangeError if the runtime cannot allocate as many bytes
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
