import { expect, test } from "vitest";
import { npyFile } from "../../src/heatmap/index.ts";

test("a .npy file has NumPy's header, padded to 64 bytes, and the numbers after it", () => {
  const bytes = Buffer.from(npyFile(Float32Array.of(1, -2.5, 0, 3, 4, 5), [2, 3]));
  expect(bytes.subarray(0, 8)).toEqual(Buffer.from("\x93NUMPY\x01\x00", "latin1"));
  const header = bytes.readUInt16LE(8);
  expect((10 + header) % 64).toBe(0);
  expect(bytes.toString("latin1", 10, 10 + header)).toMatch(
    /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), \} *\n$/,
  );
  expect(bytes.readFloatLE(10 + header + 4)).toBe(-2.5);
  expect(bytes.length).toBe(10 + header + 24);
});

test("a vector's shape is a tuple of one", () => {
  expect(Buffer.from(npyFile(Float32Array.of(1), [1])).toString("latin1")).toContain("'shape': (1,)");
});
