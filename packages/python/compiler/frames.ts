/** A stream of bytes -> the messages in it. Frames of the engine's protocol say themselves where they end. */

import { decodeMessage } from "@relprop/engine/protocol";

const padded = (length: number): number => 4 * Math.ceil(length / 4);

/**
 * Reads messages until the stream ends; what is left of a frame then is dropped.
 * @throws InputError for a frame that is none
 */
export async function* framesIn(stream: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  let held: Uint8Array<ArrayBufferLike> = new Uint8Array();
  for await (const chunk of stream) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (let length = lengthOf(held); length <= held.length; length = lengthOf(held)) {
      yield decodeMessage(held.subarray(0, length));
      held = held.subarray(length);
    }
  }
}

/** Bytes of the first frame; infinitely many while its header is not there. */
function lengthOf(bytes: Uint8Array): number {
  if (bytes.length < 4) return Infinity;
  const header = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  if (bytes.length < 4 + header) return Infinity;
  const { buffers } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + header))) as {
    buffers: readonly { readonly bytes: number }[];
  };
  return buffers.reduce((sum, { bytes }) => sum + padded(bytes), 4 + header);
}
