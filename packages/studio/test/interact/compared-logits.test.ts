import { expect, test } from "vitest";
import { comparedLogits } from "../../src/interact/compared-logits.ts";

const before = Float32Array.of(5, 1, 0, -1, -2);
const after = Float32Array.of(1, 1, 4, -1, -3);

test("the best classes before and after are compared, highest before first", () => {
  const rows = comparedLogits(before, after, [], 2);
  expect(rows.map((row) => row.index)).toEqual([0, 1, 2]);
  expect(rows.map((row) => row.change)).toEqual([-4, 0, 4]);
  expect(rows[0]?.probability[0]).toBeGreaterThan(0.9);
  expect(rows[2]?.probability[1]).toBeGreaterThan(0.85);
});

test("what is explained is always among them, if the model has it", () => {
  expect(comparedLogits(before, after, [4, 99], 1).map((row) => row.index)).toEqual([0, 2, 4]);
});
