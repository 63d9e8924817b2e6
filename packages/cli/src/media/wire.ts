/** Messages through a pipe: what is said as JSON, and the bytes that belong to it. */

import type { Readable, Writable } from "node:stream";

/** A message as it arrives. */
export interface Message<Head> {
  readonly head: Head;
  readonly body: Uint8Array<ArrayBuffer>;
}

const none = new Uint8Array();

/** Bytes of the two lengths, of the JSON and of the body, that each message begins with. */
const lengths = 8;

/** Sends a message, and waits until the pipe has room for another. */
export async function send(to: Writable, head: object, body: Uint8Array = none): Promise<void> {
  const json = Buffer.from(JSON.stringify(head));
  const start = Buffer.alloc(lengths);
  start.writeUInt32LE(json.length, 0);
  start.writeUInt32LE(body.length, 4);
  to.write(start);
  const hasRoom = to.write(json);
  if (body.length > 0 ? !to.write(body) : !hasRoom) await room(to);
}

/** Waits until a pipe has room, or is gone: then it never has. */
const room = (to: Writable): Promise<void> =>
  new Promise((resolve) => {
    if (to.destroyed) return resolve();
    const done = (): void => {
      to.off("drain", done);
      to.off("close", done);
      resolve();
    };
    to.on("drain", done);
    to.on("close", done);
  });

/** The messages of a pipe, until it ends; half a message at the end is left out. */
export async function* messages<Head>(from: Readable): AsyncGenerator<Message<Head>, void, undefined> {
  const read = readerOf(from);
  for (;;) {
    const start = await read(lengths);
    if (!start) return;
    const view = new DataView(start.buffer);
    const json = await read(view.getUint32(0, true));
    const body = await read(view.getUint32(4, true));
    if (!json || !body) return;
    yield { head: JSON.parse(new TextDecoder().decode(json)) as Head, body };
  }
}

/** Gives so many bytes, in memory of their own; undefined if the pipe ends before. */
function readerOf(from: Readable): (length: number) => Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks = from[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let rest: Uint8Array = none;
  return async (length) => {
    const whole = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      if (rest.length === 0) {
        const { done, value } = await chunks.next();
        if (done === true) return undefined;
        rest = value;
      }
      const part = rest.subarray(0, length - filled);
      whole.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
    }
    return whole;
  };
}
