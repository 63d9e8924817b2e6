import * as fc from "fast-check";
import { InputError } from "@relprop/core";
import { expect, test } from "vitest";
import { decodeMessage, encodeMessage } from "../src/protocol.ts";

const request = {
  id: 7,
  ask: "explain",
  request: {
    picture: { data: Uint8ClampedArray.of(1, 2, 3, 255), width: 1, height: 1 },
    composite: "fischer",
    target: { kind: "contrast", index: 3, against: 5 },
    keep: 0.1,
  },
};

test("a message with typed arrays comes back as it was", () => {
  const message = { ...request, floats: Float32Array.of(1.5, -2), bytes: Uint8Array.of(9, 8, 7) };
  expect(decodeMessage(encodeMessage(message))).toEqual(message);
});

test("a Node Buffer is bytes like others, and what is read from one does not share its memory", () => {
  const frame = Buffer.from(encodeMessage({ bytes: Buffer.from([1, 2, 3]), floats: Float32Array.of(4, 5) }));
  const read = decodeMessage(frame);
  frame.fill(0);
  expect(read).toEqual({ bytes: Uint8Array.of(1, 2, 3), floats: Float32Array.of(4, 5) });
});

test("any plain data comes back", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), fc.uint8Array(), (value, bytes) => {
      const message = { value: JSON.parse(JSON.stringify(value)) as unknown, bytes };
      expect(decodeMessage(encodeMessage(message))).toEqual(message);
    }),
  );
});

test("a message may begin anywhere in memory", () => {
  const frame = encodeMessage(request);
  const shifted = new Uint8Array(frame.length + 3);
  shifted.set(frame, 3);
  expect(decodeMessage(shifted.subarray(3))).toEqual(request);
});

test("a frame that is cut short anywhere is refused", () => {
  const frame = encodeMessage(request);
  for (let length = 0; length < frame.length; length++) {
    expect(() => decodeMessage(frame.subarray(0, length)), `${length} bytes`).toThrow(InputError);
  }
});

test("arbitrary bytes are refused with words, never with a crash", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(() => decodeMessage(bytes)).toThrow(InputError);
    }),
  );
});

test.each([
  ["buffers that say more than there is", { buffers: [{ kind: "uint8", bytes: 400 }], message: {} }],
  ["a negative size", { buffers: [{ kind: "uint8", bytes: -4 }], message: {} }],
  ["an unknown kind", { buffers: [{ kind: "toString", bytes: 0 }], message: {} }],
  ["half a number", { buffers: [{ kind: "float32", bytes: 2 }], message: {} }],
  ["a reference to nothing", { buffers: [], message: { $buffer: 0 } }],
  ["no list of buffers", { buffers: {}, message: {} }],
  ["no message", { buffers: [] }],
])("%s is refused", (_what, header) => {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const frame = new Uint8Array(4 + text.length);
  new DataView(frame.buffer).setUint32(0, text.length, true);
  frame.set(text, 4);
  expect(() => decodeMessage(frame)).toThrow(InputError);
});
