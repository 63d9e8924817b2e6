import { expect, test } from "vitest";
import { comparedNumbers, comparedSum } from "../../src/modes/interact/compared-numbers.ts";

const before = {
  logits: Float32Array.of(5, 1, 0, -1, -2),
  probabilities: Float32Array.of(0.97, 0.01, 0, 0, 0),
};
const after = {
  logits: Float32Array.of(1, 1, 4, -1, -3),
  probabilities: Float32Array.of(0.04, 0.04, 0.9, 0, 0),
};

test("the best classes before and after are compared, highest before first", () => {
  const rows = comparedNumbers(before, after, [], 2);
  expect(rows.map((row) => row.index)).toEqual([0, 1, 2]);
  expect(rows.map((row) => row.change)).toEqual([-4, 0, 4]);
  expect(rows[0]?.probability?.[0]).toBeCloseTo(0.97, 6);
  expect(rows[2]?.probability?.[1]).toBeCloseTo(0.9, 6);
});

test("what is explained is always among them, if the model has it", () => {
  expect(comparedNumbers(before, after, [4, 99], 1).map((row) => row.index)).toEqual([0, 2, 4]);
});

test("values have no probability, and an answer that is no list has the sum that is explained", () => {
  const values = comparedNumbers({ values: Float32Array.of(3) }, { values: Float32Array.of(5) }, []);
  expect(values).toEqual([{ index: 0, before: 3, after: 5, change: 2 }]);
  expect(comparedNumbers({}, {}, [])).toEqual([]);
  const numbers = { index: 2, logit: 7, value: 9 };
  const explained = { isWhole: false, isLength: false, elements: 12, start: 7, numbers };
  expect(comparedSum(4, explained)).toEqual([{ index: 2, before: 4, after: 7, change: 3 }]);
});
